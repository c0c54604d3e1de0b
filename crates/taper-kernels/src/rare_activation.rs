//! The activation functions that few models use: one code for all of them, which chooses vector by vector.

use pulp::Simd;

use crate::activation::{Function, positive};
use crate::lane::{at_least, at_most, exp, ln_1p, mul_add, relu, sigmoid, splat, tanh};

/// A function `y = f(z)` whose slope is worked out from z.
///
/// | function | f(z) | f'(z) |
/// |---|---|---|
/// | `Celu(a)` | z if z > 0, else a (e^(z/a) - 1) | 1 or e^(z/a) |
/// | `HardShrink` | z if \|z\| > 1/2, else 0 | 1 or 0 |
/// | `HardSigmoidKeras2` | min(max(z / 5 + 1/2, 0), 1) | 1/5 inside, else 0 |
/// | `HardSilu` | z min(max(z / 6 + 1/2, 0), 1) | (2z + 3)/6 if \|z\| < 3, else 0 or 1 |
/// | `HardTanh` | min(max(z, -1), 1) | 1 inside, else 0 |
/// | `LogSigmoid` | -ln(1 + e^-z) | sigmoid(-z) |
/// | `Mish` | z t, t = tanh(ln(1 + e^z)) | t + z (1 - t²) sigmoid(z) |
/// | `SoftShrink` | z - sign(z)/2 if \|z\| > 1/2, else 0 | 1 or 0 |
/// | `SparsePlus` | 0 if z <= -1, z if z >= 1, else (z + 1)²/4 | 0, 1 or (z + 1)/2 |
/// | `SparseSigmoid` | min(max((z + 1)/2, 0), 1) | 1/2 inside, else 0 |
/// | `Squareplus` | (z + r)/2, r = √(z² + 4) | (1 + z/r)/2 |
/// | `TanhShrink` | z - tanh z | tanh² z |
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Rare {
    /// Continuously differentiable exponential linear unit with this `alpha` (Barron 2017).
    Celu(f32),
    /// Hard shrinkage by 1/2.
    HardShrink,
    /// The piecewise linear sigmoid as Keras 2 had it, steeper than that of Keras 3.
    HardSigmoidKeras2,
    /// Piecewise quadratic swish, also called hard swish (Howard et al. 2019).
    HardSilu,
    /// Piecewise linear hyperbolic tangent.
    HardTanh,
    /// Logarithm of the logistic function.
    LogSigmoid,
    /// Misra 2019.
    Mish,
    /// Soft shrinkage by 1/2.
    SoftShrink,
    /// Quadratic between 0 and the identity.
    SparsePlus,
    /// Slope of `SparsePlus`.
    SparseSigmoid,
    /// Algebraic smooth rectifier (Barron 2021).
    Squareplus,
    /// What hyperbolic tangent leaves over.
    TanhShrink,
}

impl Function for Rare {
    #[inline(always)]
    fn value<S: Simd>(self, simd: S, z: S::f32s) -> S::f32s {
        let number = |value: f32| splat(simd, value);
        match self {
            Self::Celu(alpha) => {
                let below = mul_add(simd, number(alpha), exp(simd, simd.div_f32s(z, number(alpha))), number(-alpha));
                positive(simd, z, z, below)
            }
            Self::HardShrink => beyond(simd, z, 0.5, z, number(0.0)),
            Self::HardSigmoidKeras2 => ramp(simd, z, 0.2),
            Self::HardSilu => simd.mul_f32s(z, ramp(simd, z, 1.0 / 6.0)),
            Self::HardTanh => at_most(simd, at_least(simd, z, -1.0), 1.0),
            Self::LogSigmoid => simd.sub_f32s(number(0.0), softplus(simd, simd.sub_f32s(number(0.0), z))),
            Self::Mish => simd.mul_f32s(z, tanh(simd, softplus(simd, z))),
            Self::SoftShrink => {
                let toward_zero = positive(simd, z, number(-0.5), number(0.5));
                beyond(simd, z, 0.5, simd.add_f32s(z, toward_zero), number(0.0))
            }
            Self::SparsePlus => {
                let half = ramp(simd, z, 0.5);
                let above = simd.greater_than_f32s(z, number(1.0));
                simd.select_f32s(above, z, simd.mul_f32s(half, half))
            }
            Self::SparseSigmoid => ramp(simd, z, 0.5),
            Self::Squareplus => simd.mul_f32s(number(0.5), simd.add_f32s(z, root(simd, z))),
            Self::TanhShrink => simd.sub_f32s(z, tanh(simd, z)),
        }
    }

    #[inline(always)]
    fn pull<S: Simd>(self, simd: S, z: S::f32s, dy: S::f32s) -> S::f32s {
        let number = |value: f32| splat(simd, value);
        let slope = match self {
            Self::Celu(alpha) => positive(simd, z, number(1.0), exp(simd, simd.div_f32s(z, number(alpha)))),
            Self::HardShrink | Self::SoftShrink => beyond(simd, z, 0.5, number(1.0), number(0.0)),
            Self::HardSigmoidKeras2 => beyond(simd, z, 2.5, number(0.0), number(0.2)),
            Self::HardSilu => {
                let inside = mul_add(simd, z, number(1.0 / 3.0), number(0.5));
                beyond(simd, z, 3.0, positive(simd, z, number(1.0), number(0.0)), inside)
            }
            Self::HardTanh => beyond(simd, z, 1.0, number(0.0), number(1.0)),
            Self::LogSigmoid => sigmoid(simd, simd.sub_f32s(number(0.0), z)),
            Self::Mish => {
                let t = tanh(simd, softplus(simd, z));
                let rest = simd.sub_f32s(number(1.0), simd.mul_f32s(t, t));
                mul_add(simd, simd.mul_f32s(z, rest), sigmoid(simd, z), t)
            }
            Self::SparsePlus => ramp(simd, z, 0.5),
            Self::SparseSigmoid => beyond(simd, z, 1.0, number(0.0), number(0.5)),
            Self::Squareplus => {
                let rise = simd.div_f32s(z, root(simd, z));
                simd.mul_f32s(number(0.5), simd.add_f32s(number(1.0), rise))
            }
            Self::TanhShrink => {
                let t = tanh(simd, z);
                simd.mul_f32s(t, t)
            }
        };
        simd.mul_f32s(slope, dy)
    }
}

/// `then` where `|z| > bound`, else `otherwise`.
#[inline(always)]
fn beyond<S: Simd>(simd: S, z: S::f32s, bound: f32, then: S::f32s, otherwise: S::f32s) -> S::f32s {
    simd.select_f32s(simd.greater_than_f32s(simd.abs_f32s(z), splat(simd, bound)), then, otherwise)
}

/// `slope·z + 1/2`, between 0 and 1.
#[inline(always)]
fn ramp<S: Simd>(simd: S, z: S::f32s, slope: f32) -> S::f32s {
    at_most(simd, relu(simd, mul_add(simd, z, splat(simd, slope), splat(simd, 0.5))), 1.0)
}

/// `√(z² + 4)`.
#[inline(always)]
fn root<S: Simd>(simd: S, z: S::f32s) -> S::f32s {
    simd.sqrt_f32s(mul_add(simd, z, z, splat(simd, 4.0)))
}

/// `ln(1 + e^z)`.
#[inline(always)]
fn softplus<S: Simd>(simd: S, z: S::f32s) -> S::f32s {
    let e = exp(simd, simd.sub_f32s(splat(simd, 0.0), simd.abs_f32s(z)));
    simd.add_f32s(relu(simd, z), ln_1p(simd, e))
}
