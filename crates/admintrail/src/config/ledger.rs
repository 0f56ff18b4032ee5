//! Who may read the published ledger: `[ledger]`.

use super::origin::Origin;
use super::section::Section;

/// What is done with the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Ledger {
    /// Anybody may read checkpoints, tiles and the key, signed in or not.
    pub(crate) public: bool,
}

/// Reads `[ledger]`.
pub(super) fn read(top: &mut Section<'_>) -> Ledger {
    let Some(mut section) = top.table("ledger") else {
        top.show("ledger.public", false, Origin::Default);
        return Ledger::default();
    };
    let public = section.switch("public", false);
    section.finish();
    Ledger { public }
}
