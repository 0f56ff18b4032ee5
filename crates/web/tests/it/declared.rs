//! What our own pages say of each request, for the layer that records them.

use admintrail_event::Outcome;
use admintrail_store::control::Role;

use crate::stack::{PASSWORD, World};

#[tokio::test]
async fn whoever_reads_the_record_is_on_record() {
    let world = World::new();
    let account = world.account("olena@example.org", Role::Auditor, None);
    let person = world.with_session(&account);
    let first = person.get("/api/v1/events").await.is(200).declared;
    assert_eq!(first.admin.as_deref(), Some("olena@example.org"));
    assert_eq!(first.admin_name.as_deref(), Some("Olena"));
    assert_eq!(first.polling, None);
    let second = person.get("/api/v1/histogram").await.is(200).declared;
    assert_eq!(first.session, second.session);
    let other = world
        .with_session(&account)
        .get("/api/v1/events")
        .await
        .declared;
    assert_ne!(
        first.session, other.session,
        "another sign-in is another session"
    );

    let token = world
        .reader_token()
        .get("/api/v1/events")
        .await
        .is(200)
        .declared;
    assert_eq!(
        (token.admin.as_deref(), token.admin_name),
        (Some("token reader"), None)
    );
    assert!(token.session.is_some());
    let nobody = world.anon().get("/api/v1/events").await.is(401).declared;
    assert_eq!((nobody.admin, nobody.session), (None, None));
}

#[tokio::test]
async fn refused_and_failed_requests_name_their_admin_too() {
    let world = World::new();
    let viewer = world.signed_in(Role::Viewer);
    for (target, status) in [
        ("/api/v1/export?format=csv", 403),
        ("/metrics", 403),
        ("/api/v1/events?q=colour:red", 400),
        ("/no/such/page", 404),
    ] {
        let answer = viewer.get(target).await.is(status);
        assert_eq!(
            answer.declared.admin.as_deref(),
            Some("viewer@example.org"),
            "{target}"
        );
    }
}

#[tokio::test]
async fn automatic_refreshes_are_marked() {
    let world = World::new();
    let owner = world.owner();
    let auto = owner
        .get("/api/v1/events?refresh=auto")
        .await
        .is(200)
        .declared;
    assert_eq!(auto.polling, Some(true));
    let by_hand = owner.get("/api/v1/events?refresh=5").await.is(200).declared;
    assert_eq!(by_hand.polling, None);
}

#[tokio::test]
async fn a_stranger_who_is_sent_to_sign_in_has_viewed_nothing() {
    let world = World::new();
    for target in ["/", "/monitoring/admin-sessions", "/settings/tokens"] {
        for method in ["GET", "HEAD"] {
            let sent = world.anon().send(method, target, None, "").await.is(303);
            let declared = sent.declared;
            assert_eq!(declared.outcome, Some(Outcome::Denied), "{method} {target}");
            assert_eq!(declared.action.as_deref(), Some("Sent to sign-in"));
            assert_eq!((declared.admin, declared.session), (None, None));
        }
    }
    let seen = world.owner().get("/").await.is(200).declared;
    assert_eq!(seen.action.as_deref(), Some("Viewed dashboard"));
    assert_eq!(seen.outcome, None, "the status tells");
}

#[tokio::test]
async fn a_refused_form_changed_nothing_though_it_is_answered_by_a_redirect() {
    type Refused<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a str);
    let world = World::new();
    let account = world.account("olena@example.org", Role::Owner, Some(PASSWORD));
    let owner = world.with_session(&account);
    let refused: [Refused<'_>; 4] = [
        (
            "/settings/account/preferences",
            &[("page_size", "7")],
            "Failed: change own preferences",
        ),
        (
            "/settings/account/password",
            &[("current", "wrong"), ("password", "another good one")],
            "Failed: change own password",
        ),
        (
            "/settings/tokens",
            &[("name", ""), ("scope", "read")],
            "Failed: create token",
        ),
        ("/settings/tokens/4711/revoke", &[], "Failed: revoke token"),
    ];
    for (path, fields, action) in refused {
        for actor in [owner.clone(), owner.clone().json()] {
            let answer = actor.form(path, fields).await;
            assert!(!answer.status.is_success(), "{path}");
            assert_eq!(answer.declared.outcome, Some(Outcome::Failed), "{path}");
            assert_eq!(answer.declared.action.as_deref(), Some(action));
        }
    }
    let saved = owner
        .form("/settings/account/preferences", &[("page_size", "25")])
        .await
        .is(303);
    assert_eq!(saved.declared.outcome, Some(Outcome::Success));
    assert_eq!(
        saved.declared.action.as_deref(),
        Some("Changed own preferences")
    );
}
