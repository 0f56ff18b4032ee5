//! What our own pages say of each request, for the layer that records them.

use admintrail_store::control::Role;

use crate::stack::World;

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
