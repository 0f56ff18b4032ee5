//! Impersonation: who it is stays who it is, and the session says as whom they act.

use std::sync::Arc;

use admintrail_event::{Outcome, Preset};

use super::*;

const PRESET: &str = r#"
extends = "generic"
[impersonation]
start = ["POST /clients/{client}/login-as", "GET /clients/{client}/login-as"]
stop = ["POST /stop-impersonating"]
as = "client/{client}"
[session]
cookies = ["sessionid", "client_session"]
"#;

async fn talk(
    answer: impl Fn(Asked) -> Response<TestBody> + Clone + Send + Sync + 'static,
) -> Talk {
    let stand = Stand::new().await;
    let preset = Arc::new(Preset::parse(PRESET).unwrap());
    let recorder = stand.recorder(|rules| rules.preset = preset);
    Talk {
        service: wrap(recorder, panel(answer)),
        stand,
        count: 0,
    }
}

fn json(body: &str) -> Response<TestBody> {
    answer(200, &[("content-type", "application/json")], body)
}

/// Named as this admin, who acts as the other.
fn assert_acts(event: &Draft, admin: &str, other: Option<&str>) {
    assert_eq!(event.admin.as_deref(), Some(admin), "{event:#?}");
    assert_eq!(event.acting_as.as_deref(), other, "{event:#?}");
}

