//! What is asked and answered.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

/// A question to the server. No `Debug`: some carry passwords.
#[derive(Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Ask {
    /// How are you?
    Status,
    /// Makes an account. Without a password: a link with which the person sets one.
    AddAccount {
        email: String,
        name: String,
        role: String,
        password: Option<String>,
    },
    /// Every account.
    Accounts,
    /// Keeps somebody from signing in, and ends their sessions.
    DisableAccount { email: String },
    /// A link to set a new password.
    ResetPassword { email: String },
    /// Makes a token.
    CreateToken {
        name: String,
        scope: String,
        panels: Vec<String>,
    },
    /// Every token.
    Tokens,
    /// Refuses a token from now on.
    RevokeToken { name: String },
    /// Says whose a token or a basic user of a panel is.
    MapIdentity {
        panel: String,
        admin: String,
        name: Option<String>,
        key: IdentityKey,
    },
    /// Forgets whose it is.
    UnmapIdentity { panel: String, key: IdentityKey },
    /// Whose tokens and basic users are.
    Identities,
    /// What there is of a person, and whether it may be erased. Nothing is changed. Without `by`: the
    /// one owner, or whoever asks.
    Traces { admin: String, by: Option<String> },
    /// Asks for a person to be erased, on whose word likewise.
    Erase {
        admin: String,
        reason: String,
        by: Option<String>,
        /// Of the owner who is named.
        password: Option<String>,
    },
    /// Every request, with how far it is.
    Erasures,
    /// A second owner agrees, and proves to be that one.
    ApproveErasure {
        id: i64,
        by: String,
        password: String,
    },
    /// Takes a request back.
    WithdrawErasure {
        id: i64,
        by: Option<String>,
        /// Of the owner who is named.
        password: Option<String>,
    },
    /// Takes over events, of this panel where they name none. Blocks of lines follow, each after a
    /// [`BlockHead`]; a head without bytes ends them. They are sent without waiting for the answers;
    /// those come in order, one for each block and one for the end, and are [`ImportReport`]s.
    Import { panel: Option<String> },
    /// The last events of a filter, or those after a place, then each new one, until the asker
    /// goes away. Each answer is a [`Tailed`].
    Tail {
        filter: String,
        last: usize,
        after: Option<Place>,
    },
    /// Somebody read the record from the shell: that is recorded too.
    Looked { command: String, filter: String },
}

/// What an admin is known by. No `Debug`: some are secrets.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum IdentityKey {
    /// 32 hexadecimal digits.
    Fingerprint(String),
    /// The token itself.
    Token(String),
    /// The user of a basic authentication.
    Basic(String),
}

/// Whose a token or basic user is, as commands show it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct IdentityShown {
    pub(crate) panel: String,
    /// Keyed hash; none where configuration gives another one.
    pub(crate) fingerprint: Option<String>,
    pub(crate) basic_user: Option<String>,
    pub(crate) admin: String,
    pub(crate) name: Option<String>,
    pub(crate) since: Option<String>,
    /// Said by the configuration.
    pub(crate) configured: bool,
}

/// What there is of a person.
#[derive(Serialize, Deserialize)]
pub(crate) struct TracesShown {
    pub(crate) admin: String,
    pub(crate) events: u64,
    pub(crate) panels: Vec<String>,
    pub(crate) first: Option<String>,
    pub(crate) last: Option<String>,
    /// Another owner has to agree.
    pub(crate) needs_approval: bool,
}

/// A request to erase somebody, as commands show it.
#[derive(Serialize, Deserialize)]
pub(crate) struct ErasureShown {
    pub(crate) id: i64,
    pub(crate) state: String,
    /// As long as the person is not erased.
    pub(crate) admin: Option<String>,
    pub(crate) pseudonym: String,
    pub(crate) requested_by: String,
    pub(crate) requested_at: String,
    pub(crate) approved_by: Option<String>,
    pub(crate) approved_at: Option<String>,
    pub(crate) reason: String,
    /// How many were rewritten.
    pub(crate) events: Option<u64>,
    /// Of the statement in the ledger.
    pub(crate) entry: Option<u64>,
    pub(crate) ended_at: Option<String>,
    /// Rows that were looked at, and of how many.
    pub(crate) progress: Option<(u64, u64)>,
    /// Why it is not done yet.
    pub(crate) failing: Option<String>,
}

