//! The keys of the filter language, in one table: parser, chips and help read the same.

use std::fmt;

use crate::filter::ast::{TextField, WholeField};

/// What stands before the colon of a filter word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Key {
    /// A field searched by substring.
    Text(TextField),
    /// A field compared as a whole value.
    Whole(WholeField),
    /// `admin:`
    Admin,
    /// `ip:`
    Ip,
    /// `session:`
    Session,
    /// `status:`
    Status,
    /// `duration:`
    Duration,
    /// `is:`
    Is,
    /// `first:`
    First,
}

/// A key with what a reader needs to know of it.
#[derive(Debug, Clone, Copy)]
pub struct KeyHelp {
    /// The key.
    pub key: Key,
    /// How it is written.
    pub word: &'static str,
    /// What it finds.
    pub about: &'static str,
    /// A whole word that works.
    pub example: &'static str,
}

const fn help(key: Key, word: &'static str, about: &'static str, example: &'static str) -> KeyHelp {
    KeyHelp {
        key,
        word,
        about,
        example,
    }
}

/// Every key, in the order in which help lists them.
pub const KEYS: &[KeyHelp] = &[
    help(
        Key::Admin,
        "admin",
        "Who: the whole id, the whole name, or the part before the @",
        "admin:olena",
    ),
    help(
        Key::Ip,
        "ip",
        "From where: an address or a network",
        "ip:198.51.100.0/24",
    ),
    help(
        Key::Whole(WholeField::Type),
        "type",
        "API or WEB",
        "type:api",
    ),
    help(
        Key::Whole(WholeField::Method),
        "method",
        "The HTTP method",
        "method:PUT,DELETE",
    ),
    help(
        Key::Text(TextField::Action),
        "action",
        "What was done, part of the sentence",
        "action:\"changed settings\"",
    ),
    help(
        Key::Text(TextField::Object),
        "object",
        "What it touched, part of the name",
        "object:client/4711",
    ),
    help(
        Key::Text(TextField::Path),
        "path",
        "Part of the path",
        "path:/settings",
    ),
    help(
        Key::Text(TextField::Query),
        "query",
        "Part of the query",
        "query:page=2",
    ),
    help(
        Key::Text(TextField::Route),
        "route",
        "Part of the route, ids as {id}",
        "route:/client/{id}",
    ),
    help(
        Key::Status,
        "status",
        "Status: one, a hundred, a range",
        "status:4xx",
    ),
    help(
        Key::Whole(WholeField::Outcome),
        "outcome",
        "success, denied, failed, error or unknown",
        "outcome:denied",
    ),
    help(
        Key::Duration,
        "duration",
        "How long it took, in us, ms, s or m",
        "duration:>500ms",
    ),
    help(
        Key::Session,
        "session",
        "The first 4 or more digits of the session",
        "session:77f0",
    ),
    help(
        Key::Is,
        "is",
        "first, polling, asset, unknown (no admin), acting_as or change",
        "is:change",
    ),
    help(
        Key::First,
        "first",
        "First time for the admin: ip, agent, route or hour",
        "first:ip",
    ),
    help(
        Key::Whole(WholeField::Panel),
        "panel",
        "The monitored system",
        "panel:billing",
    ),
    help(
        Key::Text(TextField::Agent),
        "agent",
        "Part of the user agent",
        "agent:firefox",
    ),
    help(
        Key::Text(TextField::Host),
        "host",
        "Part of the host",
        "host:billing.example.org",
    ),
    help(
        Key::Text(TextField::Attempted),
        "attempted",
        "The name tried at a failed sign-in",
        "attempted:root",
    ),
    help(
        Key::Whole(WholeField::KnownBy),
        "known_by",
        "How the admin is known",
        "known_by:attempt",
    ),
    help(
        Key::Text(TextField::ActingAs),
        "acting_as",
        "The identity the admin acted as",
        "acting_as:client-12",
    ),
    help(
        Key::Text(TextField::Recorder),
        "recorder",
        "Who recorded it",
        "recorder:proxy-1",
    ),
    help(
        Key::Whole(WholeField::Kind),
        "kind",
        "request, gap, start or stop",
        "kind:gap",
    ),
    help(
        Key::Whole(WholeField::Ending),
        "ending",
        "How the response ended: complete, failed or dropped",
        "ending:dropped",
    ),
];

