//! The training loop.

use std::borrow::Cow;

use super::column::names;
use super::config::FitConfig;
use super::evaluate::{Evaluator, meters, row_weights};
use super::history::{EpochRow, History, StopReason};
use super::monitor::{Monitor, MonitorState};
use super::observer::{Flow, Observer};
use taper_kernels::reduce;

use crate::clock::Stopwatch;
use crate::layer::Mode;
use crate::metric::Meter;
use crate::model::{Model, Workspace};
use crate::optimizer::{Beside, OptimizerState};
use crate::parallel;
use crate::param::ledger_names;
use crate::regularizer::PenaltyState;
use crate::{Complaint, Complaints, Dataset, Error, Result, Seed};

/// Trains a model.
///
/// The result is a function of the arguments: the same seed gives the same bits. `validation` rows are only measured; they
/// steer nothing unless early stopping or a plateau is configured to monitor them.
///
/// # Errors
///
/// Settings or rows that do not fit, all at once; an observer's error. A training that diverges is *not* an error but ends
/// with [`StopReason::Diverged`] and the last good weights.
///
/// # Example
///
/// ```
/// use taper::*;
///
/// # fn main() -> Result<()> {
/// let (train, test) = Dataset::from_sample(&data::make_moons(100, 0.2, 1)?)?.split_at(30)?;
/// let spec = Sequential::new([2])
///     .layer(Dense::new(50).activation(Activation::Relu).kernel_regularizer(Regularizer::l2(0.001)))
///     .layer(Dense::new(1).activation(Activation::Sigmoid));
/// let mut model = Model::build(&spec, Seed::new(1))?;
/// let config = FitConfig::new(Loss::BINARY_CROSSENTROPY).metrics([Metric::Accuracy]).epochs(100);
/// let history = fit(&mut model, &train, Some(&test), &config, Seed::new(1), &mut Quiet)?;
/// assert!(history.last("data_loss") < history.get("data_loss").map(|losses| losses[0]));
/// # Ok(())
/// # }
/// ```
pub fn fit(
    model: &mut Model,
    data: &Dataset,
    validation: Option<&Dataset>,
    config: &FitConfig,
    seed: Seed,
    observer: &mut dyn Observer,
) -> Result<History> {
    let mut state = TrainState::new(model, config);
    fit_from(model, &mut state, data, validation, config, seed, observer)
}

/// Continues a training: `state` says where it stands, and `config.epochs` is the number of *further* epochs.
///
/// # Errors
///
/// As [`fit`], and a state that belongs to another model or optimizer.
pub fn fit_from(
    model: &mut Model,
    state: &mut TrainState,
    data: &Dataset,
    validation: Option<&Dataset>,
    config: &FitConfig,
    seed: Seed,
    observer: &mut dyn Observer,
) -> Result<History> {
    state.penalty.complete(model.params());
    model.params.penalty_state.follow(&state.penalty);
    let mut fitting = Fitting::new(model, data, validation, config, seed)?;
    let fresh = OptimizerState::new(&config.optimizer, model.params().slots());
    if !state.optimizer.fits(&fresh) {
        return Err(Complaint::new("state", "a state of this model and optimizer", "one of another").into());
    }
    let mut history = History::new(fitting.names.clone(), config.epochs);
    let monitor = Monitor::new(config, &fitting.names)?;
    if !state.monitor.best_weights.is_empty() && state.monitor.best_weights.len() != model.params().data().len() {
        return Err(Complaint::new("state", "the best weights of this model", "those of another").into());
    }
    let last = state.epoch + config.epochs;
    // A training that ended while its last state was written has nothing left to do.
    if let Some(reason) = monitor.ended(state) {
        history.stop = reason;
    }
    while state.epoch < last && history.stop == StopReason::Completed {
        let epoch = state.epoch;
        if let Err(step) = fitting.epoch(model, state) {
            history.stop = StopReason::Diverged { epoch, step };
            model.params.data_mut().copy_from_slice(&fitting.last_good);
            break;
        }
        history.push(&fitting.row);
        state.epoch += 1;
        let ended = monitor.epoch_end(epoch, &fitting.row, model, state);
        let row = EpochRow { epoch, epochs: last, names: &fitting.names, values: &fitting.row };
        let flow = observer.epoch_end(&row, model, state).map_err(Error::Observer)?;
        if flow == Flow::Stop {
            history.stop = StopReason::Interrupted;
            break;
        }
        if let Some(reason) = ended {
            history.stop = reason;
            break;
        }
    }
    // As Keras: first the average, then the best weights, which were measured without it.
    if state.epoch > 0 && history.stop.is_usable() {
        state.optimizer.finish(&mut model.params);
    }
    monitor.restore(model, state);
    if matches!(history.stop, StopReason::EarlyStopped { .. }) {
        state.monitor = MonitorState::default(); // a further training waits anew
    }
    Ok(history)
}

