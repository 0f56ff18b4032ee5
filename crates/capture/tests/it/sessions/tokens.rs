//! Sign-ins that answer in JSON.

use admintrail_event::{Outcome, Preset};
use http::Response;

use super::*;

fn json(body: &str) -> Response<TestBody> {
    answer(200, &[("content-type", "application/json")], body)
}

const TOKEN: &str = "eyJhbGciOiJIUzI1NiJ9.eyJ1IjoxfQ.d2hhdGV2ZXI5";

#[tokio::test]
async fn a_token_in_a_json_answer_is_a_session() {
    for body in [
        format!(r#"{{"token":"{TOKEN}"}}"#),
        format!(r#"{{"success":true,"data":{{"access_token":"{TOKEN}","expires_in":3600}}}}"#),
    ] {
        let mut talk = Talk::with(move |asked| match asked.path.as_str() {
            "/api/login" if is_right(&asked) => json(&body),
            "/api/login" => json(r#"{"error":"bad credentials"}"#),
            _ => json("[]"),
        })
        .await;
        let credentials = full(r#"{"username":"olena","password":"right"}"#);
        let kind = [("content-type", "application/json")];
        let got = send(
            &talk.service,
            request("POST", "/api/login", &kind, credentials),
        )
        .await;
        assert!(String::from_utf8_lossy(&got.body).contains(TOKEN));
        let sign_in = talk.event().await;
        assert_named(&sign_in, "olena");
        let bearer = format!("Bearer {TOKEN}");
        for header in [("authorization", bearer.as_str()), ("x-auth-token", TOKEN)] {
            send(
                &talk.service,
                request("GET", "/api/clients", &[header], empty()),
            )
            .await;
            let event = talk.event().await;
            assert_named(&event, "olena");
            assert_eq!(event.session, sign_in.session);
        }
        let other = [("authorization", "Bearer 0123456789abcdef0123456789abcdef")];
        send(
            &talk.service,
            request("GET", "/api/clients", &other, empty()),
        )
        .await;
        let event = talk.event().await;
        assert_nobody(&event);
        assert!(
            event.session.is_some(),
            "one client's requests belong together all the same"
        );
    }
}

/// Node-RED answers 401 to whoever may only look; to a token that is over it adds how to sign in.
#[tokio::test]
async fn a_401_without_a_challenge_is_a_refusal_of_somebody_known_where_the_preset_says_so() {
    let node_red = Preset::built_in("node-red").unwrap();
    for (preset, known) in [(Some(node_red), true), (None, false)] {
        let stand = Stand::new().await;
        let recorder = stand.recorder(|rules| {
            if let Some(preset) = preset {
                rules.preset = preset;
            }
        });
        let answers = panel(|asked| match asked.path.as_str() {
            "/auth/token" => json(&format!(r#"{{"access_token":"{TOKEN}"}}"#)),
            "/flows" if asked.method == "POST" => answer(401, &[], ""),
            "/over" => {
                let invalid = r#"Bearer realm="Users", error="invalid_token""#;
                answer(401, &[("www-authenticate", invalid)], "Unauthorized")
            }
            _ => json("[]"),
        });
        let mut talk = Talk {
            service: wrap(recorder, answers),
            stand,
            count: 0,
        };
        talk.post("/auth/token", "", OLENA).await;
        let bearer = format!("Bearer {TOKEN}");
        let bearer = [("authorization", bearer.as_str())];
        let ask = |method: &str, path: &str| request(method, path, &bearer, empty());
        send(&talk.service, ask("GET", "/flows")).await;
        assert_named(&talk.event().await, "olena");
        for _ in 0..3 {
            send(&talk.service, ask("POST", "/flows")).await;
            let event = talk.event().await;
            assert_eq!(event.admin.is_some(), known);
            assert_eq!(event.outcome, Outcome::Denied);
        }
        send(&talk.service, ask("GET", "/over")).await;
        assert_nobody(&talk.event().await);
        // Not before the panel has answered it again.
        send(&talk.service, ask("POST", "/flows")).await;
        assert_nobody(&talk.event().await);
        send(&talk.service, ask("GET", "/flows")).await;
        assert_named(&talk.event().await, "olena");
    }
}

#[tokio::test]
async fn a_token_that_comes_in_pieces_is_bound_before_its_last_byte_is_sent() {
    let stand = Stand::new().await;
    let service = wrap(
        stand.recorder(|_| {}),
        panel(|asked| match asked.path.as_str() {
            "/login" => {
                let text = format!(r#"{{"token":"{TOKEN}"}}"#);
                let pieces: Vec<Result<_, std::io::Error>> = text
                    .into_bytes()
                    .chunks(7)
                    .map(|piece| Ok(http_body::Frame::data(bytes::Bytes::copy_from_slice(piece))))
                    .collect();
                let stream = http_body_util::StreamBody::new(futures_util::stream::iter(pieces));
                Response::builder()
                    .header("content-type", "application/json")
                    .body(http_body_util::BodyExt::boxed_unsync(stream))
                    .unwrap()
            }
            _ => json("[]"),
        }),
    );
    let response = {
        use tower::ServiceExt;
        let sign_in = request("POST", "/login", &[FORM], full(OLENA));
        service.clone().oneshot(sign_in).await.unwrap()
    };
    let mut body = response.into_body();
    let mut seen = Vec::new();
    while !seen.ends_with(b"}") {
        let frame = http_body_util::BodyExt::frame(&mut body)
            .await
            .unwrap()
            .unwrap();
        seen.extend_from_slice(&frame.into_data().unwrap());
    }
    // The body has not ended for the client yet, but the token is whole and already used.
    let bearer = format!("Bearer {TOKEN}");
    send(
        &service,
        request("GET", "/clients", &[("authorization", &bearer)], empty()),
    )
    .await;
    assert_named(&stand.last(1).await, "olena");
    drop(body);
}

#[tokio::test]
async fn a_json_sign_in_with_a_cookie_is_a_success_unless_it_says_otherwise() {
    let mut talk = Talk::with(|asked| match asked.path.as_str() {
        "/login" => {
            let right = is_right(&asked);
            let body = if right {
                r#"{"id":4,"name":"Olena"}"#
            } else {
                r#"{"ok":false}"#
            };
            let set = sets(if right { 1 } else { 2 });
            answer(
                200,
                &[("content-type", "application/json"), ("set-cookie", &set)],
                body,
            )
        }
        "/session" => answer(204, &[("set-cookie", &sets(3))], ""),
        _ => html("x"),
    })
    .await;
    assert_nobody(&talk.post("/login", "", WRONG).await);
    assert_nobody(&talk.get("/clients", &cookie(2)).await);
    assert_named(&talk.post("/login", "", OLENA).await, "olena");
    assert_named(&talk.get("/clients", &cookie(1)).await, "olena");
    assert_named(&talk.post("/session", "", BORIS).await, "boris");
    assert_named(&talk.get("/clients", &cookie(3)).await, "boris");
}
