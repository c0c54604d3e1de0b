//! Depthwise convolution: each channel of the input has kernels of its own, and no channel sees another.

use crate::lane::{load_some, mul_add, store_some};
use crate::macros::kernel;
use crate::window::Axis;

/// The sizes of a depthwise convolution. Images are (height, width, channels), kernels (height, width, channels, multiplier);
/// output channel `c·multiplier + j` is input channel `c` under kernel `j`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Depthwise {
    /// From top to bottom.
    pub rows: Axis,
    /// From left to right.
    pub columns: Axis,
    /// Channels of the input.
    pub channels: usize,
    /// Kernels per channel.
    pub multiplier: usize,
}

impl Depthwise {
    /// Floats of one input image.
    #[must_use]
    pub fn input_len(&self) -> usize {
        self.rows.input * self.columns.input * self.channels
    }

    /// Floats of one output image.
    #[must_use]
    pub fn output_len(&self) -> usize {
        self.rows.output * self.columns.output * self.width()
    }

    /// Floats of the kernel.
    #[must_use]
    pub fn kernel_len(&self) -> usize {
        self.rows.kernel * self.columns.kernel * self.width()
    }

    /// Floats of scratch that every function here needs.
    #[must_use]
    pub fn scratch_len(&self) -> usize {
        if self.multiplier == 1 { 0 } else { self.input_len() * self.multiplier }
    }

    /// `y[oy, ox, c·m + j] = Σ x[iy, ix, c] kernel[ky, kx, c, j]` for a batch.
    pub fn forward(&self, batch: usize, x: &[f32], kernel: &[f32], y: &mut [f32], scratch: &mut [f32]) {
        self.check(batch, x.len(), kernel.len(), y.len());
        for (x, y) in x.chunks_exact(self.input_len()).zip(y.chunks_exact_mut(self.output_len())) {
            forward(*self, self.repeated(x, scratch), kernel, y);
        }
    }

    /// `dkernel` for a batch.
    pub fn backward_kernel(&self, batch: usize, x: &[f32], dy: &[f32], dkernel: &mut [f32], scratch: &mut [f32]) {
        self.check(batch, x.len(), dkernel.len(), dy.len());
        dkernel.fill(0.0);
        for (x, dy) in x.chunks_exact(self.input_len()).zip(dy.chunks_exact(self.output_len())) {
            add_kernel_gradient(*self, self.repeated(x, scratch), dy, dkernel);
        }
    }

    /// `dx` for a batch.
    pub fn backward_input(&self, batch: usize, dy: &[f32], kernel: &[f32], dx: &mut [f32], scratch: &mut [f32]) {
        self.check(batch, dx.len(), kernel.len(), dy.len());
        for (dx, dy) in dx.chunks_exact_mut(self.input_len()).zip(dy.chunks_exact(self.output_len())) {
            if self.multiplier == 1 {
                backward_input(*self, dy, kernel, dx);
            } else {
                let scratch = &mut scratch[..self.scratch_len()];
                backward_input(*self, dy, kernel, scratch);
                for (dx, repeated) in dx.iter_mut().zip(scratch.chunks_exact(self.multiplier)) {
                    *dx = repeated.iter().sum();
                }
            }
        }
    }

    /// Channels of the output.
    fn width(&self) -> usize {
        self.channels * self.multiplier
    }

    fn check(&self, batch: usize, x: usize, kernel: usize, y: usize) {
        assert!(x == batch * self.input_len() && kernel == self.kernel_len() && y == batch * self.output_len());
    }

    /// One image with every channel as often as it has kernels: then channels of input and output meet one to one.
    fn repeated<'a>(&self, x: &'a [f32], scratch: &'a mut [f32]) -> &'a [f32] {
        if self.multiplier == 1 {
            return x;
        }
        let scratch = &mut scratch[..self.scratch_len()];
        for (repeated, x) in scratch.chunks_exact_mut(self.multiplier).zip(x) {
            repeated.fill(*x);
        }
        scratch
    }

    /// Calls `f` for each tap of output (oy, ox) that lies on an input: the places of the first channel in the (repeated)
    /// image and in the kernel.
    #[inline(always)]
    fn taps(&self, oy: usize, ox: usize, mut f: impl FnMut(usize, usize)) {
        let width = self.width();
        for ky in self.rows.taps(oy) {
            let line = self.rows.at(oy, ky) * self.columns.input;
            for kx in self.columns.taps(ox) {
                f((line + self.columns.at(ox, kx)) * width, (ky * self.columns.kernel + kx) * width);
            }
        }
    }
}

