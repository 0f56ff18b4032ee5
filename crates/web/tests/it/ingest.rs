//! Sending events.

use std::time::Duration;

use admintrail_event::Micros;
use admintrail_store::control::TokenScope;
use admintrail_web::Limits;
use axum::body::Body;
use bytes::Bytes;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::ReceiverStream;

use crate::stack::{Actor, Answer, World};

const PATH: &str = "/api/v1/events";

fn event(n: i64) -> Value {
    json!({"panel": "billing", "time": format!("2026-11-22T14:00:{:02}Z", n % 60), "method": "POST",
        "path": format!("/client/{n}"), "admin": "olena", "status": 201})
}

fn with_id(mut event: Value, last: char) -> Value {
    event["id"] = format!("0190163d-8694-739b-aea5-966c26f8ad9{last}").into();
    event
}

async fn send(actor: &Actor, kind: &str, body: String) -> Answer {
    actor.send("POST", PATH, Some(kind), body).await
}

#[tokio::test]
async fn one_event_an_array_and_lines_are_taken_and_can_be_read_at_once() {
    let world = World::new();
    let sender = world.ingest_token();
    let one = send(&sender, "application/json", event(1).to_string())
        .await
        .is(200)
        .json();
    assert_eq!(
        (&one["accepted"], &one["events"][0]["status"]),
        (&1.into(), &"accepted".into())
    );
    let array = send(
        &sender,
        "application/json",
        json!([event(2), event(3)]).to_string(),
    )
    .await;
    assert_eq!(array.is(200).json()["accepted"], 2);
    let lines = format!("{}\n{}\n", event(4), event(5));
    let taken = send(&sender, "application/x-ndjson", lines).await.is(200);
    assert_eq!(taken.json()["accepted"], 2);
    assert_eq!(taken.declared.action.as_deref(), Some("Sent 2 events"));
    assert_eq!(taken.declared.admin.as_deref(), Some("token ingest"));

    let seen = world
        .reader_token()
        .get("/api/v1/events?order=asc")
        .await
        .is(200);
    let expected: Vec<String> = (1..=5).map(|n| format!("/client/{n}")).collect();
    assert_eq!(seen.paths(), expected);
    let first = &seen.json()["events"][0];
    assert_eq!(
        (&first["known_by"], &first["outcome"]),
        (&"declared".into(), &"success".into())
    );
    assert!(
        !first["action"].as_str().unwrap().is_empty(),
        "the preset said what it was: {first}"
    );
}

#[tokio::test]
async fn what_has_not_happened_yet_is_refused_and_said_how_far_a_clock_may_be_ahead() {
    let world = World::new();
    let sender = world.ingest_token();
    let at = |seconds: i64| {
        let mut event = event(1);
        let time = Micros(world.app.now().0 + seconds * Micros::SECOND);
        event["time"] = time.to_string().into();
        event
    };
    let batch = json!([event(1), at(3_601)]).to_string();
    let refused = send(&sender, "application/json", batch)
        .await
        .is(422)
        .json();
    assert_eq!(refused["code"], "WEB-014");
    let mistake = &refused["errors"][0];
    assert_eq!(
        (&mistake["index"], &mistake["field"]),
        (&1.into(), &"time".into())
    );
    let message = mistake["message"].as_str().unwrap();
    assert!(
        message.contains("more than an hour ahead") && message.contains("clock"),
        "{message}"
    );
    let seen = world.reader_token().get("/api/v1/events").await.is(200);
    assert!(seen.paths().is_empty(), "none of the batch was taken");
    let near = send(&sender, "application/json", at(3_500).to_string()).await;
    assert_eq!(near.is(200).json()["accepted"], 1);
}

