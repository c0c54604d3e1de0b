//! Elementwise activation functions, forward and backward, in place.

mod function;

pub(crate) use function::{
    Elu, Exponential, Function, Gelu, HardSigmoid, LeakyRelu, Linear, Relu, Relu6, Selu, Sigmoid, Softplus, Softsign,
    Swish, Tanh, positive,
};

use crate::lane::{flush, map_in_place, zip_in_place};
use crate::macros::kernel;
use crate::parallel::share_rows;
pub use crate::rare_activation::Rare;

/// An elementwise function `y = f(z)`.
///
/// | function | f(z) | f'(z) |
/// |---|---|---|
/// | `Linear` | z | 1 |
/// | `Relu` | max(z, 0) | 1 if z > 0, else 0 |
/// | `Relu6` | min(max(z, 0), 6) | 1 if 0 < z < 6, else 0 |
/// | `LeakyRelu(a)` | z if z > 0, else a z | 1 or a |
/// | `Elu(a)` | z if z > 0, else a (e^z - 1) | 1 or y + a |
/// | `Selu` | s z if z > 0, else s a (e^z - 1) | s or y + s a |
/// | `Sigmoid` | 1 / (1 + e^-z) | y (1 - y) |
/// | `HardSigmoid` | min(max(z / 6 + 1/2, 0), 1) | 1/6 inside, else 0 |
/// | `Tanh` | tanh z | 1 - y² |
/// | `Softplus` | ln(1 + e^z) | 1 - e^-y |
/// | `Softsign` | z / (1 + \|z\|) | (1 - \|y\|)² |
/// | `Swish` | z sigmoid(z) | s + z s (1 - s), s = sigmoid(z) |
/// | `Gelu` | z Φ(z) (exact, by erf) | Φ(z) + z φ(z) |
/// | `Exponential` | e^z | y |
/// | `Rare` | see [`Rare`] | |
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Unary {
    /// The identity.
    Linear,
    /// Rectified linear unit.
    Relu,
    /// Rectified linear unit, capped at 6.
    Relu6,
    /// Rectified linear unit that leaks with this slope below 0.
    LeakyRelu(f32),
    /// Exponential linear unit with this `alpha`.
    Elu(f32),
    /// Scaled exponential linear unit (Klambauer et al. 2017).
    Selu,
    /// The logistic function.
    Sigmoid,
    /// The piecewise linear sigmoid.
    HardSigmoid,
    /// Hyperbolic tangent.
    Tanh,
    /// Smooth rectifier.
    Softplus,
    /// Algebraic sigmoid.
    Softsign,
    /// Also called SiLU.
    Swish,
    /// Gaussian error linear unit, exact.
    Gelu,
    /// e^z.
    Exponential,
    /// One that few models use.
    Rare(Rare),
}

impl Unary {
    /// Whether the backward pass needs `z` (the input); all others work from `y` (the output).
    #[must_use]
    pub fn needs_input(self) -> bool {
        matches!(self, Self::Swish | Self::Gelu | Self::HardSigmoid | Self::Rare(_))
    }
}

/// Runs `$body` with `$f` bound to the [`Function`] that `$unary` names: one match outside, no branch inside the loop.
macro_rules! with_function {
    ($unary:expr, $f:ident => $body:expr) => {
        match $unary {
            $crate::activation::Unary::Linear => {
                let $f = $crate::activation::Linear;
                $body
            }
            $crate::activation::Unary::Relu => {
                let $f = $crate::activation::Relu;
                $body
            }
            $crate::activation::Unary::Relu6 => {
                let $f = $crate::activation::Relu6;
                $body
            }
            $crate::activation::Unary::LeakyRelu(slope) => {
                let $f = $crate::activation::LeakyRelu(slope);
                $body
            }
            $crate::activation::Unary::Elu(alpha) => {
                let $f = $crate::activation::Elu(alpha);
                $body
            }
            $crate::activation::Unary::Selu => {
                let $f = $crate::activation::Selu;
                $body
            }
            $crate::activation::Unary::Sigmoid => {
                let $f = $crate::activation::Sigmoid;
                $body
            }
            $crate::activation::Unary::HardSigmoid => {
                let $f = $crate::activation::HardSigmoid;
                $body
            }
            $crate::activation::Unary::Tanh => {
                let $f = $crate::activation::Tanh;
                $body
            }
            $crate::activation::Unary::Softplus => {
                let $f = $crate::activation::Softplus;
                $body
            }
            $crate::activation::Unary::Softsign => {
                let $f = $crate::activation::Softsign;
                $body
            }
            $crate::activation::Unary::Swish => {
                let $f = $crate::activation::Swish;
                $body
            }
            $crate::activation::Unary::Gelu => {
                let $f = $crate::activation::Gelu;
                $body
            }
            $crate::activation::Unary::Exponential => {
                let $f = $crate::activation::Exponential;
                $body
            }
            $crate::activation::Unary::Rare($f) => $body,
        }
    };
}

