//! Which of several equal lines of a file one is.

use std::mem;

use hashbrown::HashMap;

/// Different lines that are told apart at least; about 2 MB for each of two tables.
const REMEMBERED: usize = 100_000;

/// Counts equal lines. Programs that send no ids write lines in the order of time, and equal ones
/// have the same time: so only the latest lines are remembered, however long the file is. Equal
/// lines that stand further apart get one id, and so count as one event.
pub(super) struct Repeats {
    /// How often each was seen, by what stands for the line.
    young: HashMap<u64, u32>,
    /// Those that were young before.
    old: HashMap<u64, u32>,
    remembered: usize,
}

impl Repeats {
    pub(super) fn new() -> Self {
        Self::of(REMEMBERED)
    }

    fn of(remembered: usize) -> Self {
        Self {
            young: HashMap::new(),
            old: HashMap::new(),
            remembered,
        }
    }

    /// How many lines like this one came before.
    pub(super) fn before(&mut self, line: u64) -> u32 {
        if let Some(seen) = self.young.get_mut(&line) {
            let before = *seen;
            *seen = seen.saturating_add(1);
            return before;
        }
        let before = self.old.get(&line).copied().unwrap_or(0);
        if self.young.len() >= self.remembered {
            mem::swap(&mut self.young, &mut self.old);
            self.young.clear();
        }
        self.young.insert(line, before.saturating_add(1));
        before
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_lines_are_counted_and_others_are_not() {
        let mut repeats = Repeats::of(100);
        let before: Vec<u32> = [1, 2, 1, 1, 3, 2].map(|line| repeats.before(line)).into();
        assert_eq!(before, [0, 0, 1, 2, 0, 1]);
    }

    #[test]
    fn lines_near_each_other_are_remembered_and_memory_has_an_end() {
        let after_many = || {
            let mut repeats = Repeats::of(10);
            for line in 0..1_000 {
                assert_eq!(repeats.before(line), 0);
                assert!(repeats.young.len() <= 10 && repeats.old.len() <= 10);
            }
            repeats
        };
        for back in 1..=10 {
            assert_eq!(after_many().before(1_000 - back), 1, "{back} lines ago");
        }
        assert_eq!(after_many().before(1), 0, "forgotten");
    }

    #[test]
    fn what_comes_often_is_not_forgotten() {
        let mut repeats = Repeats::of(10);
        for line in 0..1_000 {
            repeats.before(line);
            assert_eq!(u64::from(repeats.before(u64::MAX)), line);
        }
    }
}
