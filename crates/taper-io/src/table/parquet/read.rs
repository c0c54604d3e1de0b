//! Reading Parquet: the header is judged first, then rows are taken a few thousand at a time, so that nothing is allocated for
//! what a file only claims to hold.

use std::fs::File;
use std::path::{Path, PathBuf};

use parquet::basic::{ConvertedType, Type};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::{ByteArray, DataType};
use parquet::file::metadata::RowGroupMetaData;
use parquet::file::reader::{FileReader, SerializedFileReader};
use taper::Complaint;
use taper::table::{Table, Wanted};

use crate::table::gather::{Gather, Part, Seen};
use crate::table::header::check_header;
use crate::{Error, Result};

/// Rows that are decoded at a time.
const ROWS: usize = 1 << 14;
/// More rows than this cannot be held.
const MOST_ROWS: i64 = 200_000_000;

/// A file whose header has been read and found good.
pub(crate) struct ParquetTable {
    path: PathBuf,
    reader: SerializedFileReader<File>,
    header: Vec<String>,
    /// The next row group.
    group: usize,
    rows: usize,
}

impl std::fmt::Debug for ParquetTable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ParquetTable").field("path", &self.path).finish_non_exhaustive()
    }
}

impl ParquetTable {
    /// Opens a file and judges its header.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let fail = |source| Error::io(path, "reading", source);
        let wrong =
            |place: &str, expected: &str, got: String| Error::content(path, Complaint::new(place, expected, got));
        if std::fs::metadata(path).map_err(fail)?.is_dir() {
            return Err(wrong("", "a file", "a folder".into()));
        }
        let file = File::open(path).map_err(fail)?;
        let reader = guarded(path, || SerializedFileReader::new(file))?;
        let metadata = reader.metadata().file_metadata();
        let rows = metadata.num_rows();
        if !(0..=MOST_ROWS).contains(&rows) {
            return Err(wrong("header", &format!("at most {MOST_ROWS} rows"), rows.to_string()));
        }
        let counted: i64 = reader.metadata().row_groups().iter().map(RowGroupMetaData::num_rows).sum();
        if counted != rows {
            return Err(wrong("header", &format!("{rows} rows, as it says itself"), format!("{counted} in its parts")));
        }
        let mut header = Vec::new();
        for column in metadata.schema_descr().columns() {
            let name = column.path().string();
            if column.path().parts().len() != 1 || column.max_rep_level() > 0 {
                let expected = "columns of plain numbers or text";
                return Err(wrong(&format!("column `{name}`"), expected, "a nested one".into()));
            }
            header.push(name);
        }
        check_header(path, &header)?;
        if rows == 0 {
            return Err(wrong("", "at least one row", "none".into()));
        }
        Ok(Self { path: path.to_owned(), reader, header, group: 0, rows: 0 })
    }

    /// The names of the columns.
    pub(crate) fn header(&self) -> &[String] {
        &self.header
    }

    /// All rows.
    pub(crate) fn table(mut self, wanted: &[Wanted]) -> Result<Table> {
        let mut gather = Gather::new(wanted.to_vec(), self.header.len());
        while self.read(wanted, &mut gather)? {}
        gather.finish(&self.path, false)
    }

    /// The next rows as a table of their own, or `None` at the end.
    pub(crate) fn next_table(&mut self, wanted: &[Wanted]) -> Result<Option<Table>> {
        let first = self.rows;
        let mut gather = Gather::new(wanted.to_vec(), self.header.len());
        while self.rows == first {
            if !self.read(wanted, &mut gather)? {
                return Ok(None);
            }
        }
        Ok(Some(gather.finish(&self.path, false)?.starting_at(first)))
    }

    /// Adds the next row group to `gather`, unless there is none.
    fn read(&mut self, wanted: &[Wanted], gather: &mut Gather) -> Result<bool> {
        if self.group == self.reader.num_row_groups() {
            return Ok(false);
        }
        let group = guarded(&self.path, || self.reader.get_row_group(self.group))?;
        let rows = usize::try_from(group.metadata().num_rows()).unwrap_or(0);
        let mut parts = gather.parts();
        for (part, wanted) in parts.iter_mut().zip(wanted) {
            let column = group.metadata().schema_descr().column(wanted.position);
            let optional = column.max_def_level() > 0;
            // Decimals are whole numbers that count fractions.
            let scale = match column.converted_type() {
                ConvertedType::DECIMAL => 10f64.powi(-column.type_scale()),
                _ => 1.0,
            };
            let at = |complaint: Complaint| Error::content(&self.path, complaint);
            let place = format!("column `{}`", wanted.name);
            let kind = column.physical_type();
            if matches!(kind, Type::INT96 | Type::FIXED_LEN_BYTE_ARRAY) || (kind == Type::BYTE_ARRAY && scale != 1.0) {
                return Err(at(Complaint::new(place, "numbers or text", format!("values of type {kind}"))));
            }
            let reader = guarded(&self.path, || group.get_column_reader(wanted.position))?;
            let result = guarded(&self.path, || match reader {
                ColumnReader::BoolColumnReader(reader) => {
                    cells(reader, rows, optional, part, |part, value| part.push_f64(f64::from(u8::from(*value))))
                }
                ColumnReader::Int32ColumnReader(reader) => {
                    cells(reader, rows, optional, part, |part, value| part.push_f64(f64::from(*value) * scale))
                }
                ColumnReader::Int64ColumnReader(reader) => {
                    cells(reader, rows, optional, part, |part, value| part.push_f64(*value as f64 * scale))
                }
                ColumnReader::FloatColumnReader(reader) => {
                    cells(reader, rows, optional, part, |part, value| part.push_f64(f64::from(*value)))
                }
                ColumnReader::DoubleColumnReader(reader) => {
                    cells(reader, rows, optional, part, |part, value| part.push_f64(*value))
                }
                ColumnReader::ByteArrayColumnReader(reader) => cells(reader, rows, optional, part, push_text),
                _ => Ok(0),
            })?;
            if result != rows {
                return Err(at(Complaint::new(place, format!("{rows} rows, as the header says"), result)));
            }
        }
        gather.add(parts, Seen::default(), self.rows);
        self.group += 1;
        self.rows += rows;
        Ok(true)
    }
}

