//! Trees, tiles and trails that tests are made with.

use std::collections::BTreeMap;

use admintrail_event::testing::{accepted, workload};
use admintrail_event::{CanonicalFields, Event, LogId, Micros, Seq};
use admintrail_ledger::{
    BlockEntry, BlockKey, EventHasher, Hash, Kept, LedgerEntry, OpenBlock, RecordedBlock,
    RecordedEvent, Salt, TileId, TileWriter, Tree, TreeHead,
};

/// Tiles in memory.
pub(crate) type Tiles = BTreeMap<TileId, Vec<u8>>;

/// The hash of a leaf that holds its own number.
pub(crate) fn leaf(number: u64) -> Hash {
    Hash::of_leaf(&number.to_be_bytes())
}

/// A tree of so many of them.
pub(crate) fn tree(size: u64) -> Tree {
    (0..size).map(leaf).collect()
}

/// Any of its bits turned.
pub(crate) fn damaged(hash: Hash, bit: usize) -> Hash {
    let mut bytes = hash.0;
    bytes[bit / 8 % 32] ^= 1 << (bit % 8);
    Hash(bytes)
}

/// A block with what went into it.
#[derive(Clone)]
pub(crate) struct Block {
    pub(crate) key: BlockKey,
    pub(crate) events: Vec<Event>,
    pub(crate) hashes: Vec<Hash>,
    pub(crate) entry: BlockEntry,
}

impl Block {
    pub(crate) fn salt(&self, seq: Seq) -> Salt {
        self.key.salt(seq)
    }

    /// As a store would hand it to the verifier.
    pub(crate) fn recorded(&self) -> RecordedBlock {
        let events = self.events.iter().zip(&self.hashes);
        RecordedBlock {
            entry: LedgerEntry::from(self.entry).to_bytes(),
            events: events
                .map(|(event, hash)| RecordedEvent {
                    seq: event.seq,
                    received: Some(event.received),
                    hash: *hash,
                    kept: Kept::Whole,
                })
                .collect(),
        }
    }
}

/// Consecutive blocks of these sizes.
pub(crate) fn blocks(sizes: &[usize]) -> Vec<Block> {
    let mut drafts = workload(7, sizes.iter().sum());
    let mut next = 1;
    let mut hasher = EventHasher::new();
    let mut make = |number: u8, size: usize| {
        let key = BlockKey::new(&[number; 32]);
        let mut open = OpenBlock::new(Seq(next));
        let mut events = Vec::new();
        let mut hashes = Vec::new();
        for draft in drafts.by_ref().take(size) {
            let mut event = accepted(draft, LogId([0xab; 16]), next);
            // Accepted one after the other, whatever their durations.
            event.received = Micros(1_795_000_000_000_000 + i64::try_from(next).unwrap() * 40);
            let fields = CanonicalFields::from(&event);
            let hash = hasher.hash(key.salt(event.seq), &fields);
            open.push(event.seq, event.received, hash).unwrap();
            hashes.push(hash);
            events.push(event);
            next += 1;
        }
        let entry = open.close().unwrap();
        Block {
            key,
            events,
            hashes,
            entry,
        }
    };
    (1..)
        .zip(sizes)
        .map(|(number, size)| make(number, *size))
        .collect()
}

/// The published form of some entries.
pub(crate) fn published<'a>(entries: impl IntoIterator<Item = &'a [u8]>) -> (Tiles, TreeHead) {
    let mut tiles = Tiles::new();
    let mut writer = TileWriter::new();
    for entry in entries {
        writer.append(entry).unwrap();
    }
    writer.write_to(&mut tiles).unwrap();
    (tiles, writer.head())
}
