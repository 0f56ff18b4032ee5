//! Requests without a record of their own, counted per panel (and address) into `gap` events.
//!
//! A gap that is still being counted has an opening in the journal like a request has, rewritten
//! each time it grows; so a crash loses no count.

use std::net::IpAddr;

use admintrail_event::{Draft, Ip, Kind, Micros, Outcome, PanelName};
use hashbrown::HashMap;

use crate::ids;

/// Addresses counted apart; beyond that they share one gap, so that a flood from many addresses
/// costs no memory.
const MAX_ADDRESSES: usize = 1024;

/// Why a request has no record of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Reason {
    /// It passed while nothing could be recorded.
    Unrecorded,
    /// The HTTP parser refused it.
    Refused,
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Key {
    panel: PanelName,
    reason: Reason,
    address: Option<IpAddr>,
}

#[derive(Default)]
pub(super) struct Gaps {
    open: HashMap<Key, Draft>,
    unrecorded: u64,
}

impl Gaps {
    /// Counts requests; returns the gap as it stands now, to be journalled.
    pub(super) fn count(
        &mut self,
        panel: &PanelName,
        reason: Reason,
        address: Option<IpAddr>,
        requests: u64,
        now: Micros,
    ) -> &Draft {
        let mut key = Key {
            panel: panel.clone(),
            reason,
            address,
        };
        if self.open.len() >= MAX_ADDRESSES && !self.open.contains_key(&key) {
            key.address = None;
        }
        if reason == Reason::Unrecorded {
            self.unrecorded += requests;
        }
        let gap = self.open.entry(key).or_insert_with_key(|key| Draft {
            kind: Kind::Gap,
            ip: key.address.map(Ip::from),
            outcome: match reason {
                Reason::Unrecorded => Outcome::Unknown,
                Reason::Refused => Outcome::Failed,
            },
            ..Draft::request(ids::new_id(now), now, panel.clone(), "", "")
        });
        let count = gap.count.unwrap_or(0).saturating_add(requests);
        gap.count = Some(count);
        gap.duration_us = u64::try_from(now.0.saturating_sub(gap.time.0)).ok();
        gap.action = sentence(reason, count);
        gap
    }

    /// Requests that passed unrecorded and are not yet in a gap event.
    pub(super) const fn unrecorded(&self) -> u64 {
        self.unrecorded
    }

    /// Takes the gaps that began before `before`, oldest first, as finished events.
    pub(super) fn take_due(&mut self, before: Micros) -> Vec<Draft> {
        if self.open.is_empty() {
            return Vec::new();
        }
        let mut due: Vec<_> = self.open.extract_if(|_, gap| gap.time < before).collect();
        for (key, gap) in &due {
            if key.reason == Reason::Unrecorded {
                self.unrecorded = self.unrecorded.saturating_sub(gap.count.unwrap_or(0));
            }
        }
        due.sort_by_key(|(_, gap)| gap.time);
        due.into_iter().map(|(_, gap)| gap).collect()
    }
}

fn sentence(reason: Reason, count: u64) -> String {
    match (reason, count) {
        (Reason::Unrecorded, 1) => "1 request passed without a record".to_owned(),
        (Reason::Unrecorded, n) => format!("{n} requests passed without a record"),
        (Reason::Refused, 1) => "1 malformed request refused".to_owned(),
        (Reason::Refused, n) => format!("{n} malformed requests refused"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn panel() -> PanelName {
        "billing".parse().unwrap()
    }

    #[test]
    fn a_flood_from_many_addresses_is_counted_in_bounded_memory() {
        let mut gaps = Gaps::default();
        for n in 0..50_000_u32 {
            let address = IpAddr::from(n.to_be_bytes());
            gaps.count(&panel(), Reason::Refused, Some(address), 1, Micros(1));
        }
        let due = gaps.take_due(Micros(2));
        assert!(due.len() <= MAX_ADDRESSES + 1);
        assert_eq!(due.iter().filter_map(|gap| gap.count).sum::<u64>(), 50_000);
        assert_eq!(gaps.unrecorded(), 0);
    }

    #[test]
    fn a_gap_grows_under_one_id_until_it_is_taken() {
        let mut gaps = Gaps::default();
        let first = gaps
            .count(&panel(), Reason::Unrecorded, None, 1, Micros(10))
            .clone();
        let second = gaps
            .count(&panel(), Reason::Unrecorded, None, 1, Micros(25))
            .clone();
        assert_eq!(
            (first.id, second.count, second.duration_us),
            (second.id, Some(2), Some(15))
        );
        assert!(gaps.take_due(Micros(10)).is_empty());
        assert_eq!(gaps.take_due(Micros(11)), std::slice::from_ref(&second));
        assert_eq!(gaps.unrecorded(), 0);
        let next = gaps.count(&panel(), Reason::Unrecorded, None, 1, Micros(30));
        assert_ne!(next.id, second.id);
    }
}
