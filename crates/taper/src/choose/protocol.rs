//! The whole protocol, from rows to a verdict.

use std::sync::atomic::Ordering;

use super::candidate::{self, Candidate};
use super::evidence;
use super::fold::Layout;
use super::judged::{self, Judged, diverged, final_trial};
use super::observer::ChooseObserver;
use super::result::{Choice, Chosen, FoldDifference, GridPoint, RowCount, RunCount};
use super::runner::Runner;
use super::selection::{Entry, Selected, Setting, families, grid_point, select};
use super::spec::{ChooseMode, ChooseSpec};
use super::store::TrialStore;
use super::trial::{Detail, Prepared, TrialSpec, fit_trial};
use super::verdict::verdict;
use crate::train::Fitting;
use crate::wording::digits;
use crate::{Complaint, Complaints, Error, Experiment, Quiet, Result, Rows, Seed, StopReason};

/// Chooses penalty and strength on the development rows, measures the gain on rows that took part in no choice, and fits the
/// choice on all development rows.
///
/// 1. Every candidate runs on the same folds (repeated, stratified, grouped or in the order of time) with the same seeds.
/// 2. The best mean score wins, or by the `1se` rule the strongest within one standard error of it.
/// 3. Choice and no penalty are compared in pairs on the declared test rows; where there are none, on outer folds, each of
///    which judges a choice that was made without its rows.
/// 4. The choice is fitted on all development rows.
///
/// The result is a function of experiment and rows: the same bytes at any number of threads, and whether outcomes were
/// computed or came out of `store`.
///
/// # Errors
///
/// Settings or rows that do not fit, all at once and before any training; a store that fails;
/// [`Error::Interrupted`] if the observer asked to stop: begun again with the same store, the choice goes on where it was.
///
/// # Example
///
/// ```
/// use taper::*;
///
/// # fn main() -> Result<()> {
/// let experiment = Experiment::from_value(serde_json::json!({
///     "data": { "source": "moons" },
///     "model": { "input_shape": [2], "layers": [
///         { "layer": "dense", "units": 16, "activation": "relu" },
///         { "layer": "dense", "units": 1, "activation": "sigmoid" },
///     ] },
///     "fit": { "loss": "binary_crossentropy", "epochs": 40, "optimizer": { "name": "adam", "learning_rate": 0.05 } },
///     "choose": { "grid": [0.0001, 0.001, 0.01], "folds": 3, "repeats": 2, "evidence": false },
/// }))?;
/// let data = Dataset::from_sample(&data::make_moons(100, 0.2, 1)?)?;
/// let rows = PlainRows { data: &data, development: 30, standardize: false, classes: true, ordered: false };
/// let chosen = choose(&experiment, &rows, &MemoryStore::new(), &Quiet)?;
/// assert_eq!(chosen.choice.grid.len(), 3);
/// assert_eq!(chosen.choice.gain.n, 70);
/// # Ok(())
/// # }
/// ```
pub fn choose(
    experiment: &Experiment,
    rows: &dyn Rows,
    store: &dyn TrialStore,
    observer: &dyn ChooseObserver,
) -> Result<Chosen> {
    let spec = experiment.choose.clone().unwrap_or_default();
    let setting = prepare(experiment, &spec, rows)?;
    let runner = Runner::new(Layout::of(rows), rows, store, observer);
    let choice = decide(&setting, &runner, rows)?;
    refit(&setting, &runner, rows, choice)
}

/// The trials that [`choose`] would run next: those of its next step whose outcomes `store` lacks, in the order of the step.
/// None, if the store has all that the choice is made of.
///
/// Which trials a step has depends on the outcomes of those before. A scheduler that has these trials [run](crate::run_trial)
/// somewhere, puts their outcomes into the store and asks again, until there are none, has made the choice.
///
/// # Errors
///
/// As [`choose`].
///
/// # Example
///
/// ```
/// use taper::*;
///
/// # fn main() -> Result<()> {
/// # let experiment = Experiment::from_value(serde_json::json!({
/// #     "data": { "source": "moons" },
/// #     "model": { "input_shape": [2], "layers": [{ "layer": "dense", "units": 1, "activation": "sigmoid" }] },
/// #     "fit": { "loss": "binary_crossentropy", "epochs": 5 },
/// #     "choose": { "grid": [0.001, 0.01], "folds": 3, "repeats": 2, "evidence": false },
/// # }))?;
/// # let data = Dataset::from_sample(&data::make_moons(100, 0.2, 1)?)?;
/// # let rows = PlainRows { data: &data, development: 30, standardize: false, classes: true, ordered: false };
/// let store = MemoryStore::new();
/// loop {
///     let trials = pending(&experiment, &rows, &store)?;
///     if trials.is_empty() {
///         break;
///     }
///     for trial in trials {
///         store.put(&trial.key(), &trial, &run_trial(&trial, &rows)?)?;
///     }
/// }
/// let trials = store.len();
/// choose(&experiment, &rows, &store, &Quiet)?;
/// assert_eq!(store.len(), trials);
/// # Ok(())
/// # }
/// ```
pub fn pending(experiment: &Experiment, rows: &dyn Rows, store: &dyn TrialStore) -> Result<Vec<TrialSpec>> {
    let spec = experiment.choose.clone().unwrap_or_default();
    let setting = prepare(experiment, &spec, rows)?;
    let runner = Runner::new(Layout::of(rows), rows, store, &Quiet).listing();
    match decide(&setting, &runner, rows) {
        Ok(_) | Err(Error::Interrupted) => Ok(runner.into_missing()),
        Err(other) => Err(other),
    }
}

