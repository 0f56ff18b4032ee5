//! One look at the trail, the recorders and the machine.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use admintrail_capture::RecorderState;
use admintrail_event::{Event, Filter, Micros};
use admintrail_store::{Order, PageRequest, Trail, TrailState, View};
use admintrail_web::App;
use admintrail_web::anchors::Anchors;
use admintrail_web::health::{Damaged, Disk, Facts, GapFact, StaleAnchor, Stopped};
use parking_lot::RwLock;
use rustix::time::{ClockId, clock_gettime};

use super::clock_sync;
use crate::clock::Clock;

/// A gap is recent for so long.
const RECENT: i64 = 3_600 * Micros::SECOND;
/// Gaps of the last hour that are read, the newest ones.
const GAPS: usize = 500;
/// A clock that runs away by less between two looks is right.
const LEAP: i64 = 60 * Micros::SECOND;

/// What one looks at, and what the last look saw.
pub(crate) struct Gather {
    pub(crate) trail: Trail,
    /// What verifications found.
    pub(crate) app: Arc<App>,
    pub(crate) recorder_state: Arc<dyn Fn() -> RecorderState + Send + Sync>,
    pub(crate) clock: Clock,
    /// The data folder.
    pub(crate) data: PathBuf,
    /// The name of this recorder.
    pub(crate) name: String,
    /// Where checkpoints of the ledger are kept.
    pub(crate) anchors: Arc<RwLock<Anchors>>,
    /// Wall and tick of the last look.
    pub(crate) last: Option<(Micros, Duration)>,
    /// Whether a leap of the clock is told of already, so that the first look does not find it again.
    pub(crate) knows_leap: bool,
}

impl Gather {
    /// The name of this recorder.
    pub(super) fn recorder(&self) -> &str {
        &self.name
    }

    /// Looks, off the async threads: a disk may take its time.
    pub(super) async fn look(mut self) -> Result<(Self, Facts), tokio::task::JoinError> {
        tokio::task::spawn_blocking(move || {
            let facts = self.facts();
            (self, facts)
        })
        .await
    }

    fn facts(&mut self) -> Facts {
        let (now, tick) = ((self.clock)(), tick());
        let state = self.trail.state();
        let recorder = (self.recorder_state)();
        let stopped = [recorder.failing, state.failing.clone()];
        let stopped = stopped.into_iter().flatten().min_by_key(|(at, _)| *at);
        let leap_s = self.leap(now, tick, &state);
        self.last = Some((now, tick));
        Facts {
            now,
            tick,
            stopped: stopped_of(stopped),
            gaps: self.gaps(now),
            hot: Some(state.archive.hot),
            archiving: stopped_of(state.archive.failing),
            retention: self.trail.retention().paused,
            tampered: self.app.integrity.tampered(),
            ledger: stopped_of(self.trail.ledger().failing),
            unpublished: self.trail.unpublished(),
            damaged: state.archive.damaged.into_iter().map(damaged).collect(),
            disk: disk(&self.data),
            clock: clock_sync::state(clock_sync::TIMESYNC.as_ref(), SystemTime::now()),
            leap_s,
            stale_anchors: stale(&self.anchors.read(), now),
            erasing: stopped_of(self.app.erasing.failing()),
        }
    }

    /// By how many seconds the wall ran away; at the first look, how far it is behind what is on
    /// record already.
    fn leap(&self, now: Micros, tick: Duration, state: &TrailState) -> i64 {
        let away = match self.last {
            Some((wall, before)) => {
                let passed = tick.saturating_sub(before).as_micros();
                let passed = i64::try_from(passed).unwrap_or(i64::MAX);
                now.0.saturating_sub(wall.0).saturating_sub(passed)
            }
            None if self.knows_leap => 0,
            None => {
                let last = state.last_received.unwrap_or(now);
                now.0.saturating_sub(last.0).min(0)
            }
        };
        if away.saturating_abs() < LEAP {
            0
        } else {
            away / Micros::SECOND
        }
    }

