//! The one thread that writes: many submissions, one commit.

use std::sync::Arc;
use std::thread::JoinHandle;

use admintrail_event::{Draft, Event, EventId, FirstSet, LogId, Micros, Seq};
use parking_lot::{Mutex, RwLock};
use rusqlite::{CachedStatement, Connection, ErrorCode, OptionalExtension};
use tokio::sync::{mpsc, oneshot, watch};

use super::checkpoint::Checkpoints;
use super::database::{Access, Database, cause_of};
use super::load::read;
use super::recent_ids::{RecentIds, Seen};
use crate::StoreError;
use crate::archive::{Archive, Known};
use crate::derived::Derived;
use crate::mirror::Mirror;
use crate::trail::Receipt;

/// Batches that may wait before senders do.
const WAITING: usize = 1_024;
/// Events of one commit, unless a single batch has more.
const COMMIT_EVENTS: usize = 8_192;

/// Bytes of a row beside its body, index included.
const ROW_BYTES: usize = 96;

/// An event made ready to be written.
pub(crate) struct Prepared {
    pub(crate) draft: Draft,
    pub(crate) digest: [u8; 16],
    /// [`super::encode_body`] of the draft, done by whoever submits it.
    pub(crate) body: Vec<u8>,
}

/// What the writer is asked.
pub(crate) enum Command {
    Append { batch: Vec<Prepared>, reply: Reply },
    Close,
}

type Reply = oneshot::Sender<Result<Vec<Receipt>, StoreError>>;

/// What the writer tells everyone else.
#[derive(Debug, Clone, Default)]
pub(crate) struct Status {
    pub(crate) count: u64,
    pub(crate) first_received: Option<Micros>,
    pub(crate) last_received: Option<Micros>,
    pub(crate) failing: Option<(Micros, String)>,
}

/// What the writer works with.
pub(crate) struct WriterParts {
    pub(crate) database: Database,
    pub(crate) connection: Connection,
    pub(crate) log: LogId,
    pub(crate) clock: Arc<dyn Fn() -> Micros + Send + Sync>,
    pub(crate) archive: Arc<dyn Archive>,
    pub(crate) mirror: Arc<Mirror>,
    pub(crate) derived: Arc<RwLock<Derived>>,
    pub(crate) status: Arc<RwLock<Status>>,
    pub(crate) visible: watch::Sender<Seq>,
    pub(crate) last_seq: Seq,
    pub(crate) recent: RecentIds,
}

