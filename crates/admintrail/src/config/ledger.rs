//! Who keeps checkpoints of the ledger outside of this machine, and who may read it: `[ledger]`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use admintrail_web::anchors::check;
use lettre::message::Mailbox;

use super::alerts::{Email, Webhook, WebhookKeys, mailbox, webhook_and_network};
use super::section::Section;

/// Minutes between two anchors: from five to a day.
const MINUTES: std::ops::RangeInclusive<u64> = 5..=1_440;
/// Unless told otherwise.
const HOURLY: u64 = 60;

/// What allows receivers in one's own network, those of pages too.
pub(crate) const NETWORK: &str = "anchor_webhook_network";

const WEBHOOK: WebhookKeys = WebhookKeys {
    address: "anchor_webhook",
    secret: "anchor_webhook_secret",
    network: NETWORK,
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
    /// Whether a receiver that pages add may be in this machine's own network.
    pub(crate) private: bool,
    /// The mail server of the alerts, for mailboxes that pages add.
    pub(crate) mail: Option<Email>,
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
            private: false,
            mail: None,
            every: minutes(HOURLY),
            public: false,
        }
    }
}

impl Anchoring {
    /// Whether it names nobody.
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
    let (webhook, private) = webhook_and_network(&mut section, WEBHOOK);
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
        private,
        mail: mail.email.cloned(),
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
        let wrong = match check::file(&text, data) {
            Ok(path) if files.contains(&path) => "is named twice",
            Ok(path) => {
                files.push(path);
                continue;
            }
            Err(wrong) => wrong,
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
        section.wrong(&at, "anchor_email", check::NO_MAIL_SERVER);
    }
    to
}
