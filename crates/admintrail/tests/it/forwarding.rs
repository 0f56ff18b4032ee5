//! What goes to the panel and what comes back.

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::stage::{Options, Panel, Server, exchange, read_reply};

#[tokio::test]
async fn a_request_is_recorded_and_answered() {
    let panel = Panel::fine().await;
    let server = Server::start(&Options::panel(panel.address));
    let answer = exchange(
        server.panel(),
        b"GET /customers?page=2 HTTP/1.1\r\nHost: panel.example\r\nConnection: close\r\n\r\n",
    )
    .await;
    assert!(
        answer.starts_with(b"HTTP/1.1 200 OK\r\n") && answer.ends_with(b"\r\n\r\nok"),
        "{}",
        answer.escape_ascii()
    );
    let event = server.event("").await;
    assert_eq!(
        (
            event["method"].as_str(),
            event["path"].as_str(),
            event["query"].as_str(),
            event["status"].as_u64(),
            event["outcome"].as_str()
        ),
        (
            Some("GET"),
            Some("/customers"),
            Some("page=2"),
            Some(200),
            Some("success")
        )
    );
    assert_eq!(
        (event["ip"].as_str(), event["host"].as_str()),
        (Some("127.0.0.1"), Some("panel.example"))
    );
    assert_eq!(
        (event["response_bytes"].as_u64(), event["ending"].as_str()),
        (Some(2), Some("complete"))
    );
}

#[tokio::test]
async fn host_passes_and_hop_by_hop_headers_do_not() {
    let panel = Panel::fine().await;
    let server = Server::start(&Options::panel(panel.address));
    exchange(
        server.panel(),
        b"GET / HTTP/1.1\r\nHost: panel.example:8443\r\nConnection: close, X-Only-Here\r\nX-Only-Here: 1\r\nKeep-Alive: timeout=5\r\n\
          Proxy-Connection: keep-alive\r\nTE: trailers, deflate\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\nX-Kept: yes\r\n\
          X-Forwarded-For: 1.2.3.4\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: evil.example\r\nForwarded: for=1.2.3.4\r\n\r\n",
    )
    .await;
    let seen = panel.only();
    assert_eq!(seen.header("host"), ["panel.example:8443"]);
    assert_eq!(seen.header("x-kept"), ["yes"]);
    for gone in [
        "x-only-here",
        "keep-alive",
        "proxy-connection",
        "upgrade",
        "http2-settings",
        "forwarded",
    ] {
        assert!(seen.header(gone).is_empty(), "{gone}: {}", seen.text());
    }
    // Trailers are asked for anew, on this hop.
    assert_eq!(
        (seen.header("te"), seen.header("connection")),
        (vec!["trailers".to_owned()], vec!["te".to_owned()])
    );
    assert_eq!(seen.header("x-forwarded-for"), ["127.0.0.1"]);
    assert_eq!(seen.header("x-forwarded-proto"), ["http"]);
    assert_eq!(seen.header("x-forwarded-host"), ["panel.example:8443"]);
}

#[tokio::test]
async fn a_request_without_a_host_reaches_the_panel_under_the_panels_own() {
    let panel = Panel::fine().await;
    let server = Server::start(&Options::panel(panel.address));
    exchange(server.panel(), b"GET /old HTTP/1.0\r\n\r\n").await;
    let seen = panel.only();
    assert_eq!(seen.header("host"), [panel.address.to_string()]);
    assert!(
        seen.header("x-forwarded-host").is_empty(),
        "the client named none: {}",
        seen.text()
    );
}

#[tokio::test]
async fn a_panel_that_reads_x_real_ip_reads_the_address_on_record() {
    for (keys, forwarded, told) in [
        ("", "", "127.0.0.1"),
        ("", "X-Forwarded-For: 198.51.100.7\r\n", "127.0.0.1"),
        (
            "trusted_proxies=127.0.0.0/8",
            "X-Forwarded-For: 198.51.100.7\r\n",
            "198.51.100.7",
        ),
    ] {
        let panel = Panel::fine().await;
        let server = Server::start(&Options::with(panel.address, keys));
        let request = format!(
            "GET / HTTP/1.1\r\nHost: a\r\nX-Real-IP: 10.66.66.66\r\nx-real-ip: 10.66.66.67\r\n\
             {forwarded}Connection: close\r\n\r\n"
        );
        exchange(server.panel(), request.as_bytes()).await;
        assert_eq!(panel.only().header("x-real-ip"), [told], "{keys}");
        assert_eq!(server.event("").await["ip"], told, "{keys}");
    }
}

