//! Signing in and out.

use admintrail_store::control::Role;

use crate::stack::{Actor, Answer, PASSWORD, World, counters};

const EMAIL: &str = "olena@example.org";

fn world() -> World {
    let world = World::new();
    world.account(EMAIL, Role::Owner, Some(PASSWORD));
    world
}

async fn try_in(actor: &Actor, email: &str, password: &str) -> Answer {
    actor
        .form("/login", &[("email", email), ("password", password)])
        .await
}

#[tokio::test]
async fn the_right_password_signs_in_and_goes_on_to_the_page_asked_for() {
    let world = world();
    let form = world
        .anon()
        .get("/login?next=%2Fsettings%2Faccount")
        .await
        .is(200);
    assert!(form.header("content-type").starts_with("text/html"));
    let fields = [
        ("email", " OLENA@example.org "),
        ("password", PASSWORD),
        ("next", "/settings/account"),
    ];
    let answer = world.anon().form("/login", &fields).await.is(303);
    assert_eq!(answer.header("location"), "/settings/account");
    let cookie = answer.header("set-cookie").to_owned();
    assert!(
        cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"),
        "{cookie}"
    );
    assert!(!cookie.contains("Secure"), "{cookie}");
    assert_eq!(
        answer.session_cookie().unwrap().len(),
        43,
        "256 bits as base64url"
    );
    assert_eq!(answer.declared.admin.as_deref(), Some(EMAIL));
    assert_eq!(answer.declared.action.as_deref(), Some("Signed in"));
    assert!(answer.declared.session.is_some());

    let browser = world.anon().after(&answer);
    let seen = browser.get("/api/v1/events").await.is(200);
    assert_eq!(
        seen.declared.session, answer.declared.session,
        "one sign-in is one session"
    );
    browser
        .get("/login?next=%2Fsettings%2Ftokens")
        .await
        .is(303);
}

#[tokio::test]
async fn over_tls_cookies_are_for_this_host_and_tls_alone() {
    let world = world();
    let tls = world.anon().over_tls();
    let direct = try_in(&tls, EMAIL, PASSWORD).await.is(303);
    let forwarded = world
        .anon()
        .from("10.0.0.1")
        .header("x-forwarded-proto", "https");
    let behind_a_trusted_proxy = try_in(&forwarded, EMAIL, PASSWORD).await.is(303);
    for answer in [&direct, &behind_a_trusted_proxy] {
        assert_eq!(answer.cookies().len(), 2);
        for cookie in answer.cookies() {
            assert!(cookie.starts_with("__Host-admintrail_"), "{cookie}");
            assert!(cookie.ends_with("; Secure"), "{cookie}");
            assert!(cookie.contains("; Path=/;"), "{cookie}");
            assert!(!cookie.contains("Domain"), "{cookie}");
        }
    }
    tls.clone()
        .after(&direct)
        .get("/api/v1/events")
        .await
        .is(200);
    // A name without the prefix may have been planted from another port or a plain connection.
    let secret = direct.session_cookie().unwrap();
    let planted = tls
        .clone()
        .header("cookie", &format!("admintrail_session={secret}"));
    planted.get("/api/v1/events").await.is(401);
    let out = tls.after(&direct).form("/logout", &[]).await.is(303);
    assert!(
        out.header("set-cookie")
            .starts_with("__Host-admintrail_session=; "),
        "{:?}",
        out.headers
    );

    let forged = world.anon().header("x-forwarded-proto", "https");
    let answer = try_in(&forged, EMAIL, PASSWORD).await.is(303);
    for cookie in answer.cookies() {
        assert!(
            cookie.starts_with("admintrail_") && !cookie.contains("Secure"),
            "from anybody else it counts for nothing: {cookie}"
        );
    }
}

/// Behind a proxy that is not trusted everybody has one address.
#[tokio::test]
async fn a_guesser_at_the_same_address_does_not_keep_the_owner_out() {
    let world = world();
    world.account("mallory@example.org", Role::Viewer, Some(PASSWORD));
    let owner = world
        .anon()
        .after(&try_in(&world.anon(), EMAIL, PASSWORD).await.is(303));
    let guesser = world.anon().json();
    for n in 0..16 {
        world.pass(300);
        let email = if n % 2 == 0 {
            EMAIL
        } else {
            "root@example.org"
        };
        try_in(&guesser, email, "wrong").await.is(401);
    }
    try_in(&guesser, EMAIL, PASSWORD).await.is(429);
    try_in(&owner, EMAIL, PASSWORD).await.is(303);

    // What lets the owner in is worth nothing to anybody else, nor for another name.
    let elsewhere = world.anon().from("192.0.2.77");
    let signed_in = try_in(&elsewhere, "mallory@example.org", PASSWORD).await;
    let mallory = world.anon().json().after(&signed_in.is(303));
    try_in(&mallory, EMAIL, PASSWORD).await.is(429);
    // Stolen, it is slowed down by itself.
    let thief = owner.json();
    let mut looked_at = 0;
    for _ in 0..10 {
        let answer = try_in(&thief, EMAIL, "wrong").await;
        looked_at += usize::from(answer.status.as_u16() == 401);
    }
    assert_eq!(looked_at, 5);
}

