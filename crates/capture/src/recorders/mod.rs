//! Starting, stopping and asking after the recorders of a process.

mod delivery;
mod gaps;
mod queue;
mod recorder;
#[cfg(test)]
mod tests;
mod trunk;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use admintrail_event::{Draft, Ending, Kind, Micros, Outcome, PanelName};

pub use recorder::Recorder;
pub(crate) use trunk::Trunk;

use crate::health::{Cause, Clock, Health};
use crate::identity::Keeper;
use crate::journal::{Disk, Journal, RealDisk};
use crate::{Bindings, Identities, PanelRules, Sink, ids};

/// How to start the recorders of a process.
pub struct RecordersOptions {
    /// Folder of the journal of openings.
    pub journal: PathBuf,
    /// Name of this recorder in events, e.g. the host name.
    pub name: String,
    /// Key for session hashes and fingerprints; kept in the data folder, never printed.
    pub key: [u8; 32],
    /// Where events go.
    pub sink: Arc<dyn Sink>,
    /// Where bindings are kept.
    pub bindings: Arc<dyn Bindings>,
    /// Whose API tokens and basic users are.
    pub identities: Arc<dyn Identities>,
    /// What time it is.
    pub clock: Arc<dyn Fn() -> Micros + Send + Sync>,
    /// How long the event of a sign-in waits for the next request with its session, which tells of
    /// some panels whether the password was right.
    pub confirmation: Duration,
}

/// The journal, the delivery task and the counters that all recorders of a process share.
///
/// Dropping the last of them and of their [`Recorder`]s without [`Recorders::stop`] is like a
/// crash: nothing more is delivered, and what is open comes back as `unknown` at the next start.
#[derive(Clone)]
pub struct Recorders {
    trunk: Arc<Trunk>,
    owner: Arc<Owner>,
}

/// What the recorders say of themselves.
#[derive(Debug, Clone)]
pub struct RecorderState {
    /// Openings whose response has not ended.
    pub open: u64,
    /// Finished events not yet durable.
    pub waiting: u64,
    /// Requests that passed without a record of their own since the last gap event.
    pub unrecorded: u64,
    /// Why nothing can be recorded at the moment, and since when.
    pub failing: Option<(Micros, String)>,
}

/// Ends the tasks when nobody can record any more.
pub(crate) struct Owner(Arc<Trunk>);

impl Drop for Owner {
    fn drop(&mut self) {
        self.0.abandon();
    }
}

impl Recorders {
    /// Opens the journal, delivers what a crash left open as `unknown` events (idempotent by id),
    /// records `start`, and starts the delivery task on the current runtime.
    ///
    /// # Errors
    /// The journal's folder cannot be made, read or written, or another process uses it. A full
    /// disk is no error: the recorders start failing and recover by themselves.
    pub async fn start(options: RecordersOptions) -> Result<Self, std::io::Error> {
        Self::start_on(options, Arc::new(RealDisk)).await
    }

    pub(crate) async fn start_on(
        options: RecordersOptions,
        disk: Arc<dyn Disk>,
    ) -> Result<Self, std::io::Error> {
        let RecordersOptions {
            journal: folder,
            name,
            key,
            sink,
            bindings,
            identities,
            clock,
            confirmation,
        } = options;
        let clock: Clock = clock;
        let health = Arc::new(Health::new(Arc::clone(&clock)));
        let healthy = Arc::clone(&health);
        let (journal, left_open) =
            tokio::task::spawn_blocking(move || Journal::start(&folder, disk, healthy))
                .await
                .map_err(std::io::Error::other)??;
        let name = admintrail_event::clip(
            admintrail_event::encode_bytes(name.as_bytes()),
            admintrail_event::Limits::TEXT,
        );
        let keeper = Keeper::new(bindings, identities);
        let mut trunk = Trunk::new(journal, health, clock, name.0, key, keeper, sink);
        trunk.confirmation = confirmation;
        let trunk = Arc::new(trunk);
        trunk.restore(left_open.into_iter().map(interrupted).collect());
        trunk.finish(marker(&trunk, Kind::Start, "Recording started"));
        tokio::spawn(delivery::run(Arc::clone(&trunk)));
        tokio::spawn(Arc::clone(&trunk).keep_bindings());
        Ok(Self {
            owner: Arc::new(Owner(Arc::clone(&trunk))),
            trunk,
        })
    }

