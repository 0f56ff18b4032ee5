//! A response under way: what was sent so far, and what its body still has to tell.

use std::pin::Pin;
use std::task::{Context, Poll};

use admintrail_event::Ending;
use bytes::Bytes;
use http_body::{Frame, SizeHint};

use super::open::Open;

/// Dropping it finishes the event as dropped, with what was sent so far.
pub(super) struct Answer {
    open: Option<Box<Open>>,
    sent: u64,
}

impl Answer {
    pub(super) fn new(open: Box<Open>) -> Box<Self> {
        Box::new(Self {
            open: Some(open),
            sent: 0,
        })
    }

    pub(super) fn add(&mut self, data: &Bytes) {
        self.sent += data.len() as u64;
    }

    pub(super) fn end(mut self: Box<Self>, ending: Ending) {
        self.finish(ending);
    }

    fn finish(&mut self, ending: Ending) {
        if let Some(open) = self.open.take() {
            open.finish(ending, Some(self.sent));
        }
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        self.finish(Ending::Dropped);
    }
}
