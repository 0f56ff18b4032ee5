//! Threats 16 and 17 over HTTP/2, where one connection carries many requests.

use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Empty, StreamBody};
use hyper::body::Incoming;
use hyper::client::conn::http2::SendRequest;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::AsyncWriteExt;

use crate::stage::{Options, Panel, Server, until};
use crate::tls::{certificate, connect, keys};

type Body = BoxBody<Bytes, std::io::Error>;

const ENDLESS: usize = 16 << 20;

/// Answers `/large` with more than any window holds, everything else with `ok`.
pub(crate) async fn panel() -> Panel {
    Panel::answers(|seen, stream| {
        Box::pin(async move {
            let mut stream = stream.lock().await;
            let body = if seen.target() == b"/large" {
                vec![b'x'; ENDLESS]
            } else {
                b"ok".to_vec()
            };
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
            stream.write_all(head.as_bytes()).await.is_ok() && stream.write_all(&body).await.is_ok()
        })
    })
    .await
}

async fn client(server: &Server, dir: &Path) -> SendRequest<Body> {
    let stream = connect(server.panel(), dir, b"h2").await;
    let (sender, connection) = hyper::client::conn::http2::Builder::new(TokioExecutor::new())
        .initial_stream_window_size(65_535)
        .max_header_list_size(1 << 20)
        .handshake(TokioIo::new(stream))
        .await
        .unwrap();
    tokio::spawn(connection);
    sender
}

fn nothing() -> Body {
    Empty::new().map_err(|never| match never {}).boxed()
}

async fn get(sender: &mut SendRequest<Body>, path: &str) -> hyper::Result<Response<Incoming>> {
    let request = Request::get(format!("https://localhost{path}"))
        .body(nothing())
        .unwrap();
    sender.send_request(request).await
}

#[tokio::test]
async fn a_stream_that_nobody_reads_ends_alone() {
    let dir = tempfile::tempdir().unwrap();
    certificate(dir.path());
    let panel = panel().await;
    let options = format!("timeouts.idle=1s,{}", keys(dir.path()));
    let server = Server::start(&Options::with(panel.address, &options));
    let mut sender = client(&server, dir.path()).await;
    let unread = get(&mut sender, "/large").await.unwrap();
    let event = until("the stalled stream is on record", || async {
        server.events("path:/large").pop()
    })
    .await;
    assert_eq!(event["ending"], "dropped", "{event:#}");
    // The others on its connection go on.
    let other = get(&mut sender, "/other").await.unwrap();
    assert_eq!(other.into_body().collect().await.unwrap().to_bytes(), "ok");
    assert!(unread.into_body().collect().await.is_err());
}

#[tokio::test]
async fn a_stream_that_is_read_slowly_but_steadily_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    certificate(dir.path());
    let panel = panel().await;
    let options = format!("timeouts.idle=2s,{}", keys(dir.path()));
    let server = Server::start(&Options::with(panel.address, &options));
    let mut sender = client(&server, dir.path()).await;
    let mut body = get(&mut sender, "/large").await.unwrap().into_body();
    let (mut read, mut pauses) = (0, 0);
    while let Some(frame) = body.frame().await {
        read += frame.unwrap().data_ref().map_or(0, Bytes::len);
        if read > pauses * 100_000 && pauses < 16 {
            pauses += 1;
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
    }
    assert_eq!(read, ENDLESS);
}

#[tokio::test]
async fn a_body_that_stops_coming_is_the_clients_fault_and_not_the_panels() {
    let dir = tempfile::tempdir().unwrap();
    certificate(dir.path());
    let panel = panel().await;
    let options = format!("timeouts.response=1s,{}", keys(dir.path()));
    let server = Server::start(&Options::with(panel.address, &options));
    let mut sender = client(&server, dir.path()).await;
    let half = futures_util::stream::iter([Ok(http_body::Frame::data(Bytes::from("half")))]);
    let body = StreamBody::new(futures_util::StreamExt::chain(
        half,
        futures_util::stream::pending(),
    ));
    let request = Request::post("https://localhost/up")
        .header("content-length", "100")
        .body(BodyExt::boxed(body))
        .unwrap();
    let answer = sender.send_request(request).await.unwrap();
    assert_eq!(answer.status(), 408);
    let event = server.event("path:/up").await;
    assert_eq!(event["outcome"], "failed", "{event:#}");
}

#[tokio::test]
async fn what_http_2_refuses_is_counted() {
    let dir = tempfile::tempdir().unwrap();
    certificate(dir.path());
    let panel = panel().await;
    let server = Server::start(&Options::with(panel.address, &keys(dir.path())));
    let mut sender = client(&server, dir.path()).await;
    too_large(&mut sender).await;
    drop(sender);
    // Frames that make no sense end the connection.
    let mut stream = connect(server.panel(), dir.path(), b"h2").await;
    stream
        .write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\x05\x04\0\0\0\0\0\xff\xff\xff\xff\xff")
        .await
        .unwrap();
    counted(&server, 2).await;
    assert!(panel.seen().is_empty());
}

/// Waits until so many refused requests are on record.
pub(crate) async fn counted(server: &Server, refused: u64) {
    until("what was refused is counted", || async {
        let gaps = server.events("kind:gap");
        let sum: u64 = gaps.iter().map(|gap| gap["count"].as_u64().unwrap()).sum();
        (sum == refused).then_some(())
    })
    .await;
}

/// Asks for what is refused with 431.
async fn too_large(sender: &mut SendRequest<Body>) {
    let request = Request::get("https://localhost/large-head")
        .header("x-large", "x".repeat(100 * 1024))
        .body(nothing())
        .unwrap();
    if let Ok(answer) = sender.send_request(request).await {
        assert_eq!(answer.status(), 431);
    }
}

#[tokio::test]
async fn what_http_2_refused_is_counted_while_the_client_stays() {
    let dir = tempfile::tempdir().unwrap();
    certificate(dir.path());
    let panel = panel().await;
    let server = Server::start(&Options::with(panel.address, &keys(dir.path())));
    let mut sender = client(&server, dir.path()).await;
    too_large(&mut sender).await;
    counted(&server, 1).await;
    assert!(!sender.is_closed());
}

#[tokio::test]
async fn what_http_2_refused_is_counted_when_the_server_ends_the_connection() {
    let dir = tempfile::tempdir().unwrap();
    certificate(dir.path());
    let panel = panel().await;
    let options = format!("timeouts.idle=1s,{}", keys(dir.path()));
    let server = Server::start(&Options::with(panel.address, &options));
    let mut sender = client(&server, dir.path()).await;
    too_large(&mut sender).await;
    until("the silent connection is ended", || async {
        sender.is_closed().then_some(())
    })
    .await;
    counted(&server, 1).await;
}
