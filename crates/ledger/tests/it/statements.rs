//! Statements of retention, erasure and loss as bytes.

use admintrail_event::{Micros, Seq};
use admintrail_ledger::{
    Declaration, Hash, LedgerEntry, LedgerError, ReasonSeal, Statement, StatementKind,
};
use proptest::option;
use proptest::prelude::*;

use crate::blocks::{hex, unhex};

fn erasure() -> Declaration {
    let blind = std::array::from_fn(|at| u8::try_from(at).unwrap());
    Declaration {
        kind: StatementKind::Erasure,
        at: Micros(1_795_357_918_140_250),
        first: Seq(100),
        last: Seq(4711),
        events: 12,
        cutoff: None,
        panel: Some("billing".into()),
        subject: Some("erased-7f3a".into()),
        by: "olena@example.org".into(),
        approved_by: Some("jonas@example.org".into()),
        reason: Some(ReasonSeal::new(&blind, "asked by the person, ticket 12")),
        after: Some(Hash([0xab; 32])),
    }
}

fn retention() -> Declaration {
    Declaration {
        kind: StatementKind::Retention,
        at: Micros(1_795_357_918_140_250),
        first: Seq(1),
        last: Seq(250_000),
        events: 250_000,
        cutoff: Some(Micros(1_760_797_918_140_250)),
        panel: None,
        subject: None,
        by: "retention".into(),
        approved_by: None,
        reason: None,
        after: None,
    }
}

fn bytes(declared: Declaration) -> Vec<u8> {
    LedgerEntry::from(Statement::new(declared).unwrap()).to_bytes()
}

/// Made by another program (Python's struct and hmac) from the format as it is described.
#[test]
fn statements_have_the_golden_bytes() {
    assert_eq!(
        hex(&bytes(erasure())),
        "\
         020102000660de56f4975a00000000000000640000000000001267000000000000000cffffffff00\
         00000762696c6c696e670000000b6572617365642d37663361000000116f6c656e61406578616d70\
         6c652e6f7267000000116a6f6e6173406578616d706c652e6f72670000002061bed5a92fe5bbe406\
         5e2800f14e73e2934d3a939b40ba98d314ae2228712a2800000020ababababababababababababab\
         ababababababababababababababababababab"
    );
    assert_eq!(
        hex(&bytes(retention())),
        "\
         020101000660de56f4975a0000000000000001000000000003d090000000000003d0900000000800\
         06416fb66e975affffffffffffffff00000009726574656e74696f6effffffffffffffffffffffff"
    );
}

#[test]
fn a_reason_fits_its_own_seal_alone() {
    let seal = ReasonSeal::new(&[1; 32], "ticket 12");
    assert!(seal.fits(&[1; 32], "ticket 12"));
    assert!(!seal.fits(&[1; 32], "ticket 13"));
    assert!(!seal.fits(&[2; 32], "ticket 12"));
}

#[test]
fn what_cannot_be_said_is_no_statement() {
    let refused = |change: &dyn Fn(&mut Declaration)| {
        let mut declared = erasure();
        change(&mut declared);
        match Statement::new(declared) {
            Err(LedgerError::NotStatement { cause }) => cause,
            other => panic!("{other:?}"),
        }
    };
    refused(&|said| said.first = Seq(0));
    refused(&|said| said.first = Seq(4712));
    refused(&|said| said.events = 0);
    refused(&|said| said.events = 4613);
    refused(&|said| said.by = String::new());
    refused(&|said| said.panel = Some(String::new()));
    refused(&|said| said.subject = Some("x".repeat(1_025)));
    refused(&|said| said.approved_by = Some("a\nb".into()));
    refused(&|said| said.by = "\u{202e}root".into());
    let mut all = erasure();
    (all.first, all.last, all.events) = (Seq(1), Seq(u64::MAX), u64::MAX);
    assert!(Statement::new(all).unwrap().covers(Seq(u64::MAX)));
}

#[test]
fn bytes_that_are_no_statement_are_refused() {
    let good = bytes(erasure());
    let code = |bytes: &[u8]| LedgerEntry::parse(bytes).map(|_| ()).map_err(|e| e.code());
    assert_eq!(code(&good), Ok(()));
    for length in 1..good.len() {
        assert_eq!(code(&good[..length]), Err("LEDGER-022"), "{length}");
    }
    assert_eq!(code(&[&good[..], &[0]].concat()), Err("LEDGER-022"));
    let put = |at: usize, value: &[u8]| {
        let mut bytes = good.clone();
        bytes[at..at + value.len()].copy_from_slice(value);
        code(&bytes)
    };
    assert_eq!(put(1, &[2]), Err("LEDGER-021"), "newer, no fault");
    assert_eq!(put(2, &[9]), Err("LEDGER-022"), "kind");
    let long = [0xff, 0xff, 0xff, 0xfe];
    assert_eq!(put(35, &long), Err("LEDGER-022"), "length of the cutoff");
    assert_eq!(put(43, &[0xff]), Err("LEDGER-022"), "panel is not UTF-8");
    // A field that has to be there, and fields of one length, with another one.
    let with = |fields: [Option<&[u8]>; 7]| {
        let mut bytes = good[..35].to_vec();
        for field in fields {
            let length = field.map_or(u32::MAX, |field| u32::try_from(field.len()).unwrap());
            bytes.extend_from_slice(&length.to_be_bytes());
            bytes.extend_from_slice(field.unwrap_or_default());
        }
        code(&bytes)
    };
    let by = Some(b"olena".as_slice());
    assert_eq!(with([None, None, None, by, None, None, None]), Ok(()));
    assert_eq!(with([None; 7]), Err("LEDGER-022"));
    assert_eq!(
        with([by, None, None, by, None, None, None]),
        Err("LEDGER-022")
    );
    assert_eq!(
        with([None, None, None, by, None, by, None]),
        Err("LEDGER-022")
    );
    assert_eq!(
        with([None, None, None, by, None, None, by]),
        Err("LEDGER-022")
    );
    assert_eq!(unhex(&hex(&good)), good);
}

proptest! {
    #[test]
    fn statements_come_back(
        kind in prop::sample::select(StatementKind::ALL),
        numbers: [i64; 2],
        range in (1..1_000_u64, 0..1_000_u64, 0..1_000_u64),
        texts in prop::array::uniform3(option::of("[a-z0-9@. олена-]{1,30}")),
        by in "[a-z]{1,9}",
        cutoff: bool,
        seal in option::of(any::<[u8; 32]>()),
        after in option::of(any::<[u8; 32]>()),
    ) {
        let (first, more, events) = range;
        let [panel, subject, approved_by] = texts;
        let statement = Statement::new(Declaration {
            kind,
            at: Micros(numbers[0]),
            first: Seq(first),
            last: Seq(first + more),
            events: 1 + events.min(more),
            cutoff: cutoff.then_some(Micros(numbers[1])),
            panel,
            subject,
            by,
            approved_by,
            reason: seal.map(ReasonSeal),
            after: after.map(Hash),
        }).unwrap();
        let entry = LedgerEntry::from(statement);
        prop_assert_eq!(LedgerEntry::parse(&entry.to_bytes()), Ok(entry));
    }
}
