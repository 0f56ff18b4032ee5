//! How long events are kept.

use std::collections::BTreeMap;

use admintrail_event::{Micros, PanelName};

/// PCI DSS asks for twelve months; a month more is for whoever looks late.
const DEFAULT_DAYS: u32 = 400;

/// How many days events are kept, counted from when they were accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retention {
    /// Those of every panel that is not named; at least 1.
    pub days: u32,
    /// Those of these panels; at least 1.
    pub panels: BTreeMap<PanelName, u32>,
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            days: DEFAULT_DAYS,
            panels: BTreeMap::new(),
        }
    }
}

/// What is kept how long, and what was dropped.
#[derive(Debug, Clone, Default)]
pub struct RetentionState {
    /// How long.
    pub policy: Retention,
    /// When it was looked last whether anything is too old.
    pub looked: Option<Micros>,
    /// When something was dropped last.
    pub dropped_at: Option<Micros>,
    /// Events dropped since the trail began.
    pub dropped: u64,
    /// Nothing is dropped for now, because the clock leapt.
    pub paused: Option<RetentionPaused>,
}

/// Why nothing is dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetentionPaused {
    /// When that was noticed, by the clock as it was then.
    pub since: Micros,
    /// How far (s) the clock is ahead of what it should be.
    pub ahead_s: i64,
}
