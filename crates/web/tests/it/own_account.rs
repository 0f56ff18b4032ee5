//! What people change about their own account.

use admintrail_store::control::{Account, Role};
use admintrail_web::auth::{Viewer, session_id};

use crate::stack::{Actor, PASSWORD, World};

const PREFERENCES: &str = "/settings/account/preferences";

fn viewer_of(world: &World, account: &Account) -> Viewer {
    let now = world.app.now();
    let session = world.app.control.sessions_of(account.id, now)[0].hash;
    Viewer::Account {
        account: world.app.control.account(account.id).unwrap(),
        session,
        shown: admintrail_event::SessionHash([0; 16]),
    }
}

async fn sign_in(world: &World, email: &str) -> Actor {
    let fields = [("email", email), ("password", PASSWORD)];
    let answer = world.anon().form("/login", &fields).await.is(303);
    world.anon().after(&answer)
}

#[tokio::test]
async fn preferences_are_kept_field_by_field() {
    let world = World::new();
    let account = world.account("olena@example.org", Role::Viewer, None);
    let actor = world.with_session(&account);
    let fields = [
        ("hide_me", "0"),
        ("hide_me", "1"),
        ("refresh", "live"),
        ("page_size", "250"),
        ("time_zone", "Europe/Kyiv"),
        ("theme", "dark"),
    ];
    let answer = actor.form(PREFERENCES, &fields).await.is(303);
    assert_eq!(answer.header("location"), "/settings/account");
    assert_eq!(
        answer.declared.action.as_deref(),
        Some("Changed own preferences")
    );
    let kept = || {
        world
            .app
            .control
            .account(account.id)
            .unwrap()
            .preferences
            .clone()
    };
    let now = kept();
    assert!(now.hide_me && now.keyboard);
    assert_eq!((now.refresh, now.page_size), (None, 250));
    assert_eq!(
        (now.time_zone.as_deref(), now.theme.as_deref()),
        (Some("Europe/Kyiv"), Some("dark"))
    );

    let script = actor.clone().json();
    let answer = script.form(PREFERENCES, &[("hide_me", "0")]).await.is(200);
    assert_eq!(answer.json(), serde_json::json!({"saved": true}));
    let after = kept();
    assert!(!after.hide_me);
    assert_eq!(after.page_size, 250, "what is not sent stays");

    let back = [
        ("theme", "light"),
        ("next", "/monitoring/admin-sessions?q=x"),
    ];
    let answer = actor.form(PREFERENCES, &back).await.is(303);
    assert_eq!(answer.header("location"), "/monitoring/admin-sessions?q=x");
    let away = actor
        .form(PREFERENCES, &[("next", "//evil.example")])
        .await
        .is(303);
    assert_eq!(away.header("location"), "/settings/account");
}

#[tokio::test]
async fn a_wrong_preference_is_named_and_nothing_is_saved() {
    let world = World::new();
    let account = world.account("olena@example.org", Role::Viewer, None);
    let actor = world.with_session(&account);
    let before = account.preferences.clone();
    for (field, value) in [
        ("refresh", "7"),
        ("page_size", "51"),
        ("page_size", "-1"),
        ("time_zone", "Mars/Olympus"),
        ("time_zone", "../../etc/passwd"),
        ("theme", "<script>"),
    ] {
        let fields = [("hide_me", "1"), (field, value)];
        let json = actor
            .clone()
            .json()
            .form(PREFERENCES, &fields)
            .await
            .is(422);
        assert_eq!(json.json()["field"], field, "{value}");
        actor.form(PREFERENCES, &fields).await.is(303);
        let flash = world.app.take_flash(&viewer_of(&world, &account)).unwrap();
        assert_eq!(flash.error.unwrap().code(), "WEB-013");
        assert!(flash.typed.contains(&(field.to_owned(), value.to_owned())));
        assert!(
            world.app.take_flash(&viewer_of(&world, &account)).is_none(),
            "shown once"
        );
    }
    assert_eq!(
        world.app.control.account(account.id).unwrap().preferences,
        before
    );
}

