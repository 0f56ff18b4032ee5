//! Threats 1 and 2 through the whole proxy: headers that say who asks, and from where. Each row says
//! who is on record, under which address, and what of these headers the panel receives.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request};
use http_body_util::{BodyExt, StreamBody};
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::Value;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpSocket, TcpStream};

use crate::stage::{Options, Panel, Seen, Server, read_reply};
use crate::tls::{certificate, connect_over};

/// The one peer that may name admins and addresses, and one that may neither.
const TRUSTED: &str = "127.0.0.1";
const STRANGER: &str = "127.0.0.2";

const ID: &[u8] = b"X-Remote-User";
const FOR: &[u8] = b"X-Forwarded-For";
const SESSION: &str = "sessionid=s00018f14e45fceea167a5a36dedd4bea2543";
const COOKIE: (&[u8], &[u8]) = (b"Cookie", SESSION.as_bytes());

/// What is looked at of what the panel received, in every spelling.
const WATCHED: [&str; 5] = [
    "x-remote-user",
    "x-remote-name",
    "x-forwarded-for",
    "forwarded",
    "x-real-ip",
];

#[derive(Clone, Copy, PartialEq)]
enum Over {
    Both,
    /// HTTP/2 cannot say it.
    Http1,
}

struct Row {
    what: &'static str,
    from: &'static str,
    over: Over,
    lines: Vec<(&'static [u8], Vec<u8>)>,
    trailers: Vec<(&'static str, &'static str)>,
    /// `None`: the request is refused, and neither recorded nor forwarded.
    expected: Option<Expected>,
}

struct Expected {
    admin: Option<String>,
    known_by: &'static str,
    ip: &'static str,
    /// `X-Forwarded-For`, if it says more than the peer.
    way: String,
    others: Vec<String>,
}

fn row(what: &'static str, from: &'static str, lines: &[(&'static [u8], &[u8])]) -> Row {
    Row {
        what,
        from,
        over: Over::Both,
        lines: lines.iter().map(|(n, v)| (*n, v.to_vec())).collect(),
        trailers: Vec::new(),
        expected: Some(Expected {
            admin: None,
            known_by: "none",
            ip: from,
            way: from.to_owned(),
            others: Vec::new(),
        }),
    }
}

impl Row {
    fn says(mut self, set: impl FnOnce(&mut Expected)) -> Self {
        set(self.expected.as_mut().unwrap());
        self
    }

    fn named(self, admin: &str, known_by: &'static str) -> Self {
        self.says(|it| (it.admin, it.known_by) = (Some(admin.to_owned()), known_by))
    }

    fn ip(self, ip: &'static str, way: &str) -> Self {
        self.says(|it| (it.ip, it.way) = (ip, way.to_owned()))
    }

    fn passes(self, line: &str) -> Self {
        self.says(|it| it.others.push(line.to_owned()))
    }

    fn trailer(mut self, name: &'static str, value: &'static str) -> Self {
        self.trailers.push((name, value));
        self
    }

    fn http_1(mut self) -> Self {
        self.over = Over::Http1;
        self
    }

    fn refused(mut self) -> Self {
        self.expected = None;
        self.http_1()
    }
}

fn identities() -> Vec<Row> {
    let (olena, boss) = (b"olena".as_slice(), b"boss".as_slice());
    let longest = "a".repeat(1024);
    let overlong = "a".repeat(1025);
    let from = |what, lines: &[(&'static [u8], &[u8])]| row(what, TRUSTED, lines);
    let mut rows = vec![
        from("as it should be", &[(ID, olena)])
            .named("olena", "header")
            .passes("x-remote-user: olena"),
        from("other case", &[(b"x-rEMOTE-uSER", olena)])
            .named("olena", "header")
            .passes("x-remote-user: olena"),
        from(
            "with the name to show",
            &[(ID, olena), (b"X-Remote-Name", b"Olena")],
        )
        .named("olena", "header")
        .passes("x-remote-name: Olena")
        .passes("x-remote-user: olena"),
        // Which of them the panel would believe is not known here.
        from("twice", &[(ID, olena), (ID, boss)]),
        from(
            "twice, in other case",
            &[(ID, olena), (b"x-remote-user", boss)],
        ),
        from("twice beside a session", &[(ID, olena), (ID, boss), COOKIE])
            .named("taras", "session"),
        from("underscores", &[(b"X_Remote_User", boss)]),
        from(
            "underscores beside it",
            &[(ID, olena), (b"X-Remote_User", boss)],
        )
        .named("olena", "header")
        .passes("x-remote-user: olena"),
        from("space before the colon", &[(b"X-Remote-User ", boss)]).refused(),
        from(
            "tab before the colon",
            &[(ID, olena), (b"X-Remote-User\t", boss)],
        )
        .refused(),
        from(
            "named in Connection",
            &[(ID, olena), (b"Connection", b"X-Remote-User")],
        )
        .http_1(),
        from("a trailer", &[]).trailer("x-remote-user", "boss"),
        from("a trailer with underscores", &[]).trailer("x_remote-user", "boss"),
        from("a trailer beside it", &[(ID, olena)])
            .trailer("x-remote-user", "boss")
            .trailer("x-remote-name", "Boss")
            .named("olena", "header")
            .passes("x-remote-user: olena"),
        from("empty", &[(ID, b"")]).passes("x-remote-user: "),
        from("empty beside a session", &[(ID, b""), COOKIE])
            .named("taras", "session")
            .passes("x-remote-user: "),
        from("as long as can be kept", &[(ID, longest.as_bytes())])
            .named(&longest, "header")
            .passes(&format!("x-remote-user: {longest}")),
        // Cut, it would be the name of whoever's begins like that.
        from("overlong", &[(ID, overlong.as_bytes())])
            .passes(&format!("x-remote-user: {overlong}")),
        // Encoded, it would be the name of `jos%E9`.
        from("not UTF-8", &[(ID, b"jos\xe9")]).passes("x-remote-user: jos\\xe9"),
        from("turns the direction", &[(ID, "a\u{202e}b".as_bytes())])
            .passes("x-remote-user: a\\xe2\\x80\\xaeb"),
        from("UTF-8", &[(ID, "José".as_bytes())])
            .named("José", "header")
            .passes("x-remote-user: Jos\\xc3\\xa9"),
        // The panel believes the header, whoever it names.
        from("not UTF-8 beside a session", &[(ID, b"jos\xe9"), COOKIE])
            .passes("x-remote-user: jos\\xe9"),
        from("beside another's session", &[(ID, olena), COOKIE])
            .named("olena", "header")
            .passes("x-remote-user: olena"),
        from(
            "of somebody behind it",
            &[(ID, olena), (FOR, b"203.0.113.9")],
        )
        .named("olena", "header")
        .passes("x-remote-user: olena")
        .ip("203.0.113.9", "203.0.113.9, 127.0.0.1"),
        row(
            "a stranger beside a session",
            STRANGER,
            &[(ID, boss), COOKIE],
        )
        .named("taras", "session"),
        row(
            "a stranger who says to be the proxy",
            STRANGER,
            &[(ID, boss), (FOR, b"127.0.0.1")],
        ),
    ];
    // Whatever a stranger says in one of these, nobody hears it.
    for lines in [
        vec![(ID, boss)],
        vec![(b"x-rEMOTE-uSER".as_slice(), boss)],
        vec![(ID, olena), (ID, boss), (b"X-Remote-Name", boss)],
        vec![(b"X_Remote_User", boss), (b"X_Remote-Name", boss)],
        vec![(ID, b"")],
        vec![(ID, overlong.as_bytes())],
        vec![(ID, b"jos\xe9")],
    ] {
        rows.push(row("a stranger", STRANGER, &lines));
    }
    rows.push(row("a stranger's space", STRANGER, &[(b"X-Remote-User ", boss)]).refused());
    let connection: &[(&'static [u8], &[u8])] = &[(ID, boss), (b"Connection", b"X-Remote-User")];
    rows.push(row("a stranger's Connection", STRANGER, connection).http_1());
    rows.push(row("a stranger's trailer", STRANGER, &[]).trailer("x-remote-user", "boss"));
    rows
}

fn addresses() -> Vec<Row> {
    const FORWARDED: &[u8] = b"Forwarded";
    const REAL_IP: &[u8] = b"X-Real-IP";
    let hops = b"1.2.3.4, 198.51.100.7, 127.0.0.1".as_slice();
    let both = b"for=1.2.3.4;proto=https".as_slice();
    let from = |what, lines: &[(&'static [u8], &[u8])]| row(what, TRUSTED, lines);
    let mut rows = vec![
        from("many hops", &[(FOR, hops)]).ip(
            "198.51.100.7",
            "1.2.3.4, 198.51.100.7, 127.0.0.1, 127.0.0.1",
        ),
        from(
            "many lines",
            &[(FOR, b"1.2.3.4"), (b"x-forwarded-for", b"198.51.100.7")],
        )
        .ip("198.51.100.7", "1.2.3.4, 198.51.100.7, 127.0.0.1"),
        from("garbage", &[(FOR, b"1.2.3.4, garbage\xff")])
            .ip("127.0.0.1", "1.2.3.4, garbage\\xff, 127.0.0.1"),
        from("empty", &[(FOR, b"")]).ip("127.0.0.1", ", 127.0.0.1"),
        from("a port", &[(FOR, b"198.51.100.7:5123")])
            .ip("198.51.100.7", "198.51.100.7:5123, 127.0.0.1"),
        from("IPv6", &[(FOR, b"2001:db8::7")]).ip("2001:db8::7", "2001:db8::7, 127.0.0.1"),
        from("IPv6 and a port", &[(FOR, b"[2001:db8::7]:443")])
            .ip("2001:db8::7", "[2001:db8::7]:443, 127.0.0.1"),
        from("a mapped address", &[(FOR, b"::ffff:198.51.100.7")])
            .ip("198.51.100.7", "::ffff:198.51.100.7, 127.0.0.1"),
        from(
            "named in Connection",
            &[(FOR, b"198.51.100.7"), (b"Connection", FOR)],
        )
        .http_1()
        .ip("198.51.100.7", "198.51.100.7, 127.0.0.1"),
        from(
            "underscores",
            &[(b"X_Forwarded_For", b"1.2.3.4"), (b"x-real_ip", b"1.2.3.4")],
        ),
        from(
            "underscores beside it",
            &[(b"X_Forwarded-For", b"1.2.3.4"), (FOR, b"198.51.100.7")],
        )
        .ip("198.51.100.7", "198.51.100.7, 127.0.0.1"),
        from("a trailer", &[(FOR, b"198.51.100.7")])
            .trailer("x-forwarded-for", "1.2.3.4")
            .trailer("forwarded", "for=1.2.3.4")
            .trailer("x_real_ip", "1.2.3.4")
            .ip("198.51.100.7", "198.51.100.7, 127.0.0.1"),
        from(
            "Forwarded",
            &[(FORWARDED, b"for=1.2.3.4, for=\"[2001:db8::7]:4711\"")],
        )
        .ip("2001:db8::7", "1.2.3.4, 2001:db8::7, 127.0.0.1")
        .passes("forwarded: for=1.2.3.4, for=\\\"[2001:db8::7]:4711\\\", for=127.0.0.1"),
        from("both", &[(FORWARDED, both), (FOR, b"198.51.100.7")])
            .ip("198.51.100.7", "198.51.100.7, 127.0.0.1")
            .passes("forwarded: for=198.51.100.7, for=127.0.0.1"),
        from("X-Real-IP", &[(REAL_IP, b"1.2.3.4")]).passes("x-real-ip: 127.0.0.1"),
        from(
            "X-Real-IP beside it",
            &[(REAL_IP, b"1.2.3.4"), (FOR, b"198.51.100.7")],
        )
        .ip("198.51.100.7", "198.51.100.7, 127.0.0.1")
        .passes("x-real-ip: 198.51.100.7"),
        row("a stranger's X-Real-IP", STRANGER, &[(REAL_IP, b"1.2.3.4")])
            .passes("x-real-ip: 127.0.0.2"),
        row("a stranger's trailer", STRANGER, &[]).trailer("x-forwarded-for", "1.2.3.4"),
    ];
    for lines in [
        vec![(FOR, hops)],
        vec![(FOR, b"127.0.0.1".as_slice())],
        vec![(FOR, b"[2001:db8::7]:443"), (FORWARDED, both)],
        vec![(FORWARDED, b"for=127.0.0.1")],
        vec![(b"X_Forwarded_For", hops), (b"x-real_ip", b"1.2.3.4")],
        vec![(FOR, b"garbage\xff")],
    ] {
        rows.push(row("a stranger", STRANGER, &lines));
    }
    rows
}

#[tokio::test]
async fn whatever_headers_say_only_the_listed_peer_is_believed_and_the_panel_reads_what_is_on_record()
 {
    let dir = tempfile::tempdir().unwrap();
    certificate(dir.path());
    let panel = Panel::answers(|seen, stream| {
        Box::pin(async move {
            let reply = if seen.target() == b"/login" {
                format!(
                    "HTTP/1.1 302 Found\r\nLocation: /things\r\nSet-Cookie: {SESSION}\r\nContent-Length: 0\r\n\r\n"
                )
            } else {
                "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok".to_owned()
            };
            stream.lock().await.write_all(reply.as_bytes()).await.is_ok()
        })
    })
    .await;
    let config = format!(
        r#"version = 1
[[panel]]
name = "panel"
listen = "127.0.0.1:0"
upstream = "http://{}"
tls_cert = "{dir}/cert.pem"
tls_key = "{dir}/key.pem"
trusted_proxies = ["{TRUSTED}/32"]
identity_header = {{ name = "x-remote-user", display_name = "x-remote-name", from = ["{TRUSTED}/32"] }}
"#,
        panel.address,
        dir = dir.path().display()
    );
    let server = Server::start(&Options {
        config,
        ..Options::default()
    });
    let form = "username=taras&password=x";
    let sign_in = format!(
        "POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
        form.len()
    );
    let to = server.panel();
    let signed_in = over_1(to, dir.path(), STRANGER, sign_in.as_bytes()).await;
    assert_eq!(signed_in, 302);

    let rows: Vec<Row> = identities().into_iter().chain(addresses()).collect();
    let mut sent = Vec::new();
    for (number, row) in rows.iter().enumerate() {
        let path = format!("/1/{number}");
        let status = over_1(to, dir.path(), row.from, &written(row, &path)).await;
        let expected = if row.expected.is_some() { 200 } else { 400 };
        assert_eq!(status, expected, "{path} {}", row.what);
        sent.push((path, row));
        if row.over == Over::Both {
            let path = format!("/2/{number}");
            let status = over_2(to, dir.path(), row, &path).await;
            assert_eq!(status, 200, "{path} {}", row.what);
            sent.push((path, row));
        }
    }
    let recorded = sent
        .iter()
        .filter(|(_, row)| row.expected.is_some())
        .count();
    let events = server.events_when("kind:request", recorded + 1).await;
    let events: BTreeMap<&str, &Value> = events
        .iter()
        .map(|event| (event["path"].as_str().unwrap(), event))
        .collect();
    let seen = panel.seen();
    let mut wrong = Vec::new();
    for (path, row) in &sent {
        let event = events.get(path.as_str());
        let seen = seen.iter().find(|it| it.target() == path.as_bytes());
        let got = event.map(|event| {
            let text = |key: &str| event[key].as_str().map(str::to_owned);
            (text("admin"), text("known_by"), text("ip"))
        });
        let wanted = row.expected.as_ref().map(|it| {
            let known_by = Some(it.known_by.to_owned());
            (it.admin.clone(), known_by, Some(it.ip.to_owned()))
        });
        let told = row.expected.as_ref().map(|it| {
            let mut lines = it.others.clone();
            lines.push(format!("x-forwarded-for: {}", it.way));
            if !row.trailers.is_empty() {
                lines.push("trailer x-check: 7".to_owned());
            }
            lines.sort();
            lines
        });
        let seen = seen.map(received);
        if (&got, &seen) != (&wanted, &told) {
            wrong.push(format!(
                "{path} {} from {}:\n  recorded {got:?}\n  not      {wanted:?}\n  received {seen:?}\n  not      {told:?}",
                row.what, row.from
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(panel.faults.lock().unwrap().is_empty());
}

/// What the panel received of the watched headers, and every trailer.
fn received(seen: &Seen) -> Vec<String> {
    let mut lines = Vec::new();
    for line in seen.head.split(|byte| *byte == b'\n').skip(1) {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else {
            continue;
        };
        let name = String::from_utf8_lossy(&line[..colon]).to_ascii_lowercase();
        if WATCHED.contains(&name.replace('_', "-").as_str()) {
            // The line's end and the space before the value are framing.
            let value = line[colon + 1..].trim_ascii();
            lines.push(format!("{name}: {}", value.escape_ascii()));
        }
    }
    let trailers = seen.trailers.iter();
    lines.extend(trailers.map(|line| format!("trailer {}", line.to_ascii_lowercase())));
    lines.sort();
    lines
}

fn written(row: &Row, path: &str) -> Vec<u8> {
    let method = if row.trailers.is_empty() {
        "GET"
    } else {
        "POST"
    };
    let mut request = format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\n").into_bytes();
    for (name, value) in &row.lines {
        request.extend_from_slice(&[name, b": ".as_slice(), value, b"\r\n"].concat());
    }
    if row.trailers.is_empty() {
        request.extend_from_slice(b"\r\n");
        return request;
    }
    let announced = announced(row);
    request.extend_from_slice(
        format!("Trailer: {announced}\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nX-Check: 7\r\n")
            .as_bytes(),
    );
    for (name, value) in &row.trailers {
        request.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
    }
    request.extend_from_slice(b"\r\n");
    request
}

fn announced(row: &Row) -> String {
    let names = row.trailers.iter().map(|(name, _)| *name);
    std::iter::once("x-check")
        .chain(names)
        .collect::<Vec<_>>()
        .join(", ")
}

async fn stream(to: SocketAddr, from: &str) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(format!("{from}:0").parse().unwrap()).unwrap();
    socket.connect(to).await.unwrap()
}

async fn over_1(to: SocketAddr, dir: &Path, from: &str, request: &[u8]) -> u16 {
    let mut stream = connect_over(stream(to, from).await, dir, b"http/1.1").await;
    stream.write_all(request).await.unwrap();
    read_reply(&mut stream, false).await.unwrap().status
}

async fn over_2(to: SocketAddr, dir: &Path, row: &Row, path: &str) -> u16 {
    let stream = connect_over(stream(to, row.from).await, dir, b"h2").await;
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .unwrap();
    tokio::spawn(connection);
    let url = format!("https://localhost{path}");
    let mut request = if row.trailers.is_empty() {
        Request::get(url)
    } else {
        Request::post(url).header("trailer", announced(row))
    };
    for (name, value) in &row.lines {
        let name = HeaderName::from_bytes(name).unwrap();
        request = request.header(name, HeaderValue::from_bytes(value).unwrap());
    }
    let mut frames = Vec::new();
    if !row.trailers.is_empty() {
        let mut trailers = HeaderMap::new();
        trailers.append("x-check", HeaderValue::from_static("7"));
        for (name, value) in &row.trailers {
            trailers.append(*name, HeaderValue::from_static(value));
        }
        frames.push(http_body::Frame::data(Bytes::from("hi")));
        frames.push(http_body::Frame::trailers(trailers));
    }
    let frames = frames.into_iter().map(Ok::<_, std::io::Error>);
    let body = StreamBody::new(futures_util::stream::iter(frames));
    let answer = sender
        .send_request(request.body(body).unwrap())
        .await
        .unwrap();
    let status = answer.status().as_u16();
    answer.into_body().collect().await.unwrap();
    status
}
