//! A sealed run of events: its head in memory, everything else read when it is asked for.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use admintrail_event::{Event, EventId, LogId, Micros, PanelName, Seq};
use hashbrown::HashMap;
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use siphasher::sip128::{Hasher128, SipHasher13};

use super::parquet::Footer;
use super::summary::{
    BUCKET, Counts, CountsByPerson, Head, HotSums, Lexicon, Merged, People, Plan, Row,
    SessionRecord, Sidecar, Slice, TextGrams, Treated, ValueCounts, bucket_of,
};
use crate::StoreError;
use crate::answer::{Remembered, Sifted};
use crate::columns::{Chunk, ChunkBuilder, Column, Data, Fields, Source};
use crate::derived::Hashing;
use crate::query::View;

/// What all segments share.
pub(crate) struct Shared {
    pub(crate) lexicon: Lexicon,
    cache: Cache<Key, Cached, Weights>,
    /// What views that ask for rows counted in whole groups.
    counted: Cache<CountedKey, Remembered, CountedWeights>,
    /// Views made ready, and of how many shapes and people they know.
    plans: Cache<u128, Prepared>,
    /// The values of many segments added up.
    merged: Cache<u128, Arc<Merged>, MergedWeights>,
    pub(crate) hot_sums: HotSums,
    /// What views found in chunks of hot.
    sifted: Cache<SiftedKey, Arc<Sifted>>,
    /// Makes keys of views.
    key: [u8; 16],
}

/// A view made ready, if that can be done, and how many shapes and people it knows.
type Prepared = ((usize, usize), Option<Arc<Plan>>);

/// A view without its time, and a chunk.
type SiftedKey = (u128, Seq, Seq);

/// Chunks of views that are remembered, of about 700 bytes each.
const SIFTED: usize = 8_192;

/// Views made ready that are kept.
const PLANS: usize = 64;
/// Added up values that are kept, about, and in how many bytes.
const MERGED: usize = 16;
const MERGED_BYTES: u64 = 16 << 20;

#[derive(Clone)]
struct MergedWeights;

impl Weighter<u128, Arc<Merged>> for MergedWeights {
    fn weight(&self, _: &u128, merged: &Arc<Merged>) -> u64 {
        merged.bytes() as u64 + 1
    }
}

/// A view without its time, and a group.
type CountedKey = (u128, u64, u32, usize);

/// Groups of views that are remembered, about, and in how many bytes.
const COUNTED: usize = 16_384;
const COUNTED_BYTES: u64 = 16 << 20;

#[derive(Clone)]
struct CountedWeights;

impl Weighter<CountedKey, Remembered> for CountedWeights {
    fn weight(&self, _: &CountedKey, found: &Remembered) -> u64 {
        found.bytes() as u64
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Shared")
    }
}

/// Entries expected; only a size of tables.
const ENTRIES: usize = 8_192;

impl Shared {
    /// Keeps up to so many bytes of what was read.
    pub(crate) fn keeping(bytes: u64) -> Self {
        Self {
            lexicon: Lexicon::default(),
            cache: Cache::with_weighter(ENTRIES, bytes, Weights),
            counted: Cache::with_weighter(COUNTED, COUNTED_BYTES, CountedWeights),
            plans: Cache::new(PLANS),
            merged: Cache::with_weighter(MERGED, MERGED_BYTES, MergedWeights),
            hot_sums: HotSums::default(),
            sifted: Cache::new(SIFTED),
            key: Hashing::default().key(),
        }
    }

    /// What stands for a view whatever its time.
    pub(crate) fn key_of(&self, view: &View) -> u128 {
        let mut hasher = SipHasher13::new_with_key(&self.key);
        let mut put = |text: &str| {
            hasher.write_usize(text.len());
            hasher.write(text.as_bytes());
        };
        put(&view.filter.to_string());
        put(if view.fold { "fold" } else { "" });
        for panel in &view.panels {
            put(panel.as_str());
        }
        put("hide");
        for identity in &view.hide {
            put(identity.panel.as_ref().map_or("", PanelName::as_str));
            put(&identity.admin);
        }
        hasher.finish128().as_u128()
    }

