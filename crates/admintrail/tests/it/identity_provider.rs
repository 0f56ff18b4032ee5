//! An identity provider in front of whose tokens the panel stands: its keys come by HTTP, change,
//! and are not always there.

use std::sync::{Arc, Mutex};

use jsonwebtoken::jwk::{Jwk, JwkSet};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::json;
use tokio::io::AsyncWriteExt;

use crate::stage::{Options, Panel, Server, admintrail, exchange};

struct Key {
    id: &'static str,
    key: EncodingKey,
}

impl Key {
    fn new(id: &'static str) -> Self {
        let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
        let key = EncodingKey::from_ec_pem(pair.serialize_pem().as_bytes()).unwrap();
        Self { id, key }
    }

    fn token(&self, email: &str) -> String {
        let mut header = Header::new(Algorithm::ES256);
        header.kid = Some(self.id.to_owned());
        let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
        let claims = json!({"sub": "1", "aud": "billing", "email": email, "exp": now + 300});
        encode(&header, &claims, &self.key).unwrap()
    }

    fn set(&self) -> String {
        let mut jwk = Jwk::from_encoding_key(&self.key, Algorithm::ES256).unwrap();
        jwk.common.key_id = Some(self.id.to_owned());
        serde_json::to_string(&JwkSet { keys: vec![jwk] }).unwrap()
    }
}

/// Publishes what `set` says at the moment.
async fn provider(set: Arc<Mutex<String>>) -> Panel {
    Panel::answers(move |_, stream| {
        let body = set.lock().unwrap().clone();
        Box::pin(async move {
            let status = if body.is_empty() { 503 } else { 200 };
            let reply = format!(
                "HTTP/1.1 {status} x\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            );
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

async fn ask(server: &Server, path: &str, token: &str) {
    let request =
        format!("GET {path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\n\r\n");
    exchange(server.panel(), request.as_bytes()).await;
}

#[tokio::test]
async fn keys_are_fetched_and_tokens_name_their_admins() {
    let key = Key::new("2026-11");
    let set = Arc::new(Mutex::new(String::new()));
    let provider = provider(Arc::clone(&set)).await;
    let panel = Panel::fine().await;
    let server = Server::start(&Options {
        config: format!(
            "version = 1\n[[panel]]\nname = \"panel\"\nupstream = \"http://{}\"\nlisten = \"127.0.0.1:0\"\n\
             jwt = {{ jwks = \"http://{}/keys\", audience = \"billing\", id_claim = \"email\" }}\n",
            panel.address, provider.address
        ),
        ..Options::default()
    });
    let token = key.token("olena@example.org");
    // The provider is not up yet: nobody is named, nothing is held up.
    ask(&server, "/before", &token).await;
    let before = server.event("path:/before").await;
    assert_eq!(
        (&before["admin"], &before["known_by"]),
        (&json!(null), &json!("none"))
    );
    key.set().clone_into(&mut set.lock().unwrap());
    let mut named = json!(null);
    for attempt in 0..100 {
        let path = format!("/after/{attempt}");
        ask(&server, &path, &token).await;
        named = server.event(&format!("path:{path}")).await;
        if named["admin"] == "olena@example.org" {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    assert_eq!(named["admin"], "olena@example.org", "{}", server.log());
    assert_eq!(named["known_by"], "jwt");
    // One signed by somebody else under the same id is nobody's.
    ask(
        &server,
        "/forged",
        &Key::new("2026-11").token("olena@example.org"),
    )
    .await;
    assert_eq!(server.event("path:/forged").await["admin"], json!(null));
    // The panel got the token; nothing of it is anywhere in our folder or log.
    assert!(panel.seen().iter().any(|seen| seen.text().contains(&token)));
    let signature = token.rsplit('.').next().unwrap();
    assert!(!server.log().contains(signature));
    for entry in walk(server.dir()) {
        let bytes = std::fs::read(&entry).unwrap_or_default();
        let found = bytes
            .windows(signature.len())
            .any(|part| part == signature.as_bytes());
        assert!(!found, "{}", entry.display());
    }
}

fn walk(dir: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| {
            if path.is_dir() {
                walk(&path)
            } else {
                vec![path]
            }
        })
        .collect()
}

#[test]
fn mistakes_are_told_with_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("short"), "secret").unwrap();
    let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
    std::fs::write(dir.path().join("key.pem"), pair.public_key_pem()).unwrap();
    for (jwt, said) in [
        ("{ }", "name the provider's keys with one of jwks"),
        (
            "{ jwks = \"a.json\", key_file = \"key.pem\" }",
            "name the provider's keys with one of jwks",
        ),
        ("{ jwks = \"missing.json\" }", "missing.json cannot be read"),
        ("{ jwks = \"http://id.example/keys\" }", "is not encrypted"),
        ("{ jwks = \"ftp://id.example/keys\" }", "write https://"),
        ("{ secret_file = \"short\" }", "the secret has 6 bytes"),
        ("{ key_file = \"short\" }", "no PEM of a public key"),
        (
            "{ key_file = \"key.pem\", algorithms = [\"HS256\"] }",
            "does not go with these keys",
        ),
        (
            "{ key_file = \"key.pem\", algorithms = [\"none\"] }",
            "there is no algorithm",
        ),
        (
            "{ key_file = \"key.pem\", header = \"not a header\" }",
            "is not the name of a header",
        ),
        (
            "{ key_file = \"key.pem\", audiense = \"a\" }",
            "did you mean \"audience\"?",
        ),
    ] {
        let config = format!(
            "version = 1\n[[panel]]\nname = \"panel\"\nupstream = \"http://127.0.0.1:1\"\nlisten = \"127.0.0.1:0\"\njwt = {jwt}\n"
        );
        std::fs::write(dir.path().join("a.toml"), config).unwrap();
        let run = admintrail(&["config", "check", "--config", "a.toml"])
            .dir(dir.path())
            .run();
        assert_eq!(run.code, 2, "{jwt}: {run:?}");
        assert!(
            run.err.contains(said) || run.out.contains(said),
            "{jwt}: {run:?}"
        );
    }
    let good = "version = 1\n[[panel]]\nname = \"panel\"\nupstream = \"http://127.0.0.1:1\"\nlisten = \"127.0.0.1:0\"\njwt = { key_file = \"key.pem\", audience = [\"a\", \"b\"], leeway = \"10s\" }\n";
    std::fs::write(dir.path().join("a.toml"), good).unwrap();
    let run = admintrail(&["config", "check", "--config", "a.toml"])
        .dir(dir.path())
        .run();
    assert_eq!(run.code, 0, "{run:?}");
}