/// Everything but the model: the choice, its gain and the evidence.
fn decide(setting: &Setting<'_>, runner: &Runner<'_>, rows: &dyn Rows) -> Result<Choice> {
    let spec = setting.spec;
    let has_test = runner.layout.has_test();
    runner.total.store(foreseen(spec, has_test), Ordering::Relaxed);

    let selected = select(setting, runner, &[])?;
    let mut saved = selected.saved;
    let candidate = selected.chosen(spec.rule).clone();
    let Judged { outer, gain, comparisons, calibration, saved: outer_saved } = if has_test {
        judged::on_test_rows(setting, runner, &candidate)?
    } else {
        judged::on_outer_folds(setting, runner)?
    };
    saved += outer_saved;
    let evidence = match selected.entries.iter().find(|entry| entry.candidate == candidate) {
        Some(chosen) if spec.evidence => Some(evidence::gather(setting, runner, &selected.entries[0], chosen)?),
        _ => None,
    };
    let families = families(setting, &selected);
    let differences = differences(setting, &selected, &candidate);
    let points: Vec<GridPoint> =
        selected.entries.iter().map(|entry| grid_point(setting, entry, &selected.entries[0])).collect();
    let (best, one_se) = (&selected.entries[selected.best], &selected.entries[selected.one_se]);
    Ok(Choice {
        verdict: verdict(&candidate, &gain, &comparisons),
        lambda_min: best.candidate.value,
        lambda_1se: one_se.candidate.value,
        chosen: candidate.clone(),
        rule: spec.rule,
        gain,
        comparisons,
        score: spec.score.clone(),
        maximize: setting.maximize,
        runs: RunCount { done: runner.count(), saved_by_racing: saved },
        rows: RowCount {
            development: rows.development(),
            test: rows.rows() - rows.development(),
            picked: runner.layout.words(spec),
        },
        folds: spec.folds,
        repeats: spec.repeats,
        differences,
        outer,
        families,
        notes: notes(setting, &selected, best, rows),
        calibration,
        overfitting: evidence.as_ref().and_then(|evidence| evidence.overfitting.clone()),
        learning_curve: evidence.as_ref().map(|evidence| evidence.learning_curve.clone()).unwrap_or_default(),
        baseline_history: evidence.as_ref().and_then(|evidence| evidence.baseline_history.clone()),
        chosen_history: evidence.and_then(|evidence| evidence.chosen_history),
        baseline: points[0].clone(),
        grid: points[1..].to_vec(),
    })
}

/// The trainings of a choice in which racing saves none, but for those that look for strengths.
fn foreseen(spec: &ChooseSpec, has_test: bool) -> usize {
    let settings = 1 + spec.penalties.len() * spec.grid.as_ref().map_or(spec.points, Vec::len);
    let (choices, compared) = if has_test { (1, 2) } else { (1 + spec.outer_folds, 2 * spec.outer_folds) };
    let evidence = if spec.evidence { evidence::trainings(spec.folds) } else { 0 };
    choices * settings * spec.folds * spec.repeats + compared + evidence
}

/// Everything about a choice that can be wrong, without training anything.
///
/// # Errors
///
/// As [`choose`].
pub fn check_choose(experiment: &Experiment, rows: &dyn Rows) -> Result<()> {
    let spec = experiment.choose.clone().unwrap_or_default();
    prepare(experiment, &spec, rows).map(|_| ())
}

