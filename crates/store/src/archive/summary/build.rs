//! Makes the summary of a segment while its chunks are written.

use std::collections::BTreeMap;

use admintrail_event::filter::TextField;
use admintrail_event::{LogId, SessionHash};
use arrow_array::Array;
use hashbrown::{HashMap, HashSet};

use super::bloom::Bloom;
use super::bucket_of;
use super::counts::{Counts, CountsByPerson, Row};
use super::grams::{GramsBuilder, TextGrams};
use super::lexicon::{Numbered, Person, Shape};
use super::sidecar::{Block, Group, Head, People, SessionRecord, Summary};
use super::values::{ValuesBuilder, group_bit};
use crate::columns::{Chunk, TextColumn};
use crate::derived::Sessions;
use crate::folding;
use crate::query::SessionRow;

/// Spans of a group at most; the nearest are joined.
const MOST_SPANS: usize = 32;

/// The columns that texts are searched in, in the order of [`Summary::grams`].
pub(crate) fn searched(chunk: &Chunk) -> [&TextColumn; 12] {
    [
        chunk.path(),
        chunk.query(),
        chunk.action(),
        chunk.object(),
        chunk.route(),
        chunk.user_agent(),
        chunk.attempted(),
        chunk.acting_as(),
        chunk.host(),
        chunk.recorder(),
        chunk.admin(),
        chunk.admin_name(),
    ]
}

/// Where the pieces of a field's texts stand in a group's [`super::TextGrams`].
pub(crate) const fn grams_place(field: TextField) -> usize {
    match field {
        TextField::Path => 0,
        TextField::Query => 1,
        TextField::Action => 2,
        TextField::Object => 3,
        TextField::Route => 4,
        TextField::Agent => 5,
        TextField::Attempted => 6,
        TextField::ActingAs => 7,
        TextField::Host => 8,
        TextField::Recorder => 9,
    }
}

/// Those of an admin's id and name.
pub(crate) const ADMIN_GRAMS: [usize; 2] = [10, 11];

/// Takes chunks in `seq` order.
pub(crate) struct Builder {
    log: LogId,
    /// Rows of a group, all but the last.
    group_rows: usize,
    rows: usize,
    shapes: Numbered<Shape>,
    people: Numbered<Person>,
    person_groups: Vec<u16>,
    /// Person, bucket and shape of each row.
    keys: Vec<(u32, i64, u32)>,
    values: ValuesBuilder,
    sessions: Sessions,
    session_groups: HashMap<[u8; 16], u16>,
    /// Sessions of a panel with a row that no view folds away.
    plain_sessions: HashSet<([u8; 16], String)>,
    grams: Vec<GramsBuilder>,
    done_grams: TextGrams,
    bloom: Bloom,
    groups: Vec<GroupBuilder>,
    seqs: Option<(u64, u64)>,
    received: Option<(i64, i64)>,
    panels: BTreeMap<String, (u64, i64, i64)>,
}

#[derive(Default)]
struct GroupBuilder {
    rows: u32,
    seqs: Option<(u64, u64)>,
    ids: Option<([u8; 16], [u8; 16])>,
    /// Smallest and largest time of each bucket.
    buckets: BTreeMap<i64, (i64, i64)>,
}

impl Builder {
    /// For `rows` rows in groups of `group_rows`.
    pub(crate) fn new(log: LogId, rows: usize, group_rows: usize) -> Self {
        Self {
            log,
            group_rows: group_rows.max(1),
            rows: 0,
            shapes: Numbered::default(),
            people: Numbered::default(),
            person_groups: Vec::new(),
            keys: Vec::with_capacity(rows),
            values: ValuesBuilder::default(),
            sessions: Sessions::default(),
            session_groups: HashMap::new(),
            plain_sessions: HashSet::new(),
            grams: (0..12).map(|_| GramsBuilder::default()).collect(),
            done_grams: Vec::new(),
            bloom: Bloom::for_ids(rows),
            groups: Vec::new(),
            seqs: None,
            received: None,
            panels: BTreeMap::new(),
        }
    }

    /// Takes in the next chunk.
    pub(crate) fn add(&mut self, chunk: &Chunk) {
        let (begun, group_rows) = (self.rows, self.group_rows);
        let group_of = |row: usize| (begun + row) / group_rows;
        self.add_keys(chunk, group_of);
        self.values.add(chunk, group_of);
        self.sessions.count_chunk(chunk);
        self.add_session_groups(chunk, group_of);
        self.add_rows(chunk, group_of);
        self.add_grams(chunk);
        self.rows += chunk.rows;
    }

