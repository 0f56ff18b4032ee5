//! The list of requests.

use admintrail_event::{Ending, Outcome};
use admintrail_store::control::Role;
use http::StatusCode;

use super::stack::{Stack, attributes, between, request, text};

const PATH: &str = "/monitoring/admin-sessions";

async fn many(count: u8) -> Stack {
    let stack = Stack::owner();
    let drafts =
        (0..count).map(|n| request(n, i64::from(n) * 60 + 60, "GET", &format!("/client/{n}")));
    stack.record(drafts.collect()).await;
    stack
}

#[tokio::test]
async fn a_row_shows_every_column_in_the_viewers_zone() {
    let stack = Stack::owner();
    let mut draft = request(1, 60, "DELETE", "/admin/api/client/4711");
    draft.query = Some("confirm=1".to_owned());
    draft.request_type = admintrail_event::RequestType::Api;
    draft.status = Some(403);
    draft.outcome = Outcome::Denied;
    draft.action = "Denied: delete client 4711".to_owned();
    stack.record(vec![draft]).await;
    let page = stack.page(PATH).await;
    let row = text(between(
        between(&page, "<tr data-event=", "</tr>"),
        ">",
        "nothing",
    ));
    assert_eq!(
        row,
        "22 Nov 16:30 :58 OK Olena Kravets 198.51.100.7 new IP API DELETE Denied: delete client 4711 \
         /admin/api/client /4711 ?confirm=1 unusual hour 403 Denied 77777777 9 ms"
    );
    assert!(
        page.contains("title=\"/admin/api/client/4711?confirm=1\""),
        "the whole address is there"
    );
}

#[tokio::test]
async fn pages_lead_to_one_another_and_say_where_one_is() {
    let stack = many(60).await;
    let first = stack.page(&format!("{PATH}?limit=25")).await;
    assert!(text(&first).contains("Page: 1–25 of 60"));
    let link = |page: &str, rel: &str| {
        let nav = between(page, "aria-label=\"Pages\"", "</nav>").to_owned();
        let link = nav
            .split("<a ")
            .find(|link| link.contains(&format!("rel=\"{rel}\"")));
        link.map(|link| attributes(&format!(" {link}"), "href")[0].replace("&#38;", "&"))
    };
    assert_eq!(link(&first, "first"), None);
    assert_eq!(link(&first, "prev"), None);
    let second = stack.page(&link(&first, "next").unwrap()).await;
    assert!(text(&second).contains("Page: 26–50 of 60"));
    let last = stack.page(&link(&second, "last").unwrap()).await;
    assert!(text(&last).contains("of 60"));
    assert!(last.contains("/client/59"));
    assert_eq!(link(&last, "next"), None);
    let back = stack.page(&link(&second, "prev").unwrap()).await;
    assert!(text(&back).contains("Page: 1–25 of 60"));
}

#[tokio::test]
async fn a_mistake_in_the_box_is_pointed_at_and_the_box_keeps_what_was_typed() {
    let stack = many(3).await;
    let answer = stack
        .ask(&format!("{PATH}?q=panel:billing+stauts:404"), None)
        .await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert!(
        answer.body.contains("<mark>stauts</mark>"),
        "{}",
        answer.body
    );
    assert!(answer.body.contains("value=\"panel:billing stauts:404\""));
    assert!(answer.body.contains("aria-invalid=\"true\""));
    assert!(!text(&answer.body).contains("Nothing matches"));
}

#[tokio::test]
async fn a_wrong_range_is_said_beside_the_range() {
    let stack = many(3).await;
    let answer = stack.ask(&format!("{PATH}?from=soon"), None).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    let said = text(between(&answer.body, "data-part=\"chips\"", "data-part"));
    assert!(said.contains("is not a moment"), "{said}");
    assert!(answer.body.contains("role=\"alert\""));
}

#[tokio::test]
async fn hide_me_says_how_many_it_hides_and_asks_who_one_is() {
    let stack = many(7).await;
    let page = stack.page(&format!("{PATH}?hide_me=1")).await;
    assert!(text(&page).contains("7 hidden"), "{}", text(&page));
    assert!(page.contains("aria-checked=\"true\""));
    let nobody = Stack::new(Role::Owner, &[]);
    nobody.record(vec![request(1, 1, "GET", "/a")]).await;
    assert!(
        nobody
            .page(PATH)
            .await
            .contains("/settings/account#identities\">Who are you?")
    );
}

