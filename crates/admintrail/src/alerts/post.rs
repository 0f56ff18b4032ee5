//! One POST to an address that the operator named, and to nobody else.
//!
//! The address is resolved once, judged, and connected to as it was judged: a name that points
//! into this machine's own network, now or a moment later, reaches nothing there unless that is
//! allowed. Redirects are not followed.

use std::net::SocketAddr;
use std::time::Duration;

use admintrail_web::anchors::check::is_public;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST, USER_AGENT};
use http::{HeaderName, HeaderValue, Request, StatusCode};
use http_body_util::Full;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::config::Webhook;
use crate::proxy::tls;

/// From looking the name up to the head of the answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// Posts; says why it could not. What it says names no path: that may be a secret.
pub(super) async fn json(
    webhook: &Webhook,
    headers: Vec<(HeaderName, HeaderValue)>,
    body: Bytes,
) -> Result<(), String> {
    tokio::time::timeout(PATIENCE, ask(webhook, headers, body))
        .await
        .map_err(|_| format!("no answer within {} s", PATIENCE.as_secs()))?
}

async fn ask(
    webhook: &Webhook,
    headers: Vec<(HeaderName, HeaderValue)>,
    body: Bytes,
) -> Result<(), String> {
    let uri = &webhook.address.0;
    let authority = uri.authority().ok_or("the address names no host")?;
    let host = authority.host().trim_matches(['[', ']']).to_owned();
    let secure = uri.scheme_str() == Some("https");
    let port = authority
        .port_u16()
        .unwrap_or(if secure { 443 } else { 80 });
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let mut request = Request::post(path)
        .header(HOST, authority.as_str())
        .header(CONTENT_TYPE, "application/json")
        .header(
            USER_AGENT,
            concat!("admintrail/", env!("CARGO_PKG_VERSION")),
        )
        .body(Full::new(body))
        .map_err(|error| error.to_string())?;
    request.headers_mut().extend(headers);

    let stream = connect(&host, port, webhook).await?;
    let status = if secure {
        let config = tls::client(None)?;
        let name = ServerName::try_from(host).map_err(|error| error.to_string())?;
        let stream = TlsConnector::from(config)
            .connect(name, stream)
            .await
            .map_err(|error| format!("no TLS: {error}"))?;
        exchange(stream, request).await?
    } else {
        exchange(stream, request).await?
    };
    if status.is_success() {
        Ok(())
    } else if status.is_redirection() {
        Err(format!(
            "it answers {status}; redirects are not followed, so name the place itself"
        ))
    } else {
        Err(format!("it answers {status}"))
    }
}

async fn connect(host: &str, port: u16, webhook: &Webhook) -> Result<TcpStream, String> {
    let (private, allowed_by) = (webhook.private, webhook.private_key);
    let found = tokio::net::lookup_host((host, port))
        .await
        .map_err(|error| format!("{host} cannot be found: {error}"))?;
    let (may, kept_off): (Vec<SocketAddr>, Vec<SocketAddr>) =
        found.partition(|address| private || is_public(address.ip()));
    if let (true, Some(address)) = (may.is_empty(), kept_off.first()) {
        return Err(format!(
            "{host} is {}, in this machine's own network; {allowed_by} = \"any\" allows that",
            address.ip()
        ));
    }
    TcpStream::connect(may.as_slice())
        .await
        .map_err(|error| format!("{host}:{port} cannot be reached: {error}"))
}

async fn exchange<S>(stream: S, request: Request<Full<Bytes>>) -> Result<StatusCode, String>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let broken = |error: hyper::Error| format!("the connection broke off: {error}");
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
        .await
        .map_err(broken)?;
    let answered = sender.send_request(request);
    tokio::pin!(answered);
    let response = tokio::select! {
        answer = &mut answered => answer,
        ended = connection => {
            ended.map_err(broken)?;
            // What came before the end is still to be read.
            answered.await
        }
    };
    // Whatever it says beyond its status is of no use.
    Ok(response.map_err(broken)?.status())
}
