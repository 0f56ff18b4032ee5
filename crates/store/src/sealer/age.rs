//! Drops what is older than retention says: whole segments, and of others the panels that are kept for
//! a shorter time. Not while the clock is not to be trusted.

use std::sync::Arc;
use std::time::{Duration, Instant};

use admintrail_event::Micros;
use admintrail_ledger::Statement;

use super::Work;
use crate::StoreError;
use crate::archive::Segment;
use crate::hot::Registration;
use crate::ledger::{ToKeep, keep_hashes, retention};
use crate::retention::{CLOCK_SEEN, DROPPED, RetentionPaused};

/// How often it looks.
const EVERY: Duration = Duration::from_secs(3_600);
/// A moment after the start it looks for the first time.
const FIRST: Duration = Duration::from_secs(30);
/// A running clock that gains more (µs) than this is not to be trusted.
const LEAP: i64 = 86_400 * Micros::SECOND;
/// Nor one that has gained more than this (µs) while no server was running.
const AWAY: i64 = 30 * 86_400 * Micros::SECOND;
/// Hot events are not sealed for their age before that is worth it (µs).
const WORTH: i64 = 86_400 * Micros::SECOND;

/// When it looked last, and what the clocks said.
pub(super) struct Age {
    due: Instant,
    /// The wall clock when it was right, and since when.
    right: Option<(Micros, Instant)>,
    /// The same from an earlier run; else when the last event was accepted in one.
    before: Option<Micros>,
}

impl Age {
    pub(super) fn new(before: Option<Micros>) -> Self {
        Self {
            due: Instant::now() + FIRST,
            right: None,
            before,
        }
    }

    /// By how many µs the clock is ahead of what it can be.
    fn ahead(&self, now: Micros) -> i64 {
        match self.right {
            Some((wall, since)) => {
                let passed = i64::try_from(since.elapsed().as_micros()).unwrap_or(i64::MAX);
                let ahead = now.0.saturating_sub(wall.0).saturating_sub(passed);
                if ahead > LEAP { ahead } else { 0 }
            }
            // What is accepted from the start on bears the time of the clock that is in doubt.
            None => {
                let before = self.before.unwrap_or(now);
                let ahead = now.0.saturating_sub(before.0);
                if ahead > AWAY { ahead } else { 0 }
            }
        }
    }
}

/// Whether both are about the same events; when it was said is another matter.
fn says_the_same(one: &Statement, other: &Statement) -> bool {
    let about = |statement: &Statement| {
        let said = statement.declared();
        (
            said.kind,
            said.first,
            said.last,
            said.events,
            said.panel.clone(),
        )
    };
    about(one) == about(other)
}

impl Work {
    /// `None`: it is not time yet.
    pub(super) fn drop_old_if_due(&mut self) -> Option<Result<(), StoreError>> {
        (Instant::now() >= self.age.due).then(|| self.drop_old())
    }

    /// Somebody says that the clock is right.
    pub(super) fn trust_clock(&mut self) -> Result<(), StoreError> {
        self.age.right = Some(((self.parts.clock)(), Instant::now()));
        self.parts.retention.write().paused = None;
        self.drop_old()
    }

    pub(super) fn drop_old(&mut self) -> Result<(), StoreError> {
        self.age.due = Instant::now() + EVERY;
        let now = (self.parts.clock)();
        let ahead = self.age.ahead(now);
        if ahead > 0 {
            let mut state = self.parts.retention.write();
            let ahead_s = ahead / Micros::SECOND;
            if state.paused.is_none() {
                tracing::error!(
                    ahead_s,
                    "the clock leapt: nothing is dropped until it is right again"
                );
            }
            let since = state.paused.map_or(now, |paused| paused.since);
            state.paused = Some(RetentionPaused { since, ahead_s });
            return Ok(());
        }
        self.age.right = Some((now, Instant::now()));
        {
            let mut state = self.parts.retention.write();
            state.paused = None;
            state.looked = Some(now);
        }
        let policy = self.parts.retention.read().policy.clone();
        self.seal_old(policy.latest_cutoff(now))?;
        for segment in self.parts.mirror.segments().iter() {
            let too_old = |panel: &str, newest: i64| newest < policy.cutoff(panel, now).0;
            let panels = &segment.head.panels;
            let old: Vec<&str> = panels
                .iter()
                .filter(|(panel, _, _, newest)| too_old(panel, *newest))
                .map(|(panel, _, _, _)| panel.as_str())
                .collect();
            if !old.is_empty() && segment.damage().is_none() {
                let cutoffs = old.iter().map(|panel| policy.cutoff(panel, now));
                let cutoff = cutoffs.max().unwrap_or(now);
                self.drop_panels(segment, &old, cutoff, now)?;
            }
        }
        self.register(Registration {
            notes: vec![(CLOCK_SEEN, now.0.to_be_bytes().to_vec())],
            ..Registration::default()
        })
    }

