//! `admintrail identity`: whose tokens and basic users are, beside a running server and without one.

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;

use crate::stage::{Options, Panel, Server, admintrail, everything_below, exchange, until};

const TOKEN: &str = "tok_CANARYtoken17x0123456789";
const OTHER: &str = "tok_CANARYother18x0123456789";

/// Takes [`TOKEN`] as a bearer, and `ci:CANARYpass19` as a basic user.
async fn guarded() -> Panel {
    Panel::answers(|seen, stream| {
        Box::pin(async move {
            let sent = seen.header("authorization").join("");
            let known = sent == format!("Bearer {TOKEN}") || sent == "Basic Y2k6Q0FOQVJZcGFzczE5";
            let reply: &[u8] = if known {
                b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
            } else {
                b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=x\r\nContent-Length: 2\r\n\r\nno"
            };
            stream.lock().await.write_all(reply).await.is_ok()
        })
    })
    .await
}

/// The event of a request that was just made.
async fn ask(server: &Server, path: &str, authorization: &str) -> Value {
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: a\r\nAuthorization: {authorization}\r\nConnection: close\r\n\r\n"
    );
    exchange(server.panel(), request.as_bytes()).await;
    until("the event of a request", || async {
        let path = path.split('?').next().unwrap();
        let filter = format!("panel:panel path:{path}");
        let found = server
            .command(&["query", &filter, "--json", "--limit", "1"])
            .run()
            .ok();
        let found: Value = serde_json::from_str(found.lines().next()?).ok()?;
        (!found.is_null()).then_some(found)
    })
    .await
}

#[tokio::test]
async fn a_token_is_named_at_once_and_that_it_was_is_on_record() {
    let panel = guarded().await;
    let options = Options {
        env: vec![("ADMINTRAIL_LOG".to_owned(), "trace".to_owned())],
        ..Options::panel(panel.address)
    };
    let mut server = Server::start(&options);
    let bearer = format!("Bearer {TOKEN}");
    let before = ask(&server, "/one", &bearer).await;
    assert_eq!(before["admin"], Value::Null, "{before}");
    let fingerprint = before["session"].as_str().unwrap().to_owned();

    // By what the page shows, or by the token itself: they are the same.
    let map = ["identity", "map", "--panel", "panel", "--admin", "ci-bot"];
    let by_token = [&map[..], &["--name", "CI", "--token-stdin"]].concat();
    let said = server.command(&by_token).run_with(&format!("{TOKEN}\n"));
    assert_eq!(said.ok().trim(), fingerprint);
    let event = ask(&server, "/two", &bearer).await;
    let seen = (&event["admin"], &event["admin_name"], &event["known_by"]);
    assert_eq!(seen, (&json!("ci-bot"), &json!("CI"), &json!("token")));

    let unmap = ["identity", "unmap", "--panel", "panel"];
    let by_print = [&unmap[..], &["--fingerprint", &fingerprint]].concat();
    server.command(&by_print).run().ok();
    assert_eq!(ask(&server, "/three", &bearer).await["admin"], Value::Null);
    let again = server.command(&by_print).run();
    assert_eq!(again.code, 2);
    assert!(again.err.contains("identity list"), "{}", again.err);

    let refused = ask(&server, "/four", &format!("Bearer {OTHER}")).await;
    let shown = refused["session"].as_str().unwrap();
    let tried = format!("unknown token #{}", &shown[..8]);
    let seen = (&refused["attempted"], &refused["known_by"]);
    assert_eq!(seen, (&json!(tried), &json!("attempt")));

    let own = server
        .command(&["query", "panel:admintrail path:/cli/identity", "--json"])
        .run()
        .ok();
    for action in [
        format!("Named token {} of panel as ci-bot", &fingerprint[..8]),
        format!("Unnamed token {} of panel (was ci-bot)", &fingerprint[..8]),
    ] {
        assert!(own.contains(&action), "{action} in {own}");
    }
    assert_eq!(
        own.lines().count(),
        2,
        "a list that failed changes nothing: {own}"
    );

    let dir = server.dir().to_owned();
    let log = server.log();
    assert_eq!(server.stop(), 0);
    for canary in ["CANARY", "Y2k6Q0FOQVJZ"] {
        assert!(!log.contains(canary), "{canary} is in the log");
        for file in everything_below(&dir) {
            let bytes = std::fs::read(&file).unwrap_or_default();
            let found = bytes
                .windows(canary.len())
                .any(|window| window == canary.as_bytes());
            assert!(!found, "{canary} is in {}", file.display());
        }
    }
}

