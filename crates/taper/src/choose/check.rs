//! Whether an outcome can have come of a trial.

use std::collections::{BTreeMap, BTreeSet};

use super::candidate::Candidate;
use super::curve::Curve;
use super::fold::{FoldAt, Layout};
use super::trial::{TrialOutcome, TrialSpec, blocks_of};
use crate::{Complaints, Model, Result, Rows, Seed, StopReason};

/// No score of predictions that f32 can hold is as large: the square of the largest f32 is 1e77.
const MOST_SCORE: f64 = 1e100;

/// Complains about an outcome that cannot have come of this trial on these rows: another number of rows, other scores, numbers
/// that no training gives. What it cannot see is whether the numbers are right; that takes the trial itself.
///
/// # Errors
///
/// Everything in which the outcome differs from what the trial must give, each with its place; a specification that does not fit
/// the rows.
///
/// # Example
///
/// ```
/// use taper::*;
///
/// # fn main() -> Result<()> {
/// let experiment = Experiment::from_value(serde_json::json!({
///     "data": { "source": "moons" },
///     "model": { "input_shape": [2], "layers": [{ "layer": "dense", "units": 1, "activation": "sigmoid" }] },
///     "fit": { "loss": "binary_crossentropy", "epochs": 2 },
/// }))?;
/// let data = Dataset::from_sample(&data::make_moons(40, 0.3, 1)?)?;
/// let rows = PlainRows::of(&data, &experiment);
/// let spec = TrialSpec {
///     experiment: experiment.clone(), on: vec![Role::Kernel], candidate: Candidate::new("l2", 0.01),
///     rows: Selection::Folds(vec![FoldAt { seed: 1, folds: 4, fold: 0 }]), quarters: None, seed: 1, detail: Detail::default(),
/// };
/// let mut outcome = run_trial(&spec, &rows)?;
/// check_outcome(&spec, &rows, &outcome)?;
/// outcome.train_rows = 39;
/// assert!(check_outcome(&spec, &rows, &outcome).unwrap_err().to_string().contains("expected 30"));
/// # Ok(())
/// # }
/// ```
pub fn check_outcome(spec: &TrialSpec, rows: &dyn Rows, outcome: &TrialOutcome) -> Result<()> {
    Expected::of(spec, &Layout::of(rows))?.check(spec, outcome)
}

/// How many rows a trial has.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Expected {
    train: usize,
    scored: usize,
    /// Blocks of scored rows for the jackknife.
    blocks: usize,
}

impl Expected {
    /// Trials that share rows share these.
    pub(crate) fn of(spec: &TrialSpec, layout: &Layout) -> Result<Self> {
        let parts = Parts::of(spec, layout)?;
        let clusters = layout.clusters(&parts.test);
        let blocks = blocks_of(parts.test.len(), clusters.as_deref()).len();
        // With a single block there is nothing to leave out.
        Ok(Self { train: parts.train.len(), scored: parts.test.len(), blocks: if blocks > 1 { blocks } else { 0 } })
    }

    pub(crate) fn check(self, spec: &TrialSpec, outcome: &TrialOutcome) -> Result<()> {
        let mut complaints = Complaints::new();
        self.point(spec, outcome, &mut complaints)?;
        let wanted = match &spec.candidate.path {
            Some(path) if spec.detail.points => path.values.as_slice(),
            _ => &[],
        };
        let points = &outcome.points;
        complaints.check(
            points.len() == wanted.len(),
            "points",
            format!("{} outcomes", wanted.len()),
            format!("{}", points.len()),
        );
        for (i, (value, point)) in wanted.iter().zip(points).enumerate() {
            let candidate = Candidate { value: *value, ..spec.candidate.clone() };
            let mut inner = Complaints::new();
            self.point(&TrialSpec { candidate, ..spec.clone() }, point, &mut inner)?;
            inner.check(point.points.is_empty(), "points", "none within a point", format!("{}", point.points.len()));
            complaints.take(format!("points[{i}]"), inner.finish())?;
        }
        complaints.finish()
    }

