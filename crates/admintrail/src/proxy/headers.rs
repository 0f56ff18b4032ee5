//! Headers that belong to one hop, and those that tell the panel about the hop before.

use std::fmt::Write as _;
use std::net::{IpAddr, SocketAddr};

use bytes::BytesMut;
use http::header::{self, Entry, HeaderMap, HeaderName, HeaderValue};
use ipnet::IpNet;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
const PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");
const HTTP2_SETTINGS: HeaderName = HeaderName::from_static("http2-settings");

/// Takes out what belongs to one hop alone (RFC 9110 section 7.6.1), with everything that
/// `Connection` names. `Trailer` stays: it announces what passes through.
pub(crate) fn strip_hop_by_hop(headers: &mut HeaderMap) {
    if let Entry::Occupied(connection) = headers.entry(header::CONNECTION) {
        let (_, values) = connection.remove_entry_mult();
        let named: Vec<HeaderName> = values
            .filter_map(|value| value.to_str().ok().map(str::to_owned))
            .flat_map(|value| {
                value
                    .split(',')
                    .map(|name| name.trim().parse())
                    .collect::<Vec<_>>()
            })
            .filter_map(Result::ok)
            // What frames or addresses the message is no hop's own, whatever a client claims.
            .filter(|name| ![header::HOST, header::CONTENT_LENGTH].contains(name))
            .collect();
        for name in named {
            headers.remove(name);
        }
    }
    for name in [
        KEEP_ALIVE,
        PROXY_CONNECTION,
        header::TE,
        header::TRANSFER_ENCODING,
        header::UPGRADE,
    ] {
        headers.remove(name);
    }
}

/// Whether the client takes trailers.
pub(crate) fn takes_trailers(headers: &HeaderMap) -> bool {
    headers.get_all(header::TE).iter().any(|value| {
        value.to_str().is_ok_and(|value| {
            value
                .split(',')
                .any(|one| one.trim().eq_ignore_ascii_case("trailers"))
        })
    })
}

/// The protocol that the client asks to upgrade to; HTTP/2 by upgrade (`h2c`) is not offered,
/// so that is no upgrade but a header to leave out.
pub(crate) fn wanted_upgrade(headers: &HeaderMap) -> Option<HeaderValue> {
    let asked = headers.get_all(header::CONNECTION).iter().any(|value| {
        value.to_str().is_ok_and(|value| {
            value
                .split(',')
                .any(|one| one.trim().eq_ignore_ascii_case("upgrade"))
        })
    });
    let value = headers.get(header::UPGRADE).filter(|_| asked)?;
    let only_h2c = value.to_str().is_ok_and(|value| {
        value
            .split(',')
            .all(|one| one.trim().eq_ignore_ascii_case("h2c"))
    });
    if only_h2c { None } else { Some(value.clone()) }
}

/// Leaves out what only means something to the server a client speaks to.
pub(crate) fn strip_for_upstream(headers: &mut HeaderMap) {
    // The client is told to continue as soon as the panel's connection takes the body.
    headers.remove(header::EXPECT);
    headers.remove(HTTP2_SETTINGS);
}

/// Tells the panel who is asking, as what, for which host. A trusted proxy's word is extended;
/// anybody else's is replaced.
pub(crate) fn set_forwarded(
    headers: &mut HeaderMap,
    peer: SocketAddr,
    tls: bool,
    trusted: &[IpNet],
) {
    let ip = peer.ip().to_canonical();
    let believed = is_listed(ip, trusted);
    let value = forwarded_for(headers, ip, believed);
    if let Some(value) = value {
        headers.insert(FORWARDED_FOR, value);
    }
    if !believed {
        // The same claims in another spelling (RFC 7239).
        headers.remove(header::FORWARDED);
    }
    if !believed || !headers.contains_key(FORWARDED_PROTO) {
        let scheme = if tls { "https" } else { "http" };
        headers.insert(FORWARDED_PROTO, HeaderValue::from_static(scheme));
    }
    if !believed || !headers.contains_key(FORWARDED_HOST) {
        match headers.get(header::HOST).cloned() {
            Some(host) => headers.insert(FORWARDED_HOST, host),
            None => headers.remove(FORWARDED_HOST),
        };
    }
}

