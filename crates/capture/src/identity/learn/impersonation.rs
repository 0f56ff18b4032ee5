//! Responses to routes by which an admin begins, or ends, to act as somebody else.
//!
//! Who it is does not change by that: the session goes on as the admin's, and says as whom. Where
//! the panel gives something of its own for it (a cookie of another name, a token), that alone acts
//! as the other one, and the admin's own credentials stay what they are.

use admintrail_event::{Impersonation, Limits, Micros, SessionHash, clip};
use http::StatusCode;

use super::{Change, Exchange, Finding, Fresh, Naming, Peek, bind, cookies};
use crate::identity::resolve::remembers;
use crate::identity::{Credential, Identity, Saved, Source, reply};
use crate::{Binding, Recorder};

/// What the head of a response says of an impersonation.
pub(super) enum Told {
    /// It began or ended.
    Done,
    /// The body has to tell.
    Body(Box<Peek>),
    /// Not carried out, or nobody knows.
    Nothing,
}

/// What the body of an answer in JSON decides.
pub(crate) struct StartPeek {
    other: String,
    /// Cookies that this response set anew.
    fresh: Vec<SessionHash>,
}

/// Lets what the response carried out count from now on.
pub(super) fn on_head(exchange: &Exchange<'_>, finding: &mut Finding) {
    let Some(impersonation) = &exchange.reading.impersonation else {
        return;
    };
    if finding.naming != Naming::Keep || finding.denied || exchange.identity.admin.is_none() {
        return;
    }
    match (impersonation, told(exchange, impersonation)) {
        (_, Told::Nothing) => {}
        (_, Told::Body(peek)) => finding.peek = Some(peek),
        (Impersonation::Start(other), Told::Done) => {
            finding.acting_as = Some(Some(clip(other.clone(), Limits::TEXT).0));
            if exchange.identity.source == Source::Session {
                finding.saved.extend(begin(exchange, other));
            }
        }
        (Impersonation::Stop, Told::Done) => {
            let (recorder, identity) = (exchange.recorder, exchange.identity);
            let fresh = set_anew(exchange);
            let saved = act(recorder, identity, &fresh, None, exchange.now);
            finding.saved.extend(saved);
        }
    }
}

fn told(exchange: &Exchange<'_>, impersonation: &Impersonation) -> Told {
    let moved = exchange.status.is_redirection() && exchange.status != StatusCode::NOT_MODIFIED;
    let (Impersonation::Start(other), false) = (impersonation, moved) else {
        let done = match impersonation {
            // Back where it came from, panels lead whom they refuse as well.
            Impersonation::Start(_) => exchange.location().is_some() && !exchange.leads_back(),
            Impersonation::Stop => moved || exchange.status.is_success(),
        };
        return if done { Told::Done } else { Told::Nothing };
    };
    // A page may be the one before, with a message on it.
    if !exchange.status.is_success() || exchange.is_html() {
        return match exchange.location() {
            // What scripts are told instead of a redirect.
            Some(_) if exchange.status.is_success() && !exchange.leads_back() => Told::Done,
            _ => Told::Nothing,
        };
    }
    if exchange.empty {
        return Told::Done;
    }
    if !exchange.is_json() || exchange.is_encoded() {
        return Told::Nothing;
    }
    let fresh = set_anew(exchange);
    let other = other.clone();
    Told::Body(Box::new(Peek::Start(StartPeek { other, fresh })))
}

/// The session acts as the other one, or only what this response gave for it.
fn begin(exchange: &Exchange<'_>, other: &str) -> Vec<Saved> {
    let own: Vec<Fresh> = exchange
        .fresh_cookies()
        .into_iter()
        .filter(|fresh| {
            let name = fresh.cookie.as_deref().unwrap_or_default();
            let preset = &exchange.recorder.rules().preset;
            let named = preset.is_session_cookie(name) == Some(true);
            let carried = |held: &[u8]| held == name;
            named
                && !exchange
                    .identity
                    .credentials
                    .iter()
                    .any(|it| it.bound.is_some() && it.cookie.as_deref().is_some_and(carried))
        })
        .collect();
    let (recorder, identity) = (exchange.recorder, exchange.identity);
    if own.is_empty() {
        return act(
            recorder,
            identity,
            &set_anew(exchange),
            Some(other),
            exchange.now,
        );
    }
    bind_own(recorder, identity, &own, other, exchange.now)
}

