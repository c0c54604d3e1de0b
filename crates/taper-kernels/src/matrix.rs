//! Matrix products.
//!
//! Large shapes go to the packed product; shapes with a tiny dimension, where packing wastes most of its work, have kernels
//! here. Which one runs depends on the shape alone.

// Loads without bounds checks, their bounds asserted once per kernel: with checks these loops take twice as long.
#![allow(unsafe_code)]

use pulp::Simd;

use crate::activation::{Function, Linear, Relu, Unary};
use crate::lane::{flush, load, mul_add, store, zip_in_place};
use crate::macros::kernel;

/// A read-only matrix over a slice: element (i, j) at `i·row_stride + j·col_stride`.
#[derive(Debug, Clone, Copy)]
pub struct Matrix<'a> {
    data: &'a [f32],
    rows: usize,
    cols: usize,
    row_stride: usize,
    col_stride: usize,
}

impl<'a> Matrix<'a> {
    /// A row-major matrix.
    #[must_use]
    pub fn new(data: &'a [f32], rows: usize, cols: usize) -> Self {
        Self::strided(data, rows, cols, cols)
    }

    /// A row-major matrix whose rows start `row_stride` apart.
    #[must_use]
    pub fn strided(data: &'a [f32], rows: usize, cols: usize, row_stride: usize) -> Self {
        assert!(cols <= row_stride || rows <= 1, "rows overlap");
        assert!(
            rows == 0 || cols == 0 || (rows - 1) * row_stride + cols <= data.len(),
            "matrix does not fit its slice"
        );
        Self { data, rows, cols, row_stride, col_stride: 1 }
    }

    /// How many rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// How many columns.
    #[must_use]
    pub fn cols(&self) -> usize {
        self.cols
    }

    /// The numbers, and how far apart rows and columns are.
    pub(crate) fn parts(&self) -> (&'a [f32], usize, usize) {
        (self.data, self.row_stride, self.col_stride)
    }

    /// The same numbers, transposed.
    #[must_use]
    pub fn t(self) -> Self {
        Self { rows: self.cols, cols: self.rows, row_stride: self.col_stride, col_stride: self.row_stride, ..self }
    }
}

/// `c = a b`, or `c += a b` where `accumulate`; `c` is row-major with rows `c_stride` apart.
///
/// The summed dimension is never split over threads, so the bits do not depend on them.
pub fn matmul_into(a: Matrix<'_>, b: Matrix<'_>, c: &mut [f32], c_stride: usize, accumulate: bool) {
    let (m, k, n) = (a.rows, a.cols, b.cols);
    assert_eq!(k, b.rows, "inner dimensions differ");
    assert!(m == 0 || n == 0 || (m - 1) * c_stride + n <= c.len() && (n <= c_stride || m <= 1), "result does not fit");
    if m == 0 || n == 0 {
        return;
    }
    crate::product::product(a, b, c, c_stride, accumulate);
}

/// `c = a b`; `c` is row-major and dense.
pub fn matmul(a: Matrix<'_>, b: Matrix<'_>, c: &mut [f32]) {
    matmul_into(a, b, c, b.cols, false);
}

/// The forward pass of a dense layer: `y = f(x w + bias)`.
///
/// `x` is (batch × inputs), `w` (inputs × units), `y` (batch × units), all dense and row-major. `bias` may be empty (none).
pub fn dense_forward(
    unary: Unary,
    batch: usize,
    inputs: usize,
    units: usize,
    x: &[f32],
    w: &[f32],
    bias: &[f32],
    y: &mut [f32],
) {
    assert!(x.len() == batch * inputs && w.len() == inputs * units && y.len() == batch * units);
    assert!(bias.is_empty() || bias.len() == units);
    if inputs <= FEW && unary == Unary::Relu {
        return few_inputs_forward(Relu, inputs, x, w, bias, y);
    }
    if inputs <= FEW {
        few_inputs_forward(Linear, inputs, x, w, bias, y);
        return crate::activation::forward(unary, y);
    }
    if units == 1 {
        dots(x, w, y);
    } else {
        matmul(Matrix::new(x, batch, inputs), Matrix::new(w, inputs, units), y);
    }
    if bias.is_empty() {
        crate::activation::forward(unary, y);
    } else {
        crate::activation::bias_forward(unary, bias, y);
    }
}

