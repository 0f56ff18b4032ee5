//! How long events are kept.

use std::collections::BTreeMap;

use admintrail_event::{Micros, PanelName};

/// PCI DSS asks for twelve months; a month more is for whoever looks late.
const DEFAULT_DAYS: u32 = 400;

/// Under these names `trail.db` remembers the clock when it was looked last, and how many events were
/// dropped.
pub(crate) const CLOCK_SEEN: &str = "retention_clock";
pub(crate) const DROPPED: &str = "retention_dropped";

const DAY: i64 = 86_400 * Micros::SECOND;

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

impl Retention {
    /// What was accepted before this is too old.
    pub(crate) fn cutoff(&self, panel: &str, now: Micros) -> Micros {
        let named = self.panels.iter().find(|(of, _)| of.as_str() == panel);
        let days = named.map_or(self.days, |(_, days)| *days).max(1);
        Micros(now.0.saturating_sub(i64::from(days).saturating_mul(DAY)))
    }

    /// The latest cutoff of any panel.
    pub(crate) fn latest_cutoff(&self, now: Micros) -> Micros {
        let shortest = self.panels.values().copied().chain([self.days]).min();
        let days = shortest.unwrap_or(self.days).max(1);
        Micros(now.0.saturating_sub(i64::from(days).saturating_mul(DAY)))
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
