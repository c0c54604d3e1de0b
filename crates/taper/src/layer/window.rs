//! Sliding windows as the user writes them down: sizes of one or two numbers, and padding.

use std::fmt;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use taper_kernels::window::Axis;

use crate::shape::Shape;
use crate::{Complaint, Complaints, Result};

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

/// Reads the only number of a window over a sequence, which Keras writes as an array of one.
pub(crate) fn one<'de, D: Deserializer<'de>>(deserializer: D) -> Result<usize, D::Error> {
    let value = Value::deserialize(deserializer)?;
    match numbers(&value).as_deref() {
        Some([number]) => Ok(*number),
        _ => Err(D::Error::custom(format!("invalid value: {value}, expected a whole number"))),
    }
}

/// The same where there may be none.
pub(crate) fn optional_one<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<usize>, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::Null => Ok(None),
        value => one(value).map(Some).map_err(D::Error::custom),
    }
}

/// The whole numbers in `3` or `[3, 5]`.
pub(crate) fn numbers(value: &Value) -> Option<Vec<usize>> {
    let whole = |value: &Value| usize::try_from(value.as_u64()?).ok();
    match value {
        Value::Array(items) => items.iter().map(whole).collect(),
        _ => whole(value).map(|number| vec![number]),
    }
}

/// What goes before and after a sequence: `2` is `[2, 2]`.
pub(crate) fn both<'de, D: Deserializer<'de>>(deserializer: D) -> Result<[usize; 2], D::Error> {
    let value = Value::deserialize(deserializer)?;
    match numbers(&value).as_deref() {
        Some([both]) => Ok([*both, *both]),
        Some([before, after]) => Ok([*before, *after]),
        _ => Err(D::Error::custom(format!("invalid value: {value}, expected a whole number or two"))),
    }
}

/// For `#[serde(default = "window::once")]`: a stride or dilation of 1.
pub(crate) fn once() -> usize {
    1
}

/// The same in both directions.
pub(crate) fn once_each() -> Pair {
    1.into()
}

/// For `#[serde(default = "window::two")]`: the usual size of a pooling window.
pub(crate) fn two() -> usize {
    2
}

/// The same in both directions.
pub(crate) fn two_each() -> Pair {
    2.into()
}

/// What a window does at the edge of its input. With span = (size - 1)·dilation + 1:
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Padding {
    /// It stays inside: ⌊(input - span) / stride⌋ + 1 outputs.
    #[default]
    Valid,
    /// ⌈input / stride⌉ outputs, the padding half before and half (the larger one) after, as in TensorFlow.
    Same,
    /// All padding before, so that no output sees what comes later. Only for `conv1d`.
    Causal,
}

/// A window that slides over an input, before its sizes are checked.
#[derive(Debug)]
pub(crate) struct Window {
    /// What the user calls its size: `kernel_size` or `pool_size`.
    pub(crate) place: &'static str,
    pub(crate) size: Pair,
    pub(crate) strides: Pair,
    pub(crate) dilation_rate: Pair,
    pub(crate) padding: Padding,
}

impl Window {
    /// A window over a sequence, as one over an image of height 1.
    pub(crate) fn over_steps(
        place: &'static str,
        size: usize,
        stride: usize,
        dilation: usize,
        padding: Padding,
    ) -> Self {
        let flat = |width| Pair { height: 1, width };
        Self { place, size: flat(size), strides: flat(stride), dilation_rate: flat(dilation), padding }
    }

    /// Its rows and columns over an image (height, width, channels), and the channels.
    pub(crate) fn over_image(&self, input: &Shape) -> Result<(Axis, Axis, usize)> {
        let [height, width, channels] = image(input)?;
        self.axes((height, width), channels)
    }

    /// Its rows and columns over a sequence (steps, channels), and the channels.
    pub(crate) fn over_sequence(&self, input: &Shape) -> Result<(Axis, Axis, usize)> {
        let [steps, channels] = sequence(input)?;
        self.axes((1, steps), channels)
    }

    fn axes(&self, (height, width): (usize, usize), channels: usize) -> Result<(Axis, Axis, usize)> {
        self.check()?;
        let make = match self.padding {
            Padding::Valid => Axis::valid,
            Padding::Same => Axis::same,
            Padding::Causal => Axis::causal,
        };
        let rows = make(height, self.size.height, self.strides.height, self.dilation_rate.height);
        let columns = make(width, self.size.width, self.strides.width, self.dilation_rate.width);
        self.fitting(rows.zip(columns), (height, width), channels)
    }

