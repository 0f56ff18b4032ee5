//! What a data folder has at one moment, and what came to it until the next: hot rows are hashed while
//! they are read, segments are only opened.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use admintrail_event::{LogId, Seq};
use admintrail_ledger::{Fault, Report, Statement, VerifierKey};
use rusqlite::Connection;

use super::{Verified, VerifyOptions, threads_of};
use crate::StoreError;
use crate::archive::{Archive, Name, Segment, SegmentFolder, Shared};
use crate::erasure::{Begun, ERASING};
use crate::hot::{Access, Database, RawRows, noted, read_raw_rows, segments, watermark};
use crate::ledger::block::PrivateBlock;
use crate::ledger::database::LedgerDatabase;
use crate::ledger::erasure::Erasures;
use crate::ledger::folder::Published;
use crate::ledger::key::{SIGNING_KEY, verification_key};
use crate::ledger::rows::{Hasher, Recorders, Run};
use crate::trail::Tuning;

/// Bytes of what was read that are kept: nothing is read twice.
const CACHE: u64 = 16 << 20;

/// Hot rows that are hashed together.
const SLICE: usize = 8_192;

/// What a folder has. It is read in an order in which nothing can be missed while a server goes on: rows
/// before the checkpoint that may speak of them, and what came between afterwards.
pub(super) struct Found {
    pub(super) log: LogId,
    pub(super) key: VerifierKey,
    database: Database,
    connection: Connection,
    pub(super) folder: Arc<SegmentFolder>,
    /// Which segments counted, and those that can be opened.
    names: Vec<Name>,
    pub(super) segments: Vec<Arc<Segment>>,
    /// Hot rows, hashed.
    pub(super) hot: Vec<Run>,
    /// Those that were in no block yet, to be hashed once more.
    fresh: Vec<RawRows>,
    pub(super) recorders: Recorders,
    pub(super) private: LedgerDatabase,
    /// Those that were done before the first row was read.
    pub(super) erasures: Arc<Erasures>,
    pub(super) statements: BTreeMap<u64, Statement>,
    pub(super) threads: usize,
}

impl Found {
    pub(super) fn read(dir: &Path, options: &VerifyOptions) -> Result<Self, StoreError> {
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
            None => verification_key(dir, log)?.ok_or_else(|| no_key(dir))?,
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
            threads: threads_of(options),
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
        let (log, private, erasures) = (self.log, &self.private, &*self.erasures);
        let (jobs, inbox) = crossbeam_channel::bounded::<Slice>(self.threads);
        let (outbox, done) = crossbeam_channel::unbounded::<Sliced>();
        // Memory that was used is used again: to be given fresh one costs more than to fill it.
        let (give_back, emptied) = crossbeam_channel::unbounded::<RawRows>();
        std::thread::scope(|scope| {
            for _ in 0..self.threads {
                let (inbox, outbox) = (inbox.clone(), outbox.clone());
                let give_back = give_back.clone();
                scope.spawn(move || {
                    for slice in inbox {
                        let _ = outbox.send(slice.hash(log, erasures));
                        let _ = give_back.send(slice.rows);
                    }
                });
            }
            drop((inbox, outbox, give_back));
            // However this ends, it ends the threads.
            let jobs = jobs;
            let read = read_raw_rows(&moment, from, SLICE, |rows| {
                let rows = std::mem::replace(rows, emptied.try_recv().unwrap_or_default());
                let _ = jobs.send(Slice::of(private, rows)?);
                Ok(())
            });
            read.map_err(wrong)?
        })?;
        for sliced in done {
            self.hot.extend(sliced.runs);
            self.fresh.extend(sliced.fresh);
            self.recorders.join(sliced.recorders);
        }
        self.hot.sort_by_key(Run::seqs);
        self.fresh.sort_by_key(RawRows::seqs);
        moment.commit().map_err(wrong)?;
        Ok(names)
    }