    /// What a view finds in a chunk of hot, all of which is in its time; `sift` finds it out.
    pub(crate) fn sifted(
        &self,
        view: u128,
        chunk: (Seq, Seq),
        sift: impl FnOnce() -> Arc<Sifted>,
    ) -> Arc<Sifted> {
        let key = (view, chunk.0, chunk.1);
        self.sifted.get(&key).unwrap_or_else(|| {
            let sifted = sift();
            self.sifted.insert(key, Arc::clone(&sifted));
            sifted
        })
    }

    /// A view made ready, as long as no segment brings a shape or person that it does not know.
    pub(crate) fn plan_of(&self, view: &View) -> Option<Arc<Plan>> {
        let (key, known) = (self.key_of(view), self.lexicon.len());
        if let Some((of, plan)) = self.plans.get(&key)
            && of == known
        {
            return plan;
        }
        let plan = Plan::of(view, &self.lexicon).map(Arc::new);
        self.plans.insert(key, (known, plan.clone()));
        plan
    }

    /// The values of segments added up. `fold`: without the rows that are folded away.
    pub(crate) fn merged(
        &self,
        segments: &[&Arc<Segment>],
        place: usize,
        fold: bool,
    ) -> Arc<Merged> {
        let mut hasher = SipHasher13::new_with_key(&self.key);
        (place, fold).hash(&mut hasher);
        for segment in segments {
            (segment.name.first.0, segment.name.generation).hash(&mut hasher);
        }
        let key = hasher.finish128().as_u128();
        if let Some(merged) = self.merged.get(&key) {
            return merged;
        }
        let values = segments.iter().map(|segment| segment.values(place));
        let merged = Arc::new(Merged::of(values, fold));
        if merged.is_worth_keeping() {
            self.merged.insert(key, Arc::clone(&merged));
        }
        merged
    }
}

/// What was read of a segment's files.
#[derive(Clone)]
enum Cached {
    Footer(Footer),
    Column(Arc<Data>),
    People(Arc<LocalPeople>),
    Counts(Arc<Counts>),
    ByPerson(Arc<CountsByPerson>),
    Values(Arc<Option<ValueCounts>>),
    Sessions(Arc<Vec<SessionRecord>>),
    Grams(Arc<TextGrams>),
    Ids(Arc<HashMap<[u8; 16], u32>>),
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Part {
    Footer,
    Column(u32, Column),
    People,
    Counts,
    Totals,
    Full,
    Values(u8),
    Sessions,
    Grams,
    Ids(u32),
}

type Key = (u64, u32, Part);

#[derive(Clone)]
struct Weights;

impl Weighter<Key, Cached> for Weights {
    fn weight(&self, _: &Key, cached: &Cached) -> u64 {
        let bytes = match cached {
            Cached::Footer(footer) => footer.bytes(),
            // Its texts may be folded later.
            Cached::Column(data) => data.bytes() + 256,
            Cached::People(people) => people.groups.len() * 14,
            Cached::Counts(counts) => counts.bytes(),
            Cached::ByPerson(counts) => counts.bytes(),
            Cached::Values(values) => values.as_ref().as_ref().map_or(0, ValueCounts::bytes),
            Cached::Ids(ids) => ids.len() * 24,
            Cached::Sessions(sessions) => sessions.len() * 480,
            Cached::Grams(grams) => grams
                .iter()
                .flatten()
                .map(super::summary::Grams::bytes)
                .sum(),
        };
        bytes as u64 + 64
    }
}

/// The people of a segment by their numbers.
pub(crate) struct LocalPeople {
    /// By the segment's own number.
    pub(crate) numbers: Vec<u32>,
    /// The lexicon's number and the segment's, ascending.
    by_number: Vec<(u32, u32)>,
    /// In which groups, by the segment's own number.
    groups: Vec<u16>,
}

impl LocalPeople {
    fn new(people: &People, lexicon: &Lexicon) -> Self {
        let numbers = lexicon.people_of(&people.people);
        let mut by_number: Vec<(u32, u32)> = numbers.iter().copied().zip(0..).collect();
        by_number.sort_unstable();
        Self {
            numbers,
            by_number,
            groups: people.groups.clone(),
        }
    }

