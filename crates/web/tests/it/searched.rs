//! Answers whose time was over before everything was looked at.

use serde_json::Value;

use crate::stack::{Actor, World};

/// What no summary knows, so that rows have to be looked at.
const SLOW: &str = "q=duration%3A%3E5s";

/// Two hundred quick requests in the archive; the oldest took long.
async fn world() -> World {
    let world = World::hasty();
    let mut drafts: Vec<_> = (0..200)
        .map(|n| world.draft(n - 300, Some("olena"), "GET", &format!("/client/{n}")))
        .collect();
    drafts[0].duration_us = Some(9_000_000);
    world.record(drafts).await;
    let trail = world.app.trail.clone();
    let sealed = tokio::task::spawn_blocking(move || trail.seal()).await;
    sealed.unwrap().unwrap();
    world
}

async fn events(reader: &Actor) -> Value {
    let path = format!("/api/v1/events?{SLOW}");
    reader.get(&path).await.is(200).json()
}

#[tokio::test]
async fn a_page_says_how_far_it_came_and_the_next_question_comes_further() {
    let world = world().await;
    let reader = world.reader_token();
    let first = events(&reader).await;
    assert_eq!(first["total"]["relation"], "gte");
    assert_eq!(first["searched"]["of"], 200);
    let looked = |answer: &Value| answer["searched"]["events"].as_u64();
    assert!((1..200).contains(&looked(&first).unwrap()), "{first}");
    let back_to = first["searched"]["back_to"].as_str().unwrap();
    assert!(back_to.starts_with("2026-11-22T14:"), "{back_to}");
    let mut before = looked(&first);
    for _ in 0..60 {
        let answer = events(&reader).await;
        if answer["searched"].is_null() {
            assert_eq!(answer["total"]["relation"], "eq");
            assert_eq!(answer["total"]["value"], 1);
            assert_eq!(answer["events"][0]["path"], "/client/0");
            return;
        }
        // All is counted then, and the one row is still looked for.
        if answer["searched"]["of"] == 0 {
            continue;
        }
        assert!(looked(&answer) >= before, "{answer}");
        before = looked(&answer);
    }
    panic!("never done");
}

#[tokio::test]
async fn counts_that_are_not_complete_say_so_and_others_say_null() {
    let world = world().await;
    let reader = world.reader_token();
    for path in [
        "/api/v1/histogram?",
        "/api/v1/facets?field=ip&",
        "/api/v1/sessions?",
        "/api/v1/attempts?by=ip&",
    ] {
        let slow = reader.get(&format!("{path}{SLOW}")).await.is(200).json();
        assert_eq!(slow["searched"]["of"], 200, "{path}: {slow}");
    }
    let sessions = format!("/api/v1/sessions?{SLOW}");
    let sessions = reader.get(&sessions).await.is(200).json();
    assert_eq!(sessions["total"]["relation"], "gte");
    let known = reader
        .get("/api/v1/facets?field=admin")
        .await
        .is(200)
        .json();
    assert_eq!(known["searched"], Value::Null);
    assert_eq!(known["values"][0]["count"], 200);
}
