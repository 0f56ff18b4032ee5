//! Slowing down who guesses passwords, without keeping the owner out.
//!
//! Failures are counted by address and by the name that was tried (whether or not it exists).
//! An address that keeps failing waits longer and longer. A name that keeps failing from all over
//! slows everybody down who tries it, except from addresses where its owner has signed in before:
//! so an attacker cannot lock an owner out. Nothing sleeps; who is too early is told when to
//! come back.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;

use admintrail_event::Micros;
use parking_lot::Mutex;

/// Failures that cost nothing.
const FREE: u32 = 5;
/// Longest wait of an address, in seconds.
const LONGEST_ADDRESS: i64 = 300;
/// Longest wait of a name, in seconds: short, for its owner may be at a new address.
const LONGEST_NAME: i64 = 30;
/// A count is forgotten after so long without a failure, in µs.
const FORGET: i64 = 3_600 * Micros::SECOND;
/// Most counts kept of either kind.
const KEPT: usize = 20_000;

#[derive(Default)]
pub(crate) struct Throttle {
    tables: Mutex<Tables>,
}

#[derive(Default)]
struct Tables {
    addresses: HashMap<IpAddr, Count>,
    names: HashMap<String, Count>,
    /// Where a name has signed in, since when.
    welcome: HashMap<(String, IpAddr), Micros>,
}

#[derive(Clone, Copy)]
struct Count {
    failures: u32,
    last: Micros,
}

impl Throttle {
    /// Seconds to wait before this try may be looked at, if any. `name` is folded; `welcome`: the
    /// owner of the name is known to use this address.
    pub(crate) fn wait(
        &self,
        name: &str,
        address: Option<IpAddr>,
        welcome: bool,
        now: Micros,
    ) -> Option<u64> {
        let tables = self.tables.lock();
        let by_address = address
            .and_then(|ip| tables.addresses.get(&ip))
            .map_or(0, |count| count.wait(now, LONGEST_ADDRESS));
        let welcome = welcome
            || address.is_some_and(|ip| tables.welcome.contains_key(&(name.to_owned(), ip)));
        let by_name = match tables.names.get(name) {
            Some(count) if !welcome => count.wait(now, LONGEST_NAME),
            _ => 0,
        };
        u64::try_from(by_address.max(by_name))
            .ok()
            .filter(|seconds| *seconds > 0)
    }

    /// Counts a failure. Counted before the password is looked at and taken back by
    /// [`Self::succeeded`], so that many tries at once do not all slip through.
    pub(crate) fn failed(&self, name: &str, address: Option<IpAddr>, now: Micros) {
        let mut tables = self.tables.lock();
        if let Some(ip) = address {
            count(&mut tables.addresses, ip, now);
        }
        count(&mut tables.names, name.to_owned(), now);
    }

    /// Forgets the failures of a name and of this address; remembers the address as the owner's.
    pub(crate) fn succeeded(&self, name: &str, address: Option<IpAddr>, now: Micros) {
        let mut tables = self.tables.lock();
        tables.names.remove(name);
        if let Some(ip) = address {
            tables.addresses.remove(&ip);
            if tables.welcome.len() >= KEPT {
                tables.welcome.clear();
            }
            tables.welcome.insert((name.to_owned(), ip), now);
        }
    }
}

impl Count {
    /// Whole seconds until the next try: 1, 2, 4 … after the free ones.
    fn wait(self, now: Micros, longest: i64) -> i64 {
        let Some(over) = self.failures.checked_sub(FREE) else {
            return 0;
        };
        let pause = 1_i64
            .checked_shl(over.min(16))
            .unwrap_or(longest)
            .min(longest)
            * Micros::SECOND;
        let left = self.last.0.saturating_add(pause).saturating_sub(now.0);
        (left.max(0) + Micros::SECOND - 1) / Micros::SECOND
    }
}

fn count<K: Hash + Eq>(counts: &mut HashMap<K, Count>, key: K, now: Micros) {
    let is_old = |count: &Count| now.0.saturating_sub(count.last.0) > FORGET;
    if counts.len() >= KEPT {
        counts.retain(|_, count| !is_old(count));
    }
    if counts.len() >= KEPT {
        // A flood of made-up names must not wash out who is being slowed down.
        counts.retain(|_, count| count.failures >= FREE);
    }
    if counts.len() >= KEPT {
        counts.clear();
    }
    let entry = counts.entry(key).or_insert(Count {
        failures: 0,
        last: now,
    });
    if is_old(entry) {
        entry.failures = 0;
    }
    entry.failures = entry.failures.saturating_add(1);
    entry.last = now;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Micros {
        Micros(1_800_000_000_000_000 + seconds * Micros::SECOND)
    }

    fn ip(last: u8) -> Option<IpAddr> {
        Some(IpAddr::from([192, 0, 2, last]))
    }

    #[test]
    fn an_address_that_guesses_waits_longer_and_longer() {
        let throttle = Throttle::default();
        let mut waits = Vec::new();
        for n in 0..16 {
            throttle.failed(&format!("name{n}"), ip(1), at(0));
            waits.push(throttle.wait("other", ip(1), false, at(0)).unwrap_or(0));
        }
        assert_eq!(
            waits,
            [0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]
        );
        assert_eq!(throttle.wait("other", ip(2), false, at(0)), None);
        assert_eq!(throttle.wait("other", ip(1), false, at(300)), None);
    }

    #[test]
    fn a_name_tried_from_everywhere_is_slowed_but_its_owner_gets_in() {
        let throttle = Throttle::default();
        throttle.succeeded("olena", ip(200), at(0));
        for n in 0..100 {
            throttle.failed("olena", ip(n), at(10));
        }
        assert_eq!(throttle.wait("olena", ip(101), false, at(10)), Some(30));
        assert_eq!(
            throttle.wait("olena", ip(200), false, at(10)),
            None,
            "signed in here before"
        );
        assert_eq!(
            throttle.wait("olena", ip(150), true, at(10)),
            None,
            "has a session here"
        );
        assert_eq!(throttle.wait("olena", ip(101), false, at(40)), None);
    }

    #[test]
    fn a_made_up_name_is_slowed_like_a_real_one() {
        let throttle = Throttle::default();
        for n in 0..9 {
            throttle.failed("nobody", ip(n), at(0));
        }
        assert_eq!(throttle.wait("nobody", ip(100), false, at(0)), Some(16));
    }

    #[test]
    fn counts_do_not_grow_without_bound() {
        let throttle = Throttle::default();
        for n in 0..KEPT + 10 {
            throttle.failed(&format!("name{n}"), None, at(0));
        }
        assert!(throttle.tables.lock().names.len() <= KEPT);
    }
}
