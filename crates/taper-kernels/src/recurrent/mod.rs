//! The gates of recurrent layers: everything of one time step that is not a matrix product, in one pass.
//!
//! Arrays hold one step, row by row: sums are (batch × gates·units), states (batch × units). `mask` has a number per row: where
//! it is 0 the step does not count, so the state stays and no gradient reaches the gates. A forward pass leaves in `z` what
//! the backward pass needs of the gates; the backward pass leaves there the gradient of the sums.
//!
//! `dh` comes in as the gradient of the new state and leaves as the *direct* part of the old state's gradient, the part that
//! did not pass through a matrix product: the caller adds that.

pub mod gru;
pub mod lstm;
pub mod simple;

use pulp::Simd;

use crate::activation::Unary;
use crate::lane::{flush, sigmoid, tanh};

/// A function of a gate, and how to have its value and slope again on the way back.
trait Gate: Copy {
    /// The value, and what to keep.
    fn value<S: Simd>(self, simd: S, z: S::f32s) -> (S::f32s, S::f32s);
    /// Value and slope from what was kept.
    fn recall<S: Simd>(self, simd: S, kept: S::f32s) -> (S::f32s, S::f32s);
}

/// Logistic: keeps its value.
#[derive(Clone, Copy)]
struct Sigmoid;
impl Gate for Sigmoid {
    #[inline(always)]
    fn value<S: Simd>(self, simd: S, z: S::f32s) -> (S::f32s, S::f32s) {
        let y = sigmoid(simd, z);
        (y, y)
    }
    #[inline(always)]
    fn recall<S: Simd>(self, simd: S, y: S::f32s) -> (S::f32s, S::f32s) {
        (y, simd.mul_f32s(y, simd.sub_f32s(simd.splat_f32s(1.0), y)))
    }
}

/// Hyperbolic tangent: keeps its value.
#[derive(Clone, Copy)]
struct Tanh;
impl Gate for Tanh {
    #[inline(always)]
    fn value<S: Simd>(self, simd: S, z: S::f32s) -> (S::f32s, S::f32s) {
        let y = tanh(simd, z);
        (y, y)
    }
    #[inline(always)]
    fn recall<S: Simd>(self, simd: S, y: S::f32s) -> (S::f32s, S::f32s) {
        (y, simd.sub_f32s(simd.splat_f32s(1.0), simd.mul_f32s(y, y)))
    }
}

/// Any function: keeps z, from which value and slope both follow.
///
/// It is called for every vector, not compiled into the loop: fourteen functions in every gate of every kernel would take
/// minutes to compile for settings that are rare.
#[derive(Clone, Copy)]
struct Any(Unary);
impl Gate for Any {
    #[inline(always)]
    fn value<S: Simd>(self, simd: S, z: S::f32s) -> (S::f32s, S::f32s) {
        let mut y = [0.0; 16];
        simd.partial_store_f32s(&mut y[..S::F32_LANES], z);
        call(self.0, &mut y[..S::F32_LANES]);
        (simd.partial_load_f32s(&y[..S::F32_LANES]), z)
    }
    #[inline(always)]
    fn recall<S: Simd>(self, simd: S, z: S::f32s) -> (S::f32s, S::f32s) {
        let (y, _) = self.value(simd, z);
        let (mut saved, mut slope) = ([0.0; 16], [1.0; 16]);
        simd.partial_store_f32s(&mut saved[..S::F32_LANES], if self.0.needs_input() { z } else { y });
        call_back(self.0, &saved[..S::F32_LANES], &mut slope[..S::F32_LANES]);
        (y, simd.partial_load_f32s(&slope[..S::F32_LANES]))
    }
}

#[inline(never)]
fn call(f: Unary, y: &mut [f32]) {
    crate::activation::forward(f, y);
}

#[inline(never)]
fn call_back(f: Unary, saved: &[f32], slope: &mut [f32]) {
    crate::activation::backward(f, saved, slope);
}

