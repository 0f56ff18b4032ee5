//! Signing in by a link that works once.

use std::sync::Arc;

use admintrail_store::control::{Account, LinkPurpose, OneTimeLink};
use axum::extract::{Extension, State};
use axum::response::{Html, IntoResponse, Response};
use http::{HeaderMap, Uri};

use super::{HOME, begin, own_path, parameter};
use crate::auth::forms::LinkForm;
use crate::auth::{Client, secret};
use crate::form::Form;
use crate::{App, WebError, pages};

const DEAD: WebError = WebError::DeadLink {
    remedy: "Ask for another, or sign in at /login.",
};

/// `GET /login/link?token=…`: a button, so that a preview of the link does not use it up; links of
/// `demo` sign in at once.
pub(crate) async fn form(
    State(app): State<Arc<App>>,
    Extension(client): Extension<Client>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, WebError> {
    let token = parameter(&uri, "token").unwrap_or_default();
    let link = app
        .control
        .link(&secret::hash(&token), app.now())
        .ok_or(DEAD)?;
    let account = account_of(&app, &link)?;
    let next = parameter(&uri, "next");
    match link.purpose {
        LinkPurpose::SignInAtOnce => {
            let next = next.as_deref().and_then(own_path).unwrap_or(HOME);
            use_up(&app, client, &headers, &token, next).await
        }
        LinkPurpose::SignIn => Ok(Html(pages::link_form(&LinkForm {
            token,
            email: account.email.clone(),
        }))
        .into_response()),
        LinkPurpose::Setup | LinkPurpose::Reset => Err(DEAD),
    }
}

/// `POST /login/link`
pub(crate) async fn submit(
    State(app): State<Arc<App>>,
    Extension(client): Extension<Client>,
    headers: HeaderMap,
    form: Form,
) -> Result<Response, WebError> {
    let next = own_path(form.text("next")).unwrap_or(HOME);
    use_up(&app, client, &headers, form.text("token"), next).await
}

async fn use_up(
    app: &App,
    client: Client,
    headers: &HeaderMap,
    token: &str,
    next: &str,
) -> Result<Response, WebError> {
    let purposes = &[LinkPurpose::SignIn, LinkPurpose::SignInAtOnce];
    let used = app
        .control
        .use_link(secret::hash(token), purposes, app.now())
        .await?;
    let account = account_of(app, &used.ok_or(DEAD)?)?;
    begin(app, client, headers, &account, next, "Signed in by link").await
}

fn account_of(app: &App, link: &OneTimeLink) -> Result<Arc<Account>, WebError> {
    let account = link.account.and_then(|id| app.control.account(id));
    account.filter(|account| !account.disabled).ok_or(DEAD)
}
