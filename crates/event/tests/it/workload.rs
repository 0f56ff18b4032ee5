//! The workload that benches and tests of other rooms stand on.

use std::collections::BTreeSet;

use admintrail_event::testing::{ADMINS, accepted, workload};
use admintrail_event::{Filter, LogId, Micros, Outcome, Preset, submission_digest};

#[test]
fn the_same_seed_gives_the_same_events_and_another_gives_others() {
    let one: Vec<_> = workload(7, 500).collect();
    assert!(one.iter().eq(&workload(7, 500).collect::<Vec<_>>()));
    assert!(one.iter().ne(&workload(8, 500).collect::<Vec<_>>()));
}

#[test]
fn it_looks_like_a_day_at_work() {
    let all: Vec<_> = workload(1, 20_000).collect();
    let admins: BTreeSet<_> = all
        .iter()
        .filter_map(|draft| draft.admin.as_deref())
        .collect();
    let ids: BTreeSet<_> = all.iter().map(|draft| draft.id).collect();
    assert_eq!((admins.len(), ids.len()), (ADMINS, 20_000));
    let share = |text: &str| {
        let filter = Filter::parse(text).unwrap();
        let hits = all
            .iter()
            .filter(|d| filter.matches(&accepted((*d).clone(), LogId::default(), 1)));
        hits.count() * 1000 / all.len()
    };
    for (text, from, to) in [
        ("type:api", 150, 500),
        ("is:change", 80, 300),
        ("outcome:denied", 20, 80),
        ("known_by:attempt", 5, 25),
        ("is:polling", 50, 150),
        ("is:asset", 40, 150),
        ("admin:olena", 20, 120),
        ("ip:198.51.100.0/24", 400, 900),
        ("duration:>500ms", 1, 100),
        ("status:5xx", 1, 30),
    ] {
        let share = share(text);
        assert!((from..=to).contains(&share), "{text}: {share} per mille");
    }
    assert!(
        all.iter()
            .all(|draft| draft.attempted.is_none() || draft.admin.is_none())
    );
    assert!(all.iter().any(|draft| draft.outcome == Outcome::Unknown));
}

#[test]
fn times_rise_with_some_disorder_and_end_where_asked() {
    let end = Micros(1_700_000_000_000_000);
    let times: Vec<_> = workload(3, 1_000)
        .every(1_000_000)
        .ending(end)
        .map(|d| d.time.0)
        .collect();
    let falls = times.windows(2).filter(|pair| pair[1] < pair[0]).count();
    assert!((1..400).contains(&falls), "{falls}");
    assert!(
        times
            .iter()
            .all(|time| *time < end.0 + 1_000_000 && *time >= end.0 - 1_000_000_000)
    );
    assert!(times.last().unwrap() > &(end.0 - 3_000_000));
}

#[test]
fn its_texts_are_what_a_recorder_would_keep() {
    let preset = Preset::built_in("generic").unwrap();
    for draft in workload(2, 5_000) {
        assert_eq!(preset.redact_path(&draft.path), draft.path);
        if let Some(query) = &draft.query {
            assert_eq!(preset.redact_query(query), *query);
        }
        assert_eq!(submission_digest(&draft), submission_digest(&draft.clone()));
    }
}
