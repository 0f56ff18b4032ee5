//! Threat 19: there is one framing or none.

use serde_json::json;

use crate::stage::{Options, Panel, Server, exchange, exchange_pieces};

/// Each is refused with 400 and the connection is closed; whatever hides behind it never arrives.
const REFUSED: &[&[u8]] = &[
    b"POST /first HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"POST /first HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 6\r\n\r\n0\r\n\r\n",
    b"POST /first HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 0\r\n\r\nhello",
    b"POST /first HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
    b"POST /first HTTP/1.1\r\nHost: a\r\nContent-Length: 5, 5\r\n\r\nhello",
    b"POST /first HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\nhello",
    b"POST /first HTTP/1.1\r\nHost: a\r\nContent-Length: 0x5\r\n\r\nhello",
    b"POST /first HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\nhello",
    b"POST /first HTTP/1.1\r\nHost: a\r\nContent-Length: 18446744073709551617\r\n\r\nhello",
    b"POST /first HTTP/1.1\r\nHost: a\r\nX: 1\r\n Content-Length: 5\r\n\r\nhello",
    b"POST /first HTTP/1.1\r\nHost: a\r\n\tX: 1\r\n\r\n",
    b"POST /first HTTP/1.1\r\nHost: a\nContent-Length: 5\n\nhello",
    b"POST /first HTTP/1.1\nHost: a\nContent-Length: 5\n\nhello",
    b"POST /first HTTP/1.1\r\nHost: a\r\nX: 1\rContent-Length: 5\r\n\r\nhello",
    b"POST /first HTTP/1.1\r\nHost: a\r\nContent-Length : 5\r\n\r\nhello",
    b"POST /first HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    b"POST /first HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\n\r\nhello",
    b"POST /first HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    b"POST /first HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    b"POST /first HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    b"POST /first HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
    b"POST /first HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: cow\r\n\r\n0\r\n\r\n",
    b"POST /first HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"GET /first HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    b"GET /first HTTP/1.1\r\n\r\n",
    b"GET /first with spaces HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET /first#fragment HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET /first\x00 HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET /first HTTP/1.1\r\nHost: a\r\nX\x00Y: 1\r\n\r\n",
    b"GET /first HTTP/1.1\r\nHost: a\r\n: nameless\r\n\r\n",
    b"GET /first HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n",
    b"GET /first HTTP/9.9\r\nHost: a\r\n\r\n",
    b"GET /first\r\n\r\n",
];

const HIDDEN: &[u8] = b"GET /hidden HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

#[tokio::test]
async fn what_has_two_framings_is_refused_closed_and_counted() {
    let panel = Panel::fine().await;
    let server = Server::start(&Options::panel(panel.address));
    for bytes in REFUSED {
        let all = [bytes, HIDDEN].concat();
        let answer = exchange(server.panel(), &all).await;
        assert!(
            answer.starts_with(b"HTTP/1.1 400"),
            "{}\n{}",
            bytes.escape_ascii(),
            answer.escape_ascii()
        );
        let answers = answer
            .windows(9)
            .filter(|nine| nine == b"HTTP/1.1 ")
            .count();
        assert_eq!(
            answers,
            1,
            "{}\n{}",
            bytes.escape_ascii(),
            answer.escape_ascii()
        );
    }
    assert!(panel.seen().is_empty(), "{:?}", panel.seen());
    assert!(
        panel.faults.lock().unwrap().is_empty(),
        "{:?}",
        panel.faults
    );

    let gaps = server.events_when("kind:gap", 1).await;
    let counted: u64 = gaps.iter().map(|gap| gap["count"].as_u64().unwrap()).sum();
    if counted < REFUSED.len() as u64 {
        // A gap is written once in a while; what came after is in the next.
        let gaps = crate::stage::until("every refusal is counted", || async {
            let gaps = server.events("kind:gap");
            let counted: u64 = gaps.iter().map(|gap| gap["count"].as_u64().unwrap()).sum();
            (counted == REFUSED.len() as u64).then_some(gaps)
        })
        .await;
        assert!(
            gaps.iter().all(|gap| gap["ip"] == json!("127.0.0.1")),
            "{gaps:?}"
        );
    }
}

