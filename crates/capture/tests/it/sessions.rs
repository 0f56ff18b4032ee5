//! Learned sessions: who is named, when, and who never.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use admintrail_capture::{Binding, Bindings, BoxFuture, MemoryBindings, RecordService, SinkError};
use admintrail_event::{Draft, KnownBy, Outcome, PanelName, Preset, SessionHash};
use http::Response;
use parking_lot::Mutex;

use crate::stand::*;

const OLENA: &str = "username=olena&password=right";
const WRONG: &str = "username=olena&password=wrong";
const BORIS: &str = "username=boris&password=right";

/// Session ids as panels make them.
fn sid(n: u32) -> String {
    format!("s{n:04}8f14e45fceea167a5a36dedd4bea2543")
}

fn cookie(n: u32) -> String {
    format!("sessionid={}", sid(n))
}

fn sets(n: u32) -> String {
    format!("{}; HttpOnly; Path=/", cookie(n))
}

fn set_redirect(to: &str, n: u32) -> Response<TestBody> {
    answer(302, &[("location", to), ("set-cookie", &sets(n))], "")
}

fn is_right(asked: &Asked) -> bool {
    asked.body.windows(5).any(|w| w == b"right")
}

const FORM_PAGE: &str = "<form><input name=username><input type=\"password\"></form>";

/// Asks one after the other and returns the events in order.
struct Talk {
    stand: Stand,
    service: RecordService<Panel>,
    count: usize,
}

impl Talk {
    async fn with(
        answer: impl Fn(Asked) -> Response<TestBody> + Clone + Send + Sync + 'static,
    ) -> Self {
        let stand = Stand::new().await;
        let service = wrap(stand.recorder(|_| {}), panel(answer));
        Self {
            stand,
            service,
            count: 0,
        }
    }

    async fn get(&mut self, path: &str, cookie: &str) -> Draft {
        get(&self.service, path, cookie).await;
        self.event().await
    }

    async fn post(&mut self, path: &str, cookie: &str, form: &str) -> Draft {
        post_form(&self.service, path, cookie, form).await;
        self.event().await
    }

    async fn event(&mut self) -> Draft {
        self.count += 1;
        self.stand.last(self.count).await
    }
}

fn assert_named(event: &Draft, admin: &str) {
    assert_eq!(event.admin.as_deref(), Some(admin), "{event:#?}");
    assert_eq!(event.known_by, KnownBy::Session);
    assert_eq!(event.attempted, None);
}

fn assert_nobody(event: &Draft) {
    assert_eq!(event.admin, None, "{event:#?}");
    assert_ne!(event.known_by, KnownBy::Session);
}

/// An ordinary panel: one session a sign-in, wrong passwords get the form again.
#[expect(
    clippy::needless_pass_by_value,
    reason = "panels take what they are asked"
)]
fn ordinary(asked: Asked) -> Response<TestBody> {
    let signed_in = asked
        .cookie("sessionid")
        .is_some_and(|id| id == sid(1) || id == sid(2));
    match (asked.method.as_str(), asked.path.as_str()) {
        ("POST", "/login") if is_right(&asked) => {
            let boris = asked.body.starts_with(b"username=boris");
            set_redirect("/clients", if boris { 2 } else { 1 })
        }
        ("POST", "/login") => html(FORM_PAGE),
        ("GET", "/login") => html(FORM_PAGE),
        (_, "/logout") => redirect("/login"),
        (_, "/forbidden") if signed_in => answer(403, &[], "no"),
        _ if signed_in => html("clients"),
        _ => redirect("/login?next=/clients"),
    }
}

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
async fn a_second_factor_completes_the_sign_in() {
    let panel_of = |asked: Asked| {
        let passed = asked.cookie("sessionid") == Some(sid(1));
        match (asked.method.as_str(), asked.path.as_str()) {
            ("POST", "/login") => set_redirect("/2fa", 1),
            ("GET", "/2fa") => html("<input name=code>"),
            ("POST", "/2fa") if asked.body == "code=123456" => redirect("/clients"),
            ("POST", "/2fa") => redirect("/2fa?error=1"),
            (_, "/about") => html("open to everybody"),
            _ if passed => html("clients"),
            _ => redirect("/login"),
        }
    };
    let mut talk = Talk::with(panel_of).await;
    assert_nobody(&talk.post("/login", "", OLENA).await);
    assert_nobody(&talk.get("/2fa", &cookie(1)).await);
    assert_nobody(&talk.get("/about", &cookie(1)).await);
    let wrong = talk.post("/2fa", &cookie(1), "code=000000").await;
    assert_nobody(&wrong);
    assert_eq!(wrong.outcome, Outcome::Denied);
    let right = talk.post("/2fa", &cookie(1), "code=123456").await;
    assert_named(&right, "olena");
    assert_named(&talk.get("/clients", &cookie(1)).await, "olena");
}

