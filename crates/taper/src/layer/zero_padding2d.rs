//! Zeros around an image.

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use super::window::{Pair, image, numbers};
use super::{Backward, Forward, Layer, LayerConfig, dx_of, single};
use crate::shape::Shape;
use crate::{Complaint, Result};

/// Puts rows and columns of zeros around an image.
///
/// # Shapes
///
/// Input (height, width, channels), output (top + height + bottom, left + width + right, channels).
///
/// # Example
///
/// ```
/// use taper::{Margins, ZeroPadding2d};
///
/// let all_around = ZeroPadding2d::new(1);
/// let below_and_right = ZeroPadding2d::new(Margins { top: 0, bottom: 1, left: 0, right: 1 });
/// assert_eq!(serde_json::to_string(&below_and_right).unwrap(), r#"{"padding":[[0,1],[0,1]]}"#);
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ZeroPadding2d {
    /// How many rows and columns. Default: 1 on each side.
    #[serde(default = "one_each")]
    pub padding: Margins,
}

fn one_each() -> Margins {
    1.into()
}

impl ZeroPadding2d {
    /// So many rows and columns.
    #[must_use]
    pub fn new(padding: impl Into<Margins>) -> Self {
        Self { padding: padding.into() }
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

impl LayerConfig for ZeroPadding2d {
    fn build(&self, inputs: &[Shape]) -> Result<Box<dyn Layer>> {
        let [height, width, channels] = image(single(inputs)?)?;
        let Margins { top, bottom, left, right } = self.padding;
        let sum = |sizes: [usize; 3]| sizes.into_iter().try_fold(0usize, usize::checked_add);
        let output = match (sum([top, height, bottom]), sum([left, width, right])) {
            (Some(height), Some(width)) => Shape::new([height, width, channels]).ok(),
            _ => None,
        };
        let got = || format!("[[{top}, {bottom}], [{left}, {right}]]");
        let output = output.ok_or_else(|| Complaint::new("padding", "an output of at most 2^40 numbers", got()))?;
        Ok(Box::new(Built {
            line: width * channels,
            padded_line: output.sizes()[1] * channels,
            height,
            top,
            start: left * channels,
            output,
        }))
    }
}

#[derive(Debug)]
struct Built {
    /// Floats in a row of the input and of the output.
    line: usize,
    padded_line: usize,
    height: usize,
    top: usize,
    /// Where the input begins in a row of the output.
    start: usize,
    output: Shape,
}

impl Built {
    /// Where line `i` of a batch's input lies in the output.
    fn place(&self, i: usize) -> std::ops::Range<usize> {
        let (image, line) = (i / self.height, i % self.height);
        let start = image * self.output.len() + (self.top + line) * self.padded_line + self.start;
        start..start + self.line
    }
}

impl Layer for Built {
    fn output_shape(&self) -> &Shape {
        &self.output
    }

    fn forward(&self, io: Forward<'_>) {
        io.y.fill(0.0);
        for (i, x) in io.inputs.x().chunks_exact(self.line).enumerate() {
            io.y[self.place(i)].copy_from_slice(x);
        }
    }

    fn backward(&self, io: Backward<'_>) {
        if let Some(dx) = dx_of(io.dx, io.batch, &io.inputs) {
            for (i, dx) in dx.chunks_exact_mut(self.line).enumerate() {
                dx.copy_from_slice(&io.dy[self.place(i)]);
            }
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
