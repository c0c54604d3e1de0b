//! Activation functions as a specification.

use serde::{Deserialize, Serialize};
use taper_kernels::activation::Unary;

use crate::spelling::named;

/// What a layer does to its result. Names and defaults are Keras's; formulas with their slopes are in
/// [`taper_kernels::activation::Unary`], `softmax` is e^(z - max) / Σ e^(z - max) over the last dimension.
///
/// Written `"relu"`, or with a setting `{ name = "leaky_relu", negative_slope = 0.1 }`.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(remote = "Self", tag = "name", rename_all = "snake_case", deny_unknown_fields)]
#[allow(missing_docs)] // see `Unary`
pub enum Activation {
    #[default]
    Linear,
    Relu,
    Relu6,
    LeakyRelu {
        #[serde(default = "negative_slope")]
        negative_slope: f32,
    },
    Elu {
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
        })
    }
}
