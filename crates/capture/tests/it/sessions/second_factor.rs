//! Sign-ins in two steps.

use admintrail_event::Outcome;

use super::*;

#[tokio::test]
async fn a_second_factor_completes_the_sign_in() {
    let panel_of = |asked: Asked| {
        let passed = asked.cookie("sessionid") == Some(sid(1));
        match (asked.method.as_str(), asked.path.as_str()) {
            ("POST", "/login") => set_redirect("/2fa", 1),
            ("GET", "/2fa") => html("<input name=code>"),
            ("POST", "/2fa") if asked.body == "code=123456" => redirect("/clients"),
            ("POST", "/2fa") => redirect("/2fa?error=1"),
            (_, "/about") => html("open to everybody"),
            _ if passed => html("clients"),
            _ => redirect("/login"),
        }
    };
    let mut talk = Talk::with(panel_of).await;
    assert_nobody(&talk.post("/login", "", OLENA).await);
    assert_nobody(&talk.get("/2fa", &cookie(1)).await);
    assert_nobody(&talk.get("/about", &cookie(1)).await);
    let wrong = talk.post("/2fa", &cookie(1), "code=000000").await;
    assert_nobody(&wrong);
    assert_eq!(wrong.outcome, Outcome::Denied);
    let right = talk.post("/2fa", &cookie(1), "code=123456").await;
    assert_named(&right, "olena");
    assert_named(&talk.get("/clients", &cookie(1)).await, "olena");
}

#[tokio::test]
async fn a_stolen_password_without_the_second_factor_names_nobody() {
    let mut talk = Talk::with(|asked| match asked.path.as_str() {
        "/login" => set_redirect("/2fa", 1),
        _ => html("open to everybody"),
    })
    .await;
    talk.post("/login", "", OLENA).await;
    for path in ["/about", "/prices", "/contact"] {
        assert_nobody(&talk.get(path, &cookie(1)).await);
    }
}
