//! What is done at the shell while no server runs, and what can never be done there.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::{Value, json};

use crate::stage::{Options, Server, admintrail, until};

fn event(panel: &str) -> String {
    json!({"panel": panel, "time": "2026-11-20T00:00:00Z", "method": "GET", "path": "/x"})
        .to_string()
}

#[test]
fn reading_the_record_is_recorded_without_a_server_too() {
    let dir = tempfile::tempdir().unwrap();
    admintrail(&["import", "-"])
        .data(dir.path())
        .run_with(&event("billing"))
        .ok();
    let said = admintrail(&["query", "admin:olena"]).data(dir.path()).run();
    assert!(!said.err.contains("Warning"), "{}", said.err);
    admintrail(&["export", "panel:billing", "--format", "csv"])
        .data(dir.path())
        .run()
        .ok();
    let looks = admintrail(&["query", "path:/cli/query,/cli/export", "--json"])
        .data(dir.path())
        .run()
        .ok();
    let looks: Vec<Value> = looks
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let objects: Vec<&str> = looks
        .iter()
        .filter_map(|look| look["object"].as_str())
        .collect();
    assert_eq!(objects, ["filter/panel:billing", "filter/admin:olena"]);
    assert!(looks[0]["admin"].as_str().unwrap().starts_with("shell:"));
}

#[test]
fn what_cannot_be_recorded_can_be_read_and_that_is_said() {
    let dir = tempfile::tempdir().unwrap();
    admintrail(&["import", "-"])
        .data(dir.path())
        .run_with(&event("billing"))
        .ok();
    // Somebody holds the folder and does not answer.
    let lock = std::fs::OpenOptions::new()
        .write(true)
        .open(dir.path().join("lock"))
        .unwrap();
    rustix::fs::flock(&lock, rustix::fs::FlockOperation::LockExclusive).unwrap();
    let said = admintrail(&["query", "panel:billing"])
        .data(dir.path())
        .run();
    assert_eq!((said.code, said.out.lines().count()), (0, 1), "{said:?}");
    assert!(
        said.err
            .contains("the record does not show that you read it")
            && said.err.contains("in use"),
        "{}",
        said.err
    );
}

#[test]
fn a_mistake_in_the_configuration_keeps_nobody_from_their_account() {
    let dir = tempfile::tempdir().unwrap();
    let (data, file) = (dir.path().join("data"), dir.path().join("admintrail.toml"));
    let text = format!(
        "version = 1\ndata = {:?}\nlisten = \"127.0.0.1:7171\"\nlissten = 1\n[[panel]]\nname = 3\n",
        data.display().to_string()
    );
    std::fs::write(&file, text).unwrap();
    let config = file.display().to_string();
    let add = [
        "account",
        "add",
        "--email",
        "o@x.example",
        "--role",
        "owner",
        "--config",
        &config,
    ];
    let said = admintrail(&add).run();
    assert_eq!(said.code, 0, "{said:?}");
    assert!(
        said.out.starts_with("http://127.0.0.1:7171/reset?token="),
        "what is right counts: {said:?}"
    );
    assert!(
        said.err.contains("Warning: the configuration has") && said.err.contains("lissten"),
        "{}",
        said.err
    );
    let reset = ["account", "reset-password", "--email", "o@x.example"];
    let said = admintrail(&reset).env("ADMINTRAIL_CONFIG", &config).run();
    assert!(said.out.contains("/reset?token="), "{said:?}");

    // Not even TOML: nobody knows the folder then, unless it is named.
    std::fs::write(&file, "version = = 1").unwrap();
    let said = admintrail(&reset).env("ADMINTRAIL_CONFIG", &config).run();
    assert_eq!(said.code, 2, "{said:?}");
    let said = admintrail(&reset)
        .env("ADMINTRAIL_CONFIG", &config)
        .data(&data)
        .run();
    assert!(
        said.out.contains("/reset?token=") && said.err.contains("not TOML"),
        "{said:?}"
    );
}

#[test]
fn nobody_adds_to_the_record_of_admintrails_own_use() {
    let dir = tempfile::tempdir().unwrap();
    let import = |args: &[&str], line: &str| {
        admintrail(&[&["import", "-"], args].concat())
            .data(dir.path())
            .run_with(line)
    };
    let token = |scope: &str| {
        admintrail(&[
            "token",
            "create",
            "--name",
            "t",
            "--scope",
            scope,
            "--panel",
            "admintrail",
        ])
        .data(dir.path())
        .run()
    };
    let forged = |server: &str| {
        let nameless = r#"{"time":"2026-11-20T00:00:00Z","method":"GET","path":"/forged"}"#;
        let said = import(&["--panel", "admintrail"], nameless);
        assert_eq!(said.code, 2, "{server} {said:?}");
        assert!(said.err.contains("nobody can add to"), "{}", said.err);
        for args in [&[][..], &["--panel", "billing"]] {
            let said = import(args, &event("admintrail").replace("/x", "/forged"));
            assert_eq!(said.code, 0, "{server} {said:?}");
            assert!(
                said.err
                    .contains("1 event of Admintrail's own use was left out"),
                "{}",
                said.err
            );
        }
        let said = token("ingest");
        assert_eq!(said.code, 2, "{server} {said:?}");
        assert!(said.err.contains("record of its own use"), "{}", said.err);
        let found = admintrail(&["query", "path:/forged"])
            .data(dir.path())
            .run();
        assert!(found.ok().is_empty(), "{server}");
    };
    forged("without a server");
    let _server = Server::on(dir.path(), &Options::default());
    forged("beside a server");
    token("read").ok();
}

