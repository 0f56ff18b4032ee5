//! What is seen of a body while it streams by: its size, and on sign-in routes a bounded copy.

use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use parking_lot::Mutex;

/// Longest body that is looked into, and as much as is kept of a longer one.
pub(super) const PEEK: usize = 64 * 1024;

/// A bounded copy of a body that may hold a password; overwritten when it is dropped.
#[derive(Default)]
pub(super) struct Copy {
    bytes: Vec<u8>,
    overflown: bool,
    pub(super) ended: bool,
}

impl Copy {
    pub(super) fn add(&mut self, data: &Bytes) {
        if self.overflown {
            return;
        }
        if self.bytes.capacity() == 0 {
            // A buffer that grows leaves what it held behind.
            self.bytes.reserve_exact(PEEK);
        }
        let room = PEEK - self.bytes.len();
        self.overflown = data.len() > room;
        self.bytes
            .extend_from_slice(data.get(..room).unwrap_or(data));
    }

    /// The bytes so far, unless there were too many.
    pub(super) fn bytes(&self) -> Option<&[u8]> {
        (!self.overflown).then_some(&self.bytes)
    }

    /// As many of them as are kept.
    pub(super) fn start(&self) -> &[u8] {
        &self.bytes
    }

    pub(super) const fn is_overflown(&self) -> bool {
        self.overflown
    }

    fn wipe(&mut self) {
        self.bytes.fill(0);
        std::hint::black_box(&mut self.bytes);
        self.bytes.clear();
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        self.wipe();
    }
}

/// What the request body's wrapper shares with the one who finishes the event.
#[derive(Default)]
pub(super) struct RequestWatch {
    received: AtomicU64,
    pub(super) form: Option<Mutex<Copy>>,
}

impl RequestWatch {
    /// Also keeps a copy of the body, to read the form.
    pub(super) fn of_form() -> Self {
        Self {
            received: AtomicU64::new(0),
            form: Some(Mutex::default()),
        }
    }

    pub(super) fn add(&self, data: &Bytes) {
        self.received
            .fetch_add(data.len() as u64, Ordering::Relaxed);
        if let Some(form) = &self.form {
            form.lock().add(data);
        }
    }

    pub(super) fn end(&self) {
        if let Some(form) = &self.form {
            form.lock().ended = true;
        }
    }

    pub(super) fn received(&self) -> u64 {
        self.received.load(Ordering::Relaxed)
    }
}
