//! What a trail finds when it is opened: what the database says of the archive, the segments, and what
//! is derived from them.

use std::path::Path;
use std::sync::Arc;

use admintrail_event::{EventId, LogId, Micros, Seq};
use rusqlite::Connection;

use super::TrailOptions;
use crate::StoreError;
use crate::archive::{Archive, Block, Name, SegmentFolder, Segments, Shared};
use crate::derived::{Derived, Hashing, Kept};
use crate::erasure::ERASING;
use crate::hot::{Access, Database, blocks, noted, segments, watermark};
use crate::random::random;
use crate::retention::{CLOCK_SEEN, DROPPED};

/// `access`: whether what is found broken may be mended.
pub(super) fn archive_of(options: &TrailOptions, access: Access) -> Arc<dyn Archive> {
    let shared = Arc::new(Shared::keeping(options.tuning.cache_bytes));
    let steps = options.steps.clone();
    let group = options.tuning.group;
    Arc::new(SegmentFolder::below(
        &options.dir,
        group,
        shared,
        steps,
        access,
    ))
}

/// What the database says of the archive.
pub(super) struct Found {
    pub(super) watermark: Seq,
    pub(super) segments: Vec<Name>,
    pub(super) blocks: Vec<Block>,
    /// The clock when retention looked last.
    pub(super) clock_seen: Option<Micros>,
    /// Events that retention dropped.
    pub(super) dropped: u64,
    /// What is remembered of an erasure.
    pub(super) erasing: Vec<u8>,
}

impl Found {
    pub(super) fn read(database: &Database, connection: &Connection) -> Result<Self, StoreError> {
        let read = || {
            // One moment: a server may be sealing.
            let moment = connection.unchecked_transaction()?;
            let found = Self {
                watermark: watermark(&moment)?,
                segments: segments(&moment)?,
                blocks: blocks(&moment)?,
                clock_seen: noted(&moment, CLOCK_SEEN)?
                    .and_then(|bytes| Some(Micros(i64::from_be_bytes(bytes.try_into().ok()?)))),
                dropped: noted(&moment, DROPPED)?
                    .and_then(|bytes| Some(u64::from_be_bytes(bytes.try_into().ok()?)))
                    .unwrap_or(0),
                erasing: noted(&moment, ERASING)?.unwrap_or_default(),
            };
            moment.commit()?;
            Ok(found)
        };
        if database.log(connection)?.is_none() {
            return Ok(Self {
                watermark: Seq(0),
                segments: Vec::new(),
                blocks: Vec::new(),
                clock_seen: None,
                dropped: 0,
                erasing: Vec::new(),
            });
        }
        read().map_err(|error: rusqlite::Error| database.opening_error(&error))
    }
}

/// The archive at the start, and what is derived from it.
pub(super) struct SealedPart {
    pub(super) segments: Segments,
    pub(super) broken: Vec<(Name, StoreError)>,
    pub(super) derived: Derived,
    pub(super) hashing: Hashing,
}

impl SealedPart {
    pub(super) fn open(archive: &dyn Archive, found: &Found, dir: &Path, log: LogId) -> Self {
        let (mut segments, mut broken) = (Vec::new(), Vec::new());
        for name in &found.segments {
            match archive.open(name.clone()) {
                Ok(segment) => segments.push(segment),
                Err(error) => {
                    tracing::error!(code = error.code(), %error, "a part of the archive is left out");
                    broken.push((name.clone(), error));
                }
            }
        }
        let kept = Kept::read(dir, log);
        let hashing = kept.as_ref().map_or_else(Hashing::default, Kept::hashing);
        let known = kept.as_ref().map_or(0, |kept| kept.seq);
        let mut derived = Derived::new(hashing);
        for segment in segments
            .iter()
            .filter(|segment| segment.name.last.0 > known)
        {
            for chunk in (0..segment.head.groups.len()).filter_map(|group| segment.chunk(group)) {
                derived.replay_sealed(&chunk);
            }
        }
        if let Some(kept) = kept {
            kept.into_derived(&mut derived);
        }
        Self {
            segments: segments.into(),
            broken,
            derived,
            hashing,
        }
    }

    /// The highest id that is sealed.
    pub(super) fn last_id(&self) -> Option<EventId> {
        let groups = self
            .segments
            .iter()
            .flat_map(|segment| &segment.head.groups);
        let ids = groups.filter_map(|group| EventId::from_bytes(group.ids.1).ok());
        ids.max()
    }
}

/// The id of a log that begins.
pub(crate) fn fresh_log() -> Result<LogId, StoreError> {
    let bytes = random()?;
    Ok(LogId(bytes))
}
