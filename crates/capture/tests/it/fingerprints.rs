//! API tokens and basic users that somebody named, tokens that nobody knows, and what counts when
//! one request carries proofs of several.

use std::sync::Arc;

use admintrail_capture::{
    Named, PanelRules, RecordService, TokenRules, TrustedHeader, token_fingerprint,
    user_fingerprint,
};
use admintrail_event::{Draft, KnownBy, Outcome, SessionHash};
use http::{HeaderName, Response};

use crate::stand::*;

const KEY: [u8; 32] = [7; 32];
const BOT: &str = "tok_C4n4ryS3cr3t0123456789";
const OTHER: &str = "tok_0ther0ther0ther0ther";
/// `olena:right`, `boris:right`, `olena:wrong`.
const OLENA: &str = "Basic b2xlbmE6cmlnaHQ=";
const BORIS: &str = "Basic Ym9yaXM6cmlnaHQ=";
const OLENA_WRONG: &str = "Basic b2xlbmE6d3Jvbmc=";

fn named(admin: &str) -> Named {
    Named {
        admin: admin.to_owned(),
        admin_name: Some(format!("{admin}, by name")),
    }
}

fn fingerprint(token: &str) -> SessionHash {
    token_fingerprint(&KEY, &"billing".parse().unwrap(), token.as_bytes())
}

struct Talk {
    stand: Stand,
    service: RecordService<Panel>,
    count: usize,
}

impl Talk {
    async fn with(
        change: impl FnOnce(&mut PanelRules),
        answer: impl Fn(Asked) -> Response<TestBody> + Clone + Send + Sync + 'static,
    ) -> Self {
        let stand = Stand::new().await;
        let service = wrap(stand.recorder(change), panel(answer));
        Self {
            stand,
            service,
            count: 0,
        }
    }

    async fn ask(&mut self, method: &str, path: &str, headers: &[(&str, &str)]) -> Draft {
        let mut asked = request(method, path, &[], empty());
        for (name, value) in headers {
            let name: HeaderName = name.parse().unwrap();
            asked.headers_mut().append(name, value.parse().unwrap());
        }
        send(&self.service, asked).await;
        self.count += 1;
        self.stand.last(self.count).await
    }

    fn map(&self, fingerprint: SessionHash, named: Option<Named>) {
        let panel = "billing".parse().unwrap();
        self.stand.identities.map(panel, fingerprint, named);
    }
}

fn is_named(event: &Draft, admin: &str, known_by: KnownBy) {
    assert_eq!(
        (event.admin.as_deref(), event.known_by),
        (Some(admin), known_by),
        "{event:#?}"
    );
    assert_eq!(event.attempted, None);
}

fn is_unnamed(event: &Draft) {
    assert_eq!(event.admin, None, "{event:#?}");
    assert_eq!(event.admin_name, None);
}

/// Answers with the status that the path ends with.
#[expect(
    clippy::needless_pass_by_value,
    reason = "panels take what they are asked"
)]
fn as_asked(asked: Asked) -> Response<TestBody> {
    let path = asked.path.split('?').next().unwrap();
    let status = path.rsplit('/').next().and_then(|it| it.parse().ok());
    answer(status.unwrap_or(200), &[("location", "/elsewhere")], "")
}

