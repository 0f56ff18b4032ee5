//! Checkpoints that somebody else keeps: what no owner of this machine can take back.

use std::cmp::Reverse;

use admintrail_event::Micros;
use parking_lot::RwLock;

/// A checkpoint that was brought out of this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Anchor {
    /// Where it is kept, as people call that place: `backup-host`.
    pub place: String,
    /// When it came there.
    pub at: Micros,
    /// Entries that it covers.
    pub size: u64,
}

/// The anchors that are known. The binary sets them, pages tell them.
#[derive(Debug, Default)]
pub struct Anchors(RwLock<Vec<Anchor>>);

impl Anchors {
    /// Says which there are.
    pub fn set(&self, anchors: Vec<Anchor>) {
        *self.0.write() = anchors;
    }

    /// Those that there are, the last one first.
    #[must_use]
    pub fn list(&self) -> Vec<Anchor> {
        let mut anchors = self.0.read().clone();
        anchors.sort_by_key(|anchor| Reverse((anchor.at, anchor.size)));
        anchors
    }

    /// The first that covers an entry of the ledger: since then nobody here can change it unnoticed.
    #[must_use]
    pub fn covering(&self, entry: u64) -> Option<Anchor> {
        let anchors = self.0.read();
        let covering = anchors.iter().filter(|anchor| anchor.size > entry);
        covering.min_by_key(|anchor| anchor.at).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_covered_by_the_first_anchor_that_is_larger_than_its_place() {
        let anchors = Anchors::default();
        assert_eq!(anchors.covering(0), None);
        let anchor = |place: &str, at, size| Anchor {
            place: place.to_owned(),
            at: Micros(at),
            size,
        };
        anchors.set(vec![
            anchor("late", 30, 12),
            anchor("early", 10, 10),
            anchor("small", 5, 9),
        ]);
        let place = |entry| anchors.covering(entry).map(|anchor| anchor.place);
        assert_eq!(place(8).as_deref(), Some("small"));
        assert_eq!(place(9).as_deref(), Some("early"));
        assert_eq!(place(10).as_deref(), Some("late"));
        assert_eq!(place(12), None);
        assert_eq!(anchors.list()[0].place, "late");
    }
}
