//! A recorder with a sink, bindings and a clock in the test's hand, and panels made of closures.

use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use admintrail_capture::{
    Bindings, BoxFuture, Identities, MemoryBindings, MemoryIdentities, OnFailure, PanelRules, Peer,
    RecordBody, RecordLayer, RecordService, Recorder, Recorders, RecordersOptions, Sink, SinkError,
    TokenRules,
};
use admintrail_event::{AttemptedNames, Draft, Kind, Micros, Preset, SessionHash};
use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body::Body;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Empty, Full};
use parking_lot::Mutex;
use tower::{Service, ServiceExt};
use tower_layer::Layer;

pub type TestBody = UnsyncBoxBody<Bytes, std::io::Error>;

/// Keeps what is delivered; the first of equal ids wins, as in the trail.
#[derive(Default)]
pub struct KeepingSink {
    pub kept: Mutex<Vec<Draft>>,
    pub repeated: Mutex<Vec<Draft>>,
    pub fails: Mutex<Option<String>>,
    pub hangs: AtomicBool,
}

/// What one run of the recorders delivers to. After a crash nothing more arrives.
struct Delivery {
    sink: Arc<KeepingSink>,
    crashed: Arc<AtomicBool>,
}

impl Sink for Delivery {
    fn deliver(&self, batch: Vec<Draft>) -> BoxFuture<Result<(), SinkError>> {
        let (sink, crashed) = (Arc::clone(&self.sink), Arc::clone(&self.crashed));
        Box::pin(async move {
            if crashed.load(Ordering::SeqCst) {
                std::future::pending::<()>().await;
            }
            while sink.hangs.load(Ordering::SeqCst) {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            if let Some(reason) = sink.fails.lock().clone() {
                return Err(SinkError(reason));
            }
            let mut kept = sink.kept.lock();
            for event in batch {
                if kept.iter().any(|other| other.id == event.id) {
                    sink.repeated.lock().push(event);
                } else {
                    kept.push(event);
                }
            }
            Ok(())
        })
    }
}

pub struct Stand {
    pub folder: Arc<tempfile::TempDir>,
    pub recorders: Recorders,
    pub sink: Arc<KeepingSink>,
    pub bindings: Arc<dyn Bindings>,
    pub identities: Arc<MemoryIdentities>,
    /// The same, where they live in memory.
    pub memory: Option<Arc<MemoryBindings>>,
    pub now: Arc<AtomicI64>,
    crashed: Arc<AtomicBool>,
}

impl Stand {
    pub async fn new() -> Self {
        let folder = Arc::new(tempfile::tempdir().unwrap());
        let memory = Arc::new(MemoryBindings::default());
        let bindings = Arc::clone(&memory) as Arc<dyn Bindings>;
        Self {
            memory: Some(memory),
            ..Self::on(folder, Arc::default(), bindings).await
        }
    }

    /// On what an earlier one left.
    pub async fn on(
        folder: Arc<tempfile::TempDir>,
        sink: Arc<KeepingSink>,
        bindings: Arc<dyn Bindings>,
    ) -> Self {
        let now = Arc::new(AtomicI64::new(1_795_000_000_000_000));
        let ticking = Arc::clone(&now);
        let crashed = Arc::new(AtomicBool::new(false));
        let identities = Arc::new(MemoryIdentities::default());
        let recorders = Recorders::start(RecordersOptions {
            journal: folder.path().join("journal"),
            name: "node-1".to_owned(),
            key: [7; 32],
            sink: Arc::new(Delivery {
                sink: Arc::clone(&sink),
                crashed: Arc::clone(&crashed),
            }),
            bindings: Arc::clone(&bindings),
            identities: Arc::clone(&identities) as Arc<dyn Identities>,
            clock: Arc::new(move || Micros(ticking.fetch_add(1, Ordering::SeqCst))),
            confirmation: Duration::from_millis(100),
        })
        .await
        .unwrap();
        Self {
            folder,
            recorders,
            sink,
            bindings,
            identities,
            memory: None,
            now,
            crashed,
        }
    }

    /// Starts again on the files as they lie, as after `kill -9`: no destructor of the crashed run
    /// has changed them.
    pub async fn crash(self) -> Self {
        self.crashed.store(true, Ordering::SeqCst);
        let folder = Arc::new(tempfile::tempdir().unwrap());
        std::fs::create_dir(folder.path().join("journal")).unwrap();
        for entry in std::fs::read_dir(self.journal()).unwrap() {
            let path = entry.unwrap().path();
            let copy = folder
                .path()
                .join("journal")
                .join(path.file_name().unwrap());
            std::fs::copy(path, copy).unwrap();
        }
        Self {
            memory: self.memory.clone(),
            ..Self::on(folder, Arc::clone(&self.sink), Arc::clone(&self.bindings)).await
        }
    }

    pub fn recorder(&self, change: impl FnOnce(&mut PanelRules)) -> Recorder {
        let mut rules = rules("generic");
        change(&mut rules);
        self.recorders.recorder(rules)
    }

    pub fn advance(&self, seconds: i64) {
        self.now.fetch_add(seconds * 1_000_000, Ordering::SeqCst);
    }

    /// The request events, once there are so many.
    pub async fn requests(&self, count: usize) -> Vec<Draft> {
        self.events(Kind::Request, count).await
    }

