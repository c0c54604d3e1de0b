//! Reading Parquet: the header is judged first, then rows are taken a few thousand at a time, so that nothing is allocated for
//! what a file only claims to hold.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::DataType;
use parquet::file::metadata::RowGroupMetaData;
use parquet::file::reader::{FileReader, SerializedFileReader};
use taper::table::{Decimal, Table, Wanted};
use taper::{Complaint, DataSpec};

use super::kind::{Kind, push_int96};
use super::pandas;
use crate::file::open_file;
use crate::table::Left;
use crate::table::gather::{Gather, Part, Seen};
use crate::table::header::named;
use crate::table::wording::Wording;
use crate::{Error, Result, limit};

/// Rows that are decoded at a time.
const ROWS: usize = 1 << 14;
/// Bytes of a cell: as it is read, and as a model takes it.
const CELL: u128 = 8;
/// More rows than this cannot be held.
const MOST_ROWS: i64 = 200_000_000;

/// A file whose header has been read and found good.
pub(crate) struct ParquetTable {
    path: PathBuf,
    reader: SerializedFileReader<File>,
    header: Vec<String>,
    /// Columns of the header that are a data frame's index.
    index: Vec<String>,
    wording: Arc<Wording>,
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
    pub(crate) fn open(path: &Path, spec: &DataSpec) -> Result<Self> {
        let wrong =
            |place: &str, expected: &str, got: String| Error::content(path, Complaint::new(place, expected, got));
        let (file, _) = open_file(path)?;
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
        let header = named(path, header)?;
        if rows == 0 {
            return Err(wrong("", "at least one row", "none".into()));
        }
        let index = pandas::index(reader.metadata().file_metadata(), &header);
        let wording = Arc::new(Wording::of(spec, false));
        Ok(Self { path: path.to_owned(), reader, header, index, wording, group: 0, rows: 0 })
    }

    /// The names of the columns.
    pub(crate) fn header(&self) -> &[String] {
        &self.header
    }

    /// The columns that are a data frame's index.
    pub(crate) fn index(&self) -> &[String] {
        &self.index
    }

    /// All rows.
    pub(crate) fn table(mut self, wanted: &[Wanted]) -> Result<(Table, Left)> {
        let rows = self.reader.metadata().file_metadata().num_rows();
        self.check_memory(rows, wanted.len())?;
        let mut gather = Gather::new(wanted.to_vec(), self.header.len(), &self.wording);
        while self.read(wanted, &mut gather)? {}
        let left = gather.left();
        Ok((gather.finish(&self.path, false)?, left))
    }

    /// The next rows as a table of their own, or `None` at the end.
    pub(crate) fn next_table(&mut self, wanted: &[Wanted]) -> Result<Option<Table>> {
        let first = self.rows;
        let mut gather = Gather::new(wanted.to_vec(), self.header.len(), &self.wording);
        while self.rows == first {
            if !self.read(wanted, &mut gather)? {
                return Ok(None);
            }
        }
        Ok(Some(gather.finish(&self.path, false)?.starting_at(first)))
    }

    /// Complains about more cells than memory may take: a few bytes can stand for any number of them.
    fn check_memory(&self, rows: i64, columns: usize) -> Result<()> {
        let cells = u128::try_from(rows).unwrap_or(0) * columns as u128;
        limit::check(&self.path, "header", cells * CELL)
    }

    /// Adds the next row group to `gather`, unless there is none.
    fn read(&mut self, wanted: &[Wanted], gather: &mut Gather) -> Result<bool> {
        if self.group == self.reader.num_row_groups() {
            return Ok(false);
        }
        let group = guarded(&self.path, || self.reader.get_row_group(self.group))?;
        let rows = usize::try_from(group.metadata().num_rows()).unwrap_or(0);
        self.check_memory(group.metadata().num_rows(), wanted.len())?;
        let mut parts = gather.parts();
        for (part, wanted) in parts.iter_mut().zip(wanted) {
            let unpacked = group.metadata().column(wanted.position).uncompressed_size();
            let place = format!("column `{}`", wanted.name);
            limit::check(&self.path, &place, u128::try_from(unpacked).unwrap_or(0))?;
            let column = group.metadata().schema_descr().column(wanted.position);
            let optional = column.max_def_level() > 0;
            let at = |complaint: Complaint| Error::content(&self.path, complaint);
            let place = format!("column `{}`", wanted.name);
            let Some(kind) = Kind::of(&column) else {
                let got = format!("values of type {}", column.physical_type());
                return Err(at(Complaint::new(place, "numbers, text, dates or times", got)));
            };
            let reader = guarded(&self.path, || group.get_column_reader(wanted.position))?;
            let result = guarded(&self.path, || match reader {
                ColumnReader::BoolColumnReader(reader) => {
                    cells(reader, rows, optional, part, |part, value| part.push_truth(*value))
                }
                ColumnReader::Int32ColumnReader(reader) => {
                    cells(reader, rows, optional, part, |part, value| kind.push_whole(part, i64::from(*value)))
                }
                ColumnReader::Int64ColumnReader(reader) => {
                    cells(reader, rows, optional, part, |part, value| kind.push_whole(part, *value))
                }
                ColumnReader::Int96ColumnReader(reader) => cells(reader, rows, optional, part, push_int96),
                ColumnReader::FloatColumnReader(reader) => {
                    cells(reader, rows, optional, part, |part, value| part.push_f32(*value))
                }
                ColumnReader::DoubleColumnReader(reader) => cells(reader, rows, optional, part, |part, value| {
                    part.push_typed(Decimal::of(*value), || value.to_string());
                }),
                ColumnReader::ByteArrayColumnReader(reader) => {
                    cells(reader, rows, optional, part, |part, value| kind.push_bytes(part, value.data()))
                }
                ColumnReader::FixedLenByteArrayColumnReader(reader) => {
                    cells(reader, rows, optional, part, |part, value| kind.push_bytes(part, value.data()))
                }
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
    let broken = |got: String| Error::content(path, Complaint::new("", "a whole Parquet file", got));
    match crate::caught::caught(work) {
        Some(Ok(value)) => Ok(value),
        Some(Err(error)) => Err(broken(error.to_string())),
        None => Err(broken("one that cannot be decoded".to_owned())),
    }
}
