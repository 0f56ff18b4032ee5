//! What the layer costs a request, against the same service without it.
//!
//! `plain` is the peer: its time is the service's own. The difference to `safe` is the layer; the
//! difference of `unsafe` to `safe` is about one fsync. A timing decides no test.

use std::convert::Infallible;
use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use admintrail_capture::{
    Bindings, BoxFuture, MemoryBindings, MemoryIdentities, OnFailure, PanelRules, Peer,
    RecordLayer, Recorders, RecordersOptions, Sink, SinkError, TokenRules,
};
use admintrail_event::{AttemptedNames, Draft, Micros, Preset};
use bytes::Bytes;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use http::{Request, Response};
use http_body::Body;
use http_body_util::{BodyExt, Full};
use tower::ServiceExt;
use tower_layer::Layer;

/// Takes everything at once, as a store much faster than the requests would.
#[derive(Default)]
struct Forgetting(AtomicU64);

impl Sink for Forgetting {
    fn deliver(&self, batch: Vec<Draft>) -> BoxFuture<Result<(), SinkError>> {
        self.0.fetch_add(batch.len() as u64, Ordering::Relaxed);
        Box::pin(std::future::ready(Ok(())))
    }
}

fn now() -> Micros {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or(Duration::ZERO);
    Micros(i64::try_from(since.as_micros()).unwrap_or(0))
}

/// A request as a browser sends it.
fn request(method: &str) -> Request<Full<Bytes>> {
    let mut request = Request::builder()
        .method(method)
        .uri("/admin/clients/4711/change/?tab=invoices&page=2")
        .header("host", "panel.example")
        .header(
            "user-agent",
            "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
        )
        .header(
            "accept",
            "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
        )
        .header("accept-language", "en-US,en;q=0.5")
        .header("accept-encoding", "gzip, deflate, br, zstd")
        .header("sec-fetch-dest", "document")
        .header(
            "cookie",
            "csrftoken=8f14e45fceea167a5a36dedd4bea2543; sessionid=s3cr3t0123456789abcdef",
        )
        .body(Full::new(Bytes::new()))
        .unwrap_or_default();
    if let Ok(addr) = "127.0.0.1:50000".parse() {
        request.extensions_mut().insert(Peer { addr, tls: false });
    }
    request
}

async fn page<B: Body>(_request: Request<B>) -> Result<Response<Full<Bytes>>, Infallible> {
    Ok(Response::new(Full::new(Bytes::from_static(
        b"<html>a page</html>",
    ))))
}

fn layer(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    let (Ok(runtime), Ok(folder)) = (runtime, tempfile::tempdir()) else {
        return;
    };
    let bindings = Arc::new(MemoryBindings::default());
    let started = runtime.block_on(Recorders::start(RecordersOptions {
        journal: folder.path().join("journal"),
        name: "bench".to_owned(),
        key: [7; 32],
        sink: Arc::new(Forgetting::default()),
        bindings: Arc::clone(&bindings) as Arc<dyn Bindings>,
        identities: Arc::new(MemoryIdentities::default()),
        clock: Arc::new(now),
        confirmation: Duration::ZERO,
    }));
    let (Ok(recorders), Ok(panel), Some(preset)) =
        (started, "billing".parse(), Preset::built_in("django-admin"))
    else {
        return;
    };
    let recorder = recorders.recorder(PanelRules {
        panel,
        preset,
        trusted_proxies: Vec::new(),
        identity_header: None,
        tokens: TokenRules::default(),
        jwt: None,
        on_failure: OnFailure::Degrade,
        attempted_names: AttemptedNames::Known,
    });
    let recorded = RecordLayer::new(recorder).layer(tower::service_fn(page));
    let mut group = criterion.benchmark_group("request");
    group.throughput(Throughput::Elements(1));
    group.bench_function("plain", |bencher| {
        bencher.iter(|| {
            runtime.block_on(async {
                let Ok(response) = tower::service_fn(page).oneshot(request("GET")).await;
                black_box(response.into_body().collect().await.ok());
            });
        });
    });
    for (name, method) in [("safe", "GET"), ("unsafe", "POST")] {
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                runtime.block_on(async {
                    let Ok(response) = recorded.clone().oneshot(request(method)).await;
                    black_box(response.into_body().collect().await.ok());
                });
            });
        });
    }
    // Many at once: together they should need hardly more syncs than one alone.
    for connections in [1_u64, 32, 256] {
        group.throughput(Throughput::Elements(connections));
        group.bench_function(format!("unsafe, {connections} at once"), |bencher| {
            bencher.iter(|| {
                runtime.block_on(async {
                    let asking = (0..connections).map(|_| {
                        let recorded = recorded.clone();
                        tokio::spawn(async move {
                            let Ok(response) = recorded.oneshot(request("POST")).await;
                            black_box(response.into_body().collect().await.ok());
                        })
                    });
                    futures_util::future::join_all(asking.collect::<Vec<_>>()).await
                })
            });
        });
    }
    group.finish();
    runtime.block_on(recorders.stop(Duration::from_secs(10)));
}

criterion_group!(benches, layer);
criterion_main!(benches);