#[tokio::test]
async fn the_good_request_before_a_bad_one_is_served() {
    let panel = Panel::fine().await;
    let server = Server::start(&Options::panel(panel.address));
    for bytes in REFUSED {
        let all = [b"GET /good HTTP/1.1\r\nHost: a\r\n\r\n", *bytes, HIDDEN].concat();
        let answer = exchange(server.panel(), &all).await;
        assert!(
            answer.starts_with(b"HTTP/1.1 200"),
            "{}\n{}",
            bytes.escape_ascii(),
            answer.escape_ascii()
        );
        let refused = answer
            .windows(12)
            .filter(|twelve| twelve == b"HTTP/1.1 400")
            .count();
        assert!(refused <= 1, "{}", answer.escape_ascii());
    }
    assert!(
        panel
            .seen()
            .iter()
            .all(|seen| seen.line() == "GET /good HTTP/1.1"),
        "{:?}",
        panel.seen()
    );
}

#[tokio::test]
async fn a_bad_chunk_ends_the_request_and_hides_nothing() {
    let head = b"POST /chunks HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    let bodies: [&[u8]; 8] = [
        b"5\r\nhello0\r\n\r\n",
        b"5 x\r\nhello\r\n0\r\n\r\n",
        b"-5\r\nhello\r\n0\r\n\r\n",
        b"0x5\r\nhello\r\n0\r\n\r\n",
        b"5\nhello\n0\n\n",
        b"5;ext=\"a\nb\"\r\nhello\r\n0\r\n\r\n",
        b"fffffffffffffffff\r\nhello\r\n0\r\n\r\n",
        b"5\r\nhello\r\n0\r\nContent-Length: 3\r\n\r\n",
    ];
    let panel = Panel::fine().await;
    let server = Server::start(&Options::panel(panel.address));
    for body in bodies {
        for cut in [1, 3] {
            let all = [head.as_slice(), body, HIDDEN].concat();
            let pieces: Vec<&[u8]> = all.chunks(all.len() / cut + 1).collect();
            let answer = exchange_pieces(server.panel(), &pieces).await;
            assert!(
                !answer.starts_with(b"HTTP/1.1 2"),
                "{}\n{}",
                body.escape_ascii(),
                answer.escape_ascii()
            );
        }
    }
    assert!(
        panel.seen().is_empty(),
        "no such request was ever whole: {:?}",
        panel.seen()
    );
}

#[tokio::test]
async fn good_chunks_arrive_without_their_extensions() {
    let panel = Panel::echo().await;
    let server = Server::start(&Options::panel(panel.address));
    let bytes =
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\nConnection: close\r\n\r\n\
        5;name=\"value; more\"\r\nhello\r\n6 ;x\r\n world\r\n0;last\r\n\r\n";
    let answer = exchange(server.panel(), bytes).await;
    assert!(
        answer.ends_with(b"hello world"),
        "{}",
        answer.escape_ascii()
    );
    let seen = panel.only();
    assert_eq!(
        (
            seen.header("transfer-encoding"),
            seen.header("content-length")
        ),
        (vec!["chunked".to_owned()], vec![])
    );
}

#[tokio::test]
async fn nothing_follows_an_upgrade_that_the_panel_declined() {
    let panel = Panel::fine().await;
    let server = Server::start(&Options::panel(panel.address));
    let bytes = b"GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nGET /hidden HTTP/1.1\r\nHost : a\r\n\r\n";
    let answer = exchange(server.panel(), bytes).await;
    let text = String::from_utf8_lossy(&answer).to_lowercase();
    assert!(
        text.starts_with("http/1.1 200") && text.contains("connection: close"),
        "{text}"
    );
    assert_eq!(panel.only().line(), "GET /ws HTTP/1.1");
}
