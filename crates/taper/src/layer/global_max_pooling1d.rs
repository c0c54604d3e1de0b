//! Global max pooling over sequences.

use serde::{Deserialize, Serialize};

use super::pooling::{BuiltGlobalPooling, Reduction};
use super::window::sequence;
use super::{Layer, LayerConfig, single};
use crate::Result;
use crate::shape::Shape;
use crate::spelling::is_default;

/// The largest number of all steps of a sequence, channel by channel. The gradient is shared evenly among the largest, as in TensorFlow.
///
/// # Shapes
///
/// Input (steps, channels), output (channels), or (1, channels) with `keepdims`.
///
/// # Example
///
/// ```
/// use taper::{GlobalMaxPooling1d, Model, Seed, Sequential};
///
/// # fn main() -> taper::Result<()> {
/// let model = Model::build(&Sequential::new([10, 4]).layer(GlobalMaxPooling1d::new()), Seed::new(1))?;
/// assert_eq!(model.output_shape().sizes(), [4]);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GlobalMaxPooling1d {
    /// Whether the pooled dimensions stay, as sizes of 1. Default: no.
    #[serde(default, skip_serializing_if = "is_default")]
    pub keepdims: bool,
}

impl GlobalMaxPooling1d {
    /// The layer with Keras's defaults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl LayerConfig for GlobalMaxPooling1d {
    fn build(&self, inputs: &[Shape]) -> Result<Box<dyn Layer>> {
        let sizes = sequence(single(inputs)?)?;
        Ok(Box::new(BuiltGlobalPooling::new(Reduction::Max, &sizes, self.keepdims, false)?))
    }
}
