//! ZIP archives, read strictly: what a Keras file is made of, and nothing else of ZIP.
//!
//! An archive is accepted only if its directory ends the file, every entry is stored as it is or deflated, its name is plain and met
//! once, its place does not overlap another's, and its checksum is right. Keras stores entries; who packs a file anew may deflate
//! them. What is unpacked is bounded by the length of the file before it is.

use std::borrow::Cow;
use std::io::{Read, Seek, SeekFrom};

use flate2::read::DeflateDecoder;
use taper::Complaint;

/// The most entries that an archive may have.
const MOST_ENTRIES: usize = 64;

/// What all entries together may be unpacked to: this, or so many times the file.
const MOST_UNPACKED: usize = 48 << 20;
const MOST_RATIO: usize = 20;

const LOCAL: u32 = 0x0403_4b50;
const CENTRAL: u32 = 0x0201_4b50;
const END: u32 = 0x0605_4b50;
const END_LEN: usize = 22;
/// Names are UTF-8.
const UTF8: u16 = 1 << 11;
/// Lengths follow the data; the directory has them too.
const DESCRIPTOR: u16 = 1 << 3;
/// How hard it was packed.
const EFFORT: u16 = 3 << 1;
/// The method of packing that is known.
const DEFLATED: u16 = 8;
/// 1 January 1980: no clock in what is written.
const DATE: u16 = 0x21;

/// Entries by their names.
pub(crate) type Entries<'a> = Vec<(String, Cow<'a, [u8]>)>;

/// The entries of an archive, by name, in the order of its directory.
///
/// # Errors
///
/// Everything that is not as the module's page says.
pub(crate) fn entries(bytes: &[u8]) -> Result<Entries<'_>, Complaint> {
    let wrong = |expected: &str, got: &dyn std::fmt::Display| Complaint::new("archive", expected, got);
    let directory = Directory::read(bytes, 0)?;
    let mut found: Vec<(String, Packed<'_>)> = Vec::new();
    let mut spans = Vec::new();
    for (name, entry) in directory.entries {
        let (span, data) =
            entry.data(&bytes[..directory.start], 0).map_err(|(expected, got)| Complaint::new(&name, expected, got))?;
        spans.push(span);
        found.push((name, data));
    }
    spans.sort_unstable();
    if spans.windows(2).any(|pair| pair[0].1 > pair[1].0) {
        return Err(wrong("entries that do not overlap", &"some that do"));
    }
    let most = MOST_UNPACKED.max(bytes.len().saturating_mul(MOST_RATIO));
    let total = found.iter().filter(|(_, data)| data.deflated).map(|(_, data)| data.size).sum::<usize>();
    if total > most {
        return Err(wrong(&format!("at most {most} bytes when it is unpacked"), &total));
    }
    let mut unpacked = Vec::with_capacity(found.len());
    for (name, data) in found {
        let data = data.unpack().map_err(|(expected, got)| Complaint::new(&name, expected, got))?;
        unpacked.push((name, data));
    }
    Ok(unpacked)
}

/// An entry's data as they lie in the archive.
struct Packed<'a> {
    bytes: &'a [u8],
    deflated: bool,
    /// How long they are unpacked.
    size: usize,
    checksum: u32,
}

impl<'a> Packed<'a> {
    fn unpack(&self) -> Result<Cow<'a, [u8]>, (&'static str, String)> {
        let data = if self.deflated {
            let mut data = Vec::new();
            let read = DeflateDecoder::new(self.bytes).take(self.size as u64 + 1).read_to_end(&mut data);
            if read.is_err() || data.len() != self.size {
                return Err(("data that can be unpacked to the length in the directory", "others".to_owned()));
            }
            Cow::Owned(data)
        } else {
            Cow::Borrowed(self.bytes)
        };
        if crc32(&data) != self.checksum {
            return Err(("data that its checksum fits", "damaged data".to_owned()));
        }
        Ok(data)
    }
}

/// The most bytes of a directory of so many entries, with the end of the archive.
const MOST_DIRECTORY: u64 = 1 << 20;
/// The most bytes of an entry that is read by itself.
const MOST_SMALL: usize = 16 << 20;

