//! All events of a folder in the order of their numbers: segments, hashed by other threads while the
//! first ones are looked at, then hot.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use admintrail_event::Seq;
use admintrail_ledger::{BlockEntry, Kept as Whole, RecordedEvent};

use super::found::Found;
use crate::StoreError;
use crate::archive::Segment;
use crate::ledger::block::PrivateBlock;
use crate::ledger::rows::{Done, Job, Made, Recorders, Row, Run};

/// Hashed groups that may wait for their turn; as many are under way as there are threads.
const AHEAD: usize = 2;

pub(super) struct InOrder<'f> {
    found: &'f Found,
    /// Groups that were not handed out yet.
    groups: VecDeque<(Arc<Segment>, usize)>,
    jobs: Option<crossbeam_channel::Sender<Job>>,
    done: crossbeam_channel::Receiver<Done>,
    /// Groups that were hashed before their turn.
    early: BTreeMap<usize, Done>,
    handed: usize,
    taken: usize,
    hot: Vec<Run>,
    from: Seq,
    current: VecDeque<Run>,
    /// Rows that come before those.
    rows: VecDeque<Row>,
    /// Blocks of the rows that come, as far as they were read.
    blocks: VecDeque<PrivateBlock>,
    blocks_to: Seq,
    pub(super) recorders: Recorders,
    /// Events that there are, about.
    pub(super) total: u64,
}

impl<'f> InOrder<'f> {
    pub(super) fn of(
        found: &'f Found,
        hot: Vec<Run>,
        from: Seq,
        jobs: crossbeam_channel::Sender<Job>,
        done: crossbeam_channel::Receiver<Done>,
    ) -> Self {
        let mut groups = VecDeque::new();
        let mut total = hot.iter().map(Run::len).sum();
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
            hot,
            from,
            current: VecDeque::new(),
            rows: VecDeque::new(),
            blocks: VecDeque::new(),
            blocks_to: Seq(from.0.saturating_sub(1)),
            recorders: Recorders::default(),
            total,
        }
    }

    pub(super) fn next(&mut self) -> Result<Option<Row>, StoreError> {
        while self.rows.is_empty() {
            match self.current.pop_front() {
                Some(run) => self.rows = run.into_rows().into(),
                None if !self.more()? => return Ok(None),
                None => {}
            }
        }
        Ok(self.rows.pop_front())
    }

    /// The number of the event that comes next.
    pub(super) fn next_seq(&mut self) -> Result<Option<Seq>, StoreError> {
        if let Some(row) = self.rows.front() {
            return Ok(Some(row.seq));
        }
        loop {
            match self.current.front().map(Run::seqs) {
                Some(Some((first, _))) => return Ok(Some(first)),
                Some(None) => _ = self.current.pop_front(),
                None if !self.more()? => return Ok(None),
                None => {}
            }
        }
    }

    /// Takes the events of a block if they come next and make one of the same events; what they make.
    pub(super) fn made(&mut self, entry: &BlockEntry) -> Result<Option<Made>, StoreError> {
        self.next_seq()?;
        let made = match self.current.front() {
            Some(Run::Made(made)) if self.rows.is_empty() => *made,
            _ => return Ok(None),
        };
        if made.entry.seqs() != entry.seqs() {
            return Ok(None);
        }
        self.current.pop_front();
        self.forget_blocks_before(entry.last());
        Ok(Some(made))
    }

    /// Takes the next group, or hot; `false` if there is nothing more.
    fn more(&mut self) -> Result<bool, StoreError> {
        while self.handed < self.taken + self.found.threads + AHEAD
            && let Some((segment, group)) = self.groups.pop_front()
        {
            let seqs = segment.head.groups.get(group).map_or((0, 0), |g| g.seqs);
            let job = Job {
                folder: Arc::clone(&self.found.folder),
                number: self.handed,
                blocks: self.found.private.blocks(Seq(seqs.0), Seq(seqs.1))?,
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
            // The one that two groups share comes with both.
            let new = done.blocks.into_iter();
            self.blocks
                .extend(new.filter(|block| block.first > self.blocks_to));
            if let Some(block) = self.blocks.back() {
                self.blocks_to = block.first;
            }
            self.go_on_with(done.runs);
            return Ok(true);
        }
        self.jobs = None;
        let hot = std::mem::take(&mut self.hot);
        let more = !hot.is_empty();
        self.go_on_with(hot);
        Ok(more)
    }

    fn go_on_with(&mut self, runs: Vec<Run>) {
        let from = self.from;
        self.current
            .extend(runs.into_iter().map(|run| run.from(from)));
    }

    fn forget_blocks_before(&mut self, seq: Seq) {
        while self.blocks.front().is_some_and(|block| block.first < seq) {
            self.blocks.pop_front();
        }
    }

    /// The events of a block, those that are kept by their hash alone included, and what is private
    /// about it.
    pub(super) fn of_block(
        &mut self,
        (first, last): (Seq, Seq),
    ) -> Result<(Vec<RecordedEvent>, Option<PrivateBlock>), StoreError> {
        let mut events: Vec<RecordedEvent> = Vec::new();
        // Only then are the single events asked for: what is behind them stays as it is.
        while self.next_seq()?.is_some_and(|seq| seq <= last)
            && let Some(row) = self.next()?
        {
            events.push(RecordedEvent {
                seq: row.seq,
                received: row.received,
                hash: row.hash,
                kept: row.kept,
            });
        }
        let rows = events.len();
        self.forget_blocks_before(first);
        let private = match self.blocks.front() {
            Some(block) if block.first == first => self.blocks.pop_front(),
            // None of its rows is there, or it is in hot.
            _ => {
                let found = self.found.private.blocks(first, last)?;
                found.into_iter().find(|block| block.first == first)
            }
        };
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
        if rows == 0 && events.iter().all(|event| event.received.is_none()) {
            events.clear();
        }
        Ok((events, private))
    }
}
