//! What stands around every handler: headers, other sites, errors, ids, panics.

use std::sync::atomic::Ordering;

use crate::stack::{PASSWORD, World};
use admintrail_store::control::Role;

const EVERYWHERE: [&str; 9] = [
    "/login",
    "/setup?token=x",
    "/healthz",
    "/api/v1/events",
    "/api/v1/openapi.json",
    "/no/such/page",
    "/monitoring/admin-sessions",
    "/static/app.css",
    "/api/v1/events?q=colour:red",
];

#[tokio::test]
async fn every_response_tells_browsers_what_our_pages_never_do() {
    let world = World::new();
    for actor in [world.anon(), world.owner()] {
        for path in EVERYWHERE {
            let answer = actor.get(path).await;
            let policy = answer.header("content-security-policy");
            assert!(
                policy.contains("frame-ancestors 'none'"),
                "{path}: {policy}"
            );
            assert!(policy.contains("default-src 'none'"), "{path}: {policy}");
            assert!(!policy.contains("unsafe"), "{path}: {policy}");
            assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
            assert_eq!(answer.header("x-frame-options"), "DENY", "{path}");
            assert_eq!(answer.header("referrer-policy"), "same-origin", "{path}");
            assert_eq!(
                answer.header("strict-transport-security"),
                "",
                "{path}: not over HTTP"
            );
            assert_eq!(answer.header("x-request-id").len(), 16, "{path}");
            let tls = actor.clone().over_tls().get(path).await;
            assert!(
                tls.header("strict-transport-security")
                    .starts_with("max-age="),
                "{path}"
            );
            if !path.starts_with("/static/") {
                assert_eq!(answer.header("cache-control"), "no-store", "{path}");
            }
        }
    }
}

