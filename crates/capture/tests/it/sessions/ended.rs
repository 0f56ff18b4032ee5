//! Sessions that an owner ended: nothing of them passes, and whoever signs in again is welcome.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use admintrail_event::{Outcome, SessionHash};
use http::StatusCode;
use parking_lot::Mutex;

use super::*;

/// A talk with a panel that counts what reaches it.
async fn counted(
    answer: impl Fn(Asked) -> Response<TestBody> + Clone + Send + Sync + 'static,
) -> (Talk, Arc<Mutex<Vec<(String, Option<String>)>>>) {
    let reached: Arc<Mutex<Vec<_>>> = Arc::default();
    let keeps = Arc::clone(&reached);
    let talk = Talk::with(move |asked| {
        let cookie = asked.headers.get("cookie");
        let cookie = cookie.map(|value| value.to_str().unwrap().to_owned());
        keeps.lock().push((asked.path.clone(), cookie));
        answer(asked)
    })
    .await;
    (talk, reached)
}

async fn send_raw(talk: &mut Talk, method: &str, path: &str, headers: &[(&str, &str)]) -> Got {
    let got = send(&talk.service, request(method, path, headers, empty())).await;
    talk.count += 1;
    got
}

fn text(got: &Got) -> String {
    String::from_utf8(got.body.to_vec()).unwrap()
}

