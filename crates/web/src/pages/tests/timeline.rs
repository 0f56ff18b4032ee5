//! The page of a session.

use admintrail_event::{Draft, Outcome};
use http::StatusCode;

use super::stack::{Stack, attributes, between, request, text};

const PAGE: &str = "/monitoring/admin-sessions/sessions/billing/77777777777777777777777777777777";

fn denied(seed: u8, seconds_ago: i64, path: &str) -> Draft {
    let mut draft = request(seed, seconds_ago, "DELETE", path);
    (draft.status, draft.outcome) = (Some(403), Outcome::Denied);
    draft.action = "Denied: delete client 4711".to_owned();
    draft.object = Some("client/4711/service/9".to_owned());
    draft
}

fn listed(seed: u8, seconds_ago: i64) -> Draft {
    let mut draft = request(seed, seconds_ago, "GET", &format!("/clients/{seed}"));
    draft.action = "Listed clients".to_owned();
    draft
}

async fn afternoon() -> Stack {
    let stack = Stack::owner();
    let mut drafts: Vec<_> = (1..=12).map(|n| listed(n, 3_000 - i64::from(n))).collect();
    drafts.push(denied(20, 2_200, "/client/4711"));
    let mut acting = request(21, 2_100, "POST", "/client/12/notes");
    acting.acting_as = Some("client/12".to_owned());
    drafts.push(acting);
    let mut moved = request(22, 2_050, "GET", "/client/12");
    moved.ip = "203.0.113.90".parse().ok();
    drafts.push(moved);
    stack.record(drafts).await;
    stack
}

#[tokio::test]
async fn equal_requests_are_one_step_and_what_is_between_is_told() {
    let stack = afternoon().await;
    let page = stack.page(PAGE).await;
    let steps = between(&page, "<ol class=\"steps\">", "</ol>");
    let told = text(steps);
    let order = [
        "Sunday, 22 November 2026",
        "15:41:59 Listed clients",
        "12 times until 15:42:10",
        "13 min pause",
        "15:55:18 Denied: delete client 4711 Denied",
        "client/4711 /service/9",
        "From here on acting as client/12",
        "Did /client/12/notes Change",
        "From here on from 203.0.113.90",
        "No longer acting as client/12",
    ];
    let mut from = 0;
    for part in order {
        let at = told[from..].find(part);
        let at = at.unwrap_or_else(|| panic!("{part:?} after {:?}", &told[from..]));
        from += at + part.len();
    }
    assert_eq!(attributes(steps, "data-step").len(), 4);
    assert!(steps.contains("<details class=\"step-more\"><summary>12 times"));
    assert_eq!(steps.matches("class=\"step-entry\"").count(), 12);
    assert!(steps.contains("step-denied") && steps.contains("step-change"));
}

#[tokio::test]
async fn its_head_says_who_from_where_how_long_and_how_much() {
    let stack = afternoon().await;
    let page = stack.page(PAGE).await;
    let head = text(between(&page, "data-session-head=", "</section>"));
    for part in [
        "Olena Kravets",
        "olena@hosting.example · 77777777 on billing",
        "Acted as client/12",
        "Start 22 Nov 15:41:59",
        "Duration 15 min",
        "IP addresses 203.0.113.90 198.51.100.7",
        "15 requests , 1 change , 1 denied",
    ] {
        assert!(head.contains(part), "{part:?} in {head}");
    }
    for object in ["client%2F4711", "client%2F4711%2Fservice%2F9"] {
        let href = format!("?q=object%3A{object}&#38;from=\"");
        assert!(page.contains(&href), "{page}");
    }
}

#[tokio::test]
async fn the_latest_may_come_first_and_then_nothing_reads_backwards() {
    let stack = afternoon().await;
    let page = stack.page(&format!("{PAGE}?order=desc")).await;
    let told = text(between(&page, "<ol class=\"steps\">", "</ol>"));
    assert!(told.contains("13 min pause"));
    assert!(!told.contains("From here on"), "{told}");
    let (denied, listed) = (told.find("Denied: delete"), told.find("Listed clients"));
    assert!(denied < listed, "{told}");
}

#[tokio::test]
async fn another_panels_session_of_the_same_hash_is_another_one() {
    let stack = afternoon().await;
    for path in [
        PAGE.replace("billing", "shop"),
        PAGE.replace("777777777777/", "x/").replace('7', "8"),
        "/monitoring/admin-sessions/sessions/billing/7777".to_owned(),
        "/monitoring/admin-sessions/sessions/Nope%20/77777777777777777777777777777777".to_owned(),
    ] {
        let answer = stack.ask(&path, None).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn what_a_stranger_sent_is_text_in_it() {
    let stack = Stack::owner();
    let evil = "<img src=x onerror=alert(1)>\"'";
    let mut draft = request(1, 10, "GET", &format!("/{evil}/{evil}"));
    draft.action = evil.to_owned();
    draft.object = Some(format!("{evil}/1/{evil}/2"));
    draft.admin = Some(evil.to_owned());
    draft.admin_name = Some(evil.to_owned());
    draft.acting_as = Some(evil.to_owned());
    draft.user_agent = Some(evil.to_owned());
    draft.query = Some(evil.to_owned());
    stack.record(vec![draft]).await;
    let page = stack.page(PAGE).await;
    assert!(!page.contains("<img"), "{page}");
    assert!(!page.contains("alert(1)>"), "{page}");
}
