//! Whether panels answer around Admintrail: what passes there is not on record.

use std::collections::BTreeMap;

use admintrail_event::PanelName;
use parking_lot::RwLock;

/// Whether somebody gets past the recorder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Reach {
    /// No way around was found.
    Closed,
    /// The panel answers around it.
    Open,
    /// Nobody knows.
    #[default]
    Unchecked,
}

impl Reach {
    /// All of them, the worst first.
    pub const ALL: [Self; 3] = [Self::Open, Self::Unchecked, Self::Closed];

    /// For people; `OPEN` is written large because it has to be mended.
    #[must_use]
    pub const fn shown(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "OPEN",
            Self::Unchecked => "unchecked",
        }
    }

    /// For programs.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            other => other.shown(),
        }
    }
}

/// What the last check of a panel found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirectAccess {
    /// Whether there is a way around.
    pub reach: Reach,
    /// Why, and what to do about it: whole sentences.
    pub why: String,
}

impl Default for DirectAccess {
    fn default() -> Self {
        Self {
            reach: Reach::Unchecked,
            why: "The first check is under way.".to_owned(),
        }
    }
}

/// What the last checks found. The binary sets it, pages and health tell it.
#[derive(Debug, Default)]
pub struct DirectAccesses(RwLock<BTreeMap<PanelName, DirectAccess>>);

impl DirectAccesses {
    /// What is known of a panel.
    #[must_use]
    pub fn of(&self, panel: &PanelName) -> DirectAccess {
        self.0.read().get(panel).cloned().unwrap_or_default()
    }

    /// Sets what was found.
    pub fn set(&self, panel: &PanelName, found: DirectAccess) {
        self.0.write().insert(panel.clone(), found);
    }
}

impl crate::App {
    /// The panels before which a recorder stands, and whether there is a way around it.
    pub(crate) fn direct_access(&self) -> Vec<(&PanelName, DirectAccess)> {
        let guarded = self.panels.iter().filter(|panel| panel.listen.is_some());
        guarded
            .map(|panel| (&panel.name, self.direct.of(&panel.name)))
            .collect()
    }
}
