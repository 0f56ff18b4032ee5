//! Events as a Parquet file: every field a column, readable as it is by DuckDB, ClickHouse, pandas.

mod columns;
mod write;

pub use write::ParquetWriter;