#[tokio::test]
async fn the_same_event_ten_times_is_stored_once() {
    let world = World::new();
    let sender = world.ingest_token();
    let body = with_id(event(1), '1').to_string();
    for n in 0..10 {
        let json = send(&sender, "application/json", body.clone())
            .await
            .is(200)
            .json();
        let expected = if n == 0 {
            ("accepted", 0)
        } else {
            ("duplicate", 1)
        };
        assert_eq!(
            (
                json["events"][0]["status"].as_str().unwrap(),
                json["duplicates"].as_i64().unwrap()
            ),
            expected
        );
    }
    assert_eq!(world.reader_token().get(PATH).await.paths().len(), 1);
}

#[tokio::test]
async fn another_event_under_a_known_id_is_a_conflict_and_the_rest_is_taken() {
    let world = World::new();
    let sender = world.ingest_token();
    send(
        &sender,
        "application/json",
        with_id(event(1), '1').to_string(),
    )
    .await
    .is(200);
    let mut other = with_id(event(1), '1');
    other["path"] = "/client/666".into();
    let batch = json!([other, with_id(event(2), '2'), with_id(event(1), '1')]);
    let answer = send(&sender, "application/json", batch.to_string())
        .await
        .is(409);
    assert_eq!(answer.header("content-type"), "application/problem+json");
    let json = answer.json();
    assert_eq!(json["code"], "WEB-015");
    assert_eq!(
        (&json["accepted"], &json["duplicates"], &json["conflicts"]),
        (&1.into(), &1.into(), &1.into())
    );
    let statuses: Vec<_> = (0..3)
        .map(|n| json["events"][n]["status"].as_str().unwrap())
        .collect();
    assert_eq!(statuses, ["conflict", "accepted", "duplicate"]);
    let paths = world
        .reader_token()
        .get("/api/v1/events?order=asc")
        .await
        .paths();
    assert_eq!(paths, ["/client/1", "/client/2"]);
}

#[tokio::test]
async fn one_wrong_event_refuses_the_batch_and_every_mistake_is_named() {
    let world = World::new();
    let sender = world.ingest_token();
    let mut no_method = event(2);
    no_method.as_object_mut().unwrap().remove("method");
    let mut bad_id = event(3);
    bad_id["id"] = "3f2b8c1e-1d1e-4c55-9d1b-6a7a2f9f0c11".into();
    let mut misspelt = event(4);
    misspelt["pth"] = "/x".into();
    let batch = json!([event(1), no_method, bad_id, misspelt, 7]);
    let answer = send(&sender, "application/json", batch.to_string())
        .await
        .is(422);
    let json = answer.json();
    assert_eq!(json["code"], "WEB-014");
    let errors = json["errors"].as_array().unwrap();
    let places: Vec<_> = errors
        .iter()
        .map(|e| (e["index"].as_u64().unwrap(), e["field"].as_str().unwrap()))
        .collect();
    assert_eq!(
        places.iter().map(|(index, _)| *index).collect::<Vec<_>>(),
        [1, 2, 3, 4]
    );
    assert_eq!(
        (places[0].1, places[1].1, places[2].1),
        ("method", "id", "pth")
    );
    assert!(
        errors
            .iter()
            .all(|e| !e["message"].as_str().unwrap().is_empty())
    );
    assert_eq!(
        world.reader_token().get(PATH).await.paths().len(),
        0,
        "none was taken"
    );
}

#[tokio::test]
async fn what_is_no_json_is_refused_with_its_place() {
    let world = World::new();
    let sender = world.ingest_token();
    for body in ["", "[]", "{", "hello", "[{}", "{}\n{\"panel\":}"] {
        let answer = send(&sender, "application/json", body.to_owned()).await;
        assert!(
            matches!(answer.status.as_u16(), 400 | 422),
            "{body:?}: {}",
            answer.text()
        );
        assert!(answer.json()["detail"].is_string());
    }
    let packed = sender.clone().header("content-encoding", "gzip");
    send(&packed, "application/json", event(1).to_string())
        .await
        .is(400);
}

