//! Which events: how many, how far apart, until when, and how many of them come late.

use std::collections::BTreeMap;

use admintrail_event::testing::busy;
use admintrail_event::{Draft, Micros};

use crate::{Error, clock};

/// How many events later a late one comes, at the most: hours, at the usual spacing.
const LATEST: u64 = 200_000;

pub(crate) struct Load {
    pub(crate) events: usize,
    /// Of a thousand events, those that come hours late, as from a recorder that was cut off.
    late: u64,
    /// µs between events.
    every: i64,
    ending: Micros,
}

impl Load {
    /// `EVENTS [--late PER_MILLE] [--every MICROSECONDS] [--ending MICROSECONDS]`
    pub(crate) fn parse(words: &[&str]) -> Result<Self, Error> {
        let (events, mut options) = words.split_first().ok_or("how many events?")?;
        let mut load = Self::of(events.parse()?);
        while let [option, value, rest @ ..] = options {
            match *option {
                "--late" => load.late = value.parse()?,
                "--every" => load.every = value.parse()?,
                "--ending" => load.ending = Micros(value.parse()?),
                other => return Err(format!("there is no option {other}").into()),
            }
            options = rest;
        }
        match options {
            [] => Ok(load),
            [option, ..] => Err(format!("{option} lacks its value").into()),
        }
    }

    /// A million a day, the last one now, none late.
    pub(crate) fn of(events: usize) -> Self {
        Self {
            events,
            late: 0,
            every: 86_400_000_000 / 1_000_000,
            ending: clock(),
        }
    }

    /// The same ones each time, but for their moment.
    pub(crate) fn drafts(&self) -> impl Iterator<Item = Draft> + use<> {
        let events = busy(1, self.events).every(self.every).ending(self.ending);
        Late {
            events,
            per_mille: self.late,
            taken: 0,
            held: BTreeMap::new(),
        }
    }
}

/// Some events are held back and come later, in the order of that.
struct Late<I> {
    events: I,
    per_mille: u64,
    taken: u64,
    held: BTreeMap<(u64, u64), Draft>,
}

impl<I: Iterator<Item = Draft>> Iterator for Late<I> {
    type Item = Draft;

    fn next(&mut self) -> Option<Draft> {
        loop {
            if let Some(first) = self.held.first_entry()
                && first.key().0 <= self.taken
            {
                return Some(first.remove());
            }
            let Some(draft) = self.events.next() else {
                return self.held.pop_first().map(|(_, draft)| draft);
            };
            self.taken += 1;
            // The random half of the id decides, so that each run holds back the same ones.
            let mut drawn = [0; 8];
            drawn.copy_from_slice(draft.id.as_bytes().split_at(8).1);
            let drawn = u64::from_be_bytes(drawn);
            if drawn % 1_000 >= self.per_mille {
                return Some(draft);
            }
            let due = self.taken + drawn / 1_000 % LATEST;
            self.held.insert((due, self.taken), draft);
        }
    }
}
