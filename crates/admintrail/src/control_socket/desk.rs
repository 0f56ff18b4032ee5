//! What commands ask for, done: by the server for whoever comes through the socket, or by the
//! command itself when no server runs.

use std::net::SocketAddr;
use std::sync::Arc;

use admintrail_capture::RecorderState;
use admintrail_event::{Draft, EventId, KnownBy, Outcome, PanelName, RequestType, encode_bytes};
use admintrail_store::{Control, StoreError, Submission, Trail};
use admintrail_web::Erasing;
use secrecy::SecretString;
use serde_json::Value;

use super::accounts::answer_about_accounts;
use super::erasures::Erasures;
use super::identities::{Configured, Register};
use super::protocol::{Answer, Ask, Refused, Status};
use crate::clock::Clock;
use crate::serve::Presets;

/// The method of commands that change something; those that look have `GET`.
pub(super) const METHOD: &str = "CLI";

/// Tells how the recorders are.
pub(crate) type RecorderStates = Arc<dyn Fn() -> RecorderState + Send + Sync>;

/// Everything that answers take.
pub(crate) struct Desk {
    pub(crate) trail: Trail,
    pub(crate) control: Control,
    pub(crate) presets: Presets,
    pub(crate) clock: Clock,
    /// What configuration says of the tokens of panels.
    pub(crate) configured: Configured,
    /// The data folder's, for fingerprints.
    pub(crate) key: [u8; 32],
    /// The address of our own pages, for links.
    pub(crate) base_url: String,
    pub(crate) listen: SocketAddr,
    pub(crate) recorder: String,
    /// How erasures fare.
    pub(crate) erasing: Arc<Erasing>,
    /// How the recorders are; a command without a server has none.
    pub(crate) recorder_state: RecorderStates,
}

impl Desk {
    /// Answers; blocks for as long as the disk takes.
    pub(crate) fn answer(&self, ask: Ask, user: &str) -> Result<Answer, Refused> {
        match ask {
            Ask::Status => Ok(Answer::recorded(shown(&self.status())?)),
            Ask::Looked { command, filter } => {
                Ok(answer(Value::Null, self.looked(&command, &filter, user)))
            }
            Ask::Traces { admin, by } => {
                let erasures = self.erasures(user);
                let found = erasures.traces(&admin, by)?;
                let action = "Looked at what there is of a person to erase";
                Ok(answer(found, self.note(user, "GET", "erase", action, None)))
            }
            Ask::Tail { .. } | Ask::Import { .. } => {
                Err(Refused::failed("this has more than one answer"))
            }
            ask => {
                let strangers = self.strangers(&ask);
                let register = Register {
                    trail: &self.trail,
                    control: &self.control,
                    configured: &self.configured,
                    key: &self.key,
                    now: (self.clock)(),
                };
                let erasures = self.erasures(user);
                let (mut value, note) = match ask {
                    Ask::Erase {
                        admin,
                        reason,
                        by,
                        password,
                    } => erasures.ask(&admin, &reason, (by, password.map(SecretString::from)))?,
                    Ask::ApproveErasure { id, by, password } => {
                        erasures.approve(id, &by, &SecretString::from(password))?
                    }
                    Ask::WithdrawErasure { id, by, password } => {
                        erasures.withdraw(id, (by, password.map(SecretString::from)))?
                    }
                    Ask::Erasures => (erasures.list()?, None),
                    Ask::MapIdentity {
                        panel,
                        admin,
                        name,
                        key,
                    } => register.map(&panel, &admin, name.as_deref(), key)?,
                    Ask::UnmapIdentity { panel, key } => register.unmap(&panel, key)?,
                    Ask::Identities => (register.list()?, None),
                    ask => {
                        answer_about_accounts(ask, &self.control, (self.clock)(), &self.base_url)?
                    }
                };
                let noted = match note {
                    Some((command, action, object)) => {
                        self.note(user, METHOD, command, &action, Some(object))
                    }
                    None => Ok(()),
                };
                if let (Value::Object(fields), false) = (&mut value, strangers.is_empty()) {
                    fields.insert("no_such_panels".to_owned(), strangers.into());
                }
                Ok(answer(value, noted))
            }
        }
    }

