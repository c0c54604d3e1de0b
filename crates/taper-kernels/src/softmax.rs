//! Softmax over rows.

/// `y[i, :] = softmax(z[i, :])` in place, rows of length `n`: e^(z - max) / Σ e^(z - max).
pub fn forward(n: usize, y: &mut [f32]) {
    for row in y.chunks_exact_mut(n) {
        let max = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        for value in row.iter_mut() {
            *value -= max;
        }
        crate::activation::forward(crate::activation::Unary::Exponential, row);
        let scale = 1.0 / row.iter().sum::<f32>();
        for value in row.iter_mut() {
            *value *= scale;
        }
    }
}

/// `dz = y (dy - Σ dy y)` per row of length `n`, in place over `dy`.
pub fn backward(n: usize, y: &[f32], dy: &mut [f32]) {
    for (y, dy) in y.chunks_exact(n).zip(dy.chunks_exact_mut(n)) {
        let dot: f32 = y.iter().zip(dy.iter()).map(|(y, dy)| y * dy).sum();
        for (y, dy) in y.iter().zip(dy.iter_mut()) {
            *dy = y * (*dy - dot);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_sum_to_one_and_large_logits_are_finite() {
        let mut y = [1000.0, 0.0, -1000.0, 1.0, 2.0, 3.0];
        forward(3, &mut y);
        assert_eq!(&y[..3], &[1.0, 0.0, 0.0]);
        assert!((y[3..].iter().sum::<f32>() - 1.0).abs() < 1e-6);
        assert!((y[5] - 0.665_241).abs() < 1e-6);
    }

    #[test]
    fn the_gradient_is_the_jacobian_times_dy() {
        let z = [0.3f64, -1.2, 0.8];
        let softmax = |z: [f64; 3]| {
            let e = z.map(f64::exp);
            e.map(|x| x / (e[0] + e[1] + e[2]))
        };
        let weights = [0.5f64, -2.0, 1.0];
        let loss = |z: [f64; 3]| softmax(z).iter().zip(weights).map(|(y, w)| y * w).sum::<f64>();
        let y = softmax(z).map(|x| x as f32);
        let mut dz = weights.map(|x| x as f32);
        backward(3, &y, &mut dz);
        for i in 0..3 {
            let (mut up, mut down) = (z, z);
            up[i] += 1e-5;
            down[i] -= 1e-5;
            assert!((f64::from(dz[i]) - (loss(up) - loss(down)) / 2e-5).abs() < 1e-6);
        }
    }
}
