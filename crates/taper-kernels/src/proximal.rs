//! Proximal maps of elementwise penalties: w ← argmin over u of (u - w)² / (2t) + f ρ(u - w₀), each weight with its own step t, and
//! with its own factor f and anchor w₀ where there are some. With t f in the place of t and w - w₀ in the place of w, it is the map of ρ.
//!
//! A weight that is not a number stays none: a divergence must be seen, not set to 0.

use pulp::Simd;

use crate::lane::{at_least, at_most, flush, relu};
use crate::macros::kernel;
use crate::penalty::PerWeight;

kernel! {
    /// ρ(u) = l1 |u| + l2 u²: w ← sign(w) (|w| - t l1)₊ / (1 + 2 t l2). Exactly 0 where |w| ≤ t l1.
    pub fn l1_l2(simd: S, l1: f32, l2: f32, own: PerWeight<'a>, steps: &'a [f32], w: &'a mut [f32]) {
        let (l1, twice) = (simd.splat_f32s(l1), simd.splat_f32s(2.0 * l2));
        if l2 == 0.0 {
            map(simd, own, steps, w, #[inline(always)] |t, w| soft(simd, simd.mul_f32s(t, l1), w));
        } else {
            let one = simd.splat_f32s(1.0);
            map(simd, own, steps, w, #[inline(always)] |t, w| {
                simd.div_f32s(soft(simd, simd.mul_f32s(t, l1), w), simd.mul_add_e_f32s(t, twice, one))
            });
        }
    }
}

/// w ← w₀ + `f(factor t, w - w₀)`.
#[inline(always)]
fn map<S: Simd>(simd: S, own: PerWeight<'_>, steps: &[f32], w: &mut [f32], f: impl Fn(S::f32s, S::f32s) -> S::f32s) {
    match (!own.factors.is_empty(), !own.anchor.is_empty()) {
        (false, false) => crate::lane::zip_in_place(simd, steps, w, f),
        (false, true) => map_with::<S, false, true>(simd, own, steps, w, f),
        (true, false) => map_with::<S, true, false>(simd, own, steps, w, f),
        (true, true) => map_with::<S, true, true>(simd, own, steps, w, f),
    }
}

/// [`map`] where it is known whether there are factors and an anchor.
#[inline(always)]
fn map_with<S: Simd, const FACTORS: bool, const ANCHOR: bool>(
    simd: S,
    own: PerWeight<'_>,
    steps: &[f32],
    w: &mut [f32],
    f: impl Fn(S::f32s, S::f32s) -> S::f32s,
) {
    assert!(own.fits(w.len()) && steps.len() == w.len());
    let (w, w_tail) = S::as_mut_simd_f32s(w);
    let (steps, steps_tail) = S::as_simd_f32s(steps);
    let (factors, factors_tail) = S::as_simd_f32s(own.factors);
    let (anchor, anchor_tail) = S::as_simd_f32s(own.anchor);
    let n = w.len();
    let (steps, factors) = (&steps[..n], if FACTORS { &factors[..n] } else { &[] });
    let anchor = if ANCHOR { &anchor[..n] } else { &[] };
    for i in 0..n {
        let t = if FACTORS { simd.mul_f32s(factors[i], steps[i]) } else { steps[i] };
        w[i] = if ANCHOR { simd.add_f32s(f(t, simd.sub_f32s(w[i], anchor[i])), anchor[i]) } else { f(t, w[i]) };
    }
    if !w_tail.is_empty() {
        let (t, x) = (simd.partial_load_f32s(steps_tail), simd.partial_load_f32s(w_tail));
        let t = if FACTORS { simd.mul_f32s(simd.partial_load_f32s(factors_tail), t) } else { t };
        let x = if ANCHOR {
            let anchor = simd.partial_load_f32s(anchor_tail);
            simd.add_f32s(f(t, simd.sub_f32s(x, anchor)), anchor)
        } else {
            f(t, x)
        };
        simd.partial_store_f32s(w_tail, x);
    }
}

