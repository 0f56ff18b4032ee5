//! The first account.

use admintrail_event::Micros;
use admintrail_store::control::{LinkPurpose, OneTimeLink, Role};
use admintrail_web::auth::secret::Secret;

use crate::stack::{PASSWORD, World};

fn link(world: &World) -> String {
    let secret = Secret::generate().unwrap();
    let link = OneTimeLink {
        hash: secret.hash(),
        purpose: LinkPurpose::Setup,
        account: None,
        expires: Micros(world.app.now().0 + LinkPurpose::LIFE),
    };
    world.app.control.add_link(link).wait().unwrap();
    secret.expose().to_owned()
}

fn fields<'a>(token: &'a str, email: &'a str, password: &'a str) -> [(&'a str, &'a str); 5] {
    [
        ("token", token),
        ("email", email),
        ("name", "Olena"),
        ("password", password),
        ("identities", "olena, billing:olena@example.org"),
    ]
}

#[tokio::test]
async fn the_link_makes_the_owner_and_signs_in() {
    let world = World::new();
    let token = link(&world);
    world
        .anon()
        .get(&format!("/setup?token={token}"))
        .await
        .is(200);
    let answer = world
        .anon()
        .form("/setup", &fields(&token, "olena@example.org", PASSWORD))
        .await
        .is(303);
    assert_eq!(answer.header("location"), "/monitoring/admin-sessions");
    world
        .anon()
        .after(&answer)
        .get("/api/v1/events")
        .await
        .is(200);
    let account = world
        .app
        .control
        .account_of_email("olena@example.org")
        .unwrap();
    assert_eq!(account.role, Role::Owner);
    assert_eq!(account.identities.len(), 2);
    let stored = account.password_hash.as_deref().unwrap();
    assert!(stored.starts_with("$argon2id$"), "{stored}");
    assert_eq!(answer.declared.admin.as_deref(), Some("olena@example.org"));

    world
        .anon()
        .get(&format!("/setup?token={token}"))
        .await
        .is(410);
    let again = world
        .anon()
        .form("/setup", &fields(&token, "mallory@example.org", PASSWORD))
        .await
        .is(410);
    assert!(again.session_cookie().is_none());
    let late = link(&world);
    world
        .anon()
        .form("/setup", &fields(&late, "mallory@example.org", PASSWORD))
        .await
        .is(410);
    assert_eq!(world.app.control.accounts().len(), 1);
}

#[tokio::test]
async fn a_mistake_keeps_the_link_and_names_the_field() {
    let world = World::new();
    let token = link(&world);
    for (email, password, field) in [
        ("not an address", PASSWORD, "email"),
        ("olena@example.org", "short", "password"),
        ("olena@example.org", "olena@example.org", "password"),
    ] {
        let page = world
            .anon()
            .form("/setup", &fields(&token, email, password))
            .await
            .is(422);
        assert!(page.header("content-type").starts_with("text/html"));
        assert!(
            !page.text().contains(PASSWORD),
            "the password is not sent back"
        );
        let json = world
            .anon()
            .json()
            .form("/setup", &fields(&token, email, password))
            .await
            .is(422);
        assert_eq!(json.json()["field"], field);
    }
    world
        .anon()
        .form("/setup", &fields(&token, "olena@example.org", PASSWORD))
        .await
        .is(303);
}

#[tokio::test]
async fn the_link_dies_after_half_an_hour() {
    let world = World::new();
    let token = link(&world);
    world.pass(30 * 60);
    world
        .anon()
        .get(&format!("/setup?token={token}"))
        .await
        .is(410);
    world
        .anon()
        .form("/setup", &fields(&token, "olena@example.org", PASSWORD))
        .await
        .is(410);
    assert!(!world.app.control.has_accounts());
}

#[tokio::test]
async fn without_the_link_nobody_sets_anything_up() {
    let world = World::new();
    link(&world);
    for token in [
        "",
        "x",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "' OR 1=1 --",
    ] {
        world
            .anon()
            .form("/setup", &fields(token, "mallory@example.org", PASSWORD))
            .await
            .is(410);
    }
    world.anon().get("/setup").await.is(410);
    assert!(!world.app.control.has_accounts());
}
