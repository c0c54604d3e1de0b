//! Zeros around a sequence or an image.

use serde::{Deserialize, Serialize};

use super::extent::{Extent, sizes};
use super::margin::{Edges, Inset, Margins, shown};
use super::{Backward, Forward, Layer, LayerConfig, dx_of, single};
use crate::shape::Shape;
use crate::{Complaint, Result};

/// Puts steps of zeros before and after a sequence.
///
/// # Shapes
///
/// Input (steps, channels), output (before + steps + after, channels).
///
/// # Example
///
/// ```
/// use taper::{Conv1d, Sequential, ZeroPadding1d};
///
/// let causal = ZeroPadding1d { padding: [2, 0] };
/// let model = Sequential::new([10, 4]).layer(causal).layer(Conv1d::new(8, 3)); // (10, 8)
/// ```
pub type ZeroPadding1d = ZeroPadding<[usize; 2]>;

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
pub type ZeroPadding2d = ZeroPadding<Margins>;

/// The settings of [`ZeroPadding1d`] and [`ZeroPadding2d`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(bound = "M: Edges + schemars::JsonSchema"))]
#[serde(deny_unknown_fields, bound = "M: Edges")]
pub struct ZeroPadding<M> {
    /// How many steps before and after, or rows and columns. Default: 1 on each side.
    #[serde(default = "M::padding", deserialize_with = "M::read")]
    pub padding: M,
}

impl ZeroPadding2d {
    /// So many rows and columns.
    #[must_use]
    pub fn new(padding: impl Into<Margins>) -> Self {
        Self { padding: padding.into() }
    }
}

impl<M: Edges> LayerConfig for ZeroPadding<M> {
    fn build(&self, inputs: &[Shape]) -> Result<Box<dyn Layer>> {
        let (input, channels) = M::Of::of_input(single(inputs)?)?;
        let (input, margins) = (input.over_image(1), self.padding.around_image());
        let sum = |sizes: [usize; 3]| sizes.into_iter().try_fold(0usize, usize::checked_add);
        let height = sum([margins.top, input.height, margins.bottom]);
        let width = sum([margins.left, input.width, margins.right]);
        let padded = height.zip(width).map(|(height, width)| sizes::<M::Of>(height, width, &[channels]));
        let output = padded
            .and_then(|sizes| Shape::new(sizes).ok())
            .ok_or_else(|| Complaint::new("padding", "an output of at most 2^40 numbers", shown(self.padding)))?;
        Ok(Box::new(Built { inset: Inset::new(margins, input, channels), output }))
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
        self.inset.put(io.inputs.x(), io.y);
    }

    fn backward(&self, io: Backward<'_>) {
        if let Some(dx) = dx_of(io.dx, io.batch, &io.inputs) {
            self.inset.take(io.dy, dx);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{Model, Seed, Sequential, ZeroPadding1d};

    /// `keras.layers.ZeroPadding1D((1, 2))(...)` of steps (1, 2) and (3, 4).
    #[test]
    fn zeros_stand_before_and_after() {
        let layer: ZeroPadding1d = serde_json::from_str(r#"{"padding": [1, 2]}"#).unwrap();
        let model = Model::build(&Sequential::new([2, 2]).layer(layer), Seed::new(1)).unwrap();
        assert_eq!(model.predict(&[1.0, 2.0, 3.0, 4.0]).unwrap(), [0.0, 0.0, 1.0, 2.0, 3.0, 4.0, 0.0, 0.0, 0.0, 0.0]);
        assert_eq!(serde_json::from_str::<ZeroPadding1d>(r#"{"padding": 3}"#).unwrap().padding, [3, 3]);
        assert!(serde_json::from_str::<ZeroPadding1d>(r#"{"padding": [1, 2, 3]}"#).is_err());
    }
}
