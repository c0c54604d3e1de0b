//! Matrix products with a tiny dimension: few inputs, or one output.
//!
//! The last columns, which do not fill a vector, are computed together with the ones before them once more: the same numbers
//! are written twice, and no load has to stop short.

// Loads without bounds checks, their bounds asserted once per kernel: with checks these loops take twice as long.
#![allow(unsafe_code)] // each block below says why it holds

use pulp::Simd;

use crate::activation::Function;
use crate::lane::{flush, load, mul_add, store};
use crate::macros::kernel;

/// Up to this many inputs, a product is written as a sum of scaled rows.
pub(crate) const FEW: usize = 4;

pub(crate) fn few_inputs_forward<F: Function>(f: F, inputs: usize, x: &[f32], w: &[f32], bias: &[f32], y: &mut [f32]) {
    match inputs {
        1 => scaled_rows::<_, 1>(f, x, w, bias, y),
        2 => scaled_rows::<_, 2>(f, x, w, bias, y),
        3 => scaled_rows::<_, 3>(f, x, w, bias, y),
        _ => scaled_rows::<_, FEW>(f, x, w, bias, y),
    }
}

pub(crate) fn few_inputs_backward<F: Function>(
    f: F,
    inputs: usize,
    x: &[f32],
    saved: &[f32],
    dy: &[f32],
    dw: &mut [f32],
    dbias: &mut [f32],
) {
    match inputs {
        1 => weighted_sums::<_, 1>(f, x, saved, dy, dw, dbias),
        2 => weighted_sums::<_, 2>(f, x, saved, dy, dw, dbias),
        3 => weighted_sums::<_, 3>(f, x, saved, dy, dw, dbias),
        _ => weighted_sums::<_, FEW>(f, x, saved, dy, dw, dbias),
    }
}

kernel! {
    /// `y[i, :] = f(bias + Σ_k x[i, k] w[k, :])` for few k: the weights of a block of columns stay in registers over all rows.
    fn scaled_rows<F: Function> [const K] (
        simd: S, f: F, x: &'a [f32], w: &'a [f32], bias: &'a [f32], y: &'a mut [f32],
    ) {
        let n = w.len() / K;
        let rows = x.len() / K;
        assert!(y.len() >= rows * n && (bias.is_empty() || bias.len() == n));
        // The weights of a block, K vectors for each of its own, and the bias leave registers for the sums.
        let wide = if K == 1 { 4 } else { 2 };
        let mut j = 0;
        while j + wide * S::F32_LANES <= n {
            if K == 1 {
                scaled_rows_block::<S, F, K, 4>(simd, f, j, n, x, w, bias, y);
            } else {
                scaled_rows_block::<S, F, K, 2>(simd, f, j, n, x, w, bias, y);
            }
            j += wide * S::F32_LANES;
        }
        while j < n && n >= S::F32_LANES {
            scaled_rows_block::<S, F, K, 1>(simd, f, j.min(n - S::F32_LANES), n, x, w, bias, y);
            j += S::F32_LANES;
        }
        if j < n {
            // Less than a vector in all.
            let start = if bias.is_empty() { simd.splat_f32s(0.0) } else { simd.partial_load_f32s(bias) };
            for (x, y) in x.chunks_exact(K).zip(y.chunks_exact_mut(n)) {
                let mut sum = start;
                for k in 0..K {
                    sum = mul_add(simd, simd.splat_f32s(x[k]), simd.partial_load_f32s(&w[k * n..(k + 1) * n]), sum);
                }
                simd.partial_store_f32s(y, f.value(simd, sum));
            }
        }
    }
}

#[inline(always)]
fn scaled_rows_block<S: Simd, F: Function, const K: usize, const B: usize>(
    simd: S,
    f: F,
    j: usize,
    n: usize,
    x: &[f32],
    w: &[f32],
    bias: &[f32],
    y: &mut [f32],
) {
    let zero = simd.splat_f32s(0.0);
    let mut weights = [[zero; B]; K];
    let mut start = [zero; B];
    for b in 0..B {
        let at = j + b * S::F32_LANES;
        for k in 0..K {
            // SAFETY: the caller keeps column blocks within n, and w has K rows of n.
            weights[k][b] = unsafe { load(simd, w, k * n + at) };
        }
        if !bias.is_empty() {
            // SAFETY: as above; a bias has n entries.
            start[b] = unsafe { load(simd, bias, at) };
        }
    }
    for (i, x) in x.chunks_exact(K).enumerate() {
        for b in 0..B {
            let mut sum = start[b];
            for k in 0..K {
                sum = mul_add(simd, simd.splat_f32s(x[k]), weights[k][b], sum);
            }
            // SAFETY: as above; y has a row of n for each row of x.
            unsafe { store(simd, y, i * n + j + b * S::F32_LANES, f.value(simd, sum)) };
        }
    }
}

