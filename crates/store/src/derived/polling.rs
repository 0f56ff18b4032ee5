//! Requests that a page repeats by itself, recognised by their even rhythm.
//!
//! The third repetition in the same rhythm is the first that counts: what came before might have
//! been a person, and nothing is rewritten afterwards. Only what succeeds counts: whoever tries a
//! locked door every five seconds is no page.

use hashbrown::HashMap;

use admintrail_event::{Draft, Micros, is_safe_method};

use super::Hashing;
use crate::folding;

/// Faster than this is a page that loads its parts, not a refresh.
const SHORTEST: i64 = Micros::SECOND / 2;
/// Slower than this is told apart from people too rarely.
const LONGEST: i64 = 120 * Micros::SECOND;
/// How much two pauses may differ: a quarter, but always this much.
const JITTER: i64 = 400_000;
/// Equal pauses before a request counts as a refresh.
const STEADY: u8 = 2;
/// Rhythms kept; the stalest go first.
const MOST: usize = 50_000;

/// The rhythm of each (panel, session or admin and address, method, path, query).
pub(crate) struct Polling {
    hashing: Hashing,
    rhythms: HashMap<u64, Rhythm>,
}

struct Rhythm {
    last: Micros,
    /// When it was accepted: what senders say of the time makes nothing else look stale.
    seen: Micros,
    pause: i64,
    steady: u8,
}

impl Polling {
    pub(crate) fn new(hashing: Hashing) -> Self {
        Self {
            hashing,
            rhythms: HashMap::new(),
        }
    }

    /// Notes the event; whether it is a background refresh.
    pub(crate) fn note(&mut self, draft: &Draft, received: Micros) -> bool {
        if !is_safe_method(&draft.method) || draft.asset {
            return false;
        }
        let ip = draft.ip.map(|ip| ip.0).unwrap_or_default();
        let session = draft.session.map(|session| session.0);
        let who: [&[u8]; 2] = match &session {
            Some(session) => [session, b""],
            None => [draft.admin.as_deref().unwrap_or_default().as_bytes(), &ip],
        };
        let key = self.hashing.of(&[
            draft.panel.as_str().as_bytes(),
            who[0],
            who[1],
            draft.method.as_bytes(),
            draft.path.as_bytes(),
            // Reading one record after the other in an even rhythm is no refresh.
            draft.query.as_deref().unwrap_or_default().as_bytes(),
        ]);
        if self.rhythms.len() >= MOST {
            let stale = received.0 - 2 * LONGEST;
            self.rhythms.retain(|_, rhythm| rhythm.seen.0 > stale);
            if self.rhythms.len() >= MOST {
                self.rhythms.clear();
            }
        }
        let now = draft.time;
        let rhythm = self.rhythms.entry(key).or_insert(Rhythm {
            last: now,
            seen: received,
            pause: 0,
            steady: 0,
        });
        rhythm.seen = received;
        if !folding::may_fold(draft) {
            rhythm.last = Micros(rhythm.last.0.max(now.0));
            (rhythm.pause, rhythm.steady) = (0, 0);
            return false;
        }
        let pause = now.0.saturating_sub(rhythm.last.0);
        if pause <= 0 {
            return false;
        }
        let even = (SHORTEST..=LONGEST).contains(&pause)
            && (pause - rhythm.pause).abs() <= JITTER.max(rhythm.pause / 4)
            && rhythm.pause > 0;
        rhythm.steady = if even {
            rhythm.steady.saturating_add(1)
        } else {
            0
        };
        rhythm.pause = pause;
        rhythm.last = now;
        rhythm.steady >= STEADY
    }
}

#[cfg(test)]
mod tests {
    use admintrail_event::{EventId, KnownBy, Outcome, PanelName};

    use super::*;

    fn at(seconds: f64, method: &str) -> Draft {
        #[expect(clippy::cast_possible_truncation, reason = "a test's own numbers")]
        let time = Micros((seconds * 1e6) as i64);
        let mut draft = Draft::request(
            EventId::new(time, [0; 10]),
            time,
            PanelName::own(),
            method,
            "/list",
        );
        draft.outcome = Outcome::Success;
        draft
    }

