//! The cells of a piece of a file.

use csv::{ByteRecord, ReaderBuilder};

use super::Format;
use crate::table::gather::{Part, Seen};

/// Rows of a piece, understood.
#[derive(Debug)]
pub(crate) struct Parsed {
    pub(crate) parts: Vec<Part>,
    pub(crate) ragged: Seen,
    /// All rows, the ragged ones too.
    pub(crate) rows: usize,
    /// The first row and cell that is not UTF-8, if there is one; nothing is understood then.
    pub(crate) not_text: Option<(usize, usize)>,
}

/// Reads the cells at `positions` of every row.
pub(crate) fn parse(block: &[u8], format: &Format, positions: &[usize], parts: Vec<Part>) -> Parsed {
    let mut parsed = Parsed { parts, ragged: Seen::default(), rows: 0, not_text: None };
    match std::str::from_utf8(block) {
        Ok(text) if is_plain(block) => parsed.plain(text, format, positions),
        Ok(_) => parsed.quoted(block, format, positions),
        Err(error) => {
            let before = &block[..error.valid_up_to()];
            let line = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
            let rows = records(&before[..line], format);
            let cell = before[line..].iter().filter(|byte| **byte == format.delimiter).count();
            parsed.not_text = Some((rows, cell));
        }
    }
    parsed
}

/// Whether every line is a row and every delimiter ends a cell.
fn is_plain(block: &[u8]) -> bool {
    let lone = |at: usize| block.get(at + 1) != Some(&b'\n');
    memchr::memchr(b'"', block).is_none() && !memchr::memchr_iter(b'\r', block).any(lone)
}

fn records(block: &[u8], format: &Format) -> usize {
    let mut record = ByteRecord::new();
    let mut reader = format.reader(block);
    let mut count = 0;
    while reader.read_byte_record(&mut record).unwrap_or(false) {
        count += 1;
    }
    count
}

impl Format {
    /// The general reader, for a piece of a file without header.
    pub(crate) fn reader<'a>(&self, bytes: &'a [u8]) -> csv::Reader<&'a [u8]> {
        ReaderBuilder::new().has_headers(false).flexible(true).delimiter(self.delimiter).from_reader(bytes)
    }
}

impl Parsed {
    fn plain(&mut self, text: &str, format: &Format, positions: &[usize]) {
        let delimiter = char::from(format.delimiter);
        let mut ends = Vec::with_capacity(format.cells + 1);
        for line in text.lines().filter(|line| !line.is_empty()) {
            ends.clear();
            ends.extend(memchr::memchr_iter(format.delimiter, line.as_bytes()));
            ends.push(line.len());
            debug_assert_eq!(ends.len(), line.split(delimiter).count());
            if self.is_ragged(ends.len(), format) {
                continue;
            }
            for (part, position) in self.parts.iter_mut().zip(positions) {
                let begin = if *position == 0 { 0 } else { ends[position - 1] + 1 };
                part.push(line[begin..ends[*position]].trim());
            }
        }
    }

    fn quoted(&mut self, block: &[u8], format: &Format, positions: &[usize]) {
        let (mut record, mut reader) = (ByteRecord::new(), format.reader(block));
        // Nothing can fail: the bytes are in memory, and rows of any length are taken.
        while reader.read_byte_record(&mut record).unwrap_or(false) {
            if self.is_ragged(record.len(), format) {
                continue;
            }
            for (part, position) in self.parts.iter_mut().zip(positions) {
                // A part of valid text that ends at ASCII characters is valid.
                part.push(std::str::from_utf8(&record[*position]).unwrap_or_default().trim());
            }
        }
    }

    /// Counts a row; one of another length is noted and has no cells.
    fn is_ragged(&mut self, cells: usize, format: &Format) -> bool {
        let ragged = cells != format.cells;
        if ragged {
            self.ragged.see(self.rows, &cells.to_string());
        }
        self.rows += 1;
        ragged
    }
}
