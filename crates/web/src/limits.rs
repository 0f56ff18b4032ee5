//! What one viewer, one token, and all of them together may take of the machine.

use std::collections::HashMap;
use std::sync::{Arc, Weak};
use std::time::Duration;

use admintrail_event::Micros;
use admintrail_store::control::{SecretHash, TokenId};
use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::WebError;

/// Every limit of the web room.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Live streams of one session or token.
    pub streams_each: usize,
    /// Live streams in all.
    pub streams: usize,
    /// A stream whose reader takes nothing for so long is ended.
    pub stream_patience: Duration,
    /// A stream without events says that it is still there after so long.
    pub stream_quiet: Duration,
    /// Exports under way of one session or token.
    pub exports_each: usize,
    /// Exports under way in all.
    pub exports: usize,
    /// Ingest requests under way of one token.
    pub ingests_each: usize,
    /// Bytes that the bodies of all ingest requests under way may hold together.
    pub ingest_memory: usize,
    /// Bytes that the bodies of the ingest requests of one token may hold together.
    pub ingest_memory_each: usize,
    /// Bytes of an ingest body.
    pub ingest_bytes: usize,
    /// Longest wait for an ingest body.
    pub ingest_patience: Duration,
    /// Events of an ingest body.
    pub ingest_events: usize,
    /// Events a second that one token may send in the long run.
    pub ingest_rate: u64,
    /// Events that one token may send at once after a rest.
    pub ingest_burst: u64,
    /// Questions to the trail at once.
    pub queries: usize,
    /// Longest wait for a place and longest question.
    pub query_budget: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        Self {
            streams_each: 4,
            streams: 256,
            stream_patience: Duration::from_secs(20),
            stream_quiet: Duration::from_secs(15),
            exports_each: 2,
            exports: 4,
            ingests_each: 32,
            ingest_memory: 128 * 1024 * 1024,
            ingest_memory_each: 32 * 1024 * 1024,
            ingest_bytes: 16 * 1024 * 1024,
            ingest_patience: Duration::from_secs(60),
            ingest_events: 20_000,
            ingest_rate: 20_000,
            ingest_burst: 200_000,
            queries: cores.max(2),
            query_budget: Duration::from_secs(10),
        }
    }
}

/// A bounded number of places, some of them for each holder.
pub(crate) struct Slots {
    all: usize,
    each: usize,
    taken: Mutex<HashMap<SecretHash, usize>>,
}

/// A place; given back when dropped.
pub(crate) struct Slot {
    slots: Arc<Slots>,
    holder: SecretHash,
}

/// Why there is no place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Full {
    /// This holder has all of its own.
    Own,
    /// Everybody together has all.
    All,
}

impl Slots {
    pub(crate) fn new(all: usize, each: usize) -> Arc<Self> {
        Arc::new(Self {
            all,
            each,
            taken: Mutex::default(),
        })
    }

    pub(crate) fn take(self: &Arc<Self>, holder: SecretHash) -> Result<Slot, Full> {
        let mut taken = self.taken.lock();
        if taken.values().sum::<usize>() >= self.all {
            return Err(Full::All);
        }
        let own = taken.entry(holder).or_default();
        if *own >= self.each {
            return Err(Full::Own);
        }
        *own += 1;
        Ok(Slot {
            slots: Arc::clone(self),
            holder,
        })
    }

    pub(crate) fn taken(&self) -> usize {
        self.taken.lock().values().sum()
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut taken = self.slots.taken.lock();
        if let Some(own) = taken.get_mut(&self.holder) {
            *own = own.saturating_sub(1);
            if *own == 0 {
                taken.remove(&self.holder);
            }
        }
    }
}

/// A place where work waits for its turn and runs off the async threads, within a time budget.
pub(crate) struct Queries {
    places: Arc<Semaphore>,
    budget: Duration,
}

impl Queries {
    pub(crate) fn new(at_once: usize, budget: Duration) -> Self {
        Self {
            places: Arc::new(Semaphore::new(at_once)),
            budget,
        }
    }

    pub(crate) async fn run<T: Send + 'static>(
        &self,
        question: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, WebError> {
        let busy = |what: &str| WebError::Busy {
            what: what.to_owned(),
            after_s: 5,
        };
        let place = tokio::time::timeout(self.budget, Arc::clone(&self.places).acquire_owned())
            .await
            .map_err(|_| busy("Too much is under way."))?
            .map_err(|_| busy("The server is stopping."))?;
        let running = tokio::task::spawn_blocking(move || {
            let _place = place;
            question()
        });
        match tokio::time::timeout(self.budget, running).await {
            Ok(answer) => answer.map_err(WebError::internal),
            Err(_) => Err(busy("This takes too long; ask for a shorter time range.")),
        }
    }
}

