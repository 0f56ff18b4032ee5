//! The head of a request as the event's first half.

use std::sync::Arc;

use admintrail_event::{Draft, KnownBy, Limits, Reading, RequestHead, Step, clip, encode_bytes};
use http::header::{
    ACCEPT, AUTHORIZATION, CONNECTION, CONTENT_TYPE, HOST, REFERER, UPGRADE, USER_AGENT,
};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};

use super::declared::Peer;
use super::open::{Ended, Open};
use super::{hop, refusal};
use crate::client::Client;
use crate::identity::Identity;
use crate::{Recorder, ids};

/// Credentials of ended sessions that hide behind each other in one request, at most.
const MAX_STRIPPED: usize = 6;

/// Reads everything that is known before the request is forwarded, and takes from it what the
/// panel must not see.
pub(super) fn read(recorder: &Recorder, parts: &mut Parts) -> Box<Open> {
    let time = recorder.trunk().now();
    let rules = recorder.rules();
    hop::strip_named(&mut parts.headers);
    let peer = parts.extensions.get::<Peer>().copied();
    let client = peer.map(|peer| Client::of(peer, &parts.headers, &rules.trusted_proxies));
    let socket = peer.map(|peer| peer.addr.ip().to_canonical());
    let mut identity = Identity::of(recorder, parts, socket, time);

    let headers = &parts.headers;
    let mut head = RequestHead {
        method: parts.method.as_str(),
        path: path_of(&parts.method, &parts.uri),
        query: parts.uri.query(),
        accept: text(headers, &ACCEPT),
        requested_with: text(headers, &HeaderName::from_static("x-requested-with")),
        bearer: is_bearer(headers),
        fetch_dest: text(headers, &HeaderName::from_static("sec-fetch-dest")),
    };
    // The event keeps the method as sent; what was done goes by the one the panel acts upon.
    let asked = text(headers, &HeaderName::from_static("x-http-method-override"));
    head.method = rules.preset.method_of(&head, asked);
    let read = recorder
        .readings()
        .of(&rules.preset, &head, &recorder.memory().learned());
    let reading = &read.reading;
    let agent = headers
        .get(USER_AGENT)
        .map(|agent| encode_bytes(agent.as_bytes()));
    let (user_agent, agent_bytes) = match agent.map(|agent| clip(agent, Limits::AGENT)) {
        Some((agent, cut)) => (Some(agent), cut),
        None => (None, None),
    };
    let mut ended = None;
    if identity.is_ended(recorder) {
        let secure = client.as_ref().is_some_and(|client| client.https);
        let clears = identity.ended_cookies(recorder);
        let signs_in = matches!(reading.step, Step::SignIn | Step::SignInForm)
            || (!is_safe(&parts.method) && rules.preset.needs_form(&head));
        if signs_in {
            // What was behind one of them may be ended too: a token in another header.
            for _ in 0..=MAX_STRIPPED {
                identity.strip_ended(recorder, &mut parts.headers);
                identity = Identity::of(recorder, parts, socket, time);
                if !identity.is_ended(recorder) {
                    break;
                }
            }
        }
        ended = Some(Ended {
            refused: identity.is_ended(recorder),
            page: refusal::wants_page(&parts.headers),
            clears,
            secure,
        });
    }
    // Whoever submits credentials is nobody yet, whatever cookie is still there; and of an ended
    // session the panel is not asked who it is.
    let refused = ended.as_ref().is_some_and(|ended| ended.refused);
    let named = reading.step != Step::SignIn && identity.admin.is_some() && !refused;
    let draft = Draft {
        admin: identity.admin.clone().filter(|_| named),
        admin_name: identity.admin_name.clone().filter(|_| named),
        acting_as: identity.acting_as.clone().filter(|_| named),
        known_by: if named {
            identity.known_by()
        } else {
            KnownBy::None
        },
        ip: client.as_ref().map(|client| client.ip.into()),
        user_agent,
        session: identity.session,
        request_type: reading.request_type,
        scheme: scheme(client.as_ref(), parts),
        host: host(parts),
        query: read.query.0.clone(),
        action: read.unfinished.clone(),
        route: Some(reading.route.clone()),
        object: reading.object.clone(),
        asset: reading.asset,
        polling: reading.polling,
        path_bytes: read.path.1,
        query_bytes: read.query.1,
        agent_bytes,
        recorder: recorder.trunk().name.clone(),
        recorder_epoch: recorder.trunk().epoch,
        ..Draft::request(
            ids::new_id(time),
            time,
            rules.panel.clone(),
            &clip(parts.method.as_str().to_owned(), Limits::METHOD).0,
            &read.path.0,
        )
    };
    let mut open = Open::new(recorder.clone(), draft, Arc::clone(reading), identity);
    open.ended = ended;
    open
}

