//! How a session begins, goes on and ends.

use std::collections::HashMap;
use std::sync::Arc;

use admintrail_event::{Outcome, Preset};
use parking_lot::Mutex;

use super::*;

#[tokio::test]
async fn a_sign_in_names_itself_and_what_follows_until_sign_out() {
    let mut talk = Talk::with(ordinary).await;
    let form = talk.get("/login", "").await;
    assert_nobody(&form);
    let sign_in = talk.post("/login", "", OLENA).await;
    assert_named(&sign_in, "olena");
    assert_eq!(
        (sign_in.action.as_str(), sign_in.outcome),
        ("Signed in", Outcome::Success)
    );
    let page = talk.get("/clients", &cookie(1)).await;
    assert_named(&page, "olena");
    assert_eq!(page.session, sign_in.session);
    let forbidden = talk.get("/forbidden", &cookie(1)).await;
    assert_named(&forbidden, "olena");
    assert_eq!(forbidden.outcome, Outcome::Denied);
    let sign_out = talk.post("/logout", &cookie(1), "").await;
    assert_named(&sign_out, "olena");
    assert_eq!(sign_out.action, "Signed out");
    // Threat 9: the panel forgot to end it; we did not.
    assert_nobody(&talk.get("/clients", &cookie(1)).await);
}

/// What one of them does, and whether an owner ends it, is not the other one's.
#[tokio::test]
async fn two_admins_who_sign_in_with_one_cookie_value_have_two_sessions() {
    let mut talk = Talk::with(|asked| match asked.path.as_str() {
        "/login" if is_right(&asked) => set_redirect("/clients", 1),
        "/login" => html(FORM_PAGE),
        "/logout" => set_redirect("/login", 1),
        _ => html("clients"),
    })
    .await;
    let mut sessions = Vec::new();
    for (form, admin) in [(OLENA, "olena"), (BORIS, "boris"), (OLENA, "olena")] {
        let sign_in = talk.post("/login", &cookie(1), form).await;
        assert_named(&sign_in, admin);
        let page = talk.get("/clients", &cookie(1)).await;
        assert_named(&page, admin);
        assert_eq!(page.session, sign_in.session);
        let sign_out = talk.post("/logout", &cookie(1), "").await;
        assert_eq!(sign_out.session, sign_in.session);
        assert_nobody(&talk.get("/clients", &cookie(1)).await);
        assert!(!sessions.contains(&sign_in.session));
        sessions.push(sign_in.session);
    }
}

/// Threat 7: the attacker planted a cookie before the victim signed in.
#[tokio::test]
async fn a_cookie_that_was_there_before_the_sign_in_is_never_bound() {
    let mut talk = Talk::with(ordinary).await;
    let planted = cookie(666);
    assert_named(&talk.post("/login", &planted, OLENA).await, "olena");
    assert_nobody(&talk.get("/clients", &planted).await);
    assert_named(&talk.get("/clients", &cookie(1)).await, "olena");

    // Also where the panel keeps the planted one, and sets nothing.
    let mut talk = Talk::with(|asked| match asked.path.as_str() {
        "/login" => redirect("/clients"),
        _ => html("clients"),
    })
    .await;
    let sign_in = talk.post("/login", &planted, OLENA).await;
    assert_nobody(&sign_in);
    assert_eq!(sign_in.known_by, KnownBy::Attempt);
    assert!(
        sign_in.action.starts_with("Tried to sign in"),
        "{}",
        sign_in.action
    );
    assert_nobody(&talk.get("/clients", &planted).await);
}

#[tokio::test]
async fn csrf_and_test_cookies_and_preferences_are_not_bound() {
    let shared = [
        "csrftoken=8f14e45fceea167a5a36dedd4bea2543",
        "testcookie=8f14e45fceea167a5a36dedd4bea2543",
        "lang=en",
        "prefs=%7B%22theme%22%3A%22dark%22%7D1aB",
    ];
    let mut talk = Talk::with(move |asked| {
        let mut response = match asked.path.as_str() {
            "/login" => set_redirect("/clients", 1),
            _ => return html("x"),
        };
        for value in shared {
            response
                .headers_mut()
                .append("set-cookie", value.parse().unwrap());
        }
        response
    })
    .await;
    assert_named(&talk.post("/login", "", OLENA).await, "olena");
    for value in shared {
        assert_nobody(&talk.get("/clients", value).await);
    }
    let all = format!("{}; {}", shared.join("; "), cookie(1));
    assert_named(&talk.get("/clients", &all).await, "olena");
}

