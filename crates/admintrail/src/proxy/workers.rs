//! The threads that proxy: one a core, each with a runtime of its own.
//!
//! A request is read, recorded, forwarded and answered on one thread, over connections that are
//! that thread's alone. Nothing is handed from thread to thread on the way, and no thread is
//! woken to look for another's work: on a request that takes tens of microseconds the waking
//! would be the larger part.

use std::future::Future;
use std::io;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::runtime::{Builder, Handle};
use tokio_util::sync::CancellationToken;

/// What blocks a thread of its own when the workers end gets this long.
const LAST_WORDS: Duration = Duration::from_millis(100);

/// The threads. They end, with whatever still runs on them, when this is dropped.
pub(crate) struct Workers {
    team: Arc<[Worker]>,
    ended: CancellationToken,
    threads: Vec<JoinHandle<()>>,
}

/// Where connections go to be served.
#[derive(Clone)]
pub(crate) struct Team(Arc<[Worker]>);

struct Worker {
    runtime: Handle,
    connections: AtomicUsize,
}

/// A connection's place with its worker; gives it back when dropped.
pub(crate) struct Place {
    team: Team,
    worker: usize,
}

impl Workers {
    /// Starts a thread for each core.
    pub(crate) fn start() -> io::Result<Self> {
        let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let ended = CancellationToken::new();
        let mut team = Vec::with_capacity(cores);
        let mut threads = Vec::with_capacity(cores);
        for number in 0..cores {
            let runtime = Builder::new_current_thread().enable_all().build()?;
            team.push(Worker {
                runtime: runtime.handle().clone(),
                connections: AtomicUsize::new(0),
            });
            let ended = ended.clone();
            threads.push(
                std::thread::Builder::new()
                    .name(format!("proxy-{number}"))
                    .spawn(move || {
                        runtime.block_on(ended.cancelled());
                        // Looking a name up may take the system minutes; nobody waits for it.
                        runtime.shutdown_timeout(LAST_WORDS);
                    })?,
            );
        }
        Ok(Self {
            team: team.into(),
            ended,
            threads,
        })
    }

    pub(crate) fn team(&self) -> Team {
        Team(Arc::clone(&self.team))
    }

    /// Ends the threads; waits without holding up the thread that this is called on.
    pub(crate) async fn end(self) {
        // Only a panic would fail it, and that has been told.
        let _ = tokio::task::spawn_blocking(move || drop(self)).await;
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.ended.cancel();
        for thread in self.threads.drain(..) {
            // A thread that panicked has said so already.
            let _ = thread.join();
        }
    }
}

impl Team {
    /// The runtime that this is called on, as a team of one.
    pub(crate) fn here() -> Self {
        Self(Arc::new([Worker {
            runtime: Handle::current(),
            connections: AtomicUsize::new(0),
        }]))
    }

    /// How many threads there are.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// A place with the worker that has the fewest connections.
    pub(crate) fn place(&self) -> Place {
        let fewest = |(_, worker): &(usize, &Worker)| worker.connections.load(Relaxed);
        let found = self.0.iter().enumerate().min_by_key(fewest);
        let worker = found.map_or(0, |(number, worker)| {
            worker.connections.fetch_add(1, Relaxed);
            number
        });
        Place {
            team: self.clone(),
            worker,
        }
    }
}

impl Place {
    /// The worker's number, from 0 on.
    pub(crate) fn worker(&self) -> usize {
        self.worker
    }

    /// Runs on the worker's thread and holds the place until it has ended.
    pub(crate) fn run(self, task: impl Future<Output = ()> + Send + 'static) {
        let team = self.team.clone();
        if let Some(worker) = team.0.get(self.worker) {
            worker.runtime.spawn(async move {
                task.await;
                drop(self);
            });
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(worker) = self.team.0.get(self.worker) {
            worker.connections.fetch_sub(1, Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_name_that_is_still_looked_up_holds_nobody_up_at_the_end() {
        let workers = Workers::start().unwrap();
        let (answer, looked_up) = std::sync::mpsc::channel::<()>();
        let (begin, begun) = tokio::sync::oneshot::channel();
        workers.team().place().run(async move {
            let looking = tokio::task::spawn_blocking(move || {
                let _ = begin.send(());
                looked_up.recv()
            });
            let _ = looking.await;
        });
        begun.await.unwrap();
        tokio::time::timeout(Duration::from_secs(30), workers.end())
            .await
            .unwrap();
        drop(answer);
    }
}
