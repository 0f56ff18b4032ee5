//! The signed-in person or token behind a request.

use std::sync::Arc;

use admintrail_event::{PanelName, SessionHash};
use admintrail_store::Identity;
use admintrail_store::control::{Account, ApiToken, Role, SecretHash, TokenScope};
use axum::extract::FromRequestParts;
use http::request::Parts;

use crate::{App, WebError};

/// What a viewer may do. Handlers ask for one of these, never for a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Capability {
    /// See events, sessions, counts, the live stream.
    Read,
    /// Look at the pages. They are for people: a token that is bound to panels would see more there
    /// than it may.
    Browse,
    /// Take events away as a file.
    Export,
    /// Send events.
    Ingest,
    /// Change one's own password, identities and preferences; list and end one's own sessions.
    OwnAccount,
    /// Make and disable accounts and tokens, change settings.
    Manage,
    /// See how long the record is kept and what was deleted.
    Audit,
    /// Read `/metrics`.
    Metrics,
}

/// Who is asking. As an extractor it refuses everybody else: a page redirects to `/login?next=…`,
/// the API answers 401.
#[derive(Debug, Clone)]
pub enum Viewer {
    /// A person with a session of ours.
    Account {
        /// Who.
        account: Arc<Account>,
        /// Hash of the session's cookie.
        session: SecretHash,
        /// The session as events carry it.
        shown: SessionHash,
    },
    /// A program with a token.
    Token(Arc<ApiToken>),
}

impl Viewer {
    /// Whether this viewer may see events of the panel: a token may be bound to some.
    #[must_use]
    pub fn may_see(&self, panel: &PanelName) -> bool {
        match self {
            Self::Account { .. } => true,
            Self::Token(token) => token.panels.is_empty() || token.panels.contains(panel),
        }
    }

    /// Whether the viewer may do this at all (a token may still be bound to panels).
    #[must_use]
    pub fn may(&self, capability: Capability) -> bool {
        use Capability::{Audit, Browse, Export, Ingest, Manage, Metrics, OwnAccount, Read};
        match self {
            Self::Account { account, .. } => match account.role {
                Role::Owner => capability != Ingest,
                Role::Auditor => {
                    matches!(
                        capability,
                        Read | Browse | Export | OwnAccount | Audit | Metrics
                    )
                }
                Role::Viewer => matches!(capability, Read | Browse | OwnAccount),
            },
            Self::Token(token) => match token.scope {
                TokenScope::Read => match capability {
                    Read | Export => true,
                    Metrics => token.panels.is_empty(),
                    Browse | Ingest | OwnAccount | Manage | Audit => false,
                },
                TokenScope::Ingest => capability == Ingest,
            },
        }
    }

    /// Refuses with 403 unless the viewer may do this.
    pub fn require(&self, capability: Capability) -> Result<(), WebError> {
        if self.may(capability) {
            return Ok(());
        }
        let what = match capability {
            Capability::Read => "read events",
            Capability::Browse => "open the pages; it may call the API",
            Capability::Export => "export events",
            Capability::Ingest => "send events",
            Capability::OwnAccount => "change an account",
            Capability::Manage => "change settings",
            Capability::Audit => "see how long events are kept",
            Capability::Metrics => "read metrics",
        };
        Err(WebError::Forbidden(format!(
            "{} may not {what}.",
            self.title()
        )))
    }

    /// The account, if a person is asking.
    #[must_use]
    pub fn account(&self) -> Option<&Arc<Account>> {
        match self {
            Self::Account { account, .. } => Some(account),
            Self::Token(_) => None,
        }
    }

    /// Whose name goes into the record: the account's e-mail, or `token NAME`.
    #[must_use]
    pub fn admin(&self) -> String {
        match self {
            Self::Account { account, .. } => account.email.clone(),
            Self::Token(token) => format!("token {}", token.name),
        }
    }

    /// Which panel identities are "me", for Hide me. On our own panel that is the account itself.
    #[must_use]
    pub fn identities(&self) -> Vec<Identity> {
        let Self::Account { account, .. } = self else {
            return Vec::new();
        };
        let own = Identity {
            panel: Some(admintrail_event::PanelName::own()),
            admin: account.email.clone(),
        };
        account.identities.iter().cloned().chain([own]).collect()
    }

    fn title(&self) -> String {
        match self {
            Self::Account { account, .. } => {
                format!("An account with the role {}", account.role.as_str())
            }
            Self::Token(token) => format!("A token with the scope {}", token.scope.as_str()),
        }
    }
}

impl FromRequestParts<Arc<App>> for Viewer {
    type Rejection = WebError;

    async fn from_request_parts(parts: &mut Parts, _app: &Arc<App>) -> Result<Self, WebError> {
        parts
            .extensions
            .get::<Self>()
            .cloned()
            .ok_or(WebError::SignInNeeded)
    }
}
