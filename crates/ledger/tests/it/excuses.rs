//! What statements of retention, erasure and loss excuse, and what they do not.

use admintrail_event::Micros;
use admintrail_ledger::{
    Declaration, FaultKind, Kept, RecordedBlock, Statement, StatementKind, TileReader, TreeHead,
    Verifier, VerifyError,
};

use crate::samples::{blocks, damaged};
use crate::trail::{SIZES, Trail, declared, fault, said};

#[test]
fn retention_excuses_whole_blocks_that_it_declared() {
    let kind = StatementKind::Retention;
    let dropped = |recorded: &mut Vec<RecordedBlock>| {
        recorded[0].events.clear();
        recorded[1].events.clear();
    };
    let trail = Trail::with(&[declared(kind, 1, 10, 10)], dropped);
    let report = trail.verify().unwrap();
    assert_eq!((report.removed, report.whole, report.blocks), (10, 8, 4));
    assert_eq!(report.statements.keys().collect::<Vec<_>>(), [&4]);
    // In two parts, one of them across a block's bound.
    let parts = [declared(kind, 1, 6, 6), declared(kind, 7, 12, 4)];
    assert!(Trail::with(&parts, dropped).verify().is_ok());
    // Not all of it, or fewer than are gone.
    let few = Trail::with(&[declared(kind, 1, 9, 9)], dropped);
    assert_eq!(few.fault(), fault(FaultKind::Missing, 10, 10, 1));
    let few = Trail::with(&[declared(kind, 1, 10, 7)], dropped);
    assert_eq!(few.fault(), fault(FaultKind::Missing, 8, 10, 1));
    // Part of a block cannot be checked, so it is not excused.
    let half = Trail::with(&[declared(kind, 1, 10, 10)], |recorded| {
        recorded[0].events.truncate(2);
    });
    assert_eq!(half.fault(), fault(FaultKind::Missing, 3, 4, 0));
    // An erasure removes nothing.
    let other = Trail::with(&[declared(StatementKind::Erasure, 1, 10, 10)], dropped);
    assert_eq!(other.fault(), fault(FaultKind::Missing, 1, 4, 0));
}

#[test]
fn retention_excuses_only_what_is_old_enough() {
    let with = |cutoff: i64| {
        let mut said = declared(StatementKind::Retention, 1, 4, 4);
        said.cutoff = Some(Micros(cutoff));
        Trail::with(&[said], |recorded| recorded[0].events.clear())
    };
    let latest = blocks(&SIZES)[0].entry.received().1.0;
    assert!(with(latest + 1).verify().is_ok());
    let young = with(latest);
    assert_eq!(young.fault(), fault(FaultKind::Missing, 1, 4, 0));
}

#[test]
fn erasure_excuses_as_many_hashes_as_it_declared() {
    let kind = StatementKind::Erasure;
    // Events 2, 6 and 12.
    let three = |recorded: &mut Vec<RecordedBlock>| {
        for block in recorded.iter_mut().take(3) {
            block.events[1].kept = Kept::Erased;
        }
    };
    let trail = Trail::with(&[declared(kind, 1, 18, 3)], three);
    let report = trail.verify().unwrap();
    assert_eq!((report.erased, report.whole), (3, 15));
    let nothing = Trail::changed(three);
    assert_eq!(nothing.fault(), fault(FaultKind::Undeclared, 2, 2, 0));
    let two = Trail::with(&[declared(kind, 1, 18, 2)], three);
    assert_eq!(two.fault(), fault(FaultKind::Undeclared, 12, 12, 2));
    let elsewhere = Trail::with(&[declared(kind, 3, 18, 3)], three);
    assert_eq!(elsewhere.fault(), fault(FaultKind::Undeclared, 2, 2, 0));
    // The wide statement is left for the event that no other speaks of.
    let both = [declared(kind, 1, 18, 1), declared(kind, 2, 6, 2)];
    assert!(Trail::with(&both, three).verify().is_ok());
    // What is gone was not erased, and what is there was not removed.
    let gone = Trail::with(&[declared(kind, 1, 18, 3)], |recorded| {
        recorded[0].events[1].kept = Kept::HashOnly;
    });
    assert_eq!(gone.fault(), fault(FaultKind::Undeclared, 2, 2, 0));
    let there = Trail::with(&[declared(StatementKind::Retention, 1, 18, 3)], three);
    assert_eq!(there.fault(), fault(FaultKind::Undeclared, 2, 2, 0));
    let removed = [declared(StatementKind::Retention, 1, 18, 1)];
    let removed = Trail::with(&removed, |recorded| {
        recorded[0].events[1].kept = Kept::HashOnly;
    });
    assert_eq!(removed.verify().unwrap().hash_only, 1);
    // A kept hash is held against the root all the same.
    let false_hash = Trail::with(&[declared(kind, 1, 18, 3)], |recorded| {
        three(recorded);
        let event = &mut recorded[1].events[1];
        event.hash = damaged(event.hash, 5);
    });
    assert_eq!(false_hash.fault(), fault(FaultKind::Changed, 5, 10, 1));
}

