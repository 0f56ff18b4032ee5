//! Events as a file, for the page, the API and the shell alike.

use std::io::{self, Write};

use admintrail_event::EventJson;
use admintrail_store::{ParquetWriter, Trail, View};

use super::csv::{csv_header, csv_lines};

/// What a file of events is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileFormat {
    /// Safe to open in a spreadsheet.
    Csv,
    /// Exact, a line an event.
    Ndjson,
    /// Exact, a column a field.
    Parquet,
}

impl FileFormat {
    /// Every format.
    pub const ALL: [Self; 3] = [Self::Csv, Self::Ndjson, Self::Parquet];

    /// By its word, which is the file's extension too.
    #[must_use]
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|format| format.extension() == word)
    }

    /// The file's extension.
    #[must_use]
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Ndjson => "ndjson",
            Self::Parquet => "parquet",
        }
    }

    /// As people write it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Csv => "CSV",
            Self::Ndjson => "NDJSON",
            Self::Parquet => "Parquet",
        }
    }

    pub(crate) const fn media_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8; header=present",
            Self::Ndjson => "application/x-ndjson",
            Self::Parquet => "application/vnd.apache.parquet",
        }
    }
}

/// Writes every event of the view, oldest first. Says how many.
///
/// # Errors
/// When the trail cannot be read or the file not be written.
pub fn write_file(
    trail: &Trail,
    view: &View,
    format: FileFormat,
    out: &mut (impl Write + Send),
) -> io::Result<u64> {
    let mut count = 0;
    let chunks = trail.scan(view).map(|chunk| {
        let events = chunk.map_err(io::Error::other)?;
        count += events.len() as u64;
        Ok::<_, io::Error>(events)
    });
    match format {
        FileFormat::Csv => {
            out.write_all(&csv_header()?)?;
            for events in chunks {
                out.write_all(&csv_lines(&events?)?)?;
            }
        }
        FileFormat::Ndjson => {
            for events in chunks {
                for event in &events? {
                    serde_json::to_writer(&mut *out, &EventJson(event))?;
                    out.write_all(b"\n")?;
                }
            }
        }
        FileFormat::Parquet => {
            let mut file = ParquetWriter::new(&mut *out)?;
            for events in chunks {
                file.write(&events?)?;
            }
            file.finish()?;
        }
    }
    out.flush()?;
    Ok(count)
}
