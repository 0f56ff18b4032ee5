//! What the ledger says of an erasure, and what is held against that afterwards.

use std::collections::BTreeMap;

use admintrail_event::{LogId, Seq};
use admintrail_ledger::{Declaration, Fault, FaultKind, Frontier, Hash, Statement, StatementKind};

use super::block::{ErasedHash, Salting};
use super::database::LedgerDatabase;
use crate::StoreError;
use crate::columns::Fields;
use crate::erasure::Plan;

/// The hashes of what an erasure leaves, as they come in the order of their numbers.
pub(crate) struct Leaves {
    log: LogId,
    salting: Salting,
    tree: Frontier,
    seqs: Option<(Seq, Seq)>,
}

impl Leaves {
    pub(crate) fn of(log: LogId, key: &[u8; 32]) -> Self {
        Self {
            log,
            salting: Salting::with(Some(key)),
            tree: Frontier::new(),
            seqs: None,
        }
    }

    /// The hash of one event as it is left; `None` for one that is none.
    pub(crate) fn hash(&mut self, fields: &Fields<'_>) -> Option<Hash> {
        self.salting.hash(self.log, fields, None)
    }

    /// Takes in the next one.
    pub(crate) fn push(&mut self, seq: Seq, hash: Hash) {
        let first = self.seqs.map_or(seq, |(first, _)| first);
        self.seqs = Some((first, seq));
        self.tree.push(hash);
    }
}

/// Says whom an erasure is about, by the pseudonym alone; `None` if the ledger has none of the events.
pub(crate) fn erasure(plan: &Plan, leaves: &Leaves) -> Result<Option<Statement>, StoreError> {
    let Some((first, last)) = leaves.seqs else {
        return Ok(None);
    };
    let said = Statement::new(Declaration {
        kind: StatementKind::Erasure,
        at: plan.at(),
        first,
        last,
        events: leaves.tree.size(),
        cutoff: None,
        panel: None,
        subject: Some(plan.person.pseudonym.clone()),
        by: plan.by.clone(),
        approved_by: plan.approved_by.clone(),
        reason: Some(plan.reason()),
        after: Some(leaves.tree.root()),
    });
    said.map(Some).map_err(|error| StoreError::CannotRecord {
        cause: error.to_string(),
    })
}

/// Erasures that are done, by the place of their statement: from then on their events are held against
/// what was left of them.
#[derive(Debug, Clone, Default)]
pub(super) struct Erasures(BTreeMap<u64, [u8; 32]>);

impl Erasures {
    pub(super) fn read(private: &LedgerDatabase) -> Result<Self, StoreError> {
        let known = private.erasures()?.into_iter();
        let done = known.filter(|erasure| erasure.done);
        Ok(Self(done.map(|of| (of.statement, of.key)).collect()))
    }

    /// Whether an event is what its erasure left of it; nobody knows before that is done, and whether
    /// there is such an erasure is for [`Self::check`] to say.
    pub(super) fn left(&self, erased: &ErasedHash, log: LogId, fields: &Fields<'_>) -> bool {
        let Some(key) = self.0.get(&erased.statement) else {
            return true;
        };
        let now = Salting::with(Some(key)).hash(log, fields, None);
        now == Some(Hash(erased.now))
    }

    /// Holds all that erasures left against their statements: the pseudonyms of those that are not done
    /// yet, or the first thing that does not fit. `under_way` says whose erasure `trail.db` remembers.
    ///
    /// A server may be erasing meanwhile, so what is read follows the order in which it writes: what is
    /// left, what announces it, what is under way, and what of that is done by then.
    pub(super) fn check(
        &self,
        private: &LedgerDatabase,
        under_way: impl FnOnce() -> Result<Option<String>, StoreError>,
    ) -> Result<Result<Vec<String>, Fault>, StoreError> {
        let leaves = private.erased_leaves()?;
        let statements: BTreeMap<u64, Statement> = private.read_statements()?.into_iter().collect();
        let under_way = under_way()?;
        let done = Self::read(private)?;
        let fault = |first, last, entry| {
            let kind = FaultKind::AfterErasure;
            Ok(Err(Fault {
                kind,
                first,
                last,
                entry,
            }))
        };
        let mut trees: BTreeMap<u64, Frontier> = BTreeMap::new();
        for leaf in leaves {
            let statement = statements.get(&leaf.statement);
            if !statement.is_some_and(|said| said.erases() && said.covers(leaf.seq)) {
                return fault(leaf.seq, leaf.seq, leaf.statement);
            }
            trees.entry(leaf.statement).or_default().push(leaf.hash);
        }
        let mut unfinished = Vec::new();
        for (place, statement) in statements.iter().filter(|(_, said)| said.erases()) {
            let said = statement.declared();
            let tree = trees.remove(place).unwrap_or_default();
            let fits = (tree.size(), Some(tree.root())) == (said.events, said.after);
            let is_known = self.0.contains_key(place) || done.0.contains_key(place);
            let goes_on = under_way.is_some() && under_way == said.subject;
            if (self.0.contains_key(place) && !fits) || !(is_known || goes_on) {
                return fault(said.first, said.last, *place);
            }
            if !is_known {
                unfinished.extend(said.subject.clone());
            }
        }
        Ok(Ok(unfinished))
    }
}
