//! Counts of rows by shape, by quarter of an hour, and by person.

use serde::{Deserialize, Serialize};

/// How many rows of a shape there are in a quarter of an hour. Both are numbers of their segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Row {
    /// Which of the segment's quarters.
    pub(crate) bucket: u32,
    pub(crate) shape: u32,
    pub(crate) count: u32,
}

/// Counts in the order of bucket and shape.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Counts {
    buckets: Vec<u32>,
    shapes: Vec<u32>,
    counts: Vec<u32>,
}

impl Counts {
    pub(crate) fn push(&mut self, row: Row) {
        if let (Some(bucket), Some(shape), Some(count)) = (
            self.buckets.last(),
            self.shapes.last(),
            self.counts.last_mut(),
        ) && (*bucket, *shape) == (row.bucket, row.shape)
        {
            *count += row.count;
            return;
        }
        self.buckets.push(row.bucket);
        self.shapes.push(row.shape);
        self.counts.push(row.count);
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = Row> + '_ {
        self.slice(0..self.counts.len())
    }

    fn slice(&self, at: std::ops::Range<usize>) -> impl Iterator<Item = Row> + '_ {
        let buckets = self.buckets.get(at.clone()).unwrap_or_default();
        let shapes = self.shapes.get(at.clone()).unwrap_or_default();
        let counts = self.counts.get(at).unwrap_or_default();
        buckets
            .iter()
            .zip(shapes)
            .zip(counts)
            .map(|((bucket, shape), count)| Row {
                bucket: *bucket,
                shape: *shape,
                count: *count,
            })
    }

    pub(crate) fn len(&self) -> usize {
        self.counts.len()
    }

    pub(crate) fn bytes(&self) -> usize {
        self.len() * 12
    }
}

/// Counts in the order of person, bucket and shape.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CountsByPerson {
    /// Where the counts of each person end.
    ends: Vec<u32>,
    rows: Counts,
}

impl CountsByPerson {
    /// Begins with the next person.
    pub(crate) fn next_person(&mut self) {
        let end = u32::try_from(self.rows.len()).unwrap_or(u32::MAX);
        self.ends.push(end);
    }

    /// Adds to the person begun last.
    pub(crate) fn push(&mut self, row: Row) {
        let before = self
            .ends
            .len()
            .checked_sub(2)
            .and_then(|at| self.ends.get(at));
        let begun = before.map_or(0, |end| *end as usize);
        if self.rows.len() == begun {
            // Whatever stands at the end is another's.
            self.rows.buckets.push(row.bucket);
            self.rows.shapes.push(row.shape);
            self.rows.counts.push(row.count);
        } else {
            self.rows.push(row);
        }
        let end = u32::try_from(self.rows.len()).unwrap_or(u32::MAX);
        if let Some(last) = self.ends.last_mut() {
            *last = end;
        }
    }

    /// The counts of one.
    pub(crate) fn of(&self, person: u32) -> impl Iterator<Item = Row> + '_ {
        let at = person as usize;
        let end = self.ends.get(at).map_or(0, |end| *end as usize);
        let start = at
            .checked_sub(1)
            .and_then(|before| self.ends.get(before))
            .map_or(0, |end| *end as usize);
        self.rows.slice(start..end.max(start))
    }

    pub(crate) fn bytes(&self) -> usize {
        self.ends.len() * 4 + self.rows.bytes()
    }
}
