//! Who may ask what: every route, every actor (Threat 36 in the small).

use admintrail_store::control::{Role, TokenScope};
use admintrail_web::{Access, routes};

use crate::stack::{Actor, World};

/// The path of a route with something in its place-holders.
fn target(path: &str) -> String {
    let query = match path {
        "/api/v1/facets" => "?field=admin",
        "/api/v1/export" => "?format=csv",
        "/ledger/tile/{*path}" => return "/ledger/tile/0/000".to_owned(),
        _ => "",
    };
    let id = "0190163d-8694-739b-aea5-966c26f8ad91";
    format!("{}{query}", path.replace("{id}", id))
}

async fn status(actor: &Actor, method: &str, path: &str) -> u16 {
    // The stream never ends: its head is enough.
    let response = actor
        .open(method, &target(path), None, axum::body::Body::empty())
        .await;
    response.status().as_u16()
}

/// Whether the gate let the request through: what the handler then says does not matter.
fn let_in(status: u16) -> bool {
    !matches!(status, 401 | 403)
}

#[tokio::test]
async fn every_route_is_open_to_exactly_those_who_may() {
    use admintrail_web::auth::Capability::{
        Audit, Export, Ingest, Manage, Metrics, OwnAccount, Read,
    };
    let world = World::new();
    let actors = [
        ("anon", world.anon(), vec![]),
        (
            "owner",
            world.owner(),
            vec![Read, Export, OwnAccount, Manage, Audit, Metrics],
        ),
        (
            "auditor",
            world.signed_in(Role::Auditor),
            vec![Read, Export, OwnAccount, Audit, Metrics],
        ),
        (
            "viewer",
            world.signed_in(Role::Viewer),
            vec![Read, OwnAccount],
        ),
        (
            "reader token",
            world.reader_token(),
            vec![Read, Export, Metrics],
        ),
        (
            "bound reader token",
            world.token("bound", TokenScope::Read, &["billing"]).0,
            vec![Read, Export],
        ),
        ("ingest token", world.ingest_token(), vec![Ingest]),
        (
            "revoked token",
            {
                let (actor, token) = world.token("revoked", TokenScope::Read, &[]);
                world
                    .app
                    .control
                    .revoke_token(token.id, world.app.now())
                    .wait()
                    .unwrap();
                actor
            },
            vec![],
        ),
        (
            "unknown cookie",
            world.anon().header(
                "cookie",
                "admintrail_session=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
            ),
            vec![],
        ),
        (
            "disabled owner",
            {
                let account = world.account("gone@example.org", Role::Owner, None);
                let actor = world.with_session(&account);
                world
                    .app
                    .control
                    .set_disabled(account.id, true)
                    .wait()
                    .unwrap();
                actor
            },
            vec![],
        ),
    ];
    let table = routes();
    assert!(table.len() >= 29, "{}", table.len());
    for (who, actor, may) in &actors {
        for route in &table {
            // Bodies are needed elsewhere; sign-out would end the actor's session.
            if route.path == "/logout" {
                continue;
            }
            let expected = match route.access {
                Access::Public => true,
                Access::May(capability) => may.contains(&capability),
                Access::Published => may.contains(&Read),
            };
            let json = actor.clone().json();
            let status = status(&json, route.method.as_str(), route.path).await;
            let public_refusal = route.access == Access::Public && status == 401;
            assert_eq!(
                let_in(status) || public_refusal,
                expected,
                "{who}: {} {} answered {status}",
                route.method,
                route.path
            );
        }
    }
}

#[tokio::test]
async fn only_the_listed_routes_are_open_to_strangers() {
    let open: Vec<String> = routes()
        .iter()
        .filter(|route| route.access == Access::Public)
        .map(|route| format!("{} {}", route.method, route.path))
        .collect();
    assert_eq!(
        open,
        [
            "GET /login",
            "POST /login",
            "POST /logout",
            "GET /login/link",
            "POST /login/link",
            "GET /setup",
            "POST /setup",
            "GET /reset",
            "POST /reset",
            "GET /api/v1/openapi.json",
            "GET /healthz",
            "GET /readyz",
        ]
    );
}

