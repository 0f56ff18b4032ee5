//! Asking the resolvers in their order, before the request is forwarded.

use std::net::IpAddr;

use admintrail_event::{KnownBy, Micros, SessionHash};
use http::HeaderMap;
use http::request::Parts;

use super::claims::{Claims, Token};
use super::header::Said;
use super::{Undecided, cookies, credential, header, jwt};
use crate::{Binding, Named, Recorder};

/// Headers in which panels carry a token of their own.
pub(super) const TOKEN_HEADERS: &[&str] = &[
    "x-auth-token",
    "x-access-token",
    "x-session-token",
    "x-token",
    "x-api-key",
    "token",
];

/// Cookies of unknown names that are hashed for one request. Those that the preset names always
/// are, so nobody can push an own session out of sight with others.
const MAX_UNKNOWN: usize = 512;

/// What a request may prove itself with, and whom it is known to belong to.
#[derive(Debug)]
pub(crate) struct Credential {
    pub(crate) hash: SessionHash,
    /// The cookie's name; `None` for a token.
    pub(crate) cookie: Option<Box<[u8]>>,
    pub(crate) bound: Option<Binding>,
    pub(crate) pending: Option<Undecided>,
    /// It is bound, but the panel sent it away: `pending` holds to whom.
    pub(crate) doubted: bool,
}

impl Credential {
    /// Whose it is, or will be if the panel agrees.
    pub(crate) fn holder(&self) -> Option<&str> {
        let bound = self.bound.as_ref().map(|bound| bound.admin.as_str());
        let pending = || self.pending.as_ref().map(|pending| pending.admin.as_str());
        bound.or_else(pending)
    }
}

/// What names the admin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    Nothing,
    Header,
    /// What an identity provider signed.
    Jwt,
    /// An API token that somebody named: a claim, until the panel accepts it.
    Token,
    /// A claim, until the panel lets it in: `claimed` holds whose.
    Basic,
    /// A binding; proven only if the panel does not send the visitor away.
    Session,
    /// Nobody: the request carries proofs of several, and which of them the panel believes is not
    /// known here; or one that the panel believes, of a name that cannot be kept.
    Contested,
}

/// Who seems to make a request, before the panel has answered.
#[derive(Debug)]
pub(crate) struct Identity {
    pub(crate) source: Source,
    pub(crate) admin: Option<String>,
    pub(crate) admin_name: Option<String>,
    pub(crate) session: Option<SessionHash>,
    /// Whom the admin acts as.
    pub(crate) acting_as: Option<String>,
    pub(crate) credentials: Vec<Credential>,
    /// The user of an `Authorization: Basic`, which anybody may write.
    pub(crate) claimed: Option<String>,
    /// Keyed hash of that name and its password.
    pub(crate) claimed_by: Option<SessionHash>,
    /// Whose somebody said the token or the user is that the claim is made with.
    pub(crate) named: Option<Named>,
    /// A token that nobody knows.
    pub(crate) unknown_token: Option<SessionHash>,
    /// Whether the request carried nothing that might be a credential.
    pub(crate) anonymous: bool,
}

impl Identity {
    /// Whether the request came with this credential.
    pub(crate) fn carries(&self, credential: &SessionHash) -> bool {
        self.credentials.iter().any(|it| it.hash == *credential)
    }

    /// Whether one of the credentials belongs to somebody.
    pub(crate) fn is_bound(&self) -> bool {
        self.credentials
            .iter()
            .any(|credential| credential.bound.is_some() || credential.doubted)
    }

    /// Whether one of them is bound, but was sent away.
    pub(crate) fn is_doubted(&self) -> bool {
        self.credentials.iter().any(|credential| credential.doubted)
    }

    /// Whether the answer may decide about one of them.
    pub(crate) fn is_undecided(&self) -> bool {
        self.credentials.iter().any(|it| it.pending.is_some())
    }

    /// How the admin is known, if the panel agrees.
    pub(crate) const fn known_by(&self) -> KnownBy {
        match self.source {
            // A claim names nobody yet.
            Source::Nothing | Source::Token | Source::Basic | Source::Contested => KnownBy::None,
            Source::Header => KnownBy::Header,
            Source::Jwt => KnownBy::Jwt,
            Source::Session => KnownBy::Session,
        }
    }

