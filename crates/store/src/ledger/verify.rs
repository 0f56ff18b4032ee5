//! Everything, from the rows to the signed checkpoint: reads a data folder beside its server or without
//! one, and changes nothing.

use std::collections::{BTreeMap, VecDeque};
use std::num::NonZero;
use std::path::Path;
use std::sync::Arc;

use admintrail_event::{LogId, Seq};
use admintrail_ledger::{
    Checkpoint, Fault, FaultKind, Hash, Kept as Whole, LedgerEntry, LedgerError, RecordedBlock,
    RecordedEvent, Report, Statement, StatementKind, TileId, TileLevel, TileReader, TileSource,
    TreeHead, Verifier, VerifierKey, VerifyError, bundle_entries,
};
use rusqlite::Connection;

use super::block::PrivateBlock;
use super::database::LedgerDatabase;
use super::erasure::Erasures;
use super::folder::Published;
use super::key::verification_key;
use super::rows::{Done, Hasher, Job, Numbered, Recorders, Row, work};
use super::tiles::Tiles;
use crate::StoreError;
use crate::archive::{Archive, Name, Segment, SegmentFolder, Shared};
use crate::hot::{Access, Database, RawRow, each_raw_row, segments, watermark};
use crate::trail::Tuning;

/// Bytes of what was read that are kept: nothing is read twice.
const CACHE: u64 = 16 << 20;

/// So often it looks again when the folder was rewritten while it was read.
const REWRITTEN: u32 = 3;

/// What to verify against.
#[derive(Debug, Clone, Default)]
pub struct VerifyOptions {
    /// The key that has to have signed; by default the folder's own.
    pub key: Option<VerifierKey>,
    /// An earlier checkpoint of this ledger, verified then: only what came after it is read, and that
    /// the ledger still begins with it is proven.
    pub since: Option<Vec<u8>>,
    /// Checkpoints that somebody else kept, and where: the ledger must pass through them.
    pub anchors: Vec<(String, Vec<u8>)>,
    /// Threads that hash; by default as many as there are processors.
    pub threads: Option<NonZero<usize>>,
}

/// What was found.
#[derive(Debug, Clone)]
pub struct Verified {
    /// The ledger's name.
    pub origin: String,
    /// Entries that its last checkpoint covers.
    pub entries: u64,
    /// What is in order, or the first thing that is not.
    pub outcome: Result<Report, Fault>,
    /// Events that are in no block yet: the ledger says nothing of them.
    pub waiting: u64,
    /// Events that stand where a statement says that the ledger has none.
    pub outside: u64,
    /// Recorders that left out numbers, with how many: requests that were never recorded. By recorder
    /// and epoch.
    pub gaps: Vec<(String, u64, u64)>,
    /// The statements of the ledger, by their place.
    pub statements: BTreeMap<u64, Statement>,
    /// Pseudonyms of erasures that are announced and not done: their events are not held against what
    /// they are to leave yet. A server that runs, or the next one, ends them.
    pub unfinished: Vec<String>,
    /// Anchors that are no checkpoints of this ledger, so that nothing was held against them, and why.
    pub unusable: Vec<(String, String)>,
}

/// Verifies a data folder. `progress` is told how many events of how many were looked at.
///
/// # Errors
/// What keeps it from looking: files that cannot be read, a key that is missing, formats of a newer
/// version, a `since` that is no checkpoint. What is found wrong is no error.
pub fn verify(
    dir: &Path,
    options: &VerifyOptions,
    mut progress: impl FnMut(u64, u64),
) -> Result<Verified, StoreError> {
    let mut tries = 0..REWRITTEN;
    loop {
        let (verified, segments) = once(dir, options, &mut progress)?;
        // What was read may have been rewritten by an erasure or by retention while it was.
        let meanwhile = || Ok::<_, StoreError>(registered(dir)? != segments);
        if verified.outcome.is_ok() || tries.next().is_none() || !meanwhile()? {
            return Ok(verified);
        }
    }
}

