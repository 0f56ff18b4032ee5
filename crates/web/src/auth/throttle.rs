//! Slowing down who guesses passwords, without keeping the owner out.
//!
//! Failures are counted by address and by the name that was tried (whether or not it exists).
//! An address that keeps failing waits longer and longer. A name that keeps failing from all over
//! slows everybody down who tries it, except from addresses where its owner has signed in before.
//! A browser in which the owner has signed in before ([`super::known`]), and a session of the owner
//! in which a new password is set, is counted by itself alone:
//! so nobody can lock an owner out, not even from the owner's own address, which behind a proxy
//! that is not trusted is everybody's. Nothing sleeps; who is too early is told when to come back.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;

use admintrail_event::Micros;
use admintrail_store::control::SecretHash;
use parking_lot::Mutex;

use super::known::BrowserId;

/// Failures that cost nothing.
const FREE: u32 = 5;
/// Longest wait of an address, a known browser or a session, in seconds.
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
    owners: HashMap<CountedBy, Count>,
    /// Where a name has signed in, since when.
    welcome: HashMap<(String, IpAddr), Micros>,
}

#[derive(Clone, Copy)]
struct Count {
    failures: u32,
    last: Micros,
}

/// Who is counted by itself alone, instead of by address and name: the owner of the name, as far
/// as can be known without the password.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum CountedBy {
    /// A browser in which the owner has signed in before.
    Browser(BrowserId),
    /// A session of the owner's.
    Session(SecretHash),
}

/// What a try is counted by.
#[derive(Clone, Copy)]
pub(crate) struct Try<'a> {
    /// The name that was tried, folded.
    pub(crate) name: &'a str,
    pub(crate) address: Option<IpAddr>,
    /// What stands for the owner of the name, if anything does.
    pub(crate) owner: Option<CountedBy>,
}

impl Throttle {
    /// Seconds to wait before this try may be looked at, if any.
    pub(crate) fn wait(&self, tried: Try<'_>, now: Micros) -> Option<u64> {
        let tables = self.tables.lock();
        let seconds = match tried.owner {
            Some(owner) => tables
                .owners
                .get(&owner)
                .map_or(0, |count| count.wait(now, LONGEST_ADDRESS)),
            None => tables.wait(tried, now),
        };
        u64::try_from(seconds).ok().filter(|seconds| *seconds > 0)
    }

    /// Counts a failure. Counted before the password is looked at and taken back by
    /// [`Self::succeeded`], so that many tries at once do not all slip through.
    pub(crate) fn failed(&self, tried: Try<'_>, now: Micros) {
        let mut tables = self.tables.lock();
        if let Some(owner) = tried.owner {
            count(&mut tables.owners, owner, now);
            return;
        }
        if let Some(ip) = tried.address {
            count(&mut tables.addresses, ip, now);
        }
        count(&mut tables.names, tried.name.to_owned(), now);
    }

    /// Forgets the failures of the name, takes back the one that [`Self::failed`] counted for the
    /// address (the others may be somebody else's), and remembers the address as the owner's.
    pub(crate) fn succeeded(&self, tried: Try<'_>, now: Micros) {
        let mut tables = self.tables.lock();
        tables.names.remove(tried.name);
        if let Some(owner) = tried.owner {
            tables.owners.remove(&owner);
        }
        let Some(ip) = tried.address else { return };
        if tried.owner.is_none()
            && let Some(count) = tables.addresses.get_mut(&ip)
        {
            count.failures = count.failures.saturating_sub(1);
        }
        if tables.welcome.len() >= KEPT {
            tables.welcome.clear();
        }
        tables.welcome.insert((tried.name.to_owned(), ip), now);
    }
}

