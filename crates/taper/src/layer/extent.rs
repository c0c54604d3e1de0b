//! Sequences and images: what the settings of a layer are sizes of.

use std::fmt;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use crate::shape::Shape;
use crate::{Complaint, Result};

/// A size in every direction that a window can move in: `usize` over the steps of a sequence, [`Pair`] over the rows and columns of an
/// image. There are no others.
///
/// Layers for sequences and for images are the same settings over the one or the other: [`Conv1d`](crate::Conv1d) is
/// [`Conv<usize>`](crate::Conv), [`Conv2d`](crate::Conv2d) is `Conv<Pair>`. What they compute is the same too: a sequence is an image
/// of height 1.
///
/// # Example
///
/// ```
/// use taper::{Conv, Extent};
///
/// fn taps<E: Extent>(layer: &Conv<E>) -> usize {
///     layer.kernel_size.sizes().iter().product()
/// }
/// assert_eq!(taps(&taper::Conv1d::new(8, 5)), 5);
/// assert_eq!(taps(&taper::Conv2d::new(8, (3, 5))), 15);
/// ```
pub trait Extent: Sealed + Copy + PartialEq + fmt::Debug + fmt::Display + Serialize {
    /// Whether the direction is time: only there padding can be [causal](crate::Padding::Causal).
    const IN_TIME: bool;

    /// What a complaint calls such sizes.
    const NUMBERS: &'static str;

    /// This size in every direction.
    #[must_use]
    fn every(size: usize) -> Self;

    /// The size in each direction.
    #[must_use]
    fn sizes(self) -> Vec<usize>;

    /// Height and width. A sequence has none but this height.
    #[must_use]
    fn over_image(self, height: usize) -> Pair;

    /// The way back: a sequence leaves the height out.
    #[must_use]
    fn of_image(pair: Pair) -> Self;

    /// Takes the last size, the channels, off an input's shape.
    ///
    /// # Errors
    ///
    /// An input of another rank.
    fn of_input(input: &Shape) -> Result<(Self, usize)>;

    /// How many of what there are: `5 steps`.
    #[must_use]
    fn count(self) -> String;

    /// Reads it as files have it; Keras writes the one size over a sequence as an array.
    ///
    /// # Errors
    ///
    /// Anything but whole numbers, and more or fewer of them.
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error>;

    /// For `#[serde(default = "E::once")]`: a stride or dilation of 1.
    #[must_use]
    fn once() -> Self {
        Self::every(1)
    }

    /// For `#[serde(default = "E::twice")]`: the usual size of a pooling window.
    #[must_use]
    fn twice() -> Self {
        Self::every(2)
    }
}

/// Only this crate says what an [`Extent`] is.
pub trait Sealed {}
impl Sealed for usize {}
impl Sealed for Pair {}

/// What a size may be written as: `3` for a sequence; `3`, `(3, 5)` or `[3, 5]` for an image.
pub trait IntoExtent<E> {
    /// The size in every direction.
    fn into_extent(self) -> E;
}

impl IntoExtent<usize> for usize {
    fn into_extent(self) -> usize {
        self
    }
}

impl<T: Into<Pair>> IntoExtent<Pair> for T {
    fn into_extent(self) -> Pair {
        self.into()
    }
}

impl Extent for usize {
    const IN_TIME: bool = true;
    const NUMBERS: &'static str = "a whole number";

    fn every(size: usize) -> Self {
        size
    }

    fn sizes(self) -> Vec<usize> {
        vec![self]
    }

    fn over_image(self, height: usize) -> Pair {
        Pair { height, width: self }
    }

    fn of_image(pair: Pair) -> Self {
        pair.width
    }

    fn of_input(input: &Shape) -> Result<(Self, usize)> {
        match *input.sizes() {
            [steps, channels] => Ok((steps, channels)),
            _ => Err(Complaint::new("", "an input of shape (steps, channels)", input).into()),
        }
    }

    fn count(self) -> String {
        format!("{self} steps")
    }

    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        match numbers(&value).as_deref() {
            Some([number]) => Ok(*number),
            _ => Err(D::Error::custom(format!("invalid value: {value}, expected a whole number"))),
        }
    }
}

