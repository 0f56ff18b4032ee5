//! Anchors: checkpoints of the ledger in hands other than those of this machine's owner.
//!
//! Whoever holds the signing key can rewrite everything that nobody else has a checkpoint of. So
//! every hour the current one goes to each place of `[ledger]` and of the page Integrity: files on
//! other disks, receivers, mailboxes. Places of the page come and go while the server runs. Each goes
//! at its own pace; what fails is tried again until it was kept, and what became of it is noted in
//! [`Anchors`] and survives a restart. Nothing here holds the recording up.

mod advice;
mod file;
mod kept;
mod mail;
mod note;
mod sender;
mod ways;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use admintrail_ledger::VerifierKey;
use admintrail_store::{Control, StoreError, Trail};
use admintrail_web::anchors::{
    AddedPlace, AnchorPlace, AnchorPlaces, AnchorRules, Anchors, Target,
};
use lettre::message::Mailbox;
use parking_lot::RwLock;
use tokio::task::{AbortHandle, JoinSet};

use crate::clock::Clock;
use crate::config::{Anchoring, Config};
use crate::stop::Stop;

pub(crate) use advice::advice;
pub(crate) use kept::{log_of, notes};

use sender::Sender;
use ways::{Way, way_to, ways};

/// Where what became of them is kept.
const SETTING: &str = "anchors";

/// How often one looks whether the next one is due.
const LOOK: Duration = Duration::from_secs(2);
/// After a failure, doubled each time.
const RETRY: Duration = Duration::from_secs(5);

/// What holds for places that pages add.
pub(crate) fn rules(config: &Config) -> AnchorRules {
    let can_send: fn(&str) -> bool = |to| to.parse::<Mailbox>().is_ok();
    AnchorRules {
        data: config.data.clone(),
        every: config.anchoring.every,
        private: config.anchoring.private,
        mail: config.anchoring.mail.as_ref().map(|_| can_send),
        kept_at: file::kept_at,
    }
}

/// What pages are told, with what was known before the restart.
pub(crate) fn begin(
    anchoring: &Anchoring,
    trail: &Trail,
    control: &Control,
) -> Arc<RwLock<Anchors>> {
    let configured = ways(anchoring).into_iter().map(|way| {
        let every = way.way().every(anchoring.every);
        AnchorPlace::new(way.way(), way.place(), every)
    });
    let added = AddedPlace::all(control).into_iter();
    // One that the configuration names by now is written to once.
    let added = added.filter(|one| match &one.target {
        Target::File { path } => !anchoring.files.contains(path),
        Target::Webhook { .. } | Target::Email { .. } => true,
    });
    let added = added.map(|one| one.place(anchoring.every));
    let places = configured.chain(added);
    let saved = control.setting(SETTING);
    let ledger = trail.ledger();
    let mut anchors = Anchors::begin(&ledger.origin, places.collect(), saved.as_deref());
    forget_beyond(&mut anchors, ledger.entries);
    Arc::new(RwLock::new(anchors))
}

/// What a server on this folder has noted, read beside it or without one.
pub(crate) fn known(dir: &Path, trail: &Trail) -> Result<Anchors, StoreError> {
    let saved = Control::open_read_only(dir)?.setting(SETTING);
    let key = trail.verification_key()?;
    let origin = key.as_ref().map_or("", VerifierKey::name);
    Ok(Anchors::begin(origin, Vec::new(), saved.as_deref()))
}

/// An anchor of a longer ledger covers nothing of this one.
fn forget_beyond(anchors: &mut Anchors, entries: u64) {
    if let Some(anchored) = anchors.forget_beyond(entries) {
        tracing::error!(
            anchored,
            entries,
            "the ledger is shorter than what was anchored of it: it was cut, or an old copy was put \
             back; admintrail verify --anchor says more"
        );
    }
}

/// What sending takes.
#[derive(Clone)]
pub(crate) struct Anchorer {
    pub(crate) trail: Trail,
    pub(crate) control: Control,
    pub(crate) clock: Clock,
    /// The data folder.
    pub(crate) data: PathBuf,
    /// The name of this recorder.
    pub(crate) recorder: String,
    pub(crate) anchors: Arc<RwLock<Anchors>>,
    /// Says when places of pages come and go.
    pub(crate) places: Arc<AnchorPlaces>,
    /// How fast one looks and tries again.
    pub(crate) pace: Pace,
}

/// How fast one looks and tries again.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    look: Duration,
    retry: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            look: LOOK,
            retry: RETRY,
        }
    }
}

/// Sends checkpoints to every place until it is told to stop.
pub(crate) async fn watch(anchorer: Anchorer, anchoring: Anchoring, mut stop: Stop) {
    let mut changes = anchorer.places.changes();
    let mut senders = Senders {
        anchorer,
        anchoring,
        tasks: JoinSet::new(),
        added: HashMap::new(),
    };
    for (number, way) in ways(&senders.anchoring).into_iter().enumerate() {
        senders.start(number, way);
    }
    loop {
        senders.follow();
        tokio::select! {
            // The other end of it is in our hands, so it never goes away.
            _ = changes.changed() => {}
            () = stop.told() => return,
        }
    }
}

/// A task for each place.
struct Senders {
    anchorer: Anchorer,
    anchoring: Anchoring,
    tasks: JoinSet<()>,
    /// Those of places that were added on pages, by their ids.
    added: HashMap<String, AbortHandle>,
}

impl Senders {
    fn start(&mut self, number: usize, way: Way) -> AbortHandle {
        let sender = Sender::new(number, way, self.anchorer.clone());
        self.tasks.spawn(sender.send())
    }

    /// Ends those whose places are gone, and starts those of new ones.
    fn follow(&mut self) {
        while self.tasks.try_join_next().is_some() {}
        let all = AddedPlace::all(&self.anchorer.control);
        self.added.retain(|id, task| {
            let stays = all.iter().any(|one| one.id == *id);
            if !stays {
                task.abort();
            }
            stays
        });
        for one in all {
            let Some(number) = self.number_of(&one.id) else {
                continue;
            };
            if !self.added.contains_key(&one.id) {
                let way = way_to(&one.target, &self.anchoring);
                let task = self.start(number, way);
                self.added.insert(one.id, task);
            }
        }
    }

    fn number_of(&self, added: &str) -> Option<usize> {
        let anchors = self.anchorer.anchors.read();
        let mut places = anchors.places().iter();
        let found = places.find(|place| place.added.as_deref() == Some(added));
        found.map(AnchorPlace::number)
    }
}
