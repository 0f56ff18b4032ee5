//! What a large company's admins do in a day, as often as one likes, the same for the same seed.
//!
//! Five thousand admins, by Zipf's law, begin sessions of 5 to 120 requests that overlap with
//! hundreds of others. A page load is followed by calls of its scripts, thinking, now and then a
//! deed, and some open pages ask again and again. Sessions begin whenever nothing else is due at
//! the pace that is asked for, so the pace is kept exactly and the number of live sessions follows
//! from it. Events come in the order of their end, as a recorder hands them on.

mod draft;
mod panel;
mod people;
mod session;
mod tables;
mod text;

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::random::Random;
use crate::{Draft, Micros};
use draft::{of_session, of_stranger};
use panel::{Page, Panel};
use people::People;
use session::{Session, somebody};

#[cfg(test)]
mod tests;

pub use people::{BUSY_ADMINS, RARE_ADMIN};

/// Events of strangers, in a thousand.
const STRANGERS: u64 = 9;
/// Of how many events one is the rare admin's.
const RARE: u64 = 10_000;

/// Median times, in µs.
const THINKING: u64 = 75_000_000;
const PAGE_TAKES: u64 = 60_000;
const CALL_TAKES: u64 = 14_000;

/// A request that will end.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Due {
    /// In µs.
    end: i64,
    /// Keeps the order of what ends at once.
    number: u64,
    took: i64,
    session: u32,
    step: Step,
    object: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    /// This page of the session's panel.
    Page(u16),
    /// This request, and nothing follows from it.
    Single(u16),
    /// This request, and again as many seconds later, while the page stays open.
    Poll(u16, i64),
}

/// Drafts in the order in which their requests end. Holds what is open at a time, never the rest.
#[derive(Debug)]
pub struct Busy {
    random: Random,
    people: People,
    panels: Vec<Panel>,
    /// Each panel as often as sessions visit it.
    lot: Vec<usize>,
    sessions: Vec<Session>,
    /// Places of sessions that are over.
    free: Vec<u32>,
    due: BinaryHeap<Reverse<Due>>,
    planned: u64,
    emitted: u64,
    rare: u64,
    left: usize,
    /// When the request that came last ended.
    now: i64,
    end: i64,
    spacing: i64,
}

/// `count` events at a million a day, the last shortly before 2026-11-22T14:31:58Z.
#[must_use]
pub fn busy(seed: u64, count: usize) -> Busy {
    let mut random = Random(seed);
    let panels: Vec<Panel> = tables::PANELS.iter().filter_map(Panel::of).collect();
    let lot = panels
        .iter()
        .enumerate()
        .flat_map(|(at, panel)| (0..panel.weight).map(move |_| at))
        .collect();
    Busy {
        people: People::new(&mut random),
        random,
        panels,
        lot,
        sessions: Vec::new(),
        free: Vec::new(),
        due: BinaryHeap::new(),
        planned: 0,
        emitted: 0,
        rare: 0,
        left: count,
        now: i64::MIN,
        end: 1_795_357_918_000_000,
        spacing: 86_400,
    }
}

impl Busy {
    /// The same with another mean time between events, in µs.
    #[must_use]
    pub const fn every(mut self, spacing: i64) -> Self {
        self.spacing = spacing;
        self
    }

    /// The same, the last event shortly before this moment.
    #[must_use]
    pub const fn ending(mut self, end: Micros) -> Self {
        self.end = end.0;
        self
    }

    /// Sessions that have requests to come.
    #[must_use]
    pub const fn live_sessions(&self) -> usize {
        self.sessions.len() - self.free.len()
    }

    fn plan(&mut self, session: u32, step: Step, (end, took): (i64, i64), object: u64) -> bool {
        let Some(planner) = self.sessions.get_mut(session as usize) else {
            return false;
        };
        let Some(left) = planner.left.checked_sub(1) else {
            return false;
        };
        planner.left = left;
        planner.open += 1;
        self.planned += 1;
        self.due.push(Reverse(Due {
            end,
            number: self.planned,
            took,
            session,
            step,
            object,
        }));
        true
    }

    /// Somebody comes, and the first request ends at this moment.
    fn begin(&mut self, at: i64) {
        let random = &mut self.random;
        // Sessions of the rare admin are short, and come when their share is due.
        let person = if self.emitted >= (self.rare + 6) * RARE {
            self.people.rare()
        } else {
            somebody(random)
        };
        // Who works with one panel seldom works with another.
        let usual = self.lot.get(person * 37 % self.lot.len().max(1));
        let panel = match random.below(8) {
            0 => self.lot.get(random.index(self.lot.len())),
            _ => usual,
        };
        let panel = panel.copied().unwrap_or(0);
        let session = Session::new(person, panel, &self.people, random);
        if person == self.people.rare() {
            self.rare += u64::from(session.left);
        }
        let place = match self.free.pop() {
            Some(place) => {
                if let Some(old) = self.sessions.get_mut(place as usize) {
                    *old = session;
                }
                place
            }
            None => {
                self.sessions.push(session);
                u32::try_from(self.sessions.len() - 1).unwrap_or(u32::MAX)
            }
        };
        let took = self.random.spread(PAGE_TAKES).cast_signed();
        if self.random.chance(1, 2)
            && let Some(panel) = self.panels.get(panel)
        {
            let sign_in = Step::Single(panel.sign_in);
            self.plan(place, sign_in, (at, 2 * took), 0);
            self.plan(place, Step::Page(0), (at + took + 40_000, took), 0);
        } else {
            self.plan(place, Step::Page(0), (at, took), 0);
        }
    }

