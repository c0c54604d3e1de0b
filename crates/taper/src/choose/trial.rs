//! One training and its scores, as data.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::candidate::{Candidate, Path};
use super::check::Parts;
use super::curve::Curve;
use super::fold::{Layout, Selection};
use super::reliability::{self, ReliabilityBin};
use crate::experiment::Experiment;
use crate::param::Role;
use crate::spelling::{self, is_default};
use crate::study::Cancel;
use crate::train::{FitConfig, History, StopReason, TrainState, evaluate, fit, fit_from, row_losses};
use crate::{Complaints, Dataset, Model, Result, Rows, Seed};

/// Everything that one training and its scores are a function of, beside the rows themselves: the unit of work that a
/// scheduler may run anywhere.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrialSpec {
    /// Model and training without a penalty; neither a study nor a choice in it.
    pub experiment: Experiment,
    /// The roles of the parameters whose penalties the candidate replaces.
    #[serde(default)]
    pub on: Vec<Role>,
    /// The penalty and its strength.
    pub candidate: Candidate,
    /// Which rows train, and which are scored.
    pub rows: Selection,
    /// How many quarters of the training rows train. Default: all four.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quarters: Option<usize>,
    /// The seed of weights, batches and dropout.
    pub seed: u64,
    /// What is kept beside the scores.
    #[serde(default, skip_serializing_if = "is_default")]
    pub detail: Detail,
}

/// What is kept of a trial beside its scores.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Detail {
    /// The epochs, measured on training and scored rows.
    #[serde(default, skip_serializing_if = "is_default")]
    pub history: bool,
    /// What each scored row, or block of rows, adds to this score: see [`TrialOutcome::rows`].
    #[serde(default, skip_serializing_if = "is_default")]
    pub rows: Option<String>,
    /// Calibration on the scored rows.
    #[serde(default, skip_serializing_if = "is_default")]
    pub calibration: bool,
    /// Every point of a path, not its last alone.
    #[serde(default, skip_serializing_if = "is_default")]
    pub points: bool,
}

/// What came of a trial.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrialOutcome {
    /// How the training ended.
    pub stop: StopReason,
    /// Epochs trained.
    pub epochs: usize,
    /// Rows that trained it.
    pub train_rows: usize,
    /// `data_loss` and the metrics on the scored rows. Empty if the training diverged or a score is no finite number.
    pub scores: BTreeMap<String, f64>,
    /// The same on the training rows.
    pub train: BTreeMap<String, f64>,
    /// L2 norms of the parameters, by path.
    pub norms: BTreeMap<String, f64>,
    /// L2 norm of all parameters with the roles that are penalized (kernels, if none are).
    pub norm: f64,
    /// Share of exact zeros among them.
    pub zeros: f64,
    /// Standard deviation of the predictions over the scored rows (mean over outputs): 0 where the model is constant.
    pub spread: f64,
    /// The epochs, if they were asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub history: Option<Curve>,
    /// If they were asked for: the loss of each scored row, in their order, or of a metric, which need not be a mean over rows,
    /// its jackknife pseudo-values B·s - (B-1)·s₋ᵦ over B blocks of rows (s₋ᵦ is the score without block b). Their mean is the
    /// score (for a metric, up to the jackknife's correction of its bias), their variance tells that of the score.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<Vec<f64>>,
    /// The calibration, if it was asked for and predictions are probabilities of classes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calibration: Option<Vec<ReliabilityBin>>,
    /// What came of each strength of a path, if all were asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub points: Vec<TrialOutcome>,
}

impl TrialSpec {
    /// A name for this trial that no other has: the BLAKE3 hash of its JSON.
    #[must_use]
    pub fn key(&self) -> String {
        // A specification is plain data: writing it cannot fail.
        let text = serde_json::to_string(self).unwrap_or_default();
        blake3::hash(text.as_bytes()).to_hex().to_string()
    }
}

/// Trains and scores. A pure function of its arguments.
///
/// # Errors
///
/// A specification that does not fit the rows. A divergence is not an error.
pub fn run_trial(spec: &TrialSpec, rows: &dyn Rows) -> Result<TrialOutcome> {
    let prepared = Prepared::of(spec, &Layout::of(rows), rows)?;
    let (outcome, _) = fit_trial(spec, &prepared, &|| false)?;
    Ok(outcome)
}

/// The rows of a trial, ready for its model.
#[derive(Debug)]
pub(crate) struct Prepared {
    /// Which rows train.
    rows: Vec<usize>,
    train: Dataset,
    /// What is scored; for a model that is fitted for its own sake, some training row.
    test: Dataset,
    /// Which scored rows belong together, if not each stands for itself.
    clusters: Option<Vec<usize>>,
    /// Rows split off the training rows, for a training that watches rows which do not train.
    watched: Option<Dataset>,
}

