//! Optimizers that give every weight a step of its own.

use pulp::Simd;

use super::walk::{walk, walk_one};
use crate::lane::{at_least, flush, flush_below};
use crate::macros::kernel;

/// 2⁻⁵⁰. A gradient that is smaller counts as this where it is squared, or as 0, and so does a first moment.
///
/// Its square, 1-β₂ of it, or what is left of it beside the second moment, would be subnormal, which costs Intel's processors some
/// 150 cycles for every vector, at every step. A penalty drives the weights of dead units there: the gradient of λ w² vanishes
/// together with w. Beside ε = 10⁻⁷ this is less than 10⁻⁸, which rounds to nothing.
pub const LEAST_GRADIENT: f32 = 1.0 / (1u64 << 50) as f32;

/// 0 for a gradient that is too small to be squared.
#[inline(always)]
fn felt<S: Simd>(simd: S, g: S::f32s) -> S::f32s {
    flush_below(simd, g, LEAST_GRADIENT)
}

/// Adam's moments after one more gradient: m += (g-m)(1-β₁); v += (g²-v)(1-β₂).
#[inline(always)]
pub(crate) fn moments<S: Simd>(
    simd: S,
    [rest_1, rest_2]: [S::f32s; 2],
    g: S::f32s,
    m: S::f32s,
    v: S::f32s,
) -> (S::f32s, S::f32s) {
    let m = flush_below(simd, simd.mul_add_e_f32s(simd.sub_f32s(g, m), rest_1, m), LEAST_GRADIENT);
    // v stays above 10⁻³⁴ by itself.
    let size = at_least(simd, simd.abs_f32s(g), LEAST_GRADIENT);
    let v = simd.mul_add_e_f32s(simd.sub_f32s(simd.mul_f32s(size, size), v), rest_2, v);
    (m, v)
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
        let rests = [simd.splat_f32s(rest_1), simd.splat_f32s(rest_2)];
        walk(simd, w, g, m, v, #[inline(always)] |w, g, m, v| {
            let (m, v) = moments(simd, rests, g, m, v);
            let step = simd.div_f32s(simd.mul_f32s(m, alpha), simd.add_f32s(simd.sqrt_f32s(v), epsilon));
            (simd.sub_f32s(w, step), m, v)
        });
    }
}

kernel! {
    /// [`adam`] that also writes the [steps](crate::step::adaptive) of its weights, alpha / (√v + ε): root and quotient, which are
    /// most of its time, are taken once. w -= m step rounds otherwise than [`adam`] does, by a unit in the last place of the change.
    pub fn adam_with_steps(
        simd: S, w: &'a mut [f32], g: &'a [f32], m: &'a mut [f32], v: &'a mut [f32], steps: &'a mut [f32],
        alpha: f32, rest_1: f32, rest_2: f32, epsilon: f32,
    ) {
        let (alpha, epsilon) = (simd.splat_f32s(alpha), simd.splat_f32s(epsilon));
        let rests = [simd.splat_f32s(rest_1), simd.splat_f32s(rest_2)];
        let largest = simd.splat_f32s(crate::step::LARGEST);
        walk(simd, steps, g, m, v, #[inline(always)] |_, g, m, v| {
            let (m, v) = moments(simd, rests, g, m, v);
            let step = simd.div_f32s(alpha, simd.add_f32s(simd.sqrt_f32s(v), epsilon));
            (simd.min_f32s(step, largest), m, v)
        });
        walk_one(simd, w, m, steps, #[inline(always)] |w, m, step| (simd.sub_f32s(w, simd.mul_f32s(m, step)), step));
    }
}

kernel! {
    /// [`adam`] with AMSGrad (Reddi et al. 2018): h = max(h, v) takes the place of v in the step.
    pub fn adam_amsgrad(
        simd: S, w: &'a mut [f32], g: &'a [f32], m: &'a mut [f32], v: &'a mut [f32], h: &'a mut [f32],
        alpha: f32, rest_1: f32, rest_2: f32, epsilon: f32,
    ) {
        let (alpha, epsilon) = (simd.splat_f32s(alpha), simd.splat_f32s(epsilon));
        let rests = [simd.splat_f32s(rest_1), simd.splat_f32s(rest_2)];
        walk(simd, h, g, m, v, #[inline(always)] |h, g, m, v| {
            let (m, v) = moments(simd, rests, g, m, v);
            (simd.select_f32s(simd.greater_than_f32s(v, h), v, h), m, v)
        });
        walk_one(simd, w, m, h, #[inline(always)] |w, m, h| {
            let step = simd.div_f32s(simd.mul_f32s(m, alpha), simd.add_f32s(simd.sqrt_f32s(h), epsilon));
            (simd.sub_f32s(w, step), h)
        });
    }
}

