//! Threat 16: clients that say little, slowly.

use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::http2;
use crate::stage::{Options, Panel, Server, exchange, read_reply};

/// How many sockets this process may open, and half of that for idle ones.
fn idle_sockets() -> usize {
    let mut limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    limit.current = limit.maximum;
    let _ = rustix::process::setrlimit(rustix::process::Resource::Nofile, limit);
    let now = rustix::process::getrlimit(rustix::process::Resource::Nofile)
        .current
        .unwrap_or(20_000);
    usize::try_from(now)
        .unwrap()
        .saturating_sub(500)
        .min(10_000)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_idle_sockets_leave_room_for_a_real_user() {
    let panel = Panel::fine().await;
    let server = Server::start(&Options::panel(panel.address));
    let mut idle = Vec::new();
    for number in 0..idle_sockets() {
        let mut stream = TcpStream::connect(server.panel()).await.unwrap();
        if number % 2 == 0 {
            let _ = stream
                .write_all(b"GET / HTTP/1.1\r\nHost: a\r\nX-Slow: ")
                .await;
        }
        idle.push(stream);
    }
    assert!(
        idle.len() > 9_000,
        "this machine allows {} sockets only",
        idle.len()
    );
    let mut slowest = Duration::ZERO;
    for _ in 0..10 {
        let began = Instant::now();
        let answer = exchange(
            server.panel(),
            b"GET /real HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        )
        .await;
        assert!(answer.ends_with(b"ok"), "{}", answer.escape_ascii());
        slowest = slowest.max(began.elapsed());
    }
    assert!(slowest < Duration::from_secs(1), "{slowest:?}");
    server.events_when("path:/real", 10).await;
}

#[tokio::test]
async fn a_head_that_does_not_end_is_cut_off_and_a_slow_request_is_not() {
    let panel = Panel::fine().await;
    let server = Server::start(&Options::with(
        panel.address,
        "timeouts.header=2s,timeouts.idle=60s",
    ));
    let mut slow = TcpStream::connect(server.panel()).await.unwrap();
    slow.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n")
        .await
        .unwrap();
    let mut idle = TcpStream::connect(server.panel()).await.unwrap();
    let began = Instant::now();
    let mut byte = [0; 1];
    let cut = tokio::time::timeout(Duration::from_secs(15), async {
        // One byte now and then does not help.
        loop {
            if slow.write_all(b"X").await.is_err() {
                return;
            }
            match tokio::time::timeout(Duration::from_millis(300), slow.read(&mut byte)).await {
                Ok(Ok(1..)) | Err(_) => {}
                Ok(_) => return,
            }
        }
    });
    cut.await.expect("an endless head keeps its connection");
    assert!(
        began.elapsed() > Duration::from_secs(1),
        "{:?}",
        began.elapsed()
    );
    // The one that only waits may go on waiting, and is served when it speaks.
    idle.write_all(b"GET /late HTTP/1.1\r\nHost: a\r\n\r\n")
        .await
        .unwrap();
    assert_eq!(read_reply(&mut idle, false).await.unwrap().body, b"ok");
}

#[tokio::test]
async fn a_connection_without_a_request_ends_after_its_time() {
    let panel = Panel::fine().await;
    let server = Server::start(&Options::with(panel.address, "timeouts.idle=1s"));
    let mut stream = TcpStream::connect(server.panel()).await.unwrap();
    stream
        .write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        .await
        .unwrap();
    assert_eq!(read_reply(&mut stream, false).await.unwrap().status, 200);
    let mut byte = [0; 1];
    let ended = tokio::time::timeout(Duration::from_secs(10), stream.read(&mut byte)).await;
    assert!(matches!(ended, Ok(Ok(0))), "{ended:?}");
}

#[tokio::test]
async fn a_body_that_stops_coming_is_given_up_and_recorded() {
    let panel = Panel::fine().await;
    let server = Server::start(&Options::with(panel.address, "timeouts.idle=1s"));
    let mut stream = TcpStream::connect(server.panel()).await.unwrap();
    stream
        .write_all(b"POST /up HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nhalf")
        .await
        .unwrap();
    let mut byte = [0; 1];
    let ended = tokio::time::timeout(Duration::from_secs(10), stream.read(&mut byte)).await;
    assert!(matches!(ended, Ok(Ok(0) | Err(_))), "{ended:?}");
    assert_eq!(server.event("").await["ending"], "dropped");
}

#[tokio::test]
async fn at_the_limit_a_waiting_connection_makes_room_for_a_speaking_one() {
    let panel = Panel::fine().await;
    let server = Server::start(&Options::with(panel.address, "max_connections=4"));
    let mut waiting = Vec::new();
    for _ in 0..4 {
        waiting.push(TcpStream::connect(server.panel()).await.unwrap());
    }
    for _ in 0..8 {
        let answer = exchange(
            server.panel(),
            b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        )
        .await;
        assert!(answer.ends_with(b"ok"), "{}", answer.escape_ascii());
    }
}

#[tokio::test]
async fn a_refusal_that_nobody_waits_for_is_counted() {
    let panel = http2::panel().await;
    let server = Server::start(&Options::with(panel.address, "timeouts.idle=1s"));
    let mut stream = TcpStream::connect(server.panel()).await.unwrap();
    stream
        .write_all(b"GET /large HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost : a\r\n\r\n")
        .await
        .unwrap();
    // Nothing is read, so the server ends the connection before it could answer the second.
    http2::counted(&server, 1).await;
    assert_eq!(server.event("path:/large").await["ending"], "dropped");
}
