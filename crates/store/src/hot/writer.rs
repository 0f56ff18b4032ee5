//! The one thread that writes: many submissions, one commit.

use std::sync::Arc;
use std::thread::JoinHandle;

use admintrail_event::{Draft, Event, EventId, FirstSet, LogId, Micros, Seq};
use hashbrown::HashMap;
use parking_lot::{Mutex, RwLock};
use rusqlite::{CachedStatement, Connection, ErrorCode, OptionalExtension};
use tokio::sync::{mpsc, oneshot, watch};

use super::blocks::{Cutter, HotBlocks};
use super::checkpoint::Checkpoints;
use super::database::{Access, Database, cause_of};
use super::load::read;
use super::recent_ids::{RecentIds, Seen};
use super::registry;
use super::show::{Durable, Show};
use crate::archive::{Archive, Block, Known, Name, Segment, Segments};
use crate::columns::Chunk;
use crate::derived::{Judging, Sessions};
use crate::mirror::Mirror;
use crate::sealer::Errand;
use crate::trail::Receipt;
use crate::{Steps, StoreError};

/// Batches that may wait before senders do.
const WAITING: usize = 1_024;
/// Events of one commit, unless a single batch has more.
const COMMIT_EVENTS: usize = 8_192;

/// Sealed rows that are removed at once.
const SLICE: usize = 5_000;
/// Slices in a second in which nothing else is to be done.
const IDLE_SLICES: usize = 4;

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
    Append {
        batch: Vec<Prepared>,
        reply: Reply,
    },
    /// Close the open block if its second is over, and go on removing sealed rows.
    Tick,
    /// Close the open block, however young; then answer.
    CloseBlock(oneshot::Sender<()>),
    /// Change which segments there are.
    Register(Box<Registration>),
    /// Remove sealed rows and, once there are none, what free pages still have; whether that is done.
    Vacuum(oneshot::Sender<Result<bool, StoreError>>),
    Close,
}

/// Another set of segments, in one transaction.
pub(crate) struct Registration {
    pub(crate) add: Vec<Arc<Segment>>,
    pub(crate) remove: Vec<Name>,
    /// What leaves hot, if something does.
    pub(crate) sealed: Option<Sealed>,
    /// What is to be remembered with it.
    pub(crate) notes: Vec<(&'static str, Vec<u8>)>,
    pub(crate) reply: oneshot::Sender<Result<(), StoreError>>,
}

/// One that changes nothing and tells nobody.
impl Default for Registration {
    fn default() -> Self {
        Self {
            add: Vec::new(),
            remove: Vec::new(),
            sealed: None,
            notes: Vec::new(),
            reply: oneshot::channel().0,
        }
    }
}

/// What leaves hot for the archive.
pub(crate) struct Sealed {
    /// The last event that does.
    pub(crate) last: Seq,
    /// What is left of the chunk that it was in.
    pub(crate) rest: Option<Arc<Chunk>>,
    /// The sessions of what stays, up to a seq.
    pub(crate) sessions: (Sessions, Seq),
}

pub(crate) type Reply = oneshot::Sender<Result<Vec<Receipt>, StoreError>>;

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
    pub(crate) blocks: Arc<Mutex<HotBlocks>>,
    /// The first row that is there; those below the watermark are to be removed.
    pub(crate) first_row: Seq,
    pub(crate) watermark: Seq,
    pub(crate) steps: Steps,
    /// From how many hot events on the sealer is woken.
    pub(crate) seal_at: u64,
    pub(crate) sealer: crossbeam_channel::Sender<Errand>,
    pub(crate) mirror: Arc<Mirror>,
    pub(crate) judging: Arc<RwLock<Judging>>,
    pub(crate) sessions: Arc<RwLock<Sessions>>,
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
        let show = Show {
            mirror: Arc::clone(&parts.mirror),
            sessions: Arc::clone(&parts.sessions),
            status: Arc::clone(&parts.status),
            visible: parts.visible.clone(),
            full,
            sealer: parts.sealer.clone(),
        };
        let work = Work {
            spoiled: false,
            cutter: Cutter::default(),
            parts,
            show,
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
    show: Show,
    checkpoints: Checkpoints,
    /// A sync failed and the database could not be opened again since.
    spoiled: bool,
    /// The block that is being filled.
    cutter: Cutter,
}

/// What one commit accepted.
#[derive(Default)]
struct Accepted {
    events: Vec<Arc<Event>>,
    replies: Vec<(Reply, Vec<Receipt>)>,
    /// Bytes of the rows.
    bytes: usize,
    /// The blocks that ended, and the one that is open afterwards.
    blocks: Vec<Block>,
    cutter: Cutter,
    /// Up to where sealed rows are removed by then.
    removed: Option<Seq>,
}

impl Accepted {
    /// Refuses the batches with an id of which nobody can say whether it is new; the others stay.
    fn refuse_undecided(
        &mut self,
        drafts: &mut Vec<Vec<Prepared>>,
        undecided: &HashMap<EventId, StoreError>,
    ) {
        let replies = std::mem::take(&mut self.replies);
        for (batch, reply) in std::mem::take(drafts).into_iter().zip(replies) {
            let mut damage = batch
                .iter()
                .filter_map(|prepared| undecided.get(&prepared.draft.id));
            let (first, ids) = (damage.next(), 1 + damage.count());
            if let Some(first) = first {
                let cause = first.to_string();
                let _ = reply.0.send(Err(StoreError::Undecided { ids, cause }));
            } else {
                drafts.push(batch);
                self.replies.push(reply);
            }
        }
    }
}

impl Work {
    fn run(mut self, mut inbox: mpsc::Receiver<Command>) {
        while let Some(command) = inbox.blocking_recv() {
            let mut next = Some(command);
            let mut batches = Vec::new();
            let mut events = 0;
            let mut other = None;
            while let Some(command) = next.take() {
                match command {
                    Command::Append { batch, reply } => {
                        events += batch.len();
                        batches.push((batch, reply));
                    }
                    command => {
                        other = Some(command);
                        break;
                    }
                }
                if events < COMMIT_EVENTS {
                    next = inbox.try_recv().ok();
                }
            }
            self.commit(batches);
            match other {
                None | Some(Command::Append { .. }) => {}
                Some(Command::Tick) => self.tick(),
                Some(Command::CloseBlock(done)) => {
                    self.close_block();
                    let _ = done.send(());
                }
                Some(Command::Register(registration)) => self.register(*registration),
                Some(Command::Vacuum(reply)) => {
                    let done = self.vacuum().map_err(|error| StoreError::CannotRecord {
                        cause: error.cause(),
                    });
                    let _ = reply.send(done);
                }
                Some(Command::Close) => {
                    self.close_block();
                    return;
                }
            }
        }
    }

