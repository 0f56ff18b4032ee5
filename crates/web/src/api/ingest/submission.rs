//! Reading what somebody sends as events: one object, an array, or NDJSON.

use std::borrow::Cow;
use std::cell::Cell;
use std::collections::BTreeMap;

use admintrail_event::{Micros, PanelName, SubmittedEvent};
use serde::Deserializer as _;
use serde::de::{SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::WebError;
use crate::error::BadEvent;

/// Most mistakes that one answer lists.
const LISTED: usize = 100;

/// How far a sender's clock may be ahead: one event of a far future would head every list for good.
const AHEAD: i64 = 3_600 * Micros::SECOND;

/// Every event, or every mistake in them (the first hundred): none is taken unless all are good.
pub(crate) fn parse(raw: &[&RawValue], now: Micros) -> Result<Vec<SubmittedEvent>, WebError> {
    let mut events = Vec::with_capacity(raw.len());
    let mut bad = Vec::new();
    for (index, one) in raw.iter().enumerate() {
        let parsed = SubmittedEvent::parse(one.get().as_bytes());
        let mistake = match parsed {
            Ok(event) => {
                let ahead = too_early(index, &event, now);
                events.push(event);
                ahead
            }
            Err(error) => Some(BadEvent {
                index,
                field: error.field,
                message: error.message,
            }),
        };
        match mistake {
            None => {}
            Some(mistake) => {
                bad.push(mistake);
                if bad.len() >= LISTED {
                    break;
                }
            }
        }
    }
    if bad.is_empty() {
        Ok(events)
    } else {
        Err(WebError::BadEvents(bad))
    }
}

/// What is wrong with an event that has not happened yet.
fn too_early(index: usize, event: &SubmittedEvent, now: Micros) -> Option<BadEvent> {
    let time = event.time();
    (time.0 > now.0.saturating_add(AHEAD)).then(|| BadEvent {
        index,
        field: "time".to_owned(),
        message: format!(
            "{time} is more than an hour ahead of this server's clock ({now}). Send the moment of the \
             request; if it is right, set the clock of the sender or of the server."
        ),
    })
}

/// How many events name each panel, without reading anything else of them.
pub(crate) fn by_panel(raw: &[&RawValue]) -> BTreeMap<PanelName, u64> {
    #[derive(serde::Deserialize)]
    struct Named<'a> {
        #[serde(borrow)]
        panel: Cow<'a, str>,
    }
    let mut counts = BTreeMap::new();
    for one in raw {
        let named = serde_json::from_str::<Named<'_>>(one.get());
        if let Some(panel) = named.ok().and_then(|named| named.panel.parse().ok()) {
            *counts.entry(panel).or_default() += 1;
        }
    }
    counts
}

/// The JSON values of the body, unread, and at most so many. An array's elements, else one value
/// after the other, which is what NDJSON and a single object both are.
pub(crate) fn split(body: &[u8], most: usize) -> Result<Vec<&RawValue>, WebError> {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    let first = body.iter().find(|byte| !byte.is_ascii_whitespace());
    let mut json = serde_json::Deserializer::from_slice(body);
    let over = Cell::new(false);
    let split = if first == Some(&b'[') {
        let elements = UpTo { most, over: &over };
        json.deserialize_seq(elements)
            .and_then(|raw| json.end().map(|()| raw))
    } else {
        let values = json.into_iter::<&RawValue>();
        values.take(most.saturating_add(1)).collect()
    };
    if over.get() {
        return Err(WebError::TooManyEvents { limit: most });
    }
    let raw = split.map_err(|error| {
        let (line, column) = (error.line(), error.column());
        WebError::BadBody(format!(
            "The body is not JSON: line {line}, column {column}: {error}. Send a JSON array of events, one \
             event, or one event a line (NDJSON)."
        ))
    })?;
    if raw.len() > most {
        return Err(WebError::TooManyEvents { limit: most });
    }
    if raw.is_empty() {
        let message =
            "There is no event in the body. Send a JSON array of events, one event, or NDJSON.";
        return Err(WebError::BadBody(message.to_owned()));
    }
    Ok(raw)
}

/// The elements of an array. What follows the limit is not looked at.
struct UpTo<'c> {
    most: usize,
    over: &'c Cell<bool>,
}

impl<'de> Visitor<'de> for UpTo<'_> {
    type Value = Vec<&'de RawValue>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an array of events")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut raw = Vec::new();
        while let Some(one) = seq.next_element()? {
            if raw.len() >= self.most {
                self.over.set(true);
                return Err(serde::de::Error::custom("too many events"));
            }
            raw.push(one);
        }
        Ok(raw)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(body: &str) -> Result<usize, String> {
        split(body.as_bytes(), 100)
            .map(|found| found.len())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn arrays_single_objects_and_lines_are_told_apart() {
        let cases = [
            ("{}", 1),
            ("\u{feff}{}", 1),
            ("[{},{}]", 2),
            ("{}\n{}\n", 2),
            ("{}\r\n\r\n{}", 2),
            ("{\n \"a\": 1\n}", 1),
        ];
        for (body, expected) in cases {
            assert_eq!(count(body), Ok(expected), "{body:?}");
        }
    }

    #[test]
    fn there_is_an_end_to_how_many_there_may_be() {
        let many = |n: usize, around: [&str; 2], between: &str| {
            let values = vec!["7"; n].join(between);
            format!("{}{values}{}", around[0], around[1])
        };
        for (around, between) in [(["[", "]"], ","), (["", ""], "\n")] {
            assert_eq!(count(&many(100, around, between)), Ok(100));
            for n in [101, 100_000] {
                let error = count(&many(n, around, between)).unwrap_err();
                assert!(error.contains("more than 100 events"), "{error}");
            }
        }
    }

    #[test]
    fn events_are_counted_by_panel_without_being_understood() {
        let body = br#"{"panel":"billing","x":[1,{"panel":"no"}]} {"panel":"sh\u006fp"} {"panel":"billing"}
            {"panel":"Not A Name"} {"panel":7} 7 {}"#;
        let raw = split(body, 100).unwrap();
        let counts: Vec<(String, u64)> = by_panel(&raw)
            .into_iter()
            .map(|(panel, count)| (panel.to_string(), count))
            .collect();
        assert_eq!(counts, [("billing".to_owned(), 2), ("shop".to_owned(), 1)]);
    }

    #[test]
    fn what_is_not_json_is_refused_with_its_place() {
        for bad in ["{", "[{}", "[{}] {}", "{}\n{\"a\":}", "not json", "\u{0}"] {
            let error = count(bad).unwrap_err();
            assert!(error.contains("line "), "{error}");
        }
    }
}
