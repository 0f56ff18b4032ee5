//! Shapes and people, numbered the same for all segments.

use std::hash::Hash;
use std::sync::Arc;

use admintrail_event::{
    Draft, Ending, Event, EventId, FirstSet, Kind, KnownBy, LogId, Micros, Outcome, PanelName,
    RequestType, Seq,
};
use hashbrown::HashMap;
use parking_lot::RwLock;
use serde::{Deserialize, Serialize};

use crate::folding;

/// The fields of a row with few values.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Shape {
    pub(crate) panel: String,
    pub(crate) method: String,
    pub(crate) status: Option<u16>,
    pub(crate) request_type: u8,
    pub(crate) outcome: u8,
    pub(crate) known_by: u8,
    pub(crate) kind: u8,
    pub(crate) ending: u8,
    pub(crate) polling: bool,
    pub(crate) asset: bool,
    /// Whether there is an admin.
    pub(crate) named: bool,
    /// Whether the admin acts as somebody else.
    pub(crate) acting: bool,
}

impl Shape {
    /// An event of this shape and nothing else, for tests that ask for nothing else. `None` if a
    /// code is none.
    pub(crate) fn example(&self) -> Option<Event> {
        let panel: PanelName = self.panel.parse().ok()?;
        let mut draft = Draft::request(
            EventId::new(Micros(0), [0; 10]),
            Micros(0),
            panel,
            &self.method,
            "",
        );
        draft.status = self.status;
        draft.request_type = RequestType::from_code(self.request_type)?;
        draft.outcome = Outcome::from_code(self.outcome)?;
        draft.known_by = KnownBy::from_code(self.known_by)?;
        draft.kind = Kind::from_code(self.kind)?;
        draft.ending = Ending::from_code(self.ending)?;
        draft.polling = self.polling;
        draft.asset = self.asset;
        draft.admin = self.named.then(String::new);
        draft.acting_as = self.acting.then(String::new);
        Some(event(draft))
    }

    /// Whether a view that folds leaves such rows out.
    pub(crate) fn may_fold(&self) -> bool {
        folding::may(self.outcome, self.known_by)
    }
}

/// Who a row is of: what its admin fields say.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub(crate) struct Person {
    pub(crate) admin: Option<String>,
    pub(crate) name: Option<String>,
}

fn event(draft: Draft) -> Event {
    Event {
        log: LogId::default(),
        seq: Seq(0),
        received: Micros(0),
        first: FirstSet::default(),
        draft,
    }
}

/// Values and their numbers, in the order in which they came.
#[derive(Debug)]
pub(crate) struct Numbered<T> {
    values: Vec<Arc<T>>,
    numbers: HashMap<Arc<T>, u32>,
}

impl<T> Default for Numbered<T> {
    fn default() -> Self {
        Self {
            values: Vec::new(),
            numbers: HashMap::new(),
        }
    }
}

impl<T: Eq + Hash + Clone> Numbered<T> {
    /// The number of a value.
    pub(crate) fn number(&mut self, value: &T) -> u32 {
        if let Some(number) = self.numbers.get(value) {
            return *number;
        }
        let number = u32::try_from(self.values.len()).unwrap_or(u32::MAX);
        let value = Arc::new(value.clone());
        self.values.push(Arc::clone(&value));
        self.numbers.insert(value, number);
        number
    }

    pub(crate) fn values(&self) -> &[Arc<T>] {
        &self.values
    }
}

/// All shapes and people of the archive. Grows only: there are few, and they come again.
#[derive(Debug, Default)]
pub(crate) struct Lexicon {
    shapes: RwLock<Numbered<Shape>>,
    people: RwLock<Numbered<Person>>,
}

impl Lexicon {
    /// The numbers of these shapes.
    pub(crate) fn shapes_of(&self, shapes: &[Shape]) -> Vec<u32> {
        let mut known = self.shapes.write();
        shapes.iter().map(|shape| known.number(shape)).collect()
    }

    /// The numbers of these people.
    pub(crate) fn people_of(&self, people: &[Person]) -> Vec<u32> {
        let mut known = self.people.write();
        people.iter().map(|person| known.number(person)).collect()
    }

    /// How many shapes and people there are.
    pub(crate) fn len(&self) -> (usize, usize) {
        let shapes = self.shapes.read().values().len();
        (shapes, self.people.read().values().len())
    }

    /// Every shape, by its number.
    pub(crate) fn shapes(&self) -> Vec<Arc<Shape>> {
        self.shapes.read().values().to_vec()
    }

    /// Every person, by number.
    pub(crate) fn people(&self) -> Vec<Arc<Person>> {
        self.people.read().values().to_vec()
    }
}
