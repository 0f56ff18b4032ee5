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
    /// Read as the recorder reads it, so that sign-ins are slowed down by the address that the
    /// record names.
    pub(crate) fn of(headers: &HeaderMap, peer: Option<Peer>, trusted: &[IpNet]) -> Self {
        let seen = peer.map(|peer| admintrail_capture::Client::of(peer, headers, trusted));
        Self {
            ip: seen.map(|seen| seen.ip),
            https: seen.is_some_and(|seen| seen.https),
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
    fn what_the_recorder_reads_counts_here_too() {
        let trusted = ["10.0.0.0/8".parse().unwrap()];
        let addr = "10.0.0.1:1".parse().unwrap();
        let peer = Peer { addr, tls: false };
        for (name, value) in [
            ("forwarded", "for=6.6.6.6, for=\"1.2.3.4:5678\";proto=https"),
            ("forwarded", "for=1.2.3.4, for=10.0.0.7"),
            ("x-forwarded-for", "1.2.3.4:5678"),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(name, value.parse().unwrap());
            let client = Client::of(&headers, Some(peer), &trusted);
            assert_eq!(client.ip.unwrap().to_string(), "1.2.3.4", "{name}: {value}");
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
        let trusted = ["127.0.0.0/8".parse().unwrap()];
        assert!(Client::of(&headers, Some(peer), &trusted).https);
        headers.append("x-forwarded-proto", "https, http".parse().unwrap());
        assert!(
            !Client::of(&headers, Some(peer), &trusted).https,
            "what a client sent stands before what the proxy says"
        );
    }
}