/// Calls a kernel with the usual functions compiled in, or with any others. What a gate keeps depends on its own function only:
/// the halves of a step that a product divides must agree on it.
macro_rules! with_gates {
    ($activation:expr, $recurrent:expr, |$a:ident, $r:ident| $call:expr) => {
        if $activation == Unary::Tanh && $recurrent == Unary::Sigmoid {
            let ($a, $r) = (Tanh, Sigmoid);
            $call
        } else if $recurrent == Unary::Sigmoid {
            let ($a, $r) = (Any($activation), Sigmoid);
            $call
        } else {
            let ($a, $r) = (Any($activation), Any($recurrent));
            $call
        }
    };
}
use with_gates;

/// The vector that begins a slice; lanes beyond its end are 0.
#[inline(always)]
fn load<S: Simd>(simd: S, x: &[f32]) -> S::f32s {
    match S::as_simd_f32s(x) {
        ([first, ..], _) => *first,
        (_, tail) => simd.partial_load_f32s(tail),
    }
}

/// Writes a vector to the beginning of a slice, as much as there is room for.
#[inline(always)]
fn store<S: Simd>(simd: S, x: &mut [f32], value: S::f32s) {
    match S::as_mut_simd_f32s(x) {
        ([first, ..], _) => *first = value,
        (_, tail) => simd.partial_store_f32s(tail, value),
    }
}

/// Panics unless the sums of `gates` gates and all states are those of `rows` rows.
fn check_lens(rows: usize, units: usize, gates: usize, sums: &[&[f32]], states: &[&[f32]]) {
    assert!(sums.iter().all(|sums| sums.len() == rows * gates * units), "sums of another size");
    assert!(states.iter().all(|state| state.len() == rows * units), "states of another size");
}