/// The segments that count now.
fn registered(dir: &Path) -> Result<Vec<Name>, StoreError> {
    let database = Database::in_folder(dir);
    let connection = database.connect(Access::Read)?;
    segments(&connection).map_err(|error| database.opening_error(&error))
}

/// Verifies it once; also which segments counted when it began.
fn once(
    dir: &Path,
    options: &VerifyOptions,
    mut progress: impl FnMut(u64, u64),
) -> Result<(Verified, Vec<Name>), StoreError> {
    let mut found = Found::read(dir, options)?;
    let published = Published::below(dir);
    let checkpoint = match open_checkpoint(&published, &found.key)? {
        Ok(checkpoint) => checkpoint,
        Err(fault) => {
            let names = found.names.clone();
            return Ok((found.verified(Err(fault)), names));
        }
    };
    found.catch_up()?;
    let mut verifying = Verifying::begin(&found, &published, checkpoint.head, options)?;
    let mut outcome = verifying.run(&mut progress)?;
    if outcome.is_ok() {
        let left = found.erasures.check(&found.private, &found.statements)?;
        outcome = left.map_or(outcome, Err);
    }
    let verified = Verified {
        origin: checkpoint.origin,
        entries: checkpoint.head.size,
        outcome,
        waiting: verifying.waiting,
        outside: verifying.outside,
        gaps: verifying.gaps(),
        statements: found.statements.clone(),
        unfinished: found.erasures.unfinished(&found.statements),
        unusable: verifying.unusable,
    };
    Ok((verified, found.names))
}

/// What a folder has. It is read in an order in which nothing can be missed while a server goes on: rows
/// before the checkpoint that may speak of them, and what came between afterwards.
struct Found {
    log: LogId,
    key: VerifierKey,
    database: Database,
    connection: Connection,
    folder: Arc<SegmentFolder>,
    /// Which segments counted, and those that can be opened.
    names: Vec<Name>,
    segments: Vec<Arc<Segment>>,
    /// Hot rows, hashed.
    hot: Vec<Row>,
    /// Those that were in no block yet, to be hashed once more.
    fresh: Vec<(u64, Option<RawRow>)>,
    recorders: Recorders,
    private: LedgerDatabase,
    /// Those that were done before the first row was read.
    erasures: Arc<Erasures>,
    statements: BTreeMap<u64, Statement>,
}

impl Found {
    fn read(dir: &Path, options: &VerifyOptions) -> Result<Self, StoreError> {
        let database = Database::in_folder(dir);
        if !database.path.exists() {
            return Err(StoreError::NotReadable {
                path: database.path,
                cause: "there is no trail in this folder yet".to_owned(),
            });
        }
        let connection = database.connect(Access::Read)?;
        let log = database.log(&connection)?.unwrap_or_default();
        let key = match &options.key {
            Some(key) => key.clone(),
            None => verification_key(dir, log)?.ok_or_else(|| StoreError::NotReadable {
                path: dir.join(super::SIGNING_KEY),
                cause: "the folder has no ledger yet; start a server on it once".to_owned(),
            })?,
        };
        let private = LedgerDatabase::open(dir, Access::Read)?;
        let folder = Arc::new(SegmentFolder::below(
            dir,
            Tuning::default().group,
            Arc::new(Shared::keeping(CACHE)),
            crate::Steps::default(),
            Access::Read,
        ));
        let mut found = Self {
            log,
            key,
            database,
            connection,
            folder,
            names: Vec::new(),
            segments: Vec::new(),
            hot: Vec::new(),
            fresh: Vec::new(),
            recorders: Recorders::default(),
            erasures: Arc::new(Erasures::read(&private)?),
            private,
            statements: BTreeMap::new(),
        };
        found.names = found.read_hot(None)?;
        // The events of one that cannot be opened are missing, which is found.
        let names = found.names.iter();
        found.segments = names
            .filter_map(|name| found.folder.open(name.clone()).ok())
            .collect();
        Ok(found)
    }

