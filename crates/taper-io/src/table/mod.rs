//! Tables of named columns as files.

mod cell;
mod csv;
mod gather;
mod header;

use std::path::Path;

use taper::table::{Table, Wanted};
use taper::{Complaint, DataSpec};

use self::csv::CsvFile;
use crate::{Error, Result};

/// A table that has been read.
#[derive(Debug)]
pub(crate) struct Read {
    pub(crate) table: Table,
    /// Rows that were left out because they are longer or shorter than the header.
    pub(crate) skipped: usize,
    /// The columns that were read.
    pub(crate) wanted: Vec<Wanted>,
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
    let file = CsvFile::open(path, spec)?;
    let wanted = choose(file.header()).map_err(|error| Error::within(path, error))?;
    let (table, skipped) = file.table(&wanted, spec.ragged)?;
    Ok(Read { table, skipped, wanted })
}

/// Whether this is the name of a table's file.
pub(crate) fn is_table(path: &Path) -> bool {
    ending(path).is_some_and(|ending| matches!(ending.as_str(), "csv"))
}

/// The ending of a file's name, in small letters.
pub(crate) fn ending(path: &Path) -> Option<String> {
    Some(path.extension()?.to_str()?.to_lowercase())
}

/// A complaint about a file that is no table.
pub(crate) fn no_table(place: &str, path: &Path) -> Error {
    taper::Error::from(Complaint::new(place, "a table: a .csv file", path.display())).into()
}
