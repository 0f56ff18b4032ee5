//! What statements excuse, and how much of it is left.
//!
//! A statement speaks of so many events in a range. Each of them that is missing uses it up by one,
//! so that a statement about three events does not cover up for a fourth. Events are looked at in
//! the order of their numbers; of several statements that would do, the one whose range ends first
//! is used, which leaves the others for what comes later.

use std::ops::RangeInclusive;

use admintrail_event::{Micros, Seq};

use crate::{Statement, StatementKind};

/// Statements that may excuse what is still to come.
#[derive(Debug, Default)]
pub(super) struct Excuses {
    /// Those whose range lies ahead, the nearest at the end.
    ahead: Vec<Excuse>,
    /// Those whose range has begun.
    open: Vec<Excuse>,
    /// Which entries they come from, so that none counts twice.
    known: std::collections::BTreeSet<u64>,
}

#[derive(Debug)]
struct Excuse {
    kind: StatementKind,
    first: Seq,
    last: Seq,
    cutoff: Option<Micros>,
    /// How many events it still excuses.
    left: u64,
}

impl Excuses {
    /// Takes in the statement of one entry.
    pub(super) fn add(&mut self, index: u64, statement: &Statement) {
        if !self.known.insert(index) {
            return;
        }
        let declared = statement.declared();
        let excuse = Excuse {
            kind: declared.kind,
            first: declared.first,
            last: declared.last,
            cutoff: declared.cutoff,
            left: declared.events,
        };
        let at = self
            .ahead
            .partition_point(|other| other.first > excuse.first);
        self.ahead.insert(at, excuse);
    }

    /// Excuses every event of a range by statements of these kinds; `received` is the moment of the
    /// latest, if known. Ranges come in ascending order.
    ///
    /// Returns the first event that nothing excuses.
    pub(super) fn excuse(
        &mut self,
        events: RangeInclusive<Seq>,
        received: Option<Micros>,
        kinds: &[StatementKind],
    ) -> Result<(), Seq> {
        let (mut at, end) = events.into_inner();
        loop {
            let ahead = self.move_to(at);
            let fits = |excuse: &&mut Excuse| {
                let in_time = |(cutoff, received)| received < cutoff;
                kinds.contains(&excuse.kind)
                    && excuse.left > 0
                    && excuse.cutoff.zip(received).is_none_or(in_time)
            };
            let excuse = self.open.iter_mut().filter(fits).min_by_key(|e| e.last);
            let excuse = excuse.ok_or(at)?;
            // As far as this one reaches, and another that may end sooner does not begin.
            let reach = [end, excuse.last]
                .into_iter()
                .chain(ahead.map(|next| Seq(next.0 - 1)));
            let reach = reach.min().unwrap_or(at);
            let many = (reach.0 - at.0).saturating_add(1).min(excuse.left);
            excuse.left -= many;
            match at.0.checked_add(many) {
                Some(next) if next <= end.0 => at = Seq(next),
                _ => return Ok(()),
            }
        }
    }

    /// Opens what begins here and drops what ended before. Returns where the next one begins.
    fn move_to(&mut self, at: Seq) -> Option<Seq> {
        self.open
            .retain(|excuse| excuse.last >= at && excuse.left > 0);
        while let Some(excuse) = self.ahead.pop_if(|excuse| excuse.first <= at) {
            if excuse.last >= at {
                self.open.push(excuse);
            }
        }
        self.ahead.last().map(|excuse| excuse.first)
    }
}
