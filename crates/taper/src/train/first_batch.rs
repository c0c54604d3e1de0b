//! What the first step of a training sees.

use super::config::FitConfig;
use super::fit::Fitting;
use crate::model::Model;
use crate::{Dataset, Result, Seed};

/// Loss and gradient of the first batch, at the weights as they are.
#[derive(Debug, Clone, PartialEq)]
pub struct FirstBatch {
    /// `data_loss` + `penalty`.
    pub loss: f64,
    /// The part that depends on the rows.
    pub data_loss: f64,
    /// The part that depends on the weights and, for activity penalties, on the outputs.
    pub penalty: f64,
    /// d `loss` / dw, in the order of [`Params::data`](crate::Params::data); 0 where nothing is trained.
    pub gradients: Vec<f32>,
}

/// The loss and its gradient on the first `batch_size` rows in their own order, in training mode, before any clipping and
/// without a step.
///
/// # Errors
///
/// As [`fit`](crate::fit).
///
/// # Example
///
/// The derivative of (w x)² + 0.1 w² at w = 2, x = 3:
///
/// ```
/// use taper::*;
///
/// # fn main() -> Result<()> {
/// let layer = Dense { use_bias: false, ..Dense::new(1) }.kernel_regularizer(Regularizer::l2(0.1));
/// let model = Model::with_weights(Sequential::new([1]).layer(layer), vec![2.0])?;
/// let data = Dataset::new(Shape::new([1])?, vec![3.0], 1, vec![0.0])?;
/// let first = first_batch(&model, &data, &FitConfig::new(Loss::Mse))?;
/// assert!((first.loss - (36.0 + 0.4)).abs() < 1e-5);
/// assert!((first.gradients[0] - (2.0 * 2.0 * 9.0 + 2.0 * 0.1 * 2.0)).abs() < 1e-5);
/// # Ok(())
/// # }
/// ```
pub fn first_batch(model: &Model, data: &Dataset, config: &FitConfig) -> Result<FirstBatch> {
    let mut fitting = Fitting::new(model, data, None, config, Seed::new(0))?;
    let (data_loss, penalty) = fitting.first_batch(model);
    let mut gradients = fitting.gradients().to_vec();
    for slot in model.params().slots().iter().filter(|slot| !slot.spec.trainable) {
        gradients[slot.range.clone()].fill(0.0);
    }
    Ok(FirstBatch { loss: data_loss + penalty, data_loss, penalty, gradients })
}
