//! Threats 6 and 10: no secret is ever written.

use std::path::{Path, PathBuf};

use tokio::io::AsyncWriteExt;

use crate::stage::{Options, Panel, Server, everything_below, exchange};

/// Each appears in a place where secrets appear, and must appear in no file.
const CANARIES: &[&str] = &[
    "CANARYquery1",
    "CANARYquery2",
    "CANARYdouble3",
    "CANARYform4",
    "CANARYcookie5",
    "CANARYbearer6",
    "CANARYset7",
    "CANARYjson8",
    "CANARYtypedname9",
    "CANARYreset10",
    "CANARYbody11",
    "CANARYanswer12",
    "CANARYownpassword13",
    "CANARYsession14",
    "CANARYaccess15",
];

#[tokio::test]
async fn no_secret_reaches_any_file_or_log_line() {
    let panel = Panel::answers(|seen, stream| {
        Box::pin(async move {
            let reply: &[u8] = if seen.body.windows(9).any(|piece| piece == b"typedname") {
                b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno"
            } else {
                b"HTTP/1.1 302 Found\r\nLocation: /home?token=CANARYset7\r\nContent-Length: 14\r\n\
                  Set-Cookie: sessionid=CANARYsession14; HttpOnly\r\n\r\nCANARYanswer12"
            };
            stream.lock().await.write_all(reply).await.is_ok()
        })
    })
    .await;
    let options = Options {
        env: vec![("ADMINTRAIL_LOG".to_owned(), "trace".to_owned())],
        ..Options::panel(panel.address)
    };
    let mut server = Server::start(&options);
    let basic = "b2xlbmE6Q0FOQVJZYmFzaWM="; // olena:CANARYbasic
    let requests = [
        "GET /a?password=CANARYquery1&x=1 HTTP/1.1\r\nHost: a\r\n".to_owned(),
        "GET /a?X=1&Api_Key=CANARYquery2 HTTP/1.1\r\nHost: a\r\n".to_owned(),
        "GET /a?%2570assword=CANARYdouble3&access%5Ftoken=CANARYaccess15 HTTP/1.1\r\nHost: a\r\n"
            .to_owned(),
        "GET /a HTTP/1.1\r\nHost: a\r\nCookie: sessionid=CANARYcookie5; other=CANARYcookie5\r\n"
            .to_owned(),
        "GET /a HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer CANARYbearer6\r\n".to_owned(),
        format!("GET /a HTTP/1.1\r\nHost: a\r\nAuthorization: Basic {basic}\r\n"),
        "GET /reset/abc/CANARYreset10x0123456789abcdef/ HTTP/1.1\r\nHost: a\r\n".to_owned(),
    ];
    for request in requests {
        exchange(
            server.panel(),
            format!("{request}Connection: close\r\n\r\n").as_bytes(),
        )
        .await;
    }
    let forms = [
        (
            "/login",
            "application/x-www-form-urlencoded",
            "username=olena&password=CANARYform4&next=%2F",
        ),
        (
            "/login",
            "application/x-www-form-urlencoded",
            "username=CANARYtypedname9&password=x",
        ),
        (
            "/api/login",
            "application/json",
            "{\"username\":\"olena\",\"password\":\"CANARYjson8\"}",
        ),
        ("/customers/1", "text/plain", "CANARYbody11"),
    ];
    for (path, kind, body) in forms {
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: a\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        );
        exchange(server.panel(), request.as_bytes()).await;
    }
    server
        .command(&[
            "account",
            "add",
            "--email",
            "o@x.example",
            "--role",
            "owner",
            "--password-stdin",
        ])
        .run_with("CANARYownpassword13\n")
        .ok();
    let token = server.token("canary", "read");
    let sign_in = "email=o%40x.example&password=CANARYownpassword13";
    let request = format!(
        "POST /login HTTP/1.1\r\nHost: {0}\r\nOrigin: http://{0}\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {1}\r\nConnection: close\r\n\r\n{sign_in}",
        server.pages,
        sign_in.len()
    );
    let answer = String::from_utf8(exchange(server.pages, request.as_bytes()).await).unwrap();
    let cookie = answer
        .split("admintrail_session=")
        .nth(1)
        .unwrap()
        .split(';')
        .next()
        .unwrap()
        .to_owned();
    let ask = format!(
        "GET /api/v1/events?token={token} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n"
    );
    exchange(server.pages, ask.as_bytes()).await;
    let link = server
        .log()
        .lines()
        .find_map(|line| line.split("/setup?token=").nth(1).map(str::to_owned))
        .unwrap();
    exchange(
        server.pages,
        format!("GET /setup?token={link} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            .as_bytes(),
    )
    .await;
    server.events_when("", 11).await;

    let mut secrets: Vec<&str> = CANARIES.to_vec();
    secrets.extend(["CANARYbasic", basic, token.as_str(), cookie.as_str()]);
    // While it runs (journal, write-ahead log) and after it stopped.
    for moment in ["running", "stopped"] {
        if moment == "stopped" {
            assert_eq!(server.stop(), 0);
        }
        for secret in secrets.iter().chain([&link.as_str()]) {
            let found = files_with(server.dir(), secret.as_bytes());
            assert!(found.is_empty(), "{moment}: {secret} is in {found:?}");
        }
    }
    let log = server.log();
    for secret in &secrets {
        assert!(!log.contains(secret), "the log says {secret}: {log}");
    }
    assert_eq!(
        log.matches(&link).count(),
        1,
        "the setup link is printed once and not logged"
    );
    let all = server.command(&["export", "--format", "ndjson"]).run().ok();
    for secret in secrets {
        assert!(!all.contains(secret), "{secret}");
    }
    assert!(all.contains("unknown name (16 characters)"), "{all}");
}

fn files_with(dir: &Path, secret: &[u8]) -> Vec<String> {
    let holds = |path: &PathBuf| {
        std::fs::read(path)
            .is_ok_and(|bytes| bytes.windows(secret.len()).any(|piece| piece == secret))
    };
    let found = everything_below(dir).into_iter().filter(holds);
    found.map(|path| path.display().to_string()).collect()
}
