//! Keys that sign notes, and keys that tell whether one did.

use std::fmt;
use std::str::FromStr;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use ed25519_dalek::{Signer as _, VerifyingKey};
use sha2::{Digest, Sha256};

use crate::LedgerError;
use crate::hash::hex_bytes;

/// The signature type of a plain Ed25519 signature over a note's text.
const ED25519: u8 = 1;

/// Which key of a name signed: the first four bytes of
/// `SHA-256(name ‖ 0x0A ‖ 0x01 ‖ public key)`. Short enough to collide; what counts is the signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(pub [u8; 4]);

impl KeyId {
    fn of(name: &str, key: &VerifyingKey) -> Self {
        let hash: [u8; 32] = Sha256::new()
            .chain_update(name)
            .chain_update([b'\n', ED25519])
            .chain_update(key.as_bytes())
            .finalize()
            .into();
        let [a, b, c, d, ..] = hash;
        Self([a, b, c, d])
    }
}

/// Eight lower-case hexadecimal digits.
impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", u32::from_be_bytes(self.0))
    }
}

/// Whether a text may name a key: not empty, without white space, plus signs and control characters.
pub(super) fn is_name(name: &str) -> bool {
    let allowed = |c: char| !(c.is_whitespace() || c.is_control() || c == '+');
    !name.is_empty() && name.chars().all(allowed)
}

/// The public half of a key, with the name under which it signs: what whoever checks a ledger keeps.
///
/// Shown and read as `<name>+<key id in hex>+<base64 of 0x01 and the public key>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifierKey {
    name: String,
    id: KeyId,
    key: VerifyingKey,
}

impl VerifierKey {
    /// # Errors
    /// LEDGER-016 for a text that cannot name a key, and for bytes that are no public key, another
    /// spelling of one, or a weak one, for which signatures fit more than one text.
    pub fn new(name: &str, public: &[u8; 32]) -> Result<Self, LedgerError> {
        let wrong = |cause| LedgerError::NotKey { cause };
        if !is_name(name) {
            return Err(wrong("its name is empty or has spaces or plus signs"));
        }
        let key = VerifyingKey::from_bytes(public)
            .ok()
            .filter(|key| !key.is_weak() && key.to_edwards().compress().as_bytes() == public)
            .ok_or(wrong("it is no Ed25519 public key"))?;
        Ok(Self {
            name: name.to_owned(),
            id: KeyId::of(name, &key),
            key,
        })
    }

    /// Whose key it is: the ledger's origin.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Which key of that name.
    #[must_use]
    pub const fn id(&self) -> KeyId {
        self.id
    }

    pub(super) fn is(&self, name: &str, id: KeyId) -> bool {
        self.name == name && self.id == id
    }

    /// RFC 8032, without the signatures that other keys could share.
    pub(super) fn verifies(&self, text: &str, signature: &[u8]) -> bool {
        ed25519_dalek::Signature::from_slice(signature)
            .is_ok_and(|signature| self.key.verify_strict(text.as_bytes(), &signature).is_ok())
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let public = [&[ED25519], self.key.as_bytes().as_slice()].concat();
        let base64 = BASE64_STANDARD.encode(public);
        write!(f, "{}+{}+{base64}", self.name, self.id)
    }
}

impl FromStr for VerifierKey {
    type Err = LedgerError;

    fn from_str(text: &str) -> Result<Self, LedgerError> {
        let wrong = |cause| LedgerError::NotKey { cause };
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(id), Some(base64)) = (parts.next(), parts.next(), parts.next())
        else {
            return Err(wrong("it is not name+id+key"));
        };
        let id = hex_bytes(id).ok_or(wrong("its id is not 8 lower-case hexadecimal digits"))?;
        let bytes = BASE64_STANDARD
            .decode(base64)
            .map_err(|_| wrong("its last part is not base64"))?;
        let public = match bytes.split_first() {
            Some((&ED25519, public)) => public,
            Some(_) => return Err(wrong("it is of another kind than Ed25519")),
            None => return Err(wrong("its last part is empty")),
        };
        let public = public
            .try_into()
            .map_err(|_| wrong("an Ed25519 public key has 32 bytes"))?;
        let key = Self::new(name, public)?;
        if key.id == KeyId(id) {
            Ok(key)
        } else {
            Err(wrong("its id belongs to another key or name"))
        }
    }
}

/// The private half of a key. Never shown; wiped from memory when dropped.
#[derive(Clone)]
pub struct SigningKey {
    key: ed25519_dalek::SigningKey,
    public: VerifierKey,
}

impl SigningKey {
    /// The key of a 32-byte seed (RFC 8032 section 5.1.5), which must come from a good source of
    /// randomness and be kept secret.
    ///
    /// # Errors
    /// LEDGER-016 for a text that cannot name a key.
    pub fn new(name: &str, seed: &[u8; 32]) -> Result<Self, LedgerError> {
        let key = ed25519_dalek::SigningKey::from_bytes(seed);
        let public = VerifierKey::new(name, key.verifying_key().as_bytes())?;
        Ok(Self { key, public })
    }

    /// The name under which it signs.
    #[must_use]
    pub fn name(&self) -> &str {
        self.public.name()
    }

    /// Which key of that name.
    #[must_use]
    pub const fn id(&self) -> KeyId {
        self.public.id()
    }

    /// The half that others may have.
    #[must_use]
    pub const fn public(&self) -> &VerifierKey {
        &self.public
    }

    pub(super) fn signature(&self, text: &str) -> [u8; 64] {
        self.key.sign(text.as_bytes()).to_bytes()
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({}+{}, secret)", self.name(), self.id())
    }
}
