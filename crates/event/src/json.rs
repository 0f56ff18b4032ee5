//! Events as JSON (DESIGN section 6): names of section 2, RFC 3339 times, absent = null.

use serde::{Deserialize, Serialize};

use crate::{Draft, Event, EventId, Micros, PanelName};

/// Serialises an event with every field of section 2.
#[derive(Debug)]
pub struct EventJson<'a>(pub &'a Event);

impl Serialize for EventJson<'_> {
    fn serialize<S: serde::Serializer>(&self, _serializer: S) -> Result<S::Ok, S::Error> {
        todo!()
    }
}

/// An event as somebody sends it: `panel`, `time`, `method`, `path` are needed, the rest is optional.
/// Unknown fields are errors; fields that the trail decides (`log`, `seq`, `received`, `first`) are
/// accepted and ignored, so that an export can be imported.
#[derive(Debug, Clone, Deserialize)]
pub struct SubmittedEvent {/* private */}

/// Why a submitted event cannot be taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {message}")]
pub struct SubmitError {
    /// Which field.
    pub field: &'static str,
    /// What is wrong and what to send instead.
    pub message: String,
}

impl SubmittedEvent {
    /// Parses one JSON object.
    pub fn parse(_json: &[u8]) -> Result<Self, SubmitError> {
        todo!()
    }

    /// The panel it names, to check a token's rights before the rest.
    #[must_use]
    pub fn panel(&self) -> &PanelName {
        todo!()
    }

    /// When the request was made, to make an id from when none was sent.
    #[must_use]
    pub fn time(&self) -> Micros {
        todo!()
    }

    /// Fills what was not sent: `id` if absent, type, route, action, object, outcome by the preset;
    /// redacts, encodes and clips everything. `known_by` becomes `declared` when an admin is given without it.
    #[must_use]
    pub fn into_draft(self, _fallback_id: EventId, _preset: &crate::Preset) -> Draft {
        todo!()
    }
}
