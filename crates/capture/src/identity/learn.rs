//! What a response tells of who is at the other end (DESIGN.md section 3, "Who is it").
//!
//! Two rules keep this honest. Only a cookie or token that a sign-in's own response set or
//! returned is ever bound. And nobody is named whom the panel did not accept: what is undecided
//! waits for the next protected request, what is refused names nobody.

mod impersonation;
mod ordinary;
mod proof;
mod second_factor;
mod sign_in;

use admintrail_event::{KnownBy, Micros, Preset, Reading, RequestHead, SessionHash, Step};
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, LOCATION};
use http::{HeaderMap, Method, StatusCode};
use tokio::sync::oneshot;

use super::resolve::remembers;
use super::{Change, Identity, Proof, Saved, Source, Undecided, basic, cookies, looks_secret};
use crate::{Binding, Recorder};

use impersonation::StartPeek;
use proof::ProofPeek;
use sign_in::SignInPeek;

/// What a body has to decide.
pub(crate) enum Peek {
    /// Whether a sign-in, or its last step, was a success.
    SignIn(SignInPeek),
    /// Whether an impersonation began.
    Start(StartPeek),
    /// Whether a page shows that an undecided session is alive.
    Proof(ProofPeek),
}

impl Peek {
    /// Whether the start of a long body tells as much as all of it.
    pub(crate) const fn reads_start(&self) -> bool {
        matches!(self, Self::Proof(_))
    }

    /// Looks into the body so far (`None`: it was too long to keep). `None` in return: more of it
    /// is needed.
    pub(crate) fn decide(
        &self,
        recorder: &Recorder,
        identity: &Identity,
        body: Option<&[u8]>,
        last: bool,
        now: Micros,
    ) -> Option<Finding> {
        match self {
            Self::SignIn(peek) => peek.decide(recorder, identity, body, last, now),
            Self::Start(peek) => peek.decide(recorder, identity, body, last, now),
            Self::Proof(peek) => peek.decide(recorder, body, last, now),
        }
    }
}

/// A request and the head of its response.
pub(crate) struct Exchange<'a> {
    pub(crate) recorder: &'a Recorder,
    pub(crate) reading: &'a Reading,
    pub(crate) identity: &'a Identity,
    pub(crate) method: &'a Method,
    /// Path of the request.
    pub(crate) path: &'a str,
    pub(crate) query: Option<&'a str>,
    /// Page that the request came from, if it says so.
    pub(crate) referer: Option<&'a str>,
    /// The request may change something.
    pub(crate) changes: bool,
    pub(crate) status: StatusCode,
    /// Of the response.
    pub(crate) headers: &'a HeaderMap,
    /// The response has no body.
    pub(crate) empty: bool,
    /// The name in the submitted sign-in form.
    pub(crate) typed: Option<String>,
    pub(crate) now: Micros,
}

/// Whom the event names.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Naming {
    /// Whom it seemed to be.
    Keep,
    /// Whom basic authentication claimed, and the panel let in.
    Basic(String),
    /// Whose somebody said the token is, and the panel accepted it.
    Token,
    /// Nobody.
    Nobody,
    /// Somebody the panel has just accepted.
    Admin {
        admin: String,
        known_by: KnownBy,
        session: SessionHash,
        acting_as: Option<String>,
    },
    /// A tried name, which is no identity.
    Attempt(Option<String>),
    /// A token that was refused, by its fingerprint; no identity either.
    RefusedToken(SessionHash),
}

/// What a response told.
pub(crate) struct Finding {
    pub(crate) naming: Naming,
    /// A failed sign-in, whatever the status.
    pub(crate) denied: bool,
    pub(crate) sent_to_sign_in: bool,
    /// The name and password of a basic authentication were not accepted.
    pub(crate) basic_refused: bool,
    /// The route reads like a sign-in or sign-out, but this was none.
    pub(crate) not_the_step: bool,
    /// Whom the event says the admin acts as, if that changes.
    pub(crate) acting_as: Option<Option<String>>,
    /// To be durable before the response goes on.
    pub(crate) saved: Vec<Saved>,
    /// The body has to be looked into.
    pub(crate) peek: Option<Box<Peek>>,
    /// What the next request with the session tells of this sign-in.
    pub(crate) confirmation: Option<Confirmation>,
}

