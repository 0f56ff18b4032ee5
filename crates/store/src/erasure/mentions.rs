//! Names in the texts of an event: in paths, searches, objects.

use std::borrow::Cow;
use std::ops::Range;

use admintrail_event::{fold, is_common_name};
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

/// How a text is written, and where in it a name may stand that is no address: one that others may have
/// as a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reading {
    /// Anywhere.
    Plain,
    /// Segments between slashes, percent-encoded: a whole one.
    Path,
    /// Values of a form, percent-encoded, `+` for a space: a whole one, or the end of one after a colon.
    Form,
    /// The same, and in `q` a search: where the filter language has an admin.
    Searches,
    /// A search as it was typed.
    Search,
}

/// Words of the filter language before the name of an admin.
const ADMIN_KEYS: &[&str] = &["admin", "attempted", "acting_as"];

/// What else an address may be made of: next to it, it is another one's.
const OF_ADDRESS: &[char] = &['.', '_', '%', '+', '-'];

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
        match reading {
            Reading::Plain | Reading::Search => self.in_piece(text, by, reading),
            Reading::Path => self.in_pieces(text, '/', |piece| {
                let decoded = percent_decode_str(piece).decode_utf8_lossy();
                self.in_piece(&decoded, by, reading)
            }),
            Reading::Form | Reading::Searches => self.in_pieces(text, '&', |pair| {
                let (key, value) = pair.split_once('=').unwrap_or(("", pair));
                let inside = match (reading, key) {
                    (Reading::Searches, "q") => Reading::Search,
                    _ => Reading::Form,
                };
                self.in_piece(&decoded(value), by, inside)
            }),
        }
    }

    /// What becomes of the pieces between separators; of a pair only its value is looked at.
    fn in_pieces(
        &self,
        text: &str,
        separator: char,
        replaced: impl Fn(&str) -> Option<String>,
    ) -> Option<String> {
        let mut out = String::with_capacity(text.len());
        let mut found = false;
        for whole in text.split_inclusive(separator) {
            let piece = whole.trim_end_matches(separator);
            match replaced(piece) {
                Some(value) => {
                    found = true;
                    let key = piece.split_once('=').filter(|_| separator == '&');
                    if let Some((key, _)) = key {
                        out.push_str(key);
                        out.push('=');
                    }
                    out.extend(utf8_percent_encode(&value, ENCODED));
                }
                None => out.push_str(piece),
            }
            out.push_str(whole.get(piece.len()..).unwrap_or_default());
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

    fn in_piece(&self, text: &str, by: &str, reading: Reading) -> Option<String> {
        let folding = Folding::of(text);
        let mut out = String::new();
        let (mut done, mut at) = (0, 0);
        while at < folding.folded.len() {
            let mut names = self.names.iter();
            match names.find_map(|name| folding.name_at(at, name, reading)) {
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

/// Whether a name is an address: nobody else's.
fn is_address(name: &str) -> bool {
    name.contains('@')
}

fn decoded(value: &str) -> Cow<'_, str> {
    if value.contains('+') {
        let spaced = value.replace('+', " ");
        return Cow::Owned(percent_decode_str(&spaced).decode_utf8_lossy().into_owned());
    }
    percent_decode_str(value).decode_utf8_lossy()
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

    /// Where in the text a name stands that begins at this byte of the folded one and is meant, and where
    /// it ends in the folded one.
    fn name_at(&self, at: usize, name: &str, reading: Reading) -> Option<(Range<usize>, usize)> {
        let rest = self.folded.get(at..)?;
        if !rest.starts_with(name) {
            return None;
        }
        let end = at + name.len();
        let range = self.from.get(at)?.start..self.from.get(end - 1)?.end;
        let before = self.text.get(..range.start)?;
        let after = self.text.get(range.end..)?;
        let meant = if is_address(name) {
            is_whole_address(before, after)
        } else {
            is_whole_word(before, after)
                && match reading {
                    Reading::Plain => true,
                    Reading::Path => before.is_empty() && after.is_empty(),
                    Reading::Form | Reading::Searches => {
                        after.is_empty() && (before.is_empty() || before.ends_with(':'))
                    }
                    Reading::Search => is_searched_for(before, after, name),
                }
        };
        meant.then_some((range, end))
    }
}

/// Neither a part of a longer word nor of somebody's address.
fn is_whole_word(before: &str, after: &str) -> bool {
    let in_word = |character: Option<char>| character.is_some_and(char::is_alphanumeric);
    let in_address = after.starts_with('@') || before.ends_with(['.', '@']);
    !in_word(before.chars().next_back()) && !in_word(after.chars().next()) && !in_address
}

/// `anna.tom@x.example` and `tom@x.example.com` are other people.
fn is_whole_address(before: &str, after: &str) -> bool {
    let goes_on = |c: char| c.is_alphanumeric() || OF_ADDRESS.contains(&c);
    let mut after = after.chars();
    let ends = match after.next() {
        Some('.') => !after.next().is_some_and(char::is_alphanumeric),
        Some(c) => !c.is_alphanumeric() && c != '-',
        None => true,
    };
    ends && !before.chars().next_back().is_some_and(goes_on)
}

/// Whether the filter language has an admin here: after `admin:` and its like, or a bare word, unless
/// that is a common one.
fn is_searched_for(before: &str, after: &str, name: &str) -> bool {
    if after.starts_with(':') {
        return false;
    }
    let term = before.rsplit(char::is_whitespace).next().unwrap_or(before);
    let term = fold(term.trim_start_matches('-'));
    match term.split_once(':') {
        Some((key, _)) => ADMIN_KEYS.contains(&key),
        None => !is_common_name(name),
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
                "Olena@Hosting.example left.",
                "erased-7f3a left.",
            ),
            (
                Reading::Plain,
                "by OLENA, twice: olena",
                "by erased-7f3a, twice: erased-7f3a",
            ),
            (
                Reading::Plain,
                "olena@hosting.example: on paper",
                "erased-7f3a: on paper",
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
            (Reading::Path, "/people/olena", "/people/erased-7f3a"),
            (
                Reading::Form,
                "user=olena&next=/olenas",
                "user=erased-7f3a&next=/olenas",
            ),
            (
                Reading::Form,
                "without=billing:olena",
                "without=billing:erased-7f3a",
            ),
            (
                Reading::Searches,
                "q=admin%3Aolena%40hosting.example+status%3A4xx&limit=50",
                "q=admin:erased-7f3a%20status:4xx&limit=50",
            ),
            (Reading::Searches, "q=-admin:olena", "q=-admin:erased-7f3a"),
            (
                Reading::Searches,
                "q=admin:tom,olena",
                "q=admin:tom,erased-7f3a",
            ),
            (
                Reading::Searches,
                "q=%D0%9E%D0%BB%D0%B5%D0%BD%D0%B0+%D0%9A",
                "q=erased-7f3a",
            ),
            (
                Reading::Search,
                "olena status:4xx",
                "erased-7f3a status:4xx",
            ),
        ] {
            assert_eq!(replaced(text, reading).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn other_people_and_words_that_others_use_stay() {
        for (reading, text) in [
            (Reading::Plain, "anna.olena@hosting.example"),
            (Reading::Plain, "olena@hosting.example.com"),
            (Reading::Path, "/users/x-olena%40hosting.example/edit"),
            (Reading::Path, "/olenas/orders"),
            (Reading::Path, "/solena"),
            (Reading::Path, "/monitoring/olena-sessions"),
            (Reading::Form, "olena=1"),
            (Reading::Form, "q=to olena"),
            (Reading::Searches, "q=olena:x"),
            (Reading::Searches, "q=panel:olena+path:/olena"),
            (Reading::Searches, "q=%6flenas"),
            (Reading::Plain, ""),
        ] {
            assert_eq!(replaced(text, reading), None, "{text}");
        }
        let common = Mentions::of(["admin", "admin@hosting.example"]);
        let of = |query| common.replaced(query, "erased-7f3a", Reading::Searches);
        assert_eq!(of("field=group&q=admin"), None);
        assert_eq!(of("q=admin:tom"), None);
        assert_eq!(of("q=admin:admin").as_deref(), Some("q=admin:erased-7f3a"));
    }

    proptest! {
        /// Nothing is left to be found, and nothing panics.
        #[test]
        fn what_was_replaced_is_not_found_again(
            parts in prop::collection::vec(
                prop::sample::select(vec!["olena", "OLENA@hosting.example", "%40", "/", "&q=", "admin:", "+", "ß", "İ", "x", " ", "%", ":"]), 0..12,
            ),
            reading in prop::sample::select(vec![Reading::Plain, Reading::Path, Reading::Form, Reading::Searches, Reading::Search]),
        ) {
            let text: String = parts.concat();
            if let Some(once) = replaced(&text, reading) {
                prop_assert_eq!(replaced(&once, reading), None, "{} -> {}", text, once);
            }
        }
    }
}
