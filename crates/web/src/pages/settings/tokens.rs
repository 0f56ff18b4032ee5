//! `/settings/tokens`: API tokens, for owners.

use std::sync::Arc;

use admintrail_store::control::TokenScope;
use askama::Template;
use axum::extract::State;
use axum::response::{Html, IntoResponse, Response};

use crate::auth::{Capability, SecretShown, Viewer};
use crate::pages::parts::notice;
use crate::pages::parts::shell::{Place, Shell};
use crate::pages::settings::Told;
use crate::pages::wording::moment::Face;
use crate::{App, ViewQuery, WebError};

struct Line {
    id: i64,
    name: String,
    scope: &'static str,
    panels: String,
    made: String,
    used: String,
    revoked: Option<String>,
}

#[derive(Template)]
#[template(path = "pages/settings/tokens.html")]
struct TokensPage {
    shell: Shell,
    told: Told,
    made: Option<SecretShown>,
    lines: Vec<Line>,
    name: String,
    ingest: bool,
    panels: Vec<String>,
}

/// `GET /settings/tokens`
pub(crate) async fn show(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    query: ViewQuery,
) -> Result<Response, WebError> {
    viewer.require(Capability::Manage)?;
    let face = Face {
        zone: query.zone(&viewer)?,
        now: app.now(),
    };
    let mut flash = app.take_flash(&viewer);
    let made = flash.as_mut().and_then(|flash| flash.new_token.take());
    let mut told = Told::new(flash);
    // The card of the new token says it all.
    told.saved = told.saved.filter(|_| made.is_none());
    let page = TokensPage {
        shell: Shell::new(&viewer, "API tokens", Place::Tokens).saying(notice::health(&app, &face)),
        name: told.or_typed("name", String::new()),
        ingest: told.or_typed("scope", String::new()) == TokenScope::Ingest.as_str(),
        panels: app
            .panels
            .iter()
            .map(|panel| panel.name.to_string())
            .collect(),
        lines: lines(&app, &face),
        made,
        told,
    };
    Ok(Html(page.render().map_err(WebError::internal)?).into_response())
}

/// Live ones first, the newest before.
fn lines(app: &App, face: &Face) -> Vec<Line> {
    let mut tokens = app.control.tokens();
    tokens.sort_by_key(|token| (token.revoked.is_some(), std::cmp::Reverse(token.created)));
    tokens
        .iter()
        .map(|token| Line {
            id: token.id.0,
            name: token.name.clone(),
            scope: token.scope.as_str(),
            panels: if token.panels.is_empty() {
                "every panel".to_owned()
            } else {
                token
                    .panels
                    .iter()
                    .map(ToString::to_string)
                    .collect::<Vec<_>>()
                    .join(", ")
            },
            made: face.brief(token.created),
            used: token
                .last_used
                .map_or_else(|| "never".to_owned(), |at| face.ago(at)),
            revoked: token.revoked.map(|at| face.brief(at)),
        })
        .collect()
}
