//! `/settings/account`: which identities are me, preferences, password, own sessions.

use std::sync::Arc;

use admintrail_store::control::{Account, Preferences};
use askama::Template;
use axum::extract::State;
use axum::response::{Html, IntoResponse, Response};

use crate::auth::{Capability, Viewer, session_id};
use crate::pages::parts::notice;
use crate::pages::parts::pager::SIZES;
use crate::pages::parts::refresh::{RefreshChoice, RefreshMenu};
use crate::pages::parts::shell::{Place, Shell};
use crate::pages::settings::Told;
use crate::pages::wording::agent;
use crate::pages::wording::moment::Face;
use crate::{App, ViewQuery, WebError};

struct Choice {
    value: &'static str,
    name: &'static str,
    current: bool,
}

struct Size {
    rows: usize,
    current: bool,
}

struct OwnSession {
    id: String,
    browser: String,
    ip: String,
    began: String,
    seen: String,
    this: bool,
}

#[derive(Template)]
#[template(path = "pages/settings/account.html")]
struct AccountPage {
    shell: Shell,
    told: Told,
    email: String,
    role: &'static str,
    identities: String,
    hide_me: bool,
    keyboard: bool,
    themes: Vec<Choice>,
    refresh: Vec<RefreshChoice>,
    sizes: Vec<Size>,
    zone: String,
    zones: Vec<String>,
    has_password: bool,
    sessions: Vec<OwnSession>,
    others: usize,
}

/// `GET /settings/account`
pub(crate) async fn show(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    query: ViewQuery,
) -> Result<Response, WebError> {
    viewer.require(Capability::OwnAccount)?;
    // What the session carries may be older than the form that was just saved.
    let id = viewer.account().map(|account| account.id);
    let Some(account) = id.and_then(|id| app.control.account(id)) else {
        return Err(WebError::NoSuch("account"));
    };
    let face = Face {
        zone: query.zone(&viewer)?,
        now: app.now(),
    };
    let html = page(&app, &viewer, &account, &face)
        .render()
        .map_err(WebError::internal)?;
    Ok(Html(html).into_response())
}

fn page(app: &App, viewer: &Viewer, account: &Account, face: &Face) -> AccountPage {
    let told = Told::new(app.take_flash(viewer));
    let Preferences {
        hide_me,
        keyboard,
        page_size,
        time_zone,
        theme,
        ..
    } = account.preferences.clone();
    let sessions = sessions(app, viewer, account, face);
    let identities: Vec<String> = account
        .identities
        .iter()
        .map(|identity| match &identity.panel {
            Some(panel) => format!("{panel}:{}", identity.admin),
            None => identity.admin.clone(),
        })
        .collect();
    let theme_is = |value: &str| theme.as_deref().unwrap_or_default() == value;
    AccountPage {
        shell: Shell::new(viewer, "Your account", Place::Account).saying(notice::health(app, face)),
        email: account.email.clone(),
        role: account.role.as_str(),
        identities: told.or_typed("identities", identities.join("\n")),
        hide_me,
        keyboard,
        themes: [
            ("", "As the system has it"),
            ("light", "Light"),
            ("dark", "Dark"),
        ]
        .map(|(value, name)| Choice {
            value,
            name,
            current: theme_is(value),
        })
        .into(),
        refresh: RefreshMenu::new(viewer).choices,
        sizes: SIZES
            .map(|rows| Size {
                rows,
                current: u32::try_from(rows) == Ok(page_size),
            })
            .into(),
        zone: told.or_typed("time_zone", time_zone.unwrap_or_default()),
        zones: jiff::tz::db()
            .available()
            .map(|name| name.to_string())
            .collect(),
        has_password: account.password_hash.is_some(),
        others: sessions.iter().filter(|session| !session.this).count(),
        sessions,
        told,
    }
}

fn sessions(app: &App, viewer: &Viewer, account: &Account, face: &Face) -> Vec<OwnSession> {
    let this = match viewer {
        Viewer::Account { session, .. } => Some(*session),
        Viewer::Token(_) => None,
    };
    app.control
        .sessions_of(account.id, app.now())
        .into_iter()
        .map(|session| OwnSession {
            id: session_id(&session.hash),
            browser: session.agent.as_deref().map_or_else(
                || "Unknown browser".to_owned(),
                |text| agent::browser(text).unwrap_or_else(|| text.to_owned()),
            ),
            ip: session.ip.unwrap_or_else(|| "–".to_owned()),
            began: face.brief(session.created),
            seen: face.ago(session.last_seen),
            this: this == Some(session.hash),
        })
        .collect()
}
