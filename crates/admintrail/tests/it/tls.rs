//! Certificates: HTTP/2 by ALPN towards browsers, TLS towards panels.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::stage::{Options, Panel, Server, admintrail, exchange, read_reply};

/// Writes a certificate for `localhost` and its key.
pub(crate) fn certificate(dir: &Path) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    std::fs::write(dir.join("cert.pem"), made.cert.pem()).unwrap();
    std::fs::write(dir.join("key.pem"), made.signing_key.serialize_pem()).unwrap();
}

pub(crate) async fn connect(to: SocketAddr, dir: &Path, protocol: &[u8]) -> TlsStream<TcpStream> {
    connect_over(TcpStream::connect(to).await.unwrap(), dir, protocol).await
}

pub(crate) async fn connect_over(
    stream: TcpStream,
    dir: &Path,
    protocol: &[u8],
) -> TlsStream<TcpStream> {
    let mut roots = rustls::RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_file(dir.join("cert.pem")).unwrap())
        .unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![protocol.to_vec()];
    let name = ServerName::try_from("localhost").unwrap();
    TlsConnector::from(Arc::new(config))
        .connect(name, stream)
        .await
        .unwrap()
}

pub(crate) fn keys(dir: &Path) -> String {
    format!("tls_cert={0}/cert.pem,tls_key={0}/key.pem", dir.display())
}

#[tokio::test]
async fn http_2_comes_in_and_http_1_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    certificate(dir.path());
    let panel = Panel::echo().await;
    let server = Server::start(&Options::with(panel.address, &keys(dir.path())));
    let stream = connect(server.panel(), dir.path(), b"h2").await;
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(b"h2".as_slice()));
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .unwrap();
    tokio::spawn(connection);
    let mut answers = Vec::new();
    for number in 0..20 {
        let request = Request::post(format!("https://localhost/items/{number}"))
            .header("cookie", "a=1")
            .header("cookie", "b=2")
            .body(Full::new(Bytes::from(format!("body {number}"))))
            .unwrap();
        answers.push(sender.send_request(request));
    }
    for (number, answer) in answers.into_iter().enumerate() {
        let answer = answer.await.unwrap();
        assert_eq!(answer.status(), 200);
        assert_eq!(
            answer.into_body().collect().await.unwrap().to_bytes(),
            format!("body {number}")
        );
    }
    let seen = panel.seen();
    assert_eq!(seen.len(), 20);
    assert_eq!(seen[0].header("host"), ["localhost"]);
    assert_eq!(seen[0].header("cookie"), ["a=1; b=2"]);
    assert_eq!(seen[0].header("x-forwarded-proto"), ["https"]);
    assert!(seen[0].line().ends_with(" HTTP/1.1"), "{}", seen[0].line());
    let events = server.events_when("method:POST", 20).await;
    assert!(
        events
            .iter()
            .all(|event| event["scheme"] == "https" && event["host"] == "localhost"),
        "{events:#?}"
    );
}

