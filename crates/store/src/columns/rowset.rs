//! Which rows of a chunk: one bit each.

/// Rows of a chunk in memory; those of sealed ones have more.
pub(crate) const CHUNK_ROWS: usize = 4096;

/// A set of rows of one chunk. Rows past its last word are not in it.
#[derive(Clone)]
pub(crate) struct RowSet {
    words: Vec<u64>,
}

impl RowSet {
    /// No row.
    pub(crate) const fn none() -> Self {
        Self { words: Vec::new() }
    }

    /// The first `rows` rows.
    pub(crate) fn all(rows: usize) -> Self {
        let mut words = vec![u64::MAX; rows.div_ceil(64)];
        if let (Some(last), rest @ 1..) = (words.last_mut(), rows % 64) {
            *last = (1 << rest) - 1;
        }
        Self { words }
    }

    /// The rows for which the predicate over their values holds.
    pub(crate) fn of_values<T: Copy>(values: &[T], holds: impl Fn(T) -> bool) -> Self {
        let word = |values: &[T]| {
            let mut bits = 0_u64;
            for (bit, value) in values.iter().enumerate() {
                bits |= u64::from(holds(*value)) << bit;
            }
            bits
        };
        Self {
            words: values.chunks(64).map(word).collect(),
        }
    }

    /// The rows of an Arrow bitmap that begins at bit 0.
    pub(crate) fn of_bits(bits: &arrow_buffer::BooleanBuffer) -> Self {
        let words = bits.bit_chunks().iter_padded();
        Self {
            words: words.take(bits.len().div_ceil(64)).collect(),
        }
    }

    pub(crate) fn and(&mut self, other: &Self) {
        self.words.truncate(other.words.len());
        self.each(other, |a, b| a & b);
    }

    pub(crate) fn or(&mut self, other: &Self) {
        if self.words.len() < other.words.len() {
            self.words.resize(other.words.len(), 0);
        }
        self.each(other, |a, b| a | b);
    }

    pub(crate) fn and_not(&mut self, other: &Self) {
        self.each(other, |a, b| a & !b);
    }

    fn each(&mut self, other: &Self, op: impl Fn(u64, u64) -> u64) {
        for (word, other) in self.words.iter_mut().zip(&other.words) {
            *word = op(*word, *other);
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.words.iter().all(|word| *word == 0)
    }

    pub(crate) fn count(&self) -> u64 {
        self.words
            .iter()
            .map(|word| u64::from(word.count_ones()))
            .sum()
    }

    /// The rows, ascending.
    pub(crate) fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        self.words
            .iter()
            .enumerate()
            .flat_map(|(index, word)| Bits(*word).map(move |bit| index * 64 + bit))
    }
}

/// The set bits of a word, ascending.
struct Bits(u64);

impl Iterator for Bits {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        if self.0 == 0 {
            return None;
        }
        let bit = self.0.trailing_zeros() as usize;
        self.0 &= self.0 - 1;
        Some(bit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_of_every_size_count_what_they_hold() {
        for rows in [0, 1, 63, 64, 65, 4095, 4096] {
            let all = RowSet::all(rows);
            assert_eq!(all.count() as usize, rows);
            assert_eq!(
                all.iter().collect::<Vec<_>>(),
                (0..rows).collect::<Vec<_>>()
            );
        }
        let values: Vec<u32> = (0..200).collect();
        let thirds = RowSet::of_values(&values, |v| v % 3 == 0);
        assert_eq!(thirds.iter().count(), 67);
        let mut rest = RowSet::all(200);
        rest.and_not(&thirds);
        assert_eq!(rest.count(), 133);
    }
}
