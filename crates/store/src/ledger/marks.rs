//! What tells an event of a block from its neighbours when the block's root does not fit. It proves
//! nothing; it names the event that is not as it was.
//!
//! Of each hash twelve bits are kept. One in 4,096 changed events fits them all the same, so there are
//! sums over all hashes of the block, too: what is wrong with the sums and is not explained by the events
//! that do not fit tells of the one that does. The sums are those of a Reed–Solomon code: each hash is
//! an element of GF(2³²), and the sum number *k* has it multiplied by *x* to the power of *k* times its
//! place. With *n* events known as changed, *n* sums are used up, and two more find one that is hidden.
//!
//! Where more is changed than the sums can tell, the marks alone speak: the event that is named is one
//! that was changed, and one time in 4,096 the one before it was, too.

use admintrail_ledger::Hash;

/// Sums of a block that has as many events.
const SUMS: usize = 8;

/// x³² in GF(2³²): the field's polynomial is x³² + x²² + x² + x + 1, which is primitive.
const REDUCED: u32 = (1 << 22) | 0b111;

/// The marks of a block's hashes in their order, two in three bytes, and the sums.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Marks(pub(crate) Vec<u8>);

impl Marks {
    fn of(hash: Hash) -> u16 {
        let [high, low, ..] = hash.0;
        u16::from_be_bytes([high, low]) >> 4
    }

    /// Bytes of so many marks.
    const fn bytes(events: usize) -> usize {
        (events * 3).div_ceil(2)
    }

    pub(crate) fn pack(hashes: &[Hash]) -> Self {
        let sums = sums(hashes);
        let mut bytes = Vec::with_capacity(Self::bytes(hashes.len()) + 4 * sums.len());
        for pair in hashes.chunks(2) {
            let mut marks = pair.iter().map(|hash| Self::of(*hash));
            let (one, other) = (marks.next().unwrap_or(0), marks.next());
            let [high, low] = (one << 4 | other.unwrap_or(0) >> 8).to_be_bytes();
            bytes.extend([high, low]);
            bytes.extend(other.map(|other| other.to_be_bytes()[1]));
        }
        bytes.extend(sums.into_iter().flat_map(u32::to_be_bytes));
        Self(bytes)
    }

    /// Whether the hash at a place may be the one that was there.
    fn fits(&self, place: usize, hash: Hash) -> bool {
        let at = place / 2 * 3;
        let byte = |at: usize| self.0.get(at).copied().map(u16::from);
        let mark = if place.is_multiple_of(2) {
            byte(at).zip(byte(at + 1)).map(|(a, b)| a << 4 | b >> 4)
        } else {
            byte(at + 1)
                .zip(byte(at + 2))
                .map(|(a, b)| (a & 0xf) << 8 | b)
        };
        mark.is_none_or(|mark| mark == Self::of(hash))
    }

    /// The place of the first of a block's hashes that is not as it was; `None` if that cannot be told.
    pub(crate) fn first_changed(&self, hashes: &[Hash]) -> Option<usize> {
        let all = hashes.iter().enumerate();
        let changed = all.filter(|(place, hash)| !self.fits(*place, **hash));
        let changed: Vec<usize> = changed.map(|(place, _)| place).collect();
        let hidden = self.hidden(hashes, &changed);
        changed.first().copied().into_iter().chain(hidden).min()
    }

    /// The one that is changed beside those, although it fits its mark.
    fn hidden(&self, hashes: &[Hash], changed: &[usize]) -> Option<usize> {
        let kept = self.0.get(Self::bytes(hashes.len())..)?.as_chunks::<4>().0;
        let kept = kept.iter().copied().map(u32::from_be_bytes);
        let wrong = kept.zip(sums(hashes)).map(|(was, is)| was ^ is);
        let mut wrong: Vec<u32> = wrong.collect();
        for place in changed {
            // Adds each sum, times what this event has more in the next one, to the next one.
            let next = wrong.iter().skip(1);
            let without = wrong.iter().zip(next);
            wrong = without
                .map(|(sum, next)| power(*sum, *place) ^ next)
                .collect();
        }
        if wrong.len() < 2 || wrong.iter().all(|sum| *sum == 0) {
            return None;
        }
        let (_, next) = wrong.split_first()?;
        let mut multiplied = wrong.clone();
        (0..hashes.len()).find(|_| {
            let found = multiplied.iter().zip(next).all(|(sum, next)| sum == next);
            multiplied.iter_mut().for_each(|sum| *sum = times_x(*sum));
            found
        })
    }
}

