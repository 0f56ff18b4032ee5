//! Writing a file, a chunk of events after the other.

use std::io::{self, Write};

use admintrail_event::Event;
use arrow_array::RecordBatch;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterVersion};
use parquet::schema::types::ColumnPath;

use super::schema::{arrays, name, schema};
use crate::columns::{CHUNK_ROWS, Chunk, Column, Holds};

/// Events of a row group at most: enough to compress well, few enough to decode in a millisecond or
/// two, and no dictionary of theirs has more values than 16 bits can count.
const MOST_ROWS: usize = 65_535;

/// In what groups so many rows are written: about equal ones of at most so many.
pub(crate) fn group_rows(rows: usize, most: usize) -> usize {
    let most = most.clamp(1, MOST_ROWS);
    rows.div_ceil(rows.div_ceil(most).max(1)).max(1)
}

/// Distinct texts of a group, in bytes, before they are written plain.
const DICTIONARY_BYTES: usize = 16 << 20;
/// Higher levels cost much time and save next to nothing here.
const LEVEL: i32 = 3;

/// Writes events as one Parquet file.
pub struct ParquetWriter<W: Write + Send> {
    inner: ArrowWriter<W>,
}

impl<W: Write + Send> ParquetWriter<W> {
    /// Begins the file.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn new(out: W) -> io::Result<Self> {
        Self::in_groups(out, MOST_ROWS)
    }

    /// Begins a file in groups of so many rows.
    pub(crate) fn in_groups(out: W, rows: usize) -> io::Result<Self> {
        let properties = properties(rows)?;
        let inner = ArrowWriter::try_new(out, schema(), Some(properties)).map_err(unpacked)?;
        Ok(Self { inner })
    }

    /// Adds events. They reach the file when a group is full.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&mut self, events: &[Event]) -> io::Result<()> {
        // A chunk is of one log.
        for events in events.chunk_by(|a, b| a.log == b.log) {
            for events in events.chunks(CHUNK_ROWS) {
                self.write_chunk(&Chunk::build(events))?;
            }
        }
        Ok(())
    }

    /// Adds the events of a chunk.
    pub(crate) fn write_chunk(&mut self, chunk: &Chunk) -> io::Result<()> {
        let batch = RecordBatch::try_new(schema(), arrays(chunk)).map_err(io::Error::other)?;
        self.inner.write(&batch).map_err(unpacked)
    }

    /// Writes what is left and the end of the file.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn finish(mut self) -> io::Result<()> {
        self.inner.finish().map_err(unpacked)?;
        self.inner.sync()
    }

    /// [`Self::finish`], and gives back what it was written to.
    pub(crate) fn into_inner(self) -> io::Result<W> {
        self.inner.into_inner().map_err(unpacked)
    }
}

/// The error of the file itself, where that is what went wrong.
fn unpacked(error: ParquetError) -> io::Error {
    match error {
        ParquetError::External(inner) => match inner.downcast::<io::Error>() {
            Ok(error) => *error,
            Err(inner) => io::Error::other(inner),
        },
        other => io::Error::other(other),
    }
}

fn properties(group_rows: usize) -> io::Result<WriterProperties> {
    let level = ZstdLevel::try_new(LEVEL).map_err(unpacked)?;
    let made_by = concat!("admintrail ", env!("CARGO_PKG_VERSION"));
    let mut properties = WriterProperties::builder()
        .set_created_by(made_by.to_owned())
        .set_writer_version(WriterVersion::PARQUET_2_0)
        .set_compression(Compression::ZSTD(level))
        .set_max_row_group_row_count(Some(group_rows))
        .set_data_page_row_count_limit(CHUNK_ROWS)
        .set_write_batch_size(CHUNK_ROWS)
        .set_dictionary_page_size_limit(DICTIONARY_BYTES)
        .set_statistics_enabled(EnabledStatistics::Chunk);
    for column in Column::ALL {
        let path = || ColumnPath::from(name(column));
        let encoding = match encoding(column) {
            Some(encoding) => encoding,
            None => continue,
        };
        properties = properties
            .set_column_dictionary_enabled(path(), false)
            .set_column_encoding(path(), encoding);
    }
    Ok(properties.build())
}