/// Some small entries of a large archive, in the order of these names; of the others only the directory is read.
///
/// # Errors
///
/// [`std::io::Error`]; as [`entries`], as far as these entries go.
pub(crate) fn small_entries(
    mut file: impl Read + Seek,
    length: u64,
    names: &[&str],
) -> std::io::Result<Result<Vec<Vec<u8>>, Complaint>> {
    let base = length.saturating_sub(MOST_DIRECTORY);
    let mut window = |from: u64, len: u64| -> std::io::Result<Vec<u8>> {
        file.seek(SeekFrom::Start(from))?;
        let mut bytes = Vec::new();
        (&mut file).take(len).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    let tail = window(base, MOST_DIRECTORY)?;
    let directory = match Directory::read(&tail, usize::try_from(base).unwrap_or(usize::MAX)) {
        Ok(directory) => directory,
        Err(complaint) => return Ok(Err(complaint)),
    };
    let mut found = Vec::new();
    for wanted in names {
        let Some((name, entry)) = directory.entries.iter().find(|(name, _)| name == wanted) else {
            return Ok(Err(Complaint::new("archive", format!("an entry {wanted}"), "none")));
        };
        let (start, packed, size) = entry.measure();
        if packed.max(size) > MOST_SMALL {
            return Ok(Err(Complaint::new(name, format!("at most {MOST_SMALL} bytes"), packed.max(size))));
        }
        // Behind the header of an entry there is room for its name and whatever else it has.
        let bytes = window(start as u64, packed as u64 + 2 * u64::from(u16::MAX) + 64)?;
        match entry.data(&bytes, start).and_then(|(_, data)| Ok(data.unpack()?.into_owned())) {
            Ok(data) => found.push(data),
            Err((expected, got)) => return Ok(Err(Complaint::new(name, expected, got))),
        }
    }
    Ok(Ok(found))
}

/// What the directory at the end of an archive lists.
struct Directory<'a> {
    /// Where it starts in the archive, which is where the entries end.
    start: usize,
    entries: Vec<(String, Entry<'a>)>,
}

impl<'a> Directory<'a> {
    /// Reads it from the end of an archive: `bytes` begin at `base` in it.
    fn read(bytes: &'a [u8], base: usize) -> Result<Self, Complaint> {
        let wrong = |expected: &str, got: &dyn std::fmt::Display| Complaint::new("archive", expected, got);
        let end = bytes.len().checked_sub(END_LEN).filter(|end| u32_at(bytes, *end) == Some(END));
        let Some(end) = end else {
            return Err(wrong("a ZIP archive whose directory ends the file", &"something else, or a part of one"));
        };
        let fields = Fields(&bytes[end..]);
        let (disks, count, size, start) = (fields.u32(4), fields.u16(10), fields.u32(12), fields.u32(16));
        if disks != 0 || fields.u16(8) != count || fields.u16(20) != 0 {
            return Err(wrong("an archive in one part, without a comment", &"another"));
        }
        let (count, start) = (usize::from(count), start as usize);
        if start.checked_add(size as usize) != base.checked_add(end) {
            let expected = "a directory just before the end (archives of 4 GiB are not read)";
            return Err(wrong(expected, &"a gap or an overlap"));
        }
        if count > MOST_ENTRIES {
            return Err(wrong("at most 64 entries", &count));
        }
        let Some(mut at) = start.checked_sub(base) else {
            return Err(wrong("a directory of at most 1 MiB", &format!("{size} bytes")));
        };
        let mut entries: Vec<(String, Entry<'a>)> = Vec::new();
        for _ in 0..count {
            let entry = Entry::read(&bytes[..end], at).ok_or_else(|| wrong("a whole directory", &"a cut one"))?;
            at += entry.len;
            let name = plain_name(entry.name, entry.mode)?;
            if entries.iter().any(|(other, _)| *other == name) {
                return Err(Complaint::new(&name, "one entry of this name", "several"));
            }
            entries.push((name, entry));
        }
        if at != end {
            return Err(wrong("a directory of the entries it counts", &"more behind them"));
        }
        Ok(Self { start, entries })
    }
}

/// The bytes from here to there.
type Span = (usize, usize);

/// One line of the directory.
struct Entry<'a> {
    fields: Fields<'a>,
    name: &'a [u8],
    /// The upper half of the attributes: the file's mode on Unix.
    mode: u16,
    /// The length of the line itself.
    len: usize,
}

impl<'a> Entry<'a> {
    fn read(bytes: &'a [u8], at: usize) -> Option<Self> {
        const LEN: usize = 46;
        let fields = Fields(bytes.get(at..at.checked_add(LEN)?)?);
        if fields.u32(0) != CENTRAL {
            return None;
        }
        let name_len = usize::from(fields.u16(28));
        let len = LEN + name_len + usize::from(fields.u16(30)) + usize::from(fields.u16(32));
        let line = bytes.get(at..at.checked_add(len)?)?;
        let system = fields.u16(4) >> 8;
        let mode = if system == 3 { fields.u16(40) } else { 0 };
        Some(Self { fields, name: &line[LEN..LEN + name_len], mode, len })
    }

    /// Where the entry begins, how long it is and how long it is unpacked, as the directory has it.
    fn measure(&self) -> (usize, usize, usize) {
        (self.fields.u32(42) as usize, self.fields.u32(20) as usize, self.fields.u32(24) as usize)
    }

    /// Where the entry lies with its header, and its data; `bytes` begin at `base` in the archive.
    fn data<'b>(&self, bytes: &'b [u8], base: usize) -> Result<(Span, Packed<'b>), (&'static str, String)> {
        const LEN: usize = 30;
        let flags = self.fields.u16(8);
        if flags & !(UTF8 | DESCRIPTOR | EFFORT) != 0 {
            return Err(("an entry that is not encrypted", format!("flags {flags:#x}")));
        }
        let method = self.fields.u16(10);
        let (packed, size) = (self.fields.u32(20), self.fields.u32(24));
        if ![0, DEFLATED].contains(&method) || method == 0 && packed != size {
            let got = format!("method {method}, {packed} bytes for {size}");
            return Err(("an entry stored as it is, as Keras writes it, or deflated", got));
        }
        let place = self.fields.u32(42) as usize;
        let cut = || ("data within the archive", format!("{size} bytes at {place} of {}", base + bytes.len()));
        let start = place.checked_sub(base).ok_or_else(cut)?;
        let header = start.checked_add(LEN).and_then(|end| bytes.get(start..end)).map(Fields).ok_or_else(cut)?;
        let name_len = usize::from(header.u16(26));
        let from = start + LEN + name_len + usize::from(header.u16(28));
        let name = bytes.get(start + LEN..start + LEN + name_len);
        if header.u32(0) != LOCAL || header.u16(8) != method || name != Some(self.name) {
            return Err(("the entry that the directory names", "another".to_owned()));
        }
        let data = from.checked_add(packed as usize).and_then(|end| bytes.get(from..end)).ok_or_else(cut)?;
        let (deflated, checksum) = (method == DEFLATED, self.fields.u32(16));
        Ok(((place, base + from + data.len()), Packed { bytes: data, deflated, size: size as usize, checksum }))
    }
}

