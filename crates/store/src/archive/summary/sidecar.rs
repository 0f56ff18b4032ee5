//! A summary as a file beside its segment: sections, each compressed and checked on its own, so that
//! a question reads only what it needs.
//!
//! ```text
//! "ADMTSUM1" │ u32le length of the table │ table │ u32le CRC-32 of all that │ sections …
//! ```

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use admintrail_event::{EventId, LogId, Seq};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::bloom::{self, Bloom};
use super::counts::{Counts, CountsByPerson};
use super::grams::TextGrams;
use super::lexicon::{Person, Shape};
use super::values::{ValueCounts, Values};

const MAGIC: &[u8; 8] = b"ADMTSUM1";
const LEVEL: i32 = 3;
/// A table longer than this is none.
const LONGEST_TABLE: usize = 1 << 16;

/// What there is in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Section {
    Head,
    People,
    Counts,
    Totals,
    Full,
    /// Of one counted field.
    Values(u8),
    Sessions,
    Grams,
    Bloom,
    Blocks,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Entry {
    section: Section,
    at: u64,
    length: u64,
    plain_length: u64,
    crc: u32,
}

/// Everything of a segment.
pub(crate) struct Summary {
    pub(crate) head: Head,
    pub(crate) people: People,
    /// By bucket and shape.
    pub(crate) counts: Counts,
    /// By person and shape; the bucket is 0.
    pub(crate) totals: CountsByPerson,
    /// By person, bucket and shape.
    pub(crate) full: CountsByPerson,
    pub(crate) values: Values,
    pub(crate) sessions: Vec<SessionRecord>,
    pub(crate) grams: TextGrams,
    pub(crate) bloom: Bloom,
    pub(crate) blocks: Vec<Block>,
}

/// What is kept in memory of every segment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Head {
    pub(crate) log: [u8; 16],
    pub(crate) first_seq: u64,
    pub(crate) last_seq: u64,
    pub(crate) rows: u64,
    /// Smallest and largest `received`.
    pub(crate) received: (i64, i64),
    /// Bytes of the Parquet file.
    pub(crate) bytes: u64,
    /// CRC-32 of its bytes outside of the columns.
    pub(crate) frame: u32,
    pub(crate) groups: Vec<Group>,
    pub(crate) shapes: Vec<Shape>,
    /// Rows of each shape.
    pub(crate) shape_rows: Vec<u32>,
    /// Which quarters of an hour have rows, ascending.
    pub(crate) buckets: Vec<i64>,
    /// How many people there are, and which values were counted.
    pub(crate) people: u32,
    /// Groups with sessions that no record tells of, one bit each.
    pub(crate) stray_sessions: u16,
    /// Rows of each panel with their smallest and largest `received`.
    pub(crate) panels: Vec<(String, u64, i64, i64)>,
}

impl Head {
    pub(crate) fn log(&self) -> LogId {
        LogId(self.log)
    }
}

/// A row group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Group {
    pub(crate) rows: u32,
    pub(crate) seqs: (u64, u64),
    /// Smallest and largest id.
    pub(crate) ids: ([u8; 16], [u8; 16]),
    /// From which time to which there are rows, without overlap, ascending: a late event does not
    /// stretch the time of all others.
    pub(crate) spans: Vec<(i64, i64)>,
    /// CRC-32 of the bytes of each column in the file.
    pub(crate) checksums: Vec<u32>,
}

impl Group {
    /// Smallest and largest time.
    pub(crate) fn times(&self) -> (i64, i64) {
        let first = self.spans.first().map_or(0, |span| span.0);
        let last = self.spans.iter().map(|span| span.1).max().unwrap_or(0);
        (first, last)
    }
}

/// Who did something.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct People {
    pub(crate) people: Vec<Person>,
    /// In which groups: one bit each.
    pub(crate) groups: Vec<u16>,
}

