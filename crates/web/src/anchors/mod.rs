//! Where checkpoints of the ledger are kept outside of this machine, and since when.
//!
//! The binary sends them and notes here what became of it; pages read it. Only what somebody else
//! confirmed to have is an anchor: a file that is durable, a receiver that answered 2xx, a mail
//! server that took the mail.

mod added;
mod changing;
pub mod check;

pub use added::{ADDED, AddedPlace, AnchorPlaces, AnchorRules, KeptCheckpoints, Target};

use std::collections::BTreeMap;
use std::time::Duration;

use admintrail_event::Micros;
use serde::{Deserialize, Serialize};

/// A mailbox is no place for one an hour.
const DAILY: Duration = Duration::from_secs(24 * 3_600);

/// So many anchors are remembered; beyond it the older half is thinned. What is left covers the same
/// entries, from a later time on.
const REMEMBERED: usize = 4_096;

/// How a checkpoint gets out of the house.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnchorWay {
    /// Written to a file, on another disk.
    File,
    /// Posted.
    Webhook,
    /// Mailed, once a day.
    Email,
}

impl AnchorWay {
    /// As JSON has it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Webhook => "webhook",
            Self::Email => "email",
        }
    }

    /// How often, where the others are told every so often.
    #[must_use]
    pub fn every(self, others: Duration) -> Duration {
        match self {
            Self::Email => others.max(DAILY),
            Self::File | Self::Webhook => others,
        }
    }
}

/// A checkpoint that somebody else keeps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Anchor {
    /// How it got there.
    pub way: AnchorWay,
    /// Where, for people: the path of a file, the host of an address, the domains of mail.
    pub place: String,
    /// When it was kept there.
    #[serde(with = "crate::health::micros")]
    pub at: Micros,
    /// How many entries of the ledger it covers, from the first one on.
    pub size: u64,
}

/// A place that checkpoints are sent to, and how that goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnchorPlace {
    /// Which one it is, whatever comes and goes beside it while this process runs.
    #[serde(skip)]
    number: usize,
    /// The id of a place that was added on a page; `None`: the configuration names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub added: Option<String>,
    /// How they get there.
    pub way: AnchorWay,
    /// Where, for people.
    pub place: String,
    /// How often.
    #[serde(skip)]
    pub every: Duration,
    /// When the first one was to be sent there.
    #[serde(default, with = "moment")]
    pub since: Option<Micros>,
    /// When one was kept there last; it may be the same as the one before.
    #[serde(default, with = "moment")]
    pub kept: Option<Micros>,
    /// How many entries that one covers.
    #[serde(default)]
    pub size: u64,
    /// Since when it fails, and why.
    #[serde(default)]
    pub failing: Option<Failing>,
    /// A file: whether it once was on another disk than the data folder.
    #[serde(default)]
    pub elsewhere: bool,
}

/// Why nothing reaches a place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failing {
    /// Since when.
    #[serde(with = "crate::health::micros")]
    pub since: Micros,
    /// Why.
    pub cause: String,
}

impl AnchorPlace {
    /// A place that nothing was sent to yet.
    #[must_use]
    pub fn new(way: AnchorWay, place: String, every: Duration) -> Self {
        Self {
            number: 0,
            added: None,
            way,
            place,
            every,
            since: None,
            kept: None,
            size: 0,
            failing: None,
            elsewhere: false,
        }
    }

    /// By which [`Anchors`] knows it.
    #[must_use]
    pub const fn number(&self) -> usize {
        self.number
    }

    /// Whether the next checkpoint is to be sent. One that was kept in the future was kept by a clock
    /// that has been set back since.
    #[must_use]
    pub fn is_due(&self, now: Micros) -> bool {
        self.kept
            .is_none_or(|kept| !(0..micros(self.every)).contains(&(now.0.saturating_sub(kept.0))))
    }

    /// Since when there should have been another one, once two of them were missed.
    #[must_use]
    pub fn stale(&self, now: Micros) -> Option<Micros> {
        let last = self.kept.or(self.since)?;
        (now.0.saturating_sub(last.0) > micros(self.every).saturating_mul(2)).then_some(last)
    }
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

/// Everything that is known of anchors. The binary shares it with the pages behind a lock.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Anchors {
    /// The ledger that all of it is about.
    origin: String,
    /// Where checkpoints are sent to now.
    places: Vec<AnchorPlace>,
    /// The number of the next place.
    #[serde(skip)]
    next: usize,
    /// What was kept, the oldest first: at each place those that cover more than the one before.
    kept: Vec<Anchor>,
}

