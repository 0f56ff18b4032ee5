//! The live stream.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use admintrail_store::control::{Role, TokenScope};
use admintrail_web::Limits;
use axum::body::Body;
use http_body_util::BodyExt;

use crate::stack::{Actor, World};

/// A stream that is read as it comes.
struct Reading {
    body: Body,
    text: String,
}

impl Reading {
    async fn open(actor: &Actor, target: &str) -> Self {
        let response = actor.open("GET", target, None, Body::empty()).await;
        assert_eq!(response.status().as_u16(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        let mut reading = Self {
            body: response.into_body(),
            text: String::new(),
        };
        reading.until(": open").await;
        reading
    }

    /// `false`: the stream ended.
    async fn more(&mut self) -> bool {
        let frame = tokio::time::timeout(Duration::from_secs(20), self.body.frame()).await;
        match frame.expect("nothing came") {
            Some(frame) => {
                let data = frame.unwrap().into_data().unwrap();
                self.text.push_str(std::str::from_utf8(&data).unwrap());
                true
            }
            None => false,
        }
    }

    async fn until(&mut self, text: &str) {
        while !self.text.contains(text) {
            assert!(self.more().await, "ended before {text:?}: {}", self.text);
        }
    }

    async fn end(&mut self) {
        while self.more().await {}
    }

    /// Paths of the events so far.
    fn paths(&self) -> Vec<String> {
        let lines = self
            .text
            .lines()
            .filter_map(|line| line.strip_prefix("data: "));
        lines
            .map(|json| {
                let event: serde_json::Value = serde_json::from_str(json).unwrap();
                event["path"].as_str().unwrap().to_owned()
            })
            .collect()
    }

    fn last_id(&self) -> String {
        self.text
            .lines()
            .filter_map(|line| line.strip_prefix("id: "))
            .next_back()
            .unwrap()
            .to_owned()
    }
}

#[tokio::test]
async fn new_events_come_as_they_are_accepted_and_only_those_of_the_view() {
    let world = World::new();
    world
        .record(vec![world.draft(0, Some("olena"), "GET", "/before")])
        .await;
    let reader = world.reader_token();
    let mut all = Reading::open(&reader, "/api/v1/stream").await;
    let mut changes = Reading::open(&reader, "/api/v1/stream?q=is:change").await;
    let mut polling = world.draft(1, Some("olena"), "GET", "/poll");
    polling.polling = true;
    let mut folded = Reading::open(&reader, "/api/v1/stream?fold=1").await;
    world
        .record(vec![
            polling,
            world.draft(2, Some("olena"), "GET", "/read"),
            world.draft(3, Some("olena"), "PUT", "/change"),
            world.draft(4, None, "GET", "/last"),
        ])
        .await;
    world
        .record(vec![world.draft(5, None, "DELETE", "/end")])
        .await;
    for reading in [&mut all, &mut changes, &mut folded] {
        reading.until("/end").await;
    }
    assert_eq!(all.paths(), ["/poll", "/read", "/change", "/last", "/end"]);
    assert_eq!(changes.paths(), ["/change", "/end"]);
    assert_eq!(folded.paths(), ["/read", "/change", "/last", "/end"]);
}

#[tokio::test]
async fn hide_me_holds_on_the_stream() {
    let world = World::new();
    let account = world.account("olena@example.org", Role::Viewer, None);
    let mut reading =
        Reading::open(&world.with_session(&account), "/api/v1/stream?hide_me=1").await;
    world
        .record(vec![world.draft(0, Some("Olena"), "GET", "/mine")])
        .await;
    world
        .record(vec![world.draft(1, Some("taras"), "GET", "/his")])
        .await;
    reading.until("/his").await;
    assert_eq!(reading.paths(), ["/his"]);
}

#[tokio::test]
async fn who_was_cut_off_goes_on_where_it_stopped_and_misses_nothing() {
    let world = World::new();
    let reader = world.reader_token();
    let mut reading = Reading::open(&reader, "/api/v1/stream").await;
    world.record_many(3).await;
    reading.until("/client/2\"").await;
    let id = reading.last_id();
    drop(reading);
    let missed = |n| world.draft(n, Some("olena"), "GET", &format!("/missed/{n}"));
    world.record((0..700).map(missed).collect()).await;
    let back = reader.clone().header("last-event-id", &id);
    let mut reading = Reading::open(&back, "/api/v1/stream").await;
    reading.until("/missed/699\"").await;
    let expected: Vec<String> = (0..700).map(|n| format!("/missed/{n}")).collect();
    assert_eq!(reading.paths(), expected);
    let mut by_url = Reading::open(&reader, &format!("/api/v1/stream?cursor={id}")).await;
    by_url.until("/missed/699\"").await;
    assert_eq!(by_url.paths(), expected);
    let answer = reader
        .header("last-event-id", "nonsense")
        .get("/api/v1/stream")
        .await
        .is(400);
    assert_eq!(answer.json()["code"], "STORE-006");
}

#[tokio::test]
async fn a_thousand_connects_leave_four_a_session_and_the_rest_is_refused() {
    let world = World::with_limits(Limits {
        streams: 10,
        ..Limits::default()
    });
    let (one, _) = world.token("one", TokenScope::Read, &[]);
    let mut open = Vec::new();
    for n in 0..1_000 {
        let response = one.open("GET", "/api/v1/stream", None, Body::empty()).await;
        if n < 4 {
            assert_eq!(response.status().as_u16(), 200);
            open.push(response);
        } else {
            assert_eq!(response.status().as_u16(), 429);
            assert!(response.headers().contains_key("retry-after"));
        }
    }
    for name in ["two", "three"] {
        let (actor, _) = world.token(name, TokenScope::Read, &[]);
        for _ in 0..4 {
            let response = actor
                .open("GET", "/api/v1/stream", None, Body::empty())
                .await;
            if response.status().as_u16() == 200 {
                open.push(response);
            }
        }
    }
    assert_eq!(open.len(), 10, "ten in all");
    let other = world.owner();
    other.get("/api/v1/events").await.is(200);
    drop(open);
    // A dropped connection is noticed at the next look.
    loop {
        let response = one.open("GET", "/api/v1/stream", None, Body::empty()).await;
        if response.status().as_u16() == 200 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_reader_that_takes_nothing_is_cut_off_and_can_resume() {
    let limits = Limits {
        stream_patience: Duration::from_millis(200),
        ..Limits::default()
    };
    let world = World::with_limits(limits);
    let reader = world.reader_token();
    let mut slow = Reading::open(&reader, "/api/v1/stream").await;
    let mut other = Reading::open(&reader, "/api/v1/stream").await;
    world.record_many(4_000).await;
    other.until("/client/3999\"").await;
    // It is not read until the server has given it up.
    while crate::stack::counters(&world).await["admintrail_streams"] > 1.0 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    slow.end().await;
    let got = slow.paths();
    assert!(!got.is_empty() && got.len() < 4_000, "{}", got.len());
    let back = reader.header("last-event-id", &slow.last_id());
    let mut rest = Reading::open(&back, "/api/v1/stream").await;
    rest.until("/client/3999\"").await;
    let together = [got, rest.paths()].concat();
    let expected: Vec<String> = (0..4_000).map(|n| format!("/client/{n}")).collect();
    assert!(together == expected, "{} events", together.len());
}

#[tokio::test]
async fn a_stream_ends_with_the_right_to_it() {
    let world = World::new();
    let (reader, token) = world.token("reader", TokenScope::Read, &[]);
    let account = world.account("olena@example.org", Role::Viewer, None);
    let other = world.account("taras@example.org", Role::Viewer, None);
    let browser = world.with_session(&account);
    let mut by_token = Reading::open(&reader, "/api/v1/stream").await;
    let mut by_session = Reading::open(&browser, "/api/v1/stream").await;
    let mut by_other = Reading::open(&world.with_session(&other), "/api/v1/stream").await;
    world
        .app
        .control
        .revoke_token(token.id, world.app.now())
        .wait()
        .unwrap();
    browser.form("/logout", &[]).await.is(303);
    world
        .app
        .control
        .set_disabled(other.id, true)
        .wait()
        .unwrap();
    world.record_many(1).await;
    for reading in [&mut by_token, &mut by_session, &mut by_other] {
        reading.end().await;
        assert_eq!(reading.paths(), [""; 0]);
    }
}

#[tokio::test]
async fn a_quiet_stream_says_that_it_is_still_there() {
    let limits = Limits {
        stream_quiet: Duration::from_millis(1),
        ..Limits::default()
    };
    let world = World::with_limits(limits);
    let mut reading = Reading::open(&world.reader_token(), "/api/v1/stream").await;
    reading.until(": still here").await;
    assert!(!reading.text.contains("data:"), "{}", reading.text);
}

#[tokio::test]
async fn streams_end_when_the_server_stops() {
    let world = World::new();
    let mut reading = Reading::open(&world.reader_token(), "/api/v1/stream").await;
    world.app.trail.close();
    reading.end().await;
}

/// However many resume at once, each gets what it missed, no matter how short a question may take.
#[tokio::test]
async fn who_waits_for_its_turn_to_catch_up_is_not_cut_off() {
    let world = World::with_limits(Limits {
        query_budget: Duration::from_micros(1),
        ..Limits::default()
    });
    let reader = world.reader_token();
    let mut first = Reading::open(&reader, "/api/v1/stream").await;
    world.record_many(1).await;
    first.until("/client/0\"").await;
    let back = reader.clone().header("last-event-id", &first.last_id());
    drop(first);
    let missed = |n| world.draft(n, Some("olena"), "GET", &format!("/missed/{n}"));
    world.record((0..9_000).map(missed).collect()).await;
    let mut readings = Vec::new();
    for _ in 0..3 {
        readings.push(Reading::open(&back, "/api/v1/stream?q=path:/missed/8999").await);
    }
    for reading in &mut readings {
        reading.until("/missed/8999\"").await;
    }
}

/// Threats 22 and 23: the threads that answer everybody are not held up by whoever resumes from
/// long ago with a filter that matches nothing.
#[tokio::test]
async fn catching_up_leaves_the_threads_to_others() {
    let world = World::new();
    for part in 0..5 {
        let draft = |n| world.draft(n, Some("olena"), "GET", &format!("/client/{n}"));
        let drafts = (part * 4_000..(part + 1) * 4_000).map(draft).collect();
        world.record(drafts).await;
    }
    let reader = world.reader_token();
    let first = reader.get("/api/v1/events?order=asc&limit=1").await.json();
    let after = first["newer"].as_str().unwrap().to_owned();
    let (turns, running) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(true)));
    let others = tokio::spawn({
        let (turns, running) = (Arc::clone(&turns), Arc::clone(&running));
        async move {
            while running.load(Ordering::Relaxed) {
                turns.fetch_add(1, Ordering::Relaxed);
                tokio::task::yield_now().await;
            }
        }
    });
    let target = format!("/api/v1/stream?q=path:*9*9*9*9*9*,/client/19999&cursor={after}");
    let mut reading = Reading::open(&reader, &target).await;
    let before = turns.load(Ordering::Relaxed);
    reading.until("/client/19999").await;
    let turns = turns.load(Ordering::Relaxed) - before;
    running.store(false, Ordering::Relaxed);
    others.await.unwrap();
    assert!(turns >= 5, "others had {turns} turns");
    assert_eq!(reading.paths().last().unwrap(), "/client/19999");
}