/// sign(w) (|w| - threshold)₊, subnormal numbers flushed.
#[inline(always)]
fn soft<S: Simd>(simd: S, threshold: S::f32s, w: S::f32s) -> S::f32s {
    let zero = simd.splat_f32s(0.0);
    let positive = simd.greater_than_f32s(w, zero);
    let shrunk = simd.select_f32s(positive, simd.sub_f32s(w, threshold), simd.add_f32s(w, threshold));
    let dead = simd.less_than_or_equal_f32s(simd.abs_f32s(w), threshold);
    flush(simd, simd.select_f32s(dead, zero, shrunk))
}

/// A size that is not negative, with the sign of w; subnormal numbers flushed.
#[inline(always)]
fn signed<S: Simd>(simd: S, size: S::f32s, w: S::f32s) -> S::f32s {
    let sign = simd.and_u32s(simd.transmute_u32s_f32s(w), simd.splat_u32s(1 << 31));
    flush(simd, simd.transmute_f32s_u32s(simd.or_u32s(simd.transmute_u32s_f32s(size), sign)))
}

kernel! {
    /// MCP: for t < γ, 0 up to tλ, (|w| - tλ) / (1 - t/γ) up to γλ, and |w| itself beyond. For t ≥ γ the middle piece is
    /// concave and the least of the sum lies at an end: 0 up to λ√(γt), and |w| beyond (hard thresholding).
    pub fn mcp(simd: S, lambda: f32, gamma: f32, own: PerWeight<'a>, steps: &'a [f32], w: &'a mut [f32]) {
        let (end, inverse) = (simd.splat_f32s(gamma * lambda), simd.splat_f32s(1.0 / lambda));
        let (lambda, gamma, zero) = (simd.splat_f32s(lambda), simd.splat_f32s(gamma), simd.splat_f32s(0.0));
        map(simd, own, steps, w, #[inline(always)] |t, w| {
            let size = simd.abs_f32s(w);
            let soft = relu(simd, simd.sub_f32s(size, simd.mul_f32s(t, lambda)));
            let middle = simd.div_f32s(simd.mul_f32s(soft, gamma), simd.sub_f32s(gamma, t));
            let bent = simd.select_f32s(simd.greater_than_f32s(size, end), size, middle);
            let share = simd.mul_f32s(size, inverse);
            let dead = simd.less_than_or_equal_f32s(simd.mul_f32s(share, share), simd.mul_f32s(gamma, t));
            let hard = simd.select_f32s(dead, zero, size);
            signed(simd, simd.select_f32s(simd.less_than_f32s(t, gamma), bent, hard), w)
        });
    }
}

