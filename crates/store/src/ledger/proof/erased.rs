//! The proof that an event is what an erasure left of it.

use std::sync::Arc;

use admintrail_event::{CanonicalFields, Event, Seq};
use admintrail_ledger::{
    BlockKey, ErasedProof, LedgerEntry, Statement, StatementProof, Tree, verify_erased,
};

use super::{ProofState, Prover, Proving, published};
use crate::StoreError;

/// Most events of an erasure whose tree is kept for the next question: some 75 bytes each. That of a
/// larger one is read and hashed again, which takes about a second for a million.
const REMEMBERED: usize = 1 << 18;

/// A proof of what an erasure left, computed and checked just now.
#[derive(Debug, Clone)]
pub struct ProvenErased {
    /// The ways from the event to the checkpoint.
    pub proof: ErasedProof,
    /// What the erasure said in the ledger.
    pub statement: Statement,
    /// The checkpoint as it is published.
    pub checkpoint: String,
    /// The place of the event's block in the ledger, from 0 on.
    pub entry: u64,
    /// Entries that the checkpoint covers.
    pub entries: u64,
}

/// All that an erasure left, by hash. It never changes once the erasure is done.
pub(super) struct Left {
    /// The place of its statement.
    statement: u64,
    seqs: Vec<Seq>,
    tree: Tree,
}

impl Prover {
    fn left_by(&self, statement: u64, seqs: (Seq, Seq)) -> Result<Arc<Left>, StoreError> {
        let mut kept = self.left.lock();
        if let Some(left) = kept.as_ref().filter(|left| left.statement == statement) {
            return Ok(Arc::clone(left));
        }
        let leaves = self.private(|private| private.left_by(statement, seqs))?;
        let left = Arc::new(Left {
            statement,
            seqs: leaves.iter().map(|(seq, _)| *seq).collect(),
            tree: leaves.into_iter().map(|(_, hash)| hash).collect(),
        });
        *kept = (left.seqs.len() <= REMEMBERED).then(|| Arc::clone(&left));
        Ok(left)
    }
}

impl Proving<'_> {
    /// Of an event in the current block that was rewritten by the erasure with this statement.
    pub(super) fn erased(
        &mut self,
        event: &Event,
        statement: u64,
    ) -> Result<ProofState, StoreError> {
        let head = self.reader.head();
        let Some(current) = &self.current else {
            return Ok(ProofState::Waiting);
        };
        // Before it is done there may be rows of before, and not all of what it leaves is known.
        let mut known = current.erasures.iter();
        let Some(erasure) = known.find(|erasure| erasure.statement == statement) else {
            return Ok(failed(
                "nothing is known of the erasure that it is said to be of",
            ));
        };
        if !erasure.done || statement >= head.size {
            return Ok(ProofState::Rewriting);
        }
        let (entry, in_ledger) = match &current.entry {
            Ok(found) => found,
            Err(cause) => return Ok(ProofState::Failed(cause.clone())),
        };
        let (said, at) = match published(&mut self.reader, statement) {
            Ok((Some(LedgerEntry::Statement(said)), at)) => (said, at),
            Ok(_) => {
                return Ok(failed(
                    "the ledger has another entry in the place of its erasure",
                ));
            }
            Err(cause) => return Ok(ProofState::Failed(cause)),
        };
        let left = self.left.take().filter(|left| left.statement == statement);
        let left = match left {
            Some(left) => left,
            None => {
                let said = said.declared();
                let seqs = (said.first, said.last);
                self.prover.left_by(statement, seqs)?
            }
        };
        self.left = Some(Arc::clone(&left));
        let place = left.seqs.binary_search(&event.seq).map(|at| at as u64);
        let Ok(after) = left.tree.inclusion(place.unwrap_or(u64::MAX)) else {
            return Ok(failed("it is none of those that its erasure left"));
        };
        let proof = ErasedProof::new(
            event.seq,
            BlockKey::new(&erasure.key).salt(event.seq),
            entry,
            &current.tree,
            in_ledger.clone(),
            StatementProof::new(&said, at),
            after,
        );
        let checked = proof.and_then(|proof| {
            verify_erased(&CanonicalFields::from(event), &proof, head).map(|()| proof)
        });
        Ok(match checked {
            Ok(proof) => ProofState::Erased(Box::new(ProvenErased {
                proof,
                statement: said,
                checkpoint: self.note.clone(),
                entry: current.block.index,
                entries: head.size,
            })),
            Err(error) => ProofState::Failed(error.to_string()),
        })
    }
}

fn failed(says: &str) -> ProofState {
    ProofState::Failed(says.to_owned())
}
