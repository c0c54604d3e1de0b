//! Normalization: moments of columns over a batch, and of rows one by one.

use crate::macros::kernel;
use crate::reduce::fold;

/// Rows that are summed before their sum is added to the total: long sums keep their digits.
const CHUNK: usize = 256;

/// Mean and (biased) variance of every column of `x`, rows as long as `mean`; with a mask (1 or 0 per row) of the rows that
/// count, divided by their number plus 1e-7 as Keras does. Returns the divisor.
///
/// `partial` is scratch as long as `mean`.
pub fn column_moments(
    x: &[f32],
    mask: Option<&[f32]>,
    mean: &mut [f32],
    variance: &mut [f32],
    partial: &mut [f32],
) -> f32 {
    let columns = mean.len();
    let count = match mask {
        Some(mask) => mask.iter().sum::<f32>() + 1e-7,
        None => (x.len() / columns) as f32,
    };
    let masks = |chunk: usize| mask.map(|mask| &mask[chunk * CHUNK..mask.len().min((chunk + 1) * CHUNK)]);
    mean.fill(0.0);
    for (i, chunk) in x.chunks(CHUNK * columns).enumerate() {
        partial.fill(0.0);
        add_rows(chunk, masks(i), partial);
        crate::update::add_scaled(1.0, partial, mean);
    }
    mean.iter_mut().for_each(|mean| *mean /= count);
    variance.fill(0.0);
    for (i, chunk) in x.chunks(CHUNK * columns).enumerate() {
        partial.fill(0.0);
        add_squares(chunk, masks(i), mean, partial);
        crate::update::add_scaled(1.0, partial, variance);
    }
    variance.iter_mut().for_each(|variance| *variance /= count);
    count
}

kernel! {
    fn add_rows(_simd: S, x: &'a [f32], mask: Option<&'a [f32]>, sums: &'a mut [f32]) {
        for (i, row) in x.chunks_exact(sums.len()).enumerate() {
            if mask.is_none_or(#[inline(always)] |mask| mask[i] != 0.0) {
                for (sum, x) in sums.iter_mut().zip(row) {
                    *sum += x;
                }
            }
        }
    }
}

kernel! {
    fn add_squares(_simd: S, x: &'a [f32], mask: Option<&'a [f32]>, mean: &'a [f32], sums: &'a mut [f32]) {
        for (i, row) in x.chunks_exact(sums.len()).enumerate() {
            if mask.is_none_or(#[inline(always)] |mask| mask[i] != 0.0) {
                for ((sum, x), mean) in sums.iter_mut().zip(row).zip(mean) {
                    *sum += (x - mean) * (x - mean);
                }
            }
        }
    }
}

kernel! {
    /// `y[i, j] = x[i, j] · scale[j] + shift[j]`.
    pub fn scale_columns(_simd: S, x: &'a [f32], scale: &'a [f32], shift: &'a [f32], y: &'a mut [f32]) {
        for (x, y) in x.chunks_exact(scale.len()).zip(y.chunks_exact_mut(scale.len())) {
            for (((y, x), scale), shift) in y.iter_mut().zip(x).zip(scale).zip(shift) {
                *y = x * scale + shift;
            }
        }
    }
}

/// `sums[j] = Σᵢ dy[i, j]` and `products[j] = Σᵢ dy[i, j] · x̂[i, j]` with `x̂ = (x - mean) · inverse`.
///
/// `partial` is scratch twice as long as `mean`.
pub fn column_gradients(
    x: &[f32],
    dy: &[f32],
    mean: &[f32],
    inverse: &[f32],
    sums: &mut [f32],
    products: &mut [f32],
    partial: &mut [f32],
) {
    let columns = mean.len();
    let (partial_sums, partial_products) = partial[..2 * columns].split_at_mut(columns);
    sums.fill(0.0);
    products.fill(0.0);
    for (x, dy) in x.chunks(CHUNK * columns).zip(dy.chunks(CHUNK * columns)) {
        partial_sums.fill(0.0);
        partial_products.fill(0.0);
        add_gradients(x, dy, mean, inverse, partial_sums, partial_products);
        crate::update::add_scaled(1.0, partial_sums, sums);
        crate::update::add_scaled(1.0, partial_products, products);
    }
}

kernel! {
    fn add_gradients(
        _simd: S, x: &'a [f32], dy: &'a [f32], mean: &'a [f32], inverse: &'a [f32],
        sums: &'a mut [f32], products: &'a mut [f32],
    ) {
        let columns = mean.len();
        for (x, dy) in x.chunks_exact(columns).zip(dy.chunks_exact(columns)) {
            for j in 0..columns {
                sums[j] += dy[j];
                products[j] += dy[j] * (x[j] - mean[j]) * inverse[j];
            }
        }
    }
}

kernel! {
    /// The gradient through mean and variance: `dx = scale (dy - m/count (sums + x̂ products))`, m the row's mask.
    pub fn batch_backward(
        _simd: S, x: &'a [f32], dy: &'a [f32], mask: Option<&'a [f32]>, count: f32, mean: &'a [f32], inverse: &'a [f32],
        scale: &'a [f32], sums: &'a [f32], products: &'a [f32], dx: &'a mut [f32],
    ) {
        let columns = mean.len();
        let rows = x.chunks_exact(columns).zip(dy.chunks_exact(columns)).zip(dx.chunks_exact_mut(columns));
        for (i, ((x, dy), dx)) in rows.enumerate() {
            let share = match mask {
                Some(mask) => mask[i] / count,
                None => 1.0 / count,
            };
            for j in 0..columns {
                let unit = (x[j] - mean[j]) * inverse[j];
                dx[j] = scale[j] * (dy[j] - share * (sums[j] + unit * products[j]));
            }
        }
    }
}

