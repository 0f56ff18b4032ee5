//! Nothing that was recorded can be changed, removed or reordered unnoticed, and nothing that was not
//! is taken for it.

use std::fs;
use std::path::Path;
use std::sync::atomic::Ordering;

use admintrail_event::{Micros, PanelName, Seq};
use admintrail_store::{
    ProofState, Receipt, Retention, StoreError, Submission, Trail, Verified, VerifyOptions,
    accept_loss, verify,
};
use rusqlite::Connection;

use crate::sealing::{DAY, Small, drafts, image, images, with_images};
use crate::support::{first_page, view};

fn verified(dir: &Path) -> Verified {
    verify(dir, &VerifyOptions::default(), |_, _| {}).unwrap()
}

#[track_caller]
fn is_intact(dir: &Path) -> Verified {
    let verified = verified(dir);
    assert!(verified.outcome.is_ok(), "{verified:?}");
    verified
}

/// The first event that is found wrong, and what.
#[track_caller]
fn fault(dir: &Path) -> (&'static str, u64, u64) {
    let fault = verified(dir).outcome.unwrap_err();
    (fault.kind.as_str(), fault.first.0, fault.last.0)
}

/// Ten blocks of ten events, the first `sealed` of them in segments of twenty.
fn recorded(sealed: u64) -> Small {
    let small = Small::new(20);
    let trail = small.open();
    for at in 0..10 {
        small.append(&trail, drafts(at * 10..at * 10 + 10));
        if at + 1 == sealed {
            trail.seal().unwrap();
        }
    }
    trail.publish().unwrap();
    trail.close();
    small
}

#[test]
fn what_was_recorded_is_intact_hot_sealed_or_both_with_a_server_or_without() {
    for sealed in [0, 6, 10] {
        let small = recorded(sealed);
        let report = is_intact(small.dir.path()).outcome.unwrap();
        assert_eq!((report.blocks, report.whole), (10, 100), "{sealed}");
        let trail = small.open();
        is_intact(small.dir.path());
        small.append(&trail, drafts(100..107));
        let beside = is_intact(small.dir.path());
        let report = beside.outcome.unwrap();
        assert_eq!(report.whole + beside.waiting, 107);
        trail.publish().unwrap();
        let report = is_intact(small.dir.path()).outcome.unwrap();
        assert_eq!(report.whole, 107);
        trail.close();
    }
}

#[test]
fn a_row_that_is_changed_removed_or_swapped_is_named() {
    let edits = [
        "UPDATE events SET time = time + 1 WHERE seq = 47",
        "UPDATE events SET received = received - 1 WHERE seq = 47",
        "UPDATE events SET polling = 1 - polling WHERE seq = 47",
        "UPDATE events SET first = first + 1 WHERE seq = 47",
        "UPDATE events SET body = CAST(substr(body, 1, 80) || X'7a' || substr(body, 82) AS BLOB) WHERE seq = 47",
        "UPDATE events SET body = X'00' WHERE seq = 47",
        "UPDATE events SET id = (SELECT id FROM events WHERE seq = 12) WHERE seq = 47",
        "DELETE FROM events WHERE seq = 47",
        "DELETE FROM events WHERE seq IN (47, 48, 93)",
        "UPDATE events SET body = (SELECT body FROM events WHERE seq = 61) WHERE seq = 47",
    ];
    for edit in edits {
        let small = recorded(0);
        let database = Connection::open(small.dir.path().join("trail.db")).unwrap();
        assert!(database.execute(edit, []).unwrap() > 0);
        drop(database);
        let (kind, first, _) = fault(small.dir.path());
        assert_eq!(first, 47, "{edit}: {kind}");
    }
}

#[test]
fn a_changed_segment_tile_or_checkpoint_is_found() {
    let small = recorded(6);
    let dir = small.dir.path();
    let flip = |path: &Path, at: usize| {
        let mut bytes = fs::read(path).unwrap();
        let at = at % bytes.len();
        bytes[at] ^= 0x10;
        fs::write(path, bytes).unwrap();
    };
    let segment = dir.join("segments/21-40.0.parquet");
    let length = fs::metadata(&segment).unwrap().len() as usize;
    for at in (4..length).step_by(97) {
        let copy = tempfile::tempdir().unwrap();
        image(dir, copy.path());
        flip(&copy.path().join("segments/21-40.0.parquet"), at);
        let verified = verified(copy.path());
        // Bytes that nothing reads may be flipped.
        if let Err(fault) = verified.outcome {
            assert!((21..=40).contains(&fault.first.0), "byte {at}: {fault:?}");
        }
    }
    let copy = |path: &str, at: usize| {
        let copy = tempfile::tempdir().unwrap();
        image(dir, copy.path());
        flip(&copy.path().join(path), at);
        verified(copy.path()).outcome.is_err()
    };
    for at in 0..40 {
        assert!(copy("ledger/checkpoint", at * 7), "byte {at}");
        assert!(copy("ledger/tile/0/000.p/10", at * 11), "byte {at}");
        assert!(copy("ledger/tile/entries/000.p/10", at * 13), "byte {at}");
    }
}

