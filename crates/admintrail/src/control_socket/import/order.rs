//! Appending in the order of the file.

use std::future::Future;

use admintrail_store::{Receipt, Submission, Trail};
use futures_util::FutureExt;

use super::reader::{Origin, Understood};
use super::repeats::Repeats;
use crate::control_socket::desk::store;
use crate::control_socket::protocol::{ImportReport, LineError, Refused};

/// What became of a block.
pub(super) type Report = Result<ImportReport, Refused>;

/// Sends blocks to the trail, one after the other.
pub(super) struct Order {
    trail: Trail,
    repeats: Repeats,
}

impl Order {
    pub(super) fn new(trail: Trail) -> Self {
        Self {
            trail,
            repeats: Repeats::new(),
        }
    }

    /// Sends a block at once, so that the trail gets one after the other; what is returned waits
    /// until it is durable.
    pub(super) fn append(
        &mut self,
        understood: Understood,
    ) -> impl Future<Output = Report> + use<> {
        let Understood {
            mut events,
            origins,
            mut report,
        } = understood;
        self.tell_apart(&mut events, &origins);
        let trail = self.trail.clone();
        let mut sending = Box::pin(async move { trail.append(events).await });
        let receipts = sending.as_mut().now_or_never();
        async move {
            let receipts = match receipts {
                Some(receipts) => receipts,
                None => sending.await,
            };
            for (receipt, origin) in receipts.map_err(store)?.into_iter().zip(origins) {
                match receipt {
                    Receipt::Accepted(_) => report.accepted += 1,
                    Receipt::Duplicate(_) => report.duplicates += 1,
                    Receipt::Conflict(seq) => report.errors.push(LineError {
                        line: origin.line,
                        message: format!(
                            "id: belongs to another event (seq {seq}); give this one another id"
                        ),
                    }),
                }
            }
            report.errors.sort_by_key(|error| error.line);
            Ok(report)
        }
    }

    /// Gives each of several equal lines without an id one of its own.
    fn tell_apart(&mut self, events: &mut [Submission], origins: &[Origin]) {
        for (event, origin) in events.iter_mut().zip(origins) {
            let Some(mark) = origin.mark else { continue };
            let before = self.repeats.before(mark.short());
            if before > 0 {
                let mut draft = event.draft.clone();
                draft.id = mark.after(before).id(draft.time);
                *event = Submission::new(draft);
            }
        }
    }
}
