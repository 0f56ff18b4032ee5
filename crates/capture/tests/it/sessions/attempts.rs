//! Sign-ins that failed, or of which nothing is known yet.

use admintrail_event::{KnownBy, Outcome};
use http::Response;

use super::*;

#[tokio::test]
async fn a_failed_sign_in_names_nobody_and_says_what_was_tried() {
    let mut talk = Talk::with(ordinary).await;
    let failed = talk.post("/login", "", WRONG).await;
    assert_nobody(&failed);
    assert_eq!(
        (failed.known_by, failed.outcome),
        (KnownBy::Attempt, Outcome::Denied)
    );
    assert_eq!((failed.status, failed.session), (Some(200), None));
    // Nobody has signed in as olena yet, so the name may be a password.
    let tried = failed.attempted.clone().unwrap();
    assert!(tried.starts_with("unknown name (5 characters)"), "{tried}");
    assert!(
        failed.action.starts_with("Failed sign-in as unknown name"),
        "{}",
        failed.action
    );
    talk.post("/login", "", OLENA).await;
    let failed = talk
        .post("/login", "", "username=OLENA&password=wrong")
        .await;
    assert_eq!(failed.attempted.as_deref(), Some("OLENA"));
    assert_eq!(failed.action, "Failed sign-in as OLENA");
    let root = talk
        .post("/login", "", "username=root&password=wrong")
        .await;
    assert_eq!(root.attempted.as_deref(), Some("root"));
}

#[tokio::test]
async fn every_way_to_refuse_is_a_failed_sign_in() {
    type Answer = fn() -> Response<TestBody>;
    let refusals: [(&str, Answer); 9] = [
        ("401", || answer(401, &[("set-cookie", &sets(5))], "")),
        ("403", || answer(403, &[("set-cookie", &sets(5))], "")),
        ("422", || {
            answer(422, &[("set-cookie", &sets(5))], FORM_PAGE)
        }),
        ("400", || answer(400, &[("set-cookie", &sets(5))], "{}")),
        ("redirect to the form", || set_redirect("/login?error=1", 5)),
        ("relative redirect", || set_redirect("login", 5)),
        ("absolute redirect", || {
            set_redirect("https://panel.example/login/", 5)
        }),
        ("the form with a fresh cookie", || {
            answer(
                200,
                &[("content-type", "text/html"), ("set-cookie", &sets(5))],
                FORM_PAGE,
            )
        }),
        ("words in JSON", || {
            let body = r#"{"success":false,"message":"Wrong password"}"#;
            answer(
                200,
                &[
                    ("content-type", "application/json"),
                    ("set-cookie", &sets(5)),
                ],
                body,
            )
        }),
    ];
    for (what, refusal) in refusals {
        let mut talk = Talk::with(move |asked| match asked.path.as_str() {
            "/login" => refusal(),
            _ => html("open to everybody"),
        })
        .await;
        let failed = talk.post("/login", "", OLENA).await;
        assert_nobody(&failed);
        assert_eq!(
            (failed.known_by, failed.outcome),
            (KnownBy::Attempt, Outcome::Denied),
            "{what}"
        );
        // Not even a page that anybody may see makes something of it.
        assert_nobody(&talk.get("/about", &cookie(5)).await);
        assert_nobody(&talk.get("/clients", &cookie(5)).await);
    }
}

#[tokio::test]
async fn a_panel_error_at_sign_in_is_an_error_and_names_nobody() {
    let mut talk = Talk::with(|_| answer(500, &[("set-cookie", &sets(5))], "")).await;
    let event = talk.post("/login", "", OLENA).await;
    assert_nobody(&event);
    assert_eq!(
        (event.outcome, event.known_by),
        (Outcome::Error, KnownBy::Attempt)
    );
}

/// Wrong and right passwords get the same page; the next request tells.
#[tokio::test]
async fn an_undecided_sign_in_is_decided_by_the_next_protected_request() {
    let panel_of = |asked: Asked| {
        let right = asked.cookie("sessionid") == Some(sid(1));
        match asked.path.as_str() {
            "/login" => {
                let set = sets(if is_right(&asked) { 1 } else { 2 });
                let headers = [("content-type", "text/html"), ("set-cookie", set.as_str())];
                answer(200, &headers, "<script>location='/clients'</script>")
            }
            "/about" => html("open to everybody"),
            _ if right => html("clients"),
            _ => redirect("/login"),
        }
    };
    let mut talk = Talk::with(panel_of).await;
    talk.get("/about", "").await;
    // Strangers are sent away here, so an answer shows that somebody is signed in.
    talk.get("/clients", "").await;
    let right = talk.post("/login", "", OLENA).await;
    assert_nobody(&right);
    assert_eq!(
        (right.known_by, right.outcome),
        (KnownBy::Attempt, Outcome::Success)
    );
    assert!(
        right.action.starts_with("Tried to sign in as"),
        "{}",
        right.action
    );
    // A page that everybody may see decides nothing.
    assert_nobody(&talk.get("/about", &cookie(1)).await);
    assert_named(&talk.get("/clients", &cookie(1)).await, "olena");
    assert_named(&talk.get("/about", &cookie(1)).await, "olena");

    assert_nobody(&talk.post("/login", "", WRONG).await);
    assert_nobody(&talk.get("/about", &cookie(2)).await);
    assert_nobody(&talk.get("/clients", &cookie(2)).await);
    assert_nobody(&talk.get("/anything-else", &cookie(2)).await);
}

