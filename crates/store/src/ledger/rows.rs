//! The events of a data folder as they are now, hashed: segments, then hot, in the order of their
//! numbers, by several threads.

use std::collections::BTreeMap;
use std::sync::Arc;

use admintrail_event::{CanonicalFields, Kind, LogId, Micros, Seq};
use admintrail_ledger::{BlockEntry, Hash, Kept as Whole, Salt, SaltedEvent, root_over};
use crossbeam_channel::{Receiver, Sender};
use hashbrown::HashMap;

use super::block::{Kept, PrivateBlock, Salting};
use super::erasure::Erasures;
use crate::archive::{Archive, Segment, SegmentFolder};
use crate::columns::Fields;

/// One event, hashed as it is now.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row {
    pub(super) seq: Seq,
    pub(super) received: Option<Micros>,
    pub(super) hash: Hash,
    pub(super) kept: Whole,
}

impl Row {
    /// One of which nothing is known.
    pub(super) const fn unread(seq: Seq) -> Self {
        Self {
            seq,
            received: None,
            hash: Hash([0; 32]),
            kept: Whole::Whole,
        }
    }
}

/// Events in the order of their numbers.
#[derive(Debug)]
pub(super) enum Run {
    /// All events of a block, each as it was recorded for all that can be seen without the ledger.
    Made(Made),
    /// Others: of one block, or of none.
    Rows(Vec<Row>),
}

/// What the events of a block make.
#[derive(Debug, Clone, Copy)]
pub(super) struct Made {
    pub(super) entry: BlockEntry,
    /// The one that is not as it was, as far as the marks of the block tell.
    pub(super) changed: Option<Seq>,
}

impl Run {
    /// Events of which nothing is known.
    pub(super) fn unread(seqs: impl Iterator<Item = Seq>) -> Self {
        Self::Rows(seqs.map(Row::unread).collect())
    }

    /// The numbers of the first and the last of them.
    pub(super) fn seqs(&self) -> Option<(Seq, Seq)> {
        match self {
            Self::Made(made) => Some((made.entry.first(), made.entry.last())),
            Self::Rows(rows) => Some((rows.first()?.seq, rows.last()?.seq)),
        }
    }

    /// How many.
    pub(super) fn len(&self) -> u64 {
        match self {
            Self::Made(made) => made.entry.count().into(),
            Self::Rows(rows) => rows.len() as u64,
        }
    }

    /// Single events; what a block was made of is not known any more.
    pub(super) fn into_rows(self) -> Vec<Row> {
        match self {
            Self::Made(made) => made.entry.seqs().map(Seq).map(Row::unread).collect(),
            Self::Rows(rows) => rows,
        }
    }

    /// Those from a number on.
    pub(super) fn from(self, from: Seq) -> Self {
        if self.seqs().is_none_or(|(first, _)| first >= from) {
            return self;
        }
        let mut rows = self.into_rows();
        rows.retain(|row| row.seq >= from);
        Self::Rows(rows)
    }
}

/// What recorders numbered.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Numbered {
    pub(super) first: u64,
    pub(super) last: u64,
    pub(super) events: u64,
    /// Requests that gaps declare.
    pub(super) declared: u64,
}

impl Numbered {
    fn join(&mut self, other: Self) {
        if self.events == 0 {
            *self = other;
            return;
        }
        self.first = self.first.min(other.first);
        self.last = self.last.max(other.last);
        self.events += other.events;
        self.declared += other.declared;
    }
}

/// By recorder and epoch.
#[derive(Debug, Clone, Default)]
pub(super) struct Recorders(pub(super) BTreeMap<(String, u64), Numbered>);

impl Recorders {
    pub(super) fn join(&mut self, other: Self) {
        for (key, numbered) in other.0 {
            self.0.entry(key).or_default().join(numbered);
        }
    }
}

/// Hashes events one after the other, and each block together.
pub(super) struct Hasher<'b> {
    log: LogId,
    blocks: &'b [PrivateBlock],
    erasures: &'b Erasures,
    salting: Option<(&'b PrivateBlock, Salting)>,
    rows: Vec<Row>,
    /// Events that wait to be hashed two at a time, and which of the rows they are.
    ready: [SaltedEvent; 2],
    waiting: (Option<usize>, Option<usize>),
    runs: Vec<Run>,
    recorders: HashMap<(String, u64), Numbered>,
    recent: Option<((String, u64), Numbered)>,
}

