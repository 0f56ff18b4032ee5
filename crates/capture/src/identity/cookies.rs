//! Reading `Cookie` and `Set-Cookie` (RFC 6265), as leniently as browsers write them.

use std::time::{SystemTime, UNIX_EPOCH};

use admintrail_event::Micros;
use http::header::{COOKIE, SET_COOKIE};
use http::{HeaderMap, HeaderValue};

use super::pair::{split_once, unquoted};

/// The cookies a request carries, in order, duplicates included.
pub(super) fn sent(headers: &HeaderMap) -> impl Iterator<Item = (&[u8], &[u8])> {
    headers
        .get_all(COOKIE)
        .iter()
        .flat_map(|header| header.as_bytes().split(|b| *b == b';'))
        .filter_map(|pair| {
            let (name, value) = split_once(pair, b'=')?;
            Some((name.trim_ascii(), unquoted(value.trim_ascii())))
        })
        .filter(|(name, value)| !name.is_empty() && !value.is_empty())
}

/// Takes cookies out of a request.
pub(super) fn strip(headers: &mut HeaderMap, takes: impl Fn(&[u8], &[u8]) -> bool) {
    let kept = |header: &HeaderValue| {
        let pairs = header.as_bytes().split(|b| *b == b';').filter(|pair| {
            let Some((name, value)) = split_once(pair, b'=') else {
                return true;
            };
            !takes(name.trim_ascii(), unquoted(value.trim_ascii()))
        });
        let pairs: Vec<&[u8]> = pairs.map(<[u8]>::trim_ascii).collect();
        (!pairs.is_empty()).then(|| pairs.join(&b"; "[..]))
    };
    let left: Vec<HeaderValue> = headers
        .get_all(COOKIE)
        .iter()
        .filter_map(kept)
        .filter_map(|text| HeaderValue::from_bytes(&text).ok())
        .collect();
    headers.remove(COOKIE);
    for header in left {
        headers.append(COOKIE, header);
    }
}

/// A cookie that a response sets.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct SetCookie<'a> {
    pub(super) name: &'a [u8],
    pub(super) value: &'a [u8],
    pub(super) http_only: bool,
    /// When the browser forgets it, if it is told.
    pub(super) until: Option<Micros>,
    /// Removed rather than set.
    pub(super) removed: bool,
}

/// The cookies a response sets; of several with one name the last counts, as in browsers.
pub(super) fn set(headers: &HeaderMap, now: Micros) -> Vec<SetCookie<'_>> {
    let mut cookies: Vec<SetCookie<'_>> = Vec::new();
    for header in headers.get_all(SET_COOKIE) {
        if let Some(cookie) = parse_set(header.as_bytes(), now) {
            cookies.retain(|earlier| earlier.name != cookie.name);
            cookies.push(cookie);
        }
    }
    cookies
}

fn parse_set(header: &[u8], now: Micros) -> Option<SetCookie<'_>> {
    let mut parts = header.split(|b| *b == b';');
    let (name, value) = split_once(parts.next()?, b'=')?;
    let (name, value) = (name.trim_ascii(), unquoted(value.trim_ascii()));
    if name.is_empty() {
        return None;
    }
    let (mut http_only, mut max_age, mut expires) = (false, None, None);
    for part in parts {
        let (key, value) = split_once(part, b'=').unwrap_or((part, &[]));
        let (key, value) = (
            key.trim_ascii(),
            std::str::from_utf8(value.trim_ascii()).unwrap_or(""),
        );
        if key.eq_ignore_ascii_case(b"httponly") {
            http_only = true;
        } else if key.eq_ignore_ascii_case(b"max-age") {
            max_age = value.parse::<i64>().ok().or(max_age);
        } else if key.eq_ignore_ascii_case(b"expires") {
            expires = date(value).or(expires);
        }
    }
    // Max-Age wins over Expires (RFC 6265 section 5.3).
    let until = match max_age {
        Some(seconds) => Some(Micros(
            now.0.saturating_add(seconds.saturating_mul(Micros::SECOND)),
        )),
        None => expires,
    };
    let removed = value.is_empty() || until.is_some_and(|until| until <= now);
    Some(SetCookie {
        name,
        value,
        http_only,
        until,
        removed,
    })
}

/// HTTP dates, and the older form with dashes that many frameworks still send.
fn date(text: &str) -> Option<Micros> {
    let text = text.trim_matches('"');
    let at = httpdate::parse_http_date(text)
        .or_else(|_| httpdate::parse_http_date(&text.replace('-', " ")))
        .ok()?;
    Some(micros(at))
}

fn micros(at: SystemTime) -> Micros {
    let since = at.duration_since(UNIX_EPOCH).unwrap_or_default();
    Micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: Micros = Micros(1_795_000_000_000_000);

    fn one(text: &str) -> SetCookie<'_> {
        parse_set(text.as_bytes(), NOW).unwrap()
    }

    #[test]
    fn removal_is_recognised_in_all_its_forms() {
        for gone in [
            "sid=; Path=/",
            "sid=x; Max-Age=0",
            "sid=x; max-age=-1",
            "sid=deleted; expires=Thu, 01-Jan-1970 00:00:01 GMT; Max-Age=0",
            "sid=x; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
            "sid=\"\"; expires=Thu, 01-Jan-1970 00:00:00 GMT",
        ] {
            assert!(one(gone).removed, "{gone}");
        }
        assert!(!one("sid=x; Max-Age=60; Expires=Thu, 01 Jan 1970 00:00:00 GMT").removed);
        assert!(!one("sid=x; Expires=garbage").removed);
    }

    #[test]
    fn expiry_prefers_max_age() {
        let cookie = one("sid=x; HttpOnly; Max-Age=60; Expires=Fri, 01 Jan 2100 00:00:00 GMT");
        assert_eq!(cookie.until, Some(Micros(NOW.0 + 60 * Micros::SECOND)));
        assert!(cookie.http_only);
    }

    #[test]
    fn several_cookie_headers_are_one_list() {
        let mut headers = HeaderMap::new();
        headers.append(COOKIE, HeaderValue::from_static("a=1; sid=\"x=y\"; empty="));
        headers.append(COOKIE, HeaderValue::from_static("sid=z"));
        let all: Vec<_> = sent(&headers).collect();
        assert_eq!(
            all,
            [(&b"a"[..], &b"1"[..]), (b"sid", b"x=y"), (b"sid", b"z")]
        );
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_harm(bytes in prop::collection::vec(0x20_u8..=0xff, 0..200)) {
            let mut headers = HeaderMap::new();
            if let Ok(value) = HeaderValue::from_bytes(&bytes) {
                headers.append(COOKIE, value.clone());
                headers.append(SET_COOKIE, value);
            }
            let _ = sent(&headers).count();
            let _ = set(&headers, NOW);
        }

        #[test]
        fn what_is_set_is_what_is_sent_back(name in "[a-z]{1,8}", value in "[!#-+\\--:<-\\[\\]-~]{1,40}") {
            let mut headers = HeaderMap::new();
            headers.append(SET_COOKIE, format!("{name}={value}; Path=/").parse().unwrap());
            headers.append(COOKIE, format!("{name}={value}").parse().unwrap());
            let set = set(&headers, NOW);
            let sent: Vec<_> = sent(&headers).collect();
            prop_assert_eq!(sent, vec![(set[0].name, set[0].value)]);
        }
    }
}