/// One at a time for each holder, so that who asks for much waits behind itself, not before others.
#[derive(Default)]
pub(crate) struct Turns(Mutex<HashMap<SecretHash, Weak<Semaphore>>>);

impl Turns {
    /// Waits until no other of this holder is at it.
    pub(crate) async fn take(&self, holder: SecretHash) -> Option<OwnedSemaphorePermit> {
        let own = {
            let mut all = self.0.lock();
            all.retain(|_, turn| turn.strong_count() > 0);
            let own = all.get(&holder).and_then(Weak::upgrade);
            own.unwrap_or_else(|| {
                let own = Arc::new(Semaphore::new(1));
                all.insert(holder, Arc::downgrade(&own));
                own
            })
        };
        own.acquire_owned().await.ok()
    }
}

/// Memory that bodies may hold: as much as has arrived of them, in KiB, some of it for each holder.
pub(crate) struct BodyMemory {
    free: Arc<Semaphore>,
    each: usize,
    /// Longest wait of a body that has arrived in part and finds no room for the rest: short, for
    /// it keeps others waiting with what it holds.
    wait: Duration,
    held: Mutex<HashMap<SecretHash, usize>>,
}

/// What one body holds; given back when dropped.
pub(crate) struct Room<'m> {
    memory: &'m BodyMemory,
    holder: SecretHash,
    kib: usize,
    permit: Option<OwnedSemaphorePermit>,
}

impl BodyMemory {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            free: Arc::new(Semaphore::new(limits.ingest_memory / 1024)),
            each: limits.ingest_memory_each / 1024,
            wait: limits.query_budget.min(Duration::from_secs(1)),
            held: Mutex::default(),
        }
    }

    /// Room for a body of which nothing has arrived yet.
    pub(crate) fn room(&self, holder: SecretHash) -> Room<'_> {
        Room {
            memory: self,
            holder,
            kib: 0,
            permit: None,
        }
    }
}

impl Room<'_> {
    /// Makes room for a body of so many bytes in all.
    pub(crate) async fn grow_to(&mut self, bytes: usize) -> Result<(), WebError> {
        let more = bytes.div_ceil(1024).saturating_sub(self.kib);
        if more == 0 {
            return Ok(());
        }
        {
            let mut held = self.memory.held.lock();
            let own = held.entry(self.holder).or_default();
            if *own + more > self.memory.each {
                return Err(WebError::TooMany {
                    what: "The bodies of this token that are under way are too large together."
                        .to_owned(),
                    after_s: 1,
                });
            }
            *own += more;
        }
        self.kib += more;
        let free = Arc::clone(&self.memory.free);
        let wanted = free.acquire_many_owned(u32::try_from(more).unwrap_or(u32::MAX));
        let waited = tokio::time::timeout(self.memory.wait, wanted).await;
        let Some(permit) = waited.ok().and_then(Result::ok) else {
            self.give_back(more);
            return Err(WebError::Busy {
                what: "Too many events are arriving at once.".to_owned(),
                after_s: 1,
            });
        };
        match &mut self.permit {
            Some(all) => all.merge(permit),
            none => *none = Some(permit),
        }
        Ok(())
    }

    /// So much less counts as held.
    fn give_back(&mut self, kib: usize) {
        self.kib = self.kib.saturating_sub(kib);
        let mut held = self.memory.held.lock();
        if let Some(own) = held.get_mut(&self.holder) {
            *own = own.saturating_sub(kib);
            if *own == 0 {
                held.remove(&self.holder);
            }
        }
    }
}

impl Drop for Room<'_> {
    fn drop(&mut self) {
        self.give_back(self.kib);
    }
}

/// How much each ingest token has sent lately: a token bucket each.
#[derive(Default)]
pub(crate) struct Quotas(Mutex<HashMap<TokenId, Bucket>>);

struct Bucket {
    /// Events that may still be sent, in millionths.
    left: u128,
    at: Micros,
}