#[tokio::test]
async fn a_named_token_names_its_admin_only_where_the_panel_accepts_it() {
    let mut talk = Talk::with(|_| {}, as_asked).await;
    talk.map(fingerprint(BOT), Some(named("ci-bot")));
    let bearer = format!("Bearer {BOT}");
    let headers = [("authorization", bearer.as_str())];
    // What answers strangers says nothing of a token.
    talk.ask("GET", "/api/public", &[]).await;
    for (method, path, expected) in [
        ("GET", "/api/things/200", Some(KnownBy::Token)),
        ("POST", "/api/things/201", Some(KnownBy::Token)),
        ("DELETE", "/api/things/204", Some(KnownBy::Token)),
        ("GET", "/api/things/302", Some(KnownBy::Token)),
        ("GET", "/api/things/304", Some(KnownBy::Token)),
        ("GET", "/api/public", None),
        ("OPTIONS", "/api/things/204", None),
        ("GET", "/api/things/404", None),
        ("GET", "/api/things/500", None),
        ("POST", "/api/things/422", None),
    ] {
        let event = talk.ask(method, path, &headers).await;
        match expected {
            Some(known_by) => {
                is_named(&event, "ci-bot", known_by);
                assert_eq!(event.admin_name.as_deref(), Some("ci-bot, by name"));
            }
            None => {
                is_unnamed(&event);
                assert_eq!(event.known_by, KnownBy::None, "{path}");
            }
        }
        assert_eq!(event.session, Some(fingerprint(BOT)), "{path}");
    }
    for status in [401, 403] {
        let path = format!("/api/things/{status}");
        let event = talk.ask("GET", &path, &headers).await;
        is_unnamed(&event);
        assert_eq!(event.known_by, KnownBy::Attempt);
        assert_eq!(event.outcome, Outcome::Denied);
    }
}

#[tokio::test]
async fn whose_a_token_is_counts_from_the_moment_somebody_says_so() {
    let mut talk = Talk::with(|_| {}, as_asked).await;
    let headers = [("x-api-key", BOT)];
    let before = talk.ask("GET", "/api/things/200", &headers).await;
    is_unnamed(&before);
    // The page shows it as the session: that is what one maps.
    talk.map(before.session.unwrap(), Some(named("ci-bot")));
    let event = talk.ask("GET", "/api/things/200", &headers).await;
    is_named(&event, "ci-bot", KnownBy::Token);
    talk.map(before.session.unwrap(), None);
    is_unnamed(&talk.ask("GET", "/api/things/200", &headers).await);
}

#[tokio::test]
async fn configuration_names_tokens_by_fingerprint_or_digest_and_users_by_name() {
    // printf tok_0ther0ther0ther0ther | sha256sum
    let digest = {
        use sha2::{Digest, Sha256};
        Sha256::digest(OTHER.as_bytes()).into()
    };
    let tokens = TokenRules {
        named: [(fingerprint(BOT), named("ci-bot"))].into(),
        named_digests: [(digest, named("backup"))].into(),
        named_users: [("olena".to_owned(), named("olena@example.org"))].into(),
        ..TokenRules::default()
    };
    let mut talk = Talk::with(
        |rules| rules.tokens = tokens,
        |asked| match asked.headers.contains_key("authorization") {
            false => answer(401, &[("www-authenticate", "Basic realm=panel")], ""),
            true => html("x"),
        },
    )
    .await;
    let api = |token: &str| format!("Bearer {token}");
    for (authorization, admin, known_by) in [
        (api(BOT), "ci-bot", KnownBy::Token),
        (api(OTHER), "backup", KnownBy::Token),
    ] {
        let headers = [("authorization", authorization.as_str())];
        let event = talk.ask("GET", "/things", &headers).await;
        is_named(&event, admin, known_by);
    }
    talk.ask("GET", "/things", &[]).await;
    let event = talk
        .ask("GET", "/things", &[("authorization", OLENA)])
        .await;
    is_named(&event, "olena@example.org", KnownBy::Basic);
    assert_eq!(
        event.admin_name.as_deref(),
        Some("olena@example.org, by name")
    );
    let event = talk
        .ask("GET", "/things", &[("authorization", BORIS)])
        .await;
    is_named(&event, "boris", KnownBy::Basic);
    // `OLENA` may be somebody else on this panel.
    let shouted = [("authorization", "Basic T0xFTkE6cmlnaHQ=")];
    let event = talk.ask("GET", "/things", &shouted).await;
    is_named(&event, "OLENA", KnownBy::Basic);
}