/// What people write for a key out of habit, and the key that means it.
const HABITS: &[(&str, &str)] = &[
    ("user", "admin"),
    ("username", "admin"),
    ("name", "admin"),
    ("admin_name", "admin"),
    ("who", "admin"),
    ("email", "admin"),
    ("by", "admin"),
    ("url", "path"),
    ("uri", "path"),
    ("page", "path"),
    ("user_agent", "agent"),
    ("ua", "agent"),
    ("browser", "agent"),
    ("address", "ip"),
    ("addr", "ip"),
    ("from", "ip"),
    ("client", "ip"),
    ("net", "ip"),
    ("code", "status"),
    ("verb", "method"),
    ("time", "duration"),
    ("took", "duration"),
    ("duration_us", "duration"),
    ("latency", "duration"),
    ("has", "is"),
    ("new", "first"),
    ("result", "outcome"),
    ("tried", "attempted"),
    ("target", "object"),
    ("module", "object"),
    ("as", "acting_as"),
    ("impersonating", "acting_as"),
    ("sid", "session"),
    ("system", "panel"),
    ("what", "action"),
    ("did", "action"),
    ("params", "query"),
];

impl Key {
    /// The key a word means; any case, `-` as good as `_`.
    #[must_use]
    pub fn of_word(word: &str) -> Option<Self> {
        KEYS.iter()
            .find(|help| same_word(help.word, word))
            .map(|help| help.key)
    }

    /// How it is written.
    #[must_use]
    pub fn word(self) -> &'static str {
        KEYS.iter()
            .find(|help| help.key == self)
            .map_or("", |help| help.word)
    }

    /// The key that a mistyped word is nearest to, if any is near.
    pub(crate) fn nearest(word: &str) -> Option<&'static str> {
        if let Some((_, meant)) = HABITS.iter().find(|(habit, _)| same_word(habit, word)) {
            return Some(meant);
        }
        nearest_of(word, KEYS.iter().map(|help| help.word))
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// The candidate that somebody may have meant by a mistyped word: within two edits of it, or one
/// that begins with it. Candidates are lower case, with `_` between words.
pub fn nearest_of(
    word: &str,
    candidates: impl Iterator<Item = &'static str>,
) -> Option<&'static str> {
    let word = word.to_ascii_lowercase().replace('-', "_");
    if word.len() > 32 {
        return None;
    }
    candidates
        .filter_map(|candidate| {
            if word.len() >= 2 && candidate.starts_with(&word) {
                return Some((0, candidate));
            }
            let edits = edits_between(&word, candidate);
            // Two edits of a two-letter word are another word.
            let near = edits <= 2 && edits * 2 < word.len().max(candidate.len());
            near.then_some((edits, candidate))
        })
        .min_by_key(|(edits, _)| *edits)
        .map(|(_, candidate)| candidate)
}

fn same_word(canonical: &str, typed: &str) -> bool {
    canonical.len() == typed.len()
        && canonical.bytes().zip(typed.bytes()).all(|(ours, theirs)| {
            ours == theirs.to_ascii_lowercase() || (ours == b'_' && theirs == b'-')
        })
}

/// Edit distance with neighbours swapped counted once (optimal string alignment).
fn edits_between(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=other.len()).collect();
    let mut last_char = None;
    for (row, a) in one.chars().enumerate() {
        let mut line = vec![row + 1];
        let mut left_char = None;
        for (column, &b) in other.iter().enumerate() {
            let at =
                |line: &[usize], column: usize| line.get(column).copied().unwrap_or(usize::MAX / 2);
            let mut edits = (at(&above, column) + usize::from(a != b))
                .min(at(&above, column + 1) + 1)
                .min(at(&line, column) + 1);
            if last_char == Some(b) && left_char == Some(a) && column > 0 {
                edits = edits.min(at(&before, column - 1) + 1);
            }
            line.push(edits);
            left_char = Some(b);
        }
        before = std::mem::replace(&mut above, line);
        last_char = Some(a);
    }
    above.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Filter;

    #[test]
    fn every_key_has_one_word_and_an_example_that_parses() {
        for (at, help) in KEYS.iter().enumerate() {
            assert!(
                KEYS[..at]
                    .iter()
                    .all(|other| other.word != help.word && other.key != help.key)
            );
            assert_eq!(Key::of_word(help.word), Some(help.key));
            assert_eq!(help.key.word(), help.word);
            let filter = Filter::parse(help.example).unwrap();
            assert_eq!(filter.terms[0].key(), Some(help.key), "{}", help.example);
        }
        assert!(HABITS.iter().all(|(habit, meant)| {
            Key::of_word(habit).is_none() && Key::of_word(meant).is_some()
        }));
    }

    #[test]
    fn mistyped_words_find_their_neighbour() {
        for (typed, meant) in [
            ("admn", Some("admin")),
            ("amdin", Some("admin")),
            ("methods", Some("method")),
            ("Stauts", Some("status")),
            ("known-bi", Some("known_by")),
            ("dur", Some("duration")),
            ("url", Some("path")),
            ("zebra", None),
            ("x", None),
        ] {
            assert_eq!(Key::nearest(typed), meant, "{typed}");
        }
    }
}
