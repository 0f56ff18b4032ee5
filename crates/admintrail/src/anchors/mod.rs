//! Anchors: checkpoints of the ledger in hands other than those of this machine's owner.
//!
//! Whoever holds the signing key can rewrite everything that nobody else has a checkpoint of. So
//! every hour the current one goes to each place of `[ledger]`: files on other disks, a receiver, a
//! mailbox. Each place goes at its own pace; what fails is tried again until it was kept, and what
//! became of it is noted in [`Anchors`] and survives a restart. Nothing here holds the recording up.

mod advice;
mod file;
mod kept;
mod mail;
mod note;
mod ways;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use admintrail_ledger::VerifierKey;
use admintrail_store::{Control, StoreError, Trail};
use admintrail_web::anchors::{AnchorPlace, Anchors, Failing};
use parking_lot::RwLock;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::clock::Clock;
use crate::config::Anchoring;
use crate::stop::Stop;

pub(crate) use advice::advice;
pub(crate) use kept::{log_of, notes};

use note::Note;
use ways::{Kept, Way, ways};

/// Where what became of them is kept.
const SETTING: &str = "anchors";

/// How often one looks whether the next one is due.
const LOOK: Duration = Duration::from_secs(2);
/// After a failure, doubled each time.
const RETRY: Duration = Duration::from_secs(5);
/// Longest pause.
const LONGEST: Duration = Duration::from_secs(5 * 60);

/// What pages are told, with what was known before the restart.
pub(crate) fn begin(
    anchoring: &Anchoring,
    trail: &Trail,
    control: &Control,
) -> Arc<RwLock<Anchors>> {
    let places = ways(anchoring).into_iter().map(|way| {
        let every = way.every(anchoring.every);
        AnchorPlace::new(way.way(), way.place(), every)
    });
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
    let mut places = JoinSet::new();
    for (number, way) in ways(&anchoring).into_iter().enumerate() {
        let sender = Sender {
            number,
            way,
            anchorer: anchorer.clone(),
            told: Told::Nothing,
        };
        places.spawn(sender.send());
    }
    tokio::select! {
        () = async { while places.join_next().await.is_some() {} } => {}
        () = stop.told() => {}
    }
}

/// What the log says of a place.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Told {
    Nothing,
    Works,
    Fails,
}

/// Sends checkpoints to one place.
struct Sender {
    number: usize,
    way: Way,
    anchorer: Anchorer,
    told: Told,
}

impl Sender {
    async fn send(mut self) {
        let pace = self.anchorer.pace;
        let mut pause = pace.retry;
        let mut again = Instant::now();
        let mut look = tokio::time::interval(pace.look);
        look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            look.tick().await;
            if Instant::now() < again || !self.is_due() {
                continue;
            }
            match self.try_once().await {
                None => {}
                Some(Ok(kept)) => {
                    pause = pace.retry;
                    self.kept(kept).await;
                }
                Some(Err(cause)) => {
                    again = Instant::now() + pause;
                    pause = (pause * 2).min(LONGEST);
                    self.failed(cause).await;
                }
            }
        }
    }

    fn is_due(&self) -> bool {
        let now = (self.anchorer.clock)();
        let anchors = self.anchorer.anchors.read();
        let place = anchors.places().get(self.number);
        place.is_some_and(|place| place.is_due(now))
    }

    /// `None` if there is no checkpoint yet, or one of a ledger without entries, which proves nothing.
    async fn try_once(&mut self) -> Option<Result<Kept, String>> {
        let now = (self.anchorer.clock)();
        let ledger = self.anchorer.trail.ledger();
        if ledger.checkpoint.is_empty() || ledger.entries == 0 {
            return None;
        }
        let elsewhere = {
            let mut anchors = self.anchorer.anchors.write();
            let place = anchors.place_mut(self.number)?;
            place.since.get_or_insert(now);
            place.elsewhere
        };
        let note = match Note::of(&ledger, &self.anchorer.recorder, now) {
            Ok(note) => note,
            Err(cause) => return Some(Err(cause)),
        };
        Some(self.way.send(note, &self.anchorer.data, elsewhere).await)
    }

    async fn kept(&mut self, kept: Kept) {
        let now = (self.anchorer.clock)();
        let place = self.way.place();
        if self.told != Told::Works {
            tracing::info!(
                way = self.way.way().word(),
                place,
                entries = kept.size,
                "a checkpoint of the ledger is kept"
            );
            self.told = Told::Works;
        }
        let number = self.number;
        self.note(|anchors| {
            anchors.keep(number, now, kept.size);
            if let Some(place) = anchors.place_mut(number) {
                place.elsewhere |= kept.elsewhere;
            }
        })
        .await;
    }

    async fn failed(&mut self, cause: String) {
        let now = (self.anchorer.clock)();
        let place = self.way.place();
        if self.told != Told::Fails {
            tracing::warn!(
                way = self.way.way().word(),
                place,
                cause,
                "a checkpoint of the ledger could not be kept; it is tried again until it is"
            );
            self.told = Told::Fails;
        }
        let number = self.number;
        self.note(|anchors| {
            if let Some(place) = anchors.place_mut(number) {
                let since = place.failing.as_ref().map_or(now, |failing| failing.since);
                place.failing = Some(Failing { since, cause });
            }
        })
        .await;
    }

    /// Changes what is known and keeps it, in the order of the changes.
    async fn note(&self, change: impl FnOnce(&mut Anchors)) {
        let kept = {
            let mut anchors = self.anchorer.anchors.write();
            let before = anchors.saved();
            change(&mut anchors);
            let now = anchors.saved();
            let control = &self.anchorer.control;
            (now != before).then(|| control.set_setting(SETTING, Some(&now)))
        };
        if let Some(kept) = kept
            && let Err(error) = kept.await
        {
            tracing::warn!(code = error.code(), %error, "what became of anchors could not be kept; they are sent again after a restart");
        }
    }
}