/// The backward pass of a dense layer. With `dz = dy · f'`: `dw = xᵀ dz`, `dbias = Σ dz` (empty: none), and `dx = dz wᵀ`
/// where asked.
///
/// `saved` is what [`crate::activation::backward`] asks for. `dy` may be overwritten.
pub fn dense_backward(
    unary: Unary,
    batch: usize,
    inputs: usize,
    units: usize,
    x: &[f32],
    w: &[f32],
    saved: &[f32],
    dy: &mut [f32],
    dw: &mut [f32],
    dbias: &mut [f32],
    dx: Option<&mut [f32]>,
) {
    assert!(x.len() == batch * inputs && dw.len() == inputs * units && dy.len() == batch * units);
    assert!(unary == Unary::Linear || saved.len() == dy.len());
    if inputs <= FEW && unary == Unary::Relu && dx.is_none() {
        // The first layer of a small network: dz is used once, so it never leaves the registers.
        return few_inputs_backward(Relu, inputs, x, saved, dy, dw, dbias);
    }
    crate::activation::backward(unary, saved, dy);
    let dz = &*dy;
    if inputs <= FEW && dx.is_none() {
        return few_inputs_backward(Linear, inputs, x, &[], dz, dw, dbias);
    }
    if units == 1 {
        weighted_sums::<_, 1>(Linear, dz, &[], x, dw, &mut []);
    } else {
        matmul(Matrix::new(x, batch, inputs).t(), Matrix::new(dz, batch, units), dw);
    }
    if !dbias.is_empty() {
        column_sums(dz, dbias);
    }
    if let Some(dx) = dx {
        assert_eq!(dx.len(), batch * inputs);
        if units == 1 {
            scaled_rows::<_, 1>(Linear, dz, w, &[], dx);
        } else {
            matmul(Matrix::new(dz, batch, units), Matrix::new(w, inputs, units).t(), dx);
        }
    }
}

/// Up to this many inputs, a product is written as a sum of scaled rows.
const FEW: usize = 4;

fn few_inputs_forward<F: Function>(f: F, inputs: usize, x: &[f32], w: &[f32], bias: &[f32], y: &mut [f32]) {
    match inputs {
        1 => scaled_rows::<_, 1>(f, x, w, bias, y),
        2 => scaled_rows::<_, 2>(f, x, w, bias, y),
        3 => scaled_rows::<_, 3>(f, x, w, bias, y),
        _ => scaled_rows::<_, FEW>(f, x, w, bias, y),
    }
}

