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

use tokio::runtime::{Builder, Handle};
use tokio_util::sync::CancellationToken;

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
                    .spawn(move || runtime.block_on(ended.cancelled()))?,
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
