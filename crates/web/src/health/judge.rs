//! Facts in, conditions out.

use std::time::Duration;

use admintrail_event::Micros;

use super::condition::{Condition, Fault};
use super::facts::{ClockState, Facts};

/// Below so many thousandths the disk is nearly full.
const DISK_LOW: u64 = 100;
/// From so many on it is not any more.
const DISK_WELL: u64 = 120;
/// More events than this outside the archive: it is behind.
const BEHIND: u64 = 1_000_000;
/// With so many it has caught up.
const CAUGHT_UP: u64 = 750_000;
/// A ledger that is behind by less is only a moment late.
const LATE: i64 = 60 * Micros::SECOND;
/// A clock that is off by less is right.
const OFF_S: i64 = 60;

/// Which conditions hold, given those that held at the last look. Pure: the times are those of the
/// facts.
#[must_use]
pub fn judge(held: &[Condition], facts: &Facts) -> Vec<Condition> {
    let mut conditions: Vec<Condition> = Vec::new();
    for (fault, since) in faults(held, facts) {
        let before = held.iter().find(|one| one.fault.is_the_same_as(&fault));
        let (since, began, was_raised) = match before {
            Some(before) => (before.since, before.began, before.raised),
            None => (since, facts.tick, false),
        };
        let lasted = facts.tick.saturating_sub(began);
        conditions.push(Condition {
            raised: was_raised || lasted >= fault.code().settles(),
            fault,
            since,
            began,
            seen: facts.tick,
        });
    }
    for before in held.iter().filter(|before| before.raised) {
        let again = conditions
            .iter()
            .any(|one| one.fault.is_the_same_as(&before.fault));
        let unseen = facts.tick.saturating_sub(before.seen);
        if !again && unseen < before.fault.code().fades() && !is_refuted(before, facts) {
            conditions.push(before.clone());
        }
    }
    conditions.sort_by(|a, b| order(a).cmp(&order(b)));
    conditions
}

fn order(condition: &Condition) -> (super::Code, &str, Micros) {
    (
        condition.fault.code(),
        condition.fault.subject(),
        condition.since,
    )
}

/// What one sees now, and since when.
fn faults(held: &[Condition], facts: &Facts) -> Vec<(Fault, Micros)> {
    let holds = |is: fn(&Fault) -> bool| held.iter().any(|one| one.raised && is(&one.fault));
    let mut faults = Vec::new();
    if let Some(stopped) = &facts.stopped {
        let cause = stopped.cause.clone();
        faults.push((Fault::RecordingStopped { cause }, stopped.since));
    }
    if let Some(tampered) = &facts.tampered {
        let (first_seq, says) = (tampered.first_seq, tampered.says.clone());
        faults.push((Fault::LedgerTampered { first_seq, says }, tampered.since));
    }
    for damaged in &facts.damaged {
        let (name, cause) = (damaged.name.clone(), damaged.cause.clone());
        faults.push((Fault::SegmentDamaged { name, cause }, facts.now));
    }
    for gap in &facts.gaps {
        let fault = Fault::Gap {
            panel: gap.panel.clone(),
            requests: gap.requests,
            says: gap.says.clone(),
        };
        faults.push((fault, gap.since));
    }
    if let Some(disk) = facts.disk {
        let low = holds(|fault| matches!(fault, Fault::DiskLow { .. }));
        if disk.free_permille() < if low { DISK_WELL } else { DISK_LOW } {
            let (free, total) = (disk.free, disk.total);
            faults.push((Fault::DiskLow { free, total }, facts.now));
        }
    }
    if let Some(stopped) = &facts.archiving {
        let cause = stopped.cause.clone();
        faults.push((Fault::ArchiveStopped { cause }, stopped.since));
    }
    if let Some(events) = facts.hot {
        let behind = holds(|fault| matches!(fault, Fault::ArchiveBehind { .. }));
        if events > if behind { CAUGHT_UP } else { BEHIND } {
            faults.push((Fault::ArchiveBehind { events }, facts.now));
        }
    }
    faults.extend(behind(facts));
    if let Some(paused) = facts.retention {
        let ahead_s = paused.ahead_s;
        faults.push((Fault::RetentionPaused { ahead_s }, paused.since));
    }
    if facts.clock == ClockState::Unsynchronised {
        faults.push((Fault::ClockUnsynchronised, facts.now));
    }
    if facts.leap_s != 0 {
        let by_s = off_by(held).saturating_add(facts.leap_s);
        if by_s.abs() >= OFF_S {
            faults.push((Fault::ClockLeap { by_s }, facts.now));
        }
    }
    for stale in &facts.stale_anchors {
        let (place, cause) = (stale.place.clone(), stale.cause.clone());
        faults.push((Fault::AnchorStale { place, cause }, stale.since));
    }
    if let Some(stopped) = &facts.erasing {
        let cause = stopped.cause.clone();
        faults.push((Fault::ErasureStopped { cause }, stopped.since));
    }
    faults
}

/// The ledger cannot be written; or it can, and is late all the same.
fn behind(facts: &Facts) -> Option<(Fault, Micros)> {
    let events = facts.unpublished.map_or(0, |(events, _)| events);
    let fault = |cause| Fault::LedgerBehind { events, cause };
    if let Some(stopped) = &facts.ledger {
        return Some((fault(Some(stopped.cause.clone())), stopped.since));
    }
    let (_, since) = facts.unpublished?;
    // A clock that leaps makes what is a second old look older.
    let late = facts.leap_s == 0 && facts.now.0.saturating_sub(since.0) > LATE;
    late.then(|| (fault(None), since))
}

/// By how much the clock leapt so far.
fn off_by(held: &[Condition]) -> i64 {
    let leaps = held.iter().map(|one| match one.fault {
        Fault::ClockLeap { by_s } => by_s,
        _ => 0,
    });
    leaps.sum()
}

/// What need not be waited for: the clock leapt back to where it was.
fn is_refuted(before: &Condition, facts: &Facts) -> bool {
    matches!(before.fault, Fault::ClockLeap { .. }) && facts.leap_s != 0
}

impl Condition {
    /// Read back after a restart: seen now, since nobody looked meanwhile.
    pub(crate) fn restored(mut self, tick: Duration) -> Self {
        (self.began, self.seen) = (tick, tick);
        self
    }
}
