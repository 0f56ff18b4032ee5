use std::sync::atomic::Ordering;

use admintrail_event::{FirstSet, KnownBy, Micros, Outcome, SessionHash};
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
        let page = fixture
            .trail
            .page(
                &View {
                    fold: true,
                    ..view("")
                },
                &first_page(10),
            )
            .unwrap();
        assert_eq!((page.folded.refreshes, page.folded.assets), (1, 1));
        assert_eq!(page.total.value, 1);
        assert_eq!(fixture.paths(&folding("is:polling")), ["/client/2"]);
        assert_eq!(fixture.paths(&folding("is:asset")), ["/client/1"]);
        assert_eq!(fixture.trail.count(&view("")).unwrap().value, 3);
        fixture.reopen();
    }
}

/// An attacker who is patient and even stays in sight, among the newest rows and in chunks.
#[test]
fn what_did_not_succeed_is_not_folded_away() {
    let mut fixture = Fixture::new();
    let tried = |n: u64| {
        let mut draft = crate::support::at(Micros(NOON + n as i64 * 5 * Micros::SECOND), n);
        draft.path = "/door".to_owned();
        let outcomes = [
            Outcome::Denied,
            Outcome::Failed,
            Outcome::Error,
            Outcome::Unknown,
        ];
        draft.outcome = outcomes[n as usize % 4];
        draft.asset = n >= 20;
        draft.polling = (10..20).contains(&n);
        draft
    };
    fixture.append((0..40).map(tried));
    // One of a trail that was written before this was so.
    let mut attempt = draft(50);
    (attempt.asset, attempt.known_by) = (true, KnownBy::Attempt);
    fixture.append([attempt]);
    let folding = View {
        fold: true,
        ..view("")
    };
    for _ in 0..2 {
        let page = fixture.trail.page(&folding, &first_page(10)).unwrap();
        assert_eq!((page.total.value, page.folded.all()), (41, 0));
        assert_eq!(fixture.trail.count(&view("is:polling")).unwrap().value, 0);
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
    fixture.append((0..4).map(refresh));
    fixture.reopen();
    fixture.append((4..9).map(refresh));
    // From the fifth repetition on.
    assert_eq!(fixture.trail.count(&view("is:polling")).unwrap().value, 4);
    let all = fixture
        .trail
        .page(
            &View {
                fold: true,
                ..view("")
            },
            &first_page(10),
        )
        .unwrap();
    assert_eq!((all.events.len(), all.folded.refreshes), (5, 4), "counted");
    let shown = fixture.trail.page(&view(""), &first_page(10)).unwrap();
    assert_eq!(shown.events.len(), 9, "none is lost");
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
        let histogram = fixture.trail.histogram(&within, 60, Micros(0)).unwrap();
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

/// One wrong clock must not squeeze the present into the last bar.
#[test]
fn an_open_histogram_ends_now_even_if_an_event_lies_in_the_future() {
    let fixture = Fixture::new();
    let now = NOON + 3_600 * Micros::SECOND;
    fixture.now.store(now, Ordering::Relaxed);
    let mut future = draft(2);
    future.time = Micros(NOON + 70 * 365 * 86_400 * Micros::SECOND);
    fixture.append([draft(1), future]);
    let histogram = fixture.trail.histogram(&View::default(), 60, Micros(0));
    let histogram = histogram.unwrap();
    assert!(
        histogram.to.0 > now && histogram.to.0 <= now + histogram.width,
        "{:?}",
        histogram.to
    );
    assert!(histogram.buckets.len() > 30, "{}", histogram.buckets.len());
}

#[test]
fn the_histogram_of_an_empty_trail_is_empty() {
    let fixture = Fixture::new();
    let histogram = fixture
        .trail
        .histogram(&View::default(), 60, Micros(0))
        .unwrap();
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
fn sessions_of_which_nobody_is_known_are_counted_by_panel() {
    let fixture = Fixture::new();
    let of = |n: u64, panel: &str, session: u8, admin: Option<&str>| {
        let mut draft = draft(n);
        draft.panel = panel.parse().unwrap();
        draft.session = Some(SessionHash([session; 16]));
        draft.admin = admin.map(str::to_owned);
        draft
    };
    fixture.append([
        of(0, "billing", 1, None),
        of(1, "billing", 1, None),
        of(2, "billing", 2, None),
        of(3, "shop", 2, None),
        // Signed in later in the same session.
        of(4, "shop", 3, None),
        of(5, "shop", 3, Some("olena")),
    ]);
    let counts = fixture
        .trail
        .nameless_sessions(&view("is:unknown"))
        .unwrap();
    let counts: Vec<(&str, u64)> = counts
        .iter()
        .map(|(panel, n)| (panel.as_str(), *n))
        .collect();
    assert_eq!(counts, [("billing", 2), ("shop", 1)]);
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
        fixture.trail.count(&view("-path:/client/1")).unwrap().value - 10
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
        let rows = fixture.trail.session(&session).unwrap();
        let told: Vec<_> = rows
            .iter()
            .map(|row| (row.admin.as_deref().unwrap(), row.panel.as_str()))
            .collect();
        assert_eq!(told, [("olena", "billing"), ("mallory", "shop")]);
        assert!(
            fixture
                .trail
                .active(Micros(NOON + 3_600 * Micros::SECOND))
                .is_empty()
        );
        fixture.reopen();
    }
}

#[test]
fn who_signed_out_is_not_active_unless_at_work_elsewhere() {
    let mut fixture = Fixture::new();
    let signed_out = |admin, n| {
        let mut draft = by(admin, draft(n));
        draft.method = "POST".to_owned();
        draft.action = "Signed out".to_owned();
        draft
    };
    let mut elsewhere = by("tom", draft(5));
    elsewhere.session = Some(SessionHash([9; 16]));
    let mut form = draft(8);
    form.session = by("olena", draft(1)).session;
    let mut refused = signed_out("iryna", 9);
    refused.outcome = Outcome::Failed;
    fixture.append([
        by("olena", draft(1)),
        signed_out("olena", 4),
        elsewhere,
        by("tom", draft(6)),
        signed_out("tom", 7),
        form,
        refused,
    ]);
    let active = |fixture: &Fixture| -> Vec<(String, Micros)> {
        let active = fixture.trail.active(Micros(NOON)).into_iter();
        active.map(|admin| (admin.admin, admin.last)).collect()
    };
    let session_of = |fixture: &Fixture, admin: &str| {
        let hash = by(admin, draft(1)).session.unwrap();
        fixture.trail.session(&hash).unwrap().remove(0)
    };
    for _ in 0..2 {
        assert_eq!(
            active(&fixture),
            [
                ("iryna".to_owned(), draft(9).time),
                ("tom".to_owned(), draft(5).time)
            ]
        );
        assert!(
            session_of(&fixture, "olena").is_over(),
            "the form came after"
        );
        assert!(session_of(&fixture, "tom").is_over());
        assert!(session_of(&fixture, "iryna").is_active(Micros(NOON)));
        fixture.reopen();
    }
    // Back again, with the same cookie.
    fixture.append([by("olena", draft(20))]);
    assert!(session_of(&fixture, "olena").is_active(draft(20).time));
    assert_eq!(active(&fixture)[0].0, "olena");
}

#[test]
fn groups_name_the_values_of_another_field_that_came_with_them() {
    let mut fixture = Fixture::new();
    let from = |admin: &str, n, ip: &str| {
        let mut draft = by(admin, draft(n));
        draft.ip = Some(ip.parse().unwrap());
        draft
    };
    let mut drafts: Vec<_> = (0..6_000)
        .map(|n| {
            from(
                "olena",
                n,
                if n % 3 == 0 { "192.0.2.1" } else { "192.0.2.2" },
            )
        })
        .collect();
    drafts.push(from("olena", 6_001, "192.0.2.3"));
    drafts.push(from("tom", 6_002, "192.0.2.3"));
    drafts.push(draft(6_003));
    fixture.append(drafts);
    for _ in 0..2 {
        let groups = fixture
            .trail
            .groups_with(&View::default(), FacetField::Admin, 2, (FacetField::Ip, 2))
            .unwrap();
        let rows: Vec<_> = groups
            .rows
            .iter()
            .map(|row| (row.value.as_deref(), row.others.join(" "), row.others_total))
            .collect();
        assert_eq!(
            rows,
            [
                (Some("olena"), "192.0.2.2 192.0.2.1".to_owned(), 3),
                (None, String::new(), 0)
            ]
        );
        assert_eq!(groups.other, 1);
        let back = fixture
            .trail
            .groups_with(
                &view("ip:192.0.2.3"),
                FacetField::Ip,
                9,
                (FacetField::Admin, 9),
            )
            .unwrap();
        assert_eq!(back.rows[0].others, ["olena", "tom"]);
        fixture.reopen();
    }
}

#[test]
fn a_view_of_some_panels_shows_nothing_of_others() {
    let mut fixture = Fixture::new();
    let on = |panel: &str, n| {
        let mut draft = draft(n);
        draft.panel = panel.parse().unwrap();
        draft
    };
    let panels = ["billing", "billing-2", "shop"];
    fixture.append((0..6).map(|n| on(panels[n as usize % 3], n)));
    // More of them than a filter has room for.
    let names = (0..2_000).map(|n| format!("panel-{n}"));
    let some = View {
        panels: names
            .chain(["billing".to_owned()])
            .map(|name| name.parse().unwrap())
            .collect(),
        ..View::default()
    };
    for _ in 0..2 {
        assert_eq!(fixture.paths(&some), ["/client/3", "/client/0"]);
        assert_eq!(fixture.trail.count(&some).unwrap().value, 2);
        let event = fixture.trail.event(draft(1).id).unwrap().unwrap();
        assert!(!some.admits(&event));
        fixture.reopen();
    }
}
