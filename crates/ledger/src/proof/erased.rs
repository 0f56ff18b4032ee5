//! The proof that one event was erased, and that what is shown in its place is what the erasure left.

use admintrail_event::{CanonicalFields, Seq};
use serde::{Deserialize, Serialize};

use super::{BlockProof, StatementProof, VERSION, is_for};
use crate::block::{BlockEntry, EventHasher, LedgerEntry, Salt};
use crate::{Hash, InclusionProof, LedgerError, Statement, StatementKind, Tree, TreeHead};

/// What an [`EventProof`](crate::EventProof) is for an event whose person was erased. Nobody can tell
/// any more what the event was; its hash of then still stands in its block, and the erasure put into
/// the ledger what it left. As JSON:
///
/// ```json
/// {"version":1,"seq":4711,"salt":"…","was":"…",
///  "block":{"first":4700,"count":64,"min_received":…,"max_received":…,"root":"…","path":["…"]},
///  "ledger":{"index":12,"size":99,"path":["…"]},
///  "statement":{"entry":"0201…","ledger":{"index":40,"size":99,"path":["…"]}},
///  "after":{"index":3,"size":17,"path":["…"]}}
/// ```
///
/// `was` is the hash of then: `block` leads from it to the block's root, `ledger` from the block's
/// entry to the checkpoint. `salt` is that of the rewritten event: its hash is the leaf of the tree
/// whose root the statement has as `after`, in the place that `after` tells. `statement` carries the
/// bytes of the statement's entry and leads from them to the same checkpoint.
///
/// The statement stands in every proof of an erasure's events again, so that each is whole by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ErasedProof {
    version: u8,
    seq: u64,
    salt: Salt,
    was: Hash,
    block: BlockProof,
    ledger: InclusionProof,
    statement: StatementProof,
    after: InclusionProof,
}

impl ErasedProof {
    /// The proof for one erased event of a block.
    ///
    /// `salt` is that of the rewritten event. `events` is the tree over the hashes of all events of
    /// the block as they were, `ledger` the proof that the block's entry is in the ledger. `after` is
    /// the place of the rewritten event among all that the erasure rewrote.
    ///
    /// # Errors
    /// LEDGER-023 if the event is not in the block or the hashes are not those of the block.
    pub fn new(
        seq: Seq,
        salt: Salt,
        block: &BlockEntry,
        events: &Tree,
        ledger: InclusionProof,
        statement: StatementProof,
        after: InclusionProof,
    ) -> Result<Self, LedgerError> {
        let block = BlockProof::new(seq, block, events)?;
        let place = usize::try_from(seq.0 - block.first).unwrap_or(usize::MAX);
        let was = events.leaves().get(place).ok_or(LedgerError::NotProof {
            seq,
            cause: "the event is not in the block",
        })?;
        Ok(Self {
            version: VERSION,
            seq: seq.0,
            salt,
            was: *was,
            block,
            ledger,
            statement,
            after,
        })
    }

    /// The event it is for.
    #[must_use]
    pub const fn seq(&self) -> Seq {
        Seq(self.seq)
    }

    /// The size of the ledger it leads to: a checkpoint of just this size belongs to it.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.ledger.size
    }

    /// The hash of the event as it was.
    #[must_use]
    pub const fn was(&self) -> Hash {
        self.was
    }

    /// The entry of the event's block.
    ///
    /// # Errors
    /// LEDGER-020 if there cannot be such a block.
    pub fn block(&self) -> Result<BlockEntry, LedgerError> {
        self.block.entry()
    }

    /// What the ledger says of the erasure, and where.
    #[must_use]
    pub const fn statement(&self) -> &StatementProof {
        &self.statement
    }
}

/// Whether these are the fields of an event as an erasure left it, by the word of the ledger with this
/// head: an event with this number was recorded, was rewritten by an erasure that the ledger tells of
/// later on, and reads since then as it is shown. Of what it was before, the hash alone is proven.
///
/// # Errors
/// LEDGER-024 for a proof of a version that this program does not know; LEDGER-020 to 022 if there
/// cannot be such a block or statement; LEDGER-023 if the proof is for another event, its hash of then
/// is not in the block, the statement is not one of its erasure, or the erasure left something else;
/// LEDGER-004 if block or statement are not in the ledger.
pub fn verify_erased(
    fields: &CanonicalFields<'_>,
    proof: &ErasedProof,
    head: TreeHead,
) -> Result<(), LedgerError> {
    is_for(fields, proof.version, proof.seq)?;
    let elsewhere = "its hash of then is not the one in its block";
    let block = proof.block.holds(fields, proof.was, elsewhere)?;
    let entry = LedgerEntry::from(block).to_bytes();
    proof.ledger.verify(Hash::of_leaf(&entry), head)?;
    let statement = proof.statement.verify(head)?;
    let wrong = |cause| LedgerError::NotProof {
        seq: fields.seq,
        cause,
    };
    if proof.statement.index() <= proof.ledger.index {
        return Err(wrong("the statement stands before it in the ledger"));
    }
    let after = after_root(fields, &statement).map_err(wrong)?;
    if !is_place(&proof.after, fields.seq, &statement) {
        return Err(wrong(
            "its place among the events of the erasure cannot be that",
        ));
    }
    let now = EventHasher::new().hash(proof.salt, fields);
    if proof.after.root_with(now) != Some(after) {
        return Err(wrong("it is not what the erasure left"));
    }
    Ok(())
}

/// The root over what an erasure left, if this event is one that it may have rewritten.
fn after_root(fields: &CanonicalFields<'_>, statement: &Statement) -> Result<Hash, &'static str> {
    let said = statement.declared();
    let (StatementKind::Erasure, Some(after)) = (said.kind, said.after) else {
        return Err("the statement does not say what an erasure left");
    };
    let in_time = said.cutoff.is_none_or(|cutoff| fields.received < cutoff);
    let on_panel = said.panel.as_deref().is_none_or(|of| of == fields.panel);
    if statement.covers(fields.seq) && in_time && on_panel {
        Ok(after)
    } else {
        Err("the statement does not speak of it")
    }
}

/// Whether an event can have this place: those that were rewritten come in the order of their numbers,
/// so that no more of them stand on either side than the range of the statement has there.
fn is_place(place: &InclusionProof, seq: Seq, statement: &Statement) -> bool {
    let said = statement.declared();
    let behind = said
        .events
        .checked_sub(1)
        .and_then(|last| last.checked_sub(place.index));
    place.size == said.events
        && place.index <= seq.0 - said.first.0
        && behind.is_some_and(|behind| behind <= said.last.0 - seq.0)
}
