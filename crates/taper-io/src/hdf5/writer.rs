//! Writing.

use std::collections::BTreeMap;

use super::message;
use super::{F32, I64, SIGNATURE, UNDEFINED};

/// Something to be written.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Node {
    /// A group: its `name` attribute, if it has one, and its members.
    Group(Option<String>, BTreeMap<String, Node>),
    /// An array of `f32`: its sizes and numbers.
    F32(Vec<usize>, Vec<f32>),
    /// A single integer.
    I64(i64),
}

impl Node {
    /// An empty group.
    pub(crate) fn group() -> Self {
        Self::Group(None, BTreeMap::new())
    }

    /// Puts a node at a path below this group; groups on the way are made.
    pub(crate) fn insert(&mut self, path: &str, node: Self) {
        let Self::Group(_, members) = self else { return };
        match path.split_once('/') {
            Some((first, rest)) => members.entry(first.to_owned()).or_insert_with(Self::group).insert(rest, node),
            None => {
                members.insert(path.to_owned(), node);
            }
        }
    }
}

/// Members per leaf of a group's tree, as h5py has it: twice 4.
const LEAF: usize = 8;
/// Leaves per tree, at least: twice 16.
const TREE: usize = 32;

/// The bytes of a file with this root group.
pub(crate) fn write(root: &Node) -> Vec<u8> {
    // One tree node per group: as many leaves as the largest group needs.
    let leaves = most_members(root).div_ceil(LEAF).max(TREE).next_multiple_of(2);
    let mut writer = Writer { bytes: vec![0; 96], leaves };
    let (header, tree, heap) = match root {
        Node::Group(name, members) => writer.group(name.as_deref(), members),
        _ => writer.group(None, &BTreeMap::new()),
    };
    let end = writer.bytes.len() as u64;
    let mut start = Vec::with_capacity(96);
    start.extend(SIGNATURE);
    start.extend([0, 0, 0, 0, 0, 8, 8, 0]);
    start.extend((LEAF as u16 / 2).to_le_bytes());
    start.extend((leaves as u16 / 2).to_le_bytes());
    start.extend([0; 4]);
    [0, UNDEFINED, end, UNDEFINED, 0, header].iter().for_each(|field| start.extend(field.to_le_bytes()));
    start.extend(1u64.to_le_bytes()); // the addresses of the root's tree and heap follow
    [tree, heap].iter().for_each(|field| start.extend(field.to_le_bytes()));
    writer.bytes[..96].copy_from_slice(&start);
    writer.bytes
}

fn most_members(node: &Node) -> usize {
    match node {
        Node::Group(_, members) => members.values().map(most_members).max().unwrap_or(0).max(members.len()),
        _ => 0,
    }
}

struct Writer {
    bytes: Vec<u8>,
    leaves: usize,
}

impl Writer {
    /// Appends at the next address that is a multiple of 8; returns the address.
    fn append(&mut self, data: &[u8]) -> u64 {
        self.bytes.resize(self.bytes.len().next_multiple_of(8), 0);
        let at = self.bytes.len() as u64;
        self.bytes.extend(data);
        at
    }

    /// Writes members, then the group; returns the addresses of its header, tree and heap.
    fn group(&mut self, name: Option<&str>, members: &BTreeMap<String, Node>) -> (u64, u64, u64) {
        let written: Vec<(&str, Entry)> = members.iter().map(|(name, node)| (name.as_str(), self.node(node))).collect();

        // Names, each ended by zeros up to a multiple of 8, after an empty one.
        let mut names = vec![0u8; 8];
        let mut offsets = Vec::new();
        for (name, _) in &written {
            offsets.push(names.len() as u64);
            names.extend(name.as_bytes());
            names.resize((names.len() + 1).next_multiple_of(8), 0);
        }
        let data = self.append(&names);
        let mut heap = b"HEAP\0\0\0\0".to_vec();
        [names.len() as u64, 1, data].iter().for_each(|field| heap.extend(field.to_le_bytes()));
        let heap = self.append(&heap);

        // Leaves of members in the order of their names, and one tree node over them.
        let mut tree = b"TREE\0\0".to_vec();
        tree.extend((written.len().div_ceil(LEAF) as u16).to_le_bytes());
        [UNDEFINED, UNDEFINED, 0].iter().for_each(|field| tree.extend(field.to_le_bytes()));
        for (entries, offsets) in written.chunks(LEAF).zip(offsets.chunks(LEAF)) {
            let mut leaf = b"SNOD\x01\0".to_vec();
            leaf.extend((entries.len() as u16).to_le_bytes());
            for ((_, entry), offset) in entries.iter().zip(offsets) {
                [*offset, entry.header].iter().for_each(|field| leaf.extend(field.to_le_bytes()));
                let (cached, scratch) = entry.scratch.map_or((0u64, [0, 0]), |scratch| (1, scratch));
                leaf.extend(cached.to_le_bytes());
                scratch.iter().for_each(|field| leaf.extend(field.to_le_bytes()));
            }
            leaf.resize(8 + 40 * LEAF, 0);
            let leaf = self.append(&leaf);
            tree.extend(leaf.to_le_bytes());
            tree.extend(offsets.last().copied().unwrap_or(0).to_le_bytes());
        }
        tree.resize(24 + 16 * self.leaves + 8, 0);
        let tree = self.append(&tree);

        let mut table = tree.to_le_bytes().to_vec();
        table.extend(heap.to_le_bytes());
        let mut messages = vec![(message::SYMBOL_TABLE, table)];
        messages.extend(name.map(|name| (message::ATTRIBUTE, attribute("name", name))));
        (self.header(&messages), tree, heap)
    }