/// A page that strangers may see proves nothing, whether or not one has been seen there.
#[tokio::test]
async fn an_undecided_sign_in_is_decided_by_no_public_page_and_not_after_a_restart() {
    let panel_of = |asked: Asked| match asked.path.as_str() {
        "/login" => answer(
            200,
            &[("content-type", "text/html"), ("set-cookie", &sets(2))],
            "<p>hm</p>",
        ),
        "/clients" => redirect("/login"),
        // Anybody is sent away who asks for it, or comes with something stale.
        "/help?login=1" => redirect("/login"),
        _ if asked.cookie("sessionid") == Some(sid(66)) => redirect("/login"),
        _ => html("open to everybody"),
    };
    let mut talk = Talk::with(panel_of).await;
    for _ in 0..2 {
        talk.get("/help?login=1", "").await;
        talk.get("/help", &cookie(66)).await;
        post_form(&talk.service, "/help", "", "x=y").await;
        talk.event().await;
        send(&talk.service, request("OPTIONS", "/clients", &[], empty())).await;
        talk.event().await;
        talk.post("/login", "", WRONG).await;
        assert_nobody(&talk.get("/help", &cookie(2)).await);
        assert_nobody(&talk.get("/help/2", &cookie(2)).await);
        assert_nobody(&talk.get("/clients", &cookie(2)).await);
        let stand = talk.stand.crash().await;
        let service = wrap(stand.recorder(|_| {}), panel(panel_of));
        talk = Talk {
            stand,
            service,
            count: talk.count,
        };
    }
}

/// Threat 6: a password typed into the wrong field is kept nowhere, however often and whatever the
/// panel answers on pages that strangers may see.
#[tokio::test]
async fn a_password_typed_as_name_is_never_kept_nor_becomes_a_known_name() {
    const TYPED: &str = "username=Tr0ub4dor%263&password=x";
    for to in ["/", "/login-help", ""] {
        let mut talk = Talk::with(move |asked| match asked.path.as_str() {
            "/login" if to.is_empty() => answer(
                200,
                &[("content-type", "text/html"), ("set-cookie", &sets(2))],
                "<p>hm</p>",
            ),
            "/login" => set_redirect(to, 2),
            _ => html("open to everybody"),
        })
        .await;
        for _ in 0..3 {
            let attempt = talk.post("/login", "", TYPED).await;
            let tried = attempt.attempted.unwrap();
            assert!(tried.starts_with("unknown name (11 characters)"), "{tried}");
            assert_nobody(&talk.get("/help", &cookie(2)).await);
        }
        let wanted: &[u8] = b"Tr0ub4dor";
        let written = bytes_below(&talk.stand.journal());
        assert!(!written.windows(wanted.len()).any(|window| window == wanted));
        let kept = format!("{:?}", talk.stand.sink.kept.lock());
        assert!(!kept.contains("Tr0ub4dor"));
    }
}

/// Where a refused form leads as well.
#[tokio::test]
async fn a_redirect_back_to_the_form_is_decided_by_the_next_protected_request() {
    const WELCOME: [(&str, &str); 2] = [FORM, ("referer", "https://panel.example/welcome?e=1")];
    for (to, headers) in [
        ("/", &WELCOME[..1]),
        ("/welcome", &WELCOME),
        ("https://panel.example/welcome?error", &WELCOME),
        ("/session", &WELCOME[..1]),
        ("/seen", &WELCOME[..1]),
    ] {
        let mut talk = Talk::with(move |asked| {
            let right = asked.cookie("sessionid") == Some(sid(1));
            match (asked.method.as_str(), asked.path.as_str()) {
                ("POST", "/session") => set_redirect(to, if is_right(&asked) { 1 } else { 2 }),
                ("GET", "/clients") if !right => redirect("/login"),
                _ => html("x"),
            }
        })
        .await;
        talk.get("/seen", "").await;
        talk.get("/clients", "").await;
        for (form, id) in [(WRONG, 2), (OLENA, 1)] {
            send(
                &talk.service,
                request("POST", "/session", headers, full(form)),
            )
            .await;
            let attempt = talk.event().await;
            assert_nobody(&attempt);
            assert_eq!(attempt.known_by, KnownBy::Attempt, "{to}");
            assert_nobody(&talk.get("/welcome", &cookie(id)).await);
        }
        assert_nobody(&talk.get("/clients", &cookie(2)).await);
        assert_named(&talk.get("/clients", &cookie(1)).await, "olena");
    }
}

