//! Threat 3: nothing that strangers send takes hold of a terminal or forges a line of the log.

use serde_json::{Value, json};

use crate::stage::{Options, Panel, Server, admintrail, exchange};

/// Colours, a window title, line ends, the 8-bit form of an escape, direction, NUL.
const HOSTILE: &str =
    "a\u{1b}[31mb\u{1b}]0;t\u{7}\r\n2026-11-23T00:00:00Z  INFO forged\u{9b}2J\u{202e}z\0";

/// No terminal and no line-wise reader sees more in it than text and line ends.
fn assert_harmless(what: &str, text: &str) {
    for line in text.split('\n') {
        let found = line.chars().find(|c| {
            c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        });
        assert_eq!(found, None, "{what}: {line:?}");
        assert!(
            !line.starts_with("2026-11-23T00:00:00Z"),
            "{what}: {line:?}"
        );
    }
}

#[test]
fn hostile_values_are_plain_text_in_every_command() {
    let dir = tempfile::tempdir().unwrap();
    let mut event =
        json!({"panel": "billing", "time": "2026-11-20T00:00:00Z", "method": "GET", "path": "/"});
    for field in [
        "query",
        "admin",
        "admin_name",
        "acting_as",
        "user_agent",
        "host",
        "action",
        "object",
        "route",
    ] {
        event[field] = json!(HOSTILE);
    }
    let attempt = json!({"panel": "billing", "time": "2026-11-20T00:00:00Z", "method": "POST", "path": "/", "attempted": HOSTILE});
    let bad = json!({"panel": HOSTILE, "time": HOSTILE, HOSTILE: 1});
    let no_request = json!({"panel": "billing", "time": "2026-11-20T00:00:00Z", "method": HOSTILE, "path": HOSTILE});
    let lines = format!("{event}\n{attempt}\n{bad}\n{no_request}\n{{\"panel\"\u{1b}[31m\n");
    let file = dir.path().join("ev\u{1b}[31mil.ndjson");
    std::fs::write(&file, lines).unwrap();
    let file = file.display().to_string();
    let data = dir.path().join("data");
    let named = format!("--name={}", &HOSTILE[..HOSTILE.len() - 1]);
    let calls: [&[&str]; 9] = [
        &["import", &file],
        &["query", "panel:billing"],
        &["query", "panel:billing", "--json"],
        &["export", "--format", "ndjson", "panel:billing"],
        &["query", "admin:\u{1b}[31m\u{202e} colour:red"],
        &[
            "account",
            "add",
            "--email",
            "a@b.example",
            "--role",
            "viewer",
            &named,
        ],
        &["account", "disable", "--email", "\u{1b}[31m"],
        &["token", "create", "--scope", "read", &named],
        &["query", "--config", "/nowhere/\u{1b}[31m"],
    ];
    for args in calls {
        let mut command = admintrail(args);
        if !args.contains(&"--config") {
            command = command.data(&data);
        }
        let said = command.run();
        // Names come from people who may do this; none of them reaches a list.
        if args.contains(&named.as_str()) {
            assert_eq!(said.code, 2, "{args:?}: {said:?}");
        }
        assert_harmless(&format!("{args:?} out"), &said.out);
        assert_harmless(&format!("{args:?} err"), &said.err);
    }
    let found = admintrail(&["query", "panel:billing"]).data(&data).run();
    assert_eq!(found.out.lines().count(), 2, "{found:?}");
}

/// Played by util-linux's `script`, which is where a terminal is.
#[test]
fn whoever_watches_an_import_sees_how_far_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let line = json!({"time": "2026-11-20T00:00:00Z", "method": "GET", "path": "/"}).to_string();
    let file = dir.path().join("events.ndjson");
    std::fs::write(&file, (line + "\n").repeat(5_000)).unwrap();
    let seen = |import: &str| {
        let shell = format!(
            "stty cols 120; {import} --panel billing --data {}/data",
            dir.path().display()
        );
        let done = std::process::Command::new("script")
            .args(["-qec", &shell, "/dev/null"])
            .stdin(std::process::Stdio::null())
            .output()
            .unwrap();
        assert!(done.status.success(), "{done:?}");
        String::from_utf8(done.stdout).unwrap()
    };
    let (binary, file) = (env!("CARGO_BIN_EXE_admintrail"), file.display());
    let bar = seen(&format!("{binary} import {file}"));
    for part in ["KiB/", " events/s, ", " left", "5000 imported"] {
        assert!(bar.contains(part), "{part}: {bar}");
    }
    let spinner = seen(&format!("cat {file} | {binary} import -"));
    assert!(
        spinner.contains(" events/s") && !spinner.contains(" left"),
        "{spinner}"
    );
}

#[tokio::test]
async fn hostile_requests_are_plain_text_in_the_log_and_in_a_tail() {
    let panel = Panel::fine().await;
    let options = Options {
        env: vec![("ADMINTRAIL_LOG".to_owned(), "trace".to_owned())],
        ..Options::panel(panel.address)
    };
    let mut server = Server::start(&options);
    let escapes = "%1b%5b31m%0d%0a2026-11-23T00:00:00Z%20%20INFO%20forged%c2%9b%e2%80%ae";
    let form = format!("username=root{escapes}&password=x");
    let requests = [
        // As far as HTTP lets them through, and as it does not.
        format!(
            "GET /{escapes}?q={escapes} HTTP/1.1\r\nHost: a\r\nUser-Agent: \u{9b}31m\u{202e}\r\n"
        ),
        format!(
            "POST /login HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n",
            form.len()
        ),
        "GET /\u{1b}[31m HTTP/1.1\r\nHost: a\r\n".to_owned(),
        "GET / HTTP/1.1\r\nHost: \u{1b}[31m\r\n".to_owned(),
        "G\u{1b}[31mT / HTTP/1.1\r\nHost: a\r\n".to_owned(),
        "GET / HTTP/1.1\r\nHost: a\r\nX: \u{1b}[31m\r\n".to_owned(),
        "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: \u{9b}31m\r\n".to_owned(),
    ];
    for address in [server.panel(), server.pages] {
        for request in &requests {
            let body = if request.starts_with("POST") {
                &form
            } else {
                ""
            };
            let bytes = format!("{request}Connection: close\r\n\r\n{body}");
            exchange(address, bytes.as_bytes()).await;
        }
    }
    server.events_when("", 2).await;
    let shown = server.command(&["query", "--limit", "1000"]).run();
    assert_harmless("query", &shown.out);
    let mut tail = server
        .command(&["tail", "panel:panel", "-n", "100"])
        .spawn();
    let mut out = std::io::BufReader::new(tail.stdout.take().unwrap());
    for _ in 0..2 {
        let mut line = String::new();
        std::io::BufRead::read_line(&mut out, &mut line).unwrap();
        assert_harmless("tail", line.trim_end_matches('\n'));
        assert!(line.contains("127.0.0.1"), "{line:?}");
    }
    tail.kill().unwrap();
    tail.wait().unwrap();
    let events: Vec<Value> = server.events("");
    assert!(
        events
            .iter()
            .any(|event| event["path"].as_str().unwrap().contains("%1b%5b31m"))
    );
    assert_eq!(server.stop(), 0);
    assert_harmless("the log", &server.log());
}
