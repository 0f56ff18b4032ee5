//! What is counted while the journal itself cannot be written: 4 KiB that were allocated before.
//!
//! Overwriting allocated blocks works on a full disk. There are two halves, written in turn, each
//! with a generation and a checksum: a torn write falls back to the other. What is counted here
//! becomes a `gap` event at the next start, under the id that stands beside the count, so that a
//! second crash does not double it. A crash just between a record's durability and its leaving the
//! count tells it twice, never not at all.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use admintrail_event::{Draft, EventId, Kind, Micros, PanelName};
use hashbrown::HashMap;
use parking_lot::Mutex;

use super::recovery::of_another_version;
use super::{Disk, SegmentFile, frame};
use crate::ids;

/// One half of the file.
const HALF: usize = 2048;
const MAGIC: &[u8; 8] = b"ATRESV01";
/// Magic, generation, checksum.
const HEAD: usize = 8 + 8 + 8;
/// An entry without its panel's name: length of the name, count, first, last, id.
const ENTRY: usize = 1 + 8 + 8 + 8 + 16;
/// Entries of earlier runs beyond this are told as one, so that this run's have room.
const EARLIER: usize = HALF / 2;

/// Requests of one panel (`None`: of those that had no room of their own).
#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    id: EventId,
    panel: Option<PanelName>,
    count: u64,
    first: Micros,
    last: Micros,
    /// Of an earlier run: it is told as it stands and grows no more.
    earlier: bool,
}

impl Entry {
    fn size(&self) -> usize {
        ENTRY + self.panel.as_ref().map_or(0, |panel| panel.as_str().len())
    }

    fn gap(&self) -> Draft {
        let requests = match self.count {
            1 => "1 request".to_owned(),
            n => format!("{n} requests"),
        };
        let panels = if self.panel.is_some() {
            ""
        } else {
            " (several panels)"
        };
        let panel = self.panel.clone().unwrap_or_else(PanelName::own);
        Draft {
            kind: Kind::Gap,
            count: Some(self.count),
            duration_us: u64::try_from(self.last.0.saturating_sub(self.first.0)).ok(),
            action: format!("{requests} passed or refused without a record{panels}"),
            ..Draft::request(self.id, self.first, panel, "", "")
        }
    }
}

pub(super) struct Reserve {
    path: PathBuf,
    disk: Arc<dyn Disk>,
    state: Mutex<State>,
    /// Whether anything is counted: one atomic load for every delivery.
    counts: AtomicBool,
    unsynced: AtomicBool,
}

#[derive(Default)]
struct State {
    /// `None` while it could not be made, and once it is closed.
    file: Option<Arc<dyn SegmentFile>>,
    generation: u64,
    entries: Vec<Entry>,
    /// Whose durability takes how many from which entry: requests by their own id, those that a
    /// gap event counts by the gap's.
    holders: HashMap<EventId, (EventId, u64)>,
    closed: bool,
    /// Trouble was told.
    told: bool,
}

