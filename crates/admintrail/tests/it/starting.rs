//! Starting, stopping, and every reason not to.

use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::stage::{Options, Panel, Server, admintrail, everything_below, exchange, read_reply};

#[tokio::test]
async fn the_first_start_prints_a_link_that_makes_an_account_and_later_ones_do_not_once_there_is_one()
 {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let mut server = Server::on(&data, &Options::default());
    let link = |log: String| {
        log.lines()
            .find(|line| line.starts_with("http://"))
            .map(str::to_owned)
    };
    let first = link(server.log()).expect("a link");
    assert!(
        first.starts_with(&format!("http://{}/setup?token=", server.pages)),
        "{first}"
    );
    assert!(
        server.log().contains("once, for 30 minutes"),
        "{}",
        server.log()
    );
    assert!(!server.log().contains("ssh -L"), "{}", server.log());
    assert_eq!(server.stop(), 0);
    let mut server = Server::on(&data, &Options::default());
    assert_ne!(link(server.log()), Some(first), "each start makes its own");
    server
        .command(&[
            "account",
            "add",
            "--email",
            "o@x.example",
            "--role",
            "owner",
        ])
        .run()
        .ok();
    assert_eq!(server.stop(), 0);
    let server = Server::on(&data, &Options::default());
    assert!(
        link(server.log()).is_none() && !server.log().contains("setup?token"),
        "{}",
        server.log()
    );
}

#[test]
fn who_comes_by_ssh_reads_how_to_reach_the_page() {
    let options = Options {
        env: vec![
            (
                "SSH_CONNECTION".to_owned(),
                "198.51.100.7 5000 203.0.113.5 22".to_owned(),
            ),
            ("USER".to_owned(), "olena".to_owned()),
        ],
        ..Options::default()
    };
    let server = Server::start(&options);
    let port = server.pages.port();
    let line = format!("ssh -L {port}:127.0.0.1:{port} olena@203.0.113.5");
    assert!(server.log().contains(&line), "{}", server.log());
}

#[tokio::test]
async fn whatever_is_in_the_data_folder_is_its_owners_alone() {
    let panel = Panel::fine().await;
    let server = Server::start(&Options::panel(panel.address));
    exchange(
        server.panel(),
        b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    )
    .await;
    server.event("").await;
    let mode =
        |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(server.dir()), 0o700);
    let mut names = Vec::new();
    for path in everything_below(server.dir()) {
        names.push(path.file_name().unwrap().to_string_lossy().into_owned());
        assert_eq!(mode(&path) & 0o077, 0, "{}", path.display());
    }
    for name in [
        "trail.db",
        "control.db",
        "lock",
        "control.sock",
        "journal",
        "key",
    ] {
        assert!(
            names.iter().any(|one| one == name),
            "{name} is missing: {names:?}"
        );
    }
}

#[test]
fn a_port_in_use_is_named_with_its_panel() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let panel = format!("name=billing,upstream=http://127.0.0.1:1,listen={address}");
    let said = admintrail(&["serve", "--listen", "127.0.0.1:0", "--panel", &panel])
        .data(dir.path())
        .run();
    assert_eq!(said.code, 1);
    assert!(
        said.err.contains(&format!("{address} is in use"))
            && said.err.contains("panel billing")
            && said.err.contains("--panel"),
        "{}",
        said.err
    );
    let said = admintrail(&["serve", "--listen", &address.to_string()])
        .data(dir.path())
        .run();
    assert_eq!(said.code, 1);
    assert!(
        said.err.contains("own pages") && said.err.contains("choose another port"),
        "{}",
        said.err
    );
}

#[test]
fn a_folder_that_another_server_uses_is_left_alone() {
    let server = Server::start(&Options::default());
    let said = server.command(&["serve", "--listen", "127.0.0.1:0"]).run();
    assert_eq!(said.code, 1);
    assert!(
        said.err.contains("in use by another Admintrail server")
            && said.err.contains(&server.pid().to_string()),
        "{}",
        said.err
    );
    server.command(&["healthcheck"]).run().ok();
}

#[test]
fn a_folder_that_cannot_be_written_is_named_with_its_remedy() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("a-file");
    std::fs::write(&file, "").unwrap();
    let said = admintrail(&["serve", "--listen", "127.0.0.1:0"])
        .data(&file.join("data"))
        .run();
    assert_eq!(said.code, 1);
    assert!(
        said.err.contains("cannot write to")
            && said.err.contains("a-file")
            && said.err.contains("--data"),
        "{}",
        said.err
    );
}

#[test]
fn a_damaged_database_is_named_and_not_touched() {
    let dir = tempfile::tempdir().unwrap();
    let mut server = Server::on(dir.path(), &Options::default());
    assert_eq!(server.stop(), 0);
    drop(server);
    for file in ["trail.db", "control.db"] {
        let path = dir.path().join(file);
        let good = std::fs::read(&path).unwrap();
        let mut bad = good.clone();
        bad[..100].fill(b'x');
        std::fs::write(&path, &bad).unwrap();
        let said = admintrail(&["serve", "--listen", "127.0.0.1:0"])
            .data(dir.path())
            .run();
        assert_eq!(said.code, 1, "{said:?}");
        assert!(
            said.err.contains(file) && said.err.contains("damaged") && said.err.contains("backup"),
            "{}",
            said.err
        );
        assert_eq!(std::fs::read(&path).unwrap(), bad);
        std::fs::write(&path, good).unwrap();
    }
}

