//! The proof that one event stands in the published ledger as it is now.

use std::path::{Path, PathBuf};

use admintrail_event::{CanonicalFields, Event, LogId, Seq};
use admintrail_ledger::{
    Checkpoint, EventProof, Hash, LedgerEntry, LedgerError, TileReader, Tree, verify_event,
};
use parking_lot::Mutex;

use super::block::{Kept, Salting};
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

    pub(crate) fn prove(&self, mirror: &Mirror, event: &Event) -> Result<ProofState, StoreError> {
        let failed = |error: LedgerError| Ok(ProofState::Failed(error.to_string()));
        let Some((note, checkpoint)) = self.checkpoint()? else {
            return Ok(ProofState::Waiting);
        };
        let (block, next) = {
            let mut private = self.private.lock();
            let private = match &mut *private {
                Some(private) => private,
                none => none.insert(LedgerDatabase::open(&self.dir, Access::Read)?),
            };
            let mut blocks = private.blocks(event.seq, event.seq)?;
            (blocks.pop(), private.end()?.1)
        };
        let Some(block) = block else {
            return Ok(if event.seq >= next {
                ProofState::Waiting
            } else {
                ProofState::Outside
            });
        };
        if block.index >= checkpoint.head.size {
            return Ok(ProofState::Waiting);
        }
        let mut salting = Salting::of(&block);
        let Some(salt) = salting.salt(event.seq, block.kept(event.seq)) else {
            return Ok(ProofState::Erased);
        };
        // The block's other events; those that are gone left their hashes.
        let mut hashes: Vec<Option<Hash>> = (0..block.count)
            .map(
                |place| match block.kept(Seq(block.first.0 + u64::from(place))) {
                    Some(Kept::Hash(hash)) => Some(Hash(hash)),
                    _ => None,
                },
            )
            .collect();
        let before = Seq(block.first.0.saturating_sub(1));
        for other in mirror.after(before, block.count as usize) {
            let place = usize::try_from(other.seq.0 - block.first.0).unwrap_or(usize::MAX);
            if let Some(hash @ None) = hashes.get_mut(place) {
                *hash = salting.hash(self.log, &Fields::from(&other), block.kept(other.seq));
            }
        }
        let tree: Tree = hashes.into_iter().flatten().collect();
        let mut reader = TileReader::new(&self.published, checkpoint.head);
        let width = u64::from(admintrail_ledger::TILE_WIDTH);
        let entries = match reader.bundle(block.index / width) {
            Ok(entries) => entries,
            Err(error) => return failed(error),
        };
        let place = usize::try_from(block.index % width).unwrap_or(0);
        let entry = entries.get(place).map(|entry| LedgerEntry::parse(entry));
        let Some(Ok(LedgerEntry::Block(entry))) = entry else {
            return Ok(ProofState::Failed(
                "the ledger has another entry in the place of its block".to_owned(),
            ));
        };
        let inclusion = match reader.inclusion(block.index) {
            Ok((_, inclusion)) => inclusion,
            Err(error) => return failed(error),
        };
        let made = EventProof::new(event.seq, salt, &entry, &tree, inclusion).and_then(|proof| {
            let fields = CanonicalFields::from(event);
            verify_event(&fields, &proof, checkpoint.head).map(|()| proof)
        });
        match made {
            Ok(proof) => Ok(ProofState::Proven(Box::new(Proven {
                proof,
                checkpoint: note,
                entry: block.index,
                entries: checkpoint.head.size,
            }))),
            Err(error) => failed(error),
        }
    }

    fn checkpoint(&self) -> Result<Option<(String, Checkpoint)>, StoreError> {
        let unreadable = |cause: String| StoreError::NotReadable {
            path: self.dir.join("ledger/checkpoint"),
            cause,
        };
        let bytes = self.published.checkpoint();
        let Some(bytes) = bytes.map_err(|error| unreadable(error.to_string()))? else {
            return Ok(None);
        };
        let Some(key) = verification_key(&self.dir, self.log)? else {
            return Ok(None);
        };
        let checkpoint =
            Checkpoint::open(&bytes, &[key]).map_err(|error| unreadable(error.to_string()))?;
        let note = String::from_utf8_lossy(&bytes).into_owned();
        Ok(Some((note, checkpoint)))
    }
}
