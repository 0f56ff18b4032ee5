//! Trees as tiles: written as they grow, read to the same roots and proofs.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::io;

use admintrail_ledger::{
    Frontier, Hash, LedgerError, TILE_WIDTH, TileId, TileLevel, TileReader, TileSink, TileSource,
    TileWriter, Tree, TreeHead,
};
use proptest::prelude::*;

use crate::samples::{Tiles, damaged, leaf, published, tree};

fn entry(number: u64) -> [u8; 8] {
    number.to_be_bytes()
}

fn tiles(size: u64) -> (Tiles, TreeHead) {
    let entries: Vec<[u8; 8]> = (0..size).map(entry).collect();
    published(entries.iter().map(<[u8; 8]>::as_slice))
}

#[test]
fn a_tree_that_is_written_at_once_has_exactly_its_tiles() {
    for size in [0, 1, 255, 256, 257, 511, 512, 70_000] {
        let (tiles, head) = tiles(size);
        assert_eq!(head.size, size);
        let expected: BTreeSet<TileId> = TileId::all(size).collect();
        let written: BTreeSet<TileId> = tiles.keys().copied().collect();
        assert_eq!(written, expected, "{size}");
        let last = TileId::new(TileLevel::Hashes(0), 273, 112).unwrap();
        if size == 70_000 {
            assert_eq!(tiles[&last].len(), 112 * 32);
        }
    }
}

#[test]
fn hashes_of_a_level_are_the_roots_of_the_tiles_below() {
    let (tiles, _) = tiles(70_000);
    let at = |level, index| TileId::in_tree(TileLevel::Hashes(level), index, 70_000);
    let of = |level, index| {
        let bytes = &tiles[&at(level, index).unwrap()];
        bytes.as_chunks::<32>().0.iter().copied().map(Hash)
    };
    for level in [1, 2] {
        let tiles = (0..).map_while(|index| at(level, index));
        let hashes = tiles.flat_map(|tile| of(level, tile.index()));
        for (below, hash) in (0..).zip(hashes) {
            let tree: Tree = of(level - 1, below).collect();
            assert_eq!((tree.size(), tree.root()), (256, hash), "{level} {below}");
        }
    }
}

/// Counts what is read, and refuses to overwrite.
#[derive(Default)]
struct Folder {
    tiles: Tiles,
    reads: Cell<usize>,
}

impl TileSource for Folder {
    fn read(&self, tile: &TileId) -> io::Result<Option<Vec<u8>>> {
        self.reads.set(self.reads.get() + 1);
        self.tiles.read(tile)
    }
}

impl TileSink for Folder {
    fn write(&mut self, tile: &TileId, bytes: &[u8]) -> io::Result<()> {
        if self.tiles.contains_key(tile) {
            return Err(io::Error::other("it is there already"));
        }
        self.tiles.write(tile, bytes)
    }
}

#[test]
fn only_what_is_new_is_written_and_nothing_twice() {
    let mut folder = Folder::default();
    let mut writer = TileWriter::new();
    let mut heads = vec![writer.head()];
    for number in 0..600 {
        writer.append(&entry(number)).unwrap();
        if number % 7 == 0 {
            writer.write_to(&mut folder).unwrap();
            assert_eq!(writer.files(), []);
            heads.push(writer.head());
        }
    }
    writer.write_to(&mut folder).unwrap();
    heads.push(writer.head());
    // Every checkpoint of then finds its tiles, and they prove that the last one begins with it.
    for head in heads {
        assert!(TileId::all(head.size).all(|tile| folder.tiles.contains_key(&tile)));
        let mut reader = TileReader::new(&folder, writer.head());
        assert_eq!(reader.consistency(head.size).unwrap().0, head);
    }
}

