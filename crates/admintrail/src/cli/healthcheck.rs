//! `admintrail healthcheck`

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, SignatureScheme};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};

use super::{Global, Outcome, output, server_or_folder};
use crate::control_socket::{Ask, Client, Status};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Most bytes of an answer that are read.
const LONGEST: u64 = 64 * 1024;

pub(super) fn run(global: &Global) -> Outcome {
    let dir = global.data_folder()?;
    let Some(mut client) = Client::connect(&dir)? else {
        return Err(anyhow::anyhow!("no server runs on {}", dir.display()).into());
    };
    let status: Status = server_or_folder::taken(client.ask(&Ask::Status)??)?;
    if let Some(cause) = status.failing {
        return Err(anyhow::anyhow!("nothing can be recorded: {cause}").into());
    }
    ready(&status)?;
    output::say(&format!(
        "Ready: version {}, process {}, {} events",
        status.version, status.pid, status.events
    ));
    Ok(())
}

/// Asks `/readyz` of the pages, as whoever watches them from outside would: that they answer, and
/// that both the trail and the recorder take what comes.
fn ready(status: &Status) -> Result<()> {
    let mut address = status.listen;
    if address.ip().is_unspecified() {
        address.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
    }
    let no_answer = || format!("{address} does not answer");
    let stream = TcpStream::connect_timeout(&address, PATIENCE).with_context(no_answer)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let answer = if status.tls {
        let connection = ClientConnection::new(Arc::new(tls()?), ServerName::from(address.ip()))?;
        ask(rustls::StreamOwned::new(connection, stream), address)
    } else {
        ask(stream, address)
    };
    judge(&answer.with_context(no_answer)?)
        .with_context(|| format!("{address}/readyz says that the server is not ready"))
}

/// The whole answer.
fn ask(mut stream: impl Read + Write, address: SocketAddr) -> io::Result<String> {
    write!(
        stream,
        "GET /readyz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
    )?;
    stream.flush()?;
    let mut answer = Vec::new();
    match stream.take(LONGEST).read_to_end(&mut answer) {
        // TLS without its closing words, after the answer.
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof && !answer.is_empty() => {}
        Err(error) => return Err(error),
        Ok(_) => {}
    }
    if answer.is_empty() {
        let closed = "the connection was closed without a word";
        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, closed));
    }
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

fn judge(answer: &str) -> Result<()> {
    if answer.starts_with("HTTP/1.1 200") {
        return Ok(());
    }
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((answer, ""));
    let status = head.lines().next().unwrap_or_default();
    bail!("{status} {}", body.trim())
}

fn tls() -> Result<ClientConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    Ok(ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(AnyCertificate(provider)))
        .with_no_client_auth())
}

/// Takes any certificate. The address came from the server itself, through a socket that only its
/// user can open; nothing secret is sent there; and a certificate is for the name by which others
/// reach it, not for this address.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls12_signature(message, cert, dss, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls13_signature(message, cert, dss, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
