//! What a file is, by its name.

use std::path::Path;

use taper::Complaint;

use crate::{Error, Result};

/// What a file is, by the ending of its name, in small letters or capitals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// A table of comma-separated values, or with another delimiter.
    Csv,
    /// A table in Apache Parquet.
    Parquet,
    /// NumPy's archive of arrays.
    Npz,
    /// Tensors: rows, or a model of Taper's.
    Safetensors,
    /// A model of Keras's.
    Keras,
    /// Keras's weights, or whole models of the older form.
    Hdf5,
    /// A model for other runtimes.
    Onnx,
    /// An experiment in TOML.
    Toml,
    /// An experiment in JSON.
    Json,
}

/// Every ending that means something; of a format that has several, the usual one first.
const ENDINGS: [(&str, Format); 11] = [
    ("csv", Format::Csv),
    ("tsv", Format::Csv),
    ("parquet", Format::Parquet),
    ("npz", Format::Npz),
    ("safetensors", Format::Safetensors),
    ("keras", Format::Keras),
    ("h5", Format::Hdf5),
    ("hdf5", Format::Hdf5),
    ("onnx", Format::Onnx),
    ("toml", Format::Toml),
    ("json", Format::Json),
];

impl Format {
    /// The formats of tables.
    pub const TABLES: &'static [Self] = &[Self::Csv, Self::Parquet];
    /// The formats of files with rows.
    pub const ROWS: &'static [Self] = &[Self::Csv, Self::Parquet, Self::Npz, Self::Safetensors];
    /// The formats of models that can be read and written.
    pub const MODELS: &'static [Self] = &[Self::Safetensors, Self::Keras];

    /// The format of this file; `None` if its name says nothing.
    ///
    /// # Example
    ///
    /// ```
    /// use std::path::Path;
    /// use taper_io::Format;
    ///
    /// assert_eq!(Format::of(Path::new("Wine.CSV")), Some(Format::Csv));
    /// assert_eq!(Format::of(Path::new("wine")), None);
    /// ```
    #[must_use]
    pub fn of(path: &Path) -> Option<Self> {
        let ending = Self::last_ending(path)?;
        if ending == "gz" {
            return Self::of(&path.with_extension("")).filter(|format| *format == Self::Csv);
        }
        ENDINGS.iter().find(|(known, _)| *known == ending).map(|(_, format)| *format)
    }

    fn last_ending(path: &Path) -> Option<String> {
        Some(path.extension()?.to_str()?.to_lowercase())
    }

    /// Whether the name of a table says that tabs separate its cells: `.tsv`, `.tsv.gz`.
    #[must_use]
    pub fn is_tabs(path: &Path) -> bool {
        match Self::last_ending(path).as_deref() {
            Some("gz") => Self::is_tabs(&path.with_extension("")),
            ending => ending == Some("tsv"),
        }
    }

    /// Whether the name of a table says that it is compressed: `.csv.gz`, `.tsv.gz`.
    #[must_use]
    pub fn is_gzip(path: &Path) -> bool {
        Self::last_ending(path).as_deref() == Some("gz")
    }

    /// The usual ending, without its dot.
    #[must_use]
    pub fn ending(self) -> &'static str {
        ENDINGS.iter().find(|(_, format)| *format == self).map_or("", |(ending, _)| ending)
    }

    /// The format of a file that has to be one of these.
    ///
    /// # Errors
    ///
    /// Another ending, or none; `place` is where the name was given.
    pub fn one_of(place: &str, path: &Path, formats: &[Self]) -> Result<Self> {
        Self::of(path).filter(|format| formats.contains(format)).ok_or_else(|| Self::refuse(place, path, formats))
    }

    /// The error that a file is none of these.
    #[must_use]
    pub fn refuse(place: &str, path: &Path, formats: &[Self]) -> Error {
        let complaint = Complaint::new(place, Self::words(formats), format!("`{}`", path.display()));
        taper::Error::from(complaint).into()
    }

    /// `a .csv or .parquet file`.
    #[must_use]
    pub fn words(formats: &[Self]) -> String {
        let endings: Vec<String> = formats.iter().map(|format| format!(".{}", format.ending())).collect();
        match endings.split_last() {
            Some((last, rest)) if !rest.is_empty() => format!("a {} or {last} file", rest.join(", ")),
            Some((last, _)) => format!("a {last} file"),
            None => "no file".to_owned(),
        }
    }

    /// Whether it is a table of named columns.
    #[must_use]
    pub fn is_table(self) -> bool {
        Self::TABLES.contains(&self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_format_has_an_ending_and_case_does_not_matter() {
        for (ending, format) in ENDINGS {
            for name in [format!("a.b.{ending}"), format!("a.{}", ending.to_uppercase())] {
                assert_eq!(Format::of(Path::new(&name)), Some(format), "{name}");
            }
            assert!(ENDINGS.contains(&(format.ending(), format)));
        }
        for (name, tabs) in [("a.csv.gz", false), ("a.b.TSV.GZ", true)] {
            assert_eq!(Format::of(Path::new(name)), Some(Format::Csv), "{name}");
            assert!(Format::is_gzip(Path::new(name)) && Format::is_tabs(Path::new(name)) == tabs);
        }
        for name in ["csv", ".csv", "a.csv.bak", "a", "", "a.gz", "a.parquet.gz", ".csv.gz"] {
            assert_eq!(Format::of(Path::new(name)), None, "{name}");
        }
    }

    #[test]
    fn another_format_is_refused_with_those_that_would_do() {
        let error = Format::one_of("--out", Path::new("a.toml"), Format::ROWS).unwrap_err();
        assert_eq!(error.to_string(), "--out: expected a .csv, .parquet, .npz or .safetensors file, got `a.toml`");
        assert!(error.is_input());
    }
}
