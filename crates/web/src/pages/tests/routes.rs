//! Settings → Panels: routes without an action line.

use admintrail_event::{Draft, KnownBy, Outcome, Preset, RequestHead};

use super::stack::{Stack, attributes, between, request, text};

const PAGE: &str = "/settings/panels";

/// As a browser reads it.
fn plain(html: &str) -> String {
    html.replace("&#34;", "\"")
        .replace("&#38;", "&")
        .replace("&#60;", "<")
        .replace("&#62;", ">")
        .replace("&#39;", "'")
}

fn lines(page: &str) -> String {
    let block = between(page, "<pre class=\"paste-lines\"", "</pre>");
    plain(block.split_once('>').unwrap().1)
}

fn asked(n: usize, method: &str, path: &str) -> Draft {
    let mut draft = request(0, i64::try_from(n).unwrap() + 60, method, path);
    draft.id = admintrail_event::EventId::new(draft.time, [u8::try_from(n % 251).unwrap(); 10]);
    draft
}

#[tokio::test]
async fn routes_without_a_line_are_listed_with_lines_to_paste() {
    let stack = Stack::owner();
    let mut stranger = asked(9, "GET", "/wp-admin/setup");
    (stranger.admin, stranger.known_by) = (None, KnownBy::None);
    stranger.outcome = Outcome::Denied;
    stack
        .record(vec![
            asked(1, "GET", "/clients/4711"),
            asked(2, "GET", "/clients/12"),
            asked(3, "POST", "/clients/12/suspend"),
            asked(4, "POST", "/login"),
            asked(5, "GET", "/site.css"),
            stranger,
        ])
        .await;
    let page = stack.page(PAGE).await;
    assert_eq!(
        attributes(&page, "data-route"),
        ["/clients/{id}", "/clients/{id}/suspend"]
    );
    let told = text(&page);
    for part in [
        "25.0 % of 4 requests in 30 days have an action line or are a sign-in.",
        "GET /clients/{id} e.g. /clients/4711 Viewed client {client} 2 requests 1 min ago",
        "Left out: 1 request on routes that the panel does not have",
    ] {
        assert!(told.contains(part), "{part} in {told}");
    }
    let preset = Preset::parse(&lines(&page)).unwrap();
    let head = RequestHead::new("POST", "/clients/7/suspend", None);
    let reading = preset.read(&head);
    assert_eq!(reading.action, "Ran suspend on client 7");
    // The link shows the requests meant.
    let mut href = attributes(&page, "href").into_iter().map(plain);
    let href = href.find(|href| href.contains("suspend")).unwrap();
    let list = stack.page(&href).await;
    assert_eq!(attributes(&list, "data-event").len(), 1, "{href}");
}

#[tokio::test]
async fn a_panel_without_requests_says_nothing_and_one_without_gaps_is_complete() {
    let stack = Stack::owner();
    assert!(!stack.page(PAGE).await.contains("data-routes"));
    // What is older than the days that are looked at.
    stack
        .record(vec![asked(40 * 86_400, "GET", "/clients/1")])
        .await;
    assert!(!stack.page(PAGE).await.contains("data-routes"));
    stack.record(vec![asked(4, "POST", "/login")]).await;
    let page = stack.page(PAGE).await;
    assert!(
        text(&page).contains("100.0 % of 1 request in 30 days"),
        "{page}"
    );
    assert!(page.contains("complete") && !page.contains("paste-lines"));
}

#[tokio::test]
async fn long_lists_and_hostile_values_stay_within_bounds() {
    let stack = Stack::owner();
    let mut drafts: Vec<_> = (0..30)
        .map(|n| asked(n, "GET", &format!("/page{n}")))
        .collect();
    let long = format!("/{}", "a<b>\"'&{x}%".repeat(700));
    drafts.extend((30..33).map(|n| asked(n, "</pre><script>alert(1)</script>", &long)));
    stack.record(drafts).await;
    let page = stack.page(PAGE).await;
    assert_eq!(attributes(&page, "data-route").len(), 20);
    assert!(
        text(&page).contains("11 more routes: admintrail preset test"),
        "{page}"
    );
    assert!(!page.contains("<script>") && !page.contains("a<b>"));
    let preset = Preset::parse(&lines(&page)).unwrap();
    assert!(preset.read(&RequestHead::new("GET", &long, None)).by_line);
    let first = attributes(&page, "href")
        .into_iter()
        .find(|href| href.contains("30d"));
    let list = stack.ask(&plain(first.unwrap()), None).await;
    assert_eq!(list.status, http::StatusCode::OK, "{first:?}");
}
