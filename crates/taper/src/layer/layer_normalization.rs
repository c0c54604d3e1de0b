//! Layer normalization.

use serde::{Deserialize, Serialize};
use taper_kernels::normalization;

use super::batch_normalization::{epsilon, ones, zeros};
use super::moved::moved_to_end;
use super::{Backward, Forward, Layer, LayerConfig, Masking, dx_of, single};
use crate::constraint::{Axes, Constraint};
use crate::initializer::Initializer;
use crate::param::{ParamSpec, Role};
use crate::regularizer::Regularizer;
use crate::shape::Shape;
use crate::spelling::{is_yes, yes};
use crate::{Complaints, Result};

/// Each vector brought to mean 0 and (biased) variance 1, then scaled and shifted:
/// `y = gamma (x - mean) / √(variance + epsilon) + beta` (Ba et al. 2016). Training and inference are the same.
///
/// # Shapes
///
/// Output as input; a vector is what lies along `axis`: one dimension or several.
///
/// # Parameters
///
/// `gamma`, `beta` (the sizes of `axis`) unless switched off.
///
/// # Example
///
/// ```
/// use taper::{Dense, LayerNormalization, Sequential};
///
/// let model = Sequential::new([8]).layer(Dense::new(16)).layer(LayerNormalization::new()).layer(Dense::new(1));
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct LayerNormalization {
    /// What to normalize over: dimensions of the input, counted from -1 backwards or, the batch being 0, from 1.
    /// Default: -1.
    #[serde(default = "last")]
    pub axis: Axes,
    /// Added to the variance. Default: 0.001.
    #[serde(default = "epsilon")]
    pub epsilon: f64,
    /// Whether there is a `beta`. Default: yes.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub center: bool,
    /// Whether there is a `gamma`. Default: yes.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub scale: bool,
    /// How beta begins. Default: `zeros`.
    #[serde(default = "zeros")]
    pub beta_initializer: Initializer,
    /// How gamma begins. Default: `ones`.
    #[serde(default = "ones")]
    pub gamma_initializer: Initializer,
    /// Penalty on beta. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub beta_regularizer: Option<Regularizer>,
    /// Penalty on gamma. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gamma_regularizer: Option<Regularizer>,
    /// What beta is brought back to after each step. Default: nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub beta_constraint: Option<Constraint>,
    /// What gamma is brought back to after each step. Default: nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gamma_constraint: Option<Constraint>,
}

fn last() -> Axes {
    Axes(vec![-1])
}

impl Default for LayerNormalization {
    fn default() -> Self {
        Self {
            axis: last(),
            epsilon: epsilon(),
            center: true,
            scale: true,
            beta_initializer: zeros(),
            gamma_initializer: ones(),
            beta_regularizer: None,
            gamma_regularizer: None,
            beta_constraint: None,
            gamma_constraint: None,
        }
    }
}

impl LayerNormalization {
    /// Over the last dimension, with Keras's defaults.
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
}

impl LayerConfig for LayerNormalization {
    fn build(&self, inputs: &[Shape]) -> Result<Box<dyn Layer>> {
        let input = single(inputs)?;
        let mut complaints = Complaints::new();
        let good = self.epsilon.is_finite() && self.epsilon >= 0.0;
        complaints.check(good, "epsilon", "a finite number of at least 0", self.epsilon);
        let axes = self.axis.of_sample(input.rank());
        complaints.check(axes.is_some(), "axis", Axes::expected(input), format!("{:?}", self.axis.0));
        complaints.finish()?;
        let axes = axes.unwrap_or_default();
        // Keras sorts the axes as they are written, negative ones first, and gamma has its sizes in this order.
        let mut written = self.axis.0.clone();
        written.sort_unstable();
        let place = |axis: i64| if axis < 0 { axis + input.rank() as i64 } else { axis - 1 };
        let sizes: Vec<usize> = written.into_iter().map(|axis| input.sizes()[place(axis) as usize]).collect();
        let vector = Shape::new(sizes)?;
        if axes[0] + axes.len() == input.rank() {
            self.over_end(input, &vector)
        } else {
            moved_to_end(input, &axes, false, |input| self.over_end(input, &vector))
        }
    }
}

impl LayerNormalization {
    /// Over the dimensions at the end that make a vector of this shape.
    fn over_end(&self, input: &Shape, vector: &Shape) -> Result<Box<dyn Layer>> {
        let mut params = Vec::new();
        if self.scale {
            params.push(
                ParamSpec::new("gamma", Role::Gamma, vector.clone(), self.gamma_initializer.clone())
                    .regularizer(&self.gamma_regularizer)
                    .constraint(&self.gamma_constraint),
            );
        }
        if self.center {
            params.push(
                ParamSpec::new("beta", Role::Beta, vector.clone(), self.beta_initializer.clone())
                    .regularizer(&self.beta_regularizer)
                    .constraint(&self.beta_constraint),
            );
        }
        Ok(Box::new(Built {
            length: vector.len(),
            epsilon: self.epsilon as f32,
            gamma_len: if self.scale { vector.len() } else { 0 },
            params,
            shape: input.clone(),
        }))
    }
}

