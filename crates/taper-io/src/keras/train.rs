//! Going on with the training of a Keras model: the same numbers that Keras would give.

use std::collections::BTreeMap;

use serde::Serialize;
use taper::{
    Complaint, Complaints, Dataset, FitConfig, History, Model, Observer, OptimizerState, PenaltyState, Result, Scores,
    Seed, Shape, TrainState, evaluate, first_batch, fit_from,
};

use super::KerasModel;
use crate::tensor_file::{Tensor, Tensors, row_shape};

/// Rows to train on, and to measure on.
#[derive(Debug, Clone, PartialEq)]
pub struct KerasData {
    /// The training rows, with their weights if they have any.
    pub train: Dataset,
    /// The rows that are only measured.
    pub validation: Option<Dataset>,
    /// One factor per class, in training only.
    pub class_weight: Option<Vec<f32>>,
}

impl KerasData {
    /// The rows in tensors `x` and `y`, and if they are there `x_val` and `y_val`, `sample_weight` and `class_weight`.
    ///
    /// # Errors
    ///
    /// Missing or unknown tensors, numbers of rows that do not agree, numbers that are not finite.
    pub fn from_tensors(tensors: &Tensors) -> Result<Self> {
        const KNOWN: [&str; 6] = ["x", "y", "x_val", "y_val", "sample_weight", "class_weight"];
        let mut complaints = Complaints::new();
        for name in tensors.tensors.keys() {
            complaints.check(KNOWN.contains(&name.as_str()), "data", format!("only {}", KNOWN.join(", ")), name);
        }
        complaints.finish()?;
        let get = |name: &str| tensors.tensors.get(name);
        let need = |name: &str| get(name).ok_or_else(|| Complaint::new("data", format!("a tensor `{name}`"), "none"));
        let mut train = rows(need("x")?, need("y")?).map_err(|error| error.within("data"))?;
        if let Some(weights) = get("sample_weight") {
            train = train.with_sample_weight(weights.to_f32()).map_err(|error| error.within("data"))?;
        }
        let validation = match get("x_val") {
            Some(x) => Some(rows(x, need("y_val")?).map_err(|error| error.within("data: validation"))?),
            None => None,
        };
        Ok(Self { train, validation, class_weight: get("class_weight").map(Tensor::to_f32) })
    }
}

fn rows(x: &Tensor, y: &Tensor) -> Result<Dataset> {
    let (count, targets) = (x.shape.first().copied().unwrap_or(0), y.shape.first().copied().unwrap_or(0));
    if count != targets || count == 0 {
        return Err(Complaint::new("y", format!("{count} rows, as x has (at least 1)"), targets).into());
    }
    Dataset::new(row_shape(x)?, x.to_f32(), row_shape(y)?.len(), y.to_f32())
}

/// How to train; what the file does not say.
#[derive(Debug, Clone, PartialEq)]
pub struct RunOptions {
    /// Further epochs.
    pub epochs: usize,
    /// Rows per step.
    pub batch_size: usize,
    /// Rows per batch of every measurement.
    pub validation_batch_size: usize,
    /// Whether rows change their order each epoch.
    pub shuffle: bool,
    /// Where random numbers begin: shuffling, dropout.
    pub seed: Seed,
}

/// Loss of a batch, and the part of it that is penalty.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct BatchLoss {
    /// The whole.
    pub loss: f64,
    /// The penalties on weights and outputs.
    pub penalty: f64,
}

/// Penalties at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Penalties {
    /// On weights alone.
    pub weights: f64,
    /// With those on the outputs for the first batch, in inference: Keras's `sum(model.losses)`.
    pub model_losses_first_batch: f64,
}

/// What a training of a Keras model gives.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct KerasRun {
    /// The first batch at the initial weights, in training mode, with the rows' weights.
    pub first_batch: BatchLoss,
    /// Penalties at the initial weights.
    pub penalty_start: Penalties,
    /// Penalties at the final weights.
    pub penalty_end: Penalties,
    /// Keras's `evaluate` on the training rows with their weights, after training.
    pub evaluate_train: BTreeMap<String, f64>,
    /// The same on the validation rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evaluate_val: Option<BTreeMap<String, f64>>,
    /// One list per column, by Keras's names; and `data_loss`, `penalty`, `val_data_loss`, `val_penalty`.
    #[serde(skip)]
    pub history: BTreeMap<String, Vec<f64>>,
    /// Everything that happened, with the reason why it ended.
    #[serde(skip)]
    pub record: History,
    /// `initial/PATH` and `final/PATH` for every parameter.
    #[serde(skip)]
    pub weights: Tensors,
    /// `predict/initial` and `predict/final`, for all training rows.
    #[serde(skip)]
    pub predictions: Tensors,
    /// `grad/PATH` for every trainable parameter: of the first batch's whole loss at the initial weights.
    #[serde(skip)]
    pub gradients: Tensors,
}

