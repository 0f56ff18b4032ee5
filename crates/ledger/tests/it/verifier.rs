//! Whole trails against their ledgers: what is intact, and what is found first where it is not.

use std::io;

use admintrail_event::{Micros, Seq};
use admintrail_ledger::{
    BlockEntry, FaultKind, Frontier, Kept, LedgerEntry, RecordedBlock, Report, StatementKind,
    TileId, TileReader, TileSource, TreeHead, Verifier, VerifyError, root_over,
};
use proptest::prelude::*;

use crate::samples::{damaged, leaf, published};
use crate::trail::{Trail, declared, fault, said};

/// The head of the ledger of these blocks alone.
fn head_of(recorded: &[RecordedBlock]) -> TreeHead {
    published(recorded.iter().map(|block| block.entry.as_slice())).1
}

/// Gives a block the entry that fits its events, as only whoever can write the database does.
fn refit(block: &mut RecordedBlock) {
    let mut tree = Frontier::new();
    block.events.iter().for_each(|event| tree.push(event.hash));
    let Ok(LedgerEntry::Block(old)) = LedgerEntry::parse(&block.entry) else {
        panic!("no block");
    };
    let new = BlockEntry::new(old.first(), old.count(), old.received(), tree.root());
    block.entry = LedgerEntry::from(new.unwrap()).to_bytes();
}

#[test]
fn an_intact_trail_is_counted() {
    let report = Trail::intact().verify().unwrap();
    let expected = Report {
        entries: 4,
        blocks: 4,
        whole: 18,
        next: Seq(19),
        ..Report::default()
    };
    assert_eq!(report, expected);
    let empty = Trail::published(Vec::new()).verify().unwrap();
    assert_eq!((empty.entries, empty.next), (0, Seq(1)));
}

#[test]
fn blocks_that_others_made_anew_are_checked_as_their_events_are() {
    let trail = Trail::intact();
    let entry_of = |block: &RecordedBlock| match LedgerEntry::parse(&block.entry) {
        Ok(LedgerEntry::Block(entry)) => entry,
        other => panic!("{other:?}"),
    };
    let made = |block: &RecordedBlock| {
        let hashes: Vec<_> = block.events.iter().map(|event| event.hash).collect();
        let entry = entry_of(block);
        BlockEntry::new(
            entry.first(),
            entry.count(),
            entry.received(),
            root_over(&hashes),
        )
        .unwrap()
    };
    let mut verifier = trail.verifier();
    for block in &trail.recorded {
        verifier.check_made(&block.entry, &made(block)).unwrap();
    }
    assert_eq!(verifier.finish(), trail.verify());

    // Of other events, of another moment, of another block, or of a block that follows another one.
    let of = |verifier: &mut Verifier<_>, made: BlockEntry| {
        let checked = verifier.check_made(&trail.recorded[0].entry, &made);
        match checked {
            Err(VerifyError::Fault(fault)) => fault.kind,
            other => panic!("{other:?}"),
        }
    };
    let first = entry_of(&trail.recorded[0]);
    let (min, max) = first.received();
    let (start, count) = (first.first(), first.count());
    let changed = BlockEntry::new(start, count, (min, max), damaged(first.root(), 0)).unwrap();
    let later = (min, Micros(max.0 + 1));
    let later = BlockEntry::new(start, count, later, first.root()).unwrap();
    let shorter = BlockEntry::new(start, count - 1, (min, max), first.root()).unwrap();
    for (made, kind) in [
        (changed, FaultKind::Changed),
        (later, FaultKind::Received),
        (shorter, FaultKind::Changed),
        (entry_of(&trail.recorded[1]), FaultKind::Changed),
    ] {
        assert_eq!(of(&mut trail.verifier(), made), kind);
    }
}

