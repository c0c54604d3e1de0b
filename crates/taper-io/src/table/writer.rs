//! Tables that are written part by part, and appear whole or not at all.

use std::borrow::Cow;
use std::io::Write;
use std::path::Path;

use flate2::{Compression, write::GzEncoder};

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

/// Who will read a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Audience {
    /// Programs: every text is what it is, quoted as RFC 4180 says.
    #[default]
    Program,
    /// A spreadsheet, which would run text that looks like a formula: names and text of CSV like that are made
    /// [`inert`](crate::inert). Numbers stay numbers.
    Spreadsheet,
}

/// Writes a table of known columns: `.csv` or `.tsv`, also compressed (`.csv.gz`), or `.parquet` by its ending.
#[derive(Debug)]
pub struct TableWriter(Sink);

#[derive(Debug)]
enum Sink {
    Csv { file: Box<csv::Writer<Output>>, path: std::path::PathBuf, audience: Audience },
    Parquet(Box<ParquetWriter>),
}

/// A file that appears when it is finished.
#[derive(Debug)]
enum Output {
    Plain(AtomicFile),
    Gzip(Box<GzEncoder<AtomicFile>>),
}

impl Output {
    fn create(path: &Path) -> Result<Self> {
        let file = AtomicFile::create(path)?;
        let gzip = Format::is_gzip(path);
        Ok(if gzip { Self::Gzip(Box::new(GzEncoder::new(file, Compression::default()))) } else { Self::Plain(file) })
    }

    fn finish(self, path: &Path) -> Result<()> {
        match self {
            Self::Plain(file) => file.finish(),
            Self::Gzip(file) => file.finish().map_err(|source| Error::io(path, "writing", source))?.finish(),
        }
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        match self {
            Self::Plain(file) => file.write(bytes),
            Self::Gzip(file) => file.write(bytes),
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        match self {
            Self::Plain(file) => file.flush(),
            Self::Gzip(file) => file.flush(),
        }
    }
}

impl Audience {
    fn text(self, text: &str) -> Cow<'_, str> {
        match self {
            Self::Program => Cow::Borrowed(text),
            Self::Spreadsheet => inert(text),
        }
    }
}

impl TableWriter {
    /// A table with these columns and no rows yet. Nothing is at `path` before [`finish`](Self::finish).
    ///
    /// # Errors
    ///
    /// Another ending; [`Error::Io`].
    pub fn create(path: &Path, columns: &[(String, ColumnKind)], audience: Audience) -> Result<Self> {
        match Format::of(path) {
            None if is_stream(path) => csv_writer(path, columns, audience),
            Some(Format::Csv) => csv_writer(path, columns, audience),
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
            Sink::Csv { file, path, audience } => {
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
                            CellsOut::Text(texts) => file.write_field(audience.text(texts[row]).as_bytes()),
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
            Sink::Csv { file, path, .. } => {
                let file = file.into_inner().map_err(|error| Error::io(&path, "writing", error.into_error()))?;
                file.finish(&path)
            }
        }
    }
}

/// Begins a table in CSV with its header.
fn csv_writer(path: &Path, columns: &[(String, ColumnKind)], audience: Audience) -> Result<TableWriter> {
    let delimiter = if Format::is_tabs(path) { b'\t' } else { b',' };
    let mut file = csv::WriterBuilder::new().delimiter(delimiter).from_writer(Output::create(path)?);
    let names = columns.iter().map(|(name, _)| audience.text(name).into_owned());
    file.write_record(names).map_err(|error| failed(path, error))?;
    Ok(TableWriter(Sink::Csv { file: Box::new(file), path: path.to_owned(), audience }))
}

fn failed(path: &Path, error: csv::Error) -> Error {
    Error::io(path, "writing", std::io::Error::other(error))
}
