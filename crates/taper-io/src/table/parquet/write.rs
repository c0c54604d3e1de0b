//! Writing Parquet.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use parquet::basic::{Compression, ConvertedType, Repetition, Type as Physical};
use parquet::data_type::{ByteArray, ByteArrayType, DoubleType, FloatType};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::Type;

use crate::atomic::AtomicFile;
use crate::table::writer::{CellsOut, ColumnKind};
use crate::{Error, Result};

/// Rows of a row group: what stays in memory until it is written.
const GROUP: usize = 1 << 17;

/// A Parquet file that is written row group by row group.
pub(crate) struct ParquetWriter {
    path: PathBuf,
    file: SerializedFileWriter<AtomicFile>,
    /// Cells of the row group that is not yet written.
    waiting: Vec<Waiting>,
}

enum Waiting {
    Numbers(Vec<f32>),
    /// The values that are there, and for each row 1 if its value is.
    Optional(Vec<f64>, Vec<i16>),
    Text(Vec<ByteArray>),
}

impl std::fmt::Debug for ParquetWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ParquetWriter").field("path", &self.path).finish_non_exhaustive()
    }
}

impl ParquetWriter {
    pub(crate) fn create(path: &Path, columns: &[(String, ColumnKind)]) -> Result<Self> {
        let fail = |error| failed(path, error);
        let mut fields = Vec::new();
        for (name, kind) in columns {
            let (physical, repetition, converted) = match kind {
                ColumnKind::Numbers => (Physical::FLOAT, Repetition::REQUIRED, ConvertedType::NONE),
                ColumnKind::Optional => (Physical::DOUBLE, Repetition::OPTIONAL, ConvertedType::NONE),
                ColumnKind::Text => (Physical::BYTE_ARRAY, Repetition::REQUIRED, ConvertedType::UTF8),
            };
            let field = Type::primitive_type_builder(name, physical)
                .with_repetition(repetition)
                .with_converted_type(converted)
                .build()
                .map_err(fail)?;
            fields.push(Arc::new(field));
        }
        let schema = Type::group_type_builder("rows").with_fields(fields).build().map_err(fail)?;
        let properties =
            WriterProperties::builder().set_compression(Compression::SNAPPY).set_created_by("taper".to_owned()).build();
        let file = SerializedFileWriter::new(AtomicFile::create(path)?, Arc::new(schema), Arc::new(properties));
        let empty = |(_, kind): &(String, ColumnKind)| match kind {
            ColumnKind::Numbers => Waiting::Numbers(Vec::new()),
            ColumnKind::Optional => Waiting::Optional(Vec::new(), Vec::new()),
            ColumnKind::Text => Waiting::Text(Vec::new()),
        };
        Ok(Self { path: path.to_owned(), file: file.map_err(fail)?, waiting: columns.iter().map(empty).collect() })
    }

    pub(crate) fn write(&mut self, columns: &[CellsOut<'_>]) -> Result<()> {
        let mut rows = 0;
        for (waiting, cells) in self.waiting.iter_mut().zip(columns) {
            rows = match (waiting, cells) {
                (Waiting::Numbers(waiting), CellsOut::Numbers(values)) => {
                    waiting.extend(values);
                    waiting.len()
                }
                (Waiting::Optional(waiting, there), CellsOut::Optional(values)) => {
                    waiting.extend(values.iter().flatten());
                    there.extend(values.iter().map(|value| i16::from(value.is_some())));
                    there.len()
                }
                (Waiting::Text(waiting), CellsOut::Text(texts)) => {
                    waiting.extend(texts.iter().map(|text| ByteArray::from(*text)));
                    waiting.len()
                }
                _ => rows,
            };
        }
        if rows >= GROUP { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<()> {
        let Self { path, file, waiting } = self;
        group(file, waiting).map_err(|error| failed(path, error))
    }

    pub(crate) fn finish(mut self) -> Result<()> {
        self.flush()?;
        let fail = |error| failed(&self.path, error);
        self.file.into_inner().map_err(fail)?.finish()
    }
}

/// Writes what waits as one row group.
fn group(file: &mut SerializedFileWriter<AtomicFile>, waiting: &mut [Waiting]) -> parquet::errors::Result<()> {
    let mut group = file.next_row_group()?;
    for waiting in waiting {
        let Some(mut column) = group.next_column()? else { break };
        match waiting {
            Waiting::Numbers(values) => {
                column.typed::<FloatType>().write_batch(values, None, None)?;
                values.clear();
            }
            Waiting::Optional(values, there) => {
                column.typed::<DoubleType>().write_batch(values, Some(there), None)?;
                values.clear();
                there.clear();
            }
            Waiting::Text(texts) => {
                column.typed::<ByteArrayType>().write_batch(texts, None, None)?;
                texts.clear();
            }
        }
        column.close()?;
    }
    group.close().map(|_| ())
}

fn failed(path: &Path, error: ParquetError) -> Error {
    Error::io(path, "writing", std::io::Error::other(error))
}