    fn noted(times: &[f64], method: &str) -> Vec<bool> {
        let mut polling = Polling::new(Hashing::default());
        times
            .iter()
            .map(|t| at(*t, method))
            .map(|draft| polling.note(&draft, draft.time))
            .collect()
    }

    #[test]
    fn an_even_rhythm_is_a_refresh_from_the_third_repetition_on() {
        let found = noted(&[10.0, 15.0, 20.1, 25.0, 30.2], "GET");
        assert_eq!(found, [false, false, false, true, true]);
    }

    #[test]
    fn people_and_changes_are_not() {
        assert!(!noted(&[10.0, 12.0, 30.0, 31.0, 60.0, 64.0], "GET").contains(&true));
        assert!(!noted(&[10.0, 15.0, 20.0, 25.0, 30.0], "POST").contains(&true));
        assert!(!noted(&[10.0, 10.1, 10.2, 10.3, 10.4], "GET").contains(&true));
    }

    #[test]
    fn reading_one_record_after_the_other_is_not() {
        let mut polling = Polling::new(Hashing::default());
        for n in 0..10 {
            let mut draft = at(f64::from(n) * 5.0, "GET");
            draft.query = Some(format!("id={n}"));
            assert!(!polling.note(&draft, draft.time));
        }
    }

    #[test]
    fn what_did_not_succeed_is_never_one_however_even() {
        for &outcome in Outcome::ALL {
            let mut polling = Polling::new(Hashing::default());
            let mut attempts = Polling::new(Hashing::default());
            for n in 0..10 {
                let mut draft = at(f64::from(n) * 5.0, "GET");
                draft.outcome = outcome;
                let found = polling.note(&draft, draft.time);
                assert_eq!(
                    found,
                    outcome == Outcome::Success && n > 2,
                    "{outcome:?} {n}"
                );
                draft.known_by = KnownBy::Attempt;
                assert!(
                    !attempts.note(&draft, draft.time),
                    "an attempt, {outcome:?}"
                );
            }
        }
    }

    #[test]
    fn what_does_not_succeed_breaks_the_rhythm() {
        let mut polling = Polling::new(Hashing::default());
        let found: Vec<bool> = (0..9)
            .map(|n| {
                let mut draft = at(f64::from(n) * 5.0, "GET");
                if n == 4 {
                    draft.outcome = Outcome::Denied;
                }
                polling.note(&draft, draft.time)
            })
            .collect();
        let expected = [false, false, false, true, false, false, false, true, true];
        assert_eq!(found, expected);
    }

    #[test]
    fn a_pause_ends_the_rhythm() {
        let found = noted(&[0.0, 5.0, 10.0, 15.0, 400.0, 405.0, 410.0], "GET");
        assert_eq!(found, [false, false, false, true, false, false, false]);
    }

    #[test]
    fn a_time_in_the_future_makes_no_other_rhythm_stale() {
        let mut polling = Polling::new(Hashing::default());
        let named = |seconds: f64, path: String| {
            let mut draft = at(seconds, "GET");
            draft.path = path;
            draft
        };
        for draft in [610.0, 615.0, 620.0].map(|t| at(t, "GET")) {
            assert!(!polling.note(&draft, draft.time));
        }
        for n in 1..MOST {
            let other = named(0.0, format!("/{n}"));
            polling.note(&other, other.time);
        }
        assert_eq!(polling.rhythms.len(), MOST);
        let future = named(365.0 * 86_400.0, "/future".to_owned());
        polling.note(&future, Micros(621 * Micros::SECOND));
        assert!(polling.rhythms.len() <= 2, "what is stale is gone");
        let draft = at(625.0, "GET");
        assert!(
            polling.note(&draft, draft.time),
            "its rhythm is still known"
        );
    }
}
