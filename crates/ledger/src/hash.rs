//! Hashes, and the two ways in which RFC 6962 section 2.1 makes them: of a leaf and of a node.

use std::fmt;
use std::str::FromStr;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use sha2::{Digest, Sha256};

use crate::LedgerError;
use crate::sha256::{BLOCK, State, both, last_block};

/// Begins what is hashed for a leaf, so that no leaf can be taken for a node.
pub(crate) const LEAF_PREFIX: u8 = 0;

/// Begins what is hashed for a node.
const NODE_PREFIX: u8 = 1;

/// A SHA-256 hash: of a leaf, of a subtree, of an event. Shown as 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash(pub [u8; 32]);

impl Hash {
    /// How many bytes a hash has.
    pub const BYTES: usize = 32;

    /// The root of a tree without leaves: the SHA-256 of nothing (RFC 6962 section 2.1).
    pub const EMPTY_TREE: Self = Self([
        0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9,
        0x24, 0x27, 0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52,
        0xb8, 0x55,
    ]);

    /// The hash of a leaf: `SHA-256(0x00 ‖ data)`.
    #[must_use]
    pub fn of_leaf(data: &[u8]) -> Self {
        let hasher = Sha256::new().chain_update([LEAF_PREFIX]);
        Self(hasher.chain_update(data).finalize().into())
    }

    /// The hash of a node: `SHA-256(0x01 ‖ left ‖ right)`.
    #[must_use]
    pub fn of_node(left: Self, right: Self) -> Self {
        State::INITIAL.with(&node(left, right)).hash()
    }

    /// The hashes of two nodes, given by their sides: hardly slower than that of one.
    pub(crate) fn of_nodes(sides: [[Self; 2]; 2]) -> [Self; 2] {
        let [one, other] = sides.map(|[left, right]| node(left, right));
        both([State::INITIAL; 2], [&one, &other]).map(State::hash)
    }

    /// The standard base64 of it, as checkpoints have it.
    #[must_use]
    pub fn to_base64(self) -> String {
        BASE64_STANDARD.encode(self.0)
    }

    /// Reads [`Hash::to_base64`]; `None` for anything else.
    #[must_use]
    pub fn from_base64(text: &str) -> Option<Self> {
        let bytes = BASE64_STANDARD.decode(text).ok()?;
        bytes.try_into().map(Self).ok()
    }

    /// The hashes of a run of bytes; `None` unless it is whole hashes.
    pub(crate) fn run(bytes: &[u8]) -> Option<impl Iterator<Item = Self> + '_> {
        let (hashes, rest) = bytes.as_chunks::<{ Self::BYTES }>();
        rest.is_empty().then(|| hashes.iter().copied().map(Self))
    }
}

/// What is hashed for a node: the last byte of the right side is the first of the second block.
#[inline]
fn node(left: Hash, right: Hash) -> [[u8; BLOCK]; 2] {
    let mut blocks = [[NODE_PREFIX; BLOCK], last_block([0], BLOCK)];
    let (_, hashes) = blocks.as_flattened_mut().split_at_mut(1);
    let sides = hashes.as_chunks_mut::<{ Hash::BYTES }>().0;
    for (to, side) in sides.iter_mut().zip([left, right]) {
        *to = side.0;
    }
    blocks
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Reads 64 lower-case hexadecimal digits.
impl FromStr for Hash {
    type Err = LedgerError;

    fn from_str(text: &str) -> Result<Self, LedgerError> {
        hex_bytes(text).map(Self).ok_or(LedgerError::NotHex {
            digits: 2 * Self::BYTES,
        })
    }
}

impl Serialize for Hash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Hash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

/// `N` bytes of exactly `2 N` lower-case hexadecimal digits: one spelling for one value.
pub(crate) fn hex_bytes<const N: usize>(text: &str) -> Option<[u8; N]> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if pairs.len() != N || !rest.is_empty() {
        return None;
    }
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let mut out = [0; N];
    for (to, [high, low]) in out.iter_mut().zip(pairs) {
        *to = digit(*high)? << 4 | digit(*low)?;
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_of_nothing_is_the_empty_tree() {
        assert_eq!(Hash(Sha256::digest([]).into()), Hash::EMPTY_TREE);
    }

    #[test]
    fn a_leaf_is_no_node_and_sides_matter() {
        let [a, b] = [Hash([1; 32]), Hash([2; 32])];
        assert_ne!(Hash::of_node(a, b), Hash::of_node(b, a));
        assert_ne!(Hash::of_node(a, b), Hash::of_leaf(&[a.0, b.0].concat()));
        let by_hand = [&[1][..], &a.0, &b.0].concat();
        assert_eq!(Hash::of_node(a, b), Hash(Sha256::digest(by_hand).into()));
    }

    #[test]
    fn hashes_read_back_from_every_spelling_they_have() {
        let hash = Hash::of_leaf(b"x");
        assert_eq!(hash.to_string().parse::<Hash>(), Ok(hash));
        assert_eq!(Hash::from_base64(&hash.to_base64()), Some(hash));
        let json = serde_json::to_string(&hash).unwrap();
        assert_eq!(serde_json::from_str::<Hash>(&json).unwrap(), hash);
        let text = hash.to_string();
        for wrong in [
            "",
            "00",
            &text.to_uppercase(),
            &text[1..],
            &format!("{text}0"),
        ] {
            assert!(wrong.parse::<Hash>().is_err(), "{wrong}");
        }
    }
}
