//! `ledger.db`: what is private about blocks, and entries until they are published.

use std::path::{Path, PathBuf};

use admintrail_event::Seq;
use admintrail_ledger::{Hash, LedgerEntry, Statement, StatementKind};
use rusqlite::{Connection, OpenFlags, OptionalExtension, params};

use super::block::{ErasedLeaf, Hashed, Kept, PrivateBlock, ToKeep};
use super::marks::Marks;
use crate::StoreError;
use crate::hot::{Access, empty_log, make_private_file};

/// Numbered, forward only. The number of the last one applied is `user_version`.
const MIGRATIONS: &[&str] = &[
    // 1: `pending` has the entries that no checkpoint covers, and the last one that a checkpoint does.
    "CREATE TABLE meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
     CREATE TABLE blocks (
         first_seq INTEGER PRIMARY KEY,
         count INTEGER NOT NULL,
         entry INTEGER NOT NULL,
         key BLOB,
         marks BLOB NOT NULL,
         kept BLOB
     ) STRICT;
     CREATE TABLE pending (entry INTEGER PRIMARY KEY, bytes BLOB NOT NULL) STRICT;
     CREATE TABLE statements (entry INTEGER PRIMARY KEY, bytes BLOB NOT NULL) STRICT;",
    // 2: erasures by the place of their statement, with the key from which the salts of what they left
    // follow; hashes of what they left and is left no more.
    "CREATE TABLE erasures (
         entry INTEGER PRIMARY KEY,
         key BLOB NOT NULL,
         done INTEGER NOT NULL
     ) STRICT;
     CREATE TABLE erased_leaves (
         erasure INTEGER NOT NULL,
         seq INTEGER NOT NULL,
         hash BLOB NOT NULL,
         PRIMARY KEY (erasure, seq)
     ) STRICT, WITHOUT ROWID;",
];

/// An erasure, as far as it has come.
#[derive(Debug, Clone, Copy)]
pub(crate) struct KnownErasure {
    /// The place of its statement.
    pub(crate) statement: u64,
    pub(crate) key: [u8; 32],
    /// All of its events are as it leaves them.
    pub(crate) done: bool,
}

/// Bytes of a page: five blocks of a thousand events fill one, where a smaller one would stay empty to a
/// quarter. Larger ones only make the tables larger that have a row or two.
const PAGE: i64 = 8_192;

/// How many entries there are, published or not.
const SIZE: &str = "size";
/// The first event that is in no block.
const NEXT: &str = "next_seq";

pub(crate) struct LedgerDatabase {
    path: PathBuf,
    connection: Connection,
}

impl LedgerDatabase {
    pub(crate) fn path_in(dir: &Path) -> PathBuf {
        dir.join("ledger.db")
    }

    pub(crate) fn open(dir: &Path, access: Access) -> Result<Self, StoreError> {
        let path = Self::path_in(dir);
        let flags = match access {
            Access::Write => {
                make_private_file(&path)?;
                OpenFlags::SQLITE_OPEN_READ_WRITE
            }
            Access::Read => OpenFlags::SQLITE_OPEN_READ_ONLY,
        };
        let wrong = |error: rusqlite::Error| cannot_open(&path, &error);
        let flags = flags | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_with_flags(&path, flags).map_err(wrong)?;
        configure(&mut connection, access).map_err(wrong)?;
        let version: i64 = connection
            .query_row("PRAGMA user_version", [], |row| row.get(0))
            .map_err(wrong)?;
        let known = MIGRATIONS.len() as i64;
        if version > known {
            return Err(StoreError::TooNew {
                path,
                found: version,
                known,
            });
        }
        Ok(Self { path, connection })
    }

    /// How many entries there are, and the first event that is in no block.
    pub(crate) fn end(&self) -> Result<(u64, Seq), StoreError> {
        let read = |key| -> rusqlite::Result<Option<u64>> {
            self.connection
                .prepare_cached("SELECT value FROM meta WHERE key = ?1")?
                .query_row([key], |row| row.get(0).map(unsigned))
                .optional()
        };
        let end = || Ok((read(SIZE)?.unwrap_or(0), Seq(read(NEXT)?.unwrap_or(1))));
        end().map_err(|error| self.cannot(&error))
    }