#[tokio::test]
async fn background_refreshes_are_folded_behind_a_chip_that_shows_them() {
    let stack = Stack::owner();
    let mut polling = request(1, 5, "GET", "/notifications");
    polling.polling = true;
    stack
        .record(vec![polling, request(2, 6, "GET", "/clients")])
        .await;
    let page = stack.page(PATH).await;
    assert!(text(&page).contains("1 background refresh hidden"));
    assert!(!page.contains("title=\"/notifications\""));
    let shown = stack.page(&format!("{PATH}?fold=0")).await;
    assert!(shown.contains("title=\"/notifications\""));
    let asked = stack.page(&format!("{PATH}?q=is:polling")).await;
    assert!(
        asked.contains("title=\"/notifications\""),
        "a filter that asks for them shows them"
    );
}

#[tokio::test]
async fn an_attack_in_an_even_rhythm_is_on_the_page_and_only_what_succeeded_is_hidden() {
    let stack = Stack::owner();
    let beat = |n: u8, path: &str, outcome: Outcome| {
        let mut draft = request(n, 600 - i64::from(n) * 5, "GET", path);
        draft.outcome = outcome;
        draft
    };
    let mut drafts: Vec<_> = (0..8).map(|n| beat(n, "/door", Outcome::Denied)).collect();
    drafts.extend((8..16).map(|n| beat(n, "/watched", Outcome::Success)));
    let mut missing = beat(16, "/missing.css", Outcome::Failed);
    missing.asset = true;
    let mut style = beat(17, "/style.css", Outcome::Success);
    style.asset = true;
    drafts.extend([missing, style]);
    stack.record(drafts).await;
    let page = stack.page(PATH).await;
    let shown = |path: &str| page.matches(&format!("title=\"{path}\"")).count();
    assert_eq!(shown("/door"), 8);
    assert_eq!(shown("/watched"), 5);
    assert_eq!((shown("/missing.css"), shown("/style.css")), (1, 0));
    assert!(text(&page).contains("1 file and 3 background refreshes hidden"));
}

#[tokio::test]
async fn an_answer_that_did_not_arrive_whole_is_no_success_in_row_and_drawer() {
    let stack = Stack::owner();
    let mut draft = request(1, 60, "GET", "/half");
    draft.ending = Ending::Failed;
    let mut left = request(2, 70, "GET", "/left");
    left.ending = Ending::Dropped;
    let id = draft.id;
    stack.record(vec![draft, left]).await;
    let page = stack.page(&format!("{PATH}?event={id}")).await;
    assert!(text(&page).contains("200 broke off"), "{}", text(&page));
    assert!(text(&page).contains("200 left"));
    assert!(!page.contains("status-ok"));
    let told = between(&page, "data-broken-answer>", "</b>");
    assert_eq!(told, "The panel broke its answer off before the end");
}

#[tokio::test]
async fn a_date_of_another_year_and_long_requests_keep_their_units() {
    let stack = Stack::owner();
    let mut draft = request(1, 400 * 86_400, "GET", "/old");
    draft.duration_us = Some(2_501_000);
    stack.record(vec![draft]).await;
    let page = stack
        .page(&format!("{PATH}?from=2025-01-01T00:00:00Z"))
        .await;
    let row = text(between(
        between(&page, "<tr data-event=", "</tr>"),
        ">",
        "nothing",
    ));
    assert!(row.starts_with("18 Oct 2025"), "{row}");
    assert!(row.ends_with("2.5 s"), "{row}");
    assert!(page.contains("c-date has-year"));
}

#[tokio::test]
async fn the_words_of_the_filter_are_beside_the_box_without_a_script() {
    let stack = Stack::owner();
    let page = stack.page(PATH).await;
    let help = between(&page, "data-menu=\"words\"", "</details>");
    assert!(help.contains("aria-label=\"Filter words\""), "{help}");
    for word in ["outcome:", "is:", "known_by:"] {
        assert!(help.contains(word), "{word}");
    }
}

#[tokio::test]
async fn our_script_gets_the_parts_alone() {
    let stack = many(3).await;
    let parts = stack.ask(PATH, Some("view")).await.page();
    assert!(!parts.contains("<html"));
    let names = attributes(&parts, "data-part");
    assert_eq!(
        names,
        [
            "head", "tabs", "notices", "filters", "chips", "chart", "search", "body"
        ]
    );
}

