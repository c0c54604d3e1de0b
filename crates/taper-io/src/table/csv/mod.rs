//! CSV files: UTF-8 text with a header, cells separated by `,`, `;`, tabs, `|` or spaces, quoted or not, lines of any ending;
//! plain or compressed with gzip.
//!
//! The file is read once, in pieces of about a mebibyte that are understood in parallel. What a column is, numbers or names, is
//! decided by all of its cells.

mod block;
mod head;
mod parse;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rayon::prelude::*;
use taper::table::{Table, Wanted};
use taper::{Complaint, DataSpec, Ragged};

use self::block::{Blocks, MOST_ROW, NoBlock};
use super::Left;
use super::gather::Gather;
use super::header::named;
use super::wording::Wording;
use crate::file::open_file;
use crate::stream::{is_stream, stdin};
use crate::{Error, Result, limit};

/// Pieces that are understood at a time.
const PIECES: usize = 8;

/// How a file is written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Format {
    pub(crate) delimiter: u8,
    /// Cells of a row.
    pub(crate) cells: usize,
}

/// A file whose header has been read.
#[derive(Debug)]
pub(crate) struct CsvFile {
    path: PathBuf,
    blocks: Blocks,
    format: Format,
    wording: Arc<Wording>,
    header: Vec<String>,
    /// Rows given out so far.
    rows: usize,
}

impl CsvFile {
    /// Opens a file and reads its header.
    pub(crate) fn open(path: &Path, spec: &DataSpec) -> Result<Self> {
        let fail = |source| Error::io(path, "reading", source);
        let wrong = |place: &str, expected: &str, got: &str| Error::content(path, Complaint::new(place, expected, got));
        let file = if is_stream(path) { stdin().map_err(fail)? } else { open_file(path)?.0 };
        let mut blocks = Blocks::new(file).map_err(fail)?;
        let begin = blocks.peek().map_err(|error| no_block(path, error, 0))?;
        if begin.starts_with(b"\xff\xfe") || begin.starts_with(b"\xfe\xff") {
            return Err(wrong("", "text in UTF-8", "text in UTF-16"));
        }
        let bom = if begin.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
        blocks.skip(bom);
        let begin = blocks.peek().map_err(|error| no_block(path, error, 0))?;
        let tabs = crate::Format::is_tabs(path);
        let head = head::read(begin, spec, tabs).map_err(|complaint| Error::content(path, complaint))?;
        let header = named(path, head.header)?;
        blocks.skip(head.bytes);
        blocks.delimiter(head.delimiter);
        let format = Format { delimiter: head.delimiter, cells: header.len() };
        let wording = Arc::new(Wording::of(spec, head.delimiter != b','));
        Ok(Self { path: path.to_owned(), blocks, format, wording, header, rows: 0 })
    }

    /// The names of the columns.
    pub(crate) fn header(&self) -> &[String] {
        &self.header
    }

    /// Whether commas separate no cells.
    pub(crate) fn has_free_comma(&self) -> bool {
        self.format.delimiter != b','
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
    pub(crate) fn table(mut self, wanted: &[Wanted], ragged: Ragged) -> Result<(Table, Left)> {
        let mut gather = Gather::new(wanted.to_vec(), self.format.cells, &self.wording);
        while self.read(wanted, &mut gather)?.is_some() {}
        let left = gather.left();
        Ok((gather.finish(&self.path, ragged == Ragged::Skip)?, left))
    }

    /// The next rows as a table of their own, or `None` at the end; ragged rows are mistakes.
    pub(crate) fn next_table(&mut self, wanted: &[Wanted]) -> Result<Option<Table>> {
        let first = self.rows;
        let mut gather = Gather::new(wanted.to_vec(), self.format.cells, &self.wording);
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
