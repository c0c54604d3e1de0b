//! Convolution as a matrix product over patches: the input values under each output position, laid out as a row ("im2col",
//! Chellapilla et al. 2006).
//!
//! Positions are taken in blocks, so that the patches of a block stay in cache and the scratch memory does not grow with the batch.

use core::ops::Range;

use super::Convolution;
use crate::lane::zip_in_place;
use crate::macros::kernel;
use crate::matrix::{Matrix, matmul_into};
use crate::window::Axis;

/// About how many floats the patches of one block take: half of a common second-level cache.
const BLOCK: usize = 1 << 16;
/// A product of fewer rows than this does not pay for packing its right-hand side.
const FEWEST: usize = 64;

impl Convolution {
    pub(super) fn forward_by_patches(
        &self,
        batch: usize,
        x: &[f32],
        kernel: &[f32],
        y: &mut [f32],
        scratch: &mut [f32],
    ) {
        for group in 0..self.groups {
            for block in self.blocks(batch) {
                let patches = &mut scratch[..block.len() * self.patch_len()];
                gather(*self, group, block.clone(), x, patches);
                let patches = Matrix::new(patches, block.len(), self.patch_len());
                let y = &mut y[block.start * self.filters + self.first_filter(group)..];
                matmul_into(patches, self.kernel_of(group, kernel), y, self.filters, false);
            }
        }
    }

    pub(super) fn backward_kernel_by_patches(
        &self,
        batch: usize,
        x: &[f32],
        dy: &[f32],
        dkernel: &mut [f32],
        scratch: &mut [f32],
    ) {
        dkernel.fill(0.0);
        for group in 0..self.groups {
            for block in self.blocks(batch) {
                let patches = &mut scratch[..block.len() * self.patch_len()];
                gather(*self, group, block.clone(), x, patches);
                let patches = Matrix::new(patches, block.len(), self.patch_len());
                let dy = self.outputs_of(group, block, dy);
                matmul_into(patches.t(), dy, &mut dkernel[self.first_filter(group)..], self.filters, true);
            }
        }
    }

    /// "col2im".
    pub(super) fn backward_input_by_patches(
        &self,
        batch: usize,
        dy: &[f32],
        kernel: &[f32],
        dx: &mut [f32],
        scratch: &mut [f32],
    ) {
        dx.fill(0.0);
        for group in 0..self.groups {
            for block in self.blocks(batch) {
                let patches = &mut scratch[..block.len() * self.patch_len()];
                let dy = self.outputs_of(group, block.clone(), dy);
                matmul_into(dy, self.kernel_of(group, kernel).t(), patches, self.patch_len(), false);
                scatter(*self, group, block, patches, dx);
            }
        }
    }

    /// Whether some patch sticks out of the image.
    fn pads(&self) -> bool {
        let pads = |axis: Axis| (0..axis.output).any(|o| axis.taps(o).len() < axis.kernel);
        pads(self.rows) || pads(self.columns)
    }

    fn group_channels(&self) -> usize {
        self.channels / self.groups
    }

    fn first_filter(&self, group: usize) -> usize {
        group * (self.filters / self.groups)
    }

    /// Floats under one output position, of one group.
    pub(super) fn patch_len(&self) -> usize {
        self.rows.kernel * self.columns.kernel * self.group_channels()
    }

    /// Positions of one block.
    pub(super) fn block(&self, batch: usize) -> usize {
        (BLOCK / self.patch_len()).max(FEWEST).min(self.positions(batch))
    }

    fn blocks(&self, batch: usize) -> impl Iterator<Item = Range<usize>> {
        let (positions, block) = (self.positions(batch), self.block(batch).max(1));
        (0..positions).step_by(block).map(move |start| start..(start + block).min(positions))
    }

