//! Bodies of every kind, both ways, and what happens when they break off.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Notify;

use crate::stage::{Options, Panel, Server, exchange, read_reply, until};

#[tokio::test]
async fn all_256_byte_values_pass_both_ways() {
    let panel = Panel::echo().await;
    let server = Server::start(&Options::panel(panel.address));
    let body: Vec<u8> = (0..=255).cycle().take(70_000).collect();
    let head = format!(
        "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    let mut stream = TcpStream::connect(server.panel()).await.unwrap();
    stream
        .write_all(&[head.as_bytes(), &body].concat())
        .await
        .unwrap();
    assert_eq!(read_reply(&mut stream, false).await.unwrap().body, body);
    assert_eq!(panel.only().body, body);
    let event = server.event("").await;
    assert_eq!(
        (
            event["request_bytes"].as_u64(),
            event["response_bytes"].as_u64()
        ),
        (Some(70_000), Some(70_000))
    );
}

#[tokio::test]
async fn header_values_of_every_byte_pass() {
    let panel = Panel::fine().await;
    let server = Server::start(&Options::panel(panel.address));
    let value: Vec<u8> = (0x21..=0x7e).chain(0x80..=0xff).collect();
    let request = [
        b"GET / HTTP/1.1\r\nHost: a\r\nUser-Agent: ".as_slice(),
        &value,
        b"\r\nX-All: ",
        &value,
        b"\r\nConnection: close\r\n\r\n",
    ]
    .concat();
    let answer = exchange(server.panel(), &request).await;
    assert!(
        answer.starts_with(b"HTTP/1.1 200"),
        "{}",
        answer.escape_ascii()
    );
    let seen = panel.only();
    let arrived = seen
        .head
        .windows(value.len())
        .filter(|piece| *piece == value)
        .count();
    assert_eq!(arrived, 2, "{}", seen.head.escape_ascii());
    let agent = server.event("").await["user_agent"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(
        agent.starts_with("!\"#$%&") && agent.contains("%80%81"),
        "{agent}"
    );
}

#[tokio::test]
async fn a_get_may_have_a_body_of_unknown_length() {
    let panel = Panel::echo().await;
    let server = Server::start(&Options::panel(panel.address));
    let bytes = b"GET /search HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n2\r\n{}\r\n0\r\n\r\n";
    assert!(
        exchange(server.panel(), bytes)
            .await
            .ends_with(b"\r\n\r\n{}")
    );
    assert_eq!(panel.only().body, b"{}");
}

#[tokio::test]
async fn trailers_pass_both_ways() {
    let reply = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 42\r\n\r\n";
    let panel = Panel::says(reply).await;
    let server = Server::start(&Options::panel(panel.address));
    let bytes = b"POST / HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nConnection: TE, close\r\nTransfer-Encoding: chunked\r\nTrailer: X-Check\r\n\r\n\
        2\r\nhi\r\n0\r\nX-Check: 7\r\n\r\n";
    let answer = exchange(server.panel(), bytes).await;
    let text = String::from_utf8(answer).unwrap().to_lowercase();
    assert!(text.ends_with("0\r\nx-sum: 42\r\n\r\n"), "{text}");
    assert_eq!(panel.only().trailers.join("|").to_lowercase(), "x-check: 7");
}

#[tokio::test]
async fn a_client_that_expects_to_be_told_to_continue_is() {
    let panel = Panel::echo().await;
    let server = Server::start(&Options::panel(panel.address));
    let mut stream = TcpStream::connect(server.panel()).await.unwrap();
    stream
        .write_all(
            b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n",
        )
        .await
        .unwrap();
    assert_eq!(read_reply(&mut stream, false).await.unwrap().status, 100);
    stream.write_all(b"hello").await.unwrap();
    assert_eq!(read_reply(&mut stream, false).await.unwrap().body, b"hello");
    server.event("method:POST status:200").await;
}

#[tokio::test]
async fn a_response_arrives_as_it_is_made() {
    let go_on = Arc::new(Notify::new());
    let told = Arc::clone(&go_on);
    let panel = Panel::answers(move |_, stream| {
        let told = Arc::clone(&told);
        Box::pin(async move {
            let mut stream = stream.lock().await;
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n").await.unwrap();
            for number in 0..3 {
                stream.write_all(format!("7\r\ndata: {number}\r\n").as_bytes()).await.unwrap();
                told.notified().await;
            }
            stream.write_all(b"0\r\n\r\n").await.is_ok()
        })
    })
    .await;
    let server = Server::start(&Options::panel(panel.address));
    let mut stream = TcpStream::connect(server.panel()).await.unwrap();
    stream
        .write_all(b"GET /events HTTP/1.1\r\nHost: a\r\n\r\n")
        .await
        .unwrap();
    let mut all = Vec::new();
    for number in 0..3 {
        let wanted = format!("data: {number}").into_bytes();
        while !all.windows(wanted.len()).any(|piece| piece == wanted) {
            let mut piece = [0; 1024];
            let read = tokio::time::timeout(Duration::from_secs(5), stream.read(&mut piece))
                .await
                .expect("it was held back")
                .unwrap();
            assert_ne!(read, 0, "{}", all.escape_ascii());
            all.extend_from_slice(&piece[..read]);
        }
        go_on.notify_one();
    }
    assert_eq!(server.event("").await["ending"], "complete");
}

#[tokio::test]
async fn a_panel_may_answer_before_the_request_has_ended() {
    // Says what it thinks of the upload at once, then reads on.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                let mut piece = vec![0; 64 * 1024];
                if matches!(stream.read(&mut piece).await, Ok(1..)) {
                    let body = vec![b'x'; 3_000_000];
                    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
                    let (mut read, mut write) = stream.split();
                    let reading = async { while matches!(read.read(&mut piece).await, Ok(1..)) {} };
                    let writing = async {
                        write.write_all(head.as_bytes()).await.unwrap();
                        let _ = write.write_all(&body).await;
                    };
                    tokio::join!(reading, writing);
                }
            });
        }
    });
    let server = Server::start(&Options::panel(address));
    let mut stream = TcpStream::connect(server.panel()).await.unwrap();
    let upload = vec![b'y'; 6_000_000];
    let head = format!(
        "POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n",
        upload.len()
    );
    // A client that reads nothing before it has sent everything.
    tokio::time::timeout(Duration::from_secs(15), async {
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(&upload).await.unwrap();
    })
    .await
    .expect("upload and answer wait for each other");
    assert_eq!(
        read_reply(&mut stream, false).await.unwrap().body.len(),
        3_000_000
    );
    let event = server.event("").await;
    // The event ends with the response; how far the upload is by then is a matter of timing.
    assert!(event["request_bytes"].as_u64().unwrap() > 0, "{event}");
    assert_eq!(event["response_bytes"].as_u64(), Some(3_000_000));
}

