//! Recorders whose journal fails under them.

use std::convert::Infallible;
use std::sync::atomic::AtomicUsize;

use admintrail_event::{AttemptedNames, Preset};
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use parking_lot::Mutex;
use tower::ServiceExt;
use tower_layer::Layer;

use super::*;
use crate::journal::faulty::{Faults, FaultyDisk};
use crate::{BoxFuture, MemoryBindings, OnFailure, RecordBody, RecordLayer, SinkError};

#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<Draft>>>);

impl Sink for Kept {
    fn deliver(&self, batch: Vec<Draft>) -> BoxFuture<Result<(), SinkError>> {
        self.0.lock().extend(batch);
        Box::pin(std::future::ready(Ok(())))
    }
}

struct Stand {
    recorders: Recorders,
    faults: Arc<Faults>,
    kept: Kept,
    /// Requests that reached the panel.
    reached: Arc<AtomicUsize>,
    on_failure: OnFailure,
    _folder: tempfile::TempDir,
}

impl Stand {
    async fn new(on_failure: OnFailure) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (faults, kept) = (Arc::new(Faults::default()), Kept::default());
        let options = RecordersOptions {
            journal: folder.path().to_owned(),
            name: "node-1".to_owned(),
            key: [7; 32],
            sink: Arc::new(kept.clone()),
            bindings: Arc::new(MemoryBindings::default()),
            clock: Arc::new(|| Micros(1_795_000_000_000_000)),
        };
        let disk = Arc::new(FaultyDisk(Arc::clone(&faults)));
        let recorders = Recorders::start_on(options, disk).await.unwrap();
        let reached = Arc::default();
        Self {
            recorders,
            faults,
            kept,
            reached,
            on_failure,
            _folder: folder,
        }
    }

    async fn ask(&self, method: Method) -> StatusCode {
        let recorder = self.recorders.recorder(PanelRules {
            panel: "billing".parse().unwrap(),
            preset: Preset::built_in("generic").unwrap(),
            trusted_proxies: Vec::new(),
            identity_header: None,
            on_failure: self.on_failure,
            attempted_names: AttemptedNames::Known,
        });
        let reached = Arc::clone(&self.reached);
        let panel = tower::service_fn(move |_: Request<RecordBody<Full<Bytes>>>| {
            reached.fetch_add(1, Ordering::SeqCst);
            std::future::ready(Ok::<_, Infallible>(Response::new(Full::new(Bytes::from(
                "x",
            )))))
        });
        let request = Request::builder()
            .method(method)
            .uri("/clients/1")
            .body(Full::default());
        let response = RecordLayer::new(recorder)
            .layer(panel)
            .oneshot(request.unwrap())
            .await
            .unwrap();
        let status = response.status();
        response.into_body().collect().await.unwrap();
        status
    }

    fn reached(&self) -> usize {
        self.reached.load(Ordering::SeqCst)
    }

    async fn until(&self, condition: impl Fn(&Self) -> bool) {
        tokio::time::timeout(Duration::from_secs(20), async {
            while !condition(self) {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        })
        .await
        .expect("the condition came true in time");
    }

    fn requests(&self) -> Vec<(String, Option<u16>)> {
        let kept = self.kept.0.lock();
        let requests = kept.iter().filter(|event| event.kind == Kind::Request);
        requests
            .map(|event| (event.method.clone(), event.status))
            .collect()
    }
}

#[tokio::test]
async fn a_change_whose_opening_cannot_be_written_never_reaches_the_panel() {
    let stand = Stand::new(OnFailure::Degrade).await;
    stand.faults.write.store(usize::MAX, Ordering::SeqCst);
    assert_eq!(
        stand.ask(Method::POST).await,
        StatusCode::SERVICE_UNAVAILABLE
    );
    assert_eq!(stand.recorders.state().failing.unwrap().1, "disk full");
    assert_eq!(stand.reached(), 0);
    assert_eq!(stand.ask(Method::GET).await, StatusCode::OK);
    stand.faults.write.store(0, Ordering::SeqCst);
    stand
        .until(|stand| stand.recorders.state().failing.is_none())
        .await;
    assert_eq!(stand.ask(Method::POST).await, StatusCode::OK);
    // The trail was well all the while: each of them is on record, in full.
    stand.until(|stand| stand.requests().len() == 3).await;
    let method = |method: &str, status| (method.to_owned(), Some(status));
    assert_eq!(
        stand.requests(),
        [method("POST", 503), method("GET", 200), method("POST", 200)]
    );
}

#[tokio::test]
async fn a_change_whose_opening_cannot_be_synced_never_reaches_the_panel() {
    let stand = Stand::new(OnFailure::Degrade).await;
    stand.faults.sync.store(1, Ordering::SeqCst);
    assert_eq!(
        stand.ask(Method::DELETE).await,
        StatusCode::SERVICE_UNAVAILABLE
    );
    assert_eq!(stand.reached(), 0);
    stand
        .until(|stand| stand.recorders.state().failing.is_none())
        .await;
    assert_eq!(stand.ask(Method::DELETE).await, StatusCode::OK);
    assert_eq!(stand.faults.retried.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn closed_refuses_reading_too_and_open_refuses_no_change() {
    for (policy, get, post) in [
        (
            OnFailure::Closed,
            StatusCode::SERVICE_UNAVAILABLE,
            StatusCode::SERVICE_UNAVAILABLE,
        ),
        (OnFailure::Open, StatusCode::OK, StatusCode::OK),
    ] {
        let stand = Stand::new(policy).await;
        stand.faults.write.store(usize::MAX, Ordering::SeqCst);
        stand.faults.create.store(usize::MAX, Ordering::SeqCst);
        assert_eq!(stand.ask(Method::GET).await, get, "{policy:?}");
        assert_eq!(stand.ask(Method::POST).await, post, "{policy:?}");
        stand.until(|stand| stand.requests().len() == 2).await;
    }
}

#[tokio::test]
async fn a_change_is_synced_before_it_is_forwarded_and_reading_is_not() {
    let stand = Stand::new(OnFailure::Degrade).await;
    let syncs = || stand.faults.syncs.load(Ordering::SeqCst);
    for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
        let before = syncs();
        assert_eq!(stand.ask(method).await, StatusCode::OK);
        assert!(syncs() > before);
    }
    // A sync that never ends holds up no reader.
    *stand.faults.sync_takes.lock() = Duration::from_secs(3);
    let begun = std::time::Instant::now();
    for _ in 0..20 {
        assert_eq!(stand.ask(Method::GET).await, StatusCode::OK);
    }
    assert!(begun.elapsed() < Duration::from_secs(3));
    *stand.faults.sync_takes.lock() = Duration::ZERO;
}

#[tokio::test]
async fn a_disk_that_never_answers_refuses_the_change() {
    let stand = Stand::new(OnFailure::Degrade).await;
    stand.faults.hangs.store(true, Ordering::SeqCst);
    assert_eq!(
        stand.ask(Method::POST).await,
        StatusCode::SERVICE_UNAVAILABLE
    );
    assert_eq!(stand.reached(), 0);
    assert_eq!(stand.ask(Method::GET).await, StatusCode::OK);
    stand.faults.hangs.store(false, Ordering::SeqCst);
    assert_eq!(stand.ask(Method::POST).await, StatusCode::OK);
}