impl Quotas {
    /// Takes `events` out of the token's quota. `Err`: seconds until it is worth trying again.
    /// A batch larger than the whole burst is taken when the quota is full.
    pub(crate) fn take(
        &self,
        token: TokenId,
        events: u64,
        limits: &Limits,
        now: Micros,
    ) -> Result<(), u64> {
        const ONE: u128 = 1_000_000;
        let full = u128::from(limits.ingest_burst) * ONE;
        let mut buckets = self.0.lock();
        let bucket = buckets.entry(token).or_insert(Bucket {
            left: full,
            at: now,
        });
        let elapsed = u128::try_from(now.0.saturating_sub(bucket.at.0)).unwrap_or(0);
        let rate = u128::from(limits.ingest_rate.max(1));
        bucket.left = full.min(bucket.left + elapsed * rate);
        bucket.at = now;
        let wanted = (u128::from(events) * ONE).min(full);
        if let Some(left) = bucket.left.checked_sub(wanted) {
            bucket.left = left;
            return Ok(());
        }
        let missing = (wanted - bucket.left).div_ceil(rate * ONE);
        Err(u64::try_from(missing).unwrap_or(u64::MAX).max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_bounded_for_one_and_for_all_and_come_back() {
        let slots = Slots::new(3, 2);
        let holder = |n| SecretHash([n; 32]);
        let first = slots.take(holder(1)).ok().unwrap();
        let _second = slots.take(holder(1)).ok().unwrap();
        assert_eq!(slots.take(holder(1)).err(), Some(Full::Own));
        let _third = slots.take(holder(2)).ok().unwrap();
        assert_eq!(slots.take(holder(3)).err(), Some(Full::All));
        drop(first);
        let _fourth = slots.take(holder(3)).ok().unwrap();
        assert_eq!(slots.taken(), 3);
    }

    #[test]
    fn a_quota_fills_up_again_with_time() {
        let limits = Limits {
            ingest_rate: 10,
            ingest_burst: 100,
            ..Limits::default()
        };
        let quotas = Quotas::default();
        let token = TokenId(1);
        let at = |s: i64| Micros(s * Micros::SECOND);
        assert_eq!(quotas.take(token, 90, &limits, at(0)), Ok(()));
        assert_eq!(quotas.take(token, 30, &limits, at(0)), Err(2));
        assert_eq!(
            quotas.take(TokenId(2), 30, &limits, at(0)),
            Ok(()),
            "another token has its own"
        );
        assert_eq!(quotas.take(token, 30, &limits, at(2)), Ok(()));
        assert_eq!(
            quotas.take(token, 1_000, &limits, at(2)),
            Err(10),
            "a giant batch waits for a full quota"
        );
        assert_eq!(quotas.take(token, 1_000, &limits, at(12)), Ok(()));
    }

    #[tokio::test]
    async fn a_body_holds_what_has_arrived_and_a_holder_no_more_than_its_share() {
        let memory = BodyMemory::new(&Limits {
            ingest_memory: 100 * 1024,
            ingest_memory_each: 40 * 1024,
            query_budget: Duration::from_millis(5),
            ..Limits::default()
        });
        let holder = |n| SecretHash([n; 32]);
        let free = || memory.free.available_permits();
        let mut first = memory.room(holder(1));
        assert_eq!(free(), 100, "nothing arrived yet");
        first.grow_to(10_000).await.unwrap();
        first.grow_to(30 * 1024).await.unwrap();
        assert_eq!(free(), 70);
        let mut second = memory.room(holder(1));
        second.grow_to(11 * 1024).await.unwrap_err();
        second.grow_to(10 * 1024).await.unwrap();
        let (mut third, mut fourth) = (memory.room(holder(2)), memory.room(holder(3)));
        third.grow_to(40 * 1024).await.unwrap();
        let error = fourth.grow_to(40 * 1024).await.unwrap_err();
        assert!(matches!(error, WebError::Busy { .. }), "{error}");
        assert_eq!(free(), 20);
        fourth
            .grow_to(40 * 1024)
            .await
            .expect_err("what was refused is not held");
        drop(first);
        fourth.grow_to(40 * 1024).await.unwrap();
        assert_eq!(free(), 10);
        drop((second, third, fourth));
        assert_eq!(free(), 100);
        assert!(memory.held.lock().is_empty());
    }

    #[tokio::test]
    async fn a_turn_is_waited_for_behind_ones_own_alone() {
        let turns = Turns::default();
        let first = turns.take(SecretHash([1; 32])).await.unwrap();
        let _other = turns.take(SecretHash([2; 32])).await.unwrap();
        let again = || turns.take(SecretHash([1; 32]));
        let soon = Duration::from_millis(5);
        assert!(tokio::time::timeout(soon, again()).await.is_err());
        drop(first);
        assert!(again().await.is_some());
    }
}