#[tokio::test]
async fn a_response_that_breaks_off_is_not_passed_off_as_whole() {
    let replies: [&'static [u8]; 2] = [
        b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nonly this",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nonly this\r\n",
    ];
    for reply in replies {
        let panel = Panel::answers(move |_, stream| {
            Box::pin(async move {
                stream.lock().await.write_all(reply).await.unwrap();
                false
            })
        })
        .await;
        let server = Server::start(&Options::panel(panel.address));
        let mut stream = TcpStream::connect(server.panel()).await.unwrap();
        stream
            .write_all(b"GET /report HTTP/1.1\r\nHost: a\r\n\r\n")
            .await
            .unwrap();
        let reply = read_reply(&mut stream, false).await.unwrap();
        assert!(!reply.whole && reply.body == b"only this", "{reply:?}");
        let event = server.event("").await;
        assert_eq!(
            (event["ending"].as_str(), event["response_bytes"].as_u64()),
            (Some("failed"), Some(9))
        );
    }
}

#[tokio::test]
async fn a_client_that_goes_away_takes_its_request_along_and_is_recorded() {
    let gone = Arc::new(Notify::new());
    let told = Arc::clone(&gone);
    let panel = Panel::answers(move |_, stream| {
        let told = Arc::clone(&told);
        Box::pin(async move {
            let mut stream = stream.lock().await;
            stream
                .write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
                .await
                .unwrap();
            while stream.write_all(b"5\r\nhello\r\n").await.is_ok() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            told.notify_one();
            false
        })
    })
    .await;
    let server = Server::start(&Options::panel(panel.address));
    let mut stream = TcpStream::connect(server.panel()).await.unwrap();
    stream
        .write_all(b"GET /endless HTTP/1.1\r\nHost: a\r\n\r\n")
        .await
        .unwrap();
    let mut piece = [0; 1024];
    let mut read = 0;
    while read < 500 {
        read += stream.read(&mut piece).await.unwrap();
    }
    drop(stream);
    tokio::time::timeout(Duration::from_secs(10), gone.notified())
        .await
        .expect("the panel goes on for nobody");
    let event = server.event("").await;
    assert_eq!(
        (event["ending"].as_str(), event["status"].as_u64()),
        (Some("dropped"), Some(200))
    );
    assert!(event["response_bytes"].as_u64().unwrap() >= 150, "{event}");
}

