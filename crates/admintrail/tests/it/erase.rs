//! `admintrail erase`, beside a running server and without one.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;

use crate::stage::{Options, Panel, Server, admintrail, everything_below, exchange, until};

const TOM: &str = "Tom.Sanders@hosting.example";
const PASSWORD: &str = "correct-horse-battery";

/// What Tom and Olena did.
fn lines() -> String {
    (0..40)
        .map(|n| {
            let admin = if n % 4 == 0 { TOM } else { "olena@hosting.example" };
            let event = json!({
                "panel": if n % 8 == 0 { "shop" } else { "billing" },
                "time": format!("2026-11-20T00:00:{n:02}Z"), "method": "POST", "path": format!("/c/{n}"),
                "status": 200, "admin": admin, "admin_name": "T. S.", "ip": "198.51.100.7",
                "user_agent": format!("Browser of {}", n % 4),
            });
            format!("{event}\n")
        })
        .collect()
}

fn recorded(dir: &Path) {
    let import = admintrail(&["import", "-"]).data(dir);
    let said = import.run_with(&lines());
    assert_eq!(said.code, 0, "{said:?}");
}

fn owner(dir: &Path, name: &str) {
    let email = format!("{name}@hosting.example");
    let add = [
        "account",
        "add",
        &email,
        "--role",
        "owner",
        "--password-stdin",
    ];
    let said = admintrail(&add).data(dir).run_with(PASSWORD);
    assert_eq!(said.code, 0, "{said:?}");
}

fn erase<'a>(admin: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let reason = "Article 17, asked for on paper";
    [&["erase", "--admin", admin, "--reason", reason], more].concat()
}

/// Every file of the folder in which the person is named, in any case.
fn named_in(dir: &Path) -> Vec<String> {
    let wanted = b"tom.sanders";
    let names = |path: &PathBuf| {
        let bytes = std::fs::read(path).unwrap_or_default();
        bytes
            .windows(wanted.len())
            .any(|part| part.eq_ignore_ascii_case(wanted))
    };
    let named = everything_below(dir).into_iter().filter(names);
    named.map(|path| path.display().to_string()).collect()
}

fn count(dir: &Path, filter: &str) -> usize {
    let query = ["query", filter, "--limit", "1000", "--json"];
    admintrail(&query).data(dir).run().ok().lines().count()
}

/// What the record has of the commands themselves.
fn commands(dir: &Path) -> Vec<(String, String)> {
    let query = ["query", "panel:admintrail path:/cli/erase", "--json"];
    let said = admintrail(&query).data(dir).run().ok();
    let of = |line: &str| {
        let event: Value = serde_json::from_str(line).unwrap();
        let text = |name: &str| event[name].as_str().unwrap_or_default().to_owned();
        (text("action"), text("object"))
    };
    said.lines().map(of).collect()
}

fn listed(dir: &Path) -> Vec<Value> {
    let said = admintrail(&["erase", "list", "--json"])
        .data(dir)
        .run()
        .ok();
    serde_json::from_str(&said).unwrap()
}

