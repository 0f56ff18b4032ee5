//! Threats 6 and 10: no secret is on disk or in what is delivered.

use crate::stand::*;

const CANARY: &str = "C4n4ryS3cr3t";

fn assert_unseen(stand: &Stand, what: &str) {
    let bytes = bytes_below(stand.folder.path());
    let found = bytes
        .windows(CANARY.len())
        .any(|w| w.eq_ignore_ascii_case(CANARY.as_bytes()));
    assert!(!found, "{what}: on disk");
    let delivered = format!("{:?}", stand.sink.kept.lock());
    assert!(
        !delivered
            .to_ascii_lowercase()
            .contains(&CANARY.to_ascii_lowercase()),
        "{what}"
    );
}

#[tokio::test]
async fn secrets_of_queries_forms_headers_and_paths_are_nowhere() {
    let stand = Stand::new().await;
    // Openings stay in the journal while nothing can be delivered.
    *stand.sink.fails.lock() = Some("disk full".into());
    let service = wrap(
        stand.recorder(|rules| rules.on_failure = admintrail_capture::OnFailure::Open),
        panel(|_| {
            answer(
                401,
                &[("set-cookie", &format!("sessionid={CANARY}0123456789"))],
                "",
            )
        }),
    );
    let encoded: String = CANARY.bytes().map(|b| format!("%{b:02x}")).collect();
    let doubly = encoded.replace('%', "%25");
    let mut sent = 0;
    for query in [
        format!("password={CANARY}"),
        format!("a=b&ToKeN={CANARY}&c=d"),
        format!("api_key={encoded}"),
        format!("%61ccess_token={doubly}"),
        format!("p%2561ssword={CANARY}"),
        format!("user%5Bpassword%5D={CANARY}"),
    ] {
        for method in ["GET", "POST"] {
            send(
                &service,
                request(method, &format!("/page?{query}"), &[], empty()),
            )
            .await;
            sent += 1;
        }
    }
    for headers in [
        [("authorization", format!("Bearer {CANARY}0123456789"))],
        [(
            "cookie",
            format!("sessionid={CANARY}; other={CANARY}0123456789abcdef"),
        )],
        [("x-api-key", format!("{CANARY}0123456789"))],
        [("referer", format!("https://h/?password={CANARY}"))],
    ] {
        let headers = headers
            .each_ref()
            .map(|(name, value)| (*name, value.as_str()));
        send(&service, request("POST", "/page", &headers, empty())).await;
        sent += 1;
    }
    let json = format!(r#"{{"username":"olena","password":"{CANARY}"}}"#);
    let multipart = format!(
        "--B\r\nContent-Disposition: form-data; name=\"password\"\r\n\r\n{CANARY}\r\n--B--\r\n"
    );
    for (kind, body) in [
        (
            "application/x-www-form-urlencoded",
            format!("username=olena&password={CANARY}"),
        ),
        // Typed into the wrong field.
        (
            "application/x-www-form-urlencoded",
            format!("username={CANARY}&password=x"),
        ),
        ("application/json", json),
        ("multipart/form-data; boundary=B", multipart),
        ("text/plain", CANARY.to_owned()),
    ] {
        let asked = request("POST", "/login", &[("content-type", kind)], full(body));
        send(&service, asked).await;
        sent += 1;
    }
    get(&service, &format!("/reset/{CANARY}0123456789abcdef/"), "").await;
    get(
        &service,
        &format!("/password/reset/{CANARY}0123456789abcdef"),
        "",
    )
    .await;
    sent += 2;
    assert_unseen(&stand, "while it cannot be delivered");
    *stand.sink.fails.lock() = None;
    stand.requests(sent).await;
    assert_unseen(&stand, "delivered");
}

#[tokio::test]
async fn a_bound_session_is_known_by_a_keyed_hash_only() {
    let stand = Stand::new().await;
    let secret = format!("{CANARY}0123456789abcdef");
    let cookie = format!("sessionid={secret}");
    let set = cookie.clone();
    let service = wrap(
        stand.recorder(|_| {}),
        panel(move |asked| match asked.path.as_str() {
            "/login" => answer(302, &[("location", "/clients"), ("set-cookie", &set)], ""),
            _ => html("x"),
        }),
    );
    post_form(&service, "/login", "", "username=olena&password=x").await;
    get(&service, "/clients", &cookie).await;
    let events = stand.requests(2).await;
    assert_eq!(events[1].admin.as_deref(), Some("olena"));
    assert!(events[1].session.is_some() && events[0].session == events[1].session);
    assert_unseen(&stand, "session");
}
