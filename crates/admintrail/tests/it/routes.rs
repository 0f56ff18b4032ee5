//! A panel that no preset describes: which parts of its paths are ids.

use tokio::io::AsyncWriteExt;

use crate::stage::{Options, Panel, Server, exchange, until};

const SIGNED_IN: &str = "Cookie: sid=of-olena\r\n";

/// A form at `/login`, everything else for who has its cookie, and `/missing…` for nobody.
async fn panel() -> Panel {
    Panel::answers(|seen, stream| {
        Box::pin(async move {
            let target = String::from_utf8_lossy(&seen.target()).into_owned();
            let signed_in = seen
                .header("cookie")
                .iter()
                .any(|it| it.contains("of-olena"));
            let reply = match target.as_str() {
                "/login" if seen.line().starts_with("POST") => {
                    "HTTP/1.1 302 Found\r\nLocation: /dashboard\r\n\
                     Set-Cookie: sid=of-olena; HttpOnly\r\nContent-Length: 0\r\n\r\n"
                }
                "/login" => "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
                _ if !signed_in => {
                    "HTTP/1.1 302 Found\r\nLocation: /login\r\nContent-Length: 0\r\n\r\n"
                }
                path if path.starts_with("/missing") => {
                    "HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno"
                }
                _ => "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
            };
            stream
                .lock()
                .await
                .write_all(reply.as_bytes())
                .await
                .is_ok()
        })
    })
    .await
}

async fn ask(server: &Server, method: &str, path: &str, headers: &str, body: &str) {
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: x\r\n{headers}Content-Length: {}\r\n\
         Connection: close\r\n\r\n{body}",
        body.len()
    );
    exchange(server.panel(), request.as_bytes()).await;
}

async fn get(server: &Server, path: &str) {
    ask(server, "GET", path, SIGNED_IN, "").await;
}

/// The route of each event on such a path, oldest first.
async fn routes(server: &Server, below: &str, count: usize) -> Vec<String> {
    let filter = format!("path:{below} admin:olena");
    let mut events = server.events_when(&filter, count).await;
    events.reverse();
    events
        .iter()
        .map(|event| event["route"].as_str().unwrap().to_owned())
        .collect()
}

/// By number, UUID, hash and name; the last one is learned.
fn kinds(n: u32) -> [(String, &'static str); 5] {
    let hash = format!("{:08x}{:024x}", n.wrapping_mul(2_654_435_761), n + 7);
    let [name, surname] = [
        ["quick", "lazy", "brown", "white", "small"][n as usize % 5],
        ["fox", "dog", "bear", "crow", "hare", "lynx", "wolf"][n as usize / 5 % 7],
    ];
    [
        (format!("/clients/{}", 4_711 + n), "/clients/{id}"),
        (
            format!("/orders/0192f0c1-7a3b-7c4d-8e5f-{n:012x}/lines/{n}"),
            "/orders/{id}/lines/{id}",
        ),
        (format!("/commits/{hash}"), "/commits/{id}"),
        (format!("/api/nodes/{hash}.json"), "/api/nodes/{id}.json"),
        (
            format!("/articles/the-{name}-{surname}/edit"),
            "/articles/{id}/edit",
        ),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ids_of_every_kind_become_one_route_and_stay_so_after_kill_nine() {
    let panel = panel().await;
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let options = Options::with(panel.address, "preset=generic");
    let mut server = Server::on(&data, &options);
    ask(&server, "GET", "/dashboard", "", "").await;
    let form = "Content-Type: application/x-www-form-urlencoded\r\n";
    ask(
        &server,
        "POST",
        "/login",
        form,
        "username=olena&password=right",
    )
    .await;
    for page in [
        "/dashboard",
        "/settings/mail",
        "/settings/users",
        "/articles/new",
    ] {
        get(&server, page).await;
    }
    for n in 0..35 {
        for (path, _) in kinds(n) {
            get(&server, &path).await;
        }
        get(&server, &format!("/missing/tales/no-such-tale-{n}")).await;
    }
    // The names that came first are words still: nothing that was recorded is rewritten.
    for (below, from) in [
        ("/clients", 0),
        ("/orders", 0),
        ("/commits", 0),
        ("/api/nodes", 0),
        ("/articles/the", 20),
    ] {
        let routes = routes(&server, below, 35).await;
        assert_eq!(routes.len(), 35);
        let (_, route) = kinds(0)
            .into_iter()
            .find(|(path, _)| path.starts_with(below))
            .unwrap();
        assert!(routes[from..].iter().all(|it| it == route), "{routes:#?}");
    }
    let first = routes(&server, "/articles/the", 35).await.remove(0);
    assert_eq!(first, kinds(0)[4].0);
    until("what was learned is kept", || async {
        let kept = admintrail_store::Control::open_read_only(server.dir()).ok()?;
        let kept = kept.learned(&"panel".parse().unwrap())?;
        String::from_utf8(kept)
            .unwrap()
            .contains("\"varying\":[\"/articles\"]")
            .then_some(())
    })
    .await;
    server.kill();
    drop(server);

    let server = Server::on(&data, &options);
    get(&server, "/articles/never-seen-before").await;
    let event = server.event("path:/articles/never-seen-before").await;
    assert_eq!(event["admin"], "olena");
    assert_eq!(event["route"], "/articles/{id}");
    assert_eq!(event["object"], "article/never-seen-before");
    for page in [
        "/dashboard",
        "/settings/mail",
        "/settings/users",
        "/articles/new",
    ] {
        get(&server, page).await;
        let events = server
            .events_when(&format!("path:{page} admin:olena"), 2)
            .await;
        assert!(
            events.iter().all(|event| event["route"] == page),
            "{events:#?}"
        );
    }
    get(&server, "/missing/tales/another").await;
    let event = server.event("path:/missing/tales/another").await;
    assert_eq!(
        event["route"], "/missing/tales/another",
        "what is not there teaches nothing"
    );
}