#[tokio::test]
async fn a_session_cookie_of_any_name_is_learned() {
    const SET: &str = "weird_id=8f14e45fceea167a5a36dedd4bea2543";
    let mut talk = Talk::with(|asked| match asked.path.as_str() {
        "/login" => answer(302, &[("location", "/clients"), ("set-cookie", SET)], ""),
        _ => html("x"),
    })
    .await;
    assert_named(&talk.post("/login", "", OLENA).await, "olena");
    assert_named(&talk.get("/clients", SET).await, "olena");
    assert_nobody(
        &talk
            .get("/clients", "weird_id=00000000000000000000000000000000")
            .await,
    );
}

/// Threat 8.
#[tokio::test]
async fn a_cookie_rotated_in_the_middle_of_a_burst_keeps_name_and_session() {
    let current = Arc::new(Mutex::new(1_u32));
    let rotating = Arc::clone(&current);
    let mut talk = Talk::with(move |asked| match asked.path.as_str() {
        "/login" => set_redirect("/clients", 1),
        "/rotate" => {
            let mut current = rotating.lock();
            *current += 1;
            answer(
                200,
                &[
                    ("content-type", "text/html"),
                    ("set-cookie", &sets(*current)),
                ],
                "x",
            )
        }
        _ => html("x"),
    })
    .await;
    let session = talk.post("/login", "", OLENA).await.session;
    let mut asking = Vec::new();
    for n in 1..=10 {
        // Old and new cookies overlap, as they do when a page loads its parts.
        for path in ["/rotate", "/a", "/b"] {
            let (service, with) = (talk.service.clone(), cookie(n));
            asking.push(async move { get(&service, path, &with).await });
        }
        futures_util::future::join_all(asking.drain(..)).await;
        get(&talk.service, "/late", &cookie(n)).await;
    }
    let events = talk.stand.requests(41).await;
    for event in &events[1..] {
        assert_named(event, "olena");
        assert_eq!(event.session, session);
    }
    // Cookies long replaced name nobody any more; the last one does.
    talk.count = 41;
    talk.stand.advance(600);
    assert_nobody(&talk.get("/a", &cookie(1)).await);
    let last = *current.lock();
    assert_named(&talk.get("/a", &cookie(last)).await, "olena");
}

/// A panel that sets the same value anew shows that the session is in use.
#[tokio::test]
async fn a_cookie_that_slides_and_is_rotated_then_keeps_its_name() {
    let mut talk = Talk::with(|asked| {
        let set = |n| {
            let headers = [("content-type", "text/html"), ("set-cookie", &sets(n))];
            answer(200, &headers, "x")
        };
        match asked.path.as_str() {
            "/login" => set_redirect("/clients", 1),
            "/slide" => set(1),
            "/rotate" => set(2),
            _ => html("x"),
        }
    })
    .await;
    talk.post("/login", "", OLENA).await;
    for _ in 0..3 {
        talk.stand.advance(540);
        assert_named(&talk.get("/slide", &cookie(1)).await, "olena");
    }
    talk.stand.advance(540);
    talk.get("/rotate", &cookie(1)).await;
    assert_named(&talk.get("/clients", &cookie(2)).await, "olena");
}

#[tokio::test]
async fn a_rotated_cookie_survives_a_restart() {
    let panel_of = |asked: Asked| match asked.path.as_str() {
        "/login" => set_redirect("/clients", 1),
        "/rotate" => answer(
            200,
            &[("content-type", "text/html"), ("set-cookie", &sets(2))],
            "x",
        ),
        _ => html("x"),
    };
    let mut talk = Talk::with(panel_of).await;
    let session = talk.post("/login", "", OLENA).await.session;
    talk.get("/rotate", &cookie(1)).await;
    let stand = talk.stand.crash().await;
    let service = wrap(stand.recorder(|_| {}), panel(panel_of));
    let mut talk = Talk {
        stand,
        service,
        count: 2,
    };
    let event = talk.get("/clients", &cookie(2)).await;
    assert_named(&event, "olena");
    assert_eq!(event.session, session);
}

