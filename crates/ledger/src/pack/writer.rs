//! Writing a pack, row by row.

use std::io::{self, Seek, Write};

use admintrail_event::{CanonicalFields, Micros};
use serde::Serialize;
use zip::write::{SimpleFileOptions, ZipFileBuilder};
use zip::{DateTime, ZipWriter};

use super::csv;
use super::facts::{Facts, Rows};
use super::fields::Texts;
use super::{PackAnchor, PackInfo};
use crate::{Checkpoint, ErasedProof, EventProof, LedgerError, verify_erased, verify_event};

/// Checks a pack in a browser.
const VERIFY_HTML: &str = include_str!("verify.html");

/// Checks a pack by Python alone.
const VERIFY_PY: &str = include_str!("verify.py");

/// Writes a pack into a file or whatever can be written and sought in.
///
/// Rows go out as they come. `events.csv` is kept in memory, compressed, until the end, since a zip
/// takes one file after the other: some 50 bytes a row.
pub struct PackWriter<'a, W: Write + Seek> {
    info: PackInfo<'a>,
    checkpoint: Checkpoint,
    options: SimpleFileOptions,
    zip: ZipWriter<W>,
    csv: ZipFileBuilder,
    anchors: Vec<PackAnchor>,
    rows: Rows,
    canonical: Vec<u8>,
    line: Vec<u8>,
    csv_line: String,
}

/// A line of `events.ndjson`.
#[derive(Serialize)]
struct Row<'a> {
    event: Texts<'a>,
    #[serde(flatten)]
    proof: Proof<'a>,
}

