//! Reading.

use std::collections::BTreeMap;

use taper::Complaint;

use super::message;
use super::{F32, I32, I64, SIGNATURE, UNDEFINED};

/// The most nodes of one group's tree, continuation blocks of one header, and dimensions of one array.
const MOST_NODES: usize = 100_000;
const MOST_BLOCKS: usize = 64;
const MOST_DIMENSIONS: usize = 8;

/// What is wrong, without the place.
pub(super) type Fault = (String, String);
pub(super) type Read<T> = Result<T, Fault>;

#[allow(clippy::needless_pass_by_value)] // texts and numbers, as they come
pub(super) fn fault<T>(expected: impl ToString, got: impl ToString) -> Read<T> {
    Err((expected.to_string(), got.to_string()))
}

/// A file in memory.
#[derive(Debug, Clone, Copy)]
pub(crate) struct File<'a> {
    bytes: &'a [u8],
}

impl<'a> File<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    /// Checks that the bytes are a whole file of the kind that h5py writes by default, and opens its root.
    ///
    /// # Errors
    ///
    /// Another format, a cut file, another version.
    pub(crate) fn root(bytes: &'a [u8]) -> Result<Group<'a>, Complaint> {
        let file = Self { bytes };
        let place = |(expected, got): Fault| Complaint::new("", expected, got);
        let header = file.superblock().map_err(place)?;
        Group::open(file, header, String::new()).map_err(place)
    }

    /// The address of the root group's header.
    fn superblock(&self) -> Read<u64> {
        let start = self.slice(0, 96)?;
        if start[..8] != SIGNATURE {
            return fault("an HDF5 file", "other bytes");
        }
        let versions = [start[8], start[9], start[10], start[12]];
        if versions != [0; 4] {
            return fault("HDF5 superblock version 0, as h5py writes by default", format!("versions {versions:?}"));
        }
        if [start[13], start[14]] != [8, 8] {
            return fault("addresses of 8 bytes", format!("{} and {}", start[13], start[14]));
        }
        let (base, end, driver) = (self.u64(24)?, self.u64(40)?, self.u64(48)?);
        if base != 0 || driver != UNDEFINED {
            return fault("a file without user block and driver", "one with either");
        }
        if end != self.bytes.len() as u64 {
            return fault(format!("{end} bytes, as the header says"), format!("{} bytes", self.bytes.len()));
        }
        self.u64(64)
    }

    pub(super) fn slice(&self, at: u64, len: u64) -> Read<&'a [u8]> {
        let range = || {
            let (at, len) = (usize::try_from(at).ok()?, usize::try_from(len).ok()?);
            self.bytes.get(at..at.checked_add(len)?)
        };
        match range() {
            Some(slice) => Ok(slice),
            None => fault("addresses within the file", format!("{len} bytes at {at} of {}", self.bytes.len())),
        }
    }

    pub(super) fn u16(&self, at: u64) -> Read<u16> {
        Ok(u16::from_le_bytes([self.slice(at, 2)?[0], self.slice(at, 2)?[1]]))
    }

    pub(super) fn u32(&self, at: u64) -> Read<u32> {
        Ok(u32::from(self.u16(at)?) | u32::from(self.u16(after(at, 2)?)?) << 16)
    }

    pub(super) fn u64(&self, at: u64) -> Read<u64> {
        Ok(u64::from(self.u32(at)?) | u64::from(self.u32(after(at, 4)?)?) << 32)
    }

    /// The messages of an object header: type and data.
    fn messages(&self, header: u64) -> Read<Vec<(u16, &'a [u8])>> {
        let start = self.slice(header, 16)?;
        if start[0] != 1 {
            return fault("object header version 1", start[0]);
        }
        let count = self.u16(header + 2)?;
        let mut blocks = vec![(header + 16, u64::from(self.u32(header + 8)?))];
        let mut messages = Vec::new();
        let mut next = 0;
        while let Some((start, len)) = blocks.get(next).copied() {
            next += 1;
            self.slice(start, len)?;
            let mut at = start;
            while messages.len() < usize::from(count) && at + 8 <= start + len {
                let (kind, size, flags) = (self.u16(at)?, u64::from(self.u16(at + 2)?), self.slice(at + 4, 1)?[0]);
                if at + 8 + size > start + len {
                    return fault("messages within their block", "a longer one");
                }
                if flags & 2 != 0 {
                    return fault("messages of their own", "a shared message");
                }
                messages.push((kind, self.slice(at + 8, size)?));
                if kind == message::CONTINUATION {
                    if blocks.len() == MOST_BLOCKS || size < 16 {
                        return fault("a few whole continuation blocks", "many, or a cut one");
                    }
                    blocks.push((self.u64(at + 8)?, self.u64(at + 16)?));
                }
                at += 8 + size;
            }
        }
        if messages.len() != usize::from(count) {
            return fault(format!("{count} messages"), messages.len());
        }
        Ok(messages)
    }
}

