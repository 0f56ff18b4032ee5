//! What can be wrong with a filter, said so that it can be put right.

use std::ops::Range as Span;

use crate::filter::ast::Filter;
use crate::filter::values;

/// A mistake in a filter, pointing at the bytes that hold it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct FilterError {
    /// Byte offsets of the mistake in the text, at character boundaries.
    pub span: Span<usize>,
    /// The text at `span`, at most 64 characters of it.
    pub word: String,
    /// What is wrong and what to write instead.
    pub message: String,
    /// Stable code, `FILTER-001` and so on.
    pub code: &'static str,
}

impl FilterError {
    /// Every code; none is ever reused for another mistake.
    pub const CODES: &'static [&'static str] = &[
        "FILTER-001",
        "FILTER-002",
        "FILTER-003",
        "FILTER-004",
        "FILTER-005",
        "FILTER-006",
        "FILTER-007",
        "FILTER-008",
        "FILTER-009",
        "FILTER-010",
        "FILTER-011",
        "FILTER-012",
        "FILTER-013",
    ];

    fn new(text: &str, span: Span<usize>, code: &'static str, message: String) -> Self {
        let word = short(text.get(span.clone()).unwrap_or(""));
        Self {
            span,
            word,
            message,
            code,
        }
    }

    pub(super) fn too_long(text: &str) -> Self {
        let from = text.floor_char_boundary(Filter::MAX_BYTES);
        let message = format!(
            "The filter is {} bytes long; {} are allowed. Leave out some of its words.",
            text.len(),
            Filter::MAX_BYTES
        );
        Self::new(text, from..text.len(), "FILTER-001", message)
    }

    pub(super) fn unknown_key(
        text: &str,
        span: Span<usize>,
        word: &str,
        nearest: Option<&str>,
    ) -> Self {
        let key = short(text.get(span.clone()).unwrap_or(""));
        let word = short(word).replace('"', "");
        let quoted = format!("To search for the text, write \"{word}\" in quotes.");
        let message = match nearest {
            Some(near) => format!("There is no filter word {key}:. Did you mean {near}:? {quoted}"),
            None => format!("There is no filter word {key}:. {quoted}"),
        };
        Self::new(text, span, "FILTER-002", message)
    }

    pub(super) fn unclosed_quote(text: &str, span: Span<usize>) -> Self {
        let message = "This quote is never closed. Put a \" after the text; write \\\" for a quote inside it.";
        Self::new(text, span, "FILTER-003", message.to_owned())
    }

    pub(super) fn empty_value(text: &str, span: Span<usize>, of: &str) -> Self {
        let message = match of {
            "bare word" => "Here is a comma or quotes with no text to search for.".to_owned(),
            "admin" => "admin: needs a name. For requests without a known admin write is:unknown."
                .to_owned(),
            key => format!("{key}: needs a value, also before and after each comma."),
        };
        Self::new(text, span, "FILTER-004", message)
    }

    pub(super) fn not_allowed(
        text: &str,
        span: Span<usize>,
        key: &str,
        allowed: &[&str],
        meant: Option<&str>,
    ) -> Self {
        let value = short(text.get(span.clone()).unwrap_or(""));
        let allowed = allowed.join(", ").to_ascii_lowercase();
        let meant = meant
            .map(|word| format!(" Did you mean {word}?"))
            .unwrap_or_default();
        let message = format!("{key}: cannot be {value}. It can be {allowed}.{meant}");
        Self::new(text, span, "FILTER-005", message)
    }

    pub(super) fn bad_status(text: &str, span: Span<usize>) -> Self {
        let value = short(text.get(span.clone()).unwrap_or(""));
        let message =
            format!("{value} is no status. Write 404, 4xx, 400-404, >=500 or <400 (100 to 999).");
        Self::new(text, span, "FILTER-006", message)
    }

    pub(super) fn bad_duration(text: &str, span: Span<usize>) -> Self {
        let value = short(text.get(span.clone()).unwrap_or(""));
        let digits = !value.is_empty()
            && value
                .trim_start_matches(['<', '>', '='])
                .bytes()
                .all(|b| b.is_ascii_digit());
        let why = if digits {
            "has no unit"
        } else {
            "is no duration"
        };
        let message =
            format!("{value} {why}. Write >500ms, <2s or 100ms-2s; units are us, ms, s, m.");
        Self::new(text, span, "FILTER-007", message)
    }

    pub(super) fn bad_ip(text: &str, span: Span<usize>, value: &str) -> Self {
        let shown = short(text.get(span.clone()).unwrap_or(""));
        let message = match values::network_of_wildcard(value) {
            Some(net) => format!("{shown} is no address. For the whole network write ip:{net}."),
            None => format!(
                "{shown} is no address. Write one such as 198.51.100.7 or 2001:db8::7, or a network such as 198.51.100.0/24."
            ),
        };
        Self::new(text, span, "FILTER-008", message)
    }

    pub(super) fn bad_session(text: &str, span: Span<usize>) -> Self {
        let value = short(text.get(span.clone()).unwrap_or(""));
        let message = format!(
            "{value} is no session. Write its first 4 to 32 digits (0-9, a-f), such as session:77f0a1b2."
        );
        Self::new(text, span, "FILTER-009", message)
    }

    pub(super) fn too_many_terms(text: &str, span: Span<usize>) -> Self {
        let message = format!(
            "The filter has more than {} words. Join values of one key with commas: method:PUT,DELETE.",
            Filter::MAX_TERMS
        );
        Self::new(text, span, "FILTER-010", message)
    }

    pub(super) fn nothing_to_negate(text: &str, span: Span<usize>) -> Self {
        let message = "A leading - means not; write the word right after it: -method:HEAD. To search for a hyphen, write \"-\".";
        Self::new(text, span, "FILTER-011", message.to_owned())
    }

    pub(super) fn after_quote(text: &str, span: Span<usize>) -> Self {
        let message = "After a closing quote comes a space or a comma. Write \\\" for a quote inside the text.";
        Self::new(text, span, "FILTER-012", message.to_owned())
    }

    pub(super) fn too_many_values(text: &str, span: Span<usize>) -> Self {
        let message = format!(
            "This word has more than {} values. Use a wildcard, or fewer of them.",
            Filter::MAX_VALUES
        );
        Self::new(text, span, "FILTER-013", message)
    }
}

/// At most 64 characters, with an ellipsis where something was left out.
fn short(text: &str) -> String {
    match text.char_indices().nth(64) {
        None => text.to_owned(),
        Some((cut, _)) => format!("{}…", text.get(..cut).unwrap_or("")),
    }
}
