//! The events of a data folder as they are now, hashed: segments, then hot, in the order of their
//! numbers, by several threads.

use std::collections::BTreeMap;
use std::sync::Arc;

use admintrail_event::{Kind, LogId, Micros, Seq};
use admintrail_ledger::{BlockEntry, Hash, Kept as Whole, OpenBlock};
use crossbeam_channel::{Receiver, Sender};
use hashbrown::HashMap;

use super::block::{Kept, PrivateBlock, Salting};
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

/// Events in the order of their numbers: of one block, or of none.
#[derive(Debug, Default)]
pub(super) struct Run {
    pub(super) rows: Vec<Row>,
    /// The block that they make, if they are all the events of one and each is as it was recorded for
    /// all that can be seen without the ledger.
    pub(super) made: Option<BlockEntry>,
}

impl Run {
    /// Events of which nothing is known.
    pub(super) fn unread(seqs: impl Iterator<Item = Seq>) -> Self {
        Self {
            rows: seqs.map(Row::unread).collect(),
            made: None,
        }
    }

    /// The numbers of the first and the last of them.
    pub(super) fn seqs(&self) -> Option<(Seq, Seq)> {
        let (first, last) = (self.rows.first()?, self.rows.last()?);
        Some((first.seq, last.seq))
    }

    /// Those from a number on.
    pub(super) fn from(mut self, from: Seq) -> Self {
        if self.rows.first().is_some_and(|row| row.seq < from) {
            self.rows.retain(|row| row.seq >= from);
            self.made = None;
        }
        self
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
    salting: Option<(&'b PrivateBlock, Salting)>,
    /// The tree of the block, as long as none of its events is missing.
    open: Option<OpenBlock>,
    rows: Vec<Row>,
    runs: Vec<Run>,
    recorders: HashMap<(String, u64), Numbered>,
    recent: Option<((String, u64), Numbered)>,
}

impl<'b> Hasher<'b> {
    /// `blocks` are those with events among what comes, in their order.
    pub(super) fn new(log: LogId, blocks: &'b [PrivateBlock]) -> Self {
        Self {
            log,
            blocks,
            salting: None,
            open: None,
            rows: Vec::new(),
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
        if let Some(block) = block {
            self.open = Some(OpenBlock::new(block.first));
            self.rows.reserve_exact(block.count as usize);
        }
    }

    fn end_run(&mut self) {
        let open = self.open.take();
        if self.rows.is_empty() {
            return;
        }
        let count = self.salting.as_ref().map(|(block, _)| block.count.into());
        let made = open.filter(|open| Some(open.len()) == count);
        self.runs.push(Run {
            rows: std::mem::take(&mut self.rows),
            made: made.and_then(|open| open.close().ok()),
        });
    }

    /// Adds an event to the tree of its block; one that is not as it was makes none.
    fn grow(&mut self, row: &Row) {
        let open = self.open.as_mut();
        let grown = open.zip(row.received).is_some_and(|(open, received)| {
            row.kept == Whole::Whole && open.push(row.seq, received, row.hash).is_ok()
        });
        if !grown {
            self.open = None;
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
                Some(Kept::Hash(hash)) => {
                    row.hash = Hash(hash);
                    row.kept = Whole::HashOnly;
                }
                // What cannot be hashed has a hash that fits nothing.
                kept => row.hash = salting.hash(log, fields, kept).unwrap_or(row.hash),
            }
        }
        self.grow(&row);
        self.rows.push(row);
        self.number(fields);
    }

    /// An event of which nothing can be read.
    pub(super) fn unreadable(&mut self, seq: Seq) {
        self.enter(seq);
        let row = Row::unread(seq);
        self.grow(&row);
        self.rows.push(row);
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

/// A group of a segment, to be hashed.
pub(super) struct Job {
    pub(super) folder: Arc<SegmentFolder>,
    pub(super) number: usize,
    pub(super) segment: Arc<Segment>,
    pub(super) group: usize,
    pub(super) blocks: Vec<PrivateBlock>,
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
    let (segment, blocks) = (&job.segment, &job.blocks);
    let Some(head) = segment.head.groups.get(job.group) else {
        return Default::default();
    };
    let mut hashed = runs_of(segment, job.group, blocks);
    if segment.damage().is_some() {
        // Another group may be the one that is damaged: this one is looked at by itself.
        let alone = job.folder.open(segment.name.clone()).ok();
        hashed = alone.and_then(|alone| {
            let runs = runs_of(&alone, job.group, blocks);
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
        && let Some(row) = run.rows.first_mut()
    {
        *row = Row::unread(row.seq);
        run.made = None;
    }
    (runs, recorders)
}

fn runs_of(
    segment: &Arc<Segment>,
    group: usize,
    blocks: &[PrivateBlock],
) -> Option<(Vec<Run>, Recorders)> {
    let chunk = segment.chunk(group)?;
    let mut hasher = Hasher::new(segment.log(), blocks);
    for row in 0..chunk.rows {
        hasher.take(&chunk.fields(row)?);
    }
    Some(hasher.finish())
}
