//! Codes of errors.

use admintrail_event::Seq;
use admintrail_ledger::{LedgerError, TileId, TileLevel};

/// One of each.
fn all() -> Vec<LedgerError> {
    let tile = TileId::new(TileLevel::Entries, 0, 1).unwrap();
    let (seq, cause) = (Seq(1), "x");
    vec![
        LedgerError::NotHex { digits: 64 },
        LedgerError::OutOfTree { index: 1, size: 1 },
        LedgerError::WrongPeaks { size: 1, peaks: 2 },
        LedgerError::NotIncluded { index: 1, size: 1 },
        LedgerError::NotConsistent { old: 1, new: 1 },
        LedgerError::NotTile { path: "x".into() },
        LedgerError::TileMissing { tile },
        LedgerError::TileDamaged { tile, cause },
        LedgerError::EntryTooLong { bytes: 65_536 },
        LedgerError::TilesContradict { size: 1 },
        LedgerError::TileUnreadable {
            tile,
            cause: "x".into(),
        },
        LedgerError::TileUnwritable {
            tile,
            cause: "x".into(),
        },
        LedgerError::NotNote { cause },
        LedgerError::WrongSignature { name: "x".into() },
        LedgerError::NotSigned,
        LedgerError::NotKey { cause },
        LedgerError::NotCheckpoint { cause },
        LedgerError::OtherOrigin { origin: "x".into() },
        LedgerError::NotNext { seq, next: None },
        LedgerError::NotEntry { cause },
        LedgerError::NewerEntry {
            kind: 3,
            version: 0,
        },
        LedgerError::NotStatement { cause },
        LedgerError::NotProof { seq, cause },
        LedgerError::NewerProof { version: 2 },
        LedgerError::NotForPack { seq, cause },
        LedgerError::PackUnwritable { cause: "x".into() },
    ]
}

#[test]
fn every_error_has_a_code_of_its_own() {
    let codes: Vec<&str> = all().iter().map(LedgerError::code).collect();
    assert_eq!(codes, LedgerError::CODES);
    let numbered: Vec<String> = (1..=codes.len())
        .map(|number| format!("LEDGER-{number:03}"))
        .collect();
    assert_eq!(codes, numbered);
}
