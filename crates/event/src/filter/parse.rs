//! Text to [`Filter`]. Every mistake points at the bytes that hold it.

use std::net::IpAddr;
use std::ops::Range as Span;

use crate::FirstSet;
use crate::filter::ast::{Fact, Filter, Term, Test, WholeField};
use crate::filter::error::FilterError;
use crate::filter::key::{Key, nearest_of};
use crate::filter::pattern::{SessionPrefix, TextPattern};
use crate::filter::values;

impl Filter {
    /// Longest text that is parsed, in bytes.
    pub const MAX_BYTES: usize = 4096;
    /// Most terms of a filter.
    pub const MAX_TERMS: usize = 64;
    /// Most alternatives of a term.
    pub const MAX_VALUES: usize = 256;

    /// Reads the filter language.
    ///
    /// # Errors
    /// The first mistake, with the bytes that hold it and what to write instead.
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        if text.len() > Self::MAX_BYTES {
            return Err(FilterError::too_long(text));
        }
        let mut reader = Reader { text, at: 0 };
        let mut terms = Vec::new();
        while let Some(start) = reader.next_word() {
            if terms.len() == Self::MAX_TERMS {
                return Err(FilterError::too_many_terms(
                    text,
                    start..reader.word_end(start),
                ));
            }
            terms.push(reader.term()?);
        }
        Ok(Self { terms })
    }
}

/// The key of a word that has one: letters, `_` and `-` before its first colon.
/// IPv6 addresses that look so are none.
pub(super) fn key_of_word(word: &str) -> Option<&str> {
    let (key, _) = word.split_once(':')?;
    let letters = key
        .bytes()
        .all(|byte| byte.is_ascii_alphabetic() || byte == b'_' || byte == b'-');
    (!key.is_empty() && letters && word.parse::<IpAddr>().is_err()).then_some(key)
}

/// One value of a word.
struct Value {
    /// The texts between its wildcards.
    pieces: Vec<String>,
    /// Where it stands, quotes included.
    span: Span<usize>,
}

impl Value {
    /// The value as one text, for what has no wildcards.
    fn plain(&self) -> String {
        self.pieces.join("*")
    }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or("")
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn take(&mut self, wanted: char) -> bool {
        let there = self.peek() == Some(wanted);
        if there {
            self.at += wanted.len_utf8();
        }
        there
    }

    /// Skips blanks; where the next word begins, if there is one.
    fn next_word(&mut self) -> Option<usize> {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
        (self.at < self.text.len()).then_some(self.at)
    }

    /// Where the word that begins here ends, quotes not considered.
    fn word_end(&self, start: usize) -> usize {
        let rest = self.text.get(start..).unwrap_or("");
        start + rest.find(char::is_whitespace).unwrap_or(rest.len())
    }

    fn term(&mut self) -> Result<Term, FilterError> {
        let start = self.at;
        let negated = self.take('-');
        let word = self.text.get(self.at..self.word_end(self.at)).unwrap_or("");
        if word.is_empty() {
            return Err(FilterError::nothing_to_negate(self.text, start..self.at));
        }
        let Some(written) = key_of_word(word) else {
            let values = self.values("bare word")?;
            return Ok(Term {
                negated,
                test: Test::Bare(patterns(&values)),
            });
        };
        let span = self.at..self.at + written.len();
        let Some(key) = Key::of_word(written) else {
            return Err(FilterError::unknown_key(
                self.text,
                span,
                word,
                Key::nearest(written),
            ));
        };
        self.at = span.end + 1;
        let values = self.values(key.word())?;
        Ok(Term {
            negated,
            test: self.test(key, &values)?,
        })
    }

    fn test(&self, key: Key, values: &[Value]) -> Result<Test, FilterError> {
        let text = self.text;
        Ok(match key {
            Key::Text(field) => Test::Text(field, patterns(values)),
            Key::Admin => Test::Admin(patterns(values)),
            Key::Whole(field) => {
                if let Some(allowed) = allowed_words(field) {
                    each(values, |value| known_word(text, key, value, &allowed))?;
                }
                Test::Whole(field, patterns(values))
            }
            Key::Ip => Test::Ip(each(values, |value| {
                values::network(&value.plain())
                    .ok_or_else(|| FilterError::bad_ip(text, value.span.clone(), &value.plain()))
            })?),
            Key::Session => Test::Session(each(values, |value| {
                SessionPrefix::parse(&value.plain())
                    .ok_or_else(|| FilterError::bad_session(text, value.span.clone()))
            })?),
            Key::Status => Test::Status(each(values, |value| {
                values::status_range(&value.plain())
                    .ok_or_else(|| FilterError::bad_status(text, value.span.clone()))
            })?),
            Key::Duration => Test::Duration(each(values, |value| {
                values::duration_range(&value.plain())
                    .ok_or_else(|| FilterError::bad_duration(text, value.span.clone()))
            })?),
            Key::Is => Test::Is(each(values, |value| {
                Fact::of_word(&value.plain()).ok_or_else(|| {
                    let allowed: Vec<_> = Fact::ALL.iter().map(|fact| fact.as_str()).collect();
                    not_allowed(text, key, value, &allowed)
                })
            })?),
            Key::First => Test::First(each(values, |value| {
                FirstSet::of_name(&value.plain().to_ascii_lowercase()).ok_or_else(|| {
                    let all: Vec<_> = FirstSet::EVERYTHING.names().collect();
                    not_allowed(text, key, value, &all)
                })
            })?),
        })
    }

