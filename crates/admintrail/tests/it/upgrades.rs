//! Threat 20: WebSocket and other upgrades.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio_tungstenite::tungstenite::Message;

use crate::stage::{Options, Panel, Server, exchange, read_reply};

#[tokio::test]
async fn a_websocket_passes_and_both_ends_are_recorded() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                let Ok(mut socket) = tokio_tungstenite::accept_async(stream).await else {
                    return;
                };
                while let Some(Ok(message)) = socket.next().await {
                    if (message.is_text() || message.is_binary())
                        && socket.send(message).await.is_err()
                    {
                        return;
                    }
                }
            });
        }
    });
    let server = Server::start(&Options::panel(address));
    let (mut socket, response) =
        tokio_tungstenite::connect_async(format!("ws://{}/live?room=1", server.panel()))
            .await
            .unwrap();
    assert_eq!(response.status(), 101);
    for number in 0..50 {
        socket
            .send(Message::text(format!("message {number}")))
            .await
            .unwrap();
        assert_eq!(
            socket.next().await.unwrap().unwrap(),
            Message::text(format!("message {number}"))
        );
    }
    let bytes: Vec<u8> = (0..=255).cycle().take(200_000).collect();
    socket.send(Message::binary(bytes.clone())).await.unwrap();
    assert_eq!(
        socket.next().await.unwrap().unwrap(),
        Message::binary(bytes)
    );
    assert_eq!(server.event("path:/live").await["status"], 101);
    socket.close(None).await.unwrap();
    while socket.next().await.is_some() {}
    let events = server.events_when("path:/live", 2).await;
    assert!(
        events
            .iter()
            .any(|event| event["action"].as_str().unwrap().contains("closed")),
        "{events:#?}"
    );
    let end = &events[0];
    assert!(
        end["request_bytes"].as_u64().unwrap() > 200_000
            && end["response_bytes"].as_u64().unwrap() > 200_000,
        "{end}"
    );
    assert!(end["duration_us"].as_u64().is_some());
}

#[tokio::test]
async fn bytes_sent_early_reach_the_panel_after_its_101_and_not_before() {
    let agree = Arc::new(Notify::new());
    let told = Arc::clone(&agree);
    let (heard, mut hears) = tokio::sync::mpsc::unbounded_channel::<Vec<u8>>();
    let panel = Panel::answers(move |seen, stream| {
        let (told, heard) = (Arc::clone(&told), heard.clone());
        Box::pin(async move {
            assert_eq!(seen.header("upgrade"), ["tin-can"]);
            assert_eq!(seen.header("connection"), ["upgrade"]);
            let mut stream = stream.lock().await;
            let mut early = [0; 64];
            let waited = tokio::time::timeout(Duration::from_millis(200), stream.read(&mut early)).await;
            heard.send(if waited.is_err() { b"nothing early".to_vec() } else { early.to_vec() }).unwrap();
            told.notified().await;
            stream
                .write_all(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: tin-can\r\n\r\nfrom the panel")
                .await
                .unwrap();
            let mut all = Vec::new();
            let _ = stream.read_to_end(&mut all).await;
            heard.send(all).unwrap();
            false
        })
    })
    .await;
    let server = Server::start(&Options::panel(panel.address));
    let mut stream = TcpStream::connect(server.panel()).await.unwrap();
    let early = b"\n\x00GET / HTTP/1.1\r\nContent-Length: 1\r\n";
    let request =
        b"GET /tin HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: tin-can\r\n\r\n";
    stream
        .write_all(&[request.as_slice(), early].concat())
        .await
        .unwrap();
    assert_eq!(hears.recv().await.unwrap(), b"nothing early");
    agree.notify_one();
    let reply = read_reply(&mut stream, false).await.unwrap();
    assert_eq!(
        (reply.status, reply.header("upgrade")),
        (101, vec!["tin-can"])
    );
    let mut first = [0; 14];
    stream.read_exact(&mut first).await.unwrap();
    assert_eq!(&first, b"from the panel");
    stream.write_all(b" and later").await.unwrap();
    stream.shutdown().await.unwrap();
    assert_eq!(
        hears.recv().await.unwrap(),
        [early.as_slice(), b" and later"].concat()
    );
    server.events_when("path:/tin", 2).await;
}

#[tokio::test]
async fn an_upgrade_that_the_panel_declines_is_an_ordinary_answer() {
    let panel = Panel::says(b"HTTP/1.1 426 Upgrade Required\r\nContent-Length: 2\r\n\r\nno").await;
    let server = Server::start(&Options::panel(panel.address));
    let answer = exchange(
        server.panel(),
        b"GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
    )
    .await;
    assert!(
        answer.starts_with(b"HTTP/1.1 426") && answer.ends_with(b"no"),
        "{}",
        answer.escape_ascii()
    );
    assert_eq!(server.event("").await["status"], 426);
}

#[tokio::test]
async fn a_panel_that_switches_unasked_is_not_followed() {
    let panel = Panel::says(
        b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n",
    )
    .await;
    let server = Server::start(&Options::panel(panel.address));
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
    assert_eq!(server.event("").await["status"], 502);
}

#[tokio::test]
async fn a_tunnel_that_breaks_is_recorded_with_what_passed() {
    let panel = Panel::answers(|_, stream| {
        Box::pin(async move {
            let mut stream = stream.lock().await;
            stream.write_all(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n").await.unwrap();
            let mut all = Vec::new();
            let _ = stream.read_to_end(&mut all).await;
            false
        })
    })
    .await;
    let mut server = Server::start(&Options::panel(panel.address));
    let open = || async {
        let mut stream = TcpStream::connect(server.panel()).await.unwrap();
        stream
            .write_all(b"GET /t HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n")
            .await
            .unwrap();
        assert_eq!(read_reply(&mut stream, false).await.unwrap().status, 101);
        stream.write_all(b"12345").await.unwrap();
        stream
    };
    drop(open().await);
    let events = server.events_when("path:/t", 2).await;
    assert_eq!(events[0]["request_bytes"], 5, "{events:#?}");

    // The server's own stop ends tunnels in order and records them.
    let kept = open().await;
    server.events_when("path:/t", 3).await;
    assert_eq!(server.stop(), 0);
    drop(kept);
    assert_eq!(server.events("path:/t").len(), 4);
}
