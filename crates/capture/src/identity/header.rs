//! The trusted identity header: believed from listed peers, taken away from everyone else.

use std::net::IpAddr;

use admintrail_event::{Limits, clip, encode_bytes};
use http::{HeaderMap, HeaderName};

use crate::TrustedHeader;

/// What a trusted peer says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) admin: String,
    pub(super) admin_name: Option<String>,
}

/// Reads the header if the peer may set it, and removes from the request what the panel must not
/// see: everything of an untrusted peer; of a trusted one the look-alikes (`X_Remote_User` reads
/// the same as `X-Remote-User` behind CGI and WSGI) and a header that came more than once, because
/// nobody knows which of them the panel would believe.
pub(super) fn take(
    rule: &TrustedHeader,
    peer: Option<IpAddr>,
    headers: &mut HeaderMap,
) -> Option<Named> {
    let trusted = peer.is_some_and(|peer| rule.from.iter().any(|net| net.contains(&peer)));
    let admin = take_one(&rule.name, trusted, headers);
    let admin_name = rule
        .display_name
        .as_ref()
        .and_then(|name| take_one(name, trusted, headers));
    Some(Named {
        admin: admin?,
        admin_name,
    })
}

fn take_one(name: &HeaderName, trusted: bool, headers: &mut HeaderMap) -> Option<String> {
    let alike: Vec<HeaderName> = headers
        .keys()
        .filter(|other| is_alike(other.as_str(), name.as_str()))
        .filter(|other| !trusted || *other != name)
        .cloned()
        .collect();
    for other in alike {
        headers.remove(other);
    }
    let mut values = headers.get_all(name).iter();
    let value = values.next()?;
    if values.next().is_some() {
        headers.remove(name);
        return None;
    }
    let text = encode_bytes(value.as_bytes().trim_ascii());
    (!text.is_empty()).then(|| clip(text, Limits::TEXT).0)
}

fn is_alike(other: &str, name: &str) -> bool {
    let plain = |b: u8| {
        if b == b'_' {
            b'-'
        } else {
            b.to_ascii_lowercase()
        }
    };
    other.len() == name.len() && other.bytes().map(plain).eq(name.bytes().map(plain))
}