/// The next request with the session tells whether the panel accepted a sign-in.
pub(crate) struct Confirmation {
    pub(crate) told: oneshot::Receiver<bool>,
    pub(crate) admin: String,
    pub(crate) session: SessionHash,
}

impl Confirmation {
    fn of(recorder: &Recorder, admin: &str, session: SessionHash) -> Option<Self> {
        let told = recorder.memory().awaits(session)?;
        let admin = admin.to_owned();
        Some(Self {
            told,
            admin,
            session,
        })
    }
}

impl Finding {
    const fn new(naming: Naming) -> Self {
        Self {
            naming,
            denied: false,
            sent_to_sign_in: false,
            basic_refused: false,
            not_the_step: false,
            acting_as: None,
            saved: Vec::new(),
            peek: None,
            confirmation: None,
        }
    }

    const fn denied(mut self) -> Self {
        self.denied = true;
        self
    }
}

/// Reads the head of a response.
pub(crate) fn on_head(exchange: &Exchange<'_>) -> Finding {
    if exchange.status == StatusCode::UNAUTHORIZED && basic::is_challenge(exchange.headers) {
        exchange.recorder.memory().challenged_basic(exchange.path);
    }
    match exchange.reading.step {
        Step::SignIn => sign_in::on_head(exchange),
        Step::SecondFactor if exchange.changes => second_factor::on_head(exchange),
        Step::SignOut => sign_out(exchange),
        Step::Ordinary | Step::SignInForm | Step::SecondFactor => ordinary::on_head(exchange),
    }
}

/// Sign-out ends the bindings whatever the panel does with the cookie, and never binds.
fn sign_out(exchange: &Exchange<'_>) -> Finding {
    if exchange.recorder.rules().preset.set_proves() && !exchange.fresh_cookies().is_empty() {
        // Asked without what it takes; the panel goes on knowing who it is.
        return Finding {
            not_the_step: true,
            ..ordinary::on_head(exchange)
        };
    }
    let mut finding = Finding::new(Naming::Keep);
    match exchange.identity.source {
        Source::Basic => finding.naming = ordinary::of_basic(exchange, false).naming,
        Source::Token => finding.naming = ordinary::of_token(exchange, false).naming,
        _ => {}
    }
    // A page from the browser's cache was not signed out from.
    let cached = exchange.status == StatusCode::NOT_MODIFIED;
    if exchange.status.is_success() || (exchange.status.is_redirection() && !cached) {
        finding.saved = end_bound(exchange, &[]);
        for credential in &exchange.identity.credentials {
            exchange.recorder.memory().settle(&credential.hash);
        }
    }
    finding
}

/// A credential that a response set or returned.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Fresh {
    hash: SessionHash,
    /// Name of the cookie; `None` for a token.
    cookie: Option<Box<[u8]>>,
    until: Option<Micros>,
}

impl Fresh {
    /// The tokens that a body returned.
    fn tokens(recorder: &Recorder, tokens: &[String]) -> Vec<Self> {
        let fresh = |token: &String| Self {
            hash: recorder.hasher().token(token.as_bytes()),
            cookie: None,
            until: None,
        };
        tokens.iter().map(fresh).collect()
    }
}

