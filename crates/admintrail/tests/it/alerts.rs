//! Who is told when something is wrong: a real receiver, a real mail server.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::Value;
use sha2::Sha256;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::stage::smtp::{PASSWORD, Smtp, USER};
use crate::stage::{Options, Panel, Said, Seen, Server, admintrail, exchange, until};
use crate::tls::certificate;

const SECRET: &str = "canary-0123456789abcdef";

fn config(alerts: &str) -> String {
    format!("version = 1\n[alerts]\n{alerts}\n")
}

/// `admintrail alerts test` with this configuration.
async fn try_out(dir: &Path, alerts: &str) -> Said {
    let file = dir.join("admintrail.toml");
    std::fs::write(&file, config(alerts)).unwrap();
    let ca = dir.join("cert.pem");
    let (file, ca) = (file.display().to_string(), ca.display().to_string());
    tokio::task::spawn_blocking(move || {
        admintrail(&["alerts", "test", "--config", &file])
            .env("SSL_CERT_FILE", &ca)
            .run()
    })
    .await
    .unwrap()
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| {
        let (one, value) = line.split_once(':')?;
        one.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

/// Whether a receiver that knows the secret would believe it.
fn is_signed(head: &str, body: &[u8], secret: &str) -> bool {
    let part = |name| header(head, name).unwrap_or_default();
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(format!("{}.{}.", part("webhook-id"), part("webhook-timestamp")).as_bytes());
    mac.update(body);
    let right = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
    part("webhook-signature") == right
}

fn head(seen: &Seen) -> String {
    String::from_utf8_lossy(&seen.head).into_owned()
}

/// A receiver that speaks TLS and keeps what it is sent.
async fn secure_receiver(dir: &Path) -> (u16, Arc<Mutex<Vec<String>>>) {
    let chain = vec![CertificateDer::from_pem_file(dir.join("cert.pem")).unwrap()];
    let key = PrivateKeyDer::from_pem_file(dir.join("key.pem")).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let seen: Arc<Mutex<Vec<String>>> = Arc::default();
    let kept = Arc::clone(&seen);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(stream).await else {
                continue;
            };
            let mut text = String::new();
            while !is_whole(&text) {
                let mut piece = [0; 4096];
                let Ok(read @ 1..) = stream.read(&mut piece).await else {
                    break;
                };
                text.push_str(&String::from_utf8_lossy(&piece[..read]));
            }
            kept.lock().unwrap().push(text);
            let _ = stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await;
            let _ = stream.shutdown().await;
        }
    });
    (port, seen)
}

fn is_whole(text: &str) -> bool {
    text.split_once("\r\n\r\n").is_some_and(|(head, body)| {
        let length = header(head, "content-length").unwrap_or("0");
        body.len() >= length.parse().unwrap()
    })
}

#[tokio::test]
async fn a_test_is_posted_over_tls_and_signed_and_what_is_secret_is_not_printed() {
    let dir = tempfile::tempdir().unwrap();
    certificate(dir.path());
    let (port, seen) = secure_receiver(dir.path()).await;
    let alerts = format!(
        "webhook = \"https://localhost:{port}/hooks/canary\"\nwebhook_secret = \"{SECRET}\"\n\
         webhook_network = \"any\""
    );
    let said = try_out(dir.path(), &alerts).await;
    assert_eq!(
        said.ok(),
        format!("webhook: delivered to https://localhost:{port}/…\n")
    );
    let seen = seen.lock().unwrap().clone();
    let (head, body) = seen[0].split_once("\r\n\r\n").unwrap();
    assert!(
        head.starts_with("POST /hooks/canary HTTP/1.1\r\n"),
        "{head}"
    );
    assert!(is_signed(head, body.as_bytes(), SECRET), "{head}");
    assert!(!is_signed(head, b"another", SECRET));
    let json: Value = serde_json::from_str(body).unwrap();
    assert_eq!(json["event"], "test");
    assert_eq!(json["id"], header(head, "webhook-id").unwrap());

    let file = dir.path().join("admintrail.toml").display().to_string();
    let shown = admintrail(&["config", "show", "--config", &file])
        .run()
        .ok();
    assert!(!shown.contains("canary"), "{shown}");
    assert!(shown.contains("alerts.webhook_secret"), "{shown}");
}

