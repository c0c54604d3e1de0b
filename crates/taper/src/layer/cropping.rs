//! What is cut off a sequence or an image.

use serde::{Deserialize, Serialize};

use super::extent::{Extent, Pair, sizes};
use super::margin::{Edges, Inset, Margins, shown};
use super::{Backward, Forward, Layer, LayerConfig, dx_of, single};
use crate::shape::Shape;
use crate::{Complaint, Result};

/// Leaves out steps at the beginning and at the end of a sequence.
///
/// # Shapes
///
/// Input (steps, channels), output (steps - before - after, channels).
///
/// # Example
///
/// ```
/// use taper::{Cropping1d, Sequential};
///
/// let model = Sequential::new([10, 4]).layer(Cropping1d { cropping: [2, 0] }); // (8, 4)
/// ```
pub type Cropping1d = Cropping<[usize; 2]>;

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
pub type Cropping2d = Cropping<Margins>;

/// The settings of [`Cropping1d`] and [`Cropping2d`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(bound = "M: Edges + schemars::JsonSchema"))]
#[serde(deny_unknown_fields, bound = "M: Edges")]
pub struct Cropping<M> {
    /// How many steps before and after, by default 1 and 1; or how many rows and columns, by default none.
    #[serde(default = "M::cropping", deserialize_with = "M::read")]
    pub cropping: M,
}

impl Cropping2d {
    /// So many rows and columns.
    #[must_use]
    pub fn new(cropping: impl Into<Margins>) -> Self {
        Self { cropping: cropping.into() }
    }
}

impl<M: Edges> LayerConfig for Cropping<M> {
    fn build(&self, inputs: &[Shape]) -> Result<Box<dyn Layer>> {
        let (input, channels) = M::Of::of_input(single(inputs)?)?;
        let (image, margins) = (input.over_image(1), self.cropping.around_image());
        let rest = |size: usize, before: usize, after: usize| {
            before.checked_add(after).and_then(|cut| size.checked_sub(cut)).filter(|rest| *rest > 0)
        };
        let height = rest(image.height, margins.top, margins.bottom);
        let width = rest(image.width, margins.left, margins.right);
        let (height, width) = height.zip(width).ok_or_else(|| {
            let expected = format!("fewer than the {} of the input", input.count());
            Complaint::new("cropping", expected, shown(self.cropping))
        })?;
        let output = Shape::new(sizes::<M::Of>(height, width, &[channels]))?;
        Ok(Box::new(Built { inset: Inset::new(margins, Pair { height, width }, channels), output }))
    }
}

#[derive(Debug)]
struct Built {
    inset: Inset,
    output: Shape,
}

impl Layer for Built {
    fn output_shape(&self) -> &Shape {
        &self.output
    }

    fn forward(&self, io: Forward<'_>) {
        self.inset.take(io.inputs.x(), io.y);
    }

    fn backward(&self, io: Backward<'_>) {
        if let Some(dx) = dx_of(io.dx, io.batch, &io.inputs) {
            self.inset.put(io.dy, dx);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{Cropping1d, Cropping2d, Model, Seed, Sequential};

    /// `keras.layers.Cropping1D((1, 2))(...)` of the steps (1, 2) to (9, 10).
    #[test]
    fn steps_are_cut_off_at_both_ends() {
        let layer: Cropping1d = serde_json::from_str(r#"{"cropping": [1, 2]}"#).unwrap();
        let model = Model::build(&Sequential::new([5, 2]).layer(layer), Seed::new(1)).unwrap();
        let x: Vec<f32> = (1..=10u8).map(f32::from).collect();
        assert_eq!(model.predict(&x).unwrap(), [3.0, 4.0, 5.0, 6.0]);
        let error = Model::build(&Sequential::new([2, 2]).layer(Cropping1d { cropping: [1, 1] }), Seed::new(1));
        assert!(error.unwrap_err().to_string().contains("cropping: expected fewer than the 2 steps"));
    }

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