pub(super) fn after(at: u64, offset: u64) -> Read<u64> {
    at.checked_add(offset).map_or_else(|| fault("addresses within the file", at), Ok)
}

/// A group: names and where their objects are.
#[derive(Debug, Clone)]
pub(crate) struct Group<'a> {
    file: File<'a>,
    path: String,
    members: BTreeMap<String, u64>,
    attributes: Vec<&'a [u8]>,
}

impl<'a> Group<'a> {
    fn open(file: File<'a>, header: u64, path: String) -> Read<Self> {
        let mut table = None;
        let mut attributes = vec![];
        for (kind, data) in file.messages(header)? {
            match kind {
                message::SYMBOL_TABLE if data.len() >= 16 => table = Some(data),
                message::ATTRIBUTE => attributes.push(data),
                message::NIL | message::CONTINUATION | message::MODIFIED => {}
                message::DATASPACE | message::DATATYPE | message::LAYOUT => return fault("a group", "an array"),
                other => return fault("a group of the kind h5py writes by default", message::name(other)),
            }
        }
        let Some(table) = table else { return fault("a group", "an object without members") };
        let table = File { bytes: table };
        let (tree, heap) = (table.u64(0)?, table.u64(8)?);
        let mut group = Self { file, path, members: BTreeMap::new(), attributes };
        let names = group.names(heap)?;
        group.read_tree(tree, names)?;
        Ok(group)
    }

    /// The part of the file that holds the members' names.
    fn names(&self, heap: u64) -> Read<&'a [u8]> {
        let start = self.file.slice(heap, 32)?;
        if start[..5] != *b"HEAP\0" {
            return fault("a heap of names", "other bytes");
        }
        self.file.slice(self.file.u64(heap + 24)?, self.file.u64(heap + 8)?)
    }

    fn read_tree(&mut self, root: u64, names: &'a [u8]) -> Read<()> {
        let mut open = vec![(root, None)];
        let mut seen = 0;
        while let Some((node, above)) = open.pop() {
            seen += 1;
            if seen > MOST_NODES {
                return fault("a tree of members", "one that does not end");
            }
            let start = self.file.slice(node, 24)?;
            if start[..5] != *b"TREE\0" {
                return fault("a tree of members", "other bytes");
            }
            let (level, entries) = (start[5], self.file.u16(node + 6)?);
            if above.is_some_and(|above: u8| level >= above) {
                return fault("a tree whose levels fall", "one in a circle");
            }
            for i in 0..u64::from(entries) {
                let child = self.file.u64(node + 24 + 16 * i + 8)?;
                if level > 0 {
                    open.push((child, Some(level)));
                } else {
                    self.read_leaf(child, names)?;
                }
            }
        }
        Ok(())
    }

    fn read_leaf(&mut self, leaf: u64, names: &'a [u8]) -> Read<()> {
        let start = self.file.slice(leaf, 8)?;
        if start[..5] != *b"SNOD\x01" {
            return fault("a list of members", "other bytes");
        }
        let count = u64::from(self.file.u16(leaf + 6)?);
        for i in 0..count {
            let at = leaf + 8 + 40 * i;
            let entry = self.file.slice(at, 40)?;
            let name = usize::try_from(self.file.u64(at)?).ok().and_then(|start| names.get(start..));
            let name = name.and_then(|rest| Some(&rest[..rest.iter().position(|byte| *byte == 0)?]));
            let Some(name) = name.and_then(|name| std::str::from_utf8(name).ok()).filter(|name| !name.is_empty())
            else {
                return fault("names of members", "a missing one");
            };
            if entry[16] > 1 || entry[17..20] != [0; 3] {
                return fault("members of the file itself", format!("the soft link `{name}`"));
            }
            if self.members.insert(name.to_owned(), self.file.u64(at + 8)?).is_some() {
                return fault("each name once", format!("`{name}` twice"));
            }
            if self.members.len() > MOST_NODES {
                return fault("at most 100000 members", "more");
            }
        }
        Ok(())
    }

    /// The members' names, sorted.
    pub(crate) fn names_of_members(&self) -> impl Iterator<Item = &str> {
        self.members.keys().map(String::as_str)
    }

    /// The messages of its attributes.
    pub(super) fn attributes(&self) -> impl Iterator<Item = &'a [u8]> {
        self.attributes.iter().copied()
    }

    pub(super) fn path_of(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}/{name}", self.path) }
    }

    /// A member that is a group; `None` if there is no such member.
    ///
    /// # Errors
    ///
    /// Damage, or anything that is not read.
    pub(crate) fn group(&self, name: &str) -> Result<Option<Self>, Complaint> {
        let Some(header) = self.members.get(name) else { return Ok(None) };
        let path = self.path_of(name);
        match Self::open(self.file, *header, path.clone()) {
            Ok(group) => Ok(Some(group)),
            Err((expected, got)) => Err(Complaint::new(path, expected, got)),
        }
    }

    /// A member that is an array; `None` if there is no such member.
    ///
    /// # Errors
    ///
    /// Damage, or anything that is not read.
    pub(crate) fn dataset(&self, name: &str) -> Result<Option<Dataset<'a>>, Complaint> {
        let Some(header) = self.members.get(name) else { return Ok(None) };
        match Dataset::open(self.file, *header) {
            Ok(dataset) => Ok(Some(dataset)),
            Err((expected, got)) => Err(Complaint::new(self.path_of(name), expected, got)),
        }
    }
}

