//! Sessions of the panels.

use admintrail_event::SessionHash;

use crate::stack::World;

#[tokio::test]
async fn a_session_tells_who_when_and_how_much() {
    let world = World::new();
    let mut drafts = Vec::new();
    for n in 0..6_i64 {
        let mut draft = world.draft(
            n * 10,
            Some("olena"),
            if n == 3 { "PUT" } else { "GET" },
            "/x",
        );
        draft.session = Some(SessionHash([if n < 4 { 1 } else { 2 }; 16]));
        draft.ip = Some("192.0.2.7".parse().unwrap());
        drafts.push(draft);
    }
    world.record(drafts).await;
    let reader = world.reader_token();
    let json = reader.get("/api/v1/sessions").await.is(200).json();
    assert_eq!(json["total"]["value"], 2);
    let latest = &json["sessions"][0];
    assert_eq!(latest["session"], "02".repeat(16));
    let one = reader
        .get(&format!("/api/v1/sessions/{}", "01".repeat(16)))
        .await
        .is(200)
        .json();
    assert_eq!(one, json["sessions"][1]);
    assert_eq!(
        (&one["admin"], &one["requests"], &one["changes"]),
        (&"olena".into(), &4.into(), &1.into())
    );
    assert_eq!(
        (&one["duration_us"], &one["ips"][0]),
        (&30_000_000.into(), &"192.0.2.7".into())
    );

    let second = reader
        .get("/api/v1/sessions?offset=1&limit=1")
        .await
        .is(200)
        .json();
    assert_eq!(second["sessions"][0], one);
    let filtered = reader
        .get("/api/v1/sessions?q=method:PUT")
        .await
        .is(200)
        .json();
    assert_eq!(filtered["total"]["value"], 1);
    reader
        .get(&format!("/api/v1/sessions/{}", "03".repeat(16)))
        .await
        .is(404);
    for wrong in [
        "/api/v1/sessions/xyz",
        "/api/v1/sessions?offset=-1",
        "/api/v1/sessions?offset=x",
    ] {
        reader.get(wrong).await.is(400);
    }
}
