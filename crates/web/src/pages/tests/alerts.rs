//! The page Alerts, and what every page says of the health of the recording.

use std::time::Duration;

use admintrail_event::Micros;

use super::stack::{Stack, attributes, now, request, text};
use crate::health::{ClockState, Damaged, Disk, Facts, GapFact, Way};

const PAGE: &str = "/monitoring/alerts";

/// The disk is nearly full, so many seconds ago.
fn facts(seconds_ago: i64) -> Facts {
    Facts {
        now: Micros(now().0 - seconds_ago * Micros::SECOND),
        tick: Duration::from_secs(u64::try_from(10_000 - seconds_ago).unwrap()),
        disk: Some(Disk {
            free: 61_000_000_000,
            total: 800_000_000_000,
        }),
        ..Facts::default()
    }
}

#[tokio::test]
async fn while_nothing_is_wrong_the_page_says_so_and_who_would_be_told() {
    let stack = Stack::owner();
    let page = text(&stack.page(PAGE).await);
    for said in [
        "nothing is wrong",
        "Nothing is wrong. Recording works; the first look at the rest is under way.",
        "Nobody yet. Put webhook or email under [alerts]",
        "Nothing was wrong so far.",
    ] {
        assert!(page.contains(said), "{said}: {page}");
    }
}

#[tokio::test]
async fn what_nobody_looked_at_is_not_called_well() {
    let stack = Stack::owner();
    let mut facts = facts(0);
    facts.disk = Some(Disk {
        free: 50,
        total: 100,
    });
    stack.app.health.look(facts.clone());
    let page = text(&stack.page(PAGE).await);
    let said = "Recording works; the disk is as it should be. Whether the clock is kept right cannot \
                be told from here.";
    assert!(page.contains(said), "{page}");
    facts.clock = ClockState::Synchronised;
    facts.hot = Some(5);
    stack.app.health.look(facts);
    let page = text(&stack.page(PAGE).await);
    let said = "Recording works; disk, archive and clock are as they should be.";
    assert!(page.contains(said), "{page}");
}

#[tokio::test]
async fn an_alert_says_what_happened_what_it_means_and_what_to_do_and_is_over_with_a_message() {
    let stack = Stack::owner();
    stack.app.health.look(facts(600));
    let html = stack.page(PAGE).await;
    let page = text(&html);
    for said in [
        "1 alert open",
        "Disk nearly full warning",
        "The disk of the data folder has 7.6 % left (61.0 GB of 800 GB).",
        "When it is full, recording stops and panels refuse changes.",
        "What to do: Free some space",
        "since 10 min ago",
    ] {
        assert!(page.contains(said), "{said}: {page}");
    }
    assert_eq!(attributes(&html, "data-alert"), ["disk_low"]);
    let mut well = facts(0);
    well.disk = None;
    stack.app.health.look(well);
    let page = text(&stack.page(PAGE).await);
    assert!(page.contains("Nothing is wrong."), "{page}");
    assert!(
        page.contains("The disk of the data folder has room again."),
        "{page}"
    );
    assert!(page.contains("16:21, for 10 min"), "{page}");
}

#[tokio::test]
async fn every_page_says_what_is_wrong_and_leads_to_the_alerts() {
    let stack = Stack::owner();
    stack.record(vec![request(1, 5, "GET", "/a")]).await;
    let session = "/monitoring/admin-sessions/sessions/billing/77777777777777777777777777777777";
    let pages = [
        "/",
        "/monitoring/admin-sessions",
        "/monitoring/admin-sessions/sessions",
        "/monitoring/admin-sessions/admins",
        "/monitoring/admin-sessions/ip-addresses",
        session,
        "/settings/panels",
        "/settings/tokens",
        "/settings/account",
    ];
    let said = "The disk of the data folder has 7.6 % left";
    for page in pages {
        assert!(!text(&stack.page(page).await).contains(said), "{page}");
    }
    stack.app.health.look(facts(60));
    stack.recorder.lock().failing = Some((now(), "disk full".to_owned()));
    for page in pages {
        let html = stack.page(page).await;
        assert_eq!(text(&html).matches(said).count(), 1, "{page}");
        let stopped = "Recording stopped 16:31; rows are complete until then.";
        assert_eq!(text(&html).matches(stopped).count(), 1, "{page}");
        assert!(
            html.contains("href=\"/monitoring/alerts\">Alerts</a>"),
            "{page}"
        );
    }
    // The page itself tells each once, and that recording stopped before the next look.
    let html = stack.page(PAGE).await;
    assert_eq!(
        attributes(&html, "data-alert"),
        ["recording_stopped", "disk_low"]
    );
    assert_eq!(text(&html).matches(said).count(), 1);
}

#[tokio::test]
async fn many_conditions_do_not_push_the_page_away() {
    let stack = Stack::owner();
    let mut many = facts(0);
    many.damaged = (0..9)
        .map(|n| Damaged {
            name: format!("{n}.parquet"),
            cause: "torn".to_owned(),
        })
        .collect();
    stack.app.health.look(many);
    let page = text(&stack.page("/").await);
    assert!(page.contains("7 conditions more."), "{page}");
    assert_eq!(attributes(&stack.page(PAGE).await, "data-alert").len(), 10);
}

#[tokio::test]
async fn a_gap_leads_to_its_events_and_what_it_says_is_escaped() {
    let stack = Stack::owner();
    let mut gap = facts(120);
    gap.disk = None;
    gap.gaps.push(GapFact {
        panel: "billing".to_owned(),
        requests: 1,
        since: gap.now,
        says: "<script>1</script>".to_owned(),
    });
    stack.app.health.look(gap);
    let html = stack.page(PAGE).await;
    assert!(!html.contains("<script>1"), "{html}");
    assert!(text(&html).contains("1 request to billing has no record of its own."));
    let gaps = attributes(&html, "href");
    let gaps = gaps.iter().find(|href| href.contains("gap+"));
    let gaps = gaps.unwrap().replace("&#38;", "&");
    assert_eq!(
        gaps,
        "/monitoring/admin-sessions?q=kind%3Agap+panel%3Abilling&from=2026-11-22T16%3A28"
    );
    stack.page(&gaps).await;
}

#[tokio::test]
async fn ways_out_say_whether_they_work() {
    let stack = Stack::owner();
    let way = |failing| Way {
        name: "webhook",
        target: "https://hooks.example.org/…".to_owned(),
        delivered: Some(now()),
        failing,
    };
    stack.app.health.set_way(way(None));
    let page = text(&stack.page(PAGE).await);
    assert!(
        page.contains("works webhook https://hooks.example.org/… last delivered 16:31"),
        "{page}"
    );
    stack
        .app
        .health
        .set_way(way(Some((now(), "it answers 500".to_owned()))));
    let page = text(&stack.page(PAGE).await);
    assert!(page.contains("fails webhook"), "{page}");
    assert!(
        page.contains("nothing delivered since 16:31: it answers 500"),
        "{page}"
    );
}