    /// Takes entries for granted that were published and are not known here.
    pub(crate) fn skip_to(&mut self, size: u64) -> Result<(), StoreError> {
        let done = set(&self.connection, SIZE, size);
        done.map_err(|error| self.cannot(&error))
    }

    /// Says where blocks begin, in a ledger that has none.
    pub(crate) fn begin_at(&mut self, next: Seq) -> Result<(), StoreError> {
        let done = set(&self.connection, NEXT, next.0);
        done.map_err(|error| self.cannot(&error))
    }

    /// Appends entries of blocks; durable when this returns.
    pub(crate) fn add_blocks(&mut self, blocks: &[Hashed]) -> Result<(), StoreError> {
        let (size, _) = self.end()?;
        let write = |connection: &mut Connection| {
            let transaction = connection.transaction()?;
            for (index, block) in (size..).zip(blocks) {
                let entry = &block.entry;
                transaction
                    .prepare_cached(
                        "INSERT INTO blocks (first_seq, count, entry, key, marks)
                         VALUES (?1, ?2, ?3, ?4, ?5)",
                    )?
                    .execute(params![
                        signed(entry.first().0),
                        entry.count(),
                        signed(index),
                        block.key.as_slice(),
                        block.marks.0,
                    ])?;
                pend(&transaction, index, &entry.to_bytes())?;
            }
            if let Some(last) = blocks.last() {
                set(&transaction, SIZE, size + blocks.len() as u64)?;
                set(&transaction, NEXT, last.entry.last().0 + 1)?;
            }
            transaction.commit()
        };
        write(&mut self.connection).map_err(|error| self.cannot(&error))
    }

    /// Appends a statement, together with what is kept of the events it is about, or with the key of the
    /// erasure that it announces; its place. Durable when this returns.
    pub(crate) fn add_statement(
        &mut self,
        statement: &Statement,
        kept: &ToKeep,
        erasure: Option<&[u8; 32]>,
        next: Option<Seq>,
    ) -> Result<u64, StoreError> {
        let (size, _) = self.end()?;
        let bytes = LedgerEntry::from(statement.clone()).to_bytes();
        let write = |connection: &mut Connection| {
            let transaction = connection.transaction()?;
            pend(&transaction, size, &bytes)?;
            transaction
                .prepare_cached("INSERT INTO statements (entry, bytes) VALUES (?1, ?2)")?
                .execute(params![signed(size), bytes])?;
            keep(&transaction, kept)?;
            if let Some(key) = erasure {
                transaction
                    .prepare_cached("INSERT INTO erasures (entry, key, done) VALUES (?1, ?2, 0)")?
                    .execute(params![signed(size), key.as_slice()])?;
            }
            set(&transaction, SIZE, size + 1)?;
            if let Some(next) = next {
                set(&transaction, NEXT, next.0)?;
            }
            transaction.commit()
        };
        let written = write(&mut self.connection).map_err(|error| self.cannot(&error));
        written.map(|()| size)
    }

    /// Keeps what is needed of events that are to be rewritten; durable when this returns.
    pub(crate) fn keep(&mut self, kept: &ToKeep) -> Result<(), StoreError> {
        let write = |connection: &mut Connection| {
            let transaction = connection.transaction()?;
            keep(&transaction, kept)?;
            transaction.commit()
        };
        write(&mut self.connection).map_err(|error| self.cannot(&error))
    }

    /// An erasure is done: what it left is held against its statement from now on. Nothing that was
    /// destroyed for it is in the database's log any more when this returns.
    pub(crate) fn erasure_done(&mut self, statement: Option<u64>) -> Result<(), StoreError> {
        let done = || {
            if let Some(statement) = statement {
                self.connection
                    .prepare_cached("UPDATE erasures SET done = 1 WHERE entry = ?1")?
                    .execute([signed(statement)])?;
            }
            empty_log(&self.connection)
        };
        done().map_err(|error| self.cannot(&error))
    }

