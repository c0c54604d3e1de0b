//! Batch normalization.

mod built;

use built::Built;
use serde::{Deserialize, Serialize};

use super::moved::moved_to_end;
use super::{Layer, LayerConfig, single};
use crate::constraint::{Axes, Constraint};
use crate::initializer::Initializer;
use crate::param::{ParamSpec, Role};
use crate::regularizer::Regularizer;
use crate::shape::Shape;
use crate::spelling::{is_yes, yes};
use crate::{Complaints, Result};

/// Each channel brought to mean 0 and variance 1 over batch and positions, then scaled and shifted:
/// `y = gamma (x - mean) / √(variance + epsilon) + beta` (Ioffe and Szegedy 2015).
///
/// In training, mean and (biased) variance are the batch's, and the moving statistics follow them:
/// `moving = momentum · moving + (1 - momentum) · batch`. In inference, and in a frozen layer always, they are the moving
/// ones. Steps that a mask leaves out do not count in the moments.
///
/// # Shapes
///
/// Output as input; moments over everything but the dimension of the channels.
///
/// # Parameters
///
/// `gamma`, `beta` (channels) unless switched off; `moving_mean`, `moving_variance` (channels), not trained.
///
/// # Example
///
/// ```
/// use taper::{BatchNormalization, Dense, Regularizer, Sequential};
///
/// let normalization = BatchNormalization::new().gamma_regularizer(Regularizer::l2(1e-4));
/// let model = Sequential::new([8]).layer(Dense::new(16)).layer(normalization).layer(Dense::new(1));
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct BatchNormalization {
    /// The dimension of the channels, counted from 1 or from -1 backwards. On another than the last, masks do not count.
    /// Default: -1.
    #[serde(default = "last", skip_serializing_if = "is_last", deserialize_with = "one_axis")]
    pub axis: i64,
    /// How much of the moving statistics stays after a step. Default: 0.99.
    #[serde(default = "momentum")]
    pub momentum: f64,
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
    /// How the moving mean begins. Default: `zeros`.
    #[serde(default = "zeros")]
    pub moving_mean_initializer: Initializer,
    /// How the moving variance begins. Default: `ones`.
    #[serde(default = "ones")]
    pub moving_variance_initializer: Initializer,
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

fn last() -> i64 {
    -1
}
#[allow(clippy::trivially_copy_pass_by_ref)] // serde's way
fn is_last(axis: &i64) -> bool {
    *axis == last()
}
/// Keras writes a list of one for it after a model was built.
fn one_axis<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    match Axes::deserialize(deserializer)?.0.as_slice() {
        [axis] => Ok(*axis),
        axes => Err(serde::de::Error::custom(format!("invalid value: {axes:?}, expected one dimension"))),
    }
}
fn momentum() -> f64 {
    0.99
}
pub(super) fn epsilon() -> f64 {
    1e-3
}
pub(super) fn zeros() -> Initializer {
    Initializer::Zeros
}
pub(super) fn ones() -> Initializer {
    Initializer::Ones
}

impl Default for BatchNormalization {
    fn default() -> Self {
        Self {
            axis: last(),
            momentum: momentum(),
            epsilon: epsilon(),
            center: true,
            scale: true,
            beta_initializer: zeros(),
            gamma_initializer: ones(),
            moving_mean_initializer: zeros(),
            moving_variance_initializer: ones(),
            beta_regularizer: None,
            gamma_regularizer: None,
            beta_constraint: None,
            gamma_constraint: None,
        }
    }
}

impl BatchNormalization {
    /// With Keras's defaults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// With this momentum of the moving statistics.
    #[must_use]
    pub fn momentum(mut self, momentum: f64) -> Self {
        self.momentum = momentum;
        self
    }

    /// With this penalty on gamma.
    #[must_use]
    pub fn gamma_regularizer(mut self, regularizer: Regularizer) -> Self {
        self.gamma_regularizer = Some(regularizer);
        self
    }

    /// With this penalty on beta.
    #[must_use]
    pub fn beta_regularizer(mut self, regularizer: Regularizer) -> Self {
        self.beta_regularizer = Some(regularizer);
        self
    }
}