kernel! {
    /// `dw[k, :] = Σ_i x[i, k] dz[i, :]` for few k, and `dbias = Σ_i dz[i, :]` where `dbias` is not empty, with
    /// `dz = dy · f'` formed on the way (`saved` may be empty for the identity).
    fn weighted_sums<F: Function> [const K] (
        simd: S, f: F, x: &'a [f32], saved: &'a [f32], dy: &'a [f32], dw: &'a mut [f32], dbias: &'a mut [f32],
    ) {
        match (saved.is_empty(), dbias.is_empty()) {
            (true, true) => weighted_sums_of::<S, F, K, false, false>(simd, f, x, saved, dy, dw, dbias),
            (true, false) => weighted_sums_of::<S, F, K, false, true>(simd, f, x, saved, dy, dw, dbias),
            (false, true) => weighted_sums_of::<S, F, K, true, false>(simd, f, x, saved, dy, dw, dbias),
            (false, false) => weighted_sums_of::<S, F, K, true, true>(simd, f, x, saved, dy, dw, dbias),
        }
    }
}

/// [`weighted_sums`]; whether there is an activation and a bias is settled outside the loops.
#[inline(always)]
fn weighted_sums_of<S: Simd, F: Function, const K: usize, const SAVED: bool, const BIAS: bool>(
    simd: S,
    f: F,
    x: &[f32],
    saved: &[f32],
    dy: &[f32],
    dw: &mut [f32],
    dbias: &mut [f32],
) {
    let n = dw.len() / K;
    let rows = x.len() / K;
    assert!(dy.len() >= rows * n && (!SAVED || saved.len() >= rows * n) && (!BIAS || dbias.len() == n));
    // So many sums, K and one for the bias of each vector, that they hide each other's latency and leave some of 16 registers.
    let mut j = 0;
    let wide = match (K, BIAS) {
        (1, false) => 8,
        (1, true) | (2, _) => 4,
        _ => 2,
    };
    while j + wide * S::F32_LANES <= n {
        match wide {
            8 => weighted_sums_block::<S, F, K, 8, SAVED, BIAS>(simd, f, j, n, x, saved, dy, dw, dbias),
            4 => weighted_sums_block::<S, F, K, 4, SAVED, BIAS>(simd, f, j, n, x, saved, dy, dw, dbias),
            _ => weighted_sums_block::<S, F, K, 2, SAVED, BIAS>(simd, f, j, n, x, saved, dy, dw, dbias),
        }
        j += wide * S::F32_LANES;
    }
    while j + 2 * S::F32_LANES <= n {
        weighted_sums_block::<S, F, K, 2, SAVED, BIAS>(simd, f, j, n, x, saved, dy, dw, dbias);
        j += 2 * S::F32_LANES;
    }
    while j < n && n >= S::F32_LANES {
        let at = j.min(n - S::F32_LANES);
        weighted_sums_block::<S, F, K, 1, SAVED, BIAS>(simd, f, at, n, x, saved, dy, dw, dbias);
        j += S::F32_LANES;
    }
    if j < n {
        weighted_sums_rest::<S, F, K, SAVED, BIAS>(simd, f, n, x, saved, dy, dw, dbias);
    }
}

/// One block of columns.
#[inline(always)]
fn weighted_sums_block<S: Simd, F: Function, const K: usize, const B: usize, const SAVED: bool, const BIAS: bool>(
    simd: S,
    f: F,
    j: usize,
    n: usize,
    x: &[f32],
    saved: &[f32],
    dy: &[f32],
    dw: &mut [f32],
    dbias: &mut [f32],
) {
    let zero = simd.splat_f32s(0.0);
    let mut sums = [[zero; B]; K];
    let mut total = [zero; B];
    for (i, x) in x.chunks_exact(K).enumerate() {
        for b in 0..B {
            let at = i * n + j + b * S::F32_LANES;
            // SAFETY: the caller keeps column blocks within n, and dy and saved have a row of n for each row of x.
            let mut dz = unsafe { load(simd, dy, at) };
            if SAVED {
                // SAFETY: as above.
                dz = f.pull(simd, unsafe { load(simd, saved, at) }, dz);
            }
            for k in 0..K {
                sums[k][b] = mul_add(simd, simd.splat_f32s(x[k]), dz, sums[k][b]);
            }
            if BIAS {
                total[b] = simd.add_f32s(total[b], dz);
            }
        }
    }
    for b in 0..B {
        let at = j + b * S::F32_LANES;
        for k in 0..K {
            // SAFETY: as above; dw has K rows of n.
            unsafe { store(simd, dw, k * n + at, flush(simd, sums[k][b])) };
        }
        if BIAS {
            // SAFETY: as above; dbias has n entries.
            unsafe { store(simd, dbias, at, flush(simd, total[b])) };
        }
    }
}

