//! Adam and a penalty on single weights in one pass.
//!
//! [`update::adam`](crate::update::adam), [`penalty::sum`](crate::penalty::sum) and [`proximal::map`](crate::proximal::map) one after
//! the other do the same, and define it. But Adam waits for its root and its quotient, they wait for memory: together they take
//! little longer than Adam alone.

use pulp::Simd;

use crate::lane::flush;
use crate::macros::kernel;
use crate::penalty::PerWeight;
use crate::rho::{InRegisters, L1L2, L2, Rho};
use crate::step::LARGEST;
use crate::update::{agreed, moments};

/// How the penalty reaches the weights.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Way {
    /// Its gradient is added to the data's.
    Gradient,
    /// w ← w - rate ∇Ω(w), and then the update.
    Before(f32),
    /// After the update w ← w - rate ∇Ω(old w), where the update does not lead away from the anchor.
    Agreed(f32),
    /// After the update, the proximal map with the steps of the weights.
    Map,
}

/// What [`update::adam`](crate::update::adam) is given beside the arrays.
#[derive(Debug, Clone, Copy)]
pub struct Adam {
    /// lr √(1-β₂ᵗ) / (1-β₁ᵗ).
    pub alpha: f32,
    /// 1-β₁.
    pub rest_1: f32,
    /// 1-β₂.
    pub rest_2: f32,
    /// ε.
    pub epsilon: f32,
}

impl Adam {
    /// Moves weights with these gradients and moments, and penalizes them. Returns Ω(w), at the weights before, for the ways that have
    /// it in the objective ([`Way::Gradient`], [`Way::Map`]); 0 for the others.
    pub fn update(
        self,
        rho: Rho,
        own: PerWeight<'_>,
        way: Way,
        w: &mut [f32],
        g: &[f32],
        m: &mut [f32],
        v: &mut [f32],
    ) -> f64 {
        /// Short enough for a sum in `f32`.
        const CHUNK: usize = 2048;
        assert!(own.fits(w.len()) && g.len() == w.len() && m.len() == w.len() && v.len() == w.len());
        let mut total = 0.0;
        for start in (0..w.len()).step_by(CHUNK) {
            let part = start..w.len().min(start + CHUNK);
            let own = own.part(part.clone());
            let (w, g) = (&mut w[part.clone()], &g[part.clone()]);
            let (m, v) = (&mut m[part.clone()], &mut v[part]);
            total += f64::from(match rho {
                Rho::L1L2(L1L2 { l1: 0.0, l2 }) => chunk(L2 { l2 }, own, way, self, w, g, m, v),
                Rho::L1L2(rho) => chunk(rho, own, way, self, w, g, m, v),
                Rho::Mcp(rho) => chunk(rho, own, way, self, w, g, m, v),
                Rho::Scad(rho) => chunk(rho, own, way, self, w, g, m, v),
            });
        }
        total
    }
}

kernel! {
    fn chunk<P: InRegisters>(
        simd: S, rho: P, own: PerWeight<'a>, way: Way, adam: Adam, w: &'a mut [f32], g: &'a [f32], m: &'a mut [f32],
        v: &'a mut [f32],
    ) -> f32 {
        // A loop for each way, and one without anchors and factors.
        match (way, own.is_empty()) {
            (Way::Gradient, true) => walk(simd, rho, PerWeight::default(), Way::Gradient, adam, w, g, m, v),
            (Way::Gradient, false) => walk(simd, rho, own, Way::Gradient, adam, w, g, m, v),
            (Way::Before(rate), true) => walk(simd, rho, PerWeight::default(), Way::Before(rate), adam, w, g, m, v),
            (Way::Before(rate), false) => walk(simd, rho, own, Way::Before(rate), adam, w, g, m, v),
            (Way::Agreed(rate), true) => walk(simd, rho, PerWeight::default(), Way::Agreed(rate), adam, w, g, m, v),
            (Way::Agreed(rate), false) => walk(simd, rho, own, Way::Agreed(rate), adam, w, g, m, v),
            (Way::Map, true) => walk(simd, rho, PerWeight::default(), Way::Map, adam, w, g, m, v),
            (Way::Map, false) => walk(simd, rho, own, Way::Map, adam, w, g, m, v),
        }
    }
}

/// Vectors whose values are added by themselves, since a sum of sums rounds less; and whose maps follow the update of them all: in one
/// way from the moments to the map, a vector would wait for its two quotients and its root while no other can begin.
const BLOCK: usize = 32;

