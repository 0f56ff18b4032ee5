//! Sealed events as Parquet files: every field a column, readable as they are by DuckDB,
//! ClickHouse, pandas. Exports are such files too.

mod read;
mod schema;
mod write;

pub(crate) use read::Footer;
pub use write::ParquetWriter;
pub(crate) use write::group_rows;