#[test]
fn a_changed_event_is_in_a_block_that_says_so() {
    for (block, first, last) in [(0, 1, 4), (1, 5, 10), (3, 14, 18)] {
        let trail = Trail::changed(|recorded| {
            let event = recorded[block].events.last_mut().unwrap();
            event.hash = damaged(event.hash, 0);
        });
        let found = fault(FaultKind::Changed, first, last, block as u64);
        assert_eq!(trail.fault(), found);
    }
    let swapped = Trail::changed(|recorded| {
        let events = &mut recorded[1].events;
        let (a, b) = (events[0].hash, events[1].hash);
        (events[0].hash, events[1].hash) = (b, a);
    });
    assert_eq!(swapped.fault().kind, FaultKind::Changed);
}

#[test]
fn a_missing_event_is_named() {
    for (at, seq) in [(0, 5), (2, 7), (5, 10)] {
        let trail = Trail::changed(|recorded| {
            recorded[1].events.remove(at);
        });
        assert_eq!(trail.fault(), fault(FaultKind::Missing, seq, seq, 1));
    }
    let half = Trail::changed(|recorded| drop(recorded[1].events.drain(1..4)));
    assert_eq!(half.fault(), fault(FaultKind::Missing, 6, 8, 1));
    let all = Trail::changed(|recorded| recorded[1].events.clear());
    assert_eq!(all.fault(), fault(FaultKind::Missing, 5, 10, 1));
}

#[test]
fn an_event_that_the_ledger_does_not_have_is_named() {
    let more = Trail::changed(|recorded| {
        let mut event = *recorded[1].events.last().unwrap();
        event.seq = Seq(11);
        recorded[1].events.push(event);
    });
    assert_eq!(more.fault(), fault(FaultKind::Added, 11, 11, 1));
    let twice = Trail::changed(|recorded| {
        let event = recorded[1].events[2];
        recorded[1].events.insert(2, event);
    });
    assert_eq!(twice.fault(), fault(FaultKind::Added, 7, 7, 1));
    let early = Trail::changed(|recorded| recorded[1].events[0].seq = Seq(4));
    assert_eq!(early.fault(), fault(FaultKind::Added, 4, 4, 1));
}

#[test]
fn moments_are_within_the_bounds_of_their_block_and_reach_them() {
    let late = Trail::changed(|recorded| {
        let event = &mut recorded[1].events[2];
        event.received = event.received.map(|at| Micros(at.0 + 1_000));
    });
    assert_eq!(late.fault(), fault(FaultKind::Received, 7, 7, 1));
    let narrow = Trail::changed(|recorded| {
        let second = recorded[1].events[1].received;
        recorded[1].events[0].received = second;
    });
    assert_eq!(narrow.fault(), fault(FaultKind::Received, 5, 10, 1));
    let unknown = Trail::changed(|recorded| recorded[1].events[0].received = None);
    assert!(unknown.verify().is_ok());
}

#[test]
fn an_entry_that_was_made_anew_is_not_the_published_one() {
    let trail = Trail::changed(|recorded| {
        let event = &mut recorded[1].events[2];
        event.hash = damaged(event.hash, 8);
        refit(&mut recorded[1]);
    });
    assert_eq!(trail.fault(), fault(FaultKind::ChangedEntry, 5, 10, 1));
    let removed = Trail::changed(|recorded| drop(recorded.remove(1)));
    assert_eq!(removed.fault(), fault(FaultKind::ChangedEntry, 5, 13, 1));
    let swapped = Trail::changed(|recorded| recorded.swap(1, 2));
    assert_eq!(swapped.fault(), fault(FaultKind::ChangedEntry, 5, 13, 1));
    let garbage = Trail::changed(|recorded| recorded[2].entry.truncate(3));
    assert_eq!(garbage.fault(), fault(FaultKind::ChangedEntry, 11, 11, 2));
}

#[test]
fn a_trail_that_ends_early_is_behind_its_ledger() {
    let trail = Trail::changed(|recorded| recorded.truncate(2));
    assert_eq!(trail.fault(), fault(FaultKind::MissingEntry, 11, 11, 2));
    let nothing = Trail::changed(Vec::clear);
    assert_eq!(nothing.fault(), fault(FaultKind::MissingEntry, 1, 1, 0));
}

