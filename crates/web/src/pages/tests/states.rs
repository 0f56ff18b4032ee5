//! What the pages say when there is nothing to show, or something is wrong.

use admintrail_event::Micros;
use admintrail_store::control::Role;
use http::StatusCode;

use super::stack::{Stack, attributes, now, request, text};

const PATH: &str = "/monitoring/admin-sessions";

#[tokio::test]
async fn before_the_first_request_the_page_says_what_it_waits_for() {
    let stack = Stack::owner();
    assert!(
        text(&stack.page(PATH).await).contains("No requests yet. Waiting for billing on :8080.")
    );
    // That somebody looks at Admintrail is on record, but not what is waited for.
    let mut own = request(1, 5, "GET", "/monitoring/admin-sessions");
    own.panel = admintrail_event::PanelName::own();
    stack.record(vec![own]).await;
    let page = text(&stack.page(PATH).await);
    assert!(page.contains("No requests yet. Waiting for billing on :8080."));
    assert!(page.contains("1–1 of 1"));
    stack.record(vec![request(2, 4, "GET", "/a")]).await;
    assert!(!text(&stack.page(PATH).await).contains("No requests yet"));
}

#[tokio::test]
async fn when_nothing_matches_the_filters_can_be_cleared() {
    let stack = Stack::owner();
    stack.record(vec![request(1, 5, "GET", "/a")]).await;
    let page = stack.page(&format!("{PATH}?q=path:zzz&from=-7d")).await;
    assert!(text(&page).contains("Nothing matches. Clear filters"));
    assert!(page.contains("href=\"/monitoring/admin-sessions?from=-7d\" data-nav>Clear filters"));
}

#[tokio::test]
async fn stopped_recording_is_said_with_its_time_and_cause_on_every_tab() {
    let stack = Stack::owner();
    stack.recorder.lock().failing = Some((
        Micros(now().0 - 60 * Micros::SECOND),
        "disk <full>".to_owned(),
    ));
    for path in ["", "/sessions", "/admins", "/ip-addresses"] {
        let page = stack.page(&format!("{PATH}{path}")).await;
        let said = text(&page);
        assert!(
            said.contains(
                "Recording stopped 16:30; rows are complete until then. disk &#60;full&#62;"
            ),
            "{said}"
        );
    }
    assert!(text(&stack.page("/").await).contains("Recording stopped 16:30"));
}

#[tokio::test]
async fn no_link_of_any_page_is_dead() {
    let stack = Stack::owner();
    let mut drafts: Vec<_> = (0..30)
        .map(|n| request(n, i64::from(n) * 60, "POST", "/a"))
        .collect();
    drafts[3].admin = None;
    drafts[4].admin_name = None;
    stack.record(drafts).await;
    let mut waiting = vec!["/".to_owned()];
    let mut seen = std::collections::BTreeSet::new();
    while let Some(path) = waiting.pop() {
        // Views beside views never end; a few hundred show enough.
        if !seen.insert(path.clone()) || seen.len() > 300 {
            continue;
        }
        let answer = stack.ask(&path, None).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        let html = answer.headers[http::header::CONTENT_TYPE]
            .to_str()
            .unwrap()
            .starts_with("text/html");
        if html {
            for href in attributes(&answer.body, "href") {
                let href = href.replace("&#38;", "&");
                let href = href.split('#').next().unwrap().to_owned();
                if href.starts_with('/') {
                    waiting.push(href);
                }
            }
        }
    }
    for page in [
        "/monitoring/alerts",
        "/settings/panels",
        "/settings/retention",
        "/settings/tokens",
        "/settings/account",
        PATH,
    ] {
        assert!(seen.contains(page), "{page} is linked from nowhere");
    }
}

#[tokio::test]
async fn the_navigation_shows_what_one_may_open() {
    let owner = Stack::owner();
    assert!(owner.page("/").await.contains("href=\"/settings/tokens\""));
    let viewer = Stack::new(Role::Viewer, &[]);
    assert!(!viewer.page("/").await.contains("href=\"/settings/tokens\""));
    assert_eq!(
        viewer.ask("/settings/tokens", None).await.status,
        StatusCode::FORBIDDEN
    );
}
