//! Matrix products.
//!
//! Large shapes go to the packed product; shapes with a tiny dimension, where packing wastes most of its work, have kernels
//! of their own (`narrow.rs`). Which one runs depends on the shape alone.

use crate::activation::{Linear, Relu, Unary};
use crate::lane::zip_in_place;
use crate::macros::kernel;
use crate::narrow::{self, FEW};
use crate::product::{Right, product};

pub use crate::product::Packed;

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

    /// The rows before `at`, and the others.
    pub(crate) fn split_rows(self, at: usize) -> (Self, Self) {
        let rest = &self.data[(at * self.row_stride).min(self.data.len())..];
        (Self { rows: at, ..self }, Self { data: rest, rows: self.rows - at, ..self })
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
    check(a, (b.rows, b.cols), c.len(), c_stride);
    product(a, Right::Matrix(b), c, c_stride, accumulate);
}

/// [`matmul_into`] with a right factor that was packed before; the same bits.
pub fn matmul_packed(a: Matrix<'_>, b: Packed<'_>, c: &mut [f32], c_stride: usize, accumulate: bool) {
    check(a, (b.rows(), b.cols()), c.len(), c_stride);
    product(a, Right::Packed(b), c, c_stride, accumulate);
}

fn check(a: Matrix<'_>, (k, n): (usize, usize), c_len: usize, c_stride: usize) {
    assert_eq!(a.cols, k, "inner dimensions differ");
    let (m, fits) = (a.rows, n <= c_stride || a.rows <= 1);
    assert!(m == 0 || n == 0 || (m - 1) * c_stride + n <= c_len && fits, "result does not fit");
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
        return narrow::few_inputs_forward(Relu, inputs, x, w, bias, y);
    }
    if inputs <= FEW {
        narrow::few_inputs_forward(Linear, inputs, x, w, bias, y);
        return crate::activation::forward(unary, y);
    }
    if units == 1 {
        narrow::dots(x, w, y);
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
        return narrow::few_inputs_backward(Relu, inputs, x, saved, dy, dw, dbias);
    }
    crate::activation::backward(unary, saved, dy);
    let dz = &*dy;
    if inputs <= FEW && dx.is_none() {
        return narrow::few_inputs_backward(Linear, inputs, x, &[], dz, dw, dbias);
    }
    if units == 1 {
        narrow::few_inputs_backward(Linear, 1, dz, &[], x, dw, &mut []);
    } else {
        matmul(Matrix::new(x, batch, inputs).t(), Matrix::new(dz, batch, units), dw);
    }
    if !dbias.is_empty() {
        column_sums(dz, dbias);
    }
    if let Some(dx) = dx {
        assert_eq!(dx.len(), batch * inputs);
        if units == 1 {
            narrow::few_inputs_forward(Linear, 1, dz, w, &[], dx);
        } else {
            matmul(Matrix::new(dz, batch, units), Matrix::new(w, inputs, units).t(), dx);
        }
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
    use crate::{naive, parallel};
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
        for (m, k, n) in [(151, 300, 1061), (1061, 300, 151)] {
            large_products_agree(m, k, n);
        }
    }

    fn large_products_agree(m: usize, k: usize, n: usize) {
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
            let (mut packed, mut again) = (vec![f32::NAN; Packed::len(k, n)], vec![f32::NAN; m * n]);
            matmul_packed(a, Packed::new(b, &mut packed), &mut again, n, false);
            assert_eq!(c, again, "packed before");
            for threads in [2, 3, 7] {
                again.fill(f32::NAN);
                parallel::lend(threads, parallel::tests::on_two_threads, || matmul(a, b, &mut again));
                assert_eq!(c, again, "{threads} threads");
                again.fill(f32::NAN);
                let b = Packed::new(b, &mut packed);
                parallel::lend(threads, parallel::tests::on_two_threads, || matmul_packed(a, b, &mut again, n, false));
                assert_eq!(c, again, "packed before, {threads} threads");
            }
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
