//! Proof packs of a view, for the page, the API and the shell alike.

use std::io::{Seek, Write};

use admintrail_event::{CanonicalFields, Micros, Seq};
use admintrail_ledger::{LedgerError, PackAnchor, PackInfo, PackWriter};
use admintrail_store::{ProofState, Proving, StoreError, Trail, View};

use crate::thousands::grouped;
use crate::{Anchor, AnchorWay, Anchors, WebError};

/// Most events of one pack: it is for somebody who reads it.
pub const PACK_EVENTS: u64 = 100_000;

/// Who asks for a pack, and what is said of it.
#[derive(Debug, Clone)]
pub struct PackAsk {
    /// Who asked for it.
    pub made_by: String,
    /// When.
    pub made: Micros,
    /// What is known of checkpoints that somebody else keeps.
    pub anchors: Anchors,
}

/// What a pack holds and what it leaves out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Packed {
    /// Events with their proofs.
    pub events: u64,
    /// Those among them that are as an erasure left them.
    pub erased: u64,
    /// Left out: somebody is being erased from them, or they are being removed.
    pub rewriting: u64,
    /// Left out: in no published block yet.
    pub waiting: u64,
    /// Left out: recorded before the ledger began, or declared to be outside of it.
    pub outside: u64,
}

impl Packed {
    /// Events of the view that are not in the pack.
    #[must_use]
    pub const fn left_out(&self) -> u64 {
        self.rewriting + self.waiting + self.outside
    }

    /// Why events are left out: `2 not in the ledger yet`; `None` if none is.
    #[must_use]
    pub fn left_out_words(&self) -> Option<String> {
        let words = [
            (self.rewriting, "being erased or removed just now"),
            (self.waiting, "not in the ledger yet"),
            (self.outside, "recorded outside of the ledger"),
        ];
        let some: Vec<String> = words
            .into_iter()
            .filter(|(n, _)| *n > 0)
            .map(|(n, word)| format!("{} {word}", grouped(n)))
            .collect();
        (!some.is_empty()).then(|| some.join(", "))
    }
}

/// Why there is no pack.
#[derive(Debug, Clone, thiserror::Error)]
pub enum PackError {
    /// More than [`PACK_EVENTS`].
    #[error(
        "the view has more than {} events, more than fit into one export with proof; narrow it by time or filter, or take a plain format",
        grouped(PACK_EVENTS)
    )]
    TooMany,
    /// None of the view's events is in the ledger.
    #[error("no event of this view can be proven: none is in the published ledger")]
    Nothing,
    /// An event is not what it was.
    #[error("event {seq} is not as the ledger has it: {says}; run admintrail verify")]
    NotAsRecorded {
        /// Which.
        seq: Seq,
        /// What is wrong, in words.
        says: String,
    },
    /// The trail cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The pack cannot be written.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

impl From<PackError> for WebError {
    fn from(error: PackError) -> Self {
        match error {
            PackError::TooMany => Self::TooManyForPack { limit: PACK_EVENTS },
            PackError::Nothing => Self::Impossible(
                "No event of this view can be proven: none is in the published ledger. The newest get there within about a second.",
            ),
            PackError::NotAsRecorded { .. } => {
                let said = error.to_string();
                let mut letters = said.chars();
                let first = letters.next().map(|c| c.to_ascii_uppercase());
                Self::NotAsRecorded(first.into_iter().chain(letters).chain(['.']).collect())
            }
            PackError::Store(error) => error.into(),
            PackError::Ledger(error) => Self::internal(error),
        }
    }
}

/// Writes the events of a view with their proofs, all against the checkpoint as it is now. Those that
/// no checkpoint covers are left out and counted; one that is not as the ledger has it ends it.
///
/// # Errors
/// When there is nothing to prove, too much, or something that cannot be proven; when the trail
/// cannot be read or `out` not be written.
pub fn write_pack<W: Write + Seek>(
    trail: &Trail,
    view: &View,
    ask: &PackAsk,
    out: W,
) -> Result<Packed, PackError> {
    let seqs = numbers(trail, view)?;
    let key = trail.verification_key()?.ok_or(PackError::Nothing)?;
    let mut proving = trail.proving()?.ok_or(PackError::Nothing)?;
    let checkpoint = proving.checkpoint().to_owned();
    let filter = view.filter.to_string();
    let info = PackInfo {
        checkpoint: &checkpoint,
        key: &key,
        filter: &filter,
        from: view.from,
        to: view.to,
        made: ask.made,
        made_by: &ask.made_by,
        program: concat!("Admintrail ", env!("CARGO_PKG_VERSION")),
    };
    let mut pack = PackWriter::new(out, info)?;
    let (mut packed, mut last_entry) = (Packed::default(), 0);
    for seq in seqs {
        match proving.prove_number(seq)? {
            (Some(event), ProofState::Proven(proven)) => {
                pack.add(&CanonicalFields::from(&event), &proven.proof)?;
                packed.events += 1;
                last_entry = last_entry.max(proven.entry);
            }
            (Some(event), ProofState::Erased(proven)) => {
                pack.add_erased(&CanonicalFields::from(&event), &proven.proof)?;
                packed.events += 1;
                packed.erased += 1;
                last_entry = last_entry.max(proven.proof.statement().index());
            }
            (_, ProofState::Failed(says)) => return Err(PackError::NotAsRecorded { seq, says }),
            (_, ProofState::Rewriting) => packed.rewriting += 1,
            (_, ProofState::Waiting) => packed.waiting += 1,
            (_, ProofState::Outside) | (None, ProofState::Proven(_) | ProofState::Erased(_)) => {
                packed.outside += 1;
            }
        }
    }
    if packed.events == 0 {
        return Err(PackError::Nothing);
    }
    for anchor in ask.anchors.worth_showing(last_entry, pack.size()) {
        pack.anchor(proven_anchor(&mut proving, anchor)?)?;
    }
    pack.finish()?;
    Ok(packed)
}

/// An anchor as a pack has it. What lies at the place nobody here knows: the root is the one that the
/// ledger has now, and whoever holds the pack compares it with the copy there.
fn proven_anchor(proving: &mut Proving<'_>, anchor: &Anchor) -> Result<PackAnchor, StoreError> {
    let (head, consistency) = proving.anchored(anchor.size)?;
    let way = match anchor.way {
        AnchorWay::File => "file",
        AnchorWay::Webhook => "webhook",
        AnchorWay::Email => "mail to",
    };
    Ok(PackAnchor {
        place: format!("{way} {}", anchor.place),
        at: anchor.at,
        head,
        consistency,
    })
}

/// The numbers of a view's events, ascending: a scan goes by time, a ledger by them.
fn numbers(trail: &Trail, view: &View) -> Result<Vec<Seq>, PackError> {
    let mut seqs = Vec::new();
    for events in trail.scan(view) {
        seqs.extend(events?.iter().map(|event| event.seq));
        if seqs.len() as u64 > PACK_EVENTS {
            return Err(PackError::TooMany);
        }
    }
    seqs.sort_unstable();
    Ok(seqs)
}
