//! The hash of an event, and the salts that go into it.

use std::fmt;
use std::str::FromStr;

use admintrail_event::{CanonicalFields, Seq};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::hash::{LEAF_PREFIX, hex_bytes};
use crate::sha256::{BLOCK, State, both, last_block, pad};
use crate::{Hash, LedgerError};

/// 16 bytes that go into the hash of one event, secret as long as its content is to be. Shown as 32
/// lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Salt(pub [u8; 16]);

impl fmt::Display for Salt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Keeps it out of logs: whoever wants it shown has [`fmt::Display`].
impl fmt::Debug for Salt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Salt(secret)")
    }
}

impl FromStr for Salt {
    type Err = LedgerError;

    fn from_str(text: &str) -> Result<Self, LedgerError> {
        let bytes = hex_bytes(text);
        bytes.map(Self).ok_or(LedgerError::NotHex { digits: 32 })
    }
}

impl Serialize for Salt {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Salt {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

/// The key of one block, from which the salts of its events follow. To destroy it is to make what
/// the hashes were made of unguessable; events that stay then need their salts kept one by one.
#[derive(Clone)]
pub struct BlockKey {
    /// HMAC's two hashes (RFC 2104) after their first block, which is made of the key alone.
    inner: State,
    outer: State,
}

impl BlockKey {
    /// A key of 32 random bytes, another for each block. Wiping them is the caller's to do.
    #[must_use]
    pub fn new(bytes: &[u8; 32]) -> Self {
        // A key that is shorter than SHA-256's block is filled up with zeros (RFC 2104 section 2).
        let of_key = |pad: u8| {
            let mut block = [pad; BLOCK];
            block
                .iter_mut()
                .zip(bytes)
                .for_each(|(to, byte)| *to ^= byte);
            State::INITIAL.with(&[block])
        };
        Self {
            inner: of_key(0x36),
            outer: of_key(0x5c),
        }
    }

    /// The salt of one event: the first 16 bytes of `HMAC-SHA256(key, seq as u64be)`.
    #[must_use]
    pub fn salt(&self, seq: Seq) -> Salt {
        let message = last_block(seq.0.to_be_bytes(), BLOCK);
        let inner = self.inner.with(&[message]).hash();
        let mac = self.outer.with(&[last_block(inner.0, BLOCK)]).hash();
        Salt(mac.0.first_chunk().copied().unwrap_or_default())
    }
}

impl fmt::Debug for BlockKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BlockKey(secret)")
    }
}

/// Hashes events one after the other without allocating for each.
#[derive(Debug, Default)]
pub struct EventHasher {
    event: SaltedEvent,
}

impl EventHasher {
    /// One for a thread.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            event: SaltedEvent::new(),
        }
    }

    /// `SHA-256(0x00 ‖ salt ‖ canonical bytes)`: the leaf hash of the event in its block.
    #[must_use]
    pub fn hash(&mut self, salt: Salt, fields: &CanonicalFields<'_>) -> Hash {
        self.event.set(salt, fields);
        self.event.hash()
    }

    /// The same for an event whose canonical bytes are at hand.
    #[must_use]
    pub fn hash_bytes(&mut self, salt: Salt, canonical: &[u8]) -> Hash {
        self.event
            .fill(salt, |buffer| buffer.extend_from_slice(canonical));
        self.event.hash()
    }
}

/// An event that is ready to be hashed. Two at a time take hardly longer than one.
#[derive(Default)]
pub struct SaltedEvent {
    /// Whole blocks of SHA-256.
    buffer: Vec<u8>,
}

impl SaltedEvent {
    /// None yet; what is set later uses the same memory.
    #[must_use]
    pub const fn new() -> Self {
        Self { buffer: Vec::new() }
    }

    /// Puts another event in the place of the one before.
    pub fn set(&mut self, salt: Salt, fields: &CanonicalFields<'_>) {
        self.fill(salt, |buffer| fields.write(buffer));
    }

    fn fill(&mut self, salt: Salt, write: impl FnOnce(&mut Vec<u8>)) {
        self.buffer.clear();
        self.buffer.push(LEAF_PREFIX);
        self.buffer.extend_from_slice(&salt.0);
        write(&mut self.buffer);
        pad(&mut self.buffer, 0);
    }

    /// The hash that [`EventHasher::hash`] gives.
    #[must_use]
    pub fn hash(&self) -> Hash {
        State::INITIAL.with(self.blocks()).hash()
    }

    /// The hashes of two.
    #[must_use]
    pub fn hash_both(events: [&Self; 2]) -> [Hash; 2] {
        let initial = [State::INITIAL; 2];
        both(initial, events.map(Self::blocks)).map(State::hash)
    }

    fn blocks(&self) -> &[[u8; BLOCK]] {
        self.buffer.as_chunks().0
    }
}

/// Keeps it out of logs: it has a salt.
impl fmt::Debug for SaltedEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SaltedEvent(secret)")
    }
}

#[cfg(test)]
mod tests {
    use hmac::{Hmac, KeyInit, Mac};
    use proptest::prelude::*;
    use sha2::Sha256;

    use super::*;

    proptest! {
        #[test]
        fn salts_are_those_of_hmac(key: [u8; 32], seq: u64) {
            let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
            mac.update(&seq.to_be_bytes());
            let mac: [u8; 32] = mac.finalize().into_bytes().into();
            prop_assert_eq!(&BlockKey::new(&key).salt(Seq(seq)).0[..], &mac[..16]);
        }

        #[test]
        fn two_at_a_time_hash_as_one_by_one(
            one in admintrail_event::testing::event(),
            other in admintrail_event::testing::event(),
            salts: [[u8; 16]; 2],
        ) {
            let mut events = [SaltedEvent::new(), SaltedEvent::new()];
            let mut hasher = EventHasher::new();
            let mut expected = Vec::new();
            for ((ready, event), salt) in events.iter_mut().zip([&one, &other]).zip(salts) {
                let fields = CanonicalFields::from(event);
                ready.set(Salt(salt), &fields);
                expected.push(hasher.hash(Salt(salt), &fields));
            }
            prop_assert_eq!(&SaltedEvent::hash_both(events.each_ref())[..], &expected[..]);
        }
    }
}
