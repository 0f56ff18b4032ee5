//! Beginning and ending a session of our own pages.

use std::sync::Arc;

use admintrail_capture::Declared;
use admintrail_event::{Limits, Step, clip, encode_bytes};
use admintrail_store::control::{Account, NewSession};
use axum::extract::{Extension, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, header};

use super::redirect;
use crate::auth::secret::{self, Secret};
use crate::auth::{Client, Flash, Viewer, cookie, known};
use crate::{App, WebError};

/// Begins a new session (Threat 32: never one that the browser brought along; that one ends),
/// and goes on to `next`.
pub(crate) async fn begin(
    app: &App,
    client: Client,
    headers: &HeaderMap,
    account: &Arc<Account>,
    next: &str,
    action: &str,
) -> Result<Response, WebError> {
    begin_with(app, client, headers, account, next, action, None).await
}

/// [`begin`], with something to say on the page that is gone on to.
pub(crate) async fn begin_with(
    app: &App,
    client: Client,
    headers: &HeaderMap,
    account: &Arc<Account>,
    next: &str,
    action: &str,
    flash: Option<Flash>,
) -> Result<Response, WebError> {
    let secret = Secret::generate()?;
    let hash = secret.hash();
    let before = cookie::SESSION.of(headers, client.https).map(secret::hash);
    let agent = headers
        .get(header::USER_AGENT)
        .map(|value| clip(encode_bytes(value.as_bytes()), Limits::AGENT).0);
    let new = NewSession {
        hash,
        account: account.id,
        created: app.now(),
        ip: client.ip.map(|ip| ip.to_string()),
        agent,
    };
    if !app.control.begin_session(new, before).await? {
        return Err(WebError::WrongCredentials);
    }
    app.counters.sign_ins.add(1);
    if let Some(flash) = flash {
        app.flashes.put(hash, flash, app.now());
    }
    let mark = known::mark(account.id, &app.key)?;
    let mut response = redirect(next);
    for (cookie, value) in [(cookie::SESSION, secret.expose()), (cookie::KNOWN, &mark)] {
        let set = cookie
            .set(value, client.https)
            .ok_or_else(|| WebError::internal("a cookie that is no header value"))?;
        response.headers_mut().append(header::SET_COOKIE, set);
    }
    response.extensions_mut().insert(Declared {
        admin: Some(account.email.clone()),
        admin_name: Some(account.name.clone()).filter(|name| !name.is_empty()),
        session: Some(secret::shown(&hash, &app.key)),
        action: Some(action.to_owned()),
        ..Declared::default()
    });
    Ok(response)
}

/// `POST /logout`: ends the session on the server, whatever the browser does with its cookie.
pub(crate) async fn sign_out(
    State(app): State<Arc<App>>,
    Extension(client): Extension<Client>,
    viewer: Option<Extension<Viewer>>,
) -> Result<Response, WebError> {
    if let Some(Extension(Viewer::Account { session, .. })) = viewer {
        app.control.end_session(session).await?;
    }
    let mut response = redirect("/login");
    if let Some(end) = cookie::SESSION.end(client.https) {
        response.headers_mut().append(header::SET_COOKIE, end);
    }
    let declared = Declared {
        action: Some(Step::SIGNED_OUT.to_owned()),
        ..Declared::default()
    };
    response.extensions_mut().insert(declared);
    Ok(response.into_response())
}
