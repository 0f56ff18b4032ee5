//! Signing in and out of Admintrail.

pub(crate) mod link;
pub(crate) mod reset;
mod session;
pub(crate) mod setup;

pub(crate) use session::{begin, begin_with, sign_out};

use std::sync::Arc;

use admintrail_capture::Declared;
use admintrail_event::{AttemptedNames, attempted_name, fold};
use admintrail_store::control::Account;
use axum::extract::{Extension, State};
use axum::response::{Html, IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, Uri, header};

use crate::auth::forms::SignInForm;
use crate::auth::{Client, CountedBy, Try, Viewer, cookie, known};
use crate::error::Failure;
use crate::form::Form;
use crate::{App, WebError, pages};

/// Where people go when they did not say.
pub(crate) const HOME: &str = "/monitoring/admin-sessions";

/// The address of the sign-in form that leads on to `next`.
pub(crate) fn sign_in_address(next: &str) -> String {
    match own_path(next) {
        Some(next) if next != "/" => {
            let query = url::form_urlencoded::Serializer::new(String::new())
                .append_pair("next", next)
                .finish();
            format!("/login?{query}")
        }
        _ => "/login".to_owned(),
    }
}

/// A path of our own pages; anything that a browser could take for another site is none.
pub(crate) fn own_path(text: &str) -> Option<&str> {
    let plain = text
        .bytes()
        .all(|byte| byte > b' ' && byte < 0x7f && byte != b'\\');
    let own = text.starts_with('/') && !text.starts_with("//");
    let path = text.split(['?', '#']).next().unwrap_or_default();
    let loops = ["/login", "/logout", "/setup", "/reset"]
        .iter()
        .any(|front| path.starts_with(front));
    (plain && own && !loops && text.len() <= 4096).then_some(text)
}

/// A redirect that turns a POST into a GET.
pub(crate) fn redirect(target: &str) -> Response {
    let mut response = StatusCode::SEE_OTHER.into_response();
    let target = HeaderValue::from_str(target).unwrap_or(HeaderValue::from_static("/"));
    response.headers_mut().insert(header::LOCATION, target);
    response
}

/// One parameter of a query string.
pub(crate) fn parameter(uri: &Uri, name: &str) -> Option<String> {
    let query = uri.query().unwrap_or_default();
    url::form_urlencoded::parse(query.as_bytes())
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.into())
}

/// A page with the status of what went wrong; the error is on the page already.
pub(crate) fn refused_page(error: &WebError, page: String) -> Response {
    let mut response = error.clone().into_response();
    response.extensions_mut().remove::<Failure>();
    *response.body_mut() = page.into();
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/html; charset=utf-8"),
    );
    response
}

/// `GET /login`
pub(crate) async fn form(
    State(app): State<Arc<App>>,
    viewer: Option<Extension<Viewer>>,
    uri: Uri,
) -> Response {
    let next = parameter(&uri, "next");
    let next = next.as_deref().and_then(own_path).unwrap_or(HOME);
    if viewer.is_some_and(|Extension(viewer)| viewer.account().is_some()) {
        return redirect(next);
    }
    Html(pages::sign_in_form(&SignInForm {
        next: next.to_owned(),
        no_account_yet: !app.control.has_accounts(),
        ..SignInForm::default()
    }))
    .into_response()
}

/// `POST /login`
pub(crate) async fn submit(
    State(app): State<Arc<App>>,
    Extension(client): Extension<Client>,
    headers: HeaderMap,
    form: Form,
) -> Response {
    let next = own_path(form.text("next")).unwrap_or(HOME);
    let email = form.text("email");
    let password = form.get("password").unwrap_or_default();
    let result = match check(&app, client, &headers, email, password).await {
        Ok(account) => begin(&app, client, &headers, &account, next, "Signed in").await,
        Err(error) => Err(error),
    };
    result.unwrap_or_else(|error| refused(&app, &headers, email, next, error))
}

/// The same work, the same answer and the same counting for every name (Threat 31).
async fn check(
    app: &App,
    client: Client,
    headers: &HeaderMap,
    email: &str,
    password: &str,
) -> Result<Arc<Account>, WebError> {
    let (name, now) = (tried_name(email), app.now());
    let account = app
        .control
        .account_of_email(email)
        .filter(|account| !account.disabled);
    let owner = account.as_ref().and_then(|account| {
        let mark = cookie::KNOWN.of(headers, client.https)?;
        known::recognise(mark, account.id, &app.key).map(CountedBy::Browser)
    });
    let tried = Try {
        name: &name,
        address: client.group(),
        owner,
    };
    if let Some(after_s) = app.throttle.wait(tried, now) {
        return Err(WebError::TooMany {
            what: "Too many failed sign-ins.".to_owned(),
            after_s,
        });
    }
    app.throttle.failed(tried, now);
    let phc = account
        .as_ref()
        .and_then(|account| account.password_hash.as_deref());
    let right = app.desk.verify(password, phc).await?;
    match account {
        Some(account) if right => {
            app.throttle.succeeded(tried, now);
            Ok(account)
        }
        _ => Err(WebError::WrongCredentials),
    }
}

/// The key that failures are counted by.
fn tried_name(email: &str) -> String {
    fold(email.chars().take(254).collect::<String>().trim())
}

fn refused(app: &App, headers: &HeaderMap, email: &str, next: &str, error: WebError) -> Response {
    app.counters.failed_sign_ins.add(1);
    let declared = Declared {
        attempted: Some(attempted(app, email)),
        ..Declared::default()
    };
    let mut response = if crate::around::wants_json(headers) {
        error.into_response()
    } else {
        let form = SignInForm {
            next: next.to_owned(),
            email: email.to_owned(),
            error: Some(error.clone()),
            no_account_yet: !app.control.has_accounts(),
        };
        refused_page(&error, pages::sign_in_form(&form))
    };
    response.extensions_mut().insert(declared);
    response
}

/// What is recorded of the name that was tried: people type passwords into that field.
fn attempted(app: &App, email: &str) -> String {
    let known = app.control.account_of_email(email).is_some();
    attempted_name(email, known, AttemptedNames::Known, &app.key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_own_paths_are_gone_on_to() {
        for good in [
            "/",
            "/monitoring/admin-sessions?q=a%20b#x",
            "/settings/account",
        ] {
            assert_eq!(own_path(good), Some(good));
        }
        let bad = [
            "",
            "//evil.example",
            "/\\evil.example",
            "https://evil.example",
            "javascript:alert(1)",
            "evil",
            "/a\r\nb",
            "/a b",
            "/\t/evil",
            "/login",
            "/login?next=/login",
            "/logout",
            "/\u{202e}x",
            "\\\\x",
            " /x",
        ];
        for bad in bad {
            assert_eq!(own_path(bad), None, "{bad:?}");
        }
        assert_eq!(sign_in_address("/a?b=c&d"), "/login?next=%2Fa%3Fb%3Dc%26d");
        assert_eq!(sign_in_address("//evil.example"), "/login");
    }
}