    /// The segment's number of a person, if it has any row of that one.
    fn local(&self, number: u32) -> Option<u32> {
        let at = self
            .by_number
            .binary_search_by_key(&number, |(number, _)| *number)
            .ok()?;
        self.by_number.get(at).map(|(_, local)| *local)
    }

    fn groups_of(&self, local: u32) -> u16 {
        self.groups.get(local as usize).copied().unwrap_or(u16::MAX)
    }
}

/// Where a segment's files are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Name {
    pub(crate) first: Seq,
    pub(crate) last: Seq,
    pub(crate) generation: u32,
}

impl Name {
    pub(crate) fn file(&self, dir: &Path) -> PathBuf {
        dir.join(format!("{self}.parquet"))
    }

    pub(crate) fn summary(&self, dir: &Path) -> PathBuf {
        dir.join(format!("{self}.summary"))
    }

    /// How many events it may have.
    pub(crate) const fn span(&self) -> u64 {
        self.last.0.saturating_sub(self.first.0) + 1
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}.{}", self.first.0, self.last.0, self.generation)
    }
}

/// An immutable run of sealed events.
pub(crate) struct Segment {
    pub(crate) name: Name,
    pub(crate) head: Head,
    /// The lexicon's numbers of the head's shapes.
    shapes: Vec<u32>,
    file: PathBuf,
    sidecar: Sidecar,
    shared: Arc<Shared>,
    damage: OnceLock<StoreError>,
}

impl fmt::Debug for Segment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Segment({})", self.name)
    }
}

impl Segment {
    /// Reads the head.
    pub(crate) fn open(dir: &Path, name: Name, shared: Arc<Shared>) -> io::Result<Self> {
        let file = name.file(dir);
        let sidecar = Sidecar::open(&name.summary(dir))?;
        let mut head = sidecar.head()?;
        let bytes = std::fs::metadata(&file)?.len();
        if bytes != head.bytes {
            let message = format!("has {bytes} bytes instead of {}", head.bytes);
            return Err(io::Error::other(message));
        }
        let shapes = shared.lexicon.shapes_of(&head.shapes);
        // The lexicon has them now.
        head.shapes = Vec::new();
        Ok(Self {
            name,
            head,
            shapes,
            file,
            sidecar,
            shared,
            damage: OnceLock::new(),
        })
    }

    pub(crate) fn lexicon(&self) -> &Lexicon {
        &self.shared.lexicon
    }

    /// Groups with sessions that no record tells of: those of attempts and of what is no request.
    pub(crate) const fn stray_sessions(&self) -> u16 {
        self.head.stray_sessions
    }

    pub(crate) fn log(&self) -> LogId {
        self.head.log()
    }

    /// Why it is left out of all answers, if it is.
    pub(crate) fn damage(&self) -> Option<&StoreError> {
        self.damage.get()
    }

    /// Leaves it out of all answers from now on.
    pub(crate) fn spoil(&self, error: &io::Error) {
        let error = StoreError::DamagedSegment {
            path: self.file.clone(),
            cause: error.to_string(),
        };
        if self.damage.set(error.clone()).is_ok() {
            tracing::error!(%error, "a part of the archive is left out");
        }
    }

    fn key(&self, part: Part) -> Key {
        (self.name.first.0, self.name.generation, part)
    }

