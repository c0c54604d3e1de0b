//! Flatten.

use serde::{Deserialize, Serialize};

use super::{Backward, Forward, Layer, LayerConfig, dx_of, single};
use crate::Result;
use crate::shape::Shape;

/// The same numbers as one vector.
///
/// # Shapes
///
/// Input (a, b, …), output (a·b·…).
///
/// # Example
///
/// ```
/// use taper::{Dense, Flatten, Sequential};
///
/// let model = Sequential::new([8, 8]).layer(Flatten::new()).layer(Dense::new(10));
/// ```
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Flatten {}

impl Flatten {
    /// The layer; it has no settings.
    #[must_use]
    pub fn new() -> Self {
        Self {}
    }
}

impl LayerConfig for Flatten {
    fn build(&self, inputs: &[Shape]) -> Result<Box<dyn Layer>> {
        Ok(Box::new(Built { output: Shape::new([single(inputs)?.len()])? }))
    }
}

#[derive(Debug)]
struct Built {
    output: Shape,
}

impl Layer for Built {
    fn output_shape(&self) -> &Shape {
        &self.output
    }

    fn forward(&self, io: Forward<'_>) {
        io.y.copy_from_slice(io.inputs.x());
    }

    fn backward(&self, io: Backward<'_>) {
        if let Some(dx) = dx_of(io.dx, io.batch, &io.inputs) {
            dx.copy_from_slice(io.dy);
        }
    }
}
