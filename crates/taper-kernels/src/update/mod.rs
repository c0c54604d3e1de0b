//! Optimizer steps: one fused pass over weights, gradients and moments.
//!
//! Formulas and their order of operations are Keras 3's (TensorFlow backend), in `f32`. Moments that become subnormal are
//! flushed to 0, and so is what would breed subnormal numbers at every step: see [`LEAST_GRADIENT`].

mod adaptive;
mod walk;

pub(crate) use adaptive::moments;
pub use adaptive::{
    LEAST_GRADIENT, Nadam, adagrad, adam, adam_amsgrad, adam_with_steps, adamax, nadam, rmsprop, rmsprop_full,
};
use pulp::Simd;
use walk::walk_one;

use crate::lane::{flush, sign};
use crate::macros::kernel;

kernel! {
    /// Lion (Chen et al. 2023): w -= lr sign(m β₁ + g (1-β₁)); m = m β₂ + g (1-β₂).
    ///
    /// Products are rounded before they are added, as in TensorFlow: near 0 the sign depends on it.
    pub fn lion(
        simd: S, w: &'a mut [f32], g: &'a [f32], m: &'a mut [f32], learning_rate: f32, beta_1: f32, beta_2: f32,
    ) {
        let rate = simd.splat_f32s(learning_rate);
        let (beta_1, rest_1) = (simd.splat_f32s(beta_1), simd.splat_f32s(1.0 - beta_1));
        let (beta_2, rest_2) = (simd.splat_f32s(beta_2), simd.splat_f32s(1.0 - beta_2));
        walk_one(simd, w, g, m, #[inline(always)] |w, g, m| {
            let pull = simd.add_f32s(simd.mul_f32s(m, beta_1), simd.mul_f32s(g, rest_1));
            let m = flush(simd, simd.add_f32s(simd.mul_f32s(m, beta_2), simd.mul_f32s(g, rest_2)));
            (simd.sub_f32s(w, simd.mul_f32s(rate, sign(simd, pull))), m)
        });
    }
}

kernel! {
    /// Plain gradient descent: w -= lr g.
    pub fn sgd(simd: S, w: &'a mut [f32], g: &'a [f32], learning_rate: f32) {
        let rate = simd.splat_f32s(-learning_rate);
        crate::lane::zip_in_place(simd, g, w, #[inline(always)] |g, w| simd.mul_add_e_f32s(rate, g, w));
    }
}

kernel! {
    /// Gradient descent with momentum: m = momentum m - lr g; w += m, or with Nesterov w += momentum m - lr g.
    pub fn sgd_momentum(
        simd: S, w: &'a mut [f32], g: &'a [f32], m: &'a mut [f32], learning_rate: f32, momentum: f32, nesterov: bool,
    ) {
        let (rate, momentum) = (simd.splat_f32s(learning_rate), simd.splat_f32s(momentum));
        walk_one(simd, w, g, m, #[inline(always)] |w, g, m| {
            let pull = simd.mul_f32s(rate, g);
            let m = flush(simd, simd.sub_f32s(simd.mul_f32s(momentum, m), pull));
            let step = if nesterov { simd.sub_f32s(simd.mul_f32s(momentum, m), pull) } else { m };
            (simd.add_f32s(w, step), m)
        });
    }
}

kernel! {
    /// `x = factor x`: gradient clipping.
    pub fn scale(simd: S, x: &'a mut [f32], factor: f32) {
        let factor = simd.splat_f32s(factor);
        crate::lane::map_in_place(simd, x, #[inline(always)] |x| simd.mul_f32s(x, factor));
    }
}

kernel! {
    /// Decoupled weight decay: w -= w · weight_decay · lr.
    pub fn decay(simd: S, w: &'a mut [f32], weight_decay: f32, learning_rate: f32) {
        let (weight_decay, rate) = (simd.splat_f32s(weight_decay), simd.splat_f32s(learning_rate));
        crate::lane::map_in_place(simd, w, #[inline(always)] |w| {
            simd.sub_f32s(w, simd.mul_f32s(simd.mul_f32s(w, weight_decay), rate))
        });
    }
}

kernel! {
    /// The moving average of weights: a = momentum a + (1 - momentum) w.
    pub fn average(simd: S, a: &'a mut [f32], w: &'a [f32], momentum: f32) {
        let (momentum, rest) = (simd.splat_f32s(momentum), simd.splat_f32s(1.0 - momentum));
        crate::lane::zip_in_place(simd, w, a, #[inline(always)] |w, a| {
            flush(simd, simd.add_f32s(simd.mul_f32s(momentum, a), simd.mul_f32s(rest, w)))
        });
    }
}