    /// The convolution that this window's transposed convolution is the backward pass of, over an image.
    pub(crate) fn transposed(&self, input: &Shape, more: Option<Pair>) -> Result<(Axis, Axis, usize)> {
        let [height, width, channels] = image(input)?;
        self.transposed_axes((height, width), more, channels)
    }

    /// The same over a sequence.
    pub(crate) fn transposed_over_steps(&self, input: &Shape, more: Option<usize>) -> Result<(Axis, Axis, usize)> {
        let [steps, channels] = sequence(input)?;
        // One row becomes one, whatever the padding.
        self.transposed_axes((1, steps), more.map(|width| Pair { height: 0, width }), channels)
    }

    fn transposed_axes(
        &self,
        (height, width): (usize, usize),
        more: Option<Pair>,
        channels: usize,
    ) -> Result<(Axis, Axis, usize)> {
        self.check()?;
        if let Some(more) = more {
            let less = more.height < self.strides.height && more.width < self.strides.width;
            let mut complaints = Complaints::new();
            let expected = format!("less than the strides {}", self.strides);
            complaints.check(less, "output_padding", expected, more);
            // The window would come to one output less than there are.
            let short =
                |size: usize, dilation: usize, more: usize| size.is_multiple_of(2) && dilation % 2 == 1 && more == 0;
            let short = short(self.size.height, self.dilation_rate.height, more.height)
                || short(self.size.width, self.dilation_rate.width, more.width);
            let expected = "at least 1 where the window spans an even number and the padding is `same`";
            complaints.check(!short || self.padding != Padding::Same, "output_padding", expected, more);
            complaints.finish()?;
        }
        let make = match self.padding {
            Padding::Same => Axis::transposed_same,
            Padding::Valid | Padding::Causal => Axis::transposed_valid,
        };
        let (size, strides, dilation) = (self.size, self.strides, self.dilation_rate);
        let rows = make(height, size.height, strides.height, dilation.height, more.map(|more| more.height));
        let columns = make(width, size.width, strides.width, dilation.width, more.map(|more| more.width));
        self.fitting(rows.zip(columns), (height, width), channels)
    }

    fn fitting(
        &self,
        axes: Option<(Axis, Axis)>,
        (height, width): (usize, usize),
        channels: usize,
    ) -> Result<(Axis, Axis, usize)> {
        let Some((rows, columns)) = axes else {
            let expected = format!("a window that fits an input of height {height} and width {width}");
            let mut got = self.size.to_string();
            if self.dilation_rate != once_each() {
                got.push_str(&format!(" with a dilation rate of {}", self.dilation_rate));
            }
            return Err(Complaint::new(self.place, expected, got).into());
        };
        Ok((rows, columns, channels))
    }

    fn check(&self) -> Result<()> {
        let mut complaints = Complaints::new();
        for (place, pair) in [(self.place, self.size), ("strides", self.strides), ("dilation_rate", self.dilation_rate)]
        {
            let positive = pair.height > 0 && pair.width > 0;
            complaints.check(positive, place, "whole numbers of at least 1", pair);
        }
        complaints.finish()
    }

    /// Keras's rule for convolutions: gaps between outputs or gaps between taps, not both.
    pub(crate) fn check_either_stride_or_dilation(&self) -> Result<()> {
        let more = |pair: Pair| pair.height > 1 || pair.width > 1;
        if more(self.strides) && more(self.dilation_rate) {
            let expected = format!("1 where strides are greater than 1 ({})", self.strides);
            return Err(Complaint::new("dilation_rate", expected, self.dilation_rate).into());
        }
        Ok(())
    }

    /// Refuses what only `conv1d` can do.
    pub(crate) fn check_not_causal(&self) -> Result<()> {
        match self.padding {
            Padding::Causal => Err(Complaint::new("padding", "one of valid, same", "`causal`").into()),
            _ => Ok(()),
        }
    }
}

/// The sizes of an image.
pub(crate) fn image(input: &Shape) -> Result<[usize; 3]> {
    <[usize; 3]>::try_from(input.sizes())
        .map_err(|_| Complaint::new("", "an input of shape (height, width, channels)", input).into())
}

/// The sizes of a sequence.
pub(crate) fn sequence(input: &Shape) -> Result<[usize; 2]> {
    <[usize; 2]>::try_from(input.sizes())
        .map_err(|_| Complaint::new("", "an input of shape (steps, channels)", input).into())
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
