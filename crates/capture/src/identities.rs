//! Whose tokens and basic users are, for as long as the process lives: for tests and embedders.

use admintrail_event::{PanelName, SessionHash};
use hashbrown::HashMap;
use parking_lot::RwLock;

use crate::{Identities, Named};

/// [`Identities`] in memory; without any it names nobody.
#[derive(Default)]
pub struct MemoryIdentities {
    named: RwLock<HashMap<(PanelName, SessionHash), Named>>,
}

impl MemoryIdentities {
    /// Says whose a fingerprint is from now on; `None`: nobody's.
    pub fn map(&self, panel: PanelName, fingerprint: SessionHash, named: Option<Named>) {
        let mut all = self.named.write();
        match named {
            Some(named) => all.insert((panel, fingerprint), named),
            None => all.remove(&(panel, fingerprint)),
        };
    }
}

impl Identities for MemoryIdentities {
    fn named(&self, panel: &PanelName, fingerprint: &SessionHash) -> Option<Named> {
        let named = self.named.read();
        if named.is_empty() {
            return None;
        }
        named.get(&(panel.clone(), *fingerprint)).cloned()
    }
}