    /// A recorder for one panel.
    pub fn recorder(&self, rules: PanelRules) -> Recorder {
        Recorder::new(Arc::clone(&self.trunk), Arc::clone(&self.owner), rules)
    }

    /// What they say of themselves.
    pub fn state(&self) -> RecorderState {
        self.trunk.state()
    }

    /// Forgets a person, by the whole id in any case: names that were learned, sign-ins that are not
    /// decided yet, sessions that are about to be bound. Whoever goes on working is learned anew.
    pub fn forget(&self, admin: &str) {
        let folded = admintrail_event::fold(admin);
        let panels: Vec<_> = self.trunk.panels.lock().values().cloned().collect();
        for panel in panels {
            panel.forget_person(&folded);
        }
        self.trunk.keeper.forget_person(&folded);
    }

    /// Leaves nothing in the journal's folder but what is open. Blocks for as long as the disk takes.
    ///
    /// # Errors
    /// Why it could not be written; then the folder is as it was.
    pub fn renew_journal(&self) -> Result<(), std::io::Error> {
        self.trunk.journal.renew()
    }

    /// Counts requests that the HTTP parser refused (400, 431, bad framing) from this peer.
    pub fn count_refused(&self, recorder: &Recorder, peer: SocketAddr, requests: u64) {
        self.trunk
            .count_refused(recorder.panel(), peer.ip().to_canonical(), requests);
    }

    /// Delivers what is waiting, records `stop`, closes the journal. Waits at most `timeout`.
    /// Requests after this meet the fail policy.
    pub async fn stop(&self, timeout: Duration) {
        let trunk = &self.trunk;
        if trunk.stopping.swap(true, Ordering::AcqRel) {
            return;
        }
        trunk.finish_gaps(Micros(i64::MAX));
        trunk.finish(marker(trunk, Kind::Stop, "Recording stopped"));
        trunk.health.failed(Cause::Stopped, "recording has stopped");
        trunk.stop_when_drained.store(true, Ordering::Release);
        trunk.hurry.notify_one();
        trunk.keeper.end();
        let done = async { tokio::join!(trunk.drained.notified(), trunk.keeper.finished()) };
        let drained = tokio::time::timeout(timeout, done).await.is_ok();
        if !drained {
            tracing::warn!(
                waiting = trunk.queue.waiting(),
                "stopped before everything was delivered; the journal keeps the openings"
            );
        }
        trunk.abandoned.store(true, Ordering::Release);
        let closing = Arc::clone(trunk);
        let closing = tokio::task::spawn_blocking(move || closing.journal.close(drained));
        if !matches!(tokio::time::timeout(timeout, closing).await, Ok(Ok(()))) {
            tracing::error!("the journal could not be closed in order");
        }
    }
}

/// What a crash left open, as the event it becomes.
fn interrupted(opening: Draft) -> Draft {
    match opening.kind {
        Kind::Request => Draft {
            outcome: Outcome::Unknown,
            ending: Ending::Dropped,
            ..opening
        },
        // A gap that was still being counted.
        Kind::Gap | Kind::Start | Kind::Stop => opening,
    }
}

fn marker(trunk: &Trunk, kind: Kind, action: &str) -> Draft {
    let now = trunk.now();
    Draft {
        kind,
        action: action.to_owned(),
        outcome: Outcome::Success,
        ..Draft::request(ids::new_id(now), now, PanelName::own(), "", "")
    }
}