#[tokio::test]
async fn what_is_not_listed_is_closed_to_strangers() {
    let world = World::new();
    for path in [
        "/",
        "/monitoring/admin-sessions",
        "/monitoring/admin-sessions/sessions",
        "/settings/account",
        "/settings/tokens",
        "/no/such/page",
        "/static",
        "/static/../settings/account",
        "/login/",
        "/LOGIN",
        "/api",
        "/api/v1/events/",
        "//api/v1/events",
        "/api/v1/%65vents",
        "/healthz/",
        "/metrics",
        "/ledger/checkpoint",
        "/ledger/tile/0/000",
        "/ledger/key",
        "/monitoring/integrity",
    ] {
        let page = world.anon().get(path).await;
        let api = ["/api/", "/metrics", "/healthz", "/ledger/"]
            .iter()
            .any(|front| path.starts_with(front));
        assert_eq!(page.status.as_u16(), if api { 401 } else { 303 }, "{path}");
        if !api {
            assert!(page.header("location").starts_with("/login"), "{path}");
        }
        let json = world.anon().json().get(path).await;
        assert_eq!(json.status.as_u16(), 401, "{path}");
    }
    for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW"] {
        let answer = world
            .anon()
            .json()
            .send(method, "/api/v1/events/x", None, "")
            .await;
        assert_eq!(answer.status.as_u16(), 401, "{method}");
    }
}

#[tokio::test]
async fn a_token_bound_to_panels_sees_those_alone() {
    let world = World::new();
    let mut shop = world.draft(1, Some("olena"), "GET", "/shop");
    shop.panel = "shop".parse().unwrap();
    shop.session = Some(admintrail_event::SessionHash([1; 16]));
    let id = shop.id;
    let billing = world.draft(2, Some("olena"), "GET", "/billing");
    world.record(vec![shop, billing]).await;
    let (bound, _) = world.token("bound", TokenScope::Read, &["billing"]);

    assert_eq!(
        bound.get("/api/v1/events").await.is(200).paths(),
        ["/billing"]
    );
    assert_eq!(
        bound
            .get("/api/v1/events?q=panel:shop")
            .await
            .is(200)
            .paths(),
        [""; 0]
    );
    bound.get(&format!("/api/v1/events/{id}")).await.is(404);
    bound
        .get("/api/v1/sessions/01010101010101010101010101010101")
        .await
        .is(404);
    let facet = bound.get("/api/v1/facets?field=panel").await.is(200).json();
    assert_eq!(
        facet["values"],
        serde_json::json!([{"value": "billing", "count": 1}])
    );
    let export = bound
        .get("/api/v1/export?format=ndjson")
        .await
        .is(200)
        .text();
    assert!(!export.contains("/shop"), "{export}");
    for page in [
        "/".to_owned(),
        format!("/monitoring/admin-sessions?event={id}"),
        "/monitoring/admin-sessions/sessions".to_owned(),
        "/settings/panels".to_owned(),
    ] {
        let answer = bound.get(&page).await.is(403).text();
        assert!(!answer.contains("/shop"), "{page}");
    }
    let sessions = bound.get("/api/v1/sessions").await.is(200).json();
    assert_eq!(sessions["sessions"], serde_json::json!([]));

    let all = world.reader_token();
    all.get(&format!("/api/v1/events/{id}")).await.is(200);
    all.get("/api/v1/sessions/01010101010101010101010101010101")
        .await
        .is(200);
}

/// Every `*.html` below a folder.
fn templates(folder: &std::path::Path, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            templates(&path, found);
        } else if path.extension().is_some_and(|end| end == "html") {
            found.push(std::fs::read_to_string(path).unwrap());
        }
    }
}