#[test]
fn what_could_not_be_written_is_written_the_next_time() {
    struct Full;
    impl TileSink for Full {
        fn write(&mut self, _: &TileId, _: &[u8]) -> io::Result<()> {
            Err(io::Error::other("disk full"))
        }
    }
    let mut writer = TileWriter::new();
    for number in 0..300 {
        writer.append(&entry(number)).unwrap();
    }
    let files = writer.files();
    let error = writer.write_to(&mut Full).unwrap_err();
    assert_eq!(
        error.to_string(),
        "cannot write tile/entries/000: disk full"
    );
    assert_eq!(writer.files(), files);
    assert!(files.iter().all(|file| !file.bytes.is_empty()));
}

#[test]
fn a_writer_that_died_goes_on_from_the_tiles() {
    for size in [0, 1, 200, 255, 256, 300, 511, 512, 65_535, 65_536, 66_000] {
        let (tiles, head) = tiles(size);
        let mut again = TileWriter::resume(&tiles, head).unwrap();
        assert_eq!(again.head(), head);
        assert_eq!(again.files(), []);
        for number in size..size + 300 {
            again.append(&entry(number)).unwrap();
        }
        let (whole, expected) = self::tiles(size + 300);
        assert_eq!(again.head(), expected, "{size}");
        let mut both = tiles;
        again.write_to(&mut both).unwrap();
        for (tile, bytes) in whole {
            assert_eq!(both.get(&tile), Some(&bytes), "{size} {tile}");
        }
    }
}

#[test]
fn the_reader_says_what_the_tree_in_memory_says() {
    for size in [1, 2, 255, 256, 257, 700, 1_000] {
        let tree = tree(size);
        let (tiles, head) = tiles(size);
        let mut reader = TileReader::new(&tiles, head);
        assert_eq!(reader.frontier().unwrap().head(), tree.head());
        for index in 0..size {
            let (hash, proof) = reader.inclusion(index).unwrap();
            assert_eq!((hash, Ok(proof)), (leaf(index), tree.inclusion(index)));
            assert_eq!(reader.root_at(index), tree.root_at(index));
            let (old, proof) = reader.consistency(index).unwrap();
            assert_eq!(Ok(old.root), tree.root_at(index));
            assert_eq!(Ok(proof), tree.consistency(index));
        }
        for index in 0..size.div_ceil(256) {
            let from = index * 256;
            let numbers = from..size.min(from + 256);
            let expected: Vec<_> = numbers.map(|number| entry(number).to_vec()).collect();
            assert_eq!(reader.bundle(index).unwrap(), expected);
        }
        let outside = Err(LedgerError::OutOfTree { index: size, size });
        assert_eq!(reader.inclusion(size).map(|_| ()), outside);
        assert_eq!(reader.leaf(size).map(|_| ()), outside);
        assert!(reader.bundle(size.div_ceil(256)).is_err());
        assert!(reader.consistency(size + 1).is_err());
    }
}

#[test]
fn partial_tiles_may_go_once_the_full_ones_are_there() {
    let (_, head) = tiles(300);
    let (later, _) = tiles(70_000);
    // What the larger tree has is enough: its tiles are full where those of the smaller one were not.
    let mut reader = TileReader::new(&later, head);
    let missing = TileId::new(TileLevel::Hashes(1), 0, 1).unwrap();
    assert!(later.contains_key(&missing.full()));
    assert_eq!(reader.frontier().unwrap().head(), head);
    assert_eq!(reader.bundle(1).unwrap().len(), 44);
    assert!(reader.inclusion(299).is_ok());
}

/// The tree of so many equal leaves, whose tiles need not be kept to be known.
struct Endless {
    /// The root of 256^level leaves, by level.
    nodes: Vec<Hash>,
    size: u64,
    reads: Cell<usize>,
}

impl Endless {
    fn new(size: u64) -> Self {
        let mut nodes = vec![Hash::of_leaf(b"")];
        for _ in 0..7 {
            let below = *nodes.last().unwrap();
            nodes.push((0..8).fold(below, |hash, _| Hash::of_node(hash, hash)));
        }
        Self {
            nodes,
            size,
            reads: Cell::new(0),
        }
    }

