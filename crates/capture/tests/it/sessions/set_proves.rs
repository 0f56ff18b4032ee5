//! A panel that encrypts its cookie anew with every response, sets it only for whom it knows, shows
//! its form under every address with 200, and takes a name and password under every address.

use std::sync::Arc;

use admintrail_event::{Outcome, Preset};

use super::*;

const PRESET: &str = r#"
extends = "generic"
[sign_in]
routes = ["POST ** [who]"]
shown_on = ["GET /clients"]
user_fields = ["who"]
redirect_proves = true
[sign_out]
routes = ["POST /logout"]
[session]
cookies = ["sessionid"]
set_proves = true
[paths]
parameters = ["route"]
[[route]]
match = "POST /index.php/databases/drop"
action = "Dropped databases"
object = "databases"
"#;

/// The cookie says whose it is and which response set it; only the panel knows that.
fn encrypting(asked: Asked) -> Response<TestBody> {
    let next = |admin: u32, n: u32| sets(admin * 1_000 + n + 1);
    let held = asked.cookie("sessionid").map(|value| {
        let number: u32 = value[1..5].parse().unwrap();
        (number / 1_000, number % 1_000)
    });
    let body = String::from_utf8_lossy(&asked.body).into_owned();
    let gone = "sessionid=deleted; Max-Age=0; Path=/";
    if body.contains("who=") && !body.contains("who=&") {
        let admin = if body.contains("who=olena") { 1 } else { 2 };
        return match (body.contains("right"), body.contains("ajax")) {
            (true, false) => answer(
                302,
                &[("location", "/"), ("set-cookie", &next(admin, 0))],
                "",
            ),
            (true, true) => answer(
                200,
                &[
                    ("content-type", "text/html"),
                    ("set-cookie", &next(admin, 0)),
                ],
                "in",
            ),
            (false, _) => answer(
                200,
                &[("content-type", "text/html"), ("set-cookie", gone)],
                FORM_PAGE,
            ),
        };
    }
    match held {
        Some(_) if asked.path == "/expired" || (asked.path == "/logout" && body != "forged") => {
            answer(
                200,
                &[("content-type", "text/html"), ("set-cookie", gone)],
                FORM_PAGE,
            )
        }
        Some((admin, n)) => answer(
            200,
            &[
                ("content-type", "text/html"),
                ("set-cookie", &next(admin, n)),
            ],
            "page",
        ),
        None => html(FORM_PAGE),
    }
}

async fn talk() -> Talk {
    let stand = Stand::new().await;
    let preset = Arc::new(Preset::parse(PRESET).unwrap());
    let recorder = stand.recorder(|rules| rules.preset = preset);
    Talk {
        service: wrap(recorder, panel(encrypting)),
        stand,
        count: 0,
    }
}

#[tokio::test]
async fn the_second_admin_of_a_browser_is_named_on_pages_that_strangers_saw() {
    let mut talk = talk().await;
    let stranger = talk.get("/", "").await;
    assert_eq!(stranger.admin, None);
    for (form, name, admin) in [
        ("who=olena&p=right", "olena", 1),
        ("who=tom&p=right", "tom", 2),
    ] {
        let signed_in = talk.post("/", "", form).await;
        assert_eq!(signed_in.admin.as_deref(), Some(name));
        // Each page comes with the cookie that the one before it set.
        for n in 1..8 {
            let page = talk.get("/", &cookie(admin * 1_000 + n)).await;
            assert_eq!(page.admin.as_deref(), Some(name), "page {n}");
        }
        let out = talk.post("/logout", &cookie(admin * 1_000 + 8), "").await;
        assert_eq!(out.admin.as_deref(), Some(name));
        let after = talk.get("/", &cookie(admin * 1_000 + 8)).await;
        assert_eq!(after.admin, None);
        let stranger = talk.get("/", "").await;
        assert_eq!(stranger.admin, None);
    }
}

