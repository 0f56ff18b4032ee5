//! The first account, made by whoever can read what the server printed when it started.

use std::sync::Arc;

use admintrail_store::Identity;
use admintrail_store::control::{LinkPurpose, NewAccount, Role};
use axum::extract::{Extension, State};
use axum::response::{Html, IntoResponse, Response};
use http::{HeaderMap, Uri};

use super::{HOME, begin, parameter, refused_page};
use crate::auth::forms::SetupForm;
use crate::auth::{Client, password, secret};
use crate::form::Form;
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
                error: Some(error.clone()),
            });
            Ok(refused_page(&error, page))
        }
        Err(error) => Err(error),
    }
}

async fn set_up(
    app: &App,
    client: Client,
    headers: &HeaderMap,
    form: &Form,
) -> Result<Response, WebError> {
    let email = email_of(form.text("email"))?;
    let name = name_of(form.text("name"))?;
    let identities = identities_of(form.text("identities"))?;
    let chosen = form.get("password").unwrap_or_default();
    password::check_new(chosen, &email)?;
    let password_hash = Some(app.desk.hash(chosen.to_owned()).await?);
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
    begin(
        app,
        client,
        headers,
        &account,
        HOME,
        "Made the first account",
    )
    .await
    .map(IntoResponse::into_response)
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

fn field(field: &'static str, message: &str) -> WebError {
    WebError::BadField {
        field,
        message: message.to_owned(),
    }
}

/// An e-mail address, as far as anybody can tell without sending to it.
pub(crate) fn email_of(text: &str) -> Result<String, WebError> {
    let wrong = || {
        field(
            "email",
            "This is not an e-mail address such as olena@example.org.",
        )
    };
    let (user, host) = text.rsplit_once('@').ok_or_else(wrong)?;
    let plain = text
        .chars()
        .all(|c| !c.is_whitespace() && !c.is_control() && !"<>\"(),;:\\".contains(c));
    if plain && !user.is_empty() && !user.contains('@') && !host.is_empty() && text.len() <= 254 {
        Ok(text.to_owned())
    } else {
        Err(wrong())
    }
}

fn name_of(text: &str) -> Result<String, WebError> {
    if text.chars().count() > 100 || text.chars().any(char::is_control) {
        return Err(field("name", "Use at most 100 characters, on one line."));
    }
    Ok(text.to_owned())
}

/// "Me" on the panels: `name` or `panel:name`, by line or comma.
pub(crate) fn identities_of(text: &str) -> Result<Vec<Identity>, WebError> {
    let mut found: Vec<Identity> = Vec::new();
    for entry in text
        .split([',', '\n', '\r'])
        .map(str::trim)
        .filter(|entry| !entry.is_empty())
    {
        let (panel, admin) = match entry.split_once(':') {
            Some((panel, admin)) => {
                let panel = panel.trim().parse().map_err(|error| {
                    field(
                        "identities",
                        &format!("{error}. Write `name`, or `panel:name` for one panel."),
                    )
                })?;
                (Some(panel), admin.trim())
            }
            None => (None, entry),
        };
        if admin.is_empty() || admin.len() > 254 || admin.chars().any(char::is_control) {
            return Err(field(
                "identities",
                "Each identity needs a name of at most 254 bytes.",
            ));
        }
        let identity = Identity {
            panel,
            admin: admin.to_owned(),
        };
        if !found.contains(&identity) {
            found.push(identity);
        }
    }
    if found.len() > 100 {
        return Err(field("identities", "Use at most 100 identities."));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identities_are_read_by_line_or_comma() {
        let found = identities_of("olena, billing:olena@example.org\r\nroot\n\nroot").unwrap();
        let shown: Vec<_> = found
            .iter()
            .map(|i| (i.panel.as_ref().map(ToString::to_string), i.admin.as_str()))
            .collect();
        assert_eq!(
            shown,
            [
                (None, "olena"),
                (Some("billing".to_owned()), "olena@example.org"),
                (None, "root")
            ]
        );
        assert!(identities_of("Bad Panel:olena").is_err());
        assert!(identities_of("billing:").is_err());
    }

    #[test]
    fn e_mail_addresses_are_told_from_other_text() {
        for good in ["a@b", "olena.k+x@example.org", "ол@приклад.укр"] {
            assert_eq!(email_of(good).unwrap(), good);
        }
        for bad in ["", "olena", "@b", "a@", "a b@c", "a@b@c", "<a@b>", "a@b\n"] {
            assert!(email_of(bad).is_err(), "{bad:?}");
        }
    }
}