kernel! {
    /// SCAD: for t < γ - 1, (|w| - tλ)₊ up to λ(1 + t), ((γ-1)|w| - tγλ) / (γ - 1 - t) up to γλ, and |w| itself beyond. For
    /// t ≥ γ - 1 the middle piece is concave: the better of the best point up to λ and the best from γλ on.
    pub fn scad(simd: S, lambda: f32, gamma: f32, own: PerWeight<'a>, steps: &'a [f32], w: &'a mut [f32]) {
        let (end, plateau) = (gamma * lambda, simd.splat_f32s(lambda * lambda * (gamma + 1.0)));
        let (knee, rest, far_end) = (lambda, simd.splat_f32s(gamma - 1.0), simd.splat_f32s(end));
        let lambda = simd.splat_f32s(lambda);
        map(simd, own, steps, w, #[inline(always)] |t, w| {
            let size = simd.abs_f32s(w);
            let pull = simd.mul_f32s(t, lambda);
            let soft = relu(simd, simd.sub_f32s(size, pull));
            let left = simd.sub_f32s(rest, t);
            let middle = simd.sub_f32s(simd.mul_f32s(rest, size), simd.mul_f32s(t, far_end));
            let middle = simd.div_f32s(middle, left);
            let bent = simd.select_f32s(simd.greater_than_f32s(size, far_end), size, middle);
            let is_low = simd.less_than_or_equal_f32s(size, simd.add_f32s(lambda, pull));
            let bent = simd.select_f32s(is_low, soft, bent);
            // Both costs times 2t.
            let (near, far) = (at_most(simd, soft, knee), at_least(simd, size, end));
            let (down, up) = (simd.sub_f32s(near, size), simd.sub_f32s(far, size));
            let cost_near = simd.mul_add_e_f32s(down, down, simd.mul_f32s(simd.add_f32s(pull, pull), near));
            let cost_far = simd.mul_add_e_f32s(t, plateau, simd.mul_f32s(up, up));
            let jump = simd.select_f32s(simd.less_than_or_equal_f32s(cost_near, cost_far), near, far);
            let is_gentle = simd.less_than_f32s(t, rest);
            signed(simd, simd.select_f32s(is_gentle, bent, jump), w)
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn mcp_at(l: f64, g: f64, u: f64) -> f64 {
        if u.abs() <= g * l { l * u.abs() - u * u / (2.0 * g) } else { g * l * l / 2.0 }
    }

    fn scad_at(l: f64, g: f64, u: f64) -> f64 {
        match u.abs() {
            a if a <= l => l * a,
            a if a <= g * l => (2.0 * g * l * a - a * a - l * l) / (2.0 * (g - 1.0)),
            _ => l * l * (g + 1.0) / 2.0,
        }
    }

    /// The least cost over a fine grid that has the anchor and w on it.
    fn least(anchor: f64, w: f64, cost: impl Fn(f64) -> f64) -> f64 {
        (0..=20_000).map(|i| cost(anchor + (w - anchor) * f64::from(i) / 20_000.0)).fold(f64::INFINITY, f64::min)
    }

    proptest! {
        #[test]
        fn no_other_point_costs_less(
            w in -3.0f32..3.0, t in 0.001f32..8.0, lambda in 0.01f32..1.0, l2 in 0.0f32..1.0, gamma in 2.1f32..5.0,
            factor in 0.0f32..2.0, anchor in -1.0f32..1.0, weighted in any::<bool>(), anchored in any::<bool>(),
            lanes in 1usize..40,
        ) {
            // As many copies, so that whole vectors and tails are seen.
            let (factor, anchor) = (if weighted { factor } else { 1.0 }, if anchored { anchor } else { 0.0 });
            let (factors, anchors, steps) = (vec![factor; lanes], vec![anchor; lanes], vec![t; lanes]);
            let own = PerWeight {
                factors: if weighted { &factors } else { &[] },
                anchor: if anchored { &anchors } else { &[] },
            };
            let (f, a) = (f64::from(factor), f64::from(anchor));
            let (l, g) = (f64::from(lambda), f64::from(gamma));
            type Map<'a> = &'a dyn Fn(&mut [f32]);
            let maps: [(Map<'_>, &dyn Fn(f64) -> f64); 3] = [
                (&|x| l1_l2(lambda, l2, own, &steps, x), &|u| l * u.abs() + f64::from(l2) * u * u),
                (&|x| mcp(lambda, gamma, own, &steps, x), &|u| mcp_at(l, g, u)),
                (&|x| scad(lambda, gamma, own, &steps, x), &|u| scad_at(l, g, u)),
            ];
            for (i, (map, rho)) in maps.into_iter().enumerate() {
                let mut x = vec![w; lanes];
                map(&mut x);
                prop_assert!(x.iter().all(|other| other.to_bits() == x[0].to_bits()));
                let cost = |u: f64| (u - f64::from(w)).powi(2) / (2.0 * f64::from(t)) + f * rho(u - a);
                let (got, want) = (cost(f64::from(x[0])), least(a, f64::from(w), cost));
                prop_assert!(got <= want + 1e-5 * (1.0 + want), "{}: {} costs {}, {} is possible", i, x[0], got, want);
            }
        }
    }

    #[test]
    fn zeros_are_exact_and_nan_stays() {
        let mut w = [0.5, -0.5, 0.25, -3.0, f32::NAN, 0.0];
        l1_l2(1.0, 0.0, PerWeight::default(), &[0.5; 6], &mut w);
        assert_eq!(w[..4], [0.0, 0.0, 0.0, -2.5]);
        assert!(w[4].is_nan() && w[0].is_sign_positive() && w[1].is_sign_positive());
        for map in [mcp, scad] {
            let mut w = [0.25, -0.25, 9.0, -9.0, f32::NAN];
            map(1.0, 3.0, PerWeight::default(), &[0.5; 5], &mut w);
            assert_eq!(w[..4], [0.0, 0.0, 9.0, -9.0]);
            assert!(w[4].is_nan());
        }
    }
}
