//! Who tries to get in, and whether somebody did; how the requests of a group lie over time.

use admintrail_event::{Draft, KnownBy, Micros, Outcome};
use admintrail_store::{AttemptsBy, FacetField, GroupDetail, Succeeded, View};

use crate::support::{Fixture, NOON, by, draft, view};

/// A refused request from an address, with a tried name or without one.
fn refused(n: u64, ip: &str, name: Option<&str>) -> Draft {
    let mut draft = draft(n);
    draft.outcome = Outcome::Denied;
    draft.status = Some(401);
    draft.ip = ip.parse().ok();
    draft.attempted = name.map(str::to_owned);
    draft.known_by = name.map_or(KnownBy::None, |_| KnownBy::Attempt);
    draft
}

fn from(ip: &str, mut draft: Draft) -> Draft {
    draft.ip = ip.parse().ok();
    draft
}

/// Both ways events are kept must tell the same.
fn fresh_and_reopened(drafts: Vec<Draft>, check: impl Fn(&Fixture)) {
    let mut fixture = Fixture::new();
    fixture.append(drafts);
    check(&fixture);
    fixture.reopen();
    check(&fixture);
}

#[test]
fn thirty_tries_and_then_a_success_are_told_together() {
    let bad = "45.83.64.11";
    let mut drafts = vec![
        // Olena works in her office before, meanwhile and after.
        from("198.51.100.7", by("olena", draft(1))),
        from("198.51.100.7", by("olena", draft(9_000))),
    ];
    drafts.extend((10..40).map(|n| refused(n, bad, Some(if n < 20 { "root" } else { "Tom" }))));
    drafts.push(from(bad, by("tom", draft(50))));
    drafts.push(from(bad, by("tom", draft(51))));
    // A typing mistake.
    drafts.push(refused(60, "198.51.100.7", Some("olena")));
    // Somebody known is refused something: no attempt to get in.
    let mut forbidden = from("198.51.100.7", by("olena", draft(70)));
    (forbidden.outcome, forbidden.status) = (Outcome::Denied, Some(403));
    drafts.push(forbidden);
    drafts.push(refused(80, "203.0.113.9", None));
    let succeeded = |at: i64, admin: &str, after| {
        Some(Succeeded {
            at: Micros(NOON + at * Micros::SECOND),
            admin: admin.to_owned(),
            after,
        })
    };
    fresh_and_reopened(drafts, |fixture| {
        let found = fixture
            .trail
            .attempts(&view(""), AttemptsBy::Ip, 50, 3)
            .unwrap();
        let told: Vec<_> = found
            .rows
            .iter()
            .map(|row| {
                (
                    row.value.as_str(),
                    row.attempts,
                    row.sign_ins,
                    row.succeeded.clone(),
                )
            })
            .collect();
        assert_eq!(
            told,
            [
                (bad, 30, 30, succeeded(50, "tom", 30)),
                ("198.51.100.7", 1, 1, succeeded(1, "olena", 0)),
                ("203.0.113.9", 1, 0, None),
            ]
        );
        assert_eq!(found.rows[0].others, ["Tom", "root"]);
        assert_eq!(found.rows[0].first.0, NOON + 10 * Micros::SECOND);
        assert_eq!(found.rows[0].last.0, NOON + 39 * Micros::SECOND);
        let groups = fixture.trail.groups(&view(""), FacetField::Ip, 50).unwrap();
        let attempts = groups.rows.iter().map(|row| (row.attempts, row.denied));
        assert_eq!(attempts.collect::<Vec<_>>(), [(30, 30), (1, 2), (1, 1)]);
        let found = fixture
            .trail
            .attempts(&view(""), AttemptsBy::Name, 2, 3)
            .unwrap();
        let told: Vec<_> = found
            .rows
            .iter()
            .map(|row| (row.value.as_str(), row.attempts, row.succeeded.clone()))
            .collect();
        assert_eq!(
            told,
            [("Tom", 20, succeeded(50, "tom", 20)), ("root", 10, None)]
        );
        assert_eq!((found.values, found.other), (3, 1));
    });
}

#[test]
fn a_success_on_another_panel_is_none_where_it_was_tried() {
    let mut elsewhere = from("45.83.64.11", by("tom", draft(50)));
    elsewhere.panel = "shop".parse().unwrap();
    let drafts = vec![refused(1, "45.83.64.11", Some("tom")), elsewhere];
    fresh_and_reopened(drafts, |fixture| {
        for by in [AttemptsBy::Ip, AttemptsBy::Name] {
            let found = fixture.trail.attempts(&view(""), by, 50, 3).unwrap();
            assert_eq!(found.rows[0].succeeded, None, "{by:?}");
        }
    });
}

#[test]
fn a_success_is_found_outside_of_the_view() {
    let drafts = vec![
        refused(100, "45.83.64.11", Some("tom")),
        from("45.83.64.11", by("tom", draft(200))),
    ];
    fresh_and_reopened(drafts, |fixture| {
        let view = View {
            to: Some(Micros(NOON + 150 * Micros::SECOND)),
            ..view("outcome:denied")
        };
        let found = fixture
            .trail
            .attempts(&view, AttemptsBy::Name, 50, 3)
            .unwrap();
        let succeeded = found.rows[0].succeeded.clone().unwrap();
        assert_eq!(
            (succeeded.at.0, succeeded.after),
            (NOON + 200 * Micros::SECOND, 1)
        );
    });
}

#[test]
fn the_parts_of_the_time_add_up_to_the_requests() {
    let drafts = (0..100).map(|n| by(if n < 50 { "olena" } else { "tom" }, draft(n)));
    fresh_and_reopened(drafts.collect(), |fixture| {
        let view = View {
            from: Some(Micros(NOON)),
            to: Some(Micros(NOON + 100 * Micros::SECOND)),
            ..view("")
        };
        let detail = GroupDetail {
            other: FacetField::Ip,
            named: 1,
            parts: 4,
        };
        let groups = fixture
            .trail
            .groups_over_time(&view, FacetField::Admin, 50, detail)
            .unwrap();
        let told: Vec<_> = groups
            .rows
            .iter()
            .map(|row| {
                (
                    row.value.as_deref(),
                    row.over_time.clone(),
                    row.others_total,
                )
            })
            .collect();
        assert_eq!(
            told,
            [
                (Some("olena"), vec![25, 25, 0, 0], 1),
                (Some("tom"), vec![0, 0, 25, 25], 1),
            ]
        );
        let all = fixture
            .trail
            .groups_over_time(&self::view(""), FacetField::Admin, 50, detail)
            .unwrap();
        for row in all.rows {
            assert_eq!(row.over_time.iter().sum::<u64>(), row.requests);
        }
    });
}
