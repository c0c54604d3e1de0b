//! safetensors files, read strictly.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use safetensors::{Dtype, SafeTensors, View};
use taper::{Complaint, Shape};

use crate::file::{MOST_MODEL, open_file, read_file};
use crate::{Error, Result, json, write_atomic};

/// One tensor of a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Tensor {
    /// Its sizes, the number of rows first.
    pub shape: Vec<usize>,
    /// Its numbers, row-major.
    pub data: TensorData,
}

/// The numbers of a tensor.
#[derive(Debug, Clone, PartialEq)]
pub enum TensorData {
    /// 32-bit floats.
    F32(Vec<f32>),
    /// 64-bit floats.
    F64(Vec<f64>),
    /// 64-bit integers.
    I64(Vec<i64>),
}

impl Tensor {
    /// A tensor of 32-bit floats.
    #[must_use]
    pub fn f32(shape: impl Into<Vec<usize>>, data: Vec<f32>) -> Self {
        Self { shape: shape.into(), data: TensorData::F32(data) }
    }

    /// The numbers as `f64`.
    pub(crate) fn to_f64(&self) -> Vec<f64> {
        match &self.data {
            TensorData::F32(data) => data.iter().map(|x| f64::from(*x)).collect(),
            TensorData::F64(data) => data.clone(),
            TensorData::I64(data) => data.iter().map(|x| *x as f64).collect(),
        }
    }

    /// Whether `f32` holds every number exactly.
    pub(crate) fn is_single(&self) -> bool {
        match &self.data {
            TensorData::F32(_) => true,
            TensorData::F64(data) => data.iter().all(|x| x.is_nan() || f64::from(*x as f32) == *x),
            TensorData::I64(data) => data.iter().all(|x| i128::from(*x) == (*x as f32) as i128),
        }
    }

    /// The numbers as `f32`.
    #[must_use]
    pub fn to_f32(&self) -> Vec<f32> {
        match &self.data {
            TensorData::F32(data) => data.clone(),
            TensorData::F64(data) => data.iter().map(|x| *x as f32).collect(),
            TensorData::I64(data) => data.iter().map(|x| *x as f32).collect(),
        }
    }

    /// The same without a copy of what is `f32` already.
    #[must_use]
    pub fn into_f32(self) -> Vec<f32> {
        match self.data {
            TensorData::F32(data) => data,
            _ => self.to_f32(),
        }
    }
}

/// Tensors by name, and the file's text metadata.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Tensors {
    /// The tensors.
    pub tensors: BTreeMap<String, Tensor>,
    /// The `__metadata__` entry.
    pub metadata: BTreeMap<String, String>,
}

/// Most tensors in one file.
const MOST_TENSORS: usize = 10_000;
/// Most bytes of one header, the format's own limit.
const MOST_HEADER: u64 = 100_000_000;

/// Reads a safetensors file of f32, f64 and i64 tensors.
///
/// The format's own reader is laxer than its specification, so header length, duplicate keys, gaps, overlaps and trailing
/// bytes are checked here before anything is allocated from the header.
///
/// # Errors
///
/// A file that cannot be read or that breaks the format, by name of the rule; other number types.
pub fn read_tensors(path: &Path) -> Result<Tensors> {
    parse_tensors(path, &read_file(path, MOST_MODEL)?)
}

