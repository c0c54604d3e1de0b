//! Elementwise penalties: value and gradient in one pass over the weights. Their proximal maps are in [`crate::proximal`].

use std::ops::Range;

use pulp::Simd;

use crate::lane::{flush, sign};
use crate::macros::kernel;
use crate::parallel;
use crate::rho::{InRegisters, L1L2, L2, Rho};

/// What a weight is worth, in multiply-adds.
const WORK: usize = 4;

/// What single weights have of their own: a factor on the penalty, and what takes the place of 0. Either may be empty: 1 and 0 for all.
#[derive(Debug, Clone, Copy, Default)]
pub struct PerWeight<'a> {
    /// f.
    pub factors: &'a [f32],
    /// w₀.
    pub anchor: &'a [f32],
}

impl<'a> PerWeight<'a> {
    /// Whether there is neither.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.factors.is_empty() && self.anchor.is_empty()
    }

    /// Those of some of the weights.
    #[must_use]
    pub fn part(self, range: Range<usize>) -> Self {
        let part = |all: &'a [f32]| if all.is_empty() { all } else { &all[range.clone()] };
        Self { factors: part(self.factors), anchor: part(self.anchor) }
    }

    /// Whether they are those of so many weights.
    pub(crate) fn fits(self, len: usize) -> bool {
        [self.factors, self.anchor].iter().all(|all| all.is_empty() || all.len() == len)
    }
}

/// Ω(w) = Σ f ρ(w - w₀); its gradient f ρ'(w - w₀) is added to `dw`.
///
/// Returns Ω(w). A `dw` that is empty is left alone.
pub fn sum(rho: Rho, own: PerWeight<'_>, w: &[f32], dw: &mut [f32]) -> f64 {
    let chunks = Chunks { w, own, dw };
    match rho {
        Rho::L1L2(L1L2 { l1: 0.0, l2 }) => chunks.sum(|w, own, dw| f64::from(chunk(L2 { l2 }, own, w, dw))),
        Rho::L1L2(rho) => chunks.sum(|w, own, dw| f64::from(chunk(rho, own, w, dw))),
        Rho::Mcp(rho) => chunks.sum(|w, own, dw| f64::from(chunk(rho, own, w, dw))),
        Rho::Scad(rho) => chunks.sum(|w, own, dw| f64::from(chunk(rho, own, w, dw))),
    }
}

kernel! {
    fn chunk<P: InRegisters>(simd: S, rho: P, own: PerWeight<'a>, w: &'a [f32], dw: &'a mut [f32]) -> f32 {
        match (!own.factors.is_empty(), !own.anchor.is_empty(), !dw.is_empty()) {
            (false, false, false) => weigh::<S, P, false, false, false>(simd, rho, own, w, dw),
            (false, false, true) => weigh::<S, P, false, false, true>(simd, rho, own, w, dw),
            (false, true, false) => weigh::<S, P, false, true, false>(simd, rho, own, w, dw),
            (false, true, true) => weigh::<S, P, false, true, true>(simd, rho, own, w, dw),
            (true, false, false) => weigh::<S, P, true, false, false>(simd, rho, own, w, dw),
            (true, false, true) => weigh::<S, P, true, false, true>(simd, rho, own, w, dw),
            (true, true, false) => weigh::<S, P, true, true, false>(simd, rho, own, w, dw),
            (true, true, true) => weigh::<S, P, true, true, true>(simd, rho, own, w, dw),
        }
    }
}

kernel! {
    /// A step down l1 Σ|w| + l2 Σw² that no optimizer sees: w ← w - (rate l1 sign(w) + 2 rate l2 w).
    pub fn descend(simd: S, l1: f32, l2: f32, rate: f32, w: &'a mut [f32]) {
        let (l1, twice) = (simd.splat_f32s(rate * l1), simd.splat_f32s(2.0 * l2));
        let rate = simd.splat_f32s(rate);
        crate::lane::map_in_place(simd, w, #[inline(always)] |w| {
            let pull = simd.mul_f32s(simd.mul_f32s(w, twice), rate);
            flush(simd, simd.sub_f32s(simd.sub_f32s(w, pull), simd.mul_f32s(l1, sign(simd, w))))
        });
    }
}

/// Weights, what they have of their own, and where the gradient is added (or nowhere).
struct Chunks<'a> {
    w: &'a [f32],
    own: PerWeight<'a>,
    dw: &'a mut [f32],
}