/// Where a training stands: enough, with the weights, to go on as if it had never stopped.
#[derive(Debug, Clone, PartialEq)]
pub struct TrainState {
    /// Epochs done.
    pub epoch: usize,
    /// The optimizer's memory.
    pub optimizer: OptimizerState,
    /// What a plateau has multiplied the learning rate by so far.
    pub rate_factor: f64,
    /// What the penalties remember.
    pub penalty: PenaltyState,
    /// What early stopping and the plateau remember.
    pub monitor: MonitorState,
}

impl TrainState {
    /// Before the first epoch.
    #[must_use]
    pub fn new(model: &Model, config: &FitConfig) -> Self {
        Self {
            epoch: 0,
            optimizer: OptimizerState::new(&config.optimizer, model.params().slots()),
            rate_factor: 1.0,
            penalty: PenaltyState::new(model.params()),
            monitor: MonitorState::default(),
        }
    }
}

/// A training in progress: all buffers, made once. [`fit`] drives it epoch by epoch; a benchmark may do so itself.
#[derive(Debug)]
pub struct Fitting<'a> {
    data: &'a Dataset,
    validation: Option<&'a Dataset>,
    config: &'a FitConfig,
    seed: Seed,
    workspace: Workspace,
    meters: Vec<Meter>,
    order: Vec<usize>,
    targets: Vec<f32>,
    /// The weights of all training rows, if they differ.
    row_weights: Option<Cow<'a, [f32]>>,
    sample_weights: Vec<f32>,
    factors: Vec<f32>,
    per_row: usize,
    /// Of each parameter, whether its weights decay.
    decays: Vec<bool>,
    train_evaluator: Option<Evaluator>,
    val_evaluator: Option<Evaluator>,
    clock: Stopwatch,
    names: Vec<String>,
    row: Vec<f64>,
    /// What each penalty weighed in the last step of the epoch.
    ledger: Vec<f64>,
    last_good: Vec<f32>,
    /// Whether the one batch that holds all rows lies in the workspace already.
    loaded: bool,
    /// Whether a step is worth several threads. The size alone decides.
    large: bool,
}

impl<'a> Fitting<'a> {
    /// Checks everything and makes the buffers.
    ///
    /// # Errors
    ///
    /// As [`fit`].
    pub fn new(
        model: &Model,
        data: &'a Dataset,
        validation: Option<&'a Dataset>,
        config: &'a FitConfig,
        seed: Seed,
    ) -> Result<Self> {
        let mut complaints = Complaints::new();
        complaints.take("fit", config.validate())?;
        complaints.take("", config.check_targets("train", model, data))?;
        complaints.take("", config.check_classes("train", data))?;
        if let Some(validation) = validation {
            complaints.take("", config.check_targets("validation", model, validation))?;
        }
        let decays = complaints.take("fit", config.optimizer.decays(model.params()))?.unwrap_or_default();
        complaints.take("", config.optimizer.check_proximal(model.params()))?;
        let row_weights = complaints.take("", config.row_weights("train", model, data))?.flatten();
        complaints.finish()?;
        let batch = config.batch_size.min(data.rows());
        let per_row = model.output_shape().rows();
        let names = names(model, config, validation.is_some());
        Monitor::new(config, &names)?;
        Ok(Self {
            data,
            validation,
            config,
            seed,
            workspace: Workspace::new(model, batch, true),
            meters: meters(model, config),
            order: (0..data.rows()).collect(),
            targets: vec![0.0; batch * data.target_len()],
            row_weights,
            sample_weights: vec![1.0; batch],
            factors: vec![0.0; batch * per_row],
            per_row,
            decays,
            train_evaluator: config.measure_train.then(|| Evaluator::new(model, data, config)),
            val_evaluator: validation.map(|validation| Evaluator::new(model, validation, config)),
            clock: Stopwatch::start(),
            row: vec![0.0; names.len()],
            ledger: vec![0.0; if config.measure_weights { ledger_names(model.params()).len() } else { 0 }],
            names,
            last_good: model.params().data().to_vec(),
            loaded: false,
            large: batch * (model.params().data().len() + model.lens.iter().sum::<usize>()) >= parallel::LARGE,
        })
    }