    /// Something of the segment, read if it is not kept; nothing of a damaged one.
    fn get<T>(
        &self,
        part: Part,
        kept: impl Fn(Cached) -> Option<T>,
        read: impl FnOnce() -> io::Result<Cached>,
    ) -> Option<T> {
        let key = self.key(part);
        if let Some(found) = self.shared.cache.get(&key) {
            return kept(found);
        }
        match read() {
            Ok(found) => {
                self.shared.cache.insert(key, found.clone());
                kept(found)
            }
            Err(error) => {
                self.spoil(&error);
                None
            }
        }
    }

    pub(crate) fn footer(&self) -> Option<Footer> {
        self.get(
            Part::Footer,
            |found| match found {
                Cached::Footer(footer) => Some(footer),
                _ => None,
            },
            || {
                let footer = Footer::read(&self.file)?;
                if footer.frame_checksum(&self.file)? != self.head.frame {
                    return Err(io::Error::other("bytes differ from their checksum"));
                }
                Ok(Cached::Footer(footer))
            },
        )
    }

    pub(crate) fn people(&self) -> Option<Arc<LocalPeople>> {
        self.get(
            Part::People,
            |found| match found {
                Cached::People(people) => Some(people),
                _ => None,
            },
            || {
                let people = self.sidecar.people()?;
                let local = LocalPeople::new(&people, &self.shared.lexicon);
                Ok(Cached::People(Arc::new(local)))
            },
        )
    }

    fn counts(&self) -> Option<Arc<Counts>> {
        self.get(
            Part::Counts,
            |found| match found {
                Cached::Counts(counts) => Some(counts),
                _ => None,
            },
            || Ok(Cached::Counts(Arc::new(self.sidecar.counts()?))),
        )
    }

    /// Counts by person, with their quarters of an hour or without.
    fn by_person(&self, over_time: bool) -> Option<Arc<CountsByPerson>> {
        self.get(
            if over_time { Part::Full } else { Part::Totals },
            |found| match found {
                Cached::ByPerson(counts) => Some(counts),
                _ => None,
            },
            || {
                let counts = if over_time {
                    self.sidecar.full()?
                } else {
                    self.sidecar.totals()?
                };
                Ok(Cached::ByPerson(Arc::new(counts)))
            },
        )
    }

    /// The values of a counted field, by its place; an empty one if there were too many.
    pub(crate) fn values(&self, place: usize) -> Option<Arc<Option<ValueCounts>>> {
        let place = u8::try_from(place).ok()?;
        self.get(
            Part::Values(place),
            |found| match found {
                Cached::Values(values) => Some(values),
                _ => None,
            },
            || Ok(Cached::Values(Arc::new(self.sidecar.values(place)?))),
        )
    }

    pub(crate) fn sessions(&self) -> Option<Arc<Vec<SessionRecord>>> {
        self.get(
            Part::Sessions,
            |found| match found {
                Cached::Sessions(sessions) => Some(sessions),
                _ => None,
            },
            || Ok(Cached::Sessions(Arc::new(self.sidecar.sessions()?))),
        )
    }

    pub(crate) fn grams(&self) -> Option<Arc<TextGrams>> {
        self.get(
            Part::Grams,
            |found| match found {
                Cached::Grams(grams) => Some(grams),
                _ => None,
            },
            || Ok(Cached::Grams(Arc::new(self.sidecar.grams()?))),
        )
    }

    /// What a view counted in a group before.
    pub(crate) fn counted(&self, view: u128, group: usize) -> Option<Remembered> {
        let key = (view, self.name.first.0, self.name.generation, group);
        self.shared.counted.get(&key)
    }

    pub(crate) fn keep_counted(&self, view: u128, group: usize, found: Remembered) {
        let key = (view, self.name.first.0, self.name.generation, group);
        self.shared.counted.insert(key, found);
    }

    pub(crate) fn shared(&self) -> &Shared {
        &self.shared
    }

