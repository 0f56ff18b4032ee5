//! `control.db`: accounts, tokens, sessions of our own pages, bindings, views, settings.

/// The database of everything that is not an event. Clones share it.
#[derive(Clone)]
pub struct Control {/* private */}