    /// The last of so many request events.
    pub async fn last(&self, count: usize) -> Draft {
        self.requests(count).await.pop().unwrap()
    }

    pub async fn events(&self, kind: Kind, count: usize) -> Vec<Draft> {
        let of_kind = || -> Vec<Draft> {
            self.sink
                .kept
                .lock()
                .iter()
                .filter(|event| event.kind == kind)
                .cloned()
                .collect()
        };
        until(|| of_kind().len() >= count).await;
        let events = of_kind();
        assert_eq!(events.len(), count, "{events:#?}");
        events
    }

    /// An owner ends a session of the panel.
    pub fn end_session(&self, session: SessionHash) {
        let memory = self.memory.as_ref().unwrap();
        memory.end_session(&"billing".parse().unwrap(), session);
    }

    pub fn journal(&self) -> PathBuf {
        self.folder.path().join("journal")
    }
}

pub fn rules(preset: &str) -> PanelRules {
    PanelRules {
        panel: "billing".parse().unwrap(),
        preset: Preset::built_in(preset).unwrap(),
        trusted_proxies: Vec::new(),
        identity_header: None,
        tokens: TokenRules::default(),
        jwt: None,
        on_failure: OnFailure::Degrade,
        attempted_names: AttemptedNames::Known,
    }
}

pub async fn until(condition: impl Fn() -> bool) {
    tokio::time::timeout(Duration::from_secs(30), async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await
    .expect("the condition came true in time");
}

/// What a panel is asked; its body has been read.
pub struct Asked {
    pub method: Method,
    pub path: String,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Asked {
    pub fn cookie(&self, name: &str) -> Option<String> {
        let header = self.headers.get("cookie")?.to_str().ok()?;
        header
            .split("; ")
            .find_map(|pair| Some(pair.strip_prefix(name)?.strip_prefix('=')?.to_owned()))
    }
}

pub type Panel =
    tower::util::BoxCloneSyncService<Request<RecordBody<TestBody>>, Response<TestBody>, Infallible>;

/// A panel that answers with what the closure says.
pub fn panel(
    answer: impl Fn(Asked) -> Response<TestBody> + Clone + Send + Sync + 'static,
) -> Panel {
    let service = tower::service_fn(move |request: Request<RecordBody<TestBody>>| {
        let answer = answer.clone();
        async move {
            let (parts, body) = request.into_parts();
            let body = body
                .collect()
                .await
                .map(|body| body.to_bytes())
                .unwrap_or_default();
            let path = parts
                .uri
                .path_and_query()
                .map_or("", |p| p.as_str())
                .to_owned();
            Ok(answer(Asked {
                method: parts.method,
                path,
                headers: parts.headers,
                body,
            }))
        }
    });
    tower::util::BoxCloneSyncService::new(service)
}

pub fn wrap(recorder: Recorder, panel: Panel) -> RecordService<Panel> {
    RecordLayer::new(recorder).layer(panel)
}

pub fn empty() -> TestBody {
    Empty::new().map_err(|never| match never {}).boxed_unsync()
}

pub fn full(text: impl Into<Bytes>) -> TestBody {
    Full::new(text.into())
        .map_err(|never| match never {})
        .boxed_unsync()
}

/// A response of a page, a script or nothing in particular.
pub fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Response<TestBody> {
    let mut response = Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(*name, *value);
    }
    let body = if body.is_empty() {
        empty()
    } else {
        full(body.to_owned())
    };
    response.body(body).unwrap()
}

pub fn html(body: &str) -> Response<TestBody> {
    answer(200, &[("content-type", "text/html; charset=utf-8")], body)
}

pub fn redirect(to: &str) -> Response<TestBody> {
    answer(302, &[("location", to)], "")
}

/// A request from a loopback address.
pub fn request(
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: TestBody,
) -> Request<TestBody> {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let mut request = request.body(body).unwrap();
    let peer = Peer {
        addr: "127.0.0.1:50000".parse().unwrap(),
        tls: false,
    };
    request.extensions_mut().insert(peer);
    request
}

/// What a client got.
#[derive(Debug)]
pub struct Got {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

pub async fn send<S, B>(service: &S, request: Request<TestBody>) -> Got
where
    S: Service<Request<TestBody>, Response = Response<B>, Error = Infallible> + Clone,
    B: Body<Data = Bytes>,
    B::Error: std::fmt::Debug,
{
    let response = service.clone().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    Got {
        status: parts.status,
        headers: parts.headers,
        body,
    }
}

pub async fn get(service: &RecordService<Panel>, path: &str, cookie: &str) -> Got {
    let headers: &[(&str, &str)] = if cookie.is_empty() {
        &[]
    } else {
        &[("cookie", cookie)]
    };
    send(service, request("GET", path, headers, empty())).await
}

pub const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

pub async fn post_form(
    service: &RecordService<Panel>,
    path: &str,
    cookie: &str,
    form: &str,
) -> Got {
    let mut headers = vec![FORM];
    if !cookie.is_empty() {
        headers.push(("cookie", cookie));
    }
    send(
        service,
        request("POST", path, &headers, full(form.to_owned())),
    )
    .await
}

/// Every byte of every file below a folder.
pub fn bytes_below(folder: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            bytes.extend(bytes_below(&path));
        } else {
            bytes.extend(std::fs::read(path).unwrap());
        }
    }
    bytes
}
