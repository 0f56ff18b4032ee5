//! Opening `control.db`: lock, migrations, and everything it holds into memory.

use std::fs::File;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;

use admintrail_event::{Micros, PanelName};
use rusqlite::{Connection, OpenFlags, OptionalExtension, Row};

use super::ended::EndedSession;
use super::erasures;
use super::memory::{LiveBinding, LiveSession, LiveToken, Memory, Seen};
use super::model::{
    Account, AccountId, ApiToken, LinkPurpose, MappedIdentity, OneTimeLink, Role, SecretHash,
    StoredBinding, TokenId, TokenScope, WebSession,
};
use crate::{Identity, StoreError};

/// Name of the file in the data folder.
pub(super) const FILE: &str = "control.db";

/// Numbered, forward only: never change one that was released, add the next.
const MIGRATIONS: &[&str] = &[
    include_str!("migrations/0001.sql"),
    include_str!("migrations/0002.sql"),
    include_str!("migrations/0003.sql"),
    include_str!("migrations/0004.sql"),
    include_str!("migrations/0005.sql"),
];

/// Says "Admintrail control" in the file's header, so that another database is not taken for it.
const APPLICATION_ID: i32 = 0x4154_7263;

/// Held while a process may write. A file of its own: closing any descriptor of the database
/// would drop the locks that SQLite holds on it (POSIX).
pub(super) struct FolderLock(#[expect(dead_code, reason = "held for its lock")] File);

pub(super) fn lock(dir: &Path) -> Result<FolderLock, StoreError> {
    let path = dir.join("control.lock");
    let file = private_file(&path)?;
    match rustix::fs::flock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(FolderLock(file)),
        Err(rustix::io::Errno::WOULDBLOCK) => Err(StoreError::FolderLocked {
            path: dir.to_owned(),
            holder: None,
        }),
        Err(error) => Err(not_writable(&path, error)),
    }
}

/// Opens a file that its owner alone may read; makes it if it is missing.
fn private_file(path: &Path) -> Result<File, StoreError> {
    File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(path)
        .map_err(|error| not_writable(path, error))
}

/// Opens for writing; makes or migrates the database.
pub(super) fn open(dir: &Path) -> Result<(Connection, Memory), StoreError> {
    let path = dir.join(FILE);
    // SQLite would make it readable for everybody; -wal and -shm take over its mode.
    private_file(&path)?;
    let connection = Connection::open(&path).map_err(|error| failed(&path, &error))?;
    prepare(&connection).map_err(|error| failed(&path, &error))?;
    check_pages(&connection, &path)?;
    migrate(&connection, &path)?;
    let memory = load(&connection, MIGRATIONS.len()).map_err(|error| failed(&path, &error))?;
    Ok((connection, memory))
}

/// Reads beside a running server; writes nothing.
pub(super) fn open_read_only(dir: &Path) -> Result<Memory, StoreError> {
    let path = dir.join(FILE);
    if !path.exists() {
        return Err(StoreError::NotReadable {
            path,
            cause: "there is no such file. Is this the data folder of a server that has run?"
                .to_owned(),
        });
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection =
        Connection::open_with_flags(&path, flags).map_err(|error| failed(&path, &error))?;
    // One snapshot for all tables.
    let snapshot = connection
        .transaction()
        .map_err(|error| failed(&path, &error))?;
    let version = check_version(&snapshot, &path)?;
    load(&snapshot, version).map_err(|error| failed(&path, &error))
}

fn prepare(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(super::writer::BUSY)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    // Names of erased persons, secrets' hashes and ended sessions leave the file, not only its index.
    connection.pragma_update(None, "secure_delete", true)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(())
}

/// A damaged page is better found now than in the middle of a sign-in.
fn check_pages(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    let found: String = connection
        .query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
        .map_err(|error| failed(path, &error))?;
    if found == "ok" {
        Ok(())
    } else {
        Err(damaged(path, &found))
    }
}

fn check_version(connection: &Connection, path: &Path) -> Result<usize, StoreError> {
    let read = |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, i32>(0));
    let (id, version) = read("application_id")
        .and_then(|id| Ok((id, read("user_version")?)))
        .map_err(|error| failed(path, &error))?;
    let version = usize::try_from(version).unwrap_or(usize::MAX);
    let known = MIGRATIONS.len();
    if version > known {
        return Err(StoreError::TooNew {
            path: path.to_owned(),
            found: i64::try_from(version).unwrap_or(i64::MAX),
            known: i64::try_from(known).unwrap_or(i64::MAX),
        });
    }
    if version > 0 && id != APPLICATION_ID {
        let cause = "it is the database of another program".to_owned();
        return Err(StoreError::Damaged {
            path: path.to_owned(),
            cause,
        });
    }
    Ok(version)
}

