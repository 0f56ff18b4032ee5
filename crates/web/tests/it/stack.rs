//! A whole web room in a temporary folder, and the actors who use it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use admintrail_capture::{Declared, Peer, RecorderState};
use admintrail_event::{Draft, EventId, KnownBy, Micros, Outcome, Preset};
use admintrail_store::control::{
    Account, ApiToken, NewAccount, NewSession, NewToken, Role, TokenScope,
};
use admintrail_store::{Control, Identity, Receipt, Submission, Trail, TrailOptions, Tuning};
use admintrail_web::auth::secret::Secret;
use admintrail_web::auth::{password, secret};
use admintrail_web::{
    AnchorPlaces, AnchorRules, App, AppOptions, DirectAccesses, Health, Limits, PanelInfo, router,
};
use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, header};
use http_body_util::BodyExt;
use serde_json::Value;
use tower::ServiceExt;

pub(crate) const PASSWORD: &str = "correct horse battery";
pub(crate) const START: &str = "2026-11-22T14:31:58Z";

pub(crate) struct World {
    pub(crate) app: Arc<App>,
    pub(crate) clock: Arc<AtomicI64>,
    /// What the recorders say of their failing.
    pub(crate) recorder_fails: Arc<AtomicBool>,
    pub(crate) recorder_panics: Arc<AtomicBool>,
    /// What the checks of direct access found.
    pub(crate) direct: Arc<DirectAccesses>,
    /// Which conditions hold.
    pub(crate) health: Arc<Health>,
    router: Router,
    dir: tempfile::TempDir,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with_limits(Limits::default())
    }

    /// One whose published ledger is for everybody.
    pub(crate) fn published() -> Self {
        Self::with(Limits::default(), Tuning::default(), true)
    }

    pub(crate) fn with_limits(limits: Limits) -> Self {
        Self::with(limits, Tuning::default(), false)
    }

    /// One whose questions never have time: each looks at one of many small groups a thread.
    pub(crate) fn hasty() -> Self {
        let tuning = Tuning {
            seal: 100,
            group: 10,
            budget: Duration::ZERO,
            ..Tuning::default()
        };
        Self::with(Limits::default(), tuning, false)
    }

    fn with(limits: Limits, tuning: Tuning, ledger_public: bool) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let start = Micros::parse_rfc3339(START).unwrap();
        let clock = Arc::new(AtomicI64::new(start.0));
        let now: Arc<dyn Fn() -> Micros + Send + Sync> = {
            let clock = Arc::clone(&clock);
            Arc::new(move || Micros(clock.load(Ordering::SeqCst)))
        };
        let options = TrailOptions {
            tuning,
            ..TrailOptions::new(dir.path().to_owned(), Arc::clone(&now))
        };
        let trail = Trail::open(options).unwrap();
        let control = Control::open(dir.path()).unwrap();
        let (recorder_fails, recorder_panics) = (
            Arc::new(AtomicBool::new(false)),
            Arc::new(AtomicBool::new(false)),
        );
        let (fails, panics) = (Arc::clone(&recorder_fails), Arc::clone(&recorder_panics));
        let direct: Arc<DirectAccesses> = Arc::default();
        let health: Arc<Health> = Arc::default();
        let app = App::with_limits(
            AppOptions {
                trail,
                control,
                panels: vec![PanelInfo {
                    name: "billing".parse().unwrap(),
                    upstream: Some("http://127.0.0.1:8000".to_owned()),
                    listen: Some(":8080".to_owned()),
                    trusts_a_proxy: false,
                }],
                clock: now,
                presets: Arc::new(|_| Preset::built_in("generic")),
                recorder_state: Arc::new(move || {
                    assert!(!panics.load(Ordering::SeqCst), "as the test asked");
                    let cause = || (start, "disk full at /secret/place".to_owned());
                    RecorderState {
                        open: 0,
                        waiting: 0,
                        unrecorded: 0,
                        failing: fails.load(Ordering::SeqCst).then(cause),
                    }
                }),
                direct: Arc::clone(&direct),
                anchors: Arc::default(),
                anchor_places: Arc::new(AnchorPlaces::new(AnchorRules {
                    data: dir.path().to_owned(),
                    every: Duration::from_secs(3_600),
                    private: false,
                    mail: Some(|to| to.ends_with(".org")),
                    ..AnchorRules::default()
                })),
                health: Arc::clone(&health),
                ledger_public,
                key: [7; 32],
                version: "1.2.3",
                listen: SocketAddr::from(([127, 0, 0, 1], 7070)),
                trusted_proxies: vec!["10.0.0.0/8".parse().unwrap()],
            },
            limits,
        );
        Self {
            router: router(Arc::clone(&app)),
            app,
            clock,
            recorder_fails,
            recorder_panics,
            direct,
            health,
            dir,
        }
    }

    pub(crate) fn pass(&self, seconds: i64) {
        self.clock
            .fetch_add(seconds * Micros::SECOND, Ordering::SeqCst);
    }

    pub(crate) fn folder(&self) -> &std::path::Path {
        self.dir.path()
    }

    pub(crate) fn anon(&self) -> Actor {
        Actor {
            router: self.router.clone(),
            headers: HeaderMap::new(),
            peer: "192.0.2.10:40000".parse().unwrap(),
            tls: false,
        }
    }

    /// Somebody with an account, signed in without the cost of a password.
    pub(crate) fn signed_in(&self, role: Role) -> Actor {
        let email = format!("{}@example.org", role.as_str());
        let account = self.app.control.account_of_email(&email);
        self.with_session(&account.unwrap_or_else(|| self.account(&email, role, None)))
    }

    pub(crate) fn owner(&self) -> Actor {
        self.signed_in(Role::Owner)
    }

    pub(crate) fn with_session(&self, account: &Account) -> Actor {
        let secret = Secret::generate().unwrap();
        let new = NewSession {
            hash: secret.hash(),
            account: account.id,
            created: self.app.now(),
            ip: None,
            agent: None,
        };
        assert!(self.app.control.begin_session(new, None).wait().unwrap());
        self.anon()
            .header("cookie", &format!("admintrail_session={}", secret.expose()))
    }

    pub(crate) fn account(&self, email: &str, role: Role, password: Option<&str>) -> Arc<Account> {
        let made = self.app.control.add_account(NewAccount {
            email: email.to_owned(),
            name: "Olena".to_owned(),
            password_hash: password.map(|password| password::hash(password).unwrap()),
            role,
            identities: vec![Identity {
                panel: None,
                admin: "olena".to_owned(),
            }],
            created: self.app.now(),
        });
        made.wait().unwrap().unwrap()
    }

    pub(crate) fn token(
        &self,
        name: &str,
        scope: TokenScope,
        panels: &[&str],
    ) -> (Actor, Arc<ApiToken>) {
        let secret = Secret::generate_token().unwrap();
        let new = NewToken {
            name: name.to_owned(),
            hash: secret::hash(secret.expose()),
            scope,
            panels: panels.iter().map(|panel| panel.parse().unwrap()).collect(),
            created: self.app.now(),
        };
        let token = self.app.control.add_token(new).wait().unwrap().unwrap();
        let actor = self
            .anon()
            .header("authorization", &format!("Bearer {}", secret.expose()));
        (actor, token)
    }

    pub(crate) fn reader_token(&self) -> Actor {
        self.token("reader", TokenScope::Read, &[]).0
    }

    pub(crate) fn ingest_token(&self) -> Actor {
        self.token("ingest", TokenScope::Ingest, &["billing"]).0
    }

    /// A draft of a request, `n` seconds after the start.
    pub(crate) fn draft(&self, n: i64, admin: Option<&str>, method: &str, path: &str) -> Draft {
        let time = Micros(Micros::parse_rfc3339(START).unwrap().0 + n * Micros::SECOND);
        let mut random = [0; 10];
        getrandom::fill(&mut random).unwrap();
        let id = EventId::new(time, random);
        let mut draft = Draft::request(id, time, "billing".parse().unwrap(), method, path);
        draft.admin = admin.map(str::to_owned);
        if admin.is_some() {
            draft.known_by = KnownBy::Session;
        }
        draft.status = Some(200);
        draft.outcome = Outcome::Success;
        draft.action = "Viewed something".to_owned();
        draft
    }

    pub(crate) async fn record(&self, drafts: Vec<Draft>) {
        let count = drafts.len();
        let batch = drafts.into_iter().map(Submission::new).collect();
        let receipts = self.app.trail.append(batch).await.unwrap();
        let accepted = receipts
            .iter()
            .filter(|receipt| matches!(receipt, Receipt::Accepted(_)));
        assert_eq!(accepted.count(), count);
    }

    /// Has everything that was recorded in the published ledger.
    pub(crate) async fn publish(&self) {
        let trail = self.app.trail.clone();
        let published = tokio::task::spawn_blocking(move || trail.publish()).await;
        published.unwrap().unwrap();
    }

    /// Has the record verified, and waits for what comes of it.
    pub(crate) async fn verified(&self) {
        while self.app.integrity.running().is_some() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// `count` requests, a second apart, by olena.
    pub(crate) async fn record_many(&self, count: i64) {
        let draft = |n| self.draft(n, Some("olena"), "GET", &format!("/client/{n}"));
        self.record((0..count).map(draft).collect()).await;
    }
}

