//! Recorders whose journal fails under them.

use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, AtomicUsize};

use admintrail_event::{AttemptedNames, EventId, Preset};
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use parking_lot::Mutex;
use tower::ServiceExt;
use tower_layer::Layer;

use super::*;
use crate::journal::faulty::{Faults, FaultyDisk};
use crate::{BoxFuture, MemoryBindings, OnFailure, RecordBody, RecordLayer, SinkError};

/// Keeps what is delivered, or refuses it.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<Draft>>>, Arc<AtomicBool>);

impl Sink for Kept {
    fn deliver(&self, batch: Vec<Draft>) -> BoxFuture<Result<(), SinkError>> {
        if self.1.load(Ordering::SeqCst) {
            return Box::pin(std::future::ready(Err(SinkError("full".to_owned()))));
        }
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
    folder: tempfile::TempDir,
}

impl Stand {
    async fn new(on_failure: OnFailure) -> Self {
        Self::on(tempfile::tempdir().unwrap(), Kept::default(), on_failure).await
    }

    /// On what an earlier one left.
    async fn on(folder: tempfile::TempDir, kept: Kept, on_failure: OnFailure) -> Self {
        let faults = Arc::new(Faults::default());
        let options = RecordersOptions {
            journal: folder.path().to_owned(),
            name: "node-1".to_owned(),
            key: [7; 32],
            sink: Arc::new(kept.clone()),
            bindings: Arc::new(MemoryBindings::default()),
            identities: Arc::new(crate::MemoryIdentities::default()),
            clock: Arc::new(|| Micros(1_795_000_000_000_000)),
            confirmation: Duration::ZERO,
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
            folder,
        }
    }

