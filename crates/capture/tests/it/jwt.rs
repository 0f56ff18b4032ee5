//! Tokens of an identity provider: only what it signed, for us and for now, names anybody.

use std::sync::Arc;
use std::time::Duration;

use admintrail_capture::{
    JwtKeys, JwtRule, JwtSettings, JwtVerifier, RecordService, TrustedHeader,
};
use admintrail_event::{Draft, KnownBy, Outcome};
use http::HeaderName;
use jsonwebtoken::jwk::{Jwk, JwkSet};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};

use crate::stand::*;

/// Where the clock of a [`Stand`] begins.
const NOW: i64 = 1_795_000_000;

/// An identity provider with one key.
struct Provider {
    key: EncodingKey,
    id: &'static str,
    public_pem: String,
}

impl Provider {
    fn new(id: &'static str) -> Self {
        let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
        Self {
            key: EncodingKey::from_ec_pem(pair.serialize_pem().as_bytes()).unwrap(),
            id,
            public_pem: pair.public_key_pem(),
        }
    }

    fn jwk(&self) -> Jwk {
        let mut jwk = Jwk::from_encoding_key(&self.key, Algorithm::ES256).unwrap();
        jwk.common.key_id = Some(self.id.to_owned());
        jwk
    }

    fn token(&self, claims: &Value) -> String {
        let mut header = Header::new(Algorithm::ES256);
        header.kid = Some(self.id.to_owned());
        encode(&header, claims, &self.key).unwrap()
    }
}

fn set(providers: &[&Provider]) -> Vec<u8> {
    let keys = providers.iter().map(|provider| provider.jwk()).collect();
    serde_json::to_vec(&JwkSet { keys }).unwrap()
}

fn settings() -> JwtSettings {
    JwtSettings {
        algorithms: Vec::new(),
        audience: vec!["billing".to_owned()],
        issuer: Some("https://id.example".to_owned()),
        id_claim: "email".to_owned(),
        name_claim: Some("profile.name".to_owned()),
        leeway: Duration::from_secs(30),
    }
}

/// What a good token claims, with changes; null takes one away.
fn claims(changes: &Value) -> Value {
    let mut claims = json!({
        "iss": "https://id.example", "aud": ["other", "billing"], "sub": "1f8a",
        "email": "olena@example.org", "profile": {"name": "Olena"},
        "iat": NOW - 10, "nbf": NOW - 10, "exp": NOW + 300, "sid": "s-1"
    });
    for (name, value) in changes.as_object().unwrap() {
        claims[name] = value.clone();
    }
    claims
        .as_object_mut()
        .unwrap()
        .retain(|_, value| !value.is_null());
    claims
}

/// What is recorded of one request after the other, to a panel that answers all of them alike.
struct World {
    stand: Stand,
    service: RecordService<Panel>,
    verifier: Arc<JwtVerifier>,
}

impl World {
    async fn new(verifier: JwtVerifier, change: impl FnOnce(&mut JwtRule)) -> Self {
        let stand = Stand::new().await;
        let verifier = Arc::new(verifier);
        let mut rule = JwtRule {
            header: http::header::AUTHORIZATION,
            cookie: None,
            verifier: Arc::clone(&verifier),
        };
        change(&mut rule);
        let recorder = stand.recorder(|rules| {
            rules.jwt = Some(rule);
            rules.identity_header = Some(TrustedHeader {
                name: HeaderName::from_static("x-remote-user"),
                display_name: None,
                from: vec!["127.0.0.1/32".parse().unwrap()],
            });
        });
        let service = wrap(
            recorder,
            panel(|asked| {
                let status = match asked.path.as_str() {
                    "/closed" => 403,
                    "/revoked" => 401,
                    _ => 200,
                };
                answer(status, &[("content-type", "application/json")], "{}")
            }),
        );
        Self {
            stand,
            service,
            verifier,
        }
    }

    async fn ask(&self, path: &str, headers: &[(&str, &str)]) -> Draft {
        let before = self.stand.sink.kept.lock().len();
        send(&self.service, request("GET", path, headers, empty())).await;
        until(|| self.stand.sink.kept.lock().len() > before).await;
        self.stand.sink.kept.lock().last().unwrap().clone()
    }

