//! Cookies of our own pages.
//!
//! Over TLS they carry the prefix `__Host-` (RFC 6265bis, section 4.1.3.2): a browser takes such a
//! name only from this very host, over TLS and for every path, so that neither a neighbour
//! (another port, a sibling domain) nor whoever sits on a plain connection can plant one.

use http::{HeaderMap, HeaderValue, header};

/// One of our cookies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cookie {
    plain: &'static str,
    over_tls: &'static str,
    /// How long a browser keeps it, in seconds; `None`: until it is closed.
    keep: Option<u32>,
}

/// Carries a session. It ends with the browser; the server ends it by itself.
pub const SESSION: Cookie = Cookie {
    plain: "admintrail_session",
    over_tls: "__Host-admintrail_session",
    keep: None,
};

/// Marks a browser in which somebody has signed in before; kept 400 days, the longest that
/// browsers allow.
pub const KNOWN: Cookie = Cookie {
    plain: "admintrail_known",
    over_tls: "__Host-admintrail_known",
    keep: Some(400 * 86_400),
};

/// Every name under which our cookies travel. Browsers send them to other ports of the host too:
/// whoever forwards requests to a panel there leaves them out.
pub const OWN: [&str; 4] = [SESSION.plain, SESSION.over_tls, KNOWN.plain, KNOWN.over_tls];

impl Cookie {
    /// Its name. Over TLS the plain one counts for nothing: anybody may have planted it.
    #[must_use]
    pub const fn name(self, https: bool) -> &'static str {
        if https { self.over_tls } else { self.plain }
    }

    /// What the browser sent.
    #[must_use]
    pub fn of(self, headers: &HeaderMap, https: bool) -> Option<&str> {
        value(headers, self.name(https))
    }

    /// `Set-Cookie` that gives it this value; `None` if the value fits no header.
    #[must_use]
    pub fn set(self, value: &str, https: bool) -> Option<HeaderValue> {
        let name = self.name(https);
        let secure = if https { "; Secure" } else { "" };
        let keep = self
            .keep
            .map(|seconds| format!("; Max-Age={seconds}"))
            .unwrap_or_default();
        let line = format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax{keep}{secure}");
        HeaderValue::from_str(&line).ok()
    }

    /// `Set-Cookie` that takes it away.
    #[must_use]
    pub fn end(self, https: bool) -> Option<HeaderValue> {
        let over = Self {
            keep: Some(0),
            ..self
        };
        over.set("", https)
    }
}

/// The value of the first cookie of this name.
#[must_use]
pub fn value<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_found_by_its_whole_name() {
        let mut headers = HeaderMap::new();
        headers.append(
            header::COOKIE,
            HeaderValue::from_static("xadmintrail_session=no; a=b"),
        );
        headers.append(
            header::COOKIE,
            HeaderValue::from_static("admintrail_session=yes==; c=d"),
        );
        assert_eq!(SESSION.of(&headers, false), Some("yes=="));
        assert_eq!(value(&headers, "a"), Some("b"));
        assert_eq!(value(&headers, "z"), None);
        assert_eq!(
            SESSION.of(&headers, true),
            None,
            "over TLS a plain name may have been planted"
        );
    }

    #[test]
    fn a_session_cookie_is_out_of_reach_for_scripts_and_other_sites() {
        assert_eq!(
            SESSION.set("abc", true).unwrap(),
            "__Host-admintrail_session=abc; Path=/; HttpOnly; SameSite=Lax; Secure"
        );
        assert_eq!(
            SESSION.set("abc", false).unwrap(),
            "admintrail_session=abc; Path=/; HttpOnly; SameSite=Lax"
        );
        assert_eq!(
            SESSION.end(true).unwrap(),
            "__Host-admintrail_session=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0; Secure"
        );
    }
}
