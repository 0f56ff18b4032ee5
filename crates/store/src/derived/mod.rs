//! What follows from the events in `seq` order and is kept in memory: firsts, background
//! refreshes, sessions, and who is active. Sessions are those of hot, for segments know their own;
//! what is wanted of all events ever (firsts, when an admin was last seen) is kept in a snapshot and
//! made good from the events that came after it when the trail is opened.

mod cache_buster;
mod firsts;
mod polling;
mod sessions;
mod snapshot;

use std::hash::Hasher;
use std::sync::Arc;

use admintrail_event::{Draft, Event, FirstSet, Micros};
use siphasher::sip::SipHasher13;

pub(crate) use firsts::Firsts;
pub(crate) use polling::Polling;
pub(crate) use sessions::{Sessions, join_rows};
pub(crate) use snapshot::Kept;

use crate::columns::Chunk;
use crate::erasure::Person;
use crate::folding;

/// What the writer asks before it writes. It alone changes it.
pub(crate) struct Judging {
    hashing: Hashing,
    firsts: Firsts,
    polling: Polling,
}

impl Judging {
    /// What a new event is the first of, and whether it is a background refresh; takes it into account.
    pub(crate) fn judge(&mut self, draft: &Draft, received: Micros) -> (FirstSet, bool) {
        let first = self.firsts.note(draft);
        let polling = self.polling.note(draft, received) || draft.polling;
        // Whoever declares a request a refresh cannot have it hidden when it was refused.
        let polling = polling && folding::may_fold(draft);
        (first, polling)
    }

    /// Takes back what [`Self::judge`] noted of an event that was not accepted after all; the
    /// latest first. A refresh's rhythm is not restored: it recovers by itself.
    pub(crate) fn forget(&mut self, draft: &Draft, first: FirstSet) {
        self.firsts.forget(draft, first);
    }

    /// Knows a person by the pseudonym alone from now on.
    pub(crate) fn erase(&mut self, person: &Person) {
        self.firsts.erase(person);
    }

    /// Whether an admin of this folded id has an event.
    pub(crate) fn knows(&self, folded: &str) -> bool {
        self.firsts.knows(folded)
    }
}

/// All of it, while a trail is opened.
pub(crate) struct Derived {
    pub(crate) judging: Judging,
    pub(crate) sessions: Sessions,
}

impl Derived {
    /// Of no event. What is joined later must share `hashing`.
    pub(crate) fn new(hashing: Hashing) -> Self {
        Self {
            judging: Judging {
                hashing,
                firsts: Firsts::new(hashing),
                polling: Polling::new(hashing),
            },
            sessions: Sessions::default(),
        }
    }

    /// Takes over an event that was judged before.
    pub(crate) fn replay(&mut self, event: &Event) {
        self.judging.firsts.note(&event.draft);
        self.sessions.count(event);
    }

    /// Takes over a chunk of them.
    pub(crate) fn replay_chunk(&mut self, chunk: &Chunk) {
        self.judging.firsts.note_chunk(chunk);
        self.sessions.count_chunk(chunk);
    }

    /// Takes over a sealed chunk: everything but its sessions.
    pub(crate) fn replay_sealed(&mut self, chunk: &Chunk) {
        self.judging.firsts.note_chunk(chunk);
        let mut of_chunk = Sessions::default();
        of_chunk.count_chunk(chunk);
        self.sessions.join_admins(of_chunk);
    }

    /// Takes over one of the newest events, from which refreshes are recognised.
    pub(crate) fn replay_recent(&mut self, event: &Event) {
        self.judging.polling.note(&event.draft, event.received);
    }

    /// Joins what was derived from other events, whatever their order.
    pub(crate) fn join(&mut self, other: Self) {
        self.judging.firsts.join(other.judging.firsts);
        self.sessions.join(other.sessions);
    }
}

/// Texts are compared by hash in these tables; 64 bits are plenty for one trail. The key is random
/// and secret, so that nobody outside can choose texts that meet; it lives as long as the snapshot.
#[derive(Clone, Copy)]
pub(crate) struct Hashing {
    key: [u8; 16],
}

impl Hashing {
    pub(crate) const fn keyed(key: [u8; 16]) -> Self {
        Self { key }
    }

    pub(crate) const fn key(self) -> [u8; 16] {
        self.key
    }

