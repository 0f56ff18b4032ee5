//! A server with a clock that stands still, and a browser that is signed in.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use admintrail_capture::{Peer, RecorderState};
use admintrail_event::{Draft, EventId, KnownBy, Micros, Outcome, PanelName, SessionHash};
use admintrail_store::control::{NewAccount, NewSession, Role};
use admintrail_store::{Control, Identity, Submission, Trail, TrailOptions, Tuning};
use axum::Router;
use axum::body::Body;
use http::{HeaderMap, Request, StatusCode, header};
use http_body_util::BodyExt;
use parking_lot::Mutex;
use tower::ServiceExt;

use crate::auth::secret::Secret;
use crate::pages::scene::FRAGMENT;
use crate::{App, AppOptions, PanelInfo, router};

/// What time it is, all the time.
pub(super) const NOW: &str = "2026-11-22T14:31:58Z";

pub(super) fn now() -> Micros {
    Micros::parse_rfc3339(NOW).unwrap()
}

pub(super) struct Stack {
    pub(super) app: Arc<App>,
    pub(super) recorder: Arc<Mutex<RecorderState>>,
    router: Router,
    cookie: String,
    dir: tempfile::TempDir,
}

/// An answer.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: String,
}

impl Answer {
    /// The answer of a page that must be there.
    pub(super) fn page(self) -> String {
        assert_eq!(self.status, StatusCode::OK, "{}", self.body);
        self.body
    }
}

impl Stack {
    pub(super) fn new(role: Role, identities: &[&str]) -> Self {
        Self::with(role, identities, Tuning::default())
    }

    /// One whose questions never have time: each looks at one of many small groups a thread.
    pub(super) fn hasty() -> Self {
        let tuning = Tuning {
            seal: 100,
            group: 10,
            budget: Duration::ZERO,
            ..Tuning::default()
        };
        Self::with(Role::Owner, &[], tuning)
    }

