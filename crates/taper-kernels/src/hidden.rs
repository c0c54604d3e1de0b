//! A wide hidden layer between few inputs and one output, together with that output: `y = f(x w + bias)`, `z = y v + c`.
//!
//! One pass each way instead of two. The gradient of `y` is the outer product of `dz` and `v`, as large as `y` itself and read
//! once: it is never written down, and a rectifier's `y` is not either.

// Loads without bounds checks, as in `narrow.rs`: every size is asserted once per kernel.
#![allow(unsafe_code)] // each block below says why it holds

use pulp::Simd;

use crate::activation::{Function, Relu, Tanh, Unary};
use crate::lane::{flush, load, mul_add, store};
use crate::macros::kernel;
use crate::narrow::{FEW, keep, last_lanes};

/// Units from which on every instruction set can fill a vector.
const WIDE: usize = 16;

/// Rows whose sums are kept at a time.
const ROWS: usize = 32;
/// Rows of one turn of the loop over them.
const TOGETHER: usize = 4;

/// Whether there are kernels for a hidden layer of this kind.
#[must_use]
pub fn is_hidden(unary: Unary, inputs: usize, units: usize) -> bool {
    matches!(unary, Unary::Relu | Unary::Tanh) && (1..=FEW).contains(&inputs) && units >= WIDE
}

/// Whether the way back reads the hidden values. A rectifier's are worked out again: that takes less time than to write them
/// down and to read them.
#[must_use]
pub fn reads_values(unary: Unary) -> bool {
    unary != Unary::Relu
}

/// Both layers forward, for a hidden layer that [`is_hidden`].
///
/// `x` is (rows × inputs), `w` (inputs × units), `v` has `units` numbers, `y` is (rows × units), `z` has one number a row. `bias`
/// (`units`) and `c` (1) may be empty (none), and so may `y` where nobody [reads](reads_values) it.
pub fn forward(unary: Unary, x: &[f32], w: &[f32], bias: &[f32], v: &[f32], c: &[f32], y: &mut [f32], z: &mut [f32]) {
    match unary {
        Unary::Tanh => forward_of(Tanh, x, w, bias, v, c, y, z),
        _ => forward_of(Relu, x, w, bias, v, c, y, z),
    }
}

/// Back through [`forward`], from `dz`. With s = f' dz, row by row: `dw = (xᵀ s) v`, `dbias = (Σ s) v`, `dv = yᵀ dz`, `dc = Σ dz`.
/// `dbias` and `dc` may be empty (none), and so may `y` where it is not [read](reads_values).
///
/// A rectifier's yᵀ dz is also w (xᵀ s) + bias (Σ s), without another product for every row; but that rounds otherwise, and 200
/// epochs later the weights are 7e-5 from Keras's instead of 2e-6.
pub fn backward(
    unary: Unary,
    x: &[f32],
    w: &[f32],
    bias: &[f32],
    v: &[f32],
    y: &[f32],
    dz: &[f32],
    dw: &mut [f32],
    dbias: &mut [f32],
    dv: &mut [f32],
    dc: &mut [f32],
) {
    match (unary, w.len() / v.len()) {
        (Unary::Tanh, 1) => kept_gradients::<_, 1>(Tanh, x, v, y, dz, dw, dbias, dv),
        (Unary::Tanh, 2) => kept_gradients::<_, 2>(Tanh, x, v, y, dz, dw, dbias, dv),
        (Unary::Tanh, 3) => kept_gradients::<_, 3>(Tanh, x, v, y, dz, dw, dbias, dv),
        (Unary::Tanh, _) => kept_gradients::<_, FEW>(Tanh, x, v, y, dz, dw, dbias, dv),
        (_, 1) => rectified_gradients::<1>(x, w, bias, v, dz, dw, dbias, dv),
        (_, 2) => rectified_gradients::<2>(x, w, bias, v, dz, dw, dbias, dv),
        (_, 3) => rectified_gradients::<3>(x, w, bias, v, dz, dw, dbias, dv),
        (_, _) => rectified_gradients::<FEW>(x, w, bias, v, dz, dw, dbias, dv),
    }
    if let [dc] = dc {
        *dc = crate::reduce::sum(dz) as f32;
    }
}

