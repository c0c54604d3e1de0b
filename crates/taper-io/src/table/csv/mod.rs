//! CSV files: UTF-8 text with a header, cells separated by `,`, `;` or tabs, quoted or not, lines of any ending.
//!
//! The file is read once, in pieces of about a mebibyte that are understood in parallel. What a column is, numbers or names, is
//! decided by all of its cells.

mod block;
mod parse;

use std::path::{Path, PathBuf};

use rayon::prelude::*;
use taper::table::{Table, Wanted};
use taper::{Complaint, DataSpec, Ragged};

use self::block::{Blocks, MOST_ROW, NoBlock};
use super::gather::Gather;
use super::header::check_header;
use crate::file::open_file;
use crate::stream::{is_stream, stdin};
use crate::{Error, Result, limit};

/// Pieces that are understood at a time.
const PIECES: usize = 8;

/// How a file is written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Format {
    pub(crate) delimiter: u8,
    /// Whether a comma separates the digits of a fraction.
    pub(crate) comma: bool,
    /// Cells of a row.
    pub(crate) cells: usize,
}

/// A file whose header has been read.
#[derive(Debug)]
pub(crate) struct CsvFile {
    path: PathBuf,
    blocks: Blocks,
    format: Format,
    header: Vec<String>,
    /// Rows given out so far.
    rows: usize,
}

impl CsvFile {
    /// Opens a file and reads its header.
    pub(crate) fn open(path: &Path, spec: &DataSpec) -> Result<Self> {
        let wrong = |place: &str, expected: &str, got: &str| Error::content(path, Complaint::new(place, expected, got));
        let file = if is_stream(path) {
            stdin().map_err(|source| Error::io(path, "reading", source))?
        } else {
            open_file(path)?.0
        };
        let mut blocks = Blocks::new(file);
        let begin = blocks.peek().map_err(|error| no_block(path, error, 0))?;
        if begin.starts_with(b"\xff\xfe") || begin.starts_with(b"\xfe\xff") {
            return Err(wrong("", "text in UTF-8", "text in UTF-16"));
        }
        let bom = if begin.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
        blocks.skip(bom);
        let begin = blocks.peek().map_err(|error| no_block(path, error, 0))?;
        let line_end = memchr::memchr2(b'\n', b'\r', begin).unwrap_or(begin.len());
        let delimiter = spec.delimiter.map_or_else(|| likely_delimiter(&begin[..line_end]), |given| given as u8);
        let format = Format { delimiter, comma: spec.decimal == Some(','), cells: 0 };

        let mut record = csv::ByteRecord::new();
        let mut reader = format.reader(begin);
        let some = reader.read_byte_record(&mut record).unwrap_or(false);
        if !some {
            return Err(wrong("header", "names of columns", "an empty file"));
        }
        let bytes = usize::try_from(reader.position().byte()).unwrap_or(usize::MAX).min(begin.len());
        let mut header = Vec::with_capacity(record.len());
        for (i, name) in record.iter().enumerate() {
            let name = std::str::from_utf8(name)
                .map_err(|_| wrong(&format!("header, column {}", i + 1), "text in UTF-8", "other bytes"))?;
            if name.contains('\0') {
                return Err(wrong(&format!("header, column {}", i + 1), "text in UTF-8 without NUL", "a NUL"));
            }
            header.push(name.trim().to_owned());
        }
        check_header(path, &header)?;
        blocks.skip(bytes);
        blocks.delimiter(delimiter);
        Ok(Self { path: path.to_owned(), blocks, format: Format { cells: header.len(), ..format }, header, rows: 0 })
    }

    /// The names of the columns.
    pub(crate) fn header(&self) -> &[String] {
        &self.header
    }

    /// Adds the next pieces to `gather`; gives how many rows they had, or `None` at the end.
    pub(crate) fn read(&mut self, wanted: &[Wanted], gather: &mut Gather) -> Result<Option<usize>> {
        let mut blocks = Vec::with_capacity(PIECES);
        while blocks.len() < PIECES {
            match self.blocks.next() {
                Ok(Some(block)) => blocks.push(block),
                Ok(None) => break,
                Err(error) => return Err(no_block(&self.path, error, self.rows)),
            }
        }
        if blocks.is_empty() {
            return Ok(None);
        }
        let positions: Vec<usize> = wanted.iter().map(|wanted| wanted.position).collect();
        let jobs: Vec<_> = blocks.into_iter().map(|block| (block, gather.parts())).collect();
        let format = &self.format;
        let parsed: Vec<_> =
            jobs.into_par_iter().map(|(block, parts)| parse::parse(&block, format, &positions, parts)).collect();
        let before = self.rows;
        for block in parsed {
            if let Some((row, cell)) = block.not_text {
                let column = self.header.get(cell).map_or(String::new(), |name| format!(", column `{name}`"));
                let place = format!("row {}{column}", self.rows + row + 1);
                return Err(Error::content(&self.path, Complaint::new(place, "text in UTF-8", "other bytes")));
            }
            gather.add(block.parts, block.ragged, self.rows);
            limit::check(&self.path, "", gather.bytes())?;
            self.rows += block.rows;
        }
        Ok(Some(self.rows - before))
    }

    /// All rows, and how many ragged ones were left out.
    pub(crate) fn table(mut self, wanted: &[Wanted], ragged: Ragged) -> Result<(Table, usize)> {
        let mut gather = Gather::new(wanted.to_vec(), self.format.cells);
        while self.read(wanted, &mut gather)?.is_some() {}
        let skipped = gather.ragged();
        Ok((gather.finish(&self.path, ragged == Ragged::Skip)?, skipped))
    }

    /// The next rows as a table of their own, or `None` at the end; ragged rows are mistakes.
    pub(crate) fn next_table(&mut self, wanted: &[Wanted]) -> Result<Option<Table>> {
        let first = self.rows;
        let mut gather = Gather::new(wanted.to_vec(), self.format.cells);
        match self.read(wanted, &mut gather)? {
            Some(rows) if rows > 0 || gather.ragged() > 0 => {
                Ok(Some(gather.finish(&self.path, false)?.starting_at(first)))
            }
            Some(_) => self.next_table(wanted),
            None => Ok(None),
        }
    }
}

fn no_block(path: &Path, error: NoBlock, rows: usize) -> Error {
    match error {
        NoBlock::Io(source) => Error::io(path, "reading", source),
        NoBlock::LongRow => {
            let expected = format!("rows of at most {} MiB", MOST_ROW >> 20);
            let complaint = Complaint::new(format!("after row {rows}"), expected, "a longer one");
            Error::content(path, complaint.help("is a quote not closed, or is this no table?"))
        }
    }
}

/// What most likely separates the cells of this header.
fn likely_delimiter(line: &[u8]) -> u8 {
    [b',', b';', b'\t'].into_iter().find(|delimiter| line.contains(delimiter)).unwrap_or(b',')
}