/// What a segment holds of one session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SessionRecord {
    pub(crate) session: [u8; 16],
    pub(crate) panel: String,
    pub(crate) admin: Option<String>,
    pub(crate) admin_name: Option<String>,
    pub(crate) start: i64,
    pub(crate) last: i64,
    pub(crate) requests: u64,
    pub(crate) folded: u64,
    pub(crate) changes: u64,
    pub(crate) denied: u64,
    pub(crate) ips: Vec<[u8; 16]>,
    pub(crate) user_agent: Option<String>,
    pub(crate) acted: Option<i64>,
    pub(crate) named: Option<i64>,
    pub(crate) signed_out: Option<i64>,
    /// Whether a row of it is there that no view folds away, be it of an attempt that counts for nothing.
    pub(crate) plain: bool,
    /// In which groups: one bit each.
    pub(crate) groups: u16,
}

/// The events that were accepted in about one second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Block {
    pub(crate) first_seq: u64,
    pub(crate) count: u32,
    /// Smallest and largest `received`.
    pub(crate) received: (i64, i64),
}

impl Block {
    /// Its first and last event.
    pub(crate) const fn seqs(&self) -> (Seq, Seq) {
        let last = self.first_seq + (self.count as u64).saturating_sub(1);
        (Seq(self.first_seq), Seq(last))
    }
}

impl Summary {
    /// Writes the file and its name into the folder; durable when this returns.
    pub(crate) fn write(&self, out: &mut File) -> io::Result<()> {
        let mut body = Vec::new();
        let mut table = Vec::new();
        let mut put = |section, plain: Vec<u8>, compress: bool| -> io::Result<()> {
            let packed = if compress {
                zstd::bulk::compress(&plain, LEVEL)?
            } else {
                plain.clone()
            };
            table.push(Entry {
                section,
                at: body.len() as u64,
                length: packed.len() as u64,
                plain_length: plain.len() as u64,
                crc: crc32fast::hash(&packed),
            });
            body.extend_from_slice(&packed);
            Ok(())
        };
        put(Section::Head, encoded(&self.head)?, true)?;
        put(Section::People, encoded(&self.people)?, true)?;
        put(Section::Counts, encoded(&self.counts)?, true)?;
        put(Section::Totals, encoded(&self.totals)?, true)?;
        put(Section::Full, encoded(&self.full)?, true)?;
        for (place, values) in (0..).zip(&self.values) {
            put(Section::Values(place), encoded(values)?, true)?;
        }
        put(Section::Sessions, encoded(&self.sessions)?, true)?;
        put(Section::Grams, encoded(&self.grams)?, true)?;
        put(Section::Bloom, self.bloom.bytes().to_vec(), false)?;
        put(Section::Blocks, encoded(&self.blocks)?, true)?;
        let table = encoded(&table)?;
        let mut head = MAGIC.to_vec();
        let length = u32::try_from(table.len()).map_err(io::Error::other)?;
        head.extend_from_slice(&length.to_le_bytes());
        head.extend_from_slice(&table);
        let crc = crc32fast::hash(&head);
        out.write_all(&head)?;
        out.write_all(&crc.to_le_bytes())?;
        out.write_all(&body)?;
        out.sync_all()
    }
}

fn encoded<T: Serialize>(value: &T) -> io::Result<Vec<u8>> {
    postcard::to_stdvec(value).map_err(io::Error::other)
}

fn damaged(what: &'static str) -> io::Error {
    io::Error::other(what)
}

/// A summary's file, opened when something of it is read.
#[derive(Debug, Clone)]
pub(crate) struct Sidecar {
    path: PathBuf,
    table: Vec<Entry>,
    /// Where the sections begin.
    base: u64,
}

