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

use admintrail_event::PanelName;
use admintrail_store::control::SecretHash;

use crate::auth::Viewer;

/// Whether the viewer may see events of this panel: a token may be bound to some.
fn may_see(viewer: &Viewer, panel: &PanelName) -> bool {
    match viewer {
        Viewer::Account { .. } => true,
        Viewer::Token(token) => token.panels.is_empty() || token.panels.contains(panel),
    }
}

/// What a viewer's places are counted by.
fn holder(viewer: &Viewer) -> SecretHash {
    match viewer {
        Viewer::Account { session, .. } => *session,
        Viewer::Token(token) => token.hash,
    }
}
