//! Cookies of our own pages.

use http::{HeaderMap, HeaderValue, header};

/// The cookie that carries a session.
pub const SESSION_COOKIE: &str = "admintrail_session";

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

/// `Set-Cookie` that begins a session. It ends with the browser; the server ends it by itself.
#[must_use]
pub fn begin(token: &str, https: bool) -> Option<HeaderValue> {
    let secure = if https { "; Secure" } else { "" };
    HeaderValue::from_str(&format!(
        "{SESSION_COOKIE}={token}; Path=/; HttpOnly; SameSite=Lax{secure}"
    ))
    .ok()
}

/// `Set-Cookie` that ends a session.
#[must_use]
pub fn end() -> HeaderValue {
    HeaderValue::from_static("admintrail_session=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0")
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
        assert_eq!(value(&headers, SESSION_COOKIE), Some("yes=="));
        assert_eq!(value(&headers, "a"), Some("b"));
        assert_eq!(value(&headers, "z"), None);
    }

    #[test]
    fn a_session_cookie_is_out_of_reach_for_scripts_and_other_sites() {
        let set = begin("abc", true).unwrap();
        assert_eq!(
            set,
            "admintrail_session=abc; Path=/; HttpOnly; SameSite=Lax; Secure"
        );
        assert!(
            !begin("abc", false)
                .unwrap()
                .to_str()
                .unwrap()
                .contains("Secure")
        );
    }
}