impl Reserve {
    /// Opens it or makes it. A full disk is no error: it is made when there is room.
    pub(super) fn start(path: PathBuf, disk: Arc<dyn Disk>) -> io::Result<Self> {
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(error),
        };
        if bytes.chunks(HALF).any(is_of_another_version) {
            return Err(of_another_version(&path));
        }
        let (generation, entries) = read(&bytes);
        let entries = together(entries);
        let holders = entries
            .iter()
            .map(|entry| (entry.id, (entry.id, entry.count)))
            .collect();
        let reserve = Self {
            path,
            disk,
            counts: AtomicBool::new(!entries.is_empty()),
            unsynced: AtomicBool::new(false),
            state: Mutex::new(State {
                generation,
                entries,
                holders,
                ..State::default()
            }),
        };
        reserve.make();
        Ok(reserve)
    }

    /// Allocates it, unless that is done.
    pub(super) fn make(&self) {
        let mut state = self.state.lock();
        if state.file.is_some() || state.closed {
            return;
        }
        match self.disk.reserve(&self.path, 2 * HALF) {
            Ok(file) => {
                state.file = Some(file);
                state.told = false;
                // What was found stays whole until the other half has been written.
                self.write(&mut state);
            }
            Err(error) => {
                if !std::mem::replace(&mut state.told, true) {
                    tracing::warn!(
                        path = %self.path.display(), %error,
                        "there is no room for the reserve: should the process be killed while the \
                         disk is full, requests of that time would not be counted"
                    );
                }
            }
        }
    }

    /// What an earlier run counted, as the events that tell of it.
    pub(super) fn earlier(&self) -> Vec<Draft> {
        let state = self.state.lock();
        state.entries.iter().map(Entry::gap).collect()
    }

    /// Counts requests; `holder` is whose durability makes the count needless.
    pub(super) fn count(&self, panel: &PanelName, holder: EventId, requests: u64, now: Micros) {
        let mut state = self.state.lock();
        if state.closed {
            return;
        }
        let at = state.place_of(panel, now);
        let Some(entry) = state.entries.get_mut(at) else {
            return;
        };
        entry.count = entry.count.saturating_add(requests);
        entry.last = entry.last.max(now);
        let id = entry.id;
        state.hold(holder, id, requests);
        self.counts.store(true, Ordering::Release);
        self.write(&mut state);
    }

    /// A request will be told by a gap event, which is not durable yet either.
    pub(super) fn hand_over(&self, request: EventId, gap: EventId) {
        if !self.counts.load(Ordering::Acquire) {
            return;
        }
        let mut state = self.state.lock();
        if let Some((entry, requests)) = state.holders.remove(&request) {
            state.hold(gap, entry, requests);
        }
    }

    /// These are durable elsewhere. True: something was taken from the count.
    pub(super) fn settle<'a>(&self, ids: impl Iterator<Item = &'a EventId>) -> bool {
        if !self.counts.load(Ordering::Acquire) {
            return false;
        }
        let mut state = self.state.lock();
        let mut changed = false;
        for id in ids {
            let Some((entry, requests)) = state.holders.remove(id) else {
                continue;
            };
            changed = true;
            if let Some(entry) = state.entries.iter_mut().find(|other| other.id == entry) {
                entry.count = entry.count.saturating_sub(requests);
            }
        }
        if changed {
            state.entries.retain(|entry| entry.count > 0);
            self.counts
                .store(!state.entries.is_empty(), Ordering::Release);
            self.write(&mut state);
        }
        changed
    }

    pub(super) fn counts(&self) -> bool {
        self.counts.load(Ordering::Acquire)
    }

    /// `write()` survives a kill; this, loss of power.
    pub(super) fn sync(&self) {
        if !self.unsynced.swap(false, Ordering::AcqRel) {
            return;
        }
        let file = self.state.lock().file.clone();
        if let Some(file) = file
            && let Err(error) = file.sync()
        {
            tracing::warn!(%error, "the journal's reserve could not be synced");
        }
    }

    /// Another process may use it from now on.
    pub(super) fn close(&self) {
        self.sync();
        let mut state = self.state.lock();
        state.closed = true;
        state.file = None;
    }

    fn write(&self, state: &mut State) {
        let Some(file) = &state.file else { return };
        let generation = state.generation + 1;
        let offset = if generation.is_multiple_of(2) {
            0
        } else {
            HALF as u64
        };
        match file.write_at(&half(generation, &state.entries), offset) {
            Ok(()) => {
                state.generation = generation;
                state.told = false;
                self.unsynced.store(true, Ordering::Release);
            }
            Err(error) => {
                if !std::mem::replace(&mut state.told, true) {
                    tracing::error!(%error, "the journal's reserve could not be written");
                }
            }
        }
    }
}

impl State {
    /// The entry in which this panel's requests are counted: its own, as long as there is room for
    /// that and for one that takes all others.
    fn place_of(&mut self, panel: &PanelName, now: Micros) -> usize {
        let fresh = |panel: Option<PanelName>| Entry {
            id: ids::new_id(now),
            panel,
            count: 0,
            first: now,
            last: now,
            earlier: false,
        };
        let place = |entries: &[Entry], panel: Option<&PanelName>| {
            entries
                .iter()
                .position(|entry| !entry.earlier && entry.panel.as_ref() == panel)
        };
        let own = place(&self.entries, Some(panel));
        let at = own.or_else(|| {
            let size: usize = self.entries.iter().map(Entry::size).sum();
            let others = place(&self.entries, None);
            let kept_free = if others.is_some() { 0 } else { ENTRY };
            let entry = fresh(Some(panel.clone()));
            if HEAD + 2 + size + entry.size() + kept_free > HALF {
                return others;
            }
            self.entries.push(entry);
            Some(self.entries.len() - 1)
        });
        at.unwrap_or_else(|| {
            self.entries.push(fresh(None));
            self.entries.len() - 1
        })
    }

