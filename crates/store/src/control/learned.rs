//! What capture learned of panels, so that a restart does not begin anew.

use admintrail_event::PanelName;
use rusqlite::params;

use super::{Control, Durable};

impl Control {
    /// What was saved for a panel last, if anything was.
    #[must_use]
    pub fn learned(&self, panel: &PanelName) -> Option<Vec<u8>> {
        self.memory().learned.read().get(panel).cloned()
    }

    /// Saves what was learned of a panel in place of what was saved before.
    pub fn save_learned(&self, panel: PanelName, body: Vec<u8>) -> Durable<()> {
        let (shown_panel, shown) = (panel.clone(), body.clone());
        self.change(
            move |connection| {
                let sql = "INSERT OR REPLACE INTO learned (panel, body) VALUES (?1, ?2)";
                connection
                    .prepare_cached(sql)?
                    .execute(params![panel.as_str(), body])
                    .map(drop)
            },
            move |memory, ()| {
                memory.learned.write().insert(shown_panel, shown);
            },
        )
    }
}
