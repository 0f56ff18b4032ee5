//! What follows from all events ever, kept in a file beside the database so that a start need not
//! read them all. It is a help and no more: without it everything is derived again.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use admintrail_event::{LogId, Seq};
use serde::{Deserialize, Serialize};

use super::firsts::KeptFirsts;
use super::sessions::KeptAdmin;
use super::{Derived, Hashing, Judging, Sessions};

const FILE: &str = "derived.snapshot";
const MAGIC: &[u8; 8] = b"ADMTDER1";
const LEVEL: i32 = 1;
/// Nobody has as much to keep.
const MOST_BYTES: u64 = 4 << 30;

/// The kept part.
#[derive(Serialize, Deserialize)]
pub(crate) struct Kept {
    log: [u8; 16],
    key: [u8; 16],
    /// Everything up to here is in it; some of what came later may be, too.
    pub(crate) seq: u64,
    firsts: Vec<KeptFirsts>,
    admins: Vec<KeptAdmin>,
}

impl Kept {
    /// Of this moment, at which `seq` was the last.
    pub(crate) fn of(judging: &Judging, sessions: &Sessions, log: LogId, seq: Seq) -> Self {
        Self {
            log: log.0,
            key: judging.hashing.key,
            seq: seq.0,
            firsts: judging.firsts.kept(),
            admins: sessions.kept_admins(),
        }
    }

    /// Writes it in place of the one before; durable when this returns.
    pub(crate) fn write(&self, dir: &Path) -> io::Result<()> {
        let plain = postcard::to_stdvec(self).map_err(io::Error::other)?;
        let packed = zstd::bulk::compress(&plain, LEVEL)?;
        let unfinished = dir.join(format!("{FILE}.tmp"));
        let mut options = File::options();
        options.write(true).create(true).truncate(true).mode(0o600);
        let mut file = options.open(&unfinished)?;
        file.write_all(MAGIC)?;
        file.write_all(&(plain.len() as u64).to_le_bytes())?;
        file.write_all(&crc32fast::hash(&packed).to_le_bytes())?;
        file.write_all(&packed)?;
        file.sync_all()?;
        fs::rename(unfinished, dir.join(FILE))?;
        File::open(dir)?.sync_all()
    }

    /// Reads it; `None` if there is none of this log that can be used.
    pub(crate) fn read(dir: &Path, log: LogId) -> Option<Self> {
        let bytes = fs::read(dir.join(FILE)).ok()?;
        let (magic, rest) = bytes.split_first_chunk::<8>()?;
        let (length, rest) = rest.split_first_chunk::<8>()?;
        let (crc, packed) = rest.split_first_chunk::<4>()?;
        let length = u64::from_le_bytes(*length);
        if magic != MAGIC
            || u32::from_le_bytes(*crc) != crc32fast::hash(packed)
            || length > MOST_BYTES
        {
            return None;
        }
        let plain = zstd::bulk::decompress(packed, usize::try_from(length).ok()?).ok()?;
        let kept: Self = postcard::from_bytes(&plain).ok()?;
        (kept.log == log.0).then_some(kept)
    }

    /// How its hashes were made: whatever joins it must be hashed alike.
    pub(crate) const fn hashing(&self) -> Hashing {
        Hashing::keyed(self.key)
    }

    /// Joins it.
    pub(crate) fn into_derived(self, derived: &mut Derived) {
        derived.judging.firsts.take(self.firsts);
        derived.sessions.take_admins(self.admins);
    }
}
