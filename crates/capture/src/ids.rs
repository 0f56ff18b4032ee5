//! Event ids from a fast generator per thread. They must be unique, not secret.

use std::cell::Cell;

use admintrail_event::{EventId, Micros};

thread_local! {
    static STATE: Cell<[u64; 4]> = Cell::new(seed());
}

/// Seeds from the operating system; where that fails, from what differs between threads and runs.
fn seed() -> [u64; 4] {
    let mut bytes = [0_u8; 32];
    if getrandom::fill(&mut bytes).is_err() {
        use std::hash::{BuildHasher, RandomState};
        for chunk in bytes.chunks_mut(8) {
            let word = RandomState::new()
                .hash_one(std::thread::current().id())
                .to_le_bytes();
            chunk.copy_from_slice(&word);
        }
    }
    let (words, _) = bytes.as_chunks::<8>();
    let mut state = [1_u64; 4];
    for (to, from) in state.iter_mut().zip(words) {
        *to = u64::from_le_bytes(*from);
    }
    // xoshiro must not start from all zeros.
    if state == [0; 4] { [1; 4] } else { state }
}

/// xoshiro256++ (Blackman and Vigna).
fn next(state: &mut [u64; 4]) -> u64 {
    let [a, b, c, d] = state;
    let result = a.wrapping_add(*d).rotate_left(23).wrapping_add(*a);
    let t = *b << 17;
    *c ^= *a;
    *d ^= *b;
    *b ^= *c;
    *a ^= *d;
    *c ^= t;
    *d = d.rotate_left(45);
    result
}

/// A new id for something that began at `time`.
pub(crate) fn new_id(time: Micros) -> EventId {
    STATE.with(|cell| {
        let mut state = cell.get();
        let (high, low) = (next(&mut state), next(&mut state));
        cell.set(state);
        let wide = (u128::from(high) << 64 | u128::from(low)).to_le_bytes();
        let mut random = [0; 10];
        for (to, from) in random.iter_mut().zip(wide) {
            *to = from;
        }
        EventId::new(time, random)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_made_in_the_same_moment_on_many_threads_differ() {
        let threads: Vec<_> = (0..8)
            .map(|_| {
                std::thread::spawn(|| (0..20_000).map(|_| new_id(Micros(7))).collect::<Vec<_>>())
            })
            .collect();
        let mut all: Vec<_> = threads
            .into_iter()
            .flat_map(|t| t.join().unwrap())
            .collect();
        all.sort();
        all.dedup();
        assert_eq!(all.len(), 160_000);
    }
}
