//! Results as tables for other programs.

use std::path::Path;

use crate::{Audience, CellsOut, ColumnKind, Result, TableWriter};

/// Writes rows of text under a header as a table, `.csv` or `.parquet` by the file's ending.
///
/// A column whose cells are numbers or empty is one of numbers (in Parquet double precision, an empty cell is a null); every
/// other column is text. In CSV a spreadsheet takes a cell that begins with `=`, `+`, `-` or `@` for a formula and runs it: for
/// [`Audience::Spreadsheet`], names and text like that are made [`inert`](crate::inert).
///
/// # Errors
///
/// Another ending; [`Error::Io`](crate::Error::Io). An old file of that name is untouched then.
///
/// # Example
///
/// ```
/// use taper_io::Audience;
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("t.csv");
/// let (head, rows) = (["name".into(), "score".into()], [vec!["=1+1".into(), "-0.5".into()]]);
/// taper_io::write_results(&path, &head, &rows, Audience::Spreadsheet)?;
/// assert_eq!(std::fs::read_to_string(&path)?, "name,score\n'=1+1,-0.5\n");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn write_results(path: &Path, head: &[String], rows: &[Vec<String>], audience: Audience) -> Result<()> {
    let columns: Vec<CellsOut<'_>> = (0..head.len()).map(|column| cells(rows, column)).collect();
    let kind = |cells: &CellsOut<'_>| match cells {
        CellsOut::Text(_) => ColumnKind::Text,
        _ => ColumnKind::Optional,
    };
    let named: Vec<(String, ColumnKind)> = head.iter().cloned().zip(columns.iter().map(kind)).collect();
    let mut writer = TableWriter::create(path, &named, audience)?;
    writer.write(&columns)?;
    writer.finish()
}

/// The cells of a column: numbers if each that is not empty reads back from the number as it was written.
fn cells(rows: &[Vec<String>], column: usize) -> CellsOut<'_> {
    let texts = || rows.iter().map(|row| row[column].as_str());
    // A seed beyond 2^53 would be another one as a double.
    let number =
        |text: &str| text.parse::<f64>().ok().filter(|value| value.fract() != 0.0 || value.abs() < 2f64.powi(53));
    if texts().all(|text| text.is_empty() || number(text).is_some()) {
        CellsOut::Optional(texts().map(number).collect())
    } else {
        CellsOut::Text(texts().collect())
    }
}
