//! Global average pooling over sequences.

use serde::{Deserialize, Serialize};

use super::pooling::{BuiltGlobalPooling, Reduction};
use super::window::sequence;
use super::{Layer, LayerConfig, single};
use crate::Result;
use crate::shape::Shape;
use crate::spelling::is_default;

/// The mean of all steps of a sequence, channel by channel. Steps that a mask leaves out do not count; a sequence without any
/// other gives NaN, as in Keras.
///
/// # Shapes
///
/// Input (steps, channels), output (channels), or (1, channels) with `keepdims`.
///
/// # Example
///
/// ```
/// use taper::{GlobalAveragePooling1d, Model, Seed, Sequential};
///
/// # fn main() -> taper::Result<()> {
/// let model = Model::build(&Sequential::new([10, 4]).layer(GlobalAveragePooling1d::new()), Seed::new(1))?;
/// assert_eq!(model.output_shape().sizes(), [4]);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GlobalAveragePooling1d {
    /// Whether the pooled dimensions stay, as sizes of 1. Default: no.
    #[serde(default, skip_serializing_if = "is_default")]
    pub keepdims: bool,
}

impl GlobalAveragePooling1d {
    /// The layer with Keras's defaults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl LayerConfig for GlobalAveragePooling1d {
    fn build(&self, inputs: &[Shape]) -> Result<Box<dyn Layer>> {
        let sizes = sequence(single(inputs)?)?;
        Ok(Box::new(BuiltGlobalPooling::new(Reduction::Average, &sizes, self.keepdims, true)?))
    }
}
