//! A search whose time is over before its end.

use super::stack::{Answer, Stack, attributes, between, request, text};

const PATH: &str = "/monitoring/admin-sessions";
/// What no summary knows, so that rows have to be looked at.
const SLOW: &str = "/monitoring/admin-sessions?q=duration%3A%3E5s";

/// Two hundred quick requests in the archive; the oldest took long.
async fn stack() -> Stack {
    let stack = Stack::hasty();
    let mut drafts: Vec<_> = (0..200)
        .map(|n| request(n, i64::from(n) * 60 + 60, "GET", &format!("/client/{n}")))
        .collect();
    drafts[199].duration_us = Some(9_000_000);
    drafts.reverse();
    stack.record(drafts).await;
    stack.seal().await;
    stack
}

fn band(page: &str) -> Option<&str> {
    page.contains("data-search=")
        .then(|| between(page, "data-part=\"search\"", "</section>"))
}

#[tokio::test]
async fn it_says_how_far_it_came_and_comes_further_until_it_is_done() {
    let stack = stack().await;
    let first = stack.page(SLOW).await;
    let said = text(band(&first).unwrap());
    assert!(said.contains("Searched back to 22 Nov 1") || said.contains("Searched back to 1"));
    assert!(said.contains("0 found so far"), "{said}");
    assert!(
        text(&first).contains("No rows yet."),
        "not that nothing matches"
    );
    assert!(text(&first).contains("Page: 0 of 0+"), "{}", text(&first));
    let mut reached = Vec::new();
    for _ in 0..60 {
        let page = stack.page(SLOW).await;
        let Some(band) = band(&page) else {
            assert!(page.contains("/client/199"), "{page}");
            assert!(text(&page).contains("Page: 1–1 of 1"));
            assert!(reached.is_sorted() && reached.len() > 2, "{reached:?}");
            return;
        };
        match attributes(band, "aria-valuenow").first() {
            Some(percent) => reached.push(percent.parse::<u64>().unwrap()),
            // All is counted, and the one row is still looked for.
            None => assert!(text(band).contains("Rows read back to"), "{band}"),
        }
    }
    panic!("never done: {reached:?}");
}

#[tokio::test]
async fn its_bar_is_one_and_a_link_goes_on_without_scripts() {
    let stack = stack().await;
    let page = stack.page(&format!("{SLOW}&limit=25")).await;
    let band = band(&page).unwrap();
    assert!(band.contains("role=\"progressbar\"") && band.contains("aria-valuemax=\"100\""));
    let percent: u64 = attributes(band, "aria-valuenow")[0].parse().unwrap();
    assert!((1..100).contains(&percent), "{percent}");
    assert_eq!(
        attributes(band, "href")[0].replace("&#38;", "&"),
        format!("{SLOW}&limit=25")
    );
    assert!(text(band).contains("Search on"));
    assert!(
        band.contains("data-search-turn hidden"),
        "Stop needs the script"
    );
    assert!(page.contains("title=\"At least so many"));
}

#[tokio::test]
async fn nothing_lies_before_its_first_page_and_it_never_claims_to_know_what_is_new() {
    let stack = stack().await;
    let page = stack
        .page(&format!("{PATH}?q=-duration%3A%3E5s&limit=25"))
        .await;
    let pages = between(&page, "aria-label=\"Pages\"", "</nav>");
    assert!(!pages.contains("rel=\"first\"") && !pages.contains("rel=\"prev\""));
    assert!(pages.contains("rel=\"next\""), "the rest is there");
    let last = stack
        .page(&format!("{PATH}?q=-duration%3A%3E5s&limit=25&last=1"))
        .await;
    assert!(
        last.contains("data-known=\"\""),
        "not everything was counted"
    );
}

#[tokio::test]
async fn every_tab_the_chart_and_the_most_frequent_values_say_so() {
    let stack = stack().await;
    for tab in ["sessions", "admins", "ip-addresses"] {
        let page = stack.page(&SLOW.replace("?", &format!("/{tab}?"))).await;
        assert!(band(&page).is_some(), "{tab}");
        assert!(!text(&page).contains("Nothing matches"), "{tab}");
    }
    let page = stack.page(SLOW).await;
    let chart = between(&page, "data-chart", "</section>");
    assert!(text(chart).contains("counted back to"), "{}", text(chart));
    assert!(text(chart).contains("Read 0+"));
    let Answer { body, .. } = stack.ask(SLOW, Some("top")).await;
    assert!(text(&body).contains("Counted back to"), "{body}");
}

#[tokio::test]
async fn what_summaries_know_is_exact_however_short_the_time() {
    let stack = stack().await;
    let page = stack.page(&format!("{PATH}?limit=25")).await;
    assert!(text(&page).contains("of 200"), "{}", text(&page));
    assert!(!text(&page).contains("200+"));
}
