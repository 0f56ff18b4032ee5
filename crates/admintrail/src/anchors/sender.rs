//! Sends checkpoints to one place, at its own pace, and notes what became of them.

use std::time::Duration;

use admintrail_web::anchors::{Anchors, Failing};
use tokio::time::Instant;

use super::note::Note;
use super::ways::{Kept, Way};
use super::{Anchorer, SETTING};

/// Longest pause.
const LONGEST: Duration = Duration::from_secs(5 * 60);

/// What the log says of a place.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Told {
    Nothing,
    Works,
    Fails,
}

/// Sends checkpoints to one place.
pub(super) struct Sender {
    number: usize,
    way: Way,
    anchorer: Anchorer,
    told: Told,
}

impl Sender {
    pub(super) fn new(number: usize, way: Way, anchorer: Anchorer) -> Self {
        Self {
            number,
            way,
            anchorer,
            told: Told::Nothing,
        }
    }

    /// For as long as it is let.
    pub(super) async fn send(mut self) {
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
        let place = anchors.place(self.number);
        place.is_some_and(|place| place.is_due(now))
    }

    /// `None` if there is no checkpoint yet, or one of nothing: then the next would be an hour away.
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