impl LayerConfig for BatchNormalization {
    fn build(&self, inputs: &[Shape]) -> Result<Box<dyn Layer>> {
        let input = single(inputs)?;
        let mut complaints = Complaints::new();
        complaints.check((0.0..=1.0).contains(&self.momentum), "momentum", "a number from 0 to 1", self.momentum);
        let good = self.epsilon.is_finite() && self.epsilon >= 0.0;
        complaints.check(good, "epsilon", "a finite number of at least 0", self.epsilon);
        complaints.check(input.rank() > 0, "", "an input with at least one dimension", input);
        let rank = input.rank() as i64;
        let axis = if self.axis < 0 { self.axis + rank } else { self.axis - 1 };
        let expected = format!("a dimension of an input of shape {input}, counted from 1 or from -1 backwards");
        complaints.check((0..rank).contains(&axis) && self.axis != 0, "axis", expected, self.axis);
        complaints.finish()?;
        if axis + 1 == rank {
            self.over_last(input)
        } else {
            moved_to_end(input, &[axis as usize], true, |input| self.over_last(input))
        }
    }
}

impl BatchNormalization {
    /// For channels in the last dimension.
    fn over_last(&self, input: &Shape) -> Result<Box<dyn Layer>> {
        let channels = Shape::new([input.last()])?;
        let mut params = Vec::new();
        if self.scale {
            params.push(
                ParamSpec::new("gamma", Role::Gamma, channels.clone(), self.gamma_initializer.clone())
                    .regularizer(&self.gamma_regularizer)
                    .constraint(&self.gamma_constraint),
            );
        }
        if self.center {
            params.push(
                ParamSpec::new("beta", Role::Beta, channels.clone(), self.beta_initializer.clone())
                    .regularizer(&self.beta_regularizer)
                    .constraint(&self.beta_constraint),
            );
        }
        for (name, initializer) in
            [("moving_mean", &self.moving_mean_initializer), ("moving_variance", &self.moving_variance_initializer)]
        {
            let mut moving = ParamSpec::new(name, Role::MovingStatistic, channels.clone(), initializer.clone());
            moving.trainable = false;
            params.push(moving);
        }
        Ok(Box::new(Built {
            momentum: self.momentum,
            epsilon: self.epsilon as f32,
            scale: self.scale,
            center: self.center,
            params,
            shape: input.clone(),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layer::{Backward, Forward, InputGradients, Inputs, Mode};
    use crate::model::Workspace;
    use crate::{Embedding, Model, Seed, Sequential};

    const X: [f32; 12] = [1.0, 2.0, 3.0, 5.0, 0.0, -1.0, 4.0, 4.0, 2.0, 2.0, 9.0, 9.0];

    fn close(got: &[f32], want: &[f32]) {
        assert_eq!(got.len(), want.len());
        for (got, want) in got.iter().zip(want) {
            assert!((got - want).abs() < 2e-6 * (1.0 + want.abs()), "{got} {want}");
        }
    }

    /// `bn = keras.layers.BatchNormalization()`, gamma = [1.5, 0.5], beta = [0.1, -0.2], x of shape (3, 2, 2):
    /// `bn(x, training=True)`, the moving statistics, then `bn(x)`.
    #[test]
    fn keras_values() {
        let mut model = Model::build(&Sequential::new([2, 2]).layer(BatchNormalization::new()), Seed::new(1)).unwrap();
        model.params_mut().data_mut()[..4].copy_from_slice(&[1.5, 0.5, 0.1, -0.2]);
        let mut workspace = Workspace::new(&model, 3, true);
        workspace.input_mut(12).copy_from_slice(&X);
        workspace.forward(&model, 3, Mode::Training, Seed::new(0));
        let training = [
            -1.016_500_7,
            -0.442_259_2,
            0.014_115_33,
            0.042_259_276,
            -1.531_808_7,
            -0.926_777_6,
            0.529_423_36,
            -0.119_246_9,
            -0.501_192_7,
            -0.442_259_2,
            3.105_963_2,
            0.688_283_86,
        ];
        close(workspace.output(&model, 3), &training);
        workspace.update_state(&mut model, 3);
        close(&model.params().data()[4..], &[0.031_666_666, 0.035, 1.074_722_3, 1.085_833_3]);
        let inference = [
            1.500_444_9,
            0.742_434_26,
            4.392_930_5,
            2.181_265_4,
            0.054_202_322,
            -0.696_396_7,
            5.839_173,
            1.701_655,
            2.946_687_5,
            0.742_434_26,
            13.070_385,
            4.099_706_6,
        ];
        close(&model.predict(&X).unwrap(), &inference);
    }

    #[test]
    fn masked_steps_are_refused_where_they_are_the_channels() {
        let across = BatchNormalization { axis: 1, ..BatchNormalization::new() };
        let tokens = || Sequential::new([3]).layer(Embedding::new(5, 2).mask_zero(true));
        let error = Model::build(tokens().layer(across.clone()), Seed::new(1)).unwrap_err().to_string();
        assert!(error.starts_with("layers[1].inputs: expected an input without masked steps"), "{error}");
        assert!(Model::build(tokens().layer(BatchNormalization::new()), Seed::new(1)).is_ok());
        assert!(Model::build(Sequential::new([3, 2]).layer(across), Seed::new(1)).is_ok());
    }

    /// `bn(x, training=True, mask=[[1, 1], [1, 0], [1, 0]])`, and that the gradient is the difference quotient.
    #[test]
    fn masked_steps_do_not_count() {
        let layer = BatchNormalization::new().build(&[Shape::new([2, 2]).unwrap()]).unwrap();
        let params = [1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 1.0];
        let masks = [vec![1.0, 1.0, 1.0, 0.0, 1.0, 0.0]];
        let (mut cache, mut scratch) = (vec![0.0; layer.cache_len(3)], vec![0.0; layer.scratch_len(3)]);
        let forward = |x: &[f32], cache: &mut [f32], scratch: &mut [f32]| {
            let mut y = vec![0.0; 12];
            let inputs = Inputs::lend(3, x, Some(&masks[0]));
            let (mode, seed) = (Mode::Training, Seed::new(0));
            layer.forward(Forward {
                batch: 3,
                inputs,
                y: &mut y,
                params: &params,
                cache,
                scratch,
                mode,
                frozen: false,
                seed,
            });
            y
        };
        let y = forward(&X, &mut cache, &mut scratch);
        let want = [
            -0.447_034_78,
            0.0,
            1.341_104_4,
            1.414_056_4,
            -1.341_104_4,
            -1.414_056_5,
            2.235_174_2,
            0.942_704_3,
            0.447_034_84,
            0.0,
            6.705_521_6,
            3.299_465_2,
        ];
        close(&y, &want);
        close(&cache[1..5], &[1.5, 2.0, 1.25, 4.5]);

        let weights: Vec<f32> = (0..12u8).map(|i| (f32::from(i) - 5.0) * 0.3).collect();
        let (mut dy, mut dparams, mut dx) = (weights.clone(), vec![f32::NAN; 8], vec![f32::NAN; 12]);
        layer.backward(Backward {
            batch: 3,
            inputs: Inputs::lend(3, &X, Some(&masks[0])),
            y: &y,
            dy: &mut dy,
            params: &params,
            dparams: &mut dparams,
            dx: &mut InputGradients::Lent(Some(&mut dx)),
            cache: &mut cache.clone(),
            frozen: false,
            epoch: 0,
            scratch: &mut scratch,
        });
        for i in 0..12 {
            let mut at = |step: f32| {
                let mut x = X;
                x[i] += step;
                let y = forward(&x, &mut cache, &mut scratch);
                y.iter().zip(&weights).map(|(y, c)| f64::from(y * c)).sum::<f64>()
            };
            let quotient = (at(1e-2) - at(-1e-2)) / 2e-2;
            assert!((quotient - f64::from(dx[i])).abs() < 5e-3, "{i}: {} {quotient}", dx[i]);
        }
    }
}
