//! The JSON API (DESIGN section 6).

pub(crate) mod attempts;
pub(crate) mod csv;
pub(crate) mod events;
pub(crate) mod export;
pub(crate) mod file;
pub(crate) mod health;
pub(crate) mod ingest;
mod live;
pub(crate) mod openapi;
pub(crate) mod sessions;
pub(crate) mod stream;
pub(crate) mod summaries;

use admintrail_store::control::SecretHash;

use crate::auth::Viewer;

/// What a viewer's places are counted by.
fn holder(viewer: &Viewer) -> SecretHash {
    match viewer {
        Viewer::Account { session, .. } => *session,
        Viewer::Token(token) => token.hash,
    }
}