    /// Seals hot events that are too old: only what is sealed can be dropped.
    fn seal_old(&mut self, cutoff: Micros) -> Result<(), StoreError> {
        self.catch_up()?;
        let oldest = self.parts.blocks.lock().before(i64::MAX);
        let due = cutoff.0.saturating_sub(WORTH);
        if oldest.first().is_none_or(|block| block.received.1 >= due) {
            return Ok(());
        }
        self.parts.mirror.make_all_chunks();
        loop {
            let blocks = self.parts.blocks.lock().before(cutoff.0);
            let mut events = 0;
            let most = self.parts.tuning.seal;
            let some = blocks.into_iter().take_while(|block| {
                let first = events == 0;
                events += block.count as usize;
                first || events <= most
            });
            if !self.seal(some.collect())? {
                return Ok(());
            }
        }
    }

    /// Has the ledger say what is dropped before it is.
    fn declare(
        &self,
        segment: &Arc<Segment>,
        gone: u64,
        (panels, cutoff): (&[&str], Micros),
        now: Micros,
    ) -> Result<(), StoreError> {
        let Some(keeper) = &self.parts.keeper else {
            return Ok(());
        };
        let statement = retention(segment, gone, cutoff, panels, now)?;
        // A crash may have come between the word and the deed; said twice it would excuse twice.
        if keeper
            .statements()?
            .iter()
            .any(|(_, said)| says_the_same(said, &statement))
        {
            return Ok(());
        }
        let kept = if gone == segment.head.rows {
            ToKeep::default()
        } else {
            keep_hashes(&self.parts.dir, segment, |fields| {
                panels.contains(&fields.panel)
            })?
        };
        keeper.declare(statement, kept, None).map(drop)
    }

    /// Drops the events of these panels, all of which are too old.
    fn drop_panels(
        &mut self,
        segment: &Arc<Segment>,
        panels: &[&str],
        cutoff: Micros,
        now: Micros,
    ) -> Result<(), StoreError> {
        let gone: u64 = segment
            .head
            .panels
            .iter()
            .filter(|(panel, _, _, _)| panels.contains(&panel.as_str()))
            .map(|(_, rows, _, _)| rows)
            .sum();
        let whole = gone == segment.head.rows;
        self.declare(segment, gone, (panels, cutoff), now)?;
        let add = if whole {
            Vec::new()
        } else {
            let chunks = segment.chunks_where(|fields| !panels.contains(&fields.panel))?;
            vec![self.rewritten(segment, &chunks)?]
        };
        let dropped = self.parts.retention.read().dropped + gone;
        self.register(Registration {
            add,
            remove: vec![segment.name.clone()],
            notes: vec![(DROPPED, dropped.to_be_bytes().to_vec())],
            ..Registration::default()
        })?;
        self.parts.steps.reached("dropped");
        if whole && let Some(keeper) = &self.parts.keeper {
            keeper.forget((segment.name.first, segment.name.last))?;
        }
        self.upkeep.linger(segment.name.clone());
        let mut state = self.parts.retention.write();
        state.dropped = dropped;
        state.dropped_at = Some(now);
        tracing::info!(segment = %segment.name, events = gone, "events older than retention were dropped");
        Ok(())
    }
}