    /// The alternatives of a word, separated by commas.
    fn values(&mut self, of: &str) -> Result<Vec<Value>, FilterError> {
        let mut values = Vec::new();
        loop {
            let value = self.value(of)?;
            if values.len() == Filter::MAX_VALUES {
                return Err(FilterError::too_many_values(self.text, value.span));
            }
            values.push(value);
            if !self.take(',') {
                return Ok(values);
            }
        }
    }

    fn value(&mut self, of: &str) -> Result<Value, FilterError> {
        let start = self.at;
        let pieces = if self.take('"') {
            self.quoted(start)?
        } else {
            self.unquoted()
        };
        let span = start..self.at;
        if pieces.iter().all(String::is_empty) && pieces.len() == 1 {
            // Point at the whole word: an empty value has no bytes of its own.
            let before = self.text.get(..start).unwrap_or("");
            let word = before.rfind(char::is_whitespace).map_or(0, |at| {
                at + before
                    .get(at..)
                    .and_then(|c| c.chars().next())
                    .map_or(1, char::len_utf8)
            });
            return Err(FilterError::empty_value(
                self.text,
                word..self.at.max(start),
                of,
            ));
        }
        Ok(Value { pieces, span })
    }

    fn unquoted(&mut self) -> Vec<String> {
        let rest = self.rest();
        let length = rest
            .find(|c: char| c.is_whitespace() || c == ',')
            .unwrap_or(rest.len());
        self.at += length;
        rest.get(..length)
            .unwrap_or("")
            .split('*')
            .map(str::to_owned)
            .collect()
    }

    /// Up to the closing quote: `\"`, `\\` and `\*` stand for themselves, other backslashes too.
    fn quoted(&mut self, start: usize) -> Result<Vec<String>, FilterError> {
        let mut pieces = Vec::new();
        let mut piece = String::new();
        let mut chars = self.rest().char_indices().peekable();
        while let Some((at, c)) = chars.next() {
            match c {
                '"' => {
                    pieces.push(piece);
                    self.at += at + 1;
                    return match self.peek() {
                        Some(next) if next != ',' && !next.is_whitespace() => {
                            let end = self.word_end(self.at);
                            Err(FilterError::after_quote(self.text, self.at..end))
                        }
                        _ => Ok(pieces),
                    };
                }
                '\\' => match chars.next_if(|(_, next)| matches!(next, '"' | '\\' | '*')) {
                    Some((_, escaped)) => piece.push(escaped),
                    None => piece.push('\\'),
                },
                '*' => pieces.push(std::mem::take(&mut piece)),
                other => piece.push(other),
            }
        }
        Err(FilterError::unclosed_quote(
            self.text,
            start..self.text.len(),
        ))
    }
}

fn patterns(values: &[Value]) -> Vec<TextPattern> {
    values
        .iter()
        .map(|value| TextPattern::from_pieces(value.pieces.clone()))
        .collect()
}

fn each<T>(
    values: &[Value],
    read: impl Fn(&Value) -> Result<T, FilterError>,
) -> Result<Vec<T>, FilterError> {
    values.iter().map(read).collect()
}

/// The words of a field with a closed set of values.
pub(super) fn allowed_words(field: WholeField) -> Option<Vec<&'static str>> {
    use crate::{Ending, Kind, KnownBy, Outcome, RequestType};
    Some(match field {
        WholeField::Type => RequestType::ALL.iter().map(|word| word.as_str()).collect(),
        WholeField::Outcome => Outcome::ALL.iter().map(|word| word.as_str()).collect(),
        WholeField::KnownBy => KnownBy::ALL.iter().map(|word| word.as_str()).collect(),
        WholeField::Kind => Kind::ALL.iter().map(|word| word.as_str()).collect(),
        WholeField::Ending => Ending::ALL.iter().map(|word| word.as_str()).collect(),
        WholeField::Method | WholeField::Panel => return None,
    })
}

fn known_word(
    text: &str,
    key: Key,
    value: &Value,
    allowed: &[&'static str],
) -> Result<(), FilterError> {
    let pattern = TextPattern::from_pieces(value.pieces.clone());
    if allowed.iter().any(|word| pattern.is_whole(word)) {
        return Ok(());
    }
    Err(not_allowed(text, key, value, allowed))
}

fn not_allowed(text: &str, key: Key, value: &Value, allowed: &[&'static str]) -> FilterError {
    let written = value.plain();
    let near = nearest_of(&written, allowed.iter().copied());
    // `is:denied` means a word of another key.
    let elsewhere = [WholeField::Outcome, WholeField::Type, WholeField::KnownBy]
        .into_iter()
        .map(Key::Whole)
        .filter(|other| *other != key)
        .find_map(|other| {
            let Key::Whole(field) = other else {
                return None;
            };
            let words = allowed_words(field)?;
            let word = words
                .into_iter()
                .find(|word| word.eq_ignore_ascii_case(&written))?;
            Some(format!("{other}:{}", word.to_ascii_lowercase()))
        });
    let meant = near
        .map(|word| format!("{key}:{}", word.to_ascii_lowercase()))
        .or(elsewhere);
    FilterError::not_allowed(
        text,
        value.span.clone(),
        key.word(),
        allowed,
        meant.as_deref(),
    )
}
