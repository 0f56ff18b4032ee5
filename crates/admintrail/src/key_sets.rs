//! Keys of identity providers, fetched and kept fresh.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use http::header::{ACCEPT, HOST, USER_AGENT};
use http::{Request, StatusCode, Uri};
use http_body_util::{BodyExt, Empty, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::config::KeySetAddress;
use crate::proxy::tls;
use crate::stop::Stop;

/// How often keys are fetched anyway.
const EVERY: Duration = Duration::from_secs(10 * 60);
/// A token with an unknown key makes us ask again, not more often than this.
const AT_MOST_EVERY: Duration = Duration::from_secs(30);
/// After a failure, doubled each time up to [`EVERY`].
const RETRY: Duration = Duration::from_secs(2);
/// The whole exchange.
const PATIENCE: Duration = Duration::from_secs(10);
/// Largest set of keys.
const MAX_BYTES: usize = 1024 * 1024;

/// Fetches the keys now, regularly, and when a token names one that is not there.
pub(crate) async fn keep_fresh(panel: String, address: KeySetAddress, mut stop: Stop) {
    let mut pause = RETRY;
    loop {
        let fetched = tokio::select! {
            fetched = fetch(&address.uri) => fetched,
            () = stop.told() => return,
        };
        let taken = fetched.and_then(|set| Ok(address.verifier.replace(&set)?));
        let wait = match taken {
            Ok(()) => {
                pause = RETRY;
                AT_MOST_EVERY
            }
            Err(error) => {
                let (jwks, cause) = (&address.uri, format!("{error:#}"));
                tracing::warn!(panel, %jwks, cause, "the identity provider's keys cannot be fetched; tokens of new keys name nobody until they can");
                let wait = pause;
                pause = (pause * 2).min(EVERY);
                wait
            }
        };
        let asked = async {
            tokio::time::sleep(wait).await;
            if pause == RETRY {
                let _ = tokio::time::timeout(EVERY - wait, address.verifier.key_is_missing()).await;
            }
        };
        tokio::select! {
            () = asked => {}
            () = stop.told() => return,
        }
    }
}

async fn fetch(uri: &Uri) -> Result<Bytes> {
    let answer = tokio::time::timeout(PATIENCE, ask(uri)).await;
    answer.context("no answer in time")?
}

async fn ask(uri: &Uri) -> Result<Bytes> {
    let authority = uri.authority().context("the address names no host")?;
    let host = authority.host().trim_matches(['[', ']']).to_owned();
    let secure = uri.scheme_str() == Some("https");
    let port = authority
        .port_u16()
        .unwrap_or(if secure { 443 } else { 80 });
    let stream = TcpStream::connect((host.as_str(), port)).await?;
    if secure {
        let config = tls::client(None).map_err(io::Error::other)?;
        let name = ServerName::try_from(host)?;
        let stream = TlsConnector::from(Arc::clone(&config))
            .connect(name, stream)
            .await?;
        return exchange(stream, uri).await;
    }
    exchange(stream, uri).await
}

async fn exchange<S>(stream: S, uri: &Uri) -> Result<Bytes>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    let request = Request::get(path)
        .header(HOST, authority)
        .header(ACCEPT, "application/jwk-set+json, application/json")
        .header(
            USER_AGENT,
            concat!("admintrail/", env!("CARGO_PKG_VERSION")),
        )
        .body(Empty::<Bytes>::new())?;
    let answered = async {
        let response = sender.send_request(request).await?;
        // A redirect could lead anywhere; the address is the operator's.
        if response.status() != StatusCode::OK {
            bail!("it answers {}", response.status());
        }
        let body = Limited::new(response.into_body(), MAX_BYTES)
            .collect()
            .await;
        let body = body.map_err(|error| anyhow::anyhow!("its answer broke off: {error}"))?;
        Ok(body.to_bytes())
    };
    tokio::pin!(answered);
    tokio::select! {
        answer = &mut answered => answer,
        ended = connection => {
            ended?;
            // What came before the end is still to be read.
            answered.await
        }
    }
}