    pub(crate) fn of(&self, parts: &[&[u8]]) -> u64 {
        let mut hasher = SipHasher13::new_with_key(&self.key);
        for part in parts {
            hasher.write_usize(part.len());
            hasher.write(part);
        }
        hasher.finish()
    }
}

/// A random key; one that everybody knows where the system gives no randomness.
impl Default for Hashing {
    fn default() -> Self {
        let mut key = [0; 16];
        if getrandom::fill(&mut key).is_err() {
            tracing::warn!("the system gives no randomness");
        }
        Self { key }
    }
}

/// A text shared by many rows.
pub(crate) fn shared(known: Option<&Arc<str>>, text: &str) -> Arc<str> {
    match known {
        Some(known) if **known == *text => Arc::clone(known),
        _ => Arc::from(text),
    }
}

#[cfg(test)]
mod tests {
    use admintrail_event::{EventId, Outcome, PanelName, Seq, testing};
    use proptest::prelude::*;

    use super::*;
    use crate::query::{ActiveAdmin, SessionRow};

    /// Everything that can be asked of it, in an order of its own.
    fn told(derived: &Derived) -> (Vec<SessionRow>, Vec<ActiveAdmin>) {
        let mut sessions: Vec<SessionRow> = derived.sessions.all().cloned().collect();
        sessions.sort_by_key(|row| row.session);
        let mut active = derived.sessions.active(Micros(i64::MIN));
        active.sort_by(|a, b| a.admin.cmp(&b.admin));
        (sessions, active)
    }

    #[test]
    fn a_declared_refresh_that_was_refused_is_none() {
        for &outcome in Outcome::ALL {
            let mut derived = Derived::new(Hashing::default());
            let time = Micros(Micros::SECOND);
            let id = EventId::new(time, [0; 10]);
            let mut draft = Draft::request(id, time, PanelName::own(), "GET", "/status");
            (draft.polling, draft.outcome) = (true, outcome);
            let (_, polling) = derived.judging.judge(&draft, draft.time);
            assert_eq!(polling, outcome == Outcome::Success, "{outcome:?}");
        }
    }

    proptest! {
        /// What a restart derives from columns, in parts, is what was derived event by event.
        #[test]
        fn a_restart_derives_the_same(
            mut events in prop::collection::vec(testing::event(), 1..120),
            cut in 0_usize..120,
            next in testing::draft(),
        ) {
            for (seq, event) in (1..).zip(&mut events) {
                event.seq = Seq(seq);
                // Real recorders give each session one panel; ties in time have no latest event.
                event.draft.panel = admintrail_event::PanelName::own();
                event.draft.time = Micros(i64::try_from(seq).unwrap() * 60_000_000);
                event.received = event.draft.time;
            }
            let hashing = Hashing::default();
            let mut one_by_one = Derived::new(hashing);
            events.iter().for_each(|event| one_by_one.replay(event));
            let (head, tail) = events.split_at(cut.min(events.len()));
            let mut joined = Derived::new(hashing);
            for part in [head, tail] {
                let mut derived = Derived::new(hashing);
                derived.replay_chunk(&Chunk::build(part));
                joined.join(derived);
            }
            prop_assert_eq!(format!("{:?}", told(&one_by_one)), format!("{:?}", told(&joined)));
            prop_assert_eq!(
                one_by_one.judging.firsts.note(&next),
                joined.judging.firsts.note(&next)
            );
        }

        /// What was judged and then not accepted leaves no trace.
        #[test]
        fn what_was_not_accepted_is_forgotten(
            drafts in prop::collection::vec(testing::draft(), 1..40),
            cut in 0_usize..40,
        ) {
            let (kept, failed) = drafts.split_at(cut.min(drafts.len()));
            let mut derived = Derived::new(Hashing::default());
            for draft in kept {
                derived.judging.judge(draft, draft.time);
            }
            let first: Vec<FirstSet> = failed.iter().map(|draft| derived.judging.judge(draft, draft.time).0).collect();
            for (draft, first) in failed.iter().zip(&first).rev() {
                derived.judging.forget(draft, *first);
            }
            let again: Vec<FirstSet> = failed.iter().map(|draft| derived.judging.judge(draft, draft.time).0).collect();
            prop_assert_eq!(first, again);
        }
    }
}
