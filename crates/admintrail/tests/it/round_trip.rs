//! What was recorded goes out as NDJSON and comes back as it was.

use std::path::Path;

use serde_json::{Value, json};

use crate::stage::{Options, Panel, Server, admintrail, exchange};

/// The events of panels as they were recorded, without what the trail decides.
fn recorded(text: &str) -> Vec<Value> {
    let events = text.lines().map(|line| {
        let mut event: Value = serde_json::from_str(line).unwrap();
        for decided in ["log", "seq", "received", "first"] {
            event.as_object_mut().unwrap().remove(decided);
        }
        event
    });
    let mut events: Vec<Value> = events
        .filter(|event| event["panel"] != "admintrail")
        .collect();
    events.sort_by_key(|event| event["id"].to_string());
    events
}

fn export(dir: &Path) -> String {
    admintrail(&["export", "--format", "ndjson"])
        .data(dir)
        .run()
        .ok()
}

async fn record(server: &mut Server) {
    let typed = "Correct-Horse-7!?";
    let form = format!("username={typed}&password=x");
    let posted = format!(
        "POST /login HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{form}",
        form.len()
    );
    let requests: &[&[u8]] = &[
        posted.as_bytes(),
        b"GET /reset?token=canary&a=%20%22,&password=p HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        b"GET /items/4711/edit?q=a%00b%0d%0a%e2%80%ae HTTP/1.1\r\nHost: a\r\nUser-Agent: \xff\xe9\r\nConnection: close\r\n\r\n",
        // Refused, and counted in a gap.
        b"GET /items/4711/edit?q=a%00b%0d%0a%e2%80%ae HTTP/1.1\r\nHost: a\r\nUser-Agent: \xff\xe9\x1b[31m\r\nConnection: close\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        b"GET http://other.example/x?b HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        b"GET //a//../b;c=d? HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        b"DELETE /items/1 HTTP/1.0\r\n\r\n",
    ];
    for request in requests {
        exchange(server.panel(), request).await;
    }
    let long = format!(
        "GET /{}?{} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        "p".repeat(5_000),
        "q".repeat(6_000)
    );
    exchange(server.panel(), long.as_bytes()).await;
    server
        .events_when("panel:panel kind:request", requests.len())
        .await;
    server.events_when("kind:gap", 1).await;
}

#[tokio::test]
async fn everything_that_was_recorded_comes_back_as_it_was_and_only_once() {
    let panel = Panel::fine().await;
    let mut server = Server::start(&Options::with(panel.address, "attempted_names=all"));
    record(&mut server).await;
    // A gap of another recorder, and an event that says little.
    let more = [
        json!({"panel": "panel", "kind": "gap", "count": 7, "time": "2026-11-20T00:00:00Z", "method": "", "path": "", "recorder": "here"}),
        json!({"panel": "other", "time": "2026-11-20T00:00:00Z", "method": "GET", "path": "/x", "known_by": "attempt", "attempted": "Hunter-2!?x"}),
    ];
    let lines: Vec<String> = more.iter().map(Value::to_string).collect();
    let said = server.command(&["import", "-"]).run_with(&lines.join("\n"));
    assert_eq!(said.code, 0, "{said:?}");
    let dir = server.dir().to_owned();

    for place in ["beside the server", "without it"] {
        let exported = export(&dir);
        let there = recorded(&exported);
        let own = exported.lines().count() - there.len();
        let attempted = |event: &Value| event["attempted"] == "Correct-Horse-7!?";
        assert!(there.iter().any(attempted), "{place} {exported}");
        assert!(own > 0, "{place}");

        let again = admintrail(&["import", "-"]).data(&dir).run_with(&exported);
        let expected = format!(
            "0 imported, {} were there already",
            exported.lines().count()
        );
        assert!(
            again.code == 0 && again.err.contains(&expected),
            "{place} {again:?}"
        );
        assert!(!again.err.contains("left out"), "{place} {again:?}");

        let other = tempfile::tempdir().unwrap();
        for round in [
            format!("{} imported", there.len()),
            format!("0 imported, {} were there already", there.len()),
        ] {
            let said = admintrail(&["import", "-"])
                .data(other.path())
                .run_with(&exported);
            assert!(
                said.code == 0 && said.err.contains(&round),
                "{place} {said:?}"
            );
            let noun = if own == 1 {
                "event of Admintrail's own use was"
            } else {
                "events of Admintrail's own use were"
            };
            let left = format!("{own} {noun} left out: nobody adds to that record");
            assert_eq!(said.err.matches(&left).count(), 1, "{place} {said:?}");
        }
        let came = export(other.path());
        assert_eq!(recorded(&came), there, "{place}");
        assert!(
            !came.contains("Searched events"),
            "{place}: nothing of the own record was forged"
        );
        if place == "beside the server" {
            assert_eq!(server.stop(), 0);
        }
    }
}

