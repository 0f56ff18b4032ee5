//! What one panel's recorder is told by configuration.

use std::sync::Arc;

use admintrail_event::{AttemptedNames, PanelName, Preset};
use ipnet::IpNet;

use crate::JwtRule;

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
    /// Tokens of an identity provider, if any.
    pub jwt: Option<JwtRule>,
    /// Fail policy.
    pub on_failure: OnFailure,
    /// Which tried names are kept.
    pub attempted_names: AttemptedNames,
}
