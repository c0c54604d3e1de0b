//! A layer that works on the last dimensions, put to work on others.

use super::transposition::Transposition;
use super::{Backward, Forward, InputGradients, Inputs, Layer, Masking, dx_of};
use crate::Result;
use crate::param::ParamSpec;
use crate::shape::Shape;

/// Builds a layer for an input some of whose dimensions (in ascending order) have been moved to the end. One that heeds masks would
/// not find the masked steps there: it refuses them.
pub(crate) fn moved_to_end(
    input: &Shape,
    axes: &[usize],
    heeds_masks: bool,
    build: impl FnOnce(&Shape) -> Result<Box<dyn Layer>>,
) -> Result<Box<dyn Layer>> {
    let stay = (0..input.rank()).filter(|axis| !axes.contains(axis));
    let dims: Vec<usize> = stay.chain(axes.iter().copied()).collect();
    let order = Transposition::new(input, &dims)?;
    let inner = build(&order.output)?;
    Ok(Box::new(Moved { inner, order, heeds_masks, shape: input.clone() }))
}

#[derive(Debug)]
struct Moved {
    /// Of an input with the dimensions at the end.
    inner: Box<dyn Layer>,
    order: Transposition,
    heeds_masks: bool,
    /// As the user sees it.
    shape: Shape,
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

    /// Input, output and both gradients, with the dimensions at the end.
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
        self.order.forward(io.inputs.x(), x);
        self.inner.forward(Forward { inputs: Inputs::lend(io.batch, x, None), y, scratch: &mut rest[2 * len..], ..io });
        self.order.back(y, io.y);
    }

    fn backward(&self, io: Backward<'_>) {
        let len = io.batch * self.shape.len();
        let (x, rest) = io.scratch.split_at_mut(len);
        let (y, rest) = rest.split_at_mut(len);
        let (dy, rest) = rest.split_at_mut(len);
        let (inner_dx, scratch) = rest.split_at_mut(len);
        self.order.forward(io.inputs.x(), x);
        self.order.forward(io.y, y);
        self.order.forward(io.dy, dy);
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
            self.order.back(inner_dx, dx);
        }
    }
}
