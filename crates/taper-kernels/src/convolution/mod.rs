//! Convolution of images with channels last, and its gradients.
//!
//! A convolution is a matrix product over patches (`patch.rs`). Where channels are few, loops without patches are faster
//! (`direct.rs`); windows of 3 × 3 over some channels take a quarter of the multiplications (`winograd`). Which way is taken depends
//! on the sizes alone. A sequence is an image of height 1.

mod direct;
mod padding;
mod patch;
mod turned;
mod winograd;

use crate::matrix::{Matrix, matmul};
use crate::window::Axis;

/// The sizes of a convolution. Images are (height, width, channels), kernels (height, width, channels / groups, filters); the
/// filters of a group see the channels of that group only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Convolution {
    /// From top to bottom.
    pub rows: Axis,
    /// From left to right.
    pub columns: Axis,
    /// Channels of the input.
    pub channels: usize,
    /// Channels of the output.
    pub filters: usize,
    /// Groups of channels; must divide both.
    pub groups: usize,
}

/// How a convolution is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// The patches are the image: one matrix product.
    Product,
    /// Patches are gathered, then multiplied, see [`patch`].
    Patches,
    /// Without patches, see [`direct`].
    Direct,
    /// In fewer multiplications, see [`winograd`].
    Winograd,
}

impl Convolution {
    /// Floats of one input image.
    #[must_use]
    pub fn input_len(&self) -> usize {
        self.rows.input * self.columns.input * self.channels
    }

    /// Floats of one output image.
    #[must_use]
    pub fn output_len(&self) -> usize {
        self.rows.output * self.columns.output * self.filters
    }

    /// Floats of the kernel.
    #[must_use]
    pub fn kernel_len(&self) -> usize {
        self.patch_len() * self.filters
    }

    /// Floats of scratch that every function here needs for a batch of this size.
    #[must_use]
    pub fn scratch_len(&self, batch: usize) -> usize {
        let patches = self.block(batch) * self.patch_len();
        match self.way() {
            Way::Product => 0,
            Way::Patches => patches,
            Way::Direct => {
                if turned::backward(self).is_some() {
                    self.kernel_len()
                } else {
                    patches
                }
            }
            Way::Winograd => self.kernel_len() + winograd::weights_len(self),
        }
    }

    /// `y = x ∗ kernel`.
    pub fn forward(&self, batch: usize, x: &[f32], kernel: &[f32], y: &mut [f32], scratch: &mut [f32]) {
        self.check(batch, x.len(), kernel.len(), y.len());
        match self.way() {
            Way::Product => {
                let x = Matrix::new(x, self.positions(batch), self.channels);
                matmul(x, Matrix::new(kernel, self.channels, self.filters), y);
            }
            Way::Patches => self.forward_by_patches(batch, x, kernel, y, scratch),
            Way::Direct => direct::forward(self, x, kernel, y),
            Way::Winograd => winograd::forward(self, x, kernel, y, scratch),
        }
    }

    /// `dkernel = Σ patchᵀ dy` over all positions.
    pub fn backward_kernel(&self, batch: usize, x: &[f32], dy: &[f32], dkernel: &mut [f32], scratch: &mut [f32]) {
        self.check(batch, x.len(), dkernel.len(), dy.len());
        match self.way() {
            Way::Product => {
                let positions = self.positions(batch);
                let (x, dy) = (Matrix::new(x, positions, self.channels), Matrix::new(dy, positions, self.filters));
                matmul(x.t(), dy, dkernel);
            }
            Way::Patches => self.backward_kernel_by_patches(batch, x, dy, dkernel, scratch),
            Way::Direct => direct::kernel_gradient(self, x, dy, dkernel),
            Way::Winograd => winograd::kernel_gradient(self, x, dy, dkernel, scratch),
        }
    }

    /// `dx`: each patch of `dy kernelᵀ` added where it was taken from.
    pub fn backward_input(&self, batch: usize, dy: &[f32], kernel: &[f32], dx: &mut [f32], scratch: &mut [f32]) {
        self.check(batch, dx.len(), kernel.len(), dy.len());
        match (self.way(), turned::backward(self)) {
            (Way::Product, _) => {
                let dy = Matrix::new(dy, self.positions(batch), self.filters);
                matmul(dy, Matrix::new(kernel, self.channels, self.filters).t(), dx);
            }
            (Way::Direct, Some(back)) => {
                let turned = &mut scratch[..kernel.len()];
                turned::turn(self, kernel, turned);
                direct::forward(&back, dy, turned, dx);
            }
            (Way::Winograd, Some(back)) => {
                let (turned, weights) = scratch.split_at_mut(kernel.len());
                turned::turn(self, kernel, turned);
                winograd::forward(&back, dy, turned, dx, weights);
            }
            _ => self.backward_input_by_patches(batch, dy, kernel, dx, scratch),
        }
    }