/// Somebody who sends requests.
#[derive(Clone)]
pub(crate) struct Actor {
    router: Router,
    headers: HeaderMap,
    peer: SocketAddr,
    tls: bool,
}

impl Actor {
    pub(crate) fn header(mut self, name: &'static str, value: &str) -> Self {
        let name = HeaderName::from_static(name);
        self.headers
            .insert(name, HeaderValue::from_str(value).unwrap());
        self
    }

    pub(crate) fn from(mut self, ip: &str) -> Self {
        self.peer = SocketAddr::new(ip.parse().unwrap(), 40000);
        self
    }

    pub(crate) fn over_tls(mut self) -> Self {
        self.tls = true;
        self
    }

    pub(crate) fn json(self) -> Self {
        self.header("accept", "application/json")
    }

    pub(crate) async fn send(
        &self,
        method: &str,
        target: &str,
        kind: Option<&str>,
        body: impl Into<Body>,
    ) -> Answer {
        let response = self.open(method, target, kind, body).await;
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Answer {
            status: parts.status,
            declared: parts
                .extensions
                .get::<Declared>()
                .cloned()
                .unwrap_or_default(),
            headers: parts.headers,
            body,
        }
    }

    /// The response with its body still to be read.
    pub(crate) async fn open(
        &self,
        method: &str,
        target: &str,
        kind: Option<&str>,
        body: impl Into<Body>,
    ) -> axum::response::Response {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let mut request = Request::builder().method(method).uri(target);
        request = request.header(header::HOST, "trail.example");
        if let Some(kind) = kind {
            request = request.header(header::CONTENT_TYPE, kind);
        }
        let mut request = request.body(body.into()).unwrap();
        request.headers_mut().extend(
            self.headers
                .clone()
                .into_iter()
                .filter_map(|(n, v)| Some((n?, v))),
        );
        request.extensions_mut().insert(Peer {
            addr: self.peer,
            tls: self.tls,
        });
        self.router.clone().oneshot(request).await.unwrap()
    }

