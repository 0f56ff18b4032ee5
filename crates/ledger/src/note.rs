//! Signed notes (C2SP signed-note): a text, and under it lines with signatures of it.
//!
//! ```text
//! ledger.example.org/billing
//! 20852163
//! CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=
//!
//! — ledger.example.org/billing Az3grlgt…
//! ```
//!
//! Anybody may add a line. A reader has keys it trusts: lines of other keys mean nothing to it, one
//! of a trusted key must be right, and without such a line the text means nothing either. So a text
//! is reachable only through [`Note::open`].

mod key;

pub use key::{KeyId, SigningKey, VerifierKey};

use std::fmt::Write as _;

use base64::prelude::{BASE64_STANDARD, Engine as _};

use crate::LedgerError;

/// What every signature line begins with: an em dash and a space.
const DASH: &str = "\u{2014} ";

/// The longest note that is read, in bytes.
pub const MAX_NOTE_BYTES: usize = 1_000_000;

/// The most signatures of a note that is read; the specification asks for at least 16.
pub const MAX_SIGNATURES: usize = 100;

/// A note as it was read: well formed, and nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    text: String,
    signatures: Vec<Signature>,
}

/// One signature line.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Signature {
    name: String,
    key: KeyId,
    bytes: Vec<u8>,
}

impl Note {
    /// Reads a note.
    ///
    /// # Errors
    /// LEDGER-013 for anything but UTF-8 text without control characters that ends in an empty line
    /// and one or more signature lines, and for what is larger than [`MAX_NOTE_BYTES`] or has more
    /// signatures than [`MAX_SIGNATURES`].
    pub fn parse(note: &[u8]) -> Result<Self, LedgerError> {
        let wrong = |cause| LedgerError::NotNote { cause };
        if note.len() > MAX_NOTE_BYTES {
            return Err(wrong("it is longer than 1,000,000 bytes"));
        }
        let note = std::str::from_utf8(note).map_err(|_| wrong("it is not UTF-8"))?;
        if note.chars().any(|c| c < ' ' && c != '\n') {
            return Err(wrong("it has control characters"));
        }
        // The last empty line is the one that counts: a text may have some of its own.
        let (text, lines) = note
            .rfind("\n\n")
            .and_then(|at| note.split_at_checked(at + 1))
            .and_then(|(text, rest)| Some((text, rest.strip_prefix('\n')?)))
            .ok_or(wrong("no empty line stands before the signatures"))?;
        let lines = lines
            .strip_suffix('\n')
            .ok_or(wrong("it does not end with a signature line"))?;
        let signatures: Vec<Signature> = lines
            .split('\n')
            .take(MAX_SIGNATURES + 1)
            .map(|line| signature(line).ok_or(wrong("a line under the text is no signature")))
            .collect::<Result<_, _>>()?;
        if signatures.len() > MAX_SIGNATURES {
            return Err(wrong("it has more than 100 signatures"));
        }
        Ok(Self {
            text: text.to_owned(),
            signatures,
        })
    }

    /// The text, if it is signed by one of these keys at least, with the keys that signed it.
    ///
    /// # Errors
    /// LEDGER-014 if a line says that one of the keys signed and it did not; LEDGER-015 if none of
    /// the keys signed.
    pub fn open<'a>(
        &self,
        keys: &'a [VerifierKey],
    ) -> Result<(&str, Vec<&'a VerifierKey>), LedgerError> {
        let mut signers = Vec::new();
        for line in &self.signatures {
            let Some(key) = keys.iter().find(|key| key.is(&line.name, line.key)) else {
                continue;
            };
            if !key.verifies(&self.text, &line.bytes) {
                return Err(LedgerError::WrongSignature {
                    name: line.name.clone(),
                });
            }
            if !signers.contains(&key) {
                signers.push(key);
            }
        }
        if signers.is_empty() {
            return Err(LedgerError::NotSigned);
        }
        Ok((&self.text, signers))
    }
}

/// Reads `— <name> <base64 of key id and signature>`.
fn signature(line: &str) -> Option<Signature> {
    let (name, signature) = line.strip_prefix(DASH)?.split_once(' ')?;
    let bytes = BASE64_STANDARD.decode(signature).ok()?;
    let (id, bytes) = bytes.split_first_chunk::<4>()?;
    (key::is_name(name) && !bytes.is_empty()).then(|| Signature {
        name: name.to_owned(),
        key: KeyId(*id),
        bytes: bytes.to_vec(),
    })
}

/// The note of a text, with a signature of each key.
///
/// # Errors
/// LEDGER-013 for a text that is empty, does not end its last line, or has control characters, and
/// if there is no key.
pub fn sign(text: &str, keys: &[&SigningKey]) -> Result<String, LedgerError> {
    let mut note = format!("{text}\n");
    for key in keys {
        let signed = [&key.id().0[..], &key.signature(text)].concat();
        let base64 = BASE64_STANDARD.encode(signed);
        // Writing into a text does not fail.
        let _ = writeln!(note, "{DASH}{} {base64}", key.name());
    }
    // What this refuses nobody could read.
    let read = Note::parse(note.as_bytes())?;
    if read.text == text {
        Ok(note)
    } else {
        Err(LedgerError::NotNote {
            cause: "its text would read as another one",
        })
    }
}
