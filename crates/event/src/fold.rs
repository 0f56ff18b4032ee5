//! The one pinned case folding.

/// Full Unicode case folding (C + F), no normalisation. Stored and compared values use this alone.
#[must_use]
pub fn fold(_text: &str) -> String {
    todo!()
}