fn cleared(got: &Got) -> Vec<String> {
    let headers = got.headers.get_all("set-cookie").iter();
    headers.map(|it| it.to_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn every_further_request_of_an_ended_session_is_refused_and_its_cookie_cleared() {
    let (mut talk, reached) = counted(ordinary).await;
    let session = talk.post("/login", "", OLENA).await.session.unwrap();
    assert_named(&talk.get("/clients", &cookie(1)).await, "olena");
    talk.stand.end_session(session);
    let before = reached.lock().len();

    let held = format!("lang=en; {}; csrftoken=abc", cookie(1));
    let page = send_raw(
        &mut talk,
        "GET",
        "/clients",
        &[("cookie", &held), ("accept", "text/html")],
    )
    .await;
    assert_eq!(page.status, StatusCode::UNAUTHORIZED);
    assert_eq!(page.headers["content-type"], "text/html; charset=utf-8");
    assert!(text(&page).contains("An administrator ended this session"));
    let gone = "sessionid=; Path=/; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly";
    assert_eq!(cleared(&page), [gone], "that cookie and no other");
    let event = talk.stand.last(talk.count).await;
    assert_eq!(event.outcome, Outcome::Denied);
    assert_eq!(event.status, Some(401));
    assert_eq!(event.action, "Denied: listed clients (session ended)");
    assert_eq!(event.session, Some(session));
    assert_nobody(&event);

    let call = send_raw(
        &mut talk,
        "POST",
        "/api/clients",
        &[("cookie", &cookie(1)), ("accept", "*/*")],
    )
    .await;
    assert_eq!(call.status, StatusCode::UNAUTHORIZED);
    assert_eq!(call.headers["content-type"], "application/problem+json");
    let document: serde_json::Value = serde_json::from_slice(&call.body).unwrap();
    assert_eq!(document["code"], "CAPTURE-001");
    send_raw(&mut talk, "GET", "/logout", &[("cookie", &cookie(1))]).await;
    talk.stand.requests(talk.count).await;
    assert_eq!(
        reached.lock().len(),
        before,
        "none of them reached the panel"
    );

    // Another browser of the same admin goes on, and a new sign-in works at once.
    let other = talk.post("/login", "", BORIS).await;
    assert_named(&other, "boris");
    assert_named(&talk.get("/clients", &cookie(2)).await, "boris");
}

#[tokio::test]
async fn cookies_with_a_prefix_are_cleared_as_browsers_want_it() {
    let name = "__Host-admin_session";
    let set = format!("{name}={}; Secure; Path=/; HttpOnly", sid(1));
    let mut talk = Talk::with(move |asked| match asked.method.as_str() {
        "POST" => answer(302, &[("location", "/clients"), ("set-cookie", &set)], ""),
        _ => html("x"),
    })
    .await;
    let session = talk.post("/login", "", OLENA).await.session.unwrap();
    talk.stand.end_session(session);
    let held = format!("{name}={}", sid(1));
    let got = send_raw(&mut talk, "GET", "/clients", &[("cookie", &held)]).await;
    let [only] = &cleared(&got)[..] else {
        panic!("one cookie is cleared: {got:?}")
    };
    assert!(
        only.starts_with("__Host-admin_session=; Path=/; "),
        "{only}"
    );
    assert!(
        only.ends_with("; Secure") && !only.contains("Domain"),
        "{only}"
    );
}

#[tokio::test]
async fn a_session_from_before_recording_began_can_be_ended_too() {
    let (mut talk, reached) = counted(|_| html("clients")).await;
    let event = talk.get("/clients", &cookie(1)).await;
    assert_nobody(&event);
    talk.stand.end_session(event.session.unwrap());
    let got = send_raw(&mut talk, "GET", "/clients", &[("cookie", &cookie(1))]).await;
    assert_eq!(got.status, StatusCode::UNAUTHORIZED);
    assert_nobody(&talk.get("/clients", &cookie(2)).await);
    assert_eq!(reached.lock().len(), 2);
}

#[tokio::test]
async fn a_token_is_refused_wherever_it_is_carried() {
    let token = "eyJhbGciOiJIUzI1NiJ9.e30.x9";
    let json = format!("{{\"token\":\"{token}\"}}");
    let (mut talk, reached) = counted(move |asked| match asked.path.as_str() {
        "/api/login" => answer(200, &[("content-type", "application/json")], &json),
        _ => answer(200, &[("content-type", "application/json")], "{}"),
    })
    .await;
    let session = talk.post("/api/login", "", OLENA).await.session.unwrap();
    talk.stand.end_session(session);
    for header in [
        ("authorization", format!("Bearer {token}")),
        ("authorization", format!("Token {token}")),
        ("x-auth-token", token.to_owned()),
    ] {
        let got = send_raw(&mut talk, "GET", "/api/clients", &[(header.0, &header.1)]).await;
        assert_eq!(got.status, StatusCode::UNAUTHORIZED, "{header:?}");
        assert!(cleared(&got).is_empty());
    }
    assert_eq!(reached.lock().len(), 1);
    // The panel gives the same token for the same name again: that is another session.
    let again = talk.post("/api/login", "", OLENA).await;
    assert_named(&again, "olena");
    assert_ne!(again.session, Some(session));
    let bearer = format!("Bearer {token}");
    send_raw(
        &mut talk,
        "GET",
        "/api/clients",
        &[("authorization", &bearer)],
    )
    .await;
    let event = talk.stand.last(talk.count).await;
    assert_named(&event, "olena");
    assert_eq!(event.session, again.session);
    talk.stand.end_session(again.session.unwrap());
    let got = send_raw(
        &mut talk,
        "GET",
        "/api/clients",
        &[("authorization", &bearer)],
    )
    .await;
    assert_eq!(got.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_rotated_cookie_of_an_ended_session_is_refused_old_and_new() {
    let (mut talk, reached) = counted(|asked| match asked.path.as_str() {
        "/login" => set_redirect("/clients", 1),
        _ => answer(
            200,
            &[("content-type", "text/html"), ("set-cookie", &sets(2))],
            "x",
        ),
    })
    .await;
    let session = talk.post("/login", "", OLENA).await.session.unwrap();
    assert_named(&talk.get("/clients", &cookie(1)).await, "olena");
    talk.stand.end_session(session);
    for n in [1, 2] {
        let got = send_raw(&mut talk, "GET", "/clients", &[("cookie", &cookie(n))]).await;
        assert_eq!(got.status, StatusCode::UNAUTHORIZED, "{n}");
    }
    // Long after the time in which a replaced cookie is still good.
    talk.stand.advance(3_600);
    let got = send_raw(&mut talk, "GET", "/clients", &[("cookie", &cookie(1))]).await;
    assert_eq!(got.status, StatusCode::UNAUTHORIZED);
    assert_eq!(reached.lock().len(), 2);
}

#[tokio::test]
async fn whoever_comes_to_sign_in_with_an_ended_cookie_is_a_stranger_to_the_panel() {
    // This panel keeps the cookie that a visitor has through sign-in, sign-out and the next admin.
    let next = Arc::new(AtomicUsize::new(7));
    let (mut talk, reached) = counted(move |asked| {
        let held = asked.cookie("sessionid");
        let value = held
            .clone()
            .unwrap_or_else(|| sid(next.load(Ordering::SeqCst) as u32));
        let set = format!("sessionid={value}; HttpOnly; Path=/");
        match (asked.method.as_str(), asked.path.as_str()) {
            ("GET", "/login") if held.is_none() => answer(
                200,
                &[("content-type", "text/html"), ("set-cookie", &set)],
                FORM_PAGE,
            ),
            ("GET", "/login") => html(FORM_PAGE),
            ("POST", "/login") => {
                answer(302, &[("location", "/clients"), ("set-cookie", &set)], "")
            }
            _ => html("clients"),
        }
    })
    .await;
    talk.get("/login", "").await;
    let session = talk
        .post("/login", &cookie(7), OLENA)
        .await
        .session
        .unwrap();
    talk.stand.end_session(session);

    // A form that was open all the time.
    let posted = post_form(
        &talk.service,
        "/login",
        &format!("{}; lang=en", cookie(7)),
        BORIS,
    )
    .await;
    talk.count += 1;
    assert_eq!(posted.status, StatusCode::FOUND);
    let (path, held) = reached.lock().last().cloned().unwrap();
    assert_eq!(
        (path.as_str(), held.as_deref()),
        ("/login", Some("lang=en"))
    );
    let event = talk.stand.last(talk.count).await;
    assert_named(&event, "boris");
    assert_ne!(
        event.session,
        Some(session),
        "another session, though the value is the same"
    );
    // The panel has set the very same value again, and it is Boris's now.
    assert_eq!(cleared(&posted).len(), 1);
    assert_named(&talk.get("/clients", &cookie(7)).await, "boris");

    // Ended again, and the form fetched anew: a cookie that the panel leaves alone is cleared.
    talk.stand.end_session(event.session.unwrap());
    let form = send_raw(&mut talk, "GET", "/login", &[("cookie", &cookie(7))]).await;
    assert_eq!(form.status, StatusCode::OK);
    assert!(text(&form).contains("password"));
    assert_eq!(reached.lock().last().unwrap().1, None);
    let event = talk.stand.last(talk.count).await;
    assert_eq!((event.admin, event.session), (None, None));
}

#[tokio::test]
async fn an_ended_cookie_is_cleared_with_the_sign_in_form_unless_the_panel_sets_it_anew() {
    let (mut talk, _) = counted(|asked| match asked.method.as_str() {
        "POST" => set_redirect("/clients", 1),
        _ => html(FORM_PAGE),
    })
    .await;
    let session = talk.post("/login", "", OLENA).await.session.unwrap();
    talk.stand.end_session(session);
    let form = send_raw(&mut talk, "GET", "/login", &[("cookie", &cookie(1))]).await;
    assert_eq!(form.status, StatusCode::OK);
    assert!(cleared(&form)[0].starts_with("sessionid=; Path=/; Max-Age=0"));
}

#[tokio::test]
async fn a_second_ended_token_cannot_hide_behind_the_first() {
    let (mut talk, reached) =
        counted(|_| answer(200, &[("content-type", "application/json")], "{}")).await;
    let tokens = ["eyJhbGciOiJIUzI1NiJ9.e30.a1", "eyJhbGciOiJIUzI1NiJ9.e30.b2"];
    for token in tokens {
        send_raw(&mut talk, "GET", "/api/x", &[("x-auth-token", token)]).await;
        let event = talk.stand.last(talk.count).await;
        talk.stand.end_session(event.session.unwrap());
    }
    let both = [("authorization", tokens[0]), ("x-auth-token", tokens[1])];
    assert_eq!(
        send_raw(&mut talk, "GET", "/api/x", &both).await.status,
        StatusCode::UNAUTHORIZED
    );
    let signs_in = send_raw(&mut talk, "GET", "/login", &both).await;
    assert_eq!(signs_in.status, StatusCode::OK);
    assert_eq!(reached.lock().len(), 3);
}

#[tokio::test]
async fn an_ended_session_stays_ended_after_a_crash() {
    let mut talk = Talk::with(ordinary).await;
    let session = talk.post("/login", "", OLENA).await.session.unwrap();
    talk.stand.end_session(session);
    let stand = talk.stand.crash().await;
    let service = wrap(stand.recorder(|_| {}), panel(ordinary));
    assert_eq!(
        get(&service, "/clients", &cookie(1)).await.status,
        StatusCode::UNAUTHORIZED
    );
}

#[tokio::test]
async fn a_response_under_way_breaks_off_when_its_session_is_ended() {
    let (sender, receiver) = tokio::sync::mpsc::unbounded_channel::<bytes::Bytes>();
    let receiver = Arc::new(Mutex::new(Some(receiver)));
    let service_panel = move |asked: Asked| match asked.path.as_str() {
        "/login" => set_redirect("/clients", 1),
        _ => {
            let mut receiver = receiver.lock().take().unwrap();
            let stream = futures_util::stream::poll_fn(move |cx| {
                receiver
                    .poll_recv(cx)
                    .map(|piece| piece.map(|piece| Ok(http_body::Frame::data(piece))))
            });
            let body =
                http_body_util::BodyExt::boxed_unsync(http_body_util::StreamBody::new(stream));
            Response::new(body)
        }
    };
    let mut talk = Talk::with(service_panel).await;
    let session = talk.post("/login", "", OLENA).await.session.unwrap();
    sender.send("one".into()).unwrap();
    let asked = request("GET", "/events", &[("cookie", &cookie(1))], empty());
    let response = tower::ServiceExt::oneshot(talk.service.clone(), asked)
        .await
        .unwrap();
    let mut body = response.into_body();
    let piece = http_body_util::BodyExt::frame(&mut body)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(piece.into_data().unwrap(), "one");
    talk.stand.end_session(session);
    sender.send("secret".into()).unwrap();
    assert!(http_body_util::BodyExt::frame(&mut body).await.is_none());
    let event = talk.event().await;
    assert_eq!(event.ending, admintrail_event::Ending::Dropped);
}

#[tokio::test]
async fn nobody_guesses_a_session_away() {
    let mut talk = Talk::with(ordinary).await;
    talk.post("/login", "", OLENA).await;
    talk.stand.end_session(SessionHash([9; 16]));
    assert_named(&talk.get("/clients", &cookie(1)).await, "olena");
}