#[tokio::test]
async fn wrong_passwords_and_unknown_names_get_one_answer_for_the_same_work() {
    let world = world();
    let disabled = world.account("gone@example.org", Role::Owner, Some(PASSWORD));
    world
        .app
        .control
        .set_disabled(disabled.id, true)
        .wait()
        .unwrap();
    world.account("fresh@example.org", Role::Viewer, None);
    let mut answers = Vec::new();
    for (n, email) in [
        EMAIL,
        "nobody@example.org",
        "gone@example.org",
        "fresh@example.org",
    ]
    .iter()
    .enumerate()
    {
        let before = counters(&world).await["admintrail_password_checks_total"];
        let actor = world.anon().json().from(&format!("192.0.2.{n}"));
        let password = if *email == EMAIL {
            "wrong password"
        } else {
            PASSWORD
        };
        let answer = try_in(&actor, email, password).await.is(401);
        let after = counters(&world).await["admintrail_password_checks_total"];
        assert_eq!(after - before, 1.0, "{email}: one hash, whoever it is");
        let mut json = answer.json();
        json["request_id"] = "".into();
        answers.push(json);
        assert!(answer.session_cookie().is_none());
        assert_eq!(answer.declared.admin, None, "an attempt names nobody");
    }
    assert!(
        answers.iter().all(|answer| *answer == answers[0]),
        "{answers:?}"
    );
    assert_eq!(answers[0]["code"], "WEB-008");
}

#[tokio::test]
async fn what_was_typed_as_a_name_is_recorded_only_if_it_is_one() {
    let world = world();
    let known = try_in(&world.anon(), EMAIL, "wrong").await.is(401);
    assert_eq!(known.declared.attempted.as_deref(), Some(EMAIL));
    let typed = try_in(&world.anon(), "my-secret-passphrase", "wrong")
        .await
        .is(401);
    let attempted = typed.declared.attempted.unwrap();
    assert!(
        !attempted.contains("secret") && attempted.contains("20 characters"),
        "{attempted}"
    );
    let usual = try_in(&world.anon(), "root", "wrong").await.is(401);
    assert_eq!(usual.declared.attempted.as_deref(), Some("root"));
}

#[tokio::test]
async fn signing_in_never_keeps_a_session_that_the_browser_brought_along() {
    let world = world();
    let first = try_in(&world.anon(), EMAIL, PASSWORD).await.is(303);
    let browser = world.anon().after(&first);
    let second = try_in(&browser, EMAIL, PASSWORD).await.is(303);
    assert_ne!(first.session_cookie(), second.session_cookie());
    browser.get("/api/v1/events").await.is(401);
    world
        .anon()
        .after(&second)
        .get("/api/v1/events")
        .await
        .is(200);

    let planted = world
        .anon()
        .header("cookie", "admintrail_session=planted-by-an-attacker");
    let answer = try_in(&planted, EMAIL, PASSWORD).await.is(303);
    assert_ne!(answer.session_cookie().unwrap(), "planted-by-an-attacker");
    planted.get("/api/v1/events").await.is(401);
}

#[tokio::test]
async fn signing_out_ends_the_session_on_the_server() {
    let world = world();
    let browser = world
        .anon()
        .after(&try_in(&world.anon(), EMAIL, PASSWORD).await.is(303));
    let out = browser.form("/logout", &[]).await.is(303);
    assert_eq!(out.header("location"), "/login");
    assert!(out.header("set-cookie").contains("Max-Age=0"));
    assert_eq!(out.declared.admin.as_deref(), Some(EMAIL));
    assert_eq!(out.declared.action.as_deref(), Some("Signed out"));
    browser.get("/api/v1/events").await.is(401);
    browser.form("/logout", &[]).await.is(303);
}