impl Anchors {
    /// Begins with the places, numbered from 0 on, and what [`Self::saved`] wrote of this ledger
    /// before the restart. What was kept at places that are gone stays kept.
    #[must_use]
    pub fn begin(origin: &str, places: Vec<AnchorPlace>, saved: Option<&str>) -> Self {
        let before: Option<Self> = saved.and_then(|saved| {
            let read = serde_json::from_str(saved);
            if read.is_err() {
                tracing::warn!("what was known of anchors cannot be read; they are sent anew");
            }
            read.ok()
        });
        let before = before
            .filter(|before| before.origin == origin)
            .unwrap_or_default();
        let with_past = |(number, place): (usize, AnchorPlace)| {
            let past = before.places.iter().find(|past| is_at(past, &place));
            let every = place.every;
            AnchorPlace {
                number,
                every,
                ..past.cloned().unwrap_or(place)
            }
        };
        Self {
            origin: origin.to_owned(),
            next: places.len(),
            places: places.into_iter().enumerate().map(with_past).collect(),
            kept: before.kept,
        }
    }

    /// Takes one more place, to which nothing was sent yet.
    pub fn add(&mut self, place: AnchorPlace) {
        let number = self.next;
        self.next += 1;
        self.places.push(AnchorPlace { number, ..place });
    }

    /// Lets go of a place that was added on a page. What was kept there stays kept.
    pub fn remove(&mut self, added: &str) -> Option<AnchorPlace> {
        let of = |place: &AnchorPlace| place.added.as_deref() == Some(added);
        let at = self.places.iter().position(of)?;
        Some(self.places.remove(at))
    }

