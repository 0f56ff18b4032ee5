//! The conditions that hold, those that are over, and what changed, for whoever tells it on.

use std::collections::VecDeque;
use std::time::Duration;

use admintrail_event::Micros;
use parking_lot::RwLock;
use serde::{Deserialize, Serialize};

use super::condition::{Code, Condition, Fault};
use super::facts::Facts;
use super::judge::judge;

/// So many that are over are kept.
const RESOLVED: usize = 100;
/// So many changes are kept for whoever could not be told yet.
const CHANGES: usize = 256;

/// A condition that is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resolved {
    /// What was wrong.
    #[serde(flatten)]
    pub fault: Fault,
    /// Since when.
    #[serde(with = "micros")]
    pub since: Micros,
    /// Until when.
    #[serde(with = "micros")]
    pub until: Micros,
}

/// What became of a condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Changed {
    /// It holds now.
    Raised,
    /// It is over.
    Resolved,
}

impl Changed {
    /// As JSON has it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Raised => "raised",
            Self::Resolved => "resolved",
        }
    }
}

/// Something to tell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Counts up, over restarts too.
    pub number: u64,
    /// What became of it.
    pub changed: Changed,
    /// What it is.
    #[serde(flatten)]
    pub fault: Fault,
    /// Since when it held.
    #[serde(with = "micros")]
    pub since: Micros,
    /// When it was raised or resolved.
    #[serde(with = "micros")]
    pub at: Micros,
}

/// A way out of the house, and how it goes there.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Way {
    /// `webhook` or `email`.
    pub name: &'static str,
    /// Where it goes, without secrets.
    pub target: String,
    /// When something went out last.
    pub delivered: Option<Micros>,
    /// Why nothing goes out, and since when.
    pub failing: Option<(Micros, String)>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
struct Board {
    held: Vec<Condition>,
    /// The newest first.
    resolved: VecDeque<Resolved>,
    /// The oldest first.
    changes: VecDeque<Change>,
    /// Number of the last change.
    last: u64,
    #[serde(skip)]
    facts: Option<Facts>,
    #[serde(skip)]
    ways: Vec<Way>,
}

/// What is known of the health of this server. The binary looks and sets it, pages and health
/// tell it.
#[derive(Debug, Default)]
pub struct Health(RwLock<Board>);

impl Health {
    /// Takes up what [`Self::saved`] wrote before the restart; what cannot be read is forgotten.
    pub fn restore(&self, saved: &str, tick: Duration) {
        let Ok(mut board) = serde_json::from_str::<Board>(saved) else {
            tracing::warn!("what was known of conditions cannot be read; they are found anew");
            return;
        };
        let held = std::mem::take(&mut board.held);
        let restored = held.into_iter().map(|one| one.restored(tick));
        board.held = restored.filter(|one| one.raised).collect();
        board.ways = std::mem::take(&mut self.0.write().ways);
        *self.0.write() = board;
    }

    /// What to keep over a restart.
    #[must_use]
    pub fn saved(&self) -> String {
        // Texts, numbers and lists: nothing that JSON does not know.
        serde_json::to_string(&*self.0.read()).unwrap_or_default()
    }

    /// Judges what was seen; returns what changed.
    pub fn look(&self, facts: Facts) -> Vec<Change> {
        let mut board = self.0.write();
        let held = judge(&board.held, &facts);
        let mut changes = Vec::new();
        let is_raised = |in_: &[Condition], fault: &Fault| {
            in_.iter()
                .any(|one| one.raised && one.fault.is_the_same_as(fault))
        };
        for one in board.held.iter().filter(|one| one.raised) {
            if !is_raised(&held, &one.fault) {
                changes.push((Changed::Resolved, one.fault.clone(), one.since));
            }
        }
        for one in held.iter().filter(|one| one.raised) {
            if !is_raised(&board.held, &one.fault) {
                changes.push((Changed::Raised, one.fault.clone(), one.since));
            }
        }
        let changes: Vec<Change> = changes
            .into_iter()
            .map(|(changed, fault, since)| {
                board.last += 1;
                Change {
                    number: board.last,
                    changed,
                    fault,
                    since,
                    at: facts.now,
                }
            })
            .collect();
        for change in &changes {
            if change.changed == Changed::Resolved {
                board.resolved.push_front(Resolved {
                    fault: change.fault.clone(),
                    since: change.since,
                    until: change.at,
                });
            }
            board.changes.push_back(change.clone());
        }
        board.resolved.truncate(RESOLVED);
        while board.changes.len() > CHANGES {
            board.changes.pop_front();
        }
        board.held = held;
        board.facts = Some(facts);
        changes
    }

    /// The conditions that hold, the worst first.
    #[must_use]
    pub fn open(&self) -> Vec<Condition> {
        let board = self.0.read();
        board
            .held
            .iter()
            .filter(|one| one.raised)
            .cloned()
            .collect()
    }

    /// Whether a condition of this kind holds.
    #[must_use]
    pub fn holds(&self, code: Code) -> bool {
        let board = self.0.read();
        board
            .held
            .iter()
            .any(|one| one.raised && one.fault.code() == code)
    }

    /// Those that are over, the last one first.
    #[must_use]
    pub fn resolved(&self) -> Vec<Resolved> {
        self.0.read().resolved.iter().cloned().collect()
    }

    /// What was seen last.
    #[must_use]
    pub fn facts(&self) -> Option<Facts> {
        self.0.read().facts.clone()
    }

    /// What whoever was told up to `told` has to be told now, the oldest first. Whoever was never
    /// told anything hears of what holds now alone. With it comes the number up to which it is told.
    #[must_use]
    pub fn untold(&self, told: Option<u64>) -> (Vec<Change>, u64) {
        let board = self.0.read();
        let changes = board.changes.iter();
        // Numbers begin anew when what was known is lost.
        let told = told.filter(|told| *told <= board.last);
        let untold = match told {
            Some(told) => changes.filter(|one| one.number > told).cloned().collect(),
            None => changes
                .filter(|one| {
                    let since = |held: &&Condition| {
                        held.raised
                            && held.since == one.since
                            && held.fault.is_the_same_as(&one.fault)
                    };
                    one.changed == Changed::Raised && board.held.iter().any(|held| since(&held))
                })
                .cloned()
                .collect(),
        };
        (untold, board.last)
    }

    /// Number of the last change.
    #[must_use]
    pub fn last(&self) -> u64 {
        self.0.read().last
    }

    /// Says how it goes out of the house on one way.
    pub fn set_way(&self, way: Way) {
        let ways = &mut self.0.write().ways;
        match ways.iter_mut().find(|one| one.name == way.name) {
            Some(one) => *one = way,
            None => ways.push(way),
        }
    }

    /// The ways out of the house.
    #[must_use]
    pub fn ways(&self) -> Vec<Way> {
        self.0.read().ways.clone()
    }
}

/// Moments as numbers.
pub(crate) mod micros {
    use admintrail_event::Micros;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(crate) fn serialize<S: Serializer>(at: &Micros, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_i64(at.0)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Micros, D::Error> {
        i64::deserialize(from).map(Micros)
    }
}