/// Numbers that one thread takes at a time.
const PIECE: usize = 1 << 14;
/// Multiply-adds that take as long as one number's way through memory and a function.
const WORK: usize = 8;

/// `y = f(y)`.
pub fn forward(unary: Unary, y: &mut [f32]) {
    if unary != Unary::Linear {
        with_function!(unary, f => apply(f, y));
    }
}

/// `dy = dy · f'`; `saved` is z where [`Unary::needs_input`], else y. Subnormal gradients become 0.
pub fn backward(unary: Unary, saved: &[f32], dy: &mut [f32]) {
    if unary != Unary::Linear {
        share_rows(dy.len(), PIECE, dy.len() * WORK, [saved], [dy], |_, [saved], [dy]| {
            with_function!(unary, f => pull(f, saved, dy));
        });
    }
}

/// `y[i, j] = y[i, j] + bias[j]`, rows as long as `bias`.
pub fn add_bias(bias: &[f32], y: &mut [f32]) {
    add_bias_rows(bias, y);
}

/// `y[i, j] = f(y[i, j] + bias[j])` in one pass, rows as long as `bias`.
pub fn bias_forward(unary: Unary, bias: &[f32], y: &mut [f32]) {
    let rows = y.len() / bias.len();
    share_rows(rows, PIECE.div_ceil(bias.len()), y.len() * WORK, [], [y], |_, [], [y]| {
        with_function!(unary, f => apply_with_bias(f, bias, y));
    });
}