    fn way(&self) -> Way {
        if self.is_pointwise() {
            Way::Product
        } else if winograd::suits(self) {
            Way::Winograd
        } else if direct::suits(self) {
            Way::Direct
        } else {
            Way::Patches
        }
    }

    /// Whether every position sees just itself: the patches are the image.
    fn is_pointwise(&self) -> bool {
        let alone = |axis: Axis| axis.kernel == 1 && axis.stride == 1 && axis.before == 0;
        alone(self.rows) && alone(self.columns) && self.groups == 1
    }

    fn check(&self, batch: usize, x: usize, kernel: usize, y: usize) {
        assert!(self.channels.is_multiple_of(self.groups) && self.filters.is_multiple_of(self.groups));
        assert!(x == batch * self.input_len() && kernel == self.kernel_len() && y == batch * self.output_len());
    }

    /// Output positions of a batch.
    fn positions(&self, batch: usize) -> usize {
        batch * self.rows.output * self.columns.output
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::naive;
    use crate::window::tests::axes;
    use proptest::prelude::*;

    pub(crate) fn numbers(n: usize, seed: u32) -> Vec<f32> {
        let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(12345);
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / 8_388_608.0 - 1.0
        };
        (0..n).map(|_| next()).collect()
    }

    pub(crate) fn close(got: &[f32], want: &[f32]) -> Result<(), TestCaseError> {
        prop_assert_eq!(got.len(), want.len());
        for (got, want) in got.iter().zip(want) {
            prop_assert!((got - want).abs() <= 3e-5 * want.abs().max(1.0), "{got} {want}");
        }
        Ok(())
    }

    fn agree(geometry: Convolution, batch: usize, seed: u32) -> Result<(), TestCaseError> {
        let x = numbers(batch * geometry.input_len(), seed);
        let kernel = numbers(geometry.kernel_len(), seed ^ 1);
        let dy = numbers(batch * geometry.output_len(), seed ^ 2);
        let mut scratch = vec![f32::NAN; geometry.scratch_len(batch)];
        let (mut y, mut dkernel, mut dx) =
            (vec![f32::NAN; dy.len()], vec![f32::NAN; kernel.len()], vec![f32::NAN; x.len()]);
        geometry.forward(batch, &x, &kernel, &mut y, &mut scratch);
        close(&y, &naive::convolution::forward(&geometry, batch, &x, &kernel))?;
        scratch.fill(f32::NAN);
        geometry.backward_kernel(batch, &x, &dy, &mut dkernel, &mut scratch);
        close(&dkernel, &naive::convolution::backward_kernel(&geometry, batch, &x, &dy))?;
        scratch.fill(f32::NAN);
        geometry.backward_input(batch, &dy, &kernel, &mut dx, &mut scratch);
        close(&dx, &naive::convolution::backward_input(&geometry, batch, &dy, &kernel))
    }

    proptest! {
        #[test]
        fn convolution_agrees_with_its_naive_twin(
            rows in axes(), columns in axes(), groups in 1usize..4, channels in 1usize..4, filters in 1usize..5,
            batch in 1usize..4, seed in any::<u32>(),
        ) {
            let (channels, filters) = (groups * channels, groups * filters);
            agree(Convolution { rows, columns, channels, filters, groups }, batch, seed)?;
        }

        #[test]
        fn direct_convolution_fills_its_blocks(
            rows in axes(), columns in axes(), channels in 1usize..20, filters in 1usize..50, seed in any::<u32>(),
        ) {
            agree(Convolution { rows, columns, channels, filters, groups: 1 }, 2, seed)?;
        }
    }

    /// The largest difference, as a share of the largest number.
    fn difference(got: &[f32], want: &[f32]) -> f32 {
        let largest = |most: f32, x: f32| if x.is_nan() { x } else { most.max(x.abs()) };
        let difference = got.iter().zip(want).map(|(got, want)| got - want).fold(0.0, largest);
        difference / want.iter().copied().fold(0.0, largest)
    }