#[tokio::test]
async fn a_page_that_takes_the_cookie_away_names_nobody() {
    let mut talk = talk().await;
    talk.post("/", "", "who=olena&p=right").await;
    let expired = talk.get("/expired", &cookie(1_001)).await;
    assert_eq!((expired.admin, expired.outcome), (None, Outcome::Denied));
    let after = talk.get("/clients", &cookie(1_001)).await;
    assert_eq!(after.admin, None);
}

#[tokio::test]
async fn signing_in_over_a_living_session_names_the_new_admin_only_if_the_password_was_right() {
    let mut talk = talk().await;
    talk.post("/", "", "who=olena&p=right").await;
    talk.get("/clients", &cookie(1_001)).await;
    // In a dialog that a page shows over itself, answered without a redirect.
    let tom = talk
        .post("/clients", &cookie(1_002), "who=tom&p=right&ajax=1")
        .await;
    assert_eq!(
        (tom.admin.as_deref(), tom.action.as_str()),
        (Some("tom"), "Signed in")
    );
    let page = talk.get("/clients", &cookie(2_001)).await;
    assert_eq!(page.admin.as_deref(), Some("tom"));
    let wrong = talk
        .post("/clients", &cookie(2_002), "who=olena&p=wrong&ajax=1")
        .await;
    assert_eq!((wrong.admin, wrong.outcome), (None, Outcome::Denied));
}

#[tokio::test]
async fn an_empty_name_beside_something_else_hides_nobody() {
    let mut talk = talk().await;
    talk.post("/", "", "who=olena&p=right").await;
    let deed = talk.post("/clients", &cookie(1_001), "who=&do=it").await;
    assert_eq!(
        (deed.admin.as_deref(), deed.action.as_str()),
        (Some("olena"), "Created client")
    );
    let next = talk.get("/clients", &cookie(1_002)).await;
    assert_eq!(next.admin.as_deref(), Some("olena"));
}

#[tokio::test]
async fn a_sign_out_that_the_panel_did_not_carry_out_hides_nobody() {
    let mut talk = talk().await;
    talk.post("/", "", "who=olena&p=right").await;
    let forged = talk.post("/logout", &cookie(1_001), "forged").await;
    assert_eq!(
        (forged.admin.as_deref(), forged.action.as_str()),
        (Some("olena"), "Sent POST /logout")
    );
    let next = talk.get("/clients", &cookie(1_002)).await;
    assert_eq!(next.admin.as_deref(), Some("olena"));
}

#[tokio::test]
async fn strangers_who_are_shown_the_form_under_the_address_were_not_let_in() {
    let mut talk = talk().await;
    let stranger = talk.get("/clients", "").await;
    assert_eq!(
        (stranger.action.as_str(), stranger.outcome),
        ("Sent to sign-in", Outcome::Denied)
    );
    talk.post("/", "", "who=olena&p=right").await;
    let olena = talk.get("/clients", &cookie(1_001)).await;
    assert_eq!(
        (olena.action.as_str(), olena.outcome),
        ("Listed clients", Outcome::Success)
    );
}

#[tokio::test]
async fn a_form_may_say_which_of_the_panels_paths_it_is_for() {
    let mut talk = talk().await;
    talk.post("/", "", "who=olena&p=right").await;
    let form = "db=archive&route=%2Fdatabases%2Fdrop";
    let drop = talk.post("/index.php", &cookie(1_001), form).await;
    assert_eq!(drop.admin.as_deref(), Some("olena"));
    assert_eq!(drop.action, "Dropped databases");
    assert_eq!(drop.object.as_deref(), Some("databases"));
    assert_eq!(drop.route.as_deref(), Some("/index.php/databases/drop"));
    // Two answers are none.
    let both = "route=%2Fdatabases%2Fdrop&route=%2Flist";
    let other = talk.post("/index.php", &cookie(1_002), both).await;
    assert_eq!(other.route.as_deref(), Some("/index.php"));
}