#[tokio::test]
async fn a_receiver_in_ones_own_network_is_reached_only_if_that_is_allowed() {
    let dir = tempfile::tempdir().unwrap();
    certificate(dir.path());
    let (port, seen) = secure_receiver(dir.path()).await;
    let alerts = format!("webhook = \"https://localhost:{port}/\"");
    let said = try_out(dir.path(), &alerts).await;
    assert_eq!(said.code, 1, "{said:?}");
    assert!(
        said.out.contains("in this machine's own network"),
        "{said:?}"
    );
    assert!(seen.lock().unwrap().is_empty());
    let said = try_out(dir.path(), "webhook = \"http://hooks.example.org/\"").await;
    assert_eq!(said.code, 2, "{said:?}");
    assert!(said.err.contains("is not encrypted"), "{said:?}");
}

#[tokio::test]
async fn redirects_are_not_followed_and_an_unwilling_receiver_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let elsewhere = Panel::fine().await;
    for (answer, told) in [
        ("302 Found", "redirects are not followed"),
        ("410 Gone", "it answers 410 Gone"),
    ] {
        let reply = format!(
            "HTTP/1.1 {answer}\r\nLocation: http://{}/\r\nContent-Length: 0\r\n\r\n",
            elsewhere.address
        );
        let receiver = Panel::says(reply.leak().as_bytes()).await;
        let alerts = format!(
            "webhook = \"http://{}/\"\nwebhook_network = \"any\"",
            receiver.address
        );
        let said = try_out(dir.path(), &alerts).await;
        assert_eq!(said.code, 1, "{said:?}");
        assert!(said.out.contains("webhook: NOT delivered"), "{said:?}");
        assert!(said.out.contains(told), "{said:?}");
        assert_eq!(receiver.seen().len(), 1, "it is asked once");
    }
    assert!(elsewhere.seen().is_empty());
}

#[tokio::test]
async fn a_receiver_that_never_answers_is_given_up_after_ten_seconds() {
    let dir = tempfile::tempdir().unwrap();
    let receiver = Panel::answers(|_, _| Box::pin(std::future::pending())).await;
    let alerts = format!(
        "webhook = \"http://{}/\"\nwebhook_network = \"any\"",
        receiver.address
    );
    let said = try_out(dir.path(), &alerts).await;
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.out.contains("no answer within 10 s"), "{said:?}");
}

fn email(smtp: &str, to: &str) -> String {
    format!(
        "email = {{ to = [{to}], from = \"Admintrail <trail@example.org>\", smtp = \"{smtp}\" }}"
    )
}

#[tokio::test]
async fn a_test_arrives_as_a_mail_that_a_mail_server_understands() {
    let Some(server) = Smtp::start(None) else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let smtp = format!("smtp://127.0.0.1:{}", server.port);
    let to = "\"ops@example.org\", \"Olena Kravets <olena@example.org>\"";
    let said = try_out(dir.path(), &email(&smtp, to)).await;
    assert!(said.ok().starts_with("email: delivered to ops@example.org"));
    let mails = server.mails_when(1).await;
    assert_eq!(mails.len(), 1, "one for both");
    let mail = &mails[0];
    assert_eq!(mail["sender"], "trail@example.org");
    let both = serde_json::json!(["ops@example.org", "olena@example.org"]);
    assert_eq!(mail["recipients"], both);
    let subject = mail["subject"].as_str().unwrap();
    assert!(subject.starts_with("[Admintrail] Test ("), "{subject}");
    assert!(
        mail["text"]
            .as_str()
            .unwrap()
            .contains("Alerts reach you on this way.")
    );
    assert!(mail["id"].is_string());

    let refused = try_out(dir.path(), &email(&smtp, "\"nobody@example.org\"")).await;
    assert_eq!(refused.code, 1, "{refused:?}");
    assert!(refused.out.contains("no such user"), "{refused:?}");
}

