//! A condition: what is wrong, and since when.

use std::time::Duration;

use admintrail_event::Micros;
use serde::{Deserialize, Serialize};

use super::facts::Stopped;

/// What kind of condition. The words are for programs and never change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    /// Nothing can be recorded.
    RecordingStopped,
    /// The record is not as its ledger has it.
    LedgerTampered,
    /// Part of the archive cannot be read.
    SegmentDamaged,
    /// Requests passed without a record of their own.
    Gap,
    /// The disk of the data folder is nearly full.
    DiskLow,
    /// Nothing can be archived.
    ArchiveStopped,
    /// Events wait to be archived.
    ArchiveBehind,
    /// The ledger cannot be written, or is late.
    LedgerBehind,
    /// Retention drops nothing, because the clock leapt.
    RetentionPaused,
    /// Nobody keeps the clock right.
    ClockUnsynchronised,
    /// The clock went ahead or back at once.
    ClockLeap,
    /// No checkpoint of the ledger reaches somebody else any more.
    AnchorStale,
    /// Somebody who is to be erased is not yet.
    ErasureStopped,
}

impl Code {
    /// All of them, the worst first.
    pub const ALL: [Self; 13] = [
        Self::RecordingStopped,
        Self::LedgerTampered,
        Self::SegmentDamaged,
        Self::Gap,
        Self::DiskLow,
        Self::ArchiveStopped,
        Self::ArchiveBehind,
        Self::LedgerBehind,
        Self::RetentionPaused,
        Self::ClockUnsynchronised,
        Self::ClockLeap,
        Self::AnchorStale,
        Self::ErasureStopped,
    ];

    /// As JSON and metrics have it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::RecordingStopped => "recording_stopped",
            Self::LedgerTampered => "ledger_tampered",
            Self::SegmentDamaged => "segment_damaged",
            Self::Gap => "gap",
            Self::DiskLow => "disk_low",
            Self::ArchiveStopped => "archive_stopped",
            Self::ArchiveBehind => "archive_behind",
            Self::LedgerBehind => "ledger_behind",
            Self::RetentionPaused => "retention_paused",
            Self::ClockUnsynchronised => "clock_unsynchronised",
            Self::ClockLeap => "clock_leap",
            Self::AnchorStale => "anchor_stale",
            Self::ErasureStopped => "erasure_stopped",
        }
    }

    /// How bad it is.
    #[must_use]
    pub const fn severity(self) -> Severity {
        match self {
            Self::RecordingStopped | Self::LedgerTampered | Self::SegmentDamaged => {
                Severity::Critical
            }
            _ => Severity::Warning,
        }
    }

    /// It must have lasted for so long before it is told: a machine that just started has not
    /// heard a time server yet.
    #[must_use]
    pub(crate) const fn settles(self) -> Duration {
        match self {
            Self::ClockUnsynchronised => Duration::from_secs(600),
            // After a long stop the first one is on its way.
            Self::AnchorStale => Duration::from_secs(120),
            _ => Duration::ZERO,
        }
    }

    /// It must not have been seen for so long before it is over, so that what comes and goes is
    /// told once.
    #[must_use]
    pub(crate) const fn fades(self) -> Duration {
        match self {
            Self::RecordingStopped => Duration::from_secs(30),
            // What is counted as a gap is of the last hour anyway.
            Self::Gap => Duration::ZERO,
            Self::SegmentDamaged
            | Self::DiskLow
            | Self::ArchiveStopped
            | Self::ArchiveBehind
            | Self::LedgerBehind => Duration::from_secs(60),
            // A verification, or somebody, said so.
            Self::LedgerTampered | Self::RetentionPaused => Duration::ZERO,
            Self::ClockUnsynchronised => Duration::from_secs(300),
            Self::ClockLeap => Duration::from_secs(86_400),
            // One that was kept, or came to its end, ends it.
            Self::AnchorStale | Self::ErasureStopped => Duration::ZERO,
        }
    }
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Events are being lost, are missing from answers, or are not what they were.
    Critical,
    /// They soon may be.
    Warning,
}

impl Severity {
    /// As JSON has it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::Warning => "warning",
        }
    }
}

