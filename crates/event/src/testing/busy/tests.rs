//! That the workload is what it says it is.

use std::collections::{HashMap, HashSet};

use super::*;
use crate::{KnownBy, Outcome, Preset, RequestHead, RequestType};

const MANY: usize = 200_000;

fn many() -> Vec<Draft> {
    busy(7, MANY).collect()
}

fn end(draft: &Draft) -> i64 {
    draft.time.0 + i64::try_from(draft.duration_us.unwrap_or(0)).unwrap()
}

/// How many of them are so, in a hundred.
fn percent(drafts: &[Draft], is_so: impl Fn(&Draft) -> bool) -> f64 {
    let count = u32::try_from(drafts.iter().filter(|draft| is_so(draft)).count()).unwrap();
    f64::from(count) * 100.0 / f64::from(u32::try_from(drafts.len()).unwrap())
}

fn holds_uuid(path: &str) -> bool {
    path.split('/')
        .any(|segment| uuid::Uuid::try_parse(segment).is_ok_and(|uuid| uuid.get_version_num() == 4))
}

#[test]
fn the_same_seed_gives_the_same_events_and_another_one_others() {
    let some = |seed| busy(seed, 3_000).collect::<Vec<_>>();
    assert_eq!(some(1), some(1));
    assert_ne!(some(1), some(2));
}

#[test]
fn events_come_in_the_order_of_their_end_up_to_the_moment_that_is_asked_for() {
    let until = Micros(1_700_000_000_000_000);
    let drafts: Vec<Draft> = busy(3, 50_000).every(10_000).ending(until).collect();
    let answered: Vec<i64> = drafts
        .iter()
        .filter(|draft| draft.duration_us.is_some())
        .map(end)
        .collect();
    assert!(answered.is_sorted());
    let last = answered.last().unwrap();
    assert!(*last <= until.0 && *last > until.0 - 60 * Micros::SECOND);
    let span = last - answered[0];
    assert!((450..550).contains(&(span / Micros::SECOND)), "{span}");
    // Starts are a little out of order.
    let late = drafts
        .windows(2)
        .filter(|two| two[1].time < two[0].time)
        .count();
    assert!((5_000..25_000).contains(&late), "{late}");
    let ids: HashSet<_> = drafts.iter().map(|draft| draft.id).collect();
    assert_eq!(ids.len(), drafts.len());
    assert!(
        drafts
            .iter()
            .zip(1..)
            .all(|(draft, at)| draft.recorder_seq == at)
    );
}

#[test]
fn shares_are_those_of_a_busy_company() {
    let drafts = many();
    let shares = [
        (
            "uuid",
            percent(&drafts, |d| holds_uuid(&d.path)),
            25.0..30.0,
        ),
        (
            "denied",
            percent(&drafts, |d| d.outcome == Outcome::Denied),
            1.0..2.0,
        ),
        (
            "failed sign-ins",
            percent(&drafts, |d| d.attempted.is_some()),
            0.3..1.0,
        ),
        (
            "api",
            percent(&drafts, |d| d.request_type == RequestType::Api),
            50.0..80.0,
        ),
        (
            "writes",
            percent(&drafts, |d| !crate::is_safe_method(&d.method)),
            5.0..20.0,
        ),
        ("assets", percent(&drafts, |d| d.asset), 3.0..15.0),
        (
            "polls",
            percent(&drafts, |d| d.query.as_deref() == Some("since=0")),
            4.0..20.0,
        ),
        (
            "queries",
            percent(&drafts, |d| d.query.is_some()),
            15.0..50.0,
        ),
        (
            "failed",
            percent(&drafts, |d| d.outcome == Outcome::Failed),
            0.5..3.0,
        ),
        (
            "errors",
            percent(&drafts, |d| d.outcome == Outcome::Error),
            0.1..1.0,
        ),
        (
            "ipv6",
            percent(&drafts, |d| d.ip.is_some_and(|ip| ip.to_addr().is_ipv6())),
            1.0..20.0,
        ),
    ];
    let wrong: Vec<_> = shares
        .iter()
        .filter(|(_, share, expected)| !expected.contains(share))
        .collect();
    assert!(wrong.is_empty(), "{wrong:?} of {shares:?}");
    let panels: HashSet<_> = drafts.iter().map(|draft| draft.panel.as_str()).collect();
    assert_eq!(panels.len(), 4);
}

