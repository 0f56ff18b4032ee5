//! Hostile bytes made safe to store, show and print, one way.
//!
//! What could move a cursor, end a line, colour a terminal or turn the direction of a text is
//! written as `%XX`; a `%` that was there before stays, so the encoding cannot be undone, and
//! need not be: it is evidence, not transport.

use std::borrow::Cow;

/// Percent-encodes control bytes (C0, DEL, C1 as UTF-8), NUL, bidi controls, line and paragraph
/// separators, and bytes that are not valid UTF-8. Everything else, `%` included, stays as it is.
#[must_use]
pub fn encode_bytes(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) if is_clean(text) => text.to_owned(),
        _ => encode_slowly(bytes),
    }
}

/// [`encode_bytes`] of a text; borrows what needs no change.
#[must_use]
pub fn encode_text(text: &str) -> Cow<'_, str> {
    if is_clean(text) {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(encode_slowly(text.as_bytes()))
    }
}

/// [`encode_text`] of a text that is not needed as it was.
pub(crate) fn encoded(text: String) -> String {
    if is_clean(&text) {
        text
    } else {
        encode_slowly(text.as_bytes())
    }
}

/// Cuts to at most `max` bytes at a character boundary, never inside a `%xx`.
/// Returns the text and its length before, if it was cut.
#[must_use]
pub fn clip(mut text: String, max: usize) -> (String, Option<u32>) {
    if text.len() <= max {
        return (text, None);
    }
    let before = u32::try_from(text.len()).unwrap_or(u32::MAX);
    let mut cut = text.floor_char_boundary(max);
    if let Some(start) = (cut.saturating_sub(2)..cut).find(|at| is_triplet(text.as_bytes(), *at)) {
        cut = start;
    }
    text.truncate(cut);
    (text, Some(before))
}

/// Whether a `%xx` begins at this byte.
fn is_triplet(bytes: &[u8], at: usize) -> bool {
    matches!(bytes.get(at..), Some([b'%', a, b, ..]) if a.is_ascii_hexdigit() && b.is_ascii_hexdigit())
}

fn is_clean(text: &str) -> bool {
    // Without a way out of the loop many bytes are looked at at once.
    let plain = text
        .bytes()
        .fold(true, |plain, byte| plain & (0x20..0x7f).contains(&byte));
    // All of the interesting bytes of an ASCII text are below a space or DEL.
    plain || !(text.is_ascii() || text.chars().any(is_hostile))
}

/// Characters that are never stored as they are.
const fn is_hostile(c: char) -> bool {
    matches!(
        c,
        '\0'..='\u{1f}'
            | '\u{7f}'..='\u{9f}'
            | '\u{61c}'
            | '\u{200e}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}'
    )
}

fn encode_slowly(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() + 16);
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            if is_hostile(c) {
                push_encoded(&mut out, c.encode_utf8(&mut [0; 4]).as_bytes());
            } else {
                out.push(c);
            }
        }
        push_encoded(&mut out, chunk.invalid());
    }
    out
}

fn push_encoded(out: &mut String, bytes: &[u8]) {
    for &byte in bytes {
        out.push_str(percent_encoding::percent_encode_byte(byte));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn each_of_the_256_bytes_is_kept_or_encoded_as_itself() {
        for byte in 0..=255_u8 {
            let expected = if (0x20..0x7f).contains(&byte) {
                char::from(byte).to_string()
            } else {
                format!("%{byte:02X}")
            };
            assert_eq!(encode_bytes(&[byte]), expected, "alone");
            let inside = [b"a".as_slice(), &[byte], b"z"].concat();
            assert_eq!(encode_bytes(&inside), format!("a{expected}z"), "inside");
        }
    }

    #[test]
    fn what_turns_breaks_or_moves_a_line_is_encoded() {
        for (hostile, safe) in [
            ("a\r\nb", "a%0D%0Ab"),
            ("\u{1b}[31mred", "%1B[31mred"),
            ("\u{85}", "%C2%85"),
            ("x\u{202e}cod.exe", "x%E2%80%AEcod.exe"),
            ("\u{2066}a\u{2069}", "%E2%81%A6a%E2%81%A9"),
            ("\u{200e}\u{200f}\u{61c}", "%E2%80%8E%E2%80%8F%D8%9C"),
            ("\u{2028}\u{2029}", "%E2%80%A8%E2%80%A9"),
        ] {
            assert_eq!(encode_bytes(hostile.as_bytes()), safe);
            assert_eq!(encode_text(hostile), safe);
        }
    }

    #[test]
    fn readable_text_and_percent_signs_stay() {
        for text in [
            "/admin/%2fx?a=100%",
            "Олена <ol@x.org>",
            "日本語 😀",
            "e\u{301}\u{200d}",
        ] {
            assert_eq!(encode_bytes(text.as_bytes()), text);
        }
    }

    #[test]
    fn half_characters_are_encoded_and_their_neighbours_kept() {
        assert_eq!(encode_bytes(b"\xd0\xbe\xd0|\xf0\x9f\x98"), "о%D0|%F0%9F%98");
    }

    #[test]
    fn a_cut_never_splits_a_character_or_a_triplet() {
        assert_eq!(clip("abcdef".into(), 6), ("abcdef".into(), None));
        assert_eq!(clip("ab%41cd".into(), 3), ("ab".into(), Some(7)));
        assert_eq!(clip("ab%41cd".into(), 4), ("ab".into(), Some(7)));
        assert_eq!(clip("ab%41cd".into(), 5), ("ab%41".into(), Some(7)));
        assert_eq!(clip("ab%zzcd".into(), 4), ("ab%z".into(), Some(7)));
        assert_eq!(clip("aé".into(), 2), ("a".into(), Some(3)));
        assert_eq!(clip("%41".into(), 0), (String::new(), Some(3)));
    }

    proptest! {
        #[test]
        fn encoded_text_holds_nothing_hostile_and_encodes_to_itself(bytes: Vec<u8>) {
            let text = encode_bytes(&bytes);
            prop_assert!(!text.chars().any(is_hostile));
            prop_assert_eq!(encode_bytes(text.as_bytes()), text.clone());
        }

        #[test]
        fn clipping_keeps_a_prefix_within_bounds(bytes: Vec<u8>, max in 0_usize..64) {
            let text = encode_bytes(&bytes);
            let (cut, before) = clip(text.clone(), max);
            prop_assert!(text.starts_with(&cut) && cut.len() <= max);
            prop_assert_eq!(before.is_some(), cut.len() < text.len());
            prop_assert!(text.len() <= max || cut.len() + 6 > max);
        }
    }
}