    /// Reads hot rows: all of one moment together with the segments of that moment, or those after a
    /// seq.
    fn read_hot(&mut self, after: Option<Seq>) -> Result<Vec<Name>, StoreError> {
        let wrong = |error: rusqlite::Error| self.database.opening_error(&error);
        let moment = self.connection.unchecked_transaction().map_err(wrong)?;
        let names = segments(&moment).map_err(wrong)?;
        let from = match after {
            Some(after) => Seq(after.0 + 1),
            None => watermark(&moment).map_err(wrong)?,
        };
        let threads = std::thread::available_parallelism().map_or(1, NonZero::get);
        let (log, private, erasures) = (self.log, &self.private, &*self.erasures);
        let (jobs, inbox) = crossbeam_channel::bounded::<Slice>(threads);
        let (outbox, done) = crossbeam_channel::unbounded::<Sliced>();
        std::thread::scope(|scope| {
            for _ in 0..threads {
                let (inbox, outbox) = (inbox.clone(), outbox.clone());
                scope.spawn(move || {
                    for slice in inbox {
                        let _ = outbox.send(slice.hash(log, erasures));
                    }
                });
            }
            drop((inbox, outbox));
            // However this ends, it ends the threads.
            let jobs = jobs;
            let mut rows = Vec::with_capacity(SLICE);
            let hand_on = |rows: &mut Vec<_>| {
                let slice = Slice::of(private, std::mem::take(rows))?;
                let _ = jobs.send(slice);
                Ok(())
            };
            let read = each_raw_row(&moment, from, |seq, row| {
                rows.push((seq, row));
                if rows.len() >= SLICE {
                    hand_on(&mut rows)?;
                }
                Ok(())
            });
            read.map_err(wrong)??;
            hand_on(&mut rows)
        })?;
        for sliced in done {
            self.hot.extend(sliced.rows);
            self.fresh.extend(sliced.fresh);
            self.recorders.join(sliced.recorders);
        }
        self.hot.sort_by_key(|row| row.seq);
        self.fresh.sort_by_key(|(seq, _)| *seq);
        moment.commit().map_err(wrong)?;
        Ok(names)
    }

    /// Reads what came while the rest was read, and hashes what is in a block by now.
    fn catch_up(&mut self) -> Result<(), StoreError> {
        let fresh = std::mem::take(&mut self.fresh);
        let last = fresh.last().map(|(seq, _)| *seq);
        let last = last.or(self.hot.last().map(|row| row.seq.0));
        let segments = self.segments.iter().map(|segment| segment.name.last.0);
        let last = last.max(segments.max()).unwrap_or(0);
        let sliced = Slice::of(&self.private, fresh)?.hash(self.log, &self.erasures);
        self.hot.extend(sliced.rows);
        self.recorders.join(sliced.recorders);
        let still = sliced.fresh;
        self.read_hot(Some(Seq(last)))?;
        // In no block: they wait, whatever they are.
        let newer = std::mem::take(&mut self.fresh);
        let waiting = still
            .iter()
            .chain(&newer)
            .map(|(seq, _)| Row::unread(Seq(*seq)));
        let mut waiting: Vec<Row> = waiting.collect();
        self.hot.append(&mut waiting);
        self.hot.sort_by_key(|row| row.seq);
        self.statements = self.private.read_statements()?.into_iter().collect();
        Ok(())
    }

    fn verified(self, outcome: Result<Report, Fault>) -> Verified {
        Verified {
            origin: self.key.name().to_owned(),
            entries: 0,
            outcome,
            waiting: 0,
            outside: 0,
            gaps: Vec::new(),
            statements: self.statements,
            unfinished: Vec::new(),
            unusable: Vec::new(),
        }
    }
}

/// Hot rows that are hashed together.
const SLICE: usize = 8_192;