/// Threat 8: what looks like a rotation may be the guest's session that follows an expired one.
#[tokio::test]
async fn a_cookie_that_a_public_page_replaces_by_a_guests_names_nobody() {
    let alive = Arc::new(Mutex::new(true));
    let living = Arc::clone(&alive);
    let panel_of = move |asked: Asked| match asked.path.as_str() {
        "/login" => set_redirect("/clients", 1),
        "/about" if asked.cookie("sessionid") == Some(sid(1)) => answer(
            200,
            &[("content-type", "text/html"), ("set-cookie", &sets(5))],
            "x",
        ),
        "/about" | "/prices" => html("open to everybody"),
        _ if asked.cookie("sessionid").is_some() && *living.lock() => html("x"),
        _ => redirect("/login"),
    };
    // Known to be public, and never seen before but after a pause.
    for seen in [true, false] {
        *alive.lock() = true;
        let mut talk = Talk::with(panel_of.clone()).await;
        talk.get("/clients", "").await;
        if seen {
            talk.get("/about", "").await;
        }
        let session = talk.post("/login", "", OLENA).await.session;
        assert_named(&talk.get("/clients", &cookie(1)).await, "olena");
        if !seen {
            talk.stand.advance(3_600);
        }
        talk.get("/about", &cookie(1)).await;
        assert_nobody(&talk.get("/about", &cookie(5)).await);
        assert_nobody(&talk.get("/prices", &cookie(5)).await);
        // It was a rotation after all.
        let proven = talk.get("/clients", &cookie(5)).await;
        assert_named(&proven, "olena");
        assert_eq!(proven.session, session);
        assert_named(&talk.get("/about", &cookie(5)).await, "olena");

        // It was a guest's.
        let mut talk = Talk::with(panel_of.clone()).await;
        talk.get("/clients", "").await;
        if seen {
            talk.get("/about", "").await;
        }
        talk.post("/login", "", OLENA).await;
        if !seen {
            talk.stand.advance(3_600);
        }
        talk.get("/about", &cookie(1)).await;
        *alive.lock() = false;
        assert_nobody(&talk.get("/clients", &cookie(5)).await);
        assert_nobody(&talk.get("/about", &cookie(5)).await);
        *alive.lock() = true;
        assert_nobody(&talk.get("/clients", &cookie(5)).await);
    }
}

/// Threat 9: one cookie value for everybody who uses the browser.
#[tokio::test]
async fn a_cookie_that_outlives_its_admins_names_only_who_is_signed_in() {
    let signed_in = Arc::new(Mutex::new(false));
    let mut talk = Talk::with(move |asked| match asked.path.as_str() {
        "/login" if is_right(&asked) => {
            *signed_in.lock() = true;
            set_redirect("/clients", 7)
        }
        "/login" => redirect("/login?error"),
        "/logout" => {
            *signed_in.lock() = false;
            answer(302, &[("location", "/"), ("set-cookie", &sets(7))], "")
        }
        "/about" => html("open to everybody"),
        _ if *signed_in.lock() => html("x"),
        _ => redirect("/login"),
    })
    .await;
    assert_nobody(&talk.get("/about", &cookie(7)).await);
    talk.post("/login", &cookie(7), OLENA).await;
    let olena = talk.get("/clients", &cookie(7)).await;
    assert_named(&olena, "olena");
    talk.get("/logout", &cookie(7)).await;
    assert_nobody(&talk.get("/about", &cookie(7)).await);
    assert_nobody(
        &talk
            .post("/login", &cookie(7), "username=boris&password=wrong")
            .await,
    );
    assert_nobody(&talk.get("/about", &cookie(7)).await);
    assert_named(&talk.post("/login", &cookie(7), BORIS).await, "boris");
    assert_named(&talk.get("/clients", &cookie(7)).await, "boris");
}

#[tokio::test]
async fn a_picture_of_a_sign_out_button_and_a_cached_page_end_no_session() {
    let mut talk = Talk::with(|asked| match asked.path.as_str() {
        "/logout" => answer(304, &[], ""),
        _ => ordinary(asked),
    })
    .await;
    talk.post("/login", "", OLENA).await;
    for path in ["/img/logout.svg", "/log-out.png", "/logout"] {
        talk.get(path, &cookie(1)).await;
        assert_named(&talk.get("/clients", &cookie(1)).await, "olena");
    }
}

