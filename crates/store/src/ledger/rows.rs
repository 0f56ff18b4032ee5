//! The events of a data folder as they are now, hashed: segments, then hot, in the order of their
//! numbers, by several threads.

use std::collections::BTreeMap;
use std::sync::Arc;

use admintrail_event::{Kind, LogId, Micros, Seq};
use admintrail_ledger::{Hash, Kept as Whole};
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

/// Hashes events one after the other.
pub(super) struct Hasher<'b> {
    log: LogId,
    blocks: &'b [PrivateBlock],
    erasures: &'b Erasures,
    salting: Option<(&'b PrivateBlock, Salting)>,
    pub(super) rows: Vec<Row>,
    recorders: HashMap<(String, u64), Numbered>,
    recent: Option<((String, u64), Numbered)>,
}

impl<'b> Hasher<'b> {
    /// `blocks` are those with events among what comes, in their order.
    pub(super) fn new(
        log: LogId,
        (blocks, erasures): (&'b [PrivateBlock], &'b Erasures),
        rows: usize,
    ) -> Self {
        Self {
            log,
            blocks,
            erasures,
            salting: None,
            rows: Vec::with_capacity(rows),
            recorders: HashMap::new(),
            recent: None,
        }
    }

    /// The block of an event; those before it are done with.
    fn block_of(&mut self, seq: Seq) -> Option<(&'b PrivateBlock, &mut Salting)> {
        let is_in = |block: &PrivateBlock| (block.first..=block.last()).contains(&seq);
        if !self.salting.as_ref().is_some_and(|(block, _)| is_in(block)) {
            let at = self.blocks.partition_point(|block| block.last() < seq);
            let block = self.blocks.get(at).filter(|block| is_in(block))?;
            self.salting = Some((block, Salting::of(block)));
        }
        self.salting
            .as_mut()
            .map(|(block, salting)| (*block, salting))
    }

    pub(super) fn take(&mut self, fields: &Fields<'_>) {
        let (log, seq) = (self.log, Seq(fields.seq));
        let mut row = Row {
            seq,
            received: Some(Micros(fields.received)),
            hash: Hash([0; 32]),
            kept: Whole::Whole,
        };
        let erasures = self.erasures;
        if let Some((block, salting)) = self.block_of(seq) {
            let kept = block.kept(seq);
            match kept {
                Some(Kept::Erased(erased)) => {
                    row.hash = Hash(erased.was);
                    row.kept = Whole::Erased;
                    if !erasures.left(&erased, log, fields) {
                        // So that it fits nothing.
                        row.hash.0 = row.hash.0.map(|byte| !byte);
                    }
                }
                // What cannot be hashed has a hash that fits nothing.
                kept => row.hash = salting.hash(log, fields, kept).unwrap_or(row.hash),
            }
        }
        self.rows.push(row);
        self.number(fields);
    }

    /// An event of which nothing can be read.
    pub(super) fn unreadable(&mut self, seq: Seq) {
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

    pub(super) fn finish(mut self) -> (Vec<Row>, Recorders) {
        self.put_away();
        (self.rows, Recorders(self.recorders.into_iter().collect()))
    }
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
    pub(super) rows: Vec<Row>,
    pub(super) recorders: Recorders,
}

/// Hashes groups as long as there are some.
pub(super) fn work(jobs: &Receiver<Job>, done: &Sender<Done>) {
    for job in jobs {
        let (rows, recorders) = hash_group(&job);
        let number = job.number;
        if done
            .send(Done {
                number,
                rows,
                recorders,
            })
            .is_err()
        {
            return;
        }
    }
}

fn hash_group(job: &Job) -> (Vec<Row>, Recorders) {
    let segment = &job.segment;
    let known = (&*job.blocks, &*job.erasures);
    let Some(head) = segment.head.groups.get(job.group) else {
        return Default::default();
    };
    let mut hashed = rows_of(segment, job.group, known);
    if segment.damage().is_some() {
        // Another group may be the one that is damaged: this one is looked at by itself.
        let alone = job.folder.open(segment.name.clone()).ok();
        hashed = alone.and_then(|alone| {
            let rows = rows_of(&alone, job.group, known);
            alone.damage().is_none().then_some(rows)?
        });
    }
    let Some((mut rows, recorders)) = hashed else {
        // Whatever of it can be read, it is not what it was.
        let seqs = head.seqs.0..=head.seqs.1;
        return (
            seqs.map(|seq| Row::unread(Seq(seq))).collect(),
            Recorders::default(),
        );
    };
    // What no reader asks for is held against its checksum, too.
    if job.group == 0
        && segment.damage().is_none()
        && segment.check().is_err()
        && let Some(row) = rows.first_mut()
    {
        *row = Row::unread(row.seq);
    }
    (rows, recorders)
}

fn rows_of(
    segment: &Arc<Segment>,
    group: usize,
    known: (&[PrivateBlock], &Erasures),
) -> Option<(Vec<Row>, Recorders)> {
    let chunk = segment.chunk(group)?;
    let mut hasher = Hasher::new(segment.log(), known, chunk.rows);
    for row in 0..chunk.rows {
        hasher.take(&chunk.fields(row)?);
    }
    Some(hasher.finish())
}
