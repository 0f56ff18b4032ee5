//! What is watched of HTTP/2, where one connection carries many requests.
//!
//! A client that takes nothing of one response leaves no blocked write behind, so each stream is
//! watched by itself, and ended by itself. What the HTTP/2 library refuses never reaches us; it
//! is read off what the library sends.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::atomic::{
    AtomicBool, AtomicU32,
    Ordering::{Acquire, Relaxed, Release},
};
use std::sync::{Arc, Weak};
use std::task::Poll;

use atomic_waker::AtomicWaker;
use hashbrown::HashSet;
use parking_lot::Mutex;

/// Streams that may have ended are forgotten when there are this many.
const MANY: usize = 256;

/// The streams of one connection.
#[derive(Debug, Default)]
pub(crate) struct Streams {
    open: Mutex<Vec<Weak<Stream>>>,
    /// The stream whose request has just been taken and whose task has not begun.
    taken: Mutex<Option<Arc<Stream>>>,
    /// Heads that we answered with ourselves.
    answered: AtomicU32,
    sent: Mutex<Sent>,
}

/// One stream. Moments are whole seconds since the server began; 0 means "not now".
#[derive(Debug, Default)]
pub(crate) struct Stream {
    /// Since when the client has not taken what it was given.
    untaken_since: AtomicU32,
    overdue: AtomicBool,
    task: AtomicWaker,
}

/// Starts the task of each stream.
#[derive(Clone)]
pub(crate) struct StreamExecutor(pub(crate) Arc<Streams>);

impl<F> hyper::rt::Executor<F> for StreamExecutor
where
    F: Future<Output: Send> + Send + 'static,
{
    fn execute(&self, task: F) {
        // hyper starts a stream's task in the same breath in which it hands its request over.
        let stream = self.0.taken.lock().take();
        tokio::spawn(async move {
            match stream {
                Some(stream) => stream.run(task).await,
                None => drop(task.await),
            }
        });
    }
}

impl Streams {
    /// The stream of a request that has just come.
    pub(crate) fn take(&self) -> Arc<Stream> {
        let stream = Arc::new(Stream::default());
        let mut open = self.open.lock();
        if open.len() >= MANY {
            open.retain(|stream| stream.strong_count() > 0);
        }
        open.push(Arc::downgrade(&stream));
        drop(open);
        *self.taken.lock() = Some(Arc::clone(&stream));
        stream
    }

    /// Ends the streams for which this says so of the moment since which nothing was taken.
    pub(crate) fn end_overdue(&self, is_over: impl Fn(u32) -> bool) {
        for stream in self.open.lock().iter().filter_map(Weak::upgrade) {
            if is_over(stream.untaken_since.load(Relaxed)) {
                stream.overdue.store(true, Release);
                stream.task.wake();
            }
        }
    }

    /// Reads what the library sends.
    pub(crate) fn sent(&self, bytes: &[u8]) {
        self.sent.lock().read(bytes);
    }

    /// We are about to answer a request. A request that is cancelled before that gets no answer,
    /// so it is not requests that are counted.
    pub(crate) fn answered(&self) {
        self.answered.fetch_add(1, Relaxed);
    }

    /// Messages that the library refused, and that we never saw, since this was asked last.
    pub(crate) fn newly_refused(&self) -> u64 {
        let mut sent = self.sent.lock();
        let by_library = sent.answered.saturating_sub(self.answered.load(Relaxed));
        let refused = sent.refused.saturating_add(by_library);
        let fresh = refused.saturating_sub(sent.told);
        sent.told += fresh;
        fresh.into()
    }
}

impl Stream {
    /// The client was given a piece, and is not asking for the next.
    pub(crate) fn gave(&self, now: u32) {
        self.untaken_since.store(now, Relaxed);
    }

    /// The client took what it was given.
    pub(crate) fn took(&self) {
        self.untaken_since.store(0, Relaxed);
    }

    async fn run<F: Future>(&self, task: F) {
        let mut task = pin!(task);
        poll_fn(|cx| {
            self.task.register(cx.waker());
            if self.overdue.load(Acquire) {
                return Poll::Ready(());
            }
            task.as_mut().poll(cx).map(drop)
        })
        .await;
    }
}

const FRAME_HEADER: usize = 9;
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const GOAWAY: u8 = 7;
const END_STREAM: u8 = 1;

/// Bytes of an error code, and of what stands before it in a GOAWAY.
const CODE: usize = 4;
const LAST_STREAM: usize = 4;

/// The frames of one direction, as far as they tell of refusals (RFC 9113 sections 4.1 and 7).
#[derive(Debug, Default)]
struct Sent {
    header: [u8; FRAME_HEADER],
    /// Bytes of the header that are there.
    filled: usize,
    /// Bytes of the payload that are still to come.
    left: usize,
    /// Bytes of the payload that have come, up to the end of the code.
    seen: usize,
    /// The error code, in frames that have one.
    code: [u8; CODE],
    /// Streams whose answer has begun and not ended.
    answering: HashSet<u32>,
    /// Answers begun.
    answered: u32,
    /// Streams reset, or the connection ended, because of what the client sent.
    refused: u32,
    /// How many refusals have been told of.
    told: u32,
}

