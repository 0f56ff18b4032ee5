//! One's own account.

use std::sync::Arc;

use admintrail_event::fold;
use admintrail_store::control::{Account, Preferences, SecretHash};
use axum::extract::{Extension, Path, State};
use axum::response::Response;
use http::HeaderMap;
use jiff::tz::TimeZone;

use super::{Purpose, Saved, answer, wrong};
use crate::auth::naming::identities_of;
use crate::auth::{Client, CountedBy, Try, Viewer, password, session_id};
use crate::form::Form;
use crate::{App, WebError};

const fn purpose(action: &'static str) -> Purpose {
    Purpose {
        page: "/settings/account",
        action,
    }
}

/// `POST /settings/account/preferences`
pub(crate) async fn preferences(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    headers: HeaderMap,
    form: Form,
) -> Response {
    let save = async {
        let (account, _) = own(&viewer)?;
        let changed = changed(&account.preferences, &form)?;
        app.control.set_preferences(account.id, &changed).await?;
        Ok(Saved::new("Saved."))
    };
    let result = save.await;
    answer(
        &app,
        &viewer,
        &headers,
        &form,
        purpose("Changed own preferences"),
        result,
    )
}

/// `POST /settings/account/identities`
pub(crate) async fn identities(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    headers: HeaderMap,
    form: Form,
) -> Response {
    let save = async {
        let (account, _) = own(&viewer)?;
        let found = identities_of(form.text("identities"))?;
        app.control.set_identities(account.id, found).await?;
        Ok(Saved::new("Saved. Hide me now hides these."))
    };
    let result = save.await;
    answer(
        &app,
        &viewer,
        &headers,
        &form,
        purpose("Changed own identities"),
        result,
    )
}

/// `POST /settings/account/password`: wrong guesses of the current one count like failed sign-ins.
pub(crate) async fn password(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    Extension(client): Extension<Client>,
    headers: HeaderMap,
    form: Form,
) -> Response {
    let save = async {
        let (account, session) = own(&viewer)?;
        let (name, now) = (fold(&account.email), app.now());
        // Whoever guesses at the same address, or at the sign-in form, does not keep the owner
        // from a new password; a stolen session is slowed down all the same.
        let tried = Try {
            name: &name,
            address: client.group(),
            owner: Some(CountedBy::Session(session)),
        };
        if let Some(after_s) = app.throttle.wait(tried, now) {
            return Err(WebError::TooMany {
                what: "Too many wrong passwords.".to_owned(),
                after_s,
            });
        }
        let chosen = form.get("password").unwrap_or_default();
        password::check_new(chosen, &account.email)?;
        if let Some(phc) = account.password_hash.as_deref() {
            app.throttle.failed(tried, now);
            if !app
                .desk
                .verify(form.get("current").unwrap_or_default(), Some(phc))
                .await?
            {
                return Err(wrong("current", "This is not your current password."));
            }
            app.throttle.succeeded(tried, now);
        }
        let phc = app.desk.hash(chosen).await?;
        app.control
            .set_password(account.id, phc, Some(session))
            .await?;
        Ok(Saved::new(
            "Your password is changed; your other sessions are ended.",
        ))
    };
    let result = save.await;
    answer(
        &app,
        &viewer,
        &headers,
        &form,
        purpose("Changed own password"),
        result,
    )
}

/// `POST /settings/account/sessions/{id}/end`
pub(crate) async fn end_session(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    Path(id): Path<String>,
    headers: HeaderMap,
    form: Form,
) -> Response {
    let save = async {
        let (account, _) = own(&viewer)?;
        let sessions = app.control.sessions_of(account.id, app.now());
        let found = sessions
            .iter()
            .find(|session| session_id(&session.hash) == id);
        let session = found.ok_or(WebError::NoSuch("session"))?;
        app.control.end_session(session.hash).await?;
        Ok(Saved::new("The session is ended."))
    };
    let result = save.await;
    answer(
        &app,
        &viewer,
        &headers,
        &form,
        purpose("Ended own session"),
        result,
    )
}

/// `POST /settings/account/sessions/end-others`
pub(crate) async fn end_others(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    headers: HeaderMap,
    form: Form,
) -> Response {
    let save = async {
        let (account, session) = own(&viewer)?;
        let ended = app
            .control
            .end_sessions_of(account.id, Some(session))
            .await?;
        let mut saved = Saved::new("Your other sessions are ended.");
        saved.json.insert("ended".into(), ended.into());
        Ok(saved)
    };
    let result = save.await;
    answer(
        &app,
        &viewer,
        &headers,
        &form,
        purpose("Ended own other sessions"),
        result,
    )
}

/// The account and session of a person; a token has neither.
fn own(viewer: &Viewer) -> Result<(&Account, SecretHash), WebError> {
    match viewer {
        Viewer::Account {
            account, session, ..
        } => Ok((account, *session)),
        Viewer::Token(_) => Err(WebError::Forbidden(
            "A token has no account to change.".to_owned(),
        )),
    }
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
