//! Paths in normal form: what a lenient server may take a path for.
//!
//! A request is forwarded as it came, but matched as the most lenient server would read it:
//! percent-decoded as often as it was encoded, backslashes as slashes, empty and `.` segments
//! gone, `..` resolved, `;parameters` cut off. Each segment remembers the bytes it came from, so
//! that a secret can be cut out of the path as sent.

use std::borrow::Cow;
use std::ops::Range;

/// No server decodes more often than this.
const MAX_DECODINGS: usize = 4;

/// What stands in place of a secret.
pub(crate) const REDACTED: &str = "[redacted]";

/// One segment of a path in normal form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Segment<'a> {
    /// Decoded, without `;parameters`.
    pub(super) text: Cow<'a, str>,
    /// The bytes of the path as sent that it came from, `;parameters` included.
    pub(super) raw: Range<usize>,
    /// Where in the path as sent its `;parameters` begin, or it ends.
    pub(super) text_end: usize,
    /// It was learned that this names one thing among many.
    pub(super) varies: bool,
}

/// The path as a server reads it that decodes before it splits.
pub(super) fn normal_form(path: &str) -> Vec<Segment<'_>> {
    resolve(decoded_segments(path))
}

/// [`normal_form`] before `..` is resolved.
pub(super) fn decoded_segments(path: &str) -> Vec<Segment<'_>> {
    let plain = !path.bytes().any(|byte| matches!(byte, b'%' | b'\\' | b';'));
    let mut segments = if plain {
        split_plain(path)
    } else {
        split_decoded(path)
    };
    segments.retain(|segment| !matches!(segment.text.as_ref(), "" | "."));
    segments
}

/// Goes back where `..` says so.
fn resolve(segments: Vec<Segment<'_>>) -> Vec<Segment<'_>> {
    if segments.iter().all(|segment| segment.text != "..") {
        return segments;
    }
    let mut resolved = Vec::with_capacity(segments.len());
    for segment in segments {
        if segment.text == ".." {
            resolved.pop();
        } else {
            resolved.push(segment);
        }
    }
    resolved
}

/// The path as a server reads it that splits before it decodes: an encoded slash stays inside.
pub(super) fn split_before_decoding(path: &str) -> Vec<Segment<'_>> {
    let mut segments = split_plain(path);
    for segment in &mut segments {
        let decoded = match &segment.text {
            Cow::Borrowed(raw) => decode_fully(raw),
            Cow::Owned(_) => continue,
        };
        segment.text = match decoded {
            Cow::Borrowed(raw) => Cow::Borrowed(before_semicolon(raw)),
            Cow::Owned(text) => Cow::Owned(before_semicolon(&text).to_owned()),
        };
    }
    segments.retain(|segment| !matches!(segment.text.as_ref(), "" | "."));
    segments
}

/// The normal form of a panel that splits before it decodes.
pub(super) fn kept_form(path: &str) -> Vec<Segment<'_>> {
    resolve(split_before_decoding(path))
}

fn before_semicolon(segment: &str) -> &str {
    segment
        .split_once(';')
        .map_or(segment, |(before, _)| before)
}

fn split_plain(path: &str) -> Vec<Segment<'_>> {
    let mut segments = Vec::with_capacity(8);
    let mut start = 0;
    for text in path.split('/') {
        let raw = start..start + text.len();
        start = raw.end + 1;
        if !text.is_empty() {
            segments.push(Segment {
                text: Cow::Borrowed(text),
                text_end: raw.end,
                raw,
                varies: false,
            });
        }
    }
    segments
}

fn split_decoded(path: &str) -> Vec<Segment<'_>> {
    let bytes = decode_traced(path.as_bytes());
    let mut segments = Vec::with_capacity(8);
    for piece in bytes.split(|byte| matches!(byte.value, b'/' | b'\\')) {
        let (Some(first), Some(last)) = (piece.first(), piece.last()) else {
            continue;
        };
        let parameters = piece
            .iter()
            .position(|byte| byte.value == b';')
            .unwrap_or(piece.len());
        let name = piece.get(..parameters).unwrap_or(piece);
        let bytes: Vec<u8> = name.iter().map(|byte| byte.value).collect();
        segments.push(Segment {
            text: Cow::Owned(String::from_utf8_lossy(&bytes).into_owned()),
            raw: first.from..last.to,
            text_end: name.last().map_or(first.from, |last| last.to),
            varies: false,
        });
    }
    segments
}

/// A decoded byte and the bytes it was written with.
#[derive(Clone, Copy)]
struct Traced {
    value: u8,
    from: usize,
    to: usize,
}