    /// Closes the open block if its second is over, and removes some of the sealed rows.
    fn tick(&mut self) {
        let mut cutter = self.cutter.clone();
        let ended = cutter.close_due((self.parts.clock)());
        if let Err(error) = self.tidy(ended, cutter, IDLE_SLICES) {
            tracing::warn!(cause = error.cause(), "a block could not be closed yet");
        }
    }

    /// Closes the open block, however young.
    fn close_block(&mut self) {
        let mut cutter = self.cutter.clone();
        let ended = cutter.close();
        if let Err(error) = self.tidy(ended, cutter, 0) {
            tracing::warn!(cause = error.cause(), "a block could not be closed yet");
        }
    }

    fn tidy(
        &mut self,
        ended: Option<Block>,
        cutter: Cutter,
        slices: usize,
    ) -> Result<(), WriteError> {
        if self.spoiled {
            return Ok(());
        }
        if let Some(block) = ended {
            registry::add_block(&self.parts.connection, &block)?;
            self.cutter = cutter;
            self.parts.blocks.lock().push(block);
        }
        for _ in 0..slices {
            let transaction = self.parts.connection.transaction()?;
            let range = (self.parts.first_row, self.parts.watermark);
            let Some(removed) = remove_sealed(&transaction, range, SLICE)? else {
                return Ok(());
            };
            transaction.commit()?;
            self.parts.first_row = removed;
            self.parts.steps.reached("rows removed");
            self.checkpoints.wrote(SLICE * ROW_BYTES);
        }
        Ok(())
    }

    /// Removes some of the sealed rows; if none are left, writes the database anew, without its free
    /// pages. It is small then: whoever asks for it has sealed everything.
    fn vacuum(&mut self) -> Result<bool, WriteError> {
        if self.spoiled {
            return Err(WriteError::Spoiled);
        }
        self.tidy(None, self.cutter.clone(), IDLE_SLICES)?;
        if self.parts.first_row < self.parts.watermark {
            return Ok(false);
        }
        // Its copy is made in memory: a file elsewhere would have what is to be nowhere.
        let sql = "PRAGMA temp_store = MEMORY; VACUUM; PRAGMA temp_store = DEFAULT";
        self.parts.connection.execute_batch(sql)?;
        Ok(true)
    }