#[tokio::test]
async fn a_redirect_to_a_start_page_that_sends_strangers_away_is_a_success_at_once() {
    let mut talk = Talk::with(|asked| match asked.path.as_str() {
        "/login" => set_redirect("/", 1),
        _ if asked.cookie("sessionid") == Some(sid(1)) => html("x"),
        _ => redirect("/login"),
    })
    .await;
    talk.get("/", "").await;
    assert_named(&talk.post("/login", "", OLENA).await, "olena");
}

/// Django shows the form again for a wrong password, and redirects for a right one alone.
#[tokio::test]
async fn a_redirect_that_the_preset_declares_to_prove_is_a_success_wherever_it_leads() {
    for to in ["/admin/", "/", "/admin/login/../"] {
        let stand = Stand::new().await;
        let recorder = stand.recorder(|rules| rules.preset = self::rules("django-admin").preset);
        let service = wrap(
            recorder,
            panel(move |asked| match asked.method.as_str() {
                "POST" if is_right(&asked) => set_redirect(to, 1),
                _ => html(FORM_PAGE),
            }),
        );
        let mut talk = Talk {
            stand,
            service,
            count: 0,
        };
        talk.get("/admin/", "").await;
        assert_nobody(&talk.post("/admin/login/?next=/admin/", "", WRONG).await);
        let sign_in = talk.post("/admin/login/?next=/admin/", "", OLENA).await;
        assert_named(&sign_in, "olena");
        assert_eq!(sign_in.action, "Signed in");
    }
}

#[tokio::test]
async fn an_answer_that_cannot_be_read_is_no_success() {
    type Headers = &'static [(&'static str, &'static str)];
    let answers: [(&str, Headers, &str); 5] = [
        (
            "guarded",
            &[("content-type", "application/json")],
            ")]}'\n{\"error\":\"no\"}",
        ),
        (
            "cut",
            &[("content-type", "application/json")],
            "{\"error\":\"wrong",
        ),
        (
            "packed",
            &[
                ("content-type", "application/json"),
                ("content-encoding", "gzip"),
            ],
            "\u{1f}",
        ),
        ("plain", &[("content-type", "text/plain")], "wrong password"),
        ("untyped", &[], "no"),
    ];
    for (what, headers, body) in answers {
        let mut talk = Talk::with(move |asked| match asked.path.as_str() {
            "/login" => {
                let set = sets(2);
                let mut headers = headers.to_vec();
                headers.push(("set-cookie", &set));
                answer(200, &headers, body)
            }
            _ => html("open to everybody"),
        })
        .await;
        let attempt = talk.post("/login", "", WRONG).await;
        assert_nobody(&attempt);
        assert_eq!(attempt.known_by, KnownBy::Attempt, "{what}");
        assert_nobody(&talk.get("/about", &cookie(2)).await);
    }
}

/// A panel that redirects alike: the first wrong password shows it, then nobody is believed early.
#[tokio::test]
async fn a_panel_that_redirects_alike_is_found_out() {
    let mut talk = Talk::with(|asked| match asked.path.as_str() {
        "/login" => set_redirect("/clients", if is_right(&asked) { 1 } else { 2 }),
        "/clients" if asked.cookie("sessionid") == Some(sid(1)) => html("clients"),
        "/clients" => redirect("/login"),
        _ => html("open to everybody"),
    })
    .await;
    talk.post("/login", "", WRONG).await;
    assert_nobody(&talk.get("/clients", &cookie(2)).await);
    assert_nobody(&talk.get("/about", &cookie(2)).await);
    assert_nobody(&talk.post("/login", "", WRONG).await);
    assert_nobody(&talk.get("/clients", &cookie(2)).await);
    assert_nobody(&talk.post("/login", "", OLENA).await);
    assert_named(&talk.get("/clients", &cookie(1)).await, "olena");
}

