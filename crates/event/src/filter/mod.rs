//! The language people ask with: GitHub-style words (`admin:olena -method:HEAD status:4xx`).

mod ast;
mod pattern;

pub use ast::{Fact, Filter, Range, Term, Test, TextField, WholeField};
pub use pattern::{SessionPrefix, TextPattern};

use crate::Event;

/// A mistake in a filter, pointing at the word that holds it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct FilterError {
    /// Byte offsets of the word in the text.
    pub span: std::ops::Range<usize>,
    /// The word itself.
    pub word: String,
    /// What is wrong and what to write instead.
    pub message: String,
    /// Stable code, `FILTER-001` and so on.
    pub code: &'static str,
}

impl Filter {
    /// Longest text that is parsed, in bytes.
    pub const MAX_BYTES: usize = 4096;

    /// Reads the filter language.
    pub fn parse(_text: &str) -> Result<Self, FilterError> {
        todo!()
    }

    /// The reference meaning of every filter; whatever else evaluates one must agree.
    #[must_use]
    pub fn matches(&self, _event: &Event) -> bool {
        todo!()
    }
}

/// Writes the filter so that it parses to the same again.
impl std::fmt::Display for Filter {
    fn fmt(&self, _f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        todo!()
    }
}
