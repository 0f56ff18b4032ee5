//! Events as JSON (DESIGN section 6): names of section 2, RFC 3339 times, absent = null.

use std::fmt;

use serde::Serialize;
use serde::ser::{SerializeSeq, SerializeStruct, Serializer};

use crate::{Event, FirstSet};

/// Serialises an event with every field of section 2, in that order, none left out.
#[derive(Debug)]
pub struct EventJson<'a>(pub &'a Event);

/// The fields in the order in which they are written.
pub(crate) const FIELDS: usize = 40;

impl Serialize for EventJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Event {
            log,
            seq,
            received,
            first,
            draft,
        } = self.0;
        let mut out = serializer.serialize_struct("Event", FIELDS)?;
        out.serialize_field("id", &Text(draft.id))?;
        out.serialize_field("log", &Text(log))?;
        out.serialize_field("seq", &seq.0)?;
        out.serialize_field("kind", draft.kind.as_str())?;
        out.serialize_field("count", &draft.count)?;
        out.serialize_field("time", &Text(draft.time))?;
        out.serialize_field("received", &Text(received))?;
        out.serialize_field("panel", draft.panel.as_str())?;
        out.serialize_field("recorder", &draft.recorder)?;
        out.serialize_field("recorder_epoch", &draft.recorder_epoch)?;
        out.serialize_field("recorder_seq", &draft.recorder_seq)?;
        out.serialize_field("admin", &draft.admin)?;
        out.serialize_field("admin_name", &draft.admin_name)?;
        out.serialize_field("known_by", draft.known_by.as_str())?;
        out.serialize_field("attempted", &draft.attempted)?;
        out.serialize_field("acting_as", &draft.acting_as)?;
        out.serialize_field("ip", &draft.ip.map(Text))?;
        out.serialize_field("user_agent", &draft.user_agent)?;
        out.serialize_field("session", &draft.session.map(Text))?;
        out.serialize_field("type", draft.request_type.as_str())?;
        out.serialize_field("method", &draft.method)?;
        out.serialize_field("scheme", &draft.scheme)?;
        out.serialize_field("host", &draft.host)?;
        out.serialize_field("path", &draft.path)?;
        out.serialize_field("query", &draft.query)?;
        out.serialize_field("route", &draft.route)?;
        out.serialize_field("action", &draft.action)?;
        out.serialize_field("object", &draft.object)?;
        out.serialize_field("status", &draft.status)?;
        out.serialize_field("outcome", draft.outcome.as_str())?;
        out.serialize_field("ending", draft.ending.as_str())?;
        out.serialize_field("duration_us", &draft.duration_us)?;
        out.serialize_field("request_bytes", &draft.request_bytes)?;
        out.serialize_field("response_bytes", &draft.response_bytes)?;
        out.serialize_field("asset", &draft.asset)?;
        out.serialize_field("polling", &draft.polling)?;
        out.serialize_field("first", &Names(*first))?;
        out.serialize_field("path_bytes", &draft.path_bytes)?;
        out.serialize_field("query_bytes", &draft.query_bytes)?;
        out.serialize_field("agent_bytes", &draft.agent_bytes)?;
        out.end()
    }
}

/// Something shown as text.
struct Text<T>(T);

impl<T: fmt::Display> Serialize for Text<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// A set as the list of its words.
struct Names(FirstSet);

impl Serialize for Names {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut out = serializer.serialize_seq(Some(self.0.names().count()))?;
        self.0
            .names()
            .try_for_each(|name| out.serialize_element(name))?;
        out.end()
    }
}
