//! Makes visible what is durable, then answers.

use std::sync::Arc;

use admintrail_event::{Event, Seq};
use crossbeam_channel::Sender;
use parking_lot::RwLock;
use tokio::sync::watch;

use super::writer::{Reply, Status};
use crate::derived::Sessions;
use crate::mirror::Mirror;
use crate::sealer::Errand;
use crate::trail::Receipt;

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
    pub(crate) fn publish(&self, durable: Durable) {
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
