//! Hashes of events, blocks, and the bytes of their entries.

use admintrail_event::testing::{accepted, event, workload};
use admintrail_event::{CanonicalFields, LogId, Micros, Seq};
use admintrail_ledger::{
    BlockEntry, BlockKey, EventHasher, Hash, LedgerEntry, LedgerError, OpenBlock, Salt, Tree,
};
use hmac::{Hmac, KeyInit, Mac};
use proptest::prelude::*;
use sha2::{Digest, Sha256};

use crate::samples::{blocks, leaf};

/// The bytes of a golden vector of canonical events.
fn golden(vector: &str) -> Vec<u8> {
    let fields = vector.lines().filter(|line| !line.starts_with('#'));
    let digits: String = fields
        .filter_map(|line| line.split_once(' '))
        .filter(|(name, _)| *name != "sha256")
        .map(|(_, digits)| digits.replace(' ', ""))
        .collect();
    unhex(&digits)
}

pub(crate) fn unhex(digits: &str) -> Vec<u8> {
    (0..digits.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap())
        .collect()
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn counting_key() -> [u8; 32] {
    std::array::from_fn(|at| u8::try_from(at).unwrap())
}

/// Made by another program (Python's hashlib and hmac) from the formats as they are described.
#[test]
fn the_golden_event_has_the_golden_salt_hash_and_entry() {
    let canonical = golden(include_str!("../../../event/tests/canonical/full.txt"));
    let salt = BlockKey::new(&counting_key()).salt(Seq(4711));
    assert_eq!(salt.to_string(), "0854261ea43317a3b4e9be7a6af4ab26");
    let hash = EventHasher::new().hash_bytes(salt, &canonical);
    assert_eq!(
        hash.to_string(),
        "f30a8895175ed3bc73f8a3ec3ca25dd5fd186dd7d217af985b0834c9b952d1cc"
    );
    let mut block = OpenBlock::new(Seq(4711));
    let received = Micros(1_795_357_918_140_250);
    block.push(Seq(4711), received, hash).unwrap();
    let entry = LedgerEntry::from(block.close().unwrap()).to_bytes();
    assert_eq!(
        hex(&entry),
        "\
         01000000000000126700000001000660de56f4975a000660de56f4975af30a8895175ed3bc73f8a3\
         ec3ca25dd5fd186dd7d217af985b0834c9b952d1cc"
    );
    assert_eq!(
        Hash::of_leaf(&entry).to_string(),
        "b1f13679cb704ad00bd104c2acbbf6e687aba5939509679e1d8154ffc51bb0f6"
    );
}

#[test]
fn a_root_of_one_event_is_its_hash_and_no_second_prefix() {
    let hash = leaf(1);
    let mut block = OpenBlock::new(Seq(9));
    block.push(Seq(9), Micros(5), hash).unwrap();
    assert_eq!(block.close().unwrap().root(), hash);
}

#[test]
fn the_same_event_has_another_hash_under_another_salt_or_number() {
    let event = accepted(workload(3, 1).next().unwrap(), LogId([1; 16]), 7);
    let fields = CanonicalFields::from(&event);
    let mut hasher = EventHasher::new();
    let [a, b] = [[1; 32], [2; 32]].map(|key| BlockKey::new(&key));
    let hashes = [
        hasher.hash(a.salt(Seq(7)), &fields),
        hasher.hash(a.salt(Seq(8)), &fields),
        hasher.hash(b.salt(Seq(7)), &fields),
        hasher.hash(Salt([0; 16]), &fields),
    ];
    let different: std::collections::BTreeSet<_> = hashes.iter().collect();
    assert_eq!(different.len(), 4);
}

#[test]
fn secrets_are_not_shown_by_debug() {
    let key = BlockKey::new(&[0xa7; 32]);
    let shown = format!("{key:?} {:?}", key.salt(Seq(1)));
    assert_eq!(shown, "BlockKey(secret) Salt(secret)");
}

#[test]
fn a_block_takes_consecutive_events_until_it_is_full() {
    let mut block = OpenBlock::new(Seq(10));
    assert!(block.is_empty() && block.close().is_err());
    for seq in [9, 11, 0, u64::MAX] {
        let refused = Err(LedgerError::NotNext {
            seq: Seq(seq),
            next: Some(Seq(10)),
        });
        assert_eq!(block.push(Seq(seq), Micros(0), leaf(0)), refused);
    }
    for seq in 10..10 + 4_096 {
        block.push(Seq(seq), Micros(-1), leaf(seq)).unwrap();
    }
    assert!(block.is_full());
    let refused = block.push(Seq(4_106), Micros(0), leaf(0)).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "event 4106 is not the next one of the block, which is full"
    );
    let entry = block.close().unwrap();
    assert_eq!((entry.count(), entry.last()), (4_096, Seq(4_105)));
    assert_eq!(entry.received(), (Micros(-1), Micros(-1)));
}

