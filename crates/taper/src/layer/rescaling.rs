//! Rescaling.

use serde::{Deserialize, Serialize};

use super::{Backward, Forward, Layer, LayerConfig, Masking, dx_of, single};
use crate::shape::Shape;
use crate::{Complaints, Result};

/// `y = x · scale + offset`: pixels from 0 to 255 become numbers from 0 to 1 with `scale` 1/255.
///
/// # Shapes
///
/// Output as input.
///
/// # Example
///
/// ```
/// use taper::Rescaling;
///
/// let layer = Rescaling::new(1.0 / 127.5).offset(-1.0);
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Rescaling {
    /// What each number is multiplied by.
    pub scale: f64,
    /// What is added then. Default: 0.
    #[serde(default)]
    pub offset: f64,
}

impl Rescaling {
    /// By this factor, without an offset.
    #[must_use]
    pub fn new(scale: f64) -> Self {
        Self { scale, offset: 0.0 }
    }

    /// With this offset.
    #[must_use]
    pub fn offset(mut self, offset: f64) -> Self {
        self.offset = offset;
        self
    }
}

impl LayerConfig for Rescaling {
    fn build(&self, inputs: &[Shape]) -> Result<Box<dyn Layer>> {
        let mut complaints = Complaints::new();
        for (key, value) in [("scale", self.scale), ("offset", self.offset)] {
            complaints.check((value as f32).is_finite(), key, "a finite number", value);
        }
        complaints.finish()?;
        let shape = single(inputs)?.clone();
        Ok(Box::new(Built { scale: self.scale as f32, offset: self.offset as f32, shape }))
    }
}

#[derive(Debug)]
struct Built {
    scale: f32,
    offset: f32,
    shape: Shape,
}

impl Layer for Built {
    fn output_shape(&self) -> &Shape {
        &self.shape
    }

    fn masking(&self) -> Masking {
        Masking::Pass
    }

    fn forward(&self, io: Forward<'_>) {
        for (y, x) in io.y.iter_mut().zip(io.inputs.x()) {
            *y = x * self.scale + self.offset;
        }
    }

    fn backward(&self, io: Backward<'_>) {
        if let Some(dx) = dx_of(io.dx, io.batch, &io.inputs) {
            for (dx, dy) in dx.iter_mut().zip(io.dy.iter()) {
                *dx = dy * self.scale;
            }
        }
    }
}