kernel! {
    fn forward(simd: S, geometry: Depthwise, x: &'a [f32], kernel: &'a [f32], y: &'a mut [f32]) {
        let width = geometry.width();
        for (position, y) in y.chunks_exact_mut(width).enumerate() {
            let (oy, ox) = (position / geometry.columns.output, position % geometry.columns.output);
            let mut start = 0;
            while start < width {
                let lanes = S::F32_LANES.min(width - start);
                let mut sum = simd.splat_f32s(0.0);
                geometry.taps(oy, ox, #[inline(always)] |x_at, kernel_at| {
                    let x = load_some(simd, &x[x_at + start..x_at + start + lanes]);
                    sum = mul_add(simd, x, load_some(simd, &kernel[kernel_at + start..kernel_at + start + lanes]), sum);
                });
                store_some(simd, &mut y[start..start + lanes], sum);
                start += lanes;
            }
        }
    }
}

kernel! {
    fn add_kernel_gradient(simd: S, geometry: Depthwise, x: &'a [f32], dy: &'a [f32], dkernel: &'a mut [f32]) {
        let width = geometry.width();
        for (position, dy) in dy.chunks_exact(width).enumerate() {
            let (oy, ox) = (position / geometry.columns.output, position % geometry.columns.output);
            let mut start = 0;
            while start < width {
                let lanes = S::F32_LANES.min(width - start);
                let dy = load_some(simd, &dy[start..start + lanes]);
                geometry.taps(oy, ox, #[inline(always)] |x_at, kernel_at| {
                    let x = load_some(simd, &x[x_at + start..x_at + start + lanes]);
                    let dkernel = &mut dkernel[kernel_at + start..kernel_at + start + lanes];
                    store_some(simd, dkernel, mul_add(simd, x, dy, load_some(simd, dkernel)));
                });
                start += lanes;
            }
        }
    }
}

kernel! {
    fn backward_input(simd: S, geometry: Depthwise, dy: &'a [f32], kernel: &'a [f32], dx: &'a mut [f32]) {
        let width = geometry.width();
        dx.fill(0.0);
        for (position, dy) in dy.chunks_exact(width).enumerate() {
            let (oy, ox) = (position / geometry.columns.output, position % geometry.columns.output);
            let mut start = 0;
            while start < width {
                let lanes = S::F32_LANES.min(width - start);
                let dy = load_some(simd, &dy[start..start + lanes]);
                geometry.taps(oy, ox, #[inline(always)] |x_at, kernel_at| {
                    let kernel = load_some(simd, &kernel[kernel_at + start..kernel_at + start + lanes]);
                    let dx = &mut dx[x_at + start..x_at + start + lanes];
                    store_some(simd, dx, mul_add(simd, kernel, dy, load_some(simd, dx)));
                });
                start += lanes;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::convolution::Convolution;
    use crate::convolution::tests::{close, numbers};
    use crate::naive;
    use crate::window::tests::axes;
    use proptest::prelude::*;

    proptest! {
        /// Its definition is that of a convolution with one group per channel; the kernel has the same order.
        #[test]
        fn depthwise_agrees_with_the_naive_grouped_convolution(
            rows in axes(), columns in axes(), channels in 1usize..20, multiplier in 1usize..4, batch in 1usize..3,
            seed in any::<u32>(),
        ) {
            let geometry = Depthwise { rows, columns, channels, multiplier };
            let grouped = Convolution { rows, columns, channels, filters: channels * multiplier, groups: channels };
            let x = numbers(batch * geometry.input_len(), seed);
            let kernel = numbers(geometry.kernel_len(), seed ^ 1);
            let dy = numbers(batch * geometry.output_len(), seed ^ 2);
            let mut scratch = vec![f32::NAN; geometry.scratch_len()];
            let (mut y, mut dkernel, mut dx) =
                (vec![f32::NAN; dy.len()], vec![f32::NAN; kernel.len()], vec![f32::NAN; x.len()]);
            geometry.forward(batch, &x, &kernel, &mut y, &mut scratch);
            close(&y, &naive::convolution::forward(&grouped, batch, &x, &kernel))?;
            geometry.backward_kernel(batch, &x, &dy, &mut dkernel, &mut scratch);
            close(&dkernel, &naive::convolution::backward_kernel(&grouped, batch, &x, &dy))?;
            geometry.backward_input(batch, &dy, &kernel, &mut dx, &mut scratch);
            close(&dx, &naive::convolution::backward_input(&grouped, batch, &dy, &kernel))?;
        }
    }
}
