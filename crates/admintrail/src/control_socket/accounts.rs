//! Accounts, tokens and one-time links, as commands manage them.

use std::sync::Arc;

use admintrail_event::Micros;
use admintrail_store::Control;
use admintrail_store::control::{
    Account, AccountId, LinkPurpose, NewAccount, NewToken, OneTimeLink, Role, TokenScope,
};
use admintrail_web::WebError;
use admintrail_web::auth::{naming, password, secret::Secret};
use serde_json::{Value, json};

use super::desk::{shown, store};
use super::protocol::{AccountShown, Ask, Refused, TokenShown};

/// How long the demo's link signs in.
const DEMO_LIFE: i64 = 24 * 3_600 * Micros::SECOND;

/// What to record of an answer: command, action, object.
type Note = (&'static str, String, String);

/// Answers everything about accounts and tokens.
pub(crate) fn answer_about_accounts(
    ask: Ask,
    control: &Control,
    now: Micros,
    base_url: &str,
) -> Result<(Value, Option<Note>), Refused> {
    match ask {
        Ask::AddAccount {
            email,
            name,
            role,
            password,
        } => {
            let role = role_of(&role)?;
            let account = add_account(control, &email, &name, role, password.as_deref(), now)?;
            let link = match account.password_hash {
                Some(_) => None,
                None => Some(link(
                    control,
                    LinkPurpose::Reset,
                    Some(account.id),
                    now,
                    base_url,
                )?),
            };
            let note = format!("Added account {} ({})", account.email, role.as_str());
            Ok((
                json!({ "email": account.email, "link": link }),
                Some(("account/add", note, format!("account/{}", account.email))),
            ))
        }
        Ask::Accounts => {
            let accounts: Vec<AccountShown> = control
                .accounts()
                .iter()
                .map(|account| account_shown(account))
                .collect();
            Ok((shown(&accounts)?, None))
        }
        Ask::DisableAccount { email } => {
            let account = account_of(control, &email)?;
            let owners = control
                .accounts()
                .iter()
                .filter(|one| one.role == Role::Owner && !one.disabled)
                .count();
            if account.role == Role::Owner && owners == 1 && !account.disabled {
                return Err(Refused::usage(format!(
                    "{email} is the only owner; make another one first"
                )));
            }
            control
                .set_disabled(account.id, true)
                .wait()
                .map_err(store)?;
            control
                .end_sessions_of(account.id, None)
                .wait()
                .map_err(store)?;
            let note = format!("Disabled account {}", account.email);
            Ok((
                Value::Null,
                Some((
                    "account/disable",
                    note,
                    format!("account/{}", account.email),
                )),
            ))
        }
        Ask::ResetPassword { email } => {
            let account = account_of(control, &email)?;
            let link = link(control, LinkPurpose::Reset, Some(account.id), now, base_url)?;
            let note = format!("Made a link to reset the password of {}", account.email);
            Ok((
                json!({ "link": link }),
                Some((
                    "account/reset-password",
                    note,
                    format!("account/{}", account.email),
                )),
            ))
        }
        Ask::CreateToken {
            name,
            scope,
            panels,
        } => {
            let token = create_token(control, &name, &scope, &panels, now)?;
            let note = format!("Created token {name} ({scope})");
            Ok((
                json!({ "token": token.expose() }),
                Some(("token/create", note, format!("token/{name}"))),
            ))
        }
        Ask::Tokens => {
            let tokens: Vec<TokenShown> = control
                .tokens()
                .iter()
                .map(|token| TokenShown {
                    name: token.name.clone(),
                    scope: token.scope.as_str().to_owned(),
                    panels: token.panels.iter().map(ToString::to_string).collect(),
                    created: token.created.to_string(),
                    last_used: token.last_used.map(|at| at.to_string()),
                    revoked: token.revoked.map(|at| at.to_string()),
                })
                .collect();
            Ok((shown(&tokens)?, None))
        }
        Ask::RevokeToken { name } => {
            let token = control
                .tokens()
                .into_iter()
                .find(|token| token.name == name && token.revoked.is_none());
            let token = token.ok_or_else(|| {
                Refused::usage(format!(
                    "there is no live token {name:?}; `admintrail token list` shows them"
                ))
            })?;
            control.revoke_token(token.id, now).wait().map_err(store)?;
            Ok((
                Value::Null,
                Some((
                    "token/revoke",
                    format!("Revoked token {name}"),
                    format!("token/{name}"),
                )),
            ))
        }
        Ask::Status
        | Ask::MapIdentity { .. }
        | Ask::UnmapIdentity { .. }
        | Ask::Identities
        | Ask::Traces { .. }
        | Ask::Erase { .. }
        | Ask::Erasures
        | Ask::ApproveErasure { .. }
        | Ask::WithdrawErasure { .. }
        | Ask::Import { .. }
        | Ask::Tail { .. }
        | Ask::Looked { .. } => Err(Refused::failed("not a question about accounts")),
    }
}

/// Makes an account.
pub(crate) fn add_account(
    control: &Control,
    email: &str,
    name: &str,
    role: Role,
    password: Option<&str>,
    now: Micros,
) -> Result<Arc<Account>, Refused> {
    let email = naming::email_of(email.trim()).map_err(misnamed)?;
    let name = naming::account_name_of(name.trim()).map_err(misnamed)?;
    let password_hash = match password {
        None => None,
        Some(text) => {
            password::check_new(text, &email).map_err(|error| Refused::usage(error.to_string()))?;
            Some(password::hash(text).map_err(|error| {
                Refused::failed(error.cause().unwrap_or_else(|| error.to_string()))
            })?)
        }
    };
    let new = NewAccount {
        name: if name.is_empty() { email.clone() } else { name },
        email: email.clone(),
        password_hash,
        role,
        identities: Vec::new(),
        created: now,
    };
    control
        .add_account(new)
        .wait()
        .map_err(store)?
        .ok_or_else(|| {
            Refused::usage(format!(
                "there is an account {email} already; `admintrail account list` shows it"
            ))
        })
}

fn create_token(
    control: &Control,
    name: &str,
    scope: &str,
    panels: &[String],
    now: Micros,
) -> Result<Secret, Refused> {
    let scope = TokenScope::of_name(scope).ok_or_else(|| {
        Refused::usage(format!(
            "{scope:?} is not a scope; there are read and ingest"
        ))
    })?;
    let name = naming::token_name_of(name.trim()).map_err(misnamed)?;
    let panels = panels.iter().map(String::as_str);
    let panels = naming::token_panels_of(panels, scope).map_err(misnamed)?;
    let secret = Secret::generate_token()
        .map_err(|error| Refused::failed(error.cause().unwrap_or_else(|| error.to_string())))?;
    let new = NewToken {
        name: name.clone(),
        hash: secret.hash(),
        scope,
        panels,
        created: now,
    };
    match control.add_token(new).wait().map_err(store)? {
        Some(_) => Ok(secret),
        None => Err(Refused::usage(format!(
            "there is a live token {name:?} already; revoke it first or choose another name"
        ))),
    }
}

/// Makes a one-time link that lives for as long as its purpose has it.
pub(crate) fn link(
    control: &Control,
    purpose: LinkPurpose,
    account: Option<AccountId>,
    now: Micros,
    base_url: &str,
) -> Result<String, Refused> {
    let secret = Secret::generate()
        .map_err(|error| Refused::failed(error.cause().unwrap_or_else(|| error.to_string())))?;
    let (path, life) = match purpose {
        LinkPurpose::Setup => ("/setup", LinkPurpose::LIFE),
        LinkPurpose::SignIn => ("/login/link", LinkPurpose::LIFE),
        // As long as somebody may look at a demo.
        LinkPurpose::SignInAtOnce => ("/login/link", DEMO_LIFE),
        LinkPurpose::Reset => ("/reset", LinkPurpose::LIFE),
    };
    let link = OneTimeLink {
        hash: secret.hash(),
        purpose,
        account,
        expires: Micros(now.0.saturating_add(life)),
    };
    control.add_link(link).wait().map_err(store)?;
    Ok(format!("{base_url}{path}?token={}", secret.expose()))
}

/// The pages' message, about the flag of that name.
fn misnamed(error: WebError) -> Refused {
    match error {
        WebError::BadField {
            field: "panels",
            message,
        } => Refused::usage(format!("--panel: {message}")),
        WebError::BadField { field, message } => Refused::usage(format!("--{field}: {message}")),
        other => Refused::usage(other.to_string()),
    }
}

fn role_of(word: &str) -> Result<Role, Refused> {
    Role::of_name(word).ok_or_else(|| {
        Refused::usage(format!(
            "{word:?} is not a role; there are owner, auditor and viewer"
        ))
    })
}

fn account_of(control: &Control, email: &str) -> Result<Arc<Account>, Refused> {
    control.account_of_email(email).ok_or_else(|| {
        Refused::usage(format!(
            "there is no account {email}; `admintrail account list` shows them"
        ))
    })
}

fn account_shown(account: &Account) -> AccountShown {
    AccountShown {
        email: account.email.clone(),
        name: account.name.clone(),
        role: account.role.as_str().to_owned(),
        disabled: account.disabled,
        created: account.created.to_string(),
        last_sign_in: account.last_sign_in.map(|at| at.to_string()),
    }
}
