//! What goes around a sequence or an image, or is cut off it.

use std::fmt;
use std::ops::Range;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use super::extent::{Extent, Pair, Sealed, numbers};

/// How much at each edge: `[usize; 2]` before and after a sequence, [`Margins`] around an image. There are no others.
pub trait Edges: Sealed + Copy + PartialEq + fmt::Debug + Serialize {
    /// What the edges are of.
    type Of: Extent;

    /// How much Keras cuts off at each edge if nothing else is said: 1 of a sequence, nothing of an image.
    const CROPPING: usize;

    /// The same everywhere.
    #[must_use]
    fn all(size: usize) -> Self;

    /// Before and after, in each direction.
    #[must_use]
    fn sides(self) -> Vec<[usize; 2]>;

    /// The edges of an image; a sequence, of height 1, has nothing above and below.
    #[must_use]
    fn around_image(self) -> Margins;

    /// Reads it as files have it.
    ///
    /// # Errors
    ///
    /// Anything but whole numbers, and more or fewer of them.
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error>;

    /// For `#[serde(default = "M::cropping")]`.
    #[must_use]
    fn cropping() -> Self {
        Self::all(Self::CROPPING)
    }

    /// For `#[serde(default = "M::padding")]`.
    #[must_use]
    fn padding() -> Self {
        Self::all(1)
    }
}

impl Sealed for [usize; 2] {}
impl Sealed for Margins {}

impl Edges for [usize; 2] {
    type Of = usize;
    const CROPPING: usize = 1;

    fn all(size: usize) -> Self {
        [size, size]
    }

    fn sides(self) -> Vec<[usize; 2]> {
        vec![self]
    }

    fn around_image(self) -> Margins {
        Margins { top: 0, bottom: 0, left: self[0], right: self[1] }
    }

    /// `2` is `[2, 2]`.
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        match numbers(&value).as_deref() {
            Some([both]) => Ok([*both, *both]),
            Some([before, after]) => Ok([*before, *after]),
            _ => Err(D::Error::custom(format!("invalid value: {value}, expected a whole number or two"))),
        }
    }
}

/// Rows above and below, columns left and right. In files `1` (the same everywhere), `[1, 2]` (rows, columns) or
/// `[[0, 1], [2, 3]]` (above and below, left and right).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)] // as above
pub struct Margins {
    pub top: usize,
    pub bottom: usize,
    pub left: usize,
    pub right: usize,
}

impl Edges for Margins {
    type Of = Pair;
    const CROPPING: usize = 0;

    fn all(size: usize) -> Self {
        size.into()
    }

    fn sides(self) -> Vec<[usize; 2]> {
        vec![[self.top, self.bottom], [self.left, self.right]]
    }

    fn around_image(self) -> Margins {
        self
    }

    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::deserialize(deserializer)
    }
}

impl From<usize> for Margins {
    fn from(all: usize) -> Self {
        Self { top: all, bottom: all, left: all, right: all }
    }
}

impl From<(usize, usize)> for Margins {
    fn from((rows, columns): (usize, usize)) -> Self {
        Self { top: rows, bottom: rows, left: columns, right: columns }
    }
}

impl Serialize for Margins {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let &Self { top, bottom, left, right } = self;
        if top == bottom && left == right {
            Pair::from((top, left)).serialize(serializer)
        } else {
            [[top, bottom], [left, right]].serialize(serializer)
        }
    }
}

impl<'de> Deserialize<'de> for Margins {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        let sides: Option<Vec<Vec<usize>>> = match &value {
            Value::Array(items) => items.iter().map(numbers).collect(),
            single => numbers(single).map(|number| vec![number.clone(), number]),
        };
        let both = |side: &[usize]| match *side {
            [both] => Some((both, both)),
            [before, after] => Some((before, after)),
            _ => None,
        };
        let margins = match sides.as_deref() {
            Some([rows, columns]) => both(rows).zip(both(columns)),
            _ => None,
        };
        let Some(((top, bottom), (left, right))) = margins else {
            let expected = "a whole number, two of them (rows, columns), or two pairs";
            return Err(D::Error::custom(format!("invalid value: {value}, expected {expected}")));
        };
        Ok(Self { top, bottom, left, right })
    }
}

/// As files have it, for complaints.
pub(super) fn shown<M: Edges>(edges: M) -> String {
    match &edges.sides()[..] {
        [only] => format!("{only:?}"),
        sides => format!("{sides:?}"),
    }
}

/// Where a smaller image lies in a larger one. Sequences are images of height 1.
#[derive(Debug)]
pub(super) struct Inset {
    margins: Margins,
    /// Rows of the smaller image.
    rows: usize,
    /// Numbers in a row of the smaller and of the larger image.
    line: usize,
    outer_line: usize,
    /// Numbers in the larger image.
    outer: usize,
    channels: usize,
}

impl Inset {
    /// The place of `inner`, whose margins must fit.
    pub(super) fn new(margins: Margins, inner: Pair, channels: usize) -> Self {
        let Margins { top, bottom, left, right } = margins;
        let outer_line = (left + inner.width + right) * channels;
        let outer = (top + inner.height + bottom) * outer_line;
        Self { margins, rows: inner.height, line: inner.width * channels, outer_line, outer, channels }
    }

    /// Where line `i` of a batch of smaller images lies in the larger ones.
    fn place(&self, i: usize) -> Range<usize> {
        let start = i / self.rows * self.outer
            + (self.margins.top + i % self.rows) * self.outer_line
            + self.margins.left * self.channels;
        start..start + self.line
    }

    /// Copies what lies within the margins.
    pub(super) fn take(&self, outer: &[f32], inner: &mut [f32]) {
        for (i, inner) in inner.chunks_exact_mut(self.line).enumerate() {
            inner.copy_from_slice(&outer[self.place(i)]);
        }
    }

    /// The other way, with zeros for the margins.
    pub(super) fn put(&self, inner: &[f32], outer: &mut [f32]) {
        outer.fill(0.0);
        for (i, inner) in inner.chunks_exact(self.line).enumerate() {
            outer[self.place(i)].copy_from_slice(inner);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn margins_are_read_in_keras_three_ways() {
        let read = |text: &str| serde_json::from_str::<Margins>(text);
        assert_eq!(read("2").unwrap(), Margins::from(2));
        assert_eq!(read("[1, 2]").unwrap(), Margins::from((1, 2)));
        assert_eq!(read("[[0, 1], [2, 3]]").unwrap(), Margins { top: 0, bottom: 1, left: 2, right: 3 });
        for wrong in ["-1", "[1]", "[[1, 2]]", "[[1, 2, 3], [1, 2]]", "\"1\"", "[[[1]], 2]"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
        for text in ["2", "[1,2]", "[[0,1],[2,3]]"] {
            assert_eq!(serde_json::to_string(&read(text).unwrap()).unwrap(), text);
        }
    }
}
