//! NumPy's `.npz` files: ZIP archives of arrays.
//!
//! Only the arrays that are asked for are unpacked, each into a buffer of the length that its header demands; an archive that
//! promises more than its bytes can hold is refused before anything is allocated for it.

use std::io::{Read, Seek};
use std::path::Path;

use taper::Complaint;
use zip::ZipArchive;

use crate::file::open_file;
use crate::tensor_file::{Tensor, TensorData};
use crate::{Error, Result, limit};

/// Most members of an archive.
const MOST_MEMBERS: usize = 10_000;
/// Most bytes of an array's header.
const MOST_HEADER: usize = 1 << 16;
/// No packing that NumPy writes makes more than this of a byte.
const MOST_PACKING: u64 = 1100;

/// Reads arrays of an archive: for each name the array called so, in small or capital letters.
///
/// # Errors
///
/// A file that cannot be read or is no such archive; an array that is not there, or of another type than f4, f8, integers and
/// booleans.
pub(crate) fn read_npz(path: &Path, names: &[&str]) -> Result<Vec<Tensor>> {
    let (file, length) = open_file(path)?;
    read_archive(path, std::io::BufReader::new(file), length, names)
}

/// Reads arrays of an archive in memory; `path` is only named.
///
/// # Errors
///
/// As for a file: no such archive; an array that is not there, or of a type that is not read.
pub fn parse_npz(path: &Path, bytes: &[u8], names: &[&str]) -> Result<Vec<Tensor>> {
    read_archive(path, std::io::Cursor::new(bytes), bytes.len() as u64, names)
}

fn read_archive(path: &Path, source: impl Read + Seek, length: u64, names: &[&str]) -> Result<Vec<Tensor>> {
    let wrong = |place: &str, expected: &str, got: String| Error::content(path, Complaint::new(place, expected, got));
    let mut archive = ZipArchive::new(source)
        .map_err(|error| wrong("", "an archive of arrays, as numpy.savez writes it", error.to_string()))?;
    if archive.len() > MOST_MEMBERS {
        return Err(wrong("", &format!("at most {MOST_MEMBERS} arrays"), archive.len().to_string()));
    }
    let plain = |name: &str| name.strip_suffix(".npy").map(str::to_owned);
    let known: Vec<String> = archive.file_names().filter_map(|name| plain(&name.ok()?)).collect();
    let mut arrays = Vec::new();
    for name in names {
        let Some(found) = known.iter().find(|known| known.eq_ignore_ascii_case(name)) else {
            return Err(wrong("arrays", &format!("one named `{name}`"), taper::table::list(&known)));
        };
        let place = format!("array `{found}`");
        let mut member = archive
            .by_name(&format!("{found}.npy"))
            .map_err(|error| wrong(&place, "an array that can be unpacked", error.to_string()))?;
        if member.size() > length.saturating_mul(MOST_PACKING) {
            return Err(wrong(&place, "no more bytes than the file can hold", member.size().to_string()));
        }
        let size = member.size();
        let array = read_npy(&mut member, size).map_err(|(expected, got)| wrong(&place, &expected, got))?;
        arrays.push(array);
    }
    Ok(arrays)
}

type Wrong = (String, String);

