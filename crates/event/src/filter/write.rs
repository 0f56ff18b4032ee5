//! [`Filter`] to text that parses to the same again, and the pieces that chips are made of.

use std::fmt;

use crate::filter::ast::{Filter, Term, Test};
use crate::filter::key::Key;
use crate::filter::pattern::TextPattern;
use crate::filter::values;

/// Writes the filter so that it parses to the same again.
impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        separated(f, &self.terms, " ", |term, f| term.fmt(f))
    }
}

/// One word of a filter, as a chip in the box has it.
impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.negated {
            f.write_str("-")?;
        }
        if let Some(key) = self.key() {
            write!(f, "{key}:")?;
        }
        self.test.write_values(f)
    }
}

/// A term in pieces, for a chip: `Method is not` · `HEAD`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TermLabel {
    /// The key; empty for a bare word.
    pub key: &'static str,
    /// The values as they are written, joined by commas.
    pub value: String,
    /// Whether it leaves out what matches.
    pub negated: bool,
}

impl Term {
    /// The key it is written with; `None` for a bare word.
    #[must_use]
    pub const fn key(&self) -> Option<Key> {
        Some(match &self.test {
            Test::Bare(_) => return None,
            Test::Text(field, _) => Key::Text(*field),
            Test::Whole(field, _) => Key::Whole(*field),
            Test::Admin(_) => Key::Admin,
            Test::Ip(_) => Key::Ip,
            Test::Session(_) => Key::Session,
            Test::Status(_) => Key::Status,
            Test::Duration(_) => Key::Duration,
            Test::Is(_) => Key::Is,
            Test::First(_) => Key::First,
        })
    }

    /// Its pieces, for a chip.
    #[must_use]
    pub fn label(&self) -> TermLabel {
        let value = fmt::from_fn(|f| self.test.write_values(f)).to_string();
        TermLabel {
            key: self.key().map_or("", Key::word),
            value,
            negated: self.negated,
        }
    }
}

impl Filter {
    /// The word that finds exactly this value of a field, quoted where needed: what a click on a
    /// value adds to the box.
    #[must_use]
    pub fn word_for(key: Key, value: &str) -> String {
        let pattern = TextPattern::literal(value);
        format!(
            "{key}:{}",
            fmt::from_fn(|f| write_pattern(&pattern, false, f))
        )
    }

    /// With the term added. The same term is not added twice; its contrary gives way.
    #[must_use]
    pub fn with_term(&self, term: Term) -> Self {
        let mut terms = self.terms.clone();
        terms.retain(|other| other.test != term.test);
        terms.push(term);
        Self { terms }
    }

    /// Without the term at this place.
    #[must_use]
    pub fn without_term(&self, index: usize) -> Self {
        let others = self.terms.iter().enumerate().filter(|(at, _)| *at != index);
        Self {
            terms: others.map(|(_, term)| term.clone()).collect(),
        }
    }
}

/// A text as a bare word that is searched as it is, in quotes where needed.
#[must_use]
pub fn quote(text: &str) -> String {
    let pattern = TextPattern::literal(text);
    fmt::from_fn(|f| write_pattern(&pattern, true, f)).to_string()
}

impl Test {
    fn write_values(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bare(patterns) => comma(f, patterns, |p, f| write_pattern(p, true, f)),
            Self::Text(_, patterns) | Self::Whole(_, patterns) | Self::Admin(patterns) => {
                comma(f, patterns, |p, f| write_pattern(p, false, f))
            }
            Self::Ip(nets) => comma(f, nets, values::write_network),
            Self::Session(prefixes) => comma(f, prefixes, fmt::Display::fmt),
            Self::Status(ranges) => comma(f, ranges, |range, f| values::write_status(*range, f)),
            Self::Duration(ranges) => {
                comma(f, ranges, |range, f| values::write_duration(*range, f))
            }
            Self::Is(facts) => comma(f, facts, |fact, f| f.write_str(fact.as_str())),
            Self::First(sets) => comma(f, sets, |set, f| {
                let names: Vec<_> = set.names().collect();
                f.write_str(&names.join(","))
            }),
        }
    }
}

fn comma<T>(
    f: &mut fmt::Formatter<'_>,
    items: &[T],
    write: impl Fn(&T, &mut fmt::Formatter<'_>) -> fmt::Result,
) -> fmt::Result {
    separated(f, items, ",", write)
}

fn separated<T>(
    f: &mut fmt::Formatter<'_>,
    items: &[T],
    separator: &str,
    write: impl Fn(&T, &mut fmt::Formatter<'_>) -> fmt::Result,
) -> fmt::Result {
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            f.write_str(separator)?;
        }
        write(item, f)?;
    }
    Ok(())
}

fn write_pattern(pattern: &TextPattern, bare: bool, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let pieces = pattern.pieces();
    let quoted = needs_quotes(pieces, bare);
    if quoted {
        f.write_str("\"")?;
    }
    for (at, piece) in pieces.iter().enumerate() {
        if at > 0 {
            f.write_str("*")?;
        }
        if quoted {
            for c in piece.chars() {
                if matches!(c, '"' | '\\' | '*') {
                    f.write_str("\\")?;
                }
                write!(f, "{c}")?;
            }
        } else {
            f.write_str(piece)?;
        }
    }
    if quoted {
        f.write_str("\"")?;
    }
    Ok(())
}

fn needs_quotes(pieces: &[String], bare: bool) -> bool {
    let first = pieces.first().map_or("", String::as_str);
    let breaks = |c: char| c.is_whitespace() || c == ',' || c == '*' || (bare && c == ':');
    let empty = pieces.len() == 1 && first.is_empty();
    empty
        || first.starts_with('"')
        || (bare && first.starts_with('-'))
        || pieces.iter().any(|piece| piece.contains(breaks))
}
