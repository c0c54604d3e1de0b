//! Attributes that hold text: what stands beside a group, in strings of fixed or of variable length.

use std::collections::BTreeMap;

use taper::Complaint;

use super::UNDEFINED;
use super::reader::{File, Group, Read, after, fault, shape};

/// The most pieces of text that are kept by their places, over all heaps of a file.
const MOST_OBJECTS: usize = 1 << 20;
/// The most texts of one attribute.
const MOST_TEXTS: u64 = 1 << 16;

/// Reads the text attributes of a file's groups. Texts of variable length lie in heaps, each of which is read once.
#[derive(Debug)]
pub(crate) struct Attributes<'a> {
    file: File<'a>,
    heaps: BTreeMap<u64, BTreeMap<u16, &'a [u8]>>,
    objects: usize,
}

impl<'a> Attributes<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { file: File::new(bytes), heaps: BTreeMap::new(), objects: 0 }
    }

    /// The one text of an attribute; `None` if there is no such attribute.
    ///
    /// # Errors
    ///
    /// Damage, several texts, or anything that is no text.
    pub(crate) fn text(&mut self, group: &Group<'a>, name: &str) -> Result<Option<&'a str>, Complaint> {
        match self.list(group, name)?.as_deref() {
            None => Ok(None),
            Some([one]) => Ok(Some(one)),
            Some(several) => Err(Complaint::new(group.path_of(name), "one text", several.len())),
        }
    }

    /// All texts of an attribute; `None` if there is no such attribute. What was too long for one attribute lies in several, whose
    /// names end in 0, 1, 2, ….
    ///
    /// # Errors
    ///
    /// Damage, or anything that is no text.
    pub(crate) fn texts(&mut self, group: &Group<'a>, name: &str) -> Result<Option<Vec<&'a str>>, Complaint> {
        if let Some(texts) = self.list(group, name)? {
            return Ok(Some(texts));
        }
        let mut all = None;
        for part in 0.. {
            match self.list(group, &format!("{name}{part}"))? {
                Some(texts) => all.get_or_insert_with(Vec::new).extend(texts),
                None => break,
            }
        }
        Ok(all)
    }

    fn list(&mut self, group: &Group<'a>, name: &str) -> Result<Option<Vec<&'a str>>, Complaint> {
        let read = |this: &mut Self| -> Read<Option<Vec<&'a str>>> {
            for message in group.attributes() {
                let attribute = Attribute::parse(message)?;
                if attribute.name == name.as_bytes() {
                    return this.values(&attribute).map(Some);
                }
            }
            Ok(None)
        };
        read(self).map_err(|(expected, got)| Complaint::new(group.path_of(name), expected, got))
    }

    fn values(&mut self, attribute: &Attribute<'a>) -> Read<Vec<&'a str>> {
        let sizes = shape(attribute.space)?;
        let count = sizes.iter().try_fold(1u64, |product, size| product.checked_mul(*size));
        let Some(count) = count.filter(|count| *count <= MOST_TEXTS) else {
            return fault(format!("at most {MOST_TEXTS} texts"), format!("sizes {sizes:?}"));
        };
        if count == 0 {
            return Ok(vec![]); // of whatever kind: an empty list is one of numbers
        }
        let kind = File::new(attribute.kind);
        let width = u64::from(kind.u32(4)?);
        let data = File::new(attribute.data);
        let class = kind.slice(0, 2)?;
        (0..count)
            .map(|i| {
                let item = data.slice(i * width, width)?;
                match (class[0] & 15, class[1] & 15) {
                    (3, _) => text(item),
                    (9, 1) => text(self.heap_object(item)?),
                    _ => fault("text", "another kind of attribute"),
                }
            })
            .collect()
    }

    /// What a text of variable length points to: its length, the address of a heap and its number there.
    fn heap_object(&mut self, item: &'a [u8]) -> Read<&'a [u8]> {
        let item = File::new(item);
        let (len, address, number) = (item.u32(0)?, item.u64(4)?, item.u32(12)?);
        if address == UNDEFINED || len == 0 {
            return Ok(&[]);
        }
        if !self.heaps.contains_key(&address) {
            let heap = self.heap(address)?;
            self.heaps.insert(address, heap);
        }
        let object = u16::try_from(number).ok().and_then(|number| self.heaps[&address].get(&number));
        match object.and_then(|object| object.get(..len as usize)) {
            Some(object) => Ok(object),
            None => fault("text that is there", format!("number {number} of a heap that lacks it")),
        }
    }

    fn heap(&mut self, address: u64) -> Read<BTreeMap<u16, &'a [u8]>> {
        let file = self.file;
        let start = file.slice(address, 16)?;
        if start[..5] != *b"GCOL\x01" {
            return fault("a heap of texts", "other bytes");
        }
        let end = after(address, file.u64(address + 8)?)?;
        let mut objects = BTreeMap::new();
        let mut at = address + 16;
        while after(at, 16)? <= end {
            let (number, size) = (file.u16(at)?, file.u64(at + 8)?);
            if number == 0 {
                break; // the rest is free
            }
            self.objects += 1;
            if self.objects > MOST_OBJECTS {
                return fault(format!("at most {MOST_OBJECTS} texts in heaps"), "more");
            }
            let object = file.slice(at + 16, size)?;
            objects.insert(number, object);
            at = after(at + 16, size.div_ceil(8) * 8)?;
        }
        Ok(objects)
    }
}

/// A text without the zeros behind it.
fn text(bytes: &[u8]) -> Read<&str> {
    let end = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    match std::str::from_utf8(&bytes[..end]) {
        Ok(text) => Ok(text),
        Err(_) => fault("text in UTF-8", "other bytes"),
    }
}

/// An attribute message, taken apart.
struct Attribute<'a> {
    name: &'a [u8],
    kind: &'a [u8],
    space: &'a [u8],
    data: &'a [u8],
}

impl<'a> Attribute<'a> {
    fn parse(message: &'a [u8]) -> Read<Self> {
        let file = File::new(message);
        let start = file.slice(0, 8)?;
        let (head, padded) = match start {
            [1, ..] => (8, true),
            [2, 0, ..] => (8, false),
            [3, 0, ..] => (9, false),
            [version, ..] => return fault("an attribute of its own, of version 1 to 3", format!("version {version}")),
            [] => return fault("an attribute", "nothing"),
        };
        let mut at = head;
        let mut part = |len: u64| {
            let slice = file.slice(at, len);
            at += if padded { len.div_ceil(8) * 8 } else { len };
            slice
        };
        let (name, kind, space) =
            (part(u64::from(file.u16(2)?))?, part(u64::from(file.u16(4)?))?, part(u64::from(file.u16(6)?))?);
        let name = name.strip_suffix(b"\0").unwrap_or(name);
        Ok(Self { name, kind, space, data: file.slice(at, (message.len() as u64).saturating_sub(at))? })
    }
}
