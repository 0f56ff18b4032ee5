//! Reading a file again, a column of a row group at a time, each checked against its checksum.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use admintrail_event::{Event, LogId, Micros, Seq};
use arrow_array::RecordBatch;
use bytes::{Buf, Bytes};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder, RowSelection,
};
use parquet::errors::{ParquetError, Result as ParquetResult};
use parquet::file::reader::{ChunkReader, Length};

use super::schema::{LOG_AT, from_arrow, log_of, place, schema};
use crate::columns::{Chunk, Column, Data};

/// What the end of a file says: where each column of each group lies.
#[derive(Clone)]
pub(crate) struct Footer {
    metadata: ArrowReaderMetadata,
}

impl Footer {
    /// Reads it; an error says what is wrong with the file.
    pub(crate) fn read(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let options = ArrowReaderOptions::new().with_schema(schema());
        let metadata = ArrowReaderMetadata::load(&file, options).map_err(io::Error::other)?;
        Ok(Self { metadata })
    }

    /// Bytes that it takes in memory, about.
    pub(crate) fn bytes(&self) -> usize {
        self.metadata.metadata().memory_size()
    }

    /// Rows of each group.
    pub(crate) fn groups(&self) -> Vec<usize> {
        let groups = self.metadata.metadata().row_groups().iter();
        groups
            .map(|group| usize::try_from(group.num_rows()).unwrap_or(0))
            .collect()
    }

    /// How many columns the file has.
    pub(crate) fn columns(&self) -> usize {
        self.metadata.parquet_schema().num_columns()
    }

    /// Where a column of a group begins, and its length.
    fn range(&self, group: usize, at: usize) -> Option<(u64, usize)> {
        let groups = self.metadata.metadata().row_groups();
        let (start, length) = groups.get(group)?.columns().get(at)?.byte_range();
        Some((start, usize::try_from(length).ok()?))
    }

    /// The checksum of everything in the file that is no column: its begin and its end.
    pub(crate) fn frame_checksum(&self, path: &Path) -> io::Result<u32> {
        let file = File::open(path)?;
        let all = (0..self.groups().len())
            .flat_map(|group| (0..self.columns()).filter_map(move |at| self.range(group, at)));
        let (mut first, mut end) = (u64::MAX, 0);
        for (start, length) in all {
            first = first.min(start);
            end = end.max(start + length as u64);
        }
        let length = file.metadata()?.len();
        let mut hasher = crc32fast::Hasher::new();
        for (from, to) in [(0, first.min(length)), (end.min(length), length)] {
            let part = usize::try_from(to.saturating_sub(from)).map_err(io::Error::other)?;
            hasher.update(&read_at(&file, from, part)?);
        }
        Ok(hasher.finalize())
    }

    /// The checksum of each column of each group, taken from the file as it is.
    pub(crate) fn checksums(&self, path: &Path) -> io::Result<Vec<Vec<u32>>> {
        let file = File::open(path)?;
        let of_group = |group: usize| {
            (0..self.columns())
                .map(|at| {
                    let (start, length) = self.range(group, at).ok_or_else(not_ours)?;
                    Ok(crc32fast::hash(&read_at(&file, start, length)?))
                })
                .collect::<io::Result<Vec<u32>>>()
        };
        (0..self.groups().len()).map(of_group).collect()
    }

    /// One column of a group as a chunk has it.
    pub(crate) fn column(
        &self,
        path: &Path,
        group: usize,
        column: Column,
        checksums: &[u32],
    ) -> io::Result<Data> {
        let at = place(column);
        let (start, length) = self.range(group, at).ok_or_else(not_ours)?;
        let bytes = read_at(&File::open(path)?, start, length)?;
        check(&bytes, checksums.get(at))?;
        let rows = self.groups().get(group).copied().unwrap_or(0);
        let window = Window { start, bytes };
        let batch = self.batch(window, group, rows, Some(at), None)?;
        batch
            .columns()
            .first()
            .and_then(|array| from_arrow(column, array))
            .ok_or_else(not_ours)
    }

