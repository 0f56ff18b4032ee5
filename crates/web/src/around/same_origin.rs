//! Refuses what another site makes a browser do (Threat 29).

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, Uri, header};

use super::identify::bearer;
use crate::WebError;

/// Unsafe methods must come from our own pages. A request with a bearer token is exempt (no site
/// can make a browser send one), and so is one with neither header: no browser sends that.
pub(crate) async fn same_origin(request: Request, next: Next) -> Response {
    let safe = request.method().is_safe();
    if safe || bearer(request.headers()).is_some() || is_own(request.headers(), request.uri()) {
        return next.run(request).await;
    }
    WebError::CrossOrigin.into_response()
}

fn is_own(headers: &HeaderMap, uri: &Uri) -> bool {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    // The browser's own word is the best one, and survives proxies that rewrite `Host`.
    if let Some(site) = text("sec-fetch-site") {
        return site == "same-origin" || site == "none";
    }
    let Some(origin) = text(header::ORIGIN.as_str()) else {
        return true;
    };
    let host = text(header::HOST.as_str()).or_else(|| uri.authority().map(|host| host.as_str()));
    let (Ok(origin), Some(host)) = (origin.parse::<Uri>(), host) else {
        return false;
    };
    let Some(scheme) = origin.scheme_str() else {
        return false;
    };
    let port = if scheme == "https" { ":443" } else { ":80" };
    let bare = |text: &str| text.strip_suffix(port).unwrap_or(text).to_ascii_lowercase();
    origin
        .authority()
        .is_some_and(|authority| bare(authority.as_str()) == bare(host))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own(pairs: &[(&'static str, &str)]) -> bool {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.insert(*name, value.parse().unwrap());
        }
        is_own(&headers, &Uri::from_static("/login"))
    }

    #[test]
    fn only_our_own_pages_may_change_anything() {
        let host = ("host", "trail.example:7070");
        assert!(own(&[host, ("origin", "http://trail.example:7070")]));
        assert!(own(&[host, ("origin", "https://TRAIL.example:7070")]));
        assert!(own(&[
            ("host", "trail.example"),
            ("origin", "https://trail.example:443")
        ]));
        assert!(own(&[
            host,
            ("sec-fetch-site", "same-origin"),
            ("origin", "https://public.example")
        ]));
        assert!(own(&[host, ("sec-fetch-site", "none")]));
        assert!(own(&[host]), "no browser");
        for bad in [
            "https://evil.example",
            "null",
            "http://trail.example",
            "http://trail.example:70",
            "",
            "//x",
        ] {
            assert!(!own(&[host, ("origin", bad)]), "{bad:?}");
        }
        for bad in ["cross-site", "same-site", ""] {
            assert!(
                !own(&[
                    host,
                    ("sec-fetch-site", bad),
                    ("origin", "http://trail.example:7070")
                ]),
                "{bad:?}"
            );
        }
        assert!(!own(&[
            ("host", "evil.example:7070"),
            ("origin", "http://trail.example:7070")
        ]));
    }
}
