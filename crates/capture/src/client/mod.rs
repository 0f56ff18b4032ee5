//! Where a request came from, as far as it can be believed.

mod forwarded;

pub use forwarded::{Hop, hops};

use std::net::IpAddr;

use http::HeaderMap;
use ipnet::IpNet;

use crate::Peer;

/// Address and scheme as the client saw them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Client {
    /// Where the request came from.
    pub ip: IpAddr,
    /// Whether the client speaks TLS, to us or to a proxy we trust.
    pub https: bool,
}

impl Client {
    /// The rightmost hop that is not a trusted proxy. A hop that is no address ends the search:
    /// what stands left of it was vouched for by nobody, so the last trusted proxy is named.
    #[must_use]
    pub fn of(peer: Peer, headers: &HeaderMap, trusted_proxies: &[IpNet]) -> Self {
        let socket = peer.addr.ip().to_canonical();
        if trusted_proxies.is_empty() || !is_trusted(socket, trusted_proxies) {
            return Self {
                ip: socket,
                https: peer.tls,
            };
        }
        let mut ip = socket;
        for hop in forwarded::hops(headers) {
            let Some(hop) = hop else { break };
            ip = hop;
            if !is_trusted(hop, trusted_proxies) {
                break;
            }
        }
        Self {
            ip,
            https: forwarded_scheme(headers).unwrap_or(peer.tls),
        }
    }
}

fn is_trusted(ip: IpAddr, trusted_proxies: &[IpNet]) -> bool {
    trusted_proxies.iter().any(|net| net.contains(&ip))
}

/// What the nearest proxy says of the scheme.
fn forwarded_scheme(headers: &HeaderMap) -> Option<bool> {
    let last = headers.get_all("x-forwarded-proto").iter().next_back()?;
    let last = last.as_bytes().rsplit(|b| *b == b',').next()?.trim_ascii();
    if last.eq_ignore_ascii_case(b"https") {
        Some(true)
    } else if last.eq_ignore_ascii_case(b"http") {
        Some(false)
    } else {
        None
    }
}