/// Less than a vector of columns in all.
#[inline(always)]
fn weighted_sums_rest<S: Simd, F: Function, const K: usize, const SAVED: bool, const BIAS: bool>(
    simd: S,
    f: F,
    n: usize,
    x: &[f32],
    saved: &[f32],
    dy: &[f32],
    dw: &mut [f32],
    dbias: &mut [f32],
) {
    let mut sums = [simd.splat_f32s(0.0); K];
    let mut total = simd.splat_f32s(0.0);
    for (i, x) in x.chunks_exact(K).enumerate() {
        let row = i * n..(i + 1) * n;
        let mut dz = simd.partial_load_f32s(&dy[row.clone()]);
        if SAVED {
            dz = f.pull(simd, simd.partial_load_f32s(&saved[row]), dz);
        }
        for k in 0..K {
            sums[k] = mul_add(simd, simd.splat_f32s(x[k]), dz, sums[k]);
        }
        total = simd.add_f32s(total, dz);
    }
    for k in 0..K {
        simd.partial_store_f32s(&mut dw[k * n..(k + 1) * n], flush(simd, sums[k]));
    }
    if BIAS {
        simd.partial_store_f32s(dbias, flush(simd, total));
    }
}

kernel! {
    /// `y[i] = Σ_k x[i, k] w[k]`, eight rows at a time so that `w` is read once for all of them.
    pub(crate) fn dots(simd: S, x: &'a [f32], w: &'a [f32], y: &'a mut [f32]) {
        let k = w.len();
        assert_eq!(x.len(), y.len() * k);
        let (mut x, mut y) = (x, y);
        while y.len() >= 8 {
            let (now, rest) = y.split_at_mut(8);
            dots_of::<S, 8>(simd, x, w, now);
            (y, x) = (rest, &x[8 * k..]);
        }
        while y.len() >= 2 {
            let (now, rest) = y.split_at_mut(2);
            dots_of::<S, 2>(simd, x, w, now);
            (y, x) = (rest, &x[2 * k..]);
        }
        if !y.is_empty() {
            dots_of::<S, 1>(simd, x, w, y);
        }
    }
}

#[inline(always)]
fn dots_of<S: Simd, const ROWS: usize>(simd: S, x: &[f32], w: &[f32], y: &mut [f32]) {
    let (k, lanes) = (w.len(), S::F32_LANES);
    assert!(x.len() >= ROWS * k);
    let mut sums = [simd.splat_f32s(0.0); ROWS];
    let mut l = 0;
    while l + lanes <= k {
        // SAFETY: l + lanes <= k, and x has ROWS rows of k.
        let w = unsafe { load(simd, w, l) };
        for r in 0..ROWS {
            // SAFETY: as above.
            sums[r] = mul_add(simd, unsafe { load(simd, x, r * k + l) }, w, sums[r]);
        }
        l += lanes;
    }
    if l < k && k >= lanes {
        // The last vector once more, without the numbers that have been summed.
        let (at, wanted) = (k - lanes, last_lanes(simd, k - l));
        // SAFETY: at + lanes = k.
        let w = keep(simd, unsafe { load(simd, w, at) }, wanted);
        for r in 0..ROWS {
            // SAFETY: as above.
            sums[r] = mul_add(simd, keep(simd, unsafe { load(simd, x, r * k + at) }, wanted), w, sums[r]);
        }
    } else if l < k {
        let w = simd.partial_load_f32s(w);
        for r in 0..ROWS {
            sums[r] = mul_add(simd, simd.partial_load_f32s(&x[r * k..(r + 1) * k]), w, sums[r]);
        }
    }
    for r in 0..ROWS {
        y[r] = simd.reduce_sum_f32s(sums[r]);
    }
}

/// All bits set in the last `n` lanes, none in the others.
#[inline(always)]
pub(crate) fn last_lanes<S: Simd>(simd: S, n: usize) -> S::u32s {
    const BITS: [f32; 32] = {
        let mut bits = [f32::from_bits(u32::MAX); 32];
        let mut i = 0;
        while i < 16 {
            bits[i] = 0.0;
            i += 1;
        }
        bits
    };
    assert!(n <= S::F32_LANES && S::F32_LANES <= 16);
    // SAFETY: at most 16 lanes, from a place that is at most 16.
    simd.transmute_u32s_f32s(unsafe { load(simd, &BITS, 16 + n - S::F32_LANES) })
}

/// The lanes of `x` whose bits are all set in `wanted`, else 0.
#[inline(always)]
pub(crate) fn keep<S: Simd>(simd: S, x: S::f32s, wanted: S::u32s) -> S::f32s {
    simd.transmute_f32s_u32s(simd.and_u32s(simd.transmute_u32s_f32s(x), wanted))
}
