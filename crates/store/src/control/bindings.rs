//! Whose a panel's sessions are, as capture learned it at sign-in.

use admintrail_event::{Micros, PanelName, fold};
use rusqlite::params;

use super::memory::{LiveBinding, Seen};
use super::model::StoredBinding;
use super::{Control, Durable, ended};

/// How often "last used" goes to the disk, in µs (a day: only [`Control::prune`] asks for it).
const NOTE_EVERY: i64 = 86_400 * Micros::SECOND;

/// A binding without a known end is forgotten after so long without a request, in µs (90 days).
const UNUSED: i64 = 90 * 86_400 * Micros::SECOND;

impl Control {
    /// Who a credential (by its keyed hash) belongs to on a panel, unless it has ended.
    #[must_use]
    pub fn binding(
        &self,
        panel: &PanelName,
        credential: &[u8; 16],
        now: Micros,
    ) -> Option<StoredBinding> {
        let panels = self.memory().bindings.read();
        let live = panels.get(panel)?.by_credential.get(credential)?;
        if live.binding.until.is_some_and(|until| until <= now) {
            return None;
        }
        let binding = live.binding.clone();
        let note = live.used.touch(now, NOTE_EVERY);
        drop(panels);
        if note {
            let (panel, credential) = (panel.clone(), *credential);
            self.note(move |connection| {
                let sql = "UPDATE bindings SET used = ?3 WHERE panel = ?1 AND credential = ?2";
                connection
                    .prepare_cached(sql)?
                    .execute(params![panel.as_str(), credential, now.0])
                    .map(drop)
            });
        }
        Some(binding)
    }

    /// Binds a credential; replaces what it was bound to. The admin is known from then on.
    pub fn bind(
        &self,
        panel: PanelName,
        credential: [u8; 16],
        binding: StoredBinding,
    ) -> Durable<()> {
        let (shown_panel, shown) = (panel.clone(), binding.clone());
        let known = fold(&binding.admin);
        let shown_known = known.clone();
        self.change(
            move |connection| {
                let sql = "INSERT OR REPLACE INTO bindings \
                           (panel, credential, admin, admin_name, session, since, until, used, \
                           acting_as) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?6, ?8)";
                connection.prepare_cached(sql)?.execute(params![
                    panel.as_str(),
                    credential,
                    binding.admin,
                    binding.admin_name,
                    binding.session,
                    binding.since.0,
                    binding.until.map(|until| until.0),
                    binding.acting_as,
                ])?;
                // Its session may have been ended while the answer that set it was under way.
                let sql = "INSERT OR IGNORE INTO ended_sessions (panel, session, by, at) \
                           SELECT panel, ?2, by, at FROM ended_sessions \
                           WHERE panel = ?1 AND session = ?3";
                connection.prepare_cached(sql)?.execute(params![
                    panel.as_str(),
                    credential,
                    binding.session
                ])?;
                let sql = "INSERT OR IGNORE INTO known_admins (panel, admin) VALUES (?1, ?2)";
                connection
                    .prepare_cached(sql)?
                    .execute(params![panel.as_str(), known])
                    .map(drop)
            },
            move |memory, ()| {
                if let Some(ended) = memory.ended.get(&shown_panel, &shown.session) {
                    memory
                        .ended
                        .insert(shown_panel.clone(), vec![credential], &ended);
                }
                let mut panels = memory.bindings.write();
                let panel = panels.entry(shown_panel).or_default();
                let used = Seen::at(shown.since);
                panel.by_credential.insert(
                    credential,
                    LiveBinding {
                        binding: shown,
                        used,
                    },
                );
                panel.known.insert(shown_known.into());
            },
        )
    }

    /// Ends a credential's binding. `false`: there was none.
    pub fn end_binding(&self, panel: PanelName, credential: [u8; 16]) -> Durable<bool> {
        let shown = panel.clone();
        self.change(
            move |connection| {
                let sql = "DELETE FROM bindings WHERE panel = ?1 AND credential = ?2";
                Ok(connection
                    .prepare_cached(sql)?
                    .execute(params![panel.as_str(), credential])?
                    > 0)
            },
            move |memory, found| {
                if let Some(panel) = memory.bindings.write().get_mut(&shown) {
                    panel.by_credential.remove(&credential);
                }
                found
            },
        )
    }

    /// Whether somebody has ever signed in under this name on the panel, in any case. On our own
    /// panel an account is known before its first sign-in: tries at it must not read "unknown name".
    #[must_use]
    pub fn knows_admin(&self, panel: &PanelName, admin: &str) -> bool {
        if panel.as_str() == PanelName::OWN && self.account_of_email(admin).is_some() {
            return true;
        }
        let folded = fold(admin);
        self.memory()
            .bindings
            .read()
            .get(panel)
            .is_some_and(|panel| panel.known.contains(folded.as_str()))
    }

    /// Forgets what has ended by itself: bindings past their end or unused for 90 days, sessions,
    /// links. Call it every hour or so; says how many went.
    pub fn prune(&self, now: Micros) -> Durable<usize> {
        self.change(
            move |connection| {
                // What is on disk lags behind memory; it goes a little later.
                let unused = now.0.saturating_sub(UNUSED + NOTE_EVERY);
                let sql =
                    "DELETE FROM bindings WHERE until <= ?1 OR (until IS NULL AND used <= ?2)";
                let bindings = connection
                    .prepare_cached(sql)?
                    .execute(params![now.0, unused])?;
                let idle = now
                    .0
                    .saturating_sub(super::WebSession::IDLE + 120 * Micros::SECOND);
                let sql = "DELETE FROM sessions WHERE expires <= ?1 OR last_seen <= ?2";
                let sessions = connection
                    .prepare_cached(sql)?
                    .execute(params![now.0, idle])?;
                let sql = "DELETE FROM links WHERE expires <= ?1";
                let links = connection.prepare_cached(sql)?.execute([now.0])?;
                let ended = ended::prune(connection, now)?;
                Ok(bindings + sessions + links + ended)
            },
            move |memory, count| {
                for panel in memory.bindings.write().values_mut() {
                    panel
                        .by_credential
                        .retain(|_, live| match live.binding.until {
                            Some(until) => now < until,
                            None => now.0.saturating_sub(live.used.last().0) < UNUSED,
                        });
                }
                memory.ended.prune(ended::forgotten_before(now));
                memory.links.write().retain(|_, link| now < link.expires);
                memory
                    .sessions
                    .write()
                    .retain(|_, live| live.live(now).is_some());
                count
            },
        )
    }
}