#[test]
fn an_own_event_with_another_text_is_left_out_where_its_id_is_known_too() {
    let dir = tempfile::tempdir().unwrap();
    admintrail(&["import", "-", "--panel", "billing"])
        .data(dir.path())
        .run_with(r#"{"time":"2026-11-20T00:00:00Z","method":"GET","path":"/x"}"#)
        .ok();
    let before = export(dir.path());
    let forged = before.replace("Imported 1 event", "Imported nothing");
    assert_ne!(before, forged);
    let said = admintrail(&["import", "-"])
        .data(dir.path())
        .run_with(&forged);
    assert!(
        said.code == 0
            && said
                .err
                .contains("1 event of Admintrail's own use was left out"),
        "{said:?}"
    );
    assert!(!export(dir.path()).contains("Imported nothing"));
}

#[test]
fn an_event_from_the_future_is_refused_with_its_line_and_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let event = |time: jiff::Timestamp| {
        json!({"panel": "billing", "time": time.to_string(), "method": "GET", "path": "/x"})
            .to_string()
    };
    let now = jiff::Timestamp::now();
    let hour = jiff::SignedDuration::from_hours(1);
    let lines = [
        event(now + hour / 2),
        event("2099-01-01T00:00:00Z".parse().unwrap()),
        event(now + hour * 2),
    ];
    let said = admintrail(&["import", "-"])
        .data(dir.path())
        .run_with(&lines.join("\n"));
    assert_eq!(said.code, 1, "{said:?}");
    for part in [
        "-:2: time: 2099-01-01T00:00:00",
        "more than an hour ahead of this machine's clock",
        "-:3: time:",
        "1 imported, 2 not taken",
    ] {
        assert!(said.err.contains(part), "{part} in {}", said.err);
    }
}

#[test]
fn what_is_wrong_with_many_lines_is_said_once() {
    let dir = tempfile::tempdir().unwrap();
    let line = "{\"time\":\"2026-11-20T00:00:00Z\",\"method\":\"GET\",\"path\":\"/x\"}\n";
    let said = admintrail(&["import", "-"])
        .data(dir.path())
        .run_with(&line.repeat(40));
    assert_eq!(said.err.matches("say --panel").count(), 1, "{}", said.err);
    assert!(
        said.err.contains("and 39 more lines, up to line 40"),
        "{}",
        said.err
    );
}

#[test]
fn no_look_finds_itself_and_each_is_on_record() {
    let server = Server::start(&Options::default());
    let look = || server.command(&["query", "path:/cli/query"]).run();
    assert_eq!(look().ok().lines().count(), 0);
    let second = look();
    assert!(second.err.contains("1 event matches"), "{second:?}");
    assert_eq!(second.ok().lines().count(), 1);
    assert_eq!(look().ok().lines().count(), 2);
}

#[tokio::test]
async fn a_refused_connect_comes_back_too() {
    let panel = Panel::fine().await;
    let server = Server::start(&Options::panel(panel.address));
    let request = b"CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example:443\r\n\r\n";
    exchange(server.panel(), request).await;
    server.event("method:CONNECT").await;
    let exported = export(server.dir());
    let again = server.command(&["import", "-"]).run_with(&exported);
    assert_eq!(again.code, 0, "{again:?}");
    let other = tempfile::tempdir().unwrap();
    let said = admintrail(&["import", "-"])
        .data(other.path())
        .run_with(&exported);
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(recorded(&export(other.path())), recorded(&exported));
}