/// The name, if it is a plain relative path to an ordinary file.
fn plain_name(name: &[u8], mode: u16) -> Result<String, Complaint> {
    let shown = String::from_utf8_lossy(name).into_owned();
    let plain = !shown.is_empty()
        && !shown.starts_with('/')
        && !shown.contains(['\\', ':', '\0', '\u{fffd}'])
        && shown.split('/').all(|part| !part.is_empty() && part != "." && part != "..");
    if !plain {
        return Err(Complaint::new("archive", "entries with plain relative names", format!("{shown:?}")));
    }
    let kind = mode & 0xf000;
    if kind != 0 && kind != 0x8000 {
        return Err(Complaint::new(shown, "an ordinary file", format!("mode {mode:o} (a link, folder or device)")));
    }
    Ok(shown)
}

/// Little-endian fields at known places.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn u16(&self, at: usize) -> u16 {
        u16::from_le_bytes([self.0[at], self.0[at + 1]])
    }
    fn u32(&self, at: usize) -> u32 {
        u32::from(self.u16(at)) | u32::from(self.u16(at + 2)) << 16
    }
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at + 4).map(|bytes| Fields(bytes).u32(0))
}

/// An archive of these entries, stored as they are.
///
/// # Errors
///
/// More than 4 GiB.
pub(crate) fn archive(entries: &[(&str, &[u8])]) -> Result<Vec<u8>, Complaint> {
    let total: usize = entries.iter().map(|(name, data)| 128 + 2 * name.len() + data.len()).sum();
    if u32::try_from(total).is_err() {
        return Err(Complaint::new("archive", "less than 4 GiB of data", format!("{total} bytes")));
    }
    let mut out = Vec::with_capacity(total);
    let mut directory = Vec::new();
    for (name, data) in entries {
        let start = out.len() as u32;
        let mut common = Vec::new(); // from the version needed to the lengths: the same in both headers
        [20u16, 0, 0, 0, DATE].iter().for_each(|field| common.extend(field.to_le_bytes()));
        [crc32(data), data.len() as u32, data.len() as u32].iter().for_each(|field| common.extend(field.to_le_bytes()));
        [name.len() as u16, 0].iter().for_each(|field| common.extend(field.to_le_bytes()));
        out.extend(LOCAL.to_le_bytes());
        out.extend(&common);
        out.extend(name.as_bytes());
        out.extend(*data);
        directory.extend(CENTRAL.to_le_bytes());
        directory.extend((3u16 << 8 | 20).to_le_bytes());
        directory.extend(&common);
        directory.extend([0; 6]); // no comment, first disk, binary
        directory.extend((0o100_600u32 << 16).to_le_bytes());
        directory.extend(start.to_le_bytes());
        directory.extend(name.as_bytes());
    }
    let (start, count) = (out.len() as u32, entries.len() as u16);
    out.extend(&directory);
    out.extend(END.to_le_bytes());
    [0, 0, count, count].iter().for_each(|field| out.extend(field.to_le_bytes()));
    out.extend((directory.len() as u32).to_le_bytes());
    out.extend(start.to_le_bytes());
    out.extend(0u16.to_le_bytes());
    Ok(out)
}

