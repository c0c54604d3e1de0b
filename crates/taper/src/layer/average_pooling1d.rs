//! Average pooling over sequences.

use serde::{Deserialize, Serialize};

use super::pooling::{BuiltPooling, Reduction};
use super::window::{self, Padding, Window};
use super::{Layer, LayerConfig, single};
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
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AveragePooling1d {
    /// Size of the window.
    #[serde(deserialize_with = "window::one")]
    pub pool_size: usize,
    /// How far the window moves from one output to the next. Default: as far as it is wide.
    #[serde(default, deserialize_with = "window::optional_one", skip_serializing_if = "Option::is_none")]
    pub strides: Option<usize>,
    /// What happens at the edge. Default: `valid`.
    #[serde(default)]
    pub padding: Padding,
}

impl AveragePooling1d {
    /// Windows of this size, side by side.
    #[must_use]
    pub fn new(pool_size: usize) -> Self {
        Self { pool_size, strides: None, padding: Padding::Valid }
    }

    /// With these steps between outputs.
    #[must_use]
    pub fn strides(mut self, strides: usize) -> Self {
        self.strides = Some(strides);
        self
    }

    /// With this padding.
    #[must_use]
    pub fn padding(mut self, padding: Padding) -> Self {
        self.padding = padding;
        self
    }
}

impl LayerConfig for AveragePooling1d {
    fn build(&self, inputs: &[Shape]) -> Result<Box<dyn Layer>> {
        let strides = self.strides.unwrap_or(self.pool_size);
        let window = Window::over_steps("pool_size", self.pool_size, strides, 1, self.padding);
        window.check_not_causal()?;
        let (rows, columns, channels) = window.over_sequence(single(inputs)?)?;
        let output = Shape::new([columns.output, channels])?;
        Ok(Box::new(BuiltPooling::new(Reduction::Average, (rows, columns, channels), output)))
    }
}