    /// Changes which segments there are: in the database, then for everyone who looks.
    fn register(&mut self, registration: Registration) {
        let Registration {
            add,
            remove,
            sealed,
            notes,
            reply,
        } = registration;
        let last = sealed.as_ref().map(|sealed| sealed.last);
        if let Err(error) = self.write_registration(&add, &remove, last, &notes) {
            let cause = error.cause();
            if error.spoils_connection() {
                self.reconnect();
            }
            let _ = reply.send(Err(StoreError::CannotRecord { cause }));
            return;
        }
        self.parts.steps.reached("registered");
        let kept = self.parts.mirror.segments();
        let mut segments: Vec<Arc<Segment>> = kept
            .iter()
            .filter(|segment| !remove.contains(&segment.name))
            .chain(&add)
            .cloned()
            .collect();
        segments.sort_unstable_by_key(|segment| segment.name.first);
        let segments: Segments = segments.into();
        let parts = &mut self.parts;
        match sealed {
            None => parts.mirror.replace_segments(segments),
            Some(sealed) => {
                let (mut sessions, upto) = sealed.sessions;
                for event in parts.mirror.after(upto, usize::MAX) {
                    sessions.count(&event);
                }
                let mut held = parts.sessions.write();
                held.replace(sessions);
                parts.mirror.sealed(sealed.last, segments, sealed.rest);
                drop(held);
                let first_hot = Seq(sealed.last.0 + 1);
                parts.blocks.lock().drop_below(first_hot);
                parts.watermark = first_hot;
            }
        }
        let gone = kept.iter().filter(|segment| remove.contains(&segment.name));
        let gone: u64 = gone.map(|segment| segment.head.rows).sum();
        let came: u64 = add.iter().map(|segment| segment.head.rows).sum();
        if last.is_none() {
            let mut status = parts.status.write();
            status.count = (status.count + came).saturating_sub(gone);
        }
        let _ = reply.send(Ok(()));
    }

    fn write_registration(
        &mut self,
        add: &[Arc<Segment>],
        remove: &[Name],
        sealed: Option<Seq>,
        notes: &[(&'static str, Vec<u8>)],
    ) -> Result<(), WriteError> {
        if self.spoiled {
            return Err(WriteError::Spoiled);
        }
        let transaction = self.parts.connection.transaction()?;
        for name in remove {
            registry::remove_segment(&transaction, name)?;
        }
        for segment in add {
            registry::add_segment(&transaction, &segment.name)?;
        }
        if let Some(last) = sealed {
            let first_hot = Seq(last.0 + 1);
            registry::set_watermark(&transaction, first_hot)?;
            registry::remove_blocks_below(&transaction, first_hot)?;
        }
        for (key, value) in notes {
            registry::note(&transaction, key, value)?;
        }
        self.parts.steps.reached("registering");
        transaction.commit()?;
        Ok(())
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
            judging,
            log,
            last_seq,
            mirror,
            recent,
            first_row,
            watermark,
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
        accepted.cutter = self.cutter.clone();
        // What each id means is settled before anything is accepted: nothing is forgotten meanwhile.
        let count = drafts.iter().map(Vec::len).sum();
        let mut known: HashMap<EventId, Known> = HashMap::with_capacity(count);
        let (mut old, mut undecided) = (Vec::new(), HashMap::new());
        for id in drafts.iter().flatten().map(|prepared| prepared.draft.id) {
            match recent.look(id) {
                Seen::New => {}
                Seen::Known(of) => _ = known.insert(id, of),
                Seen::Perhaps => old.push(id),
            }
        }
        if !old.is_empty() {
            let segments = mirror.segments();
            // Many of them may be in one group, so they are looked for together.
            for (id, sealed) in archive.find(&segments, &old) {
                match sealed {
                    Ok(of) => _ = known.insert(id, of),
                    Err(damage) => _ = undecided.insert(id, damage),
                }
            }
            for (id, seq) in mirror.seqs_of(&old) {
                known.extend(hot_known(connection, seq)?.map(|of| (id, of)));
            }
        }
        if !undecided.is_empty() {
            accepted.refuse_undecided(&mut drafts, &undecided);
        }
        let mut judging = judging.write();
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
                if let Some(known) = known.get(&id) {
                    receipts.push(if known.digest == digest {
                        Receipt::Duplicate(known.seq)
                    } else {
                        Receipt::Conflict(known.seq)
                    });
                    continue;
                }
                seq = Seq(seq.0 + 1);
                let (first, polling) = judging.judge(&draft, received);
                draft.polling = polling;
                let event = Arc::new(Event {
                    log: *log,
                    seq,
                    received,
                    first,
                    draft,
                });
                accepted.events.push(Arc::clone(&event));
                if let Some(block) = accepted.cutter.accept(seq, received) {
                    registry::add_block(&transaction, &block)?;
                    accepted.blocks.push(block);
                }
                statements.insert(&event, &digest, &body)?;
                recent.accept(id, Known { seq, digest });
                known.insert(id, Known { seq, digest });
                accepted.bytes += body.len() + ROW_BYTES;
                receipts.push(Receipt::Accepted(seq));
            }
        }
        drop(statements);
        // Readers need not wait for the disk.
        drop(judging);
        // As much leaves as comes, so that hot's file stays as large as it is.
        let most = (2 * accepted.events.len()).min(2 * SLICE);
        accepted.removed = remove_sealed(&transaction, (*first_row, *watermark), most)?;
        transaction.commit()?;
        Ok(())
    }

