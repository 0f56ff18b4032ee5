//! What `control.db` keeps, as the other rooms see it.

use std::sync::Arc;

use admintrail_event::{Micros, PanelName};

use crate::Identity;

/// Number of an account; never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AccountId(pub i64);

/// Number of an API token; never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TokenId(pub i64);

/// SHA-256 of a secret of at least 128 random bits (session token, link, API token). The secret
/// itself is never kept. No salt is needed: nobody guesses 128 random bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SecretHash(pub [u8; 32]);

/// What an account may do; the meaning is decided in `web`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// Everything.
    Owner,
    /// Reads and exports.
    Auditor,
    /// Reads.
    Viewer,
}

impl Role {
    /// All roles.
    pub const ALL: [Self; 3] = [Self::Owner, Self::Auditor, Self::Viewer];

    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Auditor => "auditor",
            Self::Viewer => "viewer",
        }
    }

    /// The role of a word.
    #[must_use]
    pub fn of_name(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == word)
    }
}

/// What a person has set for the pages.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Preferences {
    /// Hide me is on.
    pub hide_me: bool,
    /// Single-key shortcuts work.
    pub keyboard: bool,
    /// Seconds between refreshes: 0 (off), 5, 10, 30, 60; `None`: live.
    pub refresh: Option<u32>,
    /// Rows a page.
    pub page_size: u32,
    /// IANA name of the zone that times are shown in; `None`: the browser's.
    pub time_zone: Option<String>,
    /// `light`, `dark`, or `None`: as the system has it.
    pub theme: Option<String>,
}

impl Default for Preferences {
    fn default() -> Self {
        Self {
            hide_me: false,
            keyboard: true,
            refresh: Some(5),
            page_size: 50,
            time_zone: None,
            theme: None,
        }
    }
}

/// Somebody who may sign in to Admintrail.
#[derive(Debug, Clone)]
pub struct Account {
    /// Its number.
    pub id: AccountId,
    /// As entered; compared folded.
    pub email: String,
    /// Name to show.
    pub name: String,
    /// Argon2id hash in PHC form; `None`: no password set yet.
    pub password_hash: Option<String>,
    /// What it may do.
    pub role: Role,
    /// May not sign in.
    pub disabled: bool,
    /// When it was made.
    pub created: Micros,
    /// When it last signed in.
    pub last_sign_in: Option<Micros>,
    /// Which panel identities are "me", for Hide me.
    pub identities: Vec<Identity>,
    /// What the person has set.
    pub preferences: Preferences,
}

/// An account to make.
#[derive(Debug, Clone)]
pub struct NewAccount {
    /// E-mail; unique when folded.
    pub email: String,
    /// Name to show.
    pub name: String,
    /// Argon2id hash in PHC form, if a password is set.
    pub password_hash: Option<String>,
    /// What it may do.
    pub role: Role,
    /// Which panel identities are "me".
    pub identities: Vec<Identity>,
    /// When.
    pub created: Micros,
}

/// A signed-in browser.
#[derive(Debug, Clone)]
pub struct WebSession {
    /// Hash of the cookie's value.
    pub hash: SecretHash,
    /// Whose.
    pub account: AccountId,
    /// Sign-in.
    pub created: Micros,
    /// Last request (kept to the second in memory, on disk to the minute).
    pub last_seen: Micros,
    /// Ends then at the latest.
    pub expires: Micros,
    /// Address at sign-in.
    pub ip: Option<String>,
    /// User agent at sign-in.
    pub agent: Option<String>,
}

impl WebSession {
    /// How long a session lives without a request, in µs (12 hours).
    pub const IDLE: i64 = 12 * 3_600 * Micros::SECOND;
    /// How long a session lives at most, in µs (7 days).
    pub const ABSOLUTE: i64 = 7 * 86_400 * Micros::SECOND;

    /// Whether it still signs anybody in.
    #[must_use]
    pub fn is_live(&self, now: Micros) -> bool {
        now < self.expires && now.0.saturating_sub(self.last_seen.0) < Self::IDLE
    }
}

