//! What was seen in one look.

use std::time::Duration;

use admintrail_event::Micros;
use admintrail_store::RetentionPaused;

/// One look at the trail, the recorders and the machine.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// What the clock on the wall says.
    pub now: Micros,
    /// Since the machine began, sleep included: a clock that never leaps.
    pub tick: Duration,
    /// Nothing can be recorded.
    pub stopped: Option<Stopped>,
    /// Panels with requests of the last hour that have no record of their own.
    pub gaps: Vec<GapFact>,
    /// Events that are not in the archive yet; `None`: nothing is archived at all.
    pub hot: Option<u64>,
    /// Nothing can be archived.
    pub archiving: Option<Stopped>,
    /// Retention drops nothing, because the clock leapt.
    pub retention: Option<RetentionPaused>,
    /// What the last verification found wrong.
    pub tampered: Option<TamperedFact>,
    /// The ledger cannot be written.
    pub ledger: Option<Stopped>,
    /// Events that no checkpoint covers yet, and when the first of them was received.
    pub unpublished: Option<(u64, Micros)>,
    /// Segments of the archive that cannot be read.
    pub damaged: Vec<Damaged>,
    /// The disk of the data folder; `None`: the system does not tell.
    pub disk: Option<Disk>,
    /// Whether somebody keeps the clock right.
    pub clock: ClockState,
    /// By how many seconds the clock on the wall ran away from [`Self::tick`] since the last look;
    /// 0 as long as it is less than a minute.
    pub leap_s: i64,
    /// Places that no checkpoint of the ledger reached for two intervals.
    pub stale_anchors: Vec<StaleAnchor>,
    /// Somebody who is to be erased is not yet.
    pub erasing: Option<Stopped>,
}

/// A place that no checkpoint of the ledger reached for two intervals.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StaleAnchor {
    /// Which.
    pub place: String,
    /// When the last one reached it, or the first one should have.
    pub since: Micros,
    /// Why.
    pub cause: String,
}

/// Something does not work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stopped {
    /// Since when.
    pub since: Micros,
    /// Why: `disk full`.
    pub cause: String,
}

/// Requests without a record of their own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GapFact {
    /// To which panel.
    pub panel: String,
    /// How many.
    pub requests: u64,
    /// When the first of them came.
    pub since: Micros,
    /// What the newest gap says of itself.
    pub says: String,
}

/// The record is not as its ledger has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TamperedFact {
    /// When that was found.
    pub since: Micros,
    /// The first event that may be concerned.
    pub first_seq: u64,
    /// What is wrong, in words.
    pub says: String,
}

/// A segment of the archive that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damaged {
    /// Its file.
    pub name: String,
    /// What is wrong with it.
    pub cause: String,
}

/// Room on a disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Disk {
    /// Bytes that we may still write.
    pub free: u64,
    /// Bytes in all.
    pub total: u64,
}

impl Disk {
    /// Thousandths that are free.
    #[must_use]
    pub fn free_permille(self) -> u64 {
        let share = u128::from(self.free) * 1_000 / u128::from(self.total.max(1));
        u64::try_from(share).unwrap_or(1_000)
    }
}

/// Whether somebody keeps the clock right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ClockState {
    /// A time server was heard not long ago.
    Synchronised,
    /// Somebody tries and does not succeed.
    Unsynchronised,
    /// Nobody says; that is no fault.
    #[default]
    Unknown,
}
