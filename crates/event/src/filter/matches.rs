//! What every filter means. Whatever else evaluates one must agree with this.

use crate::filter::ast::{Fact, Filter, Range, Term, Test, TextField, WholeField};
use crate::filter::pattern::TextPattern;
use crate::{Draft, Event, FirstSet, Outcome, is_safe_method};

impl Filter {
    /// The reference meaning of every filter; whatever else evaluates one must agree.
    #[must_use]
    pub fn matches(&self, event: &Event) -> bool {
        self.terms.iter().all(|term| term.matches(event))
    }

    /// Whether a term asks for this fact (`is:polling`, not `-is:polling`).
    #[must_use]
    pub fn asks_for(&self, fact: Fact) -> bool {
        self.terms.iter().any(|term| {
            !term.negated && matches!(&term.test, Test::Is(facts) if facts.contains(&fact))
        })
    }
}

impl Term {
    /// Whether the event passes: the test, or not if negated.
    #[must_use]
    pub fn matches(&self, event: &Event) -> bool {
        self.test.passes(event) != self.negated
    }

    /// Whether every event of an admin with this id and name passes, or none; `None` if the term asks
    /// for something else as well.
    #[must_use]
    pub fn matches_admin(&self, id: Option<&str>, name: Option<&str>) -> Option<bool> {
        match &self.test {
            Test::Admin(patterns) => Some(is_admin(patterns, id, name) != self.negated),
            _ => None,
        }
    }
}

fn is_admin(patterns: &[TextPattern], id: Option<&str>, name: Option<&str>) -> bool {
    any(patterns, |pattern| {
        id.is_some_and(|id| pattern.is_admin_id(id))
            || name.is_some_and(|name| pattern.is_whole(name))
    })
}

impl Test {
    /// Whether the event passes the test. A missing value passes none.
    #[must_use]
    pub fn passes(&self, event: &Event) -> bool {
        let draft = &event.draft;
        match self {
            Self::Bare(patterns) => any(patterns, |pattern| bare_word_in(pattern, draft)),
            Self::Text(field, patterns) => field
                .of(draft)
                .is_some_and(|value| any(patterns, |pattern| field.holds(pattern, value))),
            Self::Whole(field, patterns) => {
                let value = field.of(draft);
                any(patterns, |pattern| pattern.is_whole(value))
            }
            Self::Admin(patterns) => is_admin(
                patterns,
                draft.admin.as_deref(),
                draft.admin_name.as_deref(),
            ),
            Self::Ip(nets) => draft.ip.is_some_and(|ip| any(nets, |net| ip.is_in(net))),
            Self::Session(prefixes) => draft
                .session
                .is_some_and(|session| any(prefixes, |prefix| prefix.begins(&session))),
            Self::Status(ranges) => draft
                .status
                .is_some_and(|status| any(ranges, |range| range.contains(u64::from(status)))),
            Self::Duration(ranges) => draft
                .duration_us
                .is_some_and(|duration| any(ranges, |range| range.contains(duration))),
            Self::Is(facts) => any(facts, |fact| fact.holds(event)),
            Self::First(sets) => any(sets, |set| event.first.0 & set.0 != 0),
        }
    }
}

fn any<T>(alternatives: &[T], passes: impl Fn(&T) -> bool) -> bool {
    alternatives.iter().any(passes)
}

fn bare_word_in(pattern: &TextPattern, draft: &Draft) -> bool {
    let found = |value: Option<&str>| value.is_some_and(|value| pattern.found_in(value));
    pattern.found_in(&draft.path)
        || pattern.found_in(&draft.action)
        || found(draft.object.as_deref())
        || found(draft.admin.as_deref())
        || found(draft.admin_name.as_deref())
        || draft.ip.is_some_and(|ip| pattern.found_in(&ip.to_string()))
}

impl Range {
    /// Whether the number is in it.
    #[must_use]
    pub const fn contains(&self, number: u64) -> bool {
        self.min <= number && number <= self.max
    }
}

impl TextField {
    /// Whether a value of the field matches the pattern.
    fn holds(self, pattern: &TextPattern, value: &str) -> bool {
        match self {
            Self::Object => pattern.touches(value),
            _ => pattern.found_in(value),
        }
    }

    /// The field's value.
    #[must_use]
    pub fn of(self, draft: &Draft) -> Option<&str> {
        match self {
            Self::Path => Some(&draft.path),
            Self::Query => draft.query.as_deref(),
            Self::Action => Some(&draft.action),
            Self::Object => draft.object.as_deref(),
            Self::Route => draft.route.as_deref(),
            Self::Agent => draft.user_agent.as_deref(),
            Self::Attempted => draft.attempted.as_deref(),
            Self::ActingAs => draft.acting_as.as_deref(),
            Self::Host => draft.host.as_deref(),
            Self::Recorder => Some(&draft.recorder),
        }
    }
}

impl WholeField {
    /// The field's value.
    #[must_use]
    pub fn of(self, draft: &Draft) -> &str {
        match self {
            Self::Method => &draft.method,
            Self::Type => draft.request_type.as_str(),
            Self::Panel => draft.panel.as_str(),
            Self::Outcome => draft.outcome.as_str(),
            Self::KnownBy => draft.known_by.as_str(),
            Self::Kind => draft.kind.as_str(),
            Self::Ending => draft.ending.as_str(),
        }
    }
}

impl Fact {
    /// Every fact, in the order in which help lists them.
    pub const ALL: &'static [Self] = &[
        Self::First,
        Self::Polling,
        Self::Asset,
        Self::Unknown,
        Self::ActingAs,
        Self::Change,
    ];

    /// The word after `is:`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Polling => "polling",
            Self::Asset => "asset",
            Self::Unknown => "unknown",
            Self::ActingAs => "acting_as",
            Self::Change => "change",
        }
    }

    /// The fact of a word, in any case, `-` as good as `_`.
    #[must_use]
    pub fn of_word(word: &str) -> Option<Self> {
        let word = word.to_ascii_lowercase().replace('-', "_");
        Self::ALL.iter().copied().find(|fact| fact.as_str() == word)
    }

    /// Whether it holds for the event.
    #[must_use]
    pub fn holds(self, event: &Event) -> bool {
        let draft = &event.draft;
        match self {
            Self::First => event.first != FirstSet::default(),
            Self::Polling => draft.polling,
            Self::Asset => draft.asset,
            Self::Unknown => draft.admin.is_none(),
            Self::ActingAs => draft.acting_as.is_some(),
            Self::Change => draft.outcome == Outcome::Success && !is_safe_method(&draft.method),
        }
    }
}