#[test]
fn numbers_that_no_block_has_must_be_declared_as_lost() {
    let lost = |statements: &[Declaration]| {
        let mut recorded = Trail::intact().recorded;
        recorded.remove(1);
        recorded.extend(statements.iter().map(said));
        Trail::published(recorded)
    };
    let kind = StatementKind::Loss;
    assert_eq!(lost(&[]).fault(), fault(FaultKind::Gap, 5, 10, 1));
    let report = lost(&[declared(kind, 5, 10, 6)]).verify().unwrap();
    assert_eq!((report.lost, report.whole), (6, 12));
    let parts = [declared(kind, 8, 20, 3), declared(kind, 1, 7, 3)];
    assert!(lost(&parts).verify().is_ok());
    // One that begins and ends inside is used where it can be.
    let inside = [declared(kind, 5, 18, 4), declared(kind, 7, 8, 2)];
    assert!(lost(&inside).verify().is_ok());
    let few = lost(&[declared(kind, 5, 8, 4)]);
    assert_eq!(few.fault(), fault(FaultKind::Gap, 9, 10, 1));
    let other = lost(&[declared(StatementKind::Retention, 5, 10, 6)]);
    assert_eq!(other.fault(), fault(FaultKind::Gap, 5, 10, 1));
}

#[test]
fn a_loss_that_nobody_signed_for_excuses_nothing() {
    let mut recorded = Trail::intact().recorded;
    recorded[1] = said(&declared(StatementKind::Loss, 5, 10, 6));
    let mut trail = Trail::published(recorded);
    assert!(trail.verify().is_ok());
    trail.head = TreeHead::EMPTY;
    assert_eq!(trail.fault(), fault(FaultKind::Gap, 5, 10, 2));
}

#[test]
fn a_statement_that_is_not_in_the_ledger_is_a_lie() {
    let mut trail = Trail::with(&[declared(StatementKind::Retention, 1, 4, 4)], |_| ());
    let mut verifier = Verifier::new(TileReader::new(&trail.tiles, trail.head));
    let truth = Statement::new(declared(StatementKind::Retention, 1, 4, 4)).unwrap();
    assert_eq!(verifier.declare(4, &truth), Ok(()));
    let lie = Statement::new(declared(StatementKind::Retention, 1, 4, 3)).unwrap();
    let found = fault(FaultKind::FalseStatement, 1, 4, 0);
    for (index, statement) in [(4, &lie), (3, &truth), (5, &truth)] {
        let refused = Err(VerifyError::Fault(found));
        assert_eq!(verifier.declare(index, statement), refused);
    }
    // Nor do events belong to one.
    trail.recorded[4].events = vec![trail.recorded[0].events[0]];
    assert_eq!(trail.fault(), fault(FaultKind::Added, 1, 1, 4));
}

#[test]
fn a_statement_excuses_once_however_often_it_is_said() {
    let said = declared(StatementKind::Erasure, 1, 18, 1);
    let statement = Statement::new(said.clone()).unwrap();
    let trail = Trail::with(&[said], |recorded| {
        recorded[0].events[1].kept = Kept::Erased;
        recorded[1].events[1].kept = Kept::Erased;
    });
    let mut verifier = Verifier::new(TileReader::new(&trail.tiles, trail.head));
    verifier.declare(4, &statement).unwrap();
    verifier.declare(4, &statement).unwrap();
    let found = VerifyError::Fault(fault(FaultKind::Undeclared, 6, 6, 1));
    assert_eq!(verifier.run(trail.recorded), Err(found));
}

#[test]
fn a_statement_about_what_is_still_to_come_is_a_blank_cheque() {
    for (kind, refused) in [
        (StatementKind::Retention, true),
        (StatementKind::Erasure, true),
        (StatementKind::Loss, false),
    ] {
        let mut recorded = Trail::intact().recorded;
        recorded.insert(2, said(&declared(kind, 9, 11, 3)));
        let found = Trail::published(recorded).verify().map(|_| ());
        let fault = fault(FaultKind::FalseStatement, 9, 11, 2);
        let refusal = Err(VerifyError::Fault(fault));
        assert_eq!(found, if refused { refusal } else { Ok(()) });
    }
}
