//! What the events of a data folder weigh.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;

use parquet::file::metadata::ParquetMetaData;
use parquet::file::reader::{FileReader, SerializedFileReader};

use crate::{Error, figure, float};

#[derive(Default)]
struct Segments {
    files: u64,
    events: u64,
    /// Of the Parquet files, and of what else lies beside them.
    bytes: u64,
    others: u64,
    columns: BTreeMap<String, u64>,
}

/// Of the sealed events, a figure an event; nothing of them where nothing is sealed.
pub(crate) fn print(dir: &Path) -> Result<(), Error> {
    let segments = Segments::read(&dir.join("segments"))?;
    figure("trail_db_bytes", float(bytes_of(&dir.join("trail.db"))));
    figure("segments", float(segments.files));
    figure("sealed_events", float(segments.events));
    if segments.events == 0 {
        return Ok(());
    }
    let each = |bytes: u64| float(bytes) / float(segments.events);
    let ids = segments.columns.get("id").copied().unwrap_or(0);
    let whole = segments.bytes + segments.others;
    figure("bytes_per_event", each(whole));
    figure("bytes_per_event_without_ids", each(whole - ids));
    figure("bytes_per_event_beside_parquet", each(segments.others));
    let columns: u64 = segments.columns.values().sum();
    figure("bytes_per_event_of_footers", each(segments.bytes - columns));
    for (column, bytes) in &segments.columns {
        figure(&format!("bytes_per_event_of_column_{column}"), each(*bytes));
    }
    Ok(())
}

impl Segments {
    fn read(dir: &Path) -> Result<Self, Error> {
        let mut segments = Self::default();
        let Ok(entries) = std::fs::read_dir(dir) else {
            return Ok(segments);
        };
        for entry in entries {
            let file = entry?.path();
            if file.extension().is_some_and(|name| name == "parquet") {
                segments.bytes += bytes_of(&file);
                let reader = SerializedFileReader::new(File::open(&file)?)?;
                segments.add(reader.metadata());
            } else {
                segments.others += bytes_of(&file);
            }
        }
        Ok(segments)
    }

    fn add(&mut self, file: &ParquetMetaData) {
        self.files += 1;
        for group in file.row_groups() {
            self.events += group.num_rows().unsigned_abs();
            for column in group.columns() {
                // A filter that finds ids is there for the ids alone.
                let filter = column.bloom_filter_length().unwrap_or(0);
                let bytes =
                    column.compressed_size().unsigned_abs() + u64::from(filter.unsigned_abs());
                let name = column.column_path().string();
                *self.columns.entry(name).or_default() += bytes;
            }
        }
    }
}

fn bytes_of(file: &Path) -> u64 {
    file.metadata().map_or(0, |metadata| metadata.len())
}