#[test]
fn a_tail_that_was_cut_is_found_by_a_checkpoint_that_somebody_kept() {
    let small = recorded(0);
    let before = tempfile::tempdir().unwrap();
    image(small.dir.path(), before.path());
    let trail = small.open();
    small.append(&trail, drafts(100..120));
    trail.publish().unwrap();
    trail.close();
    let kept = fs::read(small.dir.path().join("ledger/checkpoint")).unwrap();
    let anchored = VerifyOptions {
        anchors: vec![("backup-host".to_owned(), kept.clone())],
        ..VerifyOptions::default()
    };
    let since = VerifyOptions {
        since: Some(kept),
        ..VerifyOptions::default()
    };
    is_intact(before.path());
    for options in [&anchored, &since] {
        let cut = verify(before.path(), options, |_, _| {}).unwrap();
        assert!(cut.outcome.is_err());
        let whole = verify(small.dir.path(), options, |_, _| {}).unwrap();
        assert!(whole.outcome.is_ok(), "{whole:?}");
    }
}

#[test]
fn an_earlier_checkpoint_saves_reading_what_was_before_it() {
    let small = recorded(6);
    let kept = fs::read(small.dir.path().join("ledger/checkpoint")).unwrap();
    let trail = small.open();
    for at in 10..13 {
        small.append(&trail, drafts(at * 10..at * 10 + 10));
    }
    trail.publish().unwrap();
    trail.close();
    let options = VerifyOptions {
        since: Some(kept),
        ..VerifyOptions::default()
    };
    let report = verify(small.dir.path(), &options, |_, _| {}).unwrap();
    assert_eq!(report.outcome.unwrap().whole, 30);
}

#[test]
fn an_earlier_checkpoint_may_end_amid_a_segment() {
    let small = Small::new(20);
    let trail = small.open();
    small.append(&trail, drafts(0..10));
    trail.publish().unwrap();
    let kept = fs::read(small.dir.path().join("ledger/checkpoint")).unwrap();
    for at in 1..4 {
        small.append(&trail, drafts(at * 10..at * 10 + 10));
    }
    trail.publish().unwrap();
    trail.seal().unwrap();
    trail.close();
    let options = VerifyOptions {
        since: Some(kept),
        ..VerifyOptions::default()
    };
    let report = verify(small.dir.path(), &options, |_, _| {}).unwrap();
    assert_eq!(report.outcome.unwrap().whole, 30);
}

#[test]
fn a_crash_at_any_step_leaves_a_ledger_that_goes_on_and_is_intact() {
    let small = Small::new(20);
    let shots = tempfile::tempdir().unwrap();
    let (options, _) = with_images(&small, shots.path());
    let trail = Trail::open(options).unwrap();
    for at in 0..6 {
        small.append(&trail, drafts(at * 10..at * 10 + 10));
        trail.publish().unwrap();
    }
    trail.seal().unwrap();
    trail.close();
    let images = images(shots.path());
    assert!(images.len() > 20, "{}", images.len());
    for shot in images {
        let trail = Trail::open(crate::support::small_segments(&shot, &small.now, 20))
            .unwrap_or_else(|error| panic!("{}: {error}", shot.display()));
        let count = trail.count(&view("")).unwrap().value;
        trail.publish().unwrap();
        let report = is_intact(&shot).outcome.unwrap();
        assert_eq!(report.whole, count, "{}", shot.display());
        let batch = drafts(0..60).map(Submission::new).collect();
        trail.append_blocking(batch).unwrap();
        trail.publish().unwrap();
        trail.seal().unwrap();
        let report = is_intact(&shot).outcome.unwrap();
        assert_eq!(report.whole, 60, "{}", shot.display());
        trail.close();
    }
}

