//! Learned sessions: who is named, when, and who never.

mod acting_as;
mod attempts;
mod basic;
mod durability;
mod ended;
mod hiding;
mod life;
mod model;
mod second_factor;
mod set_proves;
mod tokens;

use admintrail_capture::RecordService;
use admintrail_event::{Draft, KnownBy};
use http::Response;

use crate::stand::*;

const OLENA: &str = "username=olena&password=right";
const WRONG: &str = "username=olena&password=wrong";
const BORIS: &str = "username=boris&password=right";

/// Session ids as panels make them.
fn sid(n: u32) -> String {
    format!("s{n:04}8f14e45fceea167a5a36dedd4bea2543")
}

fn cookie(n: u32) -> String {
    format!("sessionid={}", sid(n))
}

fn sets(n: u32) -> String {
    format!("{}; HttpOnly; Path=/", cookie(n))
}

fn set_redirect(to: &str, n: u32) -> Response<TestBody> {
    answer(302, &[("location", to), ("set-cookie", &sets(n))], "")
}

fn is_right(asked: &Asked) -> bool {
    asked.body.windows(5).any(|w| w == b"right")
}

const FORM_PAGE: &str = "<form><input name=username><input type=\"password\"></form>";

/// Asks one after the other and returns the events in order.
struct Talk {
    stand: Stand,
    service: RecordService<Panel>,
    count: usize,
}

impl Talk {
    async fn with(
        answer: impl Fn(Asked) -> Response<TestBody> + Clone + Send + Sync + 'static,
    ) -> Self {
        let stand = Stand::new().await;
        let service = wrap(stand.recorder(|_| {}), panel(answer));
        Self {
            stand,
            service,
            count: 0,
        }
    }

    async fn get(&mut self, path: &str, cookie: &str) -> Draft {
        get(&self.service, path, cookie).await;
        self.event().await
    }

    async fn post(&mut self, path: &str, cookie: &str, form: &str) -> Draft {
        post_form(&self.service, path, cookie, form).await;
        self.event().await
    }

    async fn event(&mut self) -> Draft {
        self.count += 1;
        self.stand.last(self.count).await
    }
}

fn assert_named(event: &Draft, admin: &str) {
    assert_eq!(event.admin.as_deref(), Some(admin), "{event:#?}");
    assert_eq!(event.known_by, KnownBy::Session);
    assert_eq!(event.attempted, None);
}

fn assert_nobody(event: &Draft) {
    assert_eq!(event.admin, None, "{event:#?}");
    assert_ne!(event.known_by, KnownBy::Session);
}

/// An ordinary panel: one session a sign-in, wrong passwords get the form again.
#[expect(
    clippy::needless_pass_by_value,
    reason = "panels take what they are asked"
)]
fn ordinary(asked: Asked) -> Response<TestBody> {
    let signed_in = asked
        .cookie("sessionid")
        .is_some_and(|id| id == sid(1) || id == sid(2));
    match (asked.method.as_str(), asked.path.as_str()) {
        ("POST", "/login") if is_right(&asked) => {
            let boris = asked.body.starts_with(b"username=boris");
            set_redirect("/clients", if boris { 2 } else { 1 })
        }
        ("POST", "/login") => html(FORM_PAGE),
        ("GET", "/login") => html(FORM_PAGE),
        (_, "/logout") => redirect("/login"),
        (_, "/forbidden") if signed_in => answer(403, &[], "no"),
        _ if signed_in => html("clients"),
        _ => redirect("/login?next=/clients"),
    }
}