    /// One epoch: all steps, then the measurements of its row.
    ///
    /// # Errors
    ///
    /// The step (from 0) at which the loss was not a finite number.
    pub fn epoch(&mut self, model: &mut Model, state: &mut TrainState) -> std::result::Result<(), u64> {
        parallel::spread(self.large, || self.steps(model, state))
    }

    fn steps(&mut self, model: &mut Model, state: &mut TrainState) -> std::result::Result<(), u64> {
        let (epoch, rows) = (state.epoch, self.data.rows());
        let batch = self.workspace.batch();
        self.meters.iter_mut().for_each(Meter::reset);
        if self.config.shuffle && batch < rows {
            for (i, row) in self.order.iter_mut().enumerate() {
                *row = i;
            }
            self.seed.derive("shuffle", epoch as u64).rng().shuffle(&mut self.order);
        }
        self.last_good.copy_from_slice(model.params().data());
        state.penalty.epoch = epoch;
        model.params.penalty_state.follow(&state.penalty);

        let (mut data_loss, mut penalty, mut rate) = (0.0, 0.0, 0.0);
        let mut start = 0;
        while start < rows {
            let batch = batch.min(rows - start);
            self.gather(start, batch);
            rate = self.config.optimizer.learning_rate.at(state.optimizer.iterations) * state.rate_factor;
            let record = self.config.measure_weights && start + batch == rows;
            let (step_loss, step_penalty) = self.step(model, state, batch, rate, record);
            if !(step_loss + step_penalty).is_finite() {
                return Err(state.optimizer.iterations);
            }
            data_loss += step_loss * batch as f64;
            penalty += step_penalty * batch as f64;
            start += batch;
        }
        // The last step may have thrown the weights out of bounds without a loss to show it.
        let (data_loss, penalty) = (data_loss / rows as f64, penalty / rows as f64);
        let finite = self.write_row(model, epoch, data_loss, penalty, rate);
        model.params.steer(&mut state.penalty);
        if finite { Ok(()) } else { Err(state.optimizer.iterations) }
    }

    /// One step on the batch at hand: gradients, then the update. Returns the batch's data loss and penalty at the weights
    /// before the update.
    fn step(&mut self, model: &mut Model, state: &mut TrainState, batch: usize, rate: f64, record: bool) -> (f64, f64) {
        let seed = self.seed.derive("step", state.optimizer.iterations);
        let leave = state.optimizer.takes_penalties(&self.config.optimizer);
        let (data_loss, mut penalty) = self.differentiate(model, batch, state.epoch, seed, record, leave);
        if (data_loss + penalty).is_finite() {
            self.workspace.update_state(model, batch);
            let (params, gradients) = (&mut model.params, &mut self.workspace.dparams);
            let buffers = &mut self.workspace.penalty_buffers;
            let mut beside = Beside { decays: &self.decays, epoch: state.epoch, buffers, left: leave };
            penalty += state.optimizer.step(&self.config.optimizer, rate, params, gradients, &mut beside);
            model.params.constrain();
        }
        (data_loss, penalty)
    }

