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

    /// Whether an event is what its erasure left of it; nobody knows before that is done.
    pub(super) fn left(&self, erased: &ErasedHash, log: LogId, fields: &Fields<'_>) -> bool {
        let Some(key) = self.0.get(&erased.statement) else {
            return true;
        };
        let now = Salting::with(Some(key)).hash(log, fields, None);
        now == Some(Hash(erased.now))
    }

    /// Holds all that erasures left against their statements; the first that does not fit.
    pub(super) fn check(
        &self,
        private: &LedgerDatabase,
        statements: &BTreeMap<u64, Statement>,
    ) -> Result<Option<Fault>, StoreError> {
        let leaves = private.erased_leaves()?;
        let mut trees: BTreeMap<u64, Frontier> = BTreeMap::new();
        for leaf in leaves {
            trees.entry(leaf.statement).or_default().push(leaf.hash);
        }
        for (place, statement) in statements {
            let said = statement.declared();
            let Some(after) = said.after.filter(|_| self.0.contains_key(place)) else {
                continue;
            };
            let tree = trees.remove(place).unwrap_or_default();
            if (tree.size(), tree.root()) != (said.events, after) {
                return Ok(Some(Fault {
                    kind: FaultKind::AfterErasure,
                    first: said.first,
                    last: said.last,
                    entry: *place,
                }));
            }
        }
        Ok(None)
    }

    /// The pseudonyms of erasures that were announced and are not done.
    pub(super) fn unfinished(&self, statements: &BTreeMap<u64, Statement>) -> Vec<String> {
        let announced = statements.iter().filter(|(place, statement)| {
            statement.declared().kind == StatementKind::Erasure && !self.0.contains_key(place)
        });
        announced
            .filter_map(|(_, statement)| statement.declared().subject.clone())
            .collect()
    }
}
