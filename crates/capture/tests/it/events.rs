//! What an event says of a request.

use std::sync::Arc;

use admintrail_capture::{Declared, RecordLayer};
use admintrail_event::{
    Ending, Kind, KnownBy, Limits, Outcome, PanelName, Preset, RequestType, SessionHash,
};
use http::{Request, Version};
use tower::{Service, ServiceExt};
use tower_layer::Layer;

use crate::stand::*;

#[tokio::test]
async fn every_field_that_a_request_has_is_recorded() {
    let stand = Stand::new().await;
    let service = wrap(stand.recorder(|_| {}), panel(|_| html("four")));
    let headers = [("host", "panel.example:8443"), ("user-agent", "Firefox/1")];
    let got = send(
        &service,
        request("PUT", "/clients/4711?tab=a", &headers, full("12345")),
    )
    .await;
    assert_eq!(got.body, "four");
    let event = stand.last(1).await;
    assert_eq!(event.panel.as_str(), "billing");
    assert_eq!(event.method, "PUT");
    assert_eq!(
        (event.path.as_str(), event.query.as_deref()),
        ("/clients/4711", Some("tab=a"))
    );
    assert_eq!(event.host.as_deref(), Some("panel.example:8443"));
    assert_eq!(event.scheme.as_deref(), Some("http"));
    assert_eq!(event.user_agent.as_deref(), Some("Firefox/1"));
    assert_eq!(event.ip.unwrap().to_string(), "127.0.0.1");
    assert_eq!(event.status, Some(200));
    assert_eq!(
        (event.outcome, event.ending),
        (Outcome::Success, Ending::Complete)
    );
    assert_eq!(
        (event.request_bytes, event.response_bytes),
        (Some(5), Some(4))
    );
    assert_eq!(event.request_type, RequestType::Web);
    assert_eq!(event.route.as_deref(), Some("/clients/{id}"));
    assert_eq!(
        (event.recorder.as_str(), event.known_by),
        ("node-1", KnownBy::None)
    );
    assert!(
        event.duration_us.is_some() && event.action.contains("client"),
        "{}",
        event.action
    );
}

#[tokio::test]
async fn a_method_in_a_header_tells_what_was_done_only_where_the_preset_says_so() {
    let stand = Stand::new().await;
    let preset = Preset::parse("[api]\nmethod_override = [\"**/wp-json/**\"]").unwrap();
    let recorder = stand.recorder(|rules| rules.preset = Arc::new(preset));
    let service = wrap(recorder, panel(|_| html("ok")));
    let headers = [("x-http-method-override", "DELETE")];
    for path in ["/wp-json/posts/7", "/clients/7"] {
        send(&service, request("POST", path, &headers, full(""))).await;
    }
    let events = stand.requests(2).await;
    let told: Vec<_> = events
        .iter()
        .map(|event| (event.method.as_str(), event.action.as_str()))
        .collect();
    assert_eq!(
        told,
        [("POST", "Deleted post 7"), ("POST", "Changed client 7")]
    );
}

#[tokio::test]
async fn outcomes_follow_the_status() {
    let stand = Stand::new().await;
    let service = wrap(
        stand.recorder(|_| {}),
        panel(|asked| answer(asked.path.trim_start_matches('/').parse().unwrap(), &[], "")),
    );
    let expected = [
        (200, Outcome::Success),
        (204, Outcome::Success),
        (304, Outcome::Success),
        (401, Outcome::Denied),
        (403, Outcome::Denied),
        (404, Outcome::Failed),
        (500, Outcome::Error),
        (502, Outcome::Error),
    ];
    for (count, (status, outcome)) in expected.into_iter().enumerate() {
        get(&service, &format!("/{status}"), "").await;
        let event = stand.last(count + 1).await;
        assert_eq!((event.status, event.outcome), (Some(status), outcome));
    }
}

#[tokio::test]
async fn http_2_requests_name_their_host_by_authority() {
    let stand = Stand::new().await;
    let service = wrap(stand.recorder(|_| {}), panel(|_| html("x")));
    let mut asked = request("GET", "https://panel.example/a", &[], empty());
    *asked.version_mut() = Version::HTTP_2;
    send(&service, asked).await;
    let event = stand.last(1).await;
    assert_eq!(event.host.as_deref(), Some("panel.example"));
    assert_eq!(event.path, "/a");
}

