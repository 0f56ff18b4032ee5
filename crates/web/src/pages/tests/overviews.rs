//! Sessions, admins, addresses, dashboard, panels.

use admintrail_event::{KnownBy, Outcome, SessionHash};

use super::stack::{Stack, between, request, text};

async fn day() -> Stack {
    let stack = Stack::owner();
    let mut drafts = vec![
        request(1, 600, "GET", "/clients"),
        request(2, 500, "POST", "/client"),
        request(3, 90, "GET", "/client/1"),
    ];
    let mut denied = request(4, 80, "DELETE", "/client/1");
    (denied.status, denied.outcome) = (Some(403), Outcome::Denied);
    drafts.push(denied);
    let mut tom = request(5, 7_200, "GET", "/invoices");
    tom.admin = Some("tom".to_owned());
    tom.admin_name = None;
    tom.ip = "203.0.113.90".parse().ok();
    tom.session = Some(SessionHash([0xe1; 16]));
    drafts.push(tom);
    let mut attempt = request(6, 70, "POST", "/login");
    (attempt.admin, attempt.admin_name, attempt.session) = (None, None, None);
    (attempt.known_by, attempt.attempted) = (KnownBy::Attempt, Some("root".to_owned()));
    (attempt.status, attempt.outcome) = (Some(401), Outcome::Denied);
    attempt.ip = "45.83.64.11".parse().ok();
    drafts.push(attempt);
    stack.record(drafts).await;
    stack
}

#[tokio::test]
async fn a_session_is_one_row_with_what_was_done_in_it() {
    let stack = day().await;
    let page = stack.page("/monitoring/admin-sessions/sessions").await;
    let row = text(between(&page, "data-session=\"77777777\">", "</tr>"));
    assert!(row.starts_with("OK Olena Kravets active now 77777777 22 Nov 16:21:58 1 min ago 8 min 40 s 4 1 1 198.51.100.7"), "{row}");
    assert!(text(&page).contains("Sessions: 1–2 of 2"));
    assert!(
        page.contains("/sessions/billing/77777777777777777777777777777777\""),
        "a click shows its timeline"
    );
}

#[tokio::test]
async fn an_admin_is_one_row_and_an_attempt_is_nobodys() {
    let stack = day().await;
    let page = stack.page("/monitoring/admin-sessions/admins").await;
    let body = text(between(&page, "data-table=\"admins\"", "</table>"));
    assert!(
        body.contains("OK Olena Kravets olena@hosting.example active now 4 1 1 0 198.51.100.7"),
        "{body}"
    );
    assert!(body.contains("TO tom 1 0 0 0 203.0.113.90"), "{body}");
    assert!(
        body.contains("Unknown no sign-in 1 0 1 1 45.83.64.11"),
        "{body}"
    );
}

#[tokio::test]
async fn an_address_is_one_row_with_who_came_from_there() {
    let stack = day().await;
    let page = stack.page("/monitoring/admin-sessions/ip-addresses").await;
    let body = text(between(&page, "data-table=\"addresses\"", "</table>"));
    assert!(
        body.contains("198.51.100.7 active now 4 1 1 0 olena@hosting.example"),
        "{body}"
    );
    assert!(body.contains("45.83.64.11 active now 1 0 1 1 –"), "{body}");
}

#[tokio::test]
async fn thirty_tries_and_then_a_success_stand_out() {
    let stack = day().await;
    let mut drafts = Vec::new();
    for n in 0..31 {
        let mut draft = request(n + 20, 300 - i64::from(n), "POST", "/login");
        draft.ip = "192.0.2.66".parse().ok();
        if n < 30 {
            (draft.admin, draft.admin_name, draft.session) = (None, None, None);
            draft.known_by = KnownBy::Attempt;
            let name = if n % 2 == 0 { "tom" } else { "<b>" };
            draft.attempted = Some(name.to_owned());
            (draft.status, draft.outcome) = (Some(401), Outcome::Denied);
        } else {
            (draft.admin, draft.admin_name) = (Some("tom".to_owned()), None);
            draft.session = Some(SessionHash([0x4b; 16]));
        }
        drafts.push(draft);
    }
    stack.record(drafts).await;
    let page = stack.page("/monitoring/admin-sessions/ip-addresses").await;
    let by_ip = between(&page, "data-table=\"attempts-ip\"", "</table>");
    let body = text(between(by_ip, "<tbody>", "</tbody>"));
    let first = "192.0.2.66 30 after 30 tries tom 16:27 &#60;b&#62; tom 22 Nov 16:26:58";
    assert!(body.starts_with(first), "{body}");
    assert!(by_ip.contains("is-alarming"));
    assert!(body.contains("45.83.64.11 1 never root"), "{body}");
    let by_name = between(&page, "data-table=\"attempts-name\"", "</table>");
    let body = text(between(by_name, "<tbody>", "</tbody>"));
    assert!(
        body.starts_with("tom 15 after 15 tries tom 16:27"),
        "{body}"
    );
    assert!(!page.contains("<b></a>"), "names are texts");
    // Under whose name it was tried is told beside the admin.
    let admins = stack.page("/monitoring/admin-sessions/admins").await;
    let body = text(between(&admins, "data-table=\"admins\"", "</table>"));
    assert!(body.contains("TO tom active now 2 1 0 15"), "{body}");
}