/// w - rate dw where (old - w) away >= 0, else w.
#[inline(always)]
pub(crate) fn agreed<S: Simd>(simd: S, rate: S::f32s, w: S::f32s, old: S::f32s, away: S::f32s, dw: S::f32s) -> S::f32s {
    let zero = simd.splat_f32s(0.0);
    let is_agreed = simd.greater_than_or_equal_f32s(simd.mul_f32s(simd.sub_f32s(old, w), away), zero);
    simd.sub_f32s(w, simd.select_f32s(is_agreed, simd.mul_f32s(rate, dw), zero))
}

kernel! {
    /// w -= rate dw where the way from `old` to w does not lead away from the anchor (0, if that is empty):
    /// (old - w) (old - anchor) >= 0.
    pub fn descend_agreed(
        simd: S, rate: f32, old: &'a [f32], anchor: &'a [f32], dw: &'a [f32], w: &'a mut [f32],
    ) {
        let rate = simd.splat_f32s(rate);
        let n = w.len();
        assert!(old.len() == n && dw.len() == n && (anchor.is_empty() || anchor.len() == n));
        let ((old, old_tail), (dw, dw_tail)) = (S::as_simd_f32s(old), S::as_simd_f32s(dw));
        let ((anchor, anchor_tail), (w, w_tail)) = (S::as_simd_f32s(anchor), S::as_mut_simd_f32s(w));
        if anchor.is_empty() {
            for ((w, old), dw) in w.iter_mut().zip(old).zip(dw) {
                *w = agreed(simd, rate, *w, *old, *old, *dw);
            }
        } else {
            for (((w, old), anchor), dw) in w.iter_mut().zip(old).zip(anchor).zip(dw) {
                *w = agreed(simd, rate, *w, *old, simd.sub_f32s(*old, *anchor), *dw);
            }
        }
        if !w_tail.is_empty() {
            let old = simd.partial_load_f32s(old_tail);
            let away = simd.sub_f32s(old, simd.partial_load_f32s(anchor_tail)); // 0 where there is none
            let (w, dw) = (simd.partial_load_f32s(w_tail), simd.partial_load_f32s(dw_tail));
            let last = agreed(simd, rate, w, old, away, dw);
            simd.partial_store_f32s(w_tail, last);
        }
    }
}

kernel! {
    /// `y += factor x`.
    pub fn add_scaled(simd: S, factor: f32, x: &'a [f32], y: &'a mut [f32]) {
        let factor = simd.splat_f32s(factor);
        crate::lane::zip_in_place(simd, x, y, #[inline(always)] |x, y| simd.mul_add_e_f32s(factor, x, y));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn cautious_steps_are_their_formula(
            rows in proptest::collection::vec((-1.0f32..1.0, -1.0f32..1.0, -1.0f32..1.0, -1.0f32..1.0), 1..70),
            anchored in any::<bool>(),
        ) {
            let of = |f: fn(&(f32, f32, f32, f32)) -> f32| rows.iter().map(f).collect::<Vec<f32>>();
            let (old, anchor, dw, before) = (of(|row| row.0), of(|row| row.1), of(|row| row.2), of(|row| row.3));
            let anchor = if anchored { anchor } else { vec![] };
            let mut w = before.clone();
            descend_agreed(0.1, &old, &anchor, &dw, &mut w);
            for i in 0..w.len() {
                let away = old[i] - anchor.get(i).copied().unwrap_or(0.0);
                let want = if (old[i] - before[i]) * away >= 0.0 { before[i] - 0.1 * dw[i] } else { before[i] };
                prop_assert!((w[i] - want).abs() < 1e-7);
            }
        }
    }

    #[test]
    fn momentum_and_nesterov_by_hand() {
        let (mut w, mut m) = ([1.0], [0.5]);
        sgd_momentum(&mut w, &[2.0], &mut m, 0.1, 0.9, false);
        assert!((m[0] - 0.25f32).abs() < 1e-6 && (w[0] - 1.25f32).abs() < 1e-6);
        let (mut w, mut m) = ([1.0], [0.5]);
        sgd_momentum(&mut w, &[2.0], &mut m, 0.1, 0.9, true);
        assert!((w[0] - (1.0 + 0.9 * 0.25 - 0.2f32)).abs() < 1e-6);
    }
}
