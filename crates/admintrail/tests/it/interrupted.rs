//! Servers that go away in the middle of a command, and readers that do.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::Child;
use std::sync::mpsc;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::stage::{Options, Panel, Server, admintrail, exchange};

/// Plays a server that answers as many questions as there are answers, then is gone.
fn goes_away_after(dir: &Path, answers: Vec<Value>) -> std::thread::JoinHandle<()> {
    let socket = UnixListener::bind(dir.join("control.sock")).unwrap();
    std::thread::spawn(move || {
        let (mut stream, _) = socket.accept().unwrap();
        let mut asked = BufReader::new(stream.try_clone().unwrap());
        for answer in answers {
            asked.read_line(&mut String::new()).unwrap();
            stream.write_all(format!("{answer}\n").as_bytes()).unwrap();
        }
        // Both halves: what the command writes next breaks its pipe.
        stream.shutdown(std::net::Shutdown::Both).unwrap();
    })
}

/// Plays a server that answers once the first lines of an import begin to come, then is gone.
fn goes_away_after_a_block(dir: &Path, answer: Value) -> std::thread::JoinHandle<()> {
    let socket = UnixListener::bind(dir.join("control.sock")).unwrap();
    std::thread::spawn(move || {
        let (mut stream, _) = socket.accept().unwrap();
        let mut asked = BufReader::with_capacity(1, stream.try_clone().unwrap());
        asked.read_line(&mut String::new()).unwrap();
        assert!(!asked.fill_buf().unwrap().is_empty());
        stream.write_all(format!("{answer}\n").as_bytes()).unwrap();
        stream.shutdown(std::net::Shutdown::Both).unwrap();
    })
}

fn import_lines(count: usize) -> String {
    let line = |n: usize| {
        json!({"time": "2026-11-20T00:00:00Z", "method": "GET", "path": format!("/{n}")})
            .to_string()
            + "\n"
    };
    (0..count).map(line).collect()
}

#[test]
fn an_import_that_the_server_does_not_finish_says_how_far_it_came() {
    let dir = tempfile::tempdir().unwrap();
    let report = json!({"done": {"accepted": 2000, "duplicates": 0, "errors": []}});
    let server = goes_away_after_a_block(dir.path(), report);
    let said = admintrail(&["import", "-", "--panel", "billing"])
        .data(dir.path())
        .run_with(&import_lines(5_000));
    server.join().unwrap();
    assert_eq!(said.code, 1, "{said:?}");
    for word in [
        "2000 imported",
        "line 2001",
        "the server stopped",
        "import the file again",
    ] {
        assert!(said.err.contains(word), "{word}: {}", said.err);
    }
}

#[test]
fn no_command_takes_a_server_that_goes_away_for_success() {
    for args in [
        vec!["account", "list"],
        vec![
            "account",
            "add",
            "--email",
            "o@x.example",
            "--role",
            "owner",
        ],
        vec!["token", "list"],
        vec!["token", "revoke", "--name", "a"],
        vec!["healthcheck"],
    ] {
        let dir = tempfile::tempdir().unwrap();
        let server = goes_away_after(dir.path(), Vec::new());
        let said = admintrail(&args).data(dir.path()).run();
        server.join().unwrap();
        assert_eq!((said.code, said.out.as_str()), (1, ""), "{args:?} {said:?}");
        assert!(said.err.contains("the server stopped"), "{args:?} {said:?}");
    }
}

#[test]
fn pages_that_close_every_connection_are_not_healthy() {
    let dir = tempfile::tempdir().unwrap();
    let pages = TcpListener::bind("127.0.0.1:0").unwrap();
    let status = json!({"done": {"version": "0", "pid": 1, "listen": pages.local_addr().unwrap(), "tls": false, "failing": null, "events": 0}});
    let server = goes_away_after(dir.path(), vec![status]);
    let closing = std::thread::spawn(move || drop(pages.accept().unwrap()));
    let said = admintrail(&["healthcheck"]).data(dir.path()).run();
    server.join().unwrap();
    closing.join().unwrap();
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.err.contains("does not answer"), "{said:?}");
}

#[test]
fn a_full_disk_behind_standard_output_is_told() {
    let dir = tempfile::tempdir().unwrap();
    admintrail(&["import", "-", "--panel", "billing"])
        .data(dir.path())
        .run_with(&import_lines(10))
        .ok();
    let full = "exec \"$0\" query --json --data \"$1\" > /dev/full";
    let done = std::process::Command::new("sh")
        .args(["-c", full, env!("CARGO_BIN_EXE_admintrail")])
        .arg(dir.path())
        .output()
        .unwrap();
    let err = String::from_utf8_lossy(&done.stderr);
    assert_eq!(done.status.code(), Some(1), "{err}");
    assert!(err.contains("cannot write to standard output"), "{err}");
}

