//! HTTP basic authentication, beside sessions and alone.

use admintrail_event::{KnownBy, Outcome};

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
    for (path, admin) in [
        ("/reports/files", Some("olena")),
        ("/reports/files/7", Some("olena")),
        ("/reports/filesystem", None),
        ("/reports", None),
        ("/clients", None),
        ("/reports/files/../../clients", None),
        ("/reports/files/%2e%2e/x", None),
    ] {
        send(&talk.service, request("GET", path, &[BASIC], empty())).await;
        assert_eq!(talk.event().await.admin.as_deref(), admin, "{path}");
    }
}