    async fn named(&self, token: &str) -> Option<String> {
        let bearer = format!("Bearer {token}");
        let event = self
            .ask("/api/clients", &[("authorization", &bearer)])
            .await;
        assert_eq!(event.admin.is_some(), event.known_by == KnownBy::Jwt);
        event.admin
    }
}

#[tokio::test]
async fn a_good_token_names_its_admin() {
    let provider = Provider::new("2026-11");
    let keys = JwtKeys::Set(set(&[&provider]));
    let world = World::new(JwtVerifier::new(settings(), &keys).unwrap(), |_| {}).await;
    let token = provider.token(&claims(&json!({})));
    let bearer = format!("bearer {token}");
    let event = world
        .ask("/api/clients", &[("authorization", &bearer)])
        .await;
    assert_eq!(event.admin.as_deref(), Some("olena@example.org"));
    assert_eq!(event.admin_name.as_deref(), Some("Olena"));
    assert_eq!(event.known_by, KnownBy::Jwt);
    // The next token of the same sign-in is the same session; another sign-in's is not.
    let renewed = provider.token(&claims(&json!({"exp": NOW + 600})));
    let renewed = world
        .ask("/api/x", &[("authorization", &format!("Bearer {renewed}"))])
        .await;
    assert_eq!(renewed.session, event.session);
    let other = provider.token(&claims(&json!({"sid": "s-2"})));
    let other = world
        .ask("/api/x", &[("authorization", &format!("Bearer {other}"))])
        .await;
    assert!(event.session.is_some() && other.session != event.session);
    // A refusal is recorded with who was refused: the name is proven, whatever the panel says.
    let refused = world.ask("/closed", &[("authorization", &bearer)]).await;
    assert_eq!(refused.admin.as_deref(), Some("olena@example.org"));
    assert_eq!(refused.outcome, Outcome::Denied);
    // Revoked, as far as the panel is concerned.
    let revoked = world.ask("/revoked", &[("authorization", &bearer)]).await;
    assert_eq!(revoked.admin, None);
    assert_eq!(revoked.outcome, Outcome::Denied);
}

#[tokio::test]
async fn whatever_is_wrong_with_a_token_it_names_nobody() {
    let (provider, other) = (Provider::new("a"), Provider::new("b"));
    let imposter = Provider {
        id: "a",
        ..Provider::new("a")
    };
    let keys = JwtKeys::Set(set(&[&provider, &other]));
    let world = World::new(JwtVerifier::new(settings(), &keys).unwrap(), |_| {}).await;
    for wrong in [
        json!({"exp": NOW - 31}),
        json!({"exp": null}),
        json!({"exp": "tomorrow"}),
        json!({"nbf": NOW + 60}),
        json!({"aud": "shop"}),
        json!({"aud": null}),
        json!({"iss": "https://id.example.evil"}),
        json!({"iss": null}),
        json!({"email": null}),
        json!({"email": "  "}),
        json!({"email": {"name": "olena"}}),
        json!({"email_verified": false}),
    ] {
        let token = provider.token(&claims(&wrong));
        assert_eq!(world.named(&token).await, None, "{wrong}");
    }
    let good = claims(&json!({}));
    // Signed by another key under the same id.
    assert_eq!(world.named(&imposter.token(&good)).await, None);
    // By a key of the set, under another's id.
    let borrowed = Provider { id: "a", ..other };
    assert_eq!(world.named(&borrowed.token(&good)).await, None);
    // Not at all.
    let unsigned = format!(
        "{}.{}.",
        base64(br#"{"alg":"none"}"#),
        base64(good.to_string().as_bytes())
    );
    assert_eq!(world.named(&unsigned).await, None);
    // With the public key as if it were a secret.
    let secret = EncodingKey::from_secret(provider.public_pem.as_bytes());
    let confused = encode(&Header::new(Algorithm::HS256), &good, &secret).unwrap();
    assert_eq!(world.named(&confused).await, None);
    // Changed after it was signed, cut off, and no token at all.
    let token = provider.token(&good);
    let (head, tail) = token.split_once('.').unwrap();
    let claims_of_another = base64(
        claims(&json!({"email": "root@example.org"}))
            .to_string()
            .as_bytes(),
    );
    let signature = tail.rsplit_once('.').unwrap().1;
    for bad in [
        format!("{head}.{claims_of_another}.{signature}"),
        token[..token.len() - 4].to_owned(),
        "a.b.c".to_owned(),
        ".".repeat(9),
        "x".repeat(20_000),
    ] {
        assert_eq!(world.named(&bad).await, None, "{bad:.60}");
    }
    // What was found bad once is bad the second time; and the good one is good.
    assert_eq!(world.named(&confused).await, None);
    assert_eq!(
        world.named(&token).await.as_deref(),
        Some("olena@example.org")
    );
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)
}