/// d · slope, subnormal results flushed.
#[inline(always)]
fn through<S: Simd>(simd: S, d: S::f32s, slope: S::f32s) -> S::f32s {
    flush(simd, simd.mul_f32s(d, slope))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::naive;
    use proptest::prelude::*;

    fn numbers(n: usize, seed: usize) -> Vec<f32> {
        (0..n).map(|i| ((i * 37 + seed * 61) % 101) as f32 / 50.0 - 1.0).collect()
    }

    fn scalar(f: Unary) -> impl Fn(f64) -> f64 {
        move |z| match f {
            Unary::Tanh => z.tanh(),
            Unary::Sigmoid => 1.0 / (1.0 + (-z).exp()),
            Unary::Swish => z / (1.0 + (-z).exp()),
            _ => z / (1.0 + z.abs()),
        }
    }

    /// ∂/∂ each argument of `f`, by central differences.
    fn slopes<const N: usize>(at: [f64; N], f: impl Fn([f64; N]) -> f64) -> [f64; N] {
        let mut slopes = [0.0; N];
        for (i, slope) in slopes.iter_mut().enumerate() {
            let (mut up, mut down) = (at, at);
            up[i] += 1e-5;
            down[i] -= 1e-5;
            *slope = (f(up) - f(down)) / 2e-5;
        }
        slopes
    }

    fn close(got: f32, want: f64) -> Result<(), TestCaseError> {
        prop_assert!((f64::from(got) - want).abs() < 2e-5, "{} {}", got, want);
        Ok(())
    }

    proptest! {
        #[test]
        fn every_step_and_its_way_back_agree_with_the_definition(
            units in 1usize..40, usual in any::<bool>(), usual_gates in any::<bool>(), seed in 0usize..1000,
        ) {
            let activation = if usual { Unary::Tanh } else { Unary::Swish };
            let recurrent = if usual_gates { Unary::Sigmoid } else { Unary::Softsign };
            let (a, r) = (scalar(activation), scalar(recurrent));
            let mask = [1.0, 0.0, 1.0];
            let len = mask.len() * units;
            let (c0, h0, dh0, dc0) = (numbers(len, seed), numbers(len, seed + 1), numbers(len, seed + 2), numbers(len, seed + 3));
            let get = |x: &[f32], i: usize| f64::from(x[i]);
            // The sum of gate `g` for state `i`.
            let place = |gates: usize, g: usize, i: usize| (i / units * gates + g) * units + i % units;

            let z0 = numbers(4 * len, seed + 4);
            let (mut z, mut c, mut h) = (z0.clone(), vec![f32::NAN; len], vec![f32::NAN; len]);
            lstm::forward(activation, recurrent, units, &mask, &mut z, &c0, &mut c, &h0, &mut h);
            let (mut dh, mut dc) = (dh0.clone(), dc0.clone());
            lstm::backward(activation, recurrent, units, &mask, &mut z, &c0, &c, &mut dh, &mut dc);
            for i in 0..len {
                if mask[i / units] == 0.0 {
                    prop_assert_eq!((h[i], c[i], dh[i], dc[i]), (h0[i], c0[i], dh0[i], dc0[i]));
                    prop_assert!((0..4).all(|g| z[place(4, g, i)] == 0.0));
                    continue;
                }
                let sums = |g: usize| get(&z0, place(4, g, i));
                let at = [sums(0), sums(1), sums(2), sums(3), get(&c0, i)];
                let step = |[zi, zf, zg, zo, c]: [f64; 5]| naive::lstm([zi, zf, zg, zo], c, &a, &r);
                close(h[i], step(at).0)?;
                close(c[i], step(at).1)?;
                let want = slopes(at, |at| get(&dh0, i) * step(at).0 + get(&dc0, i) * step(at).1);
                for g in 0..4 {
                    close(z[place(4, g, i)], want[g])?;
                }
                close(dc[i], want[4])?;
                prop_assert_eq!(dh[i], 0.0);
            }

            let (z0, n0) = (numbers(3 * len, seed + 5), numbers(3 * len, seed + 6));
            let (mut z, mut n, mut h, mut dh) = (z0.clone(), n0.clone(), vec![f32::NAN; len], dh0.clone());
            gru::after_forward(activation, recurrent, units, &mask, &mut z, &n, &h0, &mut h);
            gru::after_backward(activation, recurrent, units, &mask, &mut z, &mut n, &h0, &mut dh);
            for i in 0..len {
                if mask[i / units] == 0.0 {
                    prop_assert_eq!((h[i], dh[i]), (h0[i], dh0[i]));
                    prop_assert!((0..3).all(|g| z[place(3, g, i)] == 0.0 && n[place(3, g, i)] == 0.0));
                    continue;
                }
                let sums = |x: &[f32], g: usize| get(x, place(3, g, i));
                let at = [sums(&z0, 0), sums(&z0, 1), sums(&z0, 2), sums(&n0, 0), sums(&n0, 1), sums(&n0, 2), get(&h0, i)];
                let step = |[zu, zv, zg, nu, nv, ng, h]: [f64; 7]| naive::gru_after([zu, zv, zg], [nu, nv, ng], h, &a, &r);
                close(h[i], step(at))?;
                let want = slopes(at, |at| get(&dh0, i) * step(at));
                for g in 0..3 {
                    close(z[place(3, g, i)], want[g])?;
                    close(n[place(3, g, i)], want[3 + g])?;
                }
                close(dh[i], want[6])?;
            }

            // Without a recurrent kernel (as if it were the identity for the candidate) the two halves make one step.
            let (mut z, mut h, mut dh) = (z0.clone(), vec![f32::NAN; len], dh0.clone());
            let mut vh = vec![f32::NAN; len];
            gru::before_reset(recurrent, units, &mut z, &h0, &mut vh);
            for i in 0..len {
                z[place(3, 2, i)] += vh[i];
            }
            gru::before_mix(activation, recurrent, units, &mask, &mut z, &h0, &mut h);
            gru::before_mix_backward(activation, recurrent, units, &mask, &mut z, &h0, &mut dh);
            let dvh: Vec<f32> = (0..len).map(|i| z[place(3, 2, i)]).collect();
            gru::before_reset_backward(recurrent, units, &mut z, &h0, &dvh, &mut dh);
            for i in 0..len {
                if mask[i / units] == 0.0 {
                    prop_assert_eq!((h[i], dh[i]), (h0[i], dh0[i]));
                    prop_assert!((0..3).all(|g| z[place(3, g, i)] == 0.0));
                    continue;
                }
                let sums = |g: usize| get(&z0, place(3, g, i));
                let at = [sums(0), sums(1), sums(2), get(&h0, i)];
                let step = |[zu, zv, zg, h]: [f64; 4]| naive::gru_before([zu, zv, zg], h, &a, &r);
                close(h[i], step(at))?;
                let want = slopes(at, |at| get(&dh0, i) * step(at));
                for g in 0..3 {
                    close(z[place(3, g, i)], want[g])?;
                }
                close(dh[i], want[3])?;
            }
        }
    }
}
