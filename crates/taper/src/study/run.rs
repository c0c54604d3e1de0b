//! The runs of a study.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::result::{StudyResult, Trial};
use super::spec::{Resample, StudySpec};
use crate::division::{Division, Split};
use crate::experiment::Experiment;
use crate::param::Role;
use crate::rows::{PlainRows, Rows};
use crate::train::{EpochRow, FitConfig, Fitting, Flow, History, Observer, StopReason, TrainState, evaluate, fit};
use crate::{Complaint, Error, Model, Result, Seed, Sparsity};

/// One training of one setting, and how good it became.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// Which repeat, from 0.
    pub repeat: usize,
    /// The seed of its weights and its order of rows.
    pub seed: Seed,
    /// How the training ended.
    pub stop: StopReason,
    /// `train_loss`, `train_data_loss`, `train_penalty`, the metrics, the same with `test_`; `kernel_norm` (of the first
    /// kernel), `norm/PATH`; `sparsity`, the share of exact zeros among the penalized weights, if there are any, and `dead_units`
    /// ([`Sparsity`]); `zeros/PATH`, that share of each penalized parameter; `dead_units/LAYER` and `effective_parameters/LAYER`
    /// ([`LayerSparsity`](crate::LayerSparsity)). Empty if the training diverged.
    pub scores: BTreeMap<String, f64>,
    /// The epochs, if they were asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub history: Option<History>,
}

/// A run that has ended.
#[derive(Debug, Clone, Copy)]
pub struct RunEvent<'a> {
    /// Position of its trial in the study.
    pub trial: usize,
    /// The run.
    pub run: &'a Run,
    /// Runs that have ended so far.
    pub done: usize,
    /// Runs in all.
    pub total: usize,
}

/// Sees a study run by run, from several threads.
pub trait StudyObserver: Sync {
    /// Called after each run. [`Flow::Stop`] begins no further runs.
    fn run_end(&self, event: &RunEvent<'_>) -> Flow;

    /// Asked between epochs: whether running trainings should be given up.
    fn cancelled(&self) -> bool {
        false
    }
}

impl StudyObserver for crate::Quiet {
    fn run_end(&self, _event: &RunEvent<'_>) -> Flow {
        Flow::Continue
    }
}

/// Trains and measures one setting once. A pure function of its arguments.
///
/// With `keep_history` the run keeps its epochs, measured on the test rows too.
///
/// # Errors
///
/// An experiment that does not fit its rows. A divergence is not an error.
pub fn run(
    experiment: &Experiment,
    split: &Split,
    seed: Seed,
    repeat: usize,
    keep_history: bool,
) -> Result<(Run, Model)> {
    run_until(experiment, split, seed, repeat, keep_history, &|| false)
}

fn run_until(
    experiment: &Experiment,
    split: &Split,
    seed: Seed,
    repeat: usize,
    keep_history: bool,
    cancelled: &dyn Fn() -> bool,
) -> Result<(Run, Model)> {
    let mut model = Model::build(&experiment.model, seed).map_err(|error| error.within("model"))?;
    let mut config = experiment.fit.clone();
    let validates = keep_history || config.watches_validation();
    config.measure_train |= keep_history;
    config.measure_weights &= keep_history || config.watches_weights();
    let validation = validates.then_some(&split.test);
    let history = fit(&mut model, &split.train, validation, &config, seed, &mut Cancel(cancelled))?;
    let scores = scores(&model, split, &config, &history.stop)?;
    let stop = history.stop.clone();
    Ok((Run { repeat, seed, stop, scores, history: keep_history.then_some(history) }, model))
}

/// What a run reports of its model; nothing if the training diverged.
pub(crate) fn scores(
    model: &Model,
    split: &Split,
    config: &FitConfig,
    stop: &StopReason,
) -> Result<BTreeMap<String, f64>> {
    let mut scores = BTreeMap::new();
    if !stop.is_usable() {
        return Ok(scores);
    }
    for (prefix, rows) in [("train", &split.train), ("test", &split.test)] {
        let measured = evaluate(model, rows, config)?;
        scores.insert(format!("{prefix}_loss"), measured.loss);
        scores.insert(format!("{prefix}_data_loss"), measured.data_loss);
        scores.insert(format!("{prefix}_penalty"), measured.penalty);
        for (metric, value) in config.metric_names().iter().zip(measured.metrics) {
            scores.insert(format!("{prefix}_{metric}"), value);
        }
    }
    for (slot, w) in model.params().iter() {
        let norm = taper_kernels::reduce::sum_squares(w).sqrt();
        if slot.spec.role == Role::Kernel {
            scores.entry("kernel_norm".to_owned()).or_insert(norm);
        }
        scores.insert(format!("norm/{}", slot.path), norm);
    }
    let layers = model.sparsity()?;
    let sparsity = Sparsity::sum(model, &layers);
    scores.extend(sparsity.share().map(|share| ("sparsity".to_owned(), share)));
    scores.insert("dead_units".to_owned(), sparsity.dead_units as f64);
    scores.extend(model.params().zeros().map(|(path, share)| (format!("zeros/{path}"), share)));
    for layer in layers.iter().filter(|layer| layer.effective_parameters + layer.zeros > 0) {
        scores.insert(format!("effective_parameters/{}", layer.name), layer.effective_parameters as f64);
        scores.extend(layer.dead_units.map(|dead| (format!("dead_units/{}", layer.name), dead as f64)));
    }
    Ok(scores)
}

/// Stops a training when the study or the choice that it belongs to is given up.
pub(crate) struct Cancel<'a>(pub(crate) &'a dyn Fn() -> bool);

