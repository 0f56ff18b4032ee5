//! The columns of a chunk, and what one of them holds.

use std::sync::Arc;

use arrow_array::{
    Array, BooleanArray, FixedSizeBinaryArray, Int64Array, UInt8Array, UInt16Array, UInt64Array,
};
use arrow_buffer::{BooleanBuffer, Buffer};

use super::dictionary::{TextColumn, WideColumn};

/// Every column, in the order of the event's definition; [`Column::ALL`] has them all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Column {
    Id,
    Seq,
    Kind,
    Count,
    Time,
    Received,
    Panel,
    Recorder,
    RecorderEpoch,
    RecorderSeq,
    Admin,
    AdminName,
    KnownBy,
    Attempted,
    ActingAs,
    Ip,
    UserAgent,
    Session,
    RequestType,
    Method,
    Scheme,
    Host,
    Path,
    Query,
    Route,
    Action,
    Object,
    Status,
    Outcome,
    Ending,
    DurationUs,
    RequestBytes,
    ResponseBytes,
    Asset,
    Polling,
    First,
    PathBytes,
    QueryBytes,
    AgentBytes,
}

impl Column {
    pub(crate) const ALL: [Self; 39] = [
        Self::Id,
        Self::Seq,
        Self::Kind,
        Self::Count,
        Self::Time,
        Self::Received,
        Self::Panel,
        Self::Recorder,
        Self::RecorderEpoch,
        Self::RecorderSeq,
        Self::Admin,
        Self::AdminName,
        Self::KnownBy,
        Self::Attempted,
        Self::ActingAs,
        Self::Ip,
        Self::UserAgent,
        Self::Session,
        Self::RequestType,
        Self::Method,
        Self::Scheme,
        Self::Host,
        Self::Path,
        Self::Query,
        Self::Route,
        Self::Action,
        Self::Object,
        Self::Status,
        Self::Outcome,
        Self::Ending,
        Self::DurationUs,
        Self::RequestBytes,
        Self::ResponseBytes,
        Self::Asset,
        Self::Polling,
        Self::First,
        Self::PathBytes,
        Self::QueryBytes,
        Self::AgentBytes,
    ];

    /// How its values are held.
    pub(crate) const fn holds(self) -> Holds {
        match self {
            Self::Id => Holds::Ids,
            Self::Time | Self::Received => Holds::Times,
            Self::Seq | Self::RecorderEpoch | Self::RecorderSeq => Holds::Whole,
            Self::Kind
            | Self::KnownBy
            | Self::RequestType
            | Self::Outcome
            | Self::Ending
            | Self::First => Holds::Codes,
            Self::Asset | Self::Polling => Holds::Flags,
            Self::Status => Holds::Status,
            Self::Count
            | Self::DurationUs
            | Self::RequestBytes
            | Self::ResponseBytes
            | Self::PathBytes
            | Self::QueryBytes
            | Self::AgentBytes => Holds::Numbers,
            Self::Ip | Self::Session => Holds::Wide,
            Self::Panel
            | Self::Recorder
            | Self::Admin
            | Self::AdminName
            | Self::Attempted
            | Self::ActingAs
            | Self::UserAgent
            | Self::Method
            | Self::Scheme
            | Self::Host
            | Self::Path
            | Self::Query
            | Self::Route
            | Self::Action
            | Self::Object => Holds::Texts,
        }
    }
}

/// The kinds of [`Data`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Holds {
    Ids,
    Times,
    Whole,
    Codes,
    Flags,
    Status,
    Numbers,
    Wide,
    Texts,
}

/// The values of one column of a chunk.
#[derive(Debug)]
pub(crate) enum Data {
    Ids(FixedSizeBinaryArray),
    Times(Int64Array),
    /// Numbers that are never missing.
    Whole(UInt64Array),
    /// One of a few words, by its code.
    Codes(UInt8Array),
    Flags(BooleanArray),
    Status(UInt16Array),
    Numbers(Numbers),
    Wide(WideColumn),
    Texts(TextColumn),
}

/// A column of numbers that may be missing; it takes no space when all are.
#[derive(Debug)]
pub(crate) struct Numbers(pub(crate) Option<UInt64Array>);

impl Numbers {
    pub(crate) fn get(&self, row: usize) -> Option<u64> {
        let array = self.0.as_ref()?;
        (row < array.len() && array.is_valid(row)).then(|| array.value(row))
    }

    pub(super) fn get_u32(&self, row: usize) -> Option<u32> {
        self.get(row).and_then(|n| u32::try_from(n).ok())
    }
}

impl Data {
    /// What stands for a column that cannot be read: as many rows, none with a value.
    pub(super) fn missing(column: Column, rows: usize) -> Self {
        match column.holds() {
            Holds::Ids => Self::Ids(FixedSizeBinaryArray::new(
                16,
                Buffer::from_vec(vec![0_u8; rows * 16]),
                None,
            )),
            Holds::Times => Self::Times(vec![0; rows].into()),
            Holds::Whole => Self::Whole(vec![0; rows].into()),
            Holds::Codes => Self::Codes(vec![0; rows].into()),
            Holds::Flags => Self::Flags(BooleanArray::new(BooleanBuffer::new_unset(rows), None)),
            Holds::Status => Self::Status(UInt16Array::new_null(rows)),
            Holds::Numbers => Self::Numbers(Numbers(None)),
            Holds::Wide => Self::Wide(WideColumn::missing(rows)),
            Holds::Texts => Self::Texts(TextColumn::missing(rows)),
        }
    }

    /// Bytes that it takes in memory.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Self::Ids(array) => array.get_array_memory_size(),
            Self::Times(array) => array.get_array_memory_size(),
            Self::Whole(array) => array.get_array_memory_size(),
            Self::Codes(array) => array.get_array_memory_size(),
            Self::Flags(array) => array.get_array_memory_size(),
            Self::Status(array) => array.get_array_memory_size(),
            Self::Numbers(Numbers(array)) => array
                .as_ref()
                .map_or(0, |array| array.get_array_memory_size()),
            Self::Wide(column) => column.bytes(),
            Self::Texts(column) => column.bytes(),
        }
    }
}

/// A column that is loaded when somebody asks for it.
pub(crate) trait Source: Send + Sync {
    /// The column; `None` if it cannot be read, after which it counts as missing. Whoever reads keeps
    /// in mind why.
    fn load(&self, column: Column) -> Option<Arc<Data>>;
}
