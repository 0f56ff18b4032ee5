//! Randomness of the workloads: whole numbers only, so that every machine draws the same.

/// `SplitMix64`: small, and good enough for a workload.
#[derive(Debug, Clone)]
pub(super) struct Random(pub(super) u64);

/// The first ranks of a Zipf distribution are flattened by this many, as Mandelbrot has it: the
/// busiest of thousands still is one person.
const FLATTENED: u64 = 8;

impl Random {
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound.max(1)
    }

    pub(super) fn index(&mut self, length: usize) -> usize {
        usize::try_from(self.below(length as u64)).unwrap_or(0)
    }

    pub(super) fn bytes(&mut self) -> [u8; 16] {
        let [a, b] = [self.next(), self.next()];
        (u128::from(a) << 64 | u128::from(b)).to_be_bytes()
    }

    /// Whether something happens that does so `part` times in `whole`.
    pub(super) fn chance(&mut self, part: u64, whole: u64) -> bool {
        self.below(whole) < part
    }

    /// A rank from 0 on, rank `r` in proportion to `1 / (r + 8)`: each octave is as likely as the
    /// next, and within one all are.
    pub(super) fn zipf(&mut self, count: u64) -> u64 {
        let first = FLATTENED.ilog2();
        let octaves = u64::from((count + FLATTENED).ilog2() - first) + 1;
        loop {
            let octave = 1u64 << (u64::from(first) + self.below(octaves));
            let rank = octave + self.below(octave) - FLATTENED;
            if rank < count.max(1) {
                return rank;
            }
        }
    }

    /// About this much, as durations are: most near the median, a few many times as long. The
    /// logarithm is the sum of four even draws, with a deviation of 1.3 octaves.
    pub(super) fn spread(&mut self, median: u64) -> u64 {
        let drawn = self.next();
        let sum: u64 = (0..4).map(|word| drawn >> (16 * word) & 0xffff).sum();
        // Octaves in 16.16: the sum has a deviation of 0.577.
        let octaves = (sum.cast_signed() - 131_070) * 9 / 4;
        let fraction = octaves.rem_euclid(65_536).unsigned_abs();
        let scaled = (median * (65_536 + fraction)) >> 16;
        match octaves.div_euclid(65_536) {
            up @ 0.. => scaled << up,
            down => scaled >> -down,
        }
    }
}
