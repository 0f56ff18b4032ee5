//! What pages and health say of a panel that answers around the recorder.

use super::stack::{Stack, text};
use crate::{DirectAccess, Reach};

const PAGES: [&str; 4] = [
    "/",
    "/monitoring/admin-sessions",
    "/monitoring/admin-sessions/ip-addresses",
    "/settings/panels",
];
const OPEN: &str = "Direct access to billing: OPEN.";

fn found(stack: &Stack, reach: Reach) {
    let why = "The panel answers on 192.0.2.7:8000 <too>.".to_owned();
    let billing = "billing".parse().unwrap();
    stack.app.direct.set(&billing, DirectAccess { reach, why });
}

#[tokio::test]
async fn an_open_way_around_stands_above_every_list_until_it_is_closed() {
    let stack = Stack::owner();
    for reach in [Reach::Unchecked, Reach::Open, Reach::Closed] {
        found(&stack, reach);
        for page in PAGES {
            let html = stack.page(page).await;
            assert_eq!(text(&html).contains(OPEN), reach == Reach::Open, "{page}");
            assert!(!html.contains("<too>"), "{page}");
        }
    }
}

#[tokio::test]
async fn the_settings_tell_of_each_panel_with_a_recorder() {
    let stack = Stack::owner();
    for (reach, word, shown) in [
        (None, "unchecked", "unchecked"),
        (Some(Reach::Open), "open", "OPEN"),
        (Some(Reach::Closed), "closed", "closed"),
    ] {
        if let Some(reach) = reach {
            found(&stack, reach);
        }
        let html = stack.page("/settings/panels").await;
        let line = format!("data-direct-access=\"{word}\"><dt>Direct access</dt><dd>{shown}");
        assert!(html.contains(&line), "{html}");
        assert_eq!(html.matches("data-direct-access").count(), 1, "not our own");
    }
}
