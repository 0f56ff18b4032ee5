//! Panels that answer here and there. 127.0.0.2 stands for the address by which others reach this
//! machine: a panel on 0.0.0.0 answers there, one on 127.0.0.1 does not.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use admintrail_web::Reach;
use http::{HeaderMap, HeaderName};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n";
const FORM: &str = "HTTP/1.1 302 Found\r\nLocation: /login?next=/\r\nContent-Length: 0\r\n\r\n";
const FORBIDDEN: &str = "HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\n";
const NOT_FOUND: &str = "HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\n";

/// A web server; counts what it is asked.
struct Site {
    port: u16,
    asked: Arc<AtomicUsize>,
}

impl Site {
    async fn at(address: &str, answer: impl Fn(&str) -> String + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&asked);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut head = Vec::new();
                let mut piece = [0; 1024];
                while !head.ends_with(b"\r\n\r\n") {
                    match stream.read(&mut piece).await {
                        Ok(read @ 1..) => head.extend_from_slice(&piece[..read]),
                        _ => break,
                    }
                }
                if head.is_empty() {
                    continue;
                }
                counter.fetch_add(1, Ordering::SeqCst);
                let reply = answer(&String::from_utf8_lossy(&head));
                let _ = stream.write_all(reply.as_bytes()).await;
            }
        });
        Self { port, asked }
    }

    async fn says(address: &str, reply: &'static str) -> Self {
        Self::at(address, |_| reply.to_owned()).await
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

fn headers(head: &str) -> HeaderMap {
    let lines = head
        .lines()
        .skip(1)
        .filter_map(|line| line.split_once(": "));
    let pairs = lines.map(|(name, value)| {
        let name: HeaderName = name.parse().unwrap();
        (name, value.parse().unwrap())
    });
    pairs.collect()
}

fn target(upstream: &str, public: Option<String>) -> Target {
    Target {
        panel: "billing".parse().unwrap(),
        upstream: Upstream {
            authority: upstream.parse().unwrap(),
            tls: None,
        },
        check: DirectCheck {
            own: public.is_none(),
            public: true,
            public_url: public.map(|url| url.parse().unwrap()),
        },
        beacon: Beacon::default(),
    }
}

fn outside() -> Vec<SocketAddr> {
    vec!["127.0.0.2:0".parse().unwrap()]
}

async fn found(port: u16) -> DirectAccess {
    let target = target(&format!("127.0.0.1:{port}"), None);
    target.look(&outside()).await
}

#[tokio::test]
async fn a_panel_that_listens_everywhere_is_open_and_one_on_loopback_is_closed() {
    for reply in [OK, FORM, FORBIDDEN, NOT_FOUND] {
        let everywhere = Site::says("0.0.0.0:0", reply).await;
        let access = found(everywhere.port).await;
        assert_eq!(access.reach, Reach::Open, "{}", access.why);
        let address = format!("127.0.0.2:{}", everywhere.port);
        assert!(access.why.contains(&address), "{}", access.why);
    }
    let on_loopback = Site::says("127.0.0.1:0", OK).await;
    let access = found(on_loopback.port).await;
    assert_eq!(access.reach, Reach::Closed, "{}", access.why);
    assert_eq!(on_loopback.asked(), 0, "a connection says enough");
}

#[tokio::test]
async fn something_else_on_the_same_port_is_not_taken_for_the_panel() {
    let panel = Site::says("127.0.0.1:0", OK).await;
    let beside = format!("127.0.0.2:{}", panel.port);
    for (reply, reach) in [
        (FORBIDDEN, Reach::Closed),
        (FORM, Reach::Unchecked),
        ("", Reach::Unchecked),
        ("SSH-2.0-OpenSSH_9.2\r\n", Reach::Unchecked),
    ] {
        let other = TcpListener::bind(&beside).await.unwrap();
        let serving = tokio::spawn(async move {
            while let Ok((mut stream, _)) = other.accept().await {
                let _ = stream.read(&mut [0; 1024]).await;
                let _ = stream.write_all(reply.as_bytes()).await;
            }
        });
        let access = found(panel.port).await;
        assert_eq!(access.reach, reach, "{reply:?}: {}", access.why);
        serving.abort();
        let _ = serving.await;
    }
}

#[tokio::test]
async fn in_doubt_it_is_unchecked() {
    let gone = Site::says("127.0.0.1:0", OK).await.port;
    let unused = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let closed = unused.local_addr().unwrap().port();
    drop(unused);
    let here = format!("127.0.0.1:{gone}");
    let looks = [
        (
            "the panel is down",
            target(&format!("127.0.0.1:{closed}"), None),
            outside(),
        ),
        ("no address is known", target(&here, None), Vec::new()),
        (
            "another machine",
            target("192.0.2.77:8000", None),
            outside(),
        ),
        (
            "no such host",
            target("panel.invalid:8000", None),
            outside(),
        ),
        (
            "nothing at the public address",
            target(&here, Some(format!("http://127.0.0.1:{closed}/"))),
            outside(),
        ),
    ];
    for (why, target, own) in looks {
        let access = target.look(&own).await;
        assert_eq!(access.reach, Reach::Unchecked, "{why}: {}", access.why);
        assert!(!access.why.is_empty());
    }
    let mut nothing = target(&here, None);
    nothing.check.own = false;
    let access = nothing.look(&outside()).await;
    assert!(access.why.contains("public_url"), "{}", access.why);
}

#[tokio::test]
async fn a_public_address_counts_as_closed_only_if_this_very_check_came_through() {
    let panel = Site::says("127.0.0.1:0", FORM).await;
    let here = format!("127.0.0.1:{}", panel.port);
    let look = |front: Site| {
        let target = target(
            &here,
            Some(format!("http://127.0.0.1:{}/login", front.port)),
        );
        async move { target.look(&[]).await }
    };

    // The web server forwards to the panel, whatever it makes of the header.
    let straight = Site::says("127.0.0.1:0", FORM).await;
    assert_eq!(look(straight).await.reach, Reach::Open);

    // Somebody answers as the recorder would, or sends it a word of their own or of before.
    let beacon = Beacon::default();
    let forger = beacon.clone();
    let old = beacon.light().unwrap();
    let front = Site::at("127.0.0.1:0", move |_| {
        for word in [&*old, "0", "admintrail"] {
            let forged = format!("HEAD / HTTP/1.1\r\nadmintrail-probe: {word}\r\n\r\n");
            assert!(!forger.is_met_by(&headers(&forged)));
        }
        FORM.to_owned()
    })
    .await;
    let mut asking = target(
        &here,
        Some(format!("http://127.0.0.1:{}/login", front.port)),
    );
    asking.beacon = beacon;
    assert_eq!(asking.look(&[]).await.reach, Reach::Open);

    // It forwards to the recorder.
    let beacon = Beacon::default();
    let recorder = beacon.clone();
    let front = Site::at("127.0.0.1:0", move |head| {
        assert!(head.starts_with("HEAD /login HTTP/1.1\r\n"), "{head}");
        assert!(recorder.is_met_by(&headers(head)), "{head}");
        assert!(!recorder.is_met_by(&headers(head)), "once");
        NOT_FOUND.to_owned()
    })
    .await;
    asking = target(
        &here,
        Some(format!("http://127.0.0.1:{}/login", front.port)),
    );
    asking.beacon = beacon;
    let access = asking.look(&[]).await;
    assert_eq!(access.reach, Reach::Closed, "{}", access.why);

    // It leads elsewhere, or a cache answers.
    let cached = "HTTP/1.1 302 Found\r\nLocation: /login\r\nAge: 7\r\nContent-Length: 0\r\n\r\n";
    for reply in [OK, NOT_FOUND, cached] {
        let front = Site::says("127.0.0.1:0", reply).await;
        assert_eq!(look(front).await.reach, Reach::Unchecked, "{reply}");
    }
}

#[tokio::test]
async fn the_worst_way_counts() {
    let panel = Site::says("0.0.0.0:0", OK).await;
    let front = Site::says("127.0.0.1:0", FORM).await;
    let mut asking = target(
        &format!("127.0.0.1:{}", panel.port),
        Some(format!("http://127.0.0.1:{}/", front.port)),
    );
    asking.check.own = true;
    assert_eq!(asking.look(&outside()).await.reach, Reach::Open);
    asking.check.own = false;
    assert_eq!(asking.look(&outside()).await.reach, Reach::Unchecked);
}
