//! Texts to look for, folded once when the filter is parsed.

/// A folded text with optional `*` wildcards. No backtracking: linear in the value's length.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextPattern {
    /* private */
}

impl TextPattern {
    /// Whether the value contains it. Folds the value itself; no allocation for ASCII values.
    #[must_use]
    pub fn found_in(&self, _value: &str) -> bool {
        todo!()
    }

    /// Whether the value as a whole is it.
    #[must_use]
    pub fn is_whole(&self, _value: &str) -> bool {
        todo!()
    }
}

/// 4 to 32 leading hexadecimal digits of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionPrefix {
    /// The digits, zero-padded to 16 bytes.
    pub bits: [u8; 16],
    /// How many digits count.
    pub digits: u8,
}

impl SessionPrefix {
    /// Whether the session begins with it.
    #[must_use]
    pub fn begins(&self, _session: &crate::SessionHash) -> bool {
        todo!()
    }
}