    /// Every erasure that was announced.
    pub(crate) fn erasures(&self) -> Result<Vec<KnownErasure>, StoreError> {
        // A reader may be there before the first server of this version was.
        let read = || {
            if !self.has_erasures()? {
                return Ok(Vec::new());
            }
            self.connection
                .prepare_cached("SELECT entry, key, done FROM erasures ORDER BY entry")?
                .query_map([], |row| {
                    Ok(KnownErasure {
                        statement: unsigned(row.get(0)?),
                        key: row.get(1)?,
                        done: row.get(2)?,
                    })
                })?
                .collect::<rusqlite::Result<Vec<_>>>()
        };
        read().map_err(|error| self.cannot(&error))
    }

    /// What erasures left of events, in the order of erasures and numbers.
    pub(crate) fn erased_leaves(&self) -> Result<Vec<ErasedLeaf>, StoreError> {
        let read = || {
            let mut leaves = Vec::new();
            if !self.has_erasures()? {
                return Ok(leaves);
            }
            let mut gone = self
                .connection
                .prepare_cached("SELECT erasure, seq, hash FROM erased_leaves")?;
            for leaf in gone.query_map([], |row| {
                Ok(ErasedLeaf {
                    statement: unsigned(row.get(0)?),
                    seq: Seq(unsigned(row.get(1)?)),
                    hash: Hash(row.get(2)?),
                })
            })? {
                leaves.push(leaf?);
            }
            let mut blocks = self
                .connection
                .prepare_cached("SELECT first_seq, kept FROM blocks WHERE kept IS NOT NULL")?;
            let mut rows = blocks.query([])?;
            while let Some(row) = rows.next()? {
                let first = unsigned(row.get(0)?);
                leaves.extend(leaves_of(first, &kept_of(row.get_ref(1)?.as_blob()?)));
            }
            leaves.sort_unstable_by_key(|leaf| (leaf.statement, leaf.seq));
            Ok(leaves)
        };
        read().map_err(|error| self.cannot(&error))
    }

    fn has_erasures(&self) -> rusqlite::Result<bool> {
        let version = self
            .connection
            .query_row("PRAGMA user_version", [], |row| row.get::<_, i64>(0))?;
        Ok(version >= 2)
    }

    /// The entries from one on that are still here, with their places.
    pub(crate) fn pending(&self, from: u64) -> Result<Vec<(u64, Vec<u8>)>, StoreError> {
        let read = || {
            self.connection
                .prepare_cached(
                    "SELECT entry, bytes FROM pending WHERE entry >= ?1 ORDER BY entry",
                )?
                .query_map([signed(from)], |row| {
                    Ok((unsigned(row.get(0)?), row.get(1)?))
                })?
                .collect::<rusqlite::Result<Vec<_>>>()
        };
        read().map_err(|error| self.cannot(&error))
    }

    /// A checkpoint over so many entries is published: all of them but the last need not be kept.
    pub(crate) fn published(&mut self, size: u64) -> Result<(), StoreError> {
        let forget = || {
            self.connection
                .prepare_cached("DELETE FROM pending WHERE entry < ?1")?
                .execute([signed(size.saturating_sub(1))])
        };
        forget().map(drop).map_err(|error| self.cannot(&error))
    }

