//! What an open stream asks of each event, and of its viewer: a token may be revoked, a session
//! ended, an account disabled.

use std::sync::Arc;
use std::time::Duration;

use admintrail_event::filter::Fact;
use admintrail_event::{Event, fold};
use admintrail_store::View;

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

    pub(super) fn patience(&self) -> Duration {
        self.app.limits.stream_patience
    }
}

/// Whether the view holds the event: what the trail answers for many, for one.
pub(super) fn admits(view: &View, event: &Event) -> bool {
    let draft = &event.draft;
    let in_time =
        view.from.is_none_or(|from| from <= draft.time) && view.to.is_none_or(|to| draft.time < to);
    let background = (draft.polling && !view.filter.asks_for(Fact::Polling))
        || (draft.asset && !view.filter.asks_for(Fact::Asset));
    in_time && !(view.fold && background) && !is_hidden(view, event) && view.filter.matches(event)
}

fn is_hidden(view: &View, event: &Event) -> bool {
    let Some(admin) = event.draft.admin.as_deref().map(fold) else {
        return false;
    };
    view.hide.iter().any(|identity| {
        identity
            .panel
            .as_ref()
            .is_none_or(|panel| *panel == event.draft.panel)
            && fold(&identity.admin) == admin
    })
}