impl Exchange<'_> {
    /// Whether the request carries a cookie that begins sessions.
    fn carries_remembering(&self) -> bool {
        let mut held = self.identity.credentials.iter();
        held.any(|credential| credential.cookie.as_deref().is_some_and(remembers))
    }

    /// Where the response leads, if it redirects: a step of signing in, or anywhere else.
    fn redirect(&self) -> Option<Option<Step>> {
        let preset = &self.recorder.rules().preset;
        Some(preset.sign_in_target_from(self.path, self.location()?))
    }

    /// The route that a path stands for when it is looked at.
    fn route_of(&self, path: &str) -> String {
        let head = RequestHead::new("GET", path, None);
        self.recorder.rules().preset.read(&head).route
    }

    /// The route of the redirect's target.
    fn target_route(&self) -> Option<String> {
        let target = Preset::target_path(self.path, self.location()?);
        Some(self.route_of(&target))
    }

    /// Whether the redirect leads back to its own page, or to the one the request came from.
    fn leads_back(&self) -> bool {
        let Some(location) = self.location() else {
            return false;
        };
        let target = Preset::target_path(self.path, location);
        let came_from = self
            .referer
            .map(|referer| Preset::target_path("/", referer));
        let plain = |path: &str| path.trim_end_matches('/').to_owned();
        plain(&target) == plain(self.path)
            || came_from.is_some_and(|from| plain(&from) == plain(&target))
    }

    /// The redirect's target as it was sent.
    fn location(&self) -> Option<&str> {
        const REDIRECTS: [u16; 5] = [301, 302, 303, 307, 308];
        let location = self
            .headers
            .get(LOCATION)
            .or_else(|| self.headers.get("hx-redirect"))?;
        if !REDIRECTS.contains(&self.status.as_u16()) && !self.status.is_success() {
            return None;
        }
        Some(location.to_str().ok()?.trim())
    }

    fn content_is(&self, wanted: &[&str]) -> bool {
        let kind = self
            .headers
            .get(CONTENT_TYPE)
            .and_then(|kind| kind.to_str().ok())
            .unwrap_or("");
        let kind = kind
            .split(';')
            .next()
            .unwrap_or("")
            .trim()
            .to_ascii_lowercase();
        wanted.iter().any(|wanted| kind.ends_with(wanted))
    }

    fn is_html(&self) -> bool {
        self.content_is(&["text/html", "application/xhtml+xml"])
    }

    fn is_json(&self) -> bool {
        self.content_is(&["/json", "+json"])
    }

    fn is_encoded(&self) -> bool {
        self.headers
            .get(CONTENT_ENCODING)
            .is_some_and(|encoding| encoding != "identity")
    }

    /// The cookies of this response that may be a session's: the preset's, else those that look
    /// like a secret, of which `HttpOnly` ones are preferred; and one that
    /// begins sessions later on.
    fn fresh_cookies(&self) -> Vec<Fresh> {
        let preset = &self.recorder.rules().preset;
        let any_may = !preset.set_proves();
        let (mut named, mut hidden, mut open) = (Vec::new(), Vec::new(), Vec::new());
        let mut remembering = Vec::new();
        for cookie in cookies::set(self.headers, self.now) {
            if cookie.removed {
                continue;
            }
            let list = match preset.is_session_cookie(cookie.name) {
                Some(true) => &mut named,
                None if any_may && looks_secret(cookie.value) && remembers(cookie.name) => {
                    &mut remembering
                }
                None if any_may && looks_secret(cookie.value) && cookie.http_only => &mut hidden,
                None if any_may && looks_secret(cookie.value) => &mut open,
                _ => continue,
            };
            list.push(Fresh {
                hash: self.recorder.hasher().cookie(cookie.name, cookie.value),
                cookie: Some(Box::from(cookie.name)),
                until: cookie.until,
            });
        }
        [named, hidden, open]
            .into_iter()
            .find(|list| !list.is_empty())
            .into_iter()
            .flatten()
            .chain(remembering)
            .collect()
    }
}

