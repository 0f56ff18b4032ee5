//! Where a request to our own pages came from.

use std::net::IpAddr;

use admintrail_capture::Peer;
use http::HeaderMap;
use ipnet::IpNet;

/// Address and scheme of the browser.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Client {
    /// `None`: the server put no [`Peer`] into the request.
    pub(crate) ip: Option<IpAddr>,
    /// Whether the browser speaks TLS, to us or to a proxy we trust.
    pub(crate) https: bool,
}

impl Client {
    /// Forwarded headers count only if the peer is a trusted proxy; of the addresses in
    /// `X-Forwarded-For` the rightmost that is not one.
    pub(crate) fn of(headers: &HeaderMap, peer: Option<Peer>, trusted: &[IpNet]) -> Self {
        let Some(peer) = peer else {
            return Self {
                ip: None,
                https: false,
            };
        };
        let ip = peer.addr.ip().to_canonical();
        let is_trusted = |ip: &IpAddr| trusted.iter().any(|net| net.contains(ip));
        if !is_trusted(&ip) {
            return Self {
                ip: Some(ip),
                https: peer.tls,
            };
        }
        let hops: Vec<&str> = headers
            .get_all("x-forwarded-for")
            .iter()
            .flat_map(|line| line.to_str().unwrap_or("?").split(','))
            .map(str::trim)
            .collect();
        let mut client = ip;
        for hop in hops.into_iter().rev() {
            // What is no address was not written by our proxy: what it says before is worth nothing.
            let Ok(hop) = hop.parse::<IpAddr>() else {
                break;
            };
            client = hop.to_canonical();
            if !is_trusted(&client) {
                break;
            }
        }
        let scheme = headers
            .get("x-forwarded-proto")
            .and_then(|value| value.to_str().ok());
        let https = scheme.map_or(peer.tls, |scheme| {
            scheme.trim().eq_ignore_ascii_case("https")
        });
        Self {
            ip: Some(client),
            https,
        }
    }

    /// The address as sign-ins are counted by: IPv6 by its /64, which one client has to itself.
    pub(crate) fn group(&self) -> Option<IpAddr> {
        match self.ip? {
            IpAddr::V4(v4) => Some(IpAddr::V4(v4)),
            IpAddr::V6(v6) => {
                let net = u128::from(v6) & !u128::from(u64::MAX);
                Some(IpAddr::V6(net.into()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(forwarded: &[&str], peer: &str) -> String {
        let mut headers = HeaderMap::new();
        for line in forwarded {
            headers.append("x-forwarded-for", line.parse().unwrap());
        }
        let peer = Peer {
            addr: format!("{peer}:1").parse().unwrap(),
            tls: false,
        };
        let trusted = ["10.0.0.0/8".parse().unwrap()];
        Client::of(&headers, Some(peer), &trusted)
            .ip
            .unwrap()
            .to_string()
    }

    #[test]
    fn forwarded_addresses_are_believed_from_trusted_proxies_alone() {
        let cases: [(&[&str], &str, &str); 7] = [
            (&["1.2.3.4"], "203.0.113.9", "203.0.113.9"),
            (&["1.2.3.4"], "10.0.0.1", "1.2.3.4"),
            (&["6.6.6.6, 1.2.3.4"], "10.0.0.1", "1.2.3.4"),
            (&["6.6.6.6", "1.2.3.4, 10.0.0.7"], "10.0.0.1", "1.2.3.4"),
            (&["6.6.6.6, unknown, 10.0.0.7"], "10.0.0.1", "10.0.0.7"),
            (&[], "10.0.0.1", "10.0.0.1"),
            (&["::ffff:1.2.3.4"], "10.0.0.1", "1.2.3.4"),
        ];
        for (forwarded, peer, expected) in cases {
            assert_eq!(of(forwarded, peer), expected, "{forwarded:?} from {peer}");
        }
    }

    #[test]
    fn https_is_what_the_socket_or_a_trusted_proxy_says() {
        let mut headers = HeaderMap::new();
        headers.insert("x-forwarded-proto", "https".parse().unwrap());
        let peer = Peer {
            addr: "127.0.0.1:1".parse().unwrap(),
            tls: false,
        };
        assert!(!Client::of(&headers, Some(peer), &[]).https);
        assert!(Client::of(&headers, Some(peer), &["127.0.0.0/8".parse().unwrap()]).https);
    }
}
