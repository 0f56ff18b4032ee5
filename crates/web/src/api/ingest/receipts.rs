//! What the ledger has of events that were just taken.

use std::time::{Duration, Instant};

use admintrail_event::Seq;
use admintrail_ledger::Hash;
use admintrail_store::Receipt;

use crate::api::export::published;
use crate::{App, WebError};

/// So long somebody waits for the ledger; a block closes within about a second.
const PATIENCE: Duration = Duration::from_secs(5);
/// Hashes that are looked for at once.
const SLICE: usize = 256;

/// One event and the published ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum InLedger {
    /// Its hash, in a published block.
    Published(Hash),
    /// Not within the time that one waits; it gets there later.
    Waiting,
    /// Nothing was taken under this id; the number is another event's.
    Conflict,
}

impl InLedger {
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Published(_) => "published",
            Self::Waiting => "waiting",
            Self::Conflict => "conflict",
        }
    }

    pub(super) const fn hash(self) -> Option<Hash> {
        match self {
            Self::Published(hash) => Some(hash),
            Self::Waiting | Self::Conflict => None,
        }
    }
}

/// The hashes of what receipts are for, as soon as they are published.
pub(super) async fn hashes(app: &App, receipts: &[Receipt]) -> Result<Vec<InLedger>, WebError> {
    let begun = Instant::now();
    let seq = |receipt: &Receipt| match receipt {
        Receipt::Accepted(seq) | Receipt::Duplicate(seq) => Some(*seq),
        Receipt::Conflict(_) => None,
    };
    let mut seqs: Vec<Seq> = receipts.iter().filter_map(seq).collect();
    seqs.sort_unstable();
    seqs.dedup();
    if let Some(last) = seqs.last() {
        published(app, *last, PATIENCE).await;
    }
    // Duplicates may lie far apart, and each costs a look into the archive: what takes too long is
    // not waited for.
    let wanted = seqs.clone();
    let found = app
        .ask(move |trail| {
            let mut found = Vec::with_capacity(wanted.len());
            for slice in wanted.chunks(SLICE) {
                if begun.elapsed() > PATIENCE * 2 {
                    break;
                }
                found.extend(trail.ledger_hashes(slice)?);
            }
            Ok(found)
        })
        .await?;
    let of = |seq: Seq| {
        let at = seqs.binary_search(&seq).ok()?;
        found.get(at).copied().flatten()
    };
    Ok(receipts
        .iter()
        .map(|receipt| match seq(receipt) {
            None => InLedger::Conflict,
            Some(seq) => of(seq).map_or(InLedger::Waiting, InLedger::Published),
        })
        .collect())
}
