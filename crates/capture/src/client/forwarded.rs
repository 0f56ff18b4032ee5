//! The hops that `X-Forwarded-For` and `Forwarded` (RFC 7239) name, nearest first.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use http::HeaderMap;
use http::header::FORWARDED;

/// One hop as a header names it; `None` where it is no address (`unknown`, `_hidden`, garbage).
pub type Hop = Option<IpAddr>;

/// The hops, the one nearest to us first. `Forwarded` is read only where there is no
/// `X-Forwarded-For`: a proxy that writes one of them usually passes the other as the client
/// sent it, and the one that proxies write is nearly always the latter.
#[must_use]
pub fn hops(headers: &HeaderMap) -> Vec<Hop> {
    let mut hops: Vec<Hop> = if headers.contains_key("x-forwarded-for") {
        headers
            .get_all("x-forwarded-for")
            .iter()
            .flat_map(|value| value.as_bytes().split(|b| *b == b','))
            .map(address)
            .collect()
    } else {
        headers
            .get_all(FORWARDED)
            .iter()
            .flat_map(|value| split_quoted(value.as_bytes(), b','))
            .map(forwarded_for)
            .collect()
    };
    hops.reverse();
    hops
}

/// The `for` of one element of `Forwarded`.
fn forwarded_for(element: &[u8]) -> Hop {
    let value = split_quoted(element, b';').into_iter().find_map(|pair| {
        let place = pair.iter().position(|b| *b == b'=')?;
        let (key, value) = (pair.get(..place)?, pair.get(place + 1..)?);
        key.trim_ascii()
            .eq_ignore_ascii_case(b"for")
            .then_some(value)
    })?;
    let value = value.trim_ascii();
    let bare = value
        .strip_prefix(b"\"")
        .and_then(|v| v.strip_suffix(b"\""))
        .unwrap_or(value);
    // Addresses need no escapes; what has one is not an address.
    address(bare)
}

/// An address, with or without port and brackets.
fn address(text: &[u8]) -> Hop {
    let text = std::str::from_utf8(text).ok()?.trim();
    let text = text
        .strip_prefix('"')
        .and_then(|t| t.strip_suffix('"'))
        .unwrap_or(text);
    let parsed = text
        .parse::<IpAddr>()
        .ok()
        .or_else(|| text.parse::<SocketAddr>().ok().map(|at| at.ip()))
        .or_else(|| bracketed(text).map(IpAddr::V6))
        .or_else(|| with_obscure_port(text).map(IpAddr::V4));
    parsed.map(|ip| ip.to_canonical())
}

fn bracketed(text: &str) -> Option<Ipv6Addr> {
    let (inside, rest) = text.strip_prefix('[')?.split_once(']')?;
    if !rest.is_empty() && !rest.starts_with(':') {
        return None;
    }
    inside.parse().ok()
}

/// RFC 7239 allows an obfuscated port: `192.0.2.43:_p1`.
fn with_obscure_port(text: &str) -> Option<Ipv4Addr> {
    let (ip, port) = text.split_once(':')?;
    port.starts_with('_').then(|| ip.parse().ok()).flatten()
}

/// Splits at a separator outside quoted strings.
fn split_quoted(bytes: &[u8], separator: u8) -> Vec<&[u8]> {
    let (mut quoted, mut escaped) = (false, false);
    bytes
        .split(|byte| {
            if escaped {
                escaped = false;
                return false;
            }
            match *byte {
                b'\\' if quoted => escaped = true,
                b'"' => quoted = !quoted,
                other if other == separator && !quoted => return true,
                _ => {}
            }
            false
        })
        .collect()
}