#[tokio::test]
async fn a_stolen_password_without_the_second_factor_names_nobody() {
    let mut talk = Talk::with(|asked| match asked.path.as_str() {
        "/login" => set_redirect("/2fa", 1),
        _ => html("open to everybody"),
    })
    .await;
    talk.post("/login", "", OLENA).await;
    for path in ["/about", "/prices", "/contact"] {
        assert_nobody(&talk.get(path, &cookie(1)).await);
    }
}

fn json(body: &str) -> Response<TestBody> {
    answer(200, &[("content-type", "application/json")], body)
}

const TOKEN: &str = "eyJhbGciOiJIUzI1NiJ9.eyJ1IjoxfQ.d2hhdGV2ZXI5";

#[tokio::test]
async fn a_token_in_a_json_answer_is_a_session() {
    for body in [
        format!(r#"{{"token":"{TOKEN}"}}"#),
        format!(r#"{{"success":true,"data":{{"access_token":"{TOKEN}","expires_in":3600}}}}"#),
    ] {
        let mut talk = Talk::with(move |asked| match asked.path.as_str() {
            "/api/login" if is_right(&asked) => json(&body),
            "/api/login" => json(r#"{"error":"bad credentials"}"#),
            _ => json("[]"),
        })
        .await;
        let credentials = full(r#"{"username":"olena","password":"right"}"#);
        let kind = [("content-type", "application/json")];
        let got = send(
            &talk.service,
            request("POST", "/api/login", &kind, credentials),
        )
        .await;
        assert!(String::from_utf8_lossy(&got.body).contains(TOKEN));
        let sign_in = talk.event().await;
        assert_named(&sign_in, "olena");
        let bearer = format!("Bearer {TOKEN}");
        for header in [("authorization", bearer.as_str()), ("x-auth-token", TOKEN)] {
            send(
                &talk.service,
                request("GET", "/api/clients", &[header], empty()),
            )
            .await;
            let event = talk.event().await;
            assert_named(&event, "olena");
            assert_eq!(event.session, sign_in.session);
        }
        let other = [("authorization", "Bearer 0123456789abcdef0123456789abcdef")];
        send(
            &talk.service,
            request("GET", "/api/clients", &other, empty()),
        )
        .await;
        let event = talk.event().await;
        assert_nobody(&event);
        assert!(
            event.session.is_some(),
            "one client's requests belong together all the same"
        );
    }
}

#[tokio::test]
async fn a_token_that_comes_in_pieces_is_bound_before_its_last_byte_is_sent() {
    let stand = Stand::new().await;
    let service = wrap(
        stand.recorder(|_| {}),
        panel(|asked| match asked.path.as_str() {
            "/login" => {
                let text = format!(r#"{{"token":"{TOKEN}"}}"#);
                let pieces: Vec<Result<_, std::io::Error>> = text
                    .into_bytes()
                    .chunks(7)
                    .map(|piece| Ok(http_body::Frame::data(bytes::Bytes::copy_from_slice(piece))))
                    .collect();
                let stream = http_body_util::StreamBody::new(futures_util::stream::iter(pieces));
                Response::builder()
                    .header("content-type", "application/json")
                    .body(http_body_util::BodyExt::boxed_unsync(stream))
                    .unwrap()
            }
            _ => json("[]"),
        }),
    );
    let response = {
        use tower::ServiceExt;
        let sign_in = request("POST", "/login", &[FORM], full(OLENA));
        service.clone().oneshot(sign_in).await.unwrap()
    };
    let mut body = response.into_body();
    let mut seen = Vec::new();
    while !seen.ends_with(b"}") {
        let frame = http_body_util::BodyExt::frame(&mut body)
            .await
            .unwrap()
            .unwrap();
        seen.extend_from_slice(&frame.into_data().unwrap());
    }
    // The body has not ended for the client yet, but the token is whole and already used.
    let bearer = format!("Bearer {TOKEN}");
    send(
        &service,
        request("GET", "/clients", &[("authorization", &bearer)], empty()),
    )
    .await;
    assert_named(&stand.last(1).await, "olena");
    drop(body);
}

#[tokio::test]
async fn a_json_sign_in_with_a_cookie_is_a_success_unless_it_says_otherwise() {
    let mut talk = Talk::with(|asked| match asked.path.as_str() {
        "/login" => {
            let right = is_right(&asked);
            let body = if right {
                r#"{"id":4,"name":"Olena"}"#
            } else {
                r#"{"ok":false}"#
            };
            let set = sets(if right { 1 } else { 2 });
            answer(
                200,
                &[("content-type", "application/json"), ("set-cookie", &set)],
                body,
            )
        }
        "/session" => answer(204, &[("set-cookie", &sets(3))], ""),
        _ => html("x"),
    })
    .await;
    assert_nobody(&talk.post("/login", "", WRONG).await);
    assert_nobody(&talk.get("/clients", &cookie(2)).await);
    assert_named(&talk.post("/login", "", OLENA).await, "olena");
    assert_named(&talk.get("/clients", &cookie(1)).await, "olena");
    assert_named(&talk.post("/session", "", BORIS).await, "boris");
    assert_named(&talk.get("/clients", &cookie(3)).await, "boris");
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
async fn the_same_cookie_on_another_panel_names_nobody() {
    let stand = Stand::new().await;
    let billing = wrap(stand.recorder(|_| {}), panel(ordinary));
    let shop = wrap(
        stand.recorder(|rules| rules.panel = "shop".parse().unwrap()),
        panel(ordinary),
    );
    post_form(&billing, "/login", "", OLENA).await;
    get(&shop, "/clients", &cookie(1)).await;
    let event = stand.last(2).await;
    assert_nobody(&event);
    assert_ne!(event.session, stand.requests(2).await[0].session);
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

/// `olena:right`.
const BASIC: (&str, &str) = ("authorization", "Basic b2xlbmE6cmlnaHQ=");

#[tokio::test]
async fn basic_authentication_names_whom_the_panel_lets_in() {
    let mut talk = Talk::with(|asked| match asked.headers.get("authorization") {
        Some(value) if value == BASIC.1 => html("x"),
        _ => answer(401, &[("www-authenticate", "Basic realm=panel")], ""),
    })
    .await;
    send(&talk.service, request("GET", "/clients", &[BASIC], empty())).await;
    let event = talk.event().await;
    assert_eq!(
        (event.admin.as_deref(), event.known_by),
        (Some("olena"), KnownBy::Basic)
    );
    // `root:wrong`
    let wrong = [("authorization", "basic cm9vdDp3cm9uZw==")];
    send(&talk.service, request("GET", "/clients", &wrong, empty())).await;
    let event = talk.event().await;
    assert_eq!(
        (event.admin.as_deref(), event.known_by),
        (None, KnownBy::Attempt)
    );
    assert_eq!(
        (event.attempted.as_deref(), event.outcome),
        (Some("root"), Outcome::Denied)
    );
    assert_nobody(&talk.get("/clients", "").await);
}

#[tokio::test]
async fn a_panel_with_sign_in_forms_believes_no_basic_header() {
    let mut talk = Talk::with(ordinary).await;
    talk.post("/login", "", OLENA).await;
    talk.get("/clients", &cookie(1)).await;
    let headers = [
        ("authorization", "Basic Ym9yaXM6eA=="),
        ("cookie", &cookie(1)),
    ];
    send(&talk.service, request("GET", "/clients", &headers, empty())).await;
    assert_named(&talk.event().await, "olena");
    send(
        &talk.service,
        request("GET", "/login", &headers[..1], empty()),
    )
    .await;
    assert_nobody(&talk.event().await);
}

#[tokio::test]
async fn a_basic_header_beside_a_living_session_names_nobody_else() {
    let mut talk = Talk::with(|asked| match asked.path.as_str() {
        "/login" => set_redirect("/clients", 1),
        _ => html("x"),
    })
    .await;
    talk.post("/login", "", OLENA).await;
    // The very first request after it, when nothing has been learned of the panel yet.
    let headers = [
        ("authorization", "Basic Ym9yaXM6eA=="),
        ("cookie", &cookie(1)),
    ];
    send(&talk.service, request("GET", "/clients", &headers, empty())).await;
    assert_named(&talk.event().await, "olena");
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
async fn an_attempt_with_an_anonymous_cookie_belongs_to_no_session() {
    let mut talk = Talk::with(ordinary).await;
    assert!(talk.get("/clients", &cookie(50)).await.session.is_some());
    assert_eq!(talk.post("/login", &cookie(50), WRONG).await.session, None);
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

/// Bindings whose durability the test holds in its hand.
#[derive(Default)]
struct Gated {
    inner: MemoryBindings,
    open: Arc<AtomicBool>,
    refuses: AtomicBool,
    asked: AtomicUsize,
}

impl Bindings for Gated {
    fn lookup(&self, panel: &PanelName, credential: &SessionHash) -> Option<Binding> {
        self.inner.lookup(panel, credential)
    }

    fn bind(&self, credential: SessionHash, binding: Binding) -> BoxFuture<Result<(), SinkError>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        if self.refuses.load(Ordering::SeqCst) {
            return Box::pin(std::future::ready(Err(SinkError("disk full".into()))));
        }
        let (bound, open) = (self.inner.bind(credential, binding), Arc::clone(&self.open));
        Box::pin(async move {
            while !open.load(Ordering::SeqCst) {
                tokio::time::sleep(std::time::Duration::from_millis(1)).await;
            }
            bound.await
        })
    }

    fn end(&self, panel: &PanelName, credential: SessionHash) -> BoxFuture<Result<(), SinkError>> {
        self.inner.end(panel, credential)
    }

    fn knows(&self, panel: &PanelName, admin: &str) -> bool {
        self.inner.knows(panel, admin)
    }
}

async fn gated() -> (Talk, Arc<Gated>) {
    let gated = Arc::new(Gated::default());
    let bindings = Arc::clone(&gated) as Arc<dyn Bindings>;
    let folder = Arc::new(tempfile::tempdir().unwrap());
    let stand = Stand::on(folder, Arc::default(), bindings).await;
    let service = wrap(stand.recorder(|_| {}), panel(ordinary));
    (
        Talk {
            stand,
            service,
            count: 0,
        },
        gated,
    )
}

#[tokio::test]
async fn a_sign_in_is_answered_only_when_its_binding_is_durable() {
    let (talk, gated) = gated().await;
    let service = talk.service.clone();
    let answering = tokio::spawn(async move { post_form(&service, "/login", "", OLENA).await });
    until(|| gated.asked.load(Ordering::SeqCst) == 1).await;
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert!(!answering.is_finished());
    gated.open.store(true, Ordering::SeqCst);
    assert_eq!(answering.await.unwrap().status, 302);
}

#[tokio::test]
async fn a_binding_that_cannot_be_kept_counts_from_memory_and_is_tried_again() {
    let (mut talk, gated) = gated().await;
    gated.open.store(true, Ordering::SeqCst);
    gated.refuses.store(true, Ordering::SeqCst);
    assert_named(&talk.post("/login", "", OLENA).await, "olena");
    assert_named(&talk.get("/clients", &cookie(1)).await, "olena");
    gated.refuses.store(false, Ordering::SeqCst);
    until(|| gated.asked.load(Ordering::SeqCst) > 1).await;
    assert_named(&talk.get("/clients", &cookie(1)).await, "olena");
    talk.stand
        .recorders
        .stop(std::time::Duration::from_secs(10))
        .await;
    assert!(gated.inner.knows(&"billing".parse().unwrap(), "olena"));
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

#[tokio::test]
async fn signing_in_anew_ends_what_the_browser_had_before() {
    let mut talk = Talk::with(ordinary).await;
    talk.post("/login", "", OLENA).await;
    talk.post("/login", &cookie(1), BORIS).await;
    assert_named(&talk.get("/clients", &cookie(2)).await, "boris");
    assert_nobody(&talk.get("/clients", &cookie(1)).await);
}