kernel! {
    /// Adamax (Kingma and Ba 2015): m += (g-m)(1-β₁); u = max(β₂ u, |g|); w -= lr m / ((1-β₁ᵗ)(u + ε)).
    ///
    /// `correction = 1-β₁ᵗ`; `rest_1 = 1-β₁` is computed in `f64` by the caller.
    pub fn adamax(
        simd: S, w: &'a mut [f32], g: &'a [f32], m: &'a mut [f32], u: &'a mut [f32],
        learning_rate: f32, correction: f32, rest_1: f32, beta_2: f32, epsilon: f32,
    ) {
        let (rate, correction) = (simd.splat_f32s(learning_rate), simd.splat_f32s(correction));
        let (rest_1, beta_2, epsilon) = (simd.splat_f32s(rest_1), simd.splat_f32s(beta_2), simd.splat_f32s(epsilon));
        walk(simd, w, g, m, u, #[inline(always)] |w, g, m, u| {
            let m = flush(simd, simd.mul_add_e_f32s(simd.sub_f32s(g, m), rest_1, m));
            let (old, size) = (simd.mul_f32s(beta_2, u), simd.abs_f32s(g));
            let u = flush(simd, simd.select_f32s(simd.less_than_f32s(old, size), size, old));
            let divisor = simd.mul_f32s(correction, simd.add_f32s(u, epsilon));
            (simd.sub_f32s(w, simd.div_f32s(simd.mul_f32s(rate, m), divisor)), m, u)
        });
    }
}

/// The numbers of one step of [`nadam`], with uₜ = β₁ (1 - ½ 0.96ᵗ) the momentum of step t.
#[derive(Debug, Clone, Copy, Default)]
pub struct Nadam {
    /// uₜ₊₁.
    pub next_momentum: f32,
    /// 1 - u₁ … uₜ₊₁.
    pub next_rest: f32,
    /// 1 - uₜ.
    pub weight: f32,
    /// 1 - u₁ … uₜ.
    pub rest: f32,
    /// 1 - β₂ᵗ.
    pub second_rest: f32,
}

kernel! {
    /// Nadam (Dozat 2016), Keras's form: m += (g-m)(1-β₁); v += (g²-v)(1-β₂);
    /// m̂ = uₜ₊₁ m / (1 - u₁…uₜ₊₁) + (1-uₜ) g / (1 - u₁…uₜ); w -= lr m̂ / (√(v / (1-β₂ᵗ)) + ε).
    pub fn nadam(
        simd: S, w: &'a mut [f32], g: &'a [f32], m: &'a mut [f32], v: &'a mut [f32],
        learning_rate: f32, step: Nadam, rest_1: f32, rest_2: f32, epsilon: f32,
    ) {
        let (rate, epsilon) = (simd.splat_f32s(learning_rate), simd.splat_f32s(epsilon));
        let rests = [simd.splat_f32s(rest_1), simd.splat_f32s(rest_2)];
        let (next_momentum, next_rest) = (simd.splat_f32s(step.next_momentum), simd.splat_f32s(step.next_rest));
        let (weight, rest) = (simd.splat_f32s(step.weight), simd.splat_f32s(step.rest));
        let second_rest = simd.splat_f32s(step.second_rest);
        walk(simd, w, g, m, v, #[inline(always)] |w, g, m, v| {
            let g = felt(simd, g);
            let (m, v) = moments(simd, rests, g, m, v);
            let ahead = simd.div_f32s(simd.mul_f32s(next_momentum, m), next_rest);
            let estimate = simd.add_f32s(ahead, simd.div_f32s(simd.mul_f32s(weight, g), rest));
            let spread = simd.sqrt_f32s(simd.div_f32s(v, second_rest));
            let step = simd.div_f32s(simd.mul_f32s(estimate, rate), simd.add_f32s(spread, epsilon));
            (simd.sub_f32s(w, step), m, v)
        });
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
            let g = felt(simd, g);
            let v = flush(simd, simd.add_f32s(simd.mul_f32s(rho, v), simd.mul_f32s(rest, simd.mul_f32s(g, g))));
            let step = simd.div_f32s(simd.mul_f32s(rate, g), simd.sqrt_f32s(simd.add_f32s(v, epsilon)));
            (simd.sub_f32s(w, step), v)
        });
    }
}

