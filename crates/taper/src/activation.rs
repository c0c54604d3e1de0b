//! Activation functions as a specification.

use serde::{Deserialize, Serialize};
use taper_kernels::activation::{self, Rare, Unary};
use taper_kernels::softmax;

use crate::spelling::named;

/// What a layer does to its result. Names and defaults are Keras's; formulas with their slopes are in
/// [`taper_kernels::activation::Unary`] and [`taper_kernels::activation::Rare`], `softmax` is e^(z - max) / Σ e^(z - max) over the last dimension.
///
/// Written `"relu"`, or with a setting `{ name = "leaky_relu", negative_slope = 0.1 }`.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(remote = "Self", tag = "name", rename_all = "snake_case", deny_unknown_fields)]
#[allow(missing_docs)] // see `Unary` and `Rare`
pub enum Activation {
    #[default]
    Linear,
    Relu,
    Relu6,
    LeakyRelu {
        /// The slope below 0.
        #[serde(default = "negative_slope")]
        negative_slope: f32,
    },
    Elu {
        /// How far it falls below 0.
        #[serde(default = "alpha")]
        alpha: f32,
    },
    Selu,
    Sigmoid,
    HardSigmoid,
    Tanh,
    Softplus,
    Softsign,
    #[serde(alias = "silu")]
    Swish,
    Gelu,
    Exponential,
    Softmax,
    Celu {
        /// How far it falls below 0.
        #[serde(default = "alpha")]
        alpha: f32,
    },
    HardShrink,
    #[serde(rename = "hard_sigmoid_keras2")]
    HardSigmoidKeras2,
    #[serde(alias = "hard_swish")]
    HardSilu,
    HardTanh,
    LogSigmoid,
    Mish,
    SoftShrink,
    SparsePlus,
    SparseSigmoid,
    Squareplus,
    TanhShrink,
}
named!(Activation);

fn negative_slope() -> f32 {
    0.2
}
fn alpha() -> f32 {
    1.0
}

impl Activation {
    /// The elementwise function, or `None` for softmax.
    pub(crate) fn unary(self) -> Option<Unary> {
        Some(match self {
            Self::Linear => Unary::Linear,
            Self::Relu => Unary::Relu,
            Self::Relu6 => Unary::Relu6,
            Self::LeakyRelu { negative_slope } => Unary::LeakyRelu(negative_slope),
            Self::Elu { alpha } => Unary::Elu(alpha),
            Self::Selu => Unary::Selu,
            Self::Sigmoid => Unary::Sigmoid,
            Self::HardSigmoid => Unary::HardSigmoid,
            Self::Tanh => Unary::Tanh,
            Self::Softplus => Unary::Softplus,
            Self::Softsign => Unary::Softsign,
            Self::Swish => Unary::Swish,
            Self::Gelu => Unary::Gelu,
            Self::Exponential => Unary::Exponential,
            Self::Softmax => return None,
            Self::Celu { alpha } => Unary::Rare(Rare::Celu(alpha)),
            Self::HardShrink => Unary::Rare(Rare::HardShrink),
            Self::HardSigmoidKeras2 => Unary::Rare(Rare::HardSigmoidKeras2),
            Self::HardSilu => Unary::Rare(Rare::HardSilu),
            Self::HardTanh => Unary::Rare(Rare::HardTanh),
            Self::LogSigmoid => Unary::Rare(Rare::LogSigmoid),
            Self::Mish => Unary::Rare(Rare::Mish),
            Self::SoftShrink => Unary::Rare(Rare::SoftShrink),
            Self::SparsePlus => Unary::Rare(Rare::SparsePlus),
            Self::SparseSigmoid => Unary::Rare(Rare::SparseSigmoid),
            Self::Squareplus => Unary::Rare(Rare::Squareplus),
            Self::TanhShrink => Unary::Rare(Rare::TanhShrink),
        })
    }

    /// Whether the backward pass needs the values before the function.
    pub(crate) fn keeps_input(self) -> bool {
        self.unary().is_some_and(Unary::needs_input)
    }

    /// How many floats a layer of so many outputs keeps for [`unwind`](Self::unwind).
    pub(crate) fn cache_len(self, outputs: usize) -> usize {
        if self.keeps_input() { outputs } else { 0 }
    }

    /// The part that a layer's own kernel may apply on the way; the rest is [`finish`](Self::finish).
    pub(crate) fn fused(self) -> Unary {
        if self.keeps_input() { Unary::Linear } else { self.unary().unwrap_or(Unary::Linear) }
    }

    /// What remains to be done in place once [`fused`](Self::fused) is. `n` is the last dimension; `cache` has
    /// [`cache_len`](Self::cache_len) floats.
    pub(crate) fn finish(self, n: usize, y: &mut [f32], cache: &mut [f32]) {
        match self.unary() {
            None => softmax::forward(n, y),
            Some(unary) if unary.needs_input() => {
                cache.copy_from_slice(y);
                activation::forward(unary, y);
            }
            Some(_) => {}
        }
    }

    /// Begins the way back: takes `dy` through softmax, or says which elementwise function remains to be gone through
    /// ([`activation::backward`], or a kernel that does it on the way), and what that function needs.
    pub(crate) fn unwind<'a>(self, n: usize, y: &'a [f32], cache: &'a [f32], dy: &mut [f32]) -> (Unary, &'a [f32]) {
        match self.unary() {
            None => {
                softmax::backward(n, y, dy);
                (Unary::Linear, y)
            }
            Some(unary) if unary.needs_input() => (unary, cache),
            Some(unary) => (unary, y),
        }
    }

    /// `y = f(y + bias)` in place, for layers whose kernel does neither; `bias` may be empty (none).
    pub(crate) fn apply(self, n: usize, bias: &[f32], y: &mut [f32], cache: &mut [f32]) {
        if bias.is_empty() {
            activation::forward(self.fused(), y);
        } else {
            activation::bias_forward(self.fused(), bias, y);
        }
        self.finish(n, y, cache);
    }

    /// The way back through [`apply`](Self::apply): `dy` becomes the gradient before the bias, and `dbias` its sum over rows.
    pub(crate) fn apply_backward(self, n: usize, y: &[f32], cache: &[f32], dy: &mut [f32], dbias: &mut [f32]) {
        let (unary, saved) = self.unwind(n, y, cache, dy);
        activation::backward(unary, saved, dy);
        if !dbias.is_empty() {
            taper_kernels::matrix::column_sums(dy, dbias);
        }
    }
}