#[tokio::test]
async fn an_expired_session_names_nobody() {
    let alive = Arc::new(Mutex::new(true));
    let living = Arc::clone(&alive);
    let mut talk = Talk::with(move |asked| match asked.path.as_str() {
        "/login" => {
            let set = format!("{}; Max-Age=3600", sets(1));
            answer(302, &[("location", "/clients"), ("set-cookie", &set)], "")
        }
        "/about" => html("open to everybody"),
        _ if *living.lock() => html("x"),
        _ => redirect("/login"),
    })
    .await;
    talk.post("/login", "", OLENA).await;
    assert_named(&talk.get("/clients", &cookie(1)).await, "olena");
    // Ended by the panel before its time.
    *alive.lock() = false;
    let sent = talk.get("/clients", &cookie(1)).await;
    assert_nobody(&sent);
    assert_eq!(
        (sent.action.as_str(), sent.outcome),
        ("Sent to sign-in", Outcome::Denied)
    );
    assert_nobody(&talk.get("/about", &cookie(1)).await);
    // Ended by time.
    *alive.lock() = true;
    talk.post("/login", "", OLENA).await;
    assert_named(&talk.get("/clients", &cookie(1)).await, "olena");
    talk.stand.advance(3_601);
    assert_nobody(&talk.get("/clients", &cookie(1)).await);
}

#[tokio::test]
async fn a_removed_cookie_ends_the_session_wherever_that_happens() {
    let mut talk = Talk::with(|asked| match asked.path.as_str() {
        "/login" => set_redirect("/clients", 1),
        "/bye" => answer(
            302,
            &[("location", "/"), ("set-cookie", "sessionid=; Max-Age=0")],
            "",
        ),
        _ => html("x"),
    })
    .await;
    talk.post("/login", "", OLENA).await;
    assert_named(&talk.post("/bye", &cookie(1), "").await, "olena");
    assert_nobody(&talk.get("/about", &cookie(1)).await);
}

#[tokio::test]
async fn a_session_from_before_recording_began_has_a_hash_and_no_admin() {
    let mut talk = Talk::with(|_| html("x")).await;
    let first = talk.get("/clients", &cookie(9)).await;
    let second = talk.get("/other", &cookie(9)).await;
    let other = talk.get("/clients", &cookie(8)).await;
    assert_nobody(&first);
    assert!(first.session.is_some() && first.session == second.session);
    assert_ne!(first.session, other.session);
    assert_eq!(talk.get("/clients", "").await.session, None);
}

#[tokio::test]
async fn the_same_cookie_on_another_panel_names_nobody() {
    let stand = Stand::new().await;
    let billing = wrap(stand.recorder(|_| {}), panel(ordinary));
    let shop = wrap(
        stand.recorder(|rules| rules.panel = "shop".parse().unwrap()),
        panel(ordinary),
    );
    post_form(&billing, "/login", "", OLENA).await;
    get(&shop, "/clients", &cookie(1)).await;
    let mut events = stand.requests(2).await;
    events.sort_by_key(|event| event.time);
    assert_nobody(&events[1]);
    assert_ne!(events[0].session, events[1].session);
}

#[tokio::test]
async fn multipart_and_json_forms_name_the_admin_too() {
    let mut talk = Talk::with(|asked| match asked.path.as_str() {
        "/login" => set_redirect("/clients", 1),
        _ => html("x"),
    })
    .await;
    let multipart =
        "--B\r\nContent-Disposition: form-data; name=\"email\"\r\n\r\no@example.com\r\n--B--\r\n";
    for (kind, body) in [
        ("multipart/form-data; boundary=B", multipart),
        (
            "application/json",
            r#"{"user":{"email":"o@example.com","password":"x"}}"#,
        ),
        (
            "application/x-www-form-urlencoded",
            "user%5Bemail%5D=o%40example.com&x=y",
        ),
    ] {
        send(
            &talk.service,
            request("POST", "/login", &[("content-type", kind)], full(body)),
        )
        .await;
        let event = talk.event().await;
        assert_named(&event, "o@example.com");
    }
}