/// Hot rows with the blocks that they are in.
struct Slice {
    rows: Vec<(u64, Option<RawRow>)>,
    blocks: Vec<PrivateBlock>,
}

/// A slice that is hashed.
struct Sliced {
    rows: Vec<Row>,
    /// Those that are in no block yet.
    fresh: Vec<(u64, Option<RawRow>)>,
    recorders: Recorders,
}

impl Slice {
    fn of(private: &LedgerDatabase, rows: Vec<(u64, Option<RawRow>)>) -> Result<Self, StoreError> {
        let blocks = match (rows.first(), rows.last()) {
            (Some((first, _)), Some((last, _))) => private.blocks(Seq(*first), Seq(*last))?,
            _ => Vec::new(),
        };
        Ok(Self { rows, blocks })
    }

    fn hash(self, log: LogId, erasures: &Erasures) -> Sliced {
        let end = self.blocks.last().map_or(Seq(0), PrivateBlock::last);
        let mut hasher = Hasher::new(log, (&self.blocks, erasures), self.rows.len());
        let mut fresh = Vec::new();
        for (seq, row) in self.rows {
            if Seq(seq) > end {
                fresh.push((seq, row));
                continue;
            }
            match row.as_ref().and_then(RawRow::fields) {
                Some(fields) => hasher.take(&fields),
                None => hasher.unreadable(Seq(seq)),
            }
        }
        let (rows, recorders) = hasher.finish();
        Sliced {
            rows,
            fresh,
            recorders,
        }
    }
}

/// The published checkpoint; a fault if it is gone or not signed by the key.
fn open_checkpoint(
    published: &Published,
    key: &VerifierKey,
) -> Result<Result<Checkpoint, Fault>, StoreError> {
    let fault = || {
        Err(Fault {
            kind: FaultKind::Rewritten,
            first: Seq(1),
            last: Seq(1),
            entry: 0,
        })
    };
    let bytes = published
        .checkpoint()
        .map_err(|error| StoreError::NotReadable {
            path: "ledger/checkpoint".into(),
            cause: error.to_string(),
        })?;
    let Some(bytes) = bytes else {
        return Ok(fault());
    };
    let opened = Checkpoint::open(&bytes, std::slice::from_ref(key));
    Ok(match opened {
        Ok(checkpoint) => Ok(checkpoint),
        Err(_) => fault(),
    })
}

/// A checkpoint that somebody gives.
fn head_of(bytes: &[u8], what: &str, key: &VerifierKey) -> Result<TreeHead, StoreError> {
    let opened = Checkpoint::open(bytes, std::slice::from_ref(key));
    opened
        .map(|checkpoint| checkpoint.head)
        .map_err(|error| StoreError::NotCheckpoint {
            what: what.to_owned(),
            cause: error.to_string(),
        })
}

/// What ends a verification early.
pub(super) enum Stop {
    Verify(VerifyError),
    Store(StoreError),
}

impl From<VerifyError> for Stop {
    fn from(error: VerifyError) -> Self {
        Self::Verify(error)
    }
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

struct Verifying<'f> {
    found: &'f Found,
    published: &'f Published,
    head: TreeHead,
    verifier: Option<Verifier<&'f Published>>,
    /// The first entry and event to look at.
    start: (u64, Seq),
    recorders: Recorders,
    waiting: u64,
    outside: u64,
    /// What was found before an entry was looked at.
    early: Option<Fault>,
    unusable: Vec<(String, String)>,
    threads: Option<NonZero<usize>>,
}

