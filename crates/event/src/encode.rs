//! Hostile bytes made safe to store, show and print, one way.

/// Percent-encodes control bytes (C0, DEL, C1 as UTF-8), NUL, bidi controls, and bytes that are
/// not valid UTF-8. Everything else, `%` included, stays as it is.
#[must_use]
pub fn encode_bytes(_bytes: &[u8]) -> String {
    todo!()
}

/// Cuts to at most `max` bytes at a character boundary, never inside a `%xx`.
/// Returns the text and its length before, if it was cut.
#[must_use]
pub fn clip(_text: String, _max: usize) -> (String, Option<u32>) {
    todo!()
}