/// A height and a width. In files one number stands for both: `3` or `[3, 5]`.
///
/// # Example
///
/// ```
/// use taper::{Conv2d, Pair};
///
/// assert_eq!(Conv2d::new(32, (3, 3)), Conv2d::new(32, 3));
/// assert_eq!(serde_json::from_str::<Pair>("[3, 5]").unwrap(), Pair { height: 3, width: 5 });
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pair {
    /// From top to bottom.
    pub height: usize,
    /// From left to right.
    pub width: usize,
}

impl Extent for Pair {
    const IN_TIME: bool = false;
    const NUMBERS: &'static str = "whole numbers";

    fn every(size: usize) -> Self {
        size.into()
    }

    fn sizes(self) -> Vec<usize> {
        vec![self.height, self.width]
    }

    fn over_image(self, _height: usize) -> Pair {
        self
    }

    fn of_image(pair: Pair) -> Self {
        pair
    }

    fn of_input(input: &Shape) -> Result<(Self, usize)> {
        match *input.sizes() {
            [height, width, channels] => Ok((Self { height, width }, channels)),
            _ => Err(Complaint::new("", "an input of shape (height, width, channels)", input).into()),
        }
    }

    fn count(self) -> String {
        format!("{} rows and {} columns", self.height, self.width)
    }

    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::deserialize(deserializer)
    }
}

impl From<usize> for Pair {
    fn from(both: usize) -> Self {
        Self { height: both, width: both }
    }
}

impl From<(usize, usize)> for Pair {
    fn from((height, width): (usize, usize)) -> Self {
        Self { height, width }
    }
}

impl From<[usize; 2]> for Pair {
    fn from([height, width]: [usize; 2]) -> Self {
        Self { height, width }
    }
}

impl fmt::Display for Pair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "({}, {})", self.height, self.width)
    }
}

impl Serialize for Pair {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.height == self.width {
            self.height.serialize(serializer)
        } else {
            [self.height, self.width].serialize(serializer)
        }
    }
}

impl<'de> Deserialize<'de> for Pair {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        match numbers(&value).as_deref() {
            Some([both]) if value.is_number() => Ok((*both).into()),
            Some([height, width]) => Ok((*height, *width).into()),
            _ => Err(D::Error::custom(format!("invalid value: {value}, expected a whole number, or two of them"))),
        }
    }
}

/// Reads a size that may be left out.
pub(super) fn optional<'de, E: Extent, D: Deserializer<'de>>(deserializer: D) -> Result<Option<E>, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::Null => Ok(None),
        value => E::read(value).map(Some).map_err(D::Error::custom),
    }
}

/// The whole numbers in `3` or `[3, 5]`.
pub(super) fn numbers(value: &Value) -> Option<Vec<usize>> {
    let whole = |value: &Value| usize::try_from(value.as_u64()?).ok();
    match value {
        Value::Array(items) => items.iter().map(whole).collect(),
        _ => whole(value).map(|number| vec![number]),
    }
}

/// The sizes in each direction, then others.
pub(super) fn sizes<E: Extent>(height: usize, width: usize, others: &[usize]) -> Vec<usize> {
    [&E::of_image(Pair { height, width }).sizes(), others].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_as_keras_writes_them_and_as_people_do() {
        let read = |text: &str| serde_json::from_str::<Pair>(text).map_err(|error| error.to_string());
        assert_eq!(read("3").unwrap(), Pair::from(3));
        assert_eq!(read("[3, 5]").unwrap(), Pair::from((3, 5)));
        for wrong in ["[3]", "[1, 2, 3]", "-1", "2.5", "\"3\"", "null", "[3, \"x\"]"] {
            assert!(read(wrong).unwrap_err().contains("expected a whole number, or two of them"), "{wrong}");
        }
        assert_eq!(serde_json::to_string(&Pair::from(3)).unwrap(), "3");
        assert_eq!(serde_json::to_string(&Pair::from([3, 5])).unwrap(), "[3,5]");
    }
}