    fn add_keys(&mut self, chunk: &Chunk, group_of: impl Fn(usize) -> usize) {
        let mut shapes: HashMap<u64, u32> = HashMap::new();
        let mut people: HashMap<(u32, u32), u32> = HashMap::new();
        let code = |code: Option<usize>| code.map_or(0, |code| code as u64 + 1);
        for (row, time) in chunk.time().values().iter().enumerate() {
            let status = chunk.status();
            let status = status.is_valid(row).then(|| status.value(row));
            let admin = chunk.admin().codes.of(row);
            let packed = code(chunk.panel().codes.of(row))
                | code(chunk.method().codes.of(row)) << 16
                | code(status.map(usize::from)) << 32
                | u64::from(chunk.request_type().value(row)) << 49
                | u64::from(chunk.outcome().value(row)) << 50
                | u64::from(chunk.known_by().value(row)) << 53
                | u64::from(chunk.kind().value(row)) << 56
                | u64::from(chunk.ending().value(row)) << 58
                | u64::from(chunk.polling().value(row)) << 60
                | u64::from(chunk.asset().value(row)) << 61
                | u64::from(admin.is_some()) << 62
                | u64::from(chunk.acting_as().codes.of(row).is_some()) << 63;
            let shape = match shapes.get(&packed) {
                Some(shape) => *shape,
                None => {
                    let shape = self.shapes.number(&shape_of(chunk, row));
                    shapes.insert(packed, shape);
                    shape
                }
            };
            let name = chunk.admin_name().codes.of(row);
            let key = (small(code(admin)), small(code(name)));
            let person = match people.get(&key) {
                Some(person) => *person,
                None => {
                    let person = self.people.number(&Person {
                        admin: chunk.admin().get(row).map(str::to_owned),
                        name: chunk.admin_name().get(row).map(str::to_owned),
                    });
                    people.insert(key, person);
                    person
                }
            };
            let at = person as usize;
            if self.person_groups.len() <= at {
                self.person_groups.resize(at + 1, 0);
            }
            if let Some(groups) = self.person_groups.get_mut(at) {
                *groups |= group_bit(group_of(row));
            }
            self.keys.push((person, bucket_of(*time), shape));
        }
    }

    fn add_session_groups(&mut self, chunk: &Chunk, group_of: impl Fn(usize) -> usize) {
        let mut groups = vec![0_u16; chunk.session().len()];
        let mut plain: HashSet<(usize, usize)> = HashSet::new();
        for row in 0..chunk.rows {
            let Some(code) = chunk.session().codes.of(row) else {
                continue;
            };
            if let Some(of) = groups.get_mut(code) {
                *of |= group_bit(group_of(row));
            }
            if let Some(panel) = chunk.panel().codes.of(row)
                && !folding::folds_row(chunk, row)
            {
                plain.insert((code, panel));
            }
        }
        let sessions: Vec<[u8; 16]> = chunk.session().values().collect();
        for (code, panel) in plain {
            if let (Some(session), Some(panel)) = (sessions.get(code), chunk.panel().value(panel)) {
                self.plain_sessions.insert((*session, panel.to_owned()));
            }
        }
        for (session, of) in chunk.session().values().zip(groups) {
            *self.session_groups.entry(session).or_default() |= of;
        }
    }

    fn add_rows(&mut self, chunk: &Chunk, group_of: impl Fn(usize) -> usize) {
        let ids = chunk.id().value_data().chunks_exact(16);
        let rows = ids
            .zip(chunk.time().values())
            .zip(chunk.received().values())
            .zip(chunk.seq().values());
        let mut panels = vec![(0_u64, i64::MAX, i64::MIN); chunk.panel().len()];
        for (row, (((id, time), received), seq)) in rows.enumerate() {
            let id: [u8; 16] = id.try_into().unwrap_or_default();
            self.bloom.insert(&id);
            let group = group_of(row);
            while self.groups.len() <= group {
                self.groups.push(GroupBuilder::default());
            }
            if let Some(of) = self.groups.get_mut(group) {
                of.rows += 1;
                widen(&mut of.seqs, *seq);
                widen(&mut of.ids, id);
                let span = of.buckets.entry(bucket_of(*time)).or_insert((*time, *time));
                *span = (span.0.min(*time), span.1.max(*time));
            }
            widen(&mut self.seqs, *seq);
            widen(&mut self.received, *received);
            let panel = chunk.panel().codes.of(row);
            if let Some((rows, from, to)) = panel.and_then(|panel| panels.get_mut(panel)) {
                *rows += 1;
                (*from, *to) = ((*from).min(*received), (*to).max(*received));
            }
        }
        for (panel, (rows, from, to)) in chunk.panel().values().zip(panels) {
            let of = self
                .panels
                .entry(panel.to_owned())
                .or_insert((0, i64::MAX, i64::MIN));
            *of = (of.0 + rows, of.1.min(from), of.2.max(to));
        }
    }