fn prepare<'a>(experiment: &Experiment, spec: &'a ChooseSpec, rows: &dyn Rows) -> Result<Setting<'a>> {
    let mut complaints = Complaints::new();
    complaints.take("", Experiment { choose: Some(spec.clone()), ..experiment.clone() }.validate())?;
    complaints.finish()?;
    let mut complaints = Complaints::new();
    spec.check_score(experiment, &mut complaints);
    let layout = Layout::of(rows);
    let outer = (!layout.has_test()).then_some(spec.outer_folds);
    // These are sums over rows: they have a value also where a class is missing.
    let sums = spec.score == "data_loss" || spec.score.ends_with("accuracy");
    layout.check(spec.folds, outer, !sums, &mut complaints);
    if layout.has_test() {
        let test = layout.test();
        let mut clusters = layout.clusters(&test).unwrap_or_else(|| (0..test.len()).collect());
        clusters.sort_unstable();
        clusters.dedup();
        let expected = "at least 2 declared test rows (or groups of them)";
        complaints.check(clusters.len() >= 2, "data", expected, clusters.len());
    }
    complaints.finish().map_err(in_choose)?;
    let setting = Setting {
        spec,
        bare: candidate::stripped(experiment, spec)?,
        on: candidate::replaced_roles(spec),
        maximize: experiment.fit.maximizes(&spec.score),
    };
    // Whether model and rows fit each other shows on any fold.
    let mut candidates = vec![Candidate::none()];
    candidates.extend(spec.penalties.iter().map(|penalty| Candidate::new(penalty.as_str(), 0.0)));
    for candidate in candidates {
        let trial = setting.fold_trial(&candidate, &[], 0, 0);
        let (model, config) = super::trial::build(&trial)?;
        let prepared = Prepared::of(&trial, &layout, rows)?;
        Fitting::new(&model, prepared.train(), Some(prepared.test()), &config, Seed::new(0))?;
    }
    Ok(setting)
}

/// Seen from the experiment: what is not said about `[data]` is said about `[choose]`.
fn in_choose(error: Error) -> Error {
    match error {
        Error::Invalid(complaints) => {
            let outside =
                |complaint: Complaint| if complaint.place == "data" { complaint } else { complaint.within("choose") };
            Error::Invalid(complaints.into_iter().map(outside).collect())
        }
        other => other,
    }
}

/// What a reader should know before relying on a result.
fn notes(setting: &Setting<'_>, selected: &Selected, best: &Entry, rows: &dyn Rows) -> Vec<String> {
    let mut notes = Vec::new();
    let values: Vec<f64> = selected
        .entries
        .iter()
        .filter(|entry| best.penalty.is_some() && entry.penalty == best.penalty)
        .map(|entry| entry.candidate.value)
        .collect();
    let at_edge = values.len() > 1 && [values.first(), values.last()].contains(&Some(&best.candidate.value));
    if at_edge {
        notes.push(format!(
            "The best strength, {}, is at the edge of those that were tried: a better one may lie beyond.",
            digits(best.candidate.value, 3)
        ));
    }
    let diverged = selected.entries.iter().filter(|entry| entry.scores(setting).contains(&None)).count();
    if diverged > 0 {
        notes.push(format!("{diverged} of the strengths diverged on some fold and could not be chosen."));
    }
    if setting.spec.mode == ChooseMode::Path {
        notes.push(
            "Strengths were tried along a path: one model per fold, trained without the penalty and then on with one rising \
             strength after the other. Its models have been trained longer than cold fits and remember the weaker \
             strengths, so that the best strength may differ from that of cold fits; the returned model went the same path."
                .to_owned(),
        );
    }
    if rows.is_ordered() {
        notes.push(
            "Rows lie in the order of time: each fold is predicted from the rows before it, repeats differ in their seeds \
             alone, and test rows are averaged over 20 stretches, whose means count as independent."
                .to_owned(),
        );
    }
    notes
}

fn differences(setting: &Setting<'_>, selected: &Selected, candidate: &Candidate) -> Vec<FoldDifference> {
    let Some(chosen) = selected.entries.iter().find(|entry| entry.candidate == *candidate) else { return vec![] };
    let pairs = selected.entries[0].scores(setting).into_iter().zip(chosen.scores(setting)).enumerate();
    pairs
        .filter_map(|(i, (baseline, chosen))| {
            let (baseline_score, chosen_score) = (baseline?, chosen?);
            Some(FoldDifference {
                repeat: i / setting.spec.folds,
                fold: i % setting.spec.folds,
                chosen: candidate.clone(),
                baseline_score,
                chosen_score,
                gain: setting.gain(chosen_score, baseline_score),
            })
        })
        .collect()
}

/// The model of the choice, fitted on all development rows. With declared test rows it is the very model that was compared.
fn refit(setting: &Setting<'_>, runner: &Runner<'_>, rows: &dyn Rows, choice: Choice) -> Result<Chosen> {
    let mut trial = final_trial(setting, &choice.chosen);
    trial.detail = Detail::default();
    let prepared = Prepared::of(&trial, &runner.layout, rows)?;
    let (outcome, model) = fit_trial(&trial, &prepared, &|| runner.is_stopped())?;
    match outcome.stop {
        StopReason::Interrupted => Err(Error::Interrupted),
        StopReason::Diverged { .. } => Err(diverged()),
        StopReason::Completed | StopReason::EarlyStopped { .. } => Ok(Chosen {
            experiment: choice.chosen.applied(&setting.bare, &setting.on)?,
            choice,
            model,
            train: prepared.train_rows().to_vec(),
        }),
    }
}
