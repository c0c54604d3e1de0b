//! Optimizer steps: one fused pass over weights, gradients and moments.
//!
//! Formulas and their order of operations are Keras 3's (TensorFlow backend), in `f32`. Moments that become subnormal are
//! flushed to 0.

use pulp::Simd;

use crate::lane::flush;
use crate::macros::kernel;

/// Walks over weights, gradients and two moments together, tails included.
#[inline(always)]
fn walk<S: Simd>(
    simd: S,
    w: &mut [f32],
    g: &[f32],
    m: &mut [f32],
    v: &mut [f32],
    step: impl Fn(S::f32s, S::f32s, S::f32s, S::f32s) -> (S::f32s, S::f32s, S::f32s),
) {
    let n = w.len();
    assert!(g.len() == n && m.len() == n && v.len() == n);
    let (w_head, w_tail) = S::as_mut_simd_f32s(w);
    let (g_head, g_tail) = S::as_simd_f32s(g);
    let (m_head, m_tail) = S::as_mut_simd_f32s(m);
    let (v_head, v_tail) = S::as_mut_simd_f32s(v);
    for (((w, g), m), v) in w_head.iter_mut().zip(g_head).zip(m_head).zip(v_head) {
        (*w, *m, *v) = step(*w, *g, *m, *v);
    }
    if !w_tail.is_empty() {
        let (w, m, v) = step(
            simd.partial_load_f32s(w_tail),
            simd.partial_load_f32s(g_tail),
            simd.partial_load_f32s(m_tail),
            simd.partial_load_f32s(v_tail),
        );
        simd.partial_store_f32s(w_tail, w);
        simd.partial_store_f32s(m_tail, m);
        simd.partial_store_f32s(v_tail, v);
    }
}

/// Walks over weights, gradients and one moment.
#[inline(always)]
fn walk_one<S: Simd>(
    simd: S,
    w: &mut [f32],
    g: &[f32],
    m: &mut [f32],
    step: impl Fn(S::f32s, S::f32s, S::f32s) -> (S::f32s, S::f32s),
) {
    let n = w.len();
    assert!(g.len() == n && m.len() == n);
    let (w_head, w_tail) = S::as_mut_simd_f32s(w);
    let (g_head, g_tail) = S::as_simd_f32s(g);
    let (m_head, m_tail) = S::as_mut_simd_f32s(m);
    for ((w, g), m) in w_head.iter_mut().zip(g_head).zip(m_head) {
        (*w, *m) = step(*w, *g, *m);
    }
    if !w_tail.is_empty() {
        let (w, m) =
            step(simd.partial_load_f32s(w_tail), simd.partial_load_f32s(g_tail), simd.partial_load_f32s(m_tail));
        simd.partial_store_f32s(w_tail, w);
        simd.partial_store_f32s(m_tail, m);
    }
}

kernel! {
    /// Adam (Kingma and Ba 2015), Keras's form, with the bias correction inside `alpha = lr √(1-β₂ᵗ) / (1-β₁ᵗ)`:
    /// m += (g-m)(1-β₁); v += (g²-v)(1-β₂); w -= m alpha / (√v + ε).
    ///
    /// `rest_1 = 1-β₁` and `rest_2 = 1-β₂` are computed in `f64` by the caller.
    pub fn adam(
        simd: S, w: &'a mut [f32], g: &'a [f32], m: &'a mut [f32], v: &'a mut [f32],
        alpha: f32, rest_1: f32, rest_2: f32, epsilon: f32,
    ) {
        let (alpha, epsilon) = (simd.splat_f32s(alpha), simd.splat_f32s(epsilon));
        let (rest_1, rest_2) = (simd.splat_f32s(rest_1), simd.splat_f32s(rest_2));
        walk(simd, w, g, m, v, #[inline(always)] |w, g, m, v| {
            let m = flush(simd, simd.mul_add_e_f32s(simd.sub_f32s(g, m), rest_1, m));
            let v = flush(simd, simd.mul_add_e_f32s(simd.sub_f32s(simd.mul_f32s(g, g), v), rest_2, v));
            let step = simd.div_f32s(simd.mul_f32s(m, alpha), simd.add_f32s(simd.sqrt_f32s(v), epsilon));
            (simd.sub_f32s(w, step), m, v)
        })
    }
}

kernel! {
    /// Plain gradient descent: w -= lr g.
    pub fn sgd(simd: S, w: &'a mut [f32], g: &'a [f32], learning_rate: f32) {
        let rate = simd.splat_f32s(-learning_rate);
        crate::lane::zip_in_place(simd, g, w, #[inline(always)] |g, w| simd.mul_add_e_f32s(rate, g, w))
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
        })
    }
}

