//! Pooling of images with channels last: one number for each window and channel. A sequence is an image of height 1.

use pulp::Simd;

use crate::lane::{load_some, map_in_place, mul_add, store_some, zip_in_place};
use crate::macros::kernel;
use crate::parallel::share_rows;
use crate::window::Axis;

/// The sizes of a pooling. Its windows always lie on at least one input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pooling {
    /// From top to bottom.
    pub rows: Axis,
    /// From left to right.
    pub columns: Axis,
    /// Channels of the input and of the output.
    pub channels: usize,
}

/// Multiply-adds that take as long as one input's part of its window.
const WORK: usize = 8;

impl Pooling {
    /// Floats of one input image.
    #[must_use]
    pub fn input_len(&self) -> usize {
        self.rows.input * self.columns.input * self.channels
    }

    /// Floats of one output image.
    #[must_use]
    pub fn output_len(&self) -> usize {
        self.rows.output * self.columns.output * self.channels
    }

    /// `y`: the largest input under each window. A NaN under it wins: a diverged weight must be seen.
    pub fn max(&self, batch: usize, x: &[f32], y: &mut [f32]) {
        self.check(batch, x.len(), y.len());
        share_rows(batch, self.piece(), x.len() * WORK, [x], [y], |_, [x], [y]| max(*self, x, y));
    }

    /// `dx`: each `dy` goes to the first of the largest inputs under its window, as in TensorFlow. `dy` is used up.
    pub fn backward_max(&self, batch: usize, x: &[f32], y: &[f32], dy: &mut [f32], dx: &mut [f32]) {
        self.check(batch, x.len(), y.len());
        self.check(batch, dx.len(), dy.len());
        share_rows(batch, self.piece(), x.len() * WORK, [x, y], [dy, dx], |_, [x, y], [dy, dx]| {
            backward_max(*self, x, y, dy, dx);
        });
    }

    /// `y`: the mean of the inputs under each window; padding is not counted.
    pub fn average(&self, batch: usize, x: &[f32], y: &mut [f32]) {
        self.check(batch, x.len(), y.len());
        share_rows(batch, self.piece(), x.len() * WORK, [x], [y], |_, [x], [y]| average(*self, x, y));
    }

    /// `dx`: each `dy` is shared out evenly under its window.
    pub fn backward_average(&self, batch: usize, dy: &[f32], dx: &mut [f32]) {
        self.check(batch, dx.len(), dy.len());
        share_rows(batch, self.piece(), dx.len() * WORK, [dy], [dx], |_, [dy], [dx]| backward_average(*self, dy, dx));
    }

    /// Images that one thread takes at a time.
    fn piece(&self) -> usize {
        (1usize << 14).div_ceil(self.input_len())
    }

    fn check(&self, batch: usize, x: usize, y: usize) {
        assert!(x == batch * self.input_len() && y == batch * self.output_len());
    }

    /// Calls `f` for each output position and each input position under it, in order: the places of their first channels,
    /// and how many inputs lie under this output.
    #[inline(always)]
    fn pairs(&self, batch: usize, mut f: impl FnMut(usize, usize, usize)) {
        let &Self { rows, columns, channels } = self;
        let mut y = 0;
        for image in 0..batch {
            for oy in 0..rows.output {
                for ox in 0..columns.output {
                    let (down, right) = (rows.taps(oy), columns.taps(ox));
                    let count = down.len() * right.len();
                    for ky in down {
                        let line = (image * rows.input + rows.at(oy, ky)) * columns.input;
                        for kx in right.clone() {
                            f(y, (line + columns.at(ox, kx)) * channels, count);
                        }
                    }
                    y += channels;
                }
            }
        }
    }
}

/// `max(x, y)`; NaN wins on either side.
#[inline(always)]
fn larger<S: Simd>(simd: S, x: S::f32s, y: S::f32s) -> S::f32s {
    let largest = simd.select_f32s(simd.greater_than_f32s(x, y), x, y);
    // Only NaN differs from itself.
    simd.select_f32s(simd.equal_f32s(x, x), largest, x)
}

kernel! {
    fn max(simd: S, geometry: Pooling, x: &'a [f32], y: &'a mut [f32]) {
        let n = geometry.channels;
        y.fill(f32::NEG_INFINITY);
        geometry.pairs(y.len() / geometry.output_len(), #[inline(always)] |to, from, _| {
            zip_in_place(simd, &x[from..from + n], &mut y[to..to + n], #[inline(always)] |x, y| larger(simd, x, y));
        });
    }
}

kernel! {
    fn backward_max(simd: S, geometry: Pooling, x: &'a [f32], y: &'a [f32], dy: &'a mut [f32], dx: &'a mut [f32]) {
        let n = geometry.channels;
        dx.fill(0.0);
        geometry.pairs(y.len() / geometry.output_len(), #[inline(always)] |from, to, _| {
            share_out(simd, &x[to..to + n], &y[from..from + n], &mut dy[from..from + n], &mut dx[to..to + n]);
        });
    }
}

