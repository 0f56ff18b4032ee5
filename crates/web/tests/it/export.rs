//! Exports.

use std::time::Duration;

use admintrail_event::Outcome;
use admintrail_web::Limits;
use axum::body::Body;
use http_body_util::BodyExt;
use serde_json::Value;

use crate::stack::World;

#[tokio::test]
async fn ndjson_is_exact_and_oldest_first() {
    let world = World::new();
    world.record_many(2_500).await;
    let reader = world.reader_token();
    let answer = reader.get("/api/v1/export?format=ndjson").await.is(200);
    assert_eq!(answer.header("content-type"), "application/x-ndjson");
    assert_eq!(
        answer.header("content-disposition"),
        "attachment; filename=\"admintrail-20261122143158.ndjson\""
    );
    assert_eq!(
        answer.declared.action.as_deref(),
        Some("Exported 2,500 events as NDJSON")
    );
    assert_eq!(answer.declared.object.as_deref(), Some("everything"));
    let text = answer.text();
    let events: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(events.len(), 2_500);
    assert_eq!(events[0]["path"], "/client/0");
    assert_eq!(events[2_499]["path"], "/client/2499");
    let listed = reader.get("/api/v1/events?order=asc&limit=1").await.json();
    assert_eq!(listed["events"][0], events[0], "as the API shows it");
}

#[tokio::test]
async fn parquet_is_whole_and_on_record() {
    let world = World::new();
    world.record_many(2_500).await;
    let reader = world.reader_token();
    let answer = reader.get("/api/v1/export?format=parquet").await.is(200);
    assert_eq!(
        answer.header("content-type"),
        "application/vnd.apache.parquet"
    );
    assert_eq!(
        answer.header("content-disposition"),
        "attachment; filename=\"admintrail-20261122143158.parquet\""
    );
    assert_eq!(
        answer.declared.action.as_deref(),
        Some("Exported 2,500 events as Parquet")
    );
    let body = &answer.body;
    assert!(body.starts_with(b"PAR1") && body.ends_with(b"PAR1"));
}

#[tokio::test]
async fn csv_has_a_column_for_every_field_and_no_formula() {
    let world = World::new();
    let mut hostile = world.draft(0, Some("=cmd|' /C calc'!A1"), "GET", "/a,\"b\"");
    hostile.user_agent = Some("+1+1".to_owned());
    hostile.query = Some("-2+3".to_owned());
    hostile.object = Some("@SUM(A1)".to_owned());
    hostile.outcome = Outcome::Denied;
    world.record(vec![hostile]).await;
    let reader = world.reader_token();
    let answer = reader.get("/api/v1/export?format=csv").await.is(200);
    assert!(answer.header("content-type").starts_with("text/csv"));
    let text = answer.text();
    let mut lines = csv_rows(&text);
    let header = lines.remove(0);
    let json = reader.get("/api/v1/events").await.json();
    let fields: Vec<&String> = json["events"][0].as_object().unwrap().keys().collect();
    let mut columns = header.clone();
    columns.sort();
    assert_eq!(
        columns,
        fields.into_iter().cloned().collect::<Vec<_>>(),
        "the fields of the JSON"
    );
    let cell =
        |name: &str| lines[0][header.iter().position(|column| column == name).unwrap()].clone();
    assert_eq!(cell("admin"), "'=cmd|' /C calc'!A1");
    assert_eq!(cell("path"), "/a,\"b\"");
    assert_eq!(
        (cell("user_agent"), cell("query")),
        ("'+1+1".to_owned(), "'-2+3".to_owned())
    );
    assert_eq!(cell("object"), "'@SUM(A1)");
    assert_eq!(cell("outcome"), "denied");
    let exact = reader.get("/api/v1/export?format=ndjson").await.text();
    assert!(
        exact.contains("\"=cmd|' /C calc'!A1\""),
        "NDJSON stays exact: {exact}"
    );
}

#[tokio::test]
async fn an_export_follows_the_filter_and_says_so_on_record() {
    let world = World::new();
    world.record_many(10).await;
    world
        .record(vec![world.draft(20, Some("taras"), "PUT", "/x")])
        .await;
    let owner = world.owner();
    let answer = owner
        .get("/api/v1/export?format=csv&q=admin%3Ataras&from=2026-11-22")
        .await
        .is(200);
    assert_eq!(csv_rows(&answer.text()).len(), 2);
    assert_eq!(
        answer.declared.action.as_deref(),
        Some("Exported 1 events as CSV")
    );
    assert_eq!(
        answer.declared.object.as_deref(),
        Some("admin:taras from 2026-11-22T00:00:00.000000Z")
    );
    assert_eq!(answer.declared.admin.as_deref(), Some("owner@example.org"));
    let none = owner
        .get("/api/v1/export?format=csv&q=admin%3Anobody")
        .await
        .is(200);
    assert_eq!(csv_rows(&none.text()).len(), 1, "the header alone");
    assert_eq!(
        owner
            .get("/api/v1/export?format=ndjson&q=admin%3Anobody")
            .await
            .is(200)
            .text(),
        ""
    );
    for wrong in [
        "",
        "?format=xlsx",
        "?format=csv&q=colour:red",
        "?format=csv&fromat=x",
    ] {
        owner.get(&format!("/api/v1/export{wrong}")).await.is(400);
    }
}

#[tokio::test]
async fn a_slow_reader_holds_its_own_export_back_and_nothing_else() {
    let world = World::with_limits(Limits {
        exports: 3,
        exports_each: 2,
        ..Limits::default()
    });
    for n in 0..10_i64 {
        let draft = |m: i64| world.draft(n * 1_000 + m, Some("olena"), "GET", "/x");
        world.record((0..1_000).map(draft).collect()).await;
    }
    let reader = world.reader_token();
    let target = "/api/v1/export?format=ndjson";
    let first = reader.open("GET", target, None, Body::empty()).await;
    let second = reader.open("GET", target, None, Body::empty()).await;
    assert_eq!(second.status().as_u16(), 200);
    reader.get(target).await.is(429);
    let other = world.owner();
    other.get("/api/v1/events").await.is(200);
    assert_eq!(
        other.get(target).await.is(200).text().lines().count(),
        10_000
    );

    drop(first);
    loop {
        let answer = reader.open("GET", target, None, Body::empty()).await;
        if answer.status().as_u16() == 200 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let late = second.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(
        late.split(|byte| *byte == b'\n').count(),
        10_001,
        "it gets all of it in the end"
    );
}

/// A small reader of RFC 4180, so that the test does not check the writer with itself.
fn csv_rows(text: &str) -> Vec<Vec<String>> {
    let (mut rows, mut row, mut cell, mut quoted) = (Vec::new(), Vec::new(), String::new(), false);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match (quoted, c) {
            (true, '"') if chars.peek() == Some(&'"') => {
                chars.next();
                cell.push('"');
            }
            (_, '"') => quoted = !quoted,
            (false, ',') => row.push(std::mem::take(&mut cell)),
            (false, '\r') => {}
            (false, '\n') => {
                row.push(std::mem::take(&mut cell));
                rows.push(std::mem::take(&mut row));
            }
            (_, c) => cell.push(c),
        }
    }
    assert!(cell.is_empty() && row.is_empty(), "the last line is whole");
    rows
}
