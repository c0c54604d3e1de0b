//! The names of columns.

use std::path::Path;

use taper::Complaint;

use crate::{Error, Result};

/// More columns than this are no table.
const MOST_COLUMNS: usize = 100_000;
/// Most complaints about names that are told at once.
const MOST_COMPLAINTS: usize = 20;

/// The names of the columns; one without is named by its place, as pandas does.
///
/// # Errors
///
/// Two columns of one name, no names at all, too many columns.
pub(crate) fn named(path: &Path, mut header: Vec<String>) -> Result<Vec<String>> {
    check_header(path, &header)?;
    for (i, name) in header.iter_mut().enumerate().filter(|(_, name)| name.is_empty()) {
        *name = format!("Unnamed: {i}");
    }
    check_header(path, &header)?;
    Ok(header)
}

fn check_header(path: &Path, header: &[String]) -> Result<()> {
    let wrong =
        |place: &str, expected: String, got: String| Err(Error::content(path, Complaint::new(place, expected, got)));
    if header.iter().all(String::is_empty) {
        return wrong("header", "names of columns".into(), "an empty line".into());
    }
    if header.len() > MOST_COLUMNS {
        return wrong("header", format!("at most {MOST_COLUMNS} columns"), header.len().to_string());
    }
    let mut known = std::collections::HashMap::new();
    let mut complaints = Vec::new();
    for (i, name) in header.iter().enumerate() {
        let expected = "a name that no other column has";
        let place = format!("header, column {}", i + 1);
        if !name.is_empty()
            && let Some(other) = known.insert(name, i)
        {
            complaints.push(Complaint::new(place, expected, format!("`{name}`, as column {}", other + 1)));
        }
    }
    complaints.truncate(MOST_COMPLAINTS);
    if complaints.is_empty() { Ok(()) } else { Err(Error::Content { path: path.to_owned(), complaints }) }
}