    /// Everything but the points of a path.
    fn point(self, spec: &TrialSpec, outcome: &TrialOutcome, complaints: &mut Complaints) -> Result<()> {
        let applied = spec.candidate.applied(&spec.experiment, &spec.on)?;
        let epochs = match &spec.candidate.path {
            None => applied.fit.epochs,
            Some(path) => applied.fit.epochs.saturating_add(path.epochs.saturating_mul(path.values.len())),
        };
        let TrialOutcome { stop, train_rows, norm, zeros, spread, .. } = outcome;
        complaints.check(*stop != StopReason::Interrupted, "stop", "a training that came to its end", "interrupted");
        complaints.check(outcome.epochs <= epochs, "epochs", format!("at most {epochs}"), outcome.epochs);
        complaints.check(*train_rows == self.train, "train_rows", self.train, train_rows);

        let scored = !outcome.scores.is_empty();
        complaints.check(!scored || stop.is_usable(), "scores", "none of a training that diverged", "some");
        let names = std::iter::once("data_loss".to_owned()).chain(applied.fit.metric_names());
        let names: BTreeSet<String> = if scored { names.collect() } else { BTreeSet::new() };
        for (place, scores) in [("scores", &outcome.scores), ("train", &outcome.train)] {
            same_names(place, &names, scores, complaints);
            for (name, value) in scores {
                let good = value.abs() <= MOST_SCORE;
                complaints.check(good, format!("{place}.{name}"), "a score that predictions can have", value);
            }
        }
        let slots = Model::plan(&applied.model).map_err(|error| error.within("model"))?;
        let paths = if scored { slots.into_iter().map(|slot| slot.path).collect() } else { BTreeSet::new() };
        same_names("norms", &paths, &outcome.norms, complaints);
        let norms = outcome.norms.iter().map(|(name, value)| (format!("norms.{name}"), *value));
        for (place, value) in norms.chain([("norm".to_owned(), *norm), ("spread".to_owned(), *spread)]) {
            let expected = "a finite number of at least 0";
            complaints.check((0.0..=MOST_SCORE).contains(&value), place, expected, value);
        }
        complaints.check((0.0..=1.0).contains(zeros), "zeros", "a share from 0 to 1", zeros);
        self.details(spec, outcome, scored, complaints);
        Ok(())
    }

    /// What was asked for is there, and nothing else.
    fn details(self, spec: &TrialSpec, outcome: &TrialOutcome, scored: bool, complaints: &mut Complaints) {
        let asked = |asked: bool| if asked { "what was asked for" } else { "nothing, as nothing was asked for" };
        let is = |there: bool| if there { "some" } else { "nothing" };
        let wants_rows = scored && spec.detail.rows.is_some();
        complaints.check(outcome.rows.is_some() == wants_rows, "rows", asked(wants_rows), is(outcome.rows.is_some()));
        if let (Some(rows), true) = (&outcome.rows, wants_rows) {
            let count = if spec.detail.rows.as_deref() == Some("data_loss") { self.scored } else { self.blocks };
            complaints.check(rows.len() == count, "rows", format!("{count} numbers"), rows.len());
            if let Some((i, value)) = rows.iter().enumerate().find(|(_, value)| value.abs() > MOST_SCORE) {
                complaints.check(false, format!("rows[{i}]"), "a loss that predictions can have", value);
            }
        }
        let (history, wanted) = (outcome.history.as_ref(), spec.detail.history);
        complaints.check(history.is_some() == wanted, "history", asked(wanted), is(history.is_some()));
        if let Some(Curve { epochs, columns, .. }) = history {
            let rises = epochs.windows(2).all(|pair| pair[0] < pair[1]);
            complaints.check(rises, "history.epochs", "epochs that rise", "others");
            let even = columns.values().all(|column| column.len() == epochs.len());
            complaints.check(even, "history.columns", format!("{} numbers in each", epochs.len()), "others");
        }
        let bins = outcome.calibration.as_deref().unwrap_or_default();
        let wants = scored && spec.detail.calibration;
        complaints.check(wants || bins.is_empty(), "calibration", asked(wants), is(!bins.is_empty()));
        let share = |value: f64| (0.0..=1.0).contains(&value);
        let good = bins.iter().all(|bin| bin.count <= self.scored && share(bin.predicted) && share(bin.observed));
        complaints.check(good && bins.len() <= 10, "calibration", "shares of the scored rows, by tenths", "others");
    }
}

fn same_names(place: &str, wanted: &BTreeSet<String>, found: &BTreeMap<String, f64>, complaints: &mut Complaints) {
    let list = |names: Vec<&str>| if names.is_empty() { "none".to_owned() } else { names.join(", ") };
    let good = wanted.len() == found.len() && wanted.iter().all(|name| found.contains_key(name));
    let expected = list(wanted.iter().map(String::as_str).collect());
    complaints.check(good, place, expected, list(found.keys().map(String::as_str).collect()));
}

/// The rows of a trial by their numbers.
#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) train: Vec<usize>,
    /// What is scored; for a model that is fitted for its own sake, some training row.
    pub(crate) test: Vec<usize>,
    /// Rows split off the training rows, for a training that watches rows which do not train.
    pub(crate) watched: Option<Vec<usize>>,
}

impl Parts {
    pub(crate) fn of(spec: &TrialSpec, layout: &Layout) -> Result<Self> {
        let (mut train, mut test) = layout.rows(&spec.rows)?;
        if let Some(quarters) = spec.quarters {
            train = layout.quarters(&train, quarters, spec.seed);
        }
        let mut watched = None;
        if spec.candidate.applied(&spec.experiment, &spec.on)?.fit.watches_validation() {
            // In the order of time, the last fold is the latest fifth of what trains.
            const PARTS: usize = 5;
            let at = FoldAt { seed: Seed::new(spec.seed).derive("watched", 0).number(), folds: PARTS, fold: PARTS - 1 };
            let (fitted, aside) = layout.divide(&train, at);
            train = fitted;
            watched = Some(aside);
        }
        if test.is_empty() {
            test = train.first().copied().into_iter().collect();
        }
        Ok(Self { train, test, watched })
    }
}
