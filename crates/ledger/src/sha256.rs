//! SHA-256 (FIPS 180-4) by whole blocks, of one message or of two at a time.
//!
//! The steps of one message wait for each other; a processor that has instructions for them is half idle
//! meanwhile. The steps of another message, block by block in turns, fill the gaps: two messages take
//! hardly longer than one. What compresses a block is `sha2`'s; here are only the order of the blocks,
//! the padding and the initial values.

use sha2::block_api::compress256;

use crate::Hash;

/// Bytes of a block.
pub(crate) const BLOCK: usize = 64;

/// Bytes of the padding that have a meaning: one that ends the message and eight for its length.
const LENGTH: usize = 8;

/// What the blocks so far come to.
#[derive(Clone, Copy)]
pub(crate) struct State([u32; 8]);

impl State {
    /// Before the first block (FIPS 180-4 section 5.3.3).
    pub(crate) const INITIAL: Self = Self([
        0x6a09_e667,
        0xbb67_ae85,
        0x3c6e_f372,
        0xa54f_f53a,
        0x510e_527f,
        0x9b05_688c,
        0x1f83_d9ab,
        0x5be0_cd19,
    ]);

    #[inline]
    pub(crate) fn with(mut self, blocks: &[[u8; BLOCK]]) -> Self {
        compress256(&mut self.0, blocks);
        self
    }

    /// What it is after the last block.
    #[inline]
    pub(crate) fn hash(self) -> Hash {
        let mut hash = [0; Hash::BYTES];
        for (to, word) in hash.as_chunks_mut::<4>().0.iter_mut().zip(self.0) {
            *to = word.to_be_bytes();
        }
        Hash(hash)
    }
}

/// Two states with the blocks of their messages.
pub(crate) fn both([mut one, mut other]: [State; 2], messages: [&[[u8; BLOCK]]; 2]) -> [State; 2] {
    let [longer, shorter] = messages;
    let shared = longer.len().min(shorter.len());
    let (of_one, rest_of_one) = longer.split_at(shared);
    let (of_other, rest_of_other) = shorter.split_at(shared);
    for (a, b) in of_one.chunks(1).zip(of_other.chunks(1)) {
        compress256(&mut one.0, a);
        compress256(&mut other.0, b);
    }
    [one.with(rest_of_one), other.with(rest_of_other)]
}

/// Ends a message, of which `before` bytes in whole blocks went before what is in the buffer.
pub(crate) fn pad(buffer: &mut Vec<u8>, before: usize) {
    let bits = (before + buffer.len()) as u64 * 8;
    buffer.push(0x80);
    let whole = (buffer.len() + LENGTH).next_multiple_of(BLOCK);
    buffer.resize(whole - LENGTH, 0);
    buffer.extend_from_slice(&bits.to_be_bytes());
}

/// The last block of a message whose rest has `N` bytes, 55 at most, with `before` bytes before it.
#[inline]
pub(crate) fn last_block<const N: usize>(rest: [u8; N], before: usize) -> [u8; BLOCK] {
    const {
        assert!(
            N + 1 + LENGTH <= BLOCK,
            "a rest and its padding are one block"
        );
    }
    let mut block = [0; BLOCK];
    if let Some(to) = block.first_chunk_mut() {
        *to = rest;
    }
    if let Some(to) = block.get_mut(N) {
        *to = 0x80;
    }
    if let Some(to) = block.last_chunk_mut() {
        *to = ((before + N) as u64 * 8).to_be_bytes();
    }
    block
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use sha2::{Digest, Sha256};

    use super::*;

    fn padded(message: &[u8]) -> Vec<u8> {
        let mut buffer = message.to_vec();
        pad(&mut buffer, 0);
        buffer
    }

    fn blocks(buffer: &[u8]) -> &[[u8; BLOCK]] {
        let (blocks, rest) = buffer.as_chunks();
        assert!(rest.is_empty());
        blocks
    }

    proptest! {
        #[test]
        fn hashes_are_those_of_sha2(
            one in prop::collection::vec(any::<u8>(), 0..300),
            other in prop::collection::vec(any::<u8>(), 0..300),
        ) {
            let expected = [&one, &other].map(|message| Hash(Sha256::digest(message).into()));
            let messages = [padded(&one), padded(&other)];
            let hashed = messages.each_ref().map(|message| State::INITIAL.with(blocks(message)).hash());
            prop_assert_eq!(hashed, expected);
            let [one, other] = messages.each_ref().map(|message| blocks(message));
            prop_assert_eq!(both([State::INITIAL; 2], [one, other]).map(State::hash), expected);
        }

        #[test]
        fn a_rest_ends_what_went_before(first: [u8; BLOCK], rest: [u8; 32]) {
            let expected = Hash(Sha256::digest([&first[..], &rest].concat()).into());
            let state = State::INITIAL.with(&[first, last_block(rest, BLOCK)]);
            prop_assert_eq!(state.hash(), expected);
        }
    }
}
