//! Which ids a segment may hold: a blocked Bloom filter (Putze, Sanders, Singler 2007), so that one
//! id costs one read of 32 bytes and nothing is kept in memory.

use admintrail_event::EventId;

/// Bytes of a block; an id's bits are all in one.
pub(crate) const BLOCK: usize = 32;
/// Bits an id sets in its block.
const BITS: u32 = 6;
/// Bits an id costs: about three of a hundred others are taken for it.
const BITS_PER_ID: usize = 9;

/// The filter as it is built, or all of it in memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bloom {
    bytes: Vec<u8>,
}

impl Bloom {
    pub(crate) fn for_ids(ids: usize) -> Self {
        let blocks = (ids * BITS_PER_ID).div_ceil(BLOCK * 8).max(1);
        Self {
            bytes: vec![0; blocks * BLOCK],
        }
    }

    pub(crate) fn insert(&mut self, id: &[u8; 16]) {
        let hash = hash(id);
        let block = block_of(hash, self.bytes.len() / BLOCK);
        if let Some(block) = self.bytes.chunks_exact_mut(BLOCK).nth(block) {
            for bit in bits(hash) {
                if let Some(byte) = block.get_mut(bit / 8) {
                    *byte |= 1 << (bit % 8);
                }
            }
        }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// Which block of so many an id's bits are in.
pub(crate) fn block_for(id: EventId, blocks: usize) -> usize {
    block_of(hash(id.as_bytes()), blocks)
}

/// Whether the block may be of a filter that holds the id.
pub(crate) fn may_hold(block: &[u8], id: EventId) -> bool {
    bits(hash(id.as_bytes())).all(|bit| block.get(bit / 8).is_some_and(|b| b >> (bit % 8) & 1 == 1))
}

/// The random part of an id is as good as a hash, unless somebody chose it; mixing costs nothing.
fn hash(id: &[u8; 16]) -> u64 {
    let (high, low) = id.split_at(8);
    let word = |bytes: &[u8]| u64::from_le_bytes(bytes.try_into().unwrap_or_default());
    let mut hash = word(low) ^ word(high).rotate_left(32);
    hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ (hash >> 31)
}

fn block_of(hash: u64, blocks: usize) -> usize {
    let scaled = (u128::from(hash >> 32) * blocks as u128) >> 32;
    usize::try_from(scaled).unwrap_or(0)
}

fn bits(hash: u64) -> impl Iterator<Item = usize> {
    let mut state = hash | 1;
    (0..BITS).map(move |_| {
        state = state.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
        (state >> 56) as usize % (BLOCK * 8)
    })
}

#[cfg(test)]
mod tests {
    use admintrail_event::Micros;

    use super::*;

    fn id(n: u64) -> EventId {
        let mut random = [0; 10];
        random[..8].copy_from_slice(&n.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes());
        EventId::new(Micros(1_795_356_000_000_000 + n as i64), random)
    }

    #[test]
    fn no_id_is_missed_and_few_are_taken_for_others() {
        let mut bloom = Bloom::for_ids(10_000);
        (0..10_000).for_each(|n| bloom.insert(id(n).as_bytes()));
        let blocks = bloom.bytes().len() / BLOCK;
        let asked = |n: u64| {
            let at = block_for(id(n), blocks) * BLOCK;
            may_hold(&bloom.bytes()[at..at + BLOCK], id(n))
        };
        assert!((0..10_000).all(asked));
        let wrong = (10_000..110_000).filter(|n| asked(*n)).count();
        assert!(wrong < 3_500, "{wrong} of 100,000");
    }
}