kernel! {
    /// [`rmsprop`] with momentum and centering (Graves 2013), each where its slice is not empty:
    /// a = ρ a + (1-ρ) g and v - a² in the place of v; m = momentum m + step, w -= m.
    pub fn rmsprop_full(
        _simd: S, w: &'a mut [f32], g: &'a [f32], v: &'a mut [f32], m: &'a mut [f32], a: &'a mut [f32],
        learning_rate: f32, momentum: f32, rho: f32, rest: f32, epsilon: f32,
    ) {
        let n = w.len();
        assert!(g.len() == n && v.len() == n);
        assert!((m.is_empty() || m.len() == n) && (a.is_empty() || a.len() == n));
        let (with_momentum, centered) = (!m.is_empty(), !a.is_empty());
        for i in 0..n {
            let g = if g[i].abs() < LEAST_GRADIENT { 0.0 } else { g[i] };
            v[i] = flushed(rho * v[i] + rest * (g * g));
            let mut spread = v[i];
            if centered {
                a[i] = flushed(rho * a[i] + rest * g);
                spread -= a[i] * a[i];
            }
            let mut step = learning_rate * g / (spread + epsilon).sqrt();
            if with_momentum {
                step += momentum * m[i];
                m[i] = flushed(step);
            }
            w[i] -= step;
        }
    }
}

/// [`flush`] of one number.
#[inline(always)]
fn flushed(x: f32) -> f32 {
    if x.abs() < f32::MIN_POSITIVE { 0.0 } else { x }
}