    /// Some rows of a group as events; `rows` ascend.
    pub(crate) fn events(
        &self,
        path: &Path,
        log: LogId,
        group: usize,
        rows: &[usize],
        checksums: &[u32],
    ) -> io::Result<Vec<Event>> {
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let ranges: Vec<(u64, usize)> = (0..self.columns())
            .map(|at| self.range(group, at))
            .collect::<Option<_>>()
            .ok_or_else(not_ours)?;
        let start = ranges.iter().map(|(start, _)| *start).min().unwrap_or(0);
        let ends = ranges.iter().map(|(start, length)| start + *length as u64);
        let length = ends.max().unwrap_or(start) - start;
        let bytes = read_at(
            &File::open(path)?,
            start,
            usize::try_from(length).map_err(|_| not_ours())?,
        )?;
        for ((from, length), checksum) in ranges.iter().zip(checksums) {
            let from = usize::try_from(from - start).map_err(|_| not_ours())?;
            let column = bytes.get(from..from + length).ok_or_else(not_ours)?;
            check(column, Some(checksum))?;
        }
        let selection = RowSelection::from_consecutive_ranges(
            rows.chunk_by(|a, b| a + 1 == *b).filter_map(|run| {
                let (first, last) = (run.first()?, run.last()?);
                Some(*first..last + 1)
            }),
            self.groups().get(group).copied().unwrap_or(0),
        );
        let window = Window { start, bytes };
        let batch = self.batch(window, group, rows.len(), None, Some(selection))?;
        let chunk = chunk_of(log, &batch).ok_or_else(not_ours)?;
        (0..chunk.rows)
            .map(|row| chunk.event(row).ok_or_else(not_ours))
            .collect()
    }

    /// A whole group.
    pub(crate) fn chunk(&self, path: &Path, group: usize, checksums: &[u32]) -> io::Result<Chunk> {
        let columns: Vec<Data> = Column::ALL
            .into_iter()
            .map(|column| self.column(path, group, column, checksums))
            .collect::<io::Result<_>>()?;
        let bounds = |numbers: &mut dyn Iterator<Item = u64>| {
            let ends = numbers.fold(None, |ends: Option<(u64, u64)>, n| {
                Some(ends.map_or((n, n), |(low, high)| (low.min(n), high.max(n))))
            });
            ends.unwrap_or((0, 0))
        };
        let (mut seqs, mut times) = ((0, 0), (0, 0));
        let mut rows = 0;
        for data in columns.iter().take(Column::Time as usize + 1) {
            match data {
                Data::Whole(numbers) => {
                    rows = numbers.values().len();
                    seqs = bounds(&mut numbers.values().iter().copied());
                }
                Data::Times(of) => {
                    times = (
                        of.values().iter().copied().min().unwrap_or(0),
                        of.values().iter().copied().max().unwrap_or(0),
                    );
                }
                _ => {}
            }
        }
        let log = self.log(path, group, checksums)?;
        Ok(Chunk::of(
            log,
            (Micros(times.0), Micros(times.1)),
            (Seq(seqs.0), Seq(seqs.1)),
            rows,
            columns.try_into().map_err(|_| not_ours())?,
        ))
    }

    /// The log whose events a group holds.
    fn log(&self, path: &Path, group: usize, checksums: &[u32]) -> io::Result<LogId> {
        let (start, length) = self.range(group, LOG_AT).ok_or_else(not_ours)?;
        let bytes = read_at(&File::open(path)?, start, length)?;
        check(&bytes, checksums.get(LOG_AT))?;
        let rows = self.groups().get(group).copied().unwrap_or(0);
        let batch = self.batch(Window { start, bytes }, group, rows, Some(LOG_AT), None)?;
        batch
            .columns()
            .first()
            .and_then(log_of)
            .ok_or_else(not_ours)
    }

    fn batch(
        &self,
        window: Window,
        group: usize,
        rows: usize,
        only: Option<usize>,
        selection: Option<RowSelection>,
    ) -> io::Result<RecordBatch> {
        let mut builder =
            ParquetRecordBatchReaderBuilder::new_with_metadata(window, self.metadata.clone())
                .with_row_groups(vec![group])
                .with_batch_size(rows.max(1));
        if let Some(at) = only {
            let mask = ProjectionMask::leaves(self.metadata.parquet_schema(), [at]);
            builder = builder.with_projection(mask);
        }
        if let Some(selection) = selection {
            builder = builder.with_row_selection(selection);
        }
        let mut batches = builder.build().map_err(io::Error::other)?;
        let batch = batches.next().ok_or_else(not_ours)?;
        let batch = batch.map_err(io::Error::other)?;
        if batch.num_rows() == rows {
            Ok(batch)
        } else {
            Err(not_ours())
        }
    }
}

