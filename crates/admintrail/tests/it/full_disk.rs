//! Threat 15: no room left.

use std::time::Duration;

use serde_json::Value;

use crate::stage::{Options, Panel, Server, exchange, until};

/// Files may grow to this size and no further, which is what a full disk is to their writer.
const LARGEST_KIB: u64 = 400;

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
}

fn post(path: &str) -> String {
    format!("POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
}

fn status(answer: &[u8]) -> String {
    String::from_utf8_lossy(answer)
        .split(' ')
        .nth(1)
        .unwrap_or_default()
        .to_owned()
}

#[tokio::test]
async fn a_full_disk_stops_changes_says_why_and_recovers_by_itself() {
    let panel = Panel::fine().await;
    let options = Options {
        // Blocks of 512 bytes; without the trap the signal would end the process.
        limits: Some(format!("trap '' XFSZ; ulimit -S -f {}", LARGEST_KIB * 2)),
        ..Options::panel(panel.address)
    };
    let server = Server::start(&options);
    let token = server.token("reader", "read");
    let filler = "x".repeat(3_000);
    let mut kept = Vec::new();
    let mut refusal = Vec::new();
    for number in 0..4_000 {
        let path = format!("/{number}/{filler}");
        let answer = exchange(server.panel(), post(&path).as_bytes()).await;
        match status(&answer).as_str() {
            "200" => kept.push(number),
            "503" => {
                refusal = answer;
                break;
            }
            other => panic!("{other}: {}", answer.escape_ascii()),
        }
    }
    let text = String::from_utf8(refusal).unwrap();
    let lower = text.to_lowercase();
    assert!(
        lower.contains("retry-after:")
            && text.contains("Change not made: it could not be recorded"),
        "{text}"
    );
    let changes = panel.seen().len();

    // Reading goes on; changes do not reach the panel.
    assert_eq!(
        status(&exchange(server.panel(), get("/read").as_bytes()).await),
        "200"
    );
    assert_eq!(
        status(&exchange(server.panel(), post("/change").as_bytes()).await),
        "503"
    );
    assert_eq!(
        panel.seen().len(),
        changes + 1,
        "a change reached the panel unrecorded"
    );
    // The page and the API stay readable and readiness says what is wrong.
    let ready = exchange(server.pages, get("/readyz").as_bytes()).await;
    assert_eq!(status(&ready), "503", "{}", ready.escape_ascii());
    let ask = format!(
        "GET /api/v1/events?limit=1 HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n"
    );
    assert_eq!(status(&exchange(server.pages, ask.as_bytes()).await), "200");
    let unhealthy = server.command(&["healthcheck"]).run();
    assert_eq!(unhealthy.code, 1, "{unhealthy:?}");
    assert!(unhealthy.err.contains("record"), "{unhealthy:?}");
    // Who reads is told when that is not on record.
    let looked = server.command(&["query", "path:/nowhere"]).run();
    let told = looked
        .err
        .contains("the record does not show that you read it");
    assert_eq!(looked.code, 0, "{looked:?}");

    // Room again: everything works by itself, and the gap is told.
    let pid = server.pid().to_string();
    let lifted = std::process::Command::new("prlimit")
        .args(["--pid", &pid, "--fsize=unlimited"])
        .status()
        .unwrap();
    assert!(lifted.success());
    until("changes are let through again", || async {
        (status(&exchange(server.panel(), post("/after").as_bytes()).await) == "200").then_some(())
    })
    .await;
    until("it is ready again", || async {
        (status(&exchange(server.pages, get("/readyz").as_bytes()).await) == "200").then_some(())
    })
    .await;
    server.events_when("path:/after status:200", 1).await;
    let looks = server
        .command(&["query", "path:/cli/query object:path:/nowhere", "--json"])
        .run()
        .ok();
    assert_eq!(
        looks.lines().count(),
        usize::from(!told),
        "said or recorded, one of them: {looked:?}"
    );
    let recorded: Vec<Value> = server.events("method:POST status:200 -path:/after");
    assert_eq!(
        recorded.len(),
        kept.len(),
        "what was let through is recorded"
    );
    tokio::time::sleep(Duration::from_millis(50)).await;
    let read = server.events("path:/read").len();
    let counted: u64 = server
        .events("kind:gap")
        .iter()
        .map(|gap| gap["count"].as_u64().unwrap())
        .sum();
    assert!(
        read == 1 || counted >= 1,
        "a request that passed unrecorded is counted: {:?}",
        server.events("kind:gap")
    );
}

#[tokio::test]
async fn requests_of_the_time_in_which_the_disk_was_full_are_told_even_after_kill_nine() {
    let panel = Panel::fine().await;
    let own = tempfile::tempdir().unwrap();
    let dir = own.path().join("data");
    let full = Options {
        limits: Some(format!("trap '' XFSZ; ulimit -S -f {}", LARGEST_KIB * 2)),
        ..Options::panel(panel.address)
    };
    let mut server = Server::on(&dir, &full);
    let filler = "x".repeat(3_000);
    let mut asked = 0;
    for number in 0..4_000 {
        let path = format!("/{number}/{filler}");
        let answer = exchange(server.panel(), post(&path).as_bytes()).await;
        asked += 1;
        if status(&answer) == "503" {
            break;
        }
    }
    for number in 0..5 {
        let refused = exchange(server.panel(), post(&format!("/c/{number}")).as_bytes()).await;
        assert_eq!(status(&refused), "503");
        let read = exchange(server.panel(), get(&format!("/r/{number}")).as_bytes()).await;
        assert_eq!(status(&read), "200");
        asked += 2;
    }
    server.kill();

    let mut server = Server::on(&dir, &Options::panel(panel.address));
    let told = |server: &Server| {
        let gaps = server.events("kind:gap");
        let counted: u64 = gaps.iter().map(|gap| gap["count"].as_u64().unwrap()).sum();
        let recorded = server.events("kind:request").len() as u64;
        (counted, counted + recorded)
    };
    until("each is recorded or counted", || async {
        (told(&server).1 == asked).then_some(())
    })
    .await;
    let before = told(&server);
    assert!(before.0 > 0, "what was refused has no other trace");
    // And once only.
    server.kill();
    let server = Server::on(&dir, &Options::panel(panel.address));
    exchange(server.panel(), get("/after").as_bytes()).await;
    server.events_when("path:/after", 1).await;
    assert_eq!(told(&server), (before.0, asked + 1));
}