    fn with(role: Role, identities: &[&str], tuning: Tuning) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock = Arc::new(now);
        let options = TrailOptions {
            tuning,
            ..TrailOptions::new(dir.path().to_owned(), clock.clone())
        };
        let trail = Trail::open(options).unwrap();
        let control = Control::open(dir.path()).unwrap();
        let account = NewAccount {
            email: "marek@hosting.example".to_owned(),
            name: "Marek <Nowak>".to_owned(),
            password_hash: None,
            role,
            identities: identities
                .iter()
                .map(|admin| Identity {
                    panel: None,
                    admin: (*admin).to_owned(),
                })
                .collect(),
            created: now(),
        };
        let account = control.add_account(account).wait().unwrap().unwrap();
        let secret = Secret::generate().unwrap();
        let session = NewSession {
            hash: secret.hash(),
            account: account.id,
            created: now(),
            ip: Some("203.0.113.90".to_owned()),
            agent: Some("<script>agent</script>".to_owned()),
        };
        control.begin_session(session, None).wait().unwrap();
        let recorder = Arc::new(Mutex::new(RecorderState {
            open: 0,
            waiting: 0,
            unrecorded: 0,
            failing: None,
        }));
        let state = Arc::clone(&recorder);
        let listen = SocketAddr::from(([127, 0, 0, 1], 7070));
        let app = App::new(AppOptions {
            trail,
            control,
            panels: vec![PanelInfo {
                name: "billing".parse().unwrap(),
                upstream: Some("http://127.0.0.1:8000".to_owned()),
                listen: Some(":8080".to_owned()),
                trusts_a_proxy: false,
            }],
            clock,
            presets: Arc::new(|_: &PanelName| None),
            recorder_state: Arc::new(move || state.lock().clone()),
            direct: Arc::default(),
            anchors: Arc::default(),
            anchor_places: Arc::default(),
            health: Arc::default(),
            ledger_public: false,
            key: [7; 32],
            version: "0.0.0",
            listen,
            trusted_proxies: Vec::new(),
        });
        Self {
            router: router(Arc::clone(&app)),
            app,
            recorder,
            cookie: format!(
                "admintrail_session={}; admintrail_tz=Europe/Kyiv",
                secret.expose()
            ),
            dir,
        }
    }

    pub(super) fn owner() -> Self {
        Self::new(Role::Owner, &["olena@hosting.example"])
    }

    pub(super) async fn record(&self, drafts: Vec<Draft>) {
        let batch = drafts.into_iter().map(Submission::new).collect();
        self.app.trail.append(batch).await.unwrap();
    }

    /// Moves everything into the archive.
    pub(super) async fn seal(&self) {
        let trail = self.app.trail.clone();
        let sealed = tokio::task::spawn_blocking(move || trail.seal()).await;
        sealed.unwrap().unwrap();
    }

    /// Has everything in the published ledger.
    pub(super) async fn publish(&self) {
        let trail = self.app.trail.clone();
        let published = tokio::task::spawn_blocking(move || trail.publish()).await;
        published.unwrap().unwrap();
    }

    /// The data folder.
    pub(super) fn folder(&self) -> &std::path::Path {
        self.dir.path()
    }

    /// Sends a form.
    pub(super) async fn post(&self, path: &str) -> Answer {
        let request = Request::post(path)
            .header(header::COOKIE, &self.cookie)
            .header(header::HOST, "trail.example")
            .header(header::ORIGIN, "http://trail.example")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.answer(request.body(Body::empty()).unwrap()).await
    }

    pub(super) async fn ask(&self, path: &str, fragment: Option<&str>) -> Answer {
        let mut request = Request::get(path).header(header::COOKIE, &self.cookie);
        if let Some(fragment) = fragment {
            request = request.header(FRAGMENT, fragment);
        }
        self.answer(request.body(Body::empty()).unwrap()).await
    }

    async fn answer(&self, mut request: Request<Body>) -> Answer {
        let addr = SocketAddr::from(([203, 0, 113, 90], 4711));
        request.extensions_mut().insert(Peer { addr, tls: false });
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body: String::from_utf8_lossy(&body).into_owned(),
        }
    }

    /// A page that must be there.
    pub(super) async fn page(&self, path: &str) -> String {
        self.ask(path, None).await.page()
    }
}

/// A request of Olena's, this many seconds ago.
pub(super) fn request(seed: u8, seconds_ago: i64, method: &str, path: &str) -> Draft {
    let time = Micros(now().0 - seconds_ago * Micros::SECOND);
    let panel = "billing".parse().unwrap();
    let mut draft = Draft::request(EventId::new(time, [seed; 10]), time, panel, method, path);
    draft.admin = Some("olena@hosting.example".to_owned());
    draft.admin_name = Some("Olena Kravets".to_owned());
    draft.known_by = KnownBy::Session;
    draft.session = Some(SessionHash([0x77; 16]));
    draft.ip = "198.51.100.7".parse().ok();
    draft.action = format!("Did {path}");
    draft.status = Some(200);
    draft.outcome = Outcome::Success;
    draft.duration_us = Some(9_300);
    draft
}

/// The texts between the tags, blanks made one.
pub(super) fn text(html: &str) -> String {
    let mut out = String::new();
    let mut inside = false;
    for c in html.chars() {
        match c {
            '<' => inside = true,
            '>' => {
                inside = false;
                out.push(' ');
            }
            _ if !inside => out.push(c),
            _ => {}
        }
    }
    out.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What stands between two marks, the first of each.
pub(super) fn between<'a>(html: &'a str, start: &str, end: &str) -> &'a str {
    let (_, rest) = html
        .split_once(start)
        .unwrap_or_else(|| panic!("no {start:?} in {html}"));
    rest.split_once(end).map_or(rest, |(part, _)| part)
}

/// Every value of an attribute.
pub(super) fn attributes<'a>(html: &'a str, name: &str) -> Vec<&'a str> {
    html.split(&format!(" {name}=\""))
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .collect()
}