impl<'f> Verifying<'f> {
    fn begin(
        found: &'f Found,
        published: &'f Published,
        head: TreeHead,
        options: &VerifyOptions,
    ) -> Result<Self, StoreError> {
        let reader = TileReader::new(published, head);
        let mut start = (0, Seq(1));
        let mut verifying = Self {
            found,
            published,
            head,
            verifier: None,
            start,
            recorders: found.recorders.clone(),
            waiting: 0,
            outside: 0,
            early: None,
            unusable: Vec::new(),
            threads: options.threads,
        };
        let verifier = match &options.since {
            None => Ok(Verifier::new(reader)),
            Some(bytes) => {
                let since = head_of(bytes, "--since", &found.key)?;
                if since.size > head.size {
                    // Its ledger was longer: what it had is gone.
                    let mut verifier = Verifier::new(reader);
                    verifier.anchor(since).map(|()| verifier)
                } else {
                    start = (since.size, verifying.next_at(since.size)?);
                    Verifier::resume(reader, since, start.1)
                }
            }
        };
        verifying.start = start;
        verifying.verifier = verifying.or_early(verifier)?;
        for (place, bytes) in &options.anchors {
            let anchor = match Checkpoint::open(bytes, std::slice::from_ref(&found.key)) {
                Ok(checkpoint) => checkpoint.head,
                Err(error) => {
                    verifying.unusable.push((place.clone(), error.to_string()));
                    continue;
                }
            };
            let done = match &mut verifying.verifier {
                Some(verifier) => verifier.anchor(anchor),
                None => Ok(()),
            };
            let _ = verifying.or_early(done)?;
        }
        for (index, statement) in &found.statements {
            // What is not signed yet excuses nothing.
            if *index >= head.size {
                continue;
            }
            let done = match &mut verifying.verifier {
                Some(verifier) => verifier.declare(*index, statement),
                None => Ok(()),
            };
            let _ = verifying.or_early(done)?;
        }
        Ok(verifying)
    }

    /// Keeps a fault for later; an error ends it.
    fn or_early<T>(&mut self, done: Result<T, VerifyError>) -> Result<Option<T>, StoreError> {
        match done {
            Ok(done) => Ok(Some(done)),
            Err(VerifyError::Fault(fault)) => {
                self.early.get_or_insert(fault);
                Ok(None)
            }
            Err(VerifyError::CannotCheck(error)) => Err(cannot(&error)),
        }
    }

    /// The first event after an entry's place: that after the last block before it.
    fn next_at(&self, size: u64) -> Result<Seq, StoreError> {
        let mut reader = TileReader::new(self.published, self.head);
        let width = u64::from(admintrail_ledger::TILE_WIDTH);
        for bundle in (0..size.div_ceil(width)).rev() {
            let entries = reader.bundle(bundle).map_err(|error| cannot(&error))?;
            let before = usize::try_from(size - bundle * width).unwrap_or(usize::MAX);
            for entry in entries.iter().take(before).rev() {
                if let Ok(LedgerEntry::Block(block)) = LedgerEntry::parse(entry) {
                    return Ok(Seq(block.last().0 + 1));
                }
            }
        }
        Ok(Seq(1))
    }

    fn run(
        &mut self,
        progress: &mut impl FnMut(u64, u64),
    ) -> Result<Result<Report, Fault>, StoreError> {
        if let Some(fault) = self.early {
            return Ok(Err(fault));
        }
        let Some(mut verifier) = self.verifier.take() else {
            return Err(StoreError::Closed);
        };
        let checked = self.check_all(&mut verifier, progress);
        match checked.and_then(|()| Ok(verifier.finish()?)) {
            Ok(report) => Ok(Ok(report)),
            Err(Stop::Verify(VerifyError::Fault(fault))) => Ok(Err(fault)),
            Err(Stop::Verify(VerifyError::CannotCheck(error))) => Err(cannot(&error)),
            Err(Stop::Store(error)) => Err(error),
        }
    }