    async fn ask(&self, method: Method) -> StatusCode {
        let recorder = self.recorder();
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

impl Stand {
    /// Ends as `kill -9` does and starts on the files as they lie, on the same sink.
    async fn killed(self) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for entry in std::fs::read_dir(self.folder.path()).unwrap() {
            let path = entry.unwrap().path();
            std::fs::copy(&path, folder.path().join(path.file_name().unwrap())).unwrap();
        }
        let starts = self.starts();
        drop(self.recorders);
        let kept = Kept(Arc::clone(&self.kept.0), Arc::default());
        let stand = Self::on(folder, kept, self.on_failure).await;
        stand.until(|stand| stand.starts() > starts).await;
        stand
    }

    fn starts(&self) -> usize {
        let kept = self.kept.0.lock();
        kept.iter().filter(|e| e.kind == Kind::Start).count()
    }

    fn gaps(&self) -> Vec<(EventId, Option<u64>)> {
        let kept = self.kept.0.lock();
        let gaps = kept.iter().filter(|event| event.kind == Kind::Gap);
        gaps.map(|gap| (gap.id, gap.count)).collect()
    }
}

#[tokio::test]
async fn what_passed_or_was_refused_on_a_full_disk_is_counted_even_if_the_process_is_killed_then() {
    let stand = Stand::new(OnFailure::Degrade).await;
    stand.until(|stand| stand.starts() == 1).await;
    stand.kept.1.store(true, Ordering::SeqCst);
    stand.faults.create.store(usize::MAX, Ordering::SeqCst);
    stand.faults.write.store(usize::MAX, Ordering::SeqCst);
    for _ in 0..3 {
        stand.ask(Method::POST).await;
        stand.ask(Method::GET).await;
    }
    assert_eq!(stand.reached(), 3);
    let stand = stand.killed().await;
    let gaps = stand.gaps();
    assert_eq!(
        gaps.iter().map(|(_, count)| *count).collect::<Vec<_>>(),
        [Some(6)]
    );
    // It was told: another crash tells nothing anew.
    stand
        .until(|stand| stand.recorders.state().waiting == 0)
        .await;
    let stand = stand.killed().await;
    assert_eq!(stand.gaps(), gaps);
}

#[tokio::test]
async fn what_a_full_disk_held_up_and_was_delivered_later_is_not_counted() {
    let stand = Stand::new(OnFailure::Degrade).await;
    stand.until(|stand| stand.starts() == 1).await;
    stand.kept.1.store(true, Ordering::SeqCst);
    stand.faults.write.store(usize::MAX, Ordering::SeqCst);
    for _ in 0..3 {
        stand.ask(Method::POST).await;
        stand.ask(Method::GET).await;
    }
    stand.faults.write.store(0, Ordering::SeqCst);
    stand.kept.1.store(false, Ordering::SeqCst);
    stand
        .until(|stand| stand.requests().len() == 6 && stand.recorders.state().waiting == 0)
        .await;
    let stand = stand.killed().await;
    assert_eq!(stand.gaps(), []);
    assert_eq!(stand.requests().len(), 6);
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

impl Stand {
    fn recorder(&self) -> Recorder {
        self.recorders.recorder(PanelRules {
            panel: "billing".parse().unwrap(),
            preset: Preset::built_in("generic").unwrap(),
            trusted_proxies: Vec::new(),
            identity_header: None,
            tokens: crate::TokenRules::default(),
            jwt: None,
            on_failure: self.on_failure,
            attempted_names: AttemptedNames::Known,
        })
    }
}

/// The client is gone while the opening of the tunnel's end is on its way to the disk.
#[tokio::test]
async fn a_tunnel_cancelled_while_it_opens_is_closed_and_leaks_nothing() {
    let stand = Stand::new(OnFailure::Open).await;
    let faults = Arc::clone(&stand.faults);
    let panel = tower::service_fn(move |_: Request<RecordBody<Full<Bytes>>>| {
        faults.hangs.store(true, Ordering::SeqCst);
        let response = Response::builder().status(StatusCode::SWITCHING_PROTOCOLS);
        std::future::ready(Ok::<_, Infallible>(
            response.body(Full::<Bytes>::default()).unwrap(),
        ))
    });
    let request = Request::builder()
        .uri("/shell")
        .header("connection", "upgrade")
        .header("upgrade", "websocket")
        .body(Full::<Bytes>::default());
    let layer = RecordLayer::new(stand.recorder());
    let mut asking = Box::pin(layer.layer(panel).oneshot(request.unwrap()));
    tokio::select! {
        _ = &mut asking => panic!("the disk hangs"),
        () = stand.until(|stand| stand.recorders.state().open == 2) => {}
    }
    drop(asking);
    let open = stand.recorders.state().open;
    stand.faults.hangs.store(false, Ordering::SeqCst);
    assert_eq!(open, 0);
    stand.until(|stand| stand.requests().len() == 2).await;
    let kept = stand.kept.0.lock().clone();
    for event in kept.iter().filter(|event| event.kind == Kind::Request) {
        assert_eq!((event.status, event.ending), (Some(101), Ending::Dropped));
    }
    // Nothing of it comes back at the next start.
    stand.recorders.stop(Duration::from_secs(10)).await;
    let (_, left) = Journal::start(
        stand.folder.path(),
        Arc::new(RealDisk),
        Arc::new(Health::new(Arc::new(|| Micros(1)))),
    )
    .unwrap();
    assert_eq!(left, []);
}

/// Sink and journal fail, the ring overflows, and then the process dies.
#[tokio::test]
async fn what_falls_out_of_the_ring_while_the_journal_fails_is_counted_after_a_crash() {
    let stand = Stand::new(OnFailure::Open).await;
    let trunk = &stand.recorders.trunk;
    stand.until(|stand| stand.kept.0.lock().len() == 1).await;
    stand.kept.1.store(true, Ordering::SeqCst);
    let opening = |n: usize| {
        let now = trunk.now();
        let path = format!("/{n}");
        Draft::request(
            ids::new_id(now),
            now,
            "billing".parse().unwrap(),
            "GET",
            &path,
        )
    };
    let more = 5;
    let events: Vec<_> = (0..super::trunk::RING + 1_000 + more)
        .map(opening)
        .collect();
    for event in &events {
        let gathered = trunk.journal.gather(event).unwrap();
        trunk.journal.write_gathered(&gathered).unwrap();
    }
    stand.faults.write.store(usize::MAX, Ordering::SeqCst);
    for event in events {
        trunk.opened();
        trunk.close(event);
    }
    trunk.finish(marker(trunk, Kind::Stop, "Recording stopped"));
    let unrecorded = stand.recorders.state().unrecorded;
    assert!(unrecorded >= more as u64, "{unrecorded}");
    stand.faults.write.store(0, Ordering::SeqCst);
    stand
        .until(|stand| !stand.recorders.trunk.health.is_failing_for(Cause::Journal))
        .await;
    // As after a crash: another reads the folder.
    let folder = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(stand.folder.path()).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, folder.path().join(path.file_name().unwrap())).unwrap();
    }
    let (_, left) = Journal::start(
        folder.path(),
        Arc::new(RealDisk),
        Arc::new(Health::new(Arc::new(|| Micros(1)))),
    )
    .unwrap();
    let of = |kind| left.iter().filter(move |event| event.kind == kind);
    assert_eq!(of(Kind::Stop).count(), 1);
    let counted: u64 = of(Kind::Gap).filter_map(|gap| gap.count).sum();
    assert_eq!(counted, unrecorded);
    let requests = of(Kind::Request).count() as u64;
    assert_eq!(
        requests + counted,
        (super::trunk::RING + 1_000 + more) as u64
    );
}

/// Its opening is gathered, and nobody writes it any more.
#[tokio::test]
async fn a_request_cancelled_before_its_opening_is_written_is_recorded_and_released() {
    let stand = Stand::new(OnFailure::Degrade).await;
    stand.until(|stand| stand.kept.0.lock().len() == 1).await;
    let mut asking = Box::pin(stand.ask(Method::GET));
    tokio::select! {
        biased;
        _ = &mut asking => panic!("it waits for others first"),
        () = std::future::ready(()) => {}
    }
    assert_eq!(stand.recorders.state().open, 1);
    drop(asking);
    assert_eq!((stand.recorders.state().open, stand.reached()), (0, 0));
    stand.until(|stand| stand.requests().len() == 1).await;
    stand.recorders.stop(Duration::from_secs(10)).await;
    let (_, left) = Journal::start(
        stand.folder.path(),
        Arc::new(RealDisk),
        Arc::new(Health::new(Arc::new(|| Micros(1)))),
    )
    .unwrap();
    assert_eq!(left, []);
}
