//! The tiles that were used last, each as the small tree that it is.

use crate::Tree;

/// Enough for the way from the root to two leaves of the largest tree, with its right edge.
const TILES: usize = 24;

/// Which tile: its level and its index. Its width follows from the tree.
type Place = (u8, u64);

/// At most [`TILES`] tiles with their inner hashes, 16 KiB each.
#[derive(Debug, Default)]
pub(super) struct Cache {
    /// The one used last at the end.
    tiles: Vec<(Place, Tree)>,
}

impl Cache {
    /// The tile, which counts as used now.
    pub(super) fn get(&mut self, place: Place) -> Option<&Tree> {
        let at = self.tiles.iter().position(|(kept, _)| *kept == place)?;
        let used = self.tiles.remove(at);
        self.tiles.push(used);
        self.tiles.last().map(|(_, tile)| tile)
    }

    /// Keeps a tile, for which the one that was not used for longest goes.
    pub(super) fn put(&mut self, place: Place, tile: Tree) {
        if self.tiles.len() >= TILES {
            self.tiles.remove(0);
        }
        self.tiles.push((place, tile));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_used_for_longest_goes() {
        let mut cache = Cache::default();
        for index in 0..100 {
            cache.put((0, index), Tree::new());
            assert!(cache.get((0, 0)).is_some(), "used all the time");
        }
        assert_eq!(cache.tiles.len(), TILES);
        assert!(cache.get((0, 1)).is_none() && cache.get((0, 99)).is_some());
    }
}