/// Adds text; what is not UTF-8 becomes a mistake by the NUL in it.
fn push_text(part: &mut Part, value: &ByteArray) {
    match std::str::from_utf8(value.data()) {
        Ok(text) => part.push_typed_text(text.trim()),
        Err(_) => part.push_typed_text("\0 (bytes that are not UTF-8)"),
    }
}

/// Adds the cells of a column's part in one row group; gives how many there were.
fn cells<T: DataType>(
    mut reader: ColumnReaderImpl<T>,
    rows: usize,
    optional: bool,
    part: &mut Part,
    push: impl Fn(&mut Part, &T::T),
) -> parquet::errors::Result<usize> {
    let (mut levels, mut values) = (Vec::new(), Vec::new());
    let mut read = 0;
    while read < rows {
        levels.clear();
        values.clear();
        let want = ROWS.min(rows - read);
        let (records, _, _) = reader.read_records(want, optional.then_some(&mut levels), None, &mut values)?;
        if records == 0 {
            break;
        }
        let mut values = values.iter();
        for record in 0..records {
            let present = !optional || levels.get(record).is_some_and(|level| *level > 0);
            match if present { values.next() } else { None } {
                Some(value) => push(part, value),
                None => part.push_missing(""),
            }
        }
        read += records;
    }
    Ok(read)
}

/// Work on a file that the decoder may refuse, or give up.
fn guarded<T>(path: &Path, work: impl FnOnce() -> parquet::errors::Result<T>) -> Result<T> {
    let broken = |got: String| {
        Error::content(path, Complaint::new("", "a whole Parquet file, uncompressed or with snappy", got))
    };
    match crate::caught::caught(work) {
        Some(Ok(value)) => Ok(value),
        Some(Err(error)) => Err(broken(error.to_string())),
        None => Err(broken("one that cannot be decoded".to_owned())),
    }
}