#[tokio::test]
async fn a_trusted_proxy_is_believed_and_recorded() {
    let panel = Panel::fine().await;
    let server = Server::start(&Options::with(panel.address, "trusted_proxies=127.0.0.0/8"));
    exchange(
        server.panel(),
        b"GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 10.9.9.9, 198.51.100.7\r\nX-Forwarded-Proto: https\r\nConnection: close\r\n\r\n",
    )
    .await;
    let seen = panel.only();
    assert_eq!(
        seen.header("x-forwarded-for"),
        ["10.9.9.9, 198.51.100.7, 127.0.0.1"]
    );
    assert_eq!(seen.header("x-forwarded-proto"), ["https"]);
    assert_eq!(server.event("").await["ip"], "198.51.100.7");
}

#[tokio::test]
async fn the_response_of_one_hop_is_not_that_of_the_next() {
    let reply = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: keep-alive, X-Only-Here\r\nX-Only-Here: 1\r\nKeep-Alive: timeout=5\r\n\
        X-Kept: yes\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n\r\nok";
    let panel = Panel::says(reply).await;
    let server = Server::start(&Options::panel(panel.address));
    let mut stream = TcpStream::connect(server.panel()).await.unwrap();
    stream
        .write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        .await
        .unwrap();
    let reply = read_reply(&mut stream, false).await.unwrap();
    assert_eq!(reply.header("set-cookie"), ["a=1", "b=2"]);
    assert_eq!(reply.header("x-kept"), ["yes"]);
    assert!(
        reply.header("x-only-here").is_empty() && reply.header("keep-alive").is_empty(),
        "{}",
        reply.head
    );
}

