//! Which conditions follow from which facts.

use std::time::Duration;

use admintrail_event::Micros;

use super::*;

/// A minute of the wall, the same on the clock that never leaps.
fn at(seconds: i64) -> Facts {
    Facts {
        now: Micros((1_000_000 + seconds) * Micros::SECOND),
        tick: Duration::from_secs(u64::try_from(1_000 + seconds).unwrap()),
        ..Facts::default()
    }
}

/// A look so many seconds after the first.
type Look = (i64, fn(&mut Facts));

/// What changed at each look, as `+code` and `-code`.
fn changes(looks: &[Look]) -> Vec<String> {
    let health = Health::default();
    looks
        .iter()
        .map(|(seconds, set)| told(&health, *seconds, *set))
        .collect()
}

fn told(health: &Health, seconds: i64, set: fn(&mut Facts)) -> String {
    let mut facts = at(seconds);
    set(&mut facts);
    let changes = health.look(facts);
    let words = changes.iter().map(|change| {
        let sign = match change.changed {
            Changed::Raised => '+',
            Changed::Resolved => '-',
        };
        let subject = change.fault.subject();
        let of = if subject.is_empty() { "" } else { ":" };
        format!("{sign}{}{of}{subject}", change.fault.code().word())
    });
    words.collect::<Vec<_>>().join(" ")
}

fn well(_: &mut Facts) {}

fn stopped(facts: &mut Facts) {
    facts.stopped = Some(Stopped {
        since: Micros(facts.now.0 - 3 * Micros::SECOND),
        cause: "disk full".to_owned(),
    });
}

fn archiving(facts: &mut Facts) {
    facts.archiving = Some(Stopped {
        since: facts.now,
        cause: "disk full".to_owned(),
    });
}

fn paused(facts: &mut Facts) {
    facts.retention = Some(admintrail_store::RetentionPaused {
        since: facts.now,
        ahead_s: 3_650 * 86_400,
    });
}

fn stale(facts: &mut Facts, places: &[&str]) {
    facts.stale_anchors = places
        .iter()
        .map(|place| StaleAnchor {
            place: (*place).to_owned(),
            since: facts.now,
            cause: "no route".to_owned(),
        })
        .collect();
}

fn not_erased(facts: &mut Facts) {
    facts.erasing = Some(Stopped {
        since: facts.now,
        cause: "disk full".to_owned(),
    });
}

fn tampered(facts: &mut Facts) {
    facts.tampered = Some(TamperedFact {
        since: facts.now,
        first_seq: 47,
        says: "event 47: at least one is not as it was recorded (ledger entry 4)".to_owned(),
    });
}

fn unpublished(facts: &mut Facts, seconds: i64) {
    let since = Micros(facts.now.0 - seconds * Micros::SECOND);
    facts.unpublished = Some((3, since));
}

fn disk(facts: &mut Facts, free: u64) {
    facts.disk = Some(Disk { free, total: 1_000 });
}

fn gap(facts: &mut Facts, panel: &str, requests: u64) {
    facts.gaps.push(GapFact {
        panel: panel.to_owned(),
        requests,
        since: facts.now,
        says: format!("{requests} requests passed without a record"),
    });
}

fn damaged(facts: &mut Facts, name: &str) {
    facts.damaged.push(Damaged {
        name: name.to_owned(),
        cause: "checksum differs".to_owned(),
    });
}

