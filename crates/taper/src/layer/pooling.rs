//! What the pooling layers have in common.

use taper_kernels::pooling::Pooling;

use super::extent::{Extent, sizes};
use super::window::{Padding, Window};
use super::{Backward, Forward, Layer, dx_of, single};
use crate::Result;
use crate::shape::Shape;

/// What becomes of the numbers under a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reduction {
    Max,
    Average,
}

/// One number for each window and channel.
#[derive(Debug)]
pub(super) struct BuiltPooling {
    reduction: Reduction,
    geometry: Pooling,
    output: Shape,
}

impl BuiltPooling {
    pub(super) fn build<E: Extent>(
        reduction: Reduction,
        pool_size: E,
        strides: Option<E>,
        padding: Padding,
        inputs: &[Shape],
    ) -> Result<Box<dyn Layer>> {
        let strides = strides.unwrap_or(pool_size);
        let window = Window { place: "pool_size", size: pool_size, strides, dilation_rate: E::once(), padding };
        window.check_not_causal()?;
        let (rows, columns, channels) = window.over(single(inputs)?)?;
        let output = Shape::new(sizes::<E>(rows.output, columns.output, &[channels]))?;
        Ok(Box::new(Self { reduction, geometry: Pooling { rows, columns, channels }, output }))
    }
}

impl Layer for BuiltPooling {
    fn output_shape(&self) -> &Shape {
        &self.output
    }

    fn forward(&self, io: Forward<'_>) {
        match self.reduction {
            Reduction::Max => self.geometry.max(io.batch, io.inputs.x(), io.y),
            Reduction::Average => self.geometry.average(io.batch, io.inputs.x(), io.y),
        }
    }

    fn backward(&self, io: Backward<'_>) {
        if let Some(dx) = dx_of(io.dx, io.batch, &io.inputs) {
            match self.reduction {
                Reduction::Max => self.geometry.backward_max(io.batch, io.inputs.x(), io.y, io.dy, dx),
                Reduction::Average => self.geometry.backward_average(io.batch, io.dy, dx),
            }
        }
    }
}