    fn head(&self) -> TreeHead {
        let mut peaks = Vec::new();
        for level in (0..64).filter(|level| self.size >> level & 1 == 1) {
            let root = (0..level).fold(self.nodes[0], |hash, _| Hash::of_node(hash, hash));
            peaks.insert(0, root);
        }
        Frontier::resume(self.size, peaks).unwrap().head()
    }

    /// How many tiles were read since the last time.
    fn reads(&self) -> usize {
        self.reads.replace(0)
    }
}

impl TileSource for Endless {
    fn read(&self, tile: &TileId) -> io::Result<Option<Vec<u8>>> {
        self.reads.set(self.reads.get() + 1);
        let TileLevel::Hashes(level) = tile.level() else {
            return Ok(None);
        };
        let there = TileId::in_tree(tile.level(), tile.index(), self.size) == Some(*tile);
        let hash = self.nodes[usize::from(level)].0;
        Ok(there.then(|| hash.repeat(tile.width().into())))
    }
}

#[test]
fn proofs_of_a_huge_tree_need_few_tiles() {
    for (size, most) in [(10_000_000, 6), (1 << 40, 6), (u64::MAX, 16)] {
        let source = Endless::new(size);
        let head = source.head();
        for index in [0, 1, size / 3, size - 2, size - 1] {
            let mut reader = TileReader::new(&source, head);
            reader.inclusion(index).unwrap();
            let reads = source.reads();
            assert!(reads <= most, "{reads} for {index} of {size}");
            // A neighbour costs nothing more, or one tile.
            reader.inclusion(index.saturating_sub(1)).unwrap();
            assert!(source.reads() <= 1);
        }
        for old in [1, size / 2, size / 3, size - 1] {
            let mut reader = TileReader::new(&source, head);
            reader.consistency(old).unwrap();
            let reads = source.reads();
            assert!(reads <= 2 * most, "{reads} for {old} of {size}");
        }
    }
}

#[test]
fn a_changed_tile_is_found_out() {
    let (tiles, head) = tiles(700);
    for (tile, bytes) in &tiles {
        for bit in [0, 9, bytes.len() * 8 - 1] {
            let mut changed = tiles.clone();
            changed.get_mut(tile).unwrap()[bit / 8] ^= 1 << (bit % 8);
            let mut reader = TileReader::new(&changed, head);
            let all = (0..700).try_for_each(|index| reader.inclusion(index).map(|_| ()));
            let bundles = (0..3).try_for_each(|index| reader.bundle(index).map(|_| ()));
            assert!(all.and(bundles).is_err(), "{tile}");
        }
    }
}

#[test]
fn a_tile_of_another_length_is_damaged_and_one_that_is_gone_missing() {
    let (tiles, head) = tiles(300);
    let errors = |change: &dyn Fn(&mut Tiles)| {
        let mut changed = tiles.clone();
        change(&mut changed);
        let mut reader = TileReader::new(&changed, head);
        [reader.leaf(299).map(|_| ()), reader.bundle(1).map(|_| ())]
            .map(|read| read.map_err(|error| error.code()))
    };
    let hashes = TileId::new(TileLevel::Hashes(0), 1, 44).unwrap();
    let bundle = TileId::new(TileLevel::Entries, 1, 44).unwrap();
    for cut in [0, 1, 31, 32, 44 * 32 - 1] {
        let cut = errors(&|tiles| tiles.get_mut(&hashes).unwrap().truncate(cut));
        assert_eq!(cut, [Err("LEDGER-008"); 2]);
    }
    let long = errors(&|tiles| tiles.get_mut(&hashes).unwrap().push(0));
    assert_eq!(long, [Err("LEDGER-008"); 2]);
    for cut in [0, 1, 9, 10, 44 * 10 - 1] {
        let cut = errors(&|tiles| tiles.get_mut(&bundle).unwrap().truncate(cut));
        assert_eq!(cut, [Ok(()), Err("LEDGER-008")]);
    }
    let gone = errors(&|tiles| drop(tiles.remove(&bundle)));
    assert_eq!(gone, [Ok(()), Err("LEDGER-007")]);
    let gone = errors(&|tiles| drop(tiles.remove(&hashes)));
    assert_eq!(gone, [Err("LEDGER-007"); 2]);
}

