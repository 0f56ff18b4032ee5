//! The first account, made by whoever can read what the server printed when it started.

use std::sync::Arc;

use admintrail_capture::Declared;
use admintrail_store::control::{LinkPurpose, NewAccount, Role};
use axum::extract::{Extension, State};
use axum::response::{Html, Response};
use http::{HeaderMap, Uri};

use super::{HOME, begin_with, parameter, refused_page};
use crate::anchors::Target;
use crate::auth::forms::SetupForm;
use crate::auth::naming::{account_name_of, email_of, identities_of};
use crate::auth::{Client, Flash, SecretShown, password, secret};
use crate::form::Form;
use crate::pages::wording::link::ANCHORS;
use crate::settings::anchors::object;
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
                place: form.text("place").to_owned(),
                error: Some(error.clone()),
            });
            Ok(refused_page(&error, page))
        }
        Err(error) => Err(error),
    }
}

async fn set_up(
    app: &Arc<App>,
    client: Client,
    headers: &HeaderMap,
    form: &Form,
) -> Result<Response, WebError> {
    let email = email_of(form.text("email"))?;
    let name = account_name_of(form.text("name"))?;
    let identities = identities_of(form.text("identities"))?;
    let chosen = form.get("password").unwrap_or_default();
    password::check_new(chosen, &email)?;
    let target = match form.text("place") {
        "" => None,
        place => Some(app.place_of(place).await?),
    };
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
    let place = match target {
        Some(target) => kept_at(app, target).await,
        None => Place::default(),
    };
    let action = match place.object {
        Some(_) => "Made the first account and added an anchor",
        None => "Made the first account",
    };
    // A secret that is shown once is shown at once.
    let next = place.flash.as_ref().map_or(HOME, |_| ANCHORS);
    let mut response =
        begin_with(app, client, headers, &account, next, action, place.flash).await?;
    if let Some(declared) = response.extensions_mut().get_mut::<Declared>() {
        declared.object = place.object;
    }
    Ok(response)
}

/// What came of the place that was named.
#[derive(Default)]
struct Place {
    /// For the record.
    object: Option<String>,
    /// The secret of a receiver.
    flash: Option<Flash>,
}

/// The account is made already: what fails here can be done anew on the page, which asks for it.
async fn kept_at(app: &Arc<App>, target: Target) -> Place {
    match app.add_place(target).await {
        Ok(added) => Place {
            object: Some(object(&added.place)),
            flash: added.secret.map(|secret| Flash {
                new_receiver: Some(SecretShown {
                    name: added.place.place,
                    secret,
                }),
                ..Flash::default()
            }),
        },
        Err(error) => {
            tracing::error!(%error, "the place for checkpoints that setup named could not be kept; add it on the page Integrity");
            Place::default()
        }
    }
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
