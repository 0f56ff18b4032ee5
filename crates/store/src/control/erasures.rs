//! Who is to be erased, on whose word, and what came of it.

use std::sync::Arc;

use admintrail_event::{Micros, fold};
use rusqlite::{Connection, OptionalExtension, Params, Row, params};

use super::memory::Memory;
use super::{Control, Durable, database};
use crate::erasure::without;

/// Number of a request to erase somebody; never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ErasureId(pub i64);

/// How far a request to erase somebody has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErasureState {
    /// Somebody else has to approve it.
    Waiting,
    /// It is carried out, or about to be.
    Approved,
    /// Nothing of the person is left.
    Done,
    /// It was taken back before anything was changed.
    Withdrawn,
}

impl ErasureState {
    const ALL: [Self; 4] = [Self::Waiting, Self::Approved, Self::Done, Self::Withdrawn];

    /// The word that is stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Approved => "approved",
            Self::Done => "done",
            Self::Withdrawn => "withdrawn",
        }
    }

    fn of_name(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }
}

/// A request to erase somebody.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredErasure {
    /// Its number.
    pub id: ErasureId,
    /// Whom; `None` once nobody needs to know any more.
    pub admin: Option<String>,
    /// What stands in the person's place.
    pub pseudonym: String,
    /// Who asked for it.
    pub requested_by: String,
    /// When.
    pub requested_at: Micros,
    /// Who else agreed; `None`: nobody has, or nobody had to.
    pub approved_by: Option<String>,
    /// Since when nothing stands in its way.
    pub approved_at: Option<Micros>,
    /// Why, without the person's id.
    pub reason: String,
    /// What the ledger's seal of the reason was made with.
    pub blind: [u8; 32],
    /// How far it has come.
    pub state: ErasureState,
    /// Events that were rewritten.
    pub events: Option<u64>,
    /// Place of the statement in the ledger; `None`: not yet, or there was no event of the person.
    pub entry: Option<u64>,
    /// When it was done, or withdrawn.
    pub done_at: Option<Micros>,
}

/// Without the person: what is formatted is easily logged.
impl std::fmt::Debug for StoredErasure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StoredErasure")
            .field("id", &self.id)
            .field("pseudonym", &self.pseudonym)
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

/// A request to make.
#[derive(Clone)]
pub struct NewErasure {
    /// Whom, as the trail has the id.
    pub admin: String,
    /// What is to stand in the person's place.
    pub pseudonym: String,
    /// Who asks for it.
    pub requested_by: String,
    /// When.
    pub requested_at: Micros,
    /// Why; what of it is the person's id gives way to the pseudonym.
    pub reason: String,
    /// 32 random bytes.
    pub blind: [u8; 32],
    /// Whether somebody else has to approve it.
    pub waits: bool,
}

impl Control {
    /// Every request, the newest first.
    #[must_use]
    pub fn erasures(&self) -> Vec<Arc<StoredErasure>> {
        let all = self.memory().erasures.read();
        all.values().rev().cloned().collect()
    }

    /// One of them.
    #[must_use]
    pub fn erasure(&self, id: ErasureId) -> Option<Arc<StoredErasure>> {
        self.memory().erasures.read().get(&id).cloned()
    }

    /// Keeps a request. `None`: one for the same person waits or is carried out already, or the
    /// pseudonym is taken.
    pub fn add_erasure(&self, new: NewErasure) -> Durable<Option<Arc<StoredErasure>>> {
        self.change(
            move |connection| insert(connection, &new),
            |memory, made| made.map(|made| memory.show_erasure(made)),
        )
    }

    /// Somebody else agrees. `None`: it does not wait (any more).
    pub fn approve_erasure(
        &self,
        id: ErasureId,
        by: String,
        at: Micros,
    ) -> Durable<Option<Arc<StoredErasure>>> {
        let sql = "UPDATE erasures SET state = 'approved', approved_by = ?2, approved_at = ?3 \
                   WHERE id = ?1 AND state = 'waiting'";
        self.advance(id, sql, (id.0, by, at.0))
    }

    /// It is taken back; whom it was about is forgotten. `None`: it does not wait (any more).
    pub fn withdraw_erasure(
        &self,
        id: ErasureId,
        at: Micros,
    ) -> Durable<Option<Arc<StoredErasure>>> {
        let sql = "UPDATE erasures SET state = 'withdrawn', admin = NULL, done_at = ?2 \
                   WHERE id = ?1 AND state = 'waiting'";
        self.advance(id, sql, (id.0, at.0))
    }

