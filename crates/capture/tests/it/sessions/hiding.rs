//! Ways to hide behind cookies and routes, closed.

use admintrail_event::KnownBy;

use super::*;

#[tokio::test]
async fn cookies_of_two_admins_in_one_request_name_nobody() {
    let mut talk = Talk::with(ordinary).await;
    talk.post("/login", "", OLENA).await;
    talk.post("/login", "", BORIS).await;
    let both = format!("{}; {}", cookie(1), cookie(2));
    assert_nobody(&talk.get("/clients", &both).await);
    assert_named(&talk.get("/clients", &cookie(1)).await, "olena");
    assert_named(&talk.get("/clients", &cookie(2)).await, "boris");
}

#[tokio::test]
async fn nobody_signed_in_can_hide_behind_a_route_that_reads_like_a_sign_in() {
    let mut talk = Talk::with(|asked| match asked.path.as_str() {
        "/login" if !asked.body.is_empty() => set_redirect("/clients", 1),
        "/clients/7/login" => redirect("/clients/7"),
        _ => html("x"),
    })
    .await;
    let session = talk.post("/login", "", OLENA).await.session;
    let acted = talk
        .post("/clients/7/login", &cookie(1), "reason=support")
        .await;
    assert_named(&acted, "olena");
    assert_eq!(acted.action, "Sent POST /clients/{id}/login");
    assert_named(&talk.get("/clients", &cookie(1)).await, "olena");
    // With a made-up name it is an attempt, but whose browser it was stays on record.
    let acted = talk
        .post("/clients/7/login", &cookie(1), "username=root")
        .await;
    assert_nobody(&acted);
    assert_eq!((acted.known_by, acted.session), (KnownBy::Attempt, session));
}

#[tokio::test]
async fn other_cookies_push_no_session_out_of_sight() {
    let mut talk = Talk::with(ordinary).await;
    talk.post("/login", "", OLENA).await;
    let junk: String = (0..600)
        .map(|n| format!("j{n}=0123456789abcdefA{n}; "))
        .collect();
    assert_named(
        &talk.get("/clients", &format!("{junk}{}", cookie(1))).await,
        "olena",
    );
}

/// A page that sends everybody without the right to sign-in, as Django's does.
fn refuses_some(asked: Asked) -> Response<TestBody> {
    match asked.path.as_str() {
        "/secret" => redirect("/login?next=/secret"),
        "/rotating" => answer(302, &[("location", "/login"), ("set-cookie", &sets(2))], ""),
        "/sessions" => answer(200, &[("content-type", "application/json")], "{\"id\": 7}"),
        _ => ordinary(asked),
    }
}

#[tokio::test]
async fn nobody_becomes_unknown_for_good_by_one_page_that_sends_him_to_sign_in() {
    let mut talk = Talk::with(refuses_some).await;
    let session = talk.post("/login", "", OLENA).await.session;
    talk.get("/clients", &cookie(1)).await;
    for _ in 0..2 {
        assert_nobody(&talk.get("/secret", &cookie(1)).await);
        let back = talk.get("/clients", &cookie(1)).await;
        assert_named(&back, "olena");
        assert_eq!(back.session, session);
    }
    // The refusal sets the cookie anew.
    assert_nobody(&talk.get("/rotating", &cookie(1)).await);
    let back = talk.get("/clients", &cookie(2)).await;
    assert_named(&back, "olena");
    assert_eq!(back.session, session);
    // Signing out ends what is doubted too.
    assert_nobody(&talk.get("/secret", &cookie(1)).await);
    talk.post("/logout", &cookie(1), "").await;
    assert_nobody(&talk.get("/clients", &cookie(1)).await);
}

#[tokio::test]
async fn a_form_that_reads_like_a_sign_in_makes_nobody_unknown() {
    let mut talk = Talk::with(refuses_some).await;
    talk.post("/login", "", OLENA).await;
    talk.get("/clients", &cookie(1)).await;
    talk.post("/sessions", &cookie(1), "name=Yoga").await;
    assert_named(&talk.get("/clients", &cookie(1)).await, "olena");
}

#[tokio::test]
async fn a_doubted_session_is_not_taken_over_by_an_undecided_name() {
    let mut talk = Talk::with(|asked| match asked.path.as_str() {
        "/login" if asked.body.starts_with(b"username=boris") => answer(
            200,
            &[("content-type", "text/html"), ("set-cookie", &sets(1))],
            "<p>hm</p>",
        ),
        _ => refuses_some(asked),
    })
    .await;
    talk.post("/login", "", OLENA).await;
    talk.get("/clients", &cookie(1)).await;
    talk.get("/secret", &cookie(1)).await;
    talk.post("/login", &cookie(1), BORIS).await;
    assert_nobody(&talk.get("/clients", &cookie(1)).await);
}

/// "You are signed in" looks like a success where every answer sets the cookie anew.
#[tokio::test]
async fn nobody_signed_in_takes_the_name_of_another_by_typing_it() {
    let mut talk = Talk::with(|asked| {
        let id = asked.cookie("sessionid");
        let next = (1..40)
            .find(|n| id.as_deref() == Some(&sid(*n)))
            .map(|n| n + 1);
        match (asked.path.as_str(), next) {
            ("/login", next) => set_redirect("/clients", next.unwrap_or(1)),
            ("/api/login", Some(next)) => answer(
                200,
                &[
                    ("content-type", "application/json"),
                    ("set-cookie", &sets(next)),
                ],
                "{}",
            ),
            (_, Some(next)) => answer(
                200,
                &[("content-type", "text/html"), ("set-cookie", &sets(next))],
                "x",
            ),
            (_, None) => redirect("/login"),
        }
    })
    .await;
    for path in ["/login", "/api/login"] {
        let session = talk.post("/login", "", OLENA).await.session;
        assert_named(&talk.get("/clients", &cookie(1)).await, "olena");
        let tried = talk
            .post(path, &cookie(2), "username=boris&password=wrong")
            .await;
        assert_nobody(&tried);
        assert_eq!((tried.known_by, tried.session), (KnownBy::Attempt, session));
        assert_nobody(&talk.get("/clients", &cookie(3)).await);
    }
}
