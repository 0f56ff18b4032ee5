//! Erasing a person: what is asked for, and what comes of it.

mod mentions;
mod person;
mod plan;

use admintrail_event::Micros;
use admintrail_ledger::{ReasonSeal, Statement};

pub(crate) use person::Person;
pub use person::without;
pub(crate) use plan::{Begun, ERASING, Plan};

use crate::StoreError;
use crate::random::random;

/// Hexadecimal digits of a pseudonym at first; more once that many are taken.
const DIGITS: usize = 4;

/// Whom to erase, and on whose word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErasureOrder {
    /// The admin's id, compared whole and folded; on every panel.
    pub admin: String,
    /// What stands in its place from then on, see [`crate::Trail::pseudonym`].
    pub pseudonym: String,
    /// Who decided.
    pub by: String,
    /// Who else agreed.
    pub approved_by: Option<String>,
    /// Why; whoever keeps the reason and its blind can show it later.
    pub reason: ReasonSeal,
}

/// What there is of a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Traces {
    /// The id as it is written in the trail, in its newest event.
    pub admin: String,
    /// Events that the person made.
    pub own: u64,
    /// The panels of those.
    pub panels: Vec<String>,
    /// The first and the last of them.
    pub times: (Micros, Micros),
}

/// What came of an erasure.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Erased {
    /// What stands in the person's place.
    pub pseudonym: String,
    /// Events that were rewritten: the person's own, and others that named it.
    pub events: u64,
    /// The place of the statement in the ledger; `None` if all of the events are older than that.
    pub entry: Option<u64>,
    /// When it was said in the ledger.
    pub at: Micros,
}

impl Erased {
    pub(crate) fn of(entry: u64, statement: &Statement) -> Self {
        let said = statement.declared();
        Self {
            pseudonym: said.subject.clone().unwrap_or_default(),
            events: said.events,
            entry: Some(entry),
            at: said.at,
        }
    }
}

/// How far an erasure has come: rows that were looked at, of how many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ErasureProgress {
    /// Rows that were looked at, three times each.
    pub done: u64,
    /// How many that will be.
    pub of: u64,
}

/// A pseudonym that nothing of the person follows from; `taken` says whether it is somebody's.
pub(crate) fn pseudonym(taken: impl Fn(&str) -> bool) -> Result<String, StoreError> {
    let mut digits = DIGITS;
    loop {
        let bytes = random::<16>()?;
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let name = format!("erased-{}", hex.get(..digits).unwrap_or(&hex));
        if !taken(&name) {
            return Ok(name);
        }
        digits = (digits + 1).min(hex.len());
    }
}