#[tokio::test]
async fn a_basic_user_named_without_a_server_is_named_when_it_runs() {
    let panel = guarded().await;
    let own = tempfile::tempdir().unwrap();
    let dir = own.path().join("data");
    let mut server = Server::on(&dir, &Options::panel(panel.address));
    assert_eq!(server.stop(), 0);
    let map = [
        "identity",
        "map",
        "--panel",
        "panel",
        "--admin",
        "ci-bot",
        "--basic-user",
        "ci",
    ];
    let said = admintrail(&map).data(&dir).run();
    assert_eq!(said.code, 0, "{}", said.err);
    // No configuration was read, so no panel of the name is known.
    assert!(
        said.err.contains("no panel panel is configured"),
        "{}",
        said.err
    );

    let mut server = Server::on(&dir, &Options::panel(panel.address));
    let basic = "Basic Y2k6Q0FOQVJZcGFzczE5";
    for path in ["/asks", "/asks/1"] {
        let stranger = format!("GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        exchange(server.panel(), stranger.as_bytes()).await;
    }
    let event = ask(&server, "/asks/2", basic).await;
    let seen = (&event["admin"], &event["known_by"]);
    assert_eq!(seen, (&json!("ci-bot"), &json!("basic")), "{event}");
    let list = server.command(&["identity", "list", "--json"]).run().ok();
    let list: Value = serde_json::from_str(&list).unwrap();
    let seen = (
        &list[0]["basic_user"],
        &list[0]["admin"],
        &list[0]["configured"],
    );
    assert_eq!(seen, (&json!("ci"), &json!("ci-bot"), &json!(false)));
    assert_eq!(server.stop(), 0);
}

#[tokio::test]
async fn what_was_mapped_and_unmapped_stays_so_after_a_restart() {
    let panel = guarded().await;
    let own = tempfile::tempdir().unwrap();
    let dir = own.path().join("data");
    let options = Options::panel(panel.address);
    let bearer = format!("Bearer {TOKEN}");
    let mut server = Server::on(&dir, &options);
    let shown = ask(&server, "/one", &bearer).await["session"].clone();
    // As much of it as the page shows.
    let prefix = &shown.as_str().unwrap()[..8];
    let of_prefix = ["--panel", "panel", "--fingerprint", prefix];
    let map = [
        &["identity", "map", "--admin", "ci-bot"][..],
        &of_prefix[..],
    ]
    .concat();
    let said = server.command(&map).run().ok();
    assert_eq!(json!(said.trim()), shown);
    assert_eq!(server.stop(), 0);

    let mut server = Server::on(&dir, &options);
    let event = ask(&server, "/two", &bearer).await;
    assert_eq!(event["admin"], json!("ci-bot"), "{event}");
    assert_eq!(server.stop(), 0);
    let unmap = [&["identity", "unmap"][..], &of_prefix[..]].concat();
    admintrail(&unmap).data(&dir).run().ok();

    let server = Server::on(&dir, &options);
    let event = ask(&server, "/three", &bearer).await;
    assert_eq!(event["admin"], Value::Null, "{event}");
    let own = server
        .command(&["query", "panel:admintrail path:/cli/identity", "--json"])
        .run()
        .ok();
    assert_eq!(own.lines().count(), 2, "{own}");
}

#[test]
fn a_beginning_of_a_fingerprint_counts_only_where_it_says_which() {
    let own = tempfile::tempdir().unwrap();
    let data = own.path().join("data");
    let add = [
        "account",
        "add",
        "--email",
        "a@x.example",
        "--role",
        "owner",
    ];
    admintrail(&add).data(&data).run().ok();
    let line = |session: &str, known: &str| {
        format!(
            "{{\"time\":\"2026-11-22T14:31:58Z\",\"panel\":\"billing\",\"method\":\"GET\",\
             \"path\":\"/\",\"session\":\"{session}\"{known}}}\n"
        )
    };
    let events = line("77f0a1b2c3d4e5f60718293a4b5c6d7e", "")
        + &line("77f0a1b2ffffffffffffffffffffffff", "")
        + &line("88f0a1b2c3d4e5f60718293a4b5c6d7e", "");
    let import = ["import", "-", "--panel", "billing"];
    admintrail(&import).data(&data).run_with(&events).ok();
    let run = |verb: &str, print: &str| {
        let mut args = vec!["identity", verb, "--panel", "billing"];
        if verb == "map" {
            args.extend(["--admin", "ci"]);
        }
        args.extend(["--fingerprint", print]);
        admintrail(&args).data(&data).run()
    };
    for (verb, print, part) in [
        ("map", "77f0a1b2", "begins several"),
        ("map", "77f0a1b", "at least the first 8"),
        ("map", "99f0a1b2", "write all 32 digits"),
        // Of what is named only; nothing is yet.
        ("unmap", "88f0a1b2", "write all 32 digits"),
        (
            "map",
            "88f0a1b2c3d4e5f60718293a4b5c6d7eff",
            "32 hexadecimal",
        ),
    ] {
        let said = run(verb, print);
        assert_eq!(said.code, 2, "{print}: {}", said.err);
        assert!(said.err.contains(part), "{part} in {}", said.err);
    }
    let said = run("map", "88F0A1B2").ok();
    assert_eq!(said.trim(), "88f0a1b2c3d4e5f60718293a4b5c6d7e");
    run("map", "77f0a1b2c").ok();
    // One that no event shows is taken whole.
    run("map", "99f0a1b2c3d4e5f60718293a4b5c6d7e").ok();
    run("unmap", "77f0a1b2").ok();
    let left = admintrail(&["identity", "list"]).data(&data).run().ok();
    assert!(
        left.contains("88f0a1b2") && left.contains("99f0a1b2") && !left.contains("77f0a1b2"),
        "{left}"
    );
}

#[tokio::test]
async fn what_configuration_names_is_named_and_only_it_can_change_that() {
    let panel = guarded().await;
    let digest = {
        use sha2::{Digest, Sha256};
        let digest = Sha256::digest(TOKEN.as_bytes());
        digest
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>()
    };
    let options = Options {
        config: format!(
            "version = 1\n[[panel]]\nname = \"panel\"\nupstream = \"http://{}\"\n\
             listen = \"127.0.0.1:0\"\ntoken_parameter = \"ticket\"\n\
             [[panel.identity]]\ntoken_sha256 = \"{digest}\"\nadmin = \"ci-bot\"\nname = \"CI\"\n",
            panel.address
        ),
        ..Options::default()
    };
    let server = Server::start(&options);
    let event = ask(&server, "/one", &format!("Bearer {TOKEN}")).await;
    assert_eq!(event["admin"], json!("ci-bot"), "{event}");
    let event = ask(&server, "/two?ticket=CANARYticket20&x=1", "Bearer null").await;
    assert_eq!(event["query"], json!("ticket=[redacted]&x=1"));
    assert_eq!(event["known_by"], json!("attempt"));
    let map = [
        "identity",
        "map",
        "--panel",
        "panel",
        "--admin",
        "boris",
        "--token-stdin",
    ];
    let said = server.command(&map).run_with(TOKEN);
    assert_eq!(said.code, 2);
    assert!(said.err.contains("the configuration says"), "{}", said.err);
    let list = server.command(&["identity", "list"]).run().ok();
    assert!(
        list.contains("configuration") && list.contains("ci-bot"),
        "{list}"
    );
}

#[test]
fn what_cannot_be_named_is_told_before_anything_changes() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    admintrail(&[
        "account",
        "add",
        "--email",
        "a@x.example",
        "--role",
        "owner",
    ])
    .data(&data)
    .run()
    .ok();
    let base = ["identity", "map", "--panel", "billing", "--admin"];
    for (rest, input, part) in [
        (
            &["ci", "--fingerprint", "77f0"][..],
            "",
            "32 hexadecimal digits",
        ),
        (&["ci", "--token-stdin"], " \n", "no token"),
        (&["ci", "--basic-user", "ci:secret"], "", "user name alone"),
        (&["ci", "--basic-user", " "], "", "--basic-user is empty"),
        (&[" ", "--basic-user", "ci"], "", "--admin is empty"),
        (&["ci"], "", "required"),
        (
            &["ci", "--basic-user", "ci", "--token-stdin"],
            "",
            "cannot be used with",
        ),
    ] {
        let said = admintrail(&[&base[..], rest].concat())
            .data(&data)
            .run_with(input);
        assert_eq!(said.code, 2, "{rest:?}: {}", said.err);
        assert!(said.err.contains(part), "{part} in {}", said.err);
    }
    let own = [
        "identity",
        "map",
        "--panel",
        "admintrail",
        "--admin",
        "a",
        "--basic-user",
        "b",
    ];
    assert_eq!(admintrail(&own).data(&data).run().code, 2);
    let list = admintrail(&["identity", "list", "--json"])
        .data(&data)
        .run()
        .ok();
    assert_eq!(list.trim(), "[]");
}
