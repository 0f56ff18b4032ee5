//! The hot part of the trail: `trail.db`, one writer thread, and loading it again.

mod blocks;
mod checkpoint;
mod database;
mod load;
mod recent_ids;
mod registry;
mod row;
mod show;
mod writer;

pub(crate) use blocks::HotBlocks;
pub(crate) use database::{Access, Database, empty_log, make_private_file};
pub(crate) use load::{Loaded, RawRows, load, read_raw_rows};
pub(crate) use recent_ids::RecentIds;
pub(crate) use registry::{blocks, close_open_block, noted, segments, watermark};
pub(crate) use row::encode_body;
pub(crate) use writer::{Command, Prepared, Registration, Sealed, Status, Writer, WriterParts};