impl parallel::Cut for Chunks<'_> {
    fn len(&self) -> usize {
        self.w.len()
    }

    fn cut(self, at: usize) -> (Self, Self) {
        let (len, w, dw) = (self.w.len(), self.w.split_at(at), self.dw.split_at_mut(at.min(self.dw.len())));
        let part = |w, range, dw| Chunks { w, own: self.own.part(range), dw };
        (part(w.0, 0..at, dw.0), part(w.1, at..len, dw.1))
    }
}

impl Chunks<'_> {
    /// Σ over stretches short enough for sums in `f32`. Threads share the weights.
    fn sum(self, f: impl Fn(&[f32], PerWeight<'_>, &mut [f32]) -> f64 + Sync) -> f64 {
        const CHUNK: usize = 4096;
        let n = self.w.len();
        assert!(self.own.fits(n) && (self.dw.is_empty() || self.dw.len() == n));
        parallel::sum(self, WORK, &|part: Chunks<'_>| {
            let mut total = 0.0;
            for start in (0..part.w.len()).step_by(CHUNK) {
                let range = start..part.w.len().min(start + CHUNK);
                let dw = if part.dw.is_empty() { &mut [] } else { &mut part.dw[range.clone()] };
                total += f(&part.w[range.clone()], part.own.part(range), dw);
            }
            total
        })
    }
}

