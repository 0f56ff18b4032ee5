use admintrail_event::{FirstSet, KnownBy, Micros, Outcome};
use admintrail_store::{FacetField, Identity, View};

use crate::support::{Fixture, NOON, by, draft, first_page, view};

fn me(panel: Option<&str>) -> Vec<Identity> {
    vec![Identity {
        panel: panel.map(|p| p.parse().unwrap()),
        admin: "Olena".to_owned(),
    }]
}

#[test]
fn hide_me_hides_my_events_says_how_many_and_nobody_elses() {
    let fixture = Fixture::new();
    let mut attempt = draft(3);
    attempt.attempted = Some("olena".to_owned());
    attempt.outcome = Outcome::Denied;
    fixture.append([by("olena", draft(1)), by("tom", draft(2)), attempt]);
    let hiding = View {
        hide: me(None),
        ..View::default()
    };
    let page = fixture.trail.page(&hiding, &first_page(10)).unwrap();
    assert_eq!(page.hidden, 1);
    assert_eq!(fixture.paths(&hiding), ["/client/3", "/client/2"]);
    let elsewhere = View {
        hide: me(Some("shop")),
        ..View::default()
    };
    assert_eq!(
        fixture
            .trail
            .page(&elsewhere, &first_page(10))
            .unwrap()
            .hidden,
        0
    );
}

#[test]
fn refreshes_and_assets_are_folded_away_unless_asked_for() {
    let mut fixture = Fixture::new();
    let mut asset = by("olena", draft(1));
    asset.asset = true;
    let mut refresh = by("olena", draft(2));
    refresh.polling = true;
    fixture.append([asset, refresh, by("olena", draft(3))]);
    for _ in 0..2 {
        let folding = |filter| View {
            fold: true,
            ..view(filter)
        };
        let page = fixture.trail.page(&folding(""), &first_page(10)).unwrap();
        assert_eq!((page.folded, page.total.value), (2, 1));
        assert_eq!(fixture.paths(&folding("is:polling")), ["/client/2"]);
        assert_eq!(fixture.paths(&folding("is:asset")), ["/client/1"]);
        assert_eq!(fixture.trail.count(&view("")).unwrap(), 3);
        fixture.reopen();
    }
}

#[test]
fn the_first_of_an_admin_is_marked_once_and_for_good() {
    let mut fixture = Fixture::new();
    fixture.append([by("olena", draft(1)), by("olena", draft(2)), draft(3)]);
    fixture.reopen();
    let mut moved = by("OLENA", draft(4));
    moved.ip = Some("203.0.113.90".parse().unwrap());
    fixture.append([moved]);
    let page = fixture.trail.page(&view(""), &first_page(10)).unwrap();
    let firsts: Vec<FirstSet> = page.events.iter().map(|event| event.first).collect();
    let all = FirstSet::IP
        .with(FirstSet::AGENT)
        .with(FirstSet::ROUTE)
        .with(FirstSet::HOUR);
    assert_eq!(
        firsts,
        [FirstSet::IP, FirstSet::default(), FirstSet::default(), all]
    );
    assert!(fixture.trail.knows_admin("oLeNa") && !fixture.trail.knows_admin("tom"));
}

#[test]
fn a_request_that_repeats_evenly_becomes_polling_also_across_a_restart() {
    let mut fixture = Fixture::new();
    let refresh = |n: u64| {
        let mut draft = by(
            "olena",
            crate::support::at(Micros(NOON + n as i64 * 5 * Micros::SECOND), n),
        );
        draft.path = "/status".to_owned();
        draft
    };
    fixture.append((0..3).map(refresh));
    fixture.reopen();
    fixture.append((3..6).map(refresh));
    assert_eq!(fixture.trail.count(&view("is:polling")).unwrap(), 3);
}

#[test]
fn the_histogram_counts_every_visible_event_once() {
    let mut fixture = Fixture::new();
    let drafts = (0..9_000_u64).map(|n| {
        let mut draft = draft(n);
        match n % 4 {
            0 => draft.method = "POST".to_owned(),
            1 => draft.outcome = Outcome::Denied,
            _ => {}
        }
        draft
    });
    fixture.append(drafts);
    for _ in 0..2 {
        let within = View {
            from: Some(Micros(NOON + 100 * Micros::SECOND)),
            to: Some(Micros(NOON + 8_100 * Micros::SECOND)),
            ..View::default()
        };
        let histogram = fixture.trail.histogram(&within, 60).unwrap();
        assert!(histogram.from <= within.from.unwrap() && histogram.to >= within.to.unwrap());
        assert!(
            (30..=91).contains(&histogram.buckets.len()),
            "{}",
            histogram.buckets.len()
        );
        let sum = |of: fn(&admintrail_store::Bucket) -> u64| {
            histogram.buckets.iter().map(of).sum::<u64>()
        };
        assert_eq!(
            (sum(|b| b.read), sum(|b| b.changed), sum(|b| b.denied)),
            (4_000, 2_000, 2_000)
        );
        fixture.reopen();
    }
}

