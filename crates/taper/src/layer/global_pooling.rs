//! Pooling of all that there is.

use serde::{Deserialize, Serialize};
use taper_kernels::pooling;

use super::extent::{Extent, Pair};
use super::pooling::Reduction;
use super::{Backward, Forward, Layer, LayerConfig, dx_of, single};
use crate::Result;
use crate::shape::Shape;
use crate::spelling::is_default;

/// Declares a global pooling layer. None has a setting whose type would say what it is over.
macro_rules! global_pooling {
    ($name:ident over $extent:ty, $reduction:ident, $masked:literal, $what:literal, $shapes:literal, $example:literal) => {
        #[doc = $what]
        ///
        /// # Shapes
        ///
        #[doc = $shapes]
        ///
        /// # Example
        ///
        /// ```
        #[doc = concat!("use taper::{", stringify!($name), ", Model, Seed, Sequential};")]
        ///
        /// # fn main() -> taper::Result<()> {
        #[doc = concat!("let layer = ", stringify!($name), "::new();")]
        #[doc = concat!("let model = Model::build(&Sequential::new(", $example, ").layer(layer), Seed::new(1))?;")]
        /// assert_eq!(model.output_shape().sizes(), [4]);
        /// # Ok(())
        /// # }
        /// ```
        #[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        #[serde(deny_unknown_fields)]
        pub struct $name {
            /// Whether the pooled dimensions stay, as sizes of 1. Default: no.
            #[serde(default, skip_serializing_if = "is_default")]
            pub keepdims: bool,
        }

        impl $name {
            /// The layer with Keras's defaults.
            #[must_use]
            pub fn new() -> Self {
                Self::default()
            }
        }

        impl LayerConfig for $name {
            fn build(&self, inputs: &[Shape]) -> Result<Box<dyn Layer>> {
                build::<$extent>(Reduction::$reduction, self.keepdims, $masked, inputs)
            }
        }
    };
}

global_pooling!(
    GlobalMaxPooling1d over usize,
    Max,
    false,
    "The largest number of all steps of a sequence, channel by channel. The gradient is shared evenly among the largest, as in TensorFlow.",
    "Input (steps, channels), output (channels), or (1, channels) with `keepdims`.",
    "[10, 4]"
);
global_pooling!(
    GlobalMaxPooling2d over Pair,
    Max,
    false,
    "The largest number of all pixels of an image, channel by channel. The gradient is shared evenly among the largest, as in TensorFlow.",
    "Input (height, width, channels), output (channels), or (1, 1, channels) with `keepdims`.",
    "[8, 8, 4]"
);
global_pooling!(
    GlobalAveragePooling1d over usize,
    Average,
    true,
    "The mean of all steps of a sequence, channel by channel. Steps that a mask leaves out do not count; a sequence without any other gives NaN, as in Keras.",
    "Input (steps, channels), output (channels), or (1, channels) with `keepdims`.",
    "[10, 4]"
);
global_pooling!(
    GlobalAveragePooling2d over Pair,
    Average,
    false,
    "The mean of all pixels of an image, channel by channel.",
    "Input (height, width, channels), output (channels), or (1, 1, channels) with `keepdims`.",
    "[8, 8, 4]"
);

/// Pools all but the last of the input's dimensions; with `keepdims` they stay, as sizes of 1.
fn build<E: Extent>(reduction: Reduction, keepdims: bool, masked: bool, inputs: &[Shape]) -> Result<Box<dyn Layer>> {
    let (_, channels) = E::of_input(single(inputs)?)?;
    let mut sizes = if keepdims { E::once().sizes() } else { vec![] };
    sizes.push(channels);
    Ok(Box::new(Built { reduction, channels, output: Shape::new(sizes)?, masked }))
}

/// One number for each channel: everything under one window.
#[derive(Debug)]
struct Built {
    reduction: Reduction,
    channels: usize,
    output: Shape,
    /// Whether steps that a mask leaves out do not count.
    masked: bool,
}

impl Layer for Built {
    fn output_shape(&self) -> &Shape {
        &self.output
    }

    fn scratch_len(&self, _batch: usize) -> usize {
        if self.reduction == Reduction::Max { self.channels } else { 0 }
    }

    fn forward(&self, io: Forward<'_>) {
        let x = io.inputs.x();
        let len = x.len() / io.batch;
        let mask = io.inputs.mask().filter(|_| self.masked);
        for (i, (x, y)) in x.chunks_exact(len).zip(io.y.chunks_exact_mut(self.channels)).enumerate() {
            match self.reduction {
                Reduction::Max => pooling::global_max(x, y),
                Reduction::Average => pooling::global_average(x, row(mask, i, len / self.channels), y),
            }
        }
    }

    fn backward(&self, io: Backward<'_>) {
        let Some(dx) = dx_of(io.dx, io.batch, &io.inputs) else { return };
        let x = io.inputs.x();
        let len = x.len() / io.batch;
        let mask = io.inputs.mask().filter(|_| self.masked);
        for (i, dx) in dx.chunks_exact_mut(len).enumerate() {
            let at = i * self.channels..(i + 1) * self.channels;
            let (y, dy) = (&io.y[at.clone()], &io.dy[at]);
            match self.reduction {
                Reduction::Max => {
                    pooling::backward_global_max(
                        &x[i * len..(i + 1) * len],
                        y,
                        dy,
                        dx,
                        &mut io.scratch[..self.channels],
                    );
                }
                Reduction::Average => {
                    pooling::backward_global_average(dy, row(mask, i, len / self.channels), dx);
                }
            }
        }
    }
}

/// Row `i` of a mask over so many steps; empty where there is none.
fn row(mask: Option<&[f32]>, i: usize, steps: usize) -> &[f32] {
    mask.map_or(&[], |mask| &mask[i * steps..(i + 1) * steps])
}