impl Prepared {
    pub(crate) fn of(spec: &TrialSpec, layout: &Layout, rows: &dyn Rows) -> Result<Self> {
        let Parts { train, test, watched } = Parts::of(spec, layout)?;
        let watched = match watched {
            Some(aside) => Some(rows.split(&train, &aside)?.test),
            None => None,
        };
        let split = rows.split(&train, &test)?;
        let clusters = layout.clusters(&test);
        Ok(Self { rows: train, train: split.train, test: split.test, clusters, watched })
    }

    pub(crate) fn train_rows(&self) -> &[usize] {
        &self.rows
    }

    pub(crate) fn train(&self) -> &Dataset {
        &self.train
    }

    pub(crate) fn test(&self) -> &Dataset {
        &self.test
    }
}

/// The untrained model of a trial, and how to train it.
pub(crate) fn build(spec: &TrialSpec) -> Result<(Model, FitConfig)> {
    let experiment = spec.candidate.applied(&spec.experiment, &spec.on)?;
    let seed = Seed::new(spec.seed);
    let model = Model::build(&experiment.model, seed).map_err(|error| error.within("model"))?;
    Ok((model, experiment.fit))
}

/// Trains and scores on rows that are ready; `Interrupted` if `cancelled` says so meanwhile.
pub(crate) fn fit_trial(
    spec: &TrialSpec,
    prepared: &Prepared,
    cancelled: &dyn Fn() -> bool,
) -> Result<(TrialOutcome, Model)> {
    match &spec.candidate.path {
        None => fit_cold(spec, prepared, cancelled),
        Some(path) => fit_path(spec, path, prepared, cancelled),
    }
}

fn fit_cold(spec: &TrialSpec, prepared: &Prepared, cancelled: &dyn Fn() -> bool) -> Result<(TrialOutcome, Model)> {
    let (mut model, mut config) = build(spec)?;
    config.measure_train |= spec.detail.history;
    config.measure_weights &= spec.detail.history || config.watches_weights();
    let validation = prepared.watched.as_ref().or(spec.detail.history.then_some(&prepared.test));
    let seed = Seed::new(spec.seed);
    let history = fit(&mut model, &prepared.train, validation, &config, seed, &mut Cancel(cancelled))?;
    let mut outcome = outcome(spec, prepared, &history);
    if outcome.stop.is_usable() {
        measure(&mut outcome, spec, &model, prepared, &config)?;
    }
    Ok((outcome, model))
}

/// Trains without the penalty, then with one strength of the path after the other.
fn fit_path(
    spec: &TrialSpec,
    path: &Path,
    prepared: &Prepared,
    cancelled: &dyn Fn() -> bool,
) -> Result<(TrialOutcome, Model)> {
    check_path(spec, path)?;
    let first = TrialSpec { candidate: Candidate::none(), detail: Detail::default(), ..spec.clone() };
    let (mut model, config) = build(&first)?;
    let mut state = TrainState::new(&model, &config);
    let seed = Seed::new(spec.seed);
    let mut observer = Cancel(cancelled);
    let mut history = fit_from(&mut model, &mut state, &prepared.train, None, &config, seed, &mut observer)?;
    let mut points = Vec::with_capacity(path.values.len());
    for value in &path.values {
        let candidate = Candidate { value: *value, path: None, ..spec.candidate.clone() };
        let here = TrialSpec { candidate, ..spec.clone() };
        let experiment = here.candidate.applied(&here.experiment, &here.on)?;
        model = Model::with_weights(&experiment.model, model.params().data().to_vec())?;
        let mut config = experiment.fit.epochs(path.epochs);
        config.measure_train |= spec.detail.history;
        config.measure_weights &= spec.detail.history || config.watches_weights();
        if history.stop.is_usable() && history.stop != StopReason::Interrupted {
            let validation = spec.detail.history.then_some(&prepared.test);
            history = fit_from(&mut model, &mut state, &prepared.train, validation, &config, seed, &mut observer)?;
        }
        let mut point = outcome(&here, prepared, &history);
        point.epochs = state.epoch;
        if point.stop.is_usable() {
            measure(&mut point, &here, &model, prepared, &config)?;
        }
        points.push(point);
    }
    // A path without strengths is refused before it comes here.
    let mut last = points.last().cloned().unwrap_or_else(|| outcome(spec, prepared, &history));
    if spec.detail.points {
        last.points = points;
    }
    Ok((last, model))
}

fn check_path(spec: &TrialSpec, path: &Path) -> Result<()> {
    let mut complaints = Complaints::new();
    let ends = path.values.last() == Some(&spec.candidate.value);
    let rises = path.values.windows(2).all(|pair| pair[0] < pair[1]);
    let expected = "strengths that rise to the candidate's own";
    complaints.check(ends && rises, "candidate.path.values", expected, format!("{:?}", path.values));
    let watches = spec.candidate.applied(&spec.experiment, &spec.on)?.fit.watches_validation();
    complaints.check(
        !watches,
        "candidate.path",
        "a training that watches no other rows",
        "early stopping or a plateau",
    );
    complaints.finish()
}