/// The second of its two names, with what belongs to it.
#[derive(Serialize, Clone, Copy)]
#[serde(rename_all = "lowercase")]
enum Proof<'a> {
    /// As it was recorded.
    Proof(&'a EventProof),
    /// As an erasure left it.
    Erased(&'a ErasedProof),
}

impl<'a, W: Write + Seek> PackWriter<'a, W> {
    /// Begins a pack.
    ///
    /// # Errors
    /// LEDGER-013 to 015, 017 and 018 if the key did not sign the checkpoint; LEDGER-026 if writing
    /// fails.
    pub fn new(out: W, info: PackInfo<'a>) -> Result<Self, LedgerError> {
        let keys = std::slice::from_ref(info.key);
        let checkpoint = Checkpoint::open(info.checkpoint.as_bytes(), keys)?;
        let options = SimpleFileOptions::default()
            .last_modified_time(civil(info.made).unwrap_or_default())
            .unix_permissions(0o644);
        let mut zip = ZipWriter::new(out);
        // The size is not known yet, and may need more than 32 bits.
        let rows = options.large_file(true);
        zip.start_file("events.ndjson", rows).map_err(unwritable)?;
        let mut csv = ZipFileBuilder::new("events.csv", options).map_err(unwritable)?;
        csv.write_all(csv::header().as_bytes())
            .map_err(unwritable)?;
        Ok(Self {
            info,
            checkpoint,
            options,
            zip,
            csv,
            anchors: Vec::new(),
            rows: Rows::default(),
            canonical: Vec::new(),
            line: Vec::new(),
            csv_line: String::new(),
        })
    }

    /// Adds an event as it was recorded. Events come in the order of their numbers, and all are of one
    /// log.
    ///
    /// # Errors
    /// LEDGER-025 for an event out of order or of another log; what [`verify_event`] finds if the
    /// proof does not lead from this event to the checkpoint; LEDGER-026 if writing fails, after
    /// which the pack is of no use.
    pub fn add(
        &mut self,
        fields: &CanonicalFields<'_>,
        proof: &EventProof,
    ) -> Result<(), LedgerError> {
        self.push(fields, Proof::Proof(proof))
    }

    /// Adds an event as an erasure left it, in its place among the others.
    ///
    /// # Errors
    /// As [`PackWriter::add`], with what [`verify_erased`] finds.
    pub fn add_erased(
        &mut self,
        fields: &CanonicalFields<'_>,
        proof: &ErasedProof,
    ) -> Result<(), LedgerError> {
        self.push(fields, Proof::Erased(proof))?;
        self.rows.erased += 1;
        Ok(())
    }

    fn push(&mut self, fields: &CanonicalFields<'_>, proof: Proof<'_>) -> Result<(), LedgerError> {
        let wrong = |cause| LedgerError::NotForPack {
            seq: fields.seq,
            cause,
        };
        if self.rows.log.is_some_and(|log| log != fields.log) {
            return Err(wrong("it is of another log than those before it"));
        }
        let last = self.rows.seqs.last().map_or(0, |(_, last)| *last);
        if fields.seq.0 <= last {
            return Err(wrong("events come in the order of their numbers"));
        }
        let head = self.checkpoint.head;
        match proof {
            Proof::Proof(proof) => verify_event(fields, proof, head)?,
            Proof::Erased(proof) => verify_erased(fields, proof, head)?,
        }
        self.canonical.clear();
        fields.write(&mut self.canonical);
        let event = Texts::of(&self.canonical).ok_or(wrong("a text of it is too long"))?;
        self.line.clear();
        serde_json::to_writer(&mut self.line, &Row { event, proof }).map_err(unwritable)?;
        self.line.push(b'\n');
        self.csv_line.clear();
        csv::push_line(&mut self.csv_line, &event);
        self.zip.write_all(&self.line).map_err(unwritable)?;
        self.csv
            .write_all(self.csv_line.as_bytes())
            .map_err(unwritable)?;
        self.rows.push(fields.log, fields.seq);
        Ok(())
    }

    /// Adds an earlier checkpoint that somebody else keeps.
    ///
    /// # Errors
    /// LEDGER-005 for one that the ledger of the pack does not begin with, or an empty one.
    pub fn anchor(&mut self, anchor: PackAnchor) -> Result<(), LedgerError> {
        let head = self.checkpoint.head;
        anchor.consistency.verify(anchor.head, head)?;
        if anchor.head.size == 0 {
            return Err(LedgerError::NotConsistent {
                old: 0,
                new: head.size,
            });
        }
        self.anchors.push(anchor);
        Ok(())
    }

    /// Entries that the checkpoint of the pack covers.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.checkpoint.head.size
    }

    /// How many events were added.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.rows.count()
    }

    /// Adds what belongs to the rows, and ends the pack.
    ///
    /// # Errors
    /// LEDGER-026 if writing fails.
    pub fn finish(self) -> Result<W, LedgerError> {
        let Self {
            info,
            checkpoint,
            options,
            mut zip,
            csv,
            anchors,
            rows,
            ..
        } = self;
        let csv = csv.finish().map_err(unwritable)?;
        zip.add_prepared_file(csv).map_err(unwritable)?;
        let facts = Facts::new(&info, &checkpoint, &anchors, &rows).map_err(unwritable)?;
        let json = serde_json::to_string_pretty(&facts).map_err(unwritable)?;
        let key = info.key.to_string();
        let program = options.unix_permissions(0o755);
        for (name, text, options) in [
            ("pack.json", format!("{json}\n").as_str(), options),
            ("checkpoint", info.checkpoint, options),
            ("key.txt", &format!("{key}\n"), options),
            ("README.txt", &facts.readme(&key), options),
            ("verify.html", VERIFY_HTML, options),
            ("verify.py", VERIFY_PY, program),
        ] {
            zip.start_file(name, options).map_err(unwritable)?;
            zip.write_all(text.as_bytes()).map_err(unwritable)?;
        }
        zip.finish().map_err(unwritable)
    }
}

fn unwritable(error: impl Into<io::Error>) -> LedgerError {
    LedgerError::PackUnwritable {
        cause: error.into().to_string(),
    }
}

/// A moment as zips have it, in UTC and to two seconds; `None` before 1980 and after 2107.
fn civil(moment: Micros) -> Option<DateTime> {
    let text = moment.to_string();
    let part = |from: usize, to: usize| text.get(from..to)?.parse::<u16>().ok();
    let byte = |from: usize| u8::try_from(part(from, from + 2)?).ok();
    DateTime::from_date_and_time(
        part(0, 4)?,
        byte(5)?,
        byte(8)?,
        byte(11)?,
        byte(14)?,
        byte(17)?,
    )
    .ok()
}