#[test]
fn the_last_number_of_all_ends_a_block() {
    let mut block = OpenBlock::new(Seq(u64::MAX));
    block.push(Seq(u64::MAX), Micros(0), leaf(0)).unwrap();
    assert_eq!(block.next(), None);
    assert_eq!(block.close().unwrap().last(), Seq(u64::MAX));
}

#[test]
fn bounds_are_those_of_the_moments_in_any_order() {
    let mut block = OpenBlock::new(Seq(1));
    for (seq, at) in [(1, 50), (2, -7), (3, 90), (4, 3)] {
        block.push(Seq(seq), Micros(at), leaf(seq)).unwrap();
    }
    let entry = block.close().unwrap();
    assert_eq!(entry.received(), (Micros(-7), Micros(90)));
    let tree: Tree = (1..=4).map(leaf).collect();
    assert_eq!(entry.root(), tree.root());
}

#[test]
fn bytes_that_are_no_entry_are_refused() {
    let good = LedgerEntry::from(blocks(&[3])[0].entry).to_bytes();
    assert_eq!(good.len(), BlockEntry::BYTES);
    let parsed = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = good.clone();
        change(&mut bytes);
        LedgerEntry::parse(&bytes).map(|_| ()).map_err(|e| e.code())
    };
    assert_eq!(parsed(&|_| ()), Ok(()));
    for length in 0..good.len() {
        assert_eq!(parsed(&|bytes| bytes.truncate(length)), Err("LEDGER-020"));
    }
    assert_eq!(parsed(&|bytes| bytes.push(0)), Err("LEDGER-020"));
    let put = |at: usize, value: &[u8]| {
        parsed(&|bytes| bytes[at..at + value.len()].copy_from_slice(value))
    };
    // First number 0, past the end; no event, too many; moments in the wrong order.
    assert_eq!(put(1, &[0; 8]), Err("LEDGER-020"));
    assert_eq!(put(1, &[0xff; 8]), Err("LEDGER-020"));
    assert_eq!(put(9, &[0; 4]), Err("LEDGER-020"));
    assert_eq!(put(9, &4_097_u32.to_be_bytes()), Err("LEDGER-020"));
    assert_eq!(put(13, &i64::MAX.to_be_bytes()), Err("LEDGER-020"));
    for kind in [0, 3, 255] {
        assert_eq!(put(0, &[kind]), Err("LEDGER-021"), "no fault");
    }
}

proptest! {
    #[test]
    fn entries_come_back(
        first in 1..u64::MAX / 2, count in 1..=4_096_u32, a: i64, b: i64, root: [u8; 32],
    ) {
        let received = (Micros(a.min(b)), Micros(a.max(b)));
        let entry = BlockEntry::new(Seq(first), count, received, Hash(root)).unwrap();
        let bytes = LedgerEntry::from(entry).to_bytes();
        prop_assert_eq!(LedgerEntry::parse(&bytes), Ok(entry.into()));
    }

    #[test]
    fn salts_and_hashes_are_those_of_the_formula(event in event(), key: [u8; 32]) {
        let mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
        let mac = mac.chain_update(event.seq.0.to_be_bytes()).finalize().into_bytes();
        let salt = BlockKey::new(&key).salt(event.seq);
        prop_assert_eq!(&salt.0[..], &mac[..16]);
        prop_assert_eq!(salt.to_string().parse(), Ok(salt));
        let fields = CanonicalFields::from(&event);
        let canonical = fields.to_bytes();
        let whole = [&[0][..], &salt.0, &canonical].concat();
        let expected = Hash(Sha256::digest(whole).into());
        let mut hasher = EventHasher::new();
        prop_assert_eq!(hasher.hash(salt, &fields), expected);
        prop_assert_eq!(hasher.hash_bytes(salt, &canonical), expected);
        prop_assert_eq!(Hash::of_leaf(&[&salt.0[..], &canonical].concat()), expected);
    }
}