#[tokio::test]
async fn a_bound_session_refused_by_an_api_stays_bound_and_by_its_own_pages_does_not() {
    let alive = Arc::new(Mutex::new(true));
    let living = Arc::clone(&alive);
    let mut talk = Talk::with(move |asked| match asked.path.as_str() {
        "/login" => set_redirect("/clients", 1),
        "/api/other" => answer(401, &[], ""),
        "/about" => html("open to everybody"),
        _ if *living.lock() => html("x"),
        _ => answer(401, &[], ""),
    })
    .await;
    talk.post("/login", "", OLENA).await;
    assert_named(&talk.get("/clients", &cookie(1)).await, "olena");
    // It wants something else than this session.
    let refused = talk.get("/api/other", &cookie(1)).await;
    assert_nobody(&refused);
    assert_eq!(refused.outcome, Outcome::Denied);
    assert_named(&talk.get("/clients", &cookie(1)).await, "olena");
    *alive.lock() = false;
    assert_nobody(&talk.get("/clients", &cookie(1)).await);
    assert_nobody(&talk.get("/about", &cookie(1)).await);
}

#[tokio::test]
async fn forms_of_one_path_sign_in_and_out_by_a_field() {
    let preset = Preset::parse(
        r#"
        about = "One page for everything"
        extends = "generic"
        [sign_in]
        routes = ["POST /account [do=login]"]
        user_fields = ["username"]
        [sign_out]
        routes = ["POST /account [do=logout]"]
        "#,
    )
    .unwrap();
    let stand = Stand::new().await;
    let recorder = stand.recorder(|rules| rules.preset = Arc::new(preset.clone()));
    let service = wrap(
        recorder,
        panel(|asked| match asked.body.starts_with(b"do=login") {
            true => set_redirect("/clients", 1),
            false => html("x"),
        }),
    );
    let mut talk = Talk {
        stand,
        service,
        count: 0,
    };
    let sign_in = talk
        .post("/account", "", "do=login&username=olena&password=x")
        .await;
    assert_named(&sign_in, "olena");
    assert_eq!(sign_in.action, "Signed in");
    let changed = talk
        .post("/account", &cookie(1), "do=save&username=other")
        .await;
    assert_named(&changed, "olena");
    let sign_out = talk.post("/account", &cookie(1), "do=logout").await;
    assert_named(&sign_out, "olena");
    assert_eq!(sign_out.action, "Signed out");
    assert_nobody(&talk.get("/clients", &cookie(1)).await);
}

#[tokio::test]
async fn signing_in_anew_ends_what_the_browser_had_before() {
    let mut talk = Talk::with(ordinary).await;
    talk.post("/login", "", OLENA).await;
    talk.post("/login", &cookie(1), BORIS).await;
    assert_named(&talk.get("/clients", &cookie(2)).await, "boris");
    assert_nobody(&talk.get("/clients", &cookie(1)).await);
}

