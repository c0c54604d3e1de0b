//! A file of rows, cut into pieces that begin and end with a row.

use std::fs::File;
use std::io::{BufReader, Chain, Cursor, Read};

use flate2::read::MultiGzDecoder;

/// Bytes of a piece.
const BLOCK: usize = 1 << 20;
/// A row longer than this is no row.
pub(crate) const MOST_ROW: usize = 16 << 20;

/// Why there is no next piece.
#[derive(Debug)]
pub(crate) enum NoBlock {
    Io(std::io::Error),
    /// A row is longer than [`MOST_ROW`].
    LongRow,
}

/// A file whose first bytes were looked at.
type Begun = Chain<Cursor<Vec<u8>>, File>;

/// A file's contents.
#[derive(Debug)]
enum Input {
    Plain(Begun),
    Gzip(Box<MultiGzDecoder<BufReader<Begun>>>),
}

impl Read for Input {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        match self {
            Self::Plain(file) => file.read(buffer),
            Self::Gzip(file) => file.read(buffer),
        }
    }
}

/// Reads a file piece by piece.
#[derive(Debug)]
pub(crate) struct Blocks {
    file: Input,
    /// What was read and not yet given out; begins with a row.
    rest: Vec<u8>,
    ended: bool,
    delimiter: u8,
}

impl Blocks {
    /// Of a file, which is compressed with gzip if its first bytes say so.
    pub(crate) fn new(mut file: File) -> std::io::Result<Self> {
        let mut begin = Vec::new();
        (&mut file).take(2).read_to_end(&mut begin)?;
        let is_gzip = begin == [0x1f, 0x8b];
        let file = Cursor::new(begin).chain(file);
        let file =
            if is_gzip { Input::Gzip(Box::new(MultiGzDecoder::new(BufReader::new(file)))) } else { Input::Plain(file) };
        Ok(Self { file, rest: Vec::new(), ended: false, delimiter: b',' })
    }

    /// Says what separates cells.
    pub(crate) fn delimiter(&mut self, delimiter: u8) {
        self.delimiter = delimiter;
    }

    /// The first line, and what the file begins with before anything is understood. It stays unread.
    pub(crate) fn peek(&mut self) -> Result<&[u8], NoBlock> {
        if self.rest.is_empty() {
            self.fill(BLOCK).map_err(NoBlock::Io)?;
        }
        Ok(&self.rest)
    }

    /// Forgets the first bytes.
    pub(crate) fn skip(&mut self, bytes: usize) {
        self.rest.drain(..bytes);
    }

    /// The next rows, whole, or `None` at the end.
    pub(crate) fn next(&mut self) -> Result<Option<Vec<u8>>, NoBlock> {
        let mut size = BLOCK;
        loop {
            self.fill(size).map_err(NoBlock::Io)?;
            if self.ended {
                let block = std::mem::take(&mut self.rest);
                return if block.len() > MOST_ROW && self.last_end(&block).is_none() {
                    Err(NoBlock::LongRow)
                } else {
                    Ok((!block.is_empty()).then_some(block))
                };
            }
            if let Some(end) = self.last_end(&self.rest) {
                let rest = self.rest.split_off(end);
                return Ok(Some(std::mem::replace(&mut self.rest, rest)));
            }
            if size > MOST_ROW {
                return Err(NoBlock::LongRow);
            }
            size *= 2;
        }
    }

    /// Reads until there are `size` bytes, or the file ends.
    fn fill(&mut self, size: usize) -> std::io::Result<()> {
        if !self.ended && self.rest.len() < size {
            let want = size - self.rest.len();
            let got = (&mut self.file).take(want as u64).read_to_end(&mut self.rest)?;
            self.ended = got < want;
        }
        Ok(())
    }

    /// Where the last row ends that ends here.
    fn last_end(&self, bytes: &[u8]) -> Option<usize> {
        if memchr::memchr(b'"', bytes).is_none() {
            return memchr::memrchr(b'\n', bytes).map(|at| at + 1);
        }
        let (mut state, mut end) = (State::Begin, None);
        for (at, byte) in bytes.iter().enumerate() {
            state = state.after(*byte, self.delimiter);
            if *byte == b'\n' && state == State::Begin {
                end = Some(at + 1);
            }
        }
        end
    }
}

/// Where in a row a byte stands. A quote opens a quoted cell only at its beginning, and two within it are one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// At the beginning of a cell.
    Begin,
    Plain,
    Quoted,
    /// After a quote within a quoted cell.
    Quote,
}

impl State {
    fn after(self, byte: u8, delimiter: u8) -> Self {
        match (self, byte) {
            (Self::Quoted, b'"') => Self::Quote,
            (Self::Quoted, _) => Self::Quoted,
            (Self::Quote | Self::Begin, b'"') => Self::Quoted,
            (_, b'\n') => Self::Begin,
            (_, byte) if byte == delimiter => Self::Begin,
            _ => Self::Plain,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blocks(text: &[u8]) -> Vec<Vec<u8>> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.csv");
        std::fs::write(&path, text).unwrap();
        let mut blocks = Blocks::new(File::open(path).unwrap()).unwrap();
        std::iter::from_fn(|| blocks.next().unwrap()).collect()
    }

    #[test]
    fn pieces_are_whole_rows_and_nothing_is_lost() {
        for row in ["1,2,3\n", "1,\"a\nb\",\"c\"\"\n\"\r\n", "5\" pipe,\"x, \"\"y\"\"\n\",3\n"] {
            let text = row.repeat(3 * BLOCK / row.len());
            let found = blocks(text.as_bytes());
            assert!(found.len() > 2);
            assert!(found.concat() == text.as_bytes());
            assert!(found.iter().all(|block| block.len() % row.len() == 0), "{row}");
        }
        assert_eq!(blocks(b"a\nb"), [b"a\nb".to_vec()]);
        assert!(blocks(b"").is_empty());
    }
}