impl<'b> Hasher<'b> {
    /// `blocks` are those with events among what comes, in their order.
    pub(super) fn new(log: LogId, blocks: &'b [PrivateBlock], erasures: &'b Erasures) -> Self {
        Self {
            log,
            blocks,
            erasures,
            salting: None,
            rows: Vec::new(),
            ready: Default::default(),
            waiting: (None, None),
            runs: Vec::new(),
            recorders: HashMap::new(),
            recent: None,
        }
    }

    /// Goes to the block of an event; those before it are done with.
    fn enter(&mut self, seq: Seq) {
        let is_in = |block: &PrivateBlock| (block.first..=block.last()).contains(&seq);
        let within = self.salting.as_ref().map(|(block, _)| is_in(block));
        if within == Some(true) {
            return;
        }
        let at = self.blocks.partition_point(|block| block.last() < seq);
        let block = self.blocks.get(at).filter(|block| is_in(block));
        if within.is_none() && block.is_none() {
            return;
        }
        self.end_run();
        self.salting = block.map(|block| (block, Salting::of(block)));
    }

    fn end_run(&mut self) {
        self.hash_waiting();
        if self.rows.is_empty() {
            return;
        }
        let block = self.salting.as_ref().map(|(block, _)| *block);
        let made = block.and_then(|block| made(block, &self.rows));
        self.runs.push(match made {
            Some(made) => {
                self.rows.clear();
                Run::Made(made)
            }
            None => Run::Rows(std::mem::take(&mut self.rows)),
        });
    }

    fn hash_waiting(&mut self) {
        let [one, other] = &self.ready;
        let mut set = |row: usize, hash| {
            if let Some(row) = self.rows.get_mut(row) {
                row.hash = hash;
            }
        };
        match std::mem::take(&mut self.waiting) {
            (None, _) => {}
            (Some(row), None) => set(row, one.hash()),
            (Some(first), Some(second)) => {
                let [of_first, of_second] = SaltedEvent::hash_both([one, other]);
                set(first, of_first);
                set(second, of_second);
            }
        }
    }

    pub(super) fn take(&mut self, fields: &Fields<'_>) {
        let (log, seq) = (self.log, Seq(fields.seq));
        let mut row = Row {
            seq,
            received: Some(Micros(fields.received)),
            hash: Hash([0; 32]),
            kept: Whole::Whole,
        };
        self.enter(seq);
        if let Some((block, salting)) = &mut self.salting {
            let kept = block.kept(seq);
            match kept {
                Some(Kept::Erased(erased)) => {
                    row.hash = Hash(erased.was);
                    row.kept = Whole::Erased;
                    if !self.erasures.left(&erased, log, fields) {
                        // So that it fits nothing.
                        row.hash.0 = row.hash.0.map(|byte| !byte);
                    }
                }
                // What cannot be hashed has a hash that fits nothing.
                kept => {
                    if let (Some(salt), Some(canonical)) =
                        (salting.salt(seq, kept), fields.canonical(log))
                    {
                        self.wait(salt, &canonical);
                    }
                }
            }
        }
        self.rows.push(row);
        self.number(fields);
    }

    /// The next row's event waits for another one to be hashed together with.
    fn wait(&mut self, salt: Salt, canonical: &CanonicalFields<'_>) {
        if let (Some(_), Some(_)) = self.waiting {
            self.hash_waiting();
        }
        let [one, other] = &mut self.ready;
        let row = Some(self.rows.len());
        match &mut self.waiting {
            (first @ None, _) => {
                one.set(salt, canonical);
                *first = row;
            }
            (_, second) => {
                other.set(salt, canonical);
                *second = row;
            }
        }
    }

    /// An event of which nothing can be read.
    pub(super) fn unreadable(&mut self, seq: Seq) {
        self.enter(seq);
        self.rows.push(Row::unread(seq));
    }

    fn number(&mut self, fields: &Fields<'_>) {
        let gap = Kind::from_code(fields.kind) == Some(Kind::Gap);
        let numbered = Numbered {
            first: fields.recorder_seq,
            last: fields.recorder_seq,
            events: 1,
            declared: if gap { fields.count.unwrap_or(0) } else { 0 },
        };
        if let Some(((recorder, epoch), known)) = &mut self.recent
            && *epoch == fields.recorder_epoch
            && recorder == fields.recorder
        {
            known.join(numbered);
            return;
        }
        self.put_away();
        self.recent = Some((
            (fields.recorder.to_owned(), fields.recorder_epoch),
            numbered,
        ));
    }