#[tokio::test]
async fn requests_on_one_connection_share_one_to_the_panel() {
    let panel = Panel::fine().await;
    let server = Server::start(&Options::panel(panel.address));
    let mut stream = TcpStream::connect(server.panel()).await.unwrap();
    for number in 0..20 {
        let method = if number % 2 == 0 { "GET" } else { "POST" };
        let request =
            format!("{method} /{number} HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        assert_eq!(read_reply(&mut stream, false).await.unwrap().body, b"ok");
    }
    let seen = panel.seen();
    assert_eq!(seen.len(), 20);
    // The first connection is the probe at the start.
    let used: std::collections::BTreeSet<usize> = seen.iter().map(|seen| seen.connection).collect();
    assert_eq!(used.len(), 1, "{used:?}");
    server.events_when("", 20).await;
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_order() {
    let panel = Panel::echo().await;
    let server = Server::start(&Options::panel(panel.address));
    let mut stream = TcpStream::connect(server.panel()).await.unwrap();
    let mut all = Vec::new();
    for number in 0..10 {
        all.extend_from_slice(
            format!("POST /{number} HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n{number}")
                .as_bytes(),
        );
    }
    stream.write_all(&all).await.unwrap();
    for number in 0..10 {
        assert_eq!(
            read_reply(&mut stream, false).await.unwrap().body,
            number.to_string().as_bytes()
        );
    }
    server.events_when("", 10).await;
}

#[tokio::test]
async fn head_204_and_304_have_no_body_and_keep_the_connection() {
    let panel = Panel::answers(|seen, stream| {
        Box::pin(async move {
            let reply: &[u8] = match seen.line().as_str() {
                "HEAD /head HTTP/1.1" => b"HTTP/1.1 200 OK\r\nContent-Length: 4711\r\n\r\n",
                "GET /204 HTTP/1.1" => b"HTTP/1.1 204 No Content\r\n\r\n",
                "GET /304 HTTP/1.1" => b"HTTP/1.1 304 Not Modified\r\nETag: \"x\"\r\n\r\n",
                _ => b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
            };
            stream.lock().await.write_all(reply).await.is_ok()
        })
    })
    .await;
    let server = Server::start(&Options::panel(panel.address));
    let mut stream = TcpStream::connect(server.panel()).await.unwrap();
    for (method, path, status) in [
        ("HEAD", "/head", 200),
        ("GET", "/204", 204),
        ("GET", "/304", 304),
        ("GET", "/", 200),
    ] {
        stream
            .write_all(format!("{method} {path} HTTP/1.1\r\nHost: a\r\n\r\n").as_bytes())
            .await
            .unwrap();
        let reply = read_reply(&mut stream, method == "HEAD").await.unwrap();
        assert_eq!(reply.status, status, "{path}");
        match path {
            "/head" => assert_eq!(reply.header("content-length"), ["4711"]),
            "/204" => assert!(
                reply.header("content-length").is_empty()
                    && reply.header("transfer-encoding").is_empty()
            ),
            "/304" => assert_eq!(reply.header("etag"), ["\"x\""]),
            _ => assert_eq!(reply.body, b"ok"),
        }
    }
    server.events_when("", 4).await;
}

#[tokio::test]
async fn odd_paths_arrive_byte_for_byte() {
    let panel = Panel::fine().await;
    let server = Server::start(&Options::panel(panel.address));
    let mut targets: Vec<Vec<u8>> = [
        "/",
        "//",
        "/a//b/../c/./d",
        "/%2f%2F%2e%2e/%00",
        "/a%",
        "/%zz",
        "/;a=b;c",
        "/a b".replace(' ', "%20").as_str(),
        "/?",
        "/??",
        "/?a=1&b=&&=c",
        "/?q=%ff%FE",
        "/a?b?c",
        "/{id}/[x]|y^z",
        "/\"quoted\"",
        "/~!$&'()*+,;=:@",
        "*",
    ]
    .iter()
    .map(|target| target.as_bytes().to_vec())
    .collect();
    targets.push([b"/q?x=".as_slice(), &(0x80..=0xff).collect::<Vec<u8>>()].concat());
    let mut sent = Vec::new();
    for target in targets {
        let method: &[u8] = if target == b"*" { b"OPTIONS " } else { b"GET " };
        let request = [
            method,
            &target,
            b" HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        ]
        .concat();
        let answer = exchange(server.panel(), &request).await;
        if answer.starts_with(b"HTTP/1.1 200") {
            sent.push(target);
        } else {
            // What cannot be said in HTTP is refused, never changed.
            assert!(
                answer.starts_with(b"HTTP/1.1 400"),
                "{}: {}",
                target.escape_ascii(),
                answer.escape_ascii()
            );
        }
    }
    let seen: Vec<Vec<u8>> = panel
        .seen()
        .iter()
        .map(crate::stage::Seen::target)
        .collect();
    assert_eq!(seen, sent, "the panel sees what the browser sent");
    assert!(
        sent.len() >= 16,
        "{} of the targets were refused",
        18 - sent.len()
    );
    server.events_when("", sent.len()).await;
}

#[tokio::test]
async fn a_target_that_names_its_host_wins_over_the_host_header() {
    let panel = Panel::fine().await;
    let server = Server::start(&Options::panel(panel.address));
    exchange(
        server.panel(),
        b"GET http://real.example/a?b HTTP/1.1\r\nHost: other.example\r\nConnection: close\r\n\r\n",
    )
    .await;
    let seen = panel.only();
    assert_eq!(
        (seen.line().as_str(), seen.header("host")),
        ("GET /a?b HTTP/1.1", vec!["real.example".to_owned()])
    );
}

#[tokio::test]
async fn connect_is_refused_and_recorded() {
    let panel = Panel::fine().await;
    let server = Server::start(&Options::panel(panel.address));
    let answer = exchange(server.panel(), b"CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example:443\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert!(
        answer.starts_with(b"HTTP/1.1 405"),
        "{}",
        answer.escape_ascii()
    );
    assert!(panel.seen().is_empty());
    assert_eq!(server.event("method:CONNECT").await["status"], 405);
}

#[tokio::test]
async fn an_unreachable_panel_is_named_and_recorded() {
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let server = Server::start(&Options::panel(port));
    assert!(
        server.log().contains("the panel cannot be reached yet")
            || server.log().contains("recording")
    );
    for (accept, kind) in [
        ("text/html", "text/html"),
        ("application/json", "application/problem+json"),
    ] {
        let mut stream = TcpStream::connect(server.panel()).await.unwrap();
        stream
            .write_all(format!("GET / HTTP/1.1\r\nHost: a\r\nAccept: {accept}\r\n\r\n").as_bytes())
            .await
            .unwrap();
        let reply = read_reply(&mut stream, false).await.unwrap();
        assert_eq!(reply.status, 502);
        assert!(reply.header("content-type")[0].starts_with(kind));
        let body = String::from_utf8(reply.body).unwrap();
        assert!(
            body.contains("panel cannot be reached")
                && body.contains("Is it running?")
                && body.contains("PROXY-001"),
            "{body}"
        );
        assert!(
            !body.contains(&port.to_string()),
            "the panel's address is for the log alone: {body}"
        );
    }
    let events = server.events_when("status:502", 2).await;
    assert_eq!(events[0]["outcome"], "error");
}

#[tokio::test]
async fn a_panel_that_does_not_answer_in_time_gets_a_504() {
    let panel = Panel::answers(|_, _| {
        Box::pin(async move {
            std::future::pending::<()>().await;
            true
        })
    })
    .await;
    let server = Server::start(&Options::with(panel.address, "timeouts.response=300ms"));
    let answer = exchange(
        server.panel(),
        b"GET / HTTP/1.1\r\nHost: a\r\nAccept: text/html\r\nConnection: close\r\n\r\n",
    )
    .await;
    let text = String::from_utf8_lossy(&answer).into_owned();
    assert!(
        text.starts_with("HTTP/1.1 504") && text.contains("panel does not answer"),
        "{text}"
    );
    assert_eq!(server.event("").await["status"], 504);
}

#[tokio::test]
async fn a_change_is_never_sent_twice() {
    // Closes each connection after a request was read, without a word.
    let panel = Panel::answers(|_, _| Box::pin(async { false })).await;
    let server = Server::start(&Options::panel(panel.address));
    let answer = exchange(
        server.panel(),
        b"POST /pay HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nConnection: close\r\n\r\na=1",
    )
    .await;
    assert!(
        answer.starts_with(b"HTTP/1.1 502"),
        "{}",
        answer.escape_ascii()
    );
    assert_eq!(panel.seen().len(), 1);
    assert_eq!(server.event("").await["status"], 502);
}

#[tokio::test]
async fn an_idle_connection_that_the_panel_closed_costs_nobody_a_request() {
    // Says it keeps the connection, then closes it.
    let panel = Panel::answers(|_, stream| {
        Box::pin(async move {
            let _ = stream
                .lock()
                .await
                .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
                .await;
            false
        })
    })
    .await;
    let server = Server::start(&Options::panel(panel.address));
    let mut stream = TcpStream::connect(server.panel()).await.unwrap();
    for number in 0..20 {
        let method = if number % 2 == 0 { "GET" } else { "POST" };
        stream
            .write_all(
                format!("{method} /{number} HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
                    .as_bytes(),
            )
            .await
            .unwrap();
        assert_eq!(
            read_reply(&mut stream, false).await.unwrap().status,
            200,
            "request {number}"
        );
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    assert_eq!(panel.seen().len(), 20);
}

#[tokio::test]
async fn the_session_of_our_own_pages_never_reaches_a_panel_of_the_same_host() {
    let panel = Panel::fine().await;
    let server = Server::start(&Options::panel(panel.address));
    exchange(
        server.panel(),
        b"GET / HTTP/1.1\r\nHost: a\r\nCookie: theme=dark; admintrail_session=SECRET; sessionid=\"a b\";x=\r\n\
          Cookie: __Host-admintrail_session=SECRET\r\nConnection: close\r\n\r\n",
    )
    .await;
    let seen = panel.only();
    assert_eq!(seen.header("cookie"), ["theme=dark; sessionid=\"a b\";x="]);
    assert!(!seen.text().contains("SECRET"), "{}", seen.text());
}
