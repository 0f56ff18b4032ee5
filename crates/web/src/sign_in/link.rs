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

const ACTION: &str = "Signed in by link";

/// `GET /login/link?token=…`: a button, so that a preview of the link does not use it up. Links of
/// `demo` sign in at once, and again until they expire.
pub(crate) async fn form(
    State(app): State<Arc<App>>,
    Extension(client): Extension<Client>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, WebError> {
    let token = parameter(&uri, "token").unwrap_or_default();
    let link = app.control.link(&secret::hash(&token), app.now());
    let link = link.ok_or(DEAD)?;
    let account = account_of(&app, &link)?;
    match link.purpose {
        LinkPurpose::SignInAtOnce => {
            let next = parameter(&uri, "next");
            let next = next.as_deref().and_then(own_path).unwrap_or(HOME);
            begin(&app, client, &headers, &account, next, ACTION).await
        }
        LinkPurpose::SignIn => {
            let email = account.email.clone();
            Ok(Html(pages::link_form(&LinkForm { token, email })).into_response())
        }
        LinkPurpose::Setup | LinkPurpose::Reset => Err(DEAD),
    }
}

/// `POST /login/link`: uses the link up.
pub(crate) async fn submit(
    State(app): State<Arc<App>>,
    Extension(client): Extension<Client>,
    headers: HeaderMap,
    form: Form,
) -> Result<Response, WebError> {
    let hash = secret::hash(form.text("token"));
    let used = app
        .control
        .use_link(hash, &[LinkPurpose::SignIn], app.now());
    let account = account_of(&app, &used.await?.ok_or(DEAD)?)?;
    let next = own_path(form.text("next")).unwrap_or(HOME);
    begin(&app, client, &headers, &account, next, ACTION).await
}

fn account_of(app: &App, link: &OneTimeLink) -> Result<Arc<Account>, WebError> {
    let account = link.account.and_then(|id| app.control.account(id));
    account.filter(|account| !account.disabled).ok_or(DEAD)
}
