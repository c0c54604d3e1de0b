//! A rectifier whose slope below 0 is learned.

use serde::{Deserialize, Serialize};

use super::batch_normalization::zeros;
use super::{Backward, Forward, Layer, LayerConfig, Masking, dx_of, single};
use crate::constraint::Constraint;
use crate::initializer::Initializer;
use crate::param::{ParamSpec, Role};
use crate::regularizer::Regularizer;
use crate::shape::Shape;
use crate::{Complaint, Result};

/// `y = x` where x > 0, else `alpha · x` with alpha learned (He et al. 2015): `dalpha = Σ dy x` over the x below 0.
///
/// # Shapes
///
/// Output as input.
///
/// # Parameters
///
/// `alpha` as the input, with 1 for the dimensions in `shared_axes`.
///
/// # Example
///
/// ```
/// use taper::{Conv2d, PReLu, Sequential};
///
/// // One slope per channel.
/// let slopes = PReLu { shared_axes: Some(vec![1, 2]), ..PReLu::new() };
/// let model = Sequential::new([8, 8, 3]).layer(Conv2d::new(4, 3)).layer(slopes);
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct PReLu {
    /// How alpha begins. Default: `zeros`.
    #[serde(default = "zeros")]
    pub alpha_initializer: Initializer,
    /// Penalty on alpha. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alpha_regularizer: Option<Regularizer>,
    /// Constraint on alpha after each step. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alpha_constraint: Option<Constraint>,
    /// Dimensions, counted from 1, along which alpha is the same. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shared_axes: Option<Vec<usize>>,
}

impl Default for PReLu {
    fn default() -> Self {
        Self { alpha_initializer: zeros(), alpha_regularizer: None, alpha_constraint: None, shared_axes: None }
    }
}

impl PReLu {
    /// A slope for every number, 0 at first.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl LayerConfig for PReLu {
    fn build(&self, inputs: &[Shape]) -> Result<Box<dyn Layer>> {
        let input = single(inputs)?;
        let shared = self.shared_axes.as_deref().unwrap_or_default();
        if shared.iter().any(|axis| !(1..=input.rank()).contains(axis)) {
            let expected = format!("numbers from 1 to {}", input.rank());
            return Err(Complaint::new("shared_axes", expected, format!("{shared:?}")).into());
        }
        let of = |(i, size): (usize, &usize)| if shared.contains(&(i + 1)) { 1 } else { *size };
        let sizes: Vec<usize> = input.sizes().iter().enumerate().map(of).collect();
        // A shared dimension does not move the place in alpha.
        let step = |i: usize| if shared.contains(&(i + 1)) { 0 } else { sizes[i + 1..].iter().product() };
        let alpha = ParamSpec::new("alpha", Role::Slope, Shape::new(&*sizes)?, self.alpha_initializer.clone())
            .regularizer(&self.alpha_regularizer)
            .constraint(&self.alpha_constraint);
        Ok(Box::new(Built { strides: (0..sizes.len()).map(step).collect(), params: [alpha], shape: input.clone() }))
    }
}

#[derive(Debug)]
struct Built {
    /// How far apart neighbours along each dimension of the input lie in alpha.
    strides: Vec<usize>,
    params: [ParamSpec; 1],
    shape: Shape,
}

impl Built {
    /// Which alpha belongs to this place of the input.
    fn slope(&self, mut place: usize) -> usize {
        let mut slope = 0;
        for (size, stride) in self.shape.sizes().iter().zip(&self.strides).rev() {
            slope += place % size * stride;
            place /= size;
        }
        slope
    }
}

impl Layer for Built {
    fn output_shape(&self) -> &Shape {
        &self.shape
    }

    fn params(&self) -> &[ParamSpec] {
        &self.params
    }

    fn masking(&self) -> Masking {
        Masking::Pass
    }

    fn forward(&self, io: Forward<'_>) {
        let len = self.shape.len();
        for i in 0..len {
            let alpha = io.params[self.slope(i)];
            for (x, y) in io.inputs.x().chunks_exact(len).zip(io.y.chunks_exact_mut(len)) {
                y[i] = if x[i] < 0.0 { alpha * x[i] } else { x[i] };
            }
        }
    }

    fn backward(&self, io: Backward<'_>) {
        let len = self.shape.len();
        io.dparams.fill(0.0);
        // 0 is no side's: TensorFlow's gradient is 0 there.
        let slope_at = |x: f32, alpha: f32| match x {
            x if x > 0.0 => 1.0,
            x if x < 0.0 => alpha,
            _ => 0.0 * x, // NaN stays
        };
        for i in 0..len {
            let slope = self.slope(i);
            let rows = io.inputs.x().chunks_exact(len).zip(io.dy.chunks_exact(len));
            io.dparams[slope] += rows.map(|(x, dy)| x[i].min(0.0) * dy[i]).sum::<f32>();
            if let Some(dx) = dx_of(io.dx, io.batch, &io.inputs) {
                let rows = io.inputs.x().chunks_exact(len).zip(io.dy.chunks_exact(len));
                for (dx, (x, dy)) in dx.chunks_exact_mut(len).zip(rows) {
                    dx[i] = dy[i] * slope_at(x[i], io.params[slope]);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{Initializer, Model, PReLu, Seed, Sequential};

    /// `keras.layers.PReLU(alpha_initializer=Constant(0.25), shared_axes=[1])` of steps (1, -2) and (-4, 8).
    #[test]
    fn keras_values() {
        let alpha_initializer = Initializer::Constant { value: 0.25 };
        let layer = PReLu { alpha_initializer, shared_axes: Some(vec![1]), ..PReLu::new() };
        let model = Model::build(&Sequential::new([2, 2]).layer(layer), Seed::new(1)).unwrap();
        assert_eq!(model.params().slots()[0].spec.shape.sizes(), [1, 2]);
        assert_eq!(model.predict(&[1.0, -2.0, -4.0, 8.0]).unwrap(), [1.0, -0.5, -1.0, 8.0]);
    }
}
