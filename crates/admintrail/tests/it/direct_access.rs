//! Whether a panel answers around Admintrail, as the running server finds out and tells it.

use std::net::{IpAddr, SocketAddr, UdpSocket};

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

use crate::stage::{Options, Panel, Server, exchange, until};

/// This machine's address as others see it. Nothing is sent.
fn own_address() -> Option<IpAddr> {
    let socket = UdpSocket::bind("0.0.0.0:0").ok()?;
    socket.connect("192.0.2.1:9").ok()?;
    let address = socket.local_addr().ok()?.ip();
    (!address.is_loopback() && !address.is_unspecified()).then_some(address)
}

/// A panel that answers everybody, on this address.
async fn panel(at: &str) -> SocketAddr {
    let listener = TcpListener::bind(at).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                if matches!(stream.read(&mut [0; 4096]).await, Ok(1..)) {
                    let reply =
                        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
                    let _ = stream.write_all(reply).await;
                }
            });
        }
    });
    SocketAddr::from(([127, 0, 0, 1], port))
}

/// Passes connections on to whoever is told later.
async fn front() -> (SocketAddr, tokio::sync::watch::Sender<Option<SocketAddr>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (tell, told) = tokio::sync::watch::channel(None);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut told = told.clone();
            tokio::spawn(async move {
                let to = told.wait_for(Option::is_some).await.unwrap().unwrap();
                let mut onward = TcpStream::connect(to).await.unwrap();
                let _ = copy_bidirectional(&mut stream, &mut onward).await;
            });
        }
    });
    (address, tell)
}

async fn get(server: &Server, path: &str, headers: &str) -> String {
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\n{headers}Connection: close\r\n\r\n");
    String::from_utf8_lossy(&exchange(server.pages, request.as_bytes()).await).into_owned()
}

/// What `/readyz` says once the first check is over.
async fn told(server: &Server, expected: &str) {
    until(&format!("direct access is {expected}"), || async {
        let answer = get(server, "/readyz", "").await;
        let body = answer.split("\r\n\r\n").nth(1)?.to_owned();
        let body: Value =
            serde_json::from_str(body.lines().find(|line| line.starts_with('{'))?).ok()?;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        (body["status"] == "ready" && body["direct_access"] == expected).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_panel_on_every_address_is_told_and_one_on_loopback_is_closed() {
    let Some(own) = own_address() else {
        eprintln!("this machine has no address but loopback; probe/tests.rs holds the rest");
        return;
    };
    let everywhere = panel("0.0.0.0:0").await;
    let server = Server::start(&Options::panel(everywhere));
    told(&server, "open").await;
    let log = server.log();
    assert!(log.contains("direct access: OPEN"), "{log}");
    assert!(
        log.contains(&format!("{own}:{}", everywhere.port()))
            || log.contains(&format!(":{}", everywhere.port())),
        "{log}"
    );
    let token = server.token("reader", "read");
    let metrics = get(
        &server,
        "/metrics",
        &format!("Authorization: Bearer {token}\r\n"),
    )
    .await;
    let line = "admintrail_direct_access{panel=\"panel\",state=\"open\"} 1";
    assert!(metrics.contains(line), "{metrics}");
    assert!(server.events("").is_empty(), "a check is nobody's request");

    let loopback = Panel::fine().await;
    let server = Server::start(&Options::panel(loopback.address));
    told(&server, "closed").await;
    assert!(loopback.seen().is_empty(), "it was asked nothing");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_can_be_switched_off() {
    let everywhere = panel("0.0.0.0:0").await;
    let server = Server::start(&Options::with(everywhere, "direct_check=off"));
    told(&server, "unchecked").await;
    assert!(!server.log().contains("direct access"), "{}", server.log());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_public_address_that_leads_through_is_closed_and_leaves_one_marked_event() {
    let loopback = Panel::fine().await;
    let (public, tell) = front().await;
    let keys = format!("public_url=http://{public}/login");
    let server = Server::start(&Options::with(loopback.address, &keys));
    tell.send(Some(server.panel())).unwrap();
    told(&server, "closed").await;
    let event = server.event("").await;
    assert_eq!(event["action"], "Checked direct access");
    assert_eq!(event["admin"], Value::Null);
    assert_eq!(event["outcome"], "success");
    assert_eq!(event["polling"], true);
    let agent = event["user_agent"].as_str().unwrap();
    assert!(agent.ends_with("(direct access check)"), "{agent}");
    assert!(loopback.seen().is_empty(), "the panel is not bothered");

    // Whoever pretends to be a check is a visitor like all others.
    let forged = "GET /clients HTTP/1.1\r\nHost: x\r\nAdmintrail-Probe: 0123456789abcdef0123456789abcdef\r\n\
                  User-Agent: Admintrail/1 (direct access check)\r\nConnection: close\r\n\r\n";
    exchange(server.panel(), forged.as_bytes()).await;
    let event = server.event("path:/clients").await;
    assert_ne!(event["action"], "Checked direct access");
    assert_ne!(event["polling"], true);
    assert_eq!(loopback.only().line(), "GET /clients HTTP/1.1");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_public_address_that_leads_past_it_is_open() {
    let loopback = panel("127.0.0.1:0").await;
    let (public, tell) = front().await;
    tell.send(Some(loopback)).unwrap();
    let keys = format!("direct_check=public,public_url=http://{public}/login");
    let server = Server::start(&Options::with(loopback, &keys));
    told(&server, "open").await;
    assert!(server.events("").is_empty());
}
