//! Sealed events. Queries read the archive below the watermark and hot above it, with one evaluator.
//!
//! A **segment** is an immutable run of events: a Parquet file, and beside it a summary of what is in
//! it (`summary/`). Which segments there are is decided by `trail.db` alone, in one transaction with
//! the watermark; a file that is not registered there is nothing and is removed at the start.

mod folder;
mod parquet;
mod segment;
mod summary;

use std::io;
use std::sync::Arc;

use admintrail_event::{EventId, LogId, Seq};
use hashbrown::HashMap;

use crate::StoreError;
use crate::columns::Chunk;

pub(crate) use folder::SegmentFolder;
pub use parquet::ParquetWriter;
pub(crate) use segment::{Name, Segment, Shared};
pub(crate) use summary::{
    ADMIN_GRAMS, BUCKET, Block, Grams, Group, Looked, Plan, SessionRecord, Shape, Slice, TextGrams,
    Treated, Value, WithHot, bucket_of, by_rank, counted_place, grams_place, group_bit, has_group,
};

/// The segments of one moment, in the order of acceptance.
pub(crate) type Segments = Arc<[Arc<Segment>]>;

/// Where sealed events are kept.
pub(crate) trait Archive: Send + Sync {
    /// Makes a run of events durable. It counts only once it is registered.
    fn write(&self, run: &Run<'_>) -> io::Result<Arc<Segment>>;

    /// A segment that is registered.
    fn open(&self, name: Name) -> Result<Arc<Segment>, StoreError>;

    /// Which of these ids are sealed in the segments; of which that cannot be said, because the segment
    /// that may hold them is damaged.
    fn find(
        &self,
        segments: &[Arc<Segment>],
        ids: &[EventId],
    ) -> HashMap<EventId, Result<Known, StoreError>>;

    /// Removes what an unfinished step left behind; `registered` is all that counts.
    fn clean(&self, registered: &[Name]);

    /// Removes the files of a segment that is no longer registered.
    fn remove(&self, name: &Name);
}

/// Events to be sealed, in `seq` order.
pub(crate) struct Run<'r> {
    pub(crate) log: LogId,
    /// The seqs that the run stands for; some of them may be gone.
    pub(crate) seqs: (Seq, Seq),
    pub(crate) generation: u32,
    pub(crate) chunks: &'r [Arc<Chunk>],
    pub(crate) blocks: Vec<Block>,
}

/// An event that was accepted before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Known {
    pub(crate) seq: Seq,
    /// Of what was submitted then.
    pub(crate) digest: [u8; 16],
}
