//! Names who asks, and says so to the layer that records our own pages.

use std::sync::Arc;

use admintrail_capture::Declared;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::{HeaderMap, StatusCode, header};

use crate::auth::{Client, Viewer, cookie, secret};
use crate::{App, ViewQuery};

pub(crate) async fn identify(
    State(app): State<Arc<App>>,
    mut request: Request,
    next: Next,
) -> Response {
    let auto = request
        .uri()
        .query()
        .is_some_and(|query| ViewQuery::parse(query).auto);
    let client = request.extensions().get::<Client>();
    let https = client.is_some_and(|client| client.https);
    let found = viewer(&app, request.headers(), https, auto);
    if let Found::Viewer(viewer) = &found {
        request.extensions_mut().insert(viewer.clone());
    }
    let mut response = next.run(request).await;
    let status = response.status();
    let declared = response
        .extensions_mut()
        .get_or_insert_default::<Declared>();
    match &found {
        Found::Viewer(viewer) => declare(declared, viewer, &app),
        Found::UnknownToken if status == StatusCode::UNAUTHORIZED => {
            declared
                .action
                .get_or_insert_with(|| "Denied: unknown or revoked token".to_owned());
        }
        Found::UnknownToken | Found::Nobody => {}
    }
    if auto {
        declared.polling = Some(true);
    }
    response
}

/// What a handler said itself stays.
fn declare(declared: &mut Declared, viewer: &Viewer, app: &App) {
    if declared.admin.is_some() || declared.attempted.is_some() {
        return;
    }
    declared.admin = Some(viewer.admin());
    declared.admin_name = viewer
        .account()
        .map(|account| account.name.clone())
        .filter(|name| !name.is_empty());
    declared.session = Some(match viewer {
        Viewer::Account { shown, .. } => *shown,
        Viewer::Token(token) => secret::shown(&token.hash, &app.key),
    });
}

enum Found {
    Viewer(Viewer),
    UnknownToken,
    Nobody,
}

/// A bearer token wins over a cookie, and a wrong one does not fall back to it: who names
/// credentials means them.
fn viewer(app: &App, headers: &HeaderMap, https: bool, auto: bool) -> Found {
    let now = app.now();
    if let Some(token) = bearer(headers) {
        return match app.control.token(&secret::hash(token), now) {
            Some(token) => Found::Viewer(Viewer::Token(token)),
            None => Found::UnknownToken,
        };
    }
    let by_cookie = || {
        let hash = secret::hash(cookie::SESSION.of(headers, https)?);
        // What a page repeats by itself is no sign of life.
        let session = if auto {
            app.control.peek_session(&hash, now)
        } else {
            app.control.session(&hash, now)
        }?;
        let account = app
            .control
            .account(session.account)
            .filter(|account| !account.disabled)?;
        Some(Viewer::Account {
            account,
            session: hash,
            shown: secret::shown(&hash, &app.key),
        })
    };
    by_cookie().map_or(Found::Nobody, Found::Viewer)
}

pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}
