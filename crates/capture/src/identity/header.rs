//! The trusted identity header: believed from listed peers, taken away from everyone else.

use std::net::IpAddr;

use admintrail_event::{Limits, clip, encode_bytes, encode_text};
use http::{HeaderMap, HeaderName};

use crate::TrustedHeader;

/// What a trusted peer says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// Nothing that the panel gets to see.
    Nothing,
    /// A name that cannot be kept as it came: too long, not UTF-8, or with what could not be shown.
    /// The panel believes it all the same, so nobody else's proof counts beside it, and cut or
    /// encoded it might be somebody else's name.
    Unclear,
    Name {
        admin: String,
        admin_name: Option<String>,
    },
}

/// Reads the header if the peer may set it, and removes from the request what the panel must not
/// see: everything of an untrusted peer; of a trusted one the look-alikes (`X_Remote_User` reads
/// the same as `X-Remote-User` behind CGI and WSGI) and a header that came more than once, because
/// nobody knows which of them the panel would believe.
pub(super) fn take(rule: &TrustedHeader, peer: Option<IpAddr>, headers: &mut HeaderMap) -> Said {
    let trusted = peer.is_some_and(|peer| rule.from.iter().any(|net| net.contains(&peer)));
    for name in rule.names() {
        strip(name, trusted, headers);
    }
    let said = |name: &HeaderName| headers.get(name).map(|value| value.as_bytes().trim_ascii());
    let admin = match said(&rule.name) {
        None | Some(b"") => return Said::Nothing,
        Some(admin) => admin,
    };
    let as_it_came = std::str::from_utf8(admin)
        .ok()
        .filter(|admin| admin.len() <= Limits::TEXT && encode_text(admin) == *admin);
    let Some(admin) = as_it_came else {
        return Said::Unclear;
    };
    let admin_name = rule.display_name.as_ref().and_then(said);
    Said::Name {
        admin: admin.to_owned(),
        admin_name: admin_name
            .filter(|name| !name.is_empty())
            .map(|name| clip(encode_bytes(name), Limits::TEXT).0),
    }
}

/// Whether a header or trailer reads like one of those that the rule names.
pub(crate) fn is_named(rule: &TrustedHeader, other: &str) -> bool {
    rule.names().any(|name| is_alike(other, name.as_str()))
}

fn strip(name: &HeaderName, trusted: bool, headers: &mut HeaderMap) {
    let more_than_once = headers.get_all(name).iter().nth(1).is_some();
    let alike: Vec<HeaderName> = headers
        .keys()
        .filter(|other| is_alike(other.as_str(), name.as_str()))
        .filter(|other| !trusted || more_than_once || *other != name)
        .cloned()
        .collect();
    for other in alike {
        headers.remove(other);
    }
}

/// Whether two names are one behind CGI and WSGI.
pub(crate) fn is_alike(other: &str, name: &str) -> bool {
    let plain = |b: u8| {
        if b == b'_' {
            b'-'
        } else {
            b.to_ascii_lowercase()
        }
    };
    other.len() == name.len() && other.bytes().map(plain).eq(name.bytes().map(plain))
}