#[tokio::test]
async fn sessions_end_by_themselves() {
    let world = world();
    let used = world
        .anon()
        .after(&try_in(&world.anon(), EMAIL, PASSWORD).await.is(303));
    let watched = world
        .anon()
        .after(&try_in(&world.anon(), EMAIL, PASSWORD).await.is(303));
    for hour in 1..=11 {
        world.pass(3_600);
        used.get("/api/v1/events").await.is(200);
        let status = watched
            .get("/api/v1/events?refresh=auto")
            .await
            .status
            .as_u16();
        assert_eq!(status, 200, "hour {hour}");
    }
    world.pass(3_601);
    used.get("/api/v1/events").await.is(200);
    watched.get("/api/v1/events?refresh=auto").await.is(401);
    // Never idle for twelve hours, and still over after seven days.
    for half_day in 1..=12 {
        world.pass(12 * 3_600 - 1);
        let status = used.get("/api/v1/events").await.status.as_u16();
        assert_eq!(status, 200, "half day {half_day}");
    }
    world.pass(12 * 3_600 - 1);
    used.get("/api/v1/events").await.is(200);
    world.pass(60);
    used.get("/api/v1/events").await.is(401);
}

#[tokio::test]
async fn next_leads_to_our_own_pages_alone() {
    let world = world();
    let mut address = 0;
    for next in [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "javascript:alert(1)",
        "\\\\evil.example",
        "/\r\nset-cookie: x=y",
        "/login?next=/login",
        "",
    ] {
        address += 1;
        let actor = world.anon().from(&format!("192.0.2.{address}"));
        let fields = [("email", EMAIL), ("password", PASSWORD), ("next", next)];
        let answer = actor.form("/login", &fields).await.is(303);
        assert_eq!(
            answer.header("location"),
            "/monitoring/admin-sessions",
            "{next:?}"
        );
        let query = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("next", next)
            .finish();
        let form = actor.get(&format!("/login?{query}")).await.is(200);
        assert!(!form.text().contains("evil.example"), "{next:?}");
    }
}

#[tokio::test]
async fn guessing_is_slowed_down_by_address() {
    let world = world();
    let guesser = world.anon().json();
    let mut refused = None;
    for n in 0..8 {
        let answer = try_in(&guesser, &format!("user{n}@example.org"), "wrong").await;
        if answer.status.as_u16() == 429 {
            refused = Some((n, answer));
            break;
        }
    }
    let (after, answer) = refused.unwrap();
    assert_eq!(after, 5, "five are free");
    assert_eq!(answer.header("retry-after"), "1");
    assert_eq!(answer.json()["code"], "WEB-009");
    try_in(&guesser, EMAIL, PASSWORD).await.is(429);
    try_in(&world.anon().from("192.0.2.99"), EMAIL, PASSWORD)
        .await
        .is(303);
    world.pass(1);
    try_in(&guesser, EMAIL, PASSWORD).await.is(303);
}

#[tokio::test]
async fn guessing_from_everywhere_does_not_lock_the_owner_out() {
    let world = world();
    let home = world.anon().from("198.51.100.7");
    try_in(&home, EMAIL, PASSWORD).await.is(303);
    let mut last = 0;
    for n in 0..12 {
        let bot = world.anon().json().from(&format!("203.0.113.{n}"));
        last = try_in(&bot, EMAIL, "wrong").await.status.as_u16();
    }
    assert_eq!(last, 429, "the name is slowed down");
    try_in(&home, EMAIL, PASSWORD).await.is(303);
    for email in ["nobody@example.org"] {
        for n in 0..12 {
            let bot = world.anon().json().from(&format!("203.0.113.{}", 100 + n));
            last = try_in(&bot, email, "wrong").await.status.as_u16();
        }
        assert_eq!(last, 429, "a name that does not exist is slowed down alike");
    }
}

#[tokio::test]
async fn many_guesses_at_once_do_not_slip_through_together() {
    let world = world();
    let guesser = world.anon().json();
    let tries = (0..20).map(|n| {
        let guesser = guesser.clone();
        async move {
            try_in(&guesser, &format!("user{n}@example.org"), "wrong")
                .await
                .status
                .as_u16()
        }
    });
    let answers = futures_util::future::join_all(tries).await;
    let looked_at = answers.iter().filter(|status| **status == 401).count();
    assert!(looked_at <= 5, "{answers:?}");
}

#[tokio::test]
async fn passwords_are_nowhere_in_the_data_folder() {
    let world = world();
    let answer = try_in(&world.anon(), EMAIL, PASSWORD).await.is(303);
    try_in(&world.anon(), EMAIL, "canary-wrong-password")
        .await
        .is(401);
    let secrets = [
        PASSWORD.to_owned(),
        "canary-wrong-password".to_owned(),
        answer.session_cookie().unwrap(),
    ];
    world.app.control.close();
    for entry in std::fs::read_dir(world.folder()).unwrap() {
        let path = entry.unwrap().path();
        let bytes = std::fs::read(&path).unwrap_or_default();
        for secret in &secrets {
            let found = bytes
                .windows(secret.len())
                .any(|window| window == secret.as_bytes());
            assert!(!found, "{secret} in {}", path.display());
        }
    }
}
