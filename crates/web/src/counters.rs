//! Counts of what was answered, for `/metrics`.

use std::sync::atomic::{AtomicU64, Ordering};

use http::StatusCode;

/// Monotonic since the process began.
#[derive(Default)]
pub(crate) struct Counters {
    classes: [AtomicU64; 5],
    pub(crate) sign_ins: Counter,
    pub(crate) failed_sign_ins: Counter,
    pub(crate) ingested: Counter,
    pub(crate) ingest_refused: Counter,
    pub(crate) exported: Counter,
}

#[derive(Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self, n: u64) {
        self.0.fetch_add(n, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Counters {
    pub(crate) fn answered(&self, status: StatusCode) {
        let class = usize::from(status.as_u16() / 100).saturating_sub(1);
        if let Some(count) = self.classes.get(class) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// `1xx`, `2xx` … with their counts.
    pub(crate) fn classes(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let names = ["1xx", "2xx", "3xx", "4xx", "5xx"];
        names.into_iter().zip(
            self.classes
                .iter()
                .map(|count| count.load(Ordering::Relaxed)),
        )
    }
}