fn forward_of<F: Function>(
    f: F,
    x: &[f32],
    w: &[f32],
    bias: &[f32],
    v: &[f32],
    c: &[f32],
    y: &mut [f32],
    z: &mut [f32],
) {
    match w.len() / v.len() {
        1 => both_layers::<_, 1>(f, x, w, bias, v, c, y, z),
        2 => both_layers::<_, 2>(f, x, w, bias, v, c, y, z),
        3 => both_layers::<_, 3>(f, x, w, bias, v, c, y, z),
        _ => both_layers::<_, FEW>(f, x, w, bias, v, c, y, z),
    }
}

kernel! {
    fn both_layers<F: Function> [const K] (
        simd: S, f: F, x: &'a [f32], w: &'a [f32], bias: &'a [f32], v: &'a [f32], c: &'a [f32], y: &'a mut [f32],
        z: &'a mut [f32],
    ) {
        let (n, rows) = (v.len(), z.len());
        assert!(n >= WIDE && w.len() == K * n && x.len() == rows * K && (y.is_empty() || y.len() == rows * n));
        assert!((bias.is_empty() || bias.len() == n) && c.len() <= 1);
        let c = c.first().copied().unwrap_or(0.0);
        for first in (0..rows).step_by(ROWS) {
            let z = &mut z[first..rows.min(first + ROWS)];
            let x = &x[first * K..][..z.len() * K];
            let y = if y.is_empty() { &mut [][..] } else { &mut y[first * n..][..z.len() * n] };
            let mut sums = Sums([simd.splat_f32s(0.0); ROWS]);
            let sums = &mut sums.0[..z.len()];
            let mut j = 0;
            while K <= 2 && j + 2 * S::F32_LANES <= n {
                some_units::<S, F, K, 2>(simd, f, j, j, x, w, bias, v, y, sums);
                j += 2 * S::F32_LANES;
            }
            while j < n {
                // The last vector holds some columns once more; they must not be summed again.
                some_units::<S, F, K, 1>(simd, f, j.min(n - S::F32_LANES), j, x, w, bias, v, y, sums);
                j += S::F32_LANES;
            }
            for (z, sum) in z.iter_mut().zip(sums) {
                *z = simd.reduce_sum_f32s(*sum) + c;
            }
        }
    }
}

/// Read and written again and again: none of them may lie across two lines of the cache.
#[repr(align(64))]
struct Sums<V>([V; ROWS]);

/// `B` vectors of units from `at` on, of which those from `from` on are added to the rows' sums.
#[inline(always)]
fn some_units<S: Simd, F: Function, const K: usize, const B: usize>(
    simd: S,
    f: F,
    at: usize,
    from: usize,
    x: &[f32],
    w: &[f32],
    bias: &[f32],
    v: &[f32],
    y: &mut [f32],
    sums: &mut [S::f32s],
) {
    let n = v.len();
    let (weights, starts) = weights::<S, K, B>(simd, at, w, bias, n);
    // SAFETY: the caller keeps blocks of units within n, and v has n entries.
    let mut outgoing: [_; B] = std::array::from_fn(|b| unsafe { load(simd, v, at + b * S::F32_LANES) });
    if at < from {
        outgoing[0] = keep(simd, outgoing[0], last_lanes(simd, n - from));
    }
    // Several rows a turn: a loop of one row is a fifth counting and branching.
    let (groups, rest) = sums.as_chunks_mut::<TOGETHER>();
    let grouped = groups.len() * TOGETHER;
    for (group, sums) in groups.iter_mut().enumerate() {
        for r in 0..TOGETHER {
            let i = group * TOGETHER + r;
            one_row::<S, F, K, B>(simd, f, i, at, n, x, &weights, &starts, &outgoing, y, &mut sums[r]);
        }
    }
    for (i, sum) in rest.iter_mut().enumerate() {
        one_row::<S, F, K, B>(simd, f, grouped + i, at, n, x, &weights, &starts, &outgoing, y, sum);
    }
}