/// The checksum of ZIP (polynomial 0x04c11db7, reflected), eight bytes at a time.
fn crc32(data: &[u8]) -> u32 {
    let (chunks, rest) = data.as_chunks::<8>();
    let mut crc = !0u32;
    for chunk in chunks {
        let low = crc ^ u32::from_le_bytes([chunk[0], chunk[1], chunk[2], chunk[3]]);
        crc = TABLES[7][(low & 255) as usize]
            ^ TABLES[6][(low >> 8 & 255) as usize]
            ^ TABLES[5][(low >> 16 & 255) as usize]
            ^ TABLES[4][(low >> 24) as usize]
            ^ TABLES[3][usize::from(chunk[4])]
            ^ TABLES[2][usize::from(chunk[5])]
            ^ TABLES[1][usize::from(chunk[6])]
            ^ TABLES[0][usize::from(chunk[7])];
    }
    for byte in rest {
        crc = TABLES[0][((crc ^ u32::from(*byte)) & 255) as usize] ^ crc >> 8;
    }
    !crc
}

static TABLES: [[u32; 256]; 8] = tables();

const fn tables() -> [[u32; 256]; 8] {
    let mut tables = [[0; 256]; 8];
    let mut i = 0;
    while i < 256 {
        let mut crc = i as u32;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 };
            bit += 1;
        }
        tables[0][i] = crc;
        i += 1;
    }
    let mut table = 1;
    while table < 8 {
        let mut i = 0;
        while i < 256 {
            let before = tables[table - 1][i];
            tables[table][i] = tables[0][(before & 255) as usize] ^ before >> 8;
            i += 1;
        }
        table += 1;
    }
    tables
}

#[cfg(test)]
mod tests;
