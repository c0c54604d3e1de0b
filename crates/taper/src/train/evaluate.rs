//! How good a model is on rows.

use serde::{Deserialize, Serialize};

use super::config::FitConfig;
use crate::layer::Mode;
use crate::loss::Loss;
use crate::metric::{Meter, MetricSpec};
use crate::model::{Model, Workspace};
use crate::{Dataset, Result, Seed};

/// Loss and metrics on some rows. `loss` = `data_loss` + `penalty`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Scores {
    /// What training makes small.
    pub loss: f64,
    /// The part that depends on the rows: the proper score to compare models by.
    pub data_loss: f64,
    /// The part that depends on the weights (and, for activity penalties, on the outputs).
    pub penalty: f64,
    /// The metrics, in the order of [`FitConfig::metric_names`].
    pub metrics: Vec<f64>,
}

/// Loss and metrics of `model` on `data`, in inference mode, with the penalties' strengths of the last epoch
/// that trained it ([`PenaltyState::epoch`](crate::PenaltyState::epoch)).
///
/// # Errors
///
/// Settings or rows that do not fit the model.
///
/// # Example
///
/// ```
/// use taper::{Activation, Dataset, Dense, FitConfig, Loss, Metric, Model, Seed, Sequential, data::make_moons, evaluate};
///
/// # fn main() -> taper::Result<()> {
/// let data = Dataset::from_sample(&make_moons(100, 0.2, 1)?)?;
/// let model = Model::build(&Sequential::new([2]).layer(Dense::new(1).activation(Activation::Sigmoid)), Seed::new(1))?;
/// let scores = evaluate(&model, &data, &FitConfig::new(Loss::BINARY_CROSSENTROPY).metrics([Metric::Accuracy]))?;
/// assert_eq!(scores.loss, scores.data_loss + scores.penalty);
/// # Ok(())
/// # }
/// ```
pub fn evaluate(model: &Model, data: &Dataset, config: &FitConfig) -> Result<Scores> {
    config.validate().map_err(|error| error.within("fit"))?;
    config.check_targets("data", model, data)?;
    let mut evaluator = Evaluator::new(model, data, config);
    evaluator.run(model, data, model.params.penalty_state.epoch);
    Ok(evaluator.scores())
}

/// The data loss of each row, in inference mode: their mean is [`Scores::data_loss`] (where no predictions are masked).
///
/// # Errors
///
/// As [`evaluate`].
///
/// # Example
///
/// ```
/// use taper::{Dataset, Dense, FitConfig, Loss, Model, Seed, Sequential, Shape, row_losses};
///
/// # fn main() -> taper::Result<()> {
/// let model = Model::build(&Sequential::new([1]).layer(Dense::new(1)), Seed::new(1))?;
/// let data = Dataset::new(Shape::new([1])?, vec![0.0, 0.0], 1, vec![1.0, 3.0])?;
/// assert_eq!(row_losses(&model, &data, &FitConfig::new(Loss::Mse))?, [1.0, 9.0]);
/// # Ok(())
/// # }
/// ```
pub fn row_losses(model: &Model, data: &Dataset, config: &FitConfig) -> Result<Vec<f64>> {
    config.validate().map_err(|error| error.within("fit"))?;
    config.check_targets("data", model, data)?;
    let Evaluator { mut workspace, mut weights, per_row, .. } = Evaluator::new(model, data, config);
    let (width, targets) = (data.input_shape().len(), data.target_len());
    let mut losses = Vec::with_capacity(data.rows());
    for row in 0..data.rows() {
        let (x, y) = (&data.x()[row * width..][..width], &data.y()[row * targets..][..targets]);
        workspace.input_mut(width).copy_from_slice(x);
        workspace.forward(model, 1, Mode::Inference, Seed::new(0));
        let sample_weight = data.sample_weight().map(|all| &all[row..=row]);
        let weights = row_weights(&mut weights, per_row, sample_weight, workspace.output_mask(model, 1), 1);
        losses.push(workspace.loss(model, config.loss, 1, y, weights, false));
    }
    Ok(losses)
}

