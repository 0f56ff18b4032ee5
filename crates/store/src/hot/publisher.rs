//! Makes visible what is durable, then answers: beside the writer where it has more to write, so that
//! it need not wait.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;

use admintrail_event::{Event, Seq};
use crossbeam_channel::{Receiver, Sender, bounded};
use parking_lot::RwLock;
use tokio::sync::{oneshot, watch};

use super::writer::{Reply, Status};
use crate::derived::Sessions;
use crate::mirror::Mirror;
use crate::sealer::Errand;
use crate::trail::Receipt;

/// Commits that may be waiting to be shown.
const WAITING: usize = 2;

/// What one commit made durable.
pub(crate) struct Durable {
    pub(crate) events: Vec<Arc<Event>>,
    pub(crate) replies: Vec<(Reply, Vec<Receipt>)>,
    /// There is enough to seal.
    pub(crate) seal: bool,
}

/// Everything that has to know of new events.
pub(crate) struct Show {
    pub(crate) mirror: Arc<Mirror>,
    pub(crate) sessions: Arc<RwLock<Sessions>>,
    pub(crate) status: Arc<RwLock<Status>>,
    pub(crate) visible: watch::Sender<Seq>,
    /// Wakes the thread that makes chunks.
    pub(crate) full: Sender<()>,
    pub(crate) sealer: Sender<Errand>,
}

impl Show {
    fn publish(&self, durable: Durable) {
        if !durable.events.is_empty() {
            self.show(durable.events);
        }
        if durable.seal {
            let _ = self.sealer.try_send(Errand::Look);
        }
        self.status.write().failing = None;
        for (reply, receipts) in durable.replies {
            let _ = reply.send(Ok(receipts));
        }
    }

    fn show(&self, mut events: Vec<Arc<Event>>) {
        let last = events.last().map(|event| event.seq);
        {
            let mut sessions = self.sessions.write();
            events.iter().for_each(|event| sessions.count(event));
        }
        {
            let mut status = self.status.write();
            status.count += events.len() as u64;
            let first = events.first().map(|event| event.received);
            status.first_received = status.first_received.or(first);
            status.last_received = events.last().map(|event| event.received);
        }
        if self.mirror.add(&mut events) {
            let _ = self.full.try_send(());
        }
        if let Some(last) = last {
            self.visible.send_replace(last);
        }
    }
}

enum Job {
    Publish(Durable),
    Flush(oneshot::Sender<()>),
}

/// The writer's side. What is given first is shown first.
pub(crate) struct Publisher {
    show: Arc<Show>,
    jobs: Sender<Job>,
    pending: Arc<AtomicUsize>,
}

impl Publisher {
    pub(crate) fn start(show: Show) -> std::io::Result<(Self, JoinHandle<()>)> {
        let (jobs, inbox) = bounded(WAITING);
        let show = Arc::new(show);
        let pending = Arc::new(AtomicUsize::new(0));
        let (shown, left) = (Arc::clone(&show), Arc::clone(&pending));
        let thread = std::thread::Builder::new()
            .name("trail-publisher".to_owned())
            .spawn(move || run(&shown, &inbox, &left))?;
        let publisher = Self {
            show,
            jobs,
            pending,
        };
        Ok((publisher, thread))
    }

    /// Shows it; when the writer has nothing else to do, at once.
    pub(crate) fn publish(&self, durable: Durable, more_to_write: bool) {
        if !more_to_write && self.pending.load(Ordering::Acquire) == 0 {
            self.show.publish(durable);
            return;
        }
        self.pending.fetch_add(1, Ordering::AcqRel);
        if let Err(refused) = self.jobs.send(Job::Publish(durable)) {
            // The thread is gone; its work is not.
            self.pending.fetch_sub(1, Ordering::AcqRel);
            if let Job::Publish(durable) = refused.into_inner() {
                self.show.publish(durable);
            }
        }
    }

    /// Waits until everything is shown.
    pub(crate) fn flush(&self) {
        if self.pending.load(Ordering::Acquire) == 0 {
            return;
        }
        let (done, wait) = oneshot::channel();
        if self.jobs.send(Job::Flush(done)).is_ok() {
            let _ = wait.blocking_recv();
        }
    }
}

fn run(show: &Show, inbox: &Receiver<Job>, pending: &AtomicUsize) {
    while let Ok(job) = inbox.recv() {
        match job {
            Job::Publish(durable) => {
                show.publish(durable);
                pending.fetch_sub(1, Ordering::AcqRel);
            }
            Job::Flush(done) => {
                let _ = done.send(());
            }
        }
    }
}
