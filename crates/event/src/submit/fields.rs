//! The fields of a submitted event, taken from JSON one by one: what is wrong names its field.
//!
//! Texts are borrowed from the JSON where they stand in it as they are, and fields are found by
//! their number: an import reads hundreds of thousands of events a second.

use std::borrow::Cow;
use std::fmt;
use std::mem;
use std::str::FromStr;

use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor,
};
use serde_json::Value;

use super::SubmitError;
use crate::{Micros, clip, encode_text};

macro_rules! fields {
    ($($field:ident = $name:literal,)+) => {
        /// Every field that may be sent, in the order in which an event is written as JSON.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum Field { $($field,)+ }

        impl Field {
            const ALL: [Self; crate::json::FIELDS] = [$(Self::$field,)+];

            pub(super) const fn name(self) -> &'static str {
                match self { $(Self::$field => $name,)+ }
            }

            pub(super) fn named(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$field),)+ _ => None }
            }

            /// The one that is written after another; the first without one.
            pub(super) fn after(last: Option<Self>) -> Option<Self> {
                Self::ALL.get(last.map_or(0, |last| last as usize + 1)).copied()
            }
        }
    };
}

fields! {
    Id = "id",
    Log = "log",
    Seq = "seq",
    Kind = "kind",
    Count = "count",
    Time = "time",
    Received = "received",
    Panel = "panel",
    Recorder = "recorder",
    RecorderEpoch = "recorder_epoch",
    RecorderSeq = "recorder_seq",
    Admin = "admin",
    AdminName = "admin_name",
    KnownBy = "known_by",
    Attempted = "attempted",
    ActingAs = "acting_as",
    Ip = "ip",
    UserAgent = "user_agent",
    Session = "session",
    RequestType = "type",
    Method = "method",
    Scheme = "scheme",
    Host = "host",
    Path = "path",
    Query = "query",
    Route = "route",
    Action = "action",
    Object = "object",
    Status = "status",
    Outcome = "outcome",
    Ending = "ending",
    DurationUs = "duration_us",
    RequestBytes = "request_bytes",
    ResponseBytes = "response_bytes",
    Asset = "asset",
    Polling = "polling",
    First = "first",
    PathBytes = "path_bytes",
    QueryBytes = "query_bytes",
    AgentBytes = "agent_bytes",
}

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

/// What a field holds.
#[derive(Default)]
pub(super) enum Given<'a> {
    #[default]
    Missing,
    Null,
    Truth(bool),
    Number(u64),
    Text(Cow<'a, str>),
    /// What no field takes: kept to be shown.
    Other(Box<Value>),
}

impl Given<'_> {
    /// As JSON, for the message that refuses it.
    fn into_value(self) -> Value {
        match self {
            Self::Missing | Self::Null => Value::Null,
            Self::Truth(truth) => truth.into(),
            Self::Number(number) => number.into(),
            Self::Text(text) => text.into(),
            Self::Other(value) => *value,
        }
    }
}

impl<'de> Deserialize<'de> for Given<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Take;

        impl<'de> Visitor<'de> for Take {
            type Value = Given<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("any valid JSON value")
            }

            fn visit_unit<E>(self) -> Result<Given<'de>, E> {
                Ok(Given::Null)
            }

            fn visit_none<E>(self) -> Result<Given<'de>, E> {
                Ok(Given::Null)
            }

            fn visit_some<D: Deserializer<'de>>(self, inner: D) -> Result<Given<'de>, D::Error> {
                inner.deserialize_any(self)
            }

            fn visit_bool<E>(self, truth: bool) -> Result<Given<'de>, E> {
                Ok(Given::Truth(truth))
            }

            fn visit_u64<E>(self, number: u64) -> Result<Given<'de>, E> {
                Ok(Given::Number(number))
            }

            fn visit_i64<E>(self, number: i64) -> Result<Given<'de>, E> {
                Ok(u64::try_from(number)
                    .map_or_else(|_| Given::Other(Box::new(number.into())), Given::Number))
            }

            fn visit_f64<E>(self, number: f64) -> Result<Given<'de>, E> {
                Ok(Given::Other(Box::new(number.into())))
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Given<'de>, E> {
                Ok(Given::Text(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Given<'de>, E> {
                Ok(Given::Text(Cow::Owned(text.to_owned())))
            }

            fn visit_string<E>(self, text: String) -> Result<Given<'de>, E> {
                Ok(Given::Text(Cow::Owned(text)))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Given<'de>, A::Error> {
                let value = Value::deserialize(SeqAccessDeserializer::new(seq))?;
                Ok(Given::Other(Box::new(value)))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Given<'de>, A::Error> {
                let value = Value::deserialize(MapAccessDeserializer::new(map))?;
                Ok(Given::Other(Box::new(value)))
            }
        }

        deserializer.deserialize_any(Take)
    }
}

