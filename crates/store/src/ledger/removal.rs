//! What has to be known of events before they are removed.

use std::path::Path;
use std::sync::Arc;

use admintrail_event::{Micros, Seq};
use admintrail_ledger::{Declaration, Statement, StatementKind};

use super::block::{Kept, PrivateBlock, Salting};
use super::database::LedgerDatabase;
use crate::StoreError;
use crate::archive::Segment;
use crate::columns::Fields;
use crate::hot::Access;

/// The blocks of a segment with the hashes of those rows that are to be removed: without them the others
/// could not be proven any more.
pub(crate) fn keep_hashes(
    dir: &Path,
    segment: &Arc<Segment>,
    removed: impl Fn(&Fields<'_>) -> bool,
) -> Result<Vec<PrivateBlock>, StoreError> {
    let private = LedgerDatabase::open(dir, Access::Read)?;
    let mut blocks = private.blocks(segment.name.first, segment.name.last)?;
    let mut saltings: Vec<Salting> = blocks.iter().map(Salting::of).collect();
    for chunk in (0..segment.head.groups.len()).filter_map(|group| segment.chunk(group)) {
        for fields in (0..chunk.rows).filter_map(|row| chunk.fields(row)) {
            if !removed(&fields) {
                continue;
            }
            let seq = Seq(fields.seq);
            let at = blocks.partition_point(|block| block.last() < seq);
            let (Some(block), Some(salting)) = (blocks.get_mut(at), saltings.get_mut(at)) else {
                continue;
            };
            let kept = block.kept(seq);
            let Some(hash) = salting.hash(segment.log(), &fields, kept) else {
                continue;
            };
            let place = u16::try_from(seq.0.saturating_sub(block.first.0)).unwrap_or(u16::MAX);
            let kept = (place, Kept::Hash(hash.0));
            match block.kept.binary_search_by_key(&place, |(at, _)| *at) {
                Ok(at) => {
                    if let Some(of) = block.kept.get_mut(at) {
                        *of = kept;
                    }
                }
                Err(at) => block.kept.insert(at, kept),
            }
        }
    }
    match segment.damage() {
        Some(error) => Err(error.clone()),
        None => Ok(blocks),
    }
}

/// Says that events were kept long enough.
pub(crate) fn retention(
    segment: &Segment,
    events: u64,
    cutoff: Micros,
    panels: &[&str],
    now: Micros,
) -> Result<Statement, StoreError> {
    let declared = Declaration {
        kind: StatementKind::Retention,
        at: now,
        first: segment.name.first,
        last: segment.name.last,
        events,
        cutoff: Some(cutoff),
        panel: match panels {
            [panel] => Some((*panel).to_owned()),
            _ => None,
        },
        subject: None,
        by: "retention".to_owned(),
        approved_by: None,
        reason: None,
        after: None,
    };
    Statement::new(declared).map_err(|error| StoreError::CannotRecord {
        cause: error.to_string(),
    })
}
