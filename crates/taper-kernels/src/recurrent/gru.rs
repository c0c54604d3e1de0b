//! The step of a GRU, in its two forms.

use pulp::Simd;

use super::{Any, Gate, Sigmoid, Tanh, check_lens, load, store, through, with_gates};
use crate::activation::Unary;
use crate::lane::{flush, mul_add};
use crate::macros::kernel;

/// One step of a GRU that resets after the recurrent product (Keras's `reset_after`). With the sums `z` of the gates z, r, h
/// from the input and `n` from the state: `u = r(z₀ + n₀)`, `v = r(z₁ + n₁)`, `g = a(z₂ + v n₂)`, `h' = u h + (1 - u) g`.
pub fn after_forward(
    activation: Unary,
    recurrent: Unary,
    units: usize,
    mask: &[f32],
    z: &mut [f32],
    n: &[f32],
    h_past: &[f32],
    h: &mut [f32],
) {
    check_lens(mask.len(), units, 3, &[z, n], &[h_past, h]);
    with_gates!(activation, recurrent, |a, r| after_step(a, r, units, mask, z, n, h_past, h));
}

/// Back through [`after_forward`]; `n` leaves as the gradient of the sums from the state.
pub fn after_backward(
    activation: Unary,
    recurrent: Unary,
    units: usize,
    mask: &[f32],
    z: &mut [f32],
    n: &mut [f32],
    h_past: &[f32],
    dh: &mut [f32],
) {
    check_lens(mask.len(), units, 3, &[z, n], &[h_past, dh]);
    with_gates!(activation, recurrent, |a, r| after_step_back(a, r, units, mask, z, n, h_past, dh));
}

kernel! {
    fn after_step<A: Gate, R: Gate>(
        simd: S, a: A, r: R, units: usize, mask: &'a [f32], z: &'a mut [f32], n: &'a [f32], h_past: &'a [f32],
        h: &'a mut [f32],
    ) {
        let sums = z.chunks_exact_mut(3 * units).zip(n.chunks_exact(3 * units));
        let states = h_past.chunks_exact(units).zip(h.chunks_exact_mut(units));
        for ((counts, (z, n)), (h_past, h)) in mask.iter().zip(sums).zip(states) {
            if *counts == 0.0 {
                h.copy_from_slice(h_past);
                continue;
            }
            let (zu, rest) = z.split_at_mut(units);
            let (zv, zg) = rest.split_at_mut(units);
            for j in (0..units).step_by(S::F32_LANES) {
                let (u, u_kept) = r.value(simd, simd.add_f32s(load(simd, &zu[j..]), load(simd, &n[j..units])));
                let (v, v_kept) = r.value(simd, simd.add_f32s(load(simd, &zv[j..]), load(simd, &n[units + j..2 * units])));
                let (g, g_kept) = a.value(simd, mul_add(simd, v, load(simd, &n[2 * units + j..]), load(simd, &zg[j..])));
                store(simd, &mut zu[j..], u_kept);
                store(simd, &mut zv[j..], v_kept);
                store(simd, &mut zg[j..], g_kept);
                store(simd, &mut h[j..], mix(simd, u, load(simd, &h_past[j..]), g));
            }
        }
    }
}