/// How a column is written whose values hardly repeat.
const fn encoding(column: Column) -> Option<Encoding> {
    match column.holds() {
        // Neighbours differ little.
        Holds::Times | Holds::Whole => Some(Encoding::DELTA_BINARY_PACKED),
        // Ids begin with the time, which neighbours share. (DuckDB reads no other such encoding of them.)
        Holds::Ids => Some(Encoding::DELTA_BYTE_ARRAY),
        // Byte by byte, the upper ones of numbers that are all of a kind repeat.
        Holds::Numbers => match column {
            Column::DurationUs | Column::ResponseBytes => Some(Encoding::BYTE_STREAM_SPLIT),
            _ => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use admintrail_event::{EventJson, Seq, testing};
    use arrow_array::cast::AsArray;
    use arrow_array::types::{TimestampMicrosecondType, UInt16Type, UInt64Type};
    use arrow_array::{Array, StringArray};
    use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
    use proptest::prelude::*;
    use serde_json::{Map, Value, json};

    use super::*;

    /// What a reader of Parquet finds, in the words of JSON; what is absent is left out.
    fn read(file: Vec<u8>) -> Vec<Map<String, Value>> {
        let mut rows = Vec::new();
        let reader = ParquetRecordBatchReaderBuilder::try_new(bytes::Bytes::from(file))
            .unwrap()
            .build()
            .unwrap();
        for batch in reader {
            let batch = batch.unwrap();
            for row in 0..batch.num_rows() {
                let mut found = Map::new();
                for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
                    if column.is_valid(row) {
                        found.insert(field.name().clone(), value(column.as_ref(), row));
                    }
                }
                rows.push(found);
            }
        }
        rows
    }

    fn value(column: &dyn Array, row: usize) -> Value {
        if let Some(texts) = column.as_dictionary_opt::<UInt16Type>() {
            let texts = texts.downcast_dict::<StringArray>().unwrap();
            let text = texts.into_iter().nth(row).unwrap();
            return json!(text);
        }
        if let Some(times) = column.as_primitive_opt::<TimestampMicrosecondType>() {
            return json!(admintrail_event::Micros(times.value(row)).to_string());
        }
        if let Some(numbers) = column.as_primitive_opt::<UInt64Type>() {
            return json!(numbers.value(row));
        }
        if let Some(flags) = column.as_boolean_opt() {
            return json!(flags.value(row));
        }
        let id: [u8; 16] = column.as_fixed_size_binary().value(row).try_into().unwrap();
        json!(uuid(id))
    }

    fn uuid(bytes: [u8; 16]) -> String {
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let parts = [
            &hex[..8],
            &hex[8..12],
            &hex[12..16],
            &hex[16..20],
            &hex[20..],
        ];
        parts.join("-")
    }

    /// An event as JSON has it, with what is absent or `false` as columns have it.
    fn expected(event: &Event) -> Map<String, Value> {
        let Value::Object(mut json) = serde_json::to_value(EventJson(event)).unwrap() else {
            unreachable!("events are objects");
        };
        json.retain(|_, value| !value.is_null());
        for flag in ["asset", "polling"] {
            json.entry(flag).or_insert(json!(false));
        }
        let names: Vec<&str> = event.first.names().collect();
        json.insert("first".to_owned(), json!(names.join(" ")));
        json
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]

        #[test]
        fn what_is_read_back_is_what_was_written(
            mut events in prop::collection::vec(testing::event(), 0..60),
            cut in 0_usize..60,
        ) {
            for (seq, event) in (1..).zip(&mut events) {
                event.seq = Seq(seq);
            }
            let mut file = Vec::new();
            let mut writer = ParquetWriter::new(&mut file).unwrap();
            let (first, second) = events.split_at(cut.min(events.len()));
            writer.write(first).unwrap();
            writer.write(second).unwrap();
            writer.finish().unwrap();
            let found = read(file);
            let wanted: Vec<_> = events.iter().map(expected).collect();
            prop_assert_eq!(found, wanted);
        }
    }

    #[test]
    fn a_full_disk_is_told_as_what_it_is() {
        struct Full;
        impl Write for Full {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::StorageFull.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let error = ParquetWriter::new(Full)
            .and_then(ParquetWriter::finish)
            .unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::StorageFull, "{error}");
    }
}