#[test]
fn without_a_server_a_person_is_erased_and_the_record_stays_intact() {
    let dir = tempfile::tempdir().unwrap();
    recorded(dir.path());
    owner(dir.path(), "marek");
    let said = admintrail(&erase("tom.sanders@HOSTING.example", &["--yes"]))
        .data(dir.path())
        .run();
    assert_eq!(said.code, 0, "{said:?}");
    let pseudonym = said.out.trim();
    assert!(pseudonym.starts_with("erased-"), "{said:?}");
    assert!(
        said.err.contains("10 events on")
            && said.err.contains("from 2026-11-20T00:00:00")
            && said.err.contains("cannot be undone")
            && said.err.contains("Backups"),
        "{}",
        said.err
    );
    assert!(
        said.err.contains("admintrail verify prints it"),
        "{}",
        said.err
    );
    assert_eq!(count(dir.path(), &format!("admin:{pseudonym}")), 10);
    assert_eq!(count(dir.path(), "admin:olena@hosting.example"), 30);
    assert_eq!(named_in(dir.path()), Vec::<String>::new());
    let verified = admintrail(&["verify"]).data(dir.path()).run();
    assert_eq!(verified.code, 0, "{verified:?}");
    assert!(
        verified.out.contains(&format!("now known as {pseudonym}"))
            && verified.out.contains("(marek@hosting.example)"),
        "{}",
        verified.out
    );
    let object = format!("erasure/{pseudonym}");
    let action = "Asked for a person to be erased as marek@hosting.example".to_owned();
    let looked = "Looked at what there is of a person to erase".to_owned();
    assert_eq!(
        commands(dir.path()),
        [(action, object), (looked, String::new())]
    );
    let list = listed(dir.path());
    assert_eq!(list.len(), 1);
    assert_eq!(
        (&list[0]["state"], &list[0]["admin"]),
        (&json!("done"), &Value::Null)
    );
    let table = admintrail(&["erase", "list"]).data(dir.path()).run().ok();
    assert!(
        table.contains(pseudonym) && table.contains("Article 17"),
        "{table}"
    );

    let again = admintrail(&erase(TOM, &["--yes"])).data(dir.path()).run();
    assert_eq!(again.code, 2, "{again:?}");
    assert!(again.err.contains("STORE-013"), "{}", again.err);
    let twice = admintrail(&erase(pseudonym, &["--yes"]))
        .data(dir.path())
        .run();
    assert_eq!(twice.code, 2, "{twice:?}");
    assert!(twice.err.contains("no name left to erase"), "{}", twice.err);
}

#[test]
fn nobody_who_could_be_asked_and_no_yes_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    recorded(dir.path());
    let said = admintrail(&erase(TOM, &[])).data(dir.path()).run();
    assert_eq!(said.code, 2, "{said:?}");
    assert!(
        said.err.contains("10 events on") && said.err.contains("--yes"),
        "{}",
        said.err
    );
    assert_eq!(count(dir.path(), &format!("admin:{TOM}")), 10);
    assert!(listed(dir.path()).is_empty());

    for (args, told) in [
        (vec!["erase", "--admin", TOM], "--reason"),
        (vec!["erase", "--reason", "x"], "--admin"),
        (erase("tom.sanders@elsewhere.example", &["--yes"]), TOM),
        (
            erase(TOM, &["--yes", "--by", "eva@hosting.example"]),
            "is no owner",
        ),
        (
            vec!["erase", "--admin", TOM, "--reason", "  ", "--yes"],
            "Say why",
        ),
        (vec!["erase", "withdraw", "7"], "no such request"),
        (
            vec!["erase", "approve", "7", "--by", "eva@hosting.example"],
            "--password-stdin",
        ),
    ] {
        let said = admintrail(&args).data(dir.path()).run();
        assert_eq!(said.code, 2, "{args:?} {said:?}");
        assert!(said.err.contains(told), "{args:?} {}", said.err);
    }
    assert_eq!(count(dir.path(), &format!("admin:{TOM}")), 10);
}