#[derive(Debug)]
struct Built {
    /// Of a vector.
    length: usize,
    epsilon: f32,
    /// 0 where there is no gamma.
    gamma_len: usize,
    params: Vec<ParamSpec>,
    shape: Shape,
}

impl Layer for Built {
    fn output_shape(&self) -> &Shape {
        &self.shape
    }

    fn params(&self) -> &[ParamSpec] {
        &self.params
    }

    /// Mean and 1 / √(variance + ε) of every vector.
    fn cache_len(&self, batch: usize) -> usize {
        2 * batch * self.shape.len() / self.length
    }

    fn scratch_len(&self, _batch: usize) -> usize {
        2 * self.length
    }

    fn masking(&self) -> Masking {
        Masking::Pass
    }

    fn forward(&self, io: Forward<'_>) {
        let (gamma, beta) = io.params.split_at(self.gamma_len);
        let (mean, inverse) = io.cache.split_at_mut(io.cache.len() / 2);
        normalization::rows_forward(self.length, io.inputs.x(), gamma, beta, self.epsilon, mean, inverse, io.y);
    }

    fn backward(&self, io: Backward<'_>) {
        let gamma = &io.params[..self.gamma_len];
        let (mean, inverse) = io.cache.split_at(io.cache.len() / 2);
        io.dparams.fill(0.0);
        let (dgamma, dbeta) = io.dparams.split_at_mut(self.gamma_len);
        let dx = dx_of(io.dx, io.batch, &io.inputs).unwrap_or_default();
        let (units, pulls) = io.scratch.split_at_mut(self.length);
        let x = io.inputs.x();
        normalization::rows_backward(self.length, x, io.dy, gamma, mean, inverse, dgamma, dbeta, dx, units, pulls);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Model, Seed, Sequential};

    const X: [f32; 12] = [1.0, 2.0, 3.0, 5.0, 0.0, -1.0, 4.0, 4.0, 2.0, 2.0, 9.0, 9.0];

    fn check(layer: LayerNormalization, params: &[f32], want: &[f32]) {
        let mut model = Model::build(&Sequential::new([2, 2]).layer(layer), Seed::new(1)).unwrap();
        model.params_mut().data_mut()[..params.len()].copy_from_slice(params);
        for (got, want) in model.predict(&X).unwrap().iter().zip(want) {
            assert!((got - want).abs() < 5e-6, "{got} {want}");
        }
    }

    /// `keras.layers.LayerNormalization()(x)` with gamma = [1.5, 0.5], beta = [0.1, -0.2], x of shape (3, 2, 2).
    #[test]
    fn keras_values() {
        let want = [
            -1.397_008_9,
            0.299_003,
            -1.399_250_5,
            0.299_750_1,
            1.597_009_1,
            -0.699_003,
            0.1,
            -0.2,
            0.1,
            -0.2,
            0.1,
            -0.2,
        ];
        check(LayerNormalization::new(), &[1.5, 0.5, 0.1, -0.2], &want);
    }

    /// `keras.layers.LayerNormalization(axis=[1, 2])(x)`.
    #[test]
    fn keras_values_over_two_axes() {
        let want = [
            -1.182_945_7,
            -0.506_976_7,
            0.168_992_28,
            1.520_93,
            -0.768_275_74,
            -1.207_290_4,
            0.987_783_1,
            0.987_783_1,
            -0.999_959_2,
            -0.999_959_2,
            0.999_959_2,
            0.999_959_2,
        ];
        check(LayerNormalization::new().axis([1, 2]), &[], &want);
        check(LayerNormalization::new().axis([-1, -2]), &[], &want);
    }

    #[test]
    fn every_axis_is_one_of_the_input_and_stands_once() {
        let input = Shape::new([2, 3, 4]).unwrap();
        for axis in [vec![0], vec![4], vec![-4], vec![], vec![1, 1], vec![-1, 3]] {
            let built = LayerNormalization::new().axis(axis.clone()).build(std::slice::from_ref(&input));
            assert!(built.is_err(), "{axis:?}");
        }
        for (axis, gamma) in [(vec![3, 1], [2, 4]), (vec![2, -1], [4, 3]), (vec![-2, -1], [3, 4])] {
            let built = LayerNormalization::new().axis(axis.clone()).build(std::slice::from_ref(&input)).unwrap();
            assert_eq!(built.params()[0].shape.sizes(), gamma, "{axis:?}");
        }
    }
}
