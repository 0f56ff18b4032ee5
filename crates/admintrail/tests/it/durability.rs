//! Nothing that was acknowledged is lost, nothing is there twice, whenever the process dies.

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::stage::{Options, Panel, Server, read_reply};

const WRITERS: u64 = 8;

/// What somebody was promised.
#[derive(Default)]
struct Promised {
    /// Paths whose response came back whole.
    proxied: Vec<String>,
    /// Ids that ingest acknowledged.
    ingested: Vec<String>,
    /// Paths that were sent and never answered.
    unanswered: Vec<String>,
}

/// `kill -9` under eight writers, again and again on one folder. `ADMINTRAIL_FAULT_ROUNDS` says
/// how often.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kill_nine_loses_nothing_that_was_acknowledged_and_doubles_nothing() {
    let rounds: u64 = std::env::var("ADMINTRAIL_FAULT_ROUNDS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(50);
    let panel = Panel::answers(|seen, stream| {
        Box::pin(async move {
            if seen.line().contains("/slow/") {
                // Under way when the process dies.
                tokio::time::sleep(Duration::from_secs(60)).await;
            }
            stream
                .lock()
                .await
                .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
                .await
                .is_ok()
        })
    })
    .await;
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let options = Options::panel(panel.address);
    let mut server = Server::on(&data, &options);
    let token = server.token("writers", "ingest");
    let mut promised = Promised::default();
    let mut slowest = Duration::ZERO;
    for round in 0..rounds {
        let stop = Arc::new(AtomicU64::new(0));
        let answered = Arc::new(AtomicU64::new(0));
        let mut writers = Vec::new();
        for writer in 0..WRITERS {
            let (stop, answered) = (Arc::clone(&stop), Arc::clone(&answered));
            writers.push(if writer % 2 == 0 {
                tokio::spawn(browse(server.panel(), round, writer, stop, answered))
            } else {
                tokio::spawn(ingest(
                    server.pages,
                    token.clone(),
                    round,
                    writer,
                    stop,
                    answered,
                ))
            });
        }
        // Dies at another moment each time, but never before somebody was answered.
        let enough = 20 + (round * 37) % 200;
        crate::stage::until("the writers are answered", || async {
            (answered.load(Ordering::Relaxed) >= enough).then_some(())
        })
        .await;
        server.kill();
        stop.store(1, Ordering::Relaxed);
        for writer in writers {
            let one = writer.await.unwrap();
            promised.proxied.extend(one.proxied);
            promised.ingested.extend(one.ingested);
            promised.unanswered.extend(one.unanswered);
        }
        drop(server);
        server = Server::on(&data, &options);
        slowest = slowest.max(server.ready_after);
        if round % 10 == 0 {
            is_intact(&server);
        }
    }
    is_intact(&server);
    assert_eq!(server.stop(), 0);

    let said = server
        .command(&["export", "panel:panel", "--format", "ndjson"])
        .run()
        .ok();
    let events: Vec<Value> = said
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let mut ids = HashSet::new();
    let mut by_path: HashMap<&str, Vec<&Value>> = HashMap::new();
    for event in &events {
        assert!(ids.insert(event["id"].as_str().unwrap()), "twice: {event}");
        by_path
            .entry(event["path"].as_str().unwrap())
            .or_default()
            .push(event);
    }
    for path in &promised.proxied {
        let found = by_path.get(path.as_str()).map_or(0, Vec::len);
        assert_eq!(found, 1, "{path} was answered and is there {found} times");
    }
    for id in &promised.ingested {
        assert!(
            ids.contains(id.as_str()),
            "{id} was acknowledged and is lost"
        );
    }
    // What reached the panel and was never answered is there too, and says so.
    let reached: HashSet<String> = panel
        .seen()
        .iter()
        .map(|seen| String::from_utf8(seen.target()).unwrap())
        .collect();
    let mut unknown = 0;
    for path in promised
        .unanswered
        .iter()
        .filter(|path| reached.contains(*path))
    {
        let found = by_path.get(path.as_str()).map_or(&[][..], Vec::as_slice);
        assert_eq!(
            found.len(),
            1,
            "{path} reached the panel and is there {} times",
            found.len()
        );
        unknown += usize::from(found[0]["outcome"] == "unknown");
    }
    let slow: Vec<_> = promised
        .unanswered
        .iter()
        .filter(|path| path.contains("/slow/") && reached.contains(*path))
        .collect();
    for path in &slow {
        assert_eq!(by_path[path.as_str()][0]["outcome"], "unknown", "{path}");
    }
    assert!(
        unknown as u64 >= rounds && !promised.ingested.is_empty() && !promised.proxied.is_empty()
    );
    assert!(
        slowest < Duration::from_secs(2),
        "ready again after {slowest:?}"
    );
    println!(
        "{rounds} rounds: {} answers and {} acknowledgements kept, {unknown} openings came back, ready again after {slowest:?} at most",
        promised.proxied.len(),
        promised.ingested.len()
    );
}