kernel! {
    /// Adagrad (Duchi et al. 2011), Keras's form with ε inside the root: v += g²; w -= lr g / √(v + ε).
    pub fn adagrad(simd: S, w: &'a mut [f32], g: &'a [f32], v: &'a mut [f32], learning_rate: f32, epsilon: f32) {
        let (rate, epsilon) = (simd.splat_f32s(learning_rate), simd.splat_f32s(epsilon));
        walk_one(simd, w, g, v, #[inline(always)] |w, g, v| {
            let v = simd.mul_add_e_f32s(g, g, v);
            let step = simd.div_f32s(simd.mul_f32s(rate, g), simd.sqrt_f32s(simd.add_f32s(v, epsilon)));
            (simd.sub_f32s(w, step), v)
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::penalized::{Adam, Way};
    use crate::penalty::PerWeight;
    use crate::rho::{L1L2, Rho};
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
    fn adam_with_steps_is_adam_and_its_steps() {
        let number = |i: usize, by: f32| (i as f32 * by).sin() * 2.0;
        for n in [1, 7, 8, 33, 512] {
            let g: Vec<f32> = (0..n).map(|i| number(i, 0.7)).collect();
            let start: [Vec<f32>; 3] = [
                (0..n).map(|i| number(i, 0.3)).collect(),
                (0..n).map(|i| number(i, 1.1)).collect(),
                (0..n).map(|i| number(i, 1.3).abs()).collect(),
            ];
            let ([mut w, mut m, mut v], [mut w_, mut m_, mut v_]) = (start.clone(), start);
            let (mut steps, mut steps_) = (vec![f32::NAN; n], vec![0.0; n]);
            adam(&mut w_, &g, &mut m_, &mut v_, 0.01, 0.1, 0.001, 1e-7);
            crate::step::adaptive(&v_, &mut steps_, 0.01, 1.0, 1e-7);
            adam_with_steps(&mut w, &g, &mut m, &mut v, &mut steps, 0.01, 0.1, 0.001, 1e-7);
            assert_eq!((m, v), (m_, v_));
            for i in 0..n {
                assert!((w[i] - w_[i]).abs() <= 4e-7 * w_[i].abs().max(0.1), "{} {}", w[i], w_[i]);
                assert!((steps[i] - steps_[i]).abs() <= 4e-7 * steps_[i], "{} {}", steps[i], steps_[i]);
            }
        }
    }

    /// Whether `f` met subnormal numbers: the processor notes them.
    #[cfg(target_arch = "x86_64")]
    #[allow(unsafe_code)] // each block below says why it holds
    fn meets_subnormals(f: impl FnOnce()) -> bool {
        /// A subnormal operand, a subnormal result.
        const NOTES: u32 = 1 << 1 | 1 << 4;
        let read = || {
            let mut state = 0u32;
            // SAFETY: writes the four bytes of `state`.
            unsafe { core::arch::asm!("stmxcsr [{}]", in(reg) &mut state) };
            state
        };
        let clean = read() & !0x3f;
        // SAFETY: only the notes change, which Rust expects to be empty; how numbers are rounded and trapped stays as it is.
        unsafe { core::arch::asm!("ldmxcsr [{}]", in(reg) &clean) };
        f();
        read() & NOTES != 0
    }

    #[test]
    #[cfg(target_arch = "x86_64")]
    fn gradients_that_vanish_breed_no_subnormals() {
        assert!(meets_subnormals(|| {
            core::hint::black_box(core::hint::black_box(1e-30f32) * 1e-10);
        }));
        const ADAM: Adam = Adam { alpha: 1e-3, rest_1: 0.1, rest_2: 1e-3, epsilon: 1e-7 };
        const L2: Rho = Rho::L1L2(L1L2 { l1: 0.0, l2: 1e-3 });
        type Step = fn(&mut [f32], &[f32], &mut [f32], &mut [f32]);
        let steps: [(&str, Step); 7] = [
            ("adam", |w, g, m, v| adam(w, g, m, v, 1e-3, 0.1, 1e-3, 1e-7)),
            ("adam_with_steps", |w, g, m, v| adam_with_steps(w, g, m, v, &mut [0.0; 37], 1e-3, 0.1, 1e-3, 1e-7)),
            ("adam and l2", |w, g, m, v| {
                ADAM.update(L2, PerWeight::default(), Way::Gradient, w, g, m, v);
            }),
            ("adam and the map of l2", |w, g, m, v| {
                ADAM.update(L2, PerWeight::default(), Way::Map, w, g, m, v);
            }),
            ("adam_amsgrad", |w, g, m, v| adam_amsgrad(w, g, m, v, &mut [0.0; 37], 1e-3, 0.1, 1e-3, 1e-7)),
            ("nadam", |w, g, m, v| {
                let step = Nadam { next_momentum: 0.9, next_rest: 1.0, weight: 0.1, rest: 1.0, second_rest: 1.0 };
                nadam(w, g, m, v, 1e-3, step, 0.1, 1e-3, 1e-7);
            }),
            ("rmsprop", |w, g, _, v| rmsprop(w, g, v, 1e-3, 0.9, 0.1, 1e-7)),
        ];
        for (name, step) in steps {
            // A gradient of 10⁻³⁷ is so nearly subnormal itself that a tenth of it is.
            for exponent in 4..37 {
                // Once large, then as small as this for ever.
                let size = 10f32.powi(-exponent);
                let (mut w, mut m, mut v) = ([0.5f32; 37], [0.0; 37], [0.0; 37]);
                step(&mut w, &[size.sqrt(); 37], &mut m, &mut v);
                for _ in 0..3000 {
                    step(&mut w, &[size; 37], &mut m, &mut v);
                }
                let seen = meets_subnormals(|| step(&mut w, &[size; 37], &mut m, &mut v));
                assert!(!seen, "{name}: {size:e}, {:e}, {:e}", m[0], v[0]);
            }
        }
    }

    #[test]
    fn moments_do_not_linger_as_subnormals() {
        let (mut w, mut m, mut v) = ([0.0; 3], [1.2e-38; 3], [1.2e-38; 3]);
        adam(&mut w, &[0.0; 3], &mut m, &mut v, 1e-3, 0.1, 0.001, 1e-7);
        assert_eq!(m, [0.0; 3]);
    }
}
