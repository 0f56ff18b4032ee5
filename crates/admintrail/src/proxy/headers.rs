//! Headers that belong to one hop, and those that tell the panel about the hop before.

use std::fmt::Write as _;
use std::net::{IpAddr, SocketAddr};

use admintrail_capture::{Client, Peer, strip_look_alikes, strip_named};
use admintrail_web::auth::cookie;
use bytes::BytesMut;
use http::header::{self, Entry, HeaderMap, HeaderName, HeaderValue};
use ipnet::IpNet;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const REAL_IP: HeaderName = HeaderName::from_static("x-real-ip");
const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
const PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");
const HTTP2_SETTINGS: HeaderName = HeaderName::from_static("http2-settings");

/// Takes out what belongs to one hop alone (RFC 9110 section 7.6.1), with everything that
/// `Connection` names: of a request, the recorder has taken that out before it read it. `Trailer`
/// stays: it announces what passes through.
pub(crate) fn strip_hop_by_hop(headers: &mut HeaderMap) {
    strip_named(headers);
    for name in [
        header::CONNECTION,
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

/// Leaves out what only means something to the server a client speaks to, and what is ours alone.
pub(crate) fn strip_for_upstream(headers: &mut HeaderMap) {
    take_own_cookies(headers);
    strip_look_alikes(headers);
    // The client is told to continue as soon as the panel's connection takes the body.
    headers.remove(header::EXPECT);
    headers.remove(HTTP2_SETTINGS);
}

/// Leaves out of a response what belongs to one hop, and any cookie that would replace ours: a
/// panel on the same host could sign people out of our own pages, or in as somebody else.
pub(crate) fn strip_for_client(headers: &mut HeaderMap) {
    strip_hop_by_hop(headers);
    let sets_own = |value: &HeaderValue| {
        let name = value.as_bytes().split(|byte| *byte == b'=').next();
        name.is_some_and(|name| is_own(name.trim_ascii()))
    };
    if !headers.get_all(header::SET_COOKIE).iter().any(sets_own) {
        return;
    }
    let Entry::Occupied(cookies) = headers.entry(header::SET_COOKIE) else {
        return;
    };
    let (name, values) = cookies.remove_entry_mult();
    let kept: Vec<HeaderValue> = values.filter(|value| !sets_own(value)).collect();
    for value in kept {
        headers.append(name.clone(), value);
    }
}

fn is_own(name: &[u8]) -> bool {
    cookie::OWN.iter().any(|own| own.as_bytes() == name)
}

/// Browsers send the cookies of our own pages to every port of the host, so also to panels there,
/// which would be signed in here with them. The other cookies stay byte for byte.
fn take_own_cookies(headers: &mut HeaderMap) {
    let holds_own = |value: &HeaderValue| {
        let bytes = value.as_bytes();
        cookie::OWN
            .iter()
            .any(|own| memchr::memmem::find(bytes, own.as_bytes()).is_some())
    };
    if !headers.get_all(header::COOKIE).iter().any(holds_own) {
        return;
    }
    let Entry::Occupied(cookies) = headers.entry(header::COOKIE) else {
        return;
    };
    let (name, values) = cookies.remove_entry_mult();
    let kept: Vec<HeaderValue> = values.filter_map(without_own).collect();
    for value in kept {
        headers.append(name.clone(), value);
    }
}

/// The value of a `Cookie` header without our own; `None` if nothing is left.
fn without_own(value: HeaderValue) -> Option<HeaderValue> {
    let pair_is_own = |pair: &&[u8]| {
        let name = pair.split(|byte| *byte == b'=').next();
        name.is_some_and(|name| is_own(name.trim_ascii()))
    };
    let pairs = || value.as_bytes().split(|byte| *byte == b';');
    if !pairs().any(|pair| pair_is_own(&pair)) {
        return Some(value);
    }
    let kept = pairs().filter(|pair| !pair_is_own(pair));
    let joined = kept.collect::<Vec<_>>().join(&b';');
    let mut kept = HeaderValue::from_bytes(joined.trim_ascii_start()).ok()?;
    kept.set_sensitive(value.is_sensitive());
    (!kept.is_empty()).then_some(kept)
}

/// Tells the panel who is asking, as what, for which host. A trusted proxy's word is extended;
/// anybody else's is replaced.
///
/// Both spellings of the way (`X-Forwarded-For` and RFC 7239's `Forwarded`) name the hops that the
/// recorder reads: a proxy that writes one of them passes the other as the client sent it.
pub(crate) fn set_forwarded(
    headers: &mut HeaderMap,
    peer: SocketAddr,
    tls: bool,
    trusted: &[IpNet],
) {
    let ip = peer.ip().to_canonical();
    let believed = is_listed(ip, trusted);
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
    let (forwarded_for, forwarded) = if believed {
        believed_hops(headers, ip)
    } else {
        (ip.to_string().parse().ok(), None)
    };
    if let Some(value) = forwarded_for {
        headers.insert(FORWARDED_FOR, value);
    }
    // Only where somebody spoke it before: a panel that reads it has been told to.
    match forwarded {
        Some(value) => headers.insert(header::FORWARDED, value),
        None => headers.remove(header::FORWARDED),
    };
}

/// Where somebody said `X-Real-IP`, the panel reads the address that is on record: the header holds
/// one address, so a proxy that passes on what browsers send is not told from one that sets it.
pub(crate) fn set_real_ip(headers: &mut HeaderMap, peer: Peer, trusted: &[IpNet]) {
    if !headers.contains_key(REAL_IP) {
        return;
    }
    let client = Client::of(peer, headers, trusted);
    match client.ip.to_string().parse() {
        Ok(ip) => headers.insert(REAL_IP, ip),
        Err(_) => headers.remove(REAL_IP),
    };
}

/// `X-Forwarded-For` and `Forwarded` with the trusted proxy as their last hop.
fn believed_hops(headers: &HeaderMap, ip: IpAddr) -> (Option<HeaderValue>, Option<HeaderValue>) {
    let by_address = headers.contains_key(FORWARDED_FOR);
    let by_element = headers.contains_key(header::FORWARDED);
    if !by_element {
        return (joined(headers, &FORWARDED_FOR, &ip.to_string()), None);
    }
    let mut hops = admintrail_capture::hops(headers);
    hops.reverse();
    hops.push(Some(ip));
    if by_address {
        let elements: Vec<String> = hops.iter().map(|hop| element(*hop)).collect();
        (
            joined(headers, &FORWARDED_FOR, &ip.to_string()),
            elements.join(", ").parse().ok(),
        )
    } else {
        let name =
            |hop: &Option<IpAddr>| hop.map_or_else(|| "unknown".to_owned(), |ip| ip.to_string());
        let names: Vec<String> = hops.iter().map(name).collect();
        (
            names.join(", ").parse().ok(),
            joined(headers, &header::FORWARDED, &element(Some(ip))),
        )
    }
}

/// A hop as `Forwarded` writes it: IPv6 in brackets, and so in quotes.
fn element(hop: Option<IpAddr>) -> String {
    match hop {
        None => "for=unknown".to_owned(),
        Some(IpAddr::V4(ip)) => format!("for={ip}"),
        Some(IpAddr::V6(ip)) => format!("for=\"[{ip}]\""),
    }
}

/// The values of a header as they came, and one more.
fn joined(headers: &HeaderMap, name: &HeaderName, last: &str) -> Option<HeaderValue> {
    let mut text = BytesMut::with_capacity(48);
    for value in headers.get_all(name) {
        text.extend_from_slice(value.as_bytes());
        text.extend_from_slice(b", ");
    }
    write!(text, "{last}").ok()?;
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
    }

    #[test]
    fn both_spellings_of_the_way_name_the_same_hops() {
        let peer: SocketAddr = "10.0.0.9:5".parse().unwrap();
        let trusted = ["10.0.0.0/8".parse().unwrap()];
        let told = |claims: &[(&'static str, &'static str)]| {
            let mut headers = map(claims);
            set_forwarded(&mut headers, peer, true, &trusted);
            ["x-forwarded-for", "forwarded"].map(|name| {
                assert!(headers.get_all(name).iter().count() < 2);
                headers
                    .get(name)
                    .map(|value| value.to_str().unwrap().to_owned())
            })
        };
        let some = |text: &str| Some(text.to_owned());
        // The client's own claim that the proxy passed on says no other address than the proxy's.
        assert_eq!(
            told(&[
                ("x-forwarded-for", "198.51.100.7, 2001:db8::1, -"),
                ("forwarded", "for=1.2.3.4;by=x")
            ]),
            [
                some("198.51.100.7, 2001:db8::1, -, 10.0.0.9"),
                some("for=198.51.100.7, for=\"[2001:db8::1]\", for=unknown, for=10.0.0.9"),
            ]
        );
        assert_eq!(
            told(&[("forwarded", "for=198.51.100.7;proto=https, for=_hidden")]),
            [
                some("198.51.100.7, unknown, 10.0.0.9"),
                some("for=198.51.100.7;proto=https, for=_hidden, for=10.0.0.9"),
            ]
        );
        assert_eq!(told(&[]), [some("10.0.0.9"), None]);
    }

    #[test]
    fn a_panel_sets_its_own_cookies_and_none_of_ours() {
        let mut headers = HeaderMap::new();
        for value in [
            "sessionid=panel; HttpOnly",
            "admintrail_session=forged; Path=/",
            " __Host-admintrail_session=; Max-Age=0",
            "admintrail_session2=kept",
        ] {
            headers.append(header::SET_COOKIE, HeaderValue::from_static(value));
        }
        strip_for_client(&mut headers);
        let left: Vec<_> = headers.get_all(header::SET_COOKIE).iter().collect();
        assert_eq!(
            left,
            ["sessionid=panel; HttpOnly", "admintrail_session2=kept"]
        );
    }

    #[test]
    fn our_own_cookies_go_no_further_and_the_others_stay_byte_for_byte() {
        for (sent, left) in [
            ("a=1; admintrail_session=s; b=2", Some("a=1; b=2")),
            ("admintrail_session=s; a=\"x; y\"", Some("a=\"x; y\"")),
            (
                "a=1 ;b=\u{e9} ;; __Host-admintrail_session=s",
                Some("a=1 ;b=\u{e9} ;"),
            ),
            (
                "a=1; __Host-admintrail_known=1;admintrail_known=1",
                Some("a=1"),
            ),
            (" admintrail_session = s ;", None),
            ("admintrail_session", None),
            (
                "my_admintrail_session=s; a=admintrail_session",
                Some("my_admintrail_session=s; a=admintrail_session"),
            ),
            (" a=1;  b=2; ", Some(" a=1;  b=2; ")),
        ] {
            let mut headers = HeaderMap::new();
            headers.append(
                "cookie",
                HeaderValue::from_str(sent)
                    .or_else(|_| HeaderValue::from_bytes(sent.as_bytes()))
                    .unwrap(),
            );
            headers.append("cookie", HeaderValue::from_static("c=3"));
            strip_for_upstream(&mut headers);
            let values: Vec<&[u8]> = headers
                .get_all("cookie")
                .iter()
                .map(HeaderValue::as_bytes)
                .collect();
            let expected: Vec<&[u8]> = left
                .iter()
                .map(|text| text.as_bytes())
                .chain([b"c=3".as_slice()])
                .collect();
            assert_eq!(values, expected, "{sent:?}");
        }
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