/// The lines of a child, as they come.
fn lines_of(child: &mut Child) -> mpsc::Receiver<Value> {
    let (line, heard) = mpsc::channel();
    let out = child.stdout.take().unwrap();
    std::thread::spawn(move || {
        for text in BufReader::new(out).lines().map_while(Result::ok) {
            let _ = line.send(serde_json::from_str(&text).unwrap());
        }
    });
    heard
}

fn signal(child: &Child, signal: Signal) {
    let pid = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    kill_process(pid, signal).unwrap();
}

#[tokio::test]
async fn a_tail_goes_on_where_it_was_when_the_server_comes_back() {
    let panel = Panel::fine().await;
    let options = Options::panel(panel.address);
    let own = tempfile::tempdir().unwrap();
    let dir = own.path().join("data");
    let get = async |server: &Server, path: &str| {
        let ask = format!("GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        exchange(server.panel(), ask.as_bytes()).await;
    };
    let mut server = Server::on(&dir, &options);
    get(&server, "/before").await;
    server.events_when("", 1).await;
    let mut child = server
        .command(&[
            "tail",
            "panel:panel,admintrail -path:/cli -is:polling",
            "--json",
        ])
        .spawn();
    let heard = lines_of(&mut child);
    let mut seen = Vec::new();
    let mut hear_until = |last: &str| {
        while seen.last().map(String::as_str) != Some(last) {
            let event = heard.recv_timeout(Duration::from_secs(20)).expect(last);
            let word = |name: &str| event[name].as_str().map(str::to_owned);
            let shown = match word("kind").filter(|kind| kind != "request") {
                Some(kind) => format!("{kind} {}", event["panel"].as_str().unwrap_or("-")),
                None => word("path").unwrap(),
            };
            seen.push(shown);
        }
        seen.clone()
    };
    hear_until("/before");
    get(&server, "/live").await;
    hear_until("/live");

    // It looks away while the server stops, comes back and has visitors.
    signal(&child, Signal::STOP);
    get(&server, "/while-it-looked-away").await;
    server.events_when("path:/while-it-looked-away", 1).await;
    assert_eq!(server.stop(), 0);
    drop(server);
    let server = Server::on(&dir, &options);
    get(&server, "/after").await;
    server.events_when("path:/after", 1).await;
    signal(&child, Signal::CONT);
    let seen = hear_until("/after");
    child.kill().unwrap();
    child.wait().unwrap();

    let once = |path: &str| seen.iter().filter(|one| *one == path).count();
    for path in ["/before", "/live", "/while-it-looked-away", "/after"] {
        assert_eq!(once(path), 1, "{path}: {seen:?}");
    }
    let marks = |kind: &str| seen.iter().filter(|one| one.starts_with(kind)).count();
    assert!(
        marks("stop") >= 1 && marks("start") >= 2,
        "the end and the beginning are shown: {seen:?}"
    );
}

#[test]
fn a_tail_tells_its_end_from_an_answer() {
    // An answer that is cut off by the server's end is no answer of another version.
    let dir = tempfile::tempdir().unwrap();
    let socket = UnixListener::bind(dir.path().join("control.sock")).unwrap();
    let half = std::thread::spawn(move || {
        let (mut stream, _): (UnixStream, _) = socket.accept().unwrap();
        BufReader::new(stream.try_clone().unwrap())
            .read_line(&mut String::new())
            .unwrap();
        stream.write_all(b"{\"done\":{\"event\":[{\"pa").unwrap();
    });
    let mut child = admintrail(&["tail"]).data(dir.path()).spawn();
    half.join().unwrap();
    let mut said = String::new();
    let mut err = BufReader::new(child.stderr.take().unwrap());
    err.read_line(&mut said).unwrap();
    assert!(said.contains("waiting for it to come back"), "{said}");
    child.kill().unwrap();
    child.wait().unwrap();
    let mut out = String::new();
    child
        .stdout
        .take()
        .unwrap()
        .read_to_string(&mut out)
        .unwrap();
    assert_eq!(out, "");
}

#[test]
fn a_tail_ends_with_its_reader_and_not_with_the_next_event() {
    let server = Server::start(&Options::default());
    server.command(&["account", "list"]).run().ok();
    let tail = format!(
        "{} tail --data {} kind:start | head -n 1",
        env!("CARGO_BIN_EXE_admintrail"),
        server.dir().display()
    );
    // The shell waits for both ends of the pipe.
    let mut shell = std::process::Command::new("sh")
        .args(["-c", &tail])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let deadline = std::time::Instant::now() + Duration::from_secs(20);
    let status = loop {
        if let Some(status) = shell.try_wait().unwrap() {
            break status;
        }
        if std::time::Instant::now() > deadline {
            let _ = shell.kill();
            panic!("the tail outlives its reader");
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    assert!(status.success());
    let mut out = String::new();
    shell
        .stdout
        .take()
        .unwrap()
        .read_to_string(&mut out)
        .unwrap();
    assert!(out.contains("[start]"), "{out}");
}
