//! One's own account.

use admintrail_event::fold;
use admintrail_store::control::Preferences;
use axum::extract::{Extension, Path};
use axum::response::Response;
use jiff::tz::TimeZone;

use super::{Purpose, Saved, Sent, wrong};
use crate::WebError;
use crate::auth::naming::identities_of;
use crate::auth::{Client, CountedBy, Try, password, session_id};
use crate::form::Form;

const PAGE: &str = "/settings/account";

/// `POST /settings/account/preferences`
pub(crate) async fn preferences(sent: Sent) -> Response {
    let save = async {
        let (account, _) = sent.own()?;
        let changed = changed(&account.preferences, &sent.form)?;
        sent.app
            .control
            .set_preferences(account.id, &changed)
            .await?;
        Ok(Saved::new("Saved."))
    };
    let result = save.await;
    let purpose = Purpose::new(PAGE, "Changed own preferences", "change own preferences");
    sent.answer(purpose, result)
}

/// `POST /settings/account/identities`
pub(crate) async fn identities(sent: Sent) -> Response {
    let save = async {
        let (account, _) = sent.own()?;
        let found = identities_of(sent.form.text("identities"))?;
        sent.app.control.set_identities(account.id, found).await?;
        Ok(Saved::new("Saved. Hide me now hides these."))
    };
    let result = save.await;
    let purpose = Purpose::new(PAGE, "Changed own identities", "change own identities");
    sent.answer(purpose, result)
}

/// `POST /settings/account/password`: wrong guesses of the current one count like failed sign-ins.
pub(crate) async fn password(Extension(client): Extension<Client>, sent: Sent) -> Response {
    let save = async {
        let (account, session) = sent.own()?;
        let (name, now) = (fold(&account.email), sent.app.now());
        // Whoever guesses at the same address, or at the sign-in form, does not keep the owner
        // from a new password; a stolen session is slowed down all the same.
        let tried = Try {
            name: &name,
            address: client.group(),
            owner: Some(CountedBy::Session(session)),
        };
        if let Some(after_s) = sent.app.throttle.wait(tried, now) {
            return Err(WebError::TooMany {
                what: "Too many wrong passwords.".to_owned(),
                after_s,
            });
        }
        let chosen = sent.form.get("password").unwrap_or_default();
        password::check_new(chosen, &account.email)?;
        if let Some(phc) = account.password_hash.as_deref() {
            sent.app.throttle.failed(tried, now);
            if !sent
                .app
                .desk
                .verify(sent.form.get("current").unwrap_or_default(), Some(phc))
                .await?
            {
                return Err(wrong("current", "This is not your current password."));
            }
            sent.app.throttle.succeeded(tried, now);
        }
        let phc = sent.app.desk.hash(chosen).await?;
        sent.app
            .control
            .set_password(account.id, phc, Some(session))
            .await?;
        Ok(Saved::new(
            "Your password is changed; your other sessions are ended.",
        ))
    };
    let result = save.await;
    let purpose = Purpose::new(PAGE, "Changed own password", "change own password");
    sent.answer(purpose, result)
}

/// `POST /settings/account/sessions/{id}/end`
pub(crate) async fn end_session(Path(id): Path<String>, sent: Sent) -> Response {
    let save = async {
        let (account, _) = sent.own()?;
        let sessions = sent.app.control.sessions_of(account.id, sent.app.now());
        let found = sessions
            .iter()
            .find(|session| session_id(&session.hash) == id);
        let session = found.ok_or(WebError::NoSuch("session"))?;
        sent.app.control.end_session(session.hash).await?;
        Ok(Saved::new("The session is ended."))
    };
    let result = save.await;
    let purpose = Purpose::new(PAGE, "Ended own session", "end own session");
    sent.answer(purpose, result)
}

/// `POST /settings/account/sessions/end-others`
pub(crate) async fn end_others(sent: Sent) -> Response {
    let save = async {
        let (account, session) = sent.own()?;
        let ended = sent
            .app
            .control
            .end_sessions_of(account.id, Some(session))
            .await?;
        let mut saved = Saved::new("Your other sessions are ended.");
        saved.json.insert("ended".into(), ended.into());
        Ok(saved)
    };
    let result = save.await;
    let purpose = Purpose::new(PAGE, "Ended own other sessions", "end own other sessions");
    sent.answer(purpose, result)
}

/// The preferences with the sent fields in place.
fn changed(before: &Preferences, form: &Form) -> Result<Preferences, WebError> {
    let mut after = before.clone();
    if let Some(on) = form.switch("hide_me") {
        after.hide_me = on;
    }
    if let Some(on) = form.switch("keyboard") {
        after.keyboard = on;
    }
    if let Some(text) = form.get("refresh") {
        after.refresh = match text {
            "live" => None,
            "0" | "5" | "10" | "30" | "60" => text.parse().ok(),
            _ => {
                return Err(wrong(
                    "refresh",
                    "Choose 0 (off), 5, 10, 30 or 60 seconds, or live.",
                ));
            }
        };
    }
    if let Some(text) = form.get("page_size") {
        let size = text
            .parse()
            .ok()
            .filter(|size| [25, 50, 100, 250, 500].contains(size));
        after.page_size =
            size.ok_or_else(|| wrong("page_size", "Choose 25, 50, 100, 250 or 500 rows a page."))?;
    }
    if let Some(text) = form.get("time_zone") {
        after.time_zone = match text.trim() {
            "" => None,
            name if name.len() <= 64 && TimeZone::get(name).is_ok() => Some(name.to_owned()),
            _ => {
                return Err(wrong(
                    "time_zone",
                    "Enter an IANA zone such as Europe/Kyiv.",
                ));
            }
        };
    }
    if let Some(text) = form.get("theme") {
        after.theme = match text {
            "" | "system" => None,
            "light" | "dark" => Some(text.to_owned()),
            _ => return Err(wrong("theme", "Choose light, dark or system.")),
        };
    }
    Ok(after)
}