fn decode_traced(bytes: &[u8]) -> Vec<Traced> {
    let mut traced: Vec<Traced> = bytes
        .iter()
        .enumerate()
        .map(|(at, value)| Traced {
            value: *value,
            from: at,
            to: at + 1,
        })
        .collect();
    for _ in 0..MAX_DECODINGS {
        let mut decoded = Vec::with_capacity(traced.len());
        let mut rest = traced.as_slice();
        while let [first, after @ ..] = rest {
            if let [a, b, others @ ..] = after
                && first.value == b'%'
                && let Some(value) = hex_byte(a.value, b.value)
            {
                decoded.push(Traced {
                    value,
                    from: first.from,
                    to: b.to,
                });
                rest = others;
            } else {
                decoded.push(*first);
                rest = after;
            }
        }
        let done = decoded.len() == traced.len();
        traced = decoded;
        if done {
            break;
        }
    }
    traced
}

fn hex_byte(high: u8, low: u8) -> Option<u8> {
    let digit = |byte: u8| {
        char::from(byte)
            .to_digit(16)
            .and_then(|digit| u8::try_from(digit).ok())
    };
    Some(digit(high)? << 4 | digit(low)?)
}

/// Percent-decodes as often as the text was encoded.
pub(super) fn decode_fully(text: &str) -> Cow<'_, str> {
    let mut decoded = Cow::Borrowed(text);
    for _ in 0..MAX_DECODINGS {
        if !decoded.contains('%') {
            break;
        }
        let once = percent_encoding::percent_decode_str(&decoded)
            .decode_utf8_lossy()
            .into_owned();
        if once == decoded {
            break;
        }
        decoded = Cow::Owned(once);
    }
    decoded
}

/// The text without the given ranges (in any order, maybe overlapping), [`REDACTED`] in their place.
pub(super) fn replace_ranges(text: &str, mut ranges: Vec<Range<usize>>) -> String {
    ranges.sort_by_key(|range| range.start);
    let mut out = String::with_capacity(text.len());
    let mut done = 0;
    for range in ranges {
        if range.start >= done {
            out.push_str(text.get(done..range.start).unwrap_or(""));
            out.push_str(REDACTED);
        }
        done = done.max(range.end);
    }
    out.push_str(text.get(done..).unwrap_or(""));
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn texts(path: &str) -> Vec<String> {
        normal_form(path)
            .into_iter()
            .map(|segment| segment.text.into_owned())
            .collect()
    }

    #[test]
    fn every_disguise_of_a_path_reads_the_same() {
        for disguised in [
            "/admin/login",
            "/admin/login/",
            "//admin///login//",
            "/admin/./login/.",
            "/admin/x/../login",
            "/%61dmin/log%69n",
            "/admin%2flogin",
            "/admin%2Flogin%2f",
            "/admin/%2e/x/%2E%2e/login",
            "/%2561dmin/login",
            "/admin%252flogin",
            "/%252561dmin/login",
            "\\admin\\login",
            "/admin%5clogin",
            "/admin;jsessionid=1/login;v=2",
            "/../../admin/login",
        ] {
            assert_eq!(texts(disguised), ["admin", "login"], "{disguised}");
        }
    }

    #[test]
    fn segments_know_the_bytes_they_came_from() {
        let path = "/a%2fb%2574/;x=1/c;p=2";
        let segments = normal_form(path);
        let raw: Vec<_> = segments
            .iter()
            .map(|segment| &path[segment.raw.clone()])
            .collect();
        assert_eq!(raw, ["a", "b%2574", "c;p=2"]);
        assert_eq!(texts(path), ["a", "bt", "c"]);
    }

    proptest! {
        #[test]
        fn any_text_has_a_normal_form_within_its_bounds(path in "[/%a-f0-9.;\\\\2f\\PC]{0,64}") {
            for segment in normal_form(&path).into_iter().chain(split_before_decoding(&path)) {
                prop_assert!(path.get(segment.raw.clone()).is_some() || path.contains('%'));
                prop_assert!(segment.raw.end <= path.len());
            }
        }

        #[test]
        fn plain_paths_read_alike_on_both_ways(path in "(/[a-z0-9]{0,4}|/\\.|/\\.\\.){0,8}") {
            let slow: Vec<_> = split_decoded(&path).into_iter().map(|s| (s.text.into_owned(), s.raw)).collect();
            let fast: Vec<_> = split_plain(&path).into_iter().map(|s| (s.text.into_owned(), s.raw)).collect();
            prop_assert_eq!(slow, fast);
        }
    }
}
