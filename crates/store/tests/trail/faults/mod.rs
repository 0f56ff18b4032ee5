//! Every write, sync, rename and opening of the store fails once, or is the last thing that happens:
//! nothing that was acknowledged is lost, nothing is there twice, and the ledger proves what is there.
//!
//! A child does the work with a library before the system's that lets one call fail.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use admintrail_event::{Draft, EventId, Micros};
use admintrail_ledger::{ReasonSeal, Statement, StatementKind};
use admintrail_store::{
    ErasureOrder, Receipt, Retention, StoreError, Submission, Trail, Verified, VerifyOptions, View,
    verify,
};

use crate::sealing::{DAY, Small, drafts};
use crate::support::{by, draft, small_segments};

/// How many places of each kind of fault are tried; all of them with `ADMINTRAIL_FAULTS=all`.
const PLACES: u64 = 16;
const WORK: &str = "faults::the_work_of_a_child";
/// What stays however the work ends, from which panel and under which name.
const STAY: std::ops::Range<u64> = 0..40;

/// The folder, and where the child says what was acknowledged.
struct Stage {
    dir: tempfile::TempDir,
    shim: PathBuf,
}

impl Stage {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let shim = dir.path().join("shim.so");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/trail/faults/shim.c");
        let built = Command::new("cc")
            .args(["-shared", "-fPIC", "-O1", "-o"])
            .arg(&shim)
            .arg(source)
            .status()
            .unwrap();
        assert!(built.success());
        Self { dir, shim }
    }

    /// Does the work with one fault; how many calls there were, if it came to an end.
    fn run(&self, at: u64, how: &str) -> (Small, Vec<String>, Option<u64>) {
        let small = Small::new(24);
        let (acks, count) = (self.dir.path().join("acks"), self.dir.path().join("count"));
        let _ = fs::remove_file(&count);
        File::create(&acks).unwrap();
        let child = Command::new(std::env::current_exe().unwrap())
            .args([WORK, "--exact", "--ignored", "--test-threads=1"])
            .env("LD_PRELOAD", &self.shim)
            .env("FAULT_DIR", small.dir.path())
            .env("FAULT_AT", at.to_string())
            .env("FAULT_HOW", how)
            .env("FAULT_COUNT", &count)
            .env("FAULT_ACKS", &acks)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .unwrap();
        let acks = fs::read_to_string(acks).unwrap();
        let count = fs::read_to_string(count).ok();
        let count = child.success().then(|| count?.parse().ok()).flatten();
        (small, acks.lines().map(str::to_owned).collect(), count)
    }
}

/// Run by [`Stage::run`] alone.
#[test]
#[ignore = "a part of another test"]
fn the_work_of_a_child() {
    let (Ok(dir), Ok(acks)) = (std::env::var("FAULT_DIR"), std::env::var("FAULT_ACKS")) else {
        return;
    };
    let mut acks = File::options().append(true).open(acks).unwrap();
    let mut say = |what: &str| writeln!(acks, "{what}").unwrap();
    let small = Small::new(24);
    let opened = || Trail::open(small_segments(Path::new(&dir), &small.now, small.seal));
    // Whoever is refused tries once more, as people and services do.
    let trail = opened().or_else(|_| opened()).unwrap();
    let mut append = |of: Vec<Draft>| {
        small
            .now
            .fetch_add(2 * Micros::SECOND, std::sync::atomic::Ordering::Relaxed);
        for _ in 0..2 {
            let batch = of.iter().cloned().map(Submission::new).collect();
            if let Ok(receipts) = trail.append_blocking(batch) {
                for (draft, receipt) in of.iter().zip(receipts) {
                    assert!(!matches!(receipt, Receipt::Conflict(_)));
                    say(&draft.id.to_string());
                }
                return;
            }
        }
    };
    let twice = |work: &dyn Fn() -> Result<(), StoreError>| {
        let _ = work().or_else(|_| work());
    };
    append(drafts(STAY.start..STAY.end).collect());
    let mut shop = by("tom", draft(100));
    shop.panel = "shop".parse().unwrap();
    append(vec![shop]);
    twice(&|| trail.publish());
    twice(&|| trail.seal());
    small
        .now
        .fetch_add(20 * DAY, std::sync::atomic::Ordering::Relaxed);
    append(drafts(200..210).collect());
    trail.set_retention(Retention {
        days: 400,
        panels: [("shop".parse().unwrap(), 10)].into(),
    });
    twice(&|| trail.upkeep());
    twice(&|| trail.erase(&order(), |_| {}).map(drop));
    append((300..310).map(|n| by("tom", draft(n))).collect());
    twice(&|| trail.publish());
    trail.close();
}