#[tokio::test]
async fn an_undecided_attempt_on_a_living_session_takes_nobody_for_the_other() {
    let mut talk = Talk::with(|asked| match asked.path.as_str() {
        "/login" if is_right(&asked) => set_redirect("/clients", 7),
        "/login" => answer(
            200,
            &[("content-type", "text/html"), ("set-cookie", &sets(7))],
            "<p>hm</p>",
        ),
        _ => html("x"),
    })
    .await;
    talk.post("/login", "", OLENA).await;
    assert_named(&talk.get("/clients", &cookie(7)).await, "olena");
    talk.post("/login", &cookie(7), "username=boris&password=wrong")
        .await;
    // Olena's session, or by now Boris's? Nobody knows.
    assert_nobody(&talk.get("/clients", &cookie(7)).await);
}

#[tokio::test]
async fn an_attempt_with_an_anonymous_cookie_belongs_to_no_session() {
    let mut talk = Talk::with(ordinary).await;
    assert!(talk.get("/clients", &cookie(50)).await.session.is_some());
    assert_eq!(talk.post("/login", &cookie(50), WRONG).await.session, None);
}

#[tokio::test]
async fn anonymous_visitors_sent_to_sign_in_are_denied() {
    let mut talk = Talk::with(ordinary).await;
    let event = talk.get("/clients", "").await;
    assert_eq!(
        (event.outcome, event.action.as_str()),
        (Outcome::Denied, "Sent to sign-in")
    );
    assert_eq!(event.status, Some(302));
    // Going from one form of the sign-in page to the other is nothing of the kind.
    let form = talk.get("/login", "").await;
    assert_eq!(form.outcome, Outcome::Success);
}

#[tokio::test]
async fn compressed_answers_to_sign_ins_are_not_asked_for() {
    let mut talk = Talk::with(|asked| {
        let accepts = asked
            .headers
            .get("accept-encoding")
            .map(|v| v.to_str().unwrap().to_owned());
        match asked.path.as_str() {
            "/login" => assert_eq!(accepts.as_deref(), Some("identity")),
            _ => assert_eq!(accepts.as_deref(), Some("gzip")),
        }
        html(FORM_PAGE)
    })
    .await;
    let headers = [FORM, ("accept-encoding", "gzip")];
    send(
        &talk.service,
        request("POST", "/login", &headers, full(WRONG)),
    )
    .await;
    assert_eq!(talk.event().await.outcome, Outcome::Denied);
    send(
        &talk.service,
        request("POST", "/clients", &headers, full("a=b")),
    )
    .await;
    talk.event().await;
}

/// Some panels answer a wrong password as a right one: the event of the sign-in waits for the next
/// request, which tells.
#[tokio::test]
async fn where_only_the_next_request_tells_a_wrong_password_names_nobody_and_a_right_one_does() {
    let stand = Stand::new().await;
    let service = wrap(
        stand.recorder(|_| {}),
        panel(|asked| match asked.path.as_str() {
            "/login" if is_right(&asked) => set_redirect("/clients", 2),
            "/login" => set_redirect("/clients", 1),
            _ if asked.cookie("sessionid") == Some(sid(2)) => html("x"),
            _ => redirect("/login"),
        }),
    );
    let wrong = OLENA.replace("right", "wrong");
    assert_ne!(wrong, OLENA);
    for (form, number) in [(wrong.as_str(), 1), (OLENA, 2), (wrong.as_str(), 1)] {
        post_form(&service, "/login", "", form).await;
        get(&service, "/clients", &cookie(number)).await;
    }
    let mut events = stand.requests(6).await;
    events.sort_by_key(|event| event.time);
    for (event, right) in events.iter().zip([false, false, true, true, false, false]) {
        if right {
            assert_named(event, "olena");
        } else {
            assert_nobody(event);
            assert_eq!(event.outcome, Outcome::Denied, "{event:#?}");
        }
    }
    assert_eq!(events[2].session, events[3].session);
    assert_eq!(events[4].attempted.as_deref(), Some("olena"));
}

/// Whoever has a password must not sign in under a colleague's name by sending that too.
#[tokio::test]
async fn a_form_with_two_names_names_nobody() {
    let mut many = "a=b&".repeat(300);
    many.push_str(OLENA);
    for form in [
        "username=boris&username=olena&password=right",
        "Username=boris&username=olena&password=right",
        "username=boris&email=olena&password=right",
        &format!("username=boris&{many}"),
    ] {
        let mut talk = Talk::with(ordinary).await;
        let event = talk.post("/login", "", form).await;
        assert_nobody(&event);
        assert_eq!(event.attempted, None);
        assert_nobody(&talk.get("/clients", &cookie(1)).await);
    }
}
