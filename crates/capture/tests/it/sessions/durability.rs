//! Bindings that take time to be kept, or cannot be.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use admintrail_capture::{Binding, Bindings, BoxFuture, MemoryBindings, SinkError};
use admintrail_event::{PanelName, SessionHash};

use super::*;

/// Bindings whose durability the test holds in its hand.
#[derive(Default)]
struct Gated {
    inner: MemoryBindings,
    open: Arc<AtomicBool>,
    refuses: AtomicBool,
    asked: AtomicUsize,
}

impl Bindings for Gated {
    fn lookup(&self, panel: &PanelName, credential: &SessionHash) -> Option<Binding> {
        self.inner.lookup(panel, credential)
    }

    fn bind(&self, credential: SessionHash, binding: Binding) -> BoxFuture<Result<(), SinkError>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        if self.refuses.load(Ordering::SeqCst) {
            return Box::pin(std::future::ready(Err(SinkError("disk full".into()))));
        }
        let (bound, open) = (self.inner.bind(credential, binding), Arc::clone(&self.open));
        Box::pin(async move {
            while !open.load(Ordering::SeqCst) {
                tokio::time::sleep(std::time::Duration::from_millis(1)).await;
            }
            bound.await
        })
    }

    fn end(&self, panel: &PanelName, credential: SessionHash) -> BoxFuture<Result<(), SinkError>> {
        self.inner.end(panel, credential)
    }

    fn is_ended(&self, panel: &PanelName, session: &SessionHash) -> bool {
        self.inner.is_ended(panel, session)
    }

    fn endings(&self) -> tokio::sync::watch::Receiver<u64> {
        self.inner.endings()
    }

    fn knows(&self, panel: &PanelName, admin: &str) -> bool {
        self.inner.knows(panel, admin)
    }
}

async fn gated() -> (Talk, Arc<Gated>) {
    let gated = Arc::new(Gated::default());
    let bindings = Arc::clone(&gated) as Arc<dyn Bindings>;
    let folder = Arc::new(tempfile::tempdir().unwrap());
    let stand = Stand::on(folder, Arc::default(), bindings).await;
    let service = wrap(stand.recorder(|_| {}), panel(ordinary));
    (
        Talk {
            stand,
            service,
            count: 0,
        },
        gated,
    )
}

#[tokio::test]
async fn a_sign_in_is_answered_only_when_its_binding_is_durable() {
    let (talk, gated) = gated().await;
    let service = talk.service.clone();
    let answering = tokio::spawn(async move { post_form(&service, "/login", "", OLENA).await });
    until(|| gated.asked.load(Ordering::SeqCst) == 1).await;
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert!(!answering.is_finished());
    gated.open.store(true, Ordering::SeqCst);
    assert_eq!(answering.await.unwrap().status, 302);
}

#[tokio::test]
async fn a_binding_that_cannot_be_kept_counts_from_memory_and_is_tried_again() {
    let (mut talk, gated) = gated().await;
    gated.open.store(true, Ordering::SeqCst);
    gated.refuses.store(true, Ordering::SeqCst);
    assert_named(&talk.post("/login", "", OLENA).await, "olena");
    assert_named(&talk.get("/clients", &cookie(1)).await, "olena");
    gated.refuses.store(false, Ordering::SeqCst);
    until(|| gated.asked.load(Ordering::SeqCst) > 1).await;
    assert_named(&talk.get("/clients", &cookie(1)).await, "olena");
    talk.stand
        .recorders
        .stop(std::time::Duration::from_secs(10))
        .await;
    assert!(gated.inner.knows(&"billing".parse().unwrap(), "olena"));
}
