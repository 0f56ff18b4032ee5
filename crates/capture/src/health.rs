//! Whether anything can be recorded at the moment, and if not, why and since when.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use admintrail_event::Micros;
use parking_lot::Mutex;

/// What time it is.
pub(crate) type Clock = Arc<dyn Fn() -> Micros + Send + Sync>;

/// What may keep requests from being recorded. Each is reported and cleared by itself.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Cause {
    /// The journal of openings cannot be written.
    Journal,
    /// The sink refuses or does not answer.
    Sink,
    /// The sink is so far behind that finished events have no room.
    Backlog,
    /// The recorders were stopped.
    Stopped,
}

pub(crate) struct Health {
    clock: Clock,
    any: AtomicBool,
    causes: Mutex<[Option<(Micros, String)>; 4]>,
}

impl Health {
    pub(crate) fn new(clock: Clock) -> Self {
        Self {
            clock,
            any: AtomicBool::new(false),
            causes: Mutex::default(),
        }
    }

    /// One atomic load: this is asked before every request.
    pub(crate) fn is_failing(&self) -> bool {
        self.any.load(Ordering::Acquire)
    }

    /// The longest-lasting cause.
    pub(crate) fn failing(&self) -> Option<(Micros, String)> {
        self.causes
            .lock()
            .iter()
            .flatten()
            .min_by_key(|(since, _)| *since)
            .cloned()
    }

    pub(crate) fn failed(&self, cause: Cause, reason: &str) {
        let mut causes = self.causes.lock();
        if let Some(slot) = causes.get_mut(cause as usize) {
            if slot.is_none() {
                // Being told to stop is no trouble.
                if !matches!(cause, Cause::Stopped) {
                    tracing::error!(reason, "requests cannot be recorded");
                }
                *slot = Some(((self.clock)(), reason.to_owned()));
            } else if let Some((_, said)) = slot {
                reason.clone_into(said);
            }
        }
        self.any.store(true, Ordering::Release);
    }

    #[cfg(test)]
    pub(crate) fn is_failing_for(&self, cause: Cause) -> bool {
        self.causes
            .lock()
            .get(cause as usize)
            .is_some_and(Option::is_some)
    }

    pub(crate) fn works(&self, cause: Cause) {
        if !self.is_failing() {
            return;
        }
        let mut causes = self.causes.lock();
        if let Some(slot) = causes.get_mut(cause as usize)
            && slot.take().is_some()
            && causes.iter().all(Option::is_none)
        {
            self.any.store(false, Ordering::Release);
            tracing::info!("requests are recorded again");
        }
    }
}