#[tokio::test]
async fn another_site_changes_nothing() {
    let world = World::new();
    world.account("taras@example.org", Role::Owner, Some(PASSWORD));
    let owner = world.owner();
    let forms: [(&str, &[(&str, &str)]); 7] = [
        ("/settings/account/preferences", &[("hide_me", "1")]),
        ("/settings/account/identities", &[("identities", "root")]),
        ("/settings/tokens", &[("name", "evil"), ("scope", "read")]),
        (
            "/monitoring/integrity/anchors",
            &[("place", "https://evil.example/")],
        ),
        ("/settings/account/sessions/end-others", &[]),
        ("/logout", &[]),
        (
            "/login",
            &[("email", "taras@example.org"), ("password", PASSWORD)],
        ),
    ];
    let sites: [&[(&'static str, &str)]; 4] = [
        &[("origin", "https://evil.example")],
        &[("origin", "null")],
        &[("sec-fetch-site", "cross-site")],
        &[
            ("sec-fetch-site", "same-site"),
            ("origin", "https://other.trail.example"),
        ],
    ];
    for (path, fields) in forms {
        for site in sites {
            let mut actor = owner.clone();
            for (name, value) in site {
                actor = actor.header(name, value);
            }
            let answer = actor.form(path, fields).await.is(403);
            assert!(answer.session_cookie().is_none(), "{path} from {site:?}");
        }
    }
    assert!(world.app.control.tokens().is_empty());
    assert!(world.app.anchors.read().places().is_empty());
    owner.get("/api/v1/events").await.is(200);
    let own = owner.header("origin", "https://trail.example");
    own.form("/settings/account/preferences", &[("hide_me", "1")])
        .await
        .is(303);
}

#[tokio::test]
async fn a_token_needs_no_origin_for_no_site_can_send_it() {
    let world = World::new();
    let event = serde_json::json!({"panel": "billing", "time": "2026-11-22T14:00:00Z",
        "method": "GET", "path": "/"});
    let actor = world
        .ingest_token()
        .header("origin", "https://billing.example");
    actor.post_json("/api/v1/events", &event).await.is(200);
}

#[tokio::test]
async fn an_error_comes_as_the_page_fragment_or_document_that_was_asked_for() {
    let world = World::new();
    let owner = world.owner();

    let page = owner.get("/no/such/page").await.is(404);
    assert!(
        page.header("content-type").starts_with("text/html"),
        "{:?}",
        page.headers
    );
    assert!(page.text().contains("WEB-001"), "{}", page.text());
    assert!(
        page.text().contains(page.header("x-request-id")),
        "{}",
        page.text()
    );
    assert!(
        page.text()
            .trim_start()
            .to_ascii_lowercase()
            .starts_with("<!doctype html>")
    );

    let fragment = owner
        .clone()
        .header("x-fragment", "rows")
        .get("/no/such/page")
        .await
        .is(404);
    assert!(fragment.header("content-type").starts_with("text/html"));
    assert!(
        !fragment.text().to_ascii_lowercase().contains("<html"),
        "{}",
        fragment.text()
    );

    // A token may know that nothing is there; a stranger may not.
    let token = world.reader_token();
    token.get("/api/v1/nothing").await.is(404);
    world.anon().get("/api/v1/nothing").await.is(401);
    let problem = owner.get("/api/v1/nothing").await.is(404);
    assert_eq!(problem.header("content-type"), "application/problem+json");
    let json = problem.json();
    assert_eq!(
        (json["code"].as_str(), json["status"].as_u64()),
        (Some("WEB-001"), Some(404))
    );
    assert_eq!(
        json["request_id"].as_str(),
        Some(problem.header("x-request-id"))
    );
    assert!(json["detail"].is_string() && json["title"].is_string());

    let method = owner
        .send("DELETE", "/api/v1/events", None, "")
        .await
        .is(405);
    assert_eq!(method.json()["code"], "WEB-012");
    assert!(method.header("allow").contains("GET") && method.header("allow").contains("POST"));
}

#[tokio::test]
async fn strangers_are_sent_to_sign_in_and_back_again() {
    let world = World::new();
    let page = world
        .anon()
        .get("/monitoring/admin-sessions?q=admin%3Aolena&limit=25")
        .await
        .is(303);
    assert_eq!(
        page.header("location"),
        "/login?next=%2Fmonitoring%2Fadmin-sessions%3Fq%3Dadmin%253Aolena%26limit%3D25"
    );
    let fragment = world
        .anon()
        .header("x-fragment", "rows")
        .get("/monitoring/admin-sessions")
        .await;
    assert_eq!(
        fragment.status.as_u16(),
        401,
        "a script must not get the sign-in page as rows"
    );
    let api = world.anon().get("/api/v1/events").await.is(401);
    assert_eq!(api.header("www-authenticate"), "Bearer");
    assert_eq!(api.json()["code"], "WEB-002");
}

#[tokio::test]
async fn a_handler_that_panics_fails_its_own_request_alone() {
    let world = World::new();
    let owner = world.owner();
    world.recorder_panics.store(true, Ordering::SeqCst);
    let answer = owner.get("/readyz").await.is(500);
    assert_eq!(answer.json()["code"], "WEB-017");
    assert!(
        !answer.text().contains("as the test asked"),
        "the cause is for the log: {}",
        answer.text()
    );
    assert_eq!(
        answer.declared.admin.as_deref(),
        Some("owner@example.org"),
        "still on record"
    );
    world.recorder_panics.store(false, Ordering::SeqCst);
    owner.get("/readyz").await.is(200);
}

#[tokio::test]
async fn a_form_of_another_kind_or_size_is_refused() {
    let world = World::new();
    let owner = world.owner().json();
    let path = "/settings/account/preferences";
    owner
        .send("POST", path, Some("application/json"), "{}")
        .await
        .is(400);
    let kind = Some("application/x-www-form-urlencoded");
    let answer = owner
        .send("POST", path, kind, "a=".to_owned() + &"x".repeat(100_000))
        .await
        .is(413);
    assert_eq!(answer.json()["code"], "WEB-007");
}

#[tokio::test]
async fn a_head_request_is_answered_like_a_get_without_its_body() {
    let world = World::new();
    let answer = world
        .owner()
        .send("HEAD", "/api/v1/events", None, "")
        .await
        .is(200);
    assert_eq!(answer.header("content-type"), "application/json");
    assert!(answer.body.is_empty());
    world
        .anon()
        .send("HEAD", "/api/v1/events", None, "")
        .await
        .is(401);
    let page = world
        .owner()
        .send("HEAD", "/no/such/page", None, "")
        .await
        .is(404);
    assert!(page.body.is_empty());
}