/// The ledger proves all that is there, beside the server that has just come back.
fn is_intact(server: &Server) {
    let verified = server.command(&["verify"]).run();
    assert_eq!(verified.code, 0, "{verified:?}");
}

/// Requests through the proxy: most are answered, the first of each round never is.
async fn browse(
    panel: SocketAddr,
    round: u64,
    writer: u64,
    stop: Arc<AtomicU64>,
    answered: Arc<AtomicU64>,
) -> Promised {
    let mut promised = Promised::default();
    let slow = format!("/slow/{round}/{writer}");
    let mut waiting = TcpStream::connect(panel).await.unwrap();
    waiting
        .write_all(format!("GET {slow} HTTP/1.1\r\nHost: a\r\n\r\n").as_bytes())
        .await
        .unwrap();
    promised.unanswered.push(slow);
    let mut stream = TcpStream::connect(panel).await.unwrap();
    for number in 0.. {
        if stop.load(Ordering::Relaxed) != 0 {
            break;
        }
        let method = if number % 2 == 0 { "POST" } else { "GET" };
        let path = format!("/items/{round}/{writer}/{number}");
        let request = format!("{method} {path} HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
        if stream.write_all(request.as_bytes()).await.is_err() {
            break;
        }
        match read_reply(&mut stream, false).await {
            Some(reply) if reply.status == 200 && reply.body == b"ok" => {
                promised.proxied.push(path);
                answered.fetch_add(1, Ordering::Relaxed);
            }
            _ => {
                promised.unanswered.push(path);
                break;
            }
        }
    }
    drop(waiting);
    promised
}

/// Batches to the API, each with ids of its own.
async fn ingest(
    pages: SocketAddr,
    token: String,
    round: u64,
    writer: u64,
    stop: Arc<AtomicU64>,
    answered: Arc<AtomicU64>,
) -> Promised {
    let mut promised = Promised::default();
    let mut stream = TcpStream::connect(pages).await.unwrap();
    for number in 0.. {
        if stop.load(Ordering::Relaxed) != 0 {
            break;
        }
        let ids: Vec<String> = (0..4)
            .map(|part| {
                format!(
                    "01a20000-{round:04x}-7{writer:03x}-8000-{:012x}",
                    number * 4 + part
                )
            })
            .collect();
        let batch: Vec<Value> = ids
            .iter()
            .map(|id| json!({"id": id, "panel": "panel", "time": "2026-11-23T10:00:00Z", "method": "GET", "path": format!("/sent/{id}")}))
            .collect();
        let body = json!(batch).to_string();
        let request = format!(
            "POST /api/v1/events HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        if stream.write_all(request.as_bytes()).await.is_err() {
            break;
        }
        match read_reply(&mut stream, false).await {
            Some(reply) if reply.status / 100 == 2 && reply.whole => {
                promised.ingested.extend(ids);
                answered.fetch_add(1, Ordering::Relaxed);
            }
            Some(reply) if reply.whole => {
                panic!("{}\n{}", reply.head, String::from_utf8_lossy(&reply.body))
            }
            _ => break,
        }
    }
    promised
}
