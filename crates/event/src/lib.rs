//! What an event is, and what can be said about one without asking anybody.
//!
//! This room holds the words of Admintrail: the [`Event`] itself, the filter
//! language people ask with, the presets that turn a request into a sentence,
//! the redaction of secrets and the encoding of hostile bytes. It promises to
//! be pure: no I/O, no clock, no randomness, so every other room can rely on
//! the same answer for the same bytes. It may use no other room.

mod attempt;
pub mod canonical;
mod digest;
mod encode;
mod event;
pub mod filter;
mod fold;
mod id;
mod ip;
mod json;
mod kinds;
mod learn;
mod person;
mod preset;
mod submit;
mod survey;
#[cfg(any(test, feature = "testing"))]
pub mod testing;

pub use attempt::{AttemptedNames, attempted_name, refused_token};
pub use canonical::CanonicalFields;
pub use digest::submission_digest;
pub(crate) use encode::encoded;
pub use encode::{clip, encode_bytes, encode_text};
pub use event::{Draft, Event, Limits};
pub use filter::{Filter, FilterError};
pub use fold::{fold, folded};
pub use id::{EventId, IdError, LogId, Micros, PanelName, Seq, SessionHash};
pub use ip::Ip;
pub use json::EventJson;
pub use kinds::{Ending, FirstSet, Kind, KnownBy, Outcome, RequestType, is_safe_method};
pub use learn::{Learned, RouteLearner};
pub use person::names_person;
pub use preset::{
    Impersonation, Preset, PresetError, PresetLine, Reading, RequestHead, Step, Suggestion,
    broken_off,
};
pub use submit::{SubmitError, SubmittedEvent};
pub use survey::{Counted, NamelessRoute, Survey, Surveyed};