    fn check_all(
        &mut self,
        verifier: &mut Verifier<&'f Published>,
        progress: &mut impl FnMut(u64, u64),
    ) -> Result<(), Stop> {
        let (found, from) = (self.found, self.start.1);
        let threads = match self.threads {
            Some(threads) => threads.get(),
            None => std::thread::available_parallelism().map_or(1, NonZero::get),
        };
        let (jobs, inbox) = crossbeam_channel::bounded::<Job>(threads);
        let (outbox, done) = crossbeam_channel::unbounded::<Done>();
        std::thread::scope(|scope| {
            for _ in 0..threads {
                let (inbox, outbox) = (inbox.clone(), outbox.clone());
                scope.spawn(move || work(&inbox, &outbox));
            }
            drop((inbox, outbox));
            let mut rows = Rows::of(found, from, jobs, done);
            let checked = self.check_entries(verifier, &mut rows, progress);
            self.recorders.join(std::mem::take(&mut rows.recorders));
            checked?;
            while let Some(row) = rows.next()? {
                self.waiting += u64::from(row.seq >= from);
            }
            self.recorders.join(std::mem::take(&mut rows.recorders));
            Ok(())
        })
    }

    fn check_entries(
        &mut self,
        verifier: &mut Verifier<&'f Published>,
        rows: &mut Rows<'_>,
        progress: &mut impl FnMut(u64, u64),
    ) -> Result<(), Stop> {
        let width = u64::from(admintrail_ledger::TILE_WIDTH);
        let mut reader = TileReader::new(self.published, self.head);
        let (mut index, mut looked) = (self.start.0, 0);
        let mut next = self.start.1;
        let mut tiles = Tiles::from(self.published, self.head, self.start.0)?;
        while index < self.head.size {
            let entries = reader.bundle(index / width);
            let entries = match entries {
                Ok(entries) => entries,
                Err(error) => return Err(self.bad_bundle(error, &mut reader, index, next)),
            };
            let skip = usize::try_from(index % width).unwrap_or(0);
            for entry in entries.into_iter().skip(skip) {
                let block = match LedgerEntry::parse(&entry) {
                    Ok(LedgerEntry::Block(block)) => Some(block),
                    _ => None,
                };
                let mut recorded = RecordedBlock {
                    entry,
                    events: Vec::new(),
                };
                let mut private = None;
                if let Some(block) = block {
                    let seqs = (block.first(), block.last());
                    // What stands in a declared gap is outside of the ledger.
                    while let Some(row) = rows.peek()?
                        && row.seq < seqs.0
                        && self.is_lost(row.seq, row.seq)
                    {
                        self.outside += 1;
                        rows.next()?;
                    }
                    let (events, of) = rows.of_block(seqs)?;
                    if self.is_lost(seqs.0, seqs.1) {
                        self.outside += events.len() as u64;
                    } else {
                        recorded.events = events;
                    }
                    private = of;
                    looked += u64::from(block.count());
                    next = Seq(seqs.1.0 + 1);
                }
                let checked = verifier.check(&recorded);
                checked.map_err(|error| named(error, &recorded.events, private.as_ref()))?;
                tiles.entry(&recorded.entry, next)?;
                progress(looked, rows.total.max(looked));
                index += 1;
            }
        }
        tiles.finish(next)?;
        Ok(())
    }

    /// Which entry of a bundle is not the one that was published, and which events that is about.
    fn bad_bundle(
        &self,
        error: LedgerError,
        reader: &mut TileReader<&'f Published>,
        index: u64,
        next: Seq,
    ) -> Stop {
        if matches!(error, LedgerError::TileUnreadable { .. }) {
            return VerifyError::CannotCheck(error).into();
        }
        let width = u64::from(admintrail_ledger::TILE_WIDTH);
        let first = index - index % width;
        let tile = TileId::in_tree(TileLevel::Entries, index / width, self.head.size);
        let bytes = tile.and_then(|tile| self.published.read(&tile).ok().flatten());
        let entries = bytes
            .as_deref()
            .and_then(bundle_entries)
            .unwrap_or_default();
        let fits = |(leaf, entry): &(u64, &[u8])| {
            reader
                .leaf(*leaf)
                .is_ok_and(|leaf| leaf == Hash::of_leaf(entry))
        };
        let good = (first..).zip(entries).take_while(fits).count() as u64;
        let bad = (first + good).max(index);
        let block = self.found.private.block_at(bad).ok().flatten();
        VerifyError::Fault(Fault {
            kind: FaultKind::Tiles,
            first: block.map_or(next, |(first, _)| first),
            last: block.map_or(next, |(_, last)| last),
            entry: bad,
        })
        .into()
    }

