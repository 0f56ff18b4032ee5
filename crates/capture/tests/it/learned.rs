//! What a recorder learns of a panel: from whom, and what of it comes back after a restart.

use admintrail_event::{Draft, KnownBy};

use crate::stand::*;

/// `olena:right`.
const BASIC: (&str, &str) = ("authorization", "Basic b2xlbmE6cmlnaHQ=");

/// A panel that lets olena in by basic authentication and shows strangers `/public/…` alone.
fn basic_panel() -> Panel {
    panel(|asked: Asked| {
        let olena = asked
            .headers
            .get("authorization")
            .is_some_and(|it| it == BASIC.1);
        match asked.path.as_str() {
            path if path.contains("missing") => answer(404, &[], "no"),
            path if path.starts_with("/public/") => html("x"),
            _ if olena => html("x"),
            _ => answer(401, &[("www-authenticate", "Basic realm=panel")], ""),
        }
    })
}

/// Asks for these paths one after the other, and gives the last event.
async fn visit(
    stand: &Stand,
    service: &admintrail_capture::RecordService<Panel>,
    headers: &[(&str, &str)],
    below: &str,
    count: usize,
) -> Draft {
    let before = stand.sink.kept.lock().len();
    for n in 0..count {
        let path = format!("{below}/name-of-{n}");
        send(service, request("GET", &path, headers, empty())).await;
    }
    until(|| stand.sink.kept.lock().len() >= before + count).await;
    stand.sink.kept.lock().last().unwrap().clone()
}

#[tokio::test]
async fn names_are_learned_from_admins_whom_the_panel_answered_and_from_nobody_else() {
    let stand = Stand::new().await;
    let service = wrap(stand.recorder(|_| {}), basic_panel());
    visit(&stand, &service, &[], "/articles", 1).await;

    // Strangers who are refused, strangers who are answered, admins who ask for what is not there.
    visit(&stand, &service, &[], "/articles", 40).await;
    visit(&stand, &service, &[], "/public/articles", 40).await;
    visit(&stand, &service, &[BASIC], "/missing/articles", 40).await;
    for below in ["/articles", "/public/articles", "/missing/articles"] {
        let last = visit(&stand, &service, &[BASIC], below, 1).await;
        let route = last.route.unwrap();
        assert_eq!(route, format!("{below}/name-of-0"), "nothing was learned");
    }

    let last = visit(&stand, &service, &[BASIC], "/articles", 30).await;
    assert_eq!(last.admin.as_deref(), Some("olena"));
    assert_eq!(last.route.as_deref(), Some("/articles/{id}"));
    assert_eq!(last.action, "Viewed article name-of-29");
    assert_eq!(last.object.as_deref(), Some("article/name-of-29"));
    // Strangers read so too, and a word stays a word.
    let last = visit(&stand, &service, &[], "/articles", 1).await;
    assert_eq!(last.route.as_deref(), Some("/articles/{id}"));
    send(&service, request("GET", "/articles/new", &[BASIC], empty())).await;
    until(|| stand.sink.kept.lock().last().unwrap().path == "/articles/new").await;
    let last = stand.sink.kept.lock().last().unwrap().clone();
    assert_eq!(last.route.as_deref(), Some("/articles/new"));
}

#[tokio::test]
async fn what_was_learned_counts_again_after_a_crash() {
    let stand = Stand::new().await;
    let recorder = stand.recorder(|_| {});
    let service = wrap(recorder.clone(), basic_panel());
    visit(&stand, &service, &[], "/articles", 1).await;
    let last = visit(&stand, &service, &[BASIC], "", 30).await;
    assert_eq!(
        last.known_by,
        KnownBy::None,
        "only /articles/name-of-0 has asked"
    );
    send(&service, request("GET", "/", &[], empty())).await;
    visit(&stand, &service, &[BASIC], "/articles", 30).await;
    let learned = recorder.learned().unwrap();
    assert!(recorder.learned().is_none(), "nothing new");
    drop((service, recorder));

    let stand = stand.crash().await;
    let recorder = stand.recorder(|_| {});
    let service = wrap(recorder.clone(), basic_panel());
    let last = visit(&stand, &service, &[BASIC], "/articles", 1).await;
    assert_eq!(
        last.admin, None,
        "without a challenge a name is only a claim"
    );
    recorder.remember(&learned).unwrap();
    let last = visit(&stand, &service, &[BASIC], "/articles", 1).await;
    assert_eq!(
        last.admin.as_deref(),
        Some("olena"),
        "no new challenge is needed"
    );
    assert_eq!(last.route.as_deref(), Some("/articles/{id}"));
    assert!(recorder.remember(b"{\"version\":99}").is_err());
}
