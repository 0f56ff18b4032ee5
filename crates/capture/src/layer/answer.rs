//! A response under way: what was sent so far, and what its body still has to tell.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use admintrail_event::Ending;
use bytes::Bytes;
use http_body::Frame;

use super::open::Open;
use super::watch::Copy;
use crate::identity::{Peek, Saved};

/// Dropping it finishes the event as dropped, with what was sent so far.
pub(super) struct Answer {
    open: Option<Box<Open>>,
    sent: u64,
    peek: Option<Box<Looking>>,
    held: Option<Held>,
}

/// A sign-in response's body is copied (never held back) until it has told what it has to.
struct Looking {
    peek: Box<Peek>,
    copy: Copy,
}

/// The frame that completes a token waits until the token's binding is durable: whoever reads it
/// may use it at once.
struct Held {
    frame: Option<Frame<Bytes>>,
    last: bool,
    saving: Pin<Box<dyn Future<Output = ()> + Send>>,
}

impl Answer {
    pub(super) fn new(open: Box<Open>, peek: Option<Box<Peek>>) -> Box<Self> {
        let peek = peek.map(|peek| {
            Box::new(Looking {
                peek,
                copy: Copy::default(),
            })
        });
        Box::new(Self {
            open: Some(open),
            sent: 0,
            peek,
            held: None,
        })
    }

    /// Sees a frame pass, or the end of the body. True: it was kept back, poll it with
    /// [`Answer::poll_held`].
    pub(super) fn see(&mut self, frame: &mut Option<Frame<Bytes>>, last: bool) -> bool {
        if let Some(data) = frame.as_ref().and_then(Frame::data_ref) {
            self.sent += data.len() as u64;
            if let Some(looking) = &mut self.peek {
                looking.copy.add(data);
            }
        }
        let (Some(looking), Some(open)) = (&self.peek, &mut self.open) else {
            return false;
        };
        let now = open.recorder.trunk().now();
        let copy = &looking.copy;
        let (body, ended) = if looking.peek.reads_start() {
            (Some(copy.start()), last || copy.is_overflown())
        } else {
            (copy.bytes(), last)
        };
        let Some(finding) = looking
            .peek
            .decide(&open.recorder, &open.identity, body, ended, now)
        else {
            return false;
        };
        self.peek = None;
        let saved = open.learned(finding);
        if saved.is_empty() {
            return false;
        }
        self.held = Some(Held {
            frame: frame.take(),
            last,
            saving: Box::pin(wait_for(saved)),
        });
        true
    }

    /// Whether an owner has ended the session since the request began: what still comes of the
    /// response is not for whoever holds its cookie.
    pub(super) fn is_ended(&self) -> bool {
        self.open
            .as_ref()
            .is_some_and(|open| open.identity.is_ended(&open.recorder))
    }

    pub(super) const fn is_holding(&self) -> bool {
        self.held.is_some()
    }

    /// Bytes kept back, which the inner body no longer counts.
    pub(super) fn held_bytes(&self) -> u64 {
        let frame = self.held.as_ref().and_then(|held| held.frame.as_ref());
        frame
            .and_then(Frame::data_ref)
            .map_or(0, |data| data.len() as u64)
    }

    /// The frame that was kept back (`None`: the end), and whether it is the last.
    pub(super) fn poll_held(&mut self, cx: &mut Context<'_>) -> Poll<(Option<Frame<Bytes>>, bool)> {
        let Some(held) = &mut self.held else {
            return Poll::Ready((None, true));
        };
        ready!(held.saving.as_mut().poll(cx));
        let released = (held.frame.take(), held.last);
        self.held = None;
        Poll::Ready(released)
    }

    pub(super) fn finish(&mut self, ending: Ending) {
        if let Some(open) = self.open.take() {
            open.finish(ending, Some(self.sent));
        }
    }
}

async fn wait_for(saved: Vec<Saved>) {
    for saved in saved {
        saved.wait().await;
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        self.finish(Ending::Dropped);
    }
}