fn few_inputs_backward<F: Function>(
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

/// How many vectors of columns a kernel below keeps in registers at a time: so many that the sums hide each other's latency
/// and, with their weights, still fit the 16 registers of AVX2.
const fn block(k: usize) -> usize {
    if k <= 2 { 4 } else { 2 }
}

kernel! {
    /// `y[i, :] = f(bias + Σ_k x[i, k] w[k, :])` for few k: the weights of a block of columns stay in registers over all rows.
    fn scaled_rows<F: Function> [const K] (
        simd: S, f: F, x: &'a [f32], w: &'a [f32], bias: &'a [f32], y: &'a mut [f32],
    ) {
        let n = w.len() / K;
        let rows = x.len() / K;
        assert!(y.len() >= rows * n && (bias.is_empty() || bias.len() == n));
        let mut j = 0;
        // Four vectors of weights, times two, and of the bias leave registers for the sums only where k is 1.
        let wide = if K == 1 { 4 } else { 2 };
        while j + wide * S::F32_LANES <= n {
            if K == 1 {
                scaled_rows_block::<S, F, K, 4>(simd, f, j, n, x, w, bias, y);
            } else {
                scaled_rows_block::<S, F, K, 2>(simd, f, j, n, x, w, bias, y);
            }
            j += wide * S::F32_LANES;
        }
        while j + S::F32_LANES <= n {
            scaled_rows_block::<S, F, K, 1>(simd, f, j, n, x, w, bias, y);
            j += S::F32_LANES;
        }
        if j < n {
            let start = if bias.is_empty() { simd.splat_f32s(0.0) } else { simd.partial_load_f32s(&bias[j..]) };
            for (x, y) in x.chunks_exact(K).zip(y.chunks_exact_mut(n)) {
                let mut sum = start;
                for k in 0..K {
                    sum = mul_add(simd, simd.splat_f32s(x[k]), simd.partial_load_f32s(&w[k * n + j..(k + 1) * n]), sum);
                }
                simd.partial_store_f32s(&mut y[j..], f.value(simd, sum));
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
        let n = dw.len() / K;
        let rows = x.len() / K;
        assert!(dy.len() >= rows * n && (saved.is_empty() || saved.len() >= rows * n));
        assert!(dbias.is_empty() || dbias.len() == n);
        let wide = block(K) * S::F32_LANES;
        let mut j = 0;
        while j + wide <= n {
            if K <= 2 {
                weighted_sums_block::<S, F, K, 4>(simd, f, j, n, x, saved, dy, dw, dbias);
            } else {
                weighted_sums_block::<S, F, K, 2>(simd, f, j, n, x, saved, dy, dw, dbias);
            }
            j += wide;
        }
        while j + S::F32_LANES <= n {
            weighted_sums_block::<S, F, K, 1>(simd, f, j, n, x, saved, dy, dw, dbias);
            j += S::F32_LANES;
        }
        if j < n {
            let mut sums = [simd.splat_f32s(0.0); K];
            let mut total = simd.splat_f32s(0.0);
            for (i, x) in x.chunks_exact(K).enumerate() {
                let columns = i * n + j..(i + 1) * n;
                let mut dz = simd.partial_load_f32s(&dy[columns.clone()]);
                if !saved.is_empty() {
                    dz = f.pull(simd, simd.partial_load_f32s(&saved[columns]), dz);
                }
                for k in 0..K {
                    sums[k] = mul_add(simd, simd.splat_f32s(x[k]), dz, sums[k]);
                }
                total = simd.add_f32s(total, dz);
            }
            for k in 0..K {
                simd.partial_store_f32s(&mut dw[k * n + j..(k + 1) * n], flush(simd, sums[k]));
            }
            if !dbias.is_empty() {
                simd.partial_store_f32s(&mut dbias[j..], flush(simd, total));
            }
        }
    }
}

#[inline(always)]
fn weighted_sums_block<S: Simd, F: Function, const K: usize, const B: usize>(
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
    match (saved.is_empty(), dbias.is_empty()) {
        (true, true) => weighted_sums_of::<S, F, K, B, false, false>(simd, f, j, n, x, saved, dy, dw, dbias),
        (true, false) => weighted_sums_of::<S, F, K, B, false, true>(simd, f, j, n, x, saved, dy, dw, dbias),
        (false, true) => weighted_sums_of::<S, F, K, B, true, false>(simd, f, j, n, x, saved, dy, dw, dbias),
        (false, false) => weighted_sums_of::<S, F, K, B, true, true>(simd, f, j, n, x, saved, dy, dw, dbias),
    }
}

/// One block of columns; whether there is an activation and a bias is settled outside the loop.
#[inline(always)]
fn weighted_sums_of<S: Simd, F: Function, const K: usize, const B: usize, const SAVED: bool, const BIAS: bool>(
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

kernel! {
    /// `y[i] = Σ_k x[i, k] w[k]`, eight rows at a time so that `w` is read once for all of them.
    fn dots(simd: S, x: &'a [f32], w: &'a [f32], y: &'a mut [f32]) {
        let k = w.len();
        let mut y = y;
        let mut x = x;
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
    let k = w.len();
    let (w_head, w_tail) = S::as_simd_f32s(w);
    let mut heads: [&[S::f32s]; ROWS] = [&[]; ROWS];
    let mut tails: [&[f32]; ROWS] = [&[]; ROWS];
    for r in 0..ROWS {
        let (head, tail) = S::as_simd_f32s(&x[r * k..(r + 1) * k]);
        heads[r] = &head[..w_head.len()];
        tails[r] = tail;
    }
    let mut sums = [simd.splat_f32s(0.0); ROWS];
    for l in 0..w_head.len() {
        for r in 0..ROWS {
            sums[r] = mul_add(simd, heads[r][l], w_head[l], sums[r]);
        }
    }
    if !w_tail.is_empty() {
        let w = simd.partial_load_f32s(w_tail);
        for r in 0..ROWS {
            sums[r] = mul_add(simd, simd.partial_load_f32s(tails[r]), w, sums[r]);
        }
    }
    for r in 0..ROWS {
        y[r] = simd.reduce_sum_f32s(sums[r]);
    }
}

kernel! {
    /// `sums[j] = Σ_i x[i, j]`, rows as long as `sums`.
    pub fn column_sums(simd: S, x: &'a [f32], sums: &'a mut [f32]) {
        sums.fill(0.0);
        for row in x.chunks_exact(sums.len()) {
            zip_in_place(simd, row, sums, #[inline(always)] |x, sum| simd.add_f32s(sum, x));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::naive;
    use proptest::prelude::*;

    fn numbers(n: usize, seed: u32) -> Vec<f32> {
        let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(12345);
        (0..n)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 8) as f32 / 8_388_608.0 - 1.0
            })
            .collect()
    }

    fn close(got: &[f32], want: &[f32], terms: usize) -> Result<(), TestCaseError> {
        for (got, want) in got.iter().zip(want) {
            prop_assert!((got - want).abs() <= 1e-6 * (terms as f32 + 1.0), "{got} {want}");
        }
        Ok(())
    }

    proptest! {
        #[test]
        fn dense_agrees_with_its_naive_twin(
            batch in 1usize..40, inputs in prop_oneof![1usize..6, 6usize..40], units in prop_oneof![Just(1usize), 1usize..70],
            with_bias in any::<bool>(), wants_dx in any::<bool>(), seed in any::<u32>(),
        ) {
            let (x, w) = (numbers(batch * inputs, seed), numbers(inputs * units, seed ^ 1));
            let bias = if with_bias { numbers(units, seed ^ 2) } else { vec![] };
            let mut y = vec![f32::NAN; batch * units];
            dense_forward(Unary::Relu, batch, inputs, units, &x, &w, &bias, &mut y);
            let mut want = naive::matmul(batch, inputs, units, |i, k| x[i * inputs + k], |k, j| w[k * units + j]);
            for (i, want) in want.iter_mut().enumerate() {
                *want = (*want + bias.get(i % units).unwrap_or(&0.0)).max(0.0);
            }
            close(&y, &want, inputs)?;

            let mut dy = numbers(batch * units, seed ^ 3);
            let dz: Vec<f32> = dy.iter().zip(&y).map(|(dy, y)| if *y > 0.0 { *dy } else { 0.0 }).collect();
            let (mut dw, mut db, mut dx) =
                (vec![f32::NAN; inputs * units], vec![f32::NAN; bias.len()], vec![f32::NAN; batch * inputs]);
            dense_backward(
                Unary::Relu, batch, inputs, units, &x, &w, &y, &mut dy, &mut dw, &mut db,
                wants_dx.then_some(&mut dx[..]),
            );
            close(&dw, &naive::matmul(inputs, batch, units, |k, i| x[i * inputs + k], |i, j| dz[i * units + j]), batch)?;
            close(&db, &naive::matmul(1, batch, units, |_, _| 1.0, |i, j| dz[i * units + j])[..bias.len()], batch)?;
            if wants_dx {
                close(&dx, &naive::matmul(batch, units, inputs, |i, j| dz[i * units + j], |j, k| w[k * units + j]), units)?;
            }
        }

        #[test]
        fn strided_products_leave_the_gaps_alone(m in 1usize..20, k in 1usize..20, n in 1usize..20, gap in 0usize..5) {
            let (a, b) = (numbers(m * k, 1), numbers(k * n, 2));
            let mut c = vec![7.0; m * (n + gap)];
            matmul_into(Matrix::new(&a, m, k), Matrix::new(&b, k, n), &mut c, n + gap, true);
            let want = naive::matmul(m, k, n, |i, l| a[i * k + l], |l, j| b[l * n + j]);
            for i in 0..m {
                for j in 0..n + gap {
                    let want = if j < n { 7.0 + want[i * n + j] } else { 7.0 };
                    prop_assert!((c[i * (n + gap) + j] - want).abs() < 1e-4);
                }
            }
        }
    }

    #[test]
    fn products_larger_than_every_block_agree_with_their_naive_twin() {
        // More rows, terms and columns than one packed block has, none a multiple of a tile; either factor transposed.
        let (m, k, n) = (151, 300, 1061);
        let (a, b) = (numbers(m * k, 1), numbers(k * n, 2));
        let want = naive::matmul(m, k, n, |i, l| a[i * k + l], |l, j| b[l * n + j]);
        let transposed = |x: &[f32], rows: usize, cols: usize| -> Vec<f32> {
            (0..rows * cols).map(|i| x[i % rows * cols + i / rows]).collect()
        };
        let (at, bt) = (transposed(&a, m, k), transposed(&b, k, n));
        let factors = [
            (Matrix::new(&a, m, k), Matrix::new(&b, k, n)),
            (Matrix::new(&at, k, m).t(), Matrix::new(&b, k, n)),
            (Matrix::new(&a, m, k), Matrix::new(&bt, n, k).t()),
        ];
        for (a, b) in factors {
            let mut c = vec![f32::NAN; m * n];
            matmul(a, b, &mut c);
            let worst = c.iter().zip(&want).map(|(c, want)| (c - want).abs()).fold(0.0, f32::max);
            assert!(worst < 1e-4, "{worst}");
        }
    }

    #[test]
    #[should_panic(expected = "inner dimensions differ")]
    fn shapes_that_do_not_meet_panic() {
        matmul(Matrix::new(&[0.0; 6], 2, 3), Matrix::new(&[0.0; 4], 2, 2), &mut [0.0; 4]);
    }
}