/// A field's name as it was sent.
enum Name {
    Known(Field),
    Unknown(String),
}

/// Reads a name; most senders write the fields in one order.
struct NameAfter(Option<Field>);

impl NameAfter {
    fn read(self, name: &str) -> Option<Field> {
        Field::after(self.0)
            .filter(|field| field.name() == name)
            .or_else(|| Field::named(name))
    }
}

impl<'de> DeserializeSeed<'de> for NameAfter {
    type Value = Name;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Name, D::Error> {
        deserializer.deserialize_identifier(self)
    }
}

impl Visitor<'_> for NameAfter {
    type Value = Name;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a field")
    }

    fn visit_str<E>(self, name: &str) -> Result<Name, E> {
        Ok(self
            .read(name)
            .map_or_else(|| Name::Unknown(name.to_owned()), Name::Known))
    }
}

/// The fields of one JSON object as they were sent. Takes them one by one.
pub(super) struct Fields<'a> {
    given: [Given<'a>; Field::ALL.len()],
    /// Names that no field has; some of them, if there are very many.
    unknown: Vec<String>,
    /// The first name that came again.
    repeated: Option<String>,
}

impl Default for Fields<'_> {
    fn default() -> Self {
        Self {
            given: [const { Given::Missing }; Field::ALL.len()],
            unknown: Vec::new(),
            repeated: None,
        }
    }
}

impl<'de> Deserialize<'de> for Fields<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;

        impl<'de> Visitor<'de> for Collect {
            type Value = Fields<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object with the fields of an event")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields<'de>, A::Error> {
                let mut fields = Fields::default();
                let mut last = None;
                while let Some(name) = map.next_key_seed(NameAfter(last))? {
                    match name {
                        Name::Known(field) => {
                            fields.set(field, map.next_value()?);
                            last = Some(field);
                        }
                        Name::Unknown(name) => {
                            fields.note_unknown(name);
                            map.next_value::<IgnoredAny>()?;
                        }
                    }
                }
                Ok(fields)
            }
        }

        deserializer.deserialize_map(Collect)
    }
}

impl<'a> Fields<'a> {
    /// Takes a value; whether it is the first of its field.
    #[inline]
    pub(super) fn set_new(&mut self, field: Field, value: Given<'a>) -> bool {
        let Some(place @ Given::Missing) = self.given.get_mut(field as usize) else {
            return false;
        };
        *place = value;
        true
    }

    fn set(&mut self, field: Field, value: Given<'a>) {
        let Some(place) = self.given.get_mut(field as usize) else {
            return;
        };
        if !matches!(place, Given::Missing) && self.repeated.is_none() {
            self.repeated = Some(field.name().to_owned());
        }
        *place = value;
    }

    fn note_unknown(&mut self, name: String) {
        if self.unknown.contains(&name) {
            self.repeated.get_or_insert(name);
        } else if self.unknown.len() < Field::ALL.len() {
            // One is error enough.
            self.unknown.push(name);
        }
    }

    /// A field that was sent more than once.
    pub(super) fn repeated(&self) -> Option<&str> {
        self.repeated.as_deref()
    }

