//! Rows and columns cut off an image.

use serde::{Deserialize, Serialize};

use super::window::image;
use super::{Backward, Forward, Layer, LayerConfig, Margins, dx_of, single};
use crate::shape::Shape;
use crate::{Complaint, Result};

/// Leaves out rows and columns at the edges of an image.
///
/// # Shapes
///
/// Input (height, width, channels), output (height - top - bottom, width - left - right, channels).
///
/// # Example
///
/// ```
/// use taper::{Cropping2d, Sequential};
///
/// let model = Sequential::new([8, 8, 3]).layer(Cropping2d::new((1, 2))); // (6, 4, 3)
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cropping2d {
    /// How many rows and columns. Default: none.
    #[serde(default = "none")]
    pub cropping: Margins,
}

fn none() -> Margins {
    0.into()
}

impl Cropping2d {
    /// So many rows and columns.
    #[must_use]
    pub fn new(cropping: impl Into<Margins>) -> Self {
        Self { cropping: cropping.into() }
    }
}

impl LayerConfig for Cropping2d {
    fn build(&self, inputs: &[Shape]) -> Result<Box<dyn Layer>> {
        let [height, width, channels] = image(single(inputs)?)?;
        let Margins { top, bottom, left, right } = self.cropping;
        let rest = |size: usize, before: usize, after: usize| {
            before.checked_add(after).and_then(|cut| size.checked_sub(cut)).filter(|rest| *rest > 0)
        };
        let (Some(rows), Some(columns)) = (rest(height, top, bottom), rest(width, left, right)) else {
            let expected = format!("fewer than the {height} rows and {width} columns of the input");
            return Err(Complaint::new("cropping", expected, format!("[[{top}, {bottom}], [{left}, {right}]]")).into());
        };
        Ok(Box::new(Built {
            image: height * width * channels,
            line: width * channels,
            top,
            start: left * channels,
            output: Shape::new([rows, columns, channels])?,
        }))
    }
}

#[derive(Debug)]
struct Built {
    /// Numbers in an image and in a row of the input.
    image: usize,
    line: usize,
    top: usize,
    /// Where the output begins in a row of the input.
    start: usize,
    output: Shape,
}

impl Built {
    /// Where line `i` of a batch's output lies in the input.
    fn place(&self, i: usize) -> std::ops::Range<usize> {
        let [rows, columns] = [self.output.sizes()[0], self.output.sizes()[1] * self.output.last()];
        let start = i / rows * self.image + (self.top + i % rows) * self.line + self.start;
        start..start + columns
    }
}

impl Layer for Built {
    fn output_shape(&self) -> &Shape {
        &self.output
    }

    fn forward(&self, io: Forward<'_>) {
        let x = io.inputs.x();
        for (i, y) in io.y.chunks_exact_mut(self.place(0).len()).enumerate() {
            y.copy_from_slice(&x[self.place(i)]);
        }
    }

    fn backward(&self, io: Backward<'_>) {
        let Some(dx) = dx_of(io.dx, io.batch, &io.inputs) else { return };
        dx.fill(0.0);
        for (i, dy) in io.dy.chunks_exact(self.place(0).len()).enumerate() {
            dx[self.place(i)].copy_from_slice(dy);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{Cropping2d, Model, Seed, Sequential};

    /// `keras.layers.Cropping2D(((1, 0), (0, 2)))(...)` of 0 to 11 as (3, 4, 1).
    #[test]
    fn rows_and_columns_are_cut_off() {
        let layer: Cropping2d = serde_json::from_str(r#"{"cropping": [[1, 0], [0, 2]]}"#).unwrap();
        let model = Model::build(&Sequential::new([3, 4, 1]).layer(layer), Seed::new(1)).unwrap();
        let x: Vec<f32> = (0..12u8).map(f32::from).collect();
        assert_eq!(model.predict(&x).unwrap(), [4.0, 5.0, 8.0, 9.0]);
        let error = Model::build(&Sequential::new([2, 5, 2]).layer(Cropping2d::new(1)), Seed::new(1));
        assert!(error.unwrap_err().to_string().contains("cropping: expected fewer than the 2 rows"));
    }
}