kernel! {
    /// RMSprop (Tieleman and Hinton 2012), Keras's form with ε inside the root:
    /// v = ρ v + (1-ρ) g²; w -= lr g / √(v + ε).
    pub fn rmsprop(
        simd: S, w: &'a mut [f32], g: &'a [f32], v: &'a mut [f32], learning_rate: f32, rho: f32, rest: f32, epsilon: f32,
    ) {
        let (rate, rho) = (simd.splat_f32s(learning_rate), simd.splat_f32s(rho));
        let (rest, epsilon) = (simd.splat_f32s(rest), simd.splat_f32s(epsilon));
        walk_one(simd, w, g, v, #[inline(always)] |w, g, v| {
            let v = flush(simd, simd.add_f32s(simd.mul_f32s(rho, v), simd.mul_f32s(rest, simd.mul_f32s(g, g))));
            let step = simd.div_f32s(simd.mul_f32s(rate, g), simd.sqrt_f32s(simd.add_f32s(v, epsilon)));
            (simd.sub_f32s(w, step), v)
        })
    }
}

kernel! {
    /// Adagrad (Duchi et al. 2011), Keras's form with ε inside the root: v += g²; w -= lr g / √(v + ε).
    pub fn adagrad(simd: S, w: &'a mut [f32], g: &'a [f32], v: &'a mut [f32], learning_rate: f32, epsilon: f32) {
        let (rate, epsilon) = (simd.splat_f32s(learning_rate), simd.splat_f32s(epsilon));
        walk_one(simd, w, g, v, #[inline(always)] |w, g, v| {
            let v = simd.mul_add_e_f32s(g, g, v);
            let step = simd.div_f32s(simd.mul_f32s(rate, g), simd.sqrt_f32s(simd.add_f32s(v, epsilon)));
            (simd.sub_f32s(w, step), v)
        })
    }
}

kernel! {
    /// `x = factor x`: decoupled weight decay, gradient clipping, averaging.
    pub fn scale(simd: S, x: &'a mut [f32], factor: f32) {
        let factor = simd.splat_f32s(factor);
        crate::lane::map_in_place(simd, x, #[inline(always)] |x| simd.mul_f32s(x, factor))
    }
}

kernel! {
    /// `y += factor x`.
    pub fn add_scaled(simd: S, factor: f32, x: &'a [f32], y: &'a mut [f32]) {
        let factor = simd.splat_f32s(factor);
        crate::lane::zip_in_place(simd, x, y, #[inline(always)] |x, y| simd.mul_add_e_f32s(factor, x, y))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn adam_agrees_with_its_naive_twin(
            rows in proptest::collection::vec((-2.0f32..2.0, -2.0f32..2.0, -1.0f32..1.0, 0.0f32..1.0), 1..70),
        ) {
            let mut w: Vec<f32> = rows.iter().map(|row| row.0).collect();
            let g: Vec<f32> = rows.iter().map(|row| row.1).collect();
            let mut m: Vec<f32> = rows.iter().map(|row| row.2).collect();
            let mut v: Vec<f32> = rows.iter().map(|row| row.3).collect();
            adam(&mut w, &g, &mut m, &mut v, 0.01, 0.1, 0.001, 1e-7);
            for (i, row) in rows.iter().enumerate() {
                let (w_, g_, m_, v_) = (row.0.into(), row.1.into(), row.2.into(), row.3.into());
                let want = crate::naive::adam(w_, m_, v_, g_, 0.01, 0.9, 0.999, 1e-7);
                // A moment that began near 0 may step far for a tiny gradient: compare where v is not vanishing.
                prop_assume!(want.2 > 1e-6);
                prop_assert!((f64::from(w[i]) - want.0).abs() < 1e-5 * (1.0 + want.0.abs()) + 1e-4 * (want.0 - w_).abs());
                prop_assert!((f64::from(m[i]) - want.1).abs() < 1e-6 && (f64::from(v[i]) - want.2).abs() < 1e-6);
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

    #[test]
    fn moments_do_not_linger_as_subnormals() {
        let (mut w, mut m, mut v) = ([0.0; 3], [1.2e-38; 3], [1.2e-38; 3]);
        adam(&mut w, &[0.0; 3], &mut m, &mut v, 1e-3, 0.1, 0.001, 1e-7);
        assert_eq!(m, [0.0; 3]);
    }
}
