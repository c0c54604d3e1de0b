//! How a file begins: what separates its cells, and what its columns are called.

use csv::ByteRecord;
use taper::{Complaint, DataSpec};

use super::Format;

/// Bytes of a file by which its delimiter is told.
const SAMPLE: usize = 64 << 10;
/// Rows of a file by which its delimiter is told.
const ROWS: usize = 20;

/// The beginning of a file, understood.
#[derive(Debug)]
pub(crate) struct Head {
    pub(crate) delimiter: u8,
    /// The names of the columns; those without one are empty.
    pub(crate) header: Vec<String>,
    /// Bytes before the first row.
    pub(crate) bytes: usize,
}

/// Reads what a file begins with; `tabs` says that its name promises tabs.
pub(crate) fn read(begin: &[u8], spec: &DataSpec, tabs: bool) -> Result<Head, Complaint> {
    let (said, before) = said_delimiter(begin);
    let begin = &begin[before..];
    let given = spec.delimiter.map(|given| given as u8).or(said).or(tabs.then_some(b'\t'));
    let delimiter = given.unwrap_or_else(|| likely_delimiter(begin));
    let format = Format { delimiter, cells: 0 };
    let mut record = ByteRecord::new();
    let mut reader = format.reader(begin);
    if !reader.read_byte_record(&mut record).unwrap_or(false) {
        return Err(Complaint::new("header", "names of columns", "an empty file"));
    }
    let bytes = usize::try_from(reader.position().byte()).unwrap_or(usize::MAX).min(begin.len());
    let mut header = Vec::with_capacity(record.len());
    for (i, name) in record.iter().enumerate() {
        let wrong = |expected, got| Complaint::new(format!("header, column {}", i + 1), expected, got);
        let name = std::str::from_utf8(name).map_err(|_| wrong("text in UTF-8", "other bytes"))?;
        if name.contains('\0') {
            return Err(wrong("text in UTF-8 without NUL", "a NUL"));
        }
        header.push(name.trim().to_owned());
    }
    // Rows may have one cell more than there are names: R writes the names of rows so, others end each row with a delimiter.
    let rows = records(&begin[bytes..], delimiter);
    if header.len() > 1 && !rows.is_empty() && rows.iter().all(|row| row.len() == header.len() + 1) {
        let ends = rows.iter().all(|row| row.iter().next_back().is_some_and(<[u8]>::is_empty));
        header.insert(if ends { header.len() } else { 0 }, String::new());
    }
    Ok(Head { delimiter, header, bytes: before + bytes })
}

/// The delimiter that a first line `sep=;` names, as spreadsheets write it, and the bytes of that line.
fn said_delimiter(begin: &[u8]) -> (Option<u8>, usize) {
    match begin.strip_prefix(b"sep=") {
        Some([delimiter, b'\n', ..]) => (Some(*delimiter), 6),
        Some([delimiter, b'\r', b'\n', ..]) => (Some(*delimiter), 7),
        _ => (None, 0),
    }
}

/// What most likely separates cells: what gives all first rows as many cells as the header has, or what the header has.
fn likely_delimiter(begin: &[u8]) -> u8 {
    let line = &begin[..memchr::memchr2(b'\n', b'\r', begin).unwrap_or(begin.len())];
    let there = || [b',', b';', b'\t', b'|', b' '].into_iter().filter(|delimiter| line.contains(delimiter));
    let even = |delimiter: &u8| {
        let rows = records(begin, *delimiter);
        let cells = rows.first().map_or(0, ByteRecord::len);
        cells > 1 && rows.len() > 1 && rows.iter().all(|row| row.len() == cells)
    };
    there().find(even).or_else(|| there().find(|delimiter| *delimiter != b' ')).unwrap_or(b',')
}

/// The first rows of a text.
fn records(begin: &[u8], delimiter: u8) -> Vec<ByteRecord> {
    // A row that is cut off says nothing.
    let sample = match begin.get(..SAMPLE) {
        Some(sample) => &sample[..memchr::memrchr(b'\n', sample).map_or(0, |at| at + 1)],
        None => begin,
    };
    let mut reader = Format { delimiter, cells: 0 }.reader(sample);
    reader.byte_records().take(ROWS).filter_map(Result::ok).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(text: &str) -> (char, Vec<String>) {
        let head = read(text.as_bytes(), &DataSpec::new(""), false).unwrap();
        (char::from(head.delimiter), head.header)
    }

    #[test]
    fn delimiters_are_those_that_make_rows_even() {
        for (text, delimiter, names) in [
            ("a,b\n1,2\n", ',', &["a", "b"][..]),
            ("a;b\n1,5;2,5\n", ';', &["a", "b"]),
            ("size, cm;weight\n1,5;2,5\n", ';', &["size, cm", "weight"]),
            ("a\tb, c\n1\t2\n", '\t', &["a", "b, c"]),
            ("a|b\n1|2\n", '|', &["a", "b"]),
            ("a b c\n1 2 3\n4 5 6\n", ' ', &["a", "b", "c"]),
            ("my name\n1\n", ',', &["my name"]),
            ("\"a;b\",c\n1,2\n", ',', &["a;b", "c"]),
            ("sep=;\r\na,b;c\r\n1;2\r\n", ';', &["a,b", "c"]),
            ("x,y\n1,2,3\n2,3,4\n", ',', &["", "x", "y"]),
            ("x,y\n1,2,\n2,3,\n", ',', &["x", "y", ""]),
            (",x\n1,2\n", ',', &["", "x"]),
        ] {
            assert_eq!(head(text), (delimiter, names.iter().map(ToString::to_string).collect()), "{text}");
        }
    }
}
