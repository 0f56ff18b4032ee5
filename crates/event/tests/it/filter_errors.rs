//! Mistakes point at the bytes that hold them and say what to write instead.

use std::fmt::Write as _;

use admintrail_event::testing::filter_text;
use admintrail_event::{Filter, FilterError};
use proptest::prelude::*;

/// The filter, its mistake underlined, code and message.
fn pointed(text: &str) -> String {
    let FilterError {
        span,
        word,
        message,
        code,
    } = Filter::parse(text).unwrap_err();
    let before = text[..span.start].chars().count();
    let width = text[span.clone()].chars().count().max(1);
    assert_eq!(word, text[span]);
    format!(
        "{text}\n{}{}\n{code} {message}\n",
        " ".repeat(before),
        "^".repeat(width)
    )
}

#[test]
fn every_mistake_is_pointed_at_with_a_remedy() {
    let mut all = String::new();
    for text in [
        "path:/x admn:olena",
        "user:olena",
        "-Stauts:404",
        "http://billing.example.org/x",
        "zebra:1",
        "method:GET action:\"changed settings",
        "status:",
        "method:PUT,,DELETE",
        "method:PUT, DELETE",
        "-admin:",
        "action:\"\"",
        "\"\"",
        ",",
        "type:app",
        "outcome:deny",
        "is:denied",
        "is:new",
        "is:attempt",
        "known_by:cookies",
        "first:address",
        "kind:gaps",
        "status:5000",
        "status:4x",
        "status:500-400",
        "status:<100",
        "duration:500",
        "duration:>500",
        "duration:fast",
        "duration:2s-1s",
        "ip:198.51.100.*",
        "ip:198.51.100.300",
        "ip:2001:db8::/200",
        "ip:office",
        "session:77f",
        "session:xyz1",
        "session:77f0*",
        "method:GET - path:/x",
        "-",
        "action:\"changed\"settings",
        "admin:\u{43e}\u{43b}\u{435}\u{43d}\u{430} \u{457}:x status:\u{1f600}",
    ] {
        writeln!(all, "{}", pointed(text)).unwrap();
    }
    insta::assert_snapshot!(all);
}

#[test]
fn there_is_an_end_to_length_words_and_values() {
    let long = "a".repeat(Filter::MAX_BYTES + 1);
    let error = Filter::parse(&long).unwrap_err();
    assert_eq!((error.code, error.span), ("FILTER-001", 4096..4097));
    assert!(Filter::parse(&long[1..]).is_ok());

    let words = vec!["a"; Filter::MAX_TERMS + 1].join(" ");
    let error = Filter::parse(&words).unwrap_err();
    assert_eq!((error.code, error.span), ("FILTER-010", 128..129));
    assert!(Filter::parse(&words[2..]).is_ok());

    let values = format!("method:{}", vec!["a"; Filter::MAX_VALUES + 1].join(","));
    assert_eq!(Filter::parse(&values).unwrap_err().code, "FILTER-013");
    assert!(Filter::parse(&values[..values.len() - 2]).is_ok());

    // Cut in the middle of a character, the span still begins at one.
    let wide = format!("a{}", "\u{457}".repeat(Filter::MAX_BYTES));
    assert!(wide.get(Filter::parse(&wide).unwrap_err().span).is_some());
}

#[test]
fn codes_are_unique() {
    let mut codes = FilterError::CODES.to_vec();
    codes.dedup();
    assert_eq!(codes.len(), FilterError::CODES.len());
    assert!(codes.is_sorted());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn whatever_is_typed_parses_or_is_pointed_at(text in prop_oneof![filter_text(), "\\PC{0,40}", any::<String>()]) {
        match Filter::parse(&text) {
            Ok(filter) => {
                // What is shown in the box afterwards means the same.
                let shown = filter.to_string();
                prop_assert_eq!(Filter::parse(&shown), Ok(filter), "{}", shown);
            }
            Err(error) => {
                let pointed = text.get(error.span.clone());
                prop_assert!(pointed.is_some(), "{:?}", error);
                prop_assert!(FilterError::CODES.contains(&error.code));
                prop_assert!(error.word.starts_with(pointed.unwrap()) || error.word.ends_with('…'));
                prop_assert!(!error.message.is_empty());
            }
        }
    }
}