kernel! {
    fn after_step_back<A: Gate, R: Gate>(
        simd: S, a: A, r: R, units: usize, mask: &'a [f32], z: &'a mut [f32], n: &'a mut [f32], h_past: &'a [f32],
        dh: &'a mut [f32],
    ) {
        let sums = z.chunks_exact_mut(3 * units).zip(n.chunks_exact_mut(3 * units));
        let states = h_past.chunks_exact(units).zip(dh.chunks_exact_mut(units));
        for ((counts, (z, n)), (h_past, dh)) in mask.iter().zip(sums).zip(states) {
            if *counts == 0.0 {
                z.fill(0.0);
                n.fill(0.0);
                continue;
            }
            let (zu, rest) = z.split_at_mut(units);
            let (zv, zg) = rest.split_at_mut(units);
            let (nu, rest) = n.split_at_mut(units);
            let (nv, ng) = rest.split_at_mut(units);
            for j in (0..units).step_by(S::F32_LANES) {
                let (u, u_slope) = r.recall(simd, load(simd, &zu[j..]));
                let (v, v_slope) = r.recall(simd, load(simd, &zv[j..]));
                let (g, g_slope) = a.recall(simd, load(simd, &zg[j..]));
                let dy = load(simd, &dh[j..]);
                let (du, dg) = unmix(simd, u, load(simd, &h_past[j..]), g, dy);
                let dg = through(simd, dg, g_slope);
                let du = through(simd, du, u_slope);
                let dv = flush(simd, simd.mul_f32s(simd.mul_f32s(dg, load(simd, &ng[j..])), v_slope));
                store(simd, &mut zu[j..], du);
                store(simd, &mut nu[j..], du);
                store(simd, &mut zv[j..], dv);
                store(simd, &mut nv[j..], dv);
                store(simd, &mut zg[j..], dg);
                store(simd, &mut ng[j..], through(simd, dg, v));
                store(simd, &mut dh[j..], through(simd, dy, u));
            }
        }
    }
}

/// u h + (1 - u) g.
#[inline(always)]
fn mix<S: Simd>(simd: S, u: S::f32s, h: S::f32s, g: S::f32s) -> S::f32s {
    mul_add(simd, u, h, simd.mul_f32s(simd.sub_f32s(simd.splat_f32s(1.0), u), g))
}

/// The gradients of `u` and `g` in [`mix`].
#[inline(always)]
fn unmix<S: Simd>(simd: S, u: S::f32s, h: S::f32s, g: S::f32s, dy: S::f32s) -> (S::f32s, S::f32s) {
    let rest = simd.sub_f32s(simd.splat_f32s(1.0), u);
    (simd.mul_f32s(dy, simd.sub_f32s(h, g)), simd.mul_f32s(dy, rest))
}

/// The first half of a step of a GRU that resets before the recurrent product: the gates u and v from the first two thirds of
/// the sums `z`, and the state `vh = v h` that the product of the candidate reads.
pub fn before_reset(recurrent: Unary, units: usize, z: &mut [f32], h_past: &[f32], vh: &mut [f32]) {
    check_lens(vh.len() / units, units, 3, &[z], &[h_past, vh]);
    if recurrent == Unary::Sigmoid {
        reset(Sigmoid, units, z, h_past, vh);
    } else {
        reset(Any(recurrent), units, z, h_past, vh);
    }
}

/// The second half: the candidate `g = a(z₂)` and `h' = u h + (1 - u) g`.
pub fn before_mix(
    activation: Unary,
    recurrent: Unary,
    units: usize,
    mask: &[f32],
    z: &mut [f32],
    h_past: &[f32],
    h: &mut [f32],
) {
    check_lens(mask.len(), units, 3, &[z], &[h_past, h]);
    with_gates!(activation, recurrent, |a, r| mix_step(a, r, units, mask, z, h_past, h));
}

/// Back through [`before_mix`]: the first and last third of `z` become gradients.
pub fn before_mix_backward(
    activation: Unary,
    recurrent: Unary,
    units: usize,
    mask: &[f32],
    z: &mut [f32],
    h_past: &[f32],
    dh: &mut [f32],
) {
    check_lens(mask.len(), units, 3, &[z], &[h_past, dh]);
    with_gates!(activation, recurrent, |a, r| mix_step_back(a, r, units, mask, z, h_past, dh));
}

/// Back through [`before_reset`]: the middle third of `z` becomes its gradient; `dvh` is the gradient of `vh`.
pub fn before_reset_backward(
    recurrent: Unary,
    units: usize,
    z: &mut [f32],
    h_past: &[f32],
    dvh: &[f32],
    dh: &mut [f32],
) {
    check_lens(dh.len() / units, units, 3, &[z], &[h_past, dvh, dh]);
    if recurrent == Unary::Sigmoid {
        reset_back(Sigmoid, units, z, h_past, dvh, dh);
    } else {
        reset_back(Any(recurrent), units, z, h_past, dvh, dh);
    }
}

