//! Text that a spreadsheet would take for a formula.

use std::borrow::Cow;

/// A cell of text as it is written to a table: one that begins like a formula (`=`, `+`, `-`, `@`, a tab, a line's end) gets an
/// apostrophe in front, which spreadsheets take for "this is text". Numbers are never text.
///
/// # Example
///
/// ```
/// assert_eq!(taper_io::inert("=cmd|'/c calc'!A1"), "'=cmd|'/c calc'!A1");
/// assert_eq!(taper_io::inert("a+b"), "a+b");
/// ```
#[must_use]
pub fn inert(text: &str) -> Cow<'_, str> {
    match text.bytes().next() {
        Some(b'=' | b'+' | b'-' | b'@' | b'\t' | b'\r' | b'\n') => Cow::Owned(format!("'{text}")),
        _ => Cow::Borrowed(text),
    }
}