#[test]
fn the_histogram_of_an_empty_trail_is_empty() {
    let fixture = Fixture::new();
    let histogram = fixture.trail.histogram(&View::default(), 60).unwrap();
    assert!(
        histogram
            .buckets
            .iter()
            .all(|bucket| *bucket == admintrail_store::Bucket::default())
    );
}

#[test]
fn facets_and_groups_name_the_most_frequent_values() {
    let mut fixture = Fixture::new();
    let admins = ["olena", "tom", "olena", "ines", "olena", "tom"];
    let drafts = (0..9_000_u64).map(|n| {
        let mut draft = by(admins[(n % 6) as usize], draft(n));
        if n % 6 == 0 {
            draft.method = "DELETE".to_owned();
        }
        draft
    });
    fixture.append(drafts);
    for _ in 0..2 {
        let facet = fixture
            .trail
            .facet(&View::default(), FacetField::Admin, 2)
            .unwrap();
        let values: Vec<_> = facet
            .values
            .iter()
            .map(|v| (v.value.as_deref().unwrap(), v.count))
            .collect();
        assert_eq!(values, [("olena", 4_500), ("tom", 3_000)]);
        assert_eq!(facet.other, 1_500);
        let groups = fixture
            .trail
            .groups(&view("admin:olena"), FacetField::Ip, 5)
            .unwrap();
        let row = &groups.rows[0];
        assert_eq!(row.value.as_deref(), Some("198.51.100.7"));
        assert_eq!((row.requests, row.changes, row.denied), (4_500, 1_500, 0));
        assert_eq!((row.first, row.last), (draft(0).time, draft(8_998).time));
        let status = fixture
            .trail
            .facet(&View::default(), FacetField::Status, 5)
            .unwrap();
        assert_eq!(status.values[0].value.as_deref(), Some("200"));
        fixture.reopen();
    }
}

#[test]
fn sessions_sum_up_and_the_active_are_known() {
    let mut fixture = Fixture::new();
    let mut deletion = by("olena", draft(5));
    deletion.method = "DELETE".to_owned();
    deletion.ip = Some("203.0.113.90".parse().unwrap());
    let mut refused = by("olena", draft(9));
    refused.outcome = Outcome::Denied;
    let mut attempt = by("olena", draft(11));
    attempt.admin = None;
    attempt.known_by = KnownBy::Attempt;
    attempt.outcome = Outcome::Denied;
    fixture.append([
        by("olena", draft(1)),
        deletion,
        refused,
        by("tom", draft(3)),
        attempt,
    ]);
    for _ in 0..2 {
        let sessions = fixture.trail.sessions(&View::default(), 0, 10).unwrap();
        assert_eq!(sessions.total, 2);
        let olena = &sessions.sessions[0];
        assert_eq!(olena.admin.as_deref(), Some("olena"));
        assert_eq!((olena.start, olena.last), (draft(1).time, draft(9).time));
        assert_eq!((olena.requests, olena.changes, olena.denied), (3, 1, 1));
        assert_eq!(olena.ips.len(), 2);
        let only = fixture
            .trail
            .sessions(&view("method:DELETE"), 0, 10)
            .unwrap();
        assert_eq!((only.total, only.sessions[0].requests), (1, 3));
        let active = fixture.trail.active(Micros(NOON + 4 * Micros::SECOND));
        assert_eq!(
            active.iter().map(|a| a.admin.as_str()).collect::<Vec<_>>(),
            ["olena"]
        );
        fixture.reopen();
    }
}

#[test]
fn a_scan_gives_every_event_of_its_moment_oldest_first() {
    let fixture = Fixture::new();
    fixture.append((0..10_500).rev().map(draft));
    let mut scan = fixture.trail.scan(&view("-path:/client/1"));
    fixture.append((20_000..20_010).map(draft));
    let events: Vec<_> = scan.by_ref().flat_map(Result::unwrap).collect();
    assert_eq!(
        events.len() as u64,
        fixture.trail.count(&view("-path:/client/1")).unwrap() - 10
    );
    assert!(events.is_sorted_by(|a, b| a.order() < b.order()));
}

#[test]
fn a_session_of_one_panel_is_not_rewritten_from_another_nor_by_the_future() {
    let mut fixture = Fixture::new();
    let mut forged = by("mallory", draft(2));
    forged.panel = "shop".parse().unwrap();
    forged.session = by("olena", draft(1)).session;
    forged.time = Micros(NOON + 86_400 * 365 * Micros::SECOND);
    fixture.now.store(
        NOON + 100 * Micros::SECOND,
        std::sync::atomic::Ordering::Relaxed,
    );
    fixture.append([by("olena", draft(1)), forged]);
    for _ in 0..2 {
        let page = fixture
            .trail
            .sessions(&view("panel:billing"), 0, 10)
            .unwrap();
        assert_eq!(
            (page.total, page.sessions[0].admin.as_deref()),
            (1, Some("olena"))
        );
        let session = by("olena", draft(1)).session.unwrap();
        let row = fixture.trail.session(&session).unwrap().unwrap();
        assert_eq!(
            (row.admin.as_deref(), row.panel.as_str()),
            (Some("olena"), "billing")
        );
        assert!(
            fixture
                .trail
                .active(Micros(NOON + 3_600 * Micros::SECOND))
                .is_empty()
        );
        fixture.reopen();
    }
}
