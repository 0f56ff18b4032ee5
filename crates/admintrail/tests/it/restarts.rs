//! What the recorder learned of a panel, after the process died or was stopped.

use std::net::SocketAddr;

use admintrail_event::PanelName;
use admintrail_store::Control;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;

use crate::stage::{Options, Panel, Server, exchange, until};

/// `olena:right`.
const BASIC: &str = "Authorization: Basic b2xlbmE6cmlnaHQ=\r\n";

/// Asks strangers for a name and password, and lets olena in.
async fn panel() -> Panel {
    Panel::answers(|seen, stream| {
        Box::pin(async move {
            let reply: &[u8] = if seen.header("authorization").is_empty() {
                b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=x\r\nContent-Length: 0\r\n\r\n"
            } else {
                b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
            };
            stream.lock().await.write_all(reply).await.is_ok()
        })
    })
    .await
}

async fn get(server: &Server, path: &str, headers: &str) {
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\n{headers}Connection: close\r\n\r\n");
    exchange(server.panel(), request.as_bytes()).await;
}

fn kept(server: &Server) -> Option<String> {
    let control = Control::open_read_only(server.dir()).ok()?;
    let panel: PanelName = "panel".parse().unwrap();
    control
        .learned(&panel)
        .map(|learned| String::from_utf8(learned).unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_basic_user_is_named_right_after_kill_nine_without_a_new_challenge() {
    let panel = panel().await;
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let options = Options::panel(panel.address);
    let mut server = Server::on(&data, &options);
    for path in ["/clients", "/"] {
        get(&server, path, "").await;
    }
    until("the challenges are kept", || async {
        kept(&server).filter(|it| it.contains("\"challenged\":[\"\"]") && it.contains("/clients"))
    })
    .await;
    server.kill();
    drop(server);

    let server = Server::on(&data, &options);
    get(&server, "/clients", BASIC).await;
    let event = server.event("path:/clients admin:olena").await;
    assert_eq!(event["known_by"], "basic");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn names_learned_last_are_kept_at_the_stop_and_what_another_version_kept_is_told() {
    let panel = panel().await;
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let options = Options::panel(panel.address);
    let mut server = Server::on(&data, &options);
    for headers in ["", BASIC] {
        get(&server, "/", headers).await;
    }
    for n in 0..20 {
        get(&server, &format!("/articles/about-it-{n}"), BASIC).await;
    }
    server
        .events_when("route:\"/articles/{id}\" admin:olena", 1)
        .await;
    assert_eq!(server.stop(), 0);
    drop(server);

    let mut server = Server::on(&data, &options);
    get(&server, "/", BASIC).await;
    get(&server, "/articles/one-more", BASIC).await;
    let event = server.event("path:/articles/one-more").await;
    assert_eq!(event["route"], "/articles/{id}");
    assert_eq!(event["action"], "Viewed article one-more");
    assert_eq!(event["object"], "article/one-more");
    assert_eq!(server.stop(), 0);
    drop(server);

    let control = Control::open(&data).unwrap();
    let newer = control.save_learned("panel".parse().unwrap(), b"{\"version\":99}".to_vec());
    newer.wait().unwrap();
    control.close();
    let server = Server::on(&data, &options);
    assert!(
        server.log().contains("it has version 99"),
        "{}",
        server.log()
    );
    get(&server, "/articles/one-more-2", BASIC).await;
    let event = server.event("path:/articles/one-more-2").await;
    assert_eq!(event["admin"], Value::Null, "nothing of it counts");
}

/// Signs in whoever sends a form, and shows pages to whoever has the cookie.
async fn panel_with_sessions() -> Panel {
    Panel::answers(|seen, stream| {
        Box::pin(async move {
            let reply: &[u8] = if seen.line().starts_with("POST /login ") {
                b"HTTP/1.1 302 Found\r\nLocation: /clients\r\nSet-Cookie: sessionid=8f14e45fceea167a5a36dedd4bea2543; Path=/; HttpOnly\r\nContent-Length: 0\r\n\r\n"
            } else {
                b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 2\r\n\r\nok"
            };
            stream.lock().await.write_all(reply).await.is_ok()
        })
    })
    .await
}

async fn post(to: SocketAddr, path: &str, headers: &str, form: &str) -> String {
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: {to}\r\nOrigin: http://{to}\r\n{headers}Content-Type: \
         application/x-www-form-urlencoded\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{form}",
        form.len()
    );
    String::from_utf8_lossy(&exchange(to, request.as_bytes()).await).into_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_that_an_owner_ended_is_refused_at_once_and_after_kill_nine() {
    let panel = panel_with_sessions().await;
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let options = Options::panel(panel.address);
    let mut server = Server::on(&data, &options);
    let add = [
        "account",
        "add",
        "--email",
        "owner@x.example",
        "--role",
        "owner",
        "--password-stdin",
    ];
    server
        .command(&add)
        .run_with("correct-horse-battery\n")
        .ok();
    post(
        server.panel(),
        "/login",
        "",
        "username=olena&password=right",
    )
    .await;
    let held = "Cookie: sessionid=8f14e45fceea167a5a36dedd4bea2543\r\n";
    get(&server, "/clients", held).await;
    let event = server.event("path:/clients").await;
    assert_eq!(event["admin"], "olena");
    let session = event["session"].as_str().unwrap().to_owned();

    let form = "email=owner%40x.example&password=correct-horse-battery";
    let signed_in = post(server.pages, "/login", "", form).await;
    let cookie = signed_in.split_once("et-cookie: ").unwrap().1;
    let cookie = format!("Cookie: {}\r\n", cookie.split(';').next().unwrap());
    let end = format!("/monitoring/admin-sessions/sessions/panel/{session}/end");
    let ended = post(server.pages, &end, &cookie, "").await;
    assert!(ended.starts_with("HTTP/1.1 303"), "{ended}");
    let query = ["query", "panel:admintrail path:end", "--json"];
    let by = until("who ended it is on record", || async {
        let found = server.command(&query).run().ok();
        serde_json::from_str::<Value>(found.lines().next()?).ok()
    })
    .await;
    assert_eq!(
        (&by["admin"], &by["action"]),
        (&json!("owner@x.example"), &json!("Ended session"))
    );
    let seen = panel.seen().len();
    for killed in [false, true] {
        if killed {
            server.kill();
            drop(server);
            server = Server::on(&data, &options);
        }
        let asked = format!("GET /services HTTP/1.1\r\nHost: x\r\n{held}Connection: close\r\n\r\n");
        let answer = exchange(server.panel(), asked.as_bytes()).await;
        let answer = String::from_utf8_lossy(&answer);
        assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
        assert!(
            answer.to_lowercase().contains("set-cookie: sessionid=;"),
            "{answer}"
        );
    }
    assert_eq!(panel.seen().len(), seen, "nothing of it reached the panel");
    for event in server.events_when("path:/services", 2).await {
        assert_eq!(event["admin"], Value::Null, "{event}");
        // The first one may have been under way when the process died.
        assert_ne!(event["outcome"], "success");
    }
}
