//! The matrices of F(4, 3), vectors of channels at a time: polynomials at 0, ±a, ±b and ∞, where a² = 1/2 and b² = 2.
//!
//! The usual points ±1 and ±2 lose two bits more: what leaves Aᵀ is then 4e-6 of the largest value off, with these 1e-6, which is
//! what a plain sum in `f32` is off. Of the constants on the way of inputs and outputs only a and b themselves are rounded.

use core::f32::consts::{FRAC_1_SQRT_2 as A, SQRT_2 as B};

use pulp::Simd;

use crate::lane::{mul_add, splat};

/// `k x + y`.
#[inline(always)]
fn add<S: Simd>(simd: S, k: f32, x: S::f32s, y: S::f32s) -> S::f32s {
    mul_add(simd, splat(simd, k), x, y)
}

/// `even ± k odd`.
#[inline(always)]
fn both<S: Simd>(simd: S, even: S::f32s, k: f32, odd: S::f32s) -> [S::f32s; 2] {
    [add(simd, k, odd, even), add(simd, -k, odd, even)]
}

/// Bᵀ d: six inputs, at the points.
#[inline(always)]
pub(super) fn inputs<S: Simd>(simd: S, d: [S::f32s; 6]) -> [S::f32s; 6] {
    let at_0 = add(simd, -2.5, d[2], simd.add_f32s(d[0], d[4]));
    let at_a = both(simd, add(simd, -2.0, d[2], d[4]), A, add(simd, -2.0, d[1], d[3]));
    let at_b = both(simd, add(simd, -0.5, d[2], d[4]), B, add(simd, -0.5, d[1], d[3]));
    let at_infinity = add(simd, -2.5, d[3], simd.add_f32s(d[1], d[5]));
    [at_0, at_a[0], at_a[1], at_b[0], at_b[1], at_infinity]
}

/// G g: three taps, at the points.
#[inline(always)]
pub(super) fn taps<S: Simd>(simd: S, g: [S::f32s; 3]) -> [S::f32s; 6] {
    let third = splat(simd, 1.0 / 3.0);
    let scaled = g.map(
        #[inline(always)]
        |g| simd.mul_f32s(third, g),
    );
    let even = simd.mul_f32s(splat(simd, 0.5), scaled[0]);
    let of_a = both(simd, add(simd, -4.0, even, simd.sub_f32s(splat(simd, 0.0), scaled[2])), -2.0 * A, scaled[1]);
    let of_b = both(simd, simd.add_f32s(even, scaled[2]), 0.5 * B, scaled[1]);
    [g[0], of_a[0], of_a[1], of_b[0], of_b[1], g[2]]
}

/// Gᵀ u: back from the points to three taps.
#[inline(always)]
pub(super) fn taps_back<S: Simd>(simd: S, u: [S::f32s; 6]) -> [S::f32s; 3] {
    let (sum_a, sum_b) = (simd.add_f32s(u[1], u[2]), simd.add_f32s(u[3], u[4]));
    let (odd_a, odd_b) = (simd.sub_f32s(u[1], u[2]), simd.sub_f32s(u[3], u[4]));
    let first = add(simd, 1.0 / 6.0, sum_b, add(simd, -2.0 / 3.0, sum_a, u[0]));
    let second = add(simd, B / 6.0, odd_b, simd.mul_f32s(splat(simd, -2.0 / 3.0 * A), odd_a));
    let third = add(simd, 1.0 / 3.0, simd.sub_f32s(sum_b, sum_a), u[5]);
    [first, second, third]
}

/// Aᵀ m: back from the points to four outputs.
#[inline(always)]
pub(super) fn outputs<S: Simd>(simd: S, m: [S::f32s; 6]) -> [S::f32s; 4] {
    let (sum_a, sum_b) = (simd.add_f32s(m[1], m[2]), simd.add_f32s(m[3], m[4]));
    let (odd_a, odd_b) = (simd.sub_f32s(m[1], m[2]), simd.sub_f32s(m[3], m[4]));
    let first = simd.add_f32s(simd.add_f32s(m[0], sum_a), sum_b);
    let second = add(simd, B, odd_b, simd.mul_f32s(splat(simd, A), odd_a));
    let third = add(simd, 2.0, sum_b, simd.mul_f32s(splat(simd, 0.5), sum_a));
    let fourth = add(simd, 2.0 * B, odd_b, add(simd, 0.5 * A, odd_a, m[5]));
    [first, second, third, fourth]
}

/// A y: four gradients of outputs, at the points.
#[inline(always)]
pub(super) fn outputs_back<S: Simd>(simd: S, y: [S::f32s; 4]) -> [S::f32s; 6] {
    let of_a = both(simd, add(simd, 0.5, y[2], y[0]), A, add(simd, 0.5, y[3], y[1]));
    let of_b = both(simd, add(simd, 2.0, y[2], y[0]), B, add(simd, 2.0, y[3], y[1]));
    [y[0], of_a[0], of_a[1], of_b[0], of_b[1], y[3]]
}

/// `f` along the columns and then along the rows of a square: what is at (i, j), and where the result's goes.
#[inline(always)]
pub(super) fn both_ways<S: Simd, const N: usize, const M: usize>(
    simd: S,
    at: impl Fn(usize, usize) -> S::f32s,
    f: impl Fn([S::f32s; N]) -> [S::f32s; M],
    mut put: impl FnMut(usize, usize, S::f32s),
) {
    let mut half = [[splat(simd, 0.0); N]; M];
    for j in 0..N {
        let mut column = [splat(simd, 0.0); N];
        for i in 0..N {
            column[i] = at(i, j);
        }
        let column = f(column);
        for i in 0..M {
            half[i][j] = column[i];
        }
    }
    for i in 0..M {
        let row = f(half[i]);
        for j in 0..M {
            put(i, j, row[j]);
        }
    }
}