fn migrate(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    let version = check_version(connection, path)?;
    for (number, sql) in MIGRATIONS.iter().enumerate().skip(version) {
        let step = format!(
            "BEGIN IMMEDIATE;\n{sql}\nPRAGMA application_id = {APPLICATION_ID};\n\
             PRAGMA user_version = {};\nCOMMIT;",
            number + 1
        );
        connection
            .execute_batch(&step)
            .map_err(|error| failed(path, &error))?;
    }
    Ok(())
}

/// `version`: how many migrations it has seen; one that is only read may lack the last ones.
fn load(connection: &Connection, version: usize) -> rusqlite::Result<Memory> {
    let memory = Memory::default();
    let ids: Vec<AccountId> = rows(connection, "SELECT id FROM accounts", |row| {
        row.get(0).map(AccountId)
    })?;
    for id in ids {
        if let Some(account) = account(connection, id)? {
            memory.accounts.write().insert(id, Arc::new(account));
        }
    }
    let sql = "SELECT hash, account, created, last_seen, expires, ip, agent FROM sessions";
    for session in rows(connection, sql, session_of_row)? {
        let seen = Seen::at(session.last_seen);
        memory
            .sessions
            .write()
            .insert(session.hash, LiveSession { session, seen });
    }
    for link in rows(
        connection,
        "SELECT hash, purpose, account, expires FROM links",
        link_of_row,
    )? {
        memory.links.write().insert(link.hash, link);
    }
    let sql = "SELECT id, name, hash, scope, panels, created, last_used, revoked FROM tokens";
    for token in rows(connection, sql, token_of_row)? {
        let mut tokens = memory.tokens.write();
        let used = Seen::at(token.last_used.unwrap_or_default());
        tokens.by_hash.insert(token.hash, token.id);
        tokens.all.insert(
            token.id,
            LiveToken {
                token: Arc::new(token),
                used,
            },
        );
    }
    let acting_as = if version < 2 { "NULL" } else { "acting_as" };
    let sql = format!(
        "SELECT panel, credential, admin, admin_name, session, since, until, used, {acting_as} \
         FROM bindings"
    );
    // One at a time: there may be a hundred thousand, and twice of them would stay allocated.
    let mut statement = connection.prepare(&sql)?;
    for row in statement.query_map([], binding_of_row)? {
        let (panel, credential, binding, used) = row?;
        let live = LiveBinding {
            binding,
            used: Seen::at(used),
        };
        memory
            .bindings
            .write()
            .entry(panel)
            .or_default()
            .by_credential
            .insert(credential, live);
    }
    let sql = "SELECT panel, admin FROM known_admins";
    for (panel, admin) in rows(connection, sql, |row| {
        Ok((panel_name(row, 0)?, row.get::<_, String>(1)?))
    })? {
        memory
            .bindings
            .write()
            .entry(panel)
            .or_default()
            .known
            .insert(admin.into());
    }
    let sql = if version < 2 {
        "SELECT '', x'', '', 0 WHERE false"
    } else {
        "SELECT panel, session, by, at FROM ended_sessions"
    };
    for (panel, session, ended) in rows(connection, sql, |row| {
        let ended = EndedSession {
            by: Arc::from(row.get::<_, String>(2)?),
            at: Micros(row.get(3)?),
        };
        Ok((panel_name(row, 0)?, row.get(1)?, ended))
    })? {
        memory.ended.insert(panel, vec![session], &ended);
    }
    if version >= 3 {
        let sql = "SELECT panel, fingerprint, basic_user, admin, admin_name, since \
                   FROM mapped_identities";
        for mapped in rows(connection, sql, mapped_of_row)? {
            let mut all = memory.mapped.write();
            let of = all.entry(mapped.panel.clone()).or_default();
            of.insert(mapped.fingerprint, mapped);
        }
    }
    if version >= 4 {
        let learned = rows(connection, "SELECT panel, body FROM learned", |row| {
            Ok((panel_name(row, 0)?, row.get(1)?))
        })?;
        memory.learned.write().extend(learned);
    }
    if version >= 5 {
        for erasure in erasures::all(connection)? {
            memory.show_erasure(erasure);
        }
    }
    let pairs = rows(connection, "SELECT name, value FROM settings", |row| {
        Ok((row.get(0)?, row.get::<_, String>(1)?))
    })?;
    memory.settings.write().extend(
        pairs
            .into_iter()
            .map(|(name, value)| (name, Arc::from(value))),
    );
    Ok(memory)
}