#[tokio::test]
async fn giant_texts_are_cut_and_their_length_kept() {
    let stand = Stand::new().await;
    let service = wrap(stand.recorder(|_| {}), panel(|_| html("x")));
    for (count, size) in [8 * 1024 + 1, 16 * 1024, 30 * 1024].into_iter().enumerate() {
        let path = format!("/{}?{}", "p".repeat(size - 1), "q".repeat(size));
        let agent = "a".repeat(size);
        send(
            &service,
            request("GET", &path, &[("user-agent", &agent)], empty()),
        )
        .await;
        let event = stand.last(count + 1).await;
        assert_eq!(event.path.len(), Limits::PATH);
        assert_eq!(event.query.unwrap().len(), Limits::QUERY);
        assert_eq!(event.user_agent.unwrap().len(), Limits::AGENT);
        let size = u32::try_from(size).unwrap();
        assert_eq!(
            (event.path_bytes, event.query_bytes),
            (Some(size), Some(size))
        );
        assert_eq!(event.agent_bytes, Some(size));
    }
}

#[tokio::test]
async fn all_byte_values_of_a_header_are_recorded_encoded_and_forwarded_as_they_came() {
    let stand = Stand::new().await;
    let agent: Vec<u8> = (0x20..=0xff)
        .filter(|b| *b != 0x7f)
        .chain([b'\t'])
        .collect();
    let expected = agent.clone();
    let service = wrap(
        stand.recorder(|_| {}),
        panel(move |asked| {
            assert_eq!(asked.headers["user-agent"].as_bytes(), expected);
            html("x")
        }),
    );
    let mut asked = request("GET", "/", &[], empty());
    asked
        .headers_mut()
        .insert("user-agent", http::HeaderValue::from_bytes(&agent).unwrap());
    send(&service, asked).await;
    let event = stand.last(1).await;
    assert_eq!(
        event.user_agent.unwrap(),
        admintrail_event::encode_bytes(&agent)
    );
}

#[tokio::test]
async fn path_tricks_are_forwarded_as_they_came_and_recorded_as_they_came() {
    let stand = Stand::new().await;
    let service = wrap(
        stand.recorder(|_| {}),
        panel(|asked| answer(200, &[("content-type", "text/plain")], &asked.path)),
    );
    let tricks = [
        "/a%2fb",
        "//a//b",
        "/a/../b",
        "/a/./b",
        "/%2e%2e/b",
        "/a;b=c",
        "/a%00b",
        "/a%0d%0ab",
        "/ї",
    ];
    for (count, path) in tricks.into_iter().enumerate() {
        assert_eq!(get(&service, path, "").await.body, path);
        assert_eq!(stand.last(count + 1).await.path, path);
    }
}

#[tokio::test]
async fn sign_in_routes_are_matched_in_normal_form() {
    let stand = Stand::new().await;
    let service = wrap(stand.recorder(|_| {}), panel(|_| answer(401, &[], "")));
    for (count, path) in ["/login", "//login", "/a/../login", "/%6cogin", "/login/"]
        .into_iter()
        .enumerate()
    {
        post_form(&service, path, "", "username=root&password=x").await;
        let event = stand.last(count + 1).await;
        assert_eq!(event.attempted.as_deref(), Some("root"), "{path}");
        assert_eq!(event.known_by, KnownBy::Attempt);
    }
}

#[tokio::test]
async fn a_sign_out_ends_the_session_however_its_path_is_written() {
    const SESSION: &str = "sessionid=s00018f14e45fceea167a5a36dedd4bea2543";
    let stand = Stand::new().await;
    let service = wrap(
        stand.recorder(|_| {}),
        panel(|asked| match asked.path.as_str() {
            "/login" => answer(302, &[("location", "/things"), ("set-cookie", SESSION)], ""),
            // It keeps the cookie, which the next admin of the browser goes on with.
            _ => html("x"),
        }),
    );
    let mut count = 0;
    for path in [
        "//logout",
        "/a/../logout",
        "/%6cogout",
        "/./LOGOUT/",
        "/logout%2f",
        "/other",
    ] {
        post_form(&service, "/login", "", "username=olena&password=x").await;
        get(&service, "/things", SESSION).await;
        assert_eq!(stand.last(count + 2).await.admin.as_deref(), Some("olena"));
        post_form(&service, path, SESSION, "").await;
        get(&service, "/things", SESSION).await;
        count += 4;
        let still = (path == "/other").then_some("olena");
        assert_eq!(stand.last(count).await.admin.as_deref(), still, "{path}");
    }
}