impl Observer for Cancel<'_> {
    fn epoch_end(
        &mut self,
        row: &EpochRow<'_>,
        _model: &Model,
        _state: &TrainState,
    ) -> Result<Flow, Box<dyn std::error::Error + Send + Sync>> {
        // Asking costs a shared read; every 64 epochs is soon enough for a person.
        Ok(if row.epoch % 64 == 63 && (self.0)() { Flow::Stop } else { Flow::Continue })
    }
}

/// Runs every trial and repeat of an experiment's study, in parallel over runs where rayon is at hand (in the thread pool of
/// the caller). The result does not depend on the number of threads.
///
/// `rows` are all rows, before they are split. The first repeat of every trial keeps its history, unless the study says not to.
///
/// # Errors
///
/// A study path that names nothing, or trials that do not fit the rows: before anything is trained.
pub fn run_study(experiment: &Experiment, rows: &dyn Rows, observer: &dyn StudyObserver) -> Result<StudyResult> {
    let Plan { spec, points, trials, splits } = plan(experiment, rows)?;
    let jobs: Vec<(usize, usize)> =
        (0..spec.repeats).flat_map(|repeat| (0..trials.len()).map(move |trial| (trial, repeat))).collect();
    let done = std::sync::atomic::AtomicUsize::new(0);
    let stopped = std::sync::atomic::AtomicBool::new(false);
    let stop_now = || stopped.load(std::sync::atomic::Ordering::Relaxed) || observer.cancelled();
    let work = |(trial, repeat): &(usize, usize)| -> Result<Option<Run>> {
        if stop_now() {
            return Ok(None);
        }
        let seed = Seed::new(spec.seed).derive("run", *repeat as u64);
        let split = &splits[if splits.len() == 1 { 0 } else { *repeat }];
        let (run, _) =
            run_until(&trials[*trial], split, seed, *repeat, *repeat == 0 && !spec.without_histories, &stop_now)?;
        if run.stop == StopReason::Interrupted {
            return Ok(None);
        }
        let done = done.fetch_add(1, std::sync::atomic::Ordering::Relaxed) + 1;
        let event = RunEvent { trial: *trial, run: &run, done, total: jobs.len() };
        if observer.run_end(&event) == Flow::Stop {
            stopped.store(true, std::sync::atomic::Ordering::Relaxed);
        }
        Ok(Some(run))
    };
    let runs: Vec<Result<Option<Run>>> = map_in_order(&jobs, work);
    let mut results: Vec<Vec<Run>> = vec![vec![]; trials.len()];
    for ((trial, _), run) in jobs.iter().zip(runs) {
        results[*trial].extend(run?);
    }
    let trials = points.into_iter().zip(results).map(|(point, runs)| Trial::of(point, runs)).collect();
    let first = &splits[0];
    Ok(StudyResult { trials, resample: spec.resample, train_rows: first.train.rows(), test_rows: first.test.rows() })
}

