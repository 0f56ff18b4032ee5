//! What follows from the events in `seq` order and is kept in memory: firsts, background
//! refreshes, sessions, and who is active. Rebuilt when the trail is opened.

mod firsts;
mod polling;
mod sessions;

use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;

use admintrail_event::{Draft, Event, FirstSet, Micros};

pub(crate) use firsts::Firsts;
pub(crate) use polling::Polling;
pub(crate) use sessions::Sessions;

use crate::columns::Chunk;
use crate::query::ActiveAdmin;

/// All of it. The writer alone changes it.
pub(crate) struct Derived {
    firsts: Firsts,
    polling: Polling,
    pub(crate) sessions: Sessions,
}

impl Derived {
    /// Of no event. What is joined later must share `hashing`.
    pub(crate) fn new(hashing: Hashing) -> Self {
        Self {
            firsts: Firsts::new(hashing.clone()),
            polling: Polling::new(hashing),
            sessions: Sessions::default(),
        }
    }

    /// What a new event is the first of, and whether it is a background refresh; takes it into account.
    pub(crate) fn judge(&mut self, draft: &Draft) -> (FirstSet, bool) {
        let first = self.firsts.note(draft);
        let polling = self.polling.note(draft) || draft.polling;
        (first, polling)
    }

    /// Takes back what [`Self::judge`] noted of an event that was not accepted after all; the
    /// latest first. A refresh's rhythm is not restored: it recovers by itself.
    pub(crate) fn forget(&mut self, draft: &Draft, first: FirstSet) {
        self.firsts.forget(draft, first);
    }

    /// Counts an accepted event.
    pub(crate) fn count(&mut self, event: &Event) {
        self.sessions.count(event);
    }

    /// Takes over an event that was judged before.
    pub(crate) fn replay(&mut self, event: &Event) {
        self.firsts.note(&event.draft);
        self.sessions.count(event);
    }

    /// Takes over a chunk of them.
    pub(crate) fn replay_chunk(&mut self, chunk: &Chunk) {
        self.firsts.note_chunk(chunk);
        self.sessions.count_chunk(chunk);
    }

    /// Takes over one of the newest events, from which refreshes are recognised.
    pub(crate) fn replay_recent(&mut self, event: &Event) {
        self.polling.note(&event.draft);
    }

    /// Joins what was derived from other events, whatever their order.
    pub(crate) fn join(&mut self, other: Self) {
        self.firsts.join(other.firsts);
        self.sessions.join(other.sessions);
    }

    /// Whether an admin of this folded id has an event.
    pub(crate) fn knows(&self, folded: &str) -> bool {
        self.firsts.knows(folded)
    }

    /// Admins with an event since then that is no background refresh, latest first.
    pub(crate) fn active(&self, since: Micros) -> Vec<ActiveAdmin> {
        self.sessions.active(since)
    }
}

/// Texts are compared by hash in these tables; 64 bits are plenty for one trail. The seed is
/// random, so that nobody outside can choose texts that meet.
#[derive(Clone, Default)]
pub(crate) struct Hashing(hashbrown::DefaultHashBuilder);

impl Hashing {
    pub(crate) fn of(&self, parts: &[&[u8]]) -> u64 {
        let mut hasher = self.0.build_hasher();
        for part in parts {
            hasher.write_usize(part.len());
            hasher.write(part);
        }
        hasher.finish()
    }
}

/// A text shared by many rows.
pub(crate) fn shared(known: Option<&Arc<str>>, text: &str) -> Arc<str> {
    match known {
        Some(known) if **known == *text => Arc::clone(known),
        _ => Arc::from(text),
    }
}