    /// What to keep over a restart.
    #[must_use]
    pub fn saved(&self) -> String {
        // Texts, numbers and lists: nothing that JSON does not know.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Where checkpoints are sent to: those of the configuration in its order, then those of pages.
    #[must_use]
    pub fn places(&self) -> &[AnchorPlace] {
        &self.places
    }

    /// The place with this number.
    #[must_use]
    pub fn place(&self, number: usize) -> Option<&AnchorPlace> {
        self.places.iter().find(|place| place.number == number)
    }

    /// As [`Self::place`], to be changed.
    pub fn place_mut(&mut self, number: usize) -> Option<&mut AnchorPlace> {
        self.places.iter_mut().find(|place| place.number == number)
    }

    /// The newest checkpoint that is kept at each place.
    #[must_use]
    pub fn newest(&self) -> Option<&Anchor> {
        self.kept.iter().max_by_key(|anchor| anchor.at)
    }

    /// The earliest anchor that covers the entry with this index, from 0 on, one that is not on the disk
    /// of the data folder if there is such a one; `None`: nobody else has a checkpoint of it yet.
    #[must_use]
    pub fn covering(&self, entry: u64) -> Option<&Anchor> {
        let covers = |anchor: &&Anchor| anchor.size > entry;
        let elsewhere = |anchor: &&Anchor| covers(anchor) && !self.is_here(anchor);
        let found = self.kept.iter().find(elsewhere);
        found.or_else(|| self.kept.iter().find(covers))
    }

    /// Whether it lies on the disk of the data folder: whoever rewrites the one can rewrite the other.
    #[must_use]
    pub fn is_here(&self, anchor: &Anchor) -> bool {
        let same = |place: &&AnchorPlace| place.way == anchor.way && place.place == anchor.place;
        let place = self.places.iter().find(same);
        anchor.way == AnchorWay::File && place.is_some_and(|place| !place.elsewhere)
    }

    /// What to show to somebody who holds what the ledger has up to the entry with this index, in a
    /// ledger of `size` entries; the oldest first.
    ///
    /// Of each place two at most. The newest, because it is the one that lies there to be compared: a
    /// file is replaced, and of mails one finds the last. And the first that covers the entry, because
    /// it tells since when nobody here can have changed any of it. Those in between say no more.
    #[must_use]
    pub fn worth_showing(&self, entry: u64, size: u64) -> Vec<&Anchor> {
        let known = self.kept.iter().filter(|it| (1..=size).contains(&it.size));
        let mut places: BTreeMap<_, Vec<(usize, &Anchor)>> = BTreeMap::new();
        for (at, anchor) in known.enumerate() {
            let place = places.entry((anchor.way, &anchor.place));
            place.or_default().push((at, anchor));
        }
        let mut shown = BTreeMap::new();
        for place in places.values() {
            let covering = place.iter().find(|(_, anchor)| anchor.size > entry);
            shown.extend(covering.into_iter().chain(place.last()).copied());
        }
        shown.into_values().collect()
    }

    /// A checkpoint over `size` entries was kept at the place with this number, if that is still one.
    pub fn keep(&mut self, number: usize, at: Micros, size: u64) {
        let Some(place) = self.place_mut(number) else {
            return;
        };
        let covers_more = place.kept.is_none() || size > place.size;
        (place.kept, place.size, place.failing) = (Some(at), size, None);
        if covers_more {
            let (way, place) = (place.way, place.place.clone());
            self.kept.push(Anchor {
                way,
                place,
                at,
                size,
            });
            self.thin();
        }
    }

    /// The ledger has only so many entries: what covers more is of another one, as after a backup was
    /// put back. Returns how many entries the longest of those covered.
    pub fn forget_beyond(&mut self, size: u64) -> Option<u64> {
        let beyond = self.kept.iter().map(|anchor| anchor.size);
        let longest = beyond.max().filter(|longest| *longest > size)?;
        self.kept.retain(|anchor| anchor.size <= size);
        for place in &mut self.places {
            if place.size > size {
                (place.kept, place.size) = (None, 0);
            }
        }
        Some(longest)
    }

    fn thin(&mut self) {
        if self.kept.len() <= REMEMBERED {
            return;
        }
        let older = self.kept.len() / 2;
        let mut at = 0;
        self.kept.retain(|_| {
            at += 1;
            at > older || at % 2 == 0
        });
    }
}

fn is_at(one: &AnchorPlace, other: &AnchorPlace) -> bool {
    (one.way, &one.place, &one.added) == (other.way, &other.place, &other.added)
}

/// Moments that may not have come, as numbers.
mod moment {
    use admintrail_event::Micros;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[expect(clippy::ref_option, reason = "as serde calls it")]
    pub(super) fn serialize<S: Serializer>(at: &Option<Micros>, to: S) -> Result<S::Ok, S::Error> {
        at.map(|at| at.0).serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<Micros>, D::Error> {
        Ok(Option::<i64>::deserialize(from)?.map(Micros))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600 * Micros::SECOND;

    fn at(hours: i64) -> Micros {
        Micros(1_000_000 * HOUR + hours * HOUR)
    }

    fn place(name: &str) -> AnchorPlace {
        AnchorPlace::new(AnchorWay::File, name.to_owned(), Duration::from_secs(3_600))
    }

    fn two() -> Anchors {
        Anchors::begin("trail", vec![place("/a"), place("/b")], None)
    }

    #[test]
    fn an_entry_is_covered_by_the_first_anchor_that_is_longer_than_its_index() {
        let mut anchors = two();
        assert_eq!(anchors.covering(0), None);
        anchors.keep(0, at(1), 10);
        anchors.keep(1, at(2), 12);
        anchors.keep(0, at(3), 20);
        let covered = |entry| {
            anchors
                .covering(entry)
                .map(|one| (one.at, one.place.as_str()))
        };
        assert_eq!(covered(0), Some((at(1), "/a")));
        assert_eq!(covered(9), Some((at(1), "/a")));
        assert_eq!(covered(10), Some((at(2), "/b")));
        assert_eq!(covered(11), Some((at(2), "/b")));
        assert_eq!(covered(12), Some((at(3), "/a")));
        assert_eq!(covered(20), None, "it is the 21st entry");
    }

    #[test]
    fn an_anchor_is_due_after_its_interval_and_stale_after_two() {
        let mut anchors = two();
        let (due, stale) = (
            |anchors: &Anchors, hours| anchors.places()[0].is_due(at(hours)),
            |anchors: &Anchors, hours| anchors.places()[0].stale(at(hours)),
        );
        assert!(due(&anchors, 0));
        assert_eq!(stale(&anchors, 99), None, "there was nothing to send");
        anchors.place_mut(0).unwrap().since = Some(at(0));
        assert_eq!(stale(&anchors, 2), None);
        assert_eq!(stale(&anchors, 3), Some(at(0)), "it never came");
        anchors.keep(0, at(3), 5);
        assert!(!due(&anchors, 3));
        assert!(due(&anchors, 4));
        assert!(due(&anchors, 2), "the clock was set back");
        assert_eq!(stale(&anchors, 5), None);
        assert_eq!(stale(&anchors, 6), Some(at(3)));
        // The same checkpoint once more is no second anchor, but a sign of life.
        anchors.keep(0, at(6), 5);
        assert_eq!(stale(&anchors, 6), None);
        assert_eq!(anchors.covering(0).unwrap().at, at(3));
    }

    #[test]
    fn what_was_kept_survives_a_restart_with_other_places_but_not_another_ledger() {
        let mut anchors = two();
        anchors.keep(0, at(1), 10);
        let failing = Failing {
            since: at(2),
            cause: "no route".to_owned(),
        };
        anchors.place_mut(1).unwrap().failing = Some(failing);
        let saved = anchors.saved();
        let same = Anchors::begin("trail", vec![place("/a"), place("/b")], Some(&saved));
        assert_eq!(same, anchors);
        let fewer = Anchors::begin("trail", vec![place("/b")], Some(&saved));
        assert_eq!(fewer.places().len(), 1);
        assert_eq!(fewer.covering(3).unwrap().place, "/a");
        for other in [
            Anchors::begin("another", vec![place("/a")], Some(&saved)),
            Anchors::begin("trail", vec![place("/a")], Some("{")),
        ] {
            assert_eq!(other.covering(3), None);
            assert!(other.places()[0].is_due(at(1)));
        }
    }

    #[test]
    fn a_place_of_a_page_comes_and_goes_and_the_others_stay_what_they_are() {
        let added = |id: &str| AnchorPlace {
            added: Some(id.to_owned()),
            ..place("/c")
        };
        let mut anchors = two();
        anchors.add(added("one"));
        anchors.add(added("two"));
        let number = |anchors: &Anchors, id: &str| {
            let mut places = anchors.places().iter();
            let found = places.find(|place| place.added.as_deref() == Some(id));
            found.map(AnchorPlace::number)
        };
        assert_eq!(
            (number(&anchors, "one"), number(&anchors, "two")),
            (Some(2), Some(3))
        );
        anchors.keep(2, at(1), 10);
        anchors.keep(3, at(2), 12);
        assert!(anchors.remove("none").is_none());
        assert_eq!(anchors.remove("one").map(|place| place.size), Some(10));
        // What was on its way there when it went is noted nowhere.
        anchors.keep(2, at(3), 99);
        assert_eq!(anchors.covering(50), None);
        assert_eq!(
            anchors.covering(5).unwrap().at,
            at(1),
            "it still lies there"
        );
        anchors.keep(3, at(4), 20);
        assert_eq!(anchors.covering(15).unwrap().at, at(4));
        // The same place again is another one, after a restart too.
        anchors.add(added("three"));
        assert_eq!(number(&anchors, "three"), Some(4));
        let saved = anchors.saved();
        let again = vec![place("/a"), place("/b"), added("two"), added("three")];
        let again = Anchors::begin("trail", again, Some(&saved));
        let sizes: Vec<u64> = again.places().iter().map(|place| place.size).collect();
        assert_eq!(sizes, [0, 0, 20, 0]);
        assert_eq!(number(&again, "three"), Some(3));
    }

    #[test]
    fn a_ledger_that_got_shorter_is_covered_by_none_of_the_longer_ones() {
        let mut anchors = two();
        anchors.keep(0, at(1), 10);
        anchors.keep(0, at(2), 20);
        assert_eq!(anchors.forget_beyond(20), None);
        assert_eq!(anchors.forget_beyond(15), Some(20));
        assert_eq!(anchors.covering(12), None);
        assert_eq!(anchors.covering(9).unwrap().at, at(1));
        assert!(anchors.places()[0].is_due(at(2)));
    }

    #[test]
    fn of_each_place_the_newest_is_shown_and_the_first_that_covers_an_entry() {
        let mut anchors = two();
        for (number, size) in [(0, 5), (1, 5), (0, 10), (0, 20), (1, 30), (0, 40), (0, 90)] {
            anchors.keep(number, at(size.try_into().unwrap()), size);
        }
        let shown = |entry, size| -> Vec<(&str, u64)> {
            let shown = anchors.worth_showing(entry, size).into_iter();
            shown
                .map(|anchor| (anchor.place.as_str(), anchor.size))
                .collect()
        };
        assert_eq!(shown(9, 60), [("/a", 10), ("/b", 30), ("/a", 40)]);
        // Where none covers it, the newest still tells that the ledger only grew.
        assert_eq!(shown(50, 60), [("/b", 30), ("/a", 40)]);
        assert_eq!(shown(0, 5), [("/a", 5), ("/b", 5)]);
        assert_eq!(shown(0, 4), []);
    }

    #[test]
    fn memory_has_an_end_and_what_is_left_is_true() {
        let mut anchors = two();
        let count = 3 * REMEMBERED as u64;
        for size in 1..=count {
            anchors.keep(0, at(size.try_into().unwrap()), size);
        }
        assert!(anchors.kept.len() <= REMEMBERED);
        for entry in [0, 1, 1_000, count - 1] {
            let anchor = anchors.covering(entry).unwrap();
            assert!(anchor.size > entry && anchor.at == at(anchor.size.try_into().unwrap()));
        }
    }
}