#[test]
fn a_few_admins_do_much_and_thousands_a_little() {
    let mut count: HashMap<String, usize> = HashMap::new();
    for admin in busy(5, 2 * MANY).filter_map(|draft| draft.admin) {
        *count.entry(admin).or_default() += 1;
    }
    let rare = count.remove(RARE_ADMIN).unwrap();
    assert!((25..60).contains(&rare), "{rare} of {}", 2 * MANY);
    assert!(count.len() > 2_000, "{}", count.len());
    let mut by_count: Vec<usize> = count.into_values().collect();
    by_count.sort_unstable_by(|a, b| b.cmp(a));
    let busiest: usize = by_count.iter().take(50).sum();
    assert!(
        (15..40).contains(&(busiest * 100 / (2 * MANY))),
        "{busiest}"
    );
}

#[test]
fn sessions_are_short_and_overlap_with_hundreds_of_others() {
    let mut workload = busy(9, MANY);
    let mut sessions: HashMap<_, Vec<Draft>> = HashMap::new();
    for draft in workload.by_ref() {
        if let Some(session) = draft.session {
            sessions.entry(session).or_default().push(draft);
        }
    }
    assert!(
        (150..800).contains(&workload.live_sessions()),
        "{}",
        workload.live_sessions()
    );
    assert!(sessions.values().all(|drafts| drafts.len() <= 120));
    let long = sessions
        .values()
        .filter(|drafts| drafts.len() >= 60)
        .count();
    assert!(long * 10 > sessions.len());
    // One admin and one address each, and things are looked at more than once.
    let again = |drafts: &Vec<Draft>| {
        let objects: Vec<_> = drafts
            .iter()
            .filter(|d| holds_uuid(&d.path))
            .map(|d| &d.object)
            .collect();
        let different: HashSet<_> = objects.iter().collect();
        (objects.len(), different.len())
    };
    let (all, different) = sessions
        .values()
        .map(again)
        .fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
    assert!(all > 2 * different, "{all} of {different}");
    for drafts in sessions.values() {
        assert!(
            drafts
                .iter()
                .all(|d| d.admin == drafts[0].admin && d.ip == drafts[0].ip)
        );
        assert!(drafts.iter().all(|d| d.known_by == KnownBy::Session));
    }
}

#[test]
fn routes_sentences_and_objects_are_those_of_the_presets() {
    let presets: HashMap<&str, _> = tables::PANELS
        .iter()
        .map(|row| (row.name, Preset::built_in(row.preset).unwrap()))
        .collect();
    let panels = tables::PANELS.iter().filter_map(Panel::of).count();
    assert_eq!(panels, tables::PANELS.len());
    for draft in busy(11, 20_000).filter(|draft| draft.admin.is_some()) {
        let preset = &presets[draft.panel.as_str()];
        let head = RequestHead::new(&draft.method, &draft.path, draft.query.as_deref());
        let reading = preset.read(&head);
        assert_eq!(
            draft.action,
            preset.sentence(&reading, draft.outcome, false, None)
        );
        assert_eq!(
            draft.route.as_deref(),
            Some(reading.route.as_str()),
            "{}",
            draft.path
        );
        assert_eq!(draft.object, reading.object, "{}", draft.path);
        let said = (draft.request_type, draft.asset, draft.polling);
        assert_eq!(said, (reading.request_type, reading.asset, reading.polling));
    }
}

#[test]
fn what_pages_repeat_comes_in_an_even_rhythm() {
    let mut last: HashMap<_, i64> = HashMap::new();
    let (mut even, mut all) = (0, 0);
    for draft in many() {
        if draft.query.as_deref() != Some("since=0") && !draft.polling {
            continue;
        }
        let key = (draft.session, draft.path.clone());
        if let Some(before) = last.insert(key, draft.time.0) {
            all += 1;
            let pause = draft.time.0 - before;
            even += usize::from(
                [5, 10, 30]
                    .iter()
                    .any(|seconds| pause == seconds * Micros::SECOND),
            );
        }
    }
    assert!(all > 1_000 && even * 10 > all * 8, "{even} of {all}");
}