/// Row `i`'s values of `B` vectors of units from `at` on, added to its sum.
#[inline(always)]
fn one_row<S: Simd, F: Function, const K: usize, const B: usize>(
    simd: S,
    f: F,
    i: usize,
    at: usize,
    n: usize,
    x: &[f32],
    weights: &[[S::f32s; B]; K],
    starts: &[S::f32s; B],
    outgoing: &[S::f32s; B],
    y: &mut [f32],
    sum: &mut S::f32s,
) {
    for b in 0..B {
        let value = f.value(simd, weighted_sum(simd, i, b, x, weights, starts));
        *sum = mul_add(simd, value, outgoing[b], *sum);
        if !y.is_empty() {
            // SAFETY: the caller keeps blocks of units within n; y, where kept, has a row of n for each sum.
            unsafe { store(simd, y, i * n + at + b * S::F32_LANES, value) };
        }
    }
}

/// The weights and biases of `B` vectors of units from `j` on, which the caller keeps within `n`.
#[inline(always)]
fn weights<S: Simd, const K: usize, const B: usize>(
    simd: S,
    j: usize,
    w: &[f32],
    bias: &[f32],
    n: usize,
) -> ([[S::f32s; B]; K], [S::f32s; B]) {
    let (mut weights, mut starts) = ([[simd.splat_f32s(0.0); B]; K], [simd.splat_f32s(0.0); B]);
    for b in 0..B {
        let at = j + b * S::F32_LANES;
        for k in 0..K {
            // SAFETY: w has K rows of n, and at + lanes <= n.
            weights[k][b] = unsafe { load(simd, w, k * n + at) };
        }
        if !bias.is_empty() {
            // SAFETY: a bias has n entries.
            starts[b] = unsafe { load(simd, bias, at) };
        }
    }
    (weights, starts)
}

/// What reaches the units of vector `b` in row `i`. Both ways must round it alike.
#[inline(always)]
fn weighted_sum<S: Simd, const K: usize, const B: usize>(
    simd: S,
    i: usize,
    b: usize,
    x: &[f32],
    weights: &[[S::f32s; B]; K],
    starts: &[S::f32s; B],
) -> S::f32s {
    let mut sum = starts[b];
    for k in 0..K {
        // SAFETY: x has K numbers for each row.
        sum = mul_add(simd, simd.splat_f32s(unsafe { *x.get_unchecked(i * K + k) }), weights[k][b], sum);
    }
    sum
}

kernel! {
    fn kept_gradients<F: Function> [const K] (
        simd: S, f: F, x: &'a [f32], v: &'a [f32], y: &'a [f32], dz: &'a [f32], dw: &'a mut [f32], dbias: &'a mut [f32],
        dv: &'a mut [f32],
    ) {
        let n = v.len();
        assert!(n >= WIDE && x.len() == dz.len() * K && y.len() == dz.len() * n);
        assert!(dw.len() == K * n && dv.len() == n && (dbias.is_empty() || dbias.len() == n));
        let mut j = 0;
        while K <= 2 && j + 2 * S::F32_LANES <= n {
            kept_columns::<S, F, K, 2>(simd, f, j, x, v, y, dz, dw, dbias, dv);
            j += 2 * S::F32_LANES;
        }
        while j < n {
            // The last columns together with some before them once more: the same numbers are written twice.
            kept_columns::<S, F, K, 1>(simd, f, j.min(n - S::F32_LANES), x, v, y, dz, dw, dbias, dv);
            j += S::F32_LANES;
        }
    }
}

/// `B` vectors of columns from `j` on, which the caller keeps within `v`, of hidden values that were kept.
#[inline(always)]
fn kept_columns<S: Simd, F: Function, const K: usize, const B: usize>(
    simd: S,
    f: F,
    j: usize,
    x: &[f32],
    v: &[f32],
    y: &[f32],
    dz: &[f32],
    dw: &mut [f32],
    dbias: &mut [f32],
    dv: &mut [f32],
) {
    some_columns::<S, K, B>(
        simd,
        j,
        x,
        v,
        dz,
        dw,
        dbias,
        dv,
        #[inline(always)]
        |i, b, dz| {
            // SAFETY: the caller keeps columns within v; y has a row as long for each of dz.
            let y = unsafe { load(simd, y, i * v.len() + j + b * S::F32_LANES) };
            (f.pull(simd, y, dz), y)
        },
    );
}