#[tokio::test]
async fn identities_decide_what_hide_me_hides() {
    let world = World::new();
    world.record_many(3).await;
    world
        .record(vec![world.draft(9, Some("taras"), "GET", "/taras")])
        .await;
    world
        .record(vec![world.draft(10, None, "GET", "/nobody")])
        .await;
    let owner = world.owner();
    owner
        .form(
            "/settings/account/identities",
            &[("identities", "OLENA\r\nshop:taras")],
        )
        .await
        .is(303);
    let seen = owner.get("/api/v1/events?hide_me=1").await.is(200);
    assert_eq!(
        seen.paths(),
        ["/nobody", "/taras"],
        "folded, and taras only on shop"
    );
    assert_eq!(seen.json()["hidden"], 3);
    let json = owner
        .json()
        .form(
            "/settings/account/identities",
            &[("identities", "Bad Panel:x")],
        )
        .await
        .is(422);
    assert_eq!(json.json()["field"], "identities");
}

#[tokio::test]
async fn a_password_is_changed_by_who_knows_it_and_ends_the_other_sessions() {
    let world = World::new();
    world.account("olena@example.org", Role::Auditor, Some(PASSWORD));
    let here = sign_in(&world, "olena@example.org").await;
    let elsewhere = sign_in(&world, "olena@example.org").await;
    let path = "/settings/account/password";
    let wrong = [
        ("current", "wrong password"),
        ("password", "a brand new password"),
    ];
    assert_eq!(
        here.clone().json().form(path, &wrong).await.is(422).json()["field"],
        "current"
    );
    let weak = [("current", PASSWORD), ("password", "short")];
    assert_eq!(
        here.clone().json().form(path, &weak).await.is(422).json()["field"],
        "password"
    );
    elsewhere.get("/api/v1/events").await.is(200);

    here.form(
        path,
        &[("current", PASSWORD), ("password", "a brand new password")],
    )
    .await
    .is(303);
    here.get("/api/v1/events").await.is(200);
    elsewhere.get("/api/v1/events").await.is(401);
    let fields = [
        ("email", "olena@example.org"),
        ("password", "a brand new password"),
    ];
    world.anon().form("/login", &fields).await.is(303);
}

#[tokio::test]
async fn a_stolen_session_cannot_guess_the_password() {
    let world = World::new();
    world.account("olena@example.org", Role::Owner, Some(PASSWORD));
    let thief = sign_in(&world, "olena@example.org")
        .await
        .json()
        .from("203.0.113.9");
    let mut last = 0;
    for n in 0..8 {
        let guess = format!("guess number {n}");
        let fields = [
            ("current", guess.as_str()),
            ("password", "a brand new password"),
        ];
        last = thief
            .form("/settings/account/password", &fields)
            .await
            .status
            .as_u16();
    }
    assert_eq!(last, 429);
}

#[tokio::test]
async fn people_see_and_end_their_own_sessions_alone() {
    let world = World::new();
    let olena = world.account("olena@example.org", Role::Viewer, None);
    let taras = world.account("taras@example.org", Role::Viewer, None);
    let (here, there, his) = (
        world.with_session(&olena),
        world.with_session(&olena),
        world.with_session(&taras),
    );
    let now = world.app.now();
    let his_id = session_id(&world.app.control.sessions_of(taras.id, now)[0].hash);
    let end = |id: &str| format!("/settings/account/sessions/{id}/end");
    here.clone().json().form(&end(&his_id), &[]).await.is(404);
    here.clone()
        .json()
        .form(&end("0000000000000000"), &[])
        .await
        .is(404);
    his.get("/api/v1/events").await.is(200);

    let own = world.app.control.sessions_of(olena.id, now);
    assert_eq!(own.len(), 2);
    let answer = here
        .clone()
        .json()
        .form("/settings/account/sessions/end-others", &[])
        .await
        .is(200);
    assert_eq!(answer.json()["ended"], 1);
    there.get("/api/v1/events").await.is(401);
    here.get("/api/v1/events").await.is(200);
    let last = session_id(&world.app.control.sessions_of(olena.id, now)[0].hash);
    here.form(&end(&last), &[]).await.is(303);
    here.get("/api/v1/events").await.is(401);
    his.get("/api/v1/events").await.is(200);
}

#[tokio::test]
async fn a_shortened_path_leads_to_its_first_page() {
    let world = World::new();
    let owner = world.owner();
    for (short, page) in [
        ("/monitoring", "/monitoring/admin-sessions"),
        ("/settings", "/settings/account"),
    ] {
        let answer = owner.get(short).await.is(303);
        assert_eq!(answer.headers["location"], page);
    }
}
