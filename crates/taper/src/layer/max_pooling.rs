//! Max pooling.

use serde::{Deserialize, Serialize};

use super::extent::{self, Extent, IntoExtent, Pair};
use super::pooling::{BuiltPooling, Reduction};
use super::setter::setters;
use super::window::Padding;
use super::{Layer, LayerConfig};
use crate::Result;
use crate::shape::Shape;

/// The largest number under each window of steps of a sequence, channel by channel. The gradient goes to the first of the largest, as in
/// TensorFlow.
///
/// # Shapes
///
/// Input (steps, channels), output (new steps, channels).
///
/// # Example
///
/// ```
/// use taper::MaxPooling1d;
///
/// assert_eq!(MaxPooling1d::new(2).strides, None); // windows side by side
/// ```
pub type MaxPooling1d = MaxPooling<usize>;

/// The largest number under each window of pixels of an image, channel by channel. The gradient goes to the first of the largest, as in
/// TensorFlow.
///
/// # Shapes
///
/// Input (height, width, channels), output (new height, new width, channels).
///
/// # Example
///
/// ```
/// use taper::MaxPooling2d;
///
/// assert_eq!(MaxPooling2d::new(2).strides, None); // windows side by side
/// ```
pub type MaxPooling2d = MaxPooling<Pair>;

/// The settings of [`MaxPooling1d`] and [`MaxPooling2d`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(bound = "E: Extent + schemars::JsonSchema"))]
#[serde(deny_unknown_fields, bound = "E: Extent")]
pub struct MaxPooling<E> {
    /// Size of the window. Default: 2.
    #[serde(default = "E::twice", deserialize_with = "E::read")]
    pub pool_size: E,
    /// How far the window moves from one output to the next. Default: as far as it is wide.
    #[serde(default, deserialize_with = "extent::optional", skip_serializing_if = "Option::is_none")]
    pub strides: Option<E>,
    /// What happens at the edge. Default: `valid`.
    #[serde(default)]
    pub padding: Padding,
}

impl<E: Extent> MaxPooling<E> {
    /// Windows of this size, side by side.
    #[must_use]
    pub fn new(pool_size: impl IntoExtent<E>) -> Self {
        Self { pool_size: pool_size.into_extent(), strides: None, padding: Padding::Valid }
    }
}
setters! { MaxPooling<E>: strides, padding }

impl<E: Extent> Default for MaxPooling<E> {
    fn default() -> Self {
        Self { pool_size: E::twice(), strides: None, padding: Padding::Valid }
    }
}

impl<E: Extent> LayerConfig for MaxPooling<E> {
    fn build(&self, inputs: &[Shape]) -> Result<Box<dyn Layer>> {
        BuiltPooling::build(Reduction::Max, self.pool_size, self.strides, self.padding, inputs)
    }
}