/// Everything about a study that can be wrong, without training anything.
///
/// # Errors
///
/// As [`run_study`].
pub fn check_study(experiment: &Experiment, rows: &dyn Rows) -> Result<()> {
    plan(experiment, rows).map(|_| ())
}

/// A study whose every trial is known to fit its rows.
struct Plan {
    spec: StudySpec,
    points: Vec<Map<String, Value>>,
    trials: Vec<Experiment>,
    /// One split for all repeats, or one for each.
    splits: Vec<Split>,
}

fn plan(experiment: &Experiment, rows: &dyn Rows) -> Result<Plan> {
    let spec = experiment.study.clone().unwrap_or_default();
    let points = spec.points();
    let trials = experiment.trials()?;
    let splits: Vec<Split> = match spec.resample {
        Resample::None => vec![Split::of(rows, &experiment.data, Seed::new(spec.seed))?],
        Resample::Split => (0..spec.repeats).map(|r| shuffled(experiment, rows, &spec, r)).collect::<Result<_>>()?,
        Resample::Fresh => (0..spec.repeats).map(|r| fresh(experiment, &spec, r)).collect::<Result<_>>()?,
    };
    for trial in &trials {
        let model = Model::build(&trial.model, Seed::new(0)).map_err(|error| error.within("model"))?;
        for split in &splits {
            Fitting::new(&model, &split.train, Some(&split.test), &trial.fit, Seed::new(0))?;
        }
    }
    Ok(Plan { spec, points, trials, splits })
}

fn shuffled(experiment: &Experiment, rows: &dyn Rows, spec: &StudySpec, repeat: usize) -> Result<Split> {
    // Stretches of a series overlap: shuffled, most of each test row would have been seen in training.
    if rows.is_ordered() {
        return Err(Complaint::new("study.resample", "`none`, for rows in the order of time", "`split`").into());
    }
    let seed = Seed::new(spec.seed).derive("split", repeat as u64);
    Division::drawn(rows, &experiment.data, seed)?.split(rows)
}

fn fresh(experiment: &Experiment, spec: &StudySpec, repeat: usize) -> Result<Split> {
    if !experiment.data.is_generated() {
        let complaint =
            Complaint::new("study.resample", "`none` or `split`, for rows that are not generated", "`fresh`");
        return Err(Error::from(complaint));
    }
    let mut data = experiment.data.clone();
    data.random_state = Some(data.random_state.unwrap_or(0).wrapping_add(repeat as u32));
    match data.rows()? {
        Some(rows) => {
            let seed = Seed::new(spec.seed).derive("split", repeat as u64);
            Split::of(&PlainRows::of(&rows, experiment), &data, seed)
        }
        None => Err(Complaint::new("data.source", "a generator", format!("`{}`", data.source)).into()),
    }
}

/// The results in the order of the jobs, whoever computed them.
#[cfg(feature = "rayon")]
pub(crate) fn map_in_order<T: Sync, R: Send>(jobs: &[T], work: impl Fn(&T) -> R + Sync + Send) -> Vec<R> {
    use rayon::prelude::*;
    jobs.par_iter().with_max_len(1).map(work).collect()
}

#[cfg(not(feature = "rayon"))]
pub(crate) fn map_in_order<T: Sync, R: Send>(jobs: &[T], work: impl Fn(&T) -> R + Sync + Send) -> Vec<R> {
    jobs.iter().map(work).collect()
}