    /// Forward, loss, penalty, backward, penalty gradient, for the batch at hand. Returns its data loss and penalty. If asked, what
    /// each penalty weighs goes into the ledger. With `leave`, both the penalty and its gradient lack what is left to the update.
    fn differentiate(
        &mut self,
        model: &Model,
        batch: usize,
        epoch: usize,
        seed: Seed,
        record: bool,
        leave: bool,
    ) -> (f64, f64) {
        self.workspace.forward(model, batch, Mode::Training, seed);
        let y = &self.targets[..batch * self.data.target_len()];
        let weights = self.row_weights.as_ref().map(|_| &self.sample_weights[..batch]);
        let mask = self.workspace.output_mask(model, batch);
        let factors = row_weights(&mut self.factors, self.per_row, weights, mask, batch);
        let data_loss = self.workspace.loss(model, self.config.loss, batch, y, factors, true);
        self.workspace.measure(model, batch, y, weights, &mut self.meters);
        let activity = self.workspace.activity_penalty(model, batch, epoch);
        self.workspace.backward(model, batch, epoch);
        let Workspace { dparams, penalty_buffers, .. } = &mut self.workspace;
        if record {
            model.params.record(epoch, dparams, penalty_buffers, &mut self.ledger);
        }
        let penalty = model.params.add_penalty_gradients(epoch, dparams, penalty_buffers, leave) + activity;
        (data_loss, penalty)
    }

    /// Data loss and penalty of the first batch in the rows' own order, leaving its [gradients](Self::gradients).
    pub(crate) fn first_batch(&mut self, model: &Model) -> (f64, f64) {
        let batch = self.workspace.batch().min(self.data.rows());
        self.gather(0, batch);
        self.differentiate(model, batch, 0, self.seed.derive("step", 0), false, false)
    }

    /// The gradient of the last batch, by parameter.
    pub(crate) fn gradients(&self) -> &[f32] {
        &self.workspace.dparams
    }

    /// Brings the rows of a batch into the workspace.
    fn gather(&mut self, start: usize, batch: usize) {
        if self.loaded {
            return;
        }
        let (width, target_len) = (self.data.input_shape().len(), self.data.target_len());
        let rows = &self.order[start..start + batch];
        let input = self.workspace.input_mut(batch * width);
        for (to, row) in input.chunks_exact_mut(width).zip(rows) {
            to.copy_from_slice(&self.data.x()[row * width..(row + 1) * width]);
        }
        for (to, row) in self.targets.chunks_exact_mut(target_len).zip(rows) {
            to.copy_from_slice(&self.data.y()[row * target_len..(row + 1) * target_len]);
        }
        if let Some(weights) = &self.row_weights {
            for (to, row) in self.sample_weights.iter_mut().zip(rows) {
                *to = weights[*row];
            }
        }
        self.loaded = batch == self.data.rows();
    }

    /// Measures what an epoch's row wants to know, in the order of [`names`]. Says whether all weights are finite.
    fn write_row(&mut self, model: &Model, epoch: usize, data_loss: f64, penalty: f64, rate: f64) -> bool {
        let mut cells = self.row.iter_mut();
        let mut put = |value: f64| {
            if let Some(cell) = cells.next() {
                *cell = value;
            }
        };
        put(data_loss + penalty);
        put(data_loss);
        put(penalty);
        self.meters.iter().for_each(|meter| put(meter.value()));
        for (evaluator, rows) in
            [(&mut self.val_evaluator, self.validation), (&mut self.train_evaluator, Some(self.data))]
        {
            if let (Some(evaluator), Some(rows)) = (evaluator, rows) {
                evaluator.run(model, rows, epoch);
                put(evaluator.data_loss + evaluator.penalty);
                put(evaluator.data_loss);
                put(evaluator.penalty);
                evaluator.metrics().for_each(&mut put);
            }
        }
        put(rate);
        let finite = if self.config.measure_weights {
            let mut finite = true;
            for (_, w) in model.params().iter() {
                let norm = reduce::sum_squares(w).sqrt();
                finite &= norm.is_finite();
                put(norm);
            }
            self.ledger.iter().for_each(|value| put(*value));
            model.params().zeros().for_each(|(_, share)| put(share));
            finite
        } else {
            reduce::sum_squares(model.params().data()).is_finite()
        };
        put(self.clock.seconds());
        finite
    }

    /// The row of the last epoch.
    #[must_use]
    pub fn row(&self) -> &[f64] {
        &self.row
    }
}