/// No more than there are events, and none for one that is alone: it is the one.
fn sums(hashes: &[Hash]) -> Vec<u32> {
    let count = if hashes.len() > 1 { hashes.len() } else { 0 };
    let mut sums = vec![0; count.min(SUMS)];
    for hash in hashes.iter().rev() {
        let [_, _, _, _, a, b, c, d, ..] = hash.0;
        let element = u32::from_be_bytes([a, b, c, d]);
        for (k, sum) in sums.iter_mut().enumerate() {
            *sum = few_times_x(*sum, k) ^ element;
        }
    }
    sums
}

/// An element of the field, multiplied by x fewer than ten times.
#[inline]
const fn few_times_x(element: u32, times: usize) -> u32 {
    // What is shifted out comes back times what x³² is.
    let out = (((element as u64) << times) >> 32) as u32;
    (element << times) ^ (out << 22) ^ (out << 2) ^ (out << 1) ^ out
}

/// An element of the field, multiplied by x so many times.
fn power(element: u32, times: usize) -> u32 {
    (0..times).fold(element, |element, _| times_x(element))
}

const fn times_x(element: u32) -> u32 {
    (element << 1) ^ ((element >> 31) * REDUCED)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn hashes(most: usize) -> impl Strategy<Value = Vec<Hash>> {
        let hash = any::<[u8; 32]>().prop_map(Hash);
        prop::collection::vec(hash, 1..most)
    }

    /// Another hash with the same mark.
    fn disguised(hash: Hash) -> Hash {
        let mut other = Hash::of_leaf(&hash.0);
        other.0[..2].copy_from_slice(&hash.0[..2]);
        other
    }

    #[test]
    fn no_two_places_of_a_block_are_multiplied_alike() {
        let mut seen = std::collections::HashSet::new();
        let mut element = 1;
        for _ in 0..admintrail_ledger::MAX_BLOCK_EVENTS {
            assert!(seen.insert(element));
            element = times_x(element);
        }
    }

    proptest! {
        #[test]
        fn a_few_times_are_as_many_times(element: u32, times in 0_usize..10) {
            prop_assert_eq!(few_times_x(element, times), power(element, times));
        }

        /// A mark fits its own hash and no other that begins otherwise, and takes twelve bits.
        #[test]
        fn marks_fit_what_begins_alike(hashes in hashes(40), other in any::<[u8; 32]>()) {
            let marks = Marks::pack(&hashes);
            prop_assert!(marks.0.len() <= hashes.len() * 3 / 2 + 1 + 4 * SUMS);
            prop_assert_eq!(marks.first_changed(&hashes), None);
            for (place, hash) in hashes.iter().enumerate() {
                prop_assert!(marks.fits(place, *hash));
                let same = Marks::of(*hash) == Marks::of(Hash(other));
                prop_assert_eq!(marks.fits(place, Hash(other)), same);
            }
        }

        /// The first of a few that were changed is named, though one of them fits its mark.
        #[test]
        fn the_first_that_changed_is_named(
            hashes in hashes(300),
            places in prop::collection::vec(any::<prop::sample::Index>(), 1..8),
            hidden in any::<prop::sample::Index>(),
        ) {
            prop_assume!(hashes.len() > 16);
            let marks = Marks::pack(&hashes);
            let mut places: Vec<usize> = places.iter().map(|at| at.index(hashes.len())).collect();
            places.sort_unstable();
            places.dedup();
            let hidden = places[hidden.index(places.len())];
            let mut now = hashes.clone();
            for place in &places {
                // All but one have another mark.
                now[*place] = disguised(hashes[*place]);
                if *place != hidden {
                    now[*place].0[0] ^= 1;
                }
            }
            prop_assert_eq!(marks.first_changed(&now), Some(places[0]));
        }

        /// Where all is changed, marks still tell.
        #[test]
        fn a_changed_rest_of_a_block_is_named(hashes in hashes(300), from in any::<prop::sample::Index>()) {
            let marks = Marks::pack(&hashes);
            let from = from.index(hashes.len());
            let mut now = hashes.clone();
            for hash in &mut now[from..] {
                hash.0[0] ^= 1;
            }
            prop_assert_eq!(marks.first_changed(&now), Some(from));
        }

        /// Whatever is kept, it is read without a fault.
        #[test]
        fn any_bytes_may_be_kept(bytes in prop::collection::vec(any::<u8>(), 0..90), hashes in hashes(60)) {
            let _ = Marks(bytes).first_changed(&hashes);
        }
    }
}
