//! A checkpoint in a file, on another disk.
//!
//! The file is replaced, whole and durable; beside it `….log` gets a line for every checkpoint that
//! covers more than the one before, so that older ones can be found. What stands there already is
//! held against the ledger first: an anchor that contradicts it is never written over, and neither
//! is a file that somebody named by mistake, nor one that stands where its log would. Pages name files
//! too, and whoever may use them need not be somebody who may write here.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use admintrail_ledger::{Checkpoint, LedgerError, TileId, TileReader, TileSource, TreeHead};

use admintrail_web::anchors::KeptCheckpoints;
use admintrail_web::anchors::check::is_within;

use super::kept::{Line, beside, log_of, notes};
use super::note::Note;
use super::ways::Kept;

/// A line is shorter than this.
const LINE: u64 = 16 << 10;
/// What a checkpoint is begun in. Nobody else's file is called so.
const PART: &str = "admintrail-part";

/// Keeps a checkpoint; says why it could not.
pub(super) fn keep(
    path: &Path,
    data: &Path,
    note: &Note,
    was_elsewhere: bool,
) -> Result<Kept, String> {
    let folder = path.parent().unwrap_or(Path::new("/"));
    let elsewhere = match is_elsewhere(folder, data) {
        Ok(elsewhere) => elsewhere,
        // No folder is made: where a disk is not mounted it would be on the wrong one.
        Err(error) => {
            return Err(format!(
                "its folder cannot be used ({error}); perhaps its disk is not mounted"
            ));
        }
    };
    if was_elsewhere && !elsewhere {
        return Err(
            "its folder is on the disk of the data folder now, and was on another one; perhaps that \
             is not mounted. Where this is meant, name another file"
                .to_owned(),
        );
    }
    if is_within(folder, data) {
        return Err("its folder is in the data folder".to_owned());
    }
    check_before(path, data, note)?;
    let wrong = |what: &Path| {
        let what = what.display().to_string();
        move |error: io::Error| format!("{what} cannot be written: {error}")
    };
    let log = log_of(path);
    append(&log, note).map_err(wrong(&log))?;
    replace(path, note.checkpoint.as_bytes()).map_err(wrong(path))?;
    Ok(Kept {
        size: note.head.size,
        elsewhere,
    })
}

/// Whether a folder is on another disk than the data folder.
pub(super) fn is_elsewhere(folder: &Path, data: &Path) -> io::Result<bool> {
    Ok(fs::metadata(folder)?.dev() != fs::metadata(data)?.dev())
}

/// Holds what stands there already against the ledger.
fn check_before(path: &Path, data: &Path, note: &Note) -> Result<(), String> {
    let bytes = match standing(path) {
        Ok(Some(bytes)) if !bytes.is_empty() => bytes,
        Ok(_) => return Ok(()),
        Err(error) => return Err(format!("it cannot be read: {error}")),
    };
    let before = Checkpoint::open(&bytes, std::slice::from_ref(&note.key)).map_err(|error| {
        format!(
            "it has something else than a checkpoint of this ledger, and is not written over \
             ({error}); move it away, or name another file"
        )
    })?;
    match contains(data, note.head, before.head) {
        Ok(true) => Ok(()),
        Ok(false) => Err(format!(
            "it has a checkpoint over {} entries that the ledger contradicts: the ledger was \
             rewritten or cut, or an old copy was put back. It is not written over; admintrail \
             verify --anchor says more",
            before.head.size
        )),
        Err(error) => Err(format!(
            "the ledger cannot be held against what it has: {error}"
        )),
    }
}