/// A handle to the writer's thread.
pub(crate) struct Writer {
    commands: mpsc::Sender<Command>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Writer {
    /// Starts the threads.
    pub(crate) fn start(parts: WriterParts) -> std::io::Result<Self> {
        let (commands, inbox) = mpsc::channel(WAITING);
        let (full, chunks) = crossbeam_channel::bounded::<()>(1);
        let mirror = Arc::clone(&parts.mirror);
        let chunker = std::thread::Builder::new()
            .name("trail-chunks".to_owned())
            .spawn(move || {
                while chunks.recv().is_ok() {
                    mirror.make_chunks();
                }
            })?;
        let (checkpoints, checkpointer) = Checkpoints::start(parts.database.clone())?;
        let work = Work {
            spoiled: false,
            parts,
            full,
            checkpoints,
        };
        let writer = std::thread::Builder::new()
            .name("trail-writer".to_owned())
            .spawn(move || work.run(inbox))?;
        Ok(Self {
            commands,
            threads: Mutex::new(vec![writer, chunker, checkpointer]),
        })
    }

    pub(crate) fn commands(&self) -> &mpsc::Sender<Command> {
        &self.commands
    }

    /// Waits for what was sent before, then ends the threads. Safe to call again.
    pub(crate) fn close(&self) {
        let threads = std::mem::take(&mut *self.threads.lock());
        if threads.is_empty() {
            return;
        }
        let mut close = Command::Close;
        // The channel may be full; this may be called from an async thread, where blocking sends panic.
        while let Err(mpsc::error::TrySendError::Full(back)) = self.commands.try_send(close) {
            close = back;
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
        for thread in threads {
            let _ = thread.join();
        }
    }
}

struct Work {
    parts: WriterParts,
    /// Wakes the thread that makes chunks.
    full: crossbeam_channel::Sender<()>,
    checkpoints: Checkpoints,
    /// A sync failed and the database could not be opened again since.
    spoiled: bool,
}

/// What one commit accepted.
#[derive(Default)]
struct Accepted {
    events: Vec<Arc<Event>>,
    replies: Vec<(Reply, Vec<Receipt>)>,
    /// Bytes of the rows.
    bytes: usize,
}

impl Work {
    fn run(mut self, mut inbox: mpsc::Receiver<Command>) {
        while let Some(command) = inbox.blocking_recv() {
            let mut next = Some(command);
            let mut batches = Vec::new();
            let mut events = 0;
            let mut closing = false;
            while let Some(command) = next.take() {
                match command {
                    Command::Append { batch, reply } => {
                        events += batch.len();
                        batches.push((batch, reply));
                    }
                    Command::Close => {
                        closing = true;
                        break;
                    }
                }
                if events < COMMIT_EVENTS {
                    next = inbox.try_recv().ok();
                }
            }
            self.commit(batches);
            if closing {
                return;
            }
        }
    }

    fn commit(&mut self, batches: Vec<(Vec<Prepared>, Reply)>) {
        if batches.is_empty() {
            return;
        }
        let mut accepted = Accepted::default();
        if self.spoiled {
            self.reconnect();
        }
        match self.write(batches, &mut accepted) {
            Ok(()) => self.publish(accepted),
            Err(error) => self.fail(accepted, &error),
        }
    }

    /// Writes all batches in one transaction, durable when this returns Ok.
    fn write(
        &mut self,
        batches: Vec<(Vec<Prepared>, Reply)>,
        accepted: &mut Accepted,
    ) -> Result<(), WriteError> {
        let WriterParts {
            connection,
            clock,
            archive,
            derived,
            log,
            last_seq,
            recent,
            ..
        } = &mut self.parts;
        let received = clock();
        let mut seq = *last_seq;
        // Replies are kept first: whatever happens, everyone gets an answer.
        let mut drafts = Vec::with_capacity(batches.len());
        for (batch, reply) in batches {
            accepted
                .replies
                .push((reply, Vec::with_capacity(batch.len())));
            drafts.push(batch);
        }
        if self.spoiled {
            return Err(WriteError::Spoiled);
        }
        let mut derived = derived.write();
        let transaction =
            connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        let mut statements = Statements::prepare(&transaction)?;
        for (batch, (_, receipts)) in drafts.into_iter().zip(&mut accepted.replies) {
            for Prepared {
                mut draft,
                digest,
                body,
            } in batch
            {
                let id = draft.id;
                let known = match recent.look(id) {
                    Seen::New => None,
                    Seen::Known(known) => Some(known),
                    Seen::Perhaps => statements.known(archive.as_ref(), id)?,
                };
                if let Some(known) = known {
                    receipts.push(if known.digest == digest {
                        Receipt::Duplicate(known.seq)
                    } else {
                        Receipt::Conflict(known.seq)
                    });
                    continue;
                }
                seq = Seq(seq.0 + 1);
                let (first, polling) = derived.judge(&draft, received);
                draft.polling = polling;
                let event = Arc::new(Event {
                    log: *log,
                    seq,
                    received,
                    first,
                    draft,
                });
                accepted.events.push(Arc::clone(&event));
                statements.insert(&event, &digest, &body)?;
                recent.accept(id, Known { seq, digest });
                accepted.bytes += body.len() + ROW_BYTES;
                receipts.push(Receipt::Accepted(seq));
            }
        }
        drop(statements);
        // Readers need not wait for the disk.
        drop(derived);
        transaction.commit()?;
        Ok(())
    }

    /// Makes visible what is durable, then answers.
    fn publish(&mut self, accepted: Accepted) {
        self.checkpoints.wrote(accepted.bytes);
        if !accepted.events.is_empty() {
            self.show(accepted.events);
        }
        self.parts.status.write().failing = None;
        for (reply, receipts) in accepted.replies {
            let _ = reply.send(Ok(receipts));
        }
    }

    fn show(&mut self, mut events: Vec<Arc<Event>>) {
        let parts = &mut self.parts;
        {
            let mut derived = parts.derived.write();
            events.iter().for_each(|event| derived.count(event));
        }
        {
            let mut status = parts.status.write();
            status.count += events.len() as u64;
            status.first_received = status.first_received.or(events.first().map(|e| e.received));
            status.last_received = events.last().map(|e| e.received);
        }
        parts.last_seq = events.last().map_or(parts.last_seq, |event| event.seq);
        if parts.mirror.add(&mut events) {
            let _ = self.full.try_send(());
        }
        parts.visible.send_replace(parts.last_seq);
    }

    fn fail(&mut self, accepted: Accepted, error: &WriteError) {
        let cause = error.cause();
        {
            let mut derived = self.parts.derived.write();
            for event in accepted.events.iter().rev() {
                derived.forget(&event.draft, event.first);
                self.parts.recent.forget(event.draft.id);
            }
        }
        {
            let mut status = self.parts.status.write();
            if status.failing.is_none() {
                tracing::error!(cause, "events cannot be recorded");
                status.failing = Some(((self.parts.clock)(), cause.clone()));
            }
        }
        if error.spoils_connection() {
            self.reconnect();
        }
        for (reply, _) in accepted.replies {
            let _ = reply.send(Err(StoreError::CannotRecord {
                cause: cause.clone(),
            }));
        }
    }

    /// After a failed sync nobody knows what is on the disk: look with new descriptors.
    fn reconnect(&mut self) {
        self.spoiled = true;
        let parts = &mut self.parts;
        let connection = match parts.database.connect(Access::Write) {
            Ok(connection) => connection,
            Err(error) => {
                tracing::error!(%error, "trail.db cannot be opened again");
                return;
            }
        };
        parts.connection = connection;
        let mut found = Vec::new();
        let from = parts.last_seq.0 + 1;
        let read = read(
            &parts.database,
            &parts.connection,
            parts.log,
            from..u64::MAX,
            |event| {
                found.push(Arc::new(event));
            },
        );
        if let Err(error) = read {
            tracing::error!(%error, "what was written last cannot be read");
            return;
        }
        if !found.is_empty() {
            let mut derived = parts.derived.write();
            for event in &found {
                derived.judge(&event.draft, event.received);
                parts.recent.found(event.draft.id);
            }
            drop(derived);
            self.show(found);
        }
        self.spoiled = false;
    }
}

/// What one transaction runs again and again.
struct Statements<'c> {
    known: CachedStatement<'c>,
    insert: CachedStatement<'c>,
}

impl<'c> Statements<'c> {
    fn prepare(connection: &'c Connection) -> Result<Self, WriteError> {
        Ok(Self {
            known: connection.prepare_cached("SELECT seq, digest FROM events WHERE id = ?1")?,
            insert: connection.prepare_cached(
                "INSERT INTO events (seq, id, time, received, first, polling, digest, body)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            )?,
        })
    }

    fn known(&mut self, archive: &dyn Archive, id: EventId) -> Result<Option<Known>, WriteError> {
        let found: Option<(i64, [u8; 16])> = self
            .known
            .query_row([id.as_bytes().as_slice()], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .optional()?;
        match found {
            Some((seq, digest)) => Ok(Some(Known {
                seq: Seq(u64::try_from(seq).unwrap_or(0)),
                digest,
            })),
            None => archive.find(id).map_err(WriteError::Archive),
        }
    }

    fn insert(&mut self, event: &Event, digest: &[u8; 16], body: &[u8]) -> Result<(), WriteError> {
        let FirstSet(first) = event.first;
        self.insert.execute(rusqlite::params![
            i64::try_from(event.seq.0).unwrap_or(i64::MAX),
            event.draft.id.as_bytes().as_slice(),
            event.draft.time.0,
            event.received.0,
            first,
            event.draft.polling,
            digest.as_slice(),
            body,
        ])?;
        Ok(())
    }
}

/// Why a commit failed.
enum WriteError {
    Database(rusqlite::Error),
    /// What an earlier failure left behind is not known yet.
    Spoiled,
    Archive(StoreError),
}

impl From<rusqlite::Error> for WriteError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(error)
    }
}

impl WriteError {
    fn cause(&self) -> String {
        match self {
            Self::Database(error) => cause_of(error),
            Self::Spoiled => "the disk failed and trail.db cannot be opened again yet".to_owned(),
            Self::Archive(error) => error.to_string(),
        }
    }

    fn spoils_connection(&self) -> bool {
        let Self::Database(error) = self else {
            return false;
        };
        !matches!(
            error.sqlite_error_code(),
            Some(ErrorCode::DiskFull | ErrorCode::DatabaseBusy)
        )
    }
}
