//! API tokens.

use std::sync::Arc;

use admintrail_store::control::{NewToken, TokenId, TokenScope};
use axum::extract::{Path, State};
use axum::response::Response;
use http::HeaderMap;
use serde_json::json;

use super::{Purpose, Saved, answer, wrong};
use crate::auth::naming::{token_name_of, token_panels_of};
use crate::auth::secret::Secret;
use crate::auth::{NewTokenShown, Viewer};
use crate::form::Form;
use crate::{App, WebError};

const fn purpose(action: &'static str) -> Purpose {
    Purpose {
        page: "/settings/tokens",
        action,
    }
}

/// `POST /settings/tokens`
pub(crate) async fn create(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    headers: HeaderMap,
    form: Form,
) -> Response {
    let result = made(&app, &form).await;
    answer(
        &app,
        &viewer,
        &headers,
        &form,
        purpose("Created token"),
        result,
    )
}

async fn made(app: &App, form: &Form) -> Result<Saved, WebError> {
    let name = token_name_of(form.text("name"))?;
    let scope = TokenScope::of_name(form.text("scope")).ok_or_else(|| {
        wrong(
            "scope",
            "Choose read (reads events) or ingest (sends events).",
        )
    })?;
    let panels = token_panels_of(form.all("panels").chain(form.all("panel")), scope)?;
    let secret = Secret::generate_token()?;
    let new = NewToken {
        name,
        hash: secret.hash(),
        scope,
        panels,
        created: app.now(),
    };
    let token = app.control.add_token(new).await?;
    let token = token.ok_or_else(|| {
        wrong(
            "name",
            "A token of this name exists already. Choose another name, or revoke that one first.",
        )
    })?;
    let mut saved = Saved::new("The token is made. Copy it now: it is not shown again.");
    saved.object = Some(format!("token/{}", token.name));
    saved.json.insert("id".into(), json!(token.id.0));
    saved.json.insert("name".into(), json!(token.name));
    saved.json.insert("secret".into(), json!(secret.expose()));
    saved.new_token = Some(NewTokenShown {
        name: token.name.clone(),
        secret,
    });
    Ok(saved)
}

/// `POST /settings/tokens/{id}/revoke`
pub(crate) async fn revoke(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    Path(id): Path<String>,
    headers: HeaderMap,
    form: Form,
) -> Response {
    let save = async {
        let id = id
            .parse()
            .map(TokenId)
            .map_err(|_| WebError::NoSuch("token"))?;
        let name = app
            .control
            .tokens()
            .iter()
            .find(|token| token.id == id)
            .map(|token| token.name.clone());
        if !app.control.revoke_token(id, app.now()).await? {
            return Err(WebError::NoSuch("token"));
        }
        let mut saved = Saved::new("The token is revoked; it is refused from now on.");
        saved.object = name.map(|name| format!("token/{name}"));
        Ok(saved)
    };
    let result = save.await;
    answer(
        &app,
        &viewer,
        &headers,
        &form,
        purpose("Revoked token"),
        result,
    )
}
