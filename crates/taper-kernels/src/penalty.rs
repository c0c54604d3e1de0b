//! Elementwise penalties: value and gradient in one pass over the weights.

use pulp::Simd;

use crate::lane::sign;
use crate::macros::kernel;

/// Ω(w) = l1 Σ|w| + l2 Σw² (no half, as in Keras), and its gradient `l1 sign(w) + 2 l2 w` added to `dw`; sign(0) = 0.
///
/// Returns Ω(w).
pub fn l1_l2(l1: f32, l2: f32, w: &[f32], dw: &mut [f32]) -> f64 {
    assert_eq!(w.len(), dw.len());
    const CHUNK: usize = 4096; // partial sums stay short, so f32 holds them; the total is f64
    let chunks = w.chunks(CHUNK).zip(dw.chunks_mut(CHUNK));
    match (l1 != 0.0, l2 != 0.0) {
        (false, false) => 0.0,
        (false, true) => f64::from(l2) * chunks.map(|(w, dw)| f64::from(l2_chunk(l2, w, dw))).sum::<f64>(),
        (true, false) => f64::from(l1) * chunks.map(|(w, dw)| f64::from(l1_chunk(l1, w, dw))).sum::<f64>(),
        (true, true) => chunks
            .map(|(w, dw)| {
                f64::from(l1) * f64::from(l1_chunk(l1, w, dw)) + f64::from(l2) * f64::from(l2_chunk(l2, w, dw))
            })
            .sum(),
    }
}

kernel! {
    fn l2_chunk(simd: S, l2: f32, w: &'a [f32], dw: &'a mut [f32]) -> f32 {
        let twice = simd.splat_f32s(2.0 * l2);
        accumulate(simd, w, dw, #[inline(always)] |w, dw, sum| (simd.mul_add_e_f32s(twice, w, dw), simd.mul_add_e_f32s(w, w, sum)))
    }
}

kernel! {
    fn l1_chunk(simd: S, l1: f32, w: &'a [f32], dw: &'a mut [f32]) -> f32 {
        let l1 = simd.splat_f32s(l1);
        accumulate(simd, w, dw, #[inline(always)] |w, dw, sum| {
            (simd.mul_add_e_f32s(l1, sign(simd, w), dw), simd.add_f32s(sum, simd.abs_f32s(w)))
        })
    }
}

/// One pass: `f(w, dw, sum) -> (dw, sum)`; returns the total of the sums. `f` must leave the sum alone for w = 0.
#[inline(always)]
fn accumulate<S: Simd>(
    simd: S,
    w: &[f32],
    dw: &mut [f32],
    f: impl Fn(S::f32s, S::f32s, S::f32s) -> (S::f32s, S::f32s),
) -> f32 {
    let (w_head, w_tail) = S::as_simd_f32s(w);
    let (dw_head, dw_tail) = S::as_mut_simd_f32s(dw);
    let mut sums = [simd.splat_f32s(0.0); 4];
    for (w, dw) in w_head.chunks(4).zip(dw_head.chunks_mut(4)) {
        for ((w, dw), sum) in w.iter().zip(dw).zip(&mut sums) {
            (*dw, *sum) = f(*w, *dw, *sum);
        }
    }
    if !w_tail.is_empty() {
        let (last, sum) = f(simd.partial_load_f32s(w_tail), simd.partial_load_f32s(dw_tail), sums[3]);
        simd.partial_store_f32s(dw_tail, last);
        sums[3] = sum;
    }
    simd.reduce_sum_f32s(simd.add_f32s(simd.add_f32s(sums[0], sums[1]), simd.add_f32s(sums[2], sums[3])))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn value_and_gradient_are_the_formula(
            w in proptest::collection::vec(-3.0f32..3.0, 1..6000), l1 in 0.0f32..1.0, l2 in 0.0f32..1.0,
        ) {
            let mut dw = vec![0.25; w.len()];
            let value = l1_l2(l1, l2, &w, &mut dw);
            let want: f64 = w.iter().map(|w| f64::from(*w)).map(|w| f64::from(l1) * w.abs() + f64::from(l2) * w * w).sum();
            prop_assert!((value - want).abs() <= 1e-5 * want.max(1e-3));
            for (w, dw) in w.iter().zip(&dw) {
                let want = 0.25 + l1 * if *w == 0.0 { 0.0 } else { w.signum() } + 2.0 * l2 * w;
                prop_assert!((dw - want).abs() < 1e-5);
            }
        }
    }

    #[test]
    fn the_gradient_of_l1_at_zero_is_zero() {
        let mut dw = [0.0; 5];
        assert_eq!(l1_l2(1.0, 0.0, &[0.0, -0.0, 2.0, -2.0, 0.0], &mut dw), 4.0);
        assert_eq!(dw, [0.0, 0.0, 1.0, -1.0, 0.0]);
    }

    #[test]
    fn keras_docstring_value() {
        assert_eq!(l1_l2(0.0, 2.0, &[1.0; 25], &mut [0.0; 25]), 50.0);
    }
}
