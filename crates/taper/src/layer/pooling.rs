//! What the pooling layers have in common once they are built.

use taper_kernels::pooling::{self, Pooling};
use taper_kernels::window::Axis;

use super::{Backward, Forward, Layer, dx_of};
use crate::Result;
use crate::shape::Shape;

/// What becomes of the numbers under a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reduction {
    Max,
    Average,
}

/// One number for each window and channel.
#[derive(Debug)]
pub(crate) struct BuiltPooling {
    reduction: Reduction,
    geometry: Pooling,
    output: Shape,
}

impl BuiltPooling {
    pub(crate) fn new(reduction: Reduction, (rows, columns, channels): (Axis, Axis, usize), output: Shape) -> Self {
        Self { reduction, geometry: Pooling { rows, columns, channels }, output }
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

/// One number for each channel: everything under one window.
#[derive(Debug)]
pub(crate) struct BuiltGlobalPooling {
    reduction: Reduction,
    channels: usize,
    output: Shape,
    /// Whether steps that a mask leaves out do not count.
    masked: bool,
}

impl BuiltGlobalPooling {
    /// Pools all but the last of the input's dimensions; with `keepdims` they stay, as sizes of 1.
    pub(crate) fn new(reduction: Reduction, input: &[usize], keepdims: bool, masked: bool) -> Result<Self> {
        let channels = input.last().copied().unwrap_or(1);
        let mut sizes = if keepdims { vec![1; input.len() - 1] } else { vec![] };
        sizes.push(channels);
        Ok(Self { reduction, channels, output: Shape::new(sizes)?, masked })
    }
}

impl Layer for BuiltGlobalPooling {
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
