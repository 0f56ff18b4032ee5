//! Requests that a page repeats by itself, recognised by their even rhythm.
//!
//! The fifth repetition in the same rhythm is the first that counts: what came before might have
//! been a person, and nothing is rewritten afterwards. Only what succeeds counts: whoever tries a
//! locked door every five seconds is no page.
//!
//! **The same request** is the same session, method, route *and thing*. A route alone would not do:
//! whoever reads `/client/1`, `/client/2`, `/client/3` at an even pace stays on one route and copies
//! the customers, and that is the last thing an auditor may miss. So what the route leaves open is
//! compared too, by the path (two equal paths are one route, and a request without a route has one
//! all the same), and so is the query, without what is there for caches alone
//! ([`super::cache_buster`]). A page that watches twenty machines under one route loses nothing by
//! that: each of them is asked for again and again, in a rhythm of its own. One that puts a new
//! name into every path is not recognised; a preset's list can name its route.

use hashbrown::HashMap;

use admintrail_event::{Draft, Micros, is_safe_method};

use super::{Hashing, cache_buster};
use crate::folding;

/// Faster than this is a page that loads its parts, not a refresh.
const SHORTEST: i64 = Micros::SECOND / 2;
/// Slower than this is told apart from people too rarely.
const LONGEST: i64 = 120 * Micros::SECOND;
/// How much two pauses may differ: a quarter, but always this much.
const JITTER: i64 = 400_000;
/// How often a pause must be like the one before it: five pauses, so the fifth repetition.
const STEADY: u8 = 4;
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
        let query = draft.query.as_deref().unwrap_or_default();
        let query = cache_buster::without(query, draft.time);
        let key = self.hashing.of(&[
            draft.panel.as_str().as_bytes(),
            who[0],
            who[1],
            draft.method.as_bytes(),
            draft.path.as_bytes(),
            query.as_bytes(),
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
    use admintrail_event::{EventId, KnownBy, Outcome, PanelName, SessionHash};

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
    fn an_even_rhythm_is_a_refresh_from_the_fifth_repetition_on() {
        let found = noted(&[10.0, 15.0, 20.1, 25.0, 30.2, 35.1, 40.0], "GET");
        assert_eq!(found, [false, false, false, false, false, true, true]);
    }

    #[test]
    fn people_and_changes_are_not() {
        let person = [10.0, 12.0, 30.0, 31.0, 60.0, 64.0, 66.0, 90.0];
        assert!(!noted(&person, "GET").contains(&true));
        let even: Vec<f64> = (2..12).map(|n| f64::from(n) * 5.0).collect();
        assert!(noted(&even, "GET").contains(&true));
        assert!(!noted(&even, "POST").contains(&true));
        let parts: Vec<f64> = (0..10).map(|n| 10.0 + f64::from(n) * 0.1).collect();
        assert!(!noted(&parts, "GET").contains(&true));
    }

    /// Whether each of the requests, five seconds apart, is a refresh.
    fn every_five_seconds(change: impl Fn(usize, &mut Draft)) -> Vec<bool> {
        let mut polling = Polling::new(Hashing::default());
        (0_u32..20)
            .map(|n| {
                let mut draft = at(1.7e9 + f64::from(n) * 5.0, "GET");
                change(n as usize, &mut draft);
                polling.note(&draft, draft.time)
            })
            .collect()
    }

    #[test]
    fn reading_one_record_after_the_other_is_not() {
        let by_path = every_five_seconds(|n, draft| {
            draft.path = format!("/client/{n}");
            draft.route = Some("/client/{id}".to_owned());
        });
        assert_eq!(by_path, [false; 20], "however even, on one route");
        let twice = every_five_seconds(|n, draft| {
            draft.path = format!("/client/{}", n / 4);
            draft.route = Some("/client/{id}".to_owned());
        });
        assert_eq!(twice, [false; 20], "nor if each is read four times");
        let undescribed = every_five_seconds(|n, draft| draft.path = format!("/client/{n}"));
        assert_eq!(undescribed, [false; 20], "without a route");
        for name in ["id", "page", "t", "_", "timestamp"] {
            let by_query = every_five_seconds(|n, draft| draft.query = Some(format!("{name}={n}")));
            assert_eq!(by_query, [false; 20], "{name}");
        }
    }

    #[test]
    fn one_record_that_a_page_watches_is_one_and_so_is_each_of_several() {
        let one = every_five_seconds(|_, draft| {
            draft.path = "/client/7/state".to_owned();
            draft.route = Some("/client/{id}/state".to_owned());
        });
        assert_eq!(one[..5], [false; 5]);
        assert_eq!(one[5..], [true; 15]);
        let three = every_five_seconds(|n, draft| {
            draft.path = format!("/client/{}/state", n % 3);
            draft.route = Some("/client/{id}/state".to_owned());
        });
        assert_eq!(three[..15], [false; 15]);
        assert_eq!(three[15..], [true; 5]);
    }

    #[test]
    fn a_page_that_keeps_caches_out_is_one_all_the_same() {
        let clock = every_five_seconds(|n, draft| {
            let ms = 1_700_000_000_000 + n * 5_000;
            draft.query = Some(format!("unread=1&_={ms}"));
        });
        assert_eq!(clock[5..], [true; 15]);
        let counted = every_five_seconds(|n, draft| {
            draft.query = Some(format!("_={}", 1_699_990_000_000 + n));
        });
        assert_eq!(counted[5..], [true; 15], "as jQuery counts on");
    }

    #[test]
    fn another_session_of_the_same_admin_has_its_own_rhythm() {
        let found = every_five_seconds(|n, draft| {
            draft.admin = Some("olena".to_owned());
            draft.session = Some(SessionHash([u8::from(n % 2 == 0); 16]));
        });
        // Each of the two comes every ten seconds.
        assert_eq!(found[..10], [false; 10]);
        assert_eq!(found[10..], [true; 10]);
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
                    outcome == Outcome::Success && n > 4,
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
        let found = every_five_seconds(|n, draft| {
            if n == 6 {
                draft.outcome = Outcome::Denied;
            }
        });
        let refreshes: Vec<usize> = (0..20).filter(|n| found[*n]).collect();
        assert_eq!(refreshes, [5, 11, 12, 13, 14, 15, 16, 17, 18, 19]);
    }

    #[test]
    fn a_pause_ends_the_rhythm() {
        let times = [0.0, 5.0, 10.0, 15.0, 20.0, 25.0, 400.0, 405.0, 410.0, 415.0];
        let found = noted(&times, "GET");
        assert_eq!(found.iter().filter(|is| **is).count(), 1, "{found:?}");
        assert!(found[5]);
    }

    #[test]
    fn a_time_in_the_future_makes_no_other_rhythm_stale() {
        let mut polling = Polling::new(Hashing::default());
        let named = |seconds: f64, path: String| {
            let mut draft = at(seconds, "GET");
            draft.path = path;
            draft
        };
        for draft in [600.0, 605.0, 610.0, 615.0, 620.0].map(|t| at(t, "GET")) {
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
