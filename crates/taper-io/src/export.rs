//! Results as tables for other programs.

use std::borrow::Cow;
use std::path::Path;

use crate::{Error, Result, inert, write_atomic};

/// Writes rows of text under a header as CSV.
///
/// A spreadsheet takes a cell that begins with `=`, `+`, `-` or `@` for a formula and runs it: such a cell gets a `'` in front,
/// unless it is a number.
///
/// # Errors
///
/// [`Error::Io`]; an old file of that name is untouched then.
///
/// # Example
///
/// ```
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("t.csv");
/// taper_io::write_csv(&path, &["name".into(), "score".into()], &[vec!["=1+1".into(), "-0.5".into()]])?;
/// assert_eq!(std::fs::read_to_string(&path)?, "name,score\n'=1+1,-0.5\n");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn write_csv(path: &Path, head: &[String], rows: &[Vec<String>]) -> Result<()> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let written = std::iter::once(head)
        .chain(rows.iter().map(Vec::as_slice))
        .try_for_each(|row| writer.write_record(row.iter().map(|text| cell(text).into_owned())));
    let fail = |source| Error::io(path, "writing", source);
    written.map_err(|error| fail(std::io::Error::other(error)))?;
    let bytes = writer.into_inner().map_err(|error| fail(std::io::Error::other(error.to_string())))?;
    write_atomic(path, &bytes)
}

/// A cell that no program takes for a formula; a number is none.
fn cell(text: &str) -> Cow<'_, str> {
    if text.parse::<f64>().is_ok() { Cow::Borrowed(text) } else { inert(text) }
}
