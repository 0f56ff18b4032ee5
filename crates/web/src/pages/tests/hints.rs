//! What the pages say about how a panel is set up.

use admintrail_event::{KnownBy, SessionHash};

use super::stack::{Stack, between, request, text};

const LIST: &str = "/monitoring/admin-sessions";

/// The notices of a page, once they were worked out; they are never waited for.
async fn notices(stack: &Stack, path: &str) -> String {
    stack.page(path).await;
    while !stack.app.hints.are_known() {
        tokio::task::yield_now().await;
    }
    let page = stack.page(path).await;
    let notices = between(&page, "data-part=\"notices\"", "data-part=\"filters\"");
    if notices.contains("data-hint") {
        notices.to_owned()
    } else {
        String::new()
    }
}

async fn behind(ip: &str, count: u8) -> Stack {
    let stack = Stack::owner();
    let mut drafts: Vec<_> = (0..count)
        .map(|n| request(n, i64::from(n) + 60, "GET", "/a"))
        .collect();
    for draft in &mut drafts {
        draft.ip = ip.parse().ok();
    }
    stack.record(drafts).await;
    stack
}

#[tokio::test]
async fn a_proxy_that_hides_every_address_is_asked_about_with_the_line_to_copy() {
    for (ip, network) in [("127.0.0.1", "127.0.0.1/32"), ("fd00::1", "fd00::1/128")] {
        let stack = behind(ip, 200).await;
        for tab in [LIST.to_owned(), format!("{LIST}/ip-addresses")] {
            let told = text(&notices(&stack, &tab).await);
            let asked = format!("All 200 requests to billing came from {ip}. Trust this proxy?");
            assert!(told.contains(&asked), "{told}");
            let line = format!("trusted_proxies = [&#34;{network}&#34;]");
            assert!(told.contains(&line), "{told}");
        }
    }
}

#[tokio::test]
async fn few_requests_and_people_from_outside_are_no_proxy() {
    for stack in [
        behind("127.0.0.1", 49).await,
        behind("198.51.100.7", 200).await,
    ] {
        assert_eq!(notices(&stack, LIST).await, "");
    }
    let stack = behind("127.0.0.1", 200).await;
    stack.record(vec![request(201, 1, "GET", "/b")]).await;
    assert_eq!(notices(&stack, LIST).await, "", "two addresses");
}

#[tokio::test]
async fn sessions_older_than_the_recording_are_counted_and_shown() {
    let stack = Stack::owner();
    let mut drafts = Vec::new();
    for n in 0..3 {
        let mut draft = request(n, i64::from(n) + 60, "GET", "/a");
        (draft.admin, draft.admin_name) = (None, None);
        draft.known_by = KnownBy::None;
        draft.session = Some(SessionHash([n + 1; 16]));
        drafts.push(draft);
    }
    drafts.push(request(9, 5, "GET", "/b"));
    stack.record(drafts).await;
    let told = notices(&stack, LIST).await;
    let sentence =
        "3 sessions signed in before recording began; they are named after their next sign-in.";
    assert!(text(&told).contains(sentence), "{told}");
    let href = between(&told, "href=\"", "\"").replace("&#38;", "&");
    let shown = stack.page(&href).await;
    assert_eq!(shown.matches("data-session=\"").count(), 3, "{href}");
}