#[tokio::test]
async fn a_stop_lets_requests_under_way_finish() {
    let (enough, told) = tokio::sync::watch::channel(false);
    let panel = Panel::answers(move |_, stream| {
        let mut told = told.clone();
        Box::pin(async move {
            told.wait_for(|enough| *enough).await.unwrap();
            stream
                .lock()
                .await
                .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
                .await
                .is_ok()
        })
    })
    .await;
    let mut server = Server::start(&Options::panel(panel.address));
    let address = server.panel();
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream
        .write_all(b"POST /slow HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
        .await
        .unwrap();
    crate::stage::until("the panel has the request", || async {
        (!panel.seen().is_empty()).then_some(())
    })
    .await;
    let stopping = tokio::task::spawn_blocking(move || {
        let code = server.stop();
        (server, code)
    });
    crate::stage::until("no new connections", || async {
        TcpStream::connect(address).await.is_err().then_some(())
    })
    .await;
    enough.send_replace(true);
    let reply = read_reply(&mut stream, false).await.unwrap();
    assert_eq!(
        (reply.status, reply.body.as_slice()),
        (200, b"ok".as_slice())
    );
    let (server, code) = stopping.await.unwrap();
    assert_eq!(code, 0);
    assert_eq!(server.events("path:/slow")[0]["status"], 200);
    let kinds: Vec<String> = server
        .command(&["query", "kind:start,stop", "--json"])
        .run()
        .ok()
        .lines()
        .map(|line| {
            serde_json::from_str::<serde_json::Value>(line).unwrap()["kind"]
                .as_str()
                .unwrap()
                .to_owned()
        })
        .collect();
    assert_eq!(kinds, ["stop", "start"]);
    assert!(!server.dir().join("control.sock").exists());
}

#[tokio::test]
async fn a_stop_does_not_wait_for_idle_connections() {
    let panel = Panel::fine().await;
    let mut server = Server::start(&Options::panel(panel.address));
    let mut stream = TcpStream::connect(server.panel()).await.unwrap();
    stream
        .write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        .await
        .unwrap();
    read_reply(&mut stream, false).await.unwrap();
    let began = Instant::now();
    assert_eq!(server.stop(), 0);
    assert!(
        began.elapsed() < Duration::from_secs(8),
        "{:?}",
        began.elapsed()
    );
    let mut end = Vec::new();
    stream.read_to_end(&mut end).await.unwrap();
    assert!(end.is_empty());
}

#[tokio::test]
async fn a_stop_does_not_wait_for_who_watches_live() {
    let mut server = Server::start(&Options::default());
    let token = server.token("watcher", "read");
    let mut stream = TcpStream::connect(server.pages).await.unwrap();
    let ask =
        format!("GET /api/v1/stream HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\n\r\n");
    stream.write_all(ask.as_bytes()).await.unwrap();
    let mut piece = [0; 1024];
    assert!(stream.read(&mut piece).await.unwrap() > 0);
    assert!(piece.starts_with(b"HTTP/1.1 200"));
    let began = Instant::now();
    assert_eq!(server.stop(), 0);
    assert!(
        began.elapsed() < Duration::from_secs(7),
        "{:?}",
        began.elapsed()
    );
}

#[test]
fn a_folder_with_a_long_name_has_its_socket_too() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("x".repeat(120)).join("data");
    let child = admintrail(&["serve", "--listen", "127.0.0.1:0"])
        .data(&data)
        .spawn();
    struct Killed(std::process::Child);
    impl Drop for Killed {
        fn drop(&mut self) {
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }
    let mut child = Killed(child);
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let said = admintrail(&["healthcheck"]).data(&data).run();
        if said.code == 0 {
            break;
        }
        if Instant::now() > deadline {
            let _ = child.0.kill();
            let mut err = String::new();
            child
                .0
                .stderr
                .take()
                .unwrap()
                .read_to_string(&mut err)
                .unwrap();
            panic!("{said:?}\n{err}");
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[tokio::test]
async fn readiness_needs_no_sign_in_and_says_when_nothing_can_be_recorded() {
    let server = Server::start(&Options::default());
    let answer = exchange(
        server.pages,
        b"GET /readyz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    )
    .await;
    assert!(
        answer.starts_with(b"HTTP/1.1 200"),
        "{}",
        answer.escape_ascii()
    );
    let answer = exchange(
        server.pages,
        b"GET /api/v1/events HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    )
    .await;
    assert!(
        answer.starts_with(b"HTTP/1.1 401"),
        "{}",
        answer.escape_ascii()
    );
}
