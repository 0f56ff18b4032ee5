//! Counts over time and by value.

use serde_json::json;

use crate::stack::World;

#[tokio::test]
async fn buckets_of_a_day_are_days_of_the_zone_that_is_shown() {
    let world = World::new();
    world.record_many(1).await;
    let reader = world.reader_token();
    for (zone, midnight) in [
        ("UTC", "T00:00:00"),
        ("Asia/Tokyo", "T15:00:00"),
        ("Asia/Kolkata", "T18:30:00"),
        ("America/Bogota", "T05:00:00"),
    ] {
        for (from, width_s) in [("-60d", 86_400), ("-7d", 7_200)] {
            let target = format!("/api/v1/histogram?buckets=60&from={from}&tz={zone}");
            let json = reader.get(&target).await.is(200).json();
            assert_eq!(json["width_s"], width_s, "{target}");
            let buckets = json["buckets"].as_array().unwrap();
            let begins =
                |bucket: &&serde_json::Value| bucket["from"].as_str().unwrap().contains(midnight);
            let days = buckets.iter().filter(begins).count();
            let seconds = buckets.len() * width_s;
            assert!(days >= seconds / 86_400, "{target}: {days} of {json}");
        }
    }
}

#[tokio::test]
async fn the_histogram_adds_up() {
    let world = World::new();
    world.record_many(100).await;
    let mut denied = world.draft(50, None, "POST", "/login");
    denied.status = Some(403);
    denied.outcome = admintrail_event::Outcome::Denied;
    world
        .record(vec![denied, world.draft(51, Some("olena"), "PUT", "/x")])
        .await;
    let reader = world.reader_token();
    let json = reader
        .get("/api/v1/histogram?buckets=20&to=2027-01-01T00:00:00Z")
        .await
        .is(200)
        .json();
    let sum = |name: &str| -> u64 {
        json["buckets"]
            .as_array()
            .unwrap()
            .iter()
            .map(|bucket| bucket[name].as_u64().unwrap())
            .sum()
    };
    assert_eq!((sum("read"), sum("changed"), sum("denied")), (100, 1, 1));
    assert!(json["width_s"].as_u64().unwrap() >= 1);
    assert!(json["buckets"][0]["from"].is_string());
    let filtered = reader
        .get("/api/v1/histogram?q=method:PUT&to=2027-01-01T00:00:00Z")
        .await
        .is(200)
        .json();
    let changed: u64 = filtered["buckets"]
        .as_array()
        .unwrap()
        .iter()
        .map(|b| b["changed"].as_u64().unwrap())
        .sum();
    assert_eq!(changed, 1);
    for wrong in ["buckets=0", "buckets=1001", "buckets=x", "field=admin"] {
        reader
            .get(&format!("/api/v1/histogram?{wrong}"))
            .await
            .is(400);
    }
}

#[tokio::test]
async fn facets_count_the_values_of_a_field() {
    let world = World::new();
    world.record_many(5).await;
    world
        .record(vec![
            world.draft(9, Some("taras"), "PUT", "/x"),
            world.draft(10, None, "GET", "/y"),
        ])
        .await;
    let reader = world.reader_token();
    let json = reader
        .get("/api/v1/facets?field=admin")
        .await
        .is(200)
        .json();
    assert_eq!(json["field"], "admin");
    let values = json["values"].as_array().unwrap();
    assert_eq!(values[0], json!({"value": "olena", "count": 5}));
    assert!(values.contains(&json!({"value": "taras", "count": 1})));
    assert!(values.contains(&json!({"value": null, "count": 1})));
    let one = reader
        .get("/api/v1/facets?field=admin&limit=1")
        .await
        .is(200)
        .json();
    assert_eq!(
        (one["values"].as_array().unwrap().len(), &one["other"]),
        (1, &2.into())
    );
    for field in [
        "ip",
        "type",
        "method",
        "status",
        "outcome",
        "action",
        "route",
        "panel",
        "agent",
        "object",
        "attempted",
        "known_by",
    ] {
        reader
            .get(&format!("/api/v1/facets?field={field}"))
            .await
            .is(200);
    }
    for wrong in ["", "?field=", "?field=password", "?field=admin%27--"] {
        let answer = reader.get(&format!("/api/v1/facets{wrong}")).await.is(400);
        assert_eq!(answer.json()["parameter"], "field");
    }
}