fn bind_own(
    recorder: &Recorder,
    identity: &Identity,
    own: &[Fresh],
    other: &str,
    now: Micros,
) -> Vec<Saved> {
    let (Some(admin), Some(session)) = (&identity.admin, identity.session) else {
        return Vec::new();
    };
    bind(recorder, (admin, Some(other)), session, own, now)
}

/// The hashes of all cookies that the response sets.
fn set_anew(exchange: &Exchange<'_>) -> Vec<SessionHash> {
    let hasher = exchange.recorder.hasher();
    cookies::set(exchange.headers, exchange.now)
        .iter()
        .filter(|cookie| !cookie.removed)
        .map(|cookie| hasher.cookie(cookie.name, cookie.value))
        .collect()
}

/// Says of the request's session as whom it acts; under the cookies that the response has just set
/// as well.
fn act(
    recorder: &Recorder,
    identity: &Identity,
    fresh: &[SessionHash],
    acting_as: Option<&str>,
    now: Micros,
) -> Vec<Saved> {
    let (memory, keeper) = (recorder.memory(), &recorder.trunk().keeper);
    let acting_as = acting_as.map(str::to_owned);
    let bound: Vec<&Binding> = identity
        .credentials
        .iter()
        .filter_map(|credential| credential.bound.as_ref())
        .collect();
    let is_theirs = |session: SessionHash| bound.iter().any(|binding| binding.session == session);
    // What begins sessions begins them as oneself.
    let lasting = |it: &&Credential| !it.cookie.as_deref().is_some_and(remembers);
    let carried = identity.credentials.iter().filter(lasting);
    let carried = carried.map(|it| it.hash);
    let mut saved = Vec::new();
    for hash in carried.chain(fresh.iter().copied()) {
        if let Some(mut pending) = memory.pending(&hash, now)
            && is_theirs(pending.session)
        {
            pending.acting_as.clone_from(&acting_as);
            memory.pend(hash, pending);
        }
        let binding = keeper.lookup(recorder.panel(), &hash, now);
        if let Some(binding) = binding.filter(|it| is_theirs(it.session))
            && binding.acting_as != acting_as
        {
            let acting = Binding {
                acting_as: acting_as.clone(),
                ..binding
            };
            saved.push(keeper.change(recorder.panel(), hash, Change::Bind(acting)));
        }
    }
    saved
}

impl StartPeek {
    /// Looks into the body so far. `None`: more of it is needed.
    pub(super) fn decide(
        &self,
        recorder: &Recorder,
        identity: &Identity,
        body: Option<&[u8]>,
        last: bool,
        now: Micros,
    ) -> Option<Finding> {
        let mut finding = Finding::new(Naming::Keep);
        let Some(body) = body else {
            return Some(finding);
        };
        let Some(reply) = reply::read_so_far(body, last)? else {
            return Some(finding);
        };
        let learned = identity.source == Source::Session;
        match reply {
            reply::Reply::Refused | reply::Reply::SecondFactor => return Some(finding),
            reply::Reply::Neutral if learned => {
                finding.saved = act(recorder, identity, &self.fresh, Some(&self.other), now);
            }
            reply::Reply::Tokens(tokens) if learned => {
                let own = Fresh::tokens(recorder, &tokens);
                finding.saved = bind_own(recorder, identity, &own, &self.other, now);
            }
            reply::Reply::Neutral | reply::Reply::Tokens(_) => {}
        }
        finding.acting_as = Some(Some(self.other.clone()));
        Some(finding)
    }
}
