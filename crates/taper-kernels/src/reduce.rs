//! Sums over slices, in an order that depends only on the length and the instruction set, never on threads; threads
//! share the long ones.

use pulp::Simd;

use crate::lane::unless;
use crate::macros::kernel;
use crate::parallel;

/// Folds four independent lanes of sums over a slice, so that the additions do not wait for each other.
#[inline(always)]
pub(crate) fn fold<S: Simd>(simd: S, x: &[f32], f: impl Fn(S::f32s, S::f32s) -> S::f32s) -> f32 {
    let zero = simd.splat_f32s(0.0);
    let (head, tail) = S::as_simd_f32s(x);
    let mut sums = [zero; 4];
    let mut quads = head.chunks_exact(4);
    for quad in &mut quads {
        for (sum, lane) in sums.iter_mut().zip(quad) {
            *sum = f(*lane, *sum);
        }
    }
    for (sum, lane) in sums.iter_mut().zip(quads.remainder()) {
        *sum = f(*lane, *sum);
    }
    if !tail.is_empty() {
        sums[3] = f(simd.partial_load_f32s(tail), sums[3]);
    }
    simd.reduce_sum_f32s(simd.add_f32s(simd.add_f32s(sums[0], sums[1]), simd.add_f32s(sums[2], sums[3])))
}

/// How many numbers are summed in `f32` before `f64` takes over: long sums keep their digits.
const CHUNK: usize = 4096;

/// Σ f over chunks. Threads share them.
fn total(x: &[f32], f: fn(&[f32]) -> f32) -> f64 {
    const WORK: usize = 4; // what a number is worth, in multiply-adds
    parallel::sum(x, WORK, &|x: &[f32]| x.chunks(CHUNK).map(|chunk| f64::from(f(chunk))).sum())
}

/// Σ x.
#[must_use]
pub fn sum(x: &[f32]) -> f64 {
    total(x, sum_chunk)
}

/// Σ x².
#[must_use]
pub fn sum_squares(x: &[f32]) -> f64 {
    total(x, sum_squares_chunk)
}

/// Σ |x|.
#[must_use]
pub fn sum_abs(x: &[f32]) -> f64 {
    total(x, sum_abs_chunk)
}

kernel! {
    /// Σ x of a short slice, in `f32`.
    pub fn sum_chunk(simd: S, x: &'a [f32]) -> f32 { fold(simd, x, #[inline(always)] |x, sum| simd.add_f32s(sum, x)) }
}

kernel! {
    /// Σ x² of a short slice, in `f32`.
    pub fn sum_squares_chunk(simd: S, x: &'a [f32]) -> f32 { fold(simd, x, #[inline(always)] |x, sum| simd.mul_add_e_f32s(x, x, sum)) }
}

kernel! {
    /// Σ |x| of a short slice, in `f32`.
    pub fn sum_abs_chunk(simd: S, x: &'a [f32]) -> f32 { fold(simd, x, #[inline(always)] |x, sum| simd.add_f32s(sum, simd.abs_f32s(x))) }
}

/// How many entries are exactly 0.
#[must_use]
pub fn count_zeros(x: &[f32]) -> usize {
    x.len() - total(x, count_others_chunk) as usize
}

kernel! {
    /// How many entries of a short slice are not 0, exactly.
    fn count_others_chunk(simd: S, x: &'a [f32]) -> f32 {
        let (zero, one) = (simd.splat_f32s(0.0), simd.splat_f32s(1.0));
        fold(simd, x, #[inline(always)] |x, sum| {
            simd.add_f32s(sum, unless(simd, simd.equal_f32s(x, zero), one))
        })
    }
}

/// Whether every entry is a finite number.
#[must_use]
pub fn all_finite(x: &[f32]) -> bool {
    // x · 0 is 0 for finite x and NaN otherwise.
    x.iter().map(|x| x * 0.0).sum::<f32>() == 0.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn sums_agree_with_f64(x in proptest::collection::vec(-10.0f32..10.0, 0..10_000)) {
            let exact = |f: fn(f64) -> f64| x.iter().map(|x| f(f64::from(*x))).sum::<f64>();
            let scale = 1.0 + x.len() as f64;
            prop_assert!((sum(&x) - exact(|x| x)).abs() < 1e-4 * scale);
            prop_assert!((sum_squares(&x) - exact(|x| x * x)).abs() < 1e-4 * scale);
            prop_assert!((sum_abs(&x) - exact(f64::abs)).abs() < 1e-4 * scale);
        }
    }

    #[test]
    fn finiteness_and_zeros() {
        assert!(all_finite(&[1.0, -2.0, 3e38]));
        assert!(!all_finite(&[1.0, f32::INFINITY]) && !all_finite(&[f32::NAN]));
        assert_eq!(count_zeros(&[0.0, -0.0, 1.0]), 2);
        let many: Vec<f32> = (0..10_007).map(|i| if i % 3 == 0 { 0.0 } else { 1e-40 }).collect();
        assert_eq!((count_zeros(&many), count_zeros(&[])), (3336, 0));
    }
}