/// Binds credentials to a name, all as one session.
fn bind(
    recorder: &Recorder,
    (admin, acting_as): (&str, Option<&str>),
    session: SessionHash,
    fresh: &[Fresh],
    now: Micros,
) -> Vec<Saved> {
    fresh
        .iter()
        .map(|fresh| {
            recorder.memory().settle(&fresh.hash);
            recorder.memory().trust(&fresh.hash);
            if let Some(name) = &fresh.cookie {
                recorder.memory().bound_cookie(name);
            }
            let binding = Binding {
                panel: recorder.panel().clone(),
                admin: admin.to_owned(),
                admin_name: None,
                session,
                since: now,
                until: fresh.until,
                acting_as: acting_as.map(str::to_owned),
            };
            recorder
                .trunk()
                .keeper
                .change(recorder.panel(), fresh.hash, Change::Bind(binding))
        })
        .collect()
}

/// Ends what the request's credentials were bound to, except those just bound anew.
fn end_bound(exchange: &Exchange<'_>, except: &[Fresh]) -> Vec<Saved> {
    end_bound_of(exchange.recorder, exchange.identity, except)
}

fn end_bound_of(recorder: &Recorder, identity: &Identity, except: &[Fresh]) -> Vec<Saved> {
    identity
        .credentials
        .iter()
        .filter(|credential| credential.bound.is_some() || credential.doubted)
        .filter(|credential| except.iter().all(|fresh| fresh.hash != credential.hash))
        .map(|credential| {
            recorder.memory().trust(&credential.hash);
            recorder
                .trunk()
                .keeper
                .change(recorder.panel(), credential.hash, Change::End)
        })
        .collect()
}

/// What the request's credentials are bound to names nobody until the panel answers one of them on
/// a page for sessions: it was sent away, which may mean that the session is over, or only that
/// this page wants more rights. One such request must not make an admin unknown for good.
fn doubt_bound(exchange: &Exchange<'_>) -> Vec<Saved> {
    let recorder = exchange.recorder;
    let over = recorder
        .memory()
        .is_for_sessions(exchange.reading.unlearned_route());
    let mut saved = Vec::new();
    for credential in &exchange.identity.credentials {
        let known = credential.bound.is_some() || credential.doubted;
        if known && !recorder.memory().doubt(credential.hash, over) {
            saved.push(recorder.trunk().keeper.change(
                recorder.panel(),
                credential.hash,
                Change::End,
            ));
        }
    }
    saved
}

/// Lets the next protected request decide, and says of which session. A credential that is bound is left out: an accepted
/// request would prove nothing of the new name.
fn pend(
    recorder: &Recorder,
    identity: &Identity,
    (admin, typed_on): (&str, &str),
    fresh: &[Fresh],
    proof: Proof,
    now: Micros,
) -> Option<SessionHash> {
    let first = fresh.first().map(|fresh| fresh.hash);
    let session = first.map(|hash| recorder.session_of(hash, identity.carries(&hash), now))?;
    let mut pended = None;
    for fresh in fresh {
        let bound = identity
            .credentials
            .iter()
            .any(|c| c.hash == fresh.hash && (c.bound.is_some() || c.doubted));
        let proof = match proof {
            Proof::BothFactors if bound => Proof::LastStep,
            proof => proof,
        };
        let half = identity.credentials.iter().any(|c| {
            let pending = c.pending.as_ref().filter(|_| c.hash == fresh.hash);
            pending.is_some_and(|other| other.admin != admin && other.proof == Proof::BothFactors)
        });
        if half && proof == Proof::Protected {
            // Somebody else is half way in with it, and whose second factor comes next nobody knows.
            recorder.memory().settle(&fresh.hash);
        } else if !bound || proof == Proof::LastStep {
            if let Some(name) = &fresh.cookie {
                recorder.memory().bound_cookie(name);
            }
            let undecided = Undecided {
                admin: admin.to_owned(),
                session,
                until: fresh.until,
                since: now,
                proof,
                typed_on: Some(Box::from(typed_on)),
                acting_as: None,
            };
            recorder.memory().pend(fresh.hash, undecided);
            pended = Some(session);
        }
    }
    pended
}