impl Sent {
    fn read(&mut self, mut bytes: &[u8]) {
        while let Some((&byte, rest)) = bytes.split_first() {
            if self.filled < FRAME_HEADER {
                if let Some(place) = self.header.get_mut(self.filled) {
                    *place = byte;
                }
                self.filled += 1;
                bytes = rest;
                if self.filled < FRAME_HEADER {
                    continue;
                }
                let [a, b, c, ..] = self.header;
                self.left = usize::try_from(u32::from_be_bytes([0, a, b, c])).unwrap_or(usize::MAX);
                self.seen = 0;
                self.code = [0; CODE];
            } else if self.seen < self.code_at() + CODE {
                let place = self.seen.checked_sub(self.code_at());
                if let Some(place) = place.and_then(|place| self.code.get_mut(place)) {
                    *place = byte;
                }
                self.seen += 1;
                self.left -= 1;
                bytes = rest;
            } else {
                let passed = bytes.len().min(self.left);
                self.left -= passed;
                bytes = bytes.get(passed..).unwrap_or_default();
            }
            if self.left == 0 {
                self.frame();
                self.filled = 0;
            }
        }
    }

    /// Where in the payload the error code stands; debug data may follow it.
    fn code_at(&self) -> usize {
        let [_, _, _, kind, ..] = self.header;
        if kind == GOAWAY { LAST_STREAM } else { 0 }
    }

    /// A whole frame has passed.
    fn frame(&mut self) {
        let [_, _, _, kind, flags, stream @ ..] = self.header;
        let stream = u32::from_be_bytes(stream);
        match kind {
            HEADERS if self.answering.insert(stream) => self.answered += 1,
            RST_STREAM => {
                self.answering.remove(&stream);
                if blames_the_client(self.code) {
                    self.refused += 1;
                }
                return;
            }
            _ => {}
        }
        if matches!(kind, DATA | HEADERS) && flags & END_STREAM != 0 {
            self.answering.remove(&stream);
        }
        if kind == GOAWAY && blames_the_client(self.code) {
            self.refused += 1;
        }
    }
}

/// PROTOCOL_ERROR, FLOW_CONTROL_ERROR, STREAM_CLOSED, FRAME_SIZE_ERROR, COMPRESSION_ERROR,
/// ENHANCE_YOUR_CALM; and REFUSED_STREAM, for more streams at once than were allowed.
fn blames_the_client(code: [u8; CODE]) -> bool {
    matches!(u32::from_be_bytes(code), 1 | 3 | 5 | 6 | 7 | 9 | 11)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
        let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
        let mut frame = length[1..].to_vec();
        frame.extend([kind, flags]);
        frame.extend(stream.to_be_bytes());
        frame.extend(payload);
        frame
    }

    fn conversation() -> Vec<u8> {
        [
            frame(4, 0, 0, &[0; 18]),
            frame(HEADERS, 4, 1, b"answer"),
            frame(DATA, 0, 1, &[7; 5000]),
            frame(HEADERS, 4 | END_STREAM, 3, b"no"),
            frame(HEADERS, 4 | END_STREAM, 1, b"trailers"),
            frame(RST_STREAM, 0, 5, &1_u32.to_be_bytes()),
            frame(RST_STREAM, 0, 7, &8_u32.to_be_bytes()),
            frame(RST_STREAM, 0, 9, &7_u32.to_be_bytes()),
            frame(GOAWAY, 0, 0, b"\0\0\0\x07\0\0\0\x0btoo_many_resets"),
            frame(GOAWAY, 0, 0, &[0, 0, 0, 7, 0, 0, 0, 0]),
        ]
        .concat()
    }

    #[test]
    fn what_the_library_refused_is_told_from_what_it_answered_for_us() {
        let streams = Streams::default();
        // One of the requests is cancelled before we answer.
        let _ours = (streams.take(), streams.take());
        streams.answered();
        streams.sent(&conversation());
        // Stream 3 was answered by the library; 5, 9 and the connection were refused.
        assert_eq!(streams.newly_refused(), 4);
        assert_eq!(streams.newly_refused(), 0);
        streams.sent(&frame(RST_STREAM, 0, 11, &1_u32.to_be_bytes()));
        assert_eq!(streams.newly_refused(), 1);
    }

    proptest! {
        #[test]
        fn where_writes_are_cut_makes_no_difference(cuts in proptest::collection::vec(0..5200_usize, 0..20)) {
            let whole = conversation();
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(whole.len())).collect();
            cuts.extend([0, whole.len()]);
            cuts.sort_unstable();
            let mut sent = Sent::default();
            for pair in cuts.windows(2) {
                sent.read(&whole[pair[0]..pair[1]]);
            }
            prop_assert_eq!((sent.answered, sent.refused), (2, 3));
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            Sent::default().read(&bytes);
        }
    }
}
