//! Global average pooling over images.

use serde::{Deserialize, Serialize};

use super::pooling::{BuiltGlobalPooling, Reduction};
use super::window::image;
use super::{Layer, LayerConfig, single};
use crate::Result;
use crate::shape::Shape;
use crate::spelling::is_default;

/// The mean of all pixels of an image, channel by channel.
///
/// # Shapes
///
/// Input (height, width, channels), output (channels), or (1, 1, channels) with `keepdims`.
///
/// # Example
///
/// ```
/// use taper::{GlobalAveragePooling2d, Model, Seed, Sequential};
///
/// # fn main() -> taper::Result<()> {
/// let model = Model::build(&Sequential::new([8, 8, 4]).layer(GlobalAveragePooling2d::new()), Seed::new(1))?;
/// assert_eq!(model.output_shape().sizes(), [4]);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GlobalAveragePooling2d {
    /// Whether the pooled dimensions stay, as sizes of 1. Default: no.
    #[serde(default, skip_serializing_if = "is_default")]
    pub keepdims: bool,
}

impl GlobalAveragePooling2d {
    /// The layer with Keras's defaults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl LayerConfig for GlobalAveragePooling2d {
    fn build(&self, inputs: &[Shape]) -> Result<Box<dyn Layer>> {
        let sizes = image(single(inputs)?)?;
        Ok(Box::new(BuiltGlobalPooling::new(Reduction::Average, &sizes, self.keepdims, false)?))
    }
}