/// What stands there, as much of it as a checkpoint could be; `None`: nothing.
fn standing(path: &Path) -> io::Result<Option<Vec<u8>>> {
    match fs::metadata(path) {
        // Reading it could take forever.
        Ok(meta) if !meta.is_file() => Err(io::Error::other("it is no file")),
        Ok(_) => {
            let mut bytes = Vec::new();
            File::open(path)?.take(LINE).read_to_end(&mut bytes)?;
            Ok(Some(bytes))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// The checkpoints that stand in a file and beside it, each with where it stands; none where nothing can
/// be read.
pub(crate) fn kept_at(path: &Path) -> KeptCheckpoints {
    let files = [path.to_owned(), log_of(path)];
    let named = |file: PathBuf| {
        let bytes = standing(&file).ok().flatten().unwrap_or_default();
        let place = file.display().to_string();
        let found = if bytes.is_empty() {
            Vec::new()
        } else {
            notes(&bytes)
        };
        found.into_iter().map(move |(line, note)| match line {
            Some(line) => (format!("{place}:{line}"), note),
            None => (place.clone(), note),
        })
    };
    files.into_iter().flat_map(named).collect()
}

/// Whether the ledger begins with an older one.
fn contains(data: &Path, head: TreeHead, before: TreeHead) -> Result<bool, LedgerError> {
    if before.size >= head.size {
        return Ok(before == head);
    }
    let tiles = Tiles(data.join("ledger"));
    let (found, _) = TileReader::new(&tiles, head).consistency(before.size)?;
    Ok(found == before)
}

/// The published ledger.
struct Tiles(PathBuf);

impl TileSource for Tiles {
    fn read(&self, tile: &TileId) -> io::Result<Option<Vec<u8>>> {
        match fs::read(self.0.join(tile.to_string())) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// Adds a line, unless the last one says the same.
fn append(path: &Path, note: &Note) -> io::Result<()> {
    if fs::metadata(path).is_ok_and(|meta| !meta.is_file()) {
        return Err(io::Error::other("it is no file"));
    }
    let mut file = OpenOptions::new()
        .read(true)
        .append(true)
        .create(true)
        .open(path)?;
    let meta = file.metadata()?;
    let length = meta.len();
    let mut tail = Vec::new();
    file.seek(SeekFrom::Start(length.saturating_sub(LINE)))?;
    (&file).take(LINE).read_to_end(&mut tail)?;
    // What the power failed in goes, or the next line would stand behind it.
    let whole = tail.iter().rposition(|byte| *byte == b'\n');
    let whole = whole.map_or(0, |at| at + 1);
    let torn = tail.split_off(whole);
    let last = tail
        .split(|byte| *byte == b'\n')
        .rfind(|one| !one.is_empty());
    let last = last.map(|last| serde_json::from_slice::<Line>(last).ok());
    let is_ours = match &last {
        Some(line) => line.is_some(),
        None => is_begun(&torn) && length < LINE,
    };
    if !is_ours {
        return Err(io::Error::other(
            "it has something else than checkpoints, and is not written to; move it away, or name \
             another file",
        ));
    }
    if !torn.is_empty() {
        file.set_len(length.saturating_sub(torn.len() as u64))?;
    }
    let last = last.flatten();
    let root = note.head.root.to_base64();
    if last.is_some_and(|last| last.size == note.head.size && last.root == root) {
        return Ok(());
    }
    let line = format!("{}\n", note.json());
    file.write_all(line.as_bytes())?;
    file.sync_all()
}

/// Whether these bytes are how a line of ours begins, as the power left it.
fn is_begun(torn: &[u8]) -> bool {
    const BEGINS: &[u8] = b"{\"at\":\"";
    torn.iter().zip(BEGINS).all(|(one, other)| one == other)
}

/// All of it or nothing, and durable.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let part = beside(path, PART);
    // What a crash left, or what somebody else put there, is not written into.
    match fs::remove_file(&part) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&part)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&part, path)?;
    let folder = path.parent().unwrap_or(Path::new("/"));
    match File::open(folder)?.sync_all() {
        // Some network disks know no such thing.
        Err(error) if error.kind() != io::ErrorKind::InvalidInput => Err(error),
        _ => Ok(()),
    }
}