impl Sidecar {
    /// Reads the table.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let mut head = vec![0; MAGIC.len() + 4];
        file.read_exact_at(&mut head, 0)?;
        let (magic, length) = head.split_at(MAGIC.len());
        if magic != MAGIC {
            return Err(damaged("not a summary"));
        }
        let length = u32::from_le_bytes(length.try_into().unwrap_or_default()) as usize;
        if length > LONGEST_TABLE {
            return Err(damaged("not a summary"));
        }
        let start = head.len();
        head.resize(start + length + 4, 0);
        let rest = head.get_mut(start..).unwrap_or_default();
        file.read_exact_at(rest, start as u64)?;
        let (checked, crc) = head.split_at(start + length);
        if crc32fast::hash(checked).to_le_bytes() != *crc {
            return Err(damaged("bytes differ from their checksum"));
        }
        let table = checked.get(start..).unwrap_or_default();
        Ok(Self {
            path: path.to_path_buf(),
            table: postcard::from_bytes(table).map_err(io::Error::other)?,
            base: head.len() as u64,
        })
    }

    fn entry(&self, section: Section) -> io::Result<&Entry> {
        let mut entries = self.table.iter();
        entries
            .find(|entry| entry.section == section)
            .ok_or_else(|| damaged("a section is missing"))
    }

    fn read<T: DeserializeOwned>(&self, section: Section) -> io::Result<T> {
        let entry = self.entry(section)?;
        let mut packed = vec![0; usize::try_from(entry.length).map_err(io::Error::other)?];
        File::open(&self.path)?.read_exact_at(&mut packed, self.base + entry.at)?;
        if crc32fast::hash(&packed) != entry.crc {
            return Err(damaged("bytes differ from their checksum"));
        }
        let length = usize::try_from(entry.plain_length).map_err(io::Error::other)?;
        let plain = zstd::bulk::decompress(&packed, length)?;
        postcard::from_bytes(&plain).map_err(io::Error::other)
    }

    pub(crate) fn head(&self) -> io::Result<Head> {
        self.read(Section::Head)
    }

    pub(crate) fn people(&self) -> io::Result<People> {
        self.read(Section::People)
    }

    pub(crate) fn counts(&self) -> io::Result<Counts> {
        self.read(Section::Counts)
    }

    pub(crate) fn totals(&self) -> io::Result<CountsByPerson> {
        self.read(Section::Totals)
    }

    pub(crate) fn full(&self) -> io::Result<CountsByPerson> {
        self.read(Section::Full)
    }

    pub(crate) fn values(&self, place: u8) -> io::Result<Option<ValueCounts>> {
        self.read(Section::Values(place))
    }

    pub(crate) fn sessions(&self) -> io::Result<Vec<SessionRecord>> {
        self.read(Section::Sessions)
    }

    pub(crate) fn grams(&self) -> io::Result<TextGrams> {
        self.read(Section::Grams)
    }

    pub(crate) fn blocks(&self) -> io::Result<Vec<Block>> {
        self.read(Section::Blocks)
    }

    /// Whether the segment may hold the id: one small read.
    pub(crate) fn may_hold(&self, id: EventId) -> io::Result<bool> {
        let entry = self.entry(Section::Bloom)?;
        let blocks = usize::try_from(entry.length).map_err(io::Error::other)? / bloom::BLOCK;
        let at = (bloom::block_for(id, blocks) * bloom::BLOCK) as u64;
        let mut block = [0; bloom::BLOCK];
        File::open(&self.path)?.read_exact_at(&mut block, self.base + entry.at + at)?;
        Ok(bloom::may_hold(&block, id))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Reads everything and holds it against its checksums.
    pub(crate) fn check(&self) -> io::Result<()> {
        let file = File::open(&self.path)?;
        for entry in &self.table {
            let mut packed = vec![0; usize::try_from(entry.length).map_err(io::Error::other)?];
            file.read_exact_at(&mut packed, self.base + entry.at)?;
            if crc32fast::hash(&packed) != entry.crc {
                return Err(damaged("bytes differ from their checksum"));
            }
        }
        Ok(())
    }
}