#[test]
fn each_fact_raises_its_condition_once_and_its_end_resolves_it() {
    let table: &[(&str, &[Look], &[&str])] = &[
        ("nothing is wrong", &[(0, well), (10, well)], &["", ""]),
        (
            "recording stops, and is over when it worked for half a minute",
            &[
                (0, stopped),
                (10, stopped),
                (20, well),
                (39, well),
                (40, well),
            ],
            &["+recording_stopped", "", "", "", "-recording_stopped"],
        ),
        (
            "what stops and works in turns is told once",
            &[
                (0, stopped),
                (10, well),
                (20, stopped),
                (30, well),
                (40, stopped),
            ],
            &["+recording_stopped", "", "", "", ""],
        ),
        (
            "a disk around ten percent is told once",
            &[
                (0, |f| disk(f, 100)),
                (10, |f| disk(f, 99)),
                (20, |f| disk(f, 101)),
                (30, |f| disk(f, 99)),
                (200, |f| disk(f, 119)),
                (300, |f| disk(f, 120)),
                (310, |f| disk(f, 120)),
            ],
            &["", "+disk_low", "", "", "", "-disk_low", ""],
        ),
        (
            "an anchor that is missed for two minutes after a start is told, for each place",
            &[
                (0, |f| stale(f, &["a", "b"])),
                (119, |f| stale(f, &["a", "b"])),
                (120, |f| stale(f, &["a", "b"])),
                (130, |f| stale(f, &["b"])),
            ],
            &["", "", "+anchor_stale:a +anchor_stale:b", "-anchor_stale:a"],
        ),
        (
            "an erasure that cannot be done is told at once, and when it is done",
            &[(0, well), (10, not_erased), (60, not_erased), (70, well)],
            &["", "+erasure_stopped", "", "-erasure_stopped"],
        ),
        (
            "an anchor that comes soon after the start is not told",
            &[
                (0, |f| stale(f, &["a"])),
                (10, well),
                (125, |f| stale(f, &["a"])),
            ],
            &["", "", ""],
        ),
        (
            "an unknown disk is no fault",
            &[(0, |f| disk(f, 5)), (70, |f| f.disk = None)],
            &["+disk_low", "-disk_low"],
        ),
        (
            "archiving that fails is told at once, and over when it worked for a minute",
            &[(0, archiving), (10, archiving), (69, well), (70, well)],
            &["+archive_stopped", "", "", "-archive_stopped"],
        ),
        (
            "retention is paused until somebody says that the clock is right",
            &[(0, paused), (10, paused), (20, well)],
            &["+retention_paused", "", "-retention_paused"],
        ),
        (
            "the archive is behind above a million, and has caught up at three quarters",
            &[
                (0, |f| f.hot = Some(1_000_000)),
                (10, |f| f.hot = Some(1_000_001)),
                (20, |f| f.hot = Some(750_001)),
                (90, |f| f.hot = Some(750_001)),
                (150, |f| f.hot = Some(750_000)),
            ],
            &["", "+archive_behind", "", "", "-archive_behind"],
        ),
        (
            "what a verification found holds until one finds nothing",
            &[(0, tampered), (10, tampered), (20, well)],
            &["+ledger_tampered", "", "-ledger_tampered"],
        ),
        (
            "a ledger that is a moment late is not told, one that is a minute late is",
            &[
                (0, |f| unpublished(f, 60)),
                (10, |f| unpublished(f, 61)),
                (20, well),
                (80, well),
            ],
            &["", "+ledger_behind", "", "-ledger_behind"],
        ),
        (
            "a ledger that cannot be written is told at once",
            &[(0, |f| {
                f.ledger = Some(Stopped {
                    since: f.now,
                    cause: "disk full".to_owned(),
                });
            })],
            &["+ledger_behind"],
        ),
        (
            "a clock that leaps makes no ledger late",
            &[(0, |f| {
                unpublished(f, 3_601);
                f.leap_s = 3_600;
            })],
            &["+clock_leap"],
        ),
        (
            "without an archive nothing is behind",
            &[(0, |f| f.hot = None)],
            &[""],
        ),
        (
            "each damaged segment is told by itself",
            &[
                (0, |f| damaged(f, "a.parquet")),
                (10, |f| {
                    damaged(f, "a.parquet");
                    damaged(f, "b.parquet");
                }),
                (20, |f| damaged(f, "b.parquet")),
                (70, |f| damaged(f, "b.parquet")),
            ],
            &[
                "+segment_damaged:a.parquet",
                "+segment_damaged:b.parquet",
                "",
                "-segment_damaged:a.parquet",
            ],
        ),
        (
            "a gap of each panel, while it is recent",
            &[
                (0, |f| gap(f, "billing", 2)),
                (10, |f| {
                    gap(f, "billing", 9);
                    gap(f, "shop", 1);
                }),
                (20, |f| gap(f, "shop", 1)),
            ],
            &["+gap:billing", "+gap:shop", "-gap:billing"],
        ),
        (
            "a clock that nobody sets is told when that lasts",
            &[
                (0, |f| f.clock = ClockState::Unsynchronised),
                (599, |f| f.clock = ClockState::Unsynchronised),
                (600, |f| f.clock = ClockState::Unsynchronised),
                (610, |f| f.clock = ClockState::Synchronised),
                (899, |f| f.clock = ClockState::Synchronised),
                (900, |f| f.clock = ClockState::Synchronised),
            ],
            &[
                "",
                "",
                "+clock_unsynchronised",
                "",
                "",
                "-clock_unsynchronised",
            ],
        ),
        (
            "a clock that was set in time is not told",
            &[
                (0, |f| f.clock = ClockState::Unsynchronised),
                (300, |f| f.clock = ClockState::Synchronised),
                (310, |f| f.clock = ClockState::Unsynchronised),
                (905, |f| f.clock = ClockState::Unsynchronised),
            ],
            &["", "", "", ""],
        ),
        (
            "a clock of which nobody says anything is no fault",
            &[
                (0, |f| f.clock = ClockState::Unknown),
                (9_999, |f| f.clock = ClockState::Unknown),
            ],
            &["", ""],
        ),
        (
            "a leap is told, and its end when the clock leaps back",
            &[
                (0, |f| f.leap_s = 3_600),
                (10, well),
                (20, |f| f.leap_s = -3_590),
                (30, well),
            ],
            &["+clock_leap", "", "-clock_leap", ""],
        ),
        (
            "a leap that stays is taken as right after a day",
            &[(0, |f| f.leap_s = -90), (86_399, well), (86_400, well)],
            &["+clock_leap", "", "-clock_leap"],
        ),
    ];
    for (story, looks, expected) in table {
        assert_eq!(changes(looks), *expected, "{story}");
    }
}

