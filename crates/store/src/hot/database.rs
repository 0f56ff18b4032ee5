//! `trail.db`: its schema, how it is opened, and what its errors mean.

use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use admintrail_event::{LogId, Seq};
use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension};

use super::checkpoint::LONGEST_LOG;
use crate::StoreError;

/// Numbered, forward only. The number of the last one applied is `user_version`.
const MIGRATIONS: &[&str] = &[
    // 1: `body` is written by `row::encode_body`; `first` and `polling` are what the trail found.
    "CREATE TABLE meta (key TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;
     CREATE TABLE events (
         seq INTEGER PRIMARY KEY,
         id BLOB NOT NULL,
         time INTEGER NOT NULL,
         received INTEGER NOT NULL,
         first INTEGER NOT NULL,
         polling INTEGER NOT NULL,
         digest BLOB NOT NULL,
         body BLOB NOT NULL
     ) STRICT;
     CREATE UNIQUE INDEX events_id ON events (id);",
    // 2: events below the meta value `watermark` are in segments; `blocks` are those of the others.
    "CREATE TABLE blocks (
         first_seq INTEGER PRIMARY KEY,
         count INTEGER NOT NULL,
         min_received INTEGER NOT NULL,
         max_received INTEGER NOT NULL
     ) STRICT;
     CREATE TABLE segments (
         first_seq INTEGER PRIMARY KEY,
         last_seq INTEGER NOT NULL,
         generation INTEGER NOT NULL
     ) STRICT;",
    // 3: whether an id is known is told by the events in memory; the index cost half of all writing.
    "DROP INDEX events_id;",
];

/// Bytes of a page: large enough for bodies, small enough for commits of one event.
const PAGE: i64 = 8_192;

/// Whether anything may be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    Write,
    Read,
}

/// Where the database is and how it is opened; connections are made from it.
#[derive(Debug, Clone)]
pub(crate) struct Database {
    pub(crate) path: PathBuf,
}

impl Database {
    pub(crate) fn in_folder(dir: &Path) -> Self {
        Self {
            path: dir.join("trail.db"),
        }
    }

    /// A connection with the durability of the trail.
    pub(crate) fn connect(&self, access: Access) -> Result<Connection, StoreError> {
        let connection = match access {
            Access::Write => {
                make_private_file(&self.path)?;
                // A connection stays with one thread.
                let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
                Connection::open_with_flags(&self.path, flags)
            }
            Access::Read => Connection::open_with_flags(
                &self.path,
                OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
            ),
        }
        .map_err(|error| self.opening_error(&error))?;
        self.configure(&connection, access)
            .map_err(|error| self.opening_error(&error))?;
        Ok(connection)
    }

    fn configure(&self, connection: &Connection, access: Access) -> rusqlite::Result<()> {
        connection.busy_timeout(std::time::Duration::from_secs(5))?;
        connection.pragma_update(None, "cache_size", -2_048)?;
        if access == Access::Write {
            connection.pragma_update(None, "page_size", PAGE)?;
            let mode: String =
                connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
            if mode != "wal" {
                tracing::warn!(mode, path = %self.path.display(), "SQLite refuses write-ahead logging here");
            }
            connection.pragma_update(None, "synchronous", "FULL")?;
            // A thread of its own does it; the writer only when that one cannot keep up.
            let longest = LONGEST_LOG / PAGE;
            connection.pragma_update(None, "wal_autocheckpoint", longest)?;
            connection.pragma_update(None, "journal_size_limit", 64 << 20)?;
        }
        Ok(())
    }

    /// Makes or migrates the schema. Returns the log's id, made from `fresh` if there was none.
    pub(crate) fn prepare(
        &self,
        connection: &mut Connection,
        fresh: LogId,
    ) -> Result<LogId, StoreError> {
        self.migrate(connection)?;
        let known = self.log(connection)?;
        if let Some(log) = known {
            return Ok(log);
        }
        connection
            .execute(
                "INSERT INTO meta (key, value) VALUES ('log', ?1)",
                [fresh.0.as_slice()],
            )
            .map_err(|error| self.opening_error(&error))?;
        Ok(fresh)
    }

    fn migrate(&self, connection: &mut Connection) -> Result<(), StoreError> {
        let version = self.version(connection)?;
        let from = usize::try_from(version).unwrap_or(usize::MAX);
        let wrong = |error| self.opening_error(&error);
        for (index, migration) in MIGRATIONS.iter().enumerate().skip(from) {
            let step = connection.transaction().map_err(wrong)?;
            step.execute_batch(migration).map_err(wrong)?;
            step.pragma_update(None, "user_version", index as i64 + 1)
                .map_err(wrong)?;
            step.commit().map_err(wrong)?;
        }
        Ok(())
    }