    /// The record has been rewritten: what came of it is kept, and whom it was about forgotten.
    /// [`Self::end_erasure`] is for when nothing is left in any file.
    pub fn forget_erased(
        &self,
        id: ErasureId,
        events: u64,
        entry: Option<u64>,
    ) -> Durable<Option<Arc<StoredErasure>>> {
        let sql = "UPDATE erasures SET admin = NULL, events = ?2, entry = ?3 \
                   WHERE id = ?1 AND state = 'approved'";
        self.advance(id, sql, (id.0, number(events), entry.map(number)))
    }

    /// Changes a request, if it is as `sql` wants it, and shows it.
    fn advance(
        &self,
        id: ErasureId,
        sql: &'static str,
        values: impl Params + Send + 'static,
    ) -> Durable<Option<Arc<StoredErasure>>> {
        self.change(
            move |connection| {
                let changed = connection.prepare_cached(sql)?.execute(values)?;
                if changed == 0 {
                    return Ok(None);
                }
                one(connection, id)
            },
            |memory, made| made.map(|made| memory.show_erasure(made)),
        )
    }

    /// All of it is done. `None`: it was not under way.
    pub fn end_erasure(&self, id: ErasureId, at: Micros) -> Durable<Option<Arc<StoredErasure>>> {
        let sql = "UPDATE erasures SET state = 'done', done_at = ?2 \
                   WHERE id = ?1 AND state = 'approved' AND admin IS NULL";
        self.advance(id, sql, (id.0, at.0))
    }
}

impl Memory {
    pub(super) fn show_erasure(&self, erasure: StoredErasure) -> Arc<StoredErasure> {
        let shown = Arc::new(erasure);
        self.erasures.write().insert(shown.id, Arc::clone(&shown));
        shown
    }
}

fn insert(connection: &Connection, new: &NewErasure) -> rusqlite::Result<Option<StoredErasure>> {
    let person = fold(&new.admin);
    let sql = "SELECT admin FROM erasures WHERE admin IS NOT NULL";
    let mut statement = connection.prepare_cached(sql)?;
    let mut under_way = statement.query_map([], |row| row.get::<_, String>(0))?;
    if under_way.try_fold(false, |found, admin| {
        admin.map(|admin| found || fold(&admin) == person)
    })? {
        return Ok(None);
    }
    let state = if new.waits {
        ErasureState::Waiting
    } else {
        ErasureState::Approved
    };
    let sql = "INSERT INTO erasures (admin, pseudonym, requested_by, requested_at, approved_at, \
               reason, blind, state) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) \
               ON CONFLICT (pseudonym) DO NOTHING RETURNING id";
    let reason = without(&new.reason, &new.admin, &new.pseudonym);
    let row = params![
        new.admin,
        new.pseudonym,
        new.requested_by,
        new.requested_at.0,
        (!new.waits).then_some(new.requested_at.0),
        reason,
        new.blind,
        state.as_str(),
    ];
    let id: Option<i64> = connection
        .prepare_cached(sql)?
        .query_row(row, |row| row.get(0))
        .optional()?;
    match id {
        Some(id) => one(connection, ErasureId(id)),
        None => Ok(None),
    }
}

/// The columns in the order of [`of_row`].
const COLUMNS: &str = "id, admin, pseudonym, requested_by, requested_at, approved_by, approved_at, \
                       reason, blind, state, events, entry, done_at";

fn one(connection: &Connection, id: ErasureId) -> rusqlite::Result<Option<StoredErasure>> {
    let sql = format!("SELECT {COLUMNS} FROM erasures WHERE id = ?1");
    connection
        .prepare_cached(&sql)?
        .query_row([id.0], of_row)
        .optional()
}

/// All of them as the database has them.
pub(super) fn all(connection: &Connection) -> rusqlite::Result<Vec<StoredErasure>> {
    let sql = format!("SELECT {COLUMNS} FROM erasures");
    connection.prepare(&sql)?.query_map([], of_row)?.collect()
}

fn of_row(row: &Row<'_>) -> rusqlite::Result<StoredErasure> {
    let count = |column| row.get::<_, Option<i64>>(column);
    let moment = |column| count(column).map(|at| at.map(Micros));
    let unsigned = |column| count(column).map(|n| n.and_then(|n| u64::try_from(n).ok()));
    Ok(StoredErasure {
        id: ErasureId(row.get(0)?),
        admin: row.get(1)?,
        pseudonym: row.get(2)?,
        requested_by: row.get(3)?,
        requested_at: Micros(row.get(4)?),
        approved_by: row.get(5)?,
        approved_at: moment(6)?,
        reason: row.get(7)?,
        blind: row.get(8)?,
        state: database::word(row, 9, ErasureState::of_name)?,
        events: unsigned(10)?,
        entry: unsigned(11)?,
        done_at: moment(12)?,
    })
}

fn number(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
