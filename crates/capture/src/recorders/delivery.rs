//! The delivery task: batches of finished events to the sink, again until they are durable.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use admintrail_event::{Draft, EventId, Micros};

use super::trunk::Trunk;
use crate::health::Cause;

const BATCH: usize = 1_000;

/// Between a first finished event and its delivery. Its opening is safe already, so waiting a
/// little costs nothing and lets busy panels share one commit.
const LINGER: Duration = Duration::from_millis(10);

/// Refused requests are counted this long before they become an event.
const GAP_MICROS: i64 = 5 * Micros::SECOND;

/// A sink that has not answered for this long counts as failing.
const PATIENCE: Duration = Duration::from_secs(10);

const FIRST_RETRY: Duration = Duration::from_millis(50);
const LAST_RETRY: Duration = Duration::from_secs(1);

pub(super) async fn run(trunk: Arc<Trunk>) {
    loop {
        if trunk.queue.len() == 0 {
            if trunk.stop_when_drained.load(Ordering::Acquire) {
                trunk.finish_gaps(Micros(i64::MAX));
                if trunk.queue.len() == 0 {
                    trunk.drained.notify_one();
                    return;
                }
            } else {
                idle(&trunk).await;
            }
        }
        if trunk.abandoned.load(Ordering::Acquire) {
            return;
        }
        trunk.finish_gaps(Micros(trunk.now().0 - GAP_MICROS));
        let batch = trunk.queue.take(BATCH);
        if !batch.is_empty() && !deliver(&trunk, batch).await {
            return;
        }
    }
}

/// Waits for something to do, then a little for more of it.
async fn idle(trunk: &Trunk) {
    tokio::select! {
        () = trunk.queue.filled.notified() => {}
        () = trunk.hurry.notified() => return,
        () = tokio::time::sleep(Duration::from_secs(1)) => return,
    }
    tokio::select! {
        () = tokio::time::sleep(LINGER) => {}
        () = trunk.hurry.notified() => {}
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
