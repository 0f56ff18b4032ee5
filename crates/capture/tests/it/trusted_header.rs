//! Threat 2: identity headers are believed from listed peers and taken away from everyone else.

use admintrail_capture::{Peer, TrustedHeader};
use admintrail_event::KnownBy;
use http::{HeaderName, HeaderValue};

use crate::stand::*;

struct Seen {
    admin: Option<String>,
    admin_name: Option<String>,
    known_by: KnownBy,
    /// What of it the panel saw.
    forwarded: String,
}

async fn ask(peer: &str, headers: &[(&str, &str)]) -> Seen {
    let stand = Stand::new().await;
    let recorder = stand.recorder(|rules| {
        rules.identity_header = Some(TrustedHeader {
            name: HeaderName::from_static("x-remote-user"),
            display_name: Some(HeaderName::from_static("x-remote-name")),
            from: vec!["10.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()],
        });
        // Trusting a proxy about addresses makes nobody behind it trusted about identities.
        rules.trusted_proxies = vec!["203.0.113.0/24".parse().unwrap()];
    });
    let service = wrap(
        recorder,
        panel(|asked| {
            let seen = asked
                .headers
                .iter()
                .filter(|(name, _)| name.as_str().starts_with("x"));
            let seen: Vec<_> = seen
                .map(|(name, value)| format!("{name}={}", value.to_str().unwrap()))
                .collect();
            answer(200, &[("content-type", "text/plain")], &seen.join(" "))
        }),
    );
    let mut asked = request("GET", "/", &[], empty());
    for (name, value) in headers {
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        asked
            .headers_mut()
            .append(name, HeaderValue::from_str(value).unwrap());
    }
    asked.extensions_mut().insert(Peer {
        addr: peer.parse().unwrap(),
        tls: false,
    });
    let got = send(&service, asked).await;
    let event = stand.last(1).await;
    Seen {
        admin: event.admin,
        admin_name: event.admin_name,
        known_by: event.known_by,
        forwarded: String::from_utf8(got.body.to_vec()).unwrap(),
    }
}

#[tokio::test]
async fn a_trusted_peer_names_the_admin() {
    for peer in ["10.1.2.3:1", "[::1]:1", "[::ffff:10.1.2.3]:1"] {
        let headers = [
            ("X-Remote-User", "olena@example.com"),
            ("X-Remote-Name", "Olena"),
        ];
        let seen = ask(peer, &headers).await;
        assert_eq!(seen.admin.as_deref(), Some("olena@example.com"));
        assert_eq!(seen.admin_name.as_deref(), Some("Olena"));
        assert_eq!(seen.known_by, KnownBy::Header);
        assert_eq!(
            seen.forwarded,
            "x-remote-user=olena@example.com x-remote-name=Olena"
        );
    }
}

#[tokio::test]
async fn everyone_else_is_stripped_of_every_spelling() {
    for peer in ["203.0.113.9:1", "127.0.0.1:1", "[2001:db8::1]:1"] {
        for name in [
            "X-Remote-User",
            "x-remote-user",
            "X_Remote_User",
            "x-remote_user",
            "x_REMOTE-user",
        ] {
            for headers in [
                vec![(name, "boss")],
                vec![(name, "boss"), (name, "boss"), ("x-remote_name", "B")],
            ] {
                let seen = ask(peer, &headers).await;
                assert_eq!(
                    (seen.admin, seen.known_by),
                    (None, KnownBy::None),
                    "{peer} {name}"
                );
                assert_eq!(seen.forwarded, "", "{peer} {name}");
            }
        }
    }
}

#[tokio::test]
async fn a_forwarded_address_makes_nobody_trusted() {
    let headers = [("x-forwarded-for", "10.0.0.1"), ("x-remote-user", "boss")];
    let seen = ask("203.0.113.9:1", &headers).await;
    assert_eq!(seen.admin, None);
    assert_eq!(seen.forwarded, "x-forwarded-for=10.0.0.1");
}

#[tokio::test]
async fn look_alikes_and_duplicates_of_a_trusted_peer_reach_nobody() {
    // The proxy set its own and passed the client's look-alike on.
    let seen = ask(
        "10.0.0.1:1",
        &[("x-remote-user", "olena"), ("x_remote_user", "boss")],
    )
    .await;
    assert_eq!(seen.admin.as_deref(), Some("olena"));
    assert_eq!(seen.forwarded, "x-remote-user=olena");
    // Or appended to the client's: nobody knows which of them the panel believes.
    let seen = ask(
        "10.0.0.1:1",
        &[("x-remote-user", "boss"), ("x-remote-user", "olena")],
    )
    .await;
    assert_eq!((seen.admin, seen.forwarded.as_str()), (None, ""));
    let seen = ask("10.0.0.1:1", &[("x_remote_user", "boss")]).await;
    assert_eq!((seen.admin, seen.forwarded.as_str()), (None, ""));
}

/// A proxy strips what `Connection` names, from a trusted peer's request too.
#[tokio::test]
async fn a_header_that_connection_names_is_neither_believed_nor_passed_on() {
    let headers = [
        ("x-remote-user", "olena"),
        ("connection", "keep-alive, X-Remote-User"),
    ];
    let seen = ask("10.1.2.3:1", &headers).await;
    assert_eq!((seen.admin, seen.known_by), (None, KnownBy::None));
    assert!(!seen.forwarded.contains("olena"), "{}", seen.forwarded);
}
