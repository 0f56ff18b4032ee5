//! The fields of an event as the texts that are hashed.

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

/// How many fields the canonical form has.
const COUNT: usize = 40;

/// Their names, in the order of the canonical form (version 1), which is that of the JSON.
pub(super) const NAMES: [&str; COUNT] = [
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

/// The fields of one event, taken out of its canonical bytes: what is shown is what is hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Texts<'a>([Option<&'a str>; COUNT]);

impl<'a> Texts<'a> {
    /// Reads canonical bytes of version 1; `None` for anything else.
    pub(super) fn of(canonical: &'a [u8]) -> Option<Self> {
        let (1, mut rest) = canonical.split_first().map(|(v, rest)| (*v, rest))? else {
            return None;
        };
        let mut texts = [None; COUNT];
        for text in &mut texts {
            let (length, after) = rest.split_first_chunk::<4>()?;
            rest = after;
            let length = u32::from_be_bytes(*length);
            if length != u32::MAX {
                let (bytes, after) = rest.split_at_checked(usize::try_from(length).ok()?)?;
                *text = Some(std::str::from_utf8(bytes).ok()?);
                rest = after;
            }
        }
        rest.is_empty().then_some(Self(texts))
    }

    /// Every field with its name.
    pub(super) fn named(&self) -> impl Iterator<Item = (&'static str, Option<&'a str>)> {
        NAMES.into_iter().zip(self.0)
    }
}

impl Serialize for Texts<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(COUNT))?;
        self.named()
            .try_for_each(|(name, text)| map.serialize_entry(name, &text))?;
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use admintrail_event::testing::{accepted, workload};
    use admintrail_event::{CanonicalFields, EventJson, LogId};

    #[test]
    fn the_names_are_those_of_the_json_and_the_texts_those_that_are_hashed() {
        for (draft, seq) in workload(3, 50).zip(1..) {
            let event = accepted(draft, LogId([7; 16]), seq);
            let canonical = CanonicalFields::from(&event).to_bytes();
            let texts = Texts::of(&canonical).unwrap();
            let json = serde_json::to_string(&EventJson(&event)).unwrap();
            let mut from = 0;
            for (name, text) in texts.named() {
                // In its order too.
                let at = json[from..].find(&format!("\"{name}\":")).unwrap();
                from += at;
                let value: serde_json::Value = serde_json::from_str(&json).unwrap();
                let value = &value[name];
                assert_eq!(value.is_null(), text.is_none(), "{name}");
                if let Some(text) = value
                    .as_str()
                    .filter(|_| !["time", "received"].contains(&name))
                {
                    assert_eq!(texts.named().find(|t| t.0 == name).unwrap().1, Some(text));
                }
            }
        }
    }

    #[test]
    fn other_bytes_have_no_texts() {
        let event = accepted(workload(3, 1).next().unwrap(), LogId([7; 16]), 1);
        let canonical = CanonicalFields::from(&event).to_bytes();
        assert!(Texts::of(&canonical).is_some());
        for end in 0..canonical.len() {
            assert_eq!(Texts::of(&canonical[..end]), None);
        }
        assert_eq!(Texts::of(&[&canonical[..], b"x"].concat()), None);
        let newer = [&[2], &canonical[1..]].concat();
        assert_eq!(Texts::of(&newer), None);
    }
}