#[test]
fn a_user_name_leaves_sentences_and_searches_of_ours_too() {
    let dir = tempfile::tempdir().unwrap();
    let event = |second: u64, more: Value| {
        let mut event = json!({
            "panel": "billing", "time": format!("2026-11-20T00:00:{second:02}Z"), "method": "POST",
            "path": "/login", "status": 401, "ip": "198.51.100.7",
        });
        let fields = event.as_object_mut().unwrap();
        fields.extend(more.as_object().unwrap().clone());
        format!("{event}\n")
    };
    let lines = [
        event(0, json!({"attempted": "tom.sanders"})),
        event(
            1,
            json!({"admin": "tom.sanders", "path": "/x", "status": 200}),
        ),
        event(
            2,
            json!({"admin": "olena", "acting_as": "Tom.Sanders", "path": "/y", "status": 200}),
        ),
    ];
    let import = admintrail(&["import", "-"]).data(dir.path());
    assert_eq!(import.run_with(&lines.concat()).code, 0);
    let map = ["identity", "map", "--panel", "billing", "--basic-user"];
    for (user, admin) in [
        ("ci", "tom.sanders"),
        ("tom.sanders", "olena"),
        ("ci", "olena"),
    ] {
        let map = [&map[..], &[user, "--admin", admin]].concat();
        admintrail(&map).data(dir.path()).run().ok();
    }
    assert_eq!(count(dir.path(), "admin:tom.sanders"), 1);
    let said = admintrail(&erase("tom.sanders", &["--yes"]))
        .data(dir.path())
        .run();
    said.ok();
    assert_eq!(named_in(dir.path()), Vec::<String>::new());
    assert_eq!(admintrail(&["verify"]).data(dir.path()).run().code, 0);
}

#[tokio::test]
async fn beside_a_server_a_second_owner_approves_with_a_password() {
    let panel = Panel::fine().await;
    let server = Server::start(&Options::panel(panel.address));
    let dir = server.dir();
    recorded(dir);
    owner(dir, "marek");
    owner(dir, "olena");
    let by = ["--yes", "--json", "--by", "marek@hosting.example"];
    // Whoever is named has to prove it, or one of two were enough.
    let unproven = server.command(&erase(TOM, &by)).run();
    assert_eq!(unproven.code, 2, "{unproven:?}");
    assert!(unproven.err.contains("--password-stdin"), "{unproven:?}");
    let by = [&by[..], &["--password-stdin"]].concat();
    let said = server.command(&erase(TOM, &by)).run_with(PASSWORD);
    assert!(said.err.contains("waits for another owner"), "{said:?}");
    let waiting: Value = serde_json::from_str(&said.ok()).unwrap();
    assert_eq!(waiting["state"], "waiting");
    let id = waiting["id"].to_string();
    let second = server.command(&erase(TOM, &by)).run_with(PASSWORD);
    assert_eq!(second.code, 2, "{second:?}");
    assert!(second.err.contains("asked for already"), "{}", second.err);

    let approve = |by: &str, password: &str| {
        let args = ["erase", "approve", &id, "--by", by, "--password-stdin"];
        server.command(&args).run_with(password)
    };
    let wrong = approve("olena@hosting.example", "wrong-horse-battery");
    assert_eq!(wrong.code, 2, "{wrong:?}");
    assert!(wrong.err.contains("not the password"), "{}", wrong.err);
    let own = approve("marek@hosting.example", PASSWORD);
    assert_eq!(own.code, 2, "{own:?}");
    assert!(own.err.contains("cannot approve it too"), "{}", own.err);
    assert_eq!(count(dir, &format!("admin:{TOM}")), 10);

    let done = approve("olena@hosting.example", PASSWORD);
    let pseudonym = waiting["pseudonym"].as_str().unwrap();
    assert!(done.err.contains("rewritten; entry"), "{done:?}");
    assert_eq!(done.ok().trim(), pseudonym);
    assert_eq!(count(dir, &format!("admin:{pseudonym}")), 10);
    assert_eq!(named_in(dir), Vec::<String>::new());
    let log = server.log().to_lowercase();
    assert!(
        !log.contains("tom.sanders") && !log.contains(PASSWORD),
        "{log}"
    );
    let verified = server.command(&["verify", "--json"]).run().ok();
    let verified: Value = serde_json::from_str(&verified).unwrap();
    assert_eq!(verified["state"], "intact");
    let statement = &verified["statements"].as_array().unwrap().last().unwrap();
    assert_eq!(
        (
            &statement["subject"],
            &statement["by"],
            &statement["approved_by"]
        ),
        (
            &json!(pseudonym),
            &json!("marek@hosting.example"),
            &json!("olena@hosting.example")
        )
    );
}

