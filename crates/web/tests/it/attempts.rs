//! Who tries to get in, as the API tells it.

use admintrail_event::{Draft, KnownBy, Outcome};
use serde_json::json;

use crate::stack::World;

fn attempt(world: &World, n: i64, name: &str) -> Draft {
    let mut draft = world.draft(n, None, "POST", "/login");
    draft.known_by = KnownBy::Attempt;
    draft.attempted = Some(name.to_owned());
    draft.ip = "45.83.64.11".parse().ok();
    (draft.status, draft.outcome) = (Some(401), Outcome::Denied);
    draft
}

#[tokio::test]
async fn attempts_are_summed_up_by_address_and_by_name() {
    let world = World::new();
    let mut drafts: Vec<_> = (0..30).map(|n| attempt(&world, n, "tom")).collect();
    drafts.push(attempt(&world, 30, "root"));
    let mut success = world.draft(40, Some("tom"), "POST", "/login");
    success.ip = "45.83.64.11".parse().ok();
    drafts.push(success);
    world.record(drafts).await;
    let reader = world.reader_token();
    let by_ip = reader.get("/api/v1/attempts?by=ip").await.is(200).json();
    assert_eq!(
        by_ip["attempts"],
        json!([{
            "value": "45.83.64.11",
            "attempts": 31,
            "sign_ins": 31,
            "names": ["tom", "root"],
            "names_total": 2,
            "first": "2026-11-22T14:31:58.000000Z",
            "last": "2026-11-22T14:32:28.000000Z",
            "succeeded": {"at": "2026-11-22T14:32:38.000000Z", "admin": "tom", "after": 31},
        }])
    );
    let by_name = reader
        .get("/api/v1/attempts?by=name&limit=1")
        .await
        .is(200)
        .json();
    assert_eq!(by_name["attempts"][0]["value"], "tom");
    assert_eq!(by_name["attempts"][0]["ips"], json!(["45.83.64.11"]));
    assert_eq!(by_name["attempts"][0]["succeeded"]["after"], 30);
    assert_eq!(
        (&by_name["values"], &by_name["other"]),
        (&json!(2), &json!(1))
    );
    let filtered = reader
        .get("/api/v1/attempts?by=name&q=attempted:root")
        .await
        .is(200)
        .json();
    assert_eq!(filtered["attempts"][0]["value"], "root");
    assert_eq!(filtered["attempts"][0]["succeeded"], json!(null));
    for wrong in ["", "?by=admin", "?by=ip&field=ip", "?by=ip&q=colour:red"] {
        reader
            .get(&format!("/api/v1/attempts{wrong}"))
            .await
            .is(400);
    }
}