/// The session keeps its cookie; the client's id decides the answer.
fn keeping(asked: Asked) -> Response<TestBody> {
    match (asked.method.as_str(), asked.path.as_str()) {
        ("POST", "/login") if !is_right(&asked) => html(FORM_PAGE),
        ("POST", "/login") => set_redirect(
            "/clients",
            if asked.body.starts_with(b"username=boris") {
                2
            } else {
                1
            },
        ),
        (_, "/logout") => redirect("/login"),
        ("POST", "/clients/1/login-as" | "/clients/2/login-as") => redirect("/portal"),
        ("POST", "/clients/403/login-as") => answer(403, &[], "no"),
        ("POST", "/clients/500/login-as") => answer(500, &[], "oops"),
        ("POST", "/clients/200/login-as") => html("You may not do that."),
        ("POST", "/clients/304/login-as") => answer(304, &[], ""),
        ("POST", "/clients/30/login-as") => redirect("/clients/30"),
        ("POST", "/clients/31/login-as") => redirect("/clients/31/login-as"),
        ("POST", "/clients/40/login-as") => json(r#"{"success":false,"message":"denied"}"#),
        ("POST", "/clients/41/login-as") => json(r#"{"status":"success"}"#),
        ("POST", "/clients/204/login-as") => answer(204, &[], ""),
        ("POST", "/stop-impersonating") if asked.body.starts_with(b"fails") => {
            answer(500, &[], "oops")
        }
        ("POST", "/stop-impersonating") => redirect("/clients"),
        _ if asked.cookie("sessionid").is_some() => html("page"),
        _ => redirect("/login"),
    }
}

#[tokio::test]
async fn an_admin_acts_as_a_client_from_the_start_to_the_stop() {
    let mut talk = talk(keeping).await;
    talk.post("/login", "", OLENA).await;
    assert_acts(&talk.get("/clients", &cookie(1)).await, "olena", None);
    let start = talk.post("/clients/1/login-as", &cookie(1), "").await;
    assert_acts(&start, "olena", Some("client/1"));
    assert_eq!(start.action, "Logged in as client 1");
    assert_eq!(start.object.as_deref(), Some("client/1"));
    assert_named(&start, "olena");
    let page = talk.get("/portal", &cookie(1)).await;
    assert_acts(&page, "olena", Some("client/1"));
    assert_eq!(page.session, start.session);
    // The next one replaces it.
    talk.post("/clients/2/login-as", &cookie(1), "").await;
    assert_acts(
        &talk.get("/portal", &cookie(1)).await,
        "olena",
        Some("client/2"),
    );
    // A stop that failed is none.
    talk.post("/stop-impersonating", &cookie(1), "fails").await;
    assert_acts(
        &talk.get("/portal", &cookie(1)).await,
        "olena",
        Some("client/2"),
    );
    let stop = talk.post("/stop-impersonating", &cookie(1), "").await;
    assert_acts(&stop, "olena", Some("client/2"));
    assert_acts(&talk.get("/clients", &cookie(1)).await, "olena", None);
}

#[tokio::test]
async fn only_a_successful_answer_starts_it() {
    let mut talk = talk(keeping).await;
    talk.post("/login", "", OLENA).await;
    for refused in [403, 500, 200, 304, 31, 40] {
        let path = format!("/clients/{refused}/login-as");
        assert_eq!(
            talk.post(&path, &cookie(1), "").await.acting_as,
            None,
            "{refused}"
        );
        assert_acts(&talk.get("/clients", &cookie(1)).await, "olena", None);
    }
    // Back to the page that the button stood on: with a message, or without; nobody knows.
    let headers = [
        ("cookie", cookie(1)),
        ("referer", "https://panel.example/clients/30".to_owned()),
    ];
    let headers: Vec<_> = headers.iter().map(|(n, v)| (*n, v.as_str())).collect();
    send(
        &talk.service,
        request("POST", "/clients/30/login-as", &headers, empty()),
    )
    .await;
    assert_eq!(talk.event().await.acting_as, None);
    for accepted in [41, 204] {
        let path = format!("/clients/{accepted}/login-as");
        let other = format!("client/{accepted}");
        assert_acts(
            &talk.post(&path, &cookie(1), "").await,
            "olena",
            Some(&other),
        );
        assert_acts(
            &talk.get("/portal", &cookie(1)).await,
            "olena",
            Some(&other),
        );
    }
    // Whoever is nobody acts as nobody.
    let stranger = talk.post("/clients/1/login-as", &cookie(9), "").await;
    assert_eq!((stranger.admin, stranger.acting_as), (None, None));
}

#[tokio::test]
async fn it_ends_with_sign_out_with_the_session_and_with_the_next_sign_in() {
    let mut talk = talk(keeping).await;
    let begin = async |talk: &mut Talk| {
        talk.post("/login", "", OLENA).await;
        let start = talk.post("/clients/1/login-as", &cookie(1), "").await;
        assert_acts(&start, "olena", Some("client/1"));
        start
    };
    begin(&mut talk).await;
    talk.get("/logout", &cookie(1)).await;
    assert_eq!(talk.get("/portal", &cookie(1)).await.acting_as, None);

    begin(&mut talk).await;
    talk.post("/login", &cookie(1), OLENA).await;
    assert_acts(&talk.get("/clients", &cookie(1)).await, "olena", None);

    begin(&mut talk).await;
    talk.post("/login", &cookie(1), BORIS).await;
    assert_acts(&talk.get("/clients", &cookie(2)).await, "boris", None);
    let wrong = talk.post("/login", &cookie(2), WRONG).await;
    assert_eq!((wrong.admin, wrong.acting_as), (None, None));

    let start = begin(&mut talk).await;
    talk.stand.end_session(start.session.unwrap());
    let refused = talk.get("/portal", &cookie(1)).await;
    assert_eq!(refused.outcome, Outcome::Denied);
    assert_eq!((refused.admin, refused.acting_as), (None, None));
}

/// A fresh cookie when it begins, when it ends, and now and then between.
fn rotating(asked: Asked) -> Response<TestBody> {
    let held = asked.cookie("sessionid");
    let at = |n: u32| held.as_deref() == Some(&sid(n));
    match (asked.method.as_str(), asked.path.as_str()) {
        ("POST", "/login") => set_redirect("/clients", 1),
        ("POST", "/clients/1/login-as") if at(1) => set_redirect("/portal", 2),
        ("GET", "/renew") if at(2) => answer(
            200,
            &[("content-type", "text/html"), ("set-cookie", &sets(3))],
            "x",
        ),
        ("POST", "/stop-impersonating") => set_redirect("/clients", 4),
        _ if held.is_some() => html("page"),
        _ => redirect("/login"),
    }
}

#[tokio::test]
async fn a_panel_that_changes_the_cookie_with_it_stays_one_session_of_one_admin() {
    let mut talk = talk(rotating).await;
    let session = talk.post("/login", "", OLENA).await.session;
    talk.get("/clients", &cookie(1)).await;
    let start = talk.post("/clients/1/login-as", &cookie(1), "").await;
    assert_acts(&start, "olena", Some("client/1"));
    assert_acts(
        &talk.get("/portal", &cookie(2)).await,
        "olena",
        Some("client/1"),
    );
    assert_acts(
        &talk.get("/renew", &cookie(2)).await,
        "olena",
        Some("client/1"),
    );
    let renewed = talk.get("/portal", &cookie(3)).await;
    assert_acts(&renewed, "olena", Some("client/1"));
    assert_eq!(renewed.session, session);
    assert_acts(
        &talk.post("/stop-impersonating", &cookie(3), "").await,
        "olena",
        Some("client/1"),
    );
    let back = talk.get("/clients", &cookie(4)).await;
    assert_acts(&back, "olena", None);
    assert_eq!(back.session, session);
}

#[tokio::test]
async fn it_survives_a_restart() {
    let mut talk = talk(keeping).await;
    talk.post("/login", "", OLENA).await;
    talk.post("/clients/1/login-as", &cookie(1), "").await;
    let count = talk.count;
    let stand = talk.stand.crash().await;
    let preset = Arc::new(Preset::parse(PRESET).unwrap());
    let recorder = stand.recorder(|rules| rules.preset = preset);
    let mut talk = Talk {
        service: wrap(recorder, panel(keeping)),
        stand,
        count,
    };
    assert_acts(
        &talk.get("/portal", &cookie(1)).await,
        "olena",
        Some("client/1"),
    );
}

#[tokio::test]
async fn a_session_sent_away_and_answered_again_still_acts_as_the_other() {
    let mut talk = talk(|asked| match (asked.method.as_str(), asked.path.as_str()) {
        ("POST", "/login") => set_redirect("/clients", 1),
        ("POST", "/clients/1/login-as") => redirect("/portal"),
        // The client may not see this page.
        (_, "/settings") => redirect("/login"),
        _ if asked.cookie("sessionid").is_some() => html("page"),
        _ => redirect("/login"),
    })
    .await;
    talk.get("/portal", "").await;
    talk.post("/login", "", OLENA).await;
    talk.get("/portal", &cookie(1)).await;
    talk.post("/clients/1/login-as", &cookie(1), "").await;
    assert_nobody(&talk.get("/settings", &cookie(1)).await);
    assert_acts(
        &talk.get("/portal", &cookie(1)).await,
        "olena",
        Some("client/1"),
    );
}

/// The client's area has a cookie of its own; the admin's goes on beside it.
#[tokio::test]
async fn where_the_panel_gives_a_cookie_of_its_own_for_it_that_alone_acts_as_the_client() {
    let client = format!("client_session={}", sid(50));
    let set = format!("{client}; HttpOnly; Path=/portal");
    let mut talk = talk(
        move |asked| match (asked.method.as_str(), asked.path.as_str()) {
            ("POST", "/login") => set_redirect("/clients", 1),
            ("POST", "/clients/1/login-as") => {
                answer(302, &[("location", "/portal"), ("set-cookie", &set)], "")
            }
            _ => html("page"),
        },
    )
    .await;
    let session = talk.post("/login", "", OLENA).await.session;
    talk.post("/clients/1/login-as", &cookie(1), "").await;
    let portal = talk.get("/portal", &client).await;
    assert_acts(&portal, "olena", Some("client/1"));
    assert_eq!(portal.session, session);
    assert_acts(&talk.get("/clients", &cookie(1)).await, "olena", None);
    // With both, nobody knows which of them the panel goes by: the admin is named all the same.
    let both = format!("{}; {client}", cookie(1));
    assert_acts(&talk.get("/portal", &both).await, "olena", None);
}

#[tokio::test]
async fn a_token_that_is_returned_for_it_acts_as_the_client() {
    let tokens = ["eyJhbGciOiJIUzI1NiJ9.e30.a1", "eyJhbGciOiJIUzI1NiJ9.e30.b2"];
    let mut talk = talk(move |asked| match asked.path.as_str() {
        "/login" => json(&format!("{{\"token\":\"{}\"}}", tokens[0])),
        "/clients/1/login-as" => json(&format!("{{\"token\":\"{}\"}}", tokens[1])),
        _ => json("{}"),
    })
    .await;
    talk.post("/login", "", OLENA).await;
    let own = format!("Bearer {}", tokens[0]);
    let other = format!("Bearer {}", tokens[1]);
    let ask = async |talk: &mut Talk, method: &str, path: &str, bearer: &str| {
        send(
            &talk.service,
            request(method, path, &[("authorization", bearer)], empty()),
        )
        .await;
        talk.event().await
    };
    let start = ask(&mut talk, "POST", "/clients/1/login-as", &own).await;
    assert_acts(&start, "olena", Some("client/1"));
    assert_acts(
        &ask(&mut talk, "GET", "/api/invoices", &other).await,
        "olena",
        Some("client/1"),
    );
    assert_acts(
        &ask(&mut talk, "GET", "/api/invoices", &own).await,
        "olena",
        None,
    );
}

#[tokio::test]
async fn a_link_with_a_token_into_another_area_records_the_start_and_names_nobody_wrongly() {
    let mut talk = talk(|asked| match (asked.method.as_str(), asked.path.as_str()) {
        ("POST", "/login") => set_redirect("/clients", 1),
        ("GET", "/clients/1/login-as") => redirect("/portal/enter?token=hunter2hunter2"),
        (_, path) if path.starts_with("/portal/enter") => set_redirect("/portal", 60),
        _ => html("page"),
    })
    .await;
    talk.post("/login", "", OLENA).await;
    talk.get("/clients", &cookie(1)).await;
    let start = talk.get("/clients/1/login-as", &cookie(1)).await;
    assert_acts(&start, "olena", Some("client/1"));
    // Somebody else opens a link of that kind: nobody is known.
    let stranger = talk.get("/portal/enter?token=hunter2hunter3", "").await;
    assert_nobody(&stranger);
    assert!(!format!("{stranger:?}").contains("hunter2"));
    assert_nobody(&talk.get("/portal", &cookie(60)).await);
}
