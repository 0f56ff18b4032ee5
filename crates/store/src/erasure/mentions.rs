//! Names in the texts of an event: in paths, searches, objects.

use std::borrow::Cow;
use std::ops::Range;

use admintrail_event::fold;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// What is put into a path or a query is written without these.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b':')
    .remove(b'@')
    .remove(b',')
    .remove(b'*');

/// How a text is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reading {
    Plain,
    /// Segments between slashes, percent-encoded. A name that is no address is a whole segment, or none:
    /// `/admin-sessions` names nobody.
    Path,
    /// Values of a form, percent-encoded, `+` for a space.
    Query,
}

/// Names to look for, folded.
#[derive(Debug, Clone)]
pub(crate) struct Mentions {
    /// The longest first: it may contain another one.
    names: Vec<String>,
}

impl Mentions {
    pub(crate) fn of<'n>(names: impl IntoIterator<Item = &'n str>) -> Self {
        let mut names: Vec<String> = names
            .into_iter()
            .filter(|name| !name.is_empty())
            .map(str::to_owned)
            .collect();
        names.sort_unstable_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        names.dedup();
        Self { names }
    }

    /// The text with every mention replaced; `None` if there is none.
    pub(crate) fn replaced(&self, text: &str, by: &str, reading: Reading) -> Option<String> {
        if self.names.is_empty() || !self.may_be_in(text) {
            return None;
        }
        let separators: &[char] = match reading {
            Reading::Plain => return self.in_piece(text, by, false),
            Reading::Path => &['/'],
            Reading::Query => &['&', ';', '='],
        };
        let mut out = String::with_capacity(text.len());
        let mut found = false;
        for piece in text.split_inclusive(separators) {
            let end = piece.trim_end_matches(separators).len();
            let (piece, separator) = piece.split_at(end);
            let decoded = decoded(piece, reading);
            match self.in_piece(&decoded, by, reading == Reading::Path) {
                Some(replaced) => {
                    found = true;
                    out.extend(utf8_percent_encode(&replaced, ENCODED));
                }
                None => out.push_str(piece),
            }
            out.push_str(separator);
        }
        found.then_some(out)
    }

    /// A quick look: letters of any other script, or something encoded, may hide any name.
    fn may_be_in(&self, text: &str) -> bool {
        if !text.is_ascii() || memchr::memchr2(b'%', b'+', text.as_bytes()).is_some() {
            return true;
        }
        let text = text.as_bytes();
        self.names.iter().any(|name| {
            let Some(first) = name.bytes().next() else {
                return false;
            };
            memchr::memchr2_iter(first, first.to_ascii_uppercase(), text).any(|at| {
                let rest = text.get(at..at + name.len());
                rest.is_some_and(|rest| rest.eq_ignore_ascii_case(name.as_bytes()))
            })
        })
    }

    /// `whole`: a name that is no address counts only if it is all there is.
    fn in_piece(&self, text: &str, by: &str, whole: bool) -> Option<String> {
        let folding = Folding::of(text);
        let mut out = String::new();
        let (mut done, mut at) = (0, 0);
        while at < folding.folded.len() {
            let fits = |name: &&String| !whole || name.contains('@') || **name == folding.folded;
            let mut names = self.names.iter().filter(fits);
            match names.find_map(|name| folding.word_at(at, name)) {
                Some((range, end)) => {
                    out.push_str(text.get(done..range.start).unwrap_or_default());
                    out.push_str(by);
                    (done, at) = (range.end, end);
                }
                None => at += 1,
            }
        }
        if done == 0 {
            return None;
        }
        out.push_str(text.get(done..).unwrap_or_default());
        Some(out)
    }
}

fn decoded(piece: &str, reading: Reading) -> Cow<'_, str> {
    let spaced = match reading {
        Reading::Query if piece.contains('+') => Cow::Owned(piece.replace('+', " ")),
        _ => Cow::Borrowed(piece),
    };
    match spaced {
        Cow::Borrowed(piece) => percent_decode_str(piece).decode_utf8_lossy(),
        Cow::Owned(piece) => percent_decode_str(&piece)
            .decode_utf8_lossy()
            .into_owned()
            .into(),
    }
}