/// Panels that encrypt the whole session into its cookie send another value with every answer, also
/// while several requests are under way, after changes, and for guests.
#[tokio::test]
async fn a_cookie_that_every_answer_encrypts_anew_names_its_admin_all_day() {
    let values = Arc::new(Mutex::new((0, HashMap::<String, Option<&str>>::new())));
    let talk = Talk::with(move |asked| {
        let (next, given) = &mut *values.lock();
        let held = asked.cookie("app_session").unwrap_or_default();
        let mut admin = given.get(&held).copied().flatten();
        let (status, to) = match (asked.method.as_str(), asked.path.as_str()) {
            ("POST", "/login") if is_right(&asked) => {
                admin = Some(if asked.body.starts_with(b"username=boris") {
                    "boris"
                } else {
                    "olena"
                });
                (302, "/dashboard")
            }
            ("POST", "/login") => (302, "/login"),
            (_, "/login") => (200, ""),
            ("POST", "/logout") => {
                admin = None;
                (302, "/")
            }
            _ if admin.is_none() => (302, "/login"),
            ("POST", "/clients") => (302, "/clients/9"),
            _ => (200, ""),
        };
        *next += 1;
        let value = sid(*next);
        given.insert(value.clone(), admin);
        let sets = format!("app_session={value}; HttpOnly; Path=/");
        let mut headers = vec![("set-cookie", sets.as_str()), ("content-type", "text/html")];
        if !to.is_empty() {
            headers.push(("location", to));
        }
        answer(status, &headers, if to.is_empty() { "x" } else { "" })
    })
    .await;
    let mut held = String::new();
    let keep = |held: &mut String, got: &Got| {
        let set = got.headers["set-cookie"].to_str().unwrap();
        *held = set.split(';').next().unwrap().to_owned();
    };
    let day = |form: &'static str, name: &'static str| {
        [
            ("GET", "/dashboard", "", None),
            ("GET", "/login", "", None),
            ("POST", "/login", WRONG, None),
            ("POST", "/login", form, Some(name)),
            ("GET", "/dashboard", "", Some(name)),
            ("GET", "/clients", "", Some(name)),
            ("POST", "/clients", "name=x", Some(name)),
            ("GET", "/clients/9", "", Some(name)),
            ("GET", "/settings", "", Some(name)),
            ("POST", "/logout", "x=1", Some(name)),
            ("GET", "/dashboard", "", None),
        ]
    };
    let mut count = 0;
    for (form, name) in [(OLENA, "olena"), (BORIS, "boris"), (OLENA, "olena")] {
        for (method, path, form, expected) in day(form, name) {
            let headers = [("cookie", held.as_str()), FORM];
            let asked = request(method, path, &headers, full(form.to_owned()));
            let got = send(&talk.service, asked).await;
            // What was under way when it was answered still carries the value before.
            let late = request("GET", "/dashboard", &headers, empty());
            let is_sign = path.starts_with("/log");
            keep(&mut held, &got);
            count += 1;
            let event = talk.stand.last(count).await;
            assert_eq!(
                event.admin.as_deref(),
                expected,
                "{method} {path}: {event:#?}"
            );
            if !is_sign && method == "GET" && expected.is_some() {
                let got = send(&talk.service, late).await;
                keep(&mut held, &got);
                count += 1;
                let event = talk.stand.last(count).await;
                assert_eq!(event.admin.as_deref(), expected, "late after {path}");
            }
        }
    }
}

/// PHP sends its cookie once, to whoever comes without: signing in, out and in again changes
/// nothing of it, and no answer mentions it.
#[tokio::test]
async fn a_cookie_that_no_sign_in_mentions_names_who_is_signed_in_with_it() {
    for json in [false, true] {
        let signed_in = Arc::new(Mutex::new(None::<String>));
        let mut talk = Talk::with(move |asked| {
            let mut signed_in = signed_in.lock();
            match (asked.method.as_str(), asked.path.as_str()) {
                (_, "/logout") => {
                    *signed_in = None;
                    redirect("/login")
                }
                ("POST", "/login") if is_right(&asked) => {
                    let form = String::from_utf8(asked.body.to_vec()).unwrap();
                    *signed_in = form.split(['=', '&']).nth(1).map(str::to_owned);
                    match json {
                        true => answer(
                            200,
                            &[("content-type", "application/json")],
                            "{\"message\":\"ok\"}",
                        ),
                        false => redirect("/"),
                    }
                }
                (_, "/login") => html(FORM_PAGE),
                _ if asked.cookie("PHPSESSID").is_none() || signed_in.is_none() => {
                    redirect("/login")
                }
                _ => html("x"),
            }
        })
        .await;
        let visitor = format!("PHPSESSID={}", sid(1));
        assert_nobody(&talk.get("/clients", "").await);
        let mut sessions = Vec::new();
        for (form, admin) in [(OLENA, "olena"), (BORIS, "boris")] {
            assert_nobody(&talk.post("/login", &visitor, WRONG).await);
            assert_nobody(&talk.get("/clients", &visitor).await);
            talk.post("/login", &visitor, form).await;
            let event = talk.get("/clients", &visitor).await;
            assert_named(&event, admin);
            sessions.push(event.session);
            assert_named(&talk.get("/services/9", &visitor).await, admin);
            talk.get("/logout", &visitor).await;
            assert_nobody(&talk.get("/clients", &visitor).await);
        }
        assert_ne!(sessions[0], sessions[1]);
    }
}
