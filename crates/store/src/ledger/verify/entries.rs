//! The entries of the ledger in their order, each held against the events that it is about.

use admintrail_event::Seq;
use admintrail_ledger::{
    BlockEntry, Checkpoint, Fault, FaultKind, Hash, Kept, LedgerEntry, LedgerError, RecordedBlock,
    Report, StatementKind, TileId, TileLevel, TileReader, TileSource, TreeHead, Verifier,
    VerifierKey, VerifyError, bundle_entries,
};

use super::found::Found;
use super::in_order::InOrder;
use super::{Stop, VerifyOptions, cannot};
use crate::StoreError;
use crate::ledger::folder::Published;
use crate::ledger::rows::{Done, Job, Numbered, Recorders, Run, work};
use crate::ledger::tiles::Tiles;

pub(super) struct Verifying<'f> {
    found: &'f Found,
    published: &'f Published,
    head: TreeHead,
    verifier: Option<Verifier<&'f Published>>,
    /// The first entry and event to look at.
    start: (u64, Seq),
    recorders: Recorders,
    pub(super) waiting: u64,
    pub(super) outside: u64,
    /// What was found before an entry was looked at.
    early: Option<Fault>,
    pub(super) unusable: Vec<(String, String)>,
}

impl<'f> Verifying<'f> {
    pub(super) fn begin(
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

    pub(super) fn run(
        &mut self,
        hot: Vec<Run>,
        progress: &mut impl FnMut(u64, u64),
    ) -> Result<Result<Report, Fault>, StoreError> {
        if let Some(fault) = self.early {
            return Ok(Err(fault));
        }
        let Some(mut verifier) = self.verifier.take() else {
            return Err(StoreError::Closed);
        };
        let checked = self.check_all(&mut verifier, hot, progress);
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
        hot: Vec<Run>,
        progress: &mut impl FnMut(u64, u64),
    ) -> Result<(), Stop> {
        let (found, from) = (self.found, self.start.1);
        let threads = found.threads;
        let (jobs, inbox) = crossbeam_channel::bounded::<Job>(threads);
        let (outbox, done) = crossbeam_channel::unbounded::<Done>();
        std::thread::scope(|scope| {
            for _ in 0..threads {
                let (inbox, outbox) = (inbox.clone(), outbox.clone());
                scope.spawn(move || work(&inbox, &outbox));
            }
            drop((inbox, outbox));
            let mut rows = InOrder::of(found, hot, from, jobs, done);
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
        rows: &mut InOrder<'_>,
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
                if let Ok(LedgerEntry::Block(block)) = LedgerEntry::parse(&entry) {
                    self.check_block(verifier, rows, &entry, &block)?;
                    looked += u64::from(block.count());
                    next = Seq(block.last().0 + 1);
                } else {
                    verifier.check(&RecordedBlock {
                        entry: entry.clone(),
                        events: Vec::new(),
                    })?;
                }
                tiles.entry(&entry, next)?;
                progress(looked, rows.total.max(looked));
                index += 1;
            }
        }
        tiles.finish(next)?;
        Ok(())
    }

    fn check_block(
        &mut self,
        verifier: &mut Verifier<&'f Published>,
        rows: &mut InOrder<'_>,
        bytes: &[u8],
        block: &BlockEntry,
    ) -> Result<(), Stop> {
        let seqs = (block.first(), block.last());
        // What stands in a declared gap is outside of the ledger.
        while let Some(seq) = rows.next_seq()?
            && seq < seqs.0
            && self.is_lost(seq, seq)
        {
            self.outside += 1;
            rows.next()?;
        }
        let lost = self.is_lost(seqs.0, seqs.1);
        if !lost && let Some(made) = rows.made(block)? {
            let checked = verifier.check_made(bytes, &made.entry);
            return Ok(checked.map_err(|error| named(error, made.changed, FaultKind::Changed))?);
        }
        let mut recorded = RecordedBlock {
            entry: bytes.to_vec(),
            events: Vec::new(),
        };
        let (events, private) = rows.of_block(seqs)?;
        if lost {
            self.outside += events.len() as u64;
        } else {
            recorded.events = events;
        }
        let checked = verifier.check(&recorded);
        checked.map_err(|error| {
            let events = &recorded.events;
            let hashes: Vec<Hash> = events.iter().map(|event| event.hash).collect();
            let changed = private.and_then(|private| private.marks.first_changed(&hashes));
            let changed = changed.and_then(|place| events.get(place));
            let kind = match changed.map(|event| event.kept) {
                Some(Kept::Erased) => FaultKind::AfterErasure,
                _ => FaultKind::Changed,
            };
            named(error, changed.map(|event| event.seq), kind)
        })?;
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
    pub(super) fn gaps(&self) -> Vec<(String, u64, u64)> {
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

/// Names the event of a block that is not as it was, if the block's marks tell.
fn named(error: VerifyError, changed: Option<Seq>, kind: FaultKind) -> VerifyError {
    match (error, changed) {
        (VerifyError::Fault(fault), Some(seq)) if fault.kind == FaultKind::Changed => {
            VerifyError::Fault(Fault {
                kind,
                first: seq,
                last: seq,
                ..fault
            })
        }
        (error, _) => error,
    }
}