/// One pass; returns the sum of the values.
#[inline(always)]
fn walk<S: Simd, P: InRegisters>(
    simd: S,
    rho: P,
    own: PerWeight<'_>,
    way: Way,
    adam: Adam,
    w: &mut [f32],
    g: &[f32],
    m: &mut [f32],
    v: &mut [f32],
) -> f32 {
    let ((w, w_tail), (g, g_tail)) = (S::as_mut_simd_f32s(w), S::as_simd_f32s(g));
    let ((m, m_tail), (v, v_tail)) = (S::as_mut_simd_f32s(m), S::as_mut_simd_f32s(v));
    let ((factors, factors_tail), (anchor, anchor_tail)) = (S::as_simd_f32s(own.factors), S::as_simd_f32s(own.anchor));
    let n = w.len();
    let (g, m, v) = (&g[..n], &mut m[..n], &mut v[..n]);
    let zero = simd.splat_f32s(0.0);
    let (mut sum, mut steps) = (zero, [zero; BLOCK]);
    for start in (0..n).step_by(BLOCK) {
        let block = start..n.min(start + BLOCK);
        let own = |i: usize| (factors.get(i).copied(), anchor.get(i).copied().unwrap_or(zero));
        let mut part = zero;
        for (i, step) in block.clone().zip(&mut steps) {
            let moved = one(simd, rho, way, adam, (w[i], g[i], m[i], v[i]), own(i));
            (w[i], m[i], v[i], *step) = (moved.w, moved.m, moved.v, moved.step);
            part = simd.add_f32s(part, moved.value);
        }
        if way == Way::Map {
            for (i, step) in block.zip(&steps) {
                w[i] = mapped(simd, rho, *step, w[i], own(i));
            }
        }
        sum = simd.add_f32s(sum, part);
    }
    if !w_tail.is_empty() {
        let [w, g] = [&*w_tail, g_tail].map(|part| simd.partial_load_f32s(part));
        let [m, v] = [&*m_tail, &*v_tail].map(|part| simd.partial_load_f32s(part));
        let factor = (!factors_tail.is_empty()).then(|| simd.partial_load_f32s(factors_tail));
        let own = (factor, simd.partial_load_f32s(anchor_tail));
        let mut moved = one(simd, rho, way, adam, (w, g, m, v), own);
        if way == Way::Map {
            moved.w = mapped(simd, rho, moved.step, moved.w, own);
        }
        simd.partial_store_f32s(w_tail, moved.w);
        simd.partial_store_f32s(m_tail, moved.m);
        simd.partial_store_f32s(v_tail, moved.v);
        sum = simd.add_f32s(sum, moved.value);
    }
    simd.reduce_sum_f32s(sum)
}

/// Some weights after the update and before their map.
struct Moved<V> {
    w: V,
    m: V,
    v: V,
    /// Ω of the weights before.
    value: V,
    /// The steps for the map.
    step: V,
}

/// The update of some weights, their gradients and moments, with their factor and anchor.
#[inline(always)]
fn one<S: Simd, P: InRegisters>(
    simd: S,
    rho: P,
    way: Way,
    adam: Adam,
    (w, g, m, v): (S::f32s, S::f32s, S::f32s, S::f32s),
    (factor, anchor): (Option<S::f32s>, S::f32s),
) -> Moved<S::f32s> {
    let splat = |x: f32| simd.splat_f32s(x);
    let away = simd.sub_f32s(w, anchor);
    let value = match way {
        Way::Gradient | Way::Map => weighted(simd, factor, rho.value(simd, away)),
        Way::Before(_) | Way::Agreed(_) => splat(0.0),
    };
    let (start, g) = match way {
        Way::Gradient => (w, pulled(simd, rho, factor, away, g)),
        Way::Before(rate) => {
            let pull = pulled(simd, rho, factor, away, splat(0.0));
            (flush(simd, simd.sub_f32s(w, simd.mul_f32s(splat(rate), pull))), g)
        }
        Way::Agreed(_) | Way::Map => (w, g),
    };
    let (m, v) = moments(simd, [splat(adam.rest_1), splat(adam.rest_2)], g, m, v);
    let root = simd.add_f32s(simd.sqrt_f32s(v), splat(adam.epsilon));
    if way == Way::Map {
        let step = simd.min_f32s(simd.div_f32s(splat(adam.alpha), root), splat(LARGEST));
        return Moved { w: simd.sub_f32s(start, simd.mul_f32s(m, step)), m, v, value, step };
    }
    let moved = simd.sub_f32s(start, simd.div_f32s(simd.mul_f32s(m, splat(adam.alpha)), root));
    let moved = match way {
        Way::Agreed(rate) => agreed(simd, splat(rate), moved, w, away, pulled(simd, rho, factor, away, splat(0.0))),
        _ => moved,
    };
    Moved { w: moved, m, v, value, step: splat(0.0) }
}

