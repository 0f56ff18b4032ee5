//! What joins capture to the store: finished events into the trail, bindings into `control.db`.

use std::sync::Arc;

use admintrail_capture::{Binding, Bindings, BoxFuture, Identities, Named, Sink, SinkError};
use admintrail_event::{Draft, PanelName, SessionHash};
use admintrail_store::control::StoredBinding;
use admintrail_store::{Control, StoreError, Submission, Trail};

use crate::clock::Clock;

/// The local trail as the place where events go.
pub(crate) struct TrailSink(pub(crate) Trail);

impl Sink for TrailSink {
    fn deliver(&self, batch: Vec<Draft>) -> BoxFuture<Result<(), SinkError>> {
        let trail = self.0.clone();
        Box::pin(async move {
            let submissions = batch.into_iter().map(Submission::new).collect();
            // A repeated id, even one that another event took first, is settled: the first wins.
            trail.append(submissions).await.map(drop).map_err(failed)
        })
    }
}

/// `control.db` as the place where sessions are bound to admins.
pub(crate) struct ControlBindings {
    pub(crate) control: Control,
    pub(crate) clock: Clock,
}

impl Bindings for ControlBindings {
    fn lookup(&self, panel: &PanelName, credential: &SessionHash) -> Option<Binding> {
        let stored = self.control.binding(panel, &credential.0, (self.clock)())?;
        Some(Binding {
            panel: panel.clone(),
            admin: stored.admin.to_string(),
            admin_name: stored.admin_name.map(|name| name.to_string()),
            session: SessionHash(stored.session),
            since: stored.since,
            until: stored.until,
            acting_as: stored.acting_as.map(|other| other.to_string()),
        })
    }

    fn bind(&self, credential: SessionHash, binding: Binding) -> BoxFuture<Result<(), SinkError>> {
        let stored = StoredBinding {
            admin: Arc::from(binding.admin),
            admin_name: binding.admin_name.map(Arc::from),
            session: binding.session.0,
            since: binding.since,
            until: binding.until,
            acting_as: binding.acting_as.map(Arc::from),
        };
        let bound = self.control.bind(binding.panel, credential.0, stored);
        Box::pin(async move { bound.await.map_err(failed) })
    }

    fn end(&self, panel: &PanelName, credential: SessionHash) -> BoxFuture<Result<(), SinkError>> {
        let ended = self.control.end_binding(panel.clone(), credential.0);
        Box::pin(async move { ended.await.map(drop).map_err(failed) })
    }

    fn knows(&self, panel: &PanelName, admin: &str) -> bool {
        self.control.knows_admin(panel, admin)
    }

    fn is_ended(&self, panel: &PanelName, session: &SessionHash) -> bool {
        self.control.ended(panel, &session.0).is_some()
    }

    fn endings(&self) -> tokio::sync::watch::Receiver<u64> {
        self.control.endings()
    }
}

/// `control.db` as the place where tokens and basic users are named.
pub(crate) struct ControlIdentities(pub(crate) Control);

impl Identities for ControlIdentities {
    fn named(&self, panel: &PanelName, fingerprint: &SessionHash) -> Option<Named> {
        let mapped = self.0.identity(panel, &fingerprint.0)?;
        Some(Named {
            admin: mapped.admin,
            admin_name: mapped.admin_name,
        })
    }
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn failed(error: StoreError) -> SinkError {
    SinkError(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn sessions_bound_in_the_control_database_keep_their_promises() {
        let dir = tempfile::tempdir().unwrap();
        // Reopened as after a restart: the one before gives the folder back first.
        let last = std::cell::RefCell::new(None::<Control>);
        let open = || -> Arc<dyn Bindings> {
            if let Some(control) = last.borrow_mut().take() {
                control.close();
            }
            let control = Control::open(dir.path()).unwrap();
            *last.borrow_mut() = Some(control.clone());
            Arc::new(ControlBindings {
                control,
                clock: clock::system(),
            })
        };
        admintrail_capture::testing::bindings_contract(open, true).await;
    }
}