kernel! {
    fn apply<F: Function>(simd: S, f: F, y: &'a mut [f32]) { map_in_place(simd, y, #[inline(always)] |z| f.value(simd, z)) }
}

kernel! {
    fn pull<F: Function>(simd: S, f: F, saved: &'a [f32], dy: &'a mut [f32]) {
        zip_in_place(simd, saved, dy, #[inline(always)] |saved, dy| flush(simd, f.pull(simd, saved, dy)));
    }
}

kernel! {
    fn apply_with_bias<F: Function>(simd: S, f: F, bias: &'a [f32], y: &'a mut [f32]) {
        for row in y.chunks_exact_mut(bias.len()) {
            zip_in_place(simd, bias, row, #[inline(always)] |bias, z| f.value(simd, simd.add_f32s(z, bias)));
        }
    }
}

kernel! {
    fn add_bias_rows(simd: S, bias: &'a [f32], y: &'a mut [f32]) {
        for row in y.chunks_exact_mut(bias.len()) {
            zip_in_place(simd, bias, row, #[inline(always)] |bias, z| simd.add_f32s(z, bias));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Unary; 27] = [
        Unary::Linear,
        Unary::Relu,
        Unary::Relu6,
        Unary::LeakyRelu(0.2),
        Unary::Elu(1.0),
        Unary::Selu,
        Unary::Sigmoid,
        Unary::HardSigmoid,
        Unary::Tanh,
        Unary::Softplus,
        Unary::Softsign,
        Unary::Swish,
        Unary::Gelu,
        Unary::Exponential,
        Unary::Rare(Rare::Celu(1.0)),
        Unary::Rare(Rare::Celu(0.4)),
        Unary::Rare(Rare::HardShrink),
        Unary::Rare(Rare::HardSigmoidKeras2),
        Unary::Rare(Rare::HardSilu),
        Unary::Rare(Rare::HardTanh),
        Unary::Rare(Rare::LogSigmoid),
        Unary::Rare(Rare::Mish),
        Unary::Rare(Rare::SoftShrink),
        Unary::Rare(Rare::SparsePlus),
        Unary::Rare(Rare::SparseSigmoid),
        Unary::Rare(Rare::Squareplus),
        Unary::Rare(Rare::TanhShrink),
    ];

    /// The definition, in f64.
    fn exact(unary: Unary, z: f64) -> f64 {
        let sigmoid = 1.0 / (1.0 + (-z).exp());
        let s = 1.050_700_987_355_480_5;
        let a = 1.673_263_242_354_377_2;
        match unary {
            Unary::Linear => z,
            Unary::Relu => z.max(0.0),
            Unary::Relu6 => z.clamp(0.0, 6.0),
            Unary::LeakyRelu(slope) => {
                if z > 0.0 {
                    z
                } else {
                    f64::from(slope) * z
                }
            }
            Unary::Elu(alpha) => {
                if z > 0.0 {
                    z
                } else {
                    f64::from(alpha) * z.exp_m1()
                }
            }
            Unary::Selu => s * if z > 0.0 { z } else { a * z.exp_m1() },
            Unary::Sigmoid => sigmoid,
            Unary::HardSigmoid => (z / 6.0 + 0.5).clamp(0.0, 1.0),
            Unary::Tanh => z.tanh(),
            Unary::Softplus => z.max(0.0) + (-z.abs()).exp().ln_1p(),
            Unary::Softsign => z / (1.0 + z.abs()),
            Unary::Swish => z * sigmoid,
            Unary::Gelu => z * 0.5 * libm::erfc(-z * core::f64::consts::FRAC_1_SQRT_2),
            Unary::Exponential => z.exp(),
            Unary::Rare(rare) => exact_rare(rare, z),
        }
    }

    fn exact_rare(rare: Rare, z: f64) -> f64 {
        let softplus = z.max(0.0) + (-z.abs()).exp().ln_1p();
        match rare {
            Rare::Celu(alpha) => {
                let alpha = f64::from(alpha);
                if z > 0.0 { z } else { alpha * (z / alpha).exp_m1() }
            }
            Rare::HardShrink => {
                if z.abs() > 0.5 {
                    z
                } else {
                    0.0
                }
            }
            Rare::HardSigmoidKeras2 => (z / 5.0 + 0.5).clamp(0.0, 1.0),
            Rare::HardSilu => z * (z / 6.0 + 0.5).clamp(0.0, 1.0),
            Rare::HardTanh => z.clamp(-1.0, 1.0),
            Rare::LogSigmoid => z - softplus,
            Rare::Mish => z * softplus.tanh(),
            Rare::SoftShrink => z.signum() * (z.abs() - 0.5).max(0.0),
            Rare::SparsePlus if z >= 1.0 => z,
            Rare::SparsePlus => ((z + 1.0).max(0.0) / 2.0).powi(2),
            Rare::SparseSigmoid => ((z + 1.0) / 2.0).clamp(0.0, 1.0),
            Rare::Squareplus => (z + (z * z + 4.0).sqrt()) / 2.0,
            Rare::TanhShrink => z - z.tanh(),
        }
    }

    #[test]
    fn every_function_matches_its_definition_and_its_slope_the_difference_quotient() {
        // At no kink of any function: 0, ±0.5, ±1, ±2.5, ±3, 6.
        let zs: Vec<f32> = (0..67).map(|i| -8.03 + 0.24 * i as f32).collect();
        for unary in ALL {
            let mut y = zs.clone();
            forward(unary, &mut y);
            let mut dy = vec![1.5; zs.len()];
            backward(unary, if unary.needs_input() { &zs } else { &y }, &mut dy);
            for i in 0..zs.len() {
                let z = f64::from(zs[i]);
                let want = exact(unary, z);
                assert!((f64::from(y[i]) - want).abs() < 1e-6 * want.abs().max(1.0), "{unary:?}({z}): {} {want}", y[i]);
                let slope = 1.5 * (exact(unary, z + 1e-5) - exact(unary, z - 1e-5)) / 2e-5;
                assert!(
                    (f64::from(dy[i]) - slope).abs() < 1e-5 * slope.abs().max(1.0),
                    "{unary:?}'({z}): {} {slope}",
                    dy[i]
                );
            }
        }
    }

    #[test]
    fn bias_is_added_before_the_function_row_by_row() {
        let mut y = vec![-3.0, 1.0, 2.0, -1.0];
        bias_forward(Unary::Relu, &[1.0, 0.5], &mut y);
        assert_eq!(y, [0.0, 1.5, 3.0, 0.0]);
    }

    #[test]
    fn subnormal_gradients_are_flushed() {
        let mut dy = [1e-39; 9];
        backward(Unary::Relu, &[1.0; 9], &mut dy);
        assert_eq!(dy, [0.0; 9]);
    }

    #[test]
    fn threads_share_without_changing_a_bit() {
        let z: Vec<f32> = (0..37 * 8000).map(|i| (i as f32 * 0.7).sin()).collect();
        let bias: Vec<f32> = (0..37).map(|i| (i as f32).cos()).collect();
        for unary in [Unary::Relu, Unary::Tanh] {
            let both = || {
                let (mut y, mut dy) = (z.clone(), z.clone());
                bias_forward(unary, &bias, &mut y);
                backward(unary, &y, &mut dy);
                (y, dy)
            };
            let alone = both();
            for threads in [2, 3] {
                let shared = crate::parallel::lend(threads, crate::parallel::tests::on_two_threads, both);
                assert!(shared == alone, "{threads} threads");
            }
        }
    }
}
