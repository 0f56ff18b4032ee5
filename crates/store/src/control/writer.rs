//! The one thread that changes `control.db`. Changes that come together share one commit.

use std::path::Path;
use std::time::Duration;

use crossbeam_channel::Receiver;
use rusqlite::{Connection, ffi};

use super::durable::{Ack, Durable, pair};
use super::memory::Memory;
use crate::StoreError;

/// Most changes in one commit.
const GROUP: usize = 256;

/// How often emptying the log is tried while somebody reads in it, and how long each time waits.
const TRIES: u32 = 5;
const WAIT: Duration = Duration::from_millis(200);

/// How long everything else waits.
pub(super) const BUSY: Duration = Duration::from_secs(2);

/// What the thread does next.
pub(super) enum Work {
    Change(Box<dyn Change>),
    /// Leaves nothing in the files of what was deleted or replaced.
    Scrub(Ack<()>),
}

/// One change: first made in the database, then, once that is durable, shown in memory.
pub(super) trait Change: Send {
    fn make(&mut self, connection: &Connection) -> rusqlite::Result<()>;
    /// `why_not`: why there was no commit, if there was none.
    fn settle(self: Box<Self>, memory: &Memory, why_not: Option<&str>);
}

struct Pending<T, R, S, A> {
    sql: Option<S>,
    apply: A,
    ack: Ack<R>,
    made: Option<Result<T, String>>,
}

/// `sql` changes the database; `apply` shows it in memory and makes the answer of it.
pub(super) fn change<T: Send + 'static, R: Send + 'static>(
    sql: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    apply: impl FnOnce(&Memory, T) -> R + Send + 'static,
) -> (Box<dyn Change>, Durable<R>) {
    let (ack, durable) = pair();
    (
        Box::new(Pending {
            sql: Some(sql),
            apply,
            ack,
            made: None,
        }),
        durable,
    )
}

impl<T, R, S, A> Change for Pending<T, R, S, A>
where
    T: Send,
    R: Send,
    S: FnOnce(&Connection) -> rusqlite::Result<T> + Send,
    A: FnOnce(&Memory, T) -> R + Send,
{
    fn make(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        let Some(sql) = self.sql.take() else {
            return Ok(());
        };
        let made = in_savepoint(connection, sql);
        match made {
            Ok(value) => {
                self.made = Some(Ok(value));
                Ok(())
            }
            Err(error) => {
                self.made = Some(Err(described(&error)));
                Err(error)
            }
        }
    }

    fn settle(self: Box<Self>, memory: &Memory, why_not: Option<&str>) {
        let Self {
            apply, ack, made, ..
        } = *self;
        ack.answer(match (made, why_not) {
            (Some(Ok(value)), None) => Ok(apply(memory, value)),
            (Some(Err(cause)), _) => Err(StoreError::CannotRecord { cause }),
            (_, Some(cause)) => Err(StoreError::CannotRecord {
                cause: cause.to_owned(),
            }),
            (None, None) => Err(StoreError::Closed),
        });
    }
}

/// One failing change must not take the others of its group with it.
fn in_savepoint<T>(
    connection: &Connection,
    sql: impl FnOnce(&Connection) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    connection.execute_batch("SAVEPOINT one")?;
    let made = sql(connection).and_then(|value| {
        connection.execute_batch("RELEASE one")?;
        Ok(value)
    });
    // After a full disk SQLite has rolled back the whole transaction by itself.
    if made.is_err() && !connection.is_autocommit() {
        connection.execute_batch("ROLLBACK TO one; RELEASE one")?;
    }
    made
}

