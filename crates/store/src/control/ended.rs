//! Sessions of a panel that an owner ended.
//!
//! An ended session is kept with every credential that belonged to it, each under its own hash: a
//! cookie that was replaced long ago must not come back as that of a stranger.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use admintrail_event::{Micros, PanelName};
use parking_lot::RwLock;
use rusqlite::{Connection, params};
use tokio::sync::watch;

use super::{Control, Durable};

/// No browser keeps a cookie for longer than 400 days (RFC 6265bis, section 5.5), in µs.
const REMEMBERED: i64 = 400 * 86_400 * Micros::SECOND;

/// Ended sessions and their credentials, at most, of all panels together; beyond that the oldest go.
const MOST: usize = 65_536;

/// Who ended a session, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndedSession {
    /// The account, as the trail names it.
    pub by: Arc<str>,
    /// When.
    pub at: Micros,
}

/// The ended ones in memory.
pub(super) struct EndedSessions {
    all: RwLock<HashMap<(PanelName, [u8; 16]), EndedSession>>,
    /// Nearly always none is, and then nobody has to look.
    count: AtomicUsize,
    changes: watch::Sender<u64>,
}

impl Default for EndedSessions {
    fn default() -> Self {
        Self {
            all: RwLock::default(),
            count: AtomicUsize::new(0),
            changes: watch::Sender::new(0),
        }
    }
}

impl EndedSessions {
    pub(super) fn insert(&self, panel: PanelName, hashes: Vec<[u8; 16]>, ended: &EndedSession) {
        let mut all = self.all.write();
        for hash in hashes {
            all.entry((panel.clone(), hash))
                .or_insert_with(|| ended.clone());
        }
        self.count.store(all.len(), Ordering::Release);
        drop(all);
        self.changes.send_modify(|count| *count += 1);
    }

    pub(super) fn get(&self, panel: &PanelName, session: &[u8; 16]) -> Option<EndedSession> {
        if self.count.load(Ordering::Acquire) == 0 {
            return None;
        }
        self.all.read().get(&(panel.clone(), *session)).cloned()
    }

    /// Gives another name to whoever ended sessions.
    pub(super) fn rename(&self, is: impl Fn(&str) -> bool, name: &Arc<str>) {
        for ended in self.all.write().values_mut() {
            if is(&ended.by) {
                ended.by = Arc::clone(name);
            }
        }
    }

    pub(super) fn prune(&self, before: Micros) {
        let mut all = self.all.write();
        all.retain(|_, ended| ended.at > before);
        self.count.store(all.len(), Ordering::Release);
    }
}

impl Control {
    /// Ends a session of a panel: [`Self::ended`] knows it and whatever was bound to it from then
    /// on. `false`: it had been ended before, and stays as it is.
    pub fn end_panel_session(
        &self,
        panel: PanelName,
        session: [u8; 16],
        by: String,
        at: Micros,
    ) -> Durable<bool> {
        let ended = EndedSession {
            by: Arc::from(by),
            at,
        };
        let (shown_panel, shown) = (panel.clone(), ended.clone());
        self.change(
            move |connection| {
                if insert(connection, &panel, session, &ended)? == 0 {
                    return Ok(Vec::new());
                }
                let sql = "SELECT credential FROM bindings WHERE panel = ?1 AND session = ?2";
                let mut statement = connection.prepare_cached(sql)?;
                let bound: Vec<[u8; 16]> = statement
                    .query_map(params![panel.as_str(), session], |row| row.get(0))?
                    .collect::<Result<_, _>>()?;
                for credential in &bound {
                    insert(connection, &panel, *credential, &ended)?;
                }
                forget_beyond(connection, MOST)?;
                Ok([vec![session], bound].concat())
            },
            move |memory, hashes: Vec<[u8; 16]>| {
                let news = !hashes.is_empty();
                if news {
                    memory.ended.insert(shown_panel, hashes, &shown);
                }
                news
            },
        )
    }

    /// Who ended this session, or the session of this credential, if anybody did.
    #[must_use]
    pub fn ended(&self, panel: &PanelName, session: &[u8; 16]) -> Option<EndedSession> {
        self.memory().ended.get(panel, session)
    }

    /// Changes whenever a session was ended, after [`Self::ended`] knows it.
    #[must_use]
    pub fn endings(&self) -> watch::Receiver<u64> {
        self.memory().ended.changes.subscribe()
    }
}

/// How many rows are new.
pub(super) fn insert(
    connection: &Connection,
    panel: &PanelName,
    hash: [u8; 16],
    ended: &EndedSession,
) -> rusqlite::Result<usize> {
    let sql = "INSERT OR IGNORE INTO ended_sessions (panel, session, by, at) \
               VALUES (?1, ?2, ?3, ?4)";
    connection
        .prepare_cached(sql)?
        .execute(params![panel.as_str(), hash, &*ended.by, ended.at.0])
}

/// Memory lets the oldest go at the next start; until then it knows more, never less.
fn forget_beyond(connection: &Connection, most: usize) -> rusqlite::Result<()> {
    let sql = "DELETE FROM ended_sessions WHERE (panel, session) IN (\
               SELECT panel, session FROM ended_sessions ORDER BY at DESC LIMIT -1 OFFSET ?1)";
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    connection.prepare_cached(sql)?.execute([most]).map(drop)
}

/// Forgets what was ended so long ago that no browser has a cookie of it any more.
pub(super) fn prune(connection: &Connection, now: Micros) -> rusqlite::Result<usize> {
    let sql = "DELETE FROM ended_sessions WHERE at <= ?1";
    connection
        .prepare_cached(sql)?
        .execute([forgotten_before(now).0])
}

pub(super) fn forgotten_before(now: Micros) -> Micros {
    Micros(now.0.saturating_sub(REMEMBERED))
}