/// The path as events have it: CONNECT asks for a host and has none, `*` belongs to OPTIONS.
fn path_of<'a>(method: &Method, uri: &'a Uri) -> &'a str {
    match uri.path() {
        "" => "/",
        "*" if method != Method::OPTIONS => "/*",
        path => path,
    }
}

/// Whether a request leaves the panel as it is (RFC 9110 section 9.2.1).
pub(super) fn is_safe(method: &Method) -> bool {
    matches!(
        *method,
        Method::GET | Method::HEAD | Method::OPTIONS | Method::TRACE
    )
}

/// Whether the client asks to leave HTTP: what follows may do anything.
pub(super) fn is_upgrade(parts: &Parts) -> bool {
    parts.method == Method::CONNECT
        || (parts.headers.contains_key(UPGRADE)
            && parts.headers.get_all(CONNECTION).iter().any(|value| {
                value
                    .as_bytes()
                    .split(|b| *b == b',')
                    .any(|option| option.trim_ascii().eq_ignore_ascii_case(b"upgrade"))
            }))
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn is_bearer(headers: &HeaderMap) -> bool {
    headers.get(AUTHORIZATION).is_some_and(|value| {
        let scheme = value
            .as_bytes()
            .split(|b| *b == b' ')
            .next()
            .unwrap_or_default();
        scheme.eq_ignore_ascii_case(b"bearer") || scheme.eq_ignore_ascii_case(b"token")
    })
}

/// HTTP/1 names the host in `Host`, HTTP/2 in `:authority`.
fn host(parts: &Parts) -> Option<String> {
    let named = match parts.headers.get(HOST) {
        Some(host) => encode_bytes(host.as_bytes()),
        None => parts.uri.authority()?.as_str().to_owned(),
    };
    Some(safe(named, Limits::TEXT).0)
}

fn scheme(client: Option<&Client>, parts: &Parts) -> Option<String> {
    match client {
        Some(client) if client.https => Some("https".to_owned()),
        Some(_) => Some("http".to_owned()),
        None => parts.uri.scheme_str().map(str::to_owned),
    }
}

/// Encoded and cut; plain short text, which is nearly all of it, passes untouched.
pub(super) fn safe(text: String, max: usize) -> (String, Option<u32>) {
    let plain = text.bytes().all(|b| matches!(b, b' '..=b'~'));
    let text = if plain {
        text
    } else {
        encode_bytes(text.as_bytes())
    };
    if text.len() <= max {
        (text, None)
    } else {
        clip(text, max)
    }
}

pub(super) fn safe_option(text: Option<String>, max: usize) -> (Option<String>, Option<u32>) {
    match text.map(|text| safe(text, max)) {
        Some((text, cut)) => (Some(text), cut),
        None => (None, None),
    }
}

/// What is remembered of a request after it was forwarded.
pub(super) struct Sent {
    pub(super) method: Method,
    pub(super) uri: Uri,
    /// `Content-Type`, of forms that are read.
    pub(super) content_type: Option<HeaderValue>,
    /// Page that the form was sent from.
    pub(super) referer: Option<String>,
    /// Only the form can tell the step.
    pub(super) needs_form: bool,
}

impl Sent {
    pub(super) fn of(recorder: &Recorder, reading: &Reading, parts: &Parts) -> Self {
        let mut sent = Self {
            method: parts.method.clone(),
            uri: parts.uri.clone(),
            content_type: None,
            referer: None,
            needs_form: false,
        };
        if !is_safe(&parts.method) {
            sent.needs_form = recorder.rules().preset.needs_form(&sent.head());
            sent.content_type = parts.headers.get(CONTENT_TYPE).cloned();
        }
        if !is_safe(&parts.method) || reading.impersonation.is_some() {
            sent.referer = text(&parts.headers, &REFERER).map(str::to_owned);
        }
        sent
    }

    pub(super) fn head(&self) -> RequestHead<'_> {
        RequestHead {
            method: self.method.as_str(),
            path: self.uri.path(),
            query: self.uri.query(),
            accept: None,
            requested_with: None,
            bearer: false,
            fetch_dest: None,
        }
    }
}