/// An array: its sizes, and its numbers as they lie in the file.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Dataset<'a> {
    pub(crate) shape: Vec<u64>,
    pub(crate) values: Values<'a>,
}

/// The numbers of an array, still in bytes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Values<'a> {
    F32(&'a [[u8; 4]]),
    I32(&'a [[u8; 4]]),
    I64(&'a [[u8; 8]]),
}

impl<'a> Dataset<'a> {
    fn open(file: File<'a>, header: u64) -> Read<Self> {
        let (mut space, mut kind, mut layout) = (None, None, None);
        for (message, data) in file.messages(header)? {
            let known = match message {
                message::DATASPACE => &mut space,
                message::DATATYPE => &mut kind,
                message::LAYOUT => &mut layout,
                message::NIL
                | message::FILL_VALUE
                | message::OLD_FILL_VALUE
                | message::ATTRIBUTE
                | message::CONTINUATION
                | message::MODIFIED => continue,
                message::SYMBOL_TABLE => return fault("an array", "a group"),
                other => return fault("an array within the file, stored as it is", message::name(other)),
            };
            if known.replace(data).is_some() {
                return fault("one description of the array", "several");
            }
        }
        let (Some(space), Some(kind), Some(layout)) = (space, kind, layout) else {
            return fault("an array", "an object without shape, type or data");
        };
        let shape = shape(space)?;
        let count = shape.iter().try_fold(1u64, |product, size| product.checked_mul(*size));
        let is = |wanted: &[u8]| kind.len() >= wanted.len() && kind.starts_with(wanted);
        let width = if is(&F32) || is(&I32) {
            4
        } else if is(&I64) {
            8
        } else {
            return fault("numbers of type float32 (or int64, int32)", "another type");
        };
        let Some(bytes) = count.and_then(|count| count.checked_mul(width)) else {
            return fault("an array that fits the file", format!("sizes {shape:?}"));
        };
        let data = contiguous(file, layout, bytes)?;
        let values = if is(&F32) {
            Values::F32(data.as_chunks().0)
        } else if is(&I64) {
            Values::I64(data.as_chunks().0)
        } else {
            Values::I32(data.as_chunks().0)
        };
        Ok(Self { shape, values })
    }
}

/// A dataspace message.
pub(super) fn shape(space: &[u8]) -> Read<Vec<u64>> {
    let start = match space {
        [1, ..] => 8,
        [2, _, _, 0 | 1, ..] => 4,
        _ => return fault("an array of plain shape", "another"),
    };
    let Some(rank) = space.get(1).map(|rank| usize::from(*rank)).filter(|rank| *rank <= MOST_DIMENSIONS) else {
        return fault("at most 8 dimensions", "more");
    };
    let file = File { bytes: space };
    (0..rank).map(|i| file.u64((start + 8 * i) as u64)).collect()
}

/// The bytes that a layout message points to: `wanted` of them, in one piece.
fn contiguous<'a>(file: File<'a>, layout: &'a [u8], wanted: u64) -> Read<&'a [u8]> {
    let [3, class, ..] = *layout else {
        return fault("data in one piece (layout version 3)", format!("layout version {:?}", layout.first()));
    };
    let message = File { bytes: layout };
    let (data, len) = match class {
        0 => {
            let len = u64::from(message.u16(2)?);
            (message.slice(4, len)?, len)
        }
        1 => {
            let (address, len) = (message.u64(2)?, message.u64(10)?);
            if len != wanted {
                return fault(format!("{wanted} bytes of data, as the shape says"), len);
            }
            if address == UNDEFINED && len > 0 {
                return fault("data", "an array that was never written");
            }
            (if len == 0 { &[] } else { file.slice(address, len)? }, len)
        }
        2 => return fault("data in one piece", "chunked data"),
        3 => return fault("data of its own", "a virtual array, made of other files"),
        other => return fault("data in one piece", format!("layout class {other}")),
    };
    if len != wanted {
        return fault(format!("{wanted} bytes of data, as the shape says"), len);
    }
    Ok(data)
}