    pub(crate) async fn get(&self, target: &str) -> Answer {
        self.send("GET", target, None, Body::empty()).await
    }

    pub(crate) async fn form(&self, target: &str, fields: &[(&str, &str)]) -> Answer {
        let body = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(fields)
            .finish();
        let kind = Some("application/x-www-form-urlencoded");
        self.send("POST", target, kind, body).await
    }

    pub(crate) async fn post_json(&self, target: &str, json: &Value) -> Answer {
        let kind = Some("application/json");
        self.send("POST", target, kind, json.to_string()).await
    }

    /// The same browser after this answer: takes over its cookies.
    pub(crate) fn after(self, answer: &Answer) -> Self {
        let pairs: Vec<&str> = answer
            .cookies()
            .into_iter()
            .filter_map(|line| line.split(';').next())
            .collect();
        if pairs.is_empty() {
            self
        } else {
            self.header("cookie", &pairs.join("; "))
        }
    }
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) declared: Declared,
    pub(crate) body: Bytes,
}

impl Answer {
    #[track_caller]
    pub(crate) fn is(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{}", self.text());
        self
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("no JSON: {}", self.text()))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    /// What was sent to be kept, a line a cookie.
    pub(crate) fn cookies(&self) -> Vec<&str> {
        self.headers
            .get_all("set-cookie")
            .iter()
            .map(|line| line.to_str().unwrap())
            .collect()
    }

    pub(crate) fn session_cookie(&self) -> Option<String> {
        let value = self.cookies().into_iter().find_map(|line| {
            let pair = line.split(';').next()?;
            let name = pair.strip_prefix("__Host-").unwrap_or(pair);
            name.strip_prefix("admintrail_session=")
        });
        value.map(str::to_owned).filter(|value| !value.is_empty())
    }

    /// The path of each event.
    pub(crate) fn paths(&self) -> Vec<String> {
        let json = self.json();
        let events = json["events"].as_array().unwrap();
        events
            .iter()
            .map(|event| event["path"].as_str().unwrap().to_owned())
            .collect()
    }
}

/// Counters of `/metrics` by name.
pub(crate) async fn counters(world: &World) -> BTreeMap<String, f64> {
    let text = world.token("metrics", TokenScope::Read, &[]);
    let answer = text.0.get("/metrics").await.is(200);
    world
        .app
        .control
        .revoke_token(text.1.id, world.app.now())
        .wait()
        .unwrap();
    let lines = answer.text();
    lines
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| {
            let (name, value) = line.rsplit_once(' ').unwrap();
            (name.to_owned(), value.parse().unwrap())
        })
        .collect()
}