/// How far a tail has come, to go on from after the server came back.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Place {
    /// The log's id: a place in another log says nothing.
    pub(crate) log: String,
    pub(crate) seq: u64,
}

/// One answer of a tail.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Tailed {
    /// What was there before has been sent; from here on comes what is new.
    Begins {
        place: Place,
        /// Why the record does not show that somebody follows it.
        unrecorded: Option<String>,
    },
    /// An event, as the API shows it, and its place.
    Event(serde_json::Value, Place),
}

/// What comes before the bytes of a block, as a line of its own.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct BlockHead {
    /// Number of its first line, from 1 on.
    pub(crate) first: u64,
    /// 0 ends the import.
    pub(crate) bytes: usize,
}

/// What became of the lines.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct ImportReport {
    pub(crate) accepted: u64,
    pub(crate) duplicates: u64,
    /// Events of Admintrail's own use, which were left out.
    #[serde(default)]
    pub(crate) own: u64,
    pub(crate) errors: Vec<LineError>,
    /// That was all: the answer to the end.
    #[serde(default)]
    pub(crate) ended: bool,
}

/// A line that was not taken.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct LineError {
    pub(crate) line: u64,
    pub(crate) message: String,
}

/// What the server says of itself.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Status {
    pub(crate) version: String,
    pub(crate) pid: u32,
    /// Where its pages listen.
    pub(crate) listen: SocketAddr,
    /// Whether they speak TLS.
    pub(crate) tls: bool,
    /// Why nothing can be recorded at the moment.
    pub(crate) failing: Option<String>,
    pub(crate) events: u64,
}

/// An account as commands show it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct AccountShown {
    pub(crate) email: String,
    pub(crate) name: String,
    pub(crate) role: String,
    pub(crate) disabled: bool,
    pub(crate) created: String,
    pub(crate) last_sign_in: Option<String>,
}

/// A token as commands show it; never its secret.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct TokenShown {
    pub(crate) name: String,
    pub(crate) scope: String,
    pub(crate) panels: Vec<String>,
    pub(crate) created: String,
    pub(crate) last_used: Option<String>,
    pub(crate) revoked: Option<String>,
}

/// Why something was not done.
#[derive(Debug, Clone, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub(crate) struct Refused {
    /// What is wrong and what to do instead.
    pub(crate) message: String,
    /// The asker's mistake (exit 2) rather than the world's (exit 1).
    pub(crate) usage: bool,
}

impl Refused {
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            usage: true,
        }
    }

    pub(crate) fn failed(message: impl std::fmt::Display) -> Self {
        Self {
            message: message.to_string(),
            usage: false,
        }
    }
}

/// What was done and what came of it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Answer {
    pub(crate) value: serde_json::Value,
    /// Why the record does not show that it was done.
    pub(crate) unrecorded: Option<String>,
}

impl Answer {
    pub(crate) fn recorded(value: serde_json::Value) -> Self {
        Self {
            value,
            unrecorded: None,
        }
    }
}

/// One line of an answer.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Reply {
    Done(serde_json::Value),
    DoneUnrecorded(Answer),
    Refused(Refused),
}

impl From<Result<Answer, Refused>> for Reply {
    fn from(answer: Result<Answer, Refused>) -> Self {
        match answer {
            Ok(Answer {
                value,
                unrecorded: None,
            }) => Self::Done(value),
            Ok(answer) => Self::DoneUnrecorded(answer),
            Err(refused) => Self::Refused(refused),
        }
    }
}

impl From<Reply> for Result<Answer, Refused> {
    fn from(reply: Reply) -> Self {
        match reply {
            Reply::Done(value) => Ok(Answer::recorded(value)),
            Reply::DoneUnrecorded(answer) => Ok(answer),
            Reply::Refused(refused) => Err(refused),
        }
    }
}
