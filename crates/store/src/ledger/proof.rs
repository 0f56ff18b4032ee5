//! The proof that one event stands in the published ledger as it is now.

use std::path::{Path, PathBuf};

use admintrail_event::{CanonicalFields, Event, LogId, Seq};
use admintrail_ledger::{
    BlockEntry, Checkpoint, EventProof, Hash, InclusionProof, LedgerEntry, LedgerError, Statement,
    TileId, TileReader, TileSource, Tree, verify_event,
};
use parking_lot::Mutex;

use super::block::{PrivateBlock, Salting};
use super::database::LedgerDatabase;
use super::folder::Published;
use super::key::verification_key;
use crate::StoreError;
use crate::columns::Fields;
use crate::hot::Access;
use crate::mirror::Mirror;

/// What can be said of an event and the ledger.
#[derive(Debug, Clone)]
pub enum ProofState {
    /// It is in no published block yet; the next checkpoint is about a second away.
    Waiting,
    /// It is in the ledger as it is now.
    Proven(Box<Proven>),
    /// It is kept by its hash alone: somebody was erased.
    Erased,
    /// It was recorded before the ledger began, or is declared to be outside of it.
    Outside,
    /// It is not what the ledger has: changed, or the ledger was. Why, in words.
    Failed(String),
}

/// A proof that was computed and checked just now.
#[derive(Debug, Clone)]
pub struct Proven {
    /// The way from the event to the checkpoint.
    pub proof: EventProof,
    /// The checkpoint as it is published.
    pub checkpoint: String,
    /// The place of the event's block in the ledger, from 0 on.
    pub entry: u64,
    /// Entries that the checkpoint covers.
    pub entries: u64,
}

/// Proves events of a data folder.
pub(crate) struct Prover {
    dir: PathBuf,
    log: LogId,
    published: Published,
    private: Mutex<Option<LedgerDatabase>>,
}

impl Prover {
    pub(crate) fn of(dir: &Path, log: LogId) -> Self {
        Self {
            dir: dir.to_path_buf(),
            log,
            published: Published::below(dir),
            private: Mutex::new(None),
        }
    }

    /// Begins to prove events against the checkpoint as it is now; `None` before the first one.
    pub(crate) fn proving<'t>(
        &'t self,
        mirror: &'t Mirror,
    ) -> Result<Option<Proving<'t>>, StoreError> {
        let Some((note, checkpoint)) = self.checkpoint()? else {
            return Ok(None);
        };
        Ok(Some(Proving {
            prover: self,
            mirror,
            note,
            reader: TileReader::new(&self.published, checkpoint.head),
            current: None,
        }))
    }

    pub(crate) fn prove(&self, mirror: &Mirror, event: &Event) -> Result<ProofState, StoreError> {
        match self.proving(mirror)? {
            Some(mut proving) => proving.prove(event),
            None => Ok(ProofState::Waiting),
        }
    }

    /// The hashes of events as the published ledger has them, in the order of their numbers; `None`
    /// for one that it does not have, or has otherwise.
    pub(crate) fn hashes(
        &self,
        mirror: &Mirror,
        seqs: &[Seq],
    ) -> Result<Vec<Option<Hash>>, StoreError> {
        let Some(mut proving) = self.proving(mirror)? else {
            return Ok(vec![None; seqs.len()]);
        };
        seqs.iter().map(|seq| proving.hash(*seq)).collect()
    }

    /// Every statement that the ledger has, by its place.
    pub(crate) fn statements(&self) -> Result<Vec<(u64, Statement)>, StoreError> {
        self.private(LedgerDatabase::read_statements)
    }

    /// The published checkpoint as it is.
    pub(crate) fn published_checkpoint(&self) -> Result<Option<Vec<u8>>, StoreError> {
        let read = self.published.checkpoint();
        read.map_err(|error| self.unreadable("ledger/checkpoint", error.to_string()))
    }

    /// A published tile or bundle as it is.
    pub(crate) fn published_tile(&self, tile: &TileId) -> Result<Option<Vec<u8>>, StoreError> {
        let read = self.published.read(tile);
        read.map_err(|error| self.unreadable("ledger/tile", error.to_string()))
    }

    /// The folder of the data.
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    fn private<T>(
        &self,
        ask: impl FnOnce(&LedgerDatabase) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut private = self.private.lock();
        let private = match &mut *private {
            Some(private) => private,
            none => none.insert(LedgerDatabase::open(&self.dir, Access::Read)?),
        };
        ask(private)
    }

    fn unreadable(&self, name: &str, cause: String) -> StoreError {
        StoreError::NotReadable {
            path: self.dir.join(name),
            cause,
        }
    }

    fn checkpoint(&self) -> Result<Option<(String, Checkpoint)>, StoreError> {
        let Some(bytes) = self.published_checkpoint()? else {
            return Ok(None);
        };
        let Some(key) = verification_key(&self.dir, self.log)? else {
            return Ok(None);
        };
        let checkpoint = Checkpoint::open(&bytes, &[key])
            .map_err(|error| self.unreadable("ledger/checkpoint", error.to_string()))?;
        let note = String::from_utf8_lossy(&bytes).into_owned();
        Ok(Some((note, checkpoint)))
    }
}

