//! API tokens: made by owners, shown once, refused when revoked.

use admintrail_store::control::TokenScope;
use serde_json::json;

use crate::stack::World;

#[tokio::test]
async fn a_token_is_shown_once_works_and_is_refused_when_revoked() {
    let world = World::new();
    let owner = world.owner().json();
    let fields = [("name", "backup"), ("scope", "read")];
    let made = owner.form("/settings/tokens", &fields).await.is(200);
    assert_eq!(made.declared.action.as_deref(), Some("Created token"));
    assert_eq!(made.declared.object.as_deref(), Some("token/backup"));
    let json = made.json();
    let secret = json["secret"].as_str().unwrap();
    assert!(secret.starts_with("at_"));
    let reader = world
        .anon()
        .header("authorization", &format!("Bearer {secret}"));
    let seen = reader.get("/api/v1/events").await.is(200);
    assert_eq!(seen.declared.admin.as_deref(), Some("token backup"));

    let taken = owner.form("/settings/tokens", &fields).await.is(422);
    assert_eq!(taken.json()["field"], "name");

    let revoke = format!("/settings/tokens/{}/revoke", json["id"]);
    let answer = owner.form(&revoke, &[]).await.is(200);
    assert_eq!(answer.declared.object.as_deref(), Some("token/backup"));
    let refused = reader.get("/api/v1/events").await.is(401);
    assert_eq!(
        refused.declared.action.as_deref(),
        Some("Denied: unknown or revoked token")
    );
    owner.form(&revoke, &[]).await.is(404);

    world.app.control.close();
    for entry in std::fs::read_dir(world.folder()).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap_or_default();
        assert!(
            !bytes
                .windows(secret.len())
                .any(|window| window == secret.as_bytes())
        );
    }
}

#[tokio::test]
async fn a_plain_form_shows_the_secret_on_the_next_page_not_in_the_address() {
    let world = World::new();
    let owner = world.owner();
    let fields = [
        ("name", "shop sender"),
        ("scope", "ingest"),
        ("panels", "shop, billing"),
    ];
    let answer = owner.form("/settings/tokens", &fields).await.is(303);
    assert_eq!(answer.header("location"), "/settings/tokens");
    let tokens = world.app.control.tokens();
    assert_eq!((tokens.len(), tokens[0].panels.len()), (1, 2));
    assert_eq!(tokens[0].scope, TokenScope::Ingest);
    let page = owner.get("/settings/tokens").await.is(200).text();
    assert_eq!(page.matches("The token is made").count(), 1, "said once");
    assert_eq!(page.matches("Copy it now").count(), 1);
}

#[tokio::test]
async fn a_wrong_token_form_names_the_field() {
    let world = World::new();
    let owner = world.owner().json();
    for (name, scope, panels, field) in [
        ("", "read", "", "name"),
        ("a\u{202e}b", "read", "", "name"),
        ("<script>", "read", "", "name"),
        ("x", "write", "", "scope"),
        ("x", "ingest", "Bad Panel!", "panels"),
        ("x", "ingest", "admintrail", "panels"),
    ] {
        let fields = [("name", name), ("scope", scope), ("panels", panels)];
        let answer = owner.form("/settings/tokens", &fields).await.is(422);
        assert_eq!(answer.json()["field"], field, "{name:?} {scope} {panels}");
    }
    assert!(world.app.control.tokens().is_empty());
}

#[tokio::test]
async fn a_wrong_token_does_not_fall_back_to_the_cookie() {
    let world = World::new();
    let both = world.owner().header("authorization", "Bearer at_wrong");
    both.get("/api/v1/events").await.is(401);
    let basic = world.owner().header("authorization", "Basic b2xlbmE6eA==");
    basic.get("/api/v1/events").await.is(200);
}

#[tokio::test]
async fn a_token_of_one_panel_sends_for_no_other() {
    let world = World::new();
    let event = |panel: &str| json!({"panel": panel, "time": "2026-11-22T14:00:00Z", "method": "GET", "path": "/"});
    let (sender, _) = world.token("sender", TokenScope::Ingest, &["billing", "shop"]);
    sender
        .post_json("/api/v1/events", &json!([event("billing"), event("shop")]))
        .await
        .is(200);
    let refused = sender
        .post_json("/api/v1/events", &json!([event("billing"), event("crm")]))
        .await
        .is(403);
    assert!(refused.json()["detail"].as_str().unwrap().contains("crm"));
    let (any, _) = world.token("any", TokenScope::Ingest, &[]);
    any.post_json("/api/v1/events", &event("crm")).await.is(200);
    any.post_json("/api/v1/events", &event("admintrail"))
        .await
        .is(403);
    let all = world.reader_token().get("/api/v1/events").await.json();
    assert_eq!(
        all["total"]["value"], 3,
        "of a refused batch nothing was taken"
    );
}
