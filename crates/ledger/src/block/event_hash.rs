//! The hash of an event, and the salts that go into it.

use std::fmt;
use std::str::FromStr;

use admintrail_event::{CanonicalFields, Seq};
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use sha2::{Digest, Sha256};

use crate::hash::{LEAF_PREFIX, hex_bytes};
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
pub struct BlockKey(Hmac<Sha256>);

impl BlockKey {
    /// A key of 32 random bytes, another for each block. Wiping them is the caller's to do.
    #[must_use]
    pub fn new(bytes: &[u8; 32]) -> Self {
        // Any length will do for HMAC; 32 bytes are no error.
        let mut block = [0; 64];
        let (key, _) = block.split_at_mut(32);
        key.copy_from_slice(bytes);
        // A key that is shorter than SHA-256's block is filled up with zeros (RFC 2104 section 2).
        Self(Hmac::new(&block.into()))
    }

    /// The salt of one event: the first 16 bytes of `HMAC-SHA256(key, seq as u64be)`.
    #[must_use]
    pub fn salt(&self, seq: Seq) -> Salt {
        let mut mac = self.0.clone();
        mac.update(&seq.0.to_be_bytes());
        let mac: [u8; 32] = mac.finalize().into_bytes().into();
        let mut salt = Salt([0; 16]);
        salt.0.iter_mut().zip(mac).for_each(|(to, from)| *to = from);
        salt
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
    buffer: Vec<u8>,
}

impl EventHasher {
    /// One for a thread.
    #[must_use]
    pub const fn new() -> Self {
        Self { buffer: Vec::new() }
    }

    /// `SHA-256(0x00 ‖ salt ‖ canonical bytes)`: the leaf hash of the event in its block.
    #[must_use]
    pub fn hash(&mut self, salt: Salt, fields: &CanonicalFields<'_>) -> Hash {
        self.begin(salt);
        fields.write(&mut self.buffer);
        self.end()
    }

    /// The same for an event whose canonical bytes are at hand.
    #[must_use]
    pub fn hash_bytes(&mut self, salt: Salt, canonical: &[u8]) -> Hash {
        self.begin(salt);
        self.buffer.extend_from_slice(canonical);
        self.end()
    }

    fn begin(&mut self, salt: Salt) {
        self.buffer.clear();
        self.buffer.push(LEAF_PREFIX);
        self.buffer.extend_from_slice(&salt.0);
    }

    fn end(&self) -> Hash {
        Hash(Sha256::digest(&self.buffer).into())
    }
}
