//! `admintrail preset test`: a preset grows from what was recorded.

use std::path::Path;

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;

use crate::stage::{Options, Panel, Server, admintrail, exchange};

const PRESET: &str = "about = \"Billing\"\n\
     [sign_in]\nroutes = [\"POST /enter\"]\n\
     [[route]]\nmatch = \"PUT /settings/{group}\"\naction = \"Changed settings\"\n\
     [[route]]\nmatch = \"GET /never\"\naction = \"Viewed nothing\"";

/// Knows everything but what begins with `/wp-`.
async fn panel() -> Panel {
    Panel::answers(|seen, stream| {
        Box::pin(async move {
            let status = if seen.target().starts_with(b"/wp-") {
                "404 Not Found"
            } else {
                "200 OK"
            };
            let reply = format!("HTTP/1.1 {status}\r\nContent-Length: 2\r\n\r\nok");
            stream
                .lock()
                .await
                .write_all(reply.as_bytes())
                .await
                .is_ok()
        })
    })
    .await
}

async fn browse(server: &Server) {
    let requests = [
        ("GET", "/clients/4711", 3),
        ("GET", "/clients/12", 2),
        ("POST", "/clients/12/suspend", 2),
        ("PUT", "/settings/mail", 1),
        ("GET", "/a%7Bb%7D/%1B%5B31m", 1),
        ("GET", "/site.css", 1),
        ("GET", "/wp-admin/x", 4),
    ];
    let mut count = 0;
    for (method, path, times) in requests {
        for _ in 0..times {
            let request = format!(
                "{method} {path} HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            );
            exchange(server.panel(), request.as_bytes()).await;
            count += 1;
        }
    }
    server.events_when("", count).await;
}

fn test(data: &Path, file: &Path, args: &[&str]) -> Value {
    let file = file.to_str().unwrap();
    let args = [&["preset", "test", file, "--json"], args].concat();
    let said = admintrail(&args).data(data).run().ok();
    serde_json::from_str(&said).unwrap()
}

#[tokio::test]
async fn routes_without_a_line_are_shown_and_gone_when_the_suggestions_are_pasted() {
    let panel = panel().await;
    let own = tempfile::tempdir().unwrap();
    let (data, file) = (own.path().join("data"), own.path().join("billing.toml"));
    std::fs::write(&file, PRESET).unwrap();
    let mut server = Server::on(&data, &Options::panel(panel.address));
    browse(&server).await;

    let found = test(&data, &file, &[]);
    let routes: Vec<_> = found["routes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| {
            format!(
                "{} {} {} e.g. {}",
                one["count"], one["method"], one["route"], one["example"]
            )
        })
        .collect();
    assert_eq!(
        routes,
        [
            r#"5 "GET" "/clients/{id}" e.g. "/clients/12""#,
            r#"2 "POST" "/clients/{id}/suspend" e.g. "/clients/12/suspend""#,
            r#"1 "GET" "/a{b}/%1B[31m" e.g. "/a%7Bb%7D/%1B%5B31m""#,
        ]
    );
    assert_eq!(found["requests"], json!(9));
    assert_eq!(found["percent"], json!(11.1));
    assert_eq!(
        (&found["assets"], &found["refused"]),
        (&json!(1), &json!(4))
    );
    let unused = json!([{ "line": 8, "match": "GET /never" }]);
    assert_eq!(found["unused_lines"], unused);
    assert_eq!(
        test(&data, &file, &["--panel", "panel"])["requests"],
        json!(9)
    );
    assert_eq!(
        test(&data, &file, &["--panel", "shop"])["requests"],
        json!(0)
    );

    let path = file.to_str().unwrap();
    let said = server.command(&["preset", "test", path]).run().ok();
    for part in [
        "# 11.1 % of 9 requests are covered",
        "3 routes have no line",
        "Left out: 4 requests on routes that the panel does not have",
        "line 8: GET /never",
        "match  = \"GET /clients/{client:id}\"",
        "action = \"Ran suspend on client {client}\"",
        "object = \"client/{client}\"",
    ] {
        assert!(said.contains(part), "{part} in {said}");
    }
    assert!(!said.contains('\x1b'), "{said:?}");
    // All that was printed may stand in the file.
    std::fs::write(&file, format!("{PRESET}\n{said}")).unwrap();
    let after = test(&data, &file, &[]);
    assert_eq!(after["routes"], json!([]), "{said}");
    assert_eq!(after["percent"], json!(100.0));
    // What it looked at is on record, with the panel.
    let looks = server
        .command(&["query", "panel:admintrail path:/cli/preset/test", "--json"])
        .run()
        .ok();
    assert_eq!(looks.lines().count(), 5, "{looks}");
    assert!(looks.contains("Tested a preset on events"), "{looks}");

    // Without a server it reads the same; and with such a preset the panel reads well.
    assert_eq!(server.stop(), 0);
    assert_eq!(test(&data, &file, &[]), after);
    let with = Options::with(panel.address, &format!("preset={path}"));
    let server = Server::on(&data, &with);
    let request = "POST /clients/7/suspend HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    exchange(server.panel(), request.as_bytes()).await;
    let event = server.event("object:client/7").await;
    assert_eq!(event["action"], json!("Ran suspend on client 7"));
}

#[test]
fn a_mistake_in_the_preset_is_pointed_at() {
    let own = tempfile::tempdir().unwrap();
    let (data, file) = (own.path().join("data"), own.path().join("bad.toml"));
    let add = [
        "account",
        "add",
        "--email",
        "a@x.example",
        "--role",
        "owner",
    ];
    admintrail(&add).data(&data).run().ok();
    let path = file.to_str().unwrap();
    let run = || admintrail(&["preset", "test", path]).data(&data).run();
    let missing = run();
    assert_eq!(missing.code, 2);
    assert!(
        missing.err.contains("bad.toml cannot be read"),
        "{}",
        missing.err
    );
    let text = "about = \"t\"\n\n[[route]]\nmatch = \"GET /x/{id\"\naction = \"X\"\n";
    std::fs::write(&file, text).unwrap();
    let wrong = run();
    assert_eq!(wrong.code, 2);
    let place = format!("{path}:4: \"{{id\" must be a text");
    assert!(wrong.err.contains(&place), "{}", wrong.err);
    assert!(
        wrong.err.contains("4 | match = \"GET /x/{id\"\n    | ^^^^"),
        "{}",
        wrong.err
    );
    std::fs::write(&file, "about = \"t\"\ncolour = 1\n").unwrap();
    let wrong = run();
    assert_eq!(wrong.code, 2);
    assert!(
        wrong.err.contains("bad.toml:2: unknown field"),
        "{}",
        wrong.err
    );
    // A built-in one has a name; and nothing is on record yet.
    let said = admintrail(&["preset", "test", "wordpress"])
        .data(&data)
        .run();
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(said.err.contains("Nothing is recorded yet"), "{}", said.err);
    let panel = ["preset", "test", "generic", "--panel", "no such"];
    assert_eq!(admintrail(&panel).data(&data).run().code, 2);
}