    /// Asks the resolvers; takes identity headers of untrusted peers out of the request.
    pub(crate) fn of(
        recorder: &Recorder,
        parts: &mut Parts,
        peer: Option<IpAddr>,
        now: Micros,
    ) -> Self {
        let rule = recorder.rules().identity_header.as_ref();
        let said = rule.map(|rule| header::take(rule, peer, &mut parts.headers));
        let claims = Claims::of(recorder, parts);
        let (path, headers) = (parts.uri.path(), &parts.headers);
        let (credentials, anonymous) = credentials(recorder, headers, &claims.tokens, now);
        let session = session_of(recorder, &credentials);
        let claim = claims.judge(recorder, &credentials, path, now);
        let mut identity = Self {
            source: Source::Nothing,
            admin: None,
            admin_name: None,
            session: session.hash,
            named: None,
            unknown_token: claims.unknown_token(&credentials),
            acting_as: None,
            credentials,
            anonymous: anonymous && claims.is_none(),
            claimed: claims.user,
            claimed_by: claims.proof,
        };
        match said {
            None | Some(Said::Nothing) => {}
            Some(Said::Unclear) => {
                identity.source = Source::Contested;
                identity.anonymous = false;
                return identity;
            }
            Some(Said::Name { admin, admin_name }) => {
                identity.source = Source::Header;
                identity.admin = Some(admin);
                identity.admin_name = admin_name;
                identity.anonymous = false;
                return identity;
            }
        }
        let carried = jwt::bearer(recorder, headers, now);
        if let Some((token, None)) = carried {
            // One in a header or cookie of its own is an attempt too, if it is refused.
            identity.unknown_token = identity.unknown_token.or(Some(token));
        }
        if let Some((token, Some(bearer))) = carried {
            identity.source = Source::Jwt;
            identity.session = Some(bearer.session.as_ref().map_or(token, |session| {
                recorder.hasher().provider_session(session.as_bytes())
            }));
            identity.admin = Some(bearer.admin);
            identity.admin_name = bearer.admin_name;
            identity.anonymous = false;
            return identity;
        }
        if let Some(claim) = claim {
            identity.source = claim.source;
            identity.named = claim.named;
            identity.session = claim.fingerprint.or(identity.session);
            return identity;
        }
        if let Some(admin) = session.admin {
            identity.source = Source::Session;
            identity.admin = Some(admin);
            identity.admin_name = session.admin_name;
            identity.acting_as = session.acting_as;
        }
        identity
    }
}

/// Every cookie and token that may be a session's, looked up.
fn credentials(
    recorder: &Recorder,
    headers: &HeaderMap,
    tokens: &[Token],
    now: Micros,
) -> (Vec<Credential>, bool) {
    let (preset, memory) = (&recorder.rules().preset, recorder.memory());
    let keeper = &recorder.trunk().keeper;
    let look_up = |hash: SessionHash, cookie: Option<&[u8]>| {
        let mut bound = keeper.lookup(recorder.panel(), &hash, now);
        let mut pending = memory.pending(&hash, now);
        let mut doubted = false;
        if let Some(proof) = memory.doubts(&hash)
            && let Some(binding) = bound.take()
        {
            doubted = true;
            pending = Some(Undecided {
                admin: binding.admin,
                session: binding.session,
                until: binding.until,
                since: now,
                proof,
                typed_on: None,
                acting_as: binding.acting_as,
            });
        }
        Credential {
            hash,
            cookie: cookie.map(Box::from),
            bound,
            pending,
            doubted,
        }
    };
    let mut found = Vec::new();
    let (mut anonymous, mut unknown) = (true, 0);
    for token in tokens {
        anonymous = false;
        found.push(look_up(token.fingerprint, None));
    }
    for (name, value) in cookies::sent(headers) {
        let rule = preset.is_session_cookie(name);
        let may_be = match rule {
            Some(named) => named,
            None => unknown < MAX_UNKNOWN && credential::looks_secret(value),
        };
        if !may_be {
            continue;
        }
        unknown += usize::from(rule.is_none());
        anonymous = false;
        let credential = look_up(recorder.hasher().cookie(name, value), Some(name));
        let known = credential.bound.is_some()
            || credential.pending.is_some()
            || recorder.is_ended(&credential.hash);
        if known || rule == Some(true) || memory.binds_cookie(name) || remembers(name) {
            found.push(credential);
        }
    }
    (found, anonymous)
}

