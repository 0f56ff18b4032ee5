//! Taking over events: blocks of lines in, what became of each out.
//!
//! Several blocks are understood side by side, and several are on their way to the trail at once,
//! so that its writer never waits; what is accepted is so in the order of the lines. What is under
//! way at once is bounded, and so is the memory.

mod block;
mod notes;
mod order;
mod reader;
mod repeats;
mod socket;
#[cfg(test)]
mod tests;

use std::mem;
use std::pin::pin;
use std::sync::Arc;
use std::thread::available_parallelism;

use admintrail_event::PanelName;
use futures_util::{Stream, StreamExt};
use tokio::sync::{mpsc, oneshot};
use tokio::task::spawn_blocking;

use super::desk::{Desk, answer, shown, store};
use super::protocol::{Answer, ImportReport, Refused};
use notes::Notes;
use order::Order;
use reader::Reader;

pub(crate) use block::{BLOCK_BYTES, BLOCK_LINES, Block};
pub(super) use socket::{answer_import, send_import};

/// Most blocks that are understood at once.
const MOST_READERS: usize = 4;

/// Blocks on their way to the trail: one commit's worth is written while the next gathers.
const UNDER_WAY: usize = 8;

/// What became of a block, or the end.
pub(crate) type Told = Result<Answer, Refused>;

/// What an import is of.
pub(crate) struct Import {
    pub(crate) desk: Arc<Desk>,
    /// Panel of the lines that name none.
    pub(crate) panel: Option<PanelName>,
    /// Whoever imports, to be noted; nobody when we make it up ourselves.
    pub(crate) user: Option<String>,
}

impl Import {
    /// Takes over the blocks and tells what became of each, in their order, and of the end: the
    /// values are [`ImportReport`]s. Goes on when nobody listens, until there are no more blocks.
    pub(crate) async fn take_over(
        self,
        blocks: impl Stream<Item = Block>,
        told: mpsc::Sender<Told>,
    ) {
        let Self { desk, panel, user } = self;
        let mut notes = Notes::new(Arc::clone(&desk), user);
        let (first, mut turn) = oneshot::channel();
        let _ = first.send(Order::new(desk.trail.clone()));
        let reader = Arc::new(Reader { desk, panel });
        let sending = blocks.map(|block| {
            let (after, next) = oneshot::channel();
            let (reader, before) = (Arc::clone(&reader), mem::replace(&mut turn, next));
            // What is read is still at hand when it is sent, so both are done by one thread.
            spawn_blocking(move || {
                let understood = reader.understand(&block);
                drop(block);
                let mut order: Order = before.blocking_recv().map_err(|_| unread())?;
                let sent = understood
                    .map_err(store)
                    .map(|understood| order.append(understood));
                let _ = after.send(order);
                sent
            })
        });
        let reports = sending
            .buffered(readers())
            .map(|sent| async { sent.unwrap_or_else(|_| Err(unread()))?.await })
            .buffered(UNDER_WAY);
        let mut reports = pin!(reports);
        while let Some(report) = reports.next().await {
            if let Ok(report) = &report {
                notes.count(report.accepted).await;
            }
            let one = report.and_then(|report| Ok(Answer::recorded(shown(&report)?)));
            let _ = told.send(one).await;
        }
        let end = ImportReport {
            ended: true,
            ..ImportReport::default()
        };
        let noted = notes.end().await;
        let _ = told
            .send(shown(&end).map(|value| answer(value, noted)))
            .await;
    }
}

/// Somebody's mistake in our own code.
fn unread() -> Refused {
    Refused::failed("these lines could not be read; the log says why")
}

fn readers() -> usize {
    available_parallelism().map_or(1, |many| many.get().min(MOST_READERS))
}
