//! Recording in front of a panel, or inside one.
//!
//! This room turns requests that pass through [`RecordLayer`] into finished events for a
//! [`Sink`]: an opening is journalled before a request is forwarded, the body is watched but
//! never buffered, and whoever made the request is named by what the panel itself confirmed.
//! It promises that nothing is lost silently: what cannot be recorded is refused or counted
//! (the fail policy). It may use `event`; it knows neither the store nor the pages.

mod bindings;
mod client;
#[cfg(test)]
mod fuzz;
mod health;
mod identities;
mod identity;
mod ids;
mod journal;
mod jwt;
mod layer;
mod recorders;
mod rules;
mod seam;
#[cfg(any(test, feature = "testing"))]
pub mod testing;

pub use bindings::MemoryBindings;
pub use client::{Client, Hop, hops};
pub use identities::MemoryIdentities;
pub use identity::{token_fingerprint, user_fingerprint};
pub use jwt::{JwtKeys, JwtRule, JwtSettings, JwtVerifier, KeyError};
pub use layer::{
    Declared, Peer, RecordBody, RecordLayer, RecordService, UpgradeGuard, strip_look_alikes,
    strip_named,
};
pub use recorders::{Recorder, RecorderState, Recorders, RecordersOptions};
pub use rules::{OnFailure, PanelRules, TokenRules, TrustedHeader};
pub use seam::{Binding, Bindings, BoxFuture, Identities, Named, Sink, SinkError};
