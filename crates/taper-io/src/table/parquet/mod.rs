//! Parquet files of flat columns: the one module that knows the `parquet` crate.

mod kind;
mod pandas;
mod read;
mod write;

pub(crate) use read::ParquetTable;
pub(crate) use write::ParquetWriter;
