//! HDF5, as far as Keras uses it: superblock version 0, groups with symbol tables, contiguous arrays of `f32` and
//! integers, attributes of text.
//!
//! HDF5 is large, and most of it is a way to make a reader do something unexpected: links to other files, arrays assembled
//! from other files, filters that unpack. So this is no general reader with those parts forbidden, but one that knows the few
//! structures that h5py writes by default, and refuses everything else by name. It reads slices of the bytes it is given and
//! allocates nothing but names. Source: "HDF5 File Format Specification", version 1.1 and 3.0, The HDF Group.

mod attribute;
mod reader;
mod writer;

pub(crate) use attribute::Attributes;
pub(crate) use reader::{Dataset, File, Group, Values};
pub(crate) use writer::{Node, write};

/// The first bytes of every HDF5 file.
pub(crate) const SIGNATURE: [u8; 8] = *b"\x89HDF\r\n\x1a\n";
/// "No address."
const UNDEFINED: u64 = u64::MAX;

/// Datatype messages.
const F32: [u8; 20] = [0x11, 0x20, 0x1f, 0, 4, 0, 0, 0, 0, 0, 0x20, 0, 0x17, 8, 0, 0x17, 0x7f, 0, 0, 0];
const I64: [u8; 12] = [0x10, 8, 0, 0, 8, 0, 0, 0, 0, 0, 0x40, 0];
const I32: [u8; 12] = [0x10, 8, 0, 0, 4, 0, 0, 0, 0, 0, 0x20, 0];

/// Message types of object headers.
mod message {
    pub(super) const NIL: u16 = 0x00;
    pub(super) const DATASPACE: u16 = 0x01;
    pub(super) const DATATYPE: u16 = 0x03;
    pub(super) const OLD_FILL_VALUE: u16 = 0x04;
    pub(super) const FILL_VALUE: u16 = 0x05;
    pub(super) const LAYOUT: u16 = 0x08;
    pub(super) const ATTRIBUTE: u16 = 0x0c;
    pub(super) const CONTINUATION: u16 = 0x10;
    pub(super) const SYMBOL_TABLE: u16 = 0x11;
    pub(super) const MODIFIED: u16 = 0x12;

    /// What the refused ones are called.
    pub(super) fn name(kind: u16) -> String {
        match kind {
            0x02 | 0x06 | 0x0a => "links of newer files, soft or external".to_owned(),
            0x07 => "data in an external file".to_owned(),
            0x0b => "a filter pipeline (compressed data)".to_owned(),
            other => format!("a message of type {other:#x}"),
        }
    }
}
