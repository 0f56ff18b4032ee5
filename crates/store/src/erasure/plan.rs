//! An erasure that was begun: what `trail.db` remembers of it until it is done.

use admintrail_event::{Micros, Seq};
use admintrail_ledger::ReasonSeal;
use serde::{Deserialize, Serialize};

use super::{ErasureOrder, Person};
use crate::StoreError;
use crate::random::random;

/// Under this name `trail.db` remembers it.
pub(crate) const ERASING: &str = "erasing";

/// All events are rewritten; what the database's free pages and its log still have is to be removed.
const REWRITTEN: u8 = 1;
/// Nothing is left to be done.
const DONE: u8 = 2;

/// What is left to be done.
#[derive(Debug)]
pub(crate) enum Begun {
    /// Events are to be rewritten.
    Rewriting(Box<Plan>),
    /// What they were is to be removed from free pages.
    Removing,
}

impl Begun {
    /// What was remembered; `None` if nothing is left to be done.
    pub(crate) fn read(bytes: &[u8]) -> Result<Option<Self>, StoreError> {
        match bytes {
            [] | [DONE] => Ok(None),
            [REWRITTEN] => Ok(Some(Self::Removing)),
            bytes => postcard::from_bytes(bytes)
                .map(|mut plan: Plan| {
                    plan.person.is_complete();
                    Some(Self::Rewriting(Box::new(plan)))
                })
                .map_err(|error| StoreError::CannotRecord {
                    cause: format!("what trail.db says of an erasure cannot be read ({error})"),
                }),
        }
    }

    pub(crate) const REWRITTEN: &'static [u8] = &[REWRITTEN];
    pub(crate) const DONE: &'static [u8] = &[DONE];
}

/// Whom to erase, with all that the person is known by.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Plan {
    pub(crate) person: Person,
    /// The last event that is looked at.
    last: u64,
    /// From which the salts of what is left follow.
    pub(crate) key: [u8; 32],
    at: i64,
    pub(crate) by: String,
    pub(crate) approved_by: Option<String>,
    reason: [u8; 32],
}

impl Plan {
    pub(crate) fn new(
        order: &ErasureOrder,
        person: Person,
        last: Seq,
        at: Micros,
    ) -> Result<Self, StoreError> {
        let key = random()?;
        Ok(Self {
            person,
            last: last.0,
            key,
            at: at.0,
            by: order.by.clone(),
            approved_by: order.approved_by.clone(),
            reason: order.reason.0,
        })
    }

    pub(crate) const fn last(&self) -> Seq {
        Seq(self.last)
    }

    pub(crate) const fn at(&self) -> Micros {
        Micros(self.at)
    }

    pub(crate) const fn reason(&self) -> ReasonSeal {
        ReasonSeal(self.reason)
    }

    pub(crate) fn to_bytes(&self) -> Result<Vec<u8>, StoreError> {
        postcard::to_allocvec(self).map_err(|error| StoreError::CannotRecord {
            cause: error.to_string(),
        })
    }
}
