//! What commands ask for, done: by the server for whoever comes through the socket, or by the
//! command itself when no server runs.

use std::net::SocketAddr;
use std::sync::Arc;

use admintrail_event::{
    AttemptedNames, Draft, EventId, KnownBy, Micros, Outcome, PanelName, Preset, RequestType,
    SubmittedEvent, attempted_name, encode_bytes,
};
use admintrail_store::control::{
    Account, AccountId, LinkPurpose, NewAccount, NewToken, OneTimeLink, Role, TokenScope,
};
use admintrail_store::{Control, Receipt, StoreError, Submission, Trail};
use admintrail_web::auth::{password, secret::Secret};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::protocol::{
    AccountShown, Ask, ImportLine, ImportReport, LineError, Refused, Status, TokenShown,
};
use crate::clock::Clock;

/// How long the demo's link signs in.
const DEMO_LIFE: i64 = 24 * 3_600 * Micros::SECOND;

/// The method of commands that change something; those that look have `GET`.
const METHOD: &str = "CLI";

/// Everything that answers take.
pub(crate) struct Desk {
    pub(crate) trail: Trail,
    pub(crate) control: Control,
    pub(crate) presets: Arc<dyn Fn(&PanelName) -> Option<Arc<Preset>> + Send + Sync>,
    pub(crate) clock: Clock,
    /// The address of our own pages, for links.
    pub(crate) base_url: String,
    pub(crate) listen: SocketAddr,
    pub(crate) recorder: String,
    /// The key of the data folder.
    pub(crate) key: [u8; 32],
}

impl Desk {
    /// Answers; blocks for as long as the disk takes.
    pub(crate) fn answer(&self, ask: Ask, user: &str) -> Result<Value, Refused> {
        match ask {
            Ask::Status => shown(&self.status()),
            Ask::Import { panel, lines } => {
                let report = self.import(panel.as_deref(), &lines)?;
                if report.accepted > 0 {
                    self.note(
                        user,
                        METHOD,
                        "import",
                        &format!("Imported {} events", report.accepted),
                        None,
                    );
                }
                shown(&report)
            }
            Ask::Looked { command, filter } => {
                self.looked(&command, &filter, user);
                Ok(Value::Null)
            }
            Ask::Tail { .. } => Err(Refused::failed("a tail is not answered here")),
            ask => {
                let (value, note) =
                    answer_about_accounts(ask, &self.control, (self.clock)(), &self.base_url)?;
                if let Some((command, action, object)) = note {
                    self.note(user, METHOD, command, &action, Some(object));
                }
                Ok(value)
            }
        }
    }

    fn status(&self) -> Status {
        let state = self.trail.state();
        Status {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            pid: std::process::id(),
            listen: self.listen,
            tls: self.base_url.starts_with("https"),
            failing: state.failing.map(|(_, cause)| cause),
            events: state.events,
        }
    }

    /// Records that somebody read the record from the shell.
    pub(crate) fn looked(&self, command: &str, filter: &str, user: &str) {
        let verb = match command {
            "export" => "Exported events",
            "tail" => "Watched new events",
            _ => "Searched events",
        };
        let filter = (!filter.is_empty()).then(|| format!("filter/{filter}"));
        self.note(user, "GET", command, verb, filter);
    }

    /// What is done at the shell is recorded as what is done on the pages is.
    fn note(&self, user: &str, method: &str, command: &str, action: &str, object: Option<String>) {
        let now = (self.clock)();
        let mut random = [0; 10];
        if getrandom::fill(&mut random).is_err() {
            return;
        }
        let text = |text: &str| {
            admintrail_event::clip(
                encode_bytes(text.as_bytes()),
                admintrail_event::Limits::TEXT,
            )
            .0
        };
        let mut draft = Draft::request(
            EventId::new(now, random),
            now,
            PanelName::own(),
            method,
            &format!("/cli/{command}"),
        );
        draft.recorder = text(&self.recorder);
        draft.admin = Some(text(user));
        draft.known_by = KnownBy::Declared;
        draft.request_type = RequestType::Api;
        draft.route = Some(format!("/cli/{command}"));
        draft.action = text(action);
        draft.object = object.as_deref().map(text);
        draft.outcome = Outcome::Success;
        if let Err(error) = self.trail.append_blocking(vec![Submission::new(draft)]) {
            tracing::warn!(code = error.code(), %error, command, "a command was not recorded");
        }
    }