kernel! {
    /// Each row of length `n` brought to mean 0 and variance 1, then scaled and shifted:
    /// `y = (x - mean) · inverse · gamma + beta`, `inverse = 1 / √(variance + epsilon)`.
    ///
    /// `mean` and `inverse` have one number per row; an empty `gamma` (`beta`) means 1 (0).
    pub fn rows_forward(
        simd: S, n: usize, x: &'a [f32], gamma: &'a [f32], beta: &'a [f32], epsilon: f32,
        mean: &'a mut [f32], inverse: &'a mut [f32], y: &'a mut [f32],
    ) {
        let rows = x.chunks_exact(n).zip(y.chunks_exact_mut(n));
        for (i, (x, y)) in rows.enumerate() {
            let row_mean = fold(simd, x, #[inline(always)] |x, sum| simd.add_f32s(sum, x)) / n as f32;
            for (y, x) in y.iter_mut().zip(x) {
                *y = x - row_mean;
            }
            let squares = fold(simd, y, #[inline(always)] |y, sum| simd.mul_add_e_f32s(y, y, sum));
            let row_inverse = 1.0 / (squares / n as f32 + epsilon).sqrt();
            mean[i] = row_mean;
            inverse[i] = row_inverse;
            for y in y.iter_mut() {
                *y *= row_inverse;
            }
            if !gamma.is_empty() {
                for (y, gamma) in y.iter_mut().zip(gamma) {
                    *y *= gamma;
                }
            }
            if !beta.is_empty() {
                for (y, beta) in y.iter_mut().zip(beta) {
                    *y += beta;
                }
            }
        }
    }
}

kernel! {
    /// The gradients of [`rows_forward`]: `dgamma += Σ dy x̂`, `dbeta += Σ dy` (unless empty), and where `dx` is not empty
    /// `dx = inverse (g - mean(g) - x̂ mean(g x̂))` with `g = dy gamma`. `units` and `pulls` are scratch of length `n`.
    pub fn rows_backward(
        simd: S, n: usize, x: &'a [f32], dy: &'a [f32], gamma: &'a [f32], mean: &'a [f32], inverse: &'a [f32],
        dgamma: &'a mut [f32], dbeta: &'a mut [f32], dx: &'a mut [f32], units: &'a mut [f32], pulls: &'a mut [f32],
    ) {
        for (i, (x, dy)) in x.chunks_exact(n).zip(dy.chunks_exact(n)).enumerate() {
            for (unit, x) in units.iter_mut().zip(x) {
                *unit = (x - mean[i]) * inverse[i];
            }
            for ((dgamma, dy), unit) in dgamma.iter_mut().zip(dy).zip(units.iter()) {
                *dgamma += dy * unit;
            }
            for (dbeta, dy) in dbeta.iter_mut().zip(dy) {
                *dbeta += dy;
            }
            if dx.is_empty() {
                continue;
            }
            pulls.copy_from_slice(dy);
            for (pull, gamma) in pulls.iter_mut().zip(gamma) {
                *pull *= gamma;
            }
            let pull_mean = fold(simd, pulls, #[inline(always)] |g, sum| simd.add_f32s(sum, g)) / n as f32;
            let dx = &mut dx[i * n..(i + 1) * n];
            for ((dx, pull), unit) in dx.iter_mut().zip(pulls.iter()).zip(units.iter()) {
                *dx = pull * unit;
            }
            let product_mean = fold(simd, dx, #[inline(always)] |g, sum| simd.add_f32s(sum, g)) / n as f32;
            for ((dx, pull), unit) in dx.iter_mut().zip(pulls.iter()).zip(units.iter()) {
                *dx = inverse[i] * (pull - pull_mean - unit * product_mean);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn moments_are_the_textbooks(
            columns in 1usize..20, rows in proptest::collection::vec((-3.0f32..3.0, proptest::bool::ANY), 1..700),
        ) {
            let mask: Vec<f32> = rows.iter().map(|row| f32::from(u8::from(row.1))).collect();
            let x: Vec<f32> = rows.iter().flat_map(|row| (0..columns).map(|j| row.0 * (j as f32 - 2.0) + 5.0)).collect();
            for mask in [None, Some(&mask[..])] {
                let counts = |i: usize| f64::from(mask.map_or(1.0, |mask| mask[i]));
                let n: f64 = (0..rows.len()).map(counts).sum();
                let (mut mean, mut variance, mut partial) = (vec![0.0; columns], vec![0.0; columns], vec![0.0; columns]);
                column_moments(&x, mask, &mut mean, &mut variance, &mut partial);
                for j in 0..columns {
                    let at = |i: usize| f64::from(x[i * columns + j]);
                    let want = (0..rows.len()).map(|i| counts(i) * at(i)).sum::<f64>() / (n + 1e-7);
                    let spread = (0..rows.len()).map(|i| counts(i) * (at(i) - want).powi(2)).sum::<f64>() / (n + 1e-7);
                    prop_assert!((f64::from(mean[j]) - want).abs() < 1e-5 * (1.0 + want.abs()));
                    prop_assert!((f64::from(variance[j]) - spread).abs() < 1e-4 * (1.0 + spread));
                }
            }
        }
    }
}