kernel! {
    fn reset<R: Gate>(simd: S, r: R, units: usize, z: &'a mut [f32], h_past: &'a [f32], vh: &'a mut [f32]) {
        let states = h_past.chunks_exact(units).zip(vh.chunks_exact_mut(units));
        for (z, (h_past, vh)) in z.chunks_exact_mut(3 * units).zip(states) {
            let (zu, rest) = z.split_at_mut(units);
            let (zv, _) = rest.split_at_mut(units);
            for j in (0..units).step_by(S::F32_LANES) {
                let (_, u_kept) = r.value(simd, load(simd, &zu[j..]));
                let (v, v_kept) = r.value(simd, load(simd, &zv[j..]));
                store(simd, &mut zu[j..], u_kept);
                store(simd, &mut zv[j..], v_kept);
                store(simd, &mut vh[j..], simd.mul_f32s(v, load(simd, &h_past[j..])));
            }
        }
    }
}

kernel! {
    fn mix_step<A: Gate, R: Gate>(
        simd: S, a: A, r: R, units: usize, mask: &'a [f32], z: &'a mut [f32], h_past: &'a [f32], h: &'a mut [f32],
    ) {
        let states = h_past.chunks_exact(units).zip(h.chunks_exact_mut(units));
        for ((counts, z), (h_past, h)) in mask.iter().zip(z.chunks_exact_mut(3 * units)).zip(states) {
            if *counts == 0.0 {
                h.copy_from_slice(h_past);
                continue;
            }
            let (zu, zg) = z.split_at_mut(2 * units);
            for j in (0..units).step_by(S::F32_LANES) {
                let (u, _) = r.recall(simd, load(simd, &zu[j..units]));
                let (g, g_kept) = a.value(simd, load(simd, &zg[j..]));
                store(simd, &mut zg[j..], g_kept);
                store(simd, &mut h[j..], mix(simd, u, load(simd, &h_past[j..]), g));
            }
        }
    }
}

kernel! {
    fn mix_step_back<A: Gate, R: Gate>(
        simd: S, a: A, r: R, units: usize, mask: &'a [f32], z: &'a mut [f32], h_past: &'a [f32], dh: &'a mut [f32],
    ) {
        let states = h_past.chunks_exact(units).zip(dh.chunks_exact_mut(units));
        for ((counts, z), (h_past, dh)) in mask.iter().zip(z.chunks_exact_mut(3 * units)).zip(states) {
            let (zu, zg) = z.split_at_mut(2 * units);
            let zu = &mut zu[..units];
            if *counts == 0.0 {
                zu.fill(0.0);
                zg.fill(0.0);
                continue;
            }
            for j in (0..units).step_by(S::F32_LANES) {
                let (u, u_slope) = r.recall(simd, load(simd, &zu[j..]));
                let (g, g_slope) = a.recall(simd, load(simd, &zg[j..]));
                let dy = load(simd, &dh[j..]);
                let (du, dg) = unmix(simd, u, load(simd, &h_past[j..]), g, dy);
                store(simd, &mut zu[j..], through(simd, du, u_slope));
                store(simd, &mut zg[j..], through(simd, dg, g_slope));
                store(simd, &mut dh[j..], through(simd, dy, u));
            }
        }
    }
}

kernel! {
    fn reset_back<R: Gate>(
        simd: S, r: R, units: usize, z: &'a mut [f32], h_past: &'a [f32], dvh: &'a [f32], dh: &'a mut [f32],
    ) {
        let states = h_past.chunks_exact(units).zip(dvh.chunks_exact(units)).zip(dh.chunks_exact_mut(units));
        for (z, ((h_past, dvh), dh)) in z.chunks_exact_mut(3 * units).zip(states) {
            let zv = &mut z[units..2 * units];
            for j in (0..units).step_by(S::F32_LANES) {
                let (v, v_slope) = r.recall(simd, load(simd, &zv[j..]));
                let pull = load(simd, &dvh[j..]);
                let dv = simd.mul_f32s(simd.mul_f32s(pull, load(simd, &h_past[j..])), v_slope);
                store(simd, &mut zv[j..], flush(simd, dv));
                let direct = load(simd, &dh[j..]);
                store(simd, &mut dh[j..], mul_add(simd, pull, v, direct));
            }
        }
    }
}
