//! Names that vary in paths of a panel that no preset describes: `/articles/first-step`.
//!
//! Numbers, UUIDs and the like read as ids by themselves. That `first-step` is one article among
//! many shows only when many stand in its place, so it is learned: from routes of requests that
//! the panel answered to somebody it knows. What was learned only grows, so a path that once read
//! `/articles/{id}` reads so for good, and what is watched has a hard bound.
//!
//! In doubt a segment stays a word: a wrong `{id}` hides what somebody did, a missing one only
//! makes a longer list.

mod child;

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use child::{Child, Place, child, place};

pub(crate) use child::apart;

/// Places known to hold names, at most.
const MAX_LEARNED: usize = 1_024;

/// Places watched at once, at most.
const MAX_WATCHED: usize = 1_024;

/// A longer place is not learned.
const MAX_PLACE: usize = 256;

/// So much must have been seen in a collection: a made-up name counts twice.
const ENOUGH: usize = 32;

/// So many made-up names below anything else.
const ENOUGH_SLUGS: usize = 32;

/// Places of a panel that hold names of things: below `/articles` every name is `{id}`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Learned(BTreeSet<Box<str>>);

impl Learned {
    /// Whether nothing was learned.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many places are known.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The places, in order: templates such as `/articles` or `/clients/{id}/notes`.
    pub fn places(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(AsRef::as_ref)
    }

    /// What was learned before. Anything that would not have been learned is left out.
    #[must_use]
    pub fn of_places<'a>(places: impl IntoIterator<Item = &'a str>) -> Self {
        let fits = |it: &&str| it.len() <= MAX_PLACE && it.starts_with('/') && place(it).is_some();
        let places = places.into_iter().filter(fits).take(MAX_LEARNED);
        Self(places.map(Box::from).collect())
    }

    /// Whether the segment after this route is a name that varies.
    #[must_use]
    pub fn varies(&self, route: &str, segment: &str) -> bool {
        !self.0.is_empty() && self.0.contains(route) && child(segment).is_some()
    }

    /// The route with every name in it as `{id}`.
    #[must_use]
    pub fn template<'a>(&self, route: &'a str) -> Cow<'a, str> {
        if self.0.is_empty() {
            return Cow::Borrowed(route);
        }
        let mut template = String::with_capacity(route.len());
        for segment in route.split('/').filter(|segment| !segment.is_empty()) {
            let varies = self.varies(&template, segment);
            template.push('/');
            if varies {
                template.push_str("{id}");
                template.push_str(apart(segment).1);
            } else {
                template.push_str(segment);
            }
        }
        if template == route || template.is_empty() {
            Cow::Borrowed(route)
        } else {
            Cow::Owned(template)
        }
    }

    /// Takes a place over, and reads those below its names anew, so that what varied there goes on
    /// to vary.
    fn add(&mut self, new: &str) {
        if self.0.len() >= MAX_LEARNED || !self.0.insert(Box::from(new)) {
            return;
        }
        let below = format!("{new}/");
        let all: Vec<Box<str>> = self
            .0
            .range(Box::from(below.as_str())..)
            .take_while(|place| place.starts_with(&below))
            .cloned()
            .collect();
        for old in all {
            if let Cow::Owned(template) = self.template(&old) {
                self.0.remove(&old);
                self.0.insert(template.into());
            }
        }
    }
}

/// Watches routes until it is clear what varies in them.
#[derive(Debug, Default)]
pub struct RouteLearner {
    learned: Arc<Learned>,
    /// Each place has its slot by its hash; made when the first comes.
    watched: Vec<Option<Box<Watched>>>,
}

/// A place, and the names seen in it.
#[derive(Debug)]
struct Watched {
    place: Box<str>,
    kind: Place,
    /// Hashes of distinct names.
    seen: Vec<u64>,
    weight: usize,
    /// Another place with the same slot takes it when this is used up.
    credit: usize,
}

impl RouteLearner {
    /// One that goes on from what was learned before.
    #[must_use]
    pub fn new(learned: Learned) -> Self {
        Self {
            learned: Arc::new(learned),
            watched: Vec::new(),
        }
    }

    /// What is known so far.
    #[must_use]
    pub fn learned(&self) -> &Arc<Learned> {
        &self.learned
    }

    /// A request on this route (as the default rules have it) was answered to somebody the panel
    /// knows. Says whether something was learned from it.
    pub fn observe(&mut self, route: &str) -> bool {
        let template = self.learned.template(route);
        let mut found = None;
        let mut from = 1;
        while let Some(rest) = template.get(from..).filter(|rest| !rest.is_empty()) {
            let segment = rest.split('/').next().unwrap_or(rest);
            let parent = template.get(..from - 1).unwrap_or_default();
            if parent.len() <= MAX_PLACE
                && let Some(kind) = place(parent)
                && let Some(child) = child(segment)
                && self.watch(parent, kind, child, segment)
            {
                found = Some(parent.to_owned());
                break;
            }
            from += segment.len() + 1;
        }
        let Some(parent) = found else { return false };
        let before = self.learned.len();
        Arc::make_mut(&mut self.learned).add(&parent);
        self.learned.len() != before
    }

    /// Counts a name; true if there are enough now.
    fn watch(&mut self, parent: &str, kind: Place, child: Child, segment: &str) -> bool {
        if kind == Place::Singular && child == Child::Word {
            return false;
        }
        if self.watched.is_empty() {
            self.watched.resize_with(MAX_WATCHED, || None);
        }
        let at = usize::try_from(hash_of(parent) % MAX_WATCHED as u64).unwrap_or(0);
        let Some(slot) = self.watched.get_mut(at) else {
            return false;
        };
        match slot {
            Some(other) if *other.place != *parent && other.credit > 0 => {
                other.credit -= 1;
                return false;
            }
            Some(same) if *same.place == *parent => {}
            _ => *slot = Some(Box::new(Watched::new(parent, kind))),
        }
        let Some(watched) = slot else { return false };
        watched.saw(child, segment);
        let enough = watched.is_enough();
        if enough {
            *slot = None;
        }
        enough
    }
}

impl Watched {
    fn new(place: &str, kind: Place) -> Self {
        Self {
            place: Box::from(place),
            kind,
            seen: Vec::new(),
            weight: 0,
            credit: 0,
        }
    }

    fn saw(&mut self, child: Child, segment: &str) {
        let name = hash_of(&apart(segment).0.to_lowercase());
        if self.seen.contains(&name) {
            return;
        }
        self.seen.push(name);
        self.credit = self.seen.len();
        self.weight += match child {
            Child::Word => 1,
            Child::Slug => 2,
        };
    }

    const fn is_enough(&self) -> bool {
        match self.kind {
            Place::Collection => self.weight >= ENOUGH,
            Place::Singular => self.seen.len() >= ENOUGH_SLUGS,
        }
    }
}

/// The same in every run: nothing here may depend on chance.
fn hash_of(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests;
