//! The answer to a change: there as soon as the change is durable.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use parking_lot::{Condvar, Mutex};

use crate::StoreError;

/// A change under way. It was handed to the writer when this was made and happens whether or not
/// anybody waits. When it is done, the change is on disk and every look-up shows it.
#[must_use = "the change may fail"]
pub struct Durable<T>(Arc<Cell<T>>);

/// The writer's end. Dropped unused (the writer died), it answers [`StoreError::Closed`].
pub(super) struct Ack<T>(Arc<Cell<T>>);

struct Cell<T> {
    slot: Mutex<Slot<T>>,
    filled: Condvar,
}

struct Slot<T> {
    answer: Option<Result<T, StoreError>>,
    settled: bool,
    waker: Option<Waker>,
}

pub(super) fn pair<T>() -> (Ack<T>, Durable<T>) {
    let slot = Slot {
        answer: None,
        settled: false,
        waker: None,
    };
    let cell = Arc::new(Cell {
        slot: Mutex::new(slot),
        filled: Condvar::new(),
    });
    (Ack(Arc::clone(&cell)), Durable(cell))
}

impl<T> Ack<T> {
    pub(super) fn answer(self, answer: Result<T, StoreError>) {
        self.0.settle(answer);
    }
}

impl<T> Drop for Ack<T> {
    fn drop(&mut self) {
        self.0.settle(Err(StoreError::Closed));
    }
}

impl<T> Cell<T> {
    fn settle(&self, answer: Result<T, StoreError>) {
        let mut slot = self.slot.lock();
        if slot.settled {
            return;
        }
        slot.settled = true;
        slot.answer = Some(answer);
        let waker = slot.waker.take();
        drop(slot);
        self.filled.notify_all();
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl<T> Durable<T> {
    /// Blocks this thread until the change is durable (about one fsync). Not for async threads:
    /// there, `.await` it.
    pub fn wait(self) -> Result<T, StoreError> {
        let mut slot = self.0.slot.lock();
        loop {
            if let Some(answer) = slot.answer.take() {
                return answer;
            }
            self.0.filled.wait(&mut slot);
        }
    }
}

impl<T> Future for Durable<T> {
    type Output = Result<T, StoreError>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut slot = self.0.slot.lock();
        match slot.answer.take() {
            Some(answer) => Poll::Ready(answer),
            None => {
                slot.waker = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }
}
