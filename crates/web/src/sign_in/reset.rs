//! A new password by a link that an owner or the command line made.

use std::sync::Arc;

use admintrail_event::fold;
use admintrail_store::control::{Account, LinkPurpose};
use axum::extract::{Extension, State};
use axum::response::{Html, Response};
use http::{HeaderMap, Uri};

use super::{HOME, begin, parameter, refused_page};
use crate::auth::forms::ResetForm;
use crate::auth::{Client, Try, password, secret};
use crate::form::Form;
use crate::{App, WebError, pages};

const DEAD: WebError = WebError::DeadLink {
    remedy: "Make another with `admintrail account reset-password`.",
};

/// `GET /reset?token=…`
pub(crate) async fn form(State(app): State<Arc<App>>, uri: Uri) -> Result<Html<String>, WebError> {
    let token = parameter(&uri, "token").unwrap_or_default();
    let account = account_of(&app, &token)?;
    Ok(Html(pages::reset_form(&ResetForm {
        token,
        email: account.email.clone(),
        error: None,
    })))
}

/// `POST /reset`: sets the password, ends every session of the account and signs in.
pub(crate) async fn submit(
    State(app): State<Arc<App>>,
    Extension(client): Extension<Client>,
    headers: HeaderMap,
    form: Form,
) -> Result<Response, WebError> {
    let token = form.text("token").to_owned();
    let account = account_of(&app, &token)?;
    let chosen = form.get("password").unwrap_or_default();
    if let Err(error) = password::check_new(chosen, &account.email) {
        if crate::around::wants_json(&headers) {
            return Err(error);
        }
        let form = ResetForm {
            token,
            email: account.email.clone(),
            error: Some(error.clone()),
        };
        return Ok(refused_page(&error, pages::reset_form(&form)));
    }
    let phc = app.desk.hash(chosen).await?;
    let used = app
        .control
        .use_link(secret::hash(&token), &[LinkPurpose::Reset], app.now())
        .await?;
    if used.is_none() {
        return Err(DEAD);
    }
    app.control.set_password(account.id, phc, None).await?;
    let tried = Try {
        name: &fold(&account.email),
        address: client.group(),
        owner: None,
    };
    app.throttle.succeeded(tried, app.now());
    begin(
        &app,
        client,
        &headers,
        &account,
        HOME,
        "Set a new password by link",
    )
    .await
}

fn account_of(app: &App, token: &str) -> Result<Arc<Account>, WebError> {
    let link = app.control.link(&secret::hash(token), app.now());
    let link = link
        .filter(|link| link.purpose == LinkPurpose::Reset)
        .ok_or(DEAD)?;
    let account = link.account.and_then(|id| app.control.account(id));
    account.filter(|account| !account.disabled).ok_or(DEAD)
}
