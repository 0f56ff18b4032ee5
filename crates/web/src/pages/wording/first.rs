//! What an admin did for the first time, in words.

use admintrail_event::FirstSet;

use crate::pages::wording::link::Links;

/// A badge that leads to all of its kind.
#[derive(Debug, Clone)]
pub(crate) struct First {
    /// `new IP`
    pub(crate) word: &'static str,
    pub(crate) about: &'static str,
    /// The filter word: `first:ip`.
    pub(crate) term: &'static str,
    pub(crate) href: String,
}

/// What weighs most comes first.
const WORDS: [(FirstSet, &str, &str, &str); 4] = [
    (
        FirstSet::IP,
        "new IP",
        "The first request of this admin from this address",
        "first:ip",
    ),
    (
        FirstSet::AGENT,
        "new browser",
        "The first request of this admin with this browser",
        "first:agent",
    ),
    (
        FirstSet::HOUR,
        "unusual hour",
        "The first request of this admin at this hour of the day",
        "first:hour",
    ),
    (
        FirstSet::ROUTE,
        "new page",
        "The first time this admin did this",
        "first:route",
    ),
];

/// One badge each.
pub(crate) fn firsts(set: FirstSet, links: &Links) -> Vec<First> {
    let there = WORDS.into_iter().filter(|(bit, ..)| set.contains(*bit));
    there
        .map(|(_, word, about, term)| First {
            word,
            about,
            term,
            href: links.requests_with(term),
        })
        .collect()
}