    fn node(&mut self, node: &Node) -> Entry {
        match node {
            Node::Group(name, members) => {
                let (header, tree, heap) = self.group(name.as_deref(), members);
                Entry { header, scratch: Some([tree, heap]) }
            }
            Node::F32(shape, numbers) => {
                let data: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
                self.dataset(shape, &F32, &data)
            }
            Node::I64(number) => self.dataset(&[], &I64, &number.to_le_bytes()),
        }
    }

    fn dataset(&mut self, shape: &[usize], kind: &[u8], data: &[u8]) -> Entry {
        let address = self.append(data);
        let mut space = vec![1, shape.len() as u8, 0, 0, 0, 0, 0, 0];
        shape.iter().for_each(|size| space.extend((*size as u64).to_le_bytes()));
        let mut layout = vec![3, 1];
        layout.extend(address.to_le_bytes());
        layout.extend((data.len() as u64).to_le_bytes());
        let header = self.header(&[
            (message::DATASPACE, space),
            (message::DATATYPE, kind.to_vec()),
            (message::FILL_VALUE, vec![2, 2, 2, 1, 0, 0, 0, 0]), // zeros, by default
            (message::LAYOUT, layout),
        ]);
        Entry { header, scratch: None }
    }

    fn header(&mut self, messages: &[(u16, Vec<u8>)]) -> u64 {
        let mut body = Vec::new();
        for (kind, data) in messages {
            let size = data.len().next_multiple_of(8);
            body.extend(kind.to_le_bytes());
            body.extend((size as u16).to_le_bytes());
            body.extend([0; 4]);
            body.extend(data);
            body.resize(body.len() + size - data.len(), 0);
        }
        let mut header = vec![1, 0];
        header.extend((messages.len() as u16).to_le_bytes());
        header.extend(1u32.to_le_bytes());
        header.extend((body.len() as u32).to_le_bytes());
        header.extend([0; 4]);
        header.extend(body);
        self.append(&header)
    }
}

/// Where an object is; for a group also its tree and heap, which the entry repeats.
struct Entry {
    header: u64,
    scratch: Option<[u64; 2]>,
}

/// An attribute message (version 1) that holds a text of fixed length.
fn attribute(name: &str, value: &str) -> Vec<u8> {
    let mut out = vec![1, 0];
    [name.len() as u16 + 1, 8, 8].iter().for_each(|field| out.extend(field.to_le_bytes()));
    let pad = |out: &mut Vec<u8>| out.resize(out.len().next_multiple_of(8), 0);
    out.extend(name.as_bytes());
    out.push(0);
    pad(&mut out);
    out.extend([0x13, 0x11, 0, 0]); // a text, ended by zeros, UTF-8
    out.extend((value.len().max(1) as u32).to_le_bytes());
    out.extend([1, 0, 0, 0, 0, 0, 0, 0]); // one of them
    out.extend(value.as_bytes());
    if value.is_empty() {
        out.push(0);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::{File, Values};
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let mut root = Node::group();
        root.insert("layers/dense/vars/0", Node::F32(vec![2, 3], vec![1.0, -2.0, 3.0, 4.0, 5.0, 6.5]));
        root.insert("optimizer/vars/0", Node::I64(-7));
        for i in 0..500 {
            root.insert(&format!("many/{i}"), Node::F32(vec![], vec![i as f32]));
        }
        let bytes = write(&root);
        let file = File::root(&bytes).unwrap();
        let layers = file.group("layers").unwrap().unwrap();
        let vars = layers.group("dense").unwrap().unwrap().group("vars").unwrap().unwrap();
        let kernel = vars.dataset("0").unwrap().unwrap();
        assert_eq!(kernel.shape, [2, 3]);
        let Values::F32(numbers) = kernel.values else { panic!("{kernel:?}") };
        assert_eq!(f32::from_le_bytes(numbers[5]), 6.5);
        let many = file.group("many").unwrap().unwrap();
        assert_eq!(many.names_of_members().count(), 500);
        assert!(vars.dataset("1").unwrap().is_none());
        assert!(layers.dataset("dense").unwrap_err().to_string().starts_with("layers/dense: expected an array"));
        assert!(vars.group("0").unwrap_err().to_string().starts_with("layers/dense/vars/0: expected a group"));
        for cut in 0..bytes.len() {
            assert!(File::root(&bytes[..cut]).is_err());
        }
    }
}
