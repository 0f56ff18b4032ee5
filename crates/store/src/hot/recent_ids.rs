//! The highest ids that were accepted: most submissions are known or new without a look-up.
//!
//! Requests that run side by side end in another order than they began, so an id is seldom above
//! all others, but it is nearly always above all those that are not kept here. The lowest ids leave
//! first, not the oldest: a few ids from the far future cost their places and nothing else.

use std::collections::BTreeMap;

use admintrail_event::EventId;

use crate::archive::Known;

/// About 3 MB; the requests of seconds on the busiest proxy.
const KEPT: usize = 32_768;

/// What can be said of an id without asking the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Seen {
    /// Accepted before.
    Known(Known),
    /// Never accepted.
    New,
    /// Only the database knows.
    Perhaps,
}

/// Every accepted id is kept here or lies at or below the floor.
#[derive(Debug)]
pub(crate) struct RecentIds {
    /// By the id as a number, which is compared faster than its bytes.
    kept: BTreeMap<u128, Known>,
    /// The highest accepted id that may not be kept.
    floor: Option<u128>,
    most: usize,
}

impl RecentIds {
    /// `floor`: the highest id that was accepted before, if any.
    pub(crate) fn above(floor: Option<EventId>) -> Self {
        Self {
            kept: BTreeMap::new(),
            floor: floor.map(number),
            most: KEPT,
        }
    }

    pub(crate) fn look(&self, id: EventId) -> Seen {
        let id = number(id);
        if Some(id) > self.floor {
            self.kept
                .get(&id)
                .map_or(Seen::New, |known| Seen::Known(*known))
        } else {
            Seen::Perhaps
        }
    }

    /// Keeps an id that is accepted now.
    pub(crate) fn accept(&mut self, id: EventId, known: Known) {
        let id = number(id);
        if Some(id) <= self.floor {
            return;
        }
        self.kept.insert(id, known);
        while self.kept.len() > self.most {
            let Some((lowest, _)) = self.kept.pop_first() else {
                return;
            };
            self.floor = self.floor.max(Some(lowest));
        }
    }

    /// Takes back what [`Self::accept`] kept: it was not stored after all. The floor may stay too
    /// high, which costs look-ups and is never wrong.
    pub(crate) fn forget(&mut self, id: EventId) {
        self.kept.remove(&number(id));
    }

    /// An id turned out to be stored, of which nothing else is known.
    pub(crate) fn found(&mut self, id: EventId) {
        self.floor = self.floor.max(Some(number(id)));
    }
}

fn number(id: EventId) -> u128 {
    u128::from_be_bytes(*id.as_bytes())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use admintrail_event::{Micros, Seq};
    use proptest::prelude::*;

    use super::*;

    fn id(n: u8) -> EventId {
        EventId::new(
            Micros(1_795_356_000_000_000 + i64::from(n) * 1_000),
            [0; 10],
        )
    }

    fn known(seq: u64) -> Known {
        Known {
            seq: Seq(seq),
            digest: [u8::try_from(seq % 256).unwrap(); 16],
        }
    }

    fn keeping(most: usize, floor: Option<EventId>) -> RecentIds {
        RecentIds {
            most,
            ..RecentIds::above(floor)
        }
    }

    #[test]
    fn ids_of_concurrent_requests_need_no_look_up() {
        let mut recent = RecentIds::above(Some(id(0)));
        for (seq, n) in [5, 3, 4, 9, 7, 1].into_iter().enumerate() {
            assert_eq!(recent.look(id(n)), Seen::New, "{n}");
            recent.accept(id(n), known(seq as u64));
        }
        assert_eq!(recent.look(id(3)), Seen::Known(known(1)));
        assert_eq!(recent.look(id(0)), Seen::Perhaps);
    }

    #[test]
    fn an_id_from_the_far_future_costs_its_place_alone() {
        let mut recent = keeping(4, None);
        recent.accept(id(255), known(1));
        for n in 1..100 {
            assert_eq!(recent.look(id(n)), Seen::New, "{n}");
            recent.accept(id(n), known(2));
        }
    }

    proptest! {
        /// Whatever is stored is known or looked up, with the seq and digest it was stored with,
        /// and whatever is said to be new is new; failed commits included.
        #[test]
        fn what_is_stored_is_never_taken_for_new(
            before in prop::collection::vec(0..=255_u8, 0..4),
            commits in prop::collection::vec((prop::collection::vec(0..=255_u8, 1..12), 0..4_u8), 0..40),
        ) {
            let mut stored: BTreeMap<EventId, Known> = BTreeMap::new();
            stored.extend(before.iter().map(|n| (id(*n), known(0))));
            let mut recent = keeping(6, stored.keys().next_back().copied());
            let mut seq = 0;
            for (ids, fate) in commits {
                let mut pending = stored.clone();
                let mut added = Vec::new();
                for n in ids {
                    let there = pending.get(&id(n)).copied();
                    match recent.look(id(n)) {
                        Seen::New => prop_assert_eq!(there, None),
                        Seen::Known(said) => prop_assert_eq!(there, Some(said)),
                        Seen::Perhaps => {}
                    }
                    if there.is_none() {
                        seq += 1;
                        pending.insert(id(n), known(seq));
                        recent.accept(id(n), known(seq));
                        added.push(id(n));
                    }
                }
                match fate {
                    // The commit failed.
                    0 => added.iter().for_each(|id| recent.forget(*id)),
                    // It failed, and was found on the disk afterwards.
                    1 => {
                        added.iter().for_each(|id| recent.forget(*id));
                        added.iter().for_each(|id| recent.found(*id));
                        stored = pending;
                    }
                    _ => stored = pending,
                }
            }
        }
    }
}
