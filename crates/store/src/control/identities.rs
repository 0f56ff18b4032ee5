//! Whose the API tokens and basic users of panels are, as somebody has said.

use admintrail_event::PanelName;
use rusqlite::params;

use super::model::MappedIdentity;
use super::{Control, Durable};

impl Control {
    /// Whose a fingerprint is on a panel, if somebody has said.
    #[must_use]
    pub fn identity(&self, panel: &PanelName, fingerprint: &[u8; 16]) -> Option<MappedIdentity> {
        let mapped = self.memory().mapped.read();
        mapped.get(panel)?.get(fingerprint).cloned()
    }

    /// All of them, by panel, then by admin.
    #[must_use]
    pub fn identities(&self) -> Vec<MappedIdentity> {
        let mapped = self.memory().mapped.read();
        let mut all: Vec<_> = mapped
            .values()
            .flat_map(|of| of.values())
            .cloned()
            .collect();
        all.sort_by(|a, b| {
            let key = |one: &MappedIdentity| (one.panel.clone(), one.admin.clone());
            (key(a), a.fingerprint).cmp(&(key(b), b.fingerprint))
        });
        all
    }

    /// Says whose a fingerprint is, from now on. Returns whose it was.
    pub fn map_identity(&self, new: MappedIdentity) -> Durable<Option<MappedIdentity>> {
        let shown = new.clone();
        self.change(
            move |connection| {
                let sql = "INSERT OR REPLACE INTO mapped_identities \
                           (panel, fingerprint, basic_user, admin, admin_name, since) \
                           VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
                let row = params![
                    new.panel.as_str(),
                    new.fingerprint,
                    new.basic_user,
                    new.admin,
                    new.admin_name,
                    new.since.0,
                ];
                connection.prepare_cached(sql)?.execute(row).map(drop)
            },
            move |memory, ()| {
                let mut mapped = memory.mapped.write();
                let of = mapped.entry(shown.panel.clone()).or_default();
                of.insert(shown.fingerprint, shown)
            },
        )
    }

    /// Forgets whose a fingerprint is. Returns whose it was, if it was anybody's.
    pub fn unmap_identity(
        &self,
        panel: PanelName,
        fingerprint: [u8; 16],
    ) -> Durable<Option<MappedIdentity>> {
        let shown = panel.clone();
        self.change(
            move |connection| {
                let sql = "DELETE FROM mapped_identities WHERE panel = ?1 AND fingerprint = ?2";
                connection
                    .prepare_cached(sql)?
                    .execute(params![panel.as_str(), fingerprint])
                    .map(drop)
            },
            move |memory, ()| memory.mapped.write().get_mut(&shown)?.remove(&fingerprint),
        )
    }
}
