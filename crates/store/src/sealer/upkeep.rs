//! Looks after the archive's files: joins small segments, removes those that nobody reads any more,
//! and notices when one is missing, damaged, or well again.

use std::fs;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Work;
use crate::StoreError;
use crate::archive::{Name, Run, Segment, Segments};
use crate::hot::Registration;

/// How often it looks whether the files are there.
const EVERY: Duration = Duration::from_secs(5);
/// How often what is damaged is tried again.
const TRY_AGAIN: Duration = Duration::from_secs(60);
/// Files of a segment that no longer counts stay so long, for whoever is still reading them.
const LINGER: Duration = Duration::from_secs(600);
/// Every byte is read once in this time, but not more than a segment in [`BREATH`].
const READ_ALL: Duration = Duration::from_secs(86_400);
const BREATH: Duration = Duration::from_secs(10);
/// A segment with less than this part of what it could have is small.
const SMALL: usize = 4;
/// So many small neighbours are joined.
const PILE: usize = 4;

#[derive(Default)]
pub(super) struct Upkeep {
    due: Option<Instant>,
    try_again: Option<Instant>,
    lingering: Vec<(Instant, Name)>,
    /// Those of an erasure, which only wait for whoever is reading them at this moment.
    erased: Vec<Arc<Segment>>,
    /// Which segment is read next, and when.
    read_next: usize,
    read_due: Option<Instant>,
}

impl Upkeep {
    /// Removes the files of a segment after a while.
    pub(super) fn linger(&mut self, name: Name) {
        self.lingering.push((Instant::now() + LINGER, name));
    }

    /// Somebody was erased from a segment that no longer counts.
    pub(super) fn removed_at_once(&mut self, segment: Arc<Segment>) {
        self.erased.push(segment);
    }

    /// Whether somebody is reading one of those.
    pub(super) fn is_read(&self) -> bool {
        let mut segments = self.erased.iter();
        segments.any(|segment| Arc::strong_count(segment) > 1)
    }
}

impl Work {
    /// `None`: it is not time yet.
    pub(super) fn keep_up_if_due(&mut self) -> Option<Result<(), StoreError>> {
        let now = Instant::now();
        if self.upkeep.due.is_some_and(|due| now < due) {
            return None;
        }
        self.upkeep.due = Some(now + EVERY);
        self.look_at_files();
        self.remove_lingering(now);
        if self.upkeep.try_again.is_none_or(|due| now >= due) {
            self.upkeep.try_again = Some(now + TRY_AGAIN);
            self.try_again();
        }
        if self.upkeep.read_due.is_some_and(|due| now >= due) {
            self.read_one();
        }
        let segments = u32::try_from(self.parts.mirror.segments().len()).unwrap_or(u32::MAX);
        let pause = (READ_ALL / segments.max(1)).max(BREATH);
        self.upkeep.read_due.get_or_insert(now + pause);
        Some(self.compact())
    }

    /// All of it, at once.
    pub(super) fn keep_up(&mut self) -> Result<(), StoreError> {
        self.look_at_files();
        self.try_again();
        self.compact()
    }

    /// A file that is gone or has another length is noticed before somebody asks for it.
    fn look_at_files(&self) {
        for segment in self.parts.mirror.segments().iter() {
            if segment.damage().is_some() {
                continue;
            }
            for (path, length) in segment.files() {
                let found = fs::metadata(path).map(|of| of.len());
                match found {
                    Ok(found) if length.is_none_or(|length| length == found) => {}
                    Ok(_) => segment.spoil(&std::io::Error::other("the file is not what it was")),
                    Err(error) => segment.spoil(&error),
                }
            }
        }
    }

    /// Reads one segment and holds every byte against its checksum.
    fn read_one(&mut self) {
        let segments = self.parts.mirror.segments();
        self.upkeep.read_due = None;
        let at = self
            .upkeep
            .read_next
            .checked_rem(segments.len())
            .unwrap_or(0);
        self.upkeep.read_next = at + 1;
        if let Some(segment) = segments
            .get(at)
            .filter(|segment| segment.damage().is_none())
            && let Err(error) = segment.check()
        {
            segment.spoil(&error);
        }
    }