/// Goes on with a model's training as Keras would, and measures before, meanwhile and after. `file` is then the trained model,
/// ready to be written.
///
/// # Errors
///
/// A model that was not compiled; rows that do not fit it; an observer's error. A training that diverges is not an error: see
/// `record.stop`.
///
/// # Example
///
/// ```
/// use taper::{Dataset, Dense, FitConfig, Loss, Model, Quiet, Seed, Sequential, Shape};
/// use taper_io::keras::{KerasData, KerasModel, RunOptions, train_keras};
///
/// # fn main() -> taper::Result<()> {
/// let model = Model::build(&Sequential::new([1]).layer(Dense::new(1)), Seed::new(1))?;
/// let mut file = KerasModel::new(model);
/// file.fit = Some(FitConfig::new(Loss::Mse));
/// let train = Dataset::new(Shape::new([1])?, vec![0.0, 1.0, 2.0], 1, vec![1.0, 3.0, 5.0])?;
/// let data = KerasData { train, validation: None, class_weight: None };
/// let options =
///     RunOptions { epochs: 5, batch_size: 2, validation_batch_size: 2, shuffle: false, seed: Seed::new(1) };
/// let run = train_keras(&mut file, &data, &options, &mut Quiet)?;
/// assert_eq!(run.history["loss"].len(), 5);
/// assert_eq!(file.optimizer.map(|state| state.iterations), Some(10));
/// # Ok(())
/// # }
/// ```
pub fn train_keras(
    file: &mut KerasModel,
    data: &KerasData,
    options: &RunOptions,
    observer: &mut dyn Observer,
) -> Result<KerasRun> {
    let Some(compiled) = &file.fit else {
        file.settings.fit()?;
        let complaint =
            Complaint::new("model", "a compiled model (compile_config with a loss)", "one that is not compiled");
        return Err(complaint.into());
    };
    let fit = FitConfig {
        epochs: options.epochs,
        batch_size: options.batch_size,
        validation_batch_size: Some(options.validation_batch_size),
        shuffle: options.shuffle,
        class_weight: data.class_weight.clone(),
        ..compiled.clone()
    };
    let measure = FitConfig { class_weight: None, ..fit.clone() };
    let model = &mut file.model;
    let head: Vec<usize> = (0..fit.batch_size.min(data.train.rows())).collect();
    let head = if head.is_empty() { data.train.clone() } else { data.train.select(&head)? };

    // A training begins with the strengths of its first epoch, whatever another one ended with.
    let begun = PenaltyState { epoch: 0, ..model.params().penalty_state().clone() };
    model.params_mut().set_penalty_state(begun)?;
    let first = first_batch(model, &data.train, &fit)?;
    let mut weights = Tensors::default();
    let mut predictions = Tensors::default();
    put_weights(&mut weights, "initial", model);
    put_predictions(&mut predictions, "predict/initial", model, &data.train)?;
    let penalty_start = penalties(model, &head, &measure)?;

    let optimizer =
        file.optimizer.take().unwrap_or_else(|| OptimizerState::new(&fit.optimizer, model.params().slots()));
    let mut state = TrainState { optimizer, ..TrainState::new(model, &fit) };
    let record = fit_from(model, &mut state, &data.train, data.validation.as_ref(), &fit, options.seed, observer)?;
    file.optimizer = Some(state.optimizer);

    put_weights(&mut weights, "final", model);
    put_predictions(&mut predictions, "predict/final", model, &data.train)?;
    let names = fit.metric_names();
    let scores = |rows: &Dataset| evaluate(model, rows, &measure).map(|scores| by_name(&names, &scores));
    Ok(KerasRun {
        first_batch: BatchLoss { loss: first.loss, penalty: first.penalty },
        penalty_start,
        penalty_end: penalties(model, &head, &measure)?,
        evaluate_train: scores(&data.train)?,
        evaluate_val: data.validation.as_ref().map(scores).transpose()?,
        history: keras_history(&names, &record),
        record,
        gradients: gradients(model, &first.gradients),
        weights,
        predictions,
    })
}

fn penalties(model: &Model, head: &Dataset, fit: &FitConfig) -> Result<Penalties> {
    let model_losses_first_batch = evaluate(model, head, fit)?.penalty;
    Ok(Penalties { weights: model.params().penalty(), model_losses_first_batch })
}

fn by_name(names: &[String], scores: &Scores) -> BTreeMap<String, f64> {
    let metrics = names.iter().cloned().zip(scores.metrics.iter().copied());
    std::iter::once(("loss".to_owned(), scores.loss)).chain(metrics).collect()
}

/// The columns that Keras's history has, and the two parts of each loss.
fn keras_history(metrics: &[String], record: &History) -> BTreeMap<String, Vec<f64>> {
    let mut history = BTreeMap::new();
    let parts = ["loss", "data_loss", "penalty"].map(str::to_owned);
    for name in parts.iter().chain(metrics) {
        for key in [name.clone(), format!("val_{name}")] {
            if let Some(column) = record.get(&key) {
                history.insert(key, column.to_vec());
            }
        }
    }
    history
}

fn put_weights(tensors: &mut Tensors, when: &str, model: &Model) {
    for (slot, w) in model.params().iter() {
        let tensor = Tensor::f32(slot.spec.shape.sizes(), w.to_vec());
        tensors.tensors.insert(format!("{when}/{}", slot.path), tensor);
    }
}

fn put_predictions(tensors: &mut Tensors, name: &str, model: &Model, rows: &Dataset) -> Result<()> {
    let predicted = model.predict(rows.x())?;
    let shape: Vec<usize> = [rows.rows()].iter().chain(model.output_shape().sizes()).copied().collect();
    tensors.tensors.insert(name.to_owned(), Tensor::f32(shape, predicted));
    Ok(())
}

fn gradients(model: &Model, gradients: &[f32]) -> Tensors {
    let mut tensors = Tensors::default();
    for slot in model.params().slots().iter().filter(|slot| slot.spec.trainable) {
        let shape: &Shape = &slot.spec.shape;
        let tensor = Tensor::f32(shape.sizes(), gradients[slot.range.clone()].to_vec());
        tensors.tensors.insert(format!("grad/{}", slot.path), tensor);
    }
    tensors
}