#[tokio::test]
async fn a_body_beyond_the_limit_is_refused() {
    let world = World::with_limits(Limits {
        ingest_bytes: 1_000,
        ..Limits::default()
    });
    let sender = world.ingest_token();
    send(&sender, "application/json", event(1).to_string())
        .await
        .is(200);
    let large = format!("[{}]", vec![event(1).to_string(); 20].join(","));
    let announced = sender.clone().header("content-length", "5000");
    announced.send("POST", PATH, None, "{}").await.is(413);
    let answer = send(&sender, "application/json", large).await.is(413);
    assert!(
        answer.json()["detail"]
            .as_str()
            .unwrap()
            .contains("1000 bytes")
    );
}

#[tokio::test]
async fn a_flood_costs_its_own_token_alone_and_is_on_record_as_a_gap() {
    let limits = Limits {
        ingest_rate: 10,
        ingest_burst: 100,
        ..Limits::default()
    };
    let world = World::with_limits(limits);
    let (flood, _) = world.token("flood", TokenScope::Ingest, &["billing"]);
    let (calm, _) = world.token("calm", TokenScope::Ingest, &["billing"]);
    let batch = json!((0..50).map(event).collect::<Vec<_>>()).to_string();
    let mut refused = 0;
    for _ in 0..20 {
        let answer = send(&flood, "application/json", batch.clone()).await;
        match answer.status.as_u16() {
            200 => {}
            429 => {
                refused += 1;
                assert!(answer.header("retry-after").parse::<u64>().unwrap() >= 1);
            }
            other => panic!("{other}: {}", answer.text()),
        }
        send(&calm, "application/json", event(1).to_string())
            .await
            .is(200);
    }
    assert_eq!(refused, 18, "ten times the quota: two batches fit");

    let reader = world.reader_token();
    let gap = loop {
        let json = reader.get("/api/v1/events?q=kind:gap").await.is(200).json();
        if let Some(gap) = json["events"].as_array().unwrap().first() {
            break gap.clone();
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert_eq!(
        (&gap["count"], &gap["panel"]),
        (&900.into(), &"billing".into())
    );
    assert_eq!(gap["recorder"], "token flood");
    world.pass(5);
    send(&flood, "application/json", batch).await.is(200);
}

#[tokio::test]
async fn a_token_revoked_is_refused_at_the_next_request() {
    let world = World::new();
    let (sender, token) = world.token("sender", TokenScope::Ingest, &[]);
    send(&sender, "application/json", event(1).to_string())
        .await
        .is(200);
    world
        .app
        .control
        .revoke_token(token.id, world.app.now())
        .wait()
        .unwrap();
    send(&sender, "application/json", event(2).to_string())
        .await
        .is(401);
}

#[tokio::test]
async fn secrets_and_hostile_bytes_do_not_reach_the_disk() {
    let world = World::new();
    let sender = world.ingest_token();
    let mut hostile = event(1);
    hostile["query"] = "password=canary-one&p%61ssword=canary-two&a=b".into();
    hostile["user_agent"] = "x\u{1b}[31m\r\nadmin=root\u{202e}\u{0}".into();
    send(&sender, "application/json", hostile.to_string())
        .await
        .is(200);
    let mut attempt = event(2);
    attempt.as_object_mut().unwrap().remove("admin");
    attempt["attempted"] = "canary-typed-into-the-name".into();
    send(&sender, "application/json", attempt.to_string())
        .await
        .is(200);
    let json = world
        .reader_token()
        .get("/api/v1/events?order=asc")
        .await
        .json();
    let agent = json["events"][0]["user_agent"].as_str().unwrap();
    assert!(
        !agent.contains(['\u{1b}', '\r', '\n', '\u{202e}', '\u{0}']),
        "{agent:?}"
    );
    assert!(json["events"][0]["query"].as_str().unwrap().contains("a=b"));
    assert!(
        json["events"][1]["attempted"]
            .as_str()
            .unwrap()
            .starts_with("unknown name")
    );
    world.app.trail.close();
    for entry in std::fs::read_dir(world.folder()).unwrap() {
        let path = entry.unwrap().path();
        let bytes = std::fs::read(&path).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains("canary"), "{}", path.display());
    }
}

#[tokio::test]
async fn an_export_can_be_sent_again_and_is_known() {
    let world = World::new();
    world.record_many(20).await;
    let reader = world.reader_token();
    let lines = reader
        .get("/api/v1/export?format=ndjson")
        .await
        .is(200)
        .text();
    let (sender, _) = world.token("all", TokenScope::Ingest, &[]);
    let answer = send(&sender, "application/x-ndjson", lines.clone())
        .await
        .is(200)
        .json();
    assert_eq!(
        (&answer["duplicates"], &answer["accepted"]),
        (&20.into(), &0.into())
    );

    let other = World::new();
    let (sender, _) = other.token("all", TokenScope::Ingest, &[]);
    let answer = send(&sender, "application/x-ndjson", lines)
        .await
        .is(200)
        .json();
    assert_eq!(answer["accepted"], 20, "and elsewhere it is taken");
    let json = other.reader_token().get(PATH).await.is(200).json();
    assert_eq!(
        json["events"][0]["known_by"], "declared",
        "there it is the sender's word"
    );
}

#[tokio::test]
async fn when_the_trail_cannot_record_nothing_is_confirmed() {
    let world = World::new();
    world.app.trail.close();
    let answer = send(
        &world.ingest_token(),
        "application/json",
        event(1).to_string(),
    )
    .await
    .is(503);
    assert!(!answer.header("retry-after").is_empty());
}

/// A body that is sent piece by piece; it is not over while the sender is there.
fn slow() -> (mpsc::Sender<Bytes>, Body) {
    let (pieces, body) = mpsc::channel::<Bytes>(1);
    let body = ReceiverStream::new(body).map(Ok::<Bytes, std::convert::Infallible>);
    (pieces, Body::from_stream(body))
}

#[tokio::test]
async fn slow_bodies_of_one_token_keep_nobody_else_out() {
    let world = World::with_limits(Limits {
        ingest_memory: 1024 * 1024,
        ingest_memory_each: 512 * 1024,
        ingest_bytes: 256 * 1024,
        query_budget: Duration::from_millis(200),
        ..Limits::default()
    });
    let (flood, _) = world.token("flood", TokenScope::Ingest, &["billing"]);
    let (calm, _) = world.token("calm", TokenScope::Ingest, &["billing"]);
    // As many as one token may have under way, each with a little in it and no length announced.
    let mut under_way = Vec::new();
    for _ in 0..32 {
        let (pieces, body) = slow();
        let flood = flood.clone();
        let answer = tokio::spawn(async move { flood.send("POST", PATH, None, body).await });
        pieces.send(Bytes::from_static(b"[")).await.unwrap();
        under_way.push((pieces, answer));
    }
    let large = json!((0..400).map(event).collect::<Vec<_>>()).to_string();
    assert!(large.len() > 32 * 1024);
    send(&calm, "application/json", large).await.is(200);
    // And what they hold together has an end, before that of everybody.
    let mut refused = 0;
    for (pieces, answer) in under_way {
        let more = Bytes::from(vec![b' '; 100 * 1024]);
        let _ = pieces.send(more).await;
        drop(pieces);
        let status = answer.await.unwrap().status.as_u16();
        assert!(matches!(status, 400 | 429), "{status}");
        refused += u32::from(status == 429);
    }
    assert!(refused < 32);
    send(&calm, "application/json", event(1).to_string())
        .await
        .is(200);
}

#[tokio::test]
async fn a_body_of_countless_events_is_refused_before_it_is_understood() {
    let world = World::with_limits(Limits {
        ingest_events: 1_000,
        ..Limits::default()
    });
    let sender = world.ingest_token();
    for body in [format!("[{}7]", "7,".repeat(1_000)), "{}".repeat(1_001)] {
        let json = send(&sender, "application/json", body).await.is(413).json();
        assert_eq!(json["code"], "WEB-018");
    }
    let whole = json!((0..1_000).map(event).collect::<Vec<_>>()).to_string();
    send(&sender, "application/json", whole).await.is(200);
}

#[tokio::test]
async fn what_was_refused_is_on_record_panel_by_panel_when_the_server_stops() {
    let world = World::with_limits(Limits {
        ingest_rate: 1,
        ingest_burst: 10,
        ..Limits::default()
    });
    let (flood, _) = world.token("flood", TokenScope::Ingest, &["billing", "shop"]);
    let of = |panel: &str, n| {
        let mut event = event(n);
        event["panel"] = panel.into();
        event
    };
    let batch = |panels: &[(&str, i64)]| {
        let events = panels
            .iter()
            .flat_map(|(panel, count)| (0..*count).map(move |n| of(panel, n)));
        json!(events.collect::<Vec<_>>()).to_string()
    };
    let send_batch = |body| send(&flood, "application/json", body);
    send_batch(batch(&[("billing", 10)])).await.is(200);
    send_batch(batch(&[("billing", 3), ("shop", 4), ("other", 5)]))
        .await
        .is(429);
    send_batch(batch(&[("shop", 2), ("admintrail", 1)]))
        .await
        .is(429);
    // Within the second for which they are summed up.
    world.app.finish().await.unwrap();
    let reader = world.reader_token();
    let json = reader.get("/api/v1/events?q=kind:gap").await.is(200).json();
    let mut gaps: Vec<(String, u64)> = json["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|gap| {
            let panel = gap["panel"].as_str().unwrap().to_owned();
            (panel, gap["count"].as_u64().unwrap())
        })
        .collect();
    gaps.sort();
    assert_eq!(
        gaps,
        [("billing".to_owned(), 3), ("shop".to_owned(), 6)],
        "nothing of panels that it may not send for"
    );
    world.app.finish().await.unwrap();
    let json = reader.get("/api/v1/events?q=kind:gap").await.json();
    assert_eq!(json["total"]["value"], 2, "and recorded once");
}

