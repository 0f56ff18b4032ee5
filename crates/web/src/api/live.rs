//! Whether an open stream may go on: a token may be revoked, a session ended, an account disabled.

use std::sync::Arc;
use std::time::Duration;

use crate::App;
use crate::auth::Viewer;

pub(super) struct Live {
    app: Arc<App>,
    viewer: Viewer,
}

impl Live {
    pub(super) fn new(app: Arc<App>, viewer: Viewer) -> Self {
        Self { app, viewer }
    }

    /// Asked from memory; does not count as use.
    pub(super) fn may_go_on(&self) -> bool {
        let (control, now) = (&self.app.control, self.app.now());
        match &self.viewer {
            Viewer::Account {
                account, session, ..
            } => {
                let live = control.peek_session(session, now).is_some();
                live && control
                    .account(account.id)
                    .is_some_and(|account| !account.disabled)
            }
            Viewer::Token(token) => control.token(&token.hash, now).is_some(),
        }
    }

    /// The state they share.
    pub(super) fn app(&self) -> &App {
        &self.app
    }

    /// How long to wait for a reader.
    pub(super) fn patience(&self) -> Duration {
        self.app.limits.stream_patience
    }

    /// How long to say nothing.
    pub(super) fn quiet(&self) -> Duration {
        self.app.limits.stream_quiet
    }
}