    /// The events of a group as columns.
    pub(crate) fn chunk(self: &Arc<Self>, group: usize) -> Option<Chunk> {
        let of = self.head.groups.get(group)?;
        let (first, last) = of.times();
        let source = GroupSource {
            segment: Arc::clone(self),
            group,
        };
        Some(Chunk::lazy(
            self.log(),
            (Micros(first), Micros(last)),
            (Seq(of.seqs.0), Seq(of.seqs.1)),
            of.rows as usize,
            Arc::new(source),
        ))
    }

    /// Some rows of a group as events; `rows` ascend.
    pub(crate) fn events(&self, group: usize, rows: &[usize]) -> Vec<Event> {
        let Some((of, footer)) = self.head.groups.get(group).zip(self.footer()) else {
            return Vec::new();
        };
        match footer.events(&self.file, self.log(), group, rows, &of.checksums) {
            Ok(events) => events,
            Err(error) => {
                self.spoil(&error);
                Vec::new()
            }
        }
    }

    /// The groups that may hold the id.
    pub(crate) fn groups_with(&self, id: EventId) -> Vec<usize> {
        let within = |at: &usize| {
            let group = self.head.groups.get(*at);
            group
                .is_some_and(|group| group.ids.0 <= *id.as_bytes() && *id.as_bytes() <= group.ids.1)
        };
        let groups: Vec<usize> = (0..self.head.groups.len()).filter(within).collect();
        if groups.is_empty() {
            return groups;
        }
        match self.sidecar.may_hold(id) {
            Ok(true) => groups,
            Ok(false) => Vec::new(),
            Err(error) => {
                self.spoil(&error);
                Vec::new()
            }
        }
    }

    /// The row of a group with this id.
    pub(crate) fn row_of(self: &Arc<Self>, group: usize, id: EventId) -> Option<usize> {
        let rows = self.get(
            Part::Ids(u32::try_from(group).unwrap_or(u32::MAX)),
            |found| match found {
                Cached::Ids(ids) => Some(ids),
                _ => None,
            },
            || {
                let chunk = self
                    .chunk(group)
                    .ok_or_else(|| io::Error::other("a group is missing"))?;
                let ids = chunk.id().value_data().chunks_exact(16);
                let ids = ids.map(|id| id.try_into().unwrap_or_default()).zip(0..);
                Ok(Cached::Ids(Arc::new(ids.collect())))
            },
        )?;
        rows.get(id.as_bytes()).map(|row| *row as usize)
    }

    /// Bytes of the events' file.
    pub(crate) const fn bytes(&self) -> u64 {
        self.head.bytes
    }

    /// Which quarters of an hour lie wholly within a time, or all if the whole segment does.
    pub(crate) fn slice_within(&self, from: Option<Micros>, to: Option<Micros>) -> Slice {
        let (first, last) = self.times();
        if from.is_none_or(|from| from.0 <= first) && to.is_none_or(|to| last < to.0) {
            return Slice::All;
        }
        let from = from.map_or(i64::MIN, |from| {
            from.0.div_euclid(BUCKET) + i64::from(from.0.rem_euclid(BUCKET) > 0)
        });
        let to = to.map_or(i64::MAX, |to| bucket_of(to.0));
        Slice::Buckets(from, to.max(from))
    }

    /// Smallest and largest time.
    pub(crate) fn times(&self) -> (i64, i64) {
        let times = self.head.groups.iter().map(super::summary::Group::times);
        times
            .reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
            .unwrap_or((0, 0))
    }

