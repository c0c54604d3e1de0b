//! The step of a simple recurrent layer.

use super::{Any, Gate, Tanh, check_lens, load, store, through};
use crate::activation::Unary;
use crate::macros::kernel;

/// One step of a simple recurrent layer: `h = f(z)`.
pub fn forward(f: Unary, units: usize, mask: &[f32], z: &mut [f32], h_past: &[f32], h: &mut [f32]) {
    check_lens(mask.len(), units, 1, &[z], &[h_past, h]);
    if f == Unary::Tanh {
        step(Tanh, units, mask, z, h_past, h);
    } else {
        step(Any(f), units, mask, z, h_past, h);
    }
}

/// Back through [`forward`].
pub fn backward(f: Unary, units: usize, mask: &[f32], z: &mut [f32], dh: &mut [f32]) {
    check_lens(mask.len(), units, 1, &[z], &[dh]);
    if f == Unary::Tanh {
        step_back(Tanh, units, mask, z, dh);
    } else {
        step_back(Any(f), units, mask, z, dh);
    }
}

kernel! {
    fn step<A: Gate>(
        simd: S, a: A, units: usize, mask: &'a [f32], z: &'a mut [f32], h_past: &'a [f32], h: &'a mut [f32],
    ) {
        let rows = mask.iter().zip(z.chunks_exact_mut(units)).zip(h_past.chunks_exact(units)).zip(h.chunks_exact_mut(units));
        for (((counts, z), h_past), h) in rows {
            if *counts == 0.0 {
                h.copy_from_slice(h_past);
                continue;
            }
            for j in (0..units).step_by(S::F32_LANES) {
                let (y, kept) = a.value(simd, load(simd, &z[j..]));
                store(simd, &mut z[j..], kept);
                store(simd, &mut h[j..], y);
            }
        }
    }
}

kernel! {
    fn step_back<A: Gate>(simd: S, a: A, units: usize, mask: &'a [f32], z: &'a mut [f32], dh: &'a mut [f32]) {
        for ((counts, z), dh) in mask.iter().zip(z.chunks_exact_mut(units)).zip(dh.chunks_exact_mut(units)) {
            if *counts == 0.0 {
                z.fill(0.0);
                continue;
            }
            for j in (0..units).step_by(S::F32_LANES) {
                let (_, slope) = a.recall(simd, load(simd, &z[j..]));
                let dz = through(simd, load(simd, &dh[j..]), slope);
                store(simd, &mut z[j..], dz);
            }
            dh.fill(0.0);
        }
    }
}
