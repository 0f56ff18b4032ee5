//! Headers that end at this hop because `Connection` names them (RFC 9110 section 7.6.1).

use http::header::{CONNECTION, CONTENT_LENGTH, HOST, TE, TRAILER, TRANSFER_ENCODING, UPGRADE};
use http::{HeaderMap, HeaderName};

use crate::TrustedHeader;
use crate::identity::header::{is_alike, is_named};

/// What frames or addresses the message, and what whoever forwards it still has to read: the hop's
/// own headers, and those that tell of the client.
const KEPT: [HeaderName; 7] = [
    CONNECTION,
    CONTENT_LENGTH,
    HOST,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];
const KEPT_TOO: [&str; 4] = [
    "forwarded",
    "keep-alive",
    "proxy-connection",
    "http2-settings",
];

/// Takes out what `Connection` names. A panel behind a proxy never sees it: a cookie or a password
/// there proves nothing, and must not be taken for what the panel's answer is about. Taken out of
/// the request, it is seen by an application in this process no more than by the recorder.
///
/// What forwards a response may do so with it too.
pub fn strip_named(headers: &mut HeaderMap) {
    let mut values = headers.get_all(CONNECTION).iter();
    let names_nothing = values
        .next()
        .is_none_or(|value| value == "keep-alive" || value == "close");
    if names_nothing && values.next().is_none() {
        return;
    }
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .flat_map(|value| value.as_bytes().split(|b| *b == b','))
        .filter_map(|name| HeaderName::from_bytes(name.trim_ascii()).ok())
        .filter(|name| {
            let text = name.as_str();
            !KEPT.contains(name) && !KEPT_TOO.contains(&text) && !text.starts_with("x-forwarded-")
        })
        .collect();
    for name in named {
        headers.remove(name);
    }
}

/// Takes out of a request's trailers what says who asks, and from where. The head has been judged by
/// then, and some servers add trailers to it (RFC 9110 section 6.5.1 allows none of these).
pub(super) fn strip_trailers(trailers: &mut HeaderMap, rule: Option<&TrustedHeader>) {
    let forbidden: Vec<HeaderName> = trailers
        .keys()
        .filter(|name| {
            let name = name.as_str();
            tells_of_the_client(name)
                || ["authorization", "cookie"].contains(&name)
                || rule.is_some_and(|rule| is_named(rule, name))
        })
        .cloned()
        .collect();
    for name in forbidden {
        trailers.remove(name);
    }
}

/// Takes out the headers that read like those that tell of the client behind CGI and WSGI, where
/// `X_Forwarded_For` is `X-Forwarded-For`: nobody has judged what they say.
pub fn strip_look_alikes(headers: &mut HeaderMap) {
    let alike: Vec<HeaderName> = headers
        .keys()
        .filter(|name| {
            let name = name.as_str();
            name.contains('_') && tells_of_the_client(name)
        })
        .cloned()
        .collect();
    for name in alike {
        headers.remove(name);
    }
}

fn tells_of_the_client(name: &str) -> bool {
    const OTHERS: [&str; 2] = ["forwarded", "x-real-ip"];
    const FORWARDED: &str = "x-forwarded-";
    let start = name.get(..FORWARDED.len());
    start.is_some_and(|start| is_alike(start, FORWARDED))
        || OTHERS.iter().any(|other| is_alike(name, other))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use http::header::{AUTHORIZATION, COOKIE};

    use super::*;

    #[test]
    fn what_connection_names_is_gone_and_what_a_hop_needs_stays() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("connection", "close, Authorization ,, host,upgrade"),
            (
                "connection",
                "\u{e9}, COOKIE, x-forwarded-for, content-length",
            ),
            ("authorization", "Basic b2xlbmE6eA=="),
            ("cookie", "sessionid=1"),
            ("cookie", "sessionid=2"),
            ("host", "panel.example"),
            ("upgrade", "websocket"),
            ("content-length", "3"),
            ("x-forwarded-for", "203.0.113.9"),
            ("accept", "*/*"),
        ] {
            let name = HeaderName::from_static(name);
            headers.append(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        strip_named(&mut headers);
        assert!(!headers.contains_key(AUTHORIZATION) && !headers.contains_key(COOKIE));
        for kept in [
            "host",
            "upgrade",
            "content-length",
            "x-forwarded-for",
            "accept",
        ] {
            assert!(headers.contains_key(kept), "{kept}");
        }
    }
}