/// Reads one array of `size` bytes, header included.
fn read_npy(source: &mut impl Read, size: u64) -> Result<Tensor, Wrong> {
    let cut = |error: std::io::Error| ("a whole array".to_owned(), error.to_string());
    let no = |expected: &str, got: &dyn std::fmt::Display| (expected.to_owned(), got.to_string());
    let mut head = [0; 8];
    source.read_exact(&mut head).map_err(cut)?;
    let (magic, version) = head.split_at(6);
    if magic != b"\x93NUMPY" {
        return Err(no("an array in NumPy's format", &"something else"));
    }
    let wide = match version[0] {
        1 => 2,
        2 | 3 => 4,
        other => return Err(no("version 1, 2 or 3 of the format", &other)),
    };
    let mut length = [0; 4];
    source.read_exact(&mut length[..wide]).map_err(cut)?;
    let length = u32::from_le_bytes(length) as usize;
    if length > MOST_HEADER {
        return Err(no("a header of at most 64 KiB", &format!("{length} bytes")));
    }
    let mut header = vec![0; length];
    source.read_exact(&mut header).map_err(cut)?;
    let header = String::from_utf8_lossy(&header).into_owned();
    let unreadable = || no("a header with descr, fortran_order and shape", &header.trim());
    let descr = value(&header, "descr").ok_or_else(unreadable)?.trim_matches(['\'', '"']);
    let fortran = value(&header, "fortran_order").ok_or_else(unreadable)? == "True";
    let shape: Vec<usize> = value(&header, "shape")
        .ok_or_else(unreadable)?
        .trim_matches(['(', ')'])
        .split(',')
        .map(str::trim)
        .filter(|size| !size.is_empty())
        .map(|size| size.parse().map_err(|_| unreadable()))
        .collect::<Result<_, Wrong>>()?;
    let mut letters = descr.chars();
    let order = letters.next();
    let kind = letters.as_str();
    let width: u64 = kind.get(1..).and_then(|width| width.parse().ok()).unwrap_or(0);
    let known =
        matches!((kind.get(..1), width), (Some("f"), 4 | 8) | (Some("i" | "u"), 1 | 2 | 4 | 8) | (Some("b"), 1));
    if !known || !matches!(order, Some('<' | '|' | '=')) {
        return Err(no("numbers of type f4, f8, i1 to i8, u1 to u8 or b1, little-endian", &descr));
    }
    let count = shape.iter().try_fold(1u64, |count, size| count.checked_mul(*size as u64));
    let bytes =
        count.and_then(|count| count.checked_mul(width)).ok_or_else(|| no("a size that can be", &header.trim()))?;
    let left = size.saturating_sub((8 + wide + length) as u64);
    if bytes != left {
        return Err(no(&format!("{bytes} bytes of numbers, as its header says"), &left));
    }
    let kind = Kind { letter: kind.as_bytes()[0], width: width as usize };
    let cells = count.unwrap_or(0);
    // Fortran's order is turned in a second array.
    let arrays = if fortran && shape.len() > 1 { 2 } else { 1 };
    let need = u128::from(cells) * kind.held() * arrays;
    if let Some(complaint) = limit::over("", need) {
        return Err((complaint.expected, format!("{} ({} numbers)", complaint.got, cells)));
    }
    let data = if kind.is_f32() {
        TensorData::F32(ordered(kind.read(source, cells, |x| x as f32)?, fortran, &shape))
    } else {
        TensorData::F64(ordered(kind.read(source, cells, |x| x)?, fortran, &shape))
    };
    Ok(Tensor { shape, data })
}

/// A type of numbers: its letter (f, i, u, b), and bytes of each.
#[derive(Debug, Clone, Copy)]
struct Kind {
    letter: u8,
    width: usize,
}

impl Kind {
    /// Whether f32 holds every such number as it is.
    fn is_f32(self) -> bool {
        match self.letter {
            b'f' => self.width == 4,
            _ => self.width <= 2,
        }
    }

    /// Bytes that a number takes in memory.
    fn held(self) -> u128 {
        if self.is_f32() { 4 } else { 8 }
    }

    /// Reads so many numbers, some thousands at a time.
    fn read<T>(self, source: &mut impl Read, cells: u64, keep: impl Fn(f64) -> T) -> Result<Vec<T>, Wrong> {
        const PIECE: usize = 8192;
        let (mut bytes, mut left) = (vec![0; PIECE * self.width], usize::try_from(cells).unwrap_or(usize::MAX));
        // What the header says has been held against the file's length and the memory there is.
        let mut numbers = Vec::new();
        let refused = |_| ("an array that memory can be had for".to_owned(), format!("{cells} numbers"));
        numbers.try_reserve_exact(left).map_err(refused)?;
        while left > 0 {
            let piece = &mut bytes[..left.min(PIECE) * self.width];
            source.read_exact(piece).map_err(|error| ("a whole array".to_owned(), error.to_string()))?;
            numbers.extend(piece.chunks_exact(self.width).map(|bytes| keep(self.number(bytes))));
            left -= left.min(PIECE);
        }
        Ok(numbers)
    }

    fn number(self, bytes: &[u8]) -> f64 {
        let wide = |fill: u8| {
            let mut wide = [fill; 8];
            wide[..self.width].copy_from_slice(bytes);
            wide
        };
        match (self.letter, self.width) {
            (b'f', 4) => f64::from(f32::from_bits(u64::from_le_bytes(wide(0)) as u32)),
            (b'f', _) => f64::from_bits(u64::from_le_bytes(wide(0))),
            (b'i', width) => i64::from_le_bytes(wide(if bytes[width - 1] & 0x80 != 0 { 0xff } else { 0 })) as f64,
            _ => u64::from_le_bytes(wide(0)) as f64,
        }
    }
}

