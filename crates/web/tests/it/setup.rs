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

/// What `fields` has, and a place.
async fn set_up_at(world: &World, token: &str, place: &str) -> crate::stack::Answer {
    let mut all = fields(token, "olena@example.org", PASSWORD).to_vec();
    all.push(("place", place));
    world.anon().form("/setup", &all).await
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

#[tokio::test]
async fn a_place_for_proof_that_is_named_at_setup_is_one_at_once() {
    let world = World::new();
    let token = link(&world);
    let form = world.anon().get(&format!("/setup?token={token}")).await;
    let form = form.is(200).text();
    assert!(form.contains("Where else may proof be kept?"), "{form}");
    assert!(form.contains("nobody else has a checkpoint of"), "{form}");
    let mut changes = world.app.anchor_places.changes();
    let answer = set_up_at(&world, &token, "/mnt/backup/a.checkpoint")
        .await
        .is(303);
    assert_eq!(answer.header("location"), "/monitoring/admin-sessions");
    let said = "Made the first account and added an anchor";
    assert_eq!(answer.declared.action.as_deref(), Some(said));
    let object = "anchor/file/mnt/backup/a.checkpoint";
    assert_eq!(answer.declared.object.as_deref(), Some(object));
    assert_eq!(answer.declared.admin.as_deref(), Some("olena@example.org"));
    assert!(changes.has_changed().unwrap(), "whoever sends hears of it");
    changes.mark_unchanged();
    let places = world.app.anchors.read().places().to_vec();
    assert_eq!(places.len(), 1);
    assert_eq!(places[0].place, "/mnt/backup/a.checkpoint");
}

#[tokio::test]
async fn the_secret_of_a_receiver_that_is_named_at_setup_is_shown_on_the_next_page() {
    let world = World::new();
    let token = link(&world);
    let answer = set_up_at(&world, &token, "https://hooks.example.org/canary")
        .await
        .is(303);
    assert_eq!(answer.header("location"), "/monitoring/integrity#anchors");
    let object = "anchor/webhook/hooks.example.org";
    assert_eq!(answer.declared.object.as_deref(), Some(object));
    let olena = world.anon().after(&answer);
    let page = olena.get("/monitoring/integrity").await.is(200).text();
    assert_eq!(page.matches("value=\"whsec_").count(), 1, "{page}");
    assert!(!page.contains("canary"), "{page}");
    let page = olena.get("/monitoring/integrity").await.is(200).text();
    assert!(!page.contains("whsec_"), "once");
}

#[tokio::test]
async fn a_wrong_place_is_told_at_its_field_and_makes_no_account() {
    let world = World::new();
    let token = link(&world);
    for (place, told) in [
        ("backup", "is not an absolute path"),
        ("/tmp", "is a folder"),
        ("http://hooks.example.org/", "is not encrypted"),
        ("https://127.0.0.1/", "in this machine&#39;s own network"),
        ("law@example.com", "is not an e-mail address"),
    ] {
        let page = set_up_at(&world, &token, place).await.is(422).text();
        let field = page.split("name=\"place\"").nth(1).unwrap();
        assert!(field.contains("aria-invalid=\"true\""), "{field}");
        let error = field.split("id=\"e-place\">").nth(1).unwrap();
        let error = error.split("</p>").next().unwrap();
        assert!(error.contains(told), "{error}");
        assert!(page.contains(&format!("value=\"{place}\"")), "{page}");
        assert!(page.contains("value=\"olena@example.org\""), "{page}");
        assert!(!page.contains(PASSWORD), "it is not sent back");
    }
    assert!(!world.app.control.has_accounts());
    assert!(world.app.anchors.read().places().is_empty());
    let json = world.anon().json();
    let mut all = fields(&token, "olena@example.org", PASSWORD).to_vec();
    all.push(("place", "backup"));
    let problem = json.form("/setup", &all).await.is(422);
    assert_eq!(problem.json()["field"], "place");

    // Empty is fine, and asked for again where it may be given.
    let answer = set_up_at(&world, &token, " ").await.is(303);
    let said = "Made the first account";
    assert_eq!(answer.declared.action.as_deref(), Some(said));
    let olena = world.anon().after(&answer);
    for page in ["/", "/monitoring/integrity"] {
        let page = olena.get(page).await.is(200).text();
        let asked = "<b>Where else may proof be kept?</b>";
        assert_eq!(page.matches(asked).count(), 1, "{page}");
    }
}