#[test]
fn a_clock_that_leaps_years_ahead_neither_ends_nor_begins_anything_else() {
    let health = Health::default();
    assert_eq!(told(&health, 0, stopped), "+recording_stopped");
    let mut facts = at(10);
    facts.now = Micros(facts.now.0 + 10 * 365 * 86_400 * Micros::SECOND);
    facts.leap_s = 10 * 365 * 86_400;
    facts.clock = ClockState::Unsynchronised;
    let changes = health.look(facts);
    let codes: Vec<_> = changes.iter().map(|one| one.fault.code()).collect();
    assert_eq!(codes, [Code::ClockLeap]);
    assert_eq!(health.open().len(), 2);
}

#[test]
fn a_condition_keeps_its_beginning_and_tells_the_newest_numbers() {
    let health = Health::default();
    told(&health, 0, |f| gap(f, "billing", 2));
    told(&health, 10, |f| gap(f, "billing", 9));
    let open = health.open();
    assert_eq!(open[0].since, at(0).now);
    let Fault::Gap { requests, .. } = open[0].fault else {
        panic!("{open:?}");
    };
    assert_eq!(requests, 9);
}

#[test]
fn nothing_is_told_again_after_a_restart() {
    let before = Health::default();
    told(&before, 0, |f| disk(f, 50));
    told(&before, 10, |f| {
        disk(f, 50);
        f.leap_s = 100;
    });
    told(&before, 20, |f| {
        disk(f, 50);
        f.leap_s = -100;
    });
    let after = Health::default();
    // The clock that never leaps begins anew with the machine.
    after.restore(&before.saved(), Duration::from_secs(3));
    assert_eq!(after.open()[0].fault, before.open()[0].fault);
    assert_eq!(after.open()[0].since, at(0).now);
    assert_eq!(after.resolved(), before.resolved());
    assert_eq!(after.resolved().len(), 1);
    assert_eq!(after.last(), 3);
    assert_eq!(told(&after, 0, |f| disk(f, 50)), "");
    assert_eq!(told(&after, 100, |f| disk(f, 500)), "-disk_low");
    assert_eq!(after.last(), 4);
}

