//! Settings that are changed while the server runs.

use std::sync::Arc;

use rusqlite::params;

use super::{Control, Durable};

/// The setting with the places for checkpoints that were named on pages: a list of JSON objects, of which
/// a mailbox has `to`.
pub const ANCHOR_PLACES: &str = "anchor_places";

impl Control {
    /// The value of a setting, if it was ever set.
    #[must_use]
    pub fn setting(&self, name: &str) -> Option<Arc<str>> {
        self.memory().settings.read().get(name).cloned()
    }

    /// Sets a setting, or unsets it.
    pub fn set_setting(&self, name: &str, value: Option<&str>) -> Durable<()> {
        let (name, value) = (name.to_owned(), value.map(Arc::<str>::from));
        let (shown_name, shown) = (name.clone(), value.clone());
        self.change(
            move |connection| match value {
                Some(value) => {
                    let sql = "INSERT OR REPLACE INTO settings (name, value) VALUES (?1, ?2)";
                    connection
                        .prepare_cached(sql)?
                        .execute(params![name, value])
                        .map(drop)
                }
                None => {
                    let sql = "DELETE FROM settings WHERE name = ?1";
                    connection.prepare_cached(sql)?.execute([name]).map(drop)
                }
            },
            move |memory, ()| {
                let mut settings = memory.settings.write();
                match shown {
                    Some(value) => settings.insert(shown_name, value),
                    None => settings.remove(&shown_name),
                };
            },
        )
    }
}
