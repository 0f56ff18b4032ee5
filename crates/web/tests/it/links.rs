//! Links that sign in, and links that set a new password.

use std::sync::Arc;

use admintrail_event::Micros;
use admintrail_store::control::{Account, LinkPurpose, OneTimeLink, Role};
use admintrail_web::auth::secret::Secret;

use crate::stack::{PASSWORD, World};

fn link(world: &World, account: &Account, purpose: LinkPurpose) -> String {
    let secret = Secret::generate().unwrap();
    let link = OneTimeLink {
        hash: secret.hash(),
        purpose,
        account: Some(account.id),
        expires: Micros(world.app.now().0 + LinkPurpose::LIFE),
    };
    world.app.control.add_link(link).wait().unwrap();
    secret.expose().to_owned()
}

fn olena(world: &World) -> Arc<Account> {
    world.account("olena@example.org", Role::Owner, Some(PASSWORD))
}

#[tokio::test]
async fn looking_at_a_sign_in_link_does_not_use_it_up() {
    let world = World::new();
    let token = link(&world, &olena(&world), LinkPurpose::SignIn);
    for _ in 0..3 {
        let page = world
            .anon()
            .get(&format!("/login/link?token={token}"))
            .await
            .is(200);
        assert!(page.session_cookie().is_none());
    }
    let answer = world
        .anon()
        .form("/login/link", &[("token", &token)])
        .await
        .is(303);
    world
        .anon()
        .after(&answer)
        .get("/api/v1/events")
        .await
        .is(200);
    world
        .anon()
        .form("/login/link", &[("token", &token)])
        .await
        .is(410);
    world
        .anon()
        .get(&format!("/login/link?token={token}"))
        .await
        .is(410);
}

#[tokio::test]
async fn a_link_of_demo_signs_in_at_once_until_it_expires() {
    let world = World::new();
    let token = link(&world, &olena(&world), LinkPurpose::SignInAtOnce);
    let target = format!("/login/link?token={token}");
    // A chat program may look first; the person comes afterwards.
    for _ in 0..2 {
        let answer = world.anon().get(&target).await.is(303);
        assert_eq!(answer.declared.admin.as_deref(), Some("olena@example.org"));
        let browser = world.anon().after(&answer);
        browser.get("/api/v1/events").await.is(200);
    }
    world.pass(30 * 60);
    world.anon().get(&target).await.is(410);
}

#[tokio::test]
async fn a_reset_link_sets_the_password_once_and_ends_all_sessions() {
    let world = World::new();
    let account = olena(&world);
    let elsewhere = world.with_session(&account);
    let token = link(&world, &account, LinkPurpose::Reset);
    world
        .anon()
        .get(&format!("/reset?token={token}"))
        .await
        .is(200);
    world
        .anon()
        .form("/reset", &[("token", &token), ("password", "short")])
        .await
        .is(422);
    let fields = [
        ("token", token.as_str()),
        ("password", "another long password"),
    ];
    let answer = world.anon().form("/reset", &fields).await.is(303);
    world
        .anon()
        .after(&answer)
        .get("/api/v1/events")
        .await
        .is(200);
    elsewhere.get("/api/v1/events").await.is(401);
    world.anon().form("/reset", &fields).await.is(410);
    let sign_in = |password| [("email", "olena@example.org"), ("password", password)];
    world
        .anon()
        .form("/login", &sign_in(PASSWORD))
        .await
        .is(401);
    world
        .anon()
        .form("/login", &sign_in("another long password"))
        .await
        .is(303);
}

#[tokio::test]
async fn a_link_is_good_for_its_purpose_alone() {
    let world = World::new();
    let account = olena(&world);
    let reset = link(&world, &account, LinkPurpose::Reset);
    let sign_in = link(&world, &account, LinkPurpose::SignIn);
    let new = "another long password";
    world
        .anon()
        .get(&format!("/login/link?token={reset}"))
        .await
        .is(410);
    world
        .anon()
        .form("/login/link", &[("token", &reset)])
        .await
        .is(410);
    world
        .anon()
        .get(&format!("/reset?token={sign_in}"))
        .await
        .is(410);
    world
        .anon()
        .form("/reset", &[("token", &sign_in), ("password", new)])
        .await
        .is(410);
    world
        .anon()
        .get(&format!("/setup?token={sign_in}"))
        .await
        .is(410);
}

#[tokio::test]
async fn links_of_a_disabled_account_are_dead() {
    let world = World::new();
    let account = olena(&world);
    let tokens = [
        LinkPurpose::SignIn,
        LinkPurpose::SignInAtOnce,
        LinkPurpose::Reset,
    ]
    .map(|purpose| link(&world, &account, purpose));
    world
        .app
        .control
        .set_disabled(account.id, true)
        .wait()
        .unwrap();
    for token in tokens {
        world
            .anon()
            .get(&format!("/login/link?token={token}"))
            .await
            .is(410);
        world
            .anon()
            .get(&format!("/reset?token={token}"))
            .await
            .is(410);
        let answer = world
            .anon()
            .form("/login/link", &[("token", &token)])
            .await
            .is(410);
        assert!(answer.session_cookie().is_none());
    }
}