    fn hold(&mut self, holder: EventId, entry: EventId, requests: u64) {
        let (held, count) = *self
            .holders
            .entry(holder)
            .and_modify(|(_, count)| *count += requests)
            .or_insert((entry, requests));
        // One holder stands for one entry: what was counted elsewhere moves to it.
        if held != entry && count > requests {
            for other in &mut self.entries {
                if other.id == held {
                    other.count = other.count.saturating_add(requests);
                } else if other.id == entry {
                    other.count = other.count.saturating_sub(requests);
                }
            }
            self.entries.retain(|entry| entry.count > 0);
        }
    }
}

/// Too many entries of earlier runs become one.
fn together(entries: Vec<Entry>) -> Vec<Entry> {
    if entries.iter().map(Entry::size).sum::<usize>() <= EARLIER {
        return entries;
    }
    let one = entries.into_iter().reduce(|one, other| Entry {
        count: one.count.saturating_add(other.count),
        first: one.first.min(other.first),
        last: one.last.max(other.last),
        panel: None,
        ..one
    });
    one.into_iter().collect()
}

fn half(generation: u64, entries: &[Entry]) -> Vec<u8> {
    let mut body = Vec::with_capacity(HALF);
    body.extend_from_slice(&generation.to_le_bytes());
    let count = u16::try_from(entries.len()).unwrap_or(u16::MAX);
    body.extend_from_slice(&count.to_le_bytes());
    for entry in entries {
        let panel = entry.panel.as_ref().map_or("", |panel| panel.as_str());
        body.push(u8::try_from(panel.len()).unwrap_or(0));
        body.extend_from_slice(panel.as_bytes());
        body.extend_from_slice(&entry.count.to_le_bytes());
        body.extend_from_slice(&entry.first.0.to_le_bytes());
        body.extend_from_slice(&entry.last.0.to_le_bytes());
        body.extend_from_slice(entry.id.as_bytes());
    }
    body.resize(HALF - 16, 0);
    let mut bytes = MAGIC.to_vec();
    bytes.extend_from_slice(&frame::checksum([0; 4], &body).to_le_bytes());
    bytes.extend_from_slice(&body);
    bytes
}

fn is_of_another_version(half: &[u8]) -> bool {
    let (name, _) = MAGIC.split_at(MAGIC.len() - 2);
    let version = half.strip_prefix(name).and_then(<[u8]>::first_chunk::<2>);
    !half.starts_with(MAGIC)
        && version.is_some_and(|version| version.iter().all(u8::is_ascii_digit))
}

/// The newer of the whole halves.
fn read(bytes: &[u8]) -> (u64, Vec<Entry>) {
    bytes
        .chunks_exact(HALF)
        .filter_map(read_half)
        .max_by_key(|(generation, _)| *generation)
        .unwrap_or_default()
}

fn read_half(bytes: &[u8]) -> Option<(u64, Vec<Entry>)> {
    let rest = bytes.strip_prefix(MAGIC)?;
    let (sum, body) = rest.split_first_chunk::<8>()?;
    if frame::checksum([0; 4], body) != u64::from_le_bytes(*sum) {
        return None;
    }
    let (generation, rest) = body.split_first_chunk::<8>()?;
    let (count, mut rest) = rest.split_first_chunk::<2>()?;
    let mut entries = Vec::new();
    for _ in 0..u16::from_le_bytes(*count) {
        let (length, after) = rest.split_first()?;
        let (panel, after) = after.split_at_checked(usize::from(*length))?;
        let (count, after) = after.split_first_chunk::<8>()?;
        let (first, after) = after.split_first_chunk::<8>()?;
        let (last, after) = after.split_first_chunk::<8>()?;
        let (id, after) = after.split_first_chunk::<16>()?;
        rest = after;
        entries.push(Entry {
            id: EventId::from_bytes(*id).ok()?,
            panel: match panel {
                [] => None,
                name => Some(std::str::from_utf8(name).ok()?.parse().ok()?),
            },
            count: u64::from_le_bytes(*count),
            first: Micros(i64::from_le_bytes(*first)),
            last: Micros(i64::from_le_bytes(*last)),
            earlier: true,
        });
    }
    Some((u64::from_le_bytes(*generation), entries))
}
