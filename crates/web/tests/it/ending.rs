//! An owner ends a session of a panel.

use admintrail_event::{Outcome, SessionHash};
use admintrail_store::control::Role;
use serde_json::json;

use crate::stack::World;

const SESSION: &str = "01010101010101010101010101010101";

async fn world() -> World {
    let world = World::new();
    for panel in ["billing", "shop"] {
        let mut draft = world.draft(-60, Some("olena"), "GET", "/x");
        draft.panel = panel.parse().unwrap();
        draft.session = Some(SessionHash([1; 16]));
        world.record(vec![draft]).await;
    }
    world
}

fn page(panel: &str) -> String {
    format!("/monitoring/admin-sessions/sessions/{panel}/{SESSION}")
}

#[tokio::test]
async fn an_owner_ends_a_session_and_the_page_says_who_did() {
    let world = world().await;
    let owner = world.owner();
    let before = owner.get(&page("billing")).await.is(200).text();
    let action = format!("action=\"{}/end\"", page("billing"));
    assert!(before.contains(&action), "{before}");

    let answer = owner.form(&format!("{}/end", page("billing")), &[]).await;
    let answer = answer.is(303);
    assert_eq!(answer.header("location"), page("billing"));
    let declared = &answer.declared;
    assert_eq!(declared.action.as_deref(), Some("Ended session"));
    assert_eq!(
        declared.object.as_deref(),
        Some(&*format!("session/{SESSION}"))
    );
    let panel = "billing".parse().unwrap();
    assert!(world.app.control.ended(&panel, &[1; 16]).is_some());
    let shop = "shop".parse().unwrap();
    assert_eq!(world.app.control.ended(&shop, &[1; 16]), None);

    let after = owner.get(&page("billing")).await.is(200).text();
    assert!(after.contains("ended by owner"), "{after}");
    assert!(!after.contains(&action), "nothing is left to be ended");
    let tab = owner
        .get("/monitoring/admin-sessions/sessions")
        .await
        .is(200)
        .text();
    assert_eq!(tab.matches("data-ended").count(), 1, "{tab}");
    let sessions = world.reader_token().get("/api/v1/sessions").await.json();
    let ended = |panel: &str| {
        let all = sessions["sessions"].as_array().unwrap().iter();
        let mut of = all.filter(|row| row["panel"] == panel);
        of.next().unwrap()["ended"].clone()
    };
    assert!(
        ended("billing")["by"]
            .as_str()
            .unwrap()
            .starts_with("owner")
    );
    assert_eq!(ended("shop"), json!(null));
}

#[tokio::test]
async fn the_first_who_ended_it_is_told_ever_after() {
    let world = world().await;
    let target = format!("/api/v1/sessions/billing/{SESSION}/end");
    let owner = world.owner().json();
    let first = owner.form(&target, &[]).await.is(200).json();
    world.pass(60);
    let second = owner.form(&target, &[]).await.is(200).json();
    assert_eq!(first, second);
    assert_eq!(first["session"], SESSION);
    assert!(
        first["ended"]["at"]
            .as_str()
            .unwrap()
            .starts_with("2026-11-22T14:31")
    );
}

#[tokio::test]
async fn only_an_owner_ends_sessions_and_from_our_own_pages_alone() {
    let world = world().await;
    let targets = [
        format!("{}/end", page("billing")),
        format!("/api/v1/sessions/billing/{SESSION}/end"),
    ];
    let reader = world.reader_token();
    for target in &targets {
        for role in [Role::Auditor, Role::Viewer] {
            let person = world.signed_in(role);
            person.form(target, &[]).await.is(403);
            let shown = person.get(&page("billing")).await.is(200).text();
            assert!(!shown.contains("data-end-session"), "{role:?}");
        }
        reader.form(target, &[]).await.is(403);
        world.anon().json().form(target, &[]).await.is(401);
        let elsewhere = world.owner().header("origin", "https://evil.example");
        elsewhere.form(target, &[]).await.is(403);
        world.owner().get(target).await.is(405);
    }
    let panel = "billing".parse().unwrap();
    assert_eq!(world.app.control.ended(&panel, &[1; 16]), None);
}

#[tokio::test]
async fn what_cannot_be_refused_is_not_ended() {
    let world = world().await;
    let owner = world.owner().json();
    // This panel only sends its events.
    let shown = owner.get(&page("shop")).await.is(200).text();
    assert!(!shown.contains("data-end-session"));
    let target = format!("/api/v1/sessions/shop/{SESSION}/end");
    let answer = owner.form(&target, &[]).await.is(409);
    assert_eq!(answer.json()["code"], "WEB-019");
    assert_eq!(answer.declared.outcome, None);
    assert_eq!(Outcome::of_status(Some(409)), Outcome::Failed);
    for (panel, session, status) in [
        ("billing", "02020202020202020202020202020202", 404),
        ("billing", "x", 404),
        ("Nope", SESSION, 404),
    ] {
        let target = format!("/api/v1/sessions/{panel}/{session}/end");
        owner.form(&target, &[]).await.is(status);
    }
}
