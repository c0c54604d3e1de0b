//! Softmax as a layer of its own.

use serde::{Deserialize, Serialize};

use super::moved::moved_to_end;
use super::{ActivationLayer, Layer, LayerConfig, single};
use crate::activation::Activation;
use crate::constraint::Axes;
use crate::shape::Shape;
use crate::{Complaint, Result};

/// e^x / Σ e^x, summed over one dimension or several.
///
/// # Shapes
///
/// Output as input.
///
/// # Example
///
/// ```
/// use taper::{Dense, Sequential, Softmax};
///
/// let model = Sequential::new([4]).layer(Dense::new(3)).layer(Softmax::new());
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Softmax {
    /// The dimensions of the sum, counted from -1 backwards or, the batch being 0, from 1. Default: -1.
    #[serde(default = "last", skip_serializing_if = "is_last")]
    pub axis: Axes,
}

fn last() -> Axes {
    Axes(vec![-1])
}

fn is_last(axis: &Axes) -> bool {
    *axis == last()
}

impl Default for Softmax {
    fn default() -> Self {
        Self { axis: last() }
    }
}

impl Softmax {
    /// Over the last dimension.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Over these dimensions.
    #[must_use]
    pub fn axis(mut self, axis: impl Into<Vec<i64>>) -> Self {
        self.axis = Axes(axis.into());
        self
    }

    /// Whether this is the function that a loss may work from the logits of.
    pub(crate) fn is_over_last(&self) -> bool {
        is_last(&self.axis)
    }
}

impl LayerConfig for Softmax {
    fn build(&self, inputs: &[Shape]) -> Result<Box<dyn Layer>> {
        let input = single(inputs)?;
        let Some(axes) = self.axis.of_sample(input.rank()) else {
            return Err(Complaint::new("axis", Axes::expected(input), format!("{:?}", self.axis.0)).into());
        };
        let softmax = ActivationLayer::new(Activation::Softmax);
        if axes == [input.rank() - 1] {
            return softmax.build(inputs);
        }
        let count: usize = axes.iter().map(|axis| input.sizes()[*axis]).product();
        moved_to_end(input, &axes, false, |moved| softmax.build(&[Shape::new([moved.len() / count, count])?]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Model, Seed, Sequential};

    /// `keras.layers.Softmax(axis)(...)` of 0, 1, 2, 3 as (2, 2).
    #[test]
    fn keras_values() {
        for (axis, want) in [
            (vec![1], [0.119_202_92, 0.119_202_92, 0.880_797_1, 0.880_797_1]),
            (vec![-1], [0.268_941_43, 0.731_058_6, 0.268_941_43, 0.731_058_6]),
            (vec![1, 2], [0.032_058_604, 0.087_144_32, 0.236_882_82, 0.643_914_3]),
        ] {
            let spec = Sequential::new([2, 2]).layer(Softmax::new().axis(axis.clone()));
            let got = Model::build(&spec, Seed::new(1)).unwrap().predict(&[0.0, 1.0, 2.0, 3.0]).unwrap();
            for (got, want) in got.iter().zip(want) {
                assert!((got - want).abs() < 1e-6, "{axis:?}: {got} {want}");
            }
        }
        assert!(Softmax::new().axis([3]).build(&[Shape::new([2, 2]).unwrap()]).is_err());
    }
}