    fn take(&mut self, field: Field) -> Given<'a> {
        self.given
            .get_mut(field as usize)
            .map(mem::take)
            .unwrap_or_default()
    }

    fn take_text(&mut self, field: Field) -> Result<Option<Cow<'a, str>>, SubmitError> {
        match self.take(field) {
            Given::Missing | Given::Null => Ok(None),
            Given::Text(text) => Ok(Some(text)),
            other => Err(wrong(field, "a text", &other.into_value())),
        }
    }

    pub(super) fn sent(&mut self, field: Field) -> Result<Sent<String>, SubmitError> {
        Ok(match self.take(field) {
            Given::Missing => Sent::Missing,
            Given::Null => Sent::Null,
            Given::Text(text) => Sent::Value(text.into_owned()),
            other => return Err(wrong(field, "a text", &other.into_value())),
        })
    }

    pub(super) fn text(&mut self, field: Field) -> Result<Option<String>, SubmitError> {
        Ok(self.take_text(field)?.map(Cow::into_owned))
    }

    /// A text that says something if it is there: an empty one is none.
    pub(super) fn name(&mut self, field: Field) -> Result<Option<String>, SubmitError> {
        Ok(self.take_name(field)?.map(Cow::into_owned))
    }

    fn take_name(&mut self, field: Field) -> Result<Option<Cow<'a, str>>, SubmitError> {
        Ok(self.take_text(field)?.filter(|text| !text.is_empty()))
    }

    pub(super) fn text_as<T: FromStr>(
        &mut self,
        field: Field,
        what: &str,
    ) -> Result<Option<T>, SubmitError> {
        self.name_as(field, || what.to_owned())
    }

    pub(super) fn word<T: FromStr + Copy>(
        &mut self,
        field: Field,
        all: &[T],
        word: impl Fn(T) -> &'static str,
    ) -> Result<Option<T>, SubmitError> {
        self.name_as(field, || {
            let words: Vec<_> = all.iter().map(|value| word(*value)).collect();
            format!("one of {}", words.join(", "))
        })
    }

    fn name_as<T: FromStr>(
        &mut self,
        field: Field,
        what: impl FnOnce() -> String,
    ) -> Result<Option<T>, SubmitError> {
        let Some(text) = self.take_name(field)? else {
            return Ok(None);
        };
        match text.trim().parse() {
            Ok(value) => Ok(Some(value)),
            Err(_) => Err(wrong(field, &what(), &text.into())),
        }
    }

    pub(super) fn number(&mut self, field: Field) -> Result<Option<u64>, SubmitError> {
        match self.take(field) {
            Given::Missing | Given::Null => Ok(None),
            // The store keeps numbers as signed 64 bits.
            Given::Number(number) if i64::try_from(number).is_ok() => Ok(Some(number)),
            other => Err(wrong(
                field,
                "a whole number from 0 to 2^63-1",
                &other.into_value(),
            )),
        }
    }

    pub(super) fn length(&mut self, field: Field) -> Result<Option<u32>, SubmitError> {
        match self.number(field)? {
            None => Ok(None),
            Some(number) => u32::try_from(number)
                .map(Some)
                .map_err(|_| wrong(field, "a whole number from 0 to 2^32-1", &number.into())),
        }
    }

    pub(super) fn status(&mut self) -> Result<Option<u16>, SubmitError> {
        match self.number(Field::Status)? {
            None => Ok(None),
            Some(number @ 100..=999) => Ok(u16::try_from(number).ok()),
            Some(number) => Err(wrong(
                Field::Status,
                "a status from 100 to 999",
                &number.into(),
            )),
        }
    }

    pub(super) fn truth(&mut self, field: Field) -> Result<Option<bool>, SubmitError> {
        match self.take(field) {
            Given::Missing | Given::Null => Ok(None),
            Given::Truth(truth) => Ok(Some(truth)),
            other => Err(wrong(field, "true or false", &other.into_value())),
        }
    }

    pub(super) fn time(&mut self) -> Result<Micros, SubmitError> {
        const WHAT: &str = "an RFC 3339 time since 1970, such as 2026-11-22T14:31:58.117Z";
        let text = self
            .take_text(Field::Time)?
            .ok_or_else(|| needed(Field::Time, WHAT))?;
        Micros::parse_rfc3339(&text)
            .filter(|time| time.0 >= 0)
            .ok_or_else(|| wrong(Field::Time, WHAT, &text.into()))
    }

    /// Refuses names that no field has.
    pub(super) fn no_others(&self) -> Result<(), SubmitError> {
        let Some(name) = self.unknown.first() else {
            return Ok(());
        };
        let near = crate::filter::nearest_of(name, Field::ALL.into_iter().map(Field::name))
            .map(|near| format!(" Did you mean {near}?"))
            .unwrap_or_default();
        Err(SubmitError::new(
            name,
            format!("is no field of an event.{near}"),
        ))
    }
}

pub(super) fn wrong(field: Field, what: &str, value: &Value) -> SubmitError {
    let shown = clip(encode_text(&value.to_string()).into_owned(), 80).0;
    SubmitError::new(field.name(), format!("{shown} is not {what}"))
}

/// How every message begins that says what is missing.
const NEEDED: &str = "is needed: ";

pub(super) fn needed(field: Field, what: &str) -> SubmitError {
    SubmitError::new(field.name(), format!("{NEEDED}{what}"))
}

impl SubmitError {
    /// Whether it is that the panel was not named.
    #[must_use]
    pub fn names_no_panel(&self) -> bool {
        self.field == Field::Panel.name() && self.message.starts_with(NEEDED)
    }
}