    /// Somebody may have put a file back.
    fn try_again(&self) {
        let segments = self.parts.mirror.segments();
        let mut changed = false;
        let mut all: Vec<Arc<Segment>> = segments
            .iter()
            .map(|segment| {
                let well = segment.damage().and_then(|_| self.opened(&segment.name));
                changed |= well.is_some();
                well.unwrap_or_else(|| Arc::clone(segment))
            })
            .collect();
        let mut broken = self.parts.broken.lock();
        broken.retain(|(name, _)| match self.opened(name) {
            Some(segment) => {
                all.push(segment);
                changed = true;
                false
            }
            None => true,
        });
        drop(broken);
        if changed {
            all.sort_unstable_by_key(|segment| segment.name.first);
            let all: Segments = all.into();
            self.parts.mirror.replace_segments(all);
            tracing::info!("a part of the archive that was left out is whole again");
        }
    }

    /// The segment, if both of its files are whole.
    fn opened(&self, name: &Name) -> Option<Arc<Segment>> {
        let segment = self.parts.archive.open(name.clone()).ok()?;
        segment.check().ok()?;
        Some(segment)
    }

    fn remove_lingering(&mut self, now: Instant) {
        let archive = &self.parts.archive;
        self.upkeep.lingering.retain(|(until, name)| {
            let stays = now < *until;
            if !stays {
                archive.remove(name);
            }
            stays
        });
    }

    /// Removes the files of all segments that no longer count, whoever is reading them.
    pub(super) fn remove_all_that_linger(&mut self) {
        for segment in self.upkeep.erased.drain(..) {
            self.parts.archive.remove(&segment.name);
        }
        for (_, name) in self.upkeep.lingering.drain(..) {
            self.parts.archive.remove(&name);
        }
    }

    /// Joins small neighbours where they pile up.
    fn compact(&mut self) -> Result<(), StoreError> {
        let segments = self.parts.mirror.segments();
        let most = self.parts.tuning.seal as u64;
        let small = |segment: &Arc<Segment>| {
            segment.damage().is_none() && segment.head.rows < most / SMALL as u64
        };
        let mut pile: Vec<Arc<Segment>> = Vec::new();
        let mut rows = 0;
        for segment in segments.iter() {
            if small(segment) && rows + segment.head.rows <= most {
                rows += segment.head.rows;
                pile.push(Arc::clone(segment));
                continue;
            }
            if pile.len() >= PILE {
                break;
            }
            pile.clear();
            rows = 0;
            if small(segment) {
                rows = segment.head.rows;
                pile.push(Arc::clone(segment));
            }
        }
        if pile.len() < PILE {
            return Ok(());
        }
        self.join(&pile)
    }

    fn join(&mut self, pile: &[Arc<Segment>]) -> Result<(), StoreError> {
        let (Some(first), Some(last)) = (pile.first(), pile.last()) else {
            return Ok(());
        };
        let mut chunks = Vec::new();
        let mut blocks = Vec::new();
        for segment in pile {
            chunks.extend(segment.chunks_where(|_| true)?);
            blocks.extend(segment.blocks().map_err(|error| super::cannot(&error))?);
        }
        let generations = pile.iter().map(|segment| segment.name.generation);
        let run = Run {
            log: first.log(),
            seqs: (first.name.first, last.name.last),
            generation: generations.max().unwrap_or(0) + 1,
            chunks: &chunks,
            blocks,
        };
        let written = self.parts.archive.write(&run);
        let segment = written.map_err(|error| super::cannot(&error))?;
        self.register(Registration {
            add: vec![segment],
            remove: pile.iter().map(|segment| segment.name.clone()).collect(),
            ..Registration::default()
        })?;
        self.parts.steps.reached("compacted");
        for segment in pile {
            self.upkeep.linger(segment.name.clone());
        }
        Ok(())
    }
}