#[tokio::test]
async fn what_the_application_declares_wins() {
    let stand = Stand::new().await;
    let recorder = stand.recorder(|rules| rules.panel = PanelName::own());
    let service = wrap(
        recorder,
        panel(|asked| {
            let mut response = html("x");
            let declared = match asked.path.as_str() {
                "/login" => Declared {
                    attempted: Some("root".into()),
                    ..Declared::default()
                },
                _ => Declared {
                    admin: Some("olena@example.com".into()),
                    admin_name: Some("Olena".into()),
                    session: Some(SessionHash([3; 16])),
                    polling: Some(true),
                    action: Some("Searched\nthe record".into()),
                    object: Some("events".into()),
                    ..Declared::default()
                },
            };
            response.extensions_mut().insert(declared);
            response
        }),
    );
    let basic = [("authorization", "Basic Ym9yaXM6eA==")];
    send(&service, request("GET", "/", &basic, empty())).await;
    let event = stand.last(1).await;
    assert_eq!(event.admin.as_deref(), Some("olena@example.com"));
    assert_eq!(event.admin_name.as_deref(), Some("Olena"));
    assert_eq!(event.known_by, KnownBy::Declared);
    assert_eq!(event.session, Some(SessionHash([3; 16])));
    assert_eq!(event.action, "Searched%0Athe record");
    assert!(event.polling && event.object.as_deref() == Some("events"));

    send(
        &service,
        request("POST", "/login", &[FORM], full("email=x&password=y")),
    )
    .await;
    let event = stand.last(2).await;
    assert_eq!((event.admin, event.known_by), (None, KnownBy::Attempt));
    assert_eq!(event.attempted.as_deref(), Some("root"));
    assert_eq!(event.outcome, Outcome::Denied);
}

#[tokio::test]
async fn what_the_application_declares_of_the_end_is_final() {
    let stand = Stand::new().await;
    let recorder = stand.recorder(|rules| rules.panel = PanelName::own());
    let service = wrap(
        recorder,
        panel(|asked| {
            let mut response = redirect("/login");
            let (outcome, action) = match asked.path.as_str() {
                "/" => (Outcome::Denied, Some("Sent to sign-in".to_owned())),
                _ => (Outcome::Failed, None),
            };
            response.extensions_mut().insert(Declared {
                outcome: Some(outcome),
                action,
                ..Declared::default()
            });
            response
        }),
    );
    get(&service, "/", "").await;
    let event = stand.last(1).await;
    assert_eq!(event.outcome, Outcome::Denied);
    assert_eq!(event.action, "Sent to sign-in");
    assert_eq!(event.status, Some(302));

    post_form(&service, "/settings/retention", "", "days=x").await;
    let event = stand.last(2).await;
    assert_eq!(event.outcome, Outcome::Failed);
    assert!(event.action.starts_with("Failed: "), "{}", event.action);
}

#[tokio::test]
async fn a_service_that_fails_is_recorded_as_failed() {
    let stand = Stand::new().await;
    let broken = tower::service_fn(|_: Request<_>| async {
        Err::<http::Response<TestBody>, _>(std::io::Error::other("no upstream"))
    });
    let service = RecordLayer::new(stand.recorder(|_| {})).layer(broken);
    assert!(
        service
            .oneshot(request("GET", "/", &[], empty()))
            .await
            .is_err()
    );
    let event = stand.last(1).await;
    assert_eq!((event.status, event.outcome), (None, Outcome::Unknown));
    assert_eq!(event.ending, Ending::Failed);
}

#[tokio::test]
async fn a_client_that_goes_before_the_answer_is_recorded_as_dropped() {
    let stand = Stand::new().await;
    let (reached, wait) = tokio::sync::oneshot::channel();
    let reached = std::sync::Arc::new(parking_lot::Mutex::new(Some(reached)));
    let silent = tower::service_fn(move |_: Request<_>| {
        let reached = reached.lock().take();
        async move {
            let _ = reached.map(|reached| reached.send(()));
            std::future::pending::<Result<http::Response<TestBody>, std::convert::Infallible>>()
                .await
        }
    });
    let mut service = RecordLayer::new(stand.recorder(|_| {})).layer(silent);
    let asking = tokio::spawn(service.call(request("GET", "/slow", &[], empty())));
    wait.await.unwrap();
    assert_eq!(stand.recorders.state().open, 1);
    asking.abort();
    let event = stand.last(1).await;
    assert_eq!((event.status, event.ending), (None, Ending::Dropped));
    assert_eq!(event.path, "/slow");
    assert_eq!(stand.recorders.state().open, 0);
}