fn ordered<T: Copy>(data: Vec<T>, fortran: bool, shape: &[usize]) -> Vec<T> {
    if fortran && shape.len() > 1 { row_major(&data, shape) } else { data }
}

/// The text behind a key of a Python dictionary of plain values.
fn value<'a>(header: &'a str, key: &str) -> Option<&'a str> {
    let rest = header.split_once(&format!("'{key}':"))?.1.trim_start();
    let end = if rest.starts_with('(') { rest.find(')')? + 1 } else { rest.find([',', '}'])? };
    Some(rest[..end].trim())
}

/// Numbers whose first index runs fastest, so that the last one does.
fn row_major<T: Copy>(data: &[T], shape: &[usize]) -> Vec<T> {
    let mut ordered = Vec::with_capacity(data.len());
    let mut index = vec![0; shape.len()];
    for _ in 0..data.len() {
        let at = index.iter().zip(shape).rev().fold(0, |at, (i, size)| at * size + i);
        ordered.push(data[at]);
        for (i, size) in index.iter_mut().zip(shape).rev() {
            *i += 1;
            if *i < *size {
                break;
            }
            *i = 0;
        }
    }
    ordered
}

#[cfg(test)]
mod tests {
    use super::*;

    fn npy(header: &str, data: &[u8]) -> Vec<u8> {
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((header.len() as u16).to_le_bytes());
        bytes.extend(header.as_bytes());
        bytes.extend(data);
        bytes
    }

    fn read(header: &str, data: &[u8]) -> Result<Tensor, Wrong> {
        let bytes = npy(header, data);
        read_npy(&mut &*bytes, bytes.len() as u64)
    }

    #[test]
    fn arrays_of_every_type_and_order() {
        let header = |descr: &str, fortran: &str, shape: &str| {
            format!("{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': {shape}, }}\n")
        };
        let f4: Vec<u8> = [1.0f32, 2.0, 3.0, 4.0, 5.0, 6.0].iter().flat_map(|x| x.to_le_bytes()).collect();
        let tensor = read(&header("<f4", "False", "(3, 2)"), &f4).unwrap();
        assert_eq!((tensor.shape, tensor.data), (vec![3, 2], TensorData::F32(vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0])));
        let tensor = read(&header("<f4", "True", "(3, 2)"), &f4).unwrap();
        assert_eq!(tensor.data, TensorData::F32(vec![1.0, 4.0, 2.0, 5.0, 3.0, 6.0]));
        assert_eq!(read(&header("|i1", "False", "(2,)"), &[255, 3]).unwrap().data, TensorData::F32(vec![-1.0, 3.0]));
        assert_eq!(read(&header("|u1", "False", "(2,)"), &[255, 3]).unwrap().data, TensorData::F32(vec![255.0, 3.0]));
        assert_eq!(read(&header("|b1", "False", "(1,)"), &[1]).unwrap().data, TensorData::F32(vec![1.0]));
        let wide = [i64::MAX.to_le_bytes(), (-2i64).to_le_bytes()].concat();
        let tensor = read(&header("<i8", "False", "(2,)"), &wide).unwrap();
        assert_eq!(tensor.data, TensorData::F64(vec![i64::MAX as f64, -2.0]));
        for (header, data) in [
            (header("éf8", "False", "(1,)"), &f4[..4]),
            (header(">f4", "False", "(1,)"), &f4[..4]),
            (header("|O", "False", "(1,)"), &f4[..4]),
            (header("é", "False", "(1,)"), &f4[..4]),
            (header("éf4", "False", "(1,)"), &f4[..4]),
            (header("<é4", "False", "(1,)"), &f4[..4]),
            (header("<fé", "False", "(1,)"), &f4[..4]),
            (header("", "False", "(1,)"), &f4[..4]),
            (header("<f4", "False", "(2,)"), &f4[..4]),
            (header("<f4", "False", "(18446744073709551615, 9)"), &f4[..4]),
            (header("<f4", "False", "(-1,)"), &f4[..4]),
            ("{}".to_owned(), &f4[..4]),
        ] {
            assert!(read(&header, data).is_err(), "{header}");
        }
        let whole = npy(&header("<f4", "False", "(3, 2)"), &f4);
        for cut in 0..whole.len() {
            assert!(read_npy(&mut &whole[..cut], cut as u64).is_err());
        }
    }
}
