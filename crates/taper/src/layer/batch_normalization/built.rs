//! The arithmetic of batch normalization.

use taper_kernels::normalization;

use crate::layer::{Backward, Forward, Layer, Masking, Mode, dx_of};
use crate::param::ParamSpec;
use crate::shape::Shape;

/// Batch normalization of channels in the last dimension.
#[derive(Debug)]
pub(super) struct Built {
    pub(super) momentum: f64,
    pub(super) epsilon: f32,
    pub(super) scale: bool,
    pub(super) center: bool,
    pub(super) params: Vec<ParamSpec>,
    pub(super) shape: Shape,
}

impl Built {
    fn channels(&self) -> usize {
        self.shape.last()
    }

    /// gamma and beta (empty where there is none) and the moving statistics.
    fn parts<'a>(&self, params: &'a [f32]) -> (&'a [f32], &'a [f32], &'a [f32], &'a [f32]) {
        let channels = self.channels();
        let (gamma, rest) = params.split_at(if self.scale { channels } else { 0 });
        let (beta, rest) = rest.split_at(if self.center { channels } else { 0 });
        let (mean, variance) = rest.split_at(channels);
        (gamma, beta, mean, variance)
    }
}

impl Layer for Built {
    fn output_shape(&self) -> &Shape {
        &self.shape
    }

    fn params(&self) -> &[ParamSpec] {
        &self.params
    }

    /// How many rows the batch's moments are of (0: the moving ones were used); mean, variance and 1 / √(variance + ε).
    fn cache_len(&self, _batch: usize) -> usize {
        1 + 3 * self.channels()
    }

    fn scratch_len(&self, _batch: usize) -> usize {
        5 * self.channels()
    }

    fn masking(&self) -> Masking {
        Masking::Pass
    }

    fn update_state(&self, _batch: usize, params: &mut [f32], cache: &[f32]) {
        let channels = self.channels();
        let (old, new) = (self.momentum as f32, (1.0 - self.momentum) as f32);
        let moving = params.len() - 2 * channels;
        for (moving, batch) in params[moving..].iter_mut().zip(&cache[1..=2 * channels]) {
            *moving = *moving * old + batch * new;
        }
    }

    fn forward(&self, io: Forward<'_>) {
        let channels = self.channels();
        let (gamma, beta, moving_mean, moving_variance) = self.parts(io.params);
        let (count, cache) = io.cache.split_at_mut(1);
        let (mean, cache) = cache.split_at_mut(channels);
        let (variance, inverse) = cache.split_at_mut(channels);
        let (scale, scratch) = io.scratch.split_at_mut(channels);
        let (shift, scratch) = scratch.split_at_mut(channels);
        let x = io.inputs.x();
        if io.mode == Mode::Training && !io.frozen {
            let partial = &mut scratch[..channels];
            count[0] = normalization::column_moments(x, io.inputs.mask(), mean, variance, partial);
        } else {
            count[0] = 0.0;
            mean.copy_from_slice(moving_mean);
            variance.copy_from_slice(moving_variance);
        }
        for j in 0..channels {
            inverse[j] = 1.0 / (variance[j] + self.epsilon).sqrt();
            scale[j] = inverse[j] * gamma.get(j).unwrap_or(&1.0);
            shift[j] = beta.get(j).unwrap_or(&0.0) - mean[j] * scale[j];
        }
        normalization::scale_columns(x, scale, shift, io.y);
    }

    fn backward(&self, io: Backward<'_>) {
        let channels = self.channels();
        let (gamma, beta, _, _) = self.parts(io.params);
        let (count, cache) = io.cache.split_at_mut(1);
        let (mean, cache) = cache.split_at_mut(channels);
        let inverse = &cache[channels..];
        let (sums, scratch) = io.scratch.split_at_mut(channels);
        let (products, scratch) = scratch.split_at_mut(channels);
        let (scale, partial) = scratch.split_at_mut(channels);
        let x = io.inputs.x();
        normalization::column_gradients(x, io.dy, mean, inverse, sums, products, partial);
        let (dgamma, rest) = io.dparams.split_at_mut(gamma.len());
        let (dbeta, moving) = rest.split_at_mut(beta.len());
        dgamma.copy_from_slice(&products[..gamma.len()]);
        dbeta.copy_from_slice(&sums[..beta.len()]);
        moving.fill(0.0);
        let Some(dx) = dx_of(io.dx, io.batch, &io.inputs) else { return };
        for j in 0..channels {
            scale[j] = inverse[j] * gamma.get(j).unwrap_or(&1.0);
        }
        if count[0] > 0.0 {
            let mask = io.inputs.mask();
            normalization::batch_backward(x, io.dy, mask, count[0], mean, inverse, scale, sums, products, dx);
        } else {
            sums.fill(0.0);
            normalization::scale_columns(io.dy, scale, sums, dx);
        }
    }
}