/// One pass: dw += f ρ'(w - w₀); returns Σ f ρ(w - w₀).
#[inline(always)]
fn weigh<S: Simd, P: InRegisters, const FACTORS: bool, const ANCHOR: bool, const GRADIENT: bool>(
    simd: S,
    rho: P,
    own: PerWeight<'_>,
    w: &[f32],
    dw: &mut [f32],
) -> f32 {
    let (w, w_tail) = S::as_simd_f32s(w);
    let (factors, factors_tail) = S::as_simd_f32s(own.factors);
    let (anchor, anchor_tail) = S::as_simd_f32s(own.anchor);
    let (dw, dw_tail) = S::as_mut_simd_f32s(dw);
    let (n, zero) = (w.len(), simd.splat_f32s(0.0));
    let (factors, anchor) = (if FACTORS { &factors[..n] } else { &[] }, if ANCHOR { &anchor[..n] } else { &[] });
    let dw = if GRADIENT { &mut dw[..n] } else { &mut [] };
    let mut sums = [zero; 4];
    for start in (0..n).step_by(4) {
        for (k, sum) in sums.iter_mut().enumerate().take(n - start) {
            let i = start + k;
            let x = if ANCHOR { simd.sub_f32s(w[i], anchor[i]) } else { w[i] };
            let value = rho.value(simd, x);
            *sum = if FACTORS { simd.mul_add_e_f32s(factors[i], value, *sum) } else { simd.add_f32s(*sum, value) };
            if GRADIENT {
                dw[i] = match FACTORS {
                    true => simd.mul_add_e_f32s(factors[i], rho.add_slope(simd, x, zero), dw[i]),
                    false => rho.add_slope(simd, x, dw[i]),
                };
            }
        }
    }
    if !w_tail.is_empty() {
        let x = simd.sub_f32s(simd.partial_load_f32s(w_tail), simd.partial_load_f32s(anchor_tail)); // 0 where there is none
        let factor = if FACTORS { simd.partial_load_f32s(factors_tail) } else { simd.splat_f32s(1.0) };
        sums[3] = simd.mul_add_e_f32s(factor, rho.value(simd, x), sums[3]);
        if GRADIENT {
            let before = simd.partial_load_f32s(dw_tail);
            let total = match FACTORS {
                true => simd.mul_add_e_f32s(factor, rho.add_slope(simd, x, zero), before),
                false => rho.add_slope(simd, x, before),
            };
            simd.partial_store_f32s(dw_tail, total);
        }
    }
    simd.reduce_sum_f32s(simd.add_f32s(simd.add_f32s(sums[0], sums[1]), simd.add_f32s(sums[2], sums[3])))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rho::{Mcp, Scad};
    use proptest::prelude::*;

    fn l1_l2(l1: f32, l2: f32, own: PerWeight<'_>, w: &[f32], dw: &mut [f32]) -> f64 {
        sum(Rho::L1L2(L1L2 { l1, l2 }), own, w, dw)
    }

    proptest! {
        #[test]
        fn value_and_gradient_are_the_formula(
            w in proptest::collection::vec(-3.0f32..3.0, 1..6000), l1 in 0.0f32..1.0, l2 in 0.0f32..1.0,
        ) {
            let mut dw = vec![0.25; w.len()];
            let value = l1_l2(l1, l2, PerWeight::default(), &w, &mut dw);
            let want: f64 = w.iter().map(|w| f64::from(*w)).map(|w| f64::from(l1) * w.abs() + f64::from(l2) * w * w).sum();
            prop_assert!((value - want).abs() <= 1e-5 * want.max(1e-3));
            for (w, dw) in w.iter().zip(&dw) {
                let want = 0.25 + l1 * if *w == 0.0 { 0.0 } else { w.signum() } + 2.0 * l2 * w;
                prop_assert!((dw - want).abs() < 1e-5);
            }
        }
    }

    proptest! {
        #[test]
        fn concave_and_weighted_penalties_are_their_formulas(
            rows in proptest::collection::vec((-3.0f32..3.0, 0.0f32..2.0, -1.0f32..1.0), 1..5000),
            lambda in 0.05f32..1.0, gamma in 2.1f32..5.0, weighted in any::<bool>(), anchored in any::<bool>(),
        ) {
            let w: Vec<f32> = rows.iter().map(|row| row.0).collect();
            let factors: Vec<f32> = if weighted { rows.iter().map(|row| row.1).collect() } else { vec![] };
            let anchor: Vec<f32> = if anchored { rows.iter().map(|row| row.2).collect() } else { vec![] };
            let own = PerWeight { factors: &factors, anchor: &anchor };
            let factor = |i: usize| f64::from(factors.get(i).copied().unwrap_or(1.0));
            let away = |i: usize| f64::from(w[i] - anchor.get(i).copied().unwrap_or(0.0));
            let (l, g) = (f64::from(lambda), f64::from(gamma));
            let mcp_at = |w: f64| if w.abs() <= g * l { l * w.abs() - w * w / (2.0 * g) } else { g * l * l / 2.0 };
            let scad_at = |w: f64| match w.abs() {
                a if a <= l => l * a,
                a if a <= g * l => (2.0 * g * l * a - a * a - l * l) / (2.0 * (g - 1.0)),
                _ => l * l * (g + 1.0) / 2.0,
            };
            let both_at = |w: f64| l * w.abs() + g * w * w;
            type Kernel<'a> = &'a dyn Fn(&[f32], &mut [f32]) -> f64;
            let kernels: [(Kernel<'_>, &dyn Fn(f64) -> f64); 3] = [
                (&|w, dw| sum(Rho::Mcp(Mcp { lambda, gamma }), own, w, dw), &mcp_at),
                (&|w, dw| sum(Rho::Scad(Scad { lambda, gamma }), own, w, dw), &scad_at),
                (&|w, dw| l1_l2(lambda, gamma, own, w, dw), &both_at),
            ];
            for (kernel, exact) in kernels {
                let mut dw = vec![0.25; w.len()];
                let value = kernel(&w, &mut dw);
                let alone = kernel(&w, &mut []);
                prop_assert_eq!(value, alone);
                let want: f64 = (0..w.len()).map(|i| factor(i) * exact(away(i))).sum();
                prop_assert!((value - want).abs() <= 1e-5 * want.max(1e-2), "{} {}", value, want);
                for i in 0..w.len() {
                    let x = away(i);
                    let near_kink = [0.0, l, g * l].iter().any(|kink| (x.abs() - kink).abs() < 2e-4);
                    let quotient = factor(i) * (exact(x + 1e-4) - exact(x - 1e-4)) / 2e-4;
                    prop_assert!(near_kink || (f64::from(dw[i]) - 0.25 - quotient).abs() < 1e-3, "{} {}", dw[i], quotient);
                }
            }
        }

        #[test]
        fn a_step_down_is_the_gradient_times_the_rate(w in proptest::collection::vec(-3.0f32..3.0, 1..70)) {
            let (mut down, mut dw) = (w.clone(), vec![0.0; w.len()]);
            descend(0.3, 0.7, 0.01, &mut down);
            l1_l2(0.3, 0.7, PerWeight::default(), &w, &mut dw);
            for i in 0..w.len() {
                prop_assert!((down[i] - (w[i] - 0.01 * dw[i])).abs() < 1e-6);
            }
        }
    }

    #[test]
    fn the_gradient_of_l1_at_zero_is_zero() {
        let mut dw = [0.0; 5];
        assert_eq!(l1_l2(1.0, 0.0, PerWeight::default(), &[0.0, -0.0, 2.0, -2.0, 0.0], &mut dw), 4.0);
        assert_eq!(dw, [0.0, 0.0, 1.0, -1.0, 0.0]);
    }

    #[test]
    fn keras_docstring_value() {
        assert_eq!(l1_l2(0.0, 2.0, PerWeight::default(), &[1.0; 25], &mut [0.0; 25]), 50.0);
    }
}