    /// The kernel of one group: (patch, filters of the group).
    fn kernel_of<'a>(&self, group: usize, kernel: &'a [f32]) -> Matrix<'a> {
        let kernel = &kernel[self.first_filter(group)..];
        Matrix::strided(kernel, self.patch_len(), self.filters / self.groups, self.filters)
    }

    /// The outputs of one group in a block: (positions, filters of the group).
    fn outputs_of<'a>(&self, group: usize, block: Range<usize>, y: &'a [f32]) -> Matrix<'a> {
        let y = &y[block.start * self.filters + self.first_filter(group)..];
        Matrix::strided(y, block.len(), self.filters / self.groups, self.filters)
    }

    /// Calls `f` for each run of consecutive floats that the patches of a block and the images share: the place in the
    /// patches, the place in the images, the length.
    #[inline(always)]
    fn runs(&self, group: usize, block: Range<usize>, mut f: impl FnMut(usize, usize, usize)) {
        let (rows, columns) = (self.rows, self.columns);
        let width = self.group_channels();
        // Without gaps between them, the taps of a row lie side by side.
        let whole = columns.dilation == 1 && self.groups == 1;
        let per_image = rows.output * columns.output;
        for (i, position) in block.enumerate() {
            let (image, rest) = (position / per_image, position % per_image);
            let (oy, ox) = (rest / columns.output, rest % columns.output);
            let (down, right) = (rows.taps(oy), columns.taps(ox));
            let patch = i * self.patch_len();
            if right.is_empty() {
                continue;
            }
            for ky in down {
                let line = (image * rows.input + rows.at(oy, ky)) * columns.input;
                let at = |kx: usize| {
                    let x = (line + columns.at(ox, kx)) * self.channels + group * width;
                    (patch + (ky * columns.kernel + kx) * width, x)
                };
                if whole {
                    let (patch, x) = at(right.start);
                    f(patch, x, right.len() * width);
                } else {
                    for kx in right.clone() {
                        let (patch, x) = at(kx);
                        f(patch, x, width);
                    }
                }
            }
        }
    }
}

/// Lays out the patches of a block; padding is 0.
fn gather(geometry: Convolution, group: usize, block: Range<usize>, x: &[f32], patches: &mut [f32]) {
    if geometry.pads() {
        patches.fill(0.0);
    }
    geometry.runs(group, block, |to, from, len| patches[to..to + len].copy_from_slice(&x[from..from + len]));
}

kernel! {
    /// Adds the patches of a block to where they were taken from.
    fn scatter(simd: S, geometry: Convolution, group: usize, block: Range<usize>, patches: &'a [f32], dx: &'a mut [f32]) {
        geometry.runs(group, block, #[inline(always)] |patch, to, len| {
            zip_in_place(simd, &patches[patch..patch + len], &mut dx[to..to + len], #[inline(always)] |add, dx| {
                simd.add_f32s(dx, add)
            });
        });
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{close, numbers};
    use super::*;
    use crate::naive;
    use crate::window::tests::axes;
    use proptest::prelude::*;

    fn agree(geometry: Convolution, batch: usize, seed: u32) -> Result<(), TestCaseError> {
        let x = numbers(batch * geometry.input_len(), seed);
        let kernel = numbers(geometry.kernel_len(), seed ^ 1);
        let dy = numbers(batch * geometry.output_len(), seed ^ 2);
        let mut scratch = vec![f32::NAN; geometry.block(batch) * geometry.patch_len()];
        let (mut y, mut dkernel, mut dx) =
            (vec![f32::NAN; dy.len()], vec![f32::NAN; kernel.len()], vec![f32::NAN; x.len()]);
        geometry.forward_by_patches(batch, &x, &kernel, &mut y, &mut scratch);
        close(&y, &naive::convolution::forward(&geometry, batch, &x, &kernel))?;
        geometry.backward_kernel_by_patches(batch, &x, &dy, &mut dkernel, &mut scratch);
        close(&dkernel, &naive::convolution::backward_kernel(&geometry, batch, &x, &dy))?;
        geometry.backward_input_by_patches(batch, &dy, &kernel, &mut dx, &mut scratch);
        close(&dx, &naive::convolution::backward_input(&geometry, batch, &dy, &kernel))
    }

    proptest! {
        /// Also where a shorter way would be taken.
        #[test]
        fn patches_agree_with_the_naive_twin(
            rows in axes(), columns in axes(), groups in 1usize..4, channels in 1usize..4, filters in 1usize..5,
            batch in 1usize..4, seed in any::<u32>(),
        ) {
            let (channels, filters) = (groups * channels, groups * filters);
            agree(Convolution { rows, columns, channels, filters, groups }, batch, seed)?;
        }
    }
}
