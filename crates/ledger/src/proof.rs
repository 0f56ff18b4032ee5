//! The proof that one event stands in the ledger as it is shown.

mod erased;
mod statement;

pub use erased::{ErasedProof, verify_erased};
pub use statement::StatementProof;

use admintrail_event::{CanonicalFields, Micros, Seq};
use serde::{Deserialize, Serialize};

use crate::block::{BlockEntry, EventHasher, LedgerEntry, Salt};
use crate::{Hash, InclusionProof, LedgerError, Tree, TreeHead};

/// The form that this program writes.
const VERSION: u8 = 1;

/// The way from one event to a checkpoint: its salt, its place in its block, the block's entry, and
/// the entry's place in the ledger. As JSON it is what an export carries:
///
/// ```json
/// {"version":1,"seq":4711,"salt":"…",
///  "block":{"first":4700,"count":64,"min_received":…,"max_received":…,"root":"…","path":["…"]},
///  "ledger":{"index":12,"size":99,"path":["…"]}}
/// ```
///
/// Moments are µs since 1970-01-01T00:00:00Z, salt and hashes lower-case hexadecimal, paths as RFC
/// 6962 has them, nearest sibling first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventProof {
    version: u8,
    seq: u64,
    salt: Salt,
    block: BlockProof,
    ledger: InclusionProof,
}

/// The block of the event, and the way from the event's hash to its root.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct BlockProof {
    first: u64,
    count: u32,
    min_received: i64,
    max_received: i64,
    root: Hash,
    path: Vec<Hash>,
}

impl BlockProof {
    /// The place of one event; `events` is the tree over the hashes of all events of the block.
    fn new(seq: Seq, block: &BlockEntry, events: &Tree) -> Result<Self, LedgerError> {
        let wrong = |cause| LedgerError::NotProof { seq, cause };
        if events.size() != u64::from(block.count()) || events.root() != block.root() {
            return Err(wrong("the hashes are not those of the block"));
        }
        let path = seq
            .0
            .checked_sub(block.first().0)
            .and_then(|index| events.inclusion(index).ok())
            .ok_or(wrong("the event is not in the block"))?
            .path;
        let (min, max) = block.received();
        Ok(Self {
            first: block.first().0,
            count: block.count(),
            min_received: min.0,
            max_received: max.0,
            root: block.root(),
            path,
        })
    }

    /// The block's entry.
    fn entry(&self) -> Result<BlockEntry, LedgerError> {
        let received = (Micros(self.min_received), Micros(self.max_received));
        BlockEntry::new(Seq(self.first), self.count, received, self.root)
    }

    /// The block's entry, if an event with this hash stands in the event's place in it. The fields
    /// tell the place and the time, which nothing changes; `otherwise` is what else to say.
    fn holds(
        &self,
        fields: &CanonicalFields<'_>,
        hash: Hash,
        otherwise: &'static str,
    ) -> Result<BlockEntry, LedgerError> {
        let seq = fields.seq;
        let wrong = |cause| LedgerError::NotProof { seq, cause };
        let block = self.entry()?;
        let (min, max) = block.received();
        if !(min..=max).contains(&fields.received) {
            return Err(wrong("it was received outside of its block's time"));
        }
        let index = seq.0.checked_sub(block.first().0);
        let in_block = InclusionProof {
            index: index.ok_or(wrong("its number lies before its block"))?,
            size: block.count().into(),
            path: self.path.clone(),
        };
        if in_block.root_with(hash) != Some(block.root()) {
            return Err(wrong(otherwise));
        }
        Ok(block)
    }
}

/// Whether a proof of this version is one for this event.
fn is_for(fields: &CanonicalFields<'_>, version: u8, seq: u64) -> Result<(), LedgerError> {
    if version != VERSION {
        return Err(LedgerError::NewerProof { version });
    }
    if seq != fields.seq.0 {
        return Err(LedgerError::NotProof {
            seq: fields.seq,
            cause: "the proof is for another event",
        });
    }
    Ok(())
}

impl EventProof {
    /// The proof for one event of a block.
    ///
    /// `events` is the tree over the hashes of all events of the block, `ledger` the proof that the
    /// block's entry is in the ledger ([`crate::TileReader::inclusion`]).
    ///
    /// # Errors
    /// LEDGER-023 if the event is not in the block or the hashes are not those of the block.
    pub fn new(
        seq: Seq,
        salt: Salt,
        block: &BlockEntry,
        events: &Tree,
        ledger: InclusionProof,
    ) -> Result<Self, LedgerError> {
        Ok(Self {
            version: VERSION,
            seq: seq.0,
            salt,
            block: BlockProof::new(seq, block, events)?,
            ledger,
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

    /// The entry of the event's block.
    ///
    /// # Errors
    /// LEDGER-020 if there cannot be such a block.
    pub fn block(&self) -> Result<BlockEntry, LedgerError> {
        self.block.entry()
    }
}

/// Whether these are the fields of an event as the ledger with this head has it. The head should
/// come out of a checkpoint that was opened with a key one trusts.
///
/// # Errors
/// LEDGER-024 for a proof of a version that this program does not know; LEDGER-020 if there cannot be
/// such a block; LEDGER-023 if the proof is for another event or does not lead from this one to its
/// block; LEDGER-004 if the block is not in the ledger.
pub fn verify_event(
    fields: &CanonicalFields<'_>,
    proof: &EventProof,
    head: TreeHead,
) -> Result<(), LedgerError> {
    is_for(fields, proof.version, proof.seq)?;
    let hash = EventHasher::new().hash(proof.salt, fields);
    let changed = "it is not the event that was hashed into its block";
    let block = proof.block.holds(fields, hash, changed)?;
    let entry = LedgerEntry::from(block).to_bytes();
    proof.ledger.verify(Hash::of_leaf(&entry), head)
}