#[tokio::test]
async fn mail_goes_over_tls_with_a_password_that_is_printed_nowhere() {
    let dir = tempfile::tempdir().unwrap();
    certificate(dir.path());
    let Some(server) = Smtp::start(Some(dir.path())) else {
        return;
    };
    let smtp = |password: &str| {
        format!(
            "smtps://{}:{password}@localhost:{}",
            USER.replace('@', "%40"),
            server.port
        )
    };
    let right = PASSWORD
        .replace('@', "%40")
        .replace('/', "%2F")
        .replace(' ', "%20");
    let said = try_out(dir.path(), &email(&smtp(&right), "\"ops@example.org\"")).await;
    assert!(!format!("{said:?}").contains("canary"), "{said:?}");
    assert_eq!(
        said.ok(),
        format!(
            "email: delivered to ops@example.org by smtps://{USER}:…@localhost:{}\n",
            server.port
        )
    );
    assert_eq!(server.mails_when(1).await[0]["user"], USER);
    let file = dir.path().join("admintrail.toml").display().to_string();
    let shown = admintrail(&["config", "show", "--json", "--config", &file])
        .run()
        .ok();
    assert!(!shown.contains("canary"), "{shown}");

    let wrong = try_out(dir.path(), &email(&smtp("canary"), "\"ops@example.org\"")).await;
    assert_eq!(wrong.code, 1, "{wrong:?}");
    assert!(!format!("{wrong:?}").contains("canary"), "{wrong:?}");
    assert!(wrong.out.contains("535"), "{wrong:?}");

    // Nobody vouches for this certificate any more.
    let other = tempfile::tempdir().unwrap();
    certificate(other.path());
    let stranger = try_out(other.path(), &email(&smtp(&right), "\"ops@example.org\"")).await;
    assert_eq!(stranger.code, 1, "{stranger:?}");
    assert_eq!(server.mails().len(), 1);
}

#[tokio::test]
async fn one_way_that_fails_is_told_beside_one_that_works() {
    let Some(server) = Smtp::start(None) else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let closed = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap();
    let alerts = format!(
        "webhook = \"http://{closed}/\"\nwebhook_network = \"any\"\n{}",
        email(
            &format!("smtp://localhost:{}", server.port),
            "\"ops@example.org\""
        )
    );
    let said = try_out(dir.path(), &alerts).await;
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.out.contains("webhook: NOT delivered"), "{said:?}");
    assert!(said.out.contains("email: delivered"), "{said:?}");
}

#[tokio::test]
async fn without_a_way_the_test_says_what_to_write() {
    let dir = tempfile::tempdir().unwrap();
    let said = try_out(dir.path(), "").await;
    assert_eq!(said.code, 2, "{said:?}");
    assert!(
        said.err.contains("put webhook or email under [alerts]"),
        "{said:?}"
    );
}

#[tokio::test]
async fn every_mistake_is_told_at_once_and_none_prints_a_secret() {
    let dir = tempfile::tempdir().unwrap();
    let alerts = "webhook = \"canary.example.org/hook\"\nwebhook_secret = \"canary\"\n\
        webhook_network = \"all\"\nwebhok = \"x\"\n\
        email = { to = [\"olena\"], smtp = \"imap://u:canary@mail.example.org\" }";
    let said = try_out(dir.path(), alerts).await;
    assert_eq!(said.code, 2, "{said:?}");
    assert!(!said.err.contains("canary"), "{said:?}");
    for mistake in [
        "alerts.webhook: is not an address such as",
        "alerts.webhook_secret: is shorter than 16 characters",
        "alerts.webhook_network: \"all\" is not one of public, any",
        "alerts.webhok: there is no such key; did you mean \"webhook\"?",
        "alerts.email.to: \"olena\" is not an e-mail address",
        "alerts.email.from: is missing",
        "alerts.email.smtp: is not a mail server",
    ] {
        assert!(said.err.contains(mistake), "{mistake}: {}", said.err);
    }
    let said = try_out(dir.path(), "webhook_secret = \"0123456789abcdef\"").await;
    assert!(said.err.contains("add webhook = "), "{said:?}");
}

/// `raised recording_stopped` of everything that was posted.
fn told(receiver: &Panel) -> Vec<String> {
    let seen = receiver.seen();
    let words = seen.iter().map(|one| {
        assert!(is_signed(&head(one), &one.body, SECRET));
        let json: Value = serde_json::from_slice(&one.body).unwrap();
        format!(
            "{} {}",
            json["event"].as_str().unwrap(),
            json["condition"].as_str().unwrap()
        )
    });
    words.collect()
}

