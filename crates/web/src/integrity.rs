//! Full verifications: daily and on demand, one at a time, slow enough to disturb nobody. The last
//! result is kept over restarts.

use std::num::NonZero;
use std::sync::Arc;
use std::time::{Duration, Instant};

use admintrail_event::{Micros, fold};
use admintrail_store::{Control, Verified, VerifyOptions};
use parking_lot::RwLock;
use serde::{Deserialize, Serialize};

use crate::App;
use crate::health::TamperedFact;

/// Where the last result is kept.
const SETTING: &str = "integrity";
/// From one verification to the next.
const EVERY: i64 = 24 * 3_600 * Micros::SECOND;
/// After one that could not look.
const AGAIN: i64 = 3_600 * Micros::SECOND;
/// So much is worked before a pause.
const STRETCH: Duration = Duration::from_millis(20);
/// Below everybody who records or reads.
const NICE: i32 = 15;

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Verdict {
    /// Everything is as it was recorded, but for what statements say.
    Intact,
    /// Something is not.
    Tampered {
        /// The first event that may be concerned.
        first_seq: u64,
        /// What is wrong, in words.
        says: String,
        /// When that was found first.
        since: i64,
    },
}

/// A verification that came to its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verification {
    /// What it found.
    pub verdict: Verdict,
    /// When it ended (µs).
    pub at: i64,
    /// How long it took (µs).
    pub took_us: u64,
    /// Who asked for it; `None`: it was due.
    pub by: Option<String>,
    /// Events that were looked at.
    pub events: u64,
    /// Entries of the ledger that the checkpoint covered.
    pub entries: u64,
    /// Events that were in no block yet.
    pub waiting: u64,
    /// Events that a statement says are outside of the ledger.
    pub outside: u64,
    /// Recorders that left out numbers: name, run, how many.
    pub gaps: Vec<(String, u64, u64)>,
}

/// A verification that is under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Running {
    /// Since when.
    pub since: Micros,
    /// Who asked for it; `None`: it was due.
    pub by: Option<String>,
    /// Events that were looked at.
    pub done: u64,
    /// Of so many; 0: not known yet.
    pub of: u64,
}

#[derive(Debug, Default)]
struct Board {
    last: Option<Verification>,
    /// Since then none could look, and why that is stands in the log.
    failed: Option<Micros>,
    running: Option<Running>,
}

/// What is known of the integrity of the record.
#[derive(Debug, Default)]
pub struct Integrity(RwLock<Board>);

impl Integrity {
    /// With what was found before a restart.
    pub(crate) fn restored(control: &Control) -> Self {
        let found = Self::default();
        if let Some(saved) = control.setting(SETTING) {
            match serde_json::from_str(&saved) {
                Ok(last) => found.0.write().last = Some(last),
                Err(error) => {
                    tracing::warn!(%error, "the last verification cannot be read; the next one finds anew");
                }
            }
        }
        found
    }

    /// The last one that came to its end.
    #[must_use]
    pub fn last(&self) -> Option<Verification> {
        self.0.read().last.clone()
    }

    /// The one that is under way.
    #[must_use]
    pub fn running(&self) -> Option<Running> {
        self.0.read().running.clone()
    }

    /// When the last one could not look, if none could since.
    #[must_use]
    pub fn failed(&self) -> Option<Micros> {
        self.0.read().failed
    }

    /// What the last one found wrong.
    #[must_use]
    pub fn tampered(&self) -> Option<TamperedFact> {
        match self.0.read().last.as_ref()?.verdict.clone() {
            Verdict::Intact => None,
            Verdict::Tampered {
                first_seq,
                says,
                since,
            } => Some(TamperedFact {
                since: Micros(since),
                first_seq,
                says,
            }),
        }
    }

    /// Whether it is time for the daily one.
    #[must_use]
    pub fn is_due(&self, now: Micros) -> bool {
        let board = self.0.read();
        // A clock that went back must not keep it from looking for years.
        let is_over = |at: i64, span: i64| !(0..span).contains(&now.0.saturating_sub(at));
        board.running.is_none()
            && board.failed.is_none_or(|at| is_over(at.0, AGAIN))
            && (board.last.as_ref()).is_none_or(|last| is_over(last.at, EVERY))
    }

    /// Takes the one place; `false` if somebody has it.
    fn begin(&self, now: Micros, by: Option<&str>) -> bool {
        let mut board = self.0.write();
        if board.running.is_some() {
            return false;
        }
        board.running = Some(Running {
            since: now,
            by: by.map(str::to_owned),
            done: 0,
            of: 0,
        });
        true
    }

    fn reached(&self, done: u64, of: u64) {
        if let Some(running) = &mut self.0.write().running {
            (running.done, running.of) = (done, of);
        }
    }

    /// Gives another name to whoever asked for a verification.
    pub(crate) fn rename(&self, admin: &str, name: &str) {
        let mut board = self.0.write();
        let Board { last, running, .. } = &mut *board;
        let last = last.as_mut().and_then(|last| last.by.as_mut());
        let running = running.as_mut().and_then(|running| running.by.as_mut());
        for by in last.into_iter().chain(running) {
            if fold(by) == fold(admin) {
                name.clone_into(by);
            }
        }
    }

    fn end(&self, last: Verification) {
        let mut board = self.0.write();
        (board.running, board.failed, board.last) = (None, None, Some(last));
    }

    fn give_up(&self, now: Micros) {
        let mut board = self.0.write();
        (board.running, board.failed) = (None, Some(now));
    }
}