/// Proves events against one checkpoint. Events that come in the order of their numbers cost least:
/// a block is read and hashed once for all of its events that follow each other.
pub struct Proving<'t> {
    prover: &'t Prover,
    mirror: &'t Mirror,
    note: String,
    reader: TileReader<&'t Published>,
    current: Option<Current>,
}

/// The block that was looked at last.
struct Current {
    block: PrivateBlock,
    salting: Salting,
    /// Those that are there.
    events: Vec<Event>,
    /// By place; those that are gone left theirs.
    hashes: Vec<Option<Hash>>,
    tree: Tree,
    /// Its entry and the entry's place, or why there is none, in words.
    entry: Result<(BlockEntry, InclusionProof), String>,
}

/// Where an event stands.
enum Place {
    Waiting,
    Outside,
    /// In the block that is the current one now.
    InBlock,
}

impl Proving<'_> {
    /// The signed checkpoint that proofs lead to.
    #[must_use]
    pub fn checkpoint(&self) -> &str {
        &self.note
    }

    /// Whether an event is in the ledger.
    ///
    /// # Errors
    /// When `ledger.db` cannot be read.
    pub fn prove(&mut self, event: &Event) -> Result<ProofState, StoreError> {
        Ok(match self.place(event.seq)? {
            Place::Waiting => ProofState::Waiting,
            Place::Outside => ProofState::Outside,
            Place::InBlock => self.proven(event),
        })
    }

    /// Finds the event of a number, and proves it. Without an event it is none of this trail any
    /// more, or in no block yet.
    ///
    /// # Errors
    /// When `ledger.db` cannot be read.
    pub fn prove_number(&mut self, seq: Seq) -> Result<(Option<Event>, ProofState), StoreError> {
        match self.place(seq)? {
            Place::Waiting => return Ok((None, ProofState::Waiting)),
            Place::Outside => return Ok((None, ProofState::Outside)),
            Place::InBlock => {}
        }
        let events = self.current.as_ref().map(|current| &current.events);
        let found = events.and_then(|events| {
            let at = events.binary_search_by_key(&seq, |event| event.seq).ok()?;
            events.get(at).cloned()
        });
        Ok(match found {
            Some(event) => {
                let state = self.proven(&event);
                (Some(event), state)
            }
            None => (None, ProofState::Outside),
        })
    }

    /// The hash of an event, if its block makes the root that the ledger has.
    fn hash(&mut self, seq: Seq) -> Result<Option<Hash>, StoreError> {
        let Place::InBlock = self.place(seq)? else {
            return Ok(None);
        };
        Ok(self.current.as_ref().and_then(|current| {
            let (entry, _) = current.entry.as_ref().ok()?;
            let place = usize::try_from(seq.0.checked_sub(current.block.first.0)?).ok()?;
            let whole = current.tree.size() == u64::from(entry.count());
            let as_published = whole && current.tree.root() == entry.root();
            current.hashes.get(place).copied()?.filter(|_| as_published)
        }))
    }

    /// Makes the event's block the current one.
    fn place(&mut self, seq: Seq) -> Result<Place, StoreError> {
        let is_in = |block: &PrivateBlock| (block.first..=block.last()).contains(&seq);
        if self.current.as_ref().is_some_and(|it| is_in(&it.block)) {
            return Ok(Place::InBlock);
        }
        let (block, next) = self
            .prover
            .private(|private| Ok((private.blocks(seq, seq)?.pop(), private.end()?.1)))?;
        let Some(block) = block else {
            return Ok(if seq >= next {
                Place::Waiting
            } else {
                Place::Outside
            });
        };
        if block.index >= self.reader.head().size {
            return Ok(Place::Waiting);
        }
        self.current = Some(self.read(block));
        Ok(Place::InBlock)
    }

    fn read(&mut self, block: PrivateBlock) -> Current {
        let mut salting = Salting::of(&block);
        // The block's events; those that are gone left their hashes.
        let mut hashes: Vec<Option<Hash>> = (0..block.count)
            .map(|place| block.kept(Seq(block.first.0 + u64::from(place)))?.hash())
            .collect();
        let before = Seq(block.first.0.saturating_sub(1));
        let mut events = self.mirror.after(before, block.count as usize);
        events.retain(|event| event.seq <= block.last());
        for event in &events {
            let place = usize::try_from(event.seq.0 - block.first.0).unwrap_or(usize::MAX);
            if let Some(hash @ None) = hashes.get_mut(place) {
                let kept = block.kept(event.seq);
                *hash = salting.hash(self.prover.log, &Fields::from(event), kept);
            }
        }
        Current {
            entry: self.entry(block.index),
            tree: hashes.iter().copied().flatten().collect(),
            block,
            salting,
            events,
            hashes,
        }
    }

    /// The entry at a place that has to be a block, and the proof that it is there.
    fn entry(&mut self, index: u64) -> Result<(BlockEntry, InclusionProof), String> {
        let said = |error: LedgerError| error.to_string();
        let width = u64::from(admintrail_ledger::TILE_WIDTH);
        let entries = self.reader.bundle(index / width).map_err(said)?;
        let place = usize::try_from(index % width).unwrap_or(0);
        let entry = entries.get(place).map(|entry| LedgerEntry::parse(entry));
        let Some(Ok(LedgerEntry::Block(entry))) = entry else {
            return Err("the ledger has another entry in the place of its block".to_owned());
        };
        let (_, inclusion) = self.reader.inclusion(index).map_err(said)?;
        Ok((entry, inclusion))
    }

    /// Of an event in the current block.
    fn proven(&self, event: &Event) -> ProofState {
        let Some(current) = &self.current else {
            return ProofState::Waiting;
        };
        let kept = current.block.kept(event.seq);
        let Some(salt) = current.salting.salt(event.seq, kept) else {
            return ProofState::Erased;
        };
        let (entry, inclusion) = match &current.entry {
            Ok(found) => found,
            Err(cause) => return ProofState::Failed(cause.clone()),
        };
        let head = self.reader.head();
        let made = EventProof::new(event.seq, salt, entry, &current.tree, inclusion.clone());
        let checked = made.and_then(|proof| {
            verify_event(&CanonicalFields::from(event), &proof, head).map(|()| proof)
        });
        match checked {
            Ok(proof) => ProofState::Proven(Box::new(Proven {
                proof,
                checkpoint: self.note.clone(),
                entry: current.block.index,
                entries: head.size,
            })),
            Err(error) => ProofState::Failed(error.to_string()),
        }
    }
}
