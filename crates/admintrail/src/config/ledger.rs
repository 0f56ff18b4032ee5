//! Who keeps checkpoints of the ledger outside of this machine, and who may read it: `[ledger]`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use lettre::message::Mailbox;

use super::alerts::{Email, Webhook, WebhookKeys, mailbox, webhook};
use super::section::Section;

/// Minutes between two anchors: from five to a day.
const MINUTES: std::ops::RangeInclusive<u64> = 5..=1_440;
/// Unless told otherwise.
const HOURLY: u64 = 60;

const WEBHOOK: WebhookKeys = WebhookKeys {
    address: "anchor_webhook",
    secret: "anchor_webhook_secret",
    network: "anchor_webhook_network",
};

/// Where checkpoints go, and how often.
#[derive(Debug, Clone)]
pub(crate) struct Anchoring {
    /// Files, on other disks.
    pub(crate) files: Vec<PathBuf>,
    /// Who they are posted to.
    pub(crate) webhook: Option<Webhook>,
    /// Who they are mailed to, once a day, by the mail server of the alerts.
    pub(crate) email: Option<Email>,
    /// Between two of them.
    pub(crate) every: Duration,
    /// Anybody may read checkpoints, tiles and the key, signed in or not.
    pub(crate) public: bool,
}

impl Default for Anchoring {
    fn default() -> Self {
        Self {
            files: Vec::new(),
            webhook: None,
            email: None,
            every: minutes(HOURLY),
            public: false,
        }
    }
}

impl Anchoring {
    /// Whether nobody keeps any.
    pub(crate) fn is_empty(&self) -> bool {
        self.files.is_empty() && self.webhook.is_none() && self.email.is_none()
    }
}

/// What `[alerts]` says of mail: whether it speaks of it at all, and what, if that is right.
pub(super) struct Mail<'a> {
    pub(super) given: bool,
    pub(super) email: Option<&'a Email>,
}

/// Reads `[ledger]`.
pub(super) fn read(mut section: Section<'_>, data: &Path, mail: &Mail<'_>) -> Anchoring {
    let files = files(&mut section, data);
    let webhook = webhook(&mut section, WEBHOOK);
    let to = recipients(&mut section, mail);
    let every = minutes(section.number("anchor_every_minutes", MINUTES, HOURLY));
    let public = section.switch("public", false);
    section.finish();
    let email = mail.email.filter(|_| !to.is_empty());
    Anchoring {
        files,
        webhook,
        email: email.map(|email| Email {
            to,
            ..email.clone()
        }),
        every,
        public,
    }
}

fn minutes(count: u64) -> Duration {
    Duration::from_secs(count * 60)
}

fn files(section: &mut Section<'_>, data: &Path) -> Vec<PathBuf> {
    let at = section.place_of("anchor_files");
    let mut files: Vec<PathBuf> = Vec::new();
    for text in section.words("anchor_files") {
        let path = PathBuf::from(&text);
        let inside = std::path::absolute(data).is_ok_and(|data| path.starts_with(data));
        let wrong = if !path.is_absolute() {
            "is not an absolute path such as /mnt/backup/admintrail.checkpoint"
        } else if path.file_name().is_none() || text.ends_with('/') || path.is_dir() {
            "is a folder; name the file in it, such as /mnt/backup/admintrail.checkpoint"
        } else if inside {
            "is in the data folder; whoever changes the one changes the other, so name a file on \
             another disk"
        } else if files.contains(&path) {
            "is named twice"
        } else {
            files.push(path);
            continue;
        };
        section.wrong(&at, "anchor_files", format!("{text:?} {wrong}"));
    }
    files
}

fn recipients(section: &mut Section<'_>, mail: &Mail<'_>) -> Vec<Mailbox> {
    let at = section.place_of("anchor_email");
    let texts = section.words("anchor_email");
    let to: Vec<Mailbox> = texts
        .iter()
        .filter_map(|text| mailbox(section, &at, "anchor_email", text))
        .collect();
    if !texts.is_empty() && !mail.given {
        let message = "needs a mail server; write one, and the sender, as email under [alerts]";
        section.wrong(&at, "anchor_email", message);
    }
    to
}