/// One account as the database has it.
pub(super) fn account(connection: &Connection, id: AccountId) -> rusqlite::Result<Option<Account>> {
    let sql = "SELECT id, email, name, password_hash, role, disabled, created, last_sign_in, preferences \
               FROM accounts WHERE id = ?1";
    let found = connection
        .prepare_cached(sql)?
        .query_row([id.0], account_of_row)
        .optional()?;
    let Some(mut account) = found else {
        return Ok(None);
    };
    let sql = "SELECT panel, admin FROM identities WHERE account = ?1 ORDER BY place";
    let mut statement = connection.prepare_cached(sql)?;
    let identities = statement.query_map([id.0], |row| {
        let panel = match row.get_ref(0)? {
            rusqlite::types::ValueRef::Null => None,
            _ => Some(panel_name(row, 0)?),
        };
        Ok(Identity {
            panel,
            admin: row.get(1)?,
        })
    })?;
    account.identities = identities.collect::<Result<_, _>>()?;
    Ok(Some(account))
}

pub(super) fn rows<T>(
    connection: &Connection,
    sql: &str,
    read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<Vec<T>> {
    connection.prepare(sql)?.query_map([], read)?.collect()
}

fn account_of_row(row: &Row<'_>) -> rusqlite::Result<Account> {
    let preferences: String = row.get(8)?;
    Ok(Account {
        id: AccountId(row.get(0)?),
        email: row.get(1)?,
        name: row.get(2)?,
        password_hash: row.get(3)?,
        role: word(row, 4, Role::of_name)?,
        disabled: row.get(5)?,
        created: Micros(row.get(6)?),
        last_sign_in: row.get::<_, Option<i64>>(7)?.map(Micros),
        identities: Vec::new(),
        // What a newer or older version had set and this one does not know is no reason to
        // keep somebody out.
        preferences: serde_json::from_str(&preferences).unwrap_or_default(),
    })
}

fn session_of_row(row: &Row<'_>) -> rusqlite::Result<WebSession> {
    Ok(WebSession {
        hash: SecretHash(row.get(0)?),
        account: AccountId(row.get(1)?),
        created: Micros(row.get(2)?),
        last_seen: Micros(row.get(3)?),
        expires: Micros(row.get(4)?),
        ip: row.get(5)?,
        agent: row.get(6)?,
    })
}

pub(super) fn link_of_row(row: &Row<'_>) -> rusqlite::Result<OneTimeLink> {
    Ok(OneTimeLink {
        hash: SecretHash(row.get(0)?),
        purpose: word(row, 1, LinkPurpose::of_name)?,
        account: row.get::<_, Option<i64>>(2)?.map(AccountId),
        expires: Micros(row.get(3)?),
    })
}

fn token_of_row(row: &Row<'_>) -> rusqlite::Result<ApiToken> {
    let panels: String = row.get(4)?;
    let panels = panels.split_whitespace().map(|name| {
        name.parse::<PanelName>()
            .map_err(|error| unreadable(4, error.to_string()))
    });
    Ok(ApiToken {
        id: TokenId(row.get(0)?),
        name: row.get(1)?,
        hash: SecretHash(row.get(2)?),
        scope: word(row, 3, TokenScope::of_name)?,
        // A list that cannot be read must not turn into "every panel".
        panels: panels.collect::<Result<_, _>>()?,
        created: Micros(row.get(5)?),
        last_used: row.get::<_, Option<i64>>(6)?.map(Micros),
        revoked: row.get::<_, Option<i64>>(7)?.map(Micros),
    })
}

type BoundCredential = (PanelName, [u8; 16], StoredBinding, Micros);

fn binding_of_row(row: &Row<'_>) -> rusqlite::Result<BoundCredential> {
    let binding = StoredBinding {
        admin: Arc::from(row.get::<_, String>(2)?),
        admin_name: row.get::<_, Option<String>>(3)?.map(Arc::from),
        session: row.get(4)?,
        since: Micros(row.get(5)?),
        until: row.get::<_, Option<i64>>(6)?.map(Micros),
        acting_as: row.get::<_, Option<String>>(8)?.map(Arc::from),
    };
    Ok((
        panel_name(row, 0)?,
        row.get(1)?,
        binding,
        Micros(row.get(7)?),
    ))
}

fn mapped_of_row(row: &Row<'_>) -> rusqlite::Result<MappedIdentity> {
    Ok(MappedIdentity {
        panel: panel_name(row, 0)?,
        fingerprint: row.get(1)?,
        basic_user: row.get(2)?,
        admin: row.get(3)?,
        admin_name: row.get(4)?,
        since: Micros(row.get(5)?),
    })
}

pub(super) fn panel_name(row: &Row<'_>, column: usize) -> rusqlite::Result<PanelName> {
    let text: String = row.get(column)?;
    text.parse()
        .map_err(|error: admintrail_event::IdError| unreadable(column, error.to_string()))
}

pub(super) fn word<T>(
    row: &Row<'_>,
    column: usize,
    read: fn(&str) -> Option<T>,
) -> rusqlite::Result<T> {
    let text: String = row.get(column)?;
    read(&text).ok_or_else(|| unreadable(column, format!("{text:?} is not a known word")))
}

fn unreadable(column: usize, cause: String) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, cause.into())
}

fn not_writable(path: &Path, cause: impl std::fmt::Display) -> StoreError {
    StoreError::NotWritable {
        path: path.to_owned(),
        cause: cause.to_string(),
    }
}

/// What went wrong while opening; the error's own text says what to do.
fn failed(path: &Path, error: &rusqlite::Error) -> StoreError {
    use rusqlite::ErrorCode::{
        CannotOpen, DatabaseBusy, DatabaseLocked, DiskFull, PermissionDenied, ReadOnly,
    };
    match error.sqlite_error_code() {
        Some(DatabaseBusy | DatabaseLocked) => StoreError::NotReadable {
            path: path.to_owned(),
            cause:
                "another program holds it. End that program (a database browser?), then try again"
                    .to_owned(),
        },
        Some(CannotOpen | DiskFull | PermissionDenied | ReadOnly) => not_writable(path, error),
        _ => damaged(path, &error.to_string()),
    }
}

/// Accounts and tokens are then made anew; the recorded events are in another file.
fn damaged(path: &Path, found: &str) -> StoreError {
    StoreError::Damaged {
        path: path.to_owned(),
        cause: found.to_owned(),
    }
}

#[cfg(test)]
mod tests;
