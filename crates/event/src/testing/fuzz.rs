//! Feeding readers of foreign bytes with damaged examples.
//!
//! Runs on the stable toolchain as an ordinary test: a bounded number of cases, the same each time.
//! `cargo xtask fuzz` makes it go on for longer; what fails is printed with the bytes that do it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

/// Cases of an ordinary test run.
const CASES: u64 = 3_000;

/// No example grows past this many bytes.
const MAX_BYTES: usize = 4_096;

/// How much to try. Time comes from whoever tests: this room has none.
pub struct Effort {
    time: Option<Duration>,
    clock: fn() -> Duration,
}

impl Effort {
    /// A bounded number of cases, the same each time; or, with a number of `seconds` (the variable
    /// `ADMINTRAIL_FUZZ_SECONDS`), others each time for as long. The clock counts from anywhere.
    #[must_use]
    pub fn new(seconds: Option<&str>, clock: fn() -> Duration) -> Self {
        let seconds = seconds.and_then(|seconds| seconds.parse().ok());
        let time = seconds.map(Duration::from_secs);
        Self { time, clock }
    }
}

/// Calls `target` with what becomes of the examples when bytes are changed, cut out, doubled, mixed
/// between them, or replaced by `words` that mean something to the reader.
///
/// # Panics
/// Where the target does; says the bytes.
#[expect(clippy::panic, reason = "a test fails so")]
pub fn fuzz(effort: &Effort, examples: &[&[u8]], words: &[&[u8]], target: impl Fn(&[u8])) {
    let until = effort.time.map(|time| (effort.clock)() + time);
    let seed = until.map_or(1, |until| u64::try_from(until.as_nanos()).unwrap_or(1));
    let mut dice = Dice(seed);
    let mut cases = 0;
    while until.map_or(cases < CASES, |until| (effort.clock)() < until) {
        let bytes = dice.example(examples, words);
        if let Err(cause) = catch_unwind(AssertUnwindSafe(|| target(&bytes))) {
            let cause = cause
                .downcast_ref::<String>()
                .map(String::as_str)
                .or_else(|| cause.downcast_ref::<&str>().copied())
                .unwrap_or("it panicked");
            panic!("{cause}; with b\"{}\"", bytes.escape_ascii());
        }
        cases += 1;
    }
}

/// SplitMix64: enough to damage bytes with.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Below `end`; 0 if that is 0.
    fn below(&mut self, end: usize) -> usize {
        let end = u64::try_from(end).unwrap_or(u64::MAX).max(1);
        usize::try_from(self.next() % end).unwrap_or(0)
    }

    fn one_of<'a>(&mut self, all: &[&'a [u8]]) -> &'a [u8] {
        let at = self.below(all.len());
        all.get(at).copied().unwrap_or_default()
    }

    fn example(&mut self, examples: &[&[u8]], words: &[&[u8]]) -> Vec<u8> {
        let mut bytes = self.one_of(examples).to_vec();
        for _ in 0..self.below(6) {
            self.damage(&mut bytes, examples, words);
        }
        bytes.truncate(MAX_BYTES);
        bytes
    }

    fn damage(&mut self, bytes: &mut Vec<u8>, examples: &[&[u8]], words: &[&[u8]]) {
        let (from, to) = {
            let (a, b) = (self.below(bytes.len() + 1), self.below(bytes.len() + 1));
            (a.min(b), a.max(b))
        };
        let put: Vec<u8> = match self.below(7) {
            // One bit, one byte, or a run of them.
            0 => {
                let bit = 1 << self.below(8);
                if let Some(byte) = bytes.get_mut(from) {
                    *byte ^= bit;
                }
                return;
            }
            1 => {
                let value = self.next().to_le_bytes();
                if let (Some(byte), [value, ..]) = (bytes.get_mut(from), value) {
                    *byte = value;
                }
                return;
            }
            2 => self.next().to_le_bytes().to_vec(),
            // Nothing, or the same twice.
            3 => Vec::new(),
            4 => {
                let piece = bytes.get(from..to).unwrap_or_default();
                [piece, piece].concat()
            }
            // A word of the reader's language, or the end of another example.
            5 => self.one_of(words).to_vec(),
            _ => {
                let other = self.one_of(examples);
                let start = self.below(other.len() + 1);
                other.get(start..).unwrap_or_default().to_vec()
            }
        };
        // Half of the time it replaces something, else it is put in between.
        let to = if self.below(2) == 0 { to } else { from };
        bytes.splice(from..to, put);
    }
}