#[tokio::test]
async fn a_client_that_goes_away_before_the_answer_is_recorded() {
    let panel = Panel::answers(|_, stream| {
        Box::pin(async move {
            // Ends when the proxy gives up the connection.
            let mut byte = [0; 1];
            let _ = stream.lock().await.read(&mut byte).await;
            false
        })
    })
    .await;
    let server = Server::start(&Options::panel(panel.address));
    let mut stream = TcpStream::connect(server.panel()).await.unwrap();
    stream
        .write_all(b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n")
        .await
        .unwrap();
    until("the panel has the request", || async {
        (!panel.seen().is_empty()).then_some(())
    })
    .await;
    drop(stream);
    let event = server.event("").await;
    assert_eq!(
        (event["ending"].as_str(), event["outcome"].as_str()),
        (Some("dropped"), Some("unknown"))
    );
}

#[tokio::test]
async fn an_upload_that_breaks_off_never_looks_whole_to_the_panel() {
    let panel = Panel::fine().await;
    let server = Server::start(&Options::panel(panel.address));
    for head in [
        "Content-Length: 1000\r\n\r\nhalf",
        "Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
    ] {
        let mut stream = TcpStream::connect(server.panel()).await.unwrap();
        stream
            .write_all(format!("POST /upload HTTP/1.1\r\nHost: a\r\n{head}").as_bytes())
            .await
            .unwrap();
        tokio::time::sleep(Duration::from_millis(50)).await;
        drop(stream);
    }
    until("the panel hears of both", || async {
        (panel.faults.lock().unwrap().len() == 2).then_some(())
    })
    .await;
    assert!(panel.seen().is_empty(), "{:?}", panel.seen());
    server.events_when("method:POST", 2).await;
}

#[tokio::test]
async fn large_heads_get_431_and_what_fits_is_recorded_with_its_length() {
    let panel = Panel::fine().await;
    let server = Server::start(&Options::panel(panel.address));
    let mut recorded = 0;
    for kib in [8, 40, 60, 70, 256, 1_024] {
        let path = format!("/{}", "x".repeat(kib * 1_024));
        let request = format!("GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        let answer = exchange(server.panel(), request.as_bytes()).await;
        let status = String::from_utf8_lossy(&answer)
            .split(' ')
            .nth(1)
            .unwrap_or_default()
            .to_owned();
        if kib <= 60 {
            assert_eq!(status, "200", "{kib} KiB");
            recorded += 1;
            let events = server.events_when("", recorded).await;
            assert_eq!(events[0]["path"].as_str().unwrap().len(), 8 * 1_024);
            assert_eq!(events[0]["path_bytes"].as_u64(), Some(path.len() as u64));
        } else {
            assert_eq!(status, "431", "{kib} KiB");
        }
    }
    assert_eq!(panel.seen().len(), 3);
    let many = format!(
        "GET / HTTP/1.1\r\nHost: a\r\n{}\r\n",
        "A: b\r\n".repeat(5_000)
    );
    assert!(
        exchange(server.panel(), many.as_bytes())
            .await
            .starts_with(b"HTTP/1.1 431")
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn large_bodies_stream_through_a_memory_that_does_not_grow() {
    const LENGTH: usize = 64 * 1024 * 1024;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                let mut piece = vec![0; 256 * 1024];
                let mut head = Vec::new();
                while !head.windows(4).any(|four| four == b"\r\n\r\n") {
                    match stream.read(&mut piece).await {
                        Ok(read @ 1..) => head.extend_from_slice(&piece[..read]),
                        _ => return,
                    }
                }
                let end = head
                    .windows(4)
                    .position(|four| four == b"\r\n\r\n")
                    .unwrap()
                    + 4;
                if head.starts_with(b"POST") {
                    let mut left = LENGTH - (head.len() - end);
                    while left > 0 {
                        match stream.read(&mut piece).await {
                            Ok(read @ 1..) => left -= read,
                            _ => return,
                        }
                    }
                    stream
                        .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
                        .await
                        .unwrap();
                } else {
                    stream
                        .write_all(
                            format!("HTTP/1.1 200 OK\r\nContent-Length: {LENGTH}\r\n\r\n")
                                .as_bytes(),
                        )
                        .await
                        .unwrap();
                    for _ in 0..LENGTH / piece.len() {
                        if stream.write_all(&piece).await.is_err() {
                            return;
                        }
                    }
                }
            });
        }
    });
    let server = Server::start(&Options::panel(address));
    exchange(
        server.panel(),
        b"GET /warm-up HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    )
    .await;
    let before = server.resident_kib();

    let mut stream = TcpStream::connect(server.panel()).await.unwrap();
    stream
        .write_all(
            format!("POST /up HTTP/1.1\r\nHost: a\r\nContent-Length: {LENGTH}\r\n\r\n").as_bytes(),
        )
        .await
        .unwrap();
    let piece = vec![7; 256 * 1024];
    let mut most = before;
    for number in 0..LENGTH / piece.len() {
        stream.write_all(&piece).await.unwrap();
        if number % 16 == 0 {
            most = most.max(server.resident_kib());
        }
    }
    assert_eq!(read_reply(&mut stream, false).await.unwrap().body, b"ok");

    stream
        .write_all(b"GET /down HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        .await
        .unwrap();
    let mut piece = vec![0; 256 * 1024];
    let mut received = 0;
    for number in 0.. {
        let read = stream.read(&mut piece).await.unwrap();
        if read == 0 {
            break;
        }
        received += read;
        if number % 64 == 0 {
            most = most.max(server.resident_kib());
        }
        if number == 100 {
            // A slow reader holds the panel back, not the bytes.
            tokio::time::sleep(Duration::from_millis(300)).await;
            most = most.max(server.resident_kib());
        }
    }
    assert!(received > LENGTH, "{received}");
    assert!(
        most < before + 20 * 1024,
        "grew from {before} to {most} KiB"
    );
    let up = server.event("path:/up").await;
    let down = server.event("path:/down").await;
    assert_eq!(
        (
            up["request_bytes"].as_u64(),
            down["response_bytes"].as_u64()
        ),
        (Some(LENGTH as u64), Some(LENGTH as u64))
    );
}
