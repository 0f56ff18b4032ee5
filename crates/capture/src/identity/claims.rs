//! What a request claims beside its cookies: API tokens and the user of a basic authentication.
//!
//! Anybody may write either, so a claim names nobody before the panel has accepted it, and nobody
//! at all while another proof in the same request may be the one that the panel believed.

use admintrail_event::{Micros, RequestHead, SessionHash};
use http::header::AUTHORIZATION;
use http::request::Parts;
use http::{HeaderMap, HeaderName};
use percent_encoding::percent_decode_str;

use super::resolve::{Credential, TOKEN_HEADERS};
use super::{Source, basic};
use crate::{Named, Recorder};

/// Tokens of one request that are looked at. Nobody sends more.
const MAX_TOKENS: usize = 8;

/// What scripts send when they have none.
const NO_TOKENS: [&[u8]; 6] = [b"", b"null", b"undefined", b"false", b"bearer", b"token"];

/// Schemes whose credentials are no tokens.
const NOT_TOKENS: [&[u8]; 4] = [b"basic", b"digest", b"negotiate", b"ntlm"];

/// A token of a request.
#[derive(Debug)]
pub(super) struct Token {
    pub(super) fingerprint: SessionHash,
    /// Whose somebody said it is.
    named: Option<Named>,
}

/// What a request claims.
#[derive(Debug, Default)]
pub(super) struct Claims {
    pub(super) tokens: Vec<Token>,
    /// The user of a basic authentication.
    pub(super) user: Option<String>,
    /// Keyed hash of the name and password that it came with.
    pub(super) proof: Option<SessionHash>,
    /// Which of several the panel reads is not known: two `Authorization`, or too many tokens.
    ambiguous: bool,
}

/// Whom the claims speak for, if the panel accepts them.
#[derive(Debug)]
pub(super) struct Claim {
    pub(super) source: Source,
    pub(super) named: Option<Named>,
    /// The token's.
    pub(super) fingerprint: Option<SessionHash>,
}

impl Claims {
    /// Reads them; the tokens themselves are not kept.
    pub(super) fn of(recorder: &Recorder, parts: &Parts) -> Self {
        let (headers, query) = (&parts.headers, parts.uri.query());
        let mut claims = Self {
            ambiguous: headers.get_all(AUTHORIZATION).iter().nth(1).is_some(),
            ..Self::default()
        };
        if let Some((scheme, rest)) = basic::authorization(headers) {
            let is = |other: &&[u8]| scheme.eq_ignore_ascii_case(other);
            if !NOT_TOKENS.iter().any(is) {
                claims.add(recorder, rest);
            }
        }
        let rules = &recorder.rules().tokens;
        let named = rules.headers.iter().flat_map(|name| headers.get_all(name));
        let usual = TOKEN_HEADERS.iter().flat_map(|name| headers.get_all(*name));
        for value in usual.chain(named) {
            claims.add(recorder, value.as_bytes().trim_ascii());
        }
        if let (Some(parameter), Some(query)) = (&rules.parameter, query) {
            for pair in query.split('&') {
                let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                let decoded = |text: &str| -> Vec<u8> {
                    percent_decode_str(&text.replace('+', " ")).collect()
                };
                if decoded(name) == parameter.as_bytes() {
                    claims.add(recorder, &decoded(value));
                }
            }
        }
        claims.add_basic(recorder, parts);
        claims
    }

    /// Takes over what is claimed by basic authentication, in the header or where the panel reads
    /// it in the query.
    fn add_basic(&mut self, recorder: &Recorder, parts: &Parts) {
        let hasher = recorder.hasher();
        let (uri, method) = (&parts.uri, parts.method.as_str());
        let head = RequestHead::new(method, uri.path(), uri.query());
        let sent = basic::claim(hasher, &parts.headers);
        let asked = recorder.rules().preset.basic_in_query(&head);
        let asked = asked.and_then(|base64| basic::claim_of(hasher, base64.as_bytes()));
        if sent.is_some() && asked.is_some() && sent != asked {
            self.ambiguous = true;
        }
        if let Some(claim) = sent.or(asked) {
            self.user = Some(claim.user);
            self.proof = Some(claim.proof);
        }
    }

