//! An import that is under way: a thread reads the file ahead, and what becomes of its blocks is
//! heard in their order.

use std::fs::File;
use std::io;

use admintrail_event::PanelName;
use anyhow::anyhow;
use futures_util::StreamExt;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;

use super::lines::{Lines, Piece};
use super::progress::Progress;
use super::tally::Tally;
use crate::cli::Failure;
use crate::cli::server_or_folder::Door;
use crate::control_socket::{BLOCK_BYTES, Block, ImportReport, LineError, Told, read};
use crate::stop::Stopper;

/// Blocks that are read ahead.
const AHEAD: usize = 2;

/// Answers that wait to be heard.
const WAITING: usize = 16;

/// What was read off the file, in its order.
enum Came {
    Block { first: u64, next: u64, bytes: usize },
    TooLong { line: u64 },
    End,
    Broken(io::Error),
}

/// How it ended.
pub(super) struct Done {
    pub(super) tally: Tally,
    /// Why not everything was sent, or is known to be in.
    pub(super) failure: Option<Failure>,
    /// Why the record does not show that somebody imported.
    pub(super) unrecorded: Option<String>,
}

/// A file that is being read.
pub(super) struct UnderWay {
    came: mpsc::UnboundedReceiver<Came>,
    stopper: Stopper,
    tally: Tally,
    /// The first line of which nothing is known yet.
    next: u64,
    /// Whoever takes the blocks has said that it is over.
    ended: bool,
    interrupted: bool,
    failure: Option<Failure>,
    unrecorded: Option<String>,
}

impl UnderWay {
    /// Begins to read, and to have every line taken over by whoever is behind the door. What came
    /// before a failure is in and is told.
    pub(super) async fn run(
        lines: Lines<File>,
        door: Door,
        panel: Option<PanelName>,
        progress: &Progress,
    ) -> Done {
        let (ahead, blocks) = mpsc::channel(AHEAD);
        let (tell, came) = mpsc::unbounded_channel();
        let mut this = Self {
            came,
            stopper: Stopper::new(),
            tally: Tally::default(),
            next: 1,
            ended: false,
            interrupted: false,
            failure: None,
            unrecorded: None,
        };
        // Nobody waits for this thread: it may hang at a pipe that nobody writes to any more.
        std::thread::spawn(move || read_ahead(lines, &ahead, &tell));
        let mut stop = this.stopper.listener();
        let blocks = Block::stream(blocks).take_until(async move { stop.told().await });
        let (tell, told) = mpsc::channel(WAITING);
        let (done, ()) = tokio::join!(
            door.import(panel.as_ref(), blocks, tell),
            this.hear_all(told, progress)
        );
        this.end(done);
        Done {
            tally: this.tally,
            failure: this.failure,
            unrecorded: this.unrecorded,
        }
    }

    async fn hear_all(&mut self, mut told: mpsc::Receiver<Told>, progress: &Progress) {
        let mut interrupts = Interrupts::listen();
        loop {
            tokio::select! {
                one = told.recv() => match one {
                    Some(one) => self.hear(one, progress),
                    None => return,
                },
                () = interrupts.next() => {
                    if self.interrupted {
                        std::process::exit(1);
                    }
                    self.interrupted = true;
                    self.stopper.stop();
                }
            }
        }
    }

    fn hear(&mut self, one: Told, progress: &Progress) {
        let heard = one.map_err(Failure::from).and_then(|answer| {
            self.unrecorded = self.unrecorded.take().or(answer.unrecorded);
            Ok(read(serde_json::from_value::<ImportReport>(answer.value))?)
        });
        match heard {
            Ok(report) if report.ended => self.ended = true,
            Ok(report) => {
                let block = self.next_block();
                self.tally.add(report);
                if let Some((_, next, bytes)) = block {
                    self.next = next;
                    progress.took(bytes, self.tally.taken());
                }
            }
            Err(failure) => {
                let line = self.next_block().map_or(self.next, |(first, ..)| first);
                self.fail(failure, line);
                self.stopper.stop();
            }
        }
    }

    /// The next block that was read: its first line, the one after it, and its bytes. What is wrong
    /// with lines before it is noted.
    fn next_block(&mut self) -> Option<(u64, u64, usize)> {
        loop {
            match self.came.try_recv() {
                Ok(Came::Block { first, next, bytes }) => return Some((first, next, bytes)),
                Ok(Came::TooLong { line }) => self.note_too_long(line),
                _ => return None,
            }
        }
    }

    fn note_too_long(&mut self, line: u64) {
        self.next = line + 1;
        self.tally.note(LineError {
            line,
            message: format!("is longer than {BLOCK_BYTES} bytes"),
        });
    }

    /// The first failure is the one that is told.
    fn fail(&mut self, failure: Failure, line: u64) {
        if self.failure.is_some() {
            return;
        }
        self.failure = Some(match failure {
            Failure::Failed(error) => Failure::Failed(error.context(format!(
                "stopped at line {line}; import the file again for the rest, what is in stays in once"
            ))),
            failure => failure,
        });
    }

    /// Sees to what was not answered.
    fn end(&mut self, done: anyhow::Result<()>) {
        let mut whole = false;
        let mut broken = None;
        while let Ok(came) = self.came.try_recv() {
            match came {
                Came::Block { .. } => break,
                Came::TooLong { line } => self.note_too_long(line),
                Came::End => whole = true,
                Came::Broken(error) => broken = Some(error),
            }
        }
        let line = self.next;
        let stopped = match (done, broken) {
            (Err(error), _) => error,
            (Ok(()), _) if !self.ended => anyhow!("the server stopped before it answered"),
            (Ok(()), Some(error)) => {
                let before = line - 1;
                let error = anyhow::Error::from(error).context(format!(
                    "cannot read on after line {before}; what came before is in"
                ));
                self.failure.get_or_insert(Failure::Failed(error));
                return;
            }
            (Ok(()), None) if whole => return,
            (Ok(()), None) if self.interrupted => anyhow!("interrupted"),
            (Ok(()), None) => anyhow!("the server stops"),
        };
        self.fail(Failure::Failed(stopped), line);
    }
}

/// Reads as long as somebody takes what it reads.
fn read_ahead(
    mut lines: Lines<File>,
    ahead: &mpsc::Sender<Block>,
    tell: &mpsc::UnboundedSender<Came>,
) {
    loop {
        let came = match lines.next() {
            Ok(Some(Piece::Block(block))) => {
                let came = Came::Block {
                    first: block.first,
                    next: lines.next_line(),
                    bytes: block.bytes.len(),
                };
                // Told first, so that it is known when the answer comes.
                if tell.send(came).is_err() || ahead.blocking_send(block).is_err() {
                    return;
                }
                continue;
            }
            Ok(Some(Piece::TooLong { line })) => {
                let _ = tell.send(Came::TooLong { line });
                continue;
            }
            Ok(None) => Came::End,
            Err(error) => Came::Broken(error),
        };
        let _ = tell.send(came);
        return;
    }
}

/// Ctrl-C, and what ends processes politely.
struct Interrupts([Option<Signal>; 2]);

impl Interrupts {
    fn listen() -> Self {
        Self([SignalKind::interrupt(), SignalKind::terminate()].map(|kind| signal(kind).ok()))
    }

    async fn next(&mut self) {
        let [one, other] = &mut self.0;
        tokio::select! {
            () = told(one) => {}
            () = told(other) => {}
        }
    }
}

/// Where the system does not say when, it ends the process itself.
async fn told(signal: &mut Option<Signal>) {
    match signal {
        Some(signal) => {
            signal.recv().await;
        }
        None => std::future::pending().await,
    }
}
