//! Bindings that live as long as the process, for tests and embedders.

use admintrail_event::{PanelName, SessionHash, fold};
use hashbrown::{HashMap, HashSet};
use parking_lot::RwLock;

use crate::{Binding, Bindings, BoxFuture, SinkError};

/// [`Bindings`] in memory. After a restart every session reads "signed in before recording began".
#[derive(Default)]
pub struct MemoryBindings {
    inner: RwLock<Inner>,
}

#[derive(Default)]
struct Inner {
    bound: HashMap<(PanelName, SessionHash), Binding>,
    known: HashSet<(PanelName, String)>,
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