/// What is wrong, with what its sentences need.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum Fault {
    /// Nothing can be recorded.
    RecordingStopped {
        /// Why.
        cause: String,
    },
    /// The record is not as its ledger has it.
    LedgerTampered {
        /// The first event that may be concerned.
        first_seq: u64,
        /// What a verification found, in words.
        says: String,
    },
    /// Part of the archive cannot be read.
    SegmentDamaged {
        /// The file.
        name: String,
        /// What is wrong with it.
        cause: String,
    },
    /// Requests passed without a record of their own.
    Gap {
        /// To which panel.
        panel: String,
        /// How many in the last hour.
        requests: u64,
        /// What the newest gap says.
        says: String,
    },
    /// The disk of the data folder is nearly full.
    DiskLow {
        /// Bytes free.
        free: u64,
        /// Bytes in all.
        total: u64,
    },
    /// Nothing can be archived.
    ArchiveStopped {
        /// Why.
        cause: String,
    },
    /// Retention drops nothing, because the clock leapt.
    RetentionPaused {
        /// How many seconds the clock is ahead of what it should be.
        ahead_s: i64,
    },
    /// Events wait to be archived.
    ArchiveBehind {
        /// How many.
        events: u64,
    },
    /// The ledger cannot be written, or is late.
    LedgerBehind {
        /// Events that no checkpoint covers.
        events: u64,
        /// Why it cannot be written; `None`: it is only late.
        cause: Option<String>,
    },
    /// Nobody keeps the clock right.
    ClockUnsynchronised,
    /// The clock went ahead (or back, if negative) at once.
    ClockLeap {
        /// Seconds, summed up.
        by_s: i64,
    },
    /// No checkpoint of the ledger reaches somebody else any more.
    AnchorStale {
        /// Who: a file, a host, a domain of mail.
        place: String,
        /// Why.
        cause: String,
    },
    /// Somebody who is to be erased is not yet.
    ErasureStopped {
        /// Why.
        cause: String,
    },
}

impl Fault {
    /// What kind.
    #[must_use]
    pub const fn code(&self) -> Code {
        match self {
            Self::RecordingStopped { .. } => Code::RecordingStopped,
            Self::LedgerTampered { .. } => Code::LedgerTampered,
            Self::SegmentDamaged { .. } => Code::SegmentDamaged,
            Self::Gap { .. } => Code::Gap,
            Self::DiskLow { .. } => Code::DiskLow,
            Self::ArchiveStopped { .. } => Code::ArchiveStopped,
            Self::ArchiveBehind { .. } => Code::ArchiveBehind,
            Self::LedgerBehind { .. } => Code::LedgerBehind,
            Self::RetentionPaused { .. } => Code::RetentionPaused,
            Self::ClockUnsynchronised => Code::ClockUnsynchronised,
            Self::ClockLeap { .. } => Code::ClockLeap,
            Self::AnchorStale { .. } => Code::AnchorStale,
            Self::ErasureStopped { .. } => Code::ErasureStopped,
        }
    }

    /// Which one of its kind: a panel, a segment; empty where there is only one.
    #[must_use]
    pub fn subject(&self) -> &str {
        match self {
            Self::SegmentDamaged { name, .. } => name,
            Self::Gap { panel, .. } => panel,
            Self::AnchorStale { place, .. } => place,
            _ => "",
        }
    }

    pub(crate) fn is_the_same_as(&self, other: &Self) -> bool {
        self.code() == other.code() && self.subject() == other.subject()
    }
}

/// What holds, or is about to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Condition {
    /// What is wrong.
    #[serde(flatten)]
    pub fault: Fault,
    /// Since when, on the wall.
    #[serde(with = "super::board::micros")]
    pub since: Micros,
    /// Whether it was told; what has not settled yet was not.
    pub raised: bool,
    /// When it began, on the clock that never leaps.
    #[serde(skip)]
    pub(crate) began: Duration,
    /// When it was seen last, on that clock; it begins anew with the process.
    #[serde(skip)]
    pub(crate) seen: Duration,
}

impl Condition {
    /// Recording stopped since the last look.
    pub(crate) fn stopped(stopped: Stopped) -> Self {
        Self {
            fault: Fault::RecordingStopped {
                cause: stopped.cause,
            },
            since: stopped.since,
            raised: true,
            began: Duration::ZERO,
            seen: Duration::ZERO,
        }
    }
}
