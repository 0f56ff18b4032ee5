//! The first account, made by whoever can read what the server printed when it started.

use std::sync::Arc;

use admintrail_store::control::{LinkPurpose, NewAccount, Role};
use axum::extract::{Extension, State};
use axum::response::{Html, IntoResponse, Response};
use http::{HeaderMap, Uri};

use super::{HOME, begin, parameter, refused_page};
use crate::auth::forms::SetupForm;
use crate::auth::naming::{account_name_of, email_of, identities_of};
use crate::auth::{Client, password, secret};
use crate::form::Form;
use crate::{App, WebError, pages};

const DEAD: WebError = WebError::DeadLink {
    remedy: "Restart the server: while nobody has an account it prints a new one.",
};
const DONE: WebError = WebError::DeadLink {
    remedy: "Somebody has an account already: sign in at /login.",
};

/// `GET /setup?token=…`
pub(crate) async fn form(State(app): State<Arc<App>>, uri: Uri) -> Result<Html<String>, WebError> {
    let token = parameter(&uri, "token").unwrap_or_default();
    alive(&app, &token)?;
    Ok(Html(pages::setup_form(&SetupForm {
        token,
        ..SetupForm::default()
    })))
}

/// `POST /setup`
pub(crate) async fn submit(
    State(app): State<Arc<App>>,
    Extension(client): Extension<Client>,
    headers: HeaderMap,
    form: Form,
) -> Result<Response, WebError> {
    let token = form.text("token").to_owned();
    alive(&app, &token)?;
    match set_up(&app, client, &headers, &form).await {
        Ok(response) => Ok(response),
        Err(error)
            if matches!(error, WebError::BadField { .. })
                && !crate::around::wants_json(&headers) =>
        {
            let page = pages::setup_form(&SetupForm {
                token,
                email: form.text("email").to_owned(),
                name: form.text("name").to_owned(),
                identities: form.text("identities").to_owned(),
                error: Some(error.clone()),
            });
            Ok(refused_page(&error, page))
        }
        Err(error) => Err(error),
    }
}

async fn set_up(
    app: &App,
    client: Client,
    headers: &HeaderMap,
    form: &Form,
) -> Result<Response, WebError> {
    let email = email_of(form.text("email"))?;
    let name = account_name_of(form.text("name"))?;
    let identities = identities_of(form.text("identities"))?;
    let chosen = form.get("password").unwrap_or_default();
    password::check_new(chosen, &email)?;
    let password_hash = Some(app.desk.hash(chosen).await?);
    let now = app.now();
    let owner = NewAccount {
        email,
        name,
        password_hash,
        role: Role::Owner,
        identities,
        created: now,
    };
    let made = app
        .control
        .set_up(secret::hash(form.text("token")), owner, now)
        .await?;
    let account = made.ok_or(DEAD)?;
    begin(
        app,
        client,
        headers,
        &account,
        HOME,
        "Made the first account",
    )
    .await
    .map(IntoResponse::into_response)
}

fn alive(app: &App, token: &str) -> Result<(), WebError> {
    if app.control.has_accounts() {
        return Err(DONE);
    }
    let link = app.control.link(&secret::hash(token), app.now());
    link.filter(|link| link.purpose == LinkPurpose::Setup)
        .map(drop)
        .ok_or(DEAD)
}
