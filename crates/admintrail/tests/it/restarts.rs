//! What the recorder learned of a panel, after the process died or was stopped.

use admintrail_event::PanelName;
use admintrail_store::Control;
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
    get(&server, "/", "").await;
    until("the challenge is kept", || async {
        kept(&server).filter(|it| it.contains("\"challenged\":[\"\"]"))
    })
    .await;
    server.kill();
    drop(server);

    let server = Server::on(&data, &options);
    get(&server, "/clients", BASIC).await;
    let event = server.event("path:/clients").await;
    assert_eq!(event["admin"], "olena");
    assert_eq!(event["known_by"], "basic");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn names_learned_last_are_kept_at_the_stop_and_what_another_version_kept_is_told() {
    let panel = panel().await;
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let options = Options::panel(panel.address);
    let mut server = Server::on(&data, &options);
    get(&server, "/", "").await;
    for n in 0..20 {
        get(&server, &format!("/articles/about-it-{n}"), BASIC).await;
    }
    server
        .events_when("route:\"/articles/{id}\" admin:olena", 1)
        .await;
    assert_eq!(server.stop(), 0);
    drop(server);

    let mut server = Server::on(&data, &options);
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
    assert_eq!(
        event["admin"],
        serde_json::Value::Null,
        "nothing of it counts"
    );
}
