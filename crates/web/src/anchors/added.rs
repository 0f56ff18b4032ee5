//! Places that people added on pages: kept as a setting, beside those of the configuration.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use admintrail_event::Micros;
use admintrail_store::Control;
use http::Uri;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use super::{AnchorPlace, AnchorWay, check};

/// The setting that has them.
pub const ADDED: &str = admintrail_store::control::ANCHOR_PLACES;

/// A place that somebody added on a page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddedPlace {
    /// Tells it from every other one there ever was.
    pub id: String,
    /// Where checkpoints go.
    #[serde(flatten)]
    pub target: Target,
    /// When it was added.
    #[serde(with = "crate::health::micros")]
    pub added: Micros,
}

impl AddedPlace {
    /// All of them, the oldest first.
    #[must_use]
    pub fn all(control: &Control) -> Vec<Self> {
        let Some(saved) = control.setting(ADDED) else {
            return Vec::new();
        };
        serde_json::from_str(&saved).unwrap_or_else(|error| {
            tracing::error!(%error, "the places for checkpoints that were added on pages cannot be read; add them anew");
            Vec::new()
        })
    }

    /// As a place that nothing was sent to yet, where others are told every so often.
    #[must_use]
    pub fn place(&self, others: Duration) -> AnchorPlace {
        let way = self.target.way();
        let place = AnchorPlace::new(way, self.target.place(), way.every(others));
        AnchorPlace {
            added: Some(self.id.clone()),
            ..place
        }
    }
}

/// Where checkpoints go.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "way", rename_all = "snake_case")]
pub enum Target {
    /// Into a file.
    File {
        /// Its absolute path.
        path: PathBuf,
    },
    /// To a receiver.
    Webhook {
        /// Its address; the path may be a secret.
        address: String,
        /// What is signed with.
        secret: String,
    },
    /// Into a mailbox.
    Email {
        /// Its address.
        to: String,
    },
}

impl Target {
    /// How they get there.
    #[must_use]
    pub const fn way(&self) -> AnchorWay {
        match self {
            Self::File { .. } => AnchorWay::File,
            Self::Webhook { .. } => AnchorWay::Webhook,
            Self::Email { .. } => AnchorWay::Email,
        }
    }

    /// Where, for people: no path of an address, which may be a secret, and nobody's mailbox.
    #[must_use]
    pub fn place(&self) -> String {
        match self {
            Self::File { path } => path.display().to_string(),
            Self::Webhook { address, .. } => {
                let address = address.parse::<Uri>().unwrap_or_default();
                check::host(&address).to_owned()
            }
            Self::Email { to } => {
                let domain = to.rsplit('@').next().unwrap_or_default();
                domain.to_lowercase()
            }
        }
    }

    /// Whether both lead to the same.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::File { path }, Self::File { path: other }) => path == other,
            (Self::Webhook { address, .. }, Self::Webhook { address: other, .. }) => {
                address == other
            }
            (Self::Email { to }, Self::Email { to: other }) => to.eq_ignore_ascii_case(other),
            _ => false,
        }
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.way().word(), self.place())
    }
}

/// Signed notes, each with where it stands.
pub type KeptCheckpoints = Vec<(String, Vec<u8>)>;

/// What the configuration says of places.
#[derive(Debug, Clone)]
pub struct AnchorRules {
    /// The data folder.
    pub data: PathBuf,
    /// How often a checkpoint is sent.
    pub every: Duration,
    /// Whether a receiver may be in this machine's own network.
    pub private: bool,
    /// Whether mail can be sent to an address; `None`: there is no mail server.
    pub mail: Option<fn(&str) -> bool>,
    /// The checkpoints that a file has, each with where it stands.
    pub kept_at: fn(&Path) -> KeptCheckpoints,
}

/// No place may be added, and nothing is kept anywhere.
impl Default for AnchorRules {
    fn default() -> Self {
        Self {
            data: PathBuf::new(),
            every: Duration::ZERO,
            private: false,
            mail: None,
            kept_at: |_| Vec::new(),
        }
    }
}

/// The door through which pages change places, and the binary hears of it.
#[derive(Debug, Default)]
pub struct AnchorPlaces {
    pub(crate) rules: AnchorRules,
    /// Only one change at a time.
    pub(super) turn: tokio::sync::Mutex<()>,
    pub(super) changed: watch::Sender<()>,
}

impl AnchorPlaces {
    /// Under these rules.
    #[must_use]
    pub fn new(rules: AnchorRules) -> Self {
        Self {
            rules,
            ..Self::default()
        }
    }

    /// Wakes whoever sends, after each change that is durable.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_read_again_and_never_printed() {
        let target = Target::Webhook {
            address: "https://hooks.example.org/canary?key=canary".to_owned(),
            secret: "whsec_canary".to_owned(),
        };
        let place = AddedPlace {
            id: "5c1f".to_owned(),
            target,
            added: Micros(7),
        };
        let json = serde_json::to_string(&place).unwrap();
        let read: AddedPlace = serde_json::from_str(&json).unwrap();
        assert_eq!(read, place);
        assert_eq!(read.target.place(), "hooks.example.org");
        assert!(!format!("{place:?}").contains("canary"), "{place:?}");
    }

    #[test]
    fn mail_is_shown_by_its_domain_and_goes_once_a_day() {
        let to = "Law@Example.org".to_owned();
        let target = Target::Email { to };
        let place = AddedPlace {
            id: "5c1f".to_owned(),
            target,
            added: Micros(7),
        };
        let hour = Duration::from_secs(3_600);
        let place = place.place(hour);
        assert_eq!(
            (place.place.as_str(), place.every),
            ("example.org", 24 * hour)
        );
    }
}
