//! Reading what somebody sends as events: one object, an array, or NDJSON.

use admintrail_event::SubmittedEvent;
use serde_json::value::RawValue;

use crate::WebError;
use crate::error::BadEvent;

/// Most mistakes that one answer lists.
const LISTED: usize = 100;

/// Every event of a body, or every mistake in it (the first hundred): none is taken unless all are good.
pub(crate) fn parse(body: &[u8]) -> Result<Vec<SubmittedEvent>, WebError> {
    let raw = split(body)?;
    if raw.is_empty() {
        let message =
            "There is no event in the body. Send a JSON array of events, one event, or NDJSON.";
        return Err(WebError::BadBody(message.to_owned()));
    }
    let mut events = Vec::with_capacity(raw.len());
    let mut bad = Vec::new();
    for (index, one) in raw.iter().enumerate() {
        match SubmittedEvent::parse(one.get().as_bytes()) {
            Ok(event) => events.push(event),
            Err(error) => {
                bad.push(BadEvent {
                    index,
                    field: error.field,
                    message: error.message,
                });
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

/// The JSON values of the body, unread. An array's elements, else one value after the other,
/// which is what NDJSON and a single object both are.
fn split(body: &[u8]) -> Result<Vec<&RawValue>, WebError> {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    let first = body.iter().find(|byte| !byte.is_ascii_whitespace());
    let split = if first == Some(&b'[') {
        serde_json::from_slice::<Vec<&RawValue>>(body)
    } else {
        serde_json::Deserializer::from_slice(body)
            .into_iter::<&RawValue>()
            .collect()
    };
    split.map_err(|error| {
        let (line, column) = (error.line(), error.column());
        WebError::BadBody(format!(
            "The body is not JSON: line {line}, column {column}: {error}. Send a JSON array of events, one \
             event, or one event a line (NDJSON)."
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(body: &str) -> Result<usize, String> {
        split(body.as_bytes())
            .map(|found| found.len())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn arrays_single_objects_and_lines_are_told_apart() {
        let cases = [
            ("[]", 0),
            ("", 0),
            (" \n", 0),
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
    fn what_is_not_json_is_refused_with_its_place() {
        for bad in ["{", "[{}", "[{}] {}", "{}\n{\"a\":}", "not json", "\u{0}"] {
            let error = count(bad).unwrap_err();
            assert!(error.contains("line "), "{error}");
        }
    }
}