/// [`read_tensors`] of contents in memory; `path` is only named.
///
/// # Errors
///
/// As [`read_tensors`].
pub fn parse_tensors(path: &Path, bytes: &[u8]) -> Result<Tensors> {
    let wrong = |expected: &str, got: String| Error::content(path, Complaint::new("header", expected, got));
    let Some(length) = bytes.first_chunk::<8>().map(|bytes| u64::from_le_bytes(*bytes)) else {
        return Err(wrong("at least 8 bytes", format!("{} bytes", bytes.len())));
    };
    if length > MOST_HEADER || length > bytes.len() as u64 - 8 {
        return Err(wrong("a header that fits the file", format!("a length of {length} in {} bytes", bytes.len())));
    }
    check_header(path, &bytes[8..8 + length as usize], bytes.len() as u64 - 8 - length)?;
    let file = SafeTensors::deserialize(bytes).map_err(|error| wrong("a safetensors file", error.to_string()))?;
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(|error| wrong("metadata", error.to_string()))?;

    let mut tensors = BTreeMap::new();
    for (name, view) in file.iter() {
        let data = view.data();
        let data = match view.dtype() {
            Dtype::F32 => TensorData::F32(data.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()),
            Dtype::F64 => TensorData::F64(data.as_chunks().0.iter().map(|bytes| f64::from_le_bytes(*bytes)).collect()),
            Dtype::I64 => TensorData::I64(data.as_chunks().0.iter().map(|bytes| i64::from_le_bytes(*bytes)).collect()),
            other => {
                let complaint =
                    Complaint::new(format!("tensor `{name}`"), "numbers of type f32, f64 or i64", format!("{other:?}"));
                return Err(Error::content(path, complaint));
            }
        };
        tensors.insert(name.to_owned(), Tensor { shape: view.shape().to_vec(), data });
    }
    let metadata = header.metadata().clone().unwrap_or_default().into_iter().collect();
    Ok(Tensors { tensors, metadata })
}

/// The shapes of a file's tensors by their names.
type Shapes = BTreeMap<String, Vec<usize>>;

/// The text metadata of a safetensors file, and the sizes of its tensors; no number is read.
pub(crate) fn read_header(path: &Path) -> Result<(BTreeMap<String, String>, Shapes)> {
    #[derive(serde::Deserialize)]
    struct Sizes {
        shape: Vec<usize>,
    }
    let fail = |source| Error::io(path, "reading", source);
    let wrong = |expected: &str, got: String| Error::content(path, Complaint::new("header", expected, got));
    let (mut file, whole) = open_file(path)?;
    let mut length = [0; 8];
    file.read_exact(&mut length).map_err(fail)?;
    let length = u64::from_le_bytes(length);
    if length > MOST_HEADER || length > whole.saturating_sub(8) {
        return Err(wrong("a header that fits the file", format!("a length of {length} in {whole} bytes")));
    }
    let mut header = Vec::new();
    file.take(length).read_to_end(&mut header).map_err(fail)?;
    check_header(path, &header, whole - 8 - length)?;
    let mut entries: BTreeMap<String, serde_json::Value> =
        serde_json::from_slice(&header).map_err(|error| wrong("a safetensors file", error.to_string()))?;
    let metadata = entries.remove("__metadata__").map(serde_json::from_value).transpose();
    let metadata = metadata.map_err(|error| wrong("metadata of texts", error.to_string()))?.unwrap_or_default();
    let sizes = entries.into_iter().map(|(name, value)| Ok((name, serde_json::from_value::<Sizes>(value)?.shape)));
    let sizes = sizes.collect::<serde_json::Result<_>>();
    Ok((metadata, sizes.map_err(|error| wrong("a shape for each tensor", error.to_string()))?))
}

/// What the format demands and its reader does not check: no duplicate keys, no gaps, no overlaps, nothing behind.
fn check_header(path: &Path, header: &[u8], data_len: u64) -> Result<()> {
    #[derive(serde::Deserialize)]
    struct Info {
        data_offsets: [u64; 2],
    }
    let wrong = |place: String, expected: &str, got: String| Error::content(path, Complaint::new(place, expected, got));
    let entries = match json::parse(header).map_err(|complaint| Error::content(path, complaint.within("header")))? {
        serde_json::Value::Object(entries) => entries,
        _ => return Err(wrong("header".into(), "an object", "another value".into())),
    };
    if entries.len() > MOST_TENSORS {
        return Err(wrong("header".into(), "at most 10000 tensors", entries.len().to_string()));
    }
    let mut spans = Vec::new();
    for (name, value) in entries {
        if name == "__metadata__" {
            continue;
        }
        let info: Info = serde_json::from_value(value)
            .map_err(|error| wrong(format!("tensor `{name}`"), "whole offsets", error.to_string()))?;
        spans.push((info.data_offsets, name));
    }
    spans.sort();
    let mut end = 0;
    for ([from, to], name) in spans {
        if from != end || to < from {
            let got = format!("bytes {from} to {to} where {end} comes next");
            return Err(wrong(format!("tensor `{name}`"), "data without gaps and overlaps", got));
        }
        end = to;
    }
    if end != data_len {
        return Err(wrong("data".into(), "exactly the bytes that the header names", format!("{data_len} for {end}")));
    }
    Ok(())
}