#[test]
fn what_cannot_be_read_back_is_found_anew() {
    for saved in [
        "",
        "{",
        "[]",
        r#"{"held":[{"code":"of_the_future","since":1,"raised":true}]}"#,
    ] {
        let health = Health::default();
        health.restore(saved, Duration::ZERO);
        assert_eq!(told(&health, 0, |f| disk(f, 50)), "+disk_low", "{saved}");
    }
}

#[test]
fn who_was_away_hears_what_was_missed_and_who_is_new_what_holds() {
    let health = Health::default();
    told(&health, 0, |f| gap(f, "shop", 1));
    told(&health, 10, |f| disk(f, 50));
    let numbers =
        |told| -> Vec<u64> { health.untold(told).0.iter().map(|one| one.number).collect() };
    assert_eq!(numbers(Some(0)), [1, 2, 3], "shop, disk and shop's end");
    assert_eq!(numbers(Some(2)), [3]);
    assert_eq!(numbers(Some(3)), [] as [u64; 0]);
    let (new, last) = health.untold(None);
    assert_eq!(last, 3);
    assert_eq!(health.untold(Some(77)).0, new, "of a record that was lost");
    assert_eq!(new.len(), 1);
    assert_eq!(new[0].fault.code(), Code::DiskLow);
}

#[test]
fn what_is_kept_does_not_grow_for_ever() {
    let health = Health::default();
    for n in 0..1_000 {
        told(
            &health,
            n * 10,
            if n % 2 == 0 {
                |f| gap(f, "shop", 1)
            } else {
                well
            },
        );
    }
    assert_eq!(health.resolved().len(), 100);
    assert_eq!(health.untold(Some(0)).0.len(), 256);
    assert_eq!(
        health.resolved()[0].until,
        at(9_990).now,
        "the last one first"
    );
}

#[test]
fn every_condition_says_what_happened_what_it_means_and_what_to_do() {
    let faults = [
        Fault::RecordingStopped {
            cause: "disk full".to_owned(),
        },
        Fault::LedgerTampered {
            first_seq: 47,
            says: "event 47: at least one is not as it was recorded (ledger entry 4)".to_owned(),
        },
        Fault::SegmentDamaged {
            name: "1-9.0.parquet".to_owned(),
            cause: "checksum differs".to_owned(),
        },
        Fault::Gap {
            panel: "billing".to_owned(),
            requests: 1_200,
            says: "1200 requests passed without a record".to_owned(),
        },
        Fault::DiskLow {
            free: 61_000_000_000,
            total: 800_000_000_000,
        },
        Fault::ArchiveStopped {
            cause: "disk full".to_owned(),
        },
        Fault::ArchiveBehind { events: 1_234_567 },
        Fault::LedgerBehind {
            events: 12,
            cause: Some("disk full".to_owned()),
        },
        Fault::RetentionPaused {
            ahead_s: 3_650 * 86_400,
        },
        Fault::ClockUnsynchronised,
        Fault::ClockLeap { by_s: -7_200 },
        Fault::AnchorStale {
            place: "backup-host".to_owned(),
            cause: "it answers 503 Service Unavailable".to_owned(),
        },
        Fault::ErasureStopped {
            cause: "could not be recorded: disk full".to_owned(),
        },
    ];
    let told: Vec<String> = faults
        .iter()
        .map(|fault| {
            let at = |_| "14:32".to_owned();
            let words = Words::of(fault, Micros(0), &at);
            let over = Words::over(fault, Micros(0), &at);
            for sentence in [&words.what, &words.means, &words.remedy, &over] {
                assert!(sentence.ends_with('.'), "{sentence}");
            }
            format!(
                "{}\n{}\n{}\n{}\n{over}",
                words.title, words.what, words.means, words.remedy
            )
        })
        .collect();
    let codes: Vec<Code> = faults.iter().map(Fault::code).collect();
    assert_eq!(codes, Code::ALL);
    insta::assert_snapshot!(told.join("\n\n"));
}