impl Tables {
    /// The wait of a try from a browser that nobody knows.
    fn wait(&self, tried: Try<'_>, now: Micros) -> i64 {
        let by_address = tried.address.and_then(|ip| self.addresses.get(&ip));
        let by_address = by_address.map_or(0, |count| count.wait(now, LONGEST_ADDRESS));
        let welcome = |ip| self.welcome.contains_key(&(tried.name.to_owned(), ip));
        let by_name = match self.names.get(tried.name) {
            Some(count) if !tried.address.is_some_and(welcome) => count.wait(now, LONGEST_NAME),
            _ => 0,
        };
        by_address.max(by_name)
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

    fn by(name: &str, address: Option<IpAddr>) -> Try<'_> {
        Try {
            name,
            address,
            owner: None,
        }
    }

    #[test]
    fn an_address_that_guesses_waits_longer_and_longer() {
        let throttle = Throttle::default();
        let mut waits = Vec::new();
        for n in 0..16 {
            throttle.failed(by(&format!("name{n}"), ip(1)), at(0));
            waits.push(throttle.wait(by("other", ip(1)), at(0)).unwrap_or(0));
        }
        assert_eq!(
            waits,
            [0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]
        );
        assert_eq!(throttle.wait(by("other", ip(2)), at(0)), None);
        assert_eq!(throttle.wait(by("other", ip(1)), at(300)), None);
    }

    #[test]
    fn a_name_tried_from_everywhere_is_slowed_but_its_owner_gets_in() {
        let throttle = Throttle::default();
        throttle.succeeded(by("olena", ip(200)), at(0));
        for n in 0..100 {
            throttle.failed(by("olena", ip(n)), at(10));
        }
        assert_eq!(throttle.wait(by("olena", ip(101)), at(10)), Some(30));
        assert_eq!(
            throttle.wait(by("olena", ip(200)), at(10)),
            None,
            "signed in here before"
        );
        assert_eq!(throttle.wait(by("olena", ip(101)), at(40)), None);
    }

    #[test]
    fn a_known_browser_waits_for_its_own_failures_alone() {
        let throttle = Throttle::default();
        for _ in 0..100 {
            throttle.failed(by("olena", ip(1)), at(0));
        }
        assert_eq!(throttle.wait(by("olena", ip(1)), at(0)), Some(300));
        let known = Try {
            owner: Some(CountedBy::Browser([1; 16])),
            ..by("olena", ip(1))
        };
        assert_eq!(
            throttle.wait(known, at(0)),
            None,
            "others failed, not this one"
        );
        for _ in 0..6 {
            throttle.failed(known, at(0));
        }
        assert_eq!(
            throttle.wait(known, at(0)),
            Some(2),
            "stolen, it is no free pass"
        );
        let other = Try {
            owner: Some(CountedBy::Browser([2; 16])),
            ..known
        };
        assert_eq!(throttle.wait(other, at(0)), None);
        let session = Try {
            owner: Some(CountedBy::Session(SecretHash([1; 32]))),
            ..known
        };
        assert_eq!(throttle.wait(session, at(0)), None, "nor by its sessions");
        throttle.succeeded(known, at(2));
        assert_eq!(throttle.wait(known, at(2)), None);
    }

    #[test]
    fn an_account_of_ones_own_does_not_wash_an_address_clean() {
        let throttle = Throttle::default();
        for _ in 0..9 {
            throttle.failed(by("olena", ip(1)), at(0));
        }
        throttle.failed(by("mallory", ip(1)), at(0));
        throttle.succeeded(by("mallory", ip(1)), at(0));
        assert_eq!(throttle.wait(by("olena", ip(1)), at(0)), Some(16));
    }

    #[test]
    fn a_made_up_name_is_slowed_like_a_real_one() {
        let throttle = Throttle::default();
        for n in 0..9 {
            throttle.failed(by("nobody", ip(n)), at(0));
        }
        assert_eq!(throttle.wait(by("nobody", ip(100)), at(0)), Some(16));
    }

    #[test]
    fn counts_do_not_grow_without_bound() {
        let throttle = Throttle::default();
        for n in 0..KEPT + 10 {
            throttle.failed(by(&format!("name{n}"), None), at(0));
        }
        assert!(throttle.tables.lock().names.len() <= KEPT);
    }
}
