//! How a checkpoint gets to a place.

use std::path::{Path, PathBuf};
use std::time::Duration;

use admintrail_web::anchors::{AnchorWay, Target, check};
use secrecy::SecretString;
use tokio::sync::oneshot;

use super::note::Note;
use super::{file, mail};
use crate::alerts::webhook;
use crate::config::{Anchoring, Email, NETWORK, Webhook, WebhookAddress};

/// A disk gets so long; one that is away (NFS) may take forever.
const PATIENCE: Duration = Duration::from_secs(30);
/// A place, and how one gets there.
pub(super) enum Way {
    File {
        path: PathBuf,
        /// A write that the disk has not answered yet: no other is begun beside it.
        running: Option<oneshot::Receiver<Result<Kept, String>>>,
    },
    Webhook(Webhook),
    Email(Email),
    /// A place of a page that the configuration has no way to any more.
    Closed {
        way: AnchorWay,
        place: String,
        why: String,
    },
}

/// What somebody else has now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Kept {
    /// How many entries it covers.
    pub(super) size: u64,
    /// Whether it is on another disk than the data folder, as far as that is to be seen.
    pub(super) elsewhere: bool,
}

/// Those of the configuration.
pub(super) fn ways(anchoring: &Anchoring) -> Vec<Way> {
    let files = anchoring.files.iter().map(|path| Way::File {
        path: path.clone(),
        running: None,
    });
    let webhook = anchoring.webhook.clone().map(Way::Webhook);
    let email = anchoring.email.clone().map(Way::Email);
    files.chain(webhook).chain(email).collect()
}

/// How one gets to a place that was added on a page, as the configuration is now.
pub(super) fn way_to(target: &Target, anchoring: &Anchoring) -> Way {
    let found = match target {
        Target::File { path } => Ok(Way::File {
            path: path.clone(),
            running: None,
        }),
        Target::Webhook { address, secret } => receiver(address, secret, anchoring),
        Target::Email { to } => mailbox(to, anchoring),
    };
    found.unwrap_or_else(|why| Way::Closed {
        way: target.way(),
        place: target.place(),
        why,
    })
}

fn receiver(address: &str, secret: &str, anchoring: &Anchoring) -> Result<Way, String> {
    let private = anchoring.private;
    let address = check::address(address, "its secret")?;
    let allowed_by = format!("{NETWORK} = \"any\" under [ledger]");
    check::encrypted(&address, private, &allowed_by).map_err(|wrong| format!("it {wrong}"))?;
    Ok(Way::Webhook(Webhook {
        address: WebhookAddress(address),
        secret: Some(SecretString::from(secret)),
        private,
        private_key: NETWORK,
    }))
}

fn mailbox(to: &str, anchoring: &Anchoring) -> Result<Way, String> {
    let server = anchoring.mail.as_ref();
    let server = server.ok_or_else(|| format!("it {}", check::NO_MAIL_SERVER))?;
    let to = to.parse().map_err(|_| "it is not an e-mail address")?;
    Ok(Way::Email(Email {
        to: vec![to],
        ..server.clone()
    }))
}

impl Way {
    pub(super) const fn way(&self) -> AnchorWay {
        match self {
            Self::File { .. } => AnchorWay::File,
            Self::Webhook(_) => AnchorWay::Webhook,
            Self::Email(_) => AnchorWay::Email,
            Self::Closed { way, .. } => *way,
        }
    }

    /// Where, for people: no path of an address, which may be a secret, and nobody's mailbox.
    pub(super) fn place(&self) -> String {
        match self {
            Self::File { path, .. } => path.display().to_string(),
            Self::Webhook(webhook) => check::host(&webhook.address.0).to_owned(),
            Self::Closed { place, .. } => place.clone(),
            Self::Email(email) => {
                let domains = email.to.iter().map(|to| to.email.domain().to_lowercase());
                let mut domains: Vec<String> = domains.collect();
                domains.sort_unstable();
                domains.dedup();
                domains.join(", ")
            }
        }
    }

    /// Sends; says why it could not. A file that was on another disk once has to be there now.
    pub(super) async fn send(
        &mut self,
        note: Note,
        data: &Path,
        elsewhere: bool,
    ) -> Result<Kept, String> {
        let kept = Kept {
            size: note.head.size,
            elsewhere: false,
        };
        match self {
            Self::File { path, running } => {
                let mut done = match running.take() {
                    Some(done) => done,
                    None => begin(path.clone(), data.to_owned(), note, elsewhere)?,
                };
                match tokio::time::timeout(PATIENCE, &mut done).await {
                    Ok(Ok(kept)) => kept,
                    Ok(Err(_)) => Err("it was not written".to_owned()),
                    Err(_) => {
                        *running = Some(done);
                        Err(format!(
                            "the disk took longer than {} s",
                            PATIENCE.as_secs()
                        ))
                    }
                }
            }
            Self::Webhook(to) => {
                let id = format!("{}-anchor", note.at.0);
                webhook::post(to, &id, note.json().to_string()).await?;
                Ok(kept)
            }
            Self::Email(to) => {
                mail::send(to, &note).await?;
                Ok(kept)
            }
            Self::Closed { why, .. } => Err(why.clone()),
        }
    }
}

/// On a thread of its own: a disk that never answers holds nothing else up, not even the end.
fn begin(
    path: PathBuf,
    data: PathBuf,
    note: Note,
    elsewhere: bool,
) -> Result<oneshot::Receiver<Result<Kept, String>>, String> {
    let (done, running) = oneshot::channel();
    std::thread::Builder::new()
        .name("anchor".to_owned())
        .spawn(move || {
            let kept = file::keep(&path, &data, &note, elsewhere);
            let _ = done.send(kept);
        })
        .map_err(|error| error.to_string())?;
    Ok(running)
}