#[test]
fn a_source_that_fails_says_why() {
    struct Broken;
    impl TileSource for Broken {
        fn read(&self, _: &TileId) -> io::Result<Option<Vec<u8>>> {
            Err(io::Error::other("connection refused"))
        }
    }
    let head = TreeHead {
        size: 5,
        root: leaf(0),
    };
    let error = TileReader::new(Broken, head).leaf(0).unwrap_err();
    assert_eq!(
        error.to_string(),
        "cannot read tile/0/000.p/5: connection refused"
    );
}

#[test]
fn another_head_than_the_tiles_is_refused() {
    let (tiles, head) = tiles(300);
    let root = damaged(head.root, 77);
    let mut reader = TileReader::new(&tiles, TreeHead { root, ..head });
    let contradict = Err(LedgerError::TilesContradict { size: 300 });
    assert_eq!(reader.frontier().map(|_| ()), contradict);
    assert_eq!(reader.inclusion(7).map(|_| ()), contradict);
    assert_eq!(reader.consistency(7).map(|_| ()), contradict);
    let resumed = TileWriter::resume(&tiles, TreeHead { root, ..head });
    assert_eq!(resumed.map(|_| ()), contradict);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_tree_that_grows_in_steps_reads_like_one_made_at_once(
        steps in prop::collection::vec(1..400_u64, 1..8), index: prop::sample::Index,
    ) {
        let mut tiles = Tiles::new();
        let mut writer = TileWriter::new();
        let mut memory = Tree::new();
        for step in steps {
            for _ in 0..step {
                let number = writer.head().size;
                let hash = writer.append(&entry(number)).unwrap();
                prop_assert_eq!(hash, leaf(number));
                memory.push(hash);
            }
            for file in writer.files() {
                prop_assert!(!file.bytes.is_empty() && file.tile.width() <= TILE_WIDTH);
            }
            writer.write_to(&mut tiles).unwrap();
            prop_assert_eq!(writer.head(), memory.head());
            let mut reader = TileReader::new(&tiles, writer.head());
            let index = index.index(memory.leaves().len()) as u64;
            prop_assert_eq!(reader.inclusion(index).unwrap().1, memory.inclusion(index).unwrap());
            let (_, proof) = reader.consistency(index).unwrap();
            prop_assert_eq!(proof, memory.consistency(index).unwrap());
        }
    }

    #[test]
    fn proofs_of_large_random_trees_hold(size in 1..=u64::MAX, a: u64, b: u64) {
        let source = Endless::new(size);
        let mut reader = TileReader::new(&source, source.head());
        let (hash, proof) = reader.inclusion(a % size).unwrap();
        prop_assert_eq!(proof.verify(hash, source.head()), Ok(()));
        prop_assert!(proof.verify(leaf(0), source.head()).is_err());
        let (old, proof) = reader.consistency(b % size).unwrap();
        prop_assert_eq!(proof.verify(old, source.head()), Ok(()));
        prop_assert_eq!(old, Endless::new(b % size).head());
    }

    #[test]
    fn paths_come_back(level in 0..=63_u8, index: u64, width in 1..=256_u16, entries: bool) {
        let level = if entries { TileLevel::Entries } else { TileLevel::Hashes(level) };
        let tile = TileId::new(level, index, width).unwrap();
        prop_assert_eq!(tile.to_string().parse::<TileId>(), Ok(tile));
    }
}
