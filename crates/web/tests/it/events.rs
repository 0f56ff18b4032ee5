//! Reading events.

use serde_json::Value;

use crate::stack::World;

#[tokio::test]
async fn pages_follow_each_other_both_ways_without_gap_or_repeat() {
    let world = World::new();
    world.record_many(25).await;
    let reader = world.reader_token();
    for order in ["desc", "asc"] {
        let mut seen = Vec::new();
        let mut target = format!("/api/v1/events?limit=10&order={order}");
        let mut back = None;
        loop {
            let page = reader.get(&target).await.is(200);
            let json = page.json();
            assert_eq!(
                json["total"],
                serde_json::json!({"value": 25, "relation": "eq"})
            );
            seen.extend(page.paths());
            let (onward, backward) = if order == "desc" {
                ("older", "newer")
            } else {
                ("newer", "older")
            };
            back = json[backward].as_str().map(str::to_owned).or(back);
            match json[onward].as_str() {
                Some(cursor) => {
                    target = format!("/api/v1/events?limit=10&order={order}&cursor={cursor}");
                }
                None => break,
            }
        }
        let mut expected: Vec<String> = (0..25).map(|n| format!("/client/{n}")).collect();
        if order == "desc" {
            expected.reverse();
        }
        assert_eq!(seen, expected, "{order}");
        let target = format!(
            "/api/v1/events?limit=10&order={order}&cursor={}",
            back.unwrap()
        );
        assert_eq!(
            reader.get(&target).await.is(200).paths(),
            expected[10..20],
            "{order}: back"
        );
    }
    let last = reader.get("/api/v1/events?limit=10&last=1").await.is(200);
    assert_eq!(last.paths().last().map(String::as_str), Some("/client/0"));
}

#[tokio::test]
async fn one_event_has_every_field_by_its_name() {
    let world = World::new();
    let draft = world.draft(0, Some("olena"), "PUT", "/settings/tax");
    let id = draft.id;
    world.record(vec![draft]).await;
    let reader = world.reader_token();
    let json = reader
        .get(&format!("/api/v1/events/{id}"))
        .await
        .is(200)
        .json();
    assert_eq!(json["id"], id.to_string());
    assert_eq!(json["time"], "2026-11-22T14:31:58.000000Z");
    assert_eq!(
        (&json["admin"], &json["method"]),
        (&"olena".into(), &"PUT".into())
    );
    assert_eq!(json["attempted"], Value::Null, "absent is null");
    assert!(json["first"].is_array());
    let listed = reader.get("/api/v1/events").await.json();
    assert_eq!(listed["events"][0], json, "the list shows the same");

    reader
        .get("/api/v1/events/0190163d-8694-739b-aea5-966c26f8ad91")
        .await
        .is(404);
    reader.get("/api/v1/events/not-an-id").await.is(400);
}

#[tokio::test]
async fn a_wrong_filter_names_the_word_and_its_place() {
    let world = World::new();
    let answer = world
        .owner()
        .get("/api/v1/events?q=admin%3Aolena+colour%3Ared")
        .await
        .is(400);
    let json = answer.json();
    assert!(
        json["code"].as_str().unwrap().starts_with("FILTER-"),
        "{json}"
    );
    assert_eq!(json["parameter"], "q");
    let (start, end) = (
        json["span"][0].as_u64().unwrap(),
        json["span"][1].as_u64().unwrap(),
    );
    let text = "admin:olena colour:red";
    let pointed = &text[usize::try_from(start).unwrap()..usize::try_from(end).unwrap()];
    assert!(
        "colour:red".contains(pointed) && !pointed.is_empty(),
        "{json}"
    );
    assert!(json["word"].as_str().unwrap().contains("colour"), "{json}");
}

#[tokio::test]
async fn a_wrong_parameter_is_named() {
    let world = World::new();
    let owner = world.owner();
    for (query, parameter) in [
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("limit=x", "limit"),
        ("order=up", "order"),
        ("from=tomorrow", "from"),
        ("to=13:00", "to"),
        ("from=2026-11-23&to=2026-11-22", "from"),
        ("tz=Mars", "tz"),
        ("limt=5", "limt"),
    ] {
        let json = owner
            .get(&format!("/api/v1/events?{query}"))
            .await
            .is(400)
            .json();
        assert_eq!(
            (json["code"].as_str(), json["parameter"].as_str()),
            (Some("WEB-005"), Some(parameter)),
            "{query}"
        );
    }
    let cursor = owner.get("/api/v1/events?cursor=nonsense").await.is(400);
    assert_eq!(cursor.json()["code"], "STORE-006");
}

#[tokio::test]
async fn the_range_is_half_open_and_words_mean_the_zone() {
    let world = World::new();
    world.record_many(10).await;
    let reader = world.reader_token();
    let get = async |query: &str| {
        reader
            .get(&format!("/api/v1/events?order=asc&{query}"))
            .await
            .is(200)
            .paths()
    };
    let range = get("from=2026-11-22T14:32:00Z&to=2026-11-22T14:32:03Z").await;
    assert_eq!(range, ["/client/2", "/client/3", "/client/4"]);
    let local = get("from=2026-11-22T16:32:00&to=2026-11-22T16:32:01&tz=Europe/Kyiv").await;
    assert_eq!(local, ["/client/2"]);
    assert_eq!(get("from=today").await.len(), 10);
    assert_eq!(get("to=today").await.len(), 0);
    assert_eq!(
        get("").await.len(),
        10,
        "without a range: everything, future ones too"
    );
}

#[tokio::test]
async fn the_api_shows_background_events_unless_folded() {
    let world = World::new();
    let mut polling = world.draft(1, Some("olena"), "GET", "/poll");
    polling.polling = true;
    let mut asset = world.draft(2, Some("olena"), "GET", "/app.css");
    asset.asset = true;
    world
        .record(vec![
            polling,
            asset,
            world.draft(3, Some("olena"), "GET", "/page"),
        ])
        .await;
    let reader = world.reader_token();
    let get = async |query: &str| reader.get(&format!("/api/v1/events?{query}")).await.is(200);
    assert_eq!(get("").await.paths().len(), 3);
    let folded = get("fold=1").await;
    assert_eq!(folded.paths(), ["/page"]);
    assert_eq!(folded.json()["folded"], 2);
    assert_eq!(folded.json()["folded_assets"], 1);
    assert_eq!(get("fold=1&q=is:polling").await.paths(), ["/poll"]);
}
