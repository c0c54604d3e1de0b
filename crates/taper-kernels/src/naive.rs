//! The definitions: each loop as the textbook writes it. The fast kernels must agree with these.

pub mod convolution;
pub mod pooling;

/// `c = a b` for `a` (m × k) and `b` (k × n), summed in `f64`.
#[must_use]
pub fn matmul(
    m: usize,
    k: usize,
    n: usize,
    a: impl Fn(usize, usize) -> f32,
    b: impl Fn(usize, usize) -> f32,
) -> Vec<f32> {
    let mut c = Vec::with_capacity(m * n);
    for i in 0..m {
        for j in 0..n {
            c.push((0..k).map(|l| f64::from(a(i, l)) * f64::from(b(l, j))).sum::<f64>() as f32);
        }
    }
    c
}

/// Adam's step for one weight, in `f64`: returns (w, m, v). See [`crate::update::adam`].
#[must_use]
pub fn adam(w: f64, m: f64, v: f64, g: f64, alpha: f64, beta_1: f64, beta_2: f64, epsilon: f64) -> (f64, f64, f64) {
    let m = m + (g - m) * (1.0 - beta_1);
    let v = v + (g * g - v) * (1.0 - beta_2);
    (w - m * alpha / (libm::sqrt(v) + epsilon), m, v)
}

/// A step of an LSTM for one unit: (h', c') from the sums of the gates i, f, g, o and the state c. See
/// [`crate::recurrent::lstm::forward`].
#[must_use]
pub fn lstm([i, f, g, o]: [f64; 4], c: f64, a: impl Fn(f64) -> f64, r: impl Fn(f64) -> f64) -> (f64, f64) {
    let c = r(f) * c + r(i) * a(g);
    (r(o) * a(c), c)
}

/// A step of a GRU for one unit that resets after the recurrent product. See [`crate::recurrent::gru::after_forward`].
#[must_use]
pub fn gru_after(z: [f64; 3], n: [f64; 3], h: f64, a: impl Fn(f64) -> f64, r: impl Fn(f64) -> f64) -> f64 {
    let (u, v) = (r(z[0] + n[0]), r(z[1] + n[1]));
    u * h + (1.0 - u) * a(z[2] + v * n[2])
}

/// A step of a GRU for one unit that resets before the recurrent product, which here is the reset state itself. See
/// [`crate::recurrent::gru::before_reset`].
#[must_use]
pub fn gru_before(z: [f64; 3], h: f64, a: impl Fn(f64) -> f64, r: impl Fn(f64) -> f64) -> f64 {
    let u = r(z[0]);
    u * h + (1.0 - u) * a(z[2] + r(z[1]) * h)
}