#[tokio::test]
async fn rows_that_came_meanwhile_are_counted_where_they_do_not_appear() {
    let stack = many(10).await;
    let path = format!("{PATH}?limit=2&last=1");
    let page = stack.page(&path).await;
    let mark = |name: &str| attributes(&page, name)[0].replace(':', "%3A");
    let ask = format!(
        "{path}&since={}&known={}",
        mark("data-since"),
        mark("data-known")
    );
    assert!(
        stack
            .ask(&ask, Some("new"))
            .await
            .page()
            .contains("data-count=\"0\"")
    );
    // Accepted now, though they began before the page was drawn.
    let late = (20..25).map(|n| request(n, 70, "GET", "/late"));
    stack.record(late.collect()).await;
    assert!(
        stack
            .ask(&ask, Some("new"))
            .await
            .page()
            .contains("data-count=\"5\"")
    );
}

#[tokio::test]
async fn the_drawer_shows_every_field_and_leads_on() {
    let stack = many(3).await;
    let page = stack.page(PATH).await;
    let ids = attributes(&page, "data-event");
    let page = stack.page(&format!("{PATH}?event={}", ids[1])).await;
    let drawer = between(&page, "<aside", "</aside>");
    let shown = text(drawer);
    for word in [
        "2 of 3",
        "22 Nov 2026, 16:29:58.000 (+02:00)",
        "olena@hosting.example",
        "198.51.100.7",
        "77777777777777777777777777777777",
        "9.300 ms",
        "2026-11-22T14:29:58.000000Z",
        "Timeline",
    ] {
        assert!(shown.contains(word), "{word} is not in {shown}");
    }
    let fields = attributes(drawer, "data-field");
    for field in [
        "admin",
        "known_by",
        "ip",
        "session",
        "panel",
        "action",
        "type",
        "method",
        "path",
        "status",
        "outcome",
        "ending",
        "duration_us",
        "time",
        "received",
        "kind",
        "recorder_seq",
        "id",
        "log",
        "seq",
    ] {
        assert!(fields.contains(&field), "{field} is not in {fields:?}");
    }
    assert!(drawer.contains("&#34;seq&#34;"), "the whole event as JSON");
    assert!(drawer.contains("q=ip%3A198.51.100.7"));
    assert!(drawer.contains("q=-ip%3A198.51.100.7"));
}

#[tokio::test]
async fn an_event_that_is_not_there_is_said_to_be_missing() {
    let stack = many(1).await;
    let page = stack
        .page(&format!(
            "{PATH}?event=01935b5e-6b3a-7000-8000-000000000000"
        ))
        .await;
    assert!(text(&page).contains("No such request"));
}

#[tokio::test]
async fn a_share_link_has_absolute_times_and_nobodys_hide_me() {
    let stack = many(2).await;
    let page = stack.page(&format!("{PATH}?hide_me=1&from=-1h")).await;
    let share = between(&page, "id=\"share-url\" readonly value=\"", "\"").replace("&#38;", "&");
    assert!(share.contains("from=2026-11-22T13%3A31%3A58"), "{share}");
    assert!(
        share.contains("-admin%3Aolena%40hosting.example"),
        "{share}"
    );
    assert!(share.contains("hide_me=0"), "{share}");
    assert!(!share.contains("tz="), "{share}");
}

#[tokio::test]
async fn the_export_has_what_is_shown_and_only_for_those_who_may() {
    let stack = many(2).await;
    let page = stack.page(&format!("{PATH}?q=method:GET")).await;
    assert!(
        page.contains("/api/v1/export?q=method%3AGET&#38;from=-24h&#38;hide_me=0&#38;fold=1"),
        "{page}"
    );
    let viewer = Stack::new(Role::Viewer, &[]);
    assert!(!viewer.page(PATH).await.contains("/api/v1/export"));
}

#[tokio::test]
async fn a_browser_without_scripts_asks_again_only_where_new_rows_appear() {
    let stack = many(60).await;
    let reload = "http-equiv=\"refresh\" content=\"5;url=/monitoring/admin-sessions";
    assert!(stack.page(PATH).await.contains(reload));
    assert!(
        !stack
            .page(&format!("{PATH}?order=asc"))
            .await
            .contains(reload)
    );
    assert!(!stack.page(&format!("{PATH}?last=1")).await.contains(reload));
}

#[tokio::test]
async fn the_most_frequent_values_lead_to_a_narrower_view() {
    let stack = many(4).await;
    let top = stack.ask(PATH, Some("top")).await.page();
    assert!(
        text(&top).contains("olena@hosting.example 4"),
        "{}",
        text(&top)
    );
    assert!(top.contains("q=admin%3Aolena%40hosting.example"));
}