    /// Forgets the keys of all blocks that lie in a range: their events are gone. What erasures had left
    /// of them is remembered, or their statements could not be held against anything any more.
    pub(crate) fn forget(&mut self, (first, last): (Seq, Seq)) -> Result<(), StoreError> {
        let forget = |connection: &mut Connection| {
            let transaction = connection.transaction()?;
            let within = "WHERE first_seq BETWEEN ?1 AND ?2 AND first_seq + count - 1 <= ?2";
            let range = [signed(first.0), signed(last.0)];
            let mut leaves = Vec::new();
            {
                let sql =
                    format!("SELECT first_seq, kept FROM blocks {within} AND kept IS NOT NULL");
                let mut blocks = transaction.prepare_cached(&sql)?;
                let mut rows = blocks.query(range)?;
                while let Some(row) = rows.next()? {
                    let first = unsigned(row.get(0)?);
                    leaves.extend(leaves_of(first, &kept_of(row.get_ref(1)?.as_blob()?)));
                }
            }
            remember(&transaction, &leaves)?;
            transaction
                .prepare_cached(&format!("DELETE FROM blocks {within}"))?
                .execute(range)?;
            transaction.commit()
        };
        forget(&mut self.connection).map_err(|error| self.cannot(&error))
    }

    /// The blocks with events in a range, in their order.
    pub(crate) fn blocks(&self, first: Seq, last: Seq) -> Result<Vec<PrivateBlock>, StoreError> {
        let read = || {
            self.connection
                .prepare_cached(
                    "SELECT first_seq, count, entry, key, marks, kept FROM blocks
                     WHERE first_seq <= ?2 AND first_seq >= coalesce(
                         (SELECT max(first_seq) FROM blocks WHERE first_seq <= ?1), ?1)
                     ORDER BY first_seq",
                )?
                .query_map([signed(first.0), signed(last.0)], |row| {
                    let kept: Option<Vec<u8>> = row.get(5)?;
                    Ok(PrivateBlock {
                        first: Seq(unsigned(row.get(0)?)),
                        count: row.get(1)?,
                        index: unsigned(row.get(2)?),
                        key: row.get(3)?,
                        marks: Marks(row.get(4)?),
                        kept: kept.map(|bytes| kept_of(&bytes)).unwrap_or_default(),
                    })
                })?
                .collect::<rusqlite::Result<Vec<_>>>()
        };
        let mut blocks: Vec<PrivateBlock> = read().map_err(|error| self.cannot(&error))?;
        blocks.retain(|block| block.last() >= first);
        Ok(blocks)
    }

    /// The events of the block whose entry has this place.
    pub(crate) fn block_at(&self, entry: u64) -> Result<Option<(Seq, Seq)>, StoreError> {
        let read = || {
            self.connection
                .prepare_cached("SELECT first_seq, count FROM blocks WHERE entry = ?1")?
                .query_row([signed(entry)], |row| {
                    let (first, count) = (unsigned(row.get(0)?), row.get::<_, u32>(1)?);
                    Ok((Seq(first), Seq(first + u64::from(count).saturating_sub(1))))
                })
                .optional()
        };
        read().map_err(|error| self.cannot(&error))
    }

    /// Whether the ledger says that all events of a range are lost.
    pub(crate) fn is_lost(&self, (first, last): (Seq, Seq)) -> Result<bool, StoreError> {
        let said = self.read_statements()?.into_iter().any(|(_, statement)| {
            let said = statement.declared();
            said.kind == StatementKind::Loss && said.first <= first && last <= said.last
        });
        Ok(said)
    }

    /// Every statement that can be read, with its place; one that cannot is for a verification to find.
    pub(crate) fn read_statements(&self) -> Result<Vec<(u64, Statement)>, StoreError> {
        let read = |(place, bytes): (u64, Vec<u8>)| match LedgerEntry::parse(&bytes) {
            Ok(LedgerEntry::Statement(statement)) => Some((place, statement)),
            _ => None,
        };
        Ok(self.statements()?.into_iter().filter_map(read).collect())
    }

    /// Every statement, with its place.
    fn statements(&self) -> Result<Vec<(u64, Vec<u8>)>, StoreError> {
        let read = || {
            self.connection
                .prepare_cached("SELECT entry, bytes FROM statements ORDER BY entry")?
                .query_map([], |row| Ok((unsigned(row.get(0)?), row.get(1)?)))?
                .collect::<rusqlite::Result<Vec<_>>>()
        };
        read().map_err(|error| self.cannot(&error))
    }

    fn cannot(&self, error: &rusqlite::Error) -> StoreError {
        cannot_open(&self.path, error)
    }
}