    fn gaps(&self, now: Micros) -> Vec<GapFact> {
        // What the HTTP parser refused reached no panel (`outcome:failed`): it is no hole in the record.
        let Ok(filter) = Filter::parse("kind:gap outcome:unknown") else {
            return Vec::new();
        };
        let view = View {
            filter,
            from: Some(Micros(now.0.saturating_sub(RECENT))),
            ..View::default()
        };
        let request = PageRequest {
            order: Order::Descending,
            limit: GAPS,
            cursor: None,
            last: false,
        };
        match self.trail.page(&view, &request) {
            Ok(page) => by_panel(&page.events),
            Err(error) => {
                tracing::warn!(code = error.code(), %error, "recent gaps cannot be looked for");
                Vec::new()
            }
        }
    }
}

fn stopped_of(failing: Option<(Micros, String)>) -> Option<Stopped> {
    failing.map(|(since, cause)| Stopped { since, cause })
}

fn damaged((name, cause): (String, String)) -> Damaged {
    Damaged { name, cause }
}

fn stale(anchors: &Anchors, now: Micros) -> Vec<StaleAnchor> {
    let places = anchors.places().iter();
    let stale = places.filter_map(|place| {
        let cause = place.failing.as_ref().map(|failing| failing.cause.clone());
        Some(StaleAnchor {
            place: place.place.clone(),
            since: place.stale(now)?,
            cause: cause.unwrap_or_else(|| "none was sent".to_owned()),
        })
    });
    stale.collect()
}

/// Gaps come newest first.
fn by_panel(events: &[Event]) -> Vec<GapFact> {
    let mut panels: BTreeMap<&str, GapFact> = BTreeMap::new();
    for event in events {
        let draft = &event.draft;
        let gap = panels
            .entry(draft.panel.as_str())
            .or_insert_with(|| GapFact {
                panel: draft.panel.to_string(),
                requests: 0,
                since: draft.time,
                says: draft.action.clone(),
            });
        gap.requests = gap.requests.saturating_add(draft.count.unwrap_or(1));
        gap.since = gap.since.min(draft.time);
    }
    panels.into_values().collect()
}

/// Since the machine began, sleep included.
pub(crate) fn tick() -> Duration {
    let at = clock_gettime(ClockId::Boottime);
    let whole = u64::try_from(at.tv_sec).unwrap_or(0);
    let rest = u32::try_from(at.tv_nsec).unwrap_or(0);
    Duration::new(whole, rest)
}

fn disk(folder: &std::path::Path) -> Option<Disk> {
    let found = rustix::fs::statvfs(folder).ok()?;
    // What is kept back for the superuser is not ours to fill.
    let disk = Disk {
        free: found.f_bavail.saturating_mul(found.f_frsize),
        total: found.f_blocks.saturating_mul(found.f_frsize),
    };
    (disk.total > 0).then_some(disk)
}

#[cfg(test)]
mod tests {
    use admintrail_web::anchors::{AnchorPlace, AnchorWay, Failing};

    use super::*;

    #[test]
    fn a_place_that_missed_two_checkpoints_is_told_with_its_cause() {
        let hour = Duration::from_secs(3_600);
        let place = |name: &str| AnchorPlace::new(AnchorWay::File, name.to_owned(), hour);
        let mut anchors = Anchors::begin("trail", vec![place("/a"), place("/b")], None);
        let at = |hours: i64| Micros(hours * RECENT);
        anchors.keep(0, at(1), 10);
        anchors.keep(1, at(2), 12);
        if let Some(place) = anchors.place_mut(0) {
            let cause = "no route".to_owned();
            let since = at(2);
            place.failing = Some(Failing { since, cause });
        }
        assert_eq!(stale(&anchors, at(3)), []);
        let told = |place: &str, since, cause: &str| StaleAnchor {
            place: place.to_owned(),
            since,
            cause: cause.to_owned(),
        };
        let first = told("/a", at(1), "no route");
        assert_eq!(stale(&anchors, at(4)), std::slice::from_ref(&first));
        let second = told("/b", at(2), "none was sent");
        assert_eq!(stale(&anchors, at(5)), [first, second]);
    }
}
