//! The fields of a submitted event, taken from JSON one by one: what is wrong names its field.

use std::fmt;
use std::str::FromStr;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;

use super::SubmitError;
use crate::{Micros, clip, encode_text};

/// Every field that may be sent, for the error that names the nearest.
const FIELDS: [&str; crate::json::FIELDS] = [
    "id",
    "log",
    "seq",
    "kind",
    "count",
    "time",
    "received",
    "panel",
    "recorder",
    "recorder_epoch",
    "recorder_seq",
    "admin",
    "admin_name",
    "known_by",
    "attempted",
    "acting_as",
    "ip",
    "user_agent",
    "session",
    "type",
    "method",
    "scheme",
    "host",
    "path",
    "query",
    "route",
    "action",
    "object",
    "status",
    "outcome",
    "ending",
    "duration_us",
    "request_bytes",
    "response_bytes",
    "asset",
    "polling",
    "first",
    "path_bytes",
    "query_bytes",
    "agent_bytes",
];

/// A value that was sent: not at all, as null, or as something.
#[derive(Debug, Clone, Default)]
pub(super) enum Sent<T> {
    #[default]
    Missing,
    Null,
    Value(T),
}

impl<T> Sent<T> {
    /// What was sent, null included, else what is filled in.
    pub(super) fn or_fill(self, fill: impl FnOnce() -> Option<T>) -> Option<T> {
        match self {
            Self::Missing => fill(),
            Self::Null => None,
            Self::Value(value) => Some(value),
        }
    }
}

/// The fields of one JSON object as they were sent, repeated ones too.
pub(super) struct Fields(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;

        impl<'de> Visitor<'de> for Collect {
            type Value = Fields;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object with the fields of an event")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
                let mut fields = Vec::with_capacity(FIELDS.len());
                while let Some(name) = map.next_key::<String>()? {
                    if fields.len() > FIELDS.len() {
                        // One too many is error enough.
                        map.next_value::<IgnoredAny>()?;
                        continue;
                    }
                    fields.push((name, map.next_value()?));
                }
                Ok(Fields(fields))
            }
        }

        deserializer.deserialize_map(Collect)
    }
}

/// Takes fields one by one; what is left was not understood.
pub(super) struct Reader {
    fields: Vec<(String, Value)>,
}

impl From<Fields> for Reader {
    fn from(Fields(fields): Fields) -> Self {
        Self { fields }
    }
}

impl Reader {
    /// A field that was sent more than once.
    pub(super) fn repeated(&self) -> Option<&str> {
        self.fields.iter().enumerate().find_map(|(at, (name, _))| {
            let earlier = self.fields.get(..at)?;
            earlier
                .iter()
                .any(|(other, _)| other == name)
                .then_some(name.as_str())
        })
    }

    pub(super) fn take(&mut self, field: &str) -> Option<Value> {
        let at = self.fields.iter().position(|(name, _)| name == field)?;
        Some(self.fields.swap_remove(at).1)
    }

    pub(super) fn sent(&mut self, field: &str) -> Result<Sent<String>, SubmitError> {
        Ok(match self.take(field) {
            None => Sent::Missing,
            Some(Value::Null) => Sent::Null,
            Some(Value::String(text)) => Sent::Value(text),
            Some(other) => return Err(wrong(field, "a text", &other)),
        })
    }

    pub(super) fn text(&mut self, field: &str) -> Result<Option<String>, SubmitError> {
        match self.take(field) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(wrong(field, "a text", &other)),
        }
    }

    /// A text that says something if it is there: an empty one is none.
    pub(super) fn name(&mut self, field: &str) -> Result<Option<String>, SubmitError> {
        Ok(self.text(field)?.filter(|text| !text.is_empty()))
    }

    pub(super) fn text_as<T: FromStr>(
        &mut self,
        field: &str,
        what: &str,
    ) -> Result<Option<T>, SubmitError> {
        self.name(field)?
            .map(|text| {
                text.trim()
                    .parse()
                    .map_err(|_| wrong(field, what, &Value::String(text)))
            })
            .transpose()
    }

    pub(super) fn word<T: FromStr + Copy>(
        &mut self,
        field: &str,
        all: &[T],
        word: impl Fn(T) -> &'static str,
    ) -> Result<Option<T>, SubmitError> {
        let words: Vec<_> = all.iter().map(|value| word(*value)).collect();
        self.text_as(field, &format!("one of {}", words.join(", ")))
    }

    pub(super) fn number(&mut self, field: &str) -> Result<Option<u64>, SubmitError> {
        match self.take(field) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => value
                .as_u64()
                // The store keeps numbers as signed 64 bits.
                .filter(|number| i64::try_from(*number).is_ok())
                .map(Some)
                .ok_or_else(|| wrong(field, "a whole number from 0 to 2^63-1", &value)),
        }
    }

    pub(super) fn length(&mut self, field: &str) -> Result<Option<u32>, SubmitError> {
        match self.number(field)? {
            None => Ok(None),
            Some(number) => u32::try_from(number)
                .map(Some)
                .map_err(|_| wrong(field, "a whole number from 0 to 2^32-1", &number.into())),
        }
    }

    pub(super) fn status(&mut self) -> Result<Option<u16>, SubmitError> {
        match self.number("status")? {
            None => Ok(None),
            Some(number @ 100..=999) => Ok(u16::try_from(number).ok()),
            Some(number) => Err(wrong("status", "a status from 100 to 999", &number.into())),
        }
    }

    pub(super) fn truth(&mut self, field: &str) -> Result<Option<bool>, SubmitError> {
        match self.take(field) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Bool(truth)) => Ok(Some(truth)),
            Some(other) => Err(wrong(field, "true or false", &other)),
        }
    }

    pub(super) fn time(&mut self) -> Result<Micros, SubmitError> {
        const WHAT: &str = "an RFC 3339 time since 1970, such as 2026-11-22T14:31:58.117Z";
        let text = self.text("time")?.ok_or_else(|| needed("time", WHAT))?;
        Micros::parse_rfc3339(&text)
            .filter(|time| time.0 >= 0)
            .ok_or_else(|| wrong("time", WHAT, &Value::String(text)))
    }

    pub(super) fn nothing_left(self) -> Result<(), SubmitError> {
        let Some((name, _)) = self.fields.first() else {
            return Ok(());
        };
        let near = crate::filter::nearest_of(name, FIELDS.into_iter())
            .map(|near| format!(" Did you mean {near}?"))
            .unwrap_or_default();
        Err(SubmitError::new(
            name,
            format!("is no field of an event.{near}"),
        ))
    }
}

pub(super) fn wrong(field: &str, what: &str, value: &Value) -> SubmitError {
    let shown = clip(encode_text(&value.to_string()).into_owned(), 80).0;
    SubmitError::new(field, format!("{shown} is not {what}"))
}

pub(super) fn needed(field: &str, what: &str) -> SubmitError {
    SubmitError::new(field, format!("is needed: {what}"))
}