impl View for &Tensor {
    fn dtype(&self) -> Dtype {
        match self.data {
            TensorData::F32(_) => Dtype::F32,
            TensorData::F64(_) => Dtype::F64,
            TensorData::I64(_) => Dtype::I64,
        }
    }
    fn shape(&self) -> &[usize] {
        &self.shape
    }
    fn data(&self) -> Cow<'_, [u8]> {
        match &self.data {
            TensorData::F32(data) => data.iter().flat_map(|x| x.to_le_bytes()).collect(),
            TensorData::F64(data) => data.iter().flat_map(|x| x.to_le_bytes()).collect(),
            TensorData::I64(data) => data.iter().flat_map(|x| x.to_le_bytes()).collect(),
        }
    }
    fn data_len(&self) -> usize {
        match &self.data {
            TensorData::F32(data) => data.len() * 4,
            TensorData::F64(data) => data.len() * 8,
            TensorData::I64(data) => data.len() * 8,
        }
    }
}

/// Writes a safetensors file, whole or not at all.
///
/// # Errors
///
/// [`Error::Io`].
pub fn write_tensors(path: &Path, tensors: &Tensors) -> Result<()> {
    let fail = |error: std::io::Error| Error::io(path, "writing", error);
    let bytes = safetensors::serialize(&tensors.tensors, None).map_err(|error| fail(std::io::Error::other(error)))?;
    let bytes = with_metadata(&bytes, &tensors.metadata).map_err(fail)?;
    write_atomic(path, &bytes)
}

/// The same file with text metadata at the head of its header. The library would write it in an order that differs from run to
/// run, and equal models are to be equal files.
fn with_metadata(file: &[u8], metadata: &BTreeMap<String, String>) -> std::io::Result<Vec<u8>> {
    let (Some(length), false) = (file.first_chunk::<8>(), metadata.is_empty()) else { return Ok(file.to_vec()) };
    let (header, data) = file[8..].split_at(u64::from_le_bytes(*length) as usize);
    let mut entries = header.trim_ascii().strip_prefix(b"{").unwrap_or_default().to_vec();
    if entries != b"}" {
        entries.insert(0, b',');
    }
    let mut header = format!("{{\"__metadata__\":{}", serde_json::to_string(metadata)?).into_bytes();
    header.extend(entries);
    header.resize(header.len().next_multiple_of(8), b' ');
    Ok([&(header.len() as u64).to_le_bytes(), &*header, data].concat())
}

