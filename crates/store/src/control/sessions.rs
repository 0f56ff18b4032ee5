//! Sessions of our own pages. Only hashes of their cookies exist here.

use admintrail_event::Micros;
use rusqlite::{Connection, params};

use super::memory::{LiveSession, Memory, Seen};
use super::model::{AccountId, NewSession, SecretHash, WebSession};
use super::{Control, Durable, database};

/// How often "last seen" goes to the disk, in µs.
const NOTE_EVERY: i64 = 60 * Micros::SECOND;

impl Control {
    /// Begins a session (and ends the one it replaces), and notes the sign-in with the account.
    /// `false`: there is no such account, or it is disabled.
    pub fn begin_session(&self, new: NewSession, replaces: Option<SecretHash>) -> Durable<bool> {
        let session = WebSession {
            hash: new.hash,
            account: new.account,
            created: new.created,
            last_seen: new.created,
            expires: Micros(new.created.0.saturating_add(WebSession::ABSOLUTE)),
            ip: new.ip,
            agent: new.agent,
        };
        let shown = session.clone();
        self.change(
            move |connection| {
                if let Some(hash) = &replaces {
                    delete(connection, hash)?;
                }
                let sql = "UPDATE accounts SET last_sign_in = ?2 WHERE id = ?1 AND NOT disabled";
                let row = params![session.account.0, session.created.0];
                if connection.prepare_cached(sql)?.execute(row)? == 0 {
                    return Ok(None);
                }
                insert(connection, &session)?;
                database::account(connection, session.account)
            },
            move |memory, account| {
                let mut sessions = memory.sessions.write();
                if let Some(hash) = &replaces {
                    sessions.remove(hash);
                }
                if account.is_some() {
                    let seen = Seen::at(shown.last_seen);
                    sessions.insert(
                        shown.hash,
                        LiveSession {
                            session: shown,
                            seen,
                        },
                    );
                }
                drop(sessions);
                memory.show_found(account)
            },
        )
    }

    /// The live session of this hash; remembers that it was seen.
    #[must_use]
    pub fn session(&self, hash: &SecretHash, now: Micros) -> Option<WebSession> {
        let sessions = self.memory().sessions.read();
        let live = sessions.get(hash)?;
        let session = live.live(now)?;
        let note = live.seen.touch(now, NOTE_EVERY);
        drop(sessions);
        if note {
            let hash = *hash;
            self.note(move |connection| {
                let sql = "UPDATE sessions SET last_seen = ?2 WHERE hash = ?1";
                connection
                    .prepare_cached(sql)?
                    .execute(params![hash.0, now.0])
                    .map(drop)
            });
        }
        Some(WebSession {
            last_seen: now.max(session.last_seen),
            ..session
        })
    }

    /// The live session of this hash, without counting as a sign of life: for requests that a
    /// page makes by itself.
    #[must_use]
    pub fn peek_session(&self, hash: &SecretHash, now: Micros) -> Option<WebSession> {
        self.memory().sessions.read().get(hash)?.live(now)
    }

    /// Live sessions of an account, last seen first.
    #[must_use]
    pub fn sessions_of(&self, account: AccountId, now: Micros) -> Vec<WebSession> {
        let sessions = self.memory().sessions.read();
        let mut own: Vec<_> = sessions
            .values()
            .filter(|live| live.session.account == account)
            .filter_map(|live| live.live(now))
            .collect();
        own.sort_by_key(|session| (std::cmp::Reverse(session.last_seen), session.hash.0));
        own
    }

    /// Ends a session. `false`: there was none.
    pub fn end_session(&self, hash: SecretHash) -> Durable<bool> {
        self.change(
            move |connection| delete(connection, &hash),
            move |memory, found| {
                memory.sessions.write().remove(&hash);
                found
            },
        )
    }

    /// Ends all sessions of an account but one; says how many.
    pub fn end_sessions_of(&self, account: AccountId, keep: Option<SecretHash>) -> Durable<usize> {
        self.change(
            move |connection| delete_of(connection, account, keep),
            move |memory, count| {
                memory.end_sessions_of(account, keep);
                count
            },
        )
    }
}

impl LiveSession {
    /// The session as of now, if it is live.
    pub(super) fn live(&self, now: Micros) -> Option<WebSession> {
        let session = WebSession {
            last_seen: self.seen.last(),
            ..self.session.clone()
        };
        session.is_live(now).then_some(session)
    }
}

impl Memory {
    pub(super) fn end_sessions_of(&self, account: AccountId, keep: Option<SecretHash>) {
        self.sessions
            .write()
            .retain(|hash, live| live.session.account != account || Some(*hash) == keep);
    }
}

fn insert(connection: &Connection, session: &WebSession) -> rusqlite::Result<usize> {
    let sql = "INSERT OR REPLACE INTO sessions (hash, account, created, last_seen, expires, ip, agent) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    connection.prepare_cached(sql)?.execute(params![
        session.hash.0,
        session.account.0,
        session.created.0,
        session.last_seen.0,
        session.expires.0,
        session.ip,
        session.agent,
    ])
}

pub(super) fn delete(connection: &Connection, hash: &SecretHash) -> rusqlite::Result<bool> {
    Ok(connection
        .prepare_cached("DELETE FROM sessions WHERE hash = ?1")?
        .execute([hash.0])?
        > 0)
}

pub(super) fn delete_of(
    connection: &Connection,
    account: AccountId,
    keep: Option<SecretHash>,
) -> rusqlite::Result<usize> {
    let sql = "DELETE FROM sessions WHERE account = ?1 AND hash IS NOT ?2";
    connection
        .prepare_cached(sql)?
        .execute(params![account.0, keep.map(|hash| hash.0)])
}