#[tokio::test]
async fn a_gap_that_could_not_be_recorded_is_kept() {
    let world = World::with_limits(Limits {
        ingest_rate: 1,
        ingest_burst: 1,
        ..Limits::default()
    });
    let (flood, _) = world.token("flood", TokenScope::Ingest, &["billing"]);
    send(&flood, "application/json", event(1).to_string())
        .await
        .is(200);
    send(&flood, "application/json", event(2).to_string())
        .await
        .is(429);
    world.app.trail.close();
    world.app.finish().await.unwrap_err();
    world
        .app
        .finish()
        .await
        .expect_err("the count is still there to be recorded");
}

#[tokio::test]
async fn a_token_proves_nobody() {
    let world = World::new();
    let sender = world.ingest_token();
    for (n, known_by) in ["session", "header", "basic", "jwt", "token", "declared"]
        .iter()
        .enumerate()
    {
        let mut claimed = event(i64::try_from(n).unwrap());
        claimed["known_by"] = (*known_by).into();
        send(&sender, "application/json", claimed.to_string())
            .await
            .is(200);
    }
    let mut attempt = event(9);
    attempt.as_object_mut().unwrap().remove("admin");
    attempt["known_by"] = "attempt".into();
    attempt["attempted"] = "root".into();
    send(&sender, "application/json", attempt.to_string())
        .await
        .is(200);
    let json = world.reader_token().get(PATH).await.is(200).json();
    let mut known_by: Vec<&str> = json["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| event["known_by"].as_str().unwrap())
        .collect();
    known_by.sort_unstable();
    let mut expected = vec!["attempt"];
    expected.extend(["declared"; 6]);
    assert_eq!(known_by, expected);
}
