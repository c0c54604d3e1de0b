//! Proximal maps of elementwise penalties: w ← argmin over u of (u - w)² / (2t) + f ρ(u - w₀), each weight with its own step t, and
//! with its own factor f and anchor w₀ where there are some. With t f in the place of t and w - w₀ in the place of w, it is the map of ρ.

use pulp::Simd;

use crate::macros::kernel;
use crate::penalty::PerWeight;
use crate::rho::{InRegisters, L1L2, L2, Rho};

/// The map of this ρ, as [`crate::rho`] has it.
pub fn map(rho: Rho, own: PerWeight<'_>, steps: &[f32], w: &mut [f32]) {
    match rho {
        Rho::L1L2(L1L2 { l1: 0.0, l2 }) => map_of(L2 { l2 }, own, steps, w),
        Rho::L1L2(rho) => map_of(rho, own, steps, w),
        Rho::Mcp(rho) => map_of(rho, own, steps, w),
        Rho::Scad(rho) => map_of(rho, own, steps, w),
    }
}

kernel! {
    fn map_of<P: InRegisters>(simd: S, rho: P, own: PerWeight<'a>, steps: &'a [f32], w: &'a mut [f32]) {
        each(simd, own, steps, w, #[inline(always)] |t, x| rho.map(simd, t, x));
    }
}

/// w ← w₀ + `f(factor t, w - w₀)`.
#[inline(always)]
fn each<S: Simd>(simd: S, own: PerWeight<'_>, steps: &[f32], w: &mut [f32], f: impl Fn(S::f32s, S::f32s) -> S::f32s) {
    match (!own.factors.is_empty(), !own.anchor.is_empty()) {
        (false, false) => crate::lane::zip_in_place(simd, steps, w, f),
        (false, true) => each_with::<S, false, true>(simd, own, steps, w, f),
        (true, false) => each_with::<S, true, false>(simd, own, steps, w, f),
        (true, true) => each_with::<S, true, true>(simd, own, steps, w, f),
    }
}

/// [`each`] where it is known whether there are factors and an anchor.
#[inline(always)]
fn each_with<S: Simd, const FACTORS: bool, const ANCHOR: bool>(
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rho::{Mcp, Scad};
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
                (&|x| map(Rho::L1L2(L1L2 { l1: lambda, l2 }), own, &steps, x), &|u| l * u.abs() + f64::from(l2) * u * u),
                (&|x| map(Rho::Mcp(Mcp { lambda, gamma }), own, &steps, x), &|u| mcp_at(l, g, u)),
                (&|x| map(Rho::Scad(Scad { lambda, gamma }), own, &steps, x), &|u| scad_at(l, g, u)),
            ];
            for (i, (map, rho_at)) in maps.into_iter().enumerate() {
                let mut x = vec![w; lanes];
                map(&mut x);
                prop_assert!(x.iter().all(|other| other.to_bits() == x[0].to_bits()));
                let cost = |u: f64| (u - f64::from(w)).powi(2) / (2.0 * f64::from(t)) + f * rho_at(u - a);
                let (got, want) = (cost(f64::from(x[0])), least(a, f64::from(w), cost));
                prop_assert!(got <= want + 1e-5 * (1.0 + want), "{}: {} costs {}, {} is possible", i, x[0], got, want);
            }
        }
    }

    #[test]
    fn zeros_are_exact_and_nan_stays() {
        let mut w = [0.5, -0.5, 0.25, -3.0, f32::NAN, 0.0];
        map(Rho::L1L2(L1L2 { l1: 1.0, l2: 0.0 }), PerWeight::default(), &[0.5; 6], &mut w);
        assert_eq!(w[..4], [0.0, 0.0, 0.0, -2.5]);
        assert!(w[4].is_nan() && w[0].is_sign_positive() && w[1].is_sign_positive());
        for rho in [Rho::Mcp(Mcp { lambda: 1.0, gamma: 3.0 }), Rho::Scad(Scad { lambda: 1.0, gamma: 3.0 })] {
            let mut w = [0.25, -0.25, 9.0, -9.0, f32::NAN];
            map(rho, PerWeight::default(), &[0.5; 5], &mut w);
            assert_eq!(w[..4], [0.0, 0.0, 9.0, -9.0]);
            assert!(w[4].is_nan());
        }
    }
}
