//! What heads say, kept for those that come again and again.
//!
//! People and pages repeat themselves: the same list, the same counter every five seconds. Reading
//! a head takes a tenth of a request's way, and gives the same for the same head. Nothing is kept
//! of a head that holds a secret, or that was seen only once.

use std::hash::BuildHasher as _;
use std::sync::Arc;

use admintrail_event::{Learned, Limits, Outcome, Preset, Reading, RequestHead};
use hashbrown::DefaultHashBuilder;
use parking_lot::Mutex;

use super::head::{safe, safe_option};

/// Heads kept, at most.
const SLOTS: usize = 256;

/// Longer heads are not kept.
const MAX_LENGTH: usize = 2_048;

/// What a head says by itself, whoever sent it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct HeadReading {
    pub(crate) reading: Arc<Reading>,
    /// Redacted and encoded, and how long it was if it was cut.
    pub(crate) path: (String, Option<u32>),
    pub(crate) query: (Option<String>, Option<u32>),
    /// The action if nobody comes to say how it ended.
    pub(crate) unfinished: String,
}

/// The readings of one panel. Each head has one place, which it takes when it comes the second
/// time in a row.
pub(crate) struct Readings {
    slots: Box<[Mutex<Slot>]>,
    hasher: DefaultHashBuilder,
}

#[derive(Default)]
struct Slot {
    last: u64,
    kept: Option<(Kept, Arc<Learned>, Arc<HeadReading>)>,
}

struct Kept {
    method: String,
    path: String,
    query: Option<String>,
    accept: Option<String>,
    requested_with: Option<String>,
    bearer: bool,
    fetch_dest: Option<String>,
}

impl Default for Readings {
    fn default() -> Self {
        Self {
            slots: std::iter::repeat_with(Mutex::default).take(SLOTS).collect(),
            hasher: DefaultHashBuilder::default(),
        }
    }
}

impl Readings {
    /// What the preset says of the head, with what was learned by now.
    pub(crate) fn of(
        &self,
        preset: &Preset,
        head: &RequestHead<'_>,
        learned: &Arc<Learned>,
    ) -> Arc<HeadReading> {
        let hash = self.hasher.hash_one(head);
        let place = usize::try_from(hash).unwrap_or(0) % SLOTS;
        let Some(slot) = self.slots.get(place) else {
            return Arc::new(HeadReading::of(preset, head, learned));
        };
        {
            let mut slot = slot.lock();
            match &slot.kept {
                Some((kept, by, reading)) if kept.head() == *head && Arc::ptr_eq(by, learned) => {
                    return Arc::clone(reading);
                }
                _ => {}
            }
            if slot.last != hash {
                slot.last = hash;
                drop(slot);
                return Arc::new(HeadReading::of(preset, head, learned));
            }
        }
        let reading = Arc::new(HeadReading::of(preset, head, learned));
        if reading.is_plain(head) {
            let entry = (Kept::of(head), Arc::clone(learned), Arc::clone(&reading));
            slot.lock().kept = Some(entry);
        }
        reading
    }
}

impl HeadReading {
    fn of(preset: &Preset, head: &RequestHead<'_>, learned: &Learned) -> Self {
        let reading = preset.read_with(head, learned);
        let query = head.query.map(|query| preset.redact_query(query));
        let unfinished = preset.sentence(&reading, Outcome::Unknown, false, None);
        Self {
            path: safe(preset.redact_path(head.path), Limits::PATH),
            query: safe_option(query, Limits::QUERY),
            unfinished: safe(unfinished, Limits::TEXT).0,
            reading: Arc::new(reading),
        }
    }

    /// Nothing of it had to be hidden or changed.
    fn is_plain(&self, head: &RequestHead<'_>) -> bool {
        let texts = [head.accept, head.requested_with, head.fetch_dest];
        let length = head.method.len()
            + head.path.len()
            + head.query.map_or(0, str::len)
            + texts.iter().flatten().map(|text| text.len()).sum::<usize>();
        self.path.0 == head.path && self.query.0.as_deref() == head.query && length <= MAX_LENGTH
    }
}

impl Kept {
    fn of(head: &RequestHead<'_>) -> Self {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        Self {
            method: head.method.to_owned(),
            path: head.path.to_owned(),
            query: owned(head.query),
            accept: owned(head.accept),
            requested_with: owned(head.requested_with),
            bearer: head.bearer,
            fetch_dest: owned(head.fetch_dest),
        }
    }

    fn head(&self) -> RequestHead<'_> {
        RequestHead {
            method: &self.method,
            path: &self.path,
            query: self.query.as_deref(),
            accept: self.accept.as_deref(),
            requested_with: self.requested_with.as_deref(),
            bearer: self.bearer,
            fetch_dest: self.fetch_dest.as_deref(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn preset() -> Arc<Preset> {
        Preset::built_in("generic").unwrap()
    }

    fn get(path: &'static str, query: Option<&'static str>) -> RequestHead<'static> {
        RequestHead::new("GET", path, query)
    }

    fn kept(readings: &Readings) -> usize {
        let is_kept = |slot: &&Mutex<Slot>| slot.lock().kept.is_some();
        readings.slots.iter().filter(is_kept).count()
    }

    #[test]
    fn a_head_is_kept_from_its_second_coming_and_a_secret_never() {
        let (readings, preset, nothing) = (Readings::default(), preset(), Arc::default());
        for _ in 0..3 {
            readings.of(
                &preset,
                &get("/reset", Some("token=hunter2hunter2")),
                &nothing,
            );
        }
        assert_eq!(kept(&readings), 0);
        let first = readings.of(&preset, &get("/clients/42", Some("tab=invoices")), &nothing);
        assert_eq!(kept(&readings), 0);
        let second = readings.of(&preset, &get("/clients/42", Some("tab=invoices")), &nothing);
        let third = readings.of(&preset, &get("/clients/42", Some("tab=invoices")), &nothing);
        assert_eq!(kept(&readings), 1);
        assert!(Arc::ptr_eq(&second, &third));
        assert_eq!(first, third);
    }

    #[test]
    fn what_is_learned_counts_at_once() {
        let (readings, preset) = (Readings::default(), preset());
        let head = get("/users/olena", None);
        let nothing = Arc::default();
        for _ in 0..3 {
            assert_eq!(
                readings.of(&preset, &head, &nothing).reading.route,
                "/users/olena"
            );
        }
        let learned = Arc::new(Learned::of_places(["/users"]));
        assert_eq!(
            readings.of(&preset, &head, &learned).reading.route,
            "/users/{id}"
        );
    }

    proptest! {
        #[test]
        fn what_is_kept_is_what_would_be_read(
            heads in proptest::collection::vec(
                (0..3_usize, 0..4_usize, 0..3_usize, any::<bool>(), 0..3_usize),
                1..200,
            )
        ) {
            let (readings, preset, nothing) = (Readings::default(), preset(), Arc::default());
            for (method, path, query, bearer, accept) in heads {
                let head = RequestHead {
                    method: ["GET", "POST", "DELETE"][method],
                    path: ["/clients/42", "/login", "/api/clients", "/style.css"][path],
                    query: [None, Some("page=2"), Some("key=s3cretvalue")][query],
                    accept: [None, Some("text/html"), Some("application/json")][accept],
                    requested_with: None,
                    bearer,
                    fetch_dest: None,
                };
                prop_assert_eq!(&*readings.of(&preset, &head, &nothing), &HeadReading::of(&preset, &head, &nothing));
            }
        }
    }
}