    /// Calls `each` with counts of the view's rows: in which quarter of an hour (0 where nobody asked
    /// for time), of which shape of the lexicon, what becomes of them, and how many; a count may be
    /// taken back by a negative one.
    pub(crate) fn count(
        &self,
        plan: &Plan,
        slice: Slice,
        over_time: bool,
        mut each: impl FnMut(i64, u32, Treated, i64),
    ) -> Option<()> {
        let by_time = over_time || slice != Slice::All;
        let wanted = self.wanted(slice);
        let within = |row: &Row| wanted.contains(&row.bucket);
        let bucket = |row: &Row| self.bucket(row, by_time);
        if plan.others_pass() {
            if by_time {
                let counts = self.counts()?;
                for row in counts.iter().filter(within) {
                    let shape = self.shape(row.shape);
                    each(
                        bucket(&row),
                        shape,
                        plan.of_others(shape),
                        i64::from(row.count),
                    );
                }
            } else {
                for (shape, rows) in self.shapes.iter().zip(&self.head.shape_rows) {
                    each(0, *shape, plan.of_others(*shape), i64::from(*rows));
                }
            }
        }
        if plan.listed().is_empty() {
            return Some(());
        }
        let people = self.people()?;
        let present = plan.listed().iter();
        let present: Vec<(u32, u32)> = present
            .filter_map(|number| Some((*number, people.local(*number)?)))
            .collect();
        if present.is_empty() {
            return Some(());
        }
        let counts = self.by_person(by_time)?;
        for (number, local) in present {
            for row in counts.of(local).filter(within) {
                let (at, shape, count) =
                    (bucket(&row), self.shape(row.shape), i64::from(row.count));
                if plan.others_pass() {
                    each(at, shape, plan.of_others(shape), -count);
                }
                each(at, shape, plan.of_person(number, shape), count);
            }
        }
        Some(())
    }

    /// The same for each person, without time: the lexicon's number of the person comes along.
    pub(crate) fn count_people(
        &self,
        plan: &Plan,
        slice: Slice,
        mut each: impl FnMut(u32, Treated, i64),
    ) -> Option<()> {
        let people = self.people()?;
        let by_time = slice != Slice::All;
        let counts = self.by_person(by_time)?;
        let wanted = self.wanted(slice);
        for (local, number) in (0..).zip(&people.numbers) {
            for row in counts.of(local).filter(|row| wanted.contains(&row.bucket)) {
                let shape = self.shape(row.shape);
                each(
                    *number,
                    plan.of_person(*number, shape),
                    i64::from(row.count),
                );
            }
        }
        Some(())
    }

    /// Which groups may have a row of somebody whom the plan lets through, one bit each.
    pub(crate) fn groups_of_people(&self, plan: &Plan) -> u16 {
        if plan.others_pass() {
            return u16::MAX;
        }
        let Some(people) = self.people() else {
            return 0;
        };
        let locals = plan
            .listed()
            .iter()
            .filter_map(|number| people.local(*number));
        locals.fold(0, |groups, local| groups | people.groups_of(local))
    }

    /// Whether a shape of the segment passes the plan at all.
    pub(crate) fn has_shape(&self, plan: &Plan) -> bool {
        self.shapes
            .iter()
            .any(|shape| plan.of_shape(*shape) != Treated::Out)
    }

    fn shape(&self, local: u32) -> u32 {
        self.shapes.get(local as usize).copied().unwrap_or(u32::MAX)
    }

    fn bucket(&self, row: &Row, by_time: bool) -> i64 {
        if by_time {
            let at = self.head.buckets.get(row.bucket as usize);
            at.copied().unwrap_or(0)
        } else {
            0
        }
    }

    /// The segment's numbers of the buckets of a slice.
    fn wanted(&self, slice: Slice) -> Range<u32> {
        let small = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        match slice {
            Slice::All => 0..u32::MAX,
            Slice::Buckets(from, to) => {
                let at = |bound| small(self.head.buckets.partition_point(|at| *at < bound));
                at(from)..at(to)
            }
        }
    }

    /// Reads both files and holds every byte against its checksum.
    pub(crate) fn check(&self) -> io::Result<()> {
        self.sidecar.check()?;
        let footer = Footer::read(&self.file)?;
        let found = footer.checksums(&self.file)?;
        let groups = self.head.groups.iter().map(|group| &group.checksums);
        let frame = footer.frame_checksum(&self.file)?;
        if found.iter().eq(groups) && frame == self.head.frame {
            Ok(())
        } else {
            Err(io::Error::other("bytes differ from their checksum"))
        }
    }