#[test]
fn an_older_copy_of_a_file_is_not_gone_on_with() {
    for file in ["trail.db", "ledger.db"] {
        let small = recorded(0);
        let kept = fs::read(small.dir.path().join(file)).unwrap();
        let trail = small.open();
        small.append(&trail, drafts(100..120));
        trail.publish().unwrap();
        trail.close();
        fs::write(small.dir.path().join(file), kept).unwrap();
        let _ = fs::remove_file(small.dir.path().join(format!("{file}-wal")));
        let error = Trail::open(small_options(&small)).err().unwrap();
        assert!(
            matches!(error, StoreError::LedgerAhead { .. }),
            "{file}: {error}"
        );
        // Who accepts the loss goes on, and everybody can read of it.
        let now = Micros(small.now.load(Ordering::Relaxed));
        let said = accept_loss(small.dir.path(), "owner@example.org", now).unwrap();
        assert_eq!(said.unwrap().declared().last, Seq(120), "{file}");
        assert!(
            accept_loss(small.dir.path(), "owner", now)
                .unwrap()
                .is_none()
        );
        let trail = small.open();
        let receipts = small.append(&trail, drafts(200..210));
        assert_eq!(receipts[0], Receipt::Accepted(Seq(121)), "{file}");
        trail.publish().unwrap();
        let found = is_intact(small.dir.path());
        assert_eq!(found.outcome.unwrap().whole, 110, "{file}");
        assert_eq!(found.statements.len(), 1, "{file}");
        trail.close();
    }
}

#[test]
fn segments_that_an_older_copy_does_not_know_stay_for_the_newer_one() {
    let small = recorded(6);
    let path = small.dir.path().join("trail.db");
    let older = fs::read(&path).unwrap();
    let trail = small.open();
    small.append(&trail, drafts(100..140));
    trail.seal().unwrap();
    trail.publish().unwrap();
    trail.close();
    let (newer, sealed) = (fs::read(&path).unwrap(), small.segments());
    fs::write(&path, older).unwrap();
    let error = Trail::open(small_options(&small)).err().unwrap();
    assert!(matches!(error, StoreError::LedgerAhead { .. }), "{error}");
    assert_eq!(small.segments(), sealed);
    fs::write(&path, newer).unwrap();
    small.open().close();
    assert_eq!(is_intact(small.dir.path()).outcome.unwrap().whole, 140);
}

#[test]
fn a_key_that_is_gone_is_asked_for_and_no_other_is_made() {
    let small = recorded(0);
    let key = small.dir.path().join("ledger.key");
    let kept = fs::read(&key).unwrap();
    fs::remove_file(&key).unwrap();
    let error = Trail::open(small_options(&small)).err().unwrap();
    assert!(error.to_string().contains("put it back"), "{error}");
    assert!(!key.exists());
    fs::write(&key, kept).unwrap();
    small.open().close();
    is_intact(small.dir.path());
}

fn small_options(small: &Small) -> admintrail_store::TrailOptions {
    crate::support::small_segments(small.dir.path(), &small.now, small.seal)
}

#[test]
fn what_retention_drops_is_declared_and_what_somebody_drops_is_not() {
    let small = recorded(10);
    let trail = small.open();
    small.now.fetch_add(20 * DAY, Ordering::Relaxed);
    small.append(&trail, drafts(100..110));
    trail.set_retention(Retention {
        days: 10,
        ..Retention::default()
    });
    trail.upkeep().unwrap();
    assert_eq!(trail.count(&view("")).unwrap().value, 10);
    trail.publish().unwrap();
    let found = is_intact(small.dir.path());
    let report = found.outcome.unwrap();
    assert_eq!((report.removed, report.whole), (100, 10));
    assert!(!found.statements.is_empty());
    trail.close();

    let small = recorded(10);
    let database = Connection::open(small.dir.path().join("trail.db")).unwrap();
    let gone = database.execute("DELETE FROM segments WHERE first_seq = 21", []);
    assert_eq!(gone.unwrap(), 1);
    drop(database);
    let (kind, first, _) = fault(small.dir.path());
    assert_eq!((kind, first), ("missing", 21));
}

#[test]
fn a_crash_at_any_step_of_retention_is_made_good_and_said_once() {
    let shop: PanelName = "shop".parse().unwrap();
    let of_a_panel = Retention {
        days: 400,
        panels: [(shop.clone(), 10)].into(),
    };
    let of_all = Retention {
        days: 10,
        ..Retention::default()
    };
    for (policy, gone) in [(of_a_panel, 3), (of_all, 33)] {
        let small = Small::new(1_000);
        let trail = small.open();
        for at in 0..3 {
            let mut drafts: Vec<_> = drafts(at * 20..at * 20 + 11).collect();
            drafts[4].panel = shop.clone();
            small.append(&trail, drafts);
            trail.seal().unwrap();
        }
        trail.close();
        let shots = tempfile::tempdir().unwrap();
        let (options, _) = with_images(&small, shots.path());
        let trail = Trail::open(options).unwrap();
        small.now.fetch_add(20 * DAY, Ordering::Relaxed);
        small.append(&trail, drafts(200..210));
        trail.set_retention(policy.clone());
        trail.upkeep().unwrap();
        trail.close();
        for shot in images(shots.path()) {
            is_intact(&shot);
            let trail = Trail::open(crate::support::small_segments(&shot, &small.now, 1_000));
            let trail = trail.unwrap();
            trail.set_retention(policy.clone());
            trail.upkeep().unwrap();
            trail.publish().unwrap();
            let found = is_intact(&shot);
            let report = found.outcome.unwrap();
            let said = found.statements.values().map(|said| said.declared().events);
            let removed = report.removed + report.hash_only;
            assert_eq!((removed, said.sum()), (gone, gone), "{}", shot.display());
            trail.close();
        }
    }
}