    fn add(&mut self, recorder: &Recorder, token: &[u8]) {
        if NO_TOKENS.iter().any(|no| token.eq_ignore_ascii_case(no)) {
            return;
        }
        if self.tokens.len() >= MAX_TOKENS {
            self.ambiguous = true;
            return;
        }
        let fingerprint = recorder.hasher().token(token);
        if self.tokens.iter().any(|one| one.fingerprint == fingerprint) {
            return;
        }
        self.tokens.push(Token {
            fingerprint,
            named: recorder.named_token(&fingerprint, token),
        });
    }

    /// Whether the request carries any.
    pub(super) const fn is_none(&self) -> bool {
        self.tokens.is_empty() && self.user.is_none() && !self.ambiguous
    }

    /// The first token that nobody knows: neither named by somebody nor bound at a sign-in.
    pub(super) fn unknown_token(&self, credentials: &[Credential]) -> Option<SessionHash> {
        let known = |token: &&Token| {
            token.named.is_some()
                || credentials.iter().any(|credential| {
                    credential.hash == token.fingerprint
                        && (credential.bound.is_some() || credential.pending.is_some())
                })
        };
        let unknown = self.tokens.iter().find(|token| !known(token));
        unknown.map(|token| token.fingerprint)
    }

    /// Whom they speak for on this path. `None`: for nobody, so that a session may.
    pub(super) fn judge(
        &self,
        recorder: &Recorder,
        credentials: &[Credential],
        path: &str,
        now: Micros,
    ) -> Option<Claim> {
        const CONTESTED: Claim = Claim {
            source: Source::Contested,
            named: None,
            fingerprint: None,
        };
        if self.ambiguous {
            return Some(CONTESTED);
        }
        let memory = recorder.memory();
        // Only where the panel asks for basic authentication does it say anything.
        let asked = |_: &&str| match recorder.rules().preset.checks_basic(path) {
            Some(true) => true,
            // Nor there, but who was let in elsewhere a moment ago is the same here.
            Some(false) => self.proof.is_some_and(|it| memory.was_let_in(&it, now)),
            None => memory.asks_for_basic(path),
        };
        let user = self.user.as_deref().filter(asked);
        let named_user = user.and_then(|user| recorder.named_user(user));
        let user_is = |admin: &str| {
            user.is_none_or(|user| named_user.as_ref().map_or(user, |named| &named.admin) == admin)
        };
        let mut named = self.tokens.iter().filter(|token| token.named.is_some());
        if let Some(first) = named.next() {
            let admin = first
                .named
                .as_ref()
                .map_or("", |named| named.admin.as_str());
            let alone = self
                .tokens
                .iter()
                .all(|other| other.named.as_ref().is_some_and(|it| it.admin == admin));
            if !alone || !user_is(admin) || contradicted(admin, credentials) {
                return Some(CONTESTED);
            }
            return Some(Claim {
                source: Source::Token,
                named: first.named.clone(),
                fingerprint: Some(first.fingerprint),
            });
        }
        let user = user?;
        let admin = named_user.as_ref().map_or(user, |named| &named.admin);
        if self.unknown_token(credentials).is_some() || contradicted(admin, credentials) {
            return Some(CONTESTED);
        }
        Some(Claim {
            source: Source::Basic,
            named: named_user,
            fingerprint: None,
        })
    }
}

/// Takes every header that carries this token out of the request.
pub(super) fn strip(recorder: &Recorder, headers: &mut HeaderMap, token: &SessionHash) {
    let is = |value: &[u8]| recorder.hasher().token(value) == *token;
    if basic::authorization(headers).is_some_and(|(_, rest)| is(rest)) {
        headers.remove(AUTHORIZATION);
    }
    let usual = TOKEN_HEADERS
        .iter()
        .map(|name| HeaderName::from_static(name));
    for name in usual.chain(recorder.rules().tokens.headers.iter().cloned()) {
        let values = headers.get_all(&name);
        if values.iter().any(|value| is(value.as_bytes().trim_ascii())) {
            headers.remove(name);
        }
    }
}

/// Whether a session of somebody else may be what the panel believed.
fn contradicted(admin: &str, credentials: &[Credential]) -> bool {
    let mut holders = credentials.iter().filter_map(Credential::holder);
    holders.any(|other| other != admin)
}