#[test]
fn the_demo_refuses_a_configuration_that_it_would_not_read() {
    let said = admintrail(&["demo", "--config", "/etc/admintrail.toml"]).run();
    assert_eq!((said.code, said.out.as_str()), (2, ""), "{said:?}");
    assert!(said.err.contains("--config"), "{}", said.err);
}

#[tokio::test]
async fn folders_made_by_others_are_closed_to_others() {
    let dir = tempfile::tempdir().unwrap();
    let mode = |mode| {
        std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(mode)).unwrap();
    };
    let is = || std::fs::metadata(dir.path()).unwrap().permissions().mode() & 0o7777;
    mode(0o755);
    let mut server = Server::on(dir.path(), &Options::default());
    assert_eq!(is(), 0o700);
    assert_eq!(server.stop(), 0);
    mode(0o750);
    admintrail(&["account", "list"]).data(dir.path()).run().ok();
    assert_eq!(is(), 0o700, "a group is others too");

    // Where something else lives, nobody is locked out; it is said.
    std::fs::write(dir.path().join("letters.txt"), "").unwrap();
    mode(0o755);
    let server = Server::on(dir.path(), &Options::default());
    assert_eq!(is(), 0o755);
    until("it says how to close the folder", || async {
        server.log().contains("chmod 700").then_some(())
    })
    .await;
}

#[test]
fn a_mistyped_folder_begins_no_other_trail() {
    let dir = tempfile::tempdir().unwrap();
    let missing = dir.path().join("admintrial");
    for args in [
        &["query"][..],
        &["export", "--format", "csv"],
        &["account", "list"],
        &["account", "disable", "--email", "a@b.example"],
        &["account", "reset-password", "--email", "a@b.example"],
        &["token", "list"],
        &["token", "revoke", "--name", "a"],
    ] {
        let said = admintrail(args).data(&missing).run();
        assert_eq!((said.code, said.out.as_str()), (1, ""), "{args:?} {said:?}");
        assert!(
            said.err.contains("no trail in") && said.err.contains("--data"),
            "{args:?} {}",
            said.err
        );
        assert!(!missing.exists(), "{args:?}");
    }
    let add = [
        "account",
        "add",
        "--email",
        "o@x.example",
        "--role",
        "owner",
    ];
    let said = admintrail(&add).data(&missing).run();
    assert!(said.code == 0 && said.err.contains("is new"), "{said:?}");
}

#[test]
fn whoever_may_not_read_the_folder_is_told_who_may() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    admintrail(&["import", "-"])
        .data(&data)
        .run_with(&event("billing"))
        .ok();
    let mode = |folder: &Path, mode| {
        std::fs::set_permissions(folder, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    // Nothing is closed to root, who therefore asks as somebody else.
    let (as_other, closed) = if rustix::process::geteuid().is_root() {
        ("setpriv --reuid 65534 --regid 65534 --clear-groups", 0o700)
    } else {
        ("", 0o000)
    };
    mode(dir.path(), 0o755);
    mode(&data, closed);
    for command in [
        "query",
        "export --format csv",
        "account list",
        "healthcheck",
    ] {
        // Opened before the rights are gone, so that the binary may lie anywhere.
        let ask = format!("exec /proc/self/fd/3 {command} --data {}", data.display());
        let binary = env!("CARGO_BIN_EXE_admintrail");
        let line = format!("exec 3<{binary}; exec {as_other} sh -c '{ask}'");
        let mut shell = std::process::Command::new("sh");
        let done = shell.args(["-c", &line]).output().unwrap();
        let err = String::from_utf8_lossy(&done.stderr);
        assert_eq!(done.status.code(), Some(1), "{command}: {err}");
        assert!(err.contains("run this as the user"), "{command}: {err}");
    }
    mode(&data, 0o700);
}

#[test]
fn what_cannot_be_read_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().display().to_string();
    let said = admintrail(&["import", &folder, "--panel", "a"])
        .data(&dir.path().join("data"))
        .run();
    assert_eq!(said.code, 1, "{said:?}");
    assert!(
        said.err.contains(&format!("cannot read {folder}")),
        "{said:?}"
    );
}

/// The pages have the same rules (one module of theirs).
#[test]
fn names_that_the_pages_refuse_are_refused_here_too() {
    let dir = tempfile::tempdir().unwrap();
    let account = |email: &str, name: &str| {
        let args = [
            "account", "add", "--role", "viewer", "--email", email, "--name", name,
        ];
        admintrail(&args).data(dir.path()).run()
    };
    let token = |name: &str| {
        let args = ["token", "create", "--scope", "read", "--name", name];
        admintrail(&args).data(dir.path()).run()
    };
    for (said, flag) in [
        (account("<a@b.example>", ""), "--email: "),
        (account("a@b@c.example", ""), "--email: "),
        (account("a\u{202e}@b.example", ""), "--email: "),
        (account("a@b.example", "two\nlines"), "--name: "),
        (account("a@b.example", "\u{202e}anelo"), "--name: "),
        (account("a@b.example", &"x".repeat(101)), "--name: "),
        (token(&"x".repeat(65)), "--name: "),
        (token("a/b"), "--name: "),
        (token("\u{202e}"), "--name: "),
        (token(" "), "--name: "),
    ] {
        assert_eq!((said.code, said.out.as_str()), (2, ""), "{said:?}");
        assert!(said.err.contains(flag), "{flag} {said:?}");
    }
    account(" a@b.example ", "Olena Ä").ok();
    token("backup of billing-2.x").ok();
}
