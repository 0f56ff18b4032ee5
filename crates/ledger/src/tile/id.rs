//! Which tile, and its path: `tile/<L>/x001/x234/067[.p/<W>]`, `tile/entries/…`.

use std::fmt;
use std::str::FromStr;

use super::TILE_WIDTH;
use crate::LedgerError;

/// Base-2 logarithm of [`TILE_WIDTH`]: how many levels of the tree one level of tiles spans.
pub(crate) const TILE_HEIGHT: u32 = TILE_WIDTH.trailing_zeros();

/// The highest level that a path may name (tlog-tiles); no tree of 2^64 leaves reaches it.
const MAX_LEVEL: u8 = 63;

/// What a tile holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TileLevel {
    /// The entries themselves, in a bundle.
    Entries,
    /// Hashes: of the leaves on level 0, of the full tiles of the level below elsewhere. At most 63.
    Hashes(u8),
}

/// One tile or bundle of one width. Shown as its path, relative to the ledger's prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TileId {
    level: TileLevel,
    index: u64,
    width: u16,
}

impl TileId {
    /// # Errors
    /// LEDGER-006 for a level above 63 or a width that is not 1 to 256.
    pub fn new(level: TileLevel, index: u64, width: u16) -> Result<Self, LedgerError> {
        let tile = Self {
            level,
            index,
            width,
        };
        let has_level = !matches!(level, TileLevel::Hashes(level) if level > MAX_LEVEL);
        if has_level && (1..=TILE_WIDTH).contains(&width) {
            Ok(tile)
        } else {
            Err(LedgerError::NotTile {
                path: tile.to_string(),
            })
        }
    }

    /// The tile as wide as it is in a tree of `size` leaves; `None` if it is empty there.
    #[must_use]
    pub fn in_tree(level: TileLevel, index: u64, size: u64) -> Option<Self> {
        let before = index.checked_mul(u64::from(TILE_WIDTH))?;
        let left = nodes(level, size).checked_sub(before)?;
        let width = u16::try_from(left.min(u64::from(TILE_WIDTH))).ok()?;
        Self::new(level, index, width).ok()
    }

    /// Every tile and bundle of a tree of `size` leaves, the entries first, then level by level.
    pub fn all(size: u64) -> impl Iterator<Item = Self> {
        levels(size).flat_map(move |level| {
            let tiles = nodes(level, size).div_ceil(u64::from(TILE_WIDTH));
            (0..tiles).filter_map(move |index| Self::in_tree(level, index, size))
        })
    }

    /// What it holds.
    #[must_use]
    pub const fn level(&self) -> TileLevel {
        self.level
    }

    /// Which one of its level, from 0 on.
    #[must_use]
    pub const fn index(&self) -> u64 {
        self.index
    }

    /// How many hashes or entries, 1 to 256.
    #[must_use]
    pub const fn width(&self) -> u16 {
        self.width
    }

    /// Whether it is at the right edge and still grows.
    #[must_use]
    pub const fn is_partial(&self) -> bool {
        self.width < TILE_WIDTH
    }

    /// The full tile in its place.
    #[must_use]
    pub const fn full(&self) -> Self {
        Self {
            width: TILE_WIDTH,
            ..*self
        }
    }

    /// The folder of all partial widths of this tile. It may be removed once the full one is there.
    #[must_use]
    pub fn partial_folder(&self) -> String {
        format!("{}.p", self.full())
    }
}

/// The levels of a tree that have tiles at all.
fn levels(size: u64) -> impl Iterator<Item = TileLevel> {
    let hashes = (0..=MAX_LEVEL).map(TileLevel::Hashes);
    std::iter::once(TileLevel::Entries)
        .chain(hashes)
        .take_while(move |level| nodes(*level, size) > 0)
}

/// How many hashes or entries a whole level has: one for each complete subtree of 256^level leaves.
fn nodes(level: TileLevel, size: u64) -> u64 {
    match level {
        TileLevel::Entries => size,
        TileLevel::Hashes(level) => size
            .checked_shr(u32::from(level) * TILE_HEIGHT)
            .unwrap_or(0),
    }
}

impl fmt::Display for TileId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.level {
            TileLevel::Entries => f.write_str("tile/entries/")?,
            TileLevel::Hashes(level) => write!(f, "tile/{level}/")?,
        }
        // Three digits an element, all but the last with an `x`.
        let mut divisor = 1;
        while self.index / divisor >= 1_000 {
            divisor *= 1_000;
        }
        while divisor > 1 {
            write!(f, "x{:03}/", self.index / divisor % 1_000)?;
            divisor /= 1_000;
        }
        write!(f, "{:03}", self.index % 1_000)?;
        if self.is_partial() {
            write!(f, ".p/{}", self.width)?;
        }
        Ok(())
    }
}

/// Reads a path in the one spelling that it has.
impl FromStr for TileId {
    type Err = LedgerError;

