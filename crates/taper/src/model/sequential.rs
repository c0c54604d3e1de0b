//! A stack of layers, as the user writes it down.

use serde::{Deserialize, Serialize};

use crate::layer::LayerSpec;
use crate::policy::Policy;

/// Layers one after the other.
///
/// # Example
///
/// ```
/// use taper::{Activation, Dense, Regularizer, Sequential};
///
/// let spec = Sequential::new([2])
///     .layer(Dense::new(500).activation(Activation::Relu).kernel_regularizer(Regularizer::l2(0.001)))
///     .layer(Dense::new(1).activation(Activation::Sigmoid));
/// assert_eq!(spec.layers.len(), 2);
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Sequential {
    /// The shape of one row's input. An experiment on a file may leave it out: its rows say it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub input_shape: Vec<usize>,
    /// The layers, first to last.
    pub layers: Vec<LayerSpec>,
    /// The penalty of every parameter whose layer says none. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub regularization: Option<Policy>,
}

impl Sequential {
    /// No layers yet.
    #[must_use]
    pub fn new(input_shape: impl Into<Vec<usize>>) -> Self {
        Self { input_shape: input_shape.into(), layers: Vec::new(), regularization: None }
    }

    /// The same model with one layer more.
    #[must_use]
    pub fn layer(mut self, layer: impl Into<LayerSpec>) -> Self {
        self.layers.push(layer.into());
        self
    }

    /// The same model with this penalty on every parameter that the policy means and whose layer says none.
    #[must_use]
    pub fn regularization(mut self, policy: impl Into<Policy>) -> Self {
        self.regularization = Some(policy.into());
        self
    }
}