/// Where `x` is the maximum `y`, moves what is left of `dy` to `dx`.
#[inline(always)]
fn share_out<S: Simd>(simd: S, x: &[f32], y: &[f32], dy: &mut [f32], dx: &mut [f32]) {
    let zero = simd.splat_f32s(0.0);
    let mut start = 0;
    while start < x.len() {
        let lanes = start..(start + S::F32_LANES).min(x.len());
        let hit = simd.equal_f32s(load_some(simd, &x[lanes.clone()]), load_some(simd, &y[lanes.clone()]));
        let left = load_some(simd, &dy[lanes.clone()]);
        let sum = simd.add_f32s(load_some(simd, &dx[lanes.clone()]), simd.select_f32s(hit, left, zero));
        store_some(simd, &mut dx[lanes.clone()], sum);
        store_some(simd, &mut dy[lanes], simd.select_f32s(hit, zero, left));
        start += S::F32_LANES;
    }
}

kernel! {
    fn average(simd: S, geometry: Pooling, x: &'a [f32], y: &'a mut [f32]) {
        let n = geometry.channels;
        y.fill(0.0);
        geometry.pairs(y.len() / geometry.output_len(), #[inline(always)] |to, from, count| {
            let share = simd.splat_f32s(1.0 / count as f32);
            zip_in_place(simd, &x[from..from + n], &mut y[to..to + n], #[inline(always)] |x, y| mul_add(simd, share, x, y));
        });
    }
}

kernel! {
    fn backward_average(simd: S, geometry: Pooling, dy: &'a [f32], dx: &'a mut [f32]) {
        let n = geometry.channels;
        dx.fill(0.0);
        geometry.pairs(dy.len() / geometry.output_len(), #[inline(always)] |from, to, count| {
            let share = simd.splat_f32s(1.0 / count as f32);
            zip_in_place(simd, &dy[from..from + n], &mut dx[to..to + n], #[inline(always)] |dy, dx| {
                mul_add(simd, share, dy, dx)
            });
        });
    }
}