    /// Whether a statement says that the ledger has none of these events.
    fn is_lost(&self, first: Seq, last: Seq) -> bool {
        self.found.statements.values().any(|statement| {
            let said = statement.declared();
            said.kind == StatementKind::Loss && said.first <= first && last <= said.last
        })
    }

    /// Numbers that recorders left out and no gap declares.
    fn gaps(&self) -> Vec<(String, u64, u64)> {
        let missing =
            |of: &Numbered| (of.last - of.first + 1).saturating_sub(of.events + of.declared);
        self.recorders
            .0
            .iter()
            .filter(|(_, numbered)| numbered.first != numbered.last && missing(numbered) > 0)
            .map(|((recorder, epoch), numbered)| (recorder.clone(), *epoch, missing(numbered)))
            .collect()
    }
}

/// Names the event of a block that is not as it was, if the block's marks tell.
fn named(
    error: VerifyError,
    events: &[RecordedEvent],
    private: Option<&PrivateBlock>,
) -> VerifyError {
    let VerifyError::Fault(mut fault) = error else {
        return error;
    };
    if let (FaultKind::Changed, Some(private)) = (fault.kind, private) {
        let changed = events.iter().enumerate().find(|(place, event)| {
            event.kept != Whole::HashOnly && !private.marks.fits(*place, event.hash)
        });
        if let Some((_, event)) = changed {
            if event.kept == Whole::Erased {
                fault.kind = FaultKind::AfterErasure;
            }
            (fault.first, fault.last) = (event.seq, event.seq);
        }
    }
    VerifyError::Fault(fault)
}

fn cannot(error: &LedgerError) -> StoreError {
    StoreError::NotReadable {
        path: "ledger".into(),
        cause: error.to_string(),
    }
}

/// The rows in their order.
struct Rows<'f> {
    found: &'f Found,
    /// Groups that were not handed out yet.
    groups: VecDeque<(Arc<Segment>, usize)>,
    jobs: Option<crossbeam_channel::Sender<Job>>,
    done: crossbeam_channel::Receiver<Done>,
    /// Groups that were hashed before their turn.
    early: BTreeMap<usize, Done>,
    handed: usize,
    taken: usize,
    hot_done: bool,
    from: Seq,
    current: VecDeque<Row>,
    /// Blocks of the rows that come, as far as they were read.
    blocks: VecDeque<PrivateBlock>,
    blocks_to: Seq,
    recorders: Recorders,
    total: u64,
}

impl<'f> Rows<'f> {
    fn of(
        found: &'f Found,
        from: Seq,
        jobs: crossbeam_channel::Sender<Job>,
        done: crossbeam_channel::Receiver<Done>,
    ) -> Self {
        let mut groups = VecDeque::new();
        let mut total = found.hot.len() as u64;
        for segment in &found.segments {
            for (at, group) in segment.head.groups.iter().enumerate() {
                if group.seqs.1 >= from.0 {
                    total += u64::from(group.rows);
                    groups.push_back((Arc::clone(segment), at));
                }
            }
        }
        Self {
            found,
            groups,
            jobs: Some(jobs),
            done,
            early: BTreeMap::new(),
            handed: 0,
            taken: 0,
            hot_done: false,
            from,
            current: VecDeque::new(),
            blocks: VecDeque::new(),
            blocks_to: Seq(from.0.saturating_sub(1)),
            recorders: Recorders::default(),
            total,
        }
    }

    fn peek(&mut self) -> Result<Option<Row>, StoreError> {
        while self.current.is_empty() {
            if !self.more()? {
                return Ok(None);
            }
        }
        Ok(self.current.front().copied())
    }