#[tokio::test]
async fn a_user_that_somebody_named_at_the_shell_is_known_by_basic_authentication() {
    let mut talk = Talk::with(
        |_| {},
        |asked| match asked.headers.get("authorization") {
            Some(value) if value != OLENA_WRONG => html("x"),
            _ => answer(401, &[("www-authenticate", "Basic realm=panel")], ""),
        },
    )
    .await;
    let user = user_fingerprint(&KEY, &"billing".parse().unwrap(), "olena");
    talk.map(user, Some(named("olena@example.org")));
    let right = [("authorization", OLENA)];
    // Not before the panel has asked for it.
    is_unnamed(&talk.ask("GET", "/things", &right).await);
    talk.ask("GET", "/things", &[]).await;
    let event = talk.ask("GET", "/things", &right).await;
    is_named(&event, "olena@example.org", KnownBy::Basic);
    let event = talk
        .ask("GET", "/things", &[("authorization", OLENA_WRONG)])
        .await;
    is_unnamed(&event);
    // The name that was tried, not the one it would have been.
    assert_eq!(
        (event.known_by, event.attempted.as_deref()),
        (KnownBy::Attempt, Some("olena"))
    );
}

#[tokio::test]
async fn a_token_that_nobody_knows_is_an_attempt_only_when_it_is_refused() {
    let mut talk = Talk::with(|_| {}, as_asked).await;
    let shown = &fingerprint(OTHER).to_string()[..8];
    for (header, value) in [
        ("authorization", format!("Bearer {OTHER}")),
        ("authorization", format!("Token {OTHER}")),
        ("authorization", OTHER.to_owned()),
        ("x-api-key", OTHER.to_owned()),
        ("x-auth-token", OTHER.to_owned()),
    ] {
        let headers = [(header, value.as_str())];
        for status in [401, 403] {
            let path = format!("/api/things/{status}");
            let event = talk.ask("GET", &path, &headers).await;
            is_unnamed(&event);
            assert_eq!(event.known_by, KnownBy::Attempt, "{value} {status}");
            let tried = format!("unknown token #{shown}");
            assert_eq!(event.attempted.as_deref(), Some(tried.as_str()));
            assert_eq!(event.session, Some(fingerprint(OTHER)));
            assert_eq!(event.outcome, Outcome::Denied);
            assert!(event.action.starts_with("Denied: "), "{}", event.action);
        }
        for status in [200, 302, 404, 422, 500] {
            let path = format!("/api/things/{status}");
            let event = talk.ask("GET", &path, &headers).await;
            is_unnamed(&event);
            assert_eq!(event.known_by, KnownBy::None, "{value} {status}");
            assert_eq!(event.attempted, None);
        }
    }
    // What scripts send when they have none.
    for nothing in ["Bearer null", "Bearer undefined", "Bearer"] {
        let headers = [("authorization", nothing)];
        let event = talk.ask("GET", "/api/things/401", &headers).await;
        assert_eq!(
            (event.known_by, event.attempted),
            (KnownBy::None, None),
            "{nothing}"
        );
    }
}

#[tokio::test]
async fn tokens_are_found_where_the_panel_carries_them_and_nothing_of_them_is_written() {
    let own = |rules: &mut PanelRules| {
        rules.tokens.headers = vec![HeaderName::from_static("x-panel-ticket")];
        rules.tokens.parameter = Some("tckt".to_owned());
        rules.preset = Arc::new(rules.preset.with_secret_parameter("tckt"));
    };
    let mut talk = Talk::with(own, as_asked).await;
    talk.map(fingerprint(BOT), Some(named("ci-bot")));
    let encoded: String = BOT.bytes().map(|b| format!("%{b:02x}")).collect();
    for (path, headers) in [
        ("/things".to_owned(), vec![("x-panel-ticket", BOT)]),
        (format!("/things?tckt={BOT}"), vec![]),
        (format!("/things?a=b&tckt={encoded}&c=d"), vec![]),
        (format!("/things?%74ckt={encoded}"), vec![]),
        // The same one twice is one.
        (format!("/things?tckt={BOT}"), vec![("x-panel-ticket", BOT)]),
    ] {
        let event = talk.ask("GET", &path, &headers).await;
        is_named(&event, "ci-bot", KnownBy::Token);
    }
    for (path, headers) in [
        ("/things".to_owned(), vec![("x-other-ticket", BOT)]),
        (
            format!("/things?tckt={OTHER}"),
            vec![("x-panel-ticket", BOT)],
        ),
        (format!("/things?tckt={BOT}&tckt={OTHER}"), vec![]),
    ] {
        is_unnamed(&talk.ask("GET", &path, &headers).await);
    }
    let written = bytes_below(talk.stand.folder.path());
    let delivered = format!("{:?}", talk.stand.sink.kept.lock()).into_bytes();
    for (what, bytes) in [("on disk", written), ("delivered", delivered)] {
        for token in [BOT, OTHER, encoded.as_str()] {
            let found = bytes
                .windows(token.len())
                .any(|window| window.eq_ignore_ascii_case(token.as_bytes()));
            assert!(!found, "{token} is {what}");
        }
    }
}