#[tokio::test]
async fn start_and_stop_are_recorded_and_everything_in_between_before_the_stop() {
    let stand = Stand::new().await;
    let service = wrap(stand.recorder(|_| {}), panel(|_| html("x")));
    for _ in 0..50 {
        get(&service, "/", "").await;
    }
    stand
        .recorders
        .stop(std::time::Duration::from_secs(10))
        .await;
    let kept = stand.sink.kept.lock().clone();
    assert_eq!(kept.len(), 52);
    assert_eq!((kept[0].kind, kept[51].kind), (Kind::Start, Kind::Stop));
    assert!(
        kept.iter()
            .zip(1..)
            .all(|(event, seq)| event.recorder_seq == seq)
    );
    assert!(
        kept.iter()
            .all(|event| event.recorder_epoch == kept[0].recorder_epoch)
    );
    let mut left: Vec<_> = std::fs::read_dir(stand.journal())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    left.sort();
    assert_eq!(
        left,
        ["lock", "reserve"],
        "an orderly stop leaves no openings"
    );
}

#[tokio::test]
async fn refused_requests_are_counted_by_address() {
    let stand = Stand::new().await;
    let recorder = stand.recorder(|_| {});
    for (address, times) in [
        ("192.0.2.1:1", 3),
        ("[2001:db8::1]:2", 2),
        ("192.0.2.1:9", 1),
    ] {
        stand
            .recorders
            .count_refused(&recorder, address.parse().unwrap(), times);
    }
    stand
        .recorders
        .stop(std::time::Duration::from_secs(10))
        .await;
    let gaps = stand.events(Kind::Gap, 2).await;
    let said: Vec<_> = gaps
        .iter()
        .map(|gap| (gap.ip.unwrap().to_string(), gap.count.unwrap()))
        .collect();
    assert!(said.contains(&("192.0.2.1".into(), 4)) && said.contains(&("2001:db8::1".into(), 2)));
    assert!(gaps.iter().all(|gap| gap.panel.as_str() == "billing"));
    assert!(
        gaps.iter()
            .any(|gap| gap.action == "4 malformed requests refused")
    );
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]
    #[test]
    fn whatever_is_recorded_can_be_exported_and_imported_again(
        method in "GET|POST|CONNECT|OPTIONS|[A-Z!#$%&'*+.^_`|~-]{1,60}",
        uri in "\\*|a\\.b:443|https?://a\\.b(/x)?|/[a-z0-9/.%~;=@:-]{0,30}(\\?[a-z=&%0-9/?]{0,20})?",
        name in "[ -~]{0,12}",
        status in proptest::sample::select(vec![200_u16, 302, 400, 401, 403, 500]),
    ) {
        let asked = http::Request::builder().method(method.as_str()).uri(uri.as_str());
        let Ok(asked) = asked.header("authorization", basic_of(&name)).body(empty()) else {
            return Ok(());
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (drafts, preset) = runtime.block_on(async {
            let stand = Stand::new().await;
            let challenge = [("www-authenticate", "Basic realm=panel")];
            let service = wrap(stand.recorder(|_| {}), panel(move |_| answer(status, &challenge, "")));
            send(&service, asked).await;
            let refused = "192.0.2.1:1".parse().unwrap();
            stand.recorders.count_refused(&stand.recorder(|_| {}), refused, 1);
            drop(service);
            stand.recorders.stop(std::time::Duration::from_secs(5)).await;
            let drafts = stand.sink.kept.lock().clone();
            (drafts, rules("generic").preset)
        });
        let kinds: Vec<_> = drafts.iter().map(|draft| draft.kind).collect();
        for kind in [Kind::Start, Kind::Request, Kind::Gap, Kind::Stop] {
            proptest::prop_assert!(kinds.contains(&kind), "{kinds:?}");
        }
        for draft in drafts {
            let event = admintrail_event::testing::accepted(
                draft, admintrail_event::LogId([1; 16]), 1,
            );
            let json = serde_json::to_vec(&admintrail_event::EventJson(&event)).unwrap();
            let back = admintrail_event::SubmittedEvent::parse(&json)
                .map_err(|error| proptest::test_runner::TestCaseError::fail(error.to_string()))?
                .into_draft(event.draft.id, &preset);
            proptest::prop_assert_eq!(back, event.draft);
        }
    }
}

fn basic_of(name: &str) -> String {
    use base64::Engine as _;
    let pair = base64::engine::general_purpose::STANDARD.encode(format!("{name}:x"));
    format!("Basic {pair}")
}
