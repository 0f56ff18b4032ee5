//! Which texts a row group cannot hold: the three-byte pieces of a column's folded values, as a
//! bitmap. A word with a piece that is not there is not there either, so most searches for something
//! rare look into few groups. Pieces may share a bit: then a group is looked at in vain.

use serde::{Deserialize, Serialize};

use crate::columns::TextColumn;

/// Bits of a bitmap at most.
const MOST_BITS: usize = 1 << 16;
/// Bits a distinct piece gets.
const BITS_PER_PIECE: usize = 8;

/// The pieces of the values of one column of one group.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Grams {
    /// A power of two of bits; empty where there is no value of three bytes or more.
    bytes: Vec<u8>,
}

/// Those of every column that texts are searched in, by group.
pub(crate) type TextGrams = Vec<Vec<Grams>>;

/// Collects pieces.
pub(crate) struct GramsBuilder {
    seen: Vec<u64>,
}

impl Default for GramsBuilder {
    fn default() -> Self {
        Self {
            seen: vec![0; MOST_BITS / 64],
        }
    }
}

impl GramsBuilder {
    pub(crate) fn add(&mut self, column: &TextColumn) {
        for value in column.folded().iter().flatten() {
            let bytes = value.as_bytes();
            let Some((first, rest)) = bytes.split_at_checked(2) else {
                continue;
            };
            let mut piece = first
                .iter()
                .fold(0_u32, |piece, byte| piece << 8 | u32::from(*byte));
            for byte in rest {
                piece = (piece << 8 | u32::from(*byte)) & 0xff_ffff;
                let bit = bit_of(piece);
                if let Some(word) = self.seen.get_mut(bit / 64) {
                    *word |= 1 << (bit % 64);
                }
            }
        }
    }

    /// The bitmap, folded upon itself until it is as small as it may be; empty again afterwards.
    pub(crate) fn finish(&mut self) -> Grams {
        let done = std::mem::take(self);
        let pieces: usize = done.seen.iter().map(|w| w.count_ones() as usize).sum();
        let mut words = done.seen;
        if pieces == 0 {
            return Grams::default();
        }
        let wanted = (pieces * BITS_PER_PIECE).next_power_of_two().max(64);
        while words.len() * 64 > wanted && words.len() > 1 {
            let upper = words.split_off(words.len() / 2);
            for (word, other) in words.iter_mut().zip(upper) {
                *word |= other;
            }
        }
        Grams {
            bytes: words.iter().flat_map(|word| word.to_le_bytes()).collect(),
        }
    }
}

impl Grams {
    /// Whether a folded text may be in one of the values.
    pub(crate) fn may_hold(&self, folded: &str) -> bool {
        let bits = self.bytes.len() * 8;
        folded.as_bytes().windows(3).all(|window| {
            let piece = window
                .iter()
                .fold(0_u32, |piece, byte| piece << 8 | u32::from(*byte));
            bits > 0 && {
                let bit = bit_of(piece) % bits;
                self.bytes
                    .get(bit / 8)
                    .is_some_and(|byte| byte >> (bit % 8) & 1 == 1)
            }
        })
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes.len() + 24
    }
}

/// The bit of a piece in the largest bitmap; in a smaller one its lower part.
fn bit_of(piece: u32) -> usize {
    (piece.wrapping_mul(0x9e37_79b1) >> 16) as usize
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::columns::Coder;

    proptest! {
        #[test]
        fn what_is_there_is_never_ruled_out(
            values in prop::collection::vec("[a-cÄß /0-9]{0,12}", 1..40),
            from in 0_usize..12,
            length in 0_usize..12,
            which in 0_usize..40,
        ) {
            let mut coder = Coder::default();
            values.iter().for_each(|value| coder.push(Some(value.as_bytes())));
            let column = coder.into_texts();
            let mut builder = GramsBuilder::default();
            builder.add(&column);
            let grams = builder.finish();
            let value = admintrail_event::fold(&values[which % values.len()]);
            let part: String = value.chars().skip(from).take(length).collect();
            prop_assert!(grams.may_hold(&part), "{part:?} in {value:?}");
        }
    }

    #[test]
    fn what_shares_no_piece_is_ruled_out() {
        let mut coder = Coder::default();
        coder.push(Some(b"/admin/clients"));
        coder.push(Some(b"x"));
        let mut builder = GramsBuilder::default();
        builder.add(&coder.into_texts());
        let grams = builder.finish();
        assert!(grams.may_hold("client") && grams.may_hold("zz"));
        assert!(!grams.may_hold("invoice"));
        assert!(!GramsBuilder::default().finish().may_hold("abc"));
    }
}
