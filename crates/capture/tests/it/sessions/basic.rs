//! HTTP basic authentication, beside sessions and alone.

use std::sync::Arc;

use admintrail_event::{Ending, KnownBy, Outcome, Preset};
use tower::ServiceExt;

use super::*;

/// `olena:right`.
const BASIC: (&str, &str) = ("authorization", "Basic b2xlbmE6cmlnaHQ=");

#[tokio::test]
async fn basic_authentication_names_whom_the_panel_lets_in() {
    let mut talk = Talk::with(|asked| match asked.headers.get("authorization") {
        Some(value) if value == BASIC.1 => html("x"),
        _ => answer(401, &[("www-authenticate", "Basic realm=panel")], ""),
    })
    .await;
    assert_nobody(&talk.get("/clients", "").await);
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
async fn a_name_that_basic_authentication_let_in_is_known_when_it_is_tried_after_a_restart_too() {
    let answers = |asked: &Asked| match asked.headers.get("authorization") {
        Some(value) if value == BASIC.1 => html("x"),
        _ => answer(401, &[("www-authenticate", "Basic realm=panel")], ""),
    };
    let stand = Stand::new().await;
    let service = wrap(stand.recorder(|_| {}), panel(move |asked| answers(&asked)));
    // `olena:wrong`
    let wrong = [("authorization", "Basic b2xlbmE6d3Jvbmc=")];
    let get = |headers: &[(&str, &str)]| request("GET", "/clients", headers, empty());
    send(&service, get(&wrong)).await;
    let before = stand.last(1).await;
    let tried = before.attempted.unwrap();
    assert!(tried.starts_with("unknown name (5"), "{tried}");
    assert_eq!(before.action, format!("Failed sign-in as {tried}"));
    send(&service, get(&[BASIC])).await;
    send(&service, get(&wrong)).await;
    let event = stand.last(3).await;
    assert_eq!(event.attempted.as_deref(), Some("olena"));
    assert_eq!(event.action, "Failed sign-in as olena");
    assert_nobody(&event);
    until(|| stand.bindings.knows(&"billing".parse().unwrap(), "olena")).await;
    drop(service);
    let stand = stand.crash().await;
    let service = wrap(stand.recorder(|_| {}), panel(move |asked| answers(&asked)));
    send(&service, get(&wrong)).await;
    let event = stand.last(4).await;
    assert_eq!(event.attempted.as_deref(), Some("olena"));
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

/// Whoever restarts us, or finds one path that asks for it, must not be believed elsewhere.
#[tokio::test]
async fn a_basic_header_is_believed_only_where_the_panel_asked_for_it() {
    let mut talk = Talk::with(|asked| match asked.path.as_str() {
        "/reports/files" | "/reports/files/7" if asked.headers.get("authorization").is_none() => {
            answer(401, &[("www-authenticate", "Basic realm=files")], "")
        }
        "/login" => set_redirect("/clients", 1),
        _ => html("x"),
    })
    .await;
    // Nothing is known of the panel yet.
    send(&talk.service, request("GET", "/clients", &[BASIC], empty())).await;
    assert_nobody(&talk.event().await);
    talk.post("/login", "", OLENA).await;
    talk.get("/clients", &cookie(1)).await;
    assert_nobody(&talk.get("/reports/files", "").await);
    // One of them is open to everybody all the same.
    assert_nobody(&talk.get("/reports/files/public", "").await);
    for (path, admin) in [
        ("/reports/files", Some("olena")),
        ("/reports/files/7", Some("olena")),
        ("/reports/filesystem", None),
        ("/reports", None),
        ("/clients", None),
        ("/reports/files/../../clients", None),
        ("/reports/files/%2e%2e/x", None),
        ("/reports/files/public", None),
    ] {
        send(&talk.service, request("GET", path, &[BASIC], empty())).await;
        assert_eq!(talk.event().await.admin.as_deref(), admin, "{path}");
    }
}

/// A page that answers everybody may lie below one that asks: whoever writes a name there has proven
/// nothing, until a page that asks has let them in, and until one refuses them again.
#[tokio::test]
async fn a_page_for_everybody_below_one_that_asks_names_nobody_who_was_not_let_in() {
    let mut talk = Talk::with(|asked| match asked.path.as_str() {
        "/healthcheck" => html("ok"),
        "/changed" => answer(401, &[("www-authenticate", "Basic realm=panel")], ""),
        _ if asked
            .headers
            .get("authorization")
            .is_some_and(|it| it == BASIC.1) =>
        {
            html("x")
        }
        _ => answer(401, &[("www-authenticate", "Basic realm=panel")], ""),
    })
    .await;
    // `olena:wrong`
    let wrong = ("authorization", "Basic b2xlbmE6d3Jvbmc=");
    talk.get("/", "").await;
    for (credentials, path, admin) in [
        (wrong, "/healthcheck", None),
        (BASIC, "/healthcheck", None),
        (BASIC, "/", Some("olena")),
        (BASIC, "/healthcheck", Some("olena")),
        (wrong, "/healthcheck", None),
        (BASIC, "/changed", None),
        (BASIC, "/healthcheck", None),
    ] {
        send(&talk.service, request("GET", path, &[credentials], empty())).await;
        let event = talk.event().await;
        assert_eq!(event.admin.as_deref(), admin, "{path} {credentials:?}");
    }
}

/// Threat 2: whoever writes a name into the header has proven nothing until he is let in.
#[tokio::test]
async fn a_claimed_basic_user_is_named_by_no_answer_but_one_that_lets_him_in() {
    let mut talk = Talk::with(|asked| {
        if asked.headers.get("authorization").is_none() {
            return answer(401, &[("www-authenticate", "Basic realm=panel")], "");
        }
        let status = asked.path.trim_start_matches('/').parse().unwrap();
        answer(status, &[("location", "/elsewhere")], "")
    })
    .await;
    talk.get("/", "").await;
    for status in [400, 401, 403, 404, 429, 500, 502, 503, 504] {
        let path = format!("/{status}");
        send(&talk.service, request("GET", &path, &[BASIC], empty())).await;
        let event = talk.event().await;
        assert_nobody(&event);
        assert_eq!(event.known_by, KnownBy::Attempt, "{status}");
    }
    for status in [200, 204, 302, 304] {
        let path = format!("/{status}");
        // Whether it asks everybody for a name is not known yet.
        if status == 200 {
            send(&talk.service, request("GET", &path, &[BASIC], empty())).await;
            assert_nobody(&talk.event().await);
        }
        talk.get(&path, "").await;
        send(&talk.service, request("GET", &path, &[BASIC], empty())).await;
        let event = talk.event().await;
        assert_eq!(event.admin.as_deref(), Some("olena"), "{status}");
        assert_eq!(event.known_by, KnownBy::Basic, "{status}");
    }
    // The same password was let in a moment ago: this is the same person.
    for (status, named) in [
        (400, true),
        (401, false),
        (403, true),
        (404, true),
        (500, true),
    ] {
        let path = format!("/{status}");
        send(&talk.service, request("GET", &path, &[BASIC], empty())).await;
        let event = talk.event().await;
        assert_eq!(event.admin.is_some(), named, "{status}");
    }
    // Asked without credentials by every browser.
    send(&talk.service, request("OPTIONS", "/200", &[BASIC], empty())).await;
    assert_nobody(&talk.event().await);
}

#[tokio::test]
async fn a_claimed_basic_user_who_leaves_before_the_answer_is_not_named_nor_after_a_crash() {
    let stand = Stand::new().await;
    let silent = tower::service_fn(|asked: http::Request<_>| async move {
        if asked.headers().get("authorization").is_none() {
            let challenge = answer(401, &[("www-authenticate", "Basic realm=panel")], "");
            return Ok::<_, std::convert::Infallible>(challenge);
        }
        std::future::pending().await
    });
    let service = tower_layer::Layer::layer(
        &admintrail_capture::RecordLayer::new(stand.recorder(|_| {})),
        silent,
    );
    send(&service, request("GET", "/clients", &[], empty())).await;
    for path in ["/clients", "/clients/7"] {
        let leaving = service
            .clone()
            .oneshot(request("DELETE", path, &[BASIC], empty()));
        let mut leaving = Box::pin(leaving);
        let open = stand.recorders.state().open;
        let began = async { until(|| stand.recorders.state().open > open).await };
        tokio::select! {
            _ = &mut leaving => panic!("it never answers"),
            () = began => {}
        }
        if path == "/clients" {
            drop(leaving);
            let event = stand.last(2).await;
            assert_nobody(&event);
            assert_eq!(event.ending, Ending::Dropped);
        } else {
            // Its opening is durable when the panel is asked.
            let written = async { until(|| bytes_hold(&stand, b"/clients/7")).await };
            tokio::select! {
                _ = &mut leaving => panic!("it never answers"),
                () = written => {}
            }
            let stand = stand.crash().await;
            assert_nobody(&stand.last(3).await);
            return;
        }
    }
}

/// Browsers send name and password with a page's pictures too, which anybody gets.
#[tokio::test]
async fn what_answers_everybody_proves_nothing_but_who_was_let_in_elsewhere_is_named_there_too() {
    let stand = Stand::new().await;
    let preset = "extends = \"generic\"\n[basic]\nguarded = [\"/**\"]\nexcept = [\"/static/**\"]";
    let preset = Arc::new(Preset::parse(preset).unwrap());
    let mut talk = Talk {
        service: wrap(
            stand.recorder(|rules| rules.preset = preset),
            panel(|asked| match asked.headers.get("authorization") {
                _ if asked.path.starts_with("/static/missing") => answer(404, &[], ""),
                _ if asked.path.starts_with("/static/") => html("x"),
                Some(value) if value == BASIC.1 => html("x"),
                _ => answer(401, &[("www-authenticate", "Basic realm=panel")], ""),
            }),
        ),
        stand,
        count: 0,
    };
    // `olena:wrong`
    let wrong = ("authorization", "Basic b2xlbmE6d3Jvbmc=");
    for (credentials, path, admin) in [
        (BASIC, "/static/a.png", None),
        (BASIC, "/clients", Some("olena")),
        (BASIC, "/static/a.png", Some("olena")),
        (BASIC, "/static/missing.png", Some("olena")),
        (wrong, "/static/a.png", None),
        (wrong, "/static/missing.png", None),
        (wrong, "/clients", None),
    ] {
        let asked = request("GET", path, &[credentials], empty());
        send(&talk.service, asked).await;
        let event = talk.event().await;
        assert_eq!(event.admin.as_deref(), admin, "{path} {credentials:?}");
    }
    // What is open proves nothing, so it does not go on like this for ever.
    talk.stand.advance(50);
    send(
        &talk.service,
        request("GET", "/static/a.png", &[BASIC], empty()),
    )
    .await;
    assert!(talk.event().await.admin.is_some());
    talk.stand.advance(50);
    send(
        &talk.service,
        request("GET", "/static/a.png", &[BASIC], empty()),
    )
    .await;
    assert_nobody(&talk.event().await);
}

/// Threat 2: a name written into the header would be everybody's who asks for a picture.
#[tokio::test]
async fn a_picture_proves_no_claimed_user_even_below_a_path_that_asks_for_one() {
    let mut talk = Talk::with(|asked| match asked.headers.get("authorization") {
        _ if asked.path.ends_with(".png") => html("x"),
        Some(value) if value == BASIC.1 => html("x"),
        _ => answer(401, &[("www-authenticate", "Basic realm=panel")], ""),
    })
    .await;
    assert_nobody(&talk.get("/", "").await);
    // `root:wrong`
    let wrong = ("authorization", "basic cm9vdDp3cm9uZw==");
    for (credentials, path, admin) in [
        (wrong, "/logo.png", None),
        (wrong, "/clients", None),
        (BASIC, "/clients", Some("olena")),
        (BASIC, "/logo.png", Some("olena")),
    ] {
        send(&talk.service, request("GET", path, &[credentials], empty())).await;
        assert_eq!(talk.event().await.admin.as_deref(), admin, "{path}");
    }
}

/// A page that is left takes back what it asked for; its other requests were answered just before.
#[tokio::test]
async fn who_was_let_in_a_moment_ago_is_named_even_if_they_do_not_wait_for_the_answer() {
    let stand = Stand::new().await;
    let slow = tower::service_fn(|asked: http::Request<_>| async move {
        if asked.headers().get("authorization").is_none() {
            let challenge = answer(401, &[("www-authenticate", "Basic realm=panel")], "");
            return Ok::<_, std::convert::Infallible>(challenge);
        }
        if asked.uri().path() == "/clients" {
            return Ok(html("x"));
        }
        std::future::pending().await
    });
    let service = tower_layer::Layer::layer(
        &admintrail_capture::RecordLayer::new(stand.recorder(|_| {})),
        slow,
    );
    for path in ["/", "/clients"] {
        send(&service, request("GET", path, &[], empty())).await;
    }
    send(&service, request("GET", "/clients", &[BASIC], empty())).await;
    // `olena:wrong`: nobody has let that in.
    let wrong = [("authorization", "Basic b2xlbmE6d3Jvbmc=")];
    for (count, headers, admin) in [(4, &[BASIC], Some("olena")), (5, &wrong, None)] {
        let leaving = service
            .clone()
            .oneshot(request("GET", "/services", headers, empty()));
        let mut leaving = Box::pin(leaving);
        let open = stand.recorders.state().open;
        let began = async { until(|| stand.recorders.state().open > open).await };
        tokio::select! {
            _ = &mut leaving => panic!("it never answers"),
            () = began => {}
        }
        drop(leaving);
        let event = stand.last(count).await;
        assert_eq!(event.admin.as_deref(), admin);
        assert_eq!(event.ending, Ending::Dropped);
    }
    // Long after, the password may have been changed.
    stand.advance(61);
    let leaving = service
        .clone()
        .oneshot(request("GET", "/services", &[BASIC], empty()));
    let mut leaving = Box::pin(leaving);
    let open = stand.recorders.state().open;
    let began = async { until(|| stand.recorders.state().open > open).await };
    tokio::select! {
        _ = &mut leaving => panic!("it never answers"),
        () = began => {}
    }
    drop(leaving);
    assert_nobody(&stand.last(6).await);
}

fn bytes_hold(stand: &Stand, wanted: &[u8]) -> bool {
    bytes_below(&stand.journal())
        .windows(wanted.len())
        .any(|window| window == wanted)
}

#[tokio::test]
async fn a_service_that_fails_names_no_claimed_basic_user() {
    let stand = Stand::new().await;
    let broken = tower::service_fn(|asked: http::Request<_>| async move {
        if asked.headers().get("authorization").is_none() {
            return Ok(answer(
                401,
                &[("www-authenticate", "Basic realm=panel")],
                "",
            ));
        }
        Err::<http::Response<TestBody>, _>(std::io::Error::other("no upstream"))
    });
    let service = tower_layer::Layer::layer(
        &admintrail_capture::RecordLayer::new(stand.recorder(|_| {})),
        broken,
    );
    for headers in [&[][..], &[BASIC]] {
        let _ = service
            .clone()
            .oneshot(request("GET", "/clients", headers, empty()))
            .await
            .map(drop);
    }
    let event = stand.last(2).await;
    assert_nobody(&event);
    assert_eq!(event.ending, Ending::Failed);
}

/// A proxy strips what `Connection` names, so the panel answers somebody without credentials.
#[tokio::test]
async fn what_connection_names_is_neither_believed_nor_passed_on() {
    let mut talk = Talk::with(|asked| {
        assert!(!asked.headers.contains_key("authorization") || asked.path == "/proven");
        assert!(!asked.headers.contains_key("cookie") || asked.path == "/proven");
        match asked.path.as_str() {
            "/login" => set_redirect("/clients", 1),
            "/basic" => answer(401, &[("www-authenticate", "Basic realm=panel")], ""),
            _ => html("x"),
        }
    })
    .await;
    talk.get("/basic", "").await;
    talk.post("/login", "", OLENA).await;
    let with = cookie(1);
    let session = [("cookie", with.as_str()), ("connection", "close, Cookie")];
    let basic = [BASIC, ("connection", "AUTHORIZATION")];
    for headers in [&session[..], &basic] {
        for path in ["/clients", "/basic/1"] {
            send(&talk.service, request("GET", path, headers, empty())).await;
            let event = talk.event().await;
            assert_nobody(&event);
            assert_eq!((event.known_by, event.session), (KnownBy::None, None));
        }
    }
    assert_named(&talk.get("/proven", &with).await, "olena");
}

/// A panel whose pages send name and password with every call, and that never asks for them.
const UNASKED: &str = r#"
extends = "generic"
[basic]
guarded = ["/api/**"]
except = ["/api/auth"]
parameter = "auth"
parameter_routes = ["GET /api/export"]
refuses_with_401 = true
"#;

/// `olena:right` is known and may not see `/api/secret`.
fn unasked(asked: &Asked) -> Response<TestBody> {
    let right = asked
        .headers
        .get("authorization")
        .is_some_and(|value| value == BASIC.1);
    match asked.path.as_str() {
        "/api/auth" => html("how to sign in"),
        path if path.starts_with("/api/export") => html("all"),
        "/api/secret" => answer(401, &[], "not for you"),
        path if path.starts_with("/api/") && !right => answer(401, &[], "Login failed"),
        _ => html("x"),
    }
}

async fn unasked_talk() -> Talk {
    let stand = Stand::new().await;
    let recorder = stand.recorder(|rules| {
        rules.preset = std::sync::Arc::new(admintrail_event::Preset::parse(UNASKED).unwrap());
    });
    let service = wrap(recorder, panel(|asked| unasked(&asked)));
    Talk {
        stand,
        service,
        count: 0,
    }
}

async fn ask(talk: &mut Talk, path: &str, headers: &[(&str, &str)]) -> admintrail_event::Draft {
    send(&talk.service, request("GET", path, headers, empty())).await;
    talk.event().await
}

/// `olena:wrong`
const OLENA_WRONG: (&str, &str) = ("authorization", "Basic b2xlbmE6d3Jvbmc=");
/// `boris:any`
const BORIS_ANY: (&str, &str) = ("authorization", "Basic Ym9yaXM6YW55");

#[tokio::test]
async fn where_a_preset_says_that_basic_is_checked_it_names_without_having_been_asked_for() {
    let mut talk = unasked_talk().await;
    let event = ask(&mut talk, "/api/users", &[BASIC]).await;
    assert_eq!(
        (event.admin.as_deref(), event.known_by),
        (Some("olena"), KnownBy::Basic)
    );
    let event = ask(&mut talk, "/api/users", &[OLENA_WRONG]).await;
    assert_eq!((event.admin, event.outcome), (None, Outcome::Denied));
    assert_eq!(event.action, "Failed sign-in as olena");
    // What answers everybody believes any name, and so does what is not below.
    assert_nobody(&ask(&mut talk, "/api/auth", &[BORIS_ANY]).await);
    assert_nobody(&ask(&mut talk, "/style", &[BORIS_ANY]).await);
    assert_nobody(&ask(&mut talk, "/api/%61uth", &[BORIS_ANY]).await);
}

#[tokio::test]
async fn a_401_for_a_lack_of_rights_names_whom_the_same_password_just_let_in_and_nobody_else() {
    let mut talk = unasked_talk().await;
    // Not known yet whether the password is right.
    let event = ask(&mut talk, "/api/secret", &[BASIC]).await;
    assert_eq!((event.admin, event.outcome), (None, Outcome::Denied));
    ask(&mut talk, "/api/users", &[BASIC]).await;
    let event = ask(&mut talk, "/api/secret", &[BASIC]).await;
    assert_eq!(
        (event.admin.as_deref(), event.outcome, event.action.as_str()),
        (Some("olena"), Outcome::Denied, "Denied: viewed secret")
    );
    // Her name with another password is a guess.
    let event = ask(&mut talk, "/api/secret", &[OLENA_WRONG]).await;
    assert_eq!((event.admin, event.known_by), (None, KnownBy::Attempt));
    // The password may have been changed since.
    talk.stand.advance(61);
    let event = ask(&mut talk, "/api/secret", &[BASIC]).await;
    assert_eq!((event.admin, event.known_by), (None, KnownBy::Attempt));
}

#[tokio::test]
async fn name_and_password_in_the_query_name_where_the_panel_reads_them_and_are_not_stored() {
    let mut talk = unasked_talk().await;
    let event = ask(&mut talk, "/api/export?auth=b2xlbmE6cmlnaHQ%3D", &[]).await;
    assert_eq!(event.admin.as_deref(), Some("olena"));
    // The header says somebody else: which of them the panel reads is not known.
    let event = ask(
        &mut talk,
        "/api/export?auth=b2xlbmE6cmlnaHQ%3D",
        &[BORIS_ANY],
    )
    .await;
    assert_nobody(&event);
    // Elsewhere the panel ignores it.
    let event = ask(&mut talk, "/api/users?auth=b2xlbmE6cmlnaHQ%3D", &[]).await;
    assert_nobody(&event);
}

#[tokio::test]
async fn what_scripts_send_without_a_token_is_none() {
    let mut talk = Talk::with(|_| html("x")).await;
    for nothing in ["null", "undefined", "Bearer null", "Bearer undefined"] {
        let event = ask(&mut talk, "/api/users", &[("authorization", nothing)]).await;
        assert_eq!(event.session, None, "{nothing}");
    }
    let event = ask(
        &mut talk,
        "/api/users",
        &[("authorization", "Bearer 9f86d081884c7d65")],
    )
    .await;
    assert!(event.session.is_some());
}