/// Runs until every sender is gone.
pub(super) fn run(connection: Connection, work: &Receiver<Work>, memory: &Memory, path: &Path) {
    // Why nothing more may be written until a restart.
    let mut poisoned: Option<String> = None;
    let mut next: Option<Work> = None;
    while let Some(first) = next.take().or_else(|| work.recv().ok()) {
        let first = match first {
            Work::Change(change) => change,
            Work::Scrub(ack) => {
                let scrubbed = poisoned.clone().map_or_else(|| scrub(&connection), Err);
                ack.answer(scrubbed.map_err(|cause| StoreError::CannotRecord { cause }));
                continue;
            }
        };
        let mut group = vec![first];
        while group.len() < GROUP {
            match work.try_recv() {
                Ok(Work::Change(change)) => group.push(change),
                Ok(other) => {
                    next = Some(other);
                    break;
                }
                Err(_) => break,
            }
        }
        let committed = match &poisoned {
            Some(cause) => Err(cause.clone()),
            None => commit(&connection, &mut group, &mut poisoned),
        };
        if let Err(cause) = &committed {
            tracing::error!(path = %path.display(), %cause, "accounts and sessions could not be changed");
        }
        let why_not = committed.err();
        for change in group {
            change.settle(memory, why_not.as_deref());
        }
    }
    if let Err((_, error)) = connection.close() {
        tracing::warn!(path = %path.display(), %error, "the database was closed out of order");
    }
}

/// Deleted rows are zeroed, but a page that was split or joined may keep a copy between its cells: so
/// the database is written anew, then the log, which has every page as it was, is emptied.
fn scrub(connection: &Connection) -> Result<(), String> {
    let scrubbed = connection
        .busy_timeout(WAIT)
        .and_then(|()| connection.execute_batch("VACUUM"))
        .map_err(|error| described(&error))
        .and_then(|()| empty_log(connection));
    let restored = connection.busy_timeout(BUSY);
    scrubbed.and(restored.map_err(|error| described(&error)))
}

fn empty_log(connection: &Connection) -> Result<(), String> {
    let sql = "PRAGMA wal_checkpoint(TRUNCATE)";
    for _ in 0..TRIES {
        let busy = connection
            .query_row(sql, [], |row| row.get::<_, bool>(0))
            .map_err(|error| described(&error))?;
        if !busy {
            return Ok(());
        }
    }
    Err("another program reads control.db, so names cannot leave its log yet".to_owned())
}

fn commit(
    connection: &Connection,
    group: &mut [Box<dyn Change>],
    poisoned: &mut Option<String>,
) -> Result<(), String> {
    connection
        .execute_batch("BEGIN IMMEDIATE")
        .map_err(|error| described(&error))?;
    for change in group {
        if let Err(error) = change.make(connection)
            && connection.is_autocommit()
        {
            // The transaction is gone, and what was made before in it.
            return Err(described(&error));
        }
    }
    connection.execute_batch("COMMIT").map_err(|error| {
        if is_sync_failure(&error) {
            *poisoned = Some(
                "the disk did not confirm a write; check the disk, then restart the server"
                    .to_owned(),
            );
        }
        if !connection.is_autocommit()
            && let Err(error) = connection.execute_batch("ROLLBACK")
        {
            *poisoned = Some(described(&error));
        }
        described(&error)
    })
}

/// After a failed fsync nobody knows what is on the disk, and asking the same descriptor again
/// may lie: no more writes until a restart reads it anew.
fn is_sync_failure(error: &rusqlite::Error) -> bool {
    let code = error.sqlite_error().map(|error| error.extended_code);
    matches!(
        code,
        Some(ffi::SQLITE_IOERR_FSYNC | ffi::SQLITE_IOERR_DIR_FSYNC)
    )
}

/// The cause for people.
fn described(error: &rusqlite::Error) -> String {
    use rusqlite::ErrorCode::{DatabaseBusy, DatabaseLocked, DiskFull, ReadOnly};
    match error.sqlite_error_code() {
        Some(DiskFull) => "disk full".to_owned(),
        Some(DatabaseBusy | DatabaseLocked) => {
            "another program holds control.db; end it, then try again".to_owned()
        }
        Some(ReadOnly) => "control.db cannot be written; check its owner and mode".to_owned(),
        _ => error.to_string(),
    }
}
