//! API tokens.

use admintrail_store::control::{NewToken, TokenId, TokenScope};
use axum::extract::Path;
use axum::response::Response;
use serde_json::json;

use super::{Purpose, Saved, Sent, wrong};
use crate::auth::SecretShown;
use crate::auth::naming::{token_name_of, token_panels_of};
use crate::auth::secret::Secret;
use crate::form::Form;
use crate::{App, WebError};

const PAGE: &str = "/settings/tokens";

/// `POST /settings/tokens`
pub(crate) async fn create(sent: Sent) -> Response {
    let result = made(&sent.app, &sent.form).await;
    let purpose = Purpose::new(PAGE, "Created token", "create token");
    sent.answer(purpose, result)
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
    saved.new_token = Some(SecretShown {
        name: token.name.clone(),
        secret,
    });
    Ok(saved)
}

/// `POST /settings/tokens/{id}/revoke`
pub(crate) async fn revoke(Path(id): Path<String>, sent: Sent) -> Response {
    let save = async {
        let id = id
            .parse()
            .map(TokenId)
            .map_err(|_| WebError::NoSuch("token"))?;
        let name = sent
            .app
            .control
            .tokens()
            .iter()
            .find(|token| token.id == id)
            .map(|token| token.name.clone());
        if !sent.app.control.revoke_token(id, sent.app.now()).await? {
            return Err(WebError::NoSuch("token"));
        }
        let mut saved = Saved::new("The token is revoked; it is refused from now on.");
        saved.object = name.map(|name| format!("token/{name}"));
        Ok(saved)
    };
    let result = save.await;
    let purpose = Purpose::new(PAGE, "Revoked token", "revoke token");
    sent.answer(purpose, result)
}