/// Evaluates a model again and again without allocating.
#[derive(Debug)]
pub(crate) struct Evaluator {
    workspace: Workspace,
    loss: Loss,
    meters: Vec<Meter>,
    weights: Vec<f32>,
    /// Predictions per row.
    per_row: usize,
    /// The scores of the last run.
    pub(crate) data_loss: f64,
    pub(crate) penalty: f64,
}

impl Evaluator {
    pub(crate) fn new(model: &Model, data: &Dataset, config: &FitConfig) -> Self {
        let batch = config.validation_batch_size.unwrap_or(config.batch_size).min(data.rows());
        let per_row = model.output_shape().rows();
        Self {
            workspace: Workspace::new(model, batch, false),
            loss: config.loss,
            meters: meters(model, config),
            weights: vec![0.0; batch * per_row],
            per_row,
            data_loss: 0.0,
            penalty: 0.0,
        }
    }

    /// Computes the scores with the strengths of this epoch.
    pub(crate) fn run(&mut self, model: &Model, data: &Dataset, epoch: usize) {
        self.meters.iter_mut().for_each(Meter::reset);
        self.data_loss = 0.0;
        self.penalty = 0.0;
        let weight_penalty = model.params.penalty_with(epoch, &mut self.workspace.penalty_buffers);
        let width = data.input_shape().len();
        let mut row = 0;
        while row < data.rows() {
            let batch = self.workspace.batch().min(data.rows() - row);
            let x = &data.x()[row * width..(row + batch) * width];
            let y = &data.y()[row * data.target_len()..(row + batch) * data.target_len()];
            self.workspace.input_mut(x.len()).copy_from_slice(x);
            self.workspace.forward(model, batch, Mode::Inference, Seed::new(0));
            let sample_weight = data.sample_weight().map(|all| &all[row..row + batch]);
            let weights = row_weights(
                &mut self.weights,
                self.per_row,
                sample_weight,
                self.workspace.output_mask(model, batch),
                batch,
            );
            let data_loss = self.workspace.loss(model, self.loss, batch, y, weights, false);
            let penalty = weight_penalty + self.workspace.activity_penalty(model, batch, epoch);
            self.data_loss += data_loss * batch as f64;
            self.penalty += penalty * batch as f64;
            self.workspace.measure(model, batch, y, sample_weight, &mut self.meters);
            row += batch;
        }
        self.data_loss /= data.rows() as f64;
        self.penalty /= data.rows() as f64;
    }

    /// The metrics of the last run.
    pub(crate) fn metrics(&self) -> impl Iterator<Item = f64> {
        self.meters.iter().map(Meter::value)
    }

    pub(crate) fn scores(&self) -> Scores {
        Scores {
            loss: self.data_loss + self.penalty,
            data_loss: self.data_loss,
            penalty: self.penalty,
            metrics: self.metrics().collect(),
        }
    }
}

/// Meters for the configured metrics on this model.
pub(crate) fn meters(model: &Model, config: &FitConfig) -> Vec<Meter> {
    let classes = model.output_shape().last();
    let meter = |metric: &MetricSpec, weighted: bool| {
        Meter::new(metric.metric, classes, config.loss.is_sparse(), weighted, model.head)
    };
    let plain = config.metrics.iter().map(|metric| meter(metric, false));
    plain.chain(config.weighted_metrics.iter().map(|metric| meter(metric, true))).collect()
}

/// The factor of each prediction in a batch's mean loss: its row's weight over the number of predictions. A row with
/// several predictions (a sequence) gives its weight to each. Masked predictions do not count.
pub(crate) fn row_weights<'a>(
    buffer: &'a mut [f32],
    per_row: usize,
    sample_weight: Option<&[f32]>,
    mask: Option<&[f32]>,
    batch: usize,
) -> &'a [f32] {
    let buffer = &mut buffer[..batch * per_row];
    let counted = mask.map_or(buffer.len() as f32, |mask| mask.iter().sum());
    let share = 1.0 / counted.max(1.0);
    match sample_weight {
        None => buffer.fill(share),
        Some(weights) => {
            for (factors, weight) in buffer.chunks_exact_mut(per_row).zip(weights) {
                factors.fill(share * weight);
            }
        }
    }
    if let Some(mask) = mask {
        buffer.iter_mut().zip(mask).for_each(|(factor, counts)| *factor *= counts);
    }
    buffer
}
