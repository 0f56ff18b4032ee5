//! Trees, tiles and trails that tests are made with.

use std::collections::BTreeMap;

use admintrail_ledger::{Hash, TileId, TileWriter, Tree, TreeHead};

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