#[tokio::test]
async fn a_request_is_taken_back_at_the_shell() {
    let panel = Panel::fine().await;
    let server = Server::start(&Options::panel(panel.address));
    recorded(server.dir());
    owner(server.dir(), "marek");
    owner(server.dir(), "olena");
    // Two owners and no word whose: the user of the shell asks.
    server.command(&erase(TOM, &["--yes"])).run().ok();
    let list = listed(server.dir());
    assert!(
        list[0]["requested_by"]
            .as_str()
            .unwrap()
            .starts_with("shell:")
    );
    let id = list[0]["id"].to_string();
    let said = server.command(&["erase", "withdraw", &id]).run();
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.err.contains("nothing was changed"), "{}", said.err);
    let list = listed(server.dir());
    assert_eq!(
        (&list[0]["state"], &list[0]["admin"]),
        (&json!("withdrawn"), &Value::Null)
    );
    assert_eq!(server.command(&["erase", "withdraw", &id]).run().code, 2);
}

#[tokio::test]
async fn what_the_server_itself_learned_of_a_person_goes_too() {
    // Lets in who has a name, and asks strangers for one.
    let panel = Panel::answers(|seen, stream| {
        let named = !seen.header("authorization").is_empty();
        Box::pin(async move {
            let answer: &[u8] = if named {
                b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 2\r\n\r\nok"
            } else {
                b"HTTP/1.1 401 No\r\nWWW-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n"
            };
            stream.lock().await.write_all(answer).await.is_ok()
        })
    })
    .await;
    let server = Server::start(&Options::panel(panel.address));
    owner(server.dir(), "marek");
    // `Tom.Sanders:right`
    let get = "GET /users/list HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    exchange(server.panel(), get.as_bytes()).await;
    let basic = get.replace(
        "Host",
        "Authorization: Basic VG9tLlNhbmRlcnM6cmlnaHQ=\r\nHost",
    );
    for _ in 0..3 {
        exchange(server.panel(), basic.as_bytes()).await;
    }
    server.events_when("admin:tom.sanders", 1).await;
    // What is learned is kept within a second.
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    let before = named_in(server.dir());
    assert!(
        before.iter().any(|file| file.contains("control.db")),
        "{before:?}"
    );
    let said = server.command(&erase("tom.sanders", &["--yes"])).run();
    said.ok();
    assert_eq!(named_in(server.dir()), Vec::<String>::new());
}

#[tokio::test]
async fn an_erasure_that_a_crash_interrupts_is_done_by_the_next_start() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let mut server = Server::on(&data, &Options::default());
    recorded(&data);
    owner(&data, "marek");
    let child = server.command(&erase(TOM, &["--yes"])).spawn();
    until("it is asked for", || async {
        (!listed(&data).is_empty()).then_some(())
    })
    .await;
    server.kill();
    let said = child.wait_with_output().unwrap();
    // A killed server's journal may hold what only a start can read.
    let alone = admintrail(&erase("olena@hosting.example", &["--yes"]))
        .data(&data)
        .run();
    assert_eq!(alone.code, 1, "{alone:?}");
    assert!(alone.err.contains("start the server once"), "{}", alone.err);

    let mut server = Server::on(&data, &Options::default());
    until("it is done", || async {
        (listed(&data)[0]["state"] == "done").then_some(())
    })
    .await;
    let said = String::from_utf8_lossy(&said.stderr).into_owned();
    assert_eq!(named_in(&data), Vec::<String>::new(), "{said}");
    let pseudonym = listed(&data)[0]["pseudonym"].clone();
    let filter = format!("admin:{}", pseudonym.as_str().unwrap());
    assert_eq!(count(&data, &filter), 10);
    assert_eq!(server.command(&["verify"]).run().code, 0);
    assert_eq!(server.stop(), 0);
    assert_eq!(named_in(&data), Vec::<String>::new());
}
