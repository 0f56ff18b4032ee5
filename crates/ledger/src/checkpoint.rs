//! What a ledger promises of itself at one moment: its name, size and root, signed
//! (C2SP tlog-checkpoint).

use crate::note::{Note, SigningKey, VerifierKey, sign};
use crate::{Hash, LedgerError, TreeHead};

/// The text of a checkpoint. One that was not signed by oneself comes out of [`Checkpoint::open`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Which ledger: the name of the keys that sign for it.
    pub origin: String,
    /// Size and root of its tree.
    pub head: TreeHead,
    /// Lines after the root. Admintrail writes none.
    pub extensions: Vec<String>,
}

impl Checkpoint {
    /// A checkpoint without extension lines.
    #[must_use]
    pub fn new(origin: &str, head: TreeHead) -> Self {
        Self {
            origin: origin.to_owned(),
            head,
            extensions: Vec::new(),
        }
    }

    /// The text that is signed: a line each for origin, size, root and every extension.
    #[must_use]
    pub fn text(&self) -> String {
        let TreeHead { size, root } = self.head;
        let mut text = format!("{}\n{size}\n{}\n", self.origin, root.to_base64());
        for line in &self.extensions {
            text.push_str(line);
            text.push('\n');
        }
        text
    }

    /// The signed note.
    ///
    /// # Errors
    /// LEDGER-018 if the key has another name than the origin; LEDGER-013 or 017 for an origin or
    /// extension that is empty or has a line break or control characters.
    pub fn sign(&self, key: &SigningKey) -> Result<String, LedgerError> {
        if key.name() != self.origin {
            return Err(LedgerError::OtherOrigin {
                origin: self.origin.clone(),
            });
        }
        let text = self.text();
        if Self::parse(&text)? != *self {
            return Err(LedgerError::NotCheckpoint {
                cause: "its text would read as another one",
            });
        }
        sign(&text, &[key])
    }

    /// Reads a signed note and believes it if one of the keys that has the origin's name signed it.
    /// Signatures of keys that are not given mean nothing; a wrong one of a given key, even of a
    /// witness, refuses the whole note.
    ///
    /// # Errors
    /// LEDGER-013 to 015 as [`Note::parse`] and [`Note::open`] say; LEDGER-017 if the text is no
    /// checkpoint; LEDGER-018 if none of the keys that signed has the origin's name.
    pub fn open(note: &[u8], keys: &[VerifierKey]) -> Result<Self, LedgerError> {
        let note = Note::parse(note)?;
        let (text, signers) = note.open(keys)?;
        let checkpoint = Self::parse(text)?;
        if signers.iter().any(|key| key.name() == checkpoint.origin) {
            Ok(checkpoint)
        } else {
            Err(LedgerError::OtherOrigin {
                origin: checkpoint.origin,
            })
        }
    }

    /// Reads the text of a note. Whether somebody signed it is another question.
    ///
    /// # Errors
    /// LEDGER-017 for anything but a line of origin, one of size, one of root and further lines that
    /// are not empty.
    pub fn parse(text: &str) -> Result<Self, LedgerError> {
        let wrong = |cause| LedgerError::NotCheckpoint { cause };
        let lines = text
            .strip_suffix('\n')
            .ok_or(wrong("its last line does not end"))?;
        let mut lines = lines.split('\n');
        let origin = lines
            .next()
            .filter(|line| !line.is_empty())
            .ok_or(wrong("it has no origin"))?;
        let size = lines
            .next()
            .and_then(whole_number)
            .ok_or(wrong("its second line is no size"))?;
        let root = lines
            .next()
            .and_then(Hash::from_base64)
            .ok_or(wrong("its third line is not the base64 of 32 bytes"))?;
        let extensions: Vec<String> = lines.map(str::to_owned).collect();
        if extensions.iter().any(String::is_empty) {
            return Err(wrong("it has an empty line"));
        }
        Ok(Self {
            origin: origin.to_owned(),
            head: TreeHead { size, root },
            extensions,
        })
    }
}

/// ASCII digits without a sign or leading zeros.
fn whole_number(text: &str) -> Option<u64> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit());
    let leading = text.len() > 1 && text.starts_with('0');
    (plain && !leading).then(|| text.parse().ok())?
}
