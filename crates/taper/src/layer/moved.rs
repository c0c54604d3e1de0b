//! A layer that works on the last dimension, put to work on another one.

use super::{Backward, Forward, InputGradients, Inputs, Layer, Masking, dx_of};
use crate::Result;
use crate::param::ParamSpec;
use crate::shape::Shape;

/// Builds a layer for an input one of whose dimensions has been moved to the end. One that heeds masks would not find the masked
/// steps there: it refuses them.
pub(crate) fn moved_to_end(
    input: &Shape,
    axis: usize,
    heeds_masks: bool,
    build: impl FnOnce(&Shape) -> Result<Box<dyn Layer>>,
) -> Result<Box<dyn Layer>> {
    let mut sizes = input.sizes().to_vec();
    let size = sizes.remove(axis);
    let behind = sizes[axis..].iter().product();
    sizes.push(size);
    let inner = build(&Shape::new(sizes)?)?;
    Ok(Box::new(Moved { inner, size, behind, heeds_masks, shape: input.clone() }))
}

#[derive(Debug)]
struct Moved {
    /// Of an input with the dimension at the end.
    inner: Box<dyn Layer>,
    /// Of the dimension.
    size: usize,
    /// How many numbers lie behind each place of it.
    behind: usize,
    heeds_masks: bool,
    /// As the user sees it.
    shape: Shape,
}

impl Moved {
    /// Numbers with the dimension where it belongs, to numbers with it at the end.
    fn to_end(&self, from: &[f32], to: &mut [f32]) {
        transpose(from, self.size, self.behind, to);
    }

    fn back(&self, from: &[f32], to: &mut [f32]) {
        transpose(from, self.behind, self.size, to);
    }
}

/// Every block of `rows` × `columns` numbers, transposed.
fn transpose(from: &[f32], rows: usize, columns: usize, to: &mut [f32]) {
    for (from, to) in from.chunks_exact(rows * columns).zip(to.chunks_exact_mut(rows * columns)) {
        for (i, row) in from.chunks_exact(columns).enumerate() {
            for (j, x) in row.iter().enumerate() {
                to[j * rows + i] = *x;
            }
        }
    }
}

impl Layer for Moved {
    fn output_shape(&self) -> &Shape {
        &self.shape
    }

    fn params(&self) -> &[ParamSpec] {
        self.inner.params()
    }

    fn cache_len(&self, batch: usize) -> usize {
        self.inner.cache_len(batch)
    }

    /// Input, output and both gradients, with the dimension at the end.
    fn scratch_len(&self, batch: usize) -> usize {
        4 * batch * self.shape.len() + self.inner.scratch_len(batch)
    }

    fn masking(&self) -> Masking {
        Masking::Pass
    }

    fn refuses_masks(&self) -> bool {
        self.heeds_masks
    }

    fn update_state(&self, batch: usize, params: &mut [f32], cache: &[f32]) {
        self.inner.update_state(batch, params, cache);
    }

    fn forward(&self, io: Forward<'_>) {
        let len = io.batch * self.shape.len();
        let (x, rest) = io.scratch.split_at_mut(len);
        let (y, rest) = rest.split_at_mut(len);
        self.to_end(io.inputs.x(), x);
        self.inner.forward(Forward { inputs: Inputs::lend(io.batch, x, None), y, scratch: &mut rest[2 * len..], ..io });
        self.back(y, io.y);
    }

    fn backward(&self, io: Backward<'_>) {
        let len = io.batch * self.shape.len();
        let (x, rest) = io.scratch.split_at_mut(len);
        let (y, rest) = rest.split_at_mut(len);
        let (dy, rest) = rest.split_at_mut(len);
        let (inner_dx, scratch) = rest.split_at_mut(len);
        self.to_end(io.inputs.x(), x);
        self.to_end(io.y, y);
        self.to_end(io.dy, dy);
        let asked = dx_of(io.dx, io.batch, &io.inputs);
        self.inner.backward(Backward {
            batch: io.batch,
            inputs: Inputs::lend(io.batch, x, None),
            y,
            dy,
            params: io.params,
            dparams: io.dparams,
            dx: &mut InputGradients::Lent(asked.is_some().then_some(&mut *inner_dx)),
            cache: io.cache,
            frozen: io.frozen,
            epoch: io.epoch,
            scratch,
        });
        if let Some(dx) = asked {
            self.back(inner_dx, dx);
        }
    }
}