    fn erasures<'a>(&'a self, user: &'a str) -> Erasures<'a> {
        Erasures {
            trail: &self.trail,
            control: &self.control,
            erasing: &self.erasing,
            user,
            now: (self.clock)(),
        }
    }

    /// Panels for which something is asked that no configuration names. They may be ones that only
    /// send events, so that is said and no mistake.
    fn strangers(&self, ask: &Ask) -> Vec<String> {
        let panels = match ask {
            Ask::CreateToken { panels, .. } => panels.as_slice(),
            Ask::MapIdentity { panel, .. } => std::slice::from_ref(panel),
            _ => return Vec::new(),
        };
        let known = |panel: &str| {
            let panel = panel.trim().parse::<PanelName>();
            panel.is_ok_and(|panel| panel == PanelName::own() || (self.presets)(&panel).is_some())
        };
        panels
            .iter()
            .filter(|panel| !known(panel))
            .cloned()
            .collect()
    }

    fn status(&self) -> Status {
        let state = self.trail.state();
        Status {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            pid: std::process::id(),
            listen: self.listen,
            tls: self.base_url.starts_with("https"),
            failing: state
                .failing
                .or_else(|| (self.recorder_state)().failing)
                .map(|(_, cause)| cause),
            events: state.events,
        }
    }

    /// Records that somebody read the record from the shell.
    pub(crate) fn looked(&self, command: &str, filter: &str, user: &str) -> Result<(), String> {
        let verb = match command {
            "export" => "Exported events",
            "tail" => "Watched new events",
            "preset/test" => "Tested a preset on events",
            _ => "Searched events",
        };
        let filter = (!filter.is_empty()).then(|| format!("filter/{filter}"));
        self.note(user, "GET", command, verb, filter)
    }

    /// What is done at the shell is recorded as what is done on the pages is; or why it was not.
    pub(super) fn note(
        &self,
        user: &str,
        method: &str,
        command: &str,
        action: &str,
        object: Option<String>,
    ) -> Result<(), String> {
        let now = (self.clock)();
        let mut random = [0; 10];
        getrandom::fill(&mut random).map_err(|error| format!("no randomness: {error}"))?;
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
        let appended = self.trail.append_blocking(vec![Submission::new(draft)]);
        appended.map(drop).map_err(|error| {
            tracing::warn!(code = error.code(), %error, command, "a command was not recorded");
            format!("{} {error}", error.code())
        })
    }
}

/// So many events, in words.
pub(crate) fn events(count: u64) -> String {
    let noun = if count == 1 { "event" } else { "events" };
    format!("{count} {noun}")
}

pub(super) fn answer(value: Value, noted: Result<(), String>) -> Answer {
    Answer {
        value,
        unrecorded: noted.err(),
    }
}

pub(super) fn shown(value: &impl serde::Serialize) -> Result<Value, Refused> {
    serde_json::to_value(value).map_err(Refused::failed)
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
pub(super) fn store(error: StoreError) -> Refused {
    Refused::failed(format!("{} {error}", error.code()))
}

#[cfg(test)]
impl Desk {
    /// One of a folder without a server.
    pub(super) fn for_tests(dir: &std::path::Path) -> Arc<Self> {
        let clock = crate::clock::system();
        let options = admintrail_store::TrailOptions::new(dir.to_owned(), Arc::clone(&clock));
        let (trail, control) = crate::data_folder::open(&options).unwrap();
        Arc::new(Self {
            trail,
            control,
            presets: crate::serve::presets(&[]),
            configured: Vec::new(),
            key: [7; 32],
            clock,
            base_url: String::new(),
            listen: ([127, 0, 0, 1], 1).into(),
            recorder: "here".to_owned(),
            erasing: Arc::default(),
            recorder_state: Arc::new(|| unreachable!("nobody asks")),
        })
    }
}