    fn from_str(path: &str) -> Result<Self, LedgerError> {
        parse(path)
            // Leading zeros, signs and needless elements would be other names of the same tile.
            .filter(|tile| tile.to_string() == path)
            .ok_or_else(|| LedgerError::NotTile {
                path: path.chars().take(100).collect(),
            })
    }
}

fn parse(path: &str) -> Option<TileId> {
    let (level, rest) = path.strip_prefix("tile/")?.split_once('/')?;
    let level = match level {
        "entries" => TileLevel::Entries,
        number => TileLevel::Hashes(number.parse().ok()?),
    };
    let (elements, width) = match rest.split_once(".p/") {
        Some((elements, width)) => (elements, width.parse().ok()?),
        None => (rest, TILE_WIDTH),
    };
    let mut index = 0_u64;
    for element in elements.split('/') {
        let digits = element.strip_prefix('x').unwrap_or(element);
        if digits.len() != 3 {
            return None;
        }
        let number: u64 = digits.parse().ok()?;
        index = index.checked_mul(1_000)?.checked_add(number)?;
    }
    TileId::new(level, index, width).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tile(level: TileLevel, index: u64, width: u16) -> TileId {
        TileId::new(level, index, width).unwrap()
    }

    #[test]
    fn paths_are_those_of_the_specification() {
        for (tile, path) in [
            (
                tile(TileLevel::Hashes(0), 1_234_067, 256),
                "tile/0/x001/x234/067",
            ),
            (tile(TileLevel::Hashes(1), 0, 17), "tile/1/000.p/17"),
            (tile(TileLevel::Hashes(63), 999, 1), "tile/63/999.p/1"),
            (
                tile(TileLevel::Hashes(2), 1_000, 255),
                "tile/2/x001/000.p/255",
            ),
            (tile(TileLevel::Entries, 273, 112), "tile/entries/273.p/112"),
            (
                tile(TileLevel::Entries, u64::MAX, 256),
                "tile/entries/x018/x446/x744/x073/x709/x551/615",
            ),
        ] {
            assert_eq!(tile.to_string(), path);
            assert_eq!(path.parse(), Ok(tile));
        }
        let partial = tile(TileLevel::Hashes(0), 1_273, 9);
        assert_eq!(partial.partial_folder(), "tile/0/x001/273.p");
    }

    #[test]
    fn any_other_spelling_is_refused() {
        for path in [
            "",
            "tile",
            "tile/0",
            "tile/0/",
            "tile/0/0",
            "tile/0/0000",
            "tile/0/001/",
            "/tile/0/001",
            "tile/00/001",
            "tile/+1/001",
            "tile/-1/001",
            "tile/64/001",
            "tile/256/001",
            "tile/data/001",
            "tile/0/x001",
            "tile/0/001/002",
            "tile/0/x000/001",
            "tile/0/+01",
            "tile/0/x+01/001",
            "tile/0/001.p/0",
            "tile/0/001.p/256",
            "tile/0/001.p/01",
            "tile/0/001.p/",
            "tile/0/001.p",
            "tile/0/001.p/1/2",
            "tile/0/\u{661}\u{662}\u{663}",
            "tile/entries/x018/x446/x744/x073/x709/x551/616",
            "tile/entries/x999/x999/x999/x999/x999/x999/x999/999",
        ] {
            assert!(path.parse::<TileId>().is_err(), "{path}");
        }
    }

    #[test]
    fn a_tree_of_70_000_has_the_tiles_of_the_specification() {
        let mut widths = std::collections::BTreeMap::<TileLevel, Vec<u16>>::new();
        for tile in TileId::all(70_000) {
            widths.entry(tile.level()).or_default().push(tile.width());
        }
        let leaves = [vec![256; 273], vec![112]].concat();
        let expected = [
            (TileLevel::Entries, leaves.clone()),
            (TileLevel::Hashes(0), leaves),
            (TileLevel::Hashes(1), vec![256, 17]),
            (TileLevel::Hashes(2), vec![1]),
        ];
        assert_eq!(widths, expected.into());
    }

    #[test]
    fn a_full_tile_alone_has_a_parent_of_one() {
        let tiles: Vec<String> = TileId::all(256).map(|tile| tile.to_string()).collect();
        assert_eq!(tiles, ["tile/entries/000", "tile/0/000", "tile/1/000.p/1"]);
        assert_eq!(TileId::all(0).count(), 0);
        let last = TileLevel::Hashes(7);
        assert_eq!(TileId::in_tree(last, 0, u64::MAX).unwrap().width(), 255);
        assert_eq!(TileId::in_tree(TileLevel::Hashes(8), 0, u64::MAX), None);
        assert_eq!(
            TileId::in_tree(TileLevel::Entries, u64::MAX, u64::MAX),
            None
        );
    }
}