kernel! {
    /// `y[c]` = the largest `x[p, c]` over all positions p of one image. A NaN wins.
    pub fn global_max(simd: S, x: &'a [f32], y: &'a mut [f32]) {
        y.fill(f32::NEG_INFINITY);
        for x in x.chunks_exact(y.len()) {
            zip_in_place(simd, x, y, #[inline(always)] |x, y| larger(simd, x, y));
        }
    }
}

kernel! {
    /// `dx` of one image: each `dy` is shared out evenly among the largest inputs, as TensorFlow does for a maximum over whole
    /// dimensions. `counts` is as long as `y`.
    pub fn backward_global_max(
        simd: S, x: &'a [f32], y: &'a [f32], dy: &'a [f32], dx: &'a mut [f32], counts: &'a mut [f32],
    ) {
        let (zero, one) = (simd.splat_f32s(0.0), simd.splat_f32s(1.0));
        counts.fill(0.0);
        for (x, dx) in x.chunks_exact(y.len()).zip(dx.chunks_exact_mut(y.len())) {
            dx.copy_from_slice(y);
            zip_in_place(simd, x, dx, #[inline(always)] |x, y| simd.select_f32s(simd.equal_f32s(x, y), one, zero));
            zip_in_place(simd, dx, counts, #[inline(always)] |hit, count| simd.add_f32s(hit, count));
        }
        zip_in_place(simd, dy, counts, #[inline(always)] |dy, count| simd.div_f32s(dy, count));
        for dx in dx.chunks_exact_mut(y.len()) {
            zip_in_place(simd, counts, dx, #[inline(always)] |share, hit| {
                simd.select_f32s(simd.greater_than_f32s(hit, zero), share, zero)
            });
        }
    }
}

kernel! {
    /// `y[c]` = the mean of `x[p, c]` over the positions p of one image where `mask[p]` is not 0; over all if `mask` is empty.
    pub fn global_average(simd: S, x: &'a [f32], mask: &'a [f32], y: &'a mut [f32]) {
        y.fill(0.0);
        for (p, x) in x.chunks_exact(y.len()).enumerate() {
            if counts(mask, p) {
                zip_in_place(simd, x, y, #[inline(always)] |x, y| simd.add_f32s(x, y));
            }
        }
        let count = simd.splat_f32s(counted(mask, x.len() / y.len()));
        map_in_place(simd, y, #[inline(always)] |y| simd.div_f32s(y, count));
    }
}

kernel! {
    /// `dx` of one image: each `dy` is shared out evenly among the positions that [`global_average`] counted.
    pub fn backward_global_average(simd: S, dy: &'a [f32], mask: &'a [f32], dx: &'a mut [f32]) {
        let count = simd.splat_f32s(counted(mask, dx.len() / dy.len()));
        for (p, dx) in dx.chunks_exact_mut(dy.len()).enumerate() {
            if counts(mask, p) {
                zip_in_place(simd, dy, dx, #[inline(always)] |dy, _| simd.div_f32s(dy, count));
            } else {
                dx.fill(0.0);
            }
        }
    }
}

/// Whether position `p` counts.
#[inline(always)]
fn counts(mask: &[f32], p: usize) -> bool {
    mask.is_empty() || mask[p] != 0.0
}

/// How many of these positions count.
#[inline(always)]
fn counted(mask: &[f32], positions: usize) -> f32 {
    if mask.is_empty() { positions as f32 } else { mask.iter().filter(|mask| **mask != 0.0).count() as f32 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::convolution::tests::{close, numbers};
    use crate::naive::pooling as naive;
    use crate::window::tests::axes;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn pooling_agrees_with_its_naive_twin(
            rows in axes(), columns in axes(), channels in 1usize..40, batch in 1usize..4, seed in any::<u32>(),
        ) {
            let geometry = Pooling { rows, columns, channels };
            prop_assume!([rows, columns].iter().all(|axis| (0..axis.output).all(|o| !axis.taps(o).is_empty())));
            // Rounded to quarters, so that many windows hold their maximum twice.
            let x: Vec<f32> = numbers(batch * geometry.input_len(), seed).iter().map(|x| (x * 4.0).round() / 4.0).collect();
            let dy = numbers(batch * geometry.output_len(), seed ^ 1);
            let (mut y, mut dx) = (vec![f32::NAN; dy.len()], vec![f32::NAN; x.len()]);

            geometry.average(batch, &x, &mut y);
            close(&y, &naive::average(&geometry, batch, &x))?;
            geometry.backward_average(batch, &dy, &mut dx);
            close(&dx, &naive::backward_average(&geometry, batch, &dy))?;

            geometry.max(batch, &x, &mut y);
            close(&y, &naive::max(&geometry, batch, &x))?;
            geometry.backward_max(batch, &x, &y, &mut dy.clone(), &mut dx);
            close(&dx, &naive::backward_max(&geometry, batch, &x, &dy))?;
        }
    }

    #[test]
    fn a_maximum_over_everything_is_shared_among_equals() {
        let x = [1.0, 5.0, 3.0, 2.0, 3.0, -1.0];
        let (mut y, mut dx, mut counts) = ([0.0; 2], [f32::NAN; 6], [0.0; 2]);
        global_max(&x, &mut y);
        assert_eq!(y, [3.0, 5.0]);
        backward_global_max(&x, &y, &[4.0, 7.0], &mut dx, &mut counts);
        assert_eq!(dx, [0.0, 7.0, 2.0, 0.0, 2.0, 0.0]);
    }

    #[test]
    fn a_mean_leaves_out_what_the_mask_does() {
        let x = [1.0, 5.0, 3.0, 2.0, f32::NAN, -1.0];
        let (mut y, mut dx) = ([0.0; 2], [f32::NAN; 6]);
        global_average(&x, &[1.0, 1.0, 0.0], &mut y);
        assert_eq!(y, [2.0, 3.5]);
        backward_global_average(&[4.0, 2.0], &[1.0, 1.0, 0.0], &mut dx);
        assert_eq!(dx, [2.0, 1.0, 2.0, 1.0, 0.0, 0.0]);
        global_average(&x[..4], &[], &mut y);
        assert_eq!(y, [2.0, 3.5]);
    }

    #[test]
    fn nan_is_not_hidden() {
        let axis = Axis::valid(3, 3, 1, 1).unwrap();
        for place in 0..3 {
            let (mut x, mut y) = ([0.0; 3], [0.0]);
            x[place] = f32::NAN;
            Pooling { rows: Axis::ONE, columns: axis, channels: 1 }.max(1, &x, &mut y);
            assert!(y[0].is_nan());
            global_max(&x, &mut y);
            assert!(y[0].is_nan());
        }
    }

    #[test]
    fn threads_share_without_changing_a_bit() {
        let axis = Axis::valid(64, 2, 2, 1).unwrap();
        let geometry = Pooling { rows: axis, columns: axis, channels: 12 };
        let x: Vec<f32> = (0..8 * geometry.input_len()).map(|i| (i as f32 * 0.7).sin()).collect();
        let all = || {
            let (mut y, mut mean) = (vec![0.0; 8 * geometry.output_len()], vec![0.0; 8 * geometry.output_len()]);
            let (mut dx, mut dmean) = (vec![0.0; x.len()], vec![0.0; x.len()]);
            geometry.max(8, &x, &mut y);
            geometry.average(8, &x, &mut mean);
            geometry.backward_max(8, &x, &y, &mut mean.clone(), &mut dx);
            geometry.backward_average(8, &y, &mut dmean);
            [y, mean, dx, dmean]
        };
        let alone = all();
        for threads in [2, 3] {
            let shared = crate::parallel::lend(threads, crate::parallel::tests::on_two_threads, all);
            assert!(shared == alone, "{threads} threads");
        }
    }
}
