//! What one panel's recorder is told by configuration.

use std::sync::Arc;

use admintrail_event::{AttemptedNames, PanelName, Preset, SessionHash};
use hashbrown::HashMap;
use ipnet::IpNet;

use crate::{JwtRule, Named};

/// What happens to requests that cannot be recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnFailure {
    /// Unsafe requests are refused with 503, safe ones pass through a bounded ring and are counted.
    #[default]
    Degrade,
    /// All are refused.
    Closed,
    /// None is refused; what could not be recorded is counted.
    Open,
}

/// An identity header, believed from these peers only and stripped from everyone else.
#[derive(Debug, Clone)]
pub struct TrustedHeader {
    /// Header that carries the admin's id, lower case.
    pub name: http::HeaderName,
    /// Header that carries the name to show.
    pub display_name: Option<http::HeaderName>,
    /// Peers (the socket's address, not a forwarded one) that may set it.
    pub from: Vec<IpNet>,
}

impl TrustedHeader {
    /// The headers that it names.
    pub(crate) fn names(&self) -> impl Iterator<Item = &http::HeaderName> {
        std::iter::once(&self.name).chain(&self.display_name)
    }
}

/// How API tokens come to a panel, and whose configuration says they are. A name counts only where
/// the panel accepts the token, or the basic user.
#[derive(Debug, Clone, Default)]
pub struct TokenRules {
    /// Headers that carry a token, beside `Authorization` and the usual ones.
    pub headers: Vec<http::HeaderName>,
    /// Query parameter that carries one. The preset has to redact it
    /// ([`Preset::with_secret_parameter`]).
    pub parameter: Option<String>,
    /// By fingerprint ([`crate::token_fingerprint`]).
    pub named: HashMap<SessionHash, Named>,
    /// By the SHA-256 of the token.
    pub named_digests: HashMap<[u8; 32], Named>,
    /// By the user of a basic authentication, as events write it.
    pub named_users: HashMap<String, Named>,
}

/// The rules of one panel.
#[derive(Debug, Clone)]
pub struct PanelRules {
    /// Its name.
    pub panel: PanelName,
    /// Routes, sign-in, secrets.
    pub preset: Arc<Preset>,
    /// Proxies whose `X-Forwarded-For` / `Forwarded` is believed. Default none.
    pub trusted_proxies: Vec<IpNet>,
    /// Identity header, if any.
    pub identity_header: Option<TrustedHeader>,
    /// API tokens and basic users.
    pub tokens: TokenRules,
    /// Tokens of an identity provider, if any.
    pub jwt: Option<JwtRule>,
    /// Fail policy.
    pub on_failure: OnFailure,
    /// Which tried names are kept.
    pub attempted_names: AttemptedNames,
}