    /// Takes over events. What can be taken is taken; each line that cannot is named.
    pub(crate) fn import(
        &self,
        panel: Option<&str>,
        lines: &[ImportLine],
    ) -> Result<ImportReport, Refused> {
        let mut report = ImportReport::default();
        let mut batch = Vec::new();
        let mut numbers = Vec::new();
        for line in lines {
            match self.draft(panel, line) {
                Ok(draft) => {
                    batch.push(Submission::new(draft));
                    numbers.push(line.number);
                }
                Err(message) => report.errors.push(LineError {
                    line: line.number,
                    message,
                }),
            }
        }
        let receipts = self.trail.append_blocking(batch).map_err(store)?;
        for (receipt, number) in receipts.into_iter().zip(numbers) {
            match receipt {
                Receipt::Accepted(_) => report.accepted += 1,
                Receipt::Duplicate(_) => report.duplicates += 1,
                Receipt::Conflict(seq) => report.errors.push(LineError {
                    line: number,
                    message: format!(
                        "id: belongs to another event (seq {seq}); give this one another id"
                    ),
                }),
            }
        }
        Ok(report)
    }

    fn draft(&self, panel: Option<&str>, line: &ImportLine) -> Result<Draft, String> {
        let named = with_panel(&line.text, panel)?;
        let mut event =
            SubmittedEvent::parse(named.as_bytes()).map_err(|error| error.to_string())?;
        if let Some(typed) = event.attempted().map(str::to_owned) {
            let known =
                self.trail.knows_admin(&typed) || self.control.knows_admin(event.panel(), &typed);
            event.set_attempted(attempted_name(
                &typed,
                known,
                AttemptedNames::Known,
                &self.key,
            ));
        }
        if event.panel().as_str() == PanelName::OWN && panel != Some(PanelName::OWN) {
            return Err(format!(
                "panel: {:?} is Admintrail's own; say --panel {} if these are its events",
                PanelName::OWN,
                PanelName::OWN
            ));
        }
        let preset = (self.presets)(event.panel())
            .or_else(|| Preset::built_in("generic"))
            .ok_or_else(|| "the generic preset is missing from this build".to_owned())?;
        // An event without an id gets the same one each time its file is imported.
        let digest = Sha256::new()
            .chain_update(event.panel().as_str())
            .chain_update([0])
            .chain_update(line.repeat.to_be_bytes())
            .chain_update(named.as_bytes())
            .finalize();
        let mut random = [0; 10];
        random
            .iter_mut()
            .zip(digest.iter())
            .for_each(|(to, from)| *to = *from);
        let fallback = EventId::new(event.time(), random);
        Ok(event.into_draft(fallback, &preset))
    }
}

/// The line with a panel, if it names none itself.
fn with_panel<'a>(text: &'a str, panel: Option<&str>) -> Result<std::borrow::Cow<'a, str>, String> {
    let value: Value = serde_json::from_str(text).map_err(|error| format!("not JSON: {error}"))?;
    let Value::Object(mut map) = value else {
        return Err("not a JSON object".to_owned());
    };
    if map.get("panel").is_some_and(|given| !given.is_null()) {
        return Ok(text.into());
    }
    let Some(panel) = panel else {
        return Err("panel: is missing; say --panel NAME for lines that name none".to_owned());
    };
    map.insert("panel".to_owned(), json!(panel));
    Ok(Value::Object(map).to_string().into())
}

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
        Ask::Status | Ask::Import { .. } | Ask::Tail { .. } | Ask::Looked { .. } => {
            Err(Refused::failed("not a question about accounts"))
        }
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
    let email = email.trim();
    let plausible = email
        .split_once('@')
        .is_some_and(|(user, host)| !user.is_empty() && !host.is_empty());
    if !plausible || email.len() > 254 || email.chars().any(|c| c.is_whitespace() || c.is_control())
    {
        return Err(Refused::usage(format!(
            "{email:?} is not an e-mail address"
        )));
    }
    let password_hash = match password {
        None => None,
        Some(text) => {
            password::check_new(text, email).map_err(|error| Refused::usage(error.to_string()))?;
            Some(password::hash(text).map_err(|error| {
                Refused::failed(error.cause().unwrap_or_else(|| error.to_string()))
            })?)
        }
    };
    let new = NewAccount {
        email: email.to_owned(),
        name: if name.is_empty() {
            email.to_owned()
        } else {
            name.to_owned()
        },
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
    if name.trim().is_empty() || name.len() > 100 || name.chars().any(char::is_control) {
        return Err(Refused::usage("a token's name has 1 to 100 characters"));
    }
    let panels = panels
        .iter()
        .map(|panel| {
            panel
                .parse()
                .map_err(|error: admintrail_event::IdError| Refused::usage(error.to_string()))
        })
        .collect::<Result<Vec<PanelName>, _>>()?;
    let secret = Secret::generate_token()
        .map_err(|error| Refused::failed(error.cause().unwrap_or_else(|| error.to_string())))?;
    let new = NewToken {
        name: name.to_owned(),
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

fn shown(value: &impl serde::Serialize) -> Result<Value, Refused> {
    serde_json::to_value(value).map_err(Refused::failed)
}

#[allow(clippy::needless_pass_by_value, reason = "for map_err")]
fn store(error: StoreError) -> Refused {
    Refused::failed(format!("{} {error}", error.code()))
}