    /// A chunk that reaches into the next group counts for both.
    fn add_grams(&mut self, chunk: &Chunk) {
        let last_row = self.rows + chunk.rows.saturating_sub(1);
        loop {
            for (builder, column) in self.grams.iter_mut().zip(searched(chunk)) {
                builder.add(column);
            }
            if last_row / self.group_rows <= self.done_grams.len() {
                return;
            }
            self.finish_grams();
        }
    }

    fn finish_grams(&mut self) {
        let grams = self.grams.iter_mut().map(GramsBuilder::finish).collect();
        self.done_grams.push(grams);
    }

    /// The summary; `checksums` are those of the columns of each group, `bytes` and `frame` the file's
    /// length and the checksum of the rest of it.
    pub(crate) fn finish(
        mut self,
        blocks: Vec<Block>,
        checksums: Vec<Vec<u32>>,
        (bytes, frame): (u64, u32),
    ) -> Summary {
        if self.done_grams.len() < self.groups.len() {
            self.finish_grams();
        }
        let mut buckets: Vec<i64> = self.keys.iter().map(|(_, bucket, _)| *bucket).collect();
        buckets.sort_unstable();
        buckets.dedup();
        let (counts, totals, full) = counted(self.keys, &buckets, self.people.values().len());
        let mut shape_rows = vec![0_u32; self.shapes.values().len()];
        for row in counts.iter() {
            if let Some(rows) = shape_rows.get_mut(row.shape as usize) {
                *rows += row.count;
            }
        }
        let groups = self
            .groups
            .into_iter()
            .zip(checksums)
            .map(|(group, checksums)| group.finish(checksums))
            .collect();
        let (first_seq, last_seq) = self.seqs.unwrap_or((0, 0));
        let mut sessions: Vec<SessionRecord> = self
            .sessions
            .into_rows()
            .map(|row| {
                let groups = self.session_groups.get(&row.session.0);
                let mut record = session_record(row, groups.copied().unwrap_or(u16::MAX));
                let key = (record.session, record.panel.clone());
                record.plain = self.plain_sessions.contains(&key);
                record
            })
            .collect();
        // Of a session on a panel of which there are only attempts there is no record.
        for record in &sessions {
            let key = (record.session, record.panel.clone());
            self.plain_sessions.remove(&key);
        }
        let without_record = self.plain_sessions.iter();
        let without_record = without_record.filter_map(|(of, _)| self.session_groups.get(of));
        let mut stray_sessions = without_record.fold(0, |mask, of| mask | of);
        for record in &sessions {
            self.session_groups.remove(&record.session);
        }
        stray_sessions |= self.session_groups.values().fold(0, |mask, of| mask | of);
        sessions.sort_unstable_by(|a, b| (&a.session, &a.panel).cmp(&(&b.session, &b.panel)));
        Summary {
            head: Head {
                log: self.log.0,
                first_seq,
                last_seq,
                rows: self.rows as u64,
                received: self.received.unwrap_or((0, 0)),
                bytes,
                frame,
                groups,
                shapes: unshared(self.shapes.values()),
                shape_rows,
                buckets,
                stray_sessions,
                people: small(self.people.values().len() as u64),
                panels: self
                    .panels
                    .into_iter()
                    .map(|(panel, (rows, from, to))| (panel, rows, from, to))
                    .collect(),
            },
            people: People {
                people: unshared(self.people.values()),
                groups: self.person_groups,
            },
            counts,
            totals,
            full,
            values: self.values.finish(),
            sessions,
            grams: self.done_grams,
            bloom: self.bloom,
            blocks,
        }
    }
}

impl GroupBuilder {
    fn finish(self, checksums: Vec<u32>) -> Group {
        Group {
            rows: self.rows,
            seqs: self.seqs.unwrap_or((0, 0)),
            ids: self.ids.unwrap_or_default(),
            spans: spans(self.buckets),
            checksums,
        }
    }
}