#[tokio::test]
async fn the_dashboard_says_who_is_active_and_what_was_denied() {
    let stack = day().await;
    let page = text(&stack.page("/").await);
    assert!(
        page.contains("Active now last 15 minutes OK Olena Kravets billing · 1 min ago"),
        "{page}"
    );
    assert!(page.contains("Denied 2 in 24 hours"), "{page}");
    assert!(page.contains("Changes 1 in 24 hours"), "{page}");
    assert!(page.contains("Recording works"), "{page}");
    assert!(
        page.contains("billing :8080 → http://127.0.0.1:8000 6 requests today"),
        "{page}"
    );
}

#[tokio::test]
async fn a_panel_behind_an_unknown_proxy_is_noticed() {
    let stack = Stack::owner();
    let mut drafts: Vec<_> = (0..25)
        .map(|n| request(n, i64::from(n) + 60, "GET", "/a"))
        .collect();
    for draft in &mut drafts {
        draft.ip = "127.0.0.1".parse().ok();
    }
    (drafts[0].admin, drafts[0].admin_name) = (None, None);
    (drafts[0].known_by, drafts[0].session) = (KnownBy::None, Some(SessionHash([9; 16])));
    stack.record(drafts).await;
    let page = text(&stack.page("/settings/panels").await);
    assert!(
        page.contains("All 25 requests came from 127.0.0.1. Trust this proxy?"),
        "{page}"
    );
    assert!(
        page.contains("trusted_proxies = [\"127.0.0.1/32\"]"),
        "{page}"
    );
    assert!(
        page.contains("1 session signed in before recording began"),
        "{page}"
    );
    let other = request(40, 30, "GET", "/a");
    stack.record(vec![other]).await;
    assert!(!text(&stack.page("/settings/panels").await).contains("Trust this proxy?"));
}

#[tokio::test]
async fn who_signed_out_is_active_nowhere() {
    let stack = day().await;
    let mut out = request(7, 30, "POST", "/logout");
    out.action = "Signed out".to_owned();
    stack.record(vec![out]).await;
    let head = |page: &str| text(page).contains("nobody active now");
    let tab = "/monitoring/admin-sessions";
    for path in [tab, &format!("{tab}/sessions"), &format!("{tab}/admins")] {
        let page = stack.page(path).await;
        assert!(head(&page), "{path}");
        for table in ["data-table=\"sessions\"", "data-table=\"admins\""] {
            if page.contains(table) {
                let rows = text(between(&page, table, "</table>"));
                assert!(!rows.contains("active now"), "{path}: {rows}");
            }
        }
    }
    let dashboard = text(&stack.page("/").await);
    assert!(
        !dashboard.contains("Olena Kravets billing ·"),
        "{dashboard}"
    );

    // Back again.
    stack.record(vec![request(8, 10, "GET", "/clients")]).await;
    for path in [tab, &format!("{tab}/sessions"), &format!("{tab}/admins")] {
        let page = text(&stack.page(path).await);
        assert!(page.contains("1 admin active now"), "{path}");
    }
    let sessions = stack.page(&format!("{tab}/sessions")).await;
    let row = text(between(&sessions, "data-session=\"77777777\">", "</tr>"));
    assert!(row.starts_with("OK Olena Kravets active now"), "{row}");
}

#[tokio::test]
async fn the_dashboard_compares_with_the_same_weekday_and_names_the_busiest() {
    let stack = Stack::owner();
    let day = 86_400;
    let mut drafts = vec![
        request(1, 60, "GET", "/a"),
        request(2, 120, "GET", "/a"),
        request(3, 180, "GET", "/b"),
    ];
    drafts[2].admin = None;
    stack.record(drafts).await;
    let page = text(&stack.page("/").await);
    assert!(
        page.contains("Busiest admins in 24 hours OK Olena Kravets 2"),
        "{page}"
    );
    assert!(
        page.contains("Most frequent actions in 24 hours Did /a 2 Did /b 1"),
        "{page}"
    );
    assert!(page.contains("with nothing to compare them with yet"));
    stack.record(vec![request(4, day, "GET", "/a")]).await;
    let page = text(&stack.page("/").await);
    assert!(page.contains("usual: yesterday"), "{page}");
    // Only Sundays count from then on; the day before says that the record begins earlier.
    let past = [7, 14, 15].map(|ago| request(4 + ago, i64::from(ago) * day, "GET", "/a"));
    stack.record(past.to_vec()).await;
    let page = text(&stack.page("/").await);
    assert!(page.contains("usual: mean of the last 2 Sundays"), "{page}");
    assert!(page.contains("3 requests, usually 1 by now"), "{page}");
}