fn forwarded_for(headers: &HeaderMap, ip: IpAddr, believed: bool) -> Option<HeaderValue> {
    let mut text = BytesMut::with_capacity(48);
    if believed {
        for value in headers.get_all(FORWARDED_FOR) {
            text.extend_from_slice(value.as_bytes());
            text.extend_from_slice(b", ");
        }
    }
    write!(text, "{ip}").ok()?;
    HeaderValue::from_maybe_shared(text.freeze()).ok()
}

/// Whether an address is in one of the networks.
pub(crate) fn is_listed(ip: IpAddr, networks: &[IpNet]) -> bool {
    networks.iter().any(|network| network.contains(&ip))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        lines
            .iter()
            .map(|(name, value)| {
                (
                    HeaderName::from_static(name),
                    HeaderValue::from_static(value),
                )
            })
            .collect()
    }

    #[test]
    fn what_connection_names_goes_no_further() {
        let mut headers = HeaderMap::new();
        headers.append("connection", HeaderValue::from_static("close, X-Secret"));
        headers.append("connection", HeaderValue::from_static("x-other"));
        headers.extend(map(&[
            ("x-secret", "a"),
            ("x-other", "b"),
            ("x-kept", "c"),
            ("keep-alive", "5"),
        ]));
        headers.extend(map(&[
            ("te", "trailers"),
            ("upgrade", "h2c"),
            ("trailer", "x-sum"),
        ]));
        strip_hop_by_hop(&mut headers);
        assert_eq!(headers, map(&[("x-kept", "c"), ("trailer", "x-sum")]));
    }

    #[test]
    fn connection_cannot_take_the_host_away() {
        let mut headers = map(&[
            ("connection", "host, content-length"),
            ("host", "a"),
            ("content-length", "3"),
        ]);
        strip_hop_by_hop(&mut headers);
        assert_eq!(headers, map(&[("host", "a"), ("content-length", "3")]));
    }

    #[test]
    fn strangers_are_not_believed_and_proxies_are_extended() {
        let claims = [
            ("host", "panel"),
            ("x-forwarded-for", "1.2.3.4"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-host", "evil"),
            ("forwarded", "for=1.2.3.4"),
        ];
        let peer: SocketAddr = "10.0.0.9:5".parse().unwrap();
        let mut headers = map(&claims);
        set_forwarded(&mut headers, peer, false, &[]);
        let told = [
            ("host", "panel"),
            ("x-forwarded-for", "10.0.0.9"),
            ("x-forwarded-proto", "http"),
            ("x-forwarded-host", "panel"),
        ];
        assert_eq!(headers, map(&told));

        let mut headers = map(&claims);
        headers.append("x-forwarded-for", HeaderValue::from_static("5.6.7.8"));
        set_forwarded(&mut headers, peer, false, &["10.0.0.0/8".parse().unwrap()]);
        assert_eq!(headers["x-forwarded-for"], "1.2.3.4, 5.6.7.8, 10.0.0.9");
        assert_eq!(headers.get_all("x-forwarded-for").iter().count(), 1);
        assert_eq!(headers["x-forwarded-proto"], "https");
        assert_eq!(headers["x-forwarded-host"], "evil");
        assert!(headers.contains_key("forwarded"));
    }

    #[test]
    fn h2c_is_no_upgrade() {
        assert!(
            wanted_upgrade(&map(&[
                ("connection", "Upgrade, HTTP2-Settings"),
                ("upgrade", "h2c")
            ]))
            .is_none()
        );
        assert!(
            wanted_upgrade(&map(&[
                ("connection", "keep-alive, Upgrade"),
                ("upgrade", "websocket")
            ]))
            .is_some()
        );
        assert!(wanted_upgrade(&map(&[("upgrade", "websocket")])).is_none());
    }
}