kernel! {
    fn rectified_gradients[const K] (
        simd: S, x: &'a [f32], w: &'a [f32], bias: &'a [f32], v: &'a [f32], dz: &'a [f32], dw: &'a mut [f32],
        dbias: &'a mut [f32], dv: &'a mut [f32],
    ) {
        let n = v.len();
        assert!(n >= WIDE && x.len() == dz.len() * K && w.len() == K * n && (bias.is_empty() || bias.len() == n));
        assert!(dw.len() == K * n && dv.len() == n && dbias.len() == bias.len());
        let mut j = 0;
        while K <= 2 && j + 2 * S::F32_LANES <= n {
            rectified_columns::<S, K, 2>(simd, j, x, w, bias, v, dz, dw, dbias, dv);
            j += 2 * S::F32_LANES;
        }
        while j < n {
            rectified_columns::<S, K, 1>(simd, j.min(n - S::F32_LANES), x, w, bias, v, dz, dw, dbias, dv);
            j += S::F32_LANES;
        }
    }
}

/// The same of a rectifier's, whose values are worked out again.
#[inline(always)]
fn rectified_columns<S: Simd, const K: usize, const B: usize>(
    simd: S,
    j: usize,
    x: &[f32],
    w: &[f32],
    bias: &[f32],
    v: &[f32],
    dz: &[f32],
    dw: &mut [f32],
    dbias: &mut [f32],
    dv: &mut [f32],
) {
    let (weights, starts) = weights::<S, K, B>(simd, j, w, bias, v.len());
    some_columns::<S, K, B>(
        simd,
        j,
        x,
        v,
        dz,
        dw,
        dbias,
        dv,
        #[inline(always)]
        |i, b, dz| {
            let y = Relu.value(simd, weighted_sum(simd, i, b, x, &weights, &starts));
            (Relu.pull(simd, y, dz), y)
        },
    );
}

/// The gradients of `B` vectors of columns from `j` on, which the caller keeps within `v`. `outcome` says of a row, a vector and the
/// row's `dz` what the slope s is, and y.
#[inline(always)]
fn some_columns<S: Simd, const K: usize, const B: usize>(
    simd: S,
    j: usize,
    x: &[f32],
    v: &[f32],
    dz: &[f32],
    dw: &mut [f32],
    dbias: &mut [f32],
    dv: &mut [f32],
    outcome: impl Fn(usize, usize, S::f32s) -> (S::f32s, S::f32s),
) {
    let n = v.len();
    let zero = simd.splat_f32s(0.0);
    let (mut of_inputs, mut of_slopes, mut of_values) = ([[zero; B]; K], [zero; B], [zero; B]);
    for i in 0..dz.len() {
        // SAFETY: i < dz.len(). A checked load would pass through another register.
        let dz = simd.splat_f32s(unsafe { *dz.get_unchecked(i) });
        for b in 0..B {
            let (slope, y) = outcome(i, b, dz);
            of_values[b] = mul_add(simd, y, dz, of_values[b]);
            of_slopes[b] = simd.add_f32s(of_slopes[b], slope);
            for k in 0..K {
                // SAFETY: x has K numbers for each of dz.
                let x = simd.splat_f32s(unsafe { *x.get_unchecked(i * K + k) });
                of_inputs[k][b] = mul_add(simd, x, slope, of_inputs[k][b]);
            }
        }
    }
    for b in 0..B {
        let at = j + b * S::F32_LANES;
        // SAFETY: the caller keeps column blocks within n; v and dv have n entries, and so has dbias if any, dw has K rows of n.
        unsafe {
            store(simd, dv, at, flush(simd, of_values[b]));
            let v = load(simd, v, at);
            for k in 0..K {
                store(simd, dw, k * n + at, flush(simd, simd.mul_f32s(of_inputs[k][b], v)));
            }
            if !dbias.is_empty() {
                store(simd, dbias, at, flush(simd, simd.mul_f32s(of_slopes[b], v)));
            }
        }
    }
}

#[cfg(test)]
mod tests;