/// Path, headers, and who is named how.
type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], Option<&'a str>, KnownBy);

/// Header → token → basic user → learned session; and nobody where a session of somebody else, or
/// a second credential, contradicts what is only claimed.
#[tokio::test]
async fn of_several_proofs_the_order_decides_and_a_contradicted_claim_names_nobody() {
    const SESSION: &str = "sessionid=s00018f14e45fceea167a5a36dedd4bea2543";
    let bot = format!("Bearer {BOT}");
    let other = format!("Bearer {OTHER}");
    let rules = |rules: &mut PanelRules| {
        rules.identity_header = Some(TrustedHeader {
            name: HeaderName::from_static("x-remote-user"),
            display_name: None,
            from: vec!["127.0.0.1/32".parse().unwrap()],
        });
    };
    let mut talk = Talk::with(rules, |asked| match asked.path.as_str() {
        "/login" => answer(302, &[("location", "/things"), ("set-cookie", SESSION)], ""),
        _ if asked.headers.is_empty() => {
            answer(401, &[("www-authenticate", "Basic realm=panel")], "")
        }
        _ => html("x"),
    })
    .await;
    talk.map(fingerprint(BOT), Some(named("ci-bot")));
    // `olena` is signed in by a form; the panel asks for basic authentication at `/basic`.
    post_form(&talk.service, "/login", "", "username=olena&password=x").await;
    talk.count += 1;
    talk.ask("GET", "/basic", &[]).await;
    let (header, token, basic, session, nobody) = (
        KnownBy::Header,
        KnownBy::Token,
        KnownBy::Basic,
        KnownBy::Session,
        KnownBy::None,
    );
    let (h, a, k, c) = ("x-remote-user", "authorization", "x-api-key", "cookie");
    let cases: &[Case<'_>] = &[
        // One proof.
        ("/things", &[(h, "anna")], Some("anna"), header),
        ("/things", &[(a, &bot)], Some("ci-bot"), token),
        ("/basic", &[(a, OLENA)], Some("olena"), basic),
        ("/things", &[(c, SESSION)], Some("olena"), session),
        // The header wins over everything.
        ("/things", &[(h, "anna"), (a, &bot)], Some("anna"), header),
        ("/basic", &[(h, "anna"), (a, BORIS)], Some("anna"), header),
        (
            "/things",
            &[(h, "anna"), (c, SESSION)],
            Some("anna"),
            header,
        ),
        (
            "/things",
            &[(h, "anna"), (a, &bot), (a, OLENA)],
            Some("anna"),
            header,
        ),
        // A claim beside a session of somebody else: which of them did the panel believe?
        ("/things", &[(a, &bot), (c, SESSION)], None, nobody),
        ("/things", &[(k, BOT), (c, SESSION)], None, nobody),
        ("/basic", &[(a, BORIS), (c, SESSION)], None, nobody),
        // Beside one of the same.
        ("/basic", &[(a, OLENA), (c, SESSION)], Some("olena"), basic),
        // Where the panel never asked for it, a basic user is no claim at all.
        (
            "/things",
            &[(a, BORIS), (c, SESSION)],
            Some("olena"),
            session,
        ),
        ("/things", &[(a, BORIS)], None, nobody),
        // A token that nobody knows contradicts no session, for it proves nothing of anybody.
        (
            "/things",
            &[(a, &other), (c, SESSION)],
            Some("olena"),
            session,
        ),
        // But it may be what the panel accepted instead of another claim.
        ("/basic", &[(a, OLENA), (k, OTHER)], None, nobody),
        ("/things", &[(a, &bot), (k, OTHER)], None, nobody),
        ("/things", &[(a, &other), (k, BOT)], None, nobody),
        // The same token twice, and two claims of two people.
        ("/things", &[(a, &bot), (k, BOT)], Some("ci-bot"), token),
        ("/basic", &[(a, OLENA), (k, BOT)], None, nobody),
        // A second `Authorization`: nobody knows which one the panel reads.
        ("/basic", &[(a, OLENA), (a, &other)], None, nobody),
        ("/basic", &[(a, OLENA), (a, BORIS)], None, nobody),
        ("/things", &[(a, &bot), (a, &bot)], None, nobody),
        (
            "/things",
            &[(a, &other), (a, &other), (c, SESSION)],
            None,
            nobody,
        ),
    ];
    for (path, headers, admin, known_by) in cases {
        let event = talk.ask("GET", path, headers).await;
        assert_eq!(
            (event.admin.as_deref(), event.known_by),
            (*admin, *known_by),
            "{path} with {headers:?}"
        );
    }
}

