//! Average pooling over images.

use serde::{Deserialize, Serialize};

use super::pooling::{BuiltPooling, Reduction};
use super::window::{self, Padding, Pair, Window};
use super::{Layer, LayerConfig, single};
use crate::Result;
use crate::shape::Shape;

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
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AveragePooling2d {
    /// Size of the window.
    pub pool_size: Pair,
    /// How far the window moves from one output to the next. Default: as far as it is wide.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strides: Option<Pair>,
    /// What happens at the edge. Default: `valid`.
    #[serde(default)]
    pub padding: Padding,
}

impl AveragePooling2d {
    /// Windows of this size, side by side.
    #[must_use]
    pub fn new(pool_size: impl Into<Pair>) -> Self {
        Self { pool_size: pool_size.into(), strides: None, padding: Padding::Valid }
    }

    /// With these steps between outputs.
    #[must_use]
    pub fn strides(mut self, strides: impl Into<Pair>) -> Self {
        self.strides = Some(strides.into());
        self
    }

    /// With this padding.
    #[must_use]
    pub fn padding(mut self, padding: Padding) -> Self {
        self.padding = padding;
        self
    }
}

impl LayerConfig for AveragePooling2d {
    fn build(&self, inputs: &[Shape]) -> Result<Box<dyn Layer>> {
        let strides = self.strides.unwrap_or(self.pool_size);
        let window = Window {
            place: "pool_size",
            size: self.pool_size,
            strides,
            dilation_rate: window::once_each(),
            padding: self.padding,
        };
        window.check_not_causal()?;
        let (rows, columns, channels) = window.over_image(single(inputs)?)?;
        let output = Shape::new([rows.output, columns.output, channels])?;
        Ok(Box::new(BuiltPooling::new(Reduction::Average, (rows, columns, channels), output)))
    }
}
