//! The delivery task: batches of finished events to the sink, again until they are durable.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use admintrail_event::{Draft, EventId, Micros};

use super::trunk::Trunk;
use crate::health::Cause;

const BATCH: usize = 1_000;

/// Between a first finished event and its delivery. Its opening is safe already, so waiting a
/// little costs nothing and lets requests share one commit.
const LINGER: Duration = Duration::from_millis(10);

/// The same while a panel is busy, when commits are what costs most. Still too short to see.
const BUSY_LINGER: Duration = Duration::from_millis(40);

/// A batch of this size makes a busy panel.
const BUSY: usize = 32;

/// Refused requests are counted this long before they become an event.
const GAP_MICROS: i64 = 5 * Micros::SECOND;

/// How often an idle panel looks for gaps that are due.
const GAP_CHECK: Duration = Duration::from_secs(1);

/// A sink that has not answered for this long counts as failing.
const PATIENCE: Duration = Duration::from_secs(10);

const FIRST_RETRY: Duration = Duration::from_millis(50);
const LAST_RETRY: Duration = Duration::from_secs(1);

pub(super) async fn run(trunk: Arc<Trunk>) {
    let mut linger = LINGER;
    loop {
        let stopping = trunk.stop_when_drained.load(Ordering::Acquire);
        if stopping {
            trunk.finish_gaps(Micros(i64::MAX));
            if trunk.queue.len() == 0 {
                trunk.drained.notify_one();
                return;
            }
        } else {
            gather(&trunk, linger).await;
        }
        if trunk.abandoned.load(Ordering::Acquire) {
            return;
        }
        trunk.finish_gaps(Micros(trunk.now().0 - GAP_MICROS));
        let batch = trunk.queue.take(BATCH);
        linger = if batch.len() < BUSY {
            LINGER
        } else {
            BUSY_LINGER
        };
        if !batch.is_empty() && !deliver(&trunk, batch).await {
            return;
        }
    }
}

/// Waits for something to deliver, then a little for more of it. Returns now and then for gaps
/// that are due.
async fn gather(trunk: &Trunk, linger: Duration) {
    if trunk.queue.len() == 0 {
        tokio::select! {
            () = trunk.queue.filled.notified() => {}
            () = trunk.hurry.notified() => return,
            () = tokio::time::sleep(GAP_CHECK) => return,
        }
    }
    if trunk.queue.len() < BATCH {
        tokio::select! {
            () = tokio::time::sleep(linger) => {}
            () = trunk.hurry.notified() => {}
        }
    }
}

/// Delivers one batch, however long it takes. False: abandoned.
async fn deliver(trunk: &Trunk, batch: Vec<Draft>) -> bool {
    let ids: Vec<EventId> = batch.iter().map(|event| event.id).collect();
    let mut wait = FIRST_RETRY;
    loop {
        let delivery = trunk.sink.deliver(batch.clone());
        tokio::pin!(delivery);
        let result = tokio::select! {
            result = &mut delivery => result,
            () = tokio::time::sleep(PATIENCE) => {
                trunk.health.failed(Cause::Sink, "the record does not answer");
                delivery.await
            }
        };
        match result {
            Ok(()) => break,
            Err(error) => {
                trunk.health.failed(Cause::Sink, &error.0);
                if trunk.abandoned.load(Ordering::Acquire) {
                    return false;
                }
                tokio::time::sleep(wait).await;
                wait = LAST_RETRY.min(wait * 2);
            }
        }
        if trunk.abandoned.load(Ordering::Acquire) {
            return false;
        }
    }
    trunk.settled(&ids);
    trunk.health.works(Cause::Sink);
    // What passed unrecorded meanwhile is said as soon as it can be.
    if trunk.gaps.lock().unrecorded() > 0 && !trunk.health.is_failing() {
        trunk.finish_gaps(Micros(i64::MAX));
    }
    true
}