/// The shape of one row of a tensor whose first size counts rows; a flat tensor has rows of one number.
pub(crate) fn row_shape(tensor: &Tensor) -> taper::Result<Shape> {
    match &*tensor.shape {
        [] | [_] => Shape::new([1]),
        [_, rest @ ..] => Shape::new(rest),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::most;

    fn file(header: &str, data: usize) -> Vec<u8> {
        let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
        bytes.extend(header.as_bytes());
        bytes.extend(vec![0u8; data]);
        bytes
    }

    fn read(bytes: &[u8]) -> Result<Tensors> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.safetensors");
        std::fs::write(&path, bytes).unwrap();
        let (result, held) = most(|| read_tensors(&path));
        assert!(held <= 2 * bytes.len() + (64 << 20), "{} MiB for {} bytes", held >> 20, bytes.len());
        result
    }

    #[test]
    fn tensors_survive_the_round_trip() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.safetensors");
        let mut tensors = Tensors::default();
        tensors.tensors.insert("x".into(), Tensor::f32([2, 2], vec![1.0, -2.0, 3.5, f32::MIN_POSITIVE]));
        tensors.tensors.insert("y".into(), Tensor { shape: vec![2], data: TensorData::I64(vec![0, 1]) });
        tensors.tensors.insert("z".into(), Tensor { shape: vec![1], data: TensorData::F64(vec![0.1]) });
        for key in ["a", "b", "\"", "c"] {
            tensors.metadata.insert(key.into(), "{1}".into());
        }
        write_tensors(&path, &tensors).unwrap();
        assert_eq!(read_tensors(&path).unwrap(), tensors);
        let bytes = std::fs::read(&path).unwrap();
        for _ in 0..8 {
            write_tensors(&path, &tensors).unwrap();
            assert!(std::fs::read(&path).unwrap() == bytes, "the same tensors make the same file");
        }
        let empty = Tensors { tensors: BTreeMap::new(), ..tensors };
        write_tensors(&path, &empty).unwrap();
        assert_eq!(read_tensors(&path).unwrap(), empty);
    }

    #[test]
    fn broken_files_are_refused_by_the_rule_they_break() {
        let one = r#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#;
        assert!(read(&file(one, 4)).is_ok());
        let error = |bytes: &[u8]| read(bytes).unwrap_err().to_string();
        assert!(error(&[1, 2, 3]).contains("8 bytes"));
        assert!(error(&u64::MAX.to_le_bytes()).contains("fits the file"));
        assert!(error(&file(one, 5)).contains("exactly the bytes"));
        let twice = r#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#;
        assert!(error(&file(twice, 8)).contains("`a` twice"));
        assert!(error(&file(&one.replace("[0,4]", "[4,8]"), 8)).contains("gaps"));
        assert!(error(&file(&one.replace("[0,4]", "[0,NaN]"), 4)).contains("header"));
        let overlap = r#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[2,6]}}"#;
        assert!(error(&file(overlap, 6)).contains("overlaps"));
        assert!(error(&file(&one.replace("F32", "F16").replace("[0,4]", "[0,2]"), 2)).contains("f32, f64 or i64"));
        let many = (0..100_000).map(|i| format!(r#""{i}":{{"dtype":"F32","shape":[0],"data_offsets":[0,0]}}"#));
        let many = format!("{{{}}}", many.collect::<Vec<_>>().join(","));
        assert!(error(&file(&many, 0)).contains("more than a description can be"));
        let some = (0..10_001).map(|i| format!(r#""{i}":{{"dtype":"F32","shape":[0],"data_offsets":[0,0]}}"#));
        let some = format!("{{{}}}", some.collect::<Vec<_>>().join(","));
        let text = error(&file(&some, 0));
        assert!(text.contains("more than a description can be") || text.contains("10000 tensors"), "{text}");
        let maps = format!(r#"{{"a":[{}0]}}"#, r#"{"":0},"#.repeat(4_000_000));
        assert!(error(&file(&maps, 0)).contains("more than a description can be"));
        let sizes = format!(r#"{{"a":{{"dtype":"F32","shape":[{}0],"data_offsets":[0,0]}}}}"#, "0,".repeat(10_000_000));
        assert!(error(&file(&sizes, 0)).contains("more than a description can be"));
        let deep = "[".repeat(200_000) + &"]".repeat(200_000);
        assert!(error(&file(&format!(r#"{{"a":{deep}}}"#), 0)).contains("deeper"));
        let huge = r#"{"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,4]}}"#;
        assert!(read(&file(huge, 4)).is_err());
        assert!(read_tensors(Path::new("/dev/zero")).is_err());
        assert!(read_tensors(Path::new(".")).unwrap_err().to_string().contains("got a folder"));
        let whole = file(one, 4);
        for cut in 0..whole.len() {
            assert!(read(&whole[..cut]).is_err());
        }
    }
}