    /// Takes note of what is durable and has it shown.
    fn publish(&mut self, accepted: Accepted) {
        self.checkpoints.wrote(accepted.bytes);
        self.cutter = accepted.cutter;
        if let Some(removed) = accepted.removed {
            self.parts.first_row = removed;
        }
        if !accepted.blocks.is_empty() {
            let mut blocks = self.parts.blocks.lock();
            accepted.blocks.iter().for_each(|block| blocks.push(*block));
        }
        self.show(accepted.events, accepted.replies);
    }

    fn show(&mut self, events: Vec<Arc<Event>>, replies: Vec<(Reply, Vec<Receipt>)>) {
        let parts = &mut self.parts;
        parts.last_seq = events.last().map_or(parts.last_seq, |event| event.seq);
        let hot = parts.last_seq.0.saturating_sub(parts.watermark.0);
        let durable = Durable {
            events,
            replies,
            seal: hot >= parts.seal_at,
        };
        self.show.publish(durable);
    }

    fn fail(&mut self, accepted: Accepted, error: &WriteError) {
        let cause = error.cause();
        {
            let mut judging = self.parts.judging.write();
            for event in accepted.events.iter().rev() {
                judging.forget(&event.draft, event.first);
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
            // Blocks that ended among them were written with them.
            for event in &found {
                if let Some(block) = self.cutter.accept(event.seq, event.received) {
                    parts.blocks.lock().push(block);
                }
            }
            let mut judging = parts.judging.write();
            for event in &found {
                judging.judge(&event.draft, event.received);
                parts.recent.found(event.draft.id);
            }
            drop(judging);
            self.show(found, Vec::new());
        }
        self.spoiled = false;
    }
}

/// What one transaction runs again and again.
struct Statements<'c> {
    insert: CachedStatement<'c>,
}

impl<'c> Statements<'c> {
    fn prepare(connection: &'c Connection) -> Result<Self, WriteError> {
        Ok(Self {
            insert: connection.prepare_cached(
                "INSERT INTO events (seq, id, time, received, first, polling, digest, body)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            )?,
        })
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

/// What was submitted for a hot event.
fn hot_known(connection: &Connection, seq: Seq) -> rusqlite::Result<Option<Known>> {
    let bound = i64::try_from(seq.0).unwrap_or(i64::MAX);
    let digest: Option<[u8; 16]> = connection
        .prepare_cached("SELECT digest FROM events WHERE seq = ?1")?
        .query_row([bound], |row| row.get(0))
        .optional()?;
    Ok(digest.map(|digest| Known { seq, digest }))
}

/// Removes at most so many of the rows that are sealed; up to where there are none any more, if some
/// were removed.
fn remove_sealed(
    connection: &Connection,
    (from, to): (Seq, Seq),
    most: usize,
) -> rusqlite::Result<Option<Seq>> {
    if from >= to || most == 0 {
        return Ok(None);
    }
    let end = Seq(to.0.min(from.0.saturating_add(most as u64)));
    let bound = |seq: Seq| i64::try_from(seq.0).unwrap_or(i64::MAX);
    connection
        .prepare_cached("DELETE FROM events WHERE seq >= ?1 AND seq < ?2")?
        .execute([bound(from), bound(end)])?;
    Ok(Some(end))
}

/// Why a commit failed.
enum WriteError {
    Database(rusqlite::Error),
    /// What an earlier failure left behind is not known yet.
    Spoiled,
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