    fn next(&mut self) -> Result<Option<Row>, StoreError> {
        self.peek()?;
        Ok(self.current.pop_front())
    }

    /// Takes the next group, or hot; `false` if there is nothing more.
    fn more(&mut self) -> Result<bool, StoreError> {
        // As many are under way as there are threads, and as many again wait.
        while self.handed < self.taken + 4
            && let Some((segment, group)) = self.groups.pop_front()
        {
            let seqs = segment.head.groups.get(group).map_or((0, 0), |g| g.seqs);
            let job = Job {
                folder: Arc::clone(&self.found.folder),
                number: self.handed,
                blocks: self.private((Seq(seqs.0), Seq(seqs.1)))?,
                erasures: Arc::clone(&self.found.erasures),
                segment,
                group,
            };
            if let Some(jobs) = &self.jobs {
                let _ = jobs.send(job);
            }
            self.handed += 1;
        }
        if self.taken < self.handed {
            let done = loop {
                if let Some(done) = self.early.remove(&self.taken) {
                    break done;
                }
                match self.done.recv() {
                    Ok(done) => _ = self.early.insert(done.number, done),
                    Err(_) => return Ok(false),
                }
            };
            self.taken += 1;
            self.recorders.join(done.recorders);
            self.current.extend(done.rows);
            return Ok(true);
        }
        self.jobs = None;
        if std::mem::replace(&mut self.hot_done, true) {
            return Ok(false);
        }
        let hot = self.found.hot.iter().filter(|row| row.seq >= self.from);
        self.current.extend(hot);
        Ok(true)
    }

    /// What is private about the blocks of a range; they are kept for [`Self::of_block`], too.
    fn private(&mut self, (first, last): (Seq, Seq)) -> Result<Vec<PrivateBlock>, StoreError> {
        let blocks = self.found.private.blocks(first, last)?;
        let new = blocks.iter().filter(|block| block.first > self.blocks_to);
        self.blocks.extend(new.cloned());
        if let Some(block) = self.blocks.back() {
            self.blocks_to = block.first;
        }
        Ok(blocks)
    }

    /// The rows of a block, those that are kept by their hash alone included, and what is private about
    /// it.
    fn of_block(
        &mut self,
        (first, last): (Seq, Seq),
    ) -> Result<(Vec<RecordedEvent>, Option<PrivateBlock>), StoreError> {
        let mut rows = Vec::new();
        while let Some(row) = self.peek()?
            && row.seq <= last
        {
            rows.push(row);
            self.current.pop_front();
        }
        while self.blocks.front().is_some_and(|block| block.first < first) {
            self.blocks.pop_front();
        }
        let private = match self.blocks.front() {
            Some(block) if block.first == first => self.blocks.pop_front(),
            // None of its rows is there.
            _ => {
                let found = self.found.private.blocks(first, last)?;
                found.into_iter().find(|block| block.first == first)
            }
        };
        let mut events: Vec<RecordedEvent> = rows
            .iter()
            .map(|row| RecordedEvent {
                seq: row.seq,
                received: row.received,
                hash: row.hash,
                kept: row.kept,
            })
            .collect();
        // Removed from the middle of it: the hash stayed.
        for (place, kept) in private.iter().flat_map(|block| &block.kept) {
            let seq = Seq(first.0 + u64::from(*place));
            if let (Some(hash), Err(at)) = (
                kept.hash(),
                events.binary_search_by_key(&seq, |event| event.seq),
            ) {
                events.insert(
                    at,
                    RecordedEvent {
                        seq,
                        received: None,
                        hash,
                        kept: Whole::HashOnly,
                    },
                );
            }
        }
        // All of it gone is another thing than parts of it gone.
        if rows.is_empty() && events.iter().all(|event| event.received.is_none()) {
            events.clear();
        }
        Ok((events, private))
    }
}
