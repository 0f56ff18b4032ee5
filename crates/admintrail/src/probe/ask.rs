//! One request of a check.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{AGE, CACHE_CONTROL, CONNECTION, HOST, LOCATION, USER_AGENT};
use http::{HeaderValue, Request, StatusCode};
use http_body_util::Empty;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::beacon::HEADER;

/// A connection.
const CONNECT: Duration = Duration::from_secs(3);

/// From there to the answer's head.
const ANSWER: Duration = Duration::from_secs(10);

/// What the check is in the panel's own log, and in ours.
const AGENT: &str = concat!(
    "Admintrail/",
    env!("CARGO_PKG_VERSION"),
    " (direct access check)"
);

/// What is asked for.
pub(super) struct Question<'a> {
    /// Host and port, as `Host` says it.
    pub(super) host: &'a str,
    pub(super) path: &'a str,
    /// The host that a certificate has to name.
    pub(super) server: &'a str,
    /// How to speak TLS, if at all.
    pub(super) tls: Option<&'a Arc<rustls::ClientConfig>>,
    /// Whether the panel is to think that it was asked by https.
    pub(super) claims_https: bool,
}

/// What the panel's own address and the way around have in common if they are one panel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    /// Where it leads, without scheme and host.
    pub(super) leads_to: Option<String>,
    /// It was kept by somebody on the way.
    pub(super) is_old: bool,
}

/// The first of these addresses where somebody takes connections.
pub(super) async fn connects(to: &[SocketAddr]) -> Option<TcpStream> {
    for address in to {
        let connecting = tokio::time::timeout(CONNECT, TcpStream::connect(address));
        if let Ok(Ok(stream)) = connecting.await {
            return Some(stream);
        }
    }
    None
}

/// Asks for a head, without any credential.
pub(super) async fn ask(
    stream: TcpStream,
    question: &Question<'_>,
    word: Option<&str>,
) -> Result<Answer, String> {
    let asked = async {
        let Some(tls) = question.tls else {
            return exchange(stream, question, word).await;
        };
        let name = ServerName::try_from(question.server.to_owned());
        let name = name.map_err(|error| error.to_string())?;
        let stream = TlsConnector::from(Arc::clone(tls)).connect(name, stream);
        let stream = stream.await.map_err(|error| error.to_string())?;
        exchange(stream, question, word).await
    };
    let answered = tokio::time::timeout(ANSWER, asked).await;
    answered.map_err(|_| "no answer in time".to_owned())?
}

async fn exchange<S>(
    stream: S,
    question: &Question<'_>,
    word: Option<&str>,
) -> Result<Answer, String>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let handshake = http1::handshake(TokioIo::new(stream)).await;
    let (mut sender, connection) = handshake.map_err(|error| error.to_string())?;
    let mut request = Request::head(question.path)
        .header(HOST, question.host)
        .header(USER_AGENT, AGENT)
        .header(CACHE_CONTROL, "no-cache")
        .header(CONNECTION, "close");
    if let Some(word) = word {
        request = request.header(HEADER, word);
    }
    if question.claims_https {
        request = request.header("x-forwarded-proto", "https");
    }
    let request = request.body(Empty::<Bytes>::new());
    let request = request.map_err(|error| error.to_string())?;
    let sending = sender.send_request(request);
    tokio::pin!(sending);
    let response = tokio::select! {
        response = &mut sending => response,
        // What came before the end is still to be read.
        _ = connection => sending.await,
    };
    let response = response.map_err(|error| error.to_string())?;
    let headers = response.headers();
    let is_old = |age: &HeaderValue| age != "0";
    Ok(Answer {
        status: response.status(),
        leads_to: headers.get(LOCATION).map(leads_to),
        is_old: headers.get(AGE).is_some_and(is_old),
    })
}

/// The path of a redirect: the same panel may name itself by several hosts.
fn leads_to(location: &HeaderValue) -> String {
    let location = String::from_utf8_lossy(location.as_bytes());
    let path = location.split_once("://").map(|(_, rest)| {
        let at = rest.find('/').unwrap_or(rest.len());
        rest.get(at..).unwrap_or_default().to_owned()
    });
    let path = path.unwrap_or_else(|| location.into_owned());
    path.split(['?', '#']).next().unwrap_or_default().to_owned()
}
