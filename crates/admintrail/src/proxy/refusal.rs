//! What the proxy answers by itself: pages that say which panel, what is wrong, and what to do.

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderValue};
use http::{Response, StatusCode};

/// Why the proxy answers instead of the panel.
#[derive(Debug, Clone)]
pub(crate) enum Refusal {
    /// No connection to the panel.
    Unreachable {
        panel: String,
        upstream: String,
        cause: String,
    },
    /// The panel broke off before its response began.
    BrokeOff {
        panel: String,
        upstream: String,
        cause: String,
    },
    /// The panel did not answer in time.
    Silent {
        panel: String,
        upstream: String,
        seconds: u64,
    },
    /// The client broke off or sent a body that cannot be read.
    BadBody,
    /// The client stopped sending before its request was whole.
    SlowBody { seconds: u64 },
    /// CONNECT asks for another proxy than this is.
    NoTunnels,
    /// A tunnel over HTTP/2 or of an unknown kind.
    BadUpgrade { panel: String },
}

impl Refusal {
    fn status(&self) -> StatusCode {
        match self {
            Self::Unreachable { .. } | Self::BrokeOff { .. } | Self::BadUpgrade { .. } => {
                StatusCode::BAD_GATEWAY
            }
            Self::Silent { .. } => StatusCode::GATEWAY_TIMEOUT,
            Self::BadBody => StatusCode::BAD_REQUEST,
            Self::SlowBody { .. } => StatusCode::REQUEST_TIMEOUT,
            Self::NoTunnels => StatusCode::METHOD_NOT_ALLOWED,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Unreachable { .. } => "PROXY-001",
            Self::BrokeOff { .. } => "PROXY-002",
            Self::Silent { .. } => "PROXY-003",
            Self::BadBody => "PROXY-004",
            Self::NoTunnels => "PROXY-005",
            Self::BadUpgrade { .. } => "PROXY-006",
            Self::SlowBody { .. } => "PROXY-007",
        }
    }

    fn title(&self) -> String {
        match self {
            Self::Unreachable { panel, .. } => format!("{panel} cannot be reached"),
            Self::BrokeOff { panel, .. } => format!("{panel} broke off"),
            Self::Silent { panel, .. } => format!("{panel} does not answer"),
            Self::BadBody => "The request broke off".to_owned(),
            Self::SlowBody { .. } => "The request did not arrive".to_owned(),
            Self::NoTunnels => "CONNECT is not served here".to_owned(),
            Self::BadUpgrade { panel } => format!("{panel} switched protocols unasked"),
        }
    }

    /// For whoever sees the page. The address of the panel is for the log alone.
    fn detail(&self) -> String {
        match self {
            Self::Unreachable { panel, .. } => {
                format!(
                    "Admintrail could not connect to the panel {panel}. Is it running? Try again when it is; this request was recorded."
                )
            }
            Self::BrokeOff { panel, .. } => {
                format!(
                    "The panel {panel} closed the connection before it answered. Check what happened before you repeat a change; this request was recorded."
                )
            }
            Self::Silent { panel, seconds, .. } => {
                format!(
                    "The panel {panel} did not answer within {seconds} s. It may still be working on it; this request was recorded."
                )
            }
            Self::BadBody => "Its body ended early or could not be read. Send it again.".to_owned(),
            Self::SlowBody { seconds } => {
                format!("Nothing more of its body came for {seconds} s. Send it again.")
            }
            Self::NoTunnels => "Ask for the panel's pages directly.".to_owned(),
            Self::BadUpgrade { panel } => {
                format!("The panel {panel} answered in a protocol that nobody asked for.")
            }
        }
    }

    fn log(&self) {
        match self {
            Self::Unreachable {
                panel,
                upstream,
                cause,
            } => {
                tracing::warn!(panel, upstream, cause, "the panel cannot be reached");
            }
            Self::BrokeOff {
                panel,
                upstream,
                cause,
            } => {
                tracing::warn!(
                    panel,
                    upstream,
                    cause,
                    "the panel broke off before it answered"
                );
            }
            Self::Silent {
                panel,
                upstream,
                seconds,
            } => {
                tracing::warn!(
                    panel,
                    upstream,
                    timeout_s = seconds,
                    "the panel did not answer in time"
                );
            }
            Self::BadUpgrade { panel } => {
                tracing::warn!(panel, "the panel switched protocols unasked");
            }
            Self::BadBody | Self::SlowBody { .. } | Self::NoTunnels => {}
        }
    }

    /// The response: a page for people, a problem document (RFC 9457) for programs.
    pub(crate) fn response(&self, accepts: Accepts) -> Response<Bytes> {
        self.log();
        let (kind, body) = match accepts {
            Accepts::Page => ("text/html; charset=utf-8", self.page()),
            Accepts::Document => ("application/problem+json", self.document()),
        };
        let mut response = Response::new(Bytes::from(body));
        *response.status_mut() = self.status();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(
            header::X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        );
        headers.insert(
            header::CONTENT_SECURITY_POLICY,
            HeaderValue::from_static("default-src 'none'"),
        );
        if matches!(self, Self::NoTunnels) {
            headers.insert(
                header::ALLOW,
                HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"),
            );
        }
        response
    }

    fn page(&self) -> String {
        // Every text here is ours or a panel's name, which holds no special character.
        format!(
            "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width\">\n<title>{title}</title>\n\
             <h1>{title}</h1>\n<p>{detail}</p>\n<p><small>{code}</small></p>\n</html>\n",
            title = self.title(),
            detail = self.detail(),
            code = self.code(),
        )
    }

    fn document(&self) -> String {
        serde_json::json!({
            "type": "about:blank",
            "title": self.title(),
            "status": self.status().as_u16(),
            "code": self.code(),
            "detail": self.detail(),
        })
        .to_string()
    }
}

/// What a client can read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Accepts {
    Page,
    Document,
}

impl Accepts {
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let html = headers.get(header::ACCEPT).is_some_and(|value| {
            value
                .as_bytes()
                .windows(9)
                .any(|piece| piece.eq_ignore_ascii_case(b"text/html"))
        });
        if html { Self::Page } else { Self::Document }
    }
}