    /// Reads what came while the rest was read, and hashes what is in a block by now.
    pub(super) fn catch_up(&mut self) -> Result<(), StoreError> {
        let fresh = std::mem::take(&mut self.fresh);
        let hot = self.hot.iter().filter_map(Run::seqs);
        let read = hot.chain(fresh.iter().filter_map(RawRows::seqs));
        let read = read.map(|(_, last)| last);
        let segments = self.segments.iter().map(|segment| segment.name.last);
        let last = read.max().max(segments.max()).unwrap_or(Seq(0));
        let mut waiting = Vec::new();
        for rows in fresh {
            let sliced = Slice::of(&self.private, rows)?.hash(self.log, &self.erasures);
            self.hot.extend(sliced.runs);
            self.recorders.join(sliced.recorders);
            waiting.extend(sliced.fresh);
        }
        self.read_hot(Some(last))?;
        // In no block: they wait, whatever they are.
        waiting.append(&mut self.fresh);
        for rows in &waiting {
            self.hot.push(Run::unread(rows.iter().map(|(seq, _)| seq)));
        }
        self.hot.sort_by_key(Run::seqs);
        self.statements = self.private.read_statements()?.into_iter().collect();
        Ok(())
    }

    /// Whether segments were rewritten or statements added since it was read.
    pub(super) fn is_outdated(&self, dir: &Path) -> Result<bool, StoreError> {
        let database = Database::in_folder(dir);
        let connection = database.connect(Access::Read)?;
        let names = segments(&connection).map_err(|error| database.opening_error(&error))?;
        let statements = self.private.read_statements()?.len();
        Ok(names != self.names || statements != self.statements.len())
    }

    pub(super) fn verified(&self, outcome: Result<Report, Fault>) -> Verified {
        Verified {
            origin: self.key.name().to_owned(),
            entries: 0,
            outcome,
            waiting: 0,
            outside: 0,
            gaps: Vec::new(),
            statements: self.statements.clone(),
            unfinished: Vec::new(),
            unusable: Vec::new(),
        }
    }
}

fn no_key(dir: &Path) -> StoreError {
    let cause = match Published::below(dir).checkpoint() {
        Ok(None) => "the folder has no ledger yet; start a server on it once",
        _ => "it is gone; give the key that somebody kept: --vkey",
    };
    StoreError::NotReadable {
        path: dir.join(SIGNING_KEY),
        cause: cause.to_owned(),
    }
}

/// Whose erasure `trail.db` remembers as not done, by the pseudonym.
pub(super) fn under_way(dir: &Path) -> Result<Option<String>, StoreError> {
    let database = Database::in_folder(dir);
    let connection = database.connect(Access::Read)?;
    let kept = noted(&connection, ERASING).map_err(|error| database.opening_error(&error))?;
    Ok(match Begun::read(&kept.unwrap_or_default()) {
        Ok(Some(Begun::Rewriting(plan))) => Some(plan.person.pseudonym.clone()),
        _ => None,
    })
}

/// Hot rows with the blocks that they are in.
struct Slice {
    rows: RawRows,
    blocks: Vec<PrivateBlock>,
}

/// A slice that is hashed.
struct Sliced {
    runs: Vec<Run>,
    /// Those that are in no block yet.
    fresh: Option<RawRows>,
    recorders: Recorders,
}

impl Slice {
    /// The rows come first: what is kept of an event is there before its row is rewritten.
    fn of(private: &LedgerDatabase, rows: RawRows) -> Result<Self, StoreError> {
        let blocks = match rows.seqs() {
            Some((first, last)) => private.blocks(first, last)?,
            None => Vec::new(),
        };
        Ok(Self { rows, blocks })
    }

    fn hash(&self, log: LogId, erasures: &Erasures) -> Sliced {
        let end = self.blocks.last().map_or(Seq(0), PrivateBlock::last);
        let mut hasher = Hasher::new(log, &self.blocks, erasures);
        for (seq, fields) in self.rows.iter().take_while(|(seq, _)| *seq <= end) {
            match fields {
                Some(fields) => hasher.take(&fields),
                None => hasher.unreadable(seq),
            }
        }
        let (runs, recorders) = hasher.finish();
        let fresh = self.rows.after(end);
        Sliced {
            runs,
            fresh: (!fresh.is_empty()).then_some(fresh),
            recorders,
        }
    }
}
