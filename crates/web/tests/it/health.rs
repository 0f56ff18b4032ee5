//! Health and metrics.

use std::sync::atomic::Ordering;

use admintrail_store::control::TokenScope;

use admintrail_web::health::{ClockState, Damaged, Disk, Facts};
use admintrail_web::{DirectAccess, Reach};

use crate::stack::{World, counters};

#[tokio::test]
async fn anybody_may_ask_whether_it_lives_and_records() {
    let world = World::new();
    assert_eq!(world.anon().get("/healthz").await.is(200).text(), "ok\n");
    assert_eq!(
        world.anon().get("/readyz").await.is(200).json()["status"],
        "ready"
    );
    world.recorder_fails.store(true, Ordering::SeqCst);
    let answer = world.anon().get("/readyz").await.is(503);
    let problem = answer.json();
    assert_eq!(answer.header("content-type"), "application/problem+json");
    assert_eq!(problem["status"], 503);
    assert_eq!(problem["code"], "WEB-020");
    assert_eq!(problem["failing"][0]["part"], "recorder");
    assert_eq!(problem["conditions"][0]["condition"], "recording_stopped");
    assert_eq!(problem["conditions"][0]["severity"], "critical");
    assert!(
        !answer.text().contains("/secret/place"),
        "nothing of the machine: {}",
        answer.text()
    );
    world.anon().get("/healthz").await.is(200);
}

#[tokio::test]
async fn a_panel_that_answers_around_is_told_and_leaves_the_server_ready() {
    let world = World::new();
    let reader = world.reader_token();
    for (reach, word, n) in [
        (Reach::Unchecked, "unchecked", 0.0),
        (Reach::Open, "open", 1.0),
        (Reach::Closed, "closed", 0.0),
    ] {
        let why = "It answers on 192.0.2.7:8000.".to_owned();
        let panel = "billing".parse().unwrap();
        world.direct.set(&panel, DirectAccess { reach, why });
        let ready = world.anon().get("/readyz").await.is(200);
        assert_eq!(ready.json()["status"], "ready");
        assert_eq!(ready.json()["direct_access"], word);
        for secret in ["192.0.2.7", "billing"] {
            assert!(!ready.text().contains(secret), "{}", ready.text());
        }
        let metrics = reader.get("/metrics").await.is(200).text();
        let line =
            |state| format!("admintrail_direct_access{{panel=\"billing\",state=\"{state}\"}}");
        let counted = counters(&world).await;
        assert_eq!(counted[line("open").as_str()], n, "{metrics}");
        assert_eq!(counted[line(word).as_str()], 1.0, "{metrics}");
    }
}

fn low_disk() -> Facts {
    Facts {
        disk: Some(Disk {
            free: 5,
            total: 100,
        }),
        hot: Some(1_234),
        clock: ClockState::Synchronised,
        damaged: vec![Damaged {
            name: "1-9.0.parquet".to_owned(),
            cause: "checksum differs".to_owned(),
        }],
        ..Facts::default()
    }
}

#[tokio::test]
async fn conditions_are_told_and_leave_the_server_ready() {
    let world = World::new();
    let none = world.anon().get("/readyz").await.is(200).json();
    assert_eq!(none["conditions"], serde_json::json!([]));
    world.health.look(low_disk());
    let ready = world.anon().get("/readyz").await.is(200);
    let told: Vec<_> = ready.json()["conditions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["condition"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(told, ["segment_damaged", "disk_low"]);
    assert!(!ready.text().contains("parquet"), "nothing of the machine");
}

#[tokio::test]
async fn metrics_tell_each_condition_and_what_it_is_judged_by() {
    let world = World::new();
    let before = counters(&world).await;
    assert_eq!(before["admintrail_health{condition=\"disk_low\"}"], 0.0);
    assert!(
        !before.contains_key("admintrail_disk_free_bytes"),
        "not known yet"
    );
    world.health.look(low_disk());
    world.recorder_fails.store(true, Ordering::SeqCst);
    let after = counters(&world).await;
    for (name, value) in [
        ("admintrail_health{condition=\"disk_low\"}", 1.0),
        ("admintrail_health{condition=\"segment_damaged\"}", 1.0),
        ("admintrail_health{condition=\"recording_stopped\"}", 1.0),
        ("admintrail_health{condition=\"gap\"}", 0.0),
        ("admintrail_disk_free_bytes", 5.0),
        ("admintrail_disk_size_bytes", 100.0),
        ("admintrail_archive_segments", 0.0),
        ("admintrail_archive_backlog_events", 0.0),
        ("admintrail_archive_failing", 0.0),
        ("admintrail_retention_dropped_total", 0.0),
        ("admintrail_retention_paused", 0.0),
        ("admintrail_clock_synchronised", 1.0),
    ] {
        assert_eq!(after[name], value, "{name}");
    }
    let unknown = Facts {
        clock: ClockState::Unknown,
        ..low_disk()
    };
    world.health.look(unknown);
    let later = counters(&world).await;
    assert!(
        !later.contains_key("admintrail_clock_synchronised"),
        "nobody knows"
    );
}

#[tokio::test]
async fn metrics_are_prometheus_text_with_the_numbers_of_the_trail() {
    let world = World::new();
    world.record_many(7).await;
    let reader = world.reader_token();
    let answer = reader.get("/metrics").await.is(200);
    assert!(
        answer
            .header("content-type")
            .starts_with("text/plain; version=0.0.4")
    );
    let text = answer.text();
    for line in text.lines() {
        let ok = line.starts_with("# HELP admintrail_")
            || line.starts_with("# TYPE admintrail_")
            || line.rsplit_once(' ').is_some_and(|(name, value)| {
                name.starts_with("admintrail_") && value.parse::<f64>().is_ok()
            });
        assert!(ok, "{line}");
    }
    let counted = counters(&world).await;
    assert_eq!(counted["admintrail_trail_events"], 7.0);
    assert_eq!(counted["admintrail_recording_failing"], 0.0);
    assert_eq!(counted["admintrail_build_info{version=\"1.2.3\"}"], 1.0);
    world.owner().get("/metrics").await.is(200);
    world.anon().get("/metrics").await.is(401);
    world
        .token("bound", TokenScope::Read, &["billing"])
        .0
        .get("/metrics")
        .await
        .is(403);
    world.ingest_token().get("/metrics").await.is(403);
}