#[test]
fn what_was_written_anew_everywhere_does_not_make_the_signed_root() {
    let intact = Trail::intact();
    let kept = |size| head_of(&intact.recorded[..size]);
    // The third block is another one, everywhere but in what was signed.
    let mut recorded = intact.recorded.clone();
    recorded[2].events[1].hash = damaged(recorded[2].events[1].hash, 1);
    refit(&mut recorded[2]);
    let mut trail = Trail::published(recorded);
    let anew = trail.head;
    trail.head = intact.head;
    assert_eq!(trail.fault(), fault(FaultKind::Rewritten, 1, 18, 4));
    // A head that somebody kept says how far back it was still the same.
    trail.anchors = vec![kept(2), kept(1)];
    assert_eq!(trail.fault(), fault(FaultKind::Rewritten, 11, 18, 4));
    trail.anchors.push(kept(3));
    assert_eq!(trail.fault(), fault(FaultKind::Rewritten, 11, 13, 3));
    // Whoever has the key signs anew; the anchors remain.
    trail.head = anew;
    assert_eq!(trail.fault(), fault(FaultKind::Rewritten, 11, 13, 3));
    trail.anchors = vec![kept(4), anew];
    assert_eq!(trail.fault(), fault(FaultKind::Rewritten, 1, 18, 4));
    trail.anchors.clear();
    assert!(trail.verify().is_ok());
}

#[test]
fn an_anchor_that_nothing_reaches_is_missed() {
    let mut trail = Trail::intact();
    let size = trail.head.size + 1;
    trail.anchors = vec![TreeHead { size, ..trail.head }];
    assert_eq!(trail.fault(), fault(FaultKind::MissingEntry, 19, 19, 4));
    let root = leaf(0);
    trail.anchors = vec![TreeHead { size: 0, root }];
    assert_eq!(trail.fault(), fault(FaultKind::Rewritten, 1, 1, 0));
    trail.anchors = vec![TreeHead::EMPTY];
    assert!(trail.verify().is_ok());
}

#[test]
fn a_number_in_two_blocks_is_a_fault() {
    let mut recorded = Trail::intact().recorded;
    let again = recorded[1].clone();
    recorded.insert(2, again);
    let trail = Trail::published(recorded);
    assert_eq!(trail.fault(), fault(FaultKind::Overlap, 5, 10, 2));
}

#[test]
fn entries_after_the_checkpoint_are_counted_and_excuse_nothing() {
    let mut trail = Trail::with(&[declared(StatementKind::Retention, 1, 4, 4)], |_| ());
    let three = trail.recorded[..3].to_vec();
    let Trail { tiles, head, .. } = Trail::published(three);
    (trail.tiles, trail.head) = (tiles, head);
    let report = trail.verify().unwrap();
    assert_eq!((report.entries, report.unpublished), (5, 2));
    trail.recorded[0].events.clear();
    assert_eq!(trail.fault(), fault(FaultKind::Missing, 1, 4, 0));
    // They are held against each other all the same.
    let mut trail = Trail::intact();
    trail.head = TreeHead::EMPTY;
    trail.recorded.remove(1);
    assert_eq!(trail.fault(), fault(FaultKind::Gap, 5, 10, 1));
    trail.recorded[1].entry.clear();
    assert_eq!(trail.fault(), fault(FaultKind::BadEntry, 5, 5, 1));
}

