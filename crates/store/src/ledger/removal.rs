//! What has to be known of events before they are removed or rewritten: without their hashes the others
//! of their blocks could not be proven any more.

use std::path::Path;
use std::sync::Arc;

use admintrail_event::{LogId, Micros, Seq};
use admintrail_ledger::{BlockKey, Declaration, Hash, Statement, StatementKind};

use super::block::{ErasedHash, ErasedLeaf, Kept, PrivateBlock, Salting, ToKeep};
use super::database::LedgerDatabase;
use crate::StoreError;
use crate::archive::Segment;
use crate::columns::Fields;
use crate::hot::Access;

/// The blocks of a segment, while it is found out what is to be kept of them.
pub(crate) struct Keeping {
    log: LogId,
    blocks: Vec<(PrivateBlock, Salting, Touched)>,
    leaves: Vec<ErasedLeaf>,
}

/// What is done to a block; whatever is more comes later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Touched {
    Not,
    /// Events of it go.
    Removed,
    /// Somebody of it is erased.
    Erased,
}

impl Keeping {
    pub(crate) fn of(dir: &Path, segment: &Segment) -> Result<Self, StoreError> {
        let private = LedgerDatabase::open(dir, Access::Read)?;
        let blocks = private.blocks(segment.name.first, segment.name.last)?;
        let with_salting = |block| {
            let salting = Salting::of(&block);
            (block, salting, Touched::Not)
        };
        Ok(Self {
            log: segment.log(),
            blocks: blocks.into_iter().map(with_salting).collect(),
            leaves: Vec::new(),
        })
    }

    /// An event goes.
    pub(crate) fn removes(&mut self, fields: &Fields<'_>) {
        let log = self.log;
        self.touch(fields, |block, salting, touched, place| {
            *touched = (*touched).max(Touched::Removed);
            if let Some(hash) = salting.hash(log, fields, block.kept(Seq(fields.seq))) {
                keep(block, place, Kept::Hash(hash.0));
            }
        });
    }

    /// An event was erased, and `now` is the hash of what is left; nothing changes if that is known.
    pub(crate) fn rewrites(&mut self, fields: &Fields<'_>, now: Hash, statement: u64) {
        let (log, seq) = (self.log, Seq(fields.seq));
        let mut replaced = None;
        self.touch(fields, |block, salting, touched, place| {
            let before = block.kept(seq);
            let was = match before {
                Some(Kept::Erased(erased)) if erased.statement == statement => return,
                // Somebody else was erased from it before; what that left is gone now.
                Some(Kept::Erased(erased)) => {
                    replaced = Some(ErasedLeaf {
                        statement: erased.statement,
                        seq,
                        hash: Hash(erased.now),
                    });
                    Some(Hash(erased.was))
                }
                before => salting.hash(log, fields, before),
            };
            let Some(was) = was else { return };
            *touched = Touched::Erased;
            let erased = ErasedHash {
                was: was.0,
                now: now.0,
                statement,
            };
            keep(block, place, Kept::Erased(erased));
        });
        self.leaves.extend(replaced);
    }

    /// Whether the ledger has this event.
    pub(crate) fn has(&self, seq: Seq) -> bool {
        self.at(seq).is_some()
    }

    fn at(&self, seq: Seq) -> Option<usize> {
        let at = self
            .blocks
            .partition_point(|(block, ..)| block.last() < seq);
        let (block, ..) = self.blocks.get(at)?;
        (block.first <= seq).then_some(at)
    }

    fn touch(
        &mut self,
        fields: &Fields<'_>,
        touch: impl FnOnce(&mut PrivateBlock, &mut Salting, &mut Touched, u16),
    ) {
        let seq = Seq(fields.seq);
        let Some((block, salting, touched)) = self.at(seq).and_then(|at| self.blocks.get_mut(at))
        else {
            return;
        };
        let place = u16::try_from(seq.0 - block.first.0).unwrap_or(u16::MAX);
        touch(block, salting, touched, place);
    }

    /// What is to be kept of the blocks that were touched. The key of one from which somebody was
    /// erased is gone: whoever has it and the hash could guess who that was. All others of the block
    /// have their salts kept one by one.
    pub(crate) fn finish(self) -> ToKeep {
        let touched = self.blocks.into_iter();
        let touched = touched.filter(|(_, _, touched)| *touched != Touched::Not);
        let blocks = touched.map(|(mut block, _, touched)| {
            if touched == Touched::Erased {
                keep_salts(&mut block);
            }
            block
        });
        ToKeep {
            blocks: blocks.collect(),
            leaves: self.leaves,
        }
    }
}

fn keep_salts(block: &mut PrivateBlock) {
    let Some(key) = block.key.take() else {
        return;
    };
    let key = BlockKey::new(&key);
    let places = (0..block.count).filter_map(|place| u16::try_from(place).ok());
    for place in places {
        let seq = Seq(block.first.0 + u64::from(place));
        if block.kept(seq).is_none() {
            keep(block, place, Kept::Salt(key.salt(seq).0));
        }
    }
}

fn keep(block: &mut PrivateBlock, place: u16, kept: Kept) {
    match block.kept.binary_search_by_key(&place, |(at, _)| *at) {
        Ok(at) => {
            if let Some(of) = block.kept.get_mut(at) {
                of.1 = kept;
            }
        }
        Err(at) => block.kept.insert(at, (place, kept)),
    }
}

/// The blocks of a segment with the hashes of those rows that are to be removed.
pub(crate) fn keep_hashes(
    dir: &Path,
    segment: &Arc<Segment>,
    removed: impl Fn(&Fields<'_>) -> bool,
) -> Result<ToKeep, StoreError> {
    let mut keeping = Keeping::of(dir, segment)?;
    segment.each(|fields| {
        if removed(fields) {
            keeping.removes(fields);
        }
    })?;
    Ok(keeping.finish())
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
