//! The step of an LSTM.

use super::{Any, Gate, Sigmoid, Tanh, check_lens, load, store, through, with_gates};
use crate::activation::Unary;
use crate::lane::{flush, mul_add};
use crate::macros::kernel;

/// One step of an LSTM. With the sums `z` of the gates i, f, g, o in this order: `c' = r(f) c + r(i) a(g)`, `h' = r(o) a(c')`,
/// where `a` is the activation and `r` the recurrent activation.
pub fn forward(
    activation: Unary,
    recurrent: Unary,
    units: usize,
    mask: &[f32],
    z: &mut [f32],
    c_past: &[f32],
    c: &mut [f32],
    h_past: &[f32],
    h: &mut [f32],
) {
    check_lens(mask.len(), units, 4, &[z], &[c_past, c, h_past, h]);
    with_gates!(activation, recurrent, |a, r| step(a, r, units, mask, z, c_past, c, h_past, h));
}

/// Back through [`forward`]. `dc` comes in as what later steps say of `c'` and leaves as the gradient of `c`.
pub fn backward(
    activation: Unary,
    recurrent: Unary,
    units: usize,
    mask: &[f32],
    z: &mut [f32],
    c_past: &[f32],
    c: &[f32],
    dh: &mut [f32],
    dc: &mut [f32],
) {
    check_lens(mask.len(), units, 4, &[z], &[c_past, c, dh, dc]);
    with_gates!(activation, recurrent, |a, r| step_back(a, r, units, mask, z, c_past, c, dh, dc));
}

kernel! {
    fn step<A: Gate, R: Gate>(
        simd: S, a: A, r: R, units: usize, mask: &'a [f32], z: &'a mut [f32], c_past: &'a [f32], c: &'a mut [f32],
        h_past: &'a [f32], h: &'a mut [f32],
    ) {
        let past = c_past.chunks_exact(units).zip(h_past.chunks_exact(units));
        let now = c.chunks_exact_mut(units).zip(h.chunks_exact_mut(units));
        for (((counts, z), (c_past, h_past)), (c, h)) in mask.iter().zip(z.chunks_exact_mut(4 * units)).zip(past).zip(now) {
            if *counts == 0.0 {
                c.copy_from_slice(c_past);
                h.copy_from_slice(h_past);
                continue;
            }
            let (zi, rest) = z.split_at_mut(units);
            let (zf, rest) = rest.split_at_mut(units);
            let (zg, zo) = rest.split_at_mut(units);
            for j in (0..units).step_by(S::F32_LANES) {
                let (i, i_kept) = r.value(simd, load(simd, &zi[j..]));
                let (f, f_kept) = r.value(simd, load(simd, &zf[j..]));
                let (g, g_kept) = a.value(simd, load(simd, &zg[j..]));
                let (o, o_kept) = r.value(simd, load(simd, &zo[j..]));
                store(simd, &mut zi[j..], i_kept);
                store(simd, &mut zf[j..], f_kept);
                store(simd, &mut zg[j..], g_kept);
                store(simd, &mut zo[j..], o_kept);
                let carry = mul_add(simd, f, load(simd, &c_past[j..]), simd.mul_f32s(i, g));
                store(simd, &mut c[j..], carry);
                store(simd, &mut h[j..], simd.mul_f32s(o, a.value(simd, carry).0));
            }
        }
    }
}

kernel! {
    fn step_back<A: Gate, R: Gate>(
        simd: S, a: A, r: R, units: usize, mask: &'a [f32], z: &'a mut [f32], c_past: &'a [f32], c: &'a [f32],
        dh: &'a mut [f32], dc: &'a mut [f32],
    ) {
        let states = c_past.chunks_exact(units).zip(c.chunks_exact(units));
        let grads = dh.chunks_exact_mut(units).zip(dc.chunks_exact_mut(units));
        for (((counts, z), (c_past, c)), (dh, dc)) in mask.iter().zip(z.chunks_exact_mut(4 * units)).zip(states).zip(grads) {
            if *counts == 0.0 {
                z.fill(0.0);
                continue;
            }
            let (zi, rest) = z.split_at_mut(units);
            let (zf, rest) = rest.split_at_mut(units);
            let (zg, zo) = rest.split_at_mut(units);
            for j in (0..units).step_by(S::F32_LANES) {
                // One gate after the other: all at once do not fit 16 registers.
                let (o, o_slope) = r.recall(simd, load(simd, &zo[j..]));
                let (y, c_kept) = a.value(simd, load(simd, &c[j..]));
                let (_, c_slope) = a.recall(simd, c_kept);
                let dy = load(simd, &dh[j..]);
                store(simd, &mut zo[j..], through(simd, simd.mul_f32s(dy, y), o_slope));
                let carry = mul_add(simd, simd.mul_f32s(dy, o), c_slope, load(simd, &dc[j..]));
                let (f, f_slope) = r.recall(simd, load(simd, &zf[j..]));
                store(simd, &mut zf[j..], through(simd, simd.mul_f32s(carry, load(simd, &c_past[j..])), f_slope));
                store(simd, &mut dc[j..], flush(simd, simd.mul_f32s(carry, f)));
                let (i, i_slope) = r.recall(simd, load(simd, &zi[j..]));
                let (g, g_slope) = a.recall(simd, load(simd, &zg[j..]));
                store(simd, &mut zi[j..], through(simd, simd.mul_f32s(carry, g), i_slope));
                store(simd, &mut zg[j..], through(simd, simd.mul_f32s(carry, i), g_slope));
            }
            dh.fill(0.0);
        }
    }
}
