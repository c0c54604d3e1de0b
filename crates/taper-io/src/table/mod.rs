//! Tables of named columns as files.

mod cell;
mod csv;
mod gather;
mod header;
mod inert;
mod parquet;
mod wording;
mod writer;

use std::path::Path;

use taper::table::{Table, Wanted};
use taper::{DataSpec, Features};

use self::csv::CsvFile;
use self::parquet::ParquetTable;
use crate::stream::is_stream;
use crate::{Error, Format, Result};

pub use inert::inert;
pub use wording::{NumberKeys, USUAL_WORDS, means_nothing, number_keys};
pub use writer::{Audience, CellsOut, ColumnKind, TableWriter};

/// A table's file whose header has been read: `.csv` or `.parquet`.
#[derive(Debug)]
pub struct TableFile(Reader);

#[derive(Debug)]
enum Reader {
    Csv(Box<CsvFile>),
    Parquet(Box<ParquetTable>),
}

impl TableFile {
    /// Opens a file and reads its header; `spec` says how numbers and cells are separated.
    ///
    /// # Errors
    ///
    /// Another ending, a file that cannot be read, names of columns that are empty or met twice.
    pub fn open(path: &Path, spec: &DataSpec) -> Result<Self> {
        match Format::of(path) {
            None if is_stream(path) => CsvFile::open(path, spec).map(|file| Self(Reader::Csv(Box::new(file)))),
            Some(Format::Csv) => CsvFile::open(path, spec).map(|file| Self(Reader::Csv(Box::new(file)))),
            Some(Format::Parquet) => ParquetTable::open(path, spec).map(|file| Self(Reader::Parquet(Box::new(file)))),
            _ => Err(no_table("FILE", path)),
        }
    }

    /// The names of the columns.
    #[must_use]
    pub fn header(&self) -> &[String] {
        match &self.0 {
            Reader::Csv(file) => file.header(),
            Reader::Parquet(file) => file.header(),
        }
    }

    /// The columns that are noted to be the index of a data frame: they name or number its rows.
    #[must_use]
    pub fn index(&self) -> &[String] {
        match &self.0 {
            Reader::Csv(_) => &[],
            Reader::Parquet(file) => file.index(),
        }
    }

    /// The same experiment's data, where an index is no feature and no target unless it is asked for by name.
    #[must_use]
    pub fn without_index(&self, spec: &DataSpec) -> DataSpec {
        let named = |name: &String| {
            let roles = [&spec.target, &spec.group, &spec.time, &spec.stratify];
            let chosen = matches!(&spec.features, Some(Features::Names(names)) if names.contains(name));
            chosen || spec.one_hot.contains(name) || roles.into_iter().flatten().any(|other| other == name)
        };
        let index: Vec<String> = self.index().iter().filter(|name| !named(name)).cloned().collect();
        let mut spec = spec.clone();
        if spec.target.is_none() {
            spec.target = self.header().iter().rfind(|name| !index.contains(name)).cloned();
        }
        spec.exclude.extend(index);
        spec
    }

    /// The next rows of these columns, some thousands of them, or `None` at the end.
    ///
    /// # Errors
    ///
    /// All mistakes in those rows, with row and column.
    pub fn next_table(&mut self, wanted: &[Wanted]) -> Result<Option<Table>> {
        match &mut self.0 {
            Reader::Csv(file) => file.next_table(wanted),
            Reader::Parquet(file) => file.next_table(wanted),
        }
    }

    /// Whether commas separate no cells, so that they may stand in numbers without quotes.
    #[must_use]
    pub fn has_free_comma(&self) -> bool {
        matches!(&self.0, Reader::Csv(file) if file.has_free_comma())
    }

    /// All rows, and what of them was left out.
    ///
    /// # Errors
    ///
    /// All mistakes in them, with row and column.
    pub fn table(self, wanted: &[Wanted], spec: &DataSpec) -> Result<(Table, Left)> {
        match self.0 {
            Reader::Csv(file) => file.table(wanted, spec.ragged),
            Reader::Parquet(file) => file.table(wanted),
        }
    }
}

/// What was left out of a table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Left {
    /// Rows that are longer or shorter than the header, where such may be.
    pub ragged: usize,
    /// By column the words that were taken for empty cells; at most a few of each column, and none of one without such.
    pub words: Vec<(String, Vec<String>)>,
}

/// A table that has been read.
#[derive(Debug)]
pub(crate) struct Read {
    pub(crate) table: Table,
    /// What was left out.
    pub(crate) left: Left,
    /// The columns that were read.
    pub(crate) wanted: Vec<Wanted>,
    /// The names of all columns.
    pub(crate) header: Vec<String>,
}

/// Reads those columns of a table that `choose` wants of its header.
///
/// # Errors
///
/// A file that cannot be read or is no table, and all mistakes in the cells that are read, with row and column.
pub(crate) fn read_table(
    path: &Path,
    spec: &DataSpec,
    choose: &dyn Fn(&[String]) -> taper::Result<Vec<Wanted>>,
) -> Result<Read> {
    let file = TableFile::open(path, spec)?;
    let wanted = choose(file.header()).map_err(|error| Error::within(path, error))?;
    let header = file.header().to_vec();
    let (table, left) = file.table(&wanted, spec)?;
    Ok(Read { table, left, wanted, header })
}

/// Whether this is the name of a table's file. A stream is a table in CSV.
#[must_use]
pub fn is_table(path: &Path) -> bool {
    is_stream(path) || Format::of(path).is_some_and(Format::is_table)
}

/// A complaint about a file that is no table.
pub(crate) fn no_table(place: &str, path: &Path) -> Error {
    Format::refuse(place, path, Format::TABLES)
}
