//! Threat 4: whatever a request carries is shown as text.

use admintrail_event::{KnownBy, Outcome};

use super::stack::{Stack, attributes, request, text};

const PAYLOADS: [&str; 6] = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(2)>",
    "'><svg onload=alert(3)>",
    "javascript:alert(4)",
    "{{7*7}}${7*7}<%=7*7%>",
    "</title></textarea></script><iframe src=//evil>",
];

async fn stack() -> Stack {
    let stack = Stack::owner();
    let mut drafts = Vec::new();
    for (n, payload) in PAYLOADS.iter().enumerate() {
        let n = u8::try_from(n).unwrap();
        let mut draft = request(n, i64::from(n) + 60, "POST", &format!("/{payload}"));
        draft.query = Some(format!("q={payload}"));
        draft.admin = Some((*payload).to_owned());
        draft.admin_name = Some((*payload).to_owned());
        draft.user_agent = Some((*payload).to_owned());
        draft.acting_as = Some((*payload).to_owned());
        draft.host = Some((*payload).to_owned());
        draft.method = (*payload).to_owned();
        draft.action = (*payload).to_owned();
        draft.object = Some((*payload).to_owned());
        draft.route = Some((*payload).to_owned());
        draft.recorder = (*payload).to_owned();
        drafts.push(draft);
        let mut attempt = request(n + 100, i64::from(n) + 30, "POST", "/login");
        (attempt.admin, attempt.admin_name) = (None, None);
        (attempt.known_by, attempt.attempted) = (KnownBy::Attempt, Some((*payload).to_owned()));
        attempt.outcome = Outcome::Denied;
        attempt.action = format!("Failed sign-in as {payload}");
        drafts.push(attempt);
    }
    stack.record(drafts).await;
    stack
}

/// Nothing of it became markup: no tag but ours, no address but ours.
fn is_text_alone(page: &str, path: &str) {
    for tag in [
        "<script>",
        "<img",
        "<iframe",
        "<svg onload",
        "</title></textarea>",
    ] {
        assert!(!page.contains(tag), "{path}: {tag}");
    }
    for name in ["href", "action", "src"] {
        for address in attributes(page, name) {
            let ours = address.starts_with('/') || address.starts_with('#');
            assert!(
                ours && !address.starts_with("//"),
                "{path}: {name}={address}"
            );
        }
    }
}

#[tokio::test]
async fn payloads_are_text_on_every_page() {
    let stack = stack().await;
    let list = stack.page("/monitoring/admin-sessions").await;
    assert!(text(&list).contains("&#60;script&#62;alert(1)&#60;/script&#62;"));
    let mut paths: Vec<String> = attributes(&list, "data-event")
        .iter()
        .map(|id| format!("/monitoring/admin-sessions?event={id}"))
        .collect();
    assert_eq!(paths.len(), 2 * PAYLOADS.len());
    for path in ["", "/sessions", "/admins", "/ip-addresses"] {
        paths.push(format!("/monitoring/admin-sessions{path}"));
    }
    for path in [
        "/",
        "/monitoring/admin-sessions/sessions/billing/77777777777777777777777777777777",
        "/settings/account",
        "/settings/panels",
        "/monitoring/alerts",
        "/settings/tokens",
    ] {
        paths.push(path.to_owned());
    }
    for path in paths {
        is_text_alone(&stack.page(&path).await, &path);
    }
    is_text_alone(
        &stack
            .ask("/monitoring/admin-sessions", Some("top"))
            .await
            .page(),
        "top",
    );
}

#[tokio::test]
async fn payloads_in_the_address_are_text_too() {
    let stack = stack().await;
    for payload in PAYLOADS {
        let typed: String = url::form_urlencoded::byte_serialize(payload.as_bytes()).collect();
        for name in [
            "q", "from", "to", "limit", "order", "cursor", "event", "tz", "offset", "other",
        ] {
            for tab in ["", "/sessions", "/admins"] {
                let path = format!("/monitoring/admin-sessions{tab}?{name}={typed}");
                let answer = stack.ask(&path, None).await;
                assert!(!answer.status.is_server_error(), "{path}");
                is_text_alone(&answer.body, &path);
            }
        }
    }
}

#[tokio::test]
async fn encoded_bytes_are_shown_as_they_are() {
    let stack = Stack::owner();
    let path = "/a%0d%0aSet-Cookie:%20x/%e2%80%ae/%00%ff/%252f";
    stack.record(vec![request(1, 5, "GET", path)]).await;
    assert!(
        stack
            .page("/monitoring/admin-sessions")
            .await
            .contains(&format!("title=\"{path}\""))
    );
}
