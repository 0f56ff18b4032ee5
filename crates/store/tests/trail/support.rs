//! A trail in a folder of its own, and events to put into it.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use admintrail_event::{Draft, EventId, Filter, Ip, KnownBy, Micros, Outcome, SessionHash};
use admintrail_store::{
    Order, PageRequest, Receipt, Submission, Trail, TrailOptions, Tuning, View,
};
use tempfile::TempDir;

/// 2026-11-22T14:00:00Z.
pub(crate) const NOON: i64 = 1_795_356_000_000_000;

pub(crate) struct Fixture {
    pub(crate) dir: TempDir,
    pub(crate) trail: Trail,
    pub(crate) now: Arc<AtomicI64>,
}

impl Fixture {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        // A day later: what is recorded lies in the past.
        let now = Arc::new(AtomicI64::new(NOON + 86_400 * Micros::SECOND));
        let trail = Trail::open(options(dir.path(), &now)).unwrap();
        Self { dir, trail, now }
    }

    pub(crate) fn reopen(&mut self) {
        self.trail.close();
        self.trail = Trail::open(options(self.dir.path(), &self.now)).unwrap();
    }

    pub(crate) fn append(&self, drafts: impl IntoIterator<Item = Draft>) -> Vec<Receipt> {
        let batch = drafts.into_iter().map(Submission::new).collect();
        self.trail.append_blocking(batch).unwrap()
    }

    /// The paths of the first page.
    pub(crate) fn paths(&self, view: &View) -> Vec<String> {
        let page = self.trail.page(view, &first_page(1_000)).unwrap();
        page.events
            .into_iter()
            .map(|event| event.draft.path)
            .collect()
    }
}

pub(crate) fn options(dir: &Path, now: &Arc<AtomicI64>) -> TrailOptions {
    let now = Arc::clone(now);
    TrailOptions::new(
        dir.to_path_buf(),
        Arc::new(move || Micros(now.fetch_add(1, Ordering::Relaxed))),
    )
}

/// Options under which a segment holds about `seal` events, in groups of a few.
pub(crate) fn small_segments(dir: &Path, now: &Arc<AtomicI64>, seal: usize) -> TrailOptions {
    let mut options = options(dir, now);
    options.tuning = Tuning {
        seal_at: usize::MAX,
        seal,
        group: seal.div_ceil(3).max(1),
        budget: std::time::Duration::from_secs(60),
        ..Tuning::default()
    };
    options
}

/// Request number `n`, one every second.
pub(crate) fn draft(n: u64) -> Draft {
    let time = Micros(NOON + i64::try_from(n).unwrap() * Micros::SECOND);
    at(time, n)
}

/// Request number `n` at this time.
pub(crate) fn at(time: Micros, n: u64) -> Draft {
    let mut random = [0; 10];
    random[2..].copy_from_slice(&n.to_be_bytes());
    let panel = "billing".parse().unwrap();
    let id = EventId::new(time, random);
    let mut draft = Draft::request(id, time, panel, "GET", &format!("/client/{n}"));
    draft.outcome = Outcome::Success;
    draft.status = Some(200);
    draft.route = Some("/client/{id}".to_owned());
    draft.action = format!("Viewed client {n}");
    draft.object = Some(format!("client/{n}"));
    draft.duration_us = Some(n * 100);
    draft
}

/// The same, made by this admin from this address.
pub(crate) fn by(admin: &str, mut draft: Draft) -> Draft {
    let mut hash = [0; 16];
    hash.iter_mut()
        .zip(admin.bytes())
        .for_each(|(to, from)| *to = from);
    draft.admin = Some(admin.to_owned());
    draft.known_by = KnownBy::Session;
    draft.session = Some(SessionHash(hash));
    draft.ip = Some("198.51.100.7".parse::<Ip>().unwrap());
    draft.user_agent = Some("Firefox".to_owned());
    draft
}

pub(crate) fn view(filter: &str) -> View {
    View {
        filter: Filter::parse(filter).unwrap(),
        ..View::default()
    }
}

pub(crate) fn first_page(limit: usize) -> PageRequest {
    PageRequest {
        order: Order::Descending,
        limit,
        cursor: None,
        last: false,
    }
}
