//! Tables that are written part by part, and appear whole or not at all.

use std::path::Path;

use super::inert::inert;
use super::no_table;
use super::parquet::ParquetWriter;
use crate::atomic::AtomicFile;
use crate::stream::is_stream;
use crate::{Error, Format, Result};

/// The kind of a column that is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnKind {
    /// Numbers.
    Numbers,
    /// Numbers in double precision, some of which may be missing.
    Optional,
    /// Text.
    Text,
}

/// Cells of one column that are written.
#[derive(Debug, Clone)]
pub enum CellsOut<'a> {
    /// Numbers.
    Numbers(Vec<f32>),
    /// Numbers in double precision, some of which may be missing.
    Optional(Vec<Option<f64>>),
    /// Text.
    Text(Vec<&'a str>),
}

/// Writes a table of known columns, `.csv` or `.parquet` by its ending.
///
/// In CSV, names and text that a spreadsheet would take for a formula are made [`inert`](crate::inert).
#[derive(Debug)]
pub struct TableWriter(Sink);

#[derive(Debug)]
enum Sink {
    Csv { file: Box<csv::Writer<AtomicFile>>, path: std::path::PathBuf },
    Parquet(Box<ParquetWriter>),
}

impl TableWriter {
    /// A table with these columns and no rows yet. Nothing is at `path` before [`finish`](Self::finish).
    ///
    /// # Errors
    ///
    /// Another ending; [`Error::Io`].
    pub fn create(path: &Path, columns: &[(String, ColumnKind)]) -> Result<Self> {
        match Format::of(path) {
            None if is_stream(path) => csv_writer(path, columns),
            Some(Format::Csv) => csv_writer(path, columns),
            Some(Format::Parquet) => {
                ParquetWriter::create(path, columns).map(|file| Self(Sink::Parquet(Box::new(file))))
            }
            _ => Err(no_table("--out", path)),
        }
    }

    /// Adds rows: the cells of each column, in its order and of its kind.
    ///
    /// # Errors
    ///
    /// [`Error::Io`].
    pub fn write(&mut self, columns: &[CellsOut<'_>]) -> Result<()> {
        match &mut self.0 {
            Sink::Parquet(file) => file.write(columns),
            Sink::Csv { file, path } => {
                let rows = match columns.first() {
                    Some(CellsOut::Numbers(values)) => values.len(),
                    Some(CellsOut::Optional(values)) => values.len(),
                    Some(CellsOut::Text(texts)) => texts.len(),
                    None => 0,
                };
                for row in 0..rows {
                    for column in columns {
                        let written = match column {
                            CellsOut::Numbers(values) => file.write_field(values[row].to_string()),
                            CellsOut::Optional(values) => {
                                file.write_field(values[row].map_or(String::new(), |value| value.to_string()))
                            }
                            CellsOut::Text(texts) => file.write_field(inert(texts[row]).as_bytes()),
                        };
                        written.map_err(|error| failed(path, error))?;
                    }
                    file.write_record(None::<&[u8]>).map_err(|error| failed(path, error))?;
                }
                Ok(())
            }
        }
    }

    /// Puts the finished file in its place.
    ///
    /// # Errors
    ///
    /// [`Error::Io`]; what was there before is untouched then.
    pub fn finish(self) -> Result<()> {
        match self.0 {
            Sink::Parquet(file) => file.finish(),
            Sink::Csv { file, path } => {
                let file = file.into_inner().map_err(|error| Error::io(&path, "writing", error.into_error()))?;
                file.finish()
            }
        }
    }
}

/// Begins a table in CSV with its header.
fn csv_writer(path: &Path, columns: &[(String, ColumnKind)]) -> Result<TableWriter> {
    let mut file = csv::Writer::from_writer(AtomicFile::create(path)?);
    let names = columns.iter().map(|(name, _)| inert(name).into_owned());
    file.write_record(names).map_err(|error| failed(path, error))?;
    Ok(TableWriter(Sink::Csv { file: Box::new(file), path: path.to_owned() }))
}

fn failed(path: &Path, error: csv::Error) -> Error {
    Error::io(path, "writing", std::io::Error::other(error))
}