    /// The blocks of its events.
    pub(crate) fn blocks(&self) -> io::Result<Vec<super::summary::Block>> {
        self.sidecar.blocks()
    }

    /// The files, and how long they are where that is known.
    pub(crate) fn files(&self) -> [(&Path, Option<u64>); 2] {
        [
            (&self.file, Some(self.head.bytes)),
            (self.sidecar.path(), None),
        ]
    }

    /// Looks at every event, in the order of their numbers.
    ///
    /// # Errors
    /// STORE-009 if one of them cannot be read.
    pub(crate) fn each(
        self: &Arc<Self>,
        mut each: impl FnMut(&Fields<'_>),
    ) -> Result<(), StoreError> {
        for chunk in (0..self.head.groups.len()).filter_map(|group| self.chunk(group)) {
            for fields in (0..chunk.rows).filter_map(|row| chunk.fields(row)) {
                each(&fields);
            }
        }
        self.damage().map_or(Ok(()), |error| Err(error.clone()))
    }

    /// Looks at every event of the admins that are wanted, in the order of their numbers.
    ///
    /// # Errors
    /// STORE-009 if one of them cannot be read.
    pub(crate) fn each_of_admin(
        self: &Arc<Self>,
        wanted: impl Fn(&str) -> bool,
        mut each: impl FnMut(&Fields<'_>),
    ) -> Result<(), StoreError> {
        for chunk in (0..self.head.groups.len()).filter_map(|group| self.chunk(group)) {
            let wanted: Vec<bool> = chunk.admin().values().map(&wanted).collect();
            if !wanted.contains(&true) {
                continue;
            }
            for row in 0..chunk.rows {
                let admin = chunk.admin().codes.of(row);
                if admin.and_then(|admin| wanted.get(admin)) == Some(&true)
                    && let Some(fields) = chunk.fields(row)
                {
                    each(&fields);
                }
            }
        }
        self.damage().map_or(Ok(()), |error| Err(error.clone()))
    }

    /// What is made of the events, as chunks of hot's size; `make` hands on what stays of each.
    pub(crate) fn chunks_made(
        self: &Arc<Self>,
        mut make: impl FnMut(&Fields<'_>, &mut dyn FnMut(&Fields<'_>)),
    ) -> Result<Vec<Arc<Chunk>>, StoreError> {
        let mut builder = ChunkBuilder::default();
        let mut chunks = Vec::new();
        let log = self.log();
        self.each(|fields| {
            make(fields, &mut |made| {
                builder.push(made);
                if builder.is_full() {
                    chunks.push(Arc::new(builder.finish(log)));
                }
            });
        })?;
        if builder.rows() > 0 {
            chunks.push(Arc::new(builder.finish(log)));
        }
        Ok(chunks)
    }

    /// The events that are to stay, as chunks of hot's size.
    pub(crate) fn chunks_where(
        self: &Arc<Self>,
        stays: impl Fn(&Fields<'_>) -> bool,
    ) -> Result<Vec<Arc<Chunk>>, StoreError> {
        self.chunks_made(|fields, hand_on| {
            if stays(fields) {
                hand_on(fields);
            }
        })
    }
}

/// Reads the columns of a group.
struct GroupSource {
    segment: Arc<Segment>,
    group: usize,
}

impl Source for GroupSource {
    fn load(&self, column: Column) -> Option<Arc<Data>> {
        let segment = &self.segment;
        let checksums = &segment.head.groups.get(self.group)?.checksums;
        let group = u32::try_from(self.group).unwrap_or(u32::MAX);
        segment.get(
            Part::Column(group, column),
            |found| match found {
                Cached::Column(data) => Some(data),
                _ => None,
            },
            || {
                let footer = segment
                    .footer()
                    .ok_or_else(|| io::Error::other("the end of the file cannot be read"))?;
                let data = footer.column(&segment.file, self.group, column, checksums)?;
                Ok(Cached::Column(Arc::new(data)))
            },
        )
    }
}
