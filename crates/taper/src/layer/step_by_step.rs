//! A layer with statistics over the batch, for every time step by itself.

use super::inner::Inner;
use super::{Backward, Forward, InputGradients, Inputs, Layer, Masking, dx_of};
use crate::param::ParamSpec;
use crate::shape::Shape;

/// Each step's rows are a batch of their own, as in Keras: the statistics are those of one step, and what follows them moves step
/// after step.
#[derive(Debug)]
pub(super) struct StepByStep {
    steps: usize,
    /// Numbers of a step.
    input: usize,
    /// All steps.
    output: Shape,
    inner: Inner,
}

impl StepByStep {
    pub(super) fn new(steps: usize, input: usize, output: Shape, inner: Inner) -> Self {
        Self { steps, input, output, inner }
    }

    fn step_output(&self) -> usize {
        self.output.len() / self.steps
    }

    /// Which rows of this step count, if some do not.
    fn step_mask<'a>(&self, inputs: &Inputs<'_>, step: usize, mask: &'a mut [f32]) -> Option<&'a [f32]> {
        gather(inputs.mask()?, self.steps, step, 1, mask);
        Some(mask)
    }
}

/// The rows of one step, `size` numbers each.
fn gather(all: &[f32], steps: usize, step: usize, size: usize, rows: &mut [f32]) {
    for (all, row) in all.chunks_exact(steps * size).zip(rows.chunks_exact_mut(size)) {
        row.copy_from_slice(&all[step * size..][..size]);
    }
}

/// The other way.
fn scatter(rows: &[f32], steps: usize, step: usize, size: usize, all: &mut [f32]) {
    for (all, row) in all.chunks_exact_mut(steps * size).zip(rows.chunks_exact(size)) {
        all[step * size..][..size].copy_from_slice(row);
    }
}

impl Layer for StepByStep {
    fn output_shape(&self) -> &Shape {
        &self.output
    }

    fn params(&self) -> &[ParamSpec] {
        &self.inner.params
    }

    fn cache_len(&self, batch: usize) -> usize {
        self.steps * self.inner.layer.cache_len(batch)
    }

    /// One step's mask, input, output and both gradients, the gradient of the parameters, and what the layer needs.
    fn scratch_len(&self, batch: usize) -> usize {
        batch * (1 + 2 * self.input + 2 * self.step_output()) + self.inner.len + self.inner.layer.scratch_len(batch)
    }

    fn masking(&self) -> Masking {
        Masking::Pass
    }

    /// A step of several vectors has no place for one number that says whether it counts.
    fn refuses_masks(&self) -> bool {
        self.inner.layer.output_shape().rank() > 1
    }

    fn update_state(&self, batch: usize, params: &mut [f32], cache: &[f32]) {
        if self.inner.frozen {
            return;
        }
        for cache in cache.chunks_exact(self.inner.layer.cache_len(batch)) {
            self.inner.layer.update_state(batch, params, cache);
        }
    }

    fn forward(&self, io: Forward<'_>) {
        let (input, output) = (self.input, self.step_output());
        let (mask, rest) = io.scratch.split_at_mut(io.batch);
        let (x, rest) = rest.split_at_mut(io.batch * input);
        let (y, scratch) = rest.split_at_mut(io.batch * output);
        let caches = io.cache.chunks_exact_mut(self.inner.layer.cache_len(io.batch));
        for (step, cache) in caches.enumerate() {
            gather(io.inputs.x(), self.steps, step, input, x);
            let mask = self.step_mask(&io.inputs, step, mask);
            self.inner.layer.forward(Forward {
                batch: io.batch,
                inputs: Inputs::lend(io.batch, x, mask),
                y,
                params: io.params,
                cache,
                scratch,
                mode: io.mode,
                frozen: io.frozen || self.inner.frozen,
                seed: io.seed,
            });
            scatter(y, self.steps, step, output, io.y);
        }
    }

    fn backward(&self, io: Backward<'_>) {
        let (input, output) = (self.input, self.step_output());
        let (mask, rest) = io.scratch.split_at_mut(io.batch);
        let (x, rest) = rest.split_at_mut(io.batch * input);
        let (step_dx, rest) = rest.split_at_mut(io.batch * input);
        let (y, rest) = rest.split_at_mut(io.batch * output);
        let (dy, rest) = rest.split_at_mut(io.batch * output);
        let (dparams, scratch) = rest.split_at_mut(self.inner.len);
        let mut dx = dx_of(io.dx, io.batch, &io.inputs);
        io.dparams.fill(0.0);
        let caches = io.cache.chunks_exact_mut(self.inner.layer.cache_len(io.batch));
        for (step, cache) in caches.enumerate() {
            gather(io.inputs.x(), self.steps, step, input, x);
            gather(io.y, self.steps, step, output, y);
            gather(io.dy, self.steps, step, output, dy);
            let mask = self.step_mask(&io.inputs, step, mask);
            self.inner.layer.backward(Backward {
                batch: io.batch,
                inputs: Inputs::lend(io.batch, x, mask),
                y,
                dy,
                params: io.params,
                dparams,
                dx: &mut InputGradients::Lent(dx.is_some().then_some(&mut *step_dx)),
                cache,
                frozen: io.frozen || self.inner.frozen,
                epoch: io.epoch,
                scratch,
            });
            taper_kernels::update::add_scaled(1.0, dparams, io.dparams);
            if let Some(dx) = dx.as_deref_mut() {
                scatter(step_dx, self.steps, step, input, dx);
            }
        }
    }
}