    fn put_away(&mut self) {
        if let Some((key, numbered)) = self.recent.take() {
            self.recorders.entry(key).or_default().join(numbered);
        }
    }

    pub(super) fn finish(mut self) -> (Vec<Run>, Recorders) {
        self.end_run();
        self.put_away();
        (self.runs, Recorders(self.recorders.into_iter().collect()))
    }
}

/// The block that rows make, if they are all of its events and each was hashed from what it is.
fn made(block: &PrivateBlock, rows: &[Row]) -> Option<Made> {
    let seqs = block.first.0..=block.last().0;
    if rows.len() as u64 != u64::from(block.count) || !rows.iter().map(|row| row.seq.0).eq(seqs) {
        return None;
    }
    let mut hashes = Vec::with_capacity(rows.len());
    let mut bounds: Option<(Micros, Micros)> = None;
    for row in rows {
        let received = row.received.filter(|_| row.kept == Whole::Whole)?;
        let (min, max) = bounds.unwrap_or((received, received));
        bounds = Some((min.min(received), max.max(received)));
        hashes.push(row.hash);
    }
    let entry = BlockEntry::new(block.first, block.count, bounds?, root_over(&hashes)).ok()?;
    let changed = block.marks.first_changed(&hashes);
    let changed = changed.and_then(|place| rows.get(place));
    Some(Made {
        entry,
        changed: changed.map(|row| row.seq),
    })
}

/// A group of a segment, to be hashed.
pub(super) struct Job {
    pub(super) folder: Arc<SegmentFolder>,
    pub(super) number: usize,
    pub(super) segment: Arc<Segment>,
    pub(super) group: usize,
    pub(super) blocks: Vec<PrivateBlock>,
    pub(super) erasures: Arc<Erasures>,
}

/// A group that is hashed.
pub(super) struct Done {
    pub(super) number: usize,
    pub(super) runs: Vec<Run>,
    pub(super) recorders: Recorders,
    /// The blocks of the job.
    pub(super) blocks: Vec<PrivateBlock>,
}

/// Hashes groups as long as there are some.
pub(super) fn work(jobs: &Receiver<Job>, done: &Sender<Done>) {
    for job in jobs {
        let (runs, recorders) = hash_group(&job);
        let hashed = Done {
            number: job.number,
            runs,
            recorders,
            blocks: job.blocks,
        };
        if done.send(hashed).is_err() {
            return;
        }
    }
}

fn hash_group(job: &Job) -> (Vec<Run>, Recorders) {
    let segment = &job.segment;
    let known = (&*job.blocks, &*job.erasures);
    let Some(head) = segment.head.groups.get(job.group) else {
        return Default::default();
    };
    let mut hashed = runs_of(segment, job.group, known);
    if segment.damage().is_some() {
        // Another group may be the one that is damaged: this one is looked at by itself.
        let alone = job.folder.open(segment.name.clone()).ok();
        hashed = alone.and_then(|alone| {
            let runs = runs_of(&alone, job.group, known);
            alone.damage().is_none().then_some(runs)?
        });
    }
    let Some((mut runs, recorders)) = hashed else {
        // Whatever of it can be read, it is not what it was.
        let unread = Run::unread((head.seqs.0..=head.seqs.1).map(Seq));
        return (vec![unread], Recorders::default());
    };
    // What no reader asks for is held against its checksum, too.
    if job.group == 0
        && segment.damage().is_none()
        && segment.check().is_err()
        && let Some(run) = runs.first_mut()
        && let Some((first, last)) = run.seqs()
    {
        *run = Run::unread((first.0..=last.0).map(Seq));
    }
    (runs, recorders)
}

fn runs_of(
    segment: &Arc<Segment>,
    group: usize,
    (blocks, erasures): (&[PrivateBlock], &Erasures),
) -> Option<(Vec<Run>, Recorders)> {
    let chunk = segment.chunk(group)?;
    let mut hasher = Hasher::new(segment.log(), blocks, erasures);
    for row in 0..chunk.rows {
        hasher.take(&chunk.fields(row)?);
    }
    Some(hasher.finish())
}