/// A session to begin.
#[derive(Debug, Clone)]
pub struct NewSession {
    /// Hash of the cookie's value.
    pub hash: SecretHash,
    /// Whose.
    pub account: AccountId,
    /// Now.
    pub created: Micros,
    /// Address of the browser.
    pub ip: Option<String>,
    /// Its user agent.
    pub agent: Option<String>,
}

/// What a one-time link is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkPurpose {
    /// Makes the first owner account.
    Setup,
    /// Signs in.
    SignIn,
    /// Signs in without a question (demo): following the link is enough. Works until it expires,
    /// for browsers and chat programs follow links ahead of people.
    SignInAtOnce,
    /// Sets a new password.
    Reset,
}

impl LinkPurpose {
    /// How long a link of this purpose should live, in µs (30 minutes).
    pub const LIFE: i64 = 30 * 60 * Micros::SECOND;

    const ALL: [Self; 4] = [Self::Setup, Self::SignIn, Self::SignInAtOnce, Self::Reset];

    /// The word that is stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Setup => "setup",
            Self::SignIn => "sign_in",
            Self::SignInAtOnce => "sign_in_at_once",
            Self::Reset => "reset",
        }
    }

    pub(super) fn of_name(word: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|purpose| purpose.as_str() == word)
    }
}

/// A link that works once.
#[derive(Debug, Clone, Copy)]
pub struct OneTimeLink {
    /// Hash of its token.
    pub hash: SecretHash,
    /// What it is for.
    pub purpose: LinkPurpose,
    /// Whose, unless it makes the account.
    pub account: Option<AccountId>,
    /// Ends then.
    pub expires: Micros,
}

/// What a token may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TokenScope {
    /// Reads events.
    Read,
    /// Sends events.
    Ingest,
}

impl TokenScope {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Ingest => "ingest",
        }
    }

    /// The scope of a word.
    #[must_use]
    pub fn of_name(word: &str) -> Option<Self> {
        [Self::Read, Self::Ingest]
            .into_iter()
            .find(|scope| scope.as_str() == word)
    }
}

/// An API token; the secret itself was shown once.
#[derive(Debug, Clone)]
pub struct ApiToken {
    /// Its number.
    pub id: TokenId,
    /// Unique among live ones.
    pub name: String,
    /// Hash of the secret.
    pub hash: SecretHash,
    /// What it may do.
    pub scope: TokenScope,
    /// Only these panels; empty: every one.
    pub panels: Vec<PanelName>,
    /// When it was made.
    pub created: Micros,
    /// When it was last used (to the minute on disk).
    pub last_used: Option<Micros>,
    /// Since when it is refused.
    pub revoked: Option<Micros>,
}

/// A token to make.
#[derive(Debug, Clone)]
pub struct NewToken {
    /// Unique among live ones.
    pub name: String,
    /// Hash of the secret.
    pub hash: SecretHash,
    /// What it may do.
    pub scope: TokenScope,
    /// Only these panels; empty: every one.
    pub panels: Vec<PanelName>,
    /// When.
    pub created: Micros,
}

/// Who a session of a panel belongs to, as capture learned it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredBinding {
    /// The admin's id.
    pub admin: Arc<str>,
    /// The name to show.
    pub admin_name: Option<Arc<str>>,
    /// The session as events carry it.
    pub session: [u8; 16],
    /// When it was bound.
    pub since: Micros,
    /// When it ends by itself, if known.
    pub until: Option<Micros>,
    /// Whom the admin acts as.
    pub acting_as: Option<Arc<str>>,
}

/// Whose an API token or a basic user of a panel is, as somebody has said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MappedIdentity {
    /// The panel.
    pub panel: PanelName,
    /// Keyed hash of the token or user name, as capture makes it.
    pub fingerprint: [u8; 16],
    /// The user name, if it is one of basic authentication.
    pub basic_user: Option<String>,
    /// The admin's id.
    pub admin: String,
    /// The name to show.
    pub admin_name: Option<String>,
    /// Since when.
    pub since: Micros,
}
