//! Average pooling.

use serde::{Deserialize, Serialize};

use super::extent::{self, Extent, IntoExtent, Pair};
use super::pooling::{BuiltPooling, Reduction};
use super::setter::setters;
use super::window::Padding;
use super::{Layer, LayerConfig};
use crate::Result;
use crate::shape::Shape;

/// The mean under each window of steps of a sequence, channel by channel. Padding is not counted.
///
/// # Shapes
///
/// Input (steps, channels), output (new steps, channels).
///
/// # Example
///
/// ```
/// use taper::AveragePooling1d;
///
/// assert_eq!(AveragePooling1d::new(2).strides, None); // windows side by side
/// ```
pub type AveragePooling1d = AveragePooling<usize>;

/// The mean under each window of pixels of an image, channel by channel. Padding is not counted.
///
/// # Shapes
///
/// Input (height, width, channels), output (new height, new width, channels).
///
/// # Example
///
/// ```
/// use taper::AveragePooling2d;
///
/// assert_eq!(AveragePooling2d::new(2).strides, None); // windows side by side
/// ```
pub type AveragePooling2d = AveragePooling<Pair>;

/// The settings of [`AveragePooling1d`] and [`AveragePooling2d`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(bound = "E: Extent + schemars::JsonSchema"))]
#[serde(deny_unknown_fields, bound = "E: Extent")]
pub struct AveragePooling<E> {
    /// Size of the window.
    #[serde(deserialize_with = "E::read")]
    pub pool_size: E,
    /// How far the window moves from one output to the next. Default: as far as it is wide.
    #[serde(default, deserialize_with = "extent::optional", skip_serializing_if = "Option::is_none")]
    pub strides: Option<E>,
    /// What happens at the edge. Default: `valid`.
    #[serde(default)]
    pub padding: Padding,
}

impl<E: Extent> AveragePooling<E> {
    /// Windows of this size, side by side.
    #[must_use]
    pub fn new(pool_size: impl IntoExtent<E>) -> Self {
        Self { pool_size: pool_size.into_extent(), strides: None, padding: Padding::Valid }
    }
}
setters! { AveragePooling<E>: strides, padding }

impl<E: Extent> LayerConfig for AveragePooling<E> {
    fn build(&self, inputs: &[Shape]) -> Result<Box<dyn Layer>> {
        BuiltPooling::build(Reduction::Average, self.pool_size, self.strides, self.padding, inputs)
    }
}