/// What can be said before anything is measured.
fn outcome(spec: &TrialSpec, prepared: &Prepared, history: &History) -> TrialOutcome {
    TrialOutcome {
        stop: history.stop.clone(),
        epochs: history.epochs(),
        train_rows: prepared.train.rows(),
        scores: BTreeMap::new(),
        train: BTreeMap::new(),
        norms: BTreeMap::new(),
        norm: 0.0,
        zeros: 0.0,
        spread: 0.0,
        history: spec.detail.history.then(|| Curve::of(history)),
        rows: None,
        calibration: None,
        points: vec![],
    }
}

fn measure(
    outcome: &mut TrialOutcome,
    spec: &TrialSpec,
    model: &Model,
    prepared: &Prepared,
    config: &FitConfig,
) -> Result<()> {
    let scores = |rows: &Dataset| -> Result<BTreeMap<String, f64>> {
        let measured = evaluate(model, rows, config)?;
        let metrics = config.metric_names().into_iter().zip(measured.metrics);
        Ok(std::iter::once(("data_loss".to_owned(), measured.data_loss)).chain(metrics).collect())
    };
    let (scored, train) = (scores(&prepared.test)?, scores(&prepared.train)?);
    let predictions = model.predict(prepared.test.x())?;
    let spread = spread(&predictions, model.output_shape().len());
    // JSON has no infinite numbers, and no comparison has a use for them.
    if !scored.values().chain(train.values()).chain([&spread]).all(|value| value.is_finite()) {
        return Ok(());
    }
    (outcome.scores, outcome.train, outcome.spread) = (scored, train, spread);
    let (mut squares, mut zeros, mut count) = (0.0, 0usize, 0usize);
    for (slot, w) in model.params().iter() {
        let sum = taper_kernels::reduce::sum_squares(w);
        outcome.norms.insert(slot.path.clone(), sum.sqrt());
        let counts =
            if spec.on.is_empty() { slot.spec.role == Role::Kernel } else { spec.on.contains(&slot.spec.role) };
        if counts {
            squares += sum;
            zeros += w.iter().filter(|w| **w == 0.0).count();
            count += w.len();
        }
    }
    outcome.norm = squares.sqrt();
    outcome.zeros = zeros as f64 / count.max(1) as f64;
    outcome.rows = match spec.detail.rows.as_deref() {
        None => None,
        Some("data_loss") => Some(row_losses(model, &prepared.test, config)?),
        Some(metric) => match outcome.scores.get(metric) {
            Some(score) => Some(pseudo_values(model, prepared, config, metric, *score)?),
            None => {
                let known: Vec<&str> = outcome.scores.keys().map(String::as_str).collect();
                return Err(spelling::unknown("detail.rows", metric, &known).into());
            }
        },
    };
    if spec.detail.calibration {
        outcome.calibration = reliability::of_predictions(config.loss, &predictions, &prepared.test);
    }
    Ok(())
}

/// The jackknife pseudo-values of a metric. Rows that belong together are in the same block.
fn pseudo_values(model: &Model, prepared: &Prepared, config: &FitConfig, metric: &str, score: f64) -> Result<Vec<f64>> {
    let rows = prepared.test.rows();
    let block_of = |row: usize| block_of(row, prepared.clusters.as_deref());
    let blocks = blocks_of(rows, prepared.clusters.as_deref());
    let column = config.metric_names().iter().position(|name| name == metric);
    let count = blocks.len() as f64;
    let mut values = Vec::with_capacity(blocks.len());
    for block in blocks {
        let others: Vec<usize> = (0..rows).filter(|row| block_of(*row) != block).collect();
        if others.is_empty() {
            break;
        }
        let without = evaluate(model, &prepared.test.select(&others)?, config)?;
        let without = column.and_then(|column| without.metrics.get(column).copied()).unwrap_or(without.data_loss);
        values.push(count * score - (count - 1.0) * without);
    }
    Ok(values)
}

/// The block of a scored row.
fn block_of(row: usize, clusters: Option<&[usize]>) -> usize {
    const BLOCKS: usize = 40;
    clusters.map_or(row, |clusters| clusters[row]) % BLOCKS
}

/// The blocks that so many scored rows fall into, rising.
pub(crate) fn blocks_of(rows: usize, clusters: Option<&[usize]>) -> Vec<usize> {
    let blocks: BTreeSet<usize> = (0..rows).map(|row| block_of(row, clusters)).collect();
    blocks.into_iter().collect()
}

/// Standard deviation of each output over rows, averaged over outputs.
fn spread(predictions: &[f32], width: usize) -> f64 {
    let rows = (predictions.len() / width.max(1)) as f64;
    let deviation = |j: usize| {
        let column = || predictions.iter().skip(j).step_by(width).map(|p| f64::from(*p));
        let mean = column().sum::<f64>() / rows;
        (column().map(|p| (p - mean).powi(2)).sum::<f64>() / rows).sqrt()
    };
    (0..width).map(deviation).sum::<f64>() / width.max(1) as f64
}