#[tokio::test]
async fn a_token_is_good_only_as_long_as_it_says_also_when_it_is_known() {
    let provider = Provider::new("a");
    let keys = JwtKeys::Pem(provider.public_pem.clone().into_bytes());
    let world = World::new(JwtVerifier::new(settings(), &keys).unwrap(), |_| {}).await;
    let early = provider.token(&claims(&json!({"nbf": NOW + 60})));
    let token = provider.token(&claims(&json!({})));
    assert_eq!(world.named(&early).await, None);
    assert!(world.named(&token).await.is_some());
    world.stand.advance(60);
    assert!(world.named(&early).await.is_some());
    world.stand.advance(300);
    assert_eq!(world.named(&token).await, None);
}

#[tokio::test]
async fn keys_come_and_go() {
    let (old, new) = (Provider::new("old"), Provider::new("new"));
    let world = World::new(JwtVerifier::waiting(settings()).unwrap(), |_| {}).await;
    let tokens = [
        old.token(&claims(&json!({}))),
        new.token(&claims(&json!({}))),
    ];
    assert_eq!(world.named(&tokens[0]).await, None);
    world.verifier.replace(&set(&[&old])).unwrap();
    assert!(world.named(&tokens[0]).await.is_some());
    assert_eq!(world.named(&tokens[1]).await, None);
    tokio::time::timeout(Duration::from_secs(30), world.verifier.key_is_missing())
        .await
        .expect("a key that is not in the set is asked for");
    world.verifier.replace(&set(&[&new])).unwrap();
    assert_eq!(world.named(&tokens[0]).await, None);
    assert!(world.named(&tokens[1]).await.is_some());
    // A provider that answers nonsense takes nothing away.
    assert!(world.verifier.replace(b"<html>").is_err());
    assert!(world.verifier.replace(br#"{"keys":[]}"#).is_err());
    assert!(world.named(&tokens[1]).await.is_some());
}

#[tokio::test]
async fn a_token_may_come_in_another_header_or_in_a_cookie_but_only_once() {
    let provider = Provider::new("a");
    let keys = JwtKeys::Set(set(&[&provider]));
    let verifier = JwtVerifier::new(settings(), &keys).unwrap();
    let world = World::new(verifier, |rule| {
        rule.header = HeaderName::from_static("cf-access-jwt-assertion");
        rule.cookie = Some("CF_Authorization".to_owned());
    })
    .await;
    let olena = provider.token(&claims(&json!({})));
    let marek = provider.token(&claims(&json!({"email": "marek@example.org"})));
    let header = "cf-access-jwt-assertion";
    let cookie = |token: &str| format!("a=b; CF_Authorization={token}");
    let both = format!("{}; CF_Authorization={marek}", cookie(&olena));
    for (headers, named) in [
        (vec![(header, olena.clone())], Some("olena@example.org")),
        (vec![("cookie", cookie(&marek))], Some("marek@example.org")),
        (
            vec![(header, olena.clone()), ("cookie", cookie(&marek))],
            Some("olena@example.org"),
        ),
        (vec![(header, olena.clone()), (header, marek.clone())], None),
        (
            vec![
                (header, olena.clone()),
                (header, olena.clone()),
                ("cookie", cookie(&marek)),
            ],
            None,
        ),
        (vec![("cookie", both)], None),
        (vec![("authorization", format!("Bearer {olena}"))], None),
    ] {
        let headers: Vec<_> = headers
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        let event = world.ask("/", &headers).await;
        assert_eq!(event.admin.as_deref(), named, "{headers:?}");
    }
}

#[tokio::test]
async fn a_route_that_only_reads_like_a_sign_in_hides_nobody_whom_a_token_names() {
    let provider = Provider::new("a");
    let keys = JwtKeys::Set(set(&[&provider]));
    let world = World::new(JwtVerifier::new(settings(), &keys).unwrap(), |_| {}).await;
    let bearer = format!("Bearer {}", provider.token(&claims(&json!({}))));
    let headers = [("authorization", bearer.as_str())];
    let asked = request("POST", "/api/session", &headers, empty());
    send(&world.service, asked).await;
    let event = world.stand.last(1).await;
    assert_eq!(event.admin.as_deref(), Some("olena@example.org"));
}

#[tokio::test]
async fn a_trusted_header_goes_before_a_token() {
    let provider = Provider::new("a");
    let keys = JwtKeys::Set(set(&[&provider]));
    let world = World::new(JwtVerifier::new(settings(), &keys).unwrap(), |_| {}).await;
    let bearer = format!("Bearer {}", provider.token(&claims(&json!({}))));
    let event = world
        .ask(
            "/",
            &[("authorization", &bearer), ("x-remote-user", "marek")],
        )
        .await;
    assert_eq!(event.admin.as_deref(), Some("marek"));
    assert_eq!(event.known_by, KnownBy::Header);
}

#[tokio::test]
async fn a_flood_of_bad_tokens_costs_little_and_forgets_no_good_one() {
    let provider = Provider::new("a");
    let keys = JwtKeys::Set(set(&[&provider]));
    let verifier = JwtVerifier::new(settings(), &keys).unwrap();
    let world = World::new(verifier, |_| {}).await;
    let token = provider.token(&claims(&json!({})));
    assert!(world.named(&token).await.is_some());
    let imposter = Provider::new("a");
    for n in 0..250 {
        let forged = imposter.token(&claims(&json!({"jti": n})));
        assert_eq!(world.named(&forged).await, None);
    }
    assert!(world.named(&token).await.is_some());
    // While it lasts nobody new is named; afterwards everybody is.
    let fresh = provider.token(&claims(&json!({"email": "marek@example.org"})));
    let during = world.named(&fresh).await;
    world.stand.advance(2);
    assert_eq!(during, None);
    assert_eq!(
        world.named(&fresh).await.as_deref(),
        Some("marek@example.org")
    );
}

#[test]
fn keys_that_cannot_be_meant_are_refused_with_what_to_do() {
    let provider = Provider::new("a");
    let pem = || JwtKeys::Pem(provider.public_pem.clone().into_bytes());
    let with = |algorithms: &[&str]| JwtSettings {
        algorithms: algorithms.iter().map(|word| (*word).to_owned()).collect(),
        ..settings()
    };
    let secret_in_set =
        br#"{"keys":[{"kty":"oct","k":"c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlYw"}]}"#;
    let cases = [
        (with(&["HS256"]), pem(), "does not go with these keys"),
        (with(&["RS256"]), pem(), "does not go with these keys"),
        (with(&["none"]), pem(), "there is no algorithm"),
        (with(&[]), JwtKeys::Secret(b"short".to_vec()), "5 bytes"),
        (with(&[]), JwtKeys::Pem(b"-----BEGIN".to_vec()), "no PEM"),
        (with(&[]), JwtKeys::Set(b"{}".to_vec()), "no JWK set"),
        (
            with(&[]),
            JwtKeys::Set(secret_in_set.to_vec()),
            "no public key",
        ),
    ];
    for (settings, keys, said) in cases {
        let error = JwtVerifier::new(settings, &keys).unwrap_err().to_string();
        assert!(error.contains(said), "{error}");
    }
    assert!(JwtVerifier::waiting(with(&["HS256"])).is_err());
}

#[tokio::test]
async fn a_shared_secret_works_where_it_is_meant() {
    let secret = b"0123456789abcdef0123456789abcdef".to_vec();
    let keys = JwtKeys::Secret(secret.clone());
    let world = World::new(JwtVerifier::new(settings(), &keys).unwrap(), |_| {}).await;
    let key = EncodingKey::from_secret(&secret);
    let token = encode(&Header::new(Algorithm::HS256), &claims(&json!({})), &key).unwrap();
    assert!(world.named(&token).await.is_some());
}