fn configure(connection: &mut Connection, access: Access) -> rusqlite::Result<()> {
    connection.busy_timeout(std::time::Duration::from_secs(5))?;
    if access == Access::Read {
        return Ok(());
    }
    connection.pragma_update(None, "page_size", PAGE)?;
    let _: String = connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    // What is destroyed must not be found in a free page.
    connection.pragma_update(None, "secure_delete", true)?;
    let version: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    let from = usize::try_from(version).unwrap_or(usize::MAX);
    for (index, migration) in MIGRATIONS.iter().enumerate().skip(from) {
        let step = connection.transaction()?;
        step.execute_batch(migration)?;
        step.pragma_update(None, "user_version", index as i64 + 1)?;
        step.commit()?;
    }
    Ok(())
}

fn pend(connection: &Connection, entry: u64, bytes: &[u8]) -> rusqlite::Result<()> {
    connection
        .prepare_cached("INSERT INTO pending (entry, bytes) VALUES (?1, ?2)")?
        .execute(params![signed(entry), bytes])?;
    Ok(())
}

fn set(connection: &Connection, key: &str, value: u64) -> rusqlite::Result<()> {
    connection
        .prepare_cached("INSERT OR REPLACE INTO meta (key, value) VALUES (?1, ?2)")?
        .execute(params![key, signed(value)])?;
    Ok(())
}

fn keep(connection: &Connection, kept: &ToKeep) -> rusqlite::Result<()> {
    for block in &kept.blocks {
        connection
            .prepare_cached("UPDATE blocks SET key = ?2, kept = ?3 WHERE first_seq = ?1")?
            .execute(params![
                signed(block.first.0),
                block.key.as_ref().map(<[u8; 32]>::as_slice),
                kept_bytes(&block.kept),
            ])?;
    }
    remember(connection, &kept.leaves)
}

fn remember(connection: &Connection, leaves: &[ErasedLeaf]) -> rusqlite::Result<()> {
    for leaf in leaves {
        connection
            .prepare_cached(
                "INSERT OR REPLACE INTO erased_leaves (erasure, seq, hash) VALUES (?1, ?2, ?3)",
            )?
            .execute(params![
                signed(leaf.statement),
                signed(leaf.seq.0),
                leaf.hash.0.as_slice()
            ])?;
    }
    Ok(())
}

/// What erasures left of the events of a block.
fn leaves_of(first: u64, kept: &[(u16, Kept)]) -> impl Iterator<Item = ErasedLeaf> {
    kept.iter().filter_map(move |(place, kept)| match kept {
        Kept::Erased(erased) => Some(ErasedLeaf {
            statement: erased.statement,
            seq: Seq(first + u64::from(*place)),
            hash: Hash(erased.now),
        }),
        _ => None,
    })
}

fn kept_bytes(kept: &[(u16, Kept)]) -> Option<Vec<u8>> {
    (!kept.is_empty()).then(|| postcard::to_allocvec(kept).unwrap_or_default())
}

/// Nothing where the bytes are none: then hashes do not fit, and that is found.
fn kept_of(bytes: &[u8]) -> Vec<(u16, Kept)> {
    postcard::from_bytes(bytes).unwrap_or_default()
}

fn cannot_open(path: &Path, error: &rusqlite::Error) -> StoreError {
    use rusqlite::ErrorCode::{
        CannotOpen, DatabaseCorrupt, DiskFull, NotADatabase, PermissionDenied, ReadOnly,
    };
    let (path, cause) = (path.to_path_buf(), error.to_string());
    match error.sqlite_error_code() {
        Some(DatabaseCorrupt | NotADatabase) => StoreError::Damaged { path, cause },
        Some(ReadOnly | PermissionDenied | CannotOpen | DiskFull) => {
            StoreError::NotWritable { path, cause }
        }
        _ => StoreError::NotReadable { path, cause },
    }
}

fn signed(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

fn unsigned(n: i64) -> u64 {
    u64::try_from(n).unwrap_or(0)
}
