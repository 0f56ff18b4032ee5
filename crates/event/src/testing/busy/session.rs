//! A session while it lasts: who, from where, and how many requests are left of it.

use super::super::random::Random;
use super::people::{BUSY_ADMINS, People};
use crate::SessionHash;

/// Things that exist when the workload begins, of each kind.
const OBJECTS: u64 = 40_000;
/// Events in which another thing comes into being.
const EVENTS_AN_OBJECT: u64 = 100;

#[derive(Debug)]
pub(super) struct Session {
    pub(super) person: usize,
    pub(super) panel: usize,
    pub(super) address: usize,
    pub(super) agent: usize,
    pub(super) hash: SessionHash,
    /// The thing that is worked on.
    pub(super) object: u64,
    /// The client whose place the admin takes.
    pub(super) acting_as: Option<u64>,
    /// Requests not planned yet.
    pub(super) left: u32,
    /// Requests planned and not ended yet.
    pub(super) open: u32,
    /// Until when the page of the moment stays open, in µs.
    pub(super) stays: i64,
}

impl Session {
    pub(super) fn new(person: usize, panel: usize, people: &People, random: &mut Random) -> Self {
        let rare = person == people.rare();
        let (addresses, agents) = people.all.get(person).map_or((0, 0), |person| {
            (person.addresses.len(), person.agents.len())
        });
        // Mostly where one mostly is.
        let usual = random.chance(2, 3);
        Self {
            person,
            panel,
            address: if usual { 0 } else { random.index(addresses) },
            agent: if usual { 0 } else { random.index(agents) },
            hash: SessionHash(random.bytes()),
            object: 0,
            acting_as: random.chance(1, 200).then(|| random.zipf(OBJECTS)),
            left: length(rare, random),
            open: 0,
            stays: 0,
        }
    }

    /// Goes on with the same thing more often than not.
    pub(super) fn turn_to(&mut self, emitted: u64, random: &mut Random) {
        if self.object != 0 && random.chance(3, 5) {
            return;
        }
        let all = OBJECTS + emitted / EVENTS_AN_OBJECT;
        let rank = random.zipf(all);
        // Half of the work is about what is new, half about a few old ones.
        self.object = if random.chance(1, 2) {
            all - rank
        } else {
            1 + rank
        };
    }
}

/// 5 to 120 requests, short ones more often; few of the rare admin, whose share is small.
fn length(rare: bool, random: &mut Random) -> u32 {
    let most = if rare { 20 } else { 120 };
    let drawn = random.below(most - 4).min(random.below(most - 4) * 3 / 2);
    5 + u32::try_from(drawn).unwrap_or(0)
}

/// Whose turn it is, by Zipf's law.
pub(super) fn somebody(random: &mut Random) -> usize {
    usize::try_from(random.zipf(BUSY_ADMINS as u64)).unwrap_or(0)
}
