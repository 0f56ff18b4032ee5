//! Events as columns (Arrow arrays), and the one evaluator of filters over them.
//!
//! A [`Chunk`] holds up to 4,096 events of one log in memory, or a row group of a sealed segment.
//! Columns with few distinct values are dictionaries: a filter is decided once a value, not once a
//! row.

mod build;
mod chunk;
mod column;
mod dictionary;
mod evaluate;
mod fields;
mod rowset;

pub(crate) use build::ChunkBuilder;
pub(crate) use chunk::Chunk;
pub(crate) use column::{Column, Data, Holds, Numbers, Source};
#[cfg(test)]
pub(crate) use dictionary::Coder;
pub(crate) use dictionary::{Codes, TextColumn, WideColumn};
pub(crate) use evaluate::{Evaluator, unsafe_methods};
pub(crate) use fields::Fields;
pub(crate) use rowset::{CHUNK_ROWS, RowSet};