    /// Of y, dkernel and dx, for a convolution in fewer multiplications.
    fn differences(geometry: &Convolution, batch: usize, seed: u32) -> [f32; 3] {
        assert_eq!(geometry.way(), Way::Winograd);
        let (x, kernel) = (numbers(batch * geometry.input_len(), seed), numbers(geometry.kernel_len(), seed ^ 1));
        let dy = numbers(batch * geometry.output_len(), seed ^ 2);
        let mut scratch = vec![f32::NAN; geometry.scratch_len(batch)];
        let [mut y, mut dkernel, mut dx] = [&dy, &kernel, &x].map(|like| vec![f32::NAN; like.len()]);
        geometry.forward(batch, &x, &kernel, &mut y, &mut scratch);
        scratch.fill(f32::NAN);
        geometry.backward_kernel(batch, &x, &dy, &mut dkernel, &mut scratch);
        scratch.fill(f32::NAN);
        geometry.backward_input(batch, &dy, &kernel, &mut dx, &mut scratch);
        [
            difference(&y, &naive::convolution::forward(geometry, batch, &x, &kernel)),
            difference(&dkernel, &naive::convolution::backward_kernel(geometry, batch, &x, &dy)),
            difference(&dx, &naive::convolution::backward_input(geometry, batch, &dy, &kernel)),
        ]
    }

    /// What a plain sum in `f32` is off is 1e-6.
    const ROUNDING: f32 = 3e-6;

    proptest! {
        #![proptest_config(ProptestConfig { cases: ProptestConfig::default().cases / 4, ..ProptestConfig::default() })]

        #[test]
        fn fewer_multiplications_give_the_same(
            height in 3usize..14, width in 3usize..14, same in any::<(bool, bool)>(), channels in 12usize..50,
            filters in 12usize..50, batch in 1usize..4, seed in any::<u32>(),
        ) {
            let axis = |n, same| if same { Axis::same(n, 3, 1, 1) } else { Axis::valid(n, 3, 1, 1) };
            let (rows, columns) = (axis(height, same.0).unwrap(), axis(width, same.1).unwrap());
            let geometry = Convolution { rows, columns, channels, filters, groups: 1 };
            prop_assume!(geometry.way() == Way::Winograd);
            let differences = differences(&geometry, batch, seed);
            prop_assert!(differences.iter().all(|difference| *difference < ROUNDING), "{differences:?}");
        }
    }

    #[test]
    fn more_tiles_than_one_block_holds() {
        let axis = Axis::same(17, 3, 1, 1).unwrap();
        let geometry = Convolution { rows: axis, columns: axis, channels: 24, filters: 37, groups: 1 };
        let differences = differences(&geometry, 5, 1);
        assert!(differences.iter().all(|difference| *difference < ROUNDING), "{differences:?}");
    }

    #[test]
    fn threads_share_without_changing_a_bit() {
        let axis = Axis::same(16, 3, 1, 1).unwrap();
        for channels in [5, 24, 130] {
            let geometry = Convolution { rows: axis, columns: axis, channels, filters: 37, groups: 1 };
            let (x, kernel) = (numbers(5 * geometry.input_len(), 1), numbers(geometry.kernel_len(), 2));
            let dy = numbers(5 * geometry.output_len(), 3);
            let all = || {
                let mut scratch = vec![f32::NAN; geometry.scratch_len(5)];
                let mut results = [vec![f32::NAN; dy.len()], vec![f32::NAN; kernel.len()], vec![f32::NAN; x.len()]];
                geometry.forward(5, &x, &kernel, &mut results[0], &mut scratch);
                geometry.backward_kernel(5, &x, &dy, &mut results[1], &mut scratch);
                geometry.backward_input(5, &dy, &kernel, &mut results[2], &mut scratch);
                results
            };
            let alone = all();
            for threads in [2, 3, 8] {
                let shared = crate::parallel::lend(threads, crate::parallel::tests::on_two_threads, all);
                assert!(shared == alone, "{channels} channels, {threads} threads");
            }
        }
    }

    #[test]
    fn more_positions_than_one_block_holds() -> Result<(), TestCaseError> {
        let axis = Axis::same(17, 3, 1, 1).unwrap();
        agree(Convolution { rows: axis, columns: axis, channels: 130, filters: 3, groups: 1 }, 2, 1)
    }
}