/// A text folded, with where each of its bytes comes from.
struct Folding<'t> {
    text: &'t str,
    folded: String,
    /// For each byte of the folded text the character of the text that it is of.
    from: Vec<Range<usize>>,
}

impl<'t> Folding<'t> {
    fn of(text: &'t str) -> Self {
        let (mut folded, mut from) = (String::with_capacity(text.len()), Vec::new());
        for (at, character) in text.char_indices() {
            let end = at + character.len_utf8();
            folded.push_str(&fold(text.get(at..end).unwrap_or_default()));
            from.resize(folded.len(), at..end);
        }
        Self { text, folded, from }
    }

    /// Where in the text a name stands that begins at this byte of the folded one and is no part of a
    /// longer word, and where it ends in the folded one.
    fn word_at(&self, at: usize, name: &str) -> Option<(Range<usize>, usize)> {
        let rest = self.folded.get(at..)?;
        if !rest.starts_with(name) {
            return None;
        }
        let end = at + name.len();
        let range = self.from.get(at)?.start..self.from.get(end - 1)?.end;
        let before = self.text.get(..range.start)?.chars().next_back();
        let after = self.text.get(range.end..)?.chars().next();
        let in_word = |character: Option<char>| character.is_some_and(char::is_alphanumeric);
        // `admin:` before a name is a word of the filter language, not the name.
        let is_key = after == Some(':');
        (!in_word(before) && !in_word(after) && !is_key).then_some((range, end))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn replaced(text: &str, reading: Reading) -> Option<String> {
        let mentions = Mentions::of(["olena@hosting.example", "olena", "олена к"]);
        mentions.replaced(text, "erased-7f3a", reading)
    }

    #[test]
    fn names_are_found_however_they_are_written() {
        for (reading, text, expected) in [
            (
                Reading::Plain,
                "Olena@Hosting.example left",
                "erased-7f3a left",
            ),
            (
                Reading::Plain,
                "by OLENA, twice: olena",
                "by erased-7f3a, twice: erased-7f3a",
            ),
            (
                Reading::Path,
                "/users/olena%40hosting.example/edit",
                "/users/erased-7f3a/edit",
            ),
            (
                Reading::Path,
                "/users/Olena@hosting.example",
                "/users/erased-7f3a",
            ),
            (
                Reading::Query,
                "q=admin%3Aolena%40hosting.example+status%3A4xx&limit=50",
                "q=admin:erased-7f3a%20status:4xx&limit=50",
            ),
            (Reading::Query, "q=-admin:olena", "q=-admin:erased-7f3a"),
            (
                Reading::Query,
                "q=%D0%9E%D0%BB%D0%B5%D0%BD%D0%B0+%D0%9A",
                "q=erased-7f3a",
            ),
            (Reading::Query, "olena", "erased-7f3a"),
        ] {
            assert_eq!(replaced(text, reading).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn longer_words_and_words_of_the_filter_language_stay() {
        for (reading, text) in [
            (Reading::Path, "/olenas/orders"),
            (Reading::Path, "/solena"),
            (Reading::Path, "/monitoring/olena-sessions"),
            (Reading::Query, "q=olena:x"),
            (Reading::Query, "q=%6flenas"),
            (Reading::Plain, ""),
        ] {
            assert_eq!(replaced(text, reading), None, "{text}");
        }
    }

    proptest! {
        /// Nothing is left to be found, and nothing panics.
        #[test]
        fn what_was_replaced_is_not_found_again(
            parts in prop::collection::vec(
                prop::sample::select(vec!["olena", "OLENA@hosting.example", "%40", "/", "&q=", "+", "ß", "İ", "x", " ", "%", ":"]), 0..12,
            ),
            reading in prop::sample::select(vec![Reading::Plain, Reading::Path, Reading::Query]),
        ) {
            let text: String = parts.concat();
            if let Some(once) = replaced(&text, reading) {
                prop_assert_eq!(replaced(&once, reading), None, "{} -> {}", text, once);
            }
        }
    }
}
