//! What an earlier run left open.

use std::io;
use std::path::{Path, PathBuf};

use admintrail_event::{Draft, EventId};
use hashbrown::HashMap;

use super::frame::Frames;
use super::record::{self, Record};

/// What was found in the folder.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Openings never released, in the order in which they began.
    pub(super) open: Vec<Draft>,
    /// The segments they were found in; deleted once the openings are carried over.
    pub(super) segments: Vec<PathBuf>,
    /// The highest segment number.
    pub(super) last: u64,
}

/// File name of a segment.
pub(super) fn segment_name(number: u64) -> String {
    format!("openings-{number:016}.log")
}

fn segment_number(path: &Path) -> Option<u64> {
    let name = path.file_name()?.to_str()?;
    name.strip_prefix("openings-")?
        .strip_suffix(".log")?
        .parse()
        .ok()
}

/// What another version wrote can be read by that one alone. Going on without it would lose what it
/// holds, since segments are deleted once they are taken over.
pub(super) fn of_another_version(path: &Path) -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        format!(
            "{} was written by another version: start that one once, so that it delivers what is \
             open, or move the file away, which loses it",
            path.display()
        ),
    )
}

/// Reads every segment, oldest first.
///
/// # Errors
/// A file cannot be read, or is another version's.
pub(super) fn read(folder: &Path) -> io::Result<Found> {
    let mut segments = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if let Some(number) = segment_number(&path) {
            segments.push((number, path));
        }
    }
    segments.sort();
    let mut open: HashMap<EventId, Box<Draft>> = HashMap::new();
    for (_, path) in &segments {
        let bytes = std::fs::read(path)?;
        let mut frames = Frames::of(&bytes).map_err(|_| of_another_version(path))?;
        for payload in frames.by_ref() {
            match record::read(payload) {
                Some(Record::Opening(draft)) => {
                    open.insert(draft.id, draft);
                }
                Some(Record::Release(ids)) => {
                    for id in ids {
                        open.remove(&id);
                    }
                }
                Some(Record::Pad) => {}
                None => return Err(of_another_version(path)),
            }
        }
        if frames.damaged() > 0 {
            tracing::info!(
                segment = %path.display(),
                damaged_bytes = frames.damaged(),
                "bytes of the journal belong to no whole record, as after a crash"
            );
        }
    }
    let mut open: Vec<_> = open.into_values().map(|draft| *draft).collect();
    open.sort_by_key(|draft| (draft.time, draft.id));
    Ok(Found {
        open,
        last: segments.last().map_or(0, |(number, _)| *number),
        segments: segments.into_iter().map(|(_, path)| path).collect(),
    })
}