/// More tokens than anybody sends cost no more than a few, and name nobody.
#[tokio::test]
async fn a_heap_of_tokens_names_nobody() {
    let mut talk = Talk::with(|_| {}, as_asked).await;
    talk.map(fingerprint(BOT), Some(named("ci-bot")));
    let many: Vec<String> = (0..50).map(|n| format!("{OTHER}{n}")).collect();
    let mut headers = vec![("authorization", BOT)];
    headers.extend(many.iter().map(|token| ("x-api-key", token.as_str())));
    is_unnamed(&talk.ask("GET", "/things", &headers).await);
}

/// Whoever has a token of their own must not be able to finish somebody else's undecided sign-in.
#[tokio::test]
async fn an_accepted_token_decides_no_sign_in_of_another_name() {
    const COOKIE: &str = "sessionid=s00018f14e45fceea167a5a36dedd4bea2543";
    for (header, value) in [
        ("authorization", format!("Bearer {OTHER}")),
        ("x-api-key", OTHER.to_owned()),
        ("authorization", BORIS.to_owned()),
    ] {
        let mut talk = Talk::with(
            |_| {},
            |asked| match asked.path.as_str() {
                // Right or wrong, the answer is the same.
                "/login" => answer(302, &[("location", "/"), ("set-cookie", COOKIE)], ""),
                _ if asked.headers.contains_key("x-api-key")
                    || asked.headers.contains_key("authorization") =>
                {
                    html("x")
                }
                _ => redirect("/login"),
            },
        )
        .await;
        talk.ask("GET", "/clients", &[]).await;
        post_form(&talk.service, "/login", "", "username=olena&password=wrong").await;
        talk.count += 1;
        let headers = [(header, value.as_str()), ("cookie", COOKIE)];
        for _ in 0..2 {
            is_unnamed(&talk.ask("GET", "/clients", &headers).await);
        }
        is_unnamed(&talk.ask("GET", "/clients", &[("cookie", COOKIE)]).await);
    }
}

/// What somebody else's proxy named is no business of a stranger.
#[tokio::test]
async fn a_named_token_that_connection_names_is_neither_believed_nor_passed_on() {
    let mut talk = Talk::with(
        |_| {},
        |asked| {
            assert!(!asked.headers.contains_key("x-api-key"));
            html("x")
        },
    )
    .await;
    talk.map(fingerprint(BOT), Some(named("ci-bot")));
    let headers = [("x-api-key", BOT), ("connection", "close, X-Api-Key")];
    let event = talk.ask("GET", "/things", &headers).await;
    is_unnamed(&event);
    assert_eq!(event.session, None);
}