/// Gives the place back, whatever becomes of the thread.
struct Place<'a>(&'a App);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        if self.0.integrity.running().is_some() {
            self.0.integrity.give_up(self.0.now());
        }
    }
}

impl App {
    /// Verifies everything on a thread of its own; `false` if one is under way already. `by` is who
    /// asked for it.
    pub fn verify(self: &Arc<Self>, by: Option<String>) -> bool {
        if !self.integrity.begin(self.now(), by.as_deref()) {
            return false;
        }
        let app = Arc::clone(self);
        let thread = std::thread::Builder::new().name("verify".to_owned());
        let begun = thread.spawn(move || {
            let _place = Place(&app);
            look(&app);
        });
        if let Err(error) = begun {
            tracing::error!(%error, "no thread can be had to verify the record");
            self.integrity.give_up(self.now());
            return false;
        }
        true
    }
}

fn look(app: &App) {
    // Threads that are made here are as modest. Not everywhere is one allowed to be.
    let _ = rustix::process::setpriority_process(None, NICE);
    let options = VerifyOptions {
        threads: NonZero::new(1),
        anchors: app.kept_checkpoints(),
        ..VerifyOptions::default()
    };
    let (begun, mut worked) = (Instant::now(), Instant::now());
    let (mut events, mut told) = (0, Instant::now());
    let verified = app.trail.verify(&options, |done, of| {
        events = done;
        if told.elapsed() >= STRETCH {
            app.integrity.reached(done, of);
            told = Instant::now();
        }
        // As long a pause as the work before it: half a processor at most.
        let stretch = worked.elapsed();
        if stretch >= STRETCH {
            std::thread::sleep(stretch.min(STRETCH * 5));
            worked = Instant::now();
        }
    });
    let took_us = u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX);
    let verified = match verified {
        Ok(verified) => verified,
        Err(error) => {
            tracing::error!(code = error.code(), %error, "the record could not be verified");
            app.integrity.give_up(app.now());
            return;
        }
    };
    // Whoever asked may have been erased meanwhile.
    let by = app.integrity.running().and_then(|running| running.by);
    let last = verification(&verified, events, app.now(), took_us, by, &app.integrity);
    match &last.verdict {
        Verdict::Intact => {
            tracing::info!(
                events = last.events,
                took_ms = took_us / 1_000,
                "verified: the record is intact"
            );
        }
        Verdict::Tampered { says, .. } => {
            tracing::error!(%says, "verified: THE RECORD IS NOT INTACT");
        }
    }
    // Plain numbers and texts: nothing that JSON does not know.
    let saved = serde_json::to_string(&last).unwrap_or_default();
    app.integrity.end(last);
    if let Err(error) = app.control.set_setting(SETTING, Some(&saved)).wait() {
        tracing::warn!(code = error.code(), %error, "what a verification found could not be kept; after a restart it is verified anew");
    }
}

fn verification(
    verified: &Verified,
    events: u64,
    now: Micros,
    took_us: u64,
    by: Option<String>,
    before: &Integrity,
) -> Verification {
    let (verdict, events) = match &verified.outcome {
        Ok(report) => (
            Verdict::Intact,
            report.whole + report.erased + report.hash_only,
        ),
        Err(fault) => {
            let since = before.tampered().map_or(now, |known| known.since);
            let verdict = Verdict::Tampered {
                first_seq: fault.first.0,
                says: fault.to_string(),
                since: since.0,
            };
            (verdict, events)
        }
    };
    Verification {
        verdict,
        at: now.0,
        took_us,
        by,
        events,
        entries: verified.entries,
        waiting: verified.waiting,
        outside: verified.outside,
        gaps: verified.gaps.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Micros {
        Micros(1_000_000 * Micros::SECOND + seconds * Micros::SECOND)
    }

    fn intact(at: Micros) -> Verification {
        Verification {
            verdict: Verdict::Intact,
            at: at.0,
            took_us: 1,
            by: None,
            events: 1,
            entries: 1,
            waiting: 0,
            outside: 0,
            gaps: Vec::new(),
        }
    }

    #[test]
    fn whoever_asked_may_get_another_name() {
        let board = Integrity::default();
        assert!(board.begin(at(0), Some("Tom")));
        board.rename("tom", "erased-7f3a");
        let by = |one: Option<String>| one.unwrap();
        assert_eq!(by(board.running().unwrap().by), "erased-7f3a");
        board.end(Verification {
            by: Some("TOM".to_owned()),
            ..intact(at(1))
        });
        board.rename("marek", "erased-0001");
        board.rename("tom", "erased-7f3a");
        assert_eq!(by(board.last().unwrap().by), "erased-7f3a");
    }

    #[test]
    fn one_is_due_at_first_then_daily_and_hourly_where_none_can_look() {
        let board = Integrity::default();
        assert!(board.is_due(at(0)));
        assert!(board.begin(at(0), Some("marek")));
        assert!(!board.begin(at(1), None), "one at a time");
        assert!(!board.is_due(at(1)));
        board.end(intact(at(10)));
        assert!(!board.is_due(at(86_409)));
        assert!(board.is_due(at(86_410)));
        assert!(board.is_due(at(-9)), "the clock went back");
        assert!(board.begin(at(86_410), None));
        board.give_up(at(86_420));
        assert_eq!(board.last(), Some(intact(at(10))), "what was found stays");
        assert!(!board.is_due(at(90_019)));
        assert!(board.is_due(at(90_020)));
    }
}
