//! Tables of numbers as CSV.

use std::path::Path;

use taper::{Complaint, Dataset, Shape, nearest};

use crate::{Error, Result};

/// Most complaints about cells that are told at once.
const MOST_COMPLAINTS: usize = 20;

/// Reads a CSV file with a header line; every cell a number. `target` names the target column, by default the last one.
pub(crate) fn read_table(path: &Path, target: Option<&str>) -> Result<Dataset> {
    let metadata = std::fs::metadata(path).map_err(|source| Error::io(path, "reading", source))?;
    if metadata.is_dir() {
        return Err(Error::content(path, Complaint::new("", "a file", "a folder")));
    }
    let mut reader = csv::ReaderBuilder::new()
        .from_path(path)
        .map_err(|error| Error::io(path, "reading", std::io::Error::other(error)))?;
    let broken = |error: csv::Error| {
        let place = error.position().map_or_else(String::new, |position| format!("row {}", position.record()));
        Error::content(path, Complaint::new(place, "a table whose rows are as long as its header", error))
    };
    let header: Vec<String> = reader
        .headers()
        .map_err(broken)?
        .iter()
        .map(|name| name.trim_start_matches('\u{feff}').trim().to_owned())
        .collect();
    let target = check_header(path, &header, target)?;

    let (mut x, mut y) = (Vec::new(), Vec::new());
    let mut complaints = Vec::new();
    for (row, record) in reader.records().enumerate() {
        let record = record.map_err(broken)?;
        for (column, cell) in record.iter().enumerate() {
            let place = || format!("row {}, column `{}`", row + 1, header[column]);
            match cell.trim().parse::<f64>() {
                Ok(value) if value.is_finite() && value.abs() <= f64::from(f32::MAX) => {
                    if column == target {
                        y.push(value as f32);
                    } else {
                        x.push(value as f32);
                    }
                }
                Ok(value) => complaints.push(Complaint::new(place(), "a finite number that f32 can hold", value)),
                Err(_) if cell.trim().is_empty() => {
                    complaints.push(Complaint::new(place(), "a number", "an empty cell"));
                }
                Err(_) => complaints.push(Complaint::new(place(), "a number", format!("`{cell}`"))),
            }
        }
        if complaints.len() >= MOST_COMPLAINTS {
            break;
        }
    }
    if !complaints.is_empty() {
        return Err(Error::Content { path: path.to_owned(), complaints });
    }
    if y.is_empty() {
        return Err(Error::content(path, Complaint::new("", "at least one row below the header", "none")));
    }
    let shape = Shape::new([header.len() - 1]).map_err(|error| Error::within(path, error))?;
    Dataset::new(shape, x, 1, y).map_err(|error| Error::within(path, error))
}

/// Which column is the target.
fn check_header(path: &Path, header: &[String], target: Option<&str>) -> Result<usize> {
    let wrong = |place: String, expected: &str, got: String| Error::content(path, Complaint::new(place, expected, got));
    if header.iter().all(String::is_empty) {
        return Err(wrong("header".into(), "names of columns", "an empty file".into()));
    }
    for (i, name) in header.iter().enumerate() {
        if name.is_empty() || header[..i].contains(name) {
            let expected = "a name that no other column has";
            return Err(wrong(format!("header, column {}", i + 1), expected, format!("`{name}`")));
        }
    }
    if header.len() < 2 {
        return Err(wrong("header".into(), "at least one feature beside the target", format!("only `{}`", header[0])));
    }
    let Some(target) = target else { return Ok(header.len() - 1) };
    header.iter().position(|name| name == target).ok_or_else(|| {
        let complaint = Complaint::new("data.target", format!("one of {}", header.join(", ")), format!("`{target}`"));
        Error::content(
            path,
            match nearest(target, header.iter().map(String::as_str)) {
                Some(near) => complaint.help(format!("did you mean `{near}`?")),
                None => complaint,
            },
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, target: Option<&str>) -> Result<Dataset> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.csv");
        std::fs::write(&path, text).unwrap();
        read_table(&path, target)
    }

    #[test]
    fn a_table_of_numbers() {
        let data = read("\u{feff}a,y,b\r\n1,0,2\r\n3,1,4e0\n", Some("y")).unwrap();
        assert_eq!((data.x(), data.y()), (&[1.0, 2.0, 3.0, 4.0][..], &[0.0, 1.0][..]));
        assert_eq!(read("a,b,y\n1,2,3\n", None).unwrap().y(), [3.0]);
    }

    #[test]
    fn bad_tables_are_refused_with_row_and_column() {
        let error = |text: &str| read(text, None).unwrap_err().to_string();
        assert!(error("a,y\n1,2\n3\n").contains("row 2"));
        assert!(error("a,y\n1,2\nx,2\n").contains("row 2, column `a`: expected a number, got `x`"));
        assert!(error("a,y\n1,\n").contains("an empty cell"));
        assert!(error("a,y\ninf,1\n").contains("finite"));
        assert!(error("a,y\n1e39,1\n").contains("finite"));
        assert!(error("a,a\n1,2\n").contains("no other column"));
        assert!(error("").contains("an empty file"));
        assert!(error("a,y\n").contains("at least one row"));
        assert!(error("y\n1\n").contains("at least one feature"));
        assert!(read("a,target\n1,2\n", Some("targt")).unwrap_err().to_string().contains("did you mean `target`?"));
    }
}