#[test]
fn each_event_is_proven_wherever_it_is() {
    let small = recorded(6);
    let trail = small.open();
    let page = trail.page(&view(""), &first_page(1_000)).unwrap();
    assert_eq!(page.events.len(), 100);
    for event in &page.events {
        let state = trail.prove(event).unwrap();
        assert!(matches!(state, ProofState::Proven(_)), "{state:?}");
        let mut other = event.clone();
        other.draft.path.push('x');
        let state = trail.prove(&other).unwrap();
        assert!(matches!(state, ProofState::Failed(_)), "{state:?}");
    }
    small.append(&trail, drafts(100..101));
    let newest = trail
        .page(&view(""), &first_page(1))
        .unwrap()
        .events
        .remove(0);
    assert!(matches!(trail.prove(&newest).unwrap(), ProofState::Waiting));
    trail.publish().unwrap();
    assert!(matches!(
        trail.prove(&newest).unwrap(),
        ProofState::Proven(_)
    ));
    assert_eq!(trail.ledger().next_seq, Seq(102));
    trail.close();
}

#[test]
fn many_events_are_proven_against_one_checkpoint_and_have_the_hashes_that_it_signs() {
    let small = recorded(6);
    let trail = small.open();
    let mut proving = trail.proving().unwrap().unwrap();
    let note = proving.checkpoint().to_owned();
    let seqs: Vec<Seq> = (1..=100).map(Seq).collect();
    let hashes = trail.ledger_hashes(&seqs).unwrap();
    for (seq, hash) in seqs.iter().zip(&hashes) {
        let (event, state) = proving.prove_number(*seq).unwrap();
        let (event, hash) = (event.unwrap(), hash.unwrap());
        assert_eq!(event.seq, *seq);
        let ProofState::Proven(proven) = state else {
            panic!("{state:?}");
        };
        assert_eq!((&proven.checkpoint, proven.entries), (&note, 10));
        assert_eq!(proven.entry, (seq.0 - 1) / 10);
        assert!(hashes.iter().filter(|other| **other == Some(hash)).count() == 1);
    }
    let (event, state) = proving.prove_number(Seq(101)).unwrap();
    assert!(event.is_none() && matches!(state, ProofState::Waiting));
    assert_eq!(
        trail.ledger_hashes(&[Seq(101), Seq(7)]).unwrap(),
        [None, hashes[6]]
    );
    drop(proving);
    assert_eq!(trail.unpublished(), None);
    small.append(&trail, drafts(100..103));
    let (waiting, _) = trail.unpublished().unwrap();
    assert_eq!(waiting, 3);
    trail.publish().unwrap();
    assert_eq!(trail.unpublished(), None);
    trail.close();

    // A block with a changed event has no hash that the ledger would bear out.
    let database = Connection::open(small.dir.path().join("trail.db")).unwrap();
    let edit = "UPDATE events SET time = time + 1 WHERE seq = 95";
    assert_eq!(database.execute(edit, []).unwrap(), 1);
    drop(database);
    let trail = small.open();
    let hashes = trail.ledger_hashes(&[Seq(89), Seq(94)]).unwrap();
    assert!(hashes[0].is_some() && hashes[1].is_none(), "{hashes:?}");
    trail.close();
}

/// Threat of a trail that is older than its ledger: what was sealed before is said to be outside of it.
#[test]
fn a_trail_that_began_without_a_ledger_says_from_where_on_it_has_one() {
    let small = Small::new(20);
    let mut options = small_options(&small);
    options.tuning.ledger = false;
    let trail = Trail::open(options).unwrap();
    for at in 0..5 {
        small.append(&trail, drafts(at * 10..at * 10 + 10));
    }
    trail.seal().unwrap();
    small.append(&trail, drafts(50..60));
    trail.close();
    let trail = small.open();
    trail.publish().unwrap();
    let found = is_intact(small.dir.path());
    assert_eq!(found.outcome.unwrap().whole, 10);
    assert_eq!(found.outside, 50);
    small.now.fetch_add(Micros::SECOND, Ordering::Relaxed);
    trail.close();
}
