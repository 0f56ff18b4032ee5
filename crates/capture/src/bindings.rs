//! Bindings that live as long as the process, for tests and embedders.

use admintrail_event::{PanelName, SessionHash, fold};
use hashbrown::{HashMap, HashSet};
use parking_lot::RwLock;
use tokio::sync::watch;

use crate::{Binding, Bindings, BoxFuture, SinkError};

/// [`Bindings`] in memory. After a restart every session reads "signed in before recording began".
pub struct MemoryBindings {
    inner: RwLock<Inner>,
    endings: watch::Sender<u64>,
}

impl Default for MemoryBindings {
    fn default() -> Self {
        Self {
            inner: RwLock::default(),
            endings: watch::Sender::new(0),
        }
    }
}

impl MemoryBindings {
    /// Ends a session: nothing that belonged to it passes any more.
    pub fn end_session(&self, panel: &PanelName, session: SessionHash) {
        let mut inner = self.inner.write();
        let bound: Vec<_> = inner
            .bound
            .iter()
            .filter(|((of, _), binding)| of == panel && binding.session == session)
            .map(|(key, _)| key.clone())
            .collect();
        inner.ended.insert((panel.clone(), session));
        inner.ended.extend(bound);
        drop(inner);
        self.endings.send_modify(|count| *count += 1);
    }
}

#[derive(Default)]
struct Inner {
    bound: HashMap<(PanelName, SessionHash), Binding>,
    known: HashSet<(PanelName, String)>,
    ended: HashSet<(PanelName, SessionHash)>,
}

impl Bindings for MemoryBindings {
    fn lookup(&self, panel: &PanelName, credential: &SessionHash) -> Option<Binding> {
        self.inner
            .read()
            .bound
            .get(&(panel.clone(), *credential))
            .cloned()
    }

    fn bind(&self, credential: SessionHash, binding: Binding) -> BoxFuture<Result<(), SinkError>> {
        let mut inner = self.inner.write();
        inner
            .known
            .insert((binding.panel.clone(), fold(&binding.admin)));
        // Its session may have been ended while the answer that set it was under way.
        if inner
            .ended
            .contains(&(binding.panel.clone(), binding.session))
        {
            inner.ended.insert((binding.panel.clone(), credential));
        }
        // Whatever expired before this one began is of no use to anybody.
        let now = binding.since;
        inner
            .bound
            .retain(|_, other| other.until.is_none_or(|until| now < until));
        inner
            .bound
            .insert((binding.panel.clone(), credential), binding);
        Box::pin(std::future::ready(Ok(())))
    }

    fn end(&self, panel: &PanelName, credential: SessionHash) -> BoxFuture<Result<(), SinkError>> {
        self.inner
            .write()
            .bound
            .remove(&(panel.clone(), credential));
        Box::pin(std::future::ready(Ok(())))
    }

    fn knows(&self, panel: &PanelName, admin: &str) -> bool {
        self.inner
            .read()
            .known
            .contains(&(panel.clone(), fold(admin)))
    }

    fn is_ended(&self, panel: &PanelName, session: &SessionHash) -> bool {
        let inner = self.inner.read();
        !inner.ended.is_empty() && inner.ended.contains(&(panel.clone(), *session))
    }

    fn endings(&self) -> watch::Receiver<u64> {
        self.endings.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[tokio::test]
    async fn memory_bindings_keep_the_contract() {
        crate::testing::bindings_contract(|| Arc::new(MemoryBindings::default()), false).await;
    }
}