#[tokio::test]
async fn http_1_over_tls_is_framed_as_strictly() {
    let dir = tempfile::tempdir().unwrap();
    certificate(dir.path());
    let panel = Panel::fine().await;
    let server = Server::start(&Options::with(panel.address, &keys(dir.path())));
    let mut stream = connect(server.panel(), dir.path(), b"http/1.1").await;
    stream
        .write_all(b"GET /a HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .await
        .unwrap();
    assert_eq!(read_reply(&mut stream, false).await.unwrap().body, b"ok");
    stream.write_all(b"POST /b HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n").await.unwrap();
    assert_eq!(read_reply(&mut stream, false).await.unwrap().status, 400);
    assert_eq!(panel.seen().len(), 1);
    assert_eq!(server.event("method:GET").await["scheme"], "https");
    // Plain HTTP on the TLS port gets nowhere and harms nobody.
    assert!(
        exchange(server.panel(), b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            .await
            .len()
            < 64
    );
}

#[tokio::test]
async fn a_panel_with_tls_is_reached_when_its_authority_is_named() {
    let dir = tempfile::tempdir().unwrap();
    certificate(dir.path());
    // The panel is another Admintrail with a certificate.
    let inner = Panel::fine().await;
    let panel = Server::start(&Options::with(inner.address, &keys(dir.path())));
    let port = panel.panel().port();
    let mut options = Options::default();
    options.panels.push(format!(
        "name=panel,upstream=https://localhost:{port},upstream_ca={}/cert.pem",
        dir.path().display()
    ));
    let server = Server::start(&options);
    let answer = exchange(
        server.panel(),
        b"GET /over-tls HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    )
    .await;
    assert!(answer.ends_with(b"ok"), "{}", answer.escape_ascii());
    assert_eq!(server.event("").await["status"], 200);

    // Without it the certificate is a stranger's, and nothing is sent.
    let mut options = Options::default();
    options
        .panels
        .push(format!("name=panel,upstream=https://localhost:{port}"));
    if Path::new("/etc/ssl/certs/ca-certificates.crt").exists() {
        let server = Server::start(&options);
        let answer = exchange(
            server.panel(),
            b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        )
        .await;
        assert!(
            answer.starts_with(b"HTTP/1.1 502"),
            "{}",
            answer.escape_ascii()
        );
        assert!(server.log().contains("certificate"), "{}", server.log());
    }
}

#[test]
fn a_certificate_that_cannot_be_read_is_told_before_anything_starts() {
    let dir = tempfile::tempdir().unwrap();
    certificate(dir.path());
    std::fs::write(dir.path().join("empty.pem"), "").unwrap();
    let other = tempfile::tempdir().unwrap();
    certificate(other.path());
    let (ours, theirs) = (dir.path().display(), other.path().display());
    let cases = [
        (
            format!("tls_cert={ours}/missing.pem,tls_key={ours}/key.pem"),
            "missing.pem",
        ),
        (
            format!("tls_cert={ours}/empty.pem,tls_key={ours}/key.pem"),
            "holds no certificate",
        ),
        (
            format!("tls_cert={ours}/cert.pem,tls_key={ours}/empty.pem"),
            "private key",
        ),
        (
            format!("tls_cert={ours}/cert.pem,tls_key={theirs}/key.pem"),
            "do not belong together",
        ),
        (format!("tls_cert={ours}/cert.pem"), "tls_key"),
    ];
    for (keys, expected) in cases {
        let panel = format!("name=panel,upstream=http://127.0.0.1:1,listen=127.0.0.1:0,{keys}");
        let said = admintrail(&["serve", "--panel", &panel])
            .data(&dir.path().join("data"))
            .run();
        assert_eq!(said.code, 2, "{said:?}");
        assert!(said.err.contains(expected), "{keys}: {}", said.err);
    }
}

#[tokio::test]
async fn healthcheck_speaks_tls_and_asks_whether_the_server_records() {
    let dir = tempfile::tempdir().unwrap();
    certificate(dir.path());
    let options = Options {
        env: [("CERT", "cert.pem"), ("KEY", "key.pem")]
            .map(|(key, file)| {
                let path = dir.path().join(file).display().to_string();
                (format!("ADMINTRAIL_TLS_{key}"), path)
            })
            .to_vec(),
        ..Options::default()
    };
    let server = Server::start(&options);
    let said = server.command(&["healthcheck"]).run();
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.err.starts_with("Ready: "), "{said:?}");

    // A port that takes connections and speaks no TLS is not an answer.
    let deaf = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let data = tempfile::tempdir().unwrap();
    let socket = std::os::unix::net::UnixListener::bind(data.path().join("control.sock")).unwrap();
    let status = serde_json::json!({"done": {"version": "0", "pid": 1, "listen": deaf.local_addr().unwrap(), "tls": true, "failing": null, "events": 0}});
    let answering = std::thread::spawn(move || {
        use std::io::{BufRead, Write};
        let (mut stream, _) = socket.accept().unwrap();
        std::io::BufReader::new(stream.try_clone().unwrap())
            .read_line(&mut String::new())
            .unwrap();
        stream.write_all(format!("{status}\n").as_bytes()).unwrap();
        drop(deaf.accept().unwrap());
    });
    let said = admintrail(&["healthcheck"]).data(data.path()).run();
    answering.join().unwrap();
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.err.contains("does not answer"), "{said:?}");
}