#[test]
fn one_goes_on_from_what_was_verified_before() {
    let trail = Trail::intact();
    for (size, next) in [(0, 1), (1, 5), (2, 11), (3, 14), (4, 19)] {
        let start = head_of(&trail.recorded[..size]);
        let resume = |head| {
            let reader = TileReader::new(&trail.tiles, trail.head);
            Verifier::resume(reader, head, Seq(next))
        };
        let rest = trail.recorded[size..].to_vec();
        let report = resume(start).unwrap().run(rest.clone()).unwrap();
        assert_eq!(report.next, Seq(19));
        assert_eq!(report.entries, 4 - size as u64);
        // What comes after the checkpoint is no reason to doubt it.
        let mut later = rest.clone();
        later.push(said(&declared(StatementKind::Loss, 1, 1, 1)));
        assert_eq!(resume(start).unwrap().run(later).unwrap().unpublished, 1);
        let root = damaged(start.root, 0);
        assert!(resume(TreeHead { root, ..start }).is_err());
        if let Some(fewer) = rest.get(1..) {
            assert!(resume(start).unwrap().run(fewer.to_vec()).is_err());
        }
    }
    let reader = TileReader::new(&trail.tiles, trail.head);
    let longer = TreeHead {
        size: 5,
        ..trail.head
    };
    let resumed = Verifier::resume(reader, longer, Seq(19));
    assert!(matches!(resumed, Err(VerifyError::Fault(_))));
}

#[test]
fn published_files_that_are_damaged_are_a_fault_and_unreadable_ones_none() {
    let trail = Trail::intact();
    for tile in TileId::all(4) {
        let mut changed = trail.clone();
        changed.tiles.remove(&tile);
        assert_eq!(changed.fault().kind, FaultKind::Tiles, "{tile}");
        let mut changed = trail.clone();
        changed.tiles.get_mut(&tile).unwrap()[9] ^= 1;
        let kind = changed.fault().kind;
        let expected = [FaultKind::Tiles, FaultKind::ChangedEntry];
        assert!(expected.contains(&kind), "{tile} {kind:?}");
    }
    struct Broken;
    impl TileSource for Broken {
        fn read(&self, _: &TileId) -> io::Result<Option<Vec<u8>>> {
            Err(io::Error::other("permission denied"))
        }
    }
    let verifier = Verifier::new(TileReader::new(Broken, trail.head));
    let stopped = verifier.run(trail.recorded).unwrap_err();
    assert!(matches!(stopped, VerifyError::CannotCheck(_)));
    assert_eq!(
        stopped.to_string(),
        "cannot read tile/0/000.p/4: permission denied"
    );
}

#[test]
fn an_entry_of_a_newer_kind_is_no_fault() {
    let mut recorded = Trail::intact().recorded;
    let newer = RecordedBlock {
        entry: vec![3, 1, 2],
        events: Vec::new(),
    };
    recorded.insert(1, newer);
    let stopped = Trail::published(recorded).verify().unwrap_err();
    assert!(matches!(stopped, VerifyError::CannotCheck(_)), "{stopped}");
}

#[test]
fn faults_say_which_events_they_are_about() {
    assert_eq!(
        fault(FaultKind::Missing, 7, 7, 2).to_string(),
        "event 7: missing, and nothing in the ledger says so (ledger entry 2)"
    );
    assert_eq!(
        fault(FaultKind::Changed, 5, 10, 2).to_string(),
        "events 5 to 10: at least one is not as it was recorded (ledger entry 2)"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_is_done_to_an_event_is_found_at_that_event(
        block in 0..4_usize, event: prop::sample::Index, how in 0..4, bit in 0..256_usize,
    ) {
        let mut seq = 0;
        let trail = Trail::changed(|recorded| {
            let events = &mut recorded[block].events;
            let at = event.index(events.len());
            seq = events[at].seq.0;
            match how {
                0 => events[at].hash = damaged(events[at].hash, bit),
                1 => {
                    events.remove(at);
                }
                2 => events.insert(at, events[at]),
                _ => events[at].kept = Kept::HashOnly,
            }
        });
        let found = trail.fault();
        prop_assert!((found.first.0..=found.last.0).contains(&seq), "{found:?} {seq}");
        prop_assert_eq!(found.entry, block as u64);
    }
}