#[test]
fn every_form_on_the_pages_posts_to_a_route_that_exists() {
    let mut pages = Vec::new();
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/templates");
    templates(folder.as_ref(), &mut pages);
    let posts: Vec<&str> = routes()
        .iter()
        .filter(|route| route.method == http::Method::POST)
        .map(|route| route.path)
        .collect();
    let mut forms = 0;
    for page in &pages {
        for form in page.split("<form").skip(1) {
            let head = form.split('>').next().unwrap();
            let action = head.split("action=\"").nth(1).unwrap_or_default();
            let action = action.split('"').next().unwrap();
            if !head.to_ascii_lowercase().contains("method=\"post\"") {
                continue;
            }
            forms += 1;
            // A value stands where the route has a placeholder.
            let fits = |route: &&str| {
                let (ours, theirs) = (action.split('/'), route.split('/'));
                ours.clone().count() == theirs.clone().count()
                    && ours.zip(theirs).all(|(ours, theirs)| {
                        ours == theirs || ours.starts_with("{{") && theirs.starts_with('{')
                    })
            };
            assert!(posts.iter().any(fits), "{action}");
        }
    }
    assert!(forms >= 10, "{forms} forms");
}

#[tokio::test]
async fn a_token_of_more_panels_than_a_filter_has_room_for_sees_them_all() {
    let world = World::new();
    let names: Vec<String> = (0..400)
        .map(|n| format!("a-panel-with-a-name-{n}"))
        .collect();
    let on = |panel: &str, n: usize| {
        let n = i64::try_from(n).unwrap();
        let mut draft = world.draft(n, Some("olena"), "GET", &format!("/{panel}"));
        draft.panel = panel.parse().unwrap();
        draft
    };
    let mut drafts: Vec<_> = names
        .iter()
        .enumerate()
        .map(|(n, name)| on(name, n))
        .collect();
    drafts.push(on("shop", 500));
    world.record(drafts).await;
    let bound: Vec<&str> = names.iter().map(String::as_str).collect();
    let (reader, _) = world.token("many", TokenScope::Read, &bound);
    let long = format!("q={}", "path:*".to_owned() + &"a".repeat(4_000));
    for path in [
        "/api/v1/events?limit=1000",
        "/api/v1/histogram",
        "/api/v1/facets?field=panel",
        "/api/v1/sessions",
        "/api/v1/export?format=ndjson",
        &format!("/api/v1/events?{long}"),
    ] {
        let answer = reader.get(path).await.is(200);
        assert!(!answer.text().contains("shop"), "{path}");
    }
    let seen = reader.get("/api/v1/events?limit=1000").await.paths();
    assert_eq!(seen.len(), 400);
    let asked = reader.get("/api/v1/events?q=panel:shop").await.is(200);
    assert!(asked.paths().is_empty());
}

#[tokio::test]
async fn a_session_hash_shared_by_panels_is_told_for_the_panel_that_may_be_seen() {
    let world = World::new();
    let hash = admintrail_event::SessionHash([7; 16]);
    let on = |panel: &str, n, admin| {
        let mut draft = world.draft(n, Some(admin), "GET", "/");
        draft.panel = panel.parse().unwrap();
        draft.session = Some(hash);
        draft
    };
    world
        .record(vec![on("shop", 1, "olena"), on("billing", 2, "mallory")])
        .await;
    let (billing, _) = world.token("billing", TokenScope::Read, &["billing"]);
    let path = format!("/api/v1/sessions/{hash}");
    let json = billing.get(&path).await.is(200).json();
    assert_eq!(
        (&json["admin"], &json["requests"]),
        (&"mallory".into(), &1.into())
    );
    let list = billing.get("/api/v1/sessions").await.is(200).json();
    assert_eq!(list["total"]["value"], 1);
    assert_eq!(list["sessions"][0]["admin"], "mallory");
}