/// As [`until`], for what only the next look of the server finds.
async fn told_within_a_minute(receiver: &Panel, what: &str) {
    let deadline = Instant::now() + Duration::from_secs(90);
    while !told(receiver).iter().any(|one| one == what) {
        assert!(
            Instant::now() < deadline,
            "{what} was not told: {:?}",
            told(receiver)
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn recording_that_stops_is_told_once_over_a_crash_and_so_is_its_end() {
    let panel = Panel::fine().await;
    let failures = Arc::new(Mutex::new(1));
    let receiver = Panel::answers(move |_, stream| {
        let mut left = failures.lock().unwrap();
        let fails = *left > 0;
        *left -= i32::from(fails);
        Box::pin(async move {
            let answer: &[u8] = if fails {
                b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"
            } else {
                b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
            };
            stream.lock().await.write_all(answer).await.is_ok()
        })
    })
    .await;
    let mail = Smtp::start(None);
    let by_mail = mail.as_ref().map(|server| {
        let smtp = format!("smtp://127.0.0.1:{}", server.port);
        email(&smtp, "\"ops@example.org\"")
    });
    let alerts = config(&format!(
        "webhook = \"http://{}/\"\nwebhook_secret = \"{SECRET}\"\nwebhook_network = \"any\"\n{}",
        receiver.address,
        by_mail.unwrap_or_default()
    ));
    // Files may grow to 400 KiB, which is what a full disk is to their writer.
    let mut options = Options {
        limits: Some("trap '' XFSZ; ulimit -S -f 800".to_owned()),
        config: alerts,
        ..Options::panel(panel.address)
    };
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut server = Server::on(&data, &options);
    let filler = "x".repeat(3_000);
    for number in 0.. {
        let post = format!(
            "POST /{number}/{filler} HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        );
        let answer = exchange(server.panel(), post.as_bytes()).await;
        if answer.starts_with(b"HTTP/1.1 503") {
            break;
        }
        assert!(number < 4_000, "it never stops");
    }
    // Who only reads is let through, and counted.
    let read = b"GET /read HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    let answer = exchange(server.panel(), read).await;
    assert!(
        answer.starts_with(b"HTTP/1.1 200"),
        "{}",
        answer.escape_ascii()
    );
    // The first try failed; it comes again under the same id.
    told_within_a_minute(&receiver, "raised recording_stopped").await;
    let ids = || -> Vec<String> {
        let seen = receiver.seen();
        seen.iter()
            .map(|one| header(&head(one), "webhook-id").unwrap().to_owned())
            .collect()
    };
    until("it is tried again", || async {
        (ids().len() >= 2).then_some(())
    })
    .await;
    assert_eq!(ids()[0], ids()[1]);
    let get = "GET /readyz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    let ready = exchange(server.pages, get.as_bytes()).await;
    let ready = String::from_utf8(ready).unwrap();
    assert!(ready.starts_with("HTTP/1.1 503"), "{ready}");
    assert!(ready.contains("application/problem+json"), "{ready}");
    assert!(
        ready.contains("\"condition\":\"recording_stopped\""),
        "{ready}"
    );

    // Nobody knows how far it got; after the crash there is room, and it is over with a message.
    server.kill();
    options.limits = None;
    let server = Server::on(&data, &options);
    told_within_a_minute(&receiver, "resolved recording_stopped").await;
    let mut distinct: Vec<(String, String)> = ids().into_iter().zip(told(&receiver)).collect();
    distinct.dedup();
    let stops: Vec<&str> = distinct
        .iter()
        .map(|(_, what)| what.as_str())
        .filter(|what| what.ends_with("recording_stopped"))
        .collect();
    assert_eq!(
        stops,
        ["raised recording_stopped", "resolved recording_stopped"]
    );
    assert!(
        distinct.iter().any(|(_, what)| what == "raised gap"),
        "{distinct:?}"
    );
    assert!(!server.log().contains(SECRET));
    if let Some(mail) = mail {
        let over = "[Admintrail] Over: Recording stopped";
        let subjects = || -> Vec<String> {
            let mails = mail.mails();
            let subjects = mails
                .iter()
                .map(|one| one["subject"].as_str().unwrap().to_owned());
            subjects.collect()
        };
        until("its end is mailed", || async {
            subjects()
                .iter()
                .any(|one| one.starts_with(over))
                .then_some(())
        })
        .await;
        let stops = |one: &&String| one.contains("Recording stopped");
        assert_eq!(
            subjects().iter().filter(stops).count(),
            2,
            "{:?}",
            subjects()
        );
    }
}