    /// What follows from a page that is there now.
    fn follow(&mut self, place: u32, page: u16, end: i64, object: u64) {
        let Some(panel) = self
            .sessions
            .get(place as usize)
            .and_then(|session| self.panels.get(session.panel))
        else {
            return;
        };
        let random = &mut self.random;
        let mut thinking = random.spread(THINKING).cast_signed();
        if random.chance(1, 25) {
            thinking *= 8;
        }
        let stays = end + thinking;
        let Some(page) = panel.pages.get(usize::from(page)) else {
            return;
        };
        let mut followers = Followers::new(end);
        followers.loads(panel, page, random);
        if let Some((request, seconds)) = page.poll {
            followers.add(
                Step::Poll(request, seconds * Micros::SECOND),
                end + seconds * Micros::SECOND,
                3_000,
            );
        }
        if random.chance(2, 5)
            && let Some(deed) = page.deeds.get(random.index(page.deeds.len()))
        {
            let took = random.spread(2 * CALL_TAKES).cast_signed();
            followers.add(Step::Single(*deed), end + thinking / 2, took);
        }
        let next = panel
            .lot
            .get(random.index(panel.lot.len()))
            .copied()
            .unwrap_or(0);
        let took = random.spread(PAGE_TAKES).cast_signed();
        let emitted = self.emitted;
        let mut next_object = object;
        if let Some(session) = self.sessions.get_mut(place as usize) {
            session.stays = stays;
            session.turn_to(emitted, random);
            next_object = session.object;
        }
        for (step, start, took) in followers.all.into_iter().take(followers.count).flatten() {
            let fits = !matches!(step, Step::Poll(..)) || start < stays;
            if fits {
                self.plan(place, step, (start + took, took), object);
            }
        }
        self.plan(place, Step::Page(next), (stays + took, took), next_object);
    }

    fn end_of(&mut self, due: &Due) -> Option<Draft> {
        let session = self.sessions.get(due.session as usize)?;
        let panel = self.panels.get(session.panel)?;
        let request = match due.step {
            Step::Page(page) => panel.pages.get(usize::from(page))?.load,
            Step::Single(request) | Step::Poll(request, _) => request,
        };
        let request = panel.requests.get(usize::from(request))?;
        let when = (due.end - due.took, due.took);
        let draft = of_session(
            (panel, request),
            (&self.people, session),
            (due.object, matches!(due.step, Step::Poll(..))),
            when,
            &mut self.random,
        );
        match due.step {
            Step::Page(page) => self.follow(due.session, page, due.end, due.object),
            Step::Poll(_, pause) => {
                let again = due.end + pause;
                if again < session.stays {
                    self.plan(due.session, due.step, (again, due.took), due.object);
                }
            }
            Step::Single(_) => {}
        }
        let session = self.sessions.get_mut(due.session as usize)?;
        session.open -= 1;
        if session.open == 0 {
            self.free.push(due.session);
        }
        Some(draft)
    }
}

/// What a page brings with it.
struct Followers {
    all: [Option<(Step, i64, i64)>; 12],
    count: usize,
    at: i64,
}

impl Followers {
    const fn new(end: i64) -> Self {
        Self {
            all: [None; 12],
            count: 0,
            at: end + 8_000,
        }
    }

    fn add(&mut self, step: Step, start: i64, took: i64) {
        if let Some(room) = self.all.get_mut(self.count) {
            *room = Some((step, start, took));
            self.count += 1;
        }
    }

    /// Assets that no cache holds, then one to six calls.
    fn loads(&mut self, panel: &Panel, page: &Page, random: &mut Random) {
        if random.chance(1, 6) {
            for _ in 0..=random.below(3) {
                self.load(&panel.assets, CALL_TAKES / 4, random);
            }
        }
        if !page.calls.is_empty() {
            for _ in 0..=random.below(6).min(random.below(6)) {
                self.load(&page.calls, CALL_TAKES, random);
            }
        }
    }

    fn load(&mut self, among: &[u16], takes: u64, random: &mut Random) {
        if let Some(request) = among.get(random.index(among.len())) {
            self.at += random.below(30_000).cast_signed();
            let took = random.spread(takes).cast_signed();
            self.add(Step::Single(*request), self.at, took);
        }
    }
}

impl Iterator for Busy {
    type Item = Draft;

    fn next(&mut self) -> Option<Draft> {
        self.left = self.left.checked_sub(1)?;
        let pace = self.end
            - self
                .spacing
                .saturating_mul(i64::try_from(self.left).ok()? + 1);
        let draft = if self.random.chance(STRANGERS, 1_000) {
            let panel = self.lot.get(self.random.index(self.lot.len())).copied()?;
            // Not before what has ended already.
            let nothing_due = self.due.peek().is_none_or(|due| due.0.end > pace);
            let end = if nothing_due {
                pace
            } else {
                self.now.min(pace)
            };
            self.now = self.now.max(end);
            of_stranger(self.panels.get(panel)?, &self.people, end, &mut self.random)?
        } else {
            if self.due.peek().is_none_or(|due| due.0.end > pace) {
                self.begin(pace);
            }
            let due = self.due.pop()?.0;
            self.now = due.end;
            self.end_of(&due)?
        };
        self.emitted += 1;
        Some(Draft {
            recorder: "proxy-1".to_owned(),
            recorder_epoch: 1_795_000_000_000_000,
            recorder_seq: self.emitted,
            ..draft
        })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for Busy {}