/// Whether a session's own cookie, of which nobody is known, stands beside those that are bound and
/// only begin sessions: a panel goes by the session first, whosever it is.
pub(super) fn is_overruled(credentials: &[Credential]) -> bool {
    let begins = |credential: &Credential| credential.cookie.as_deref().is_some_and(remembers);
    let known = |it: &Credential| it.bound.is_some() || it.pending.is_some();
    credentials.iter().filter(|it| known(it)).all(begins)
        && credentials
            .iter()
            .any(|it| !known(it) && it.cookie.is_some() && !begins(it))
}

/// Whether the request carries, beside an admin's session, a cookie that nobody else is known for
/// and that may begin sessions: that of somebody else who was to be remembered. A session that dies is then
/// followed by one of theirs, and on some panels under the same value.
pub(super) fn is_beside_a_strange_one(
    recorder: &Recorder,
    credentials: &[Credential],
    admin: &str,
) -> bool {
    let preset = &recorder.rules().preset;
    credentials.iter().any(|credential| {
        let strange = |name: &[u8]| {
            !preset.set_proves() && remembers(name) && preset.is_session_cookie(name).is_none()
        };
        credential.holder() != Some(admin) && credential.cookie.as_deref().is_some_and(strange)
    })
}

/// Whether a cookie of this name begins sessions for somebody who is to be remembered.
pub(super) fn remembers(name: &[u8]) -> bool {
    name.windows(8)
        .any(|part| part.eq_ignore_ascii_case(b"remember"))
}

#[derive(Default)]
struct Session {
    hash: Option<SessionHash>,
    admin: Option<String>,
    admin_name: Option<String>,
    acting_as: Option<String>,
}

/// The session of a request. Credentials of different admins in one request name nobody: which of
/// them the panel believes is not known here. The first one's session stays as a trace.
fn session_of(recorder: &Recorder, credentials: &[Credential]) -> Session {
    let mut bound = credentials.iter().filter_map(|c| c.bound.as_ref());
    if let Some(first) = bound.next() {
        // What only begins sessions does not tell as whom this one goes on.
        let mut acting = credentials
            .iter()
            .filter(|c| !c.cookie.as_deref().is_some_and(remembers))
            .filter_map(|c| Some(&c.bound.as_ref()?.acting_as));
        let acting_as = acting.next().cloned().flatten();
        let agree = acting.all(|other| *other == acting_as);
        let doubted = |c: &Credential| {
            let pending = c.pending.as_ref().filter(|_| c.doubted);
            pending.is_some_and(|pending| pending.admin != first.admin)
        };
        let contested = bound.any(|other| other.admin != first.admin);
        let overruled = is_overruled(credentials)
            || is_beside_a_strange_one(recorder, credentials, &first.admin);
        if overruled || contested || credentials.iter().any(doubted) {
            return Session {
                hash: Some(first.session),
                ..Session::default()
            };
        }
        return Session {
            hash: Some(first.session),
            admin: Some(first.admin.clone()),
            admin_name: first.admin_name.clone(),
            // As whom, if one of them acts as somebody and the other does not, is not known here.
            acting_as: acting_as.filter(|_| agree),
        };
    }
    let unbound = credentials.iter().find(|c| match &c.cookie {
        None => true,
        Some(name) => {
            recorder.rules().preset.is_session_cookie(name) == Some(true)
                || recorder.memory().binds_cookie(name)
        }
    });
    Session {
        hash: unbound.map(|c| c.pending.as_ref().map_or(c.hash, |p| p.session)),
        ..Session::default()
    }
}