/// All columns of a batch as a chunk.
fn chunk_of(log: LogId, batch: &RecordBatch) -> Option<Chunk> {
    let columns: Vec<Data> = Column::ALL
        .into_iter()
        .map(|column| from_arrow(column, batch.columns().get(place(column))?))
        .collect::<Option<_>>()?;
    // Rows are picked out of their chunk: neither its times nor its seqs matter to an event.
    let nowhere = ((Micros(0), Micros(0)), (Seq(0), Seq(0)));
    Some(Chunk::of(
        log,
        nowhere.0,
        nowhere.1,
        batch.num_rows(),
        columns.try_into().ok()?,
    ))
}

fn read_at(file: &File, start: u64, length: usize) -> io::Result<Bytes> {
    let mut bytes = vec![0; length];
    file.read_exact_at(&mut bytes, start)?;
    Ok(bytes.into())
}

fn check(bytes: &[u8], checksum: Option<&u32>) -> io::Result<()> {
    match checksum {
        Some(expected) if *expected == crc32fast::hash(bytes) => Ok(()),
        Some(_) => Err(io::Error::other("bytes differ from their checksum")),
        None => Err(io::Error::other("a column has no checksum")),
    }
}

fn not_ours() -> io::Error {
    io::Error::other("not laid out as a segment is")
}

/// The part of a file that was read, as if it were the whole.
struct Window {
    start: u64,
    bytes: Bytes,
}

impl Window {
    fn from(&self, start: u64) -> ParquetResult<Bytes> {
        let at = start
            .checked_sub(self.start)
            .and_then(|at| usize::try_from(at).ok())
            .filter(|at| *at <= self.bytes.len());
        let at = at.ok_or_else(|| ParquetError::EOF("outside of what was read".to_owned()))?;
        Ok(self.bytes.slice(at..))
    }
}

impl Length for Window {
    fn len(&self) -> u64 {
        self.start + self.bytes.len() as u64
    }
}

impl ChunkReader for Window {
    type T = bytes::buf::Reader<Bytes>;

    fn get_read(&self, start: u64) -> ParquetResult<Self::T> {
        Ok(self.from(start)?.reader())
    }

    fn get_bytes(&self, start: u64, length: usize) -> ParquetResult<Bytes> {
        let bytes = self.from(start)?;
        if bytes.len() < length {
            return Err(ParquetError::EOF("outside of what was read".to_owned()));
        }
        Ok(bytes.slice(..length))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use admintrail_event::testing;
    use proptest::prelude::*;

    use super::*;
    use crate::archive::ParquetWriter;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(60))]

        /// A file gives back what was written into it, whole groups and single rows alike.
        #[test]
        fn groups_and_rows_read_back(
            mut events in prop::collection::vec(testing::event(), 1..90),
            group_rows in 1_usize..40,
            step in 1_usize..5,
        ) {
            for (seq, event) in (1..).zip(&mut events) {
                event.seq = Seq(seq);
            }
            let mut file = tempfile::NamedTempFile::new().unwrap();
            let mut bytes = Vec::new();
            let mut writer = ParquetWriter::in_groups(&mut bytes, group_rows).unwrap();
            writer.write(&events).unwrap();
            writer.finish().unwrap();
            file.write_all(&bytes).unwrap();
            let path = file.path();
            let footer = Footer::read(path).unwrap();
            let checksums = footer.checksums(path).unwrap();
            let of_groups = events.chunks(group_rows);
            prop_assert_eq!(of_groups.len(), checksums.len());
            for (group, (events, checksums)) in of_groups.zip(&checksums).enumerate() {
                let chunk = footer.chunk(path, group, checksums).unwrap();
                let found: Vec<Event> = (0..chunk.rows).map(|row| chunk.event(row).unwrap()).collect();
                prop_assert_eq!(&found[..], events);
                let rows: Vec<usize> = (0..events.len()).step_by(step).collect();
                let found = footer.events(path, chunk.log, group, &rows, checksums).unwrap();
                let wanted: Vec<Event> = rows.iter().map(|row| events[*row].clone()).collect();
                prop_assert_eq!(found, wanted);
            }
        }
    }
}