    fn version(&self, connection: &Connection) -> Result<i64, StoreError> {
        let version: i64 = connection
            .query_row("PRAGMA user_version", [], |row| row.get(0))
            .map_err(|error| self.opening_error(&error))?;
        let known = MIGRATIONS.len() as i64;
        if version > known {
            return Err(StoreError::TooNew {
                path: self.path.clone(),
                found: version,
                known,
            });
        }
        Ok(version)
    }

    /// The log's id; `None` before the first server has opened the folder.
    pub(crate) fn log(&self, connection: &Connection) -> Result<Option<LogId>, StoreError> {
        if self.version(connection)? == 0 {
            return Ok(None);
        }
        let bytes: Option<Vec<u8>> = connection
            .query_row("SELECT value FROM meta WHERE key = 'log'", [], |row| {
                row.get(0)
            })
            .optional()
            .map_err(|error| self.opening_error(&error))?;
        let Some(bytes) = bytes else { return Ok(None) };
        let id = bytes
            .try_into()
            .map_err(|_| self.damaged("the id of the log is not 16 bytes"))?;
        Ok(Some(LogId(id)))
    }

    /// The first row, sealed or not; the first possible seq if there is none.
    pub(crate) fn first_row(&self, connection: &Connection) -> Result<Seq, StoreError> {
        let first: Option<i64> = connection
            .query_row("SELECT min(seq) FROM events", [], |row| row.get(0))
            .map_err(|error| self.opening_error(&error))?;
        Ok(Seq(first
            .and_then(|seq| u64::try_from(seq).ok())
            .unwrap_or(0)))
    }

    /// First and last seq of hot; `None` if it has no events.
    pub(crate) fn seqs(
        &self,
        connection: &Connection,
        watermark: Seq,
    ) -> Result<Option<(Seq, Seq)>, StoreError> {
        let from = i64::try_from(watermark.0).unwrap_or(i64::MAX);
        let (first, last): (Option<i64>, Option<i64>) = connection
            .query_row(
                "SELECT (SELECT seq FROM events WHERE seq >= ?1 ORDER BY seq LIMIT 1),
                        (SELECT max(seq) FROM events WHERE seq >= ?1)",
                [from],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )
            .map_err(|error| self.opening_error(&error))?;
        let seq = |value: Option<i64>| value.and_then(|v| u64::try_from(v).ok()).map(Seq);
        Ok(seq(first).zip(seq(last)))
    }

    /// Bytes of the database and its log.
    pub(crate) fn bytes(&self) -> u64 {
        ["", "-wal"]
            .iter()
            .map(|suffix| {
                let mut name = self.path.clone().into_os_string();
                name.push(suffix);
                std::fs::metadata(name).map_or(0, |meta| meta.len())
            })
            .sum()
    }

    pub(crate) fn damaged(&self, cause: impl Into<String>) -> StoreError {
        StoreError::Damaged {
            path: self.path.clone(),
            cause: cause.into(),
        }
    }

    /// What went wrong while opening or reading.
    pub(crate) fn opening_error(&self, error: &rusqlite::Error) -> StoreError {
        let path = self.path.clone();
        let cause = error.to_string();
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                StoreError::Damaged { path, cause }
            }
            Some(
                ErrorCode::ReadOnly
                | ErrorCode::PermissionDenied
                | ErrorCode::CannotOpen
                | ErrorCode::DiskFull,
            ) => StoreError::NotWritable { path, cause },
            _ => StoreError::NotReadable { path, cause },
        }
    }
}

/// Others may be reading just then: so often it is tried, with a pause between.
const TRIES: u32 = 100;
const PAUSE: std::time::Duration = std::time::Duration::from_millis(50);

/// Moves all of a database's log into it and empties the log's file: what was overwritten is in neither
/// any more.
pub(crate) fn empty_log(connection: &Connection) -> rusqlite::Result<()> {
    for _ in 0..TRIES {
        let busy: i64 =
            connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
        if busy == 0 {
            return Ok(());
        }
        std::thread::sleep(PAUSE);
    }
    let busy = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_BUSY);
    let cause = "another program reads it and does not end".to_owned();
    Err(rusqlite::Error::SqliteFailure(busy, Some(cause)))
}

/// SQLite would make the file readable for everybody; its log takes over the mode.
pub(crate) fn make_private_file(path: &Path) -> Result<(), StoreError> {
    std::fs::File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(path)
        .map(drop)
        .map_err(|error| StoreError::NotWritable {
            path: path.to_path_buf(),
            cause: error.to_string(),
        })
}

/// What people are told when a write fails.
pub(crate) fn cause_of(error: &rusqlite::Error) -> String {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => "disk full".to_owned(),
        Some(ErrorCode::ReadOnly) => "the database may not be written".to_owned(),
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            "trail.db is damaged".to_owned()
        }
        Some(ErrorCode::SystemIoFailure) => format!("the disk failed ({error})"),
        _ => error.to_string(),
    }
}