fn order() -> ErasureOrder {
    ErasureOrder {
        admin: "mia".to_owned(),
        pseudonym: "erased-7f3a".to_owned(),
        by: "owner@hosting.example".to_owned(),
        approved_by: None,
        reason: ReasonSeal::new(&[5; 32], "asked for it"),
    }
}

fn is_made_good(small: &Small, acks: &[String], fault: &str) {
    let dir = small.dir.path();
    small
        .now
        .fetch_add(21 * DAY, std::sync::atomic::Ordering::Relaxed);
    let trail = Trail::open(small_segments(dir, &small.now, small.seal))
        .unwrap_or_else(|error| panic!("{fault}: {error}"));
    trail
        .upkeep()
        .unwrap_or_else(|error| panic!("{fault}: {error}"));
    trail
        .publish()
        .unwrap_or_else(|error| panic!("{fault}: {error}"));
    let chunks = trail.scan(&View::default());
    let found: Vec<EventId> = chunks
        .flat_map(Result::unwrap)
        .map(|event| event.draft.id)
        .collect();
    let distinct: BTreeSet<String> = found.iter().map(EventId::to_string).collect();
    assert_eq!(distinct.len(), found.len(), "{fault}: doubled");
    let dropped = draft(100).id.to_string();
    for id in acks.iter().filter(|id| **id != dropped) {
        assert!(distinct.contains(id), "{fault}: {id} was acknowledged");
    }
    let verified = verify(dir, &VerifyOptions::default(), |_, _| {}).unwrap();
    assert!(verified.outcome.is_ok(), "{fault}: {verified:?}");
    assert_eq!(verified.unfinished, Vec::<String>::new(), "{fault}");
    // Whoever was to be erased is, once that was said; and asked for again, it is done.
    assert_eq!(
        trail.knows_admin("mia"),
        said_of_nobody(&verified),
        "{fault}"
    );
    if distinct.contains(&draft(2).id.to_string()) {
        trail
            .erase(&order(), |_| {})
            .unwrap_or_else(|error| panic!("{fault}: {error}"));
        assert!(!trail.knows_admin("mia"), "{fault}");
    }
    trail.close();
}

/// Whether nobody's erasure was announced, though there is somebody.
fn said_of_nobody(verified: &Verified) -> bool {
    let events = verified.outcome.as_ref().map_or(0, |report| report.whole);
    let erased = |said: &Statement| said.declared().kind == StatementKind::Erasure;
    events > 0 && !verified.statements.values().any(erased)
}

#[test]
fn whatever_call_fails_once_nothing_is_lost_and_the_ledger_is_intact() {
    let stage = Stage::new();
    let (small, acks, count) = stage.run(0, "EIO");
    let count = count.expect("the work comes to its end without a fault");
    assert_eq!(acks.len(), 40 + 1 + 10 + 10);
    assert!(count > 150, "{count}");
    is_made_good(&small, &acks, "no fault");
    let all = std::env::var("ADMINTRAIL_FAULTS").is_ok_and(|what| what == "all");
    for (shift, how) in (0..).zip(["EIO", "ENOSPC", "kill", "torn"]) {
        let step = if all { 1 } else { count / PLACES };
        for at in (1 + shift * step / 4..=count).step_by(step.max(1) as usize) {
            let (small, acks, ended) = stage.run(at, how);
            // What is no write cannot be torn.
            if how != "torn" {
                assert_eq!(ended.is_none(), how == "kill", "{how} at {at} of {count}");
            }
            is_made_good(&small, &acks, &format!("{how} at {at} of {count}"));
        }
    }
}
