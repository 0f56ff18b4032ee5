//! Sealed events. Queries read the archive below the watermark and hot above it, with one evaluator.

use std::sync::Arc;

use admintrail_event::{EventId, Seq};

use crate::StoreError;
use crate::columns::Chunk;

/// Where sealed events are kept: files of columns, or a cluster.
pub(crate) trait Archive: Send + Sync {
    /// The segments of this moment, in the order of acceptance. A segment that is dropped later
    /// stays readable for whoever holds it.
    fn segments(&self) -> Vec<Arc<dyn Segment>>;

    /// The event of this id, if it is sealed.
    fn find(&self, id: EventId) -> Result<Option<Known>, StoreError>;
}

/// An event that was accepted before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Known {
    pub(crate) seq: Seq,
    /// Of what was submitted then.
    pub(crate) digest: [u8; 16],
}

/// An immutable run of sealed events.
pub(crate) trait Segment: Send + Sync {
    /// Its events as columns, in `seq` order.
    fn chunks(&self) -> Box<dyn Iterator<Item = Result<Arc<Chunk>, StoreError>> + Send>;
}

/// An archive into which nothing has been sealed.
#[derive(Debug, Default)]
pub(crate) struct EmptyArchive;

impl Archive for EmptyArchive {
    fn segments(&self) -> Vec<Arc<dyn Segment>> {
        Vec::new()
    }

    fn find(&self, _id: EventId) -> Result<Option<Known>, StoreError> {
        Ok(None)
    }
}