/// Quarters of an hour that follow each other are one span.
fn spans(buckets: BTreeMap<i64, (i64, i64)>) -> Vec<(i64, i64)> {
    let mut spans: Vec<(i64, i64)> = Vec::new();
    let mut before: Option<i64> = None;
    for (bucket, (from, to)) in buckets {
        match spans.last_mut().filter(|_| before == bucket.checked_sub(1)) {
            Some(span) => span.1 = to,
            None => spans.push((from, to)),
        }
        before = Some(bucket);
    }
    while spans.len() > MOST_SPANS {
        let gaps = spans.iter().zip(spans.iter().skip(1)).enumerate();
        let Some((at, _)) = gaps.min_by_key(|(_, (a, b))| b.0.saturating_sub(a.1)) else {
            break;
        };
        let joined = spans.remove(at + 1);
        if let Some(span) = spans.get_mut(at) {
            span.1 = joined.1;
        }
    }
    spans
}

/// Counts by bucket and shape, by person and shape, and by all three.
fn counted(
    mut keys: Vec<(u32, i64, u32)>,
    buckets: &[i64],
    people: usize,
) -> (Counts, CountsByPerson, CountsByPerson) {
    keys.sort_unstable();
    let mut by_bucket: HashMap<(u32, u32), u32> = HashMap::new();
    let mut totals = CountsByPerson::default();
    let mut full = CountsByPerson::default();
    let mut of_person: BTreeMap<u32, u32> = BTreeMap::new();
    let mut runs = keys.chunk_by(|a, b| a.0 == b.0);
    for _ in 0..people {
        totals.next_person();
        full.next_person();
        of_person.clear();
        for run in runs
            .next()
            .unwrap_or_default()
            .chunk_by(|a, b| (a.1, a.2) == (b.1, b.2))
        {
            let Some((_, bucket, shape)) = run.first().copied() else {
                continue;
            };
            let bucket = small(buckets.binary_search(&bucket).unwrap_or(0) as u64);
            let count = small(run.len() as u64);
            full.push(Row {
                bucket,
                shape,
                count,
            });
            *of_person.entry(shape).or_default() += count;
            *by_bucket.entry((bucket, shape)).or_default() += count;
        }
        for (shape, count) in &of_person {
            totals.push(Row {
                bucket: 0,
                shape: *shape,
                count: *count,
            });
        }
    }
    let mut ordered: Vec<((u32, u32), u32)> = by_bucket.into_iter().collect();
    ordered.sort_unstable();
    let mut counts = Counts::default();
    for ((bucket, shape), count) in ordered {
        counts.push(Row {
            bucket,
            shape,
            count,
        });
    }
    (counts, totals, full)
}

fn shape_of(chunk: &Chunk, row: usize) -> Shape {
    let status = chunk.status();
    Shape {
        panel: chunk.panel().get(row).unwrap_or_default().to_owned(),
        method: chunk.method().get(row).unwrap_or_default().to_owned(),
        status: status.is_valid(row).then(|| status.value(row)),
        request_type: chunk.request_type().value(row),
        outcome: chunk.outcome().value(row),
        known_by: chunk.known_by().value(row),
        kind: chunk.kind().value(row),
        ending: chunk.ending().value(row),
        polling: chunk.polling().value(row),
        asset: chunk.asset().value(row),
        named: chunk.admin().codes.of(row).is_some(),
        acting: chunk.acting_as().codes.of(row).is_some(),
    }
}

fn session_record(row: SessionRow, groups: u16) -> SessionRecord {
    let SessionHash(session) = row.session;
    SessionRecord {
        session,
        panel: row.panel.as_str().to_owned(),
        admin: row.admin,
        admin_name: row.admin_name,
        start: row.start.0,
        last: row.last.0,
        requests: row.requests,
        folded: row.folded,
        changes: row.changes,
        denied: row.denied,
        ips: row.ips.into_iter().map(|ip| ip.0).collect(),
        user_agent: row.user_agent.as_deref().map(str::to_owned),
        acted: row.acted.map(|at| at.0),
        named: row.named.map(|at| at.0),
        signed_out: row.signed_out.map(|at| at.0),
        plain: false,
        groups,
    }
}

fn widen<T: Copy + Ord>(range: &mut Option<(T, T)>, value: T) {
    *range = Some(range.map_or((value, value), |(low, high)| {
        (low.min(value), high.max(value))
    }));
}

fn unshared<T: Clone>(values: &[std::sync::Arc<T>]) -> Vec<T> {
    values.iter().map(|value| T::clone(value)).collect()
}

fn small(n: u64) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}