/// The map of some weights with their factor and anchor.
#[inline(always)]
fn mapped<S: Simd, P: InRegisters>(
    simd: S,
    rho: P,
    step: S::f32s,
    w: S::f32s,
    (factor, anchor): (Option<S::f32s>, S::f32s),
) -> S::f32s {
    let away = rho.map(simd, weighted(simd, factor, step), simd.sub_f32s(w, anchor));
    simd.add_f32s(away, anchor)
}

/// g + f ρ'(x).
#[inline(always)]
fn pulled<S: Simd, P: InRegisters>(simd: S, rho: P, factor: Option<S::f32s>, x: S::f32s, g: S::f32s) -> S::f32s {
    match factor {
        Some(factor) => simd.mul_add_e_f32s(factor, rho.add_slope(simd, x, simd.splat_f32s(0.0)), g),
        None => rho.add_slope(simd, x, g),
    }
}

/// f x.
#[inline(always)]
fn weighted<S: Simd>(simd: S, factor: Option<S::f32s>, x: S::f32s) -> S::f32s {
    match factor {
        Some(factor) => simd.mul_f32s(factor, x),
        None => x,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rho::{Mcp, Scad};
    use crate::{penalty, proximal, step, update};
    use proptest::prelude::*;

    /// What [`Adam::update`] does, by the kernels that define it.
    fn one_by_one(
        adam: Adam,
        rho: Rho,
        own: PerWeight<'_>,
        way: Way,
        w: &mut [f32],
        g: &[f32],
        m: &mut [f32],
        v: &mut [f32],
    ) -> f64 {
        let (old, mut g, mut slope) = (w.to_vec(), g.to_vec(), vec![0.0; w.len()]);
        let value = penalty::sum(rho, own, w, &mut slope);
        match way {
            Way::Gradient => update::add_scaled(1.0, &slope, &mut g),
            Way::Before(rate) => update::add_scaled(-rate, &slope, w),
            Way::Agreed(_) | Way::Map => {}
        }
        update::adam(w, &g, m, v, adam.alpha, adam.rest_1, adam.rest_2, adam.epsilon);
        match way {
            Way::Agreed(rate) => update::descend_agreed(rate, &old, own.anchor, &slope, w),
            Way::Map => {
                let mut steps = vec![0.0; w.len()];
                step::adaptive(v, &mut steps, adam.alpha, 1.0, adam.epsilon);
                proximal::map(rho, own, &steps, w);
            }
            _ => {}
        }
        if matches!(way, Way::Gradient | Way::Map) { value } else { 0.0 }
    }

    proptest! {
        #[test]
        fn it_is_its_parts_one_after_the_other(
            rows in proptest::collection::vec((-1.0f32..1.0, -1.0f32..1.0, -0.5f32..0.5, 0.001f32..1.0), 1..300),
            lambda in 0.01f32..0.5, weighted in any::<bool>(), anchored in any::<bool>(), copies in 1usize..30,
        ) {
            let of = |f: fn(&(f32, f32, f32, f32)) -> f32| rows.iter().map(f).collect::<Vec<f32>>().repeat(copies);
            let (w, g, m, v) = (of(|row| row.0), of(|row| row.1), of(|row| row.2), of(|row| row.3));
            let factors: Vec<f32> = if weighted { of(|row| row.1 + 1.0) } else { vec![] };
            let anchor: Vec<f32> = if anchored { of(|row| row.2 - row.3) } else { vec![] };
            let own = PerWeight { factors: &factors, anchor: &anchor };
            let adam = Adam { alpha: 0.03, rest_1: 0.1, rest_2: 0.001, epsilon: 1e-7 };
            let gamma = 3.0;
            for rho in [
                Rho::L1L2(L1L2 { l1: lambda, l2: 0.0 }),
                Rho::L1L2(L1L2 { l1: 0.0, l2: lambda }),
                Rho::L1L2(L1L2 { l1: lambda, l2: 0.5 * lambda }),
                Rho::Mcp(Mcp { lambda, gamma }),
                Rho::Scad(Scad { lambda, gamma }),
            ] {
                for way in [Way::Gradient, Way::Before(0.01), Way::Agreed(0.01), Way::Map] {
                    let (mut got, mut want) = ([w.clone(), m.clone(), v.clone()], [w.clone(), m.clone(), v.clone()]);
                    let [w, m, v] = &mut got;
                    let value = adam.update(rho, own, way, w, &g, m, v);
                    let [w, m, v] = &mut want;
                    let other = one_by_one(adam, rho, own, way, w, &g, m, v);
                    prop_assert!((value - other).abs() <= 1e-5 * other.max(1e-2), "{:?} {:?}: {} {}", rho, way, value, other);
                    for (got, want) in got.iter().flatten().zip(want.iter().flatten()) {
                        prop_assert!((got - want).abs() <= 1e-6 * (1.0 + want.abs()), "{:?} {:?}: {} {}", rho, way, got, want);
                    }
                }
            }
        }
    }
}
