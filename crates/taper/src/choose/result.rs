//! What `choose` found.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::candidate::Candidate;
use super::comparison::Comparison;
use super::curve::Curve;
use super::evidence::{LearningPoint, Overfitting};
use super::reliability::Reliability;
use super::spec::Rule;
use crate::{Experiment, Model};

/// The answer with all that a report needs: plain numbers, no times, no paths. The same rows and the same experiment give the
/// same bytes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Choice {
    /// Whether regularization helps, in words.
    pub verdict: Verdict,
    /// The strength of the best mean score, within the winning penalty; 0 if no penalty is best.
    pub lambda_min: f64,
    /// The strongest whose mean score is within one standard error of the best, within the winning penalty.
    pub lambda_1se: f64,
    /// What the rule chose, and the returned model has.
    pub chosen: Candidate,
    /// The rule.
    pub rule: Rule,
    /// What the choice gains over no penalty, on rows that took part in no choice.
    pub gain: Gain,
    /// Every score of the choice beside that of no penalty, on the same rows as the gain: first the one that models were compared
    /// by, then the data loss and the metrics of the training.
    #[serde(default)]
    pub comparisons: Vec<Comparison>,
    /// What models were compared by.
    pub score: String,
    /// Whether more of it is better.
    pub maximize: bool,
    /// The model without a penalty, on the same folds as the grid.
    pub baseline: GridPoint,
    /// Every strength that was tried, penalty by penalty, rising.
    pub grid: Vec<GridPoint>,
    /// Trainings.
    pub runs: RunCount,
    /// Rows that choices were made on, rows of a declared test set.
    pub rows: RowCount,
    /// Folds and repeats of the comparison.
    pub folds: usize,
    /// Divisions into folds.
    pub repeats: usize,
    /// The choice against no penalty, fold by fold, on the rows that it was chosen on: for drawing, not for claims.
    pub differences: Vec<FoldDifference>,
    /// The same on outer folds, if there are any: what the claim rests on.
    pub outer: Vec<FoldDifference>,
    /// The best strengths of each penalty, in the order of the experiment.
    pub families: Vec<Family>,
    /// Whether the model overfits without a penalty; nothing if no evidence was asked for.
    pub overfitting: Option<Overfitting>,
    /// Scores for fewer training rows: would more help more? Empty if no evidence was asked for, or a quarter of the rows would
    /// lack a class.
    pub learning_curve: Vec<LearningPoint>,
    /// Calibration on the rows of the final comparison, where predictions are probabilities of classes.
    pub calibration: Option<Reliability>,
    /// A training without a penalty, on the first fold.
    pub baseline_history: Option<Curve>,
    /// A training of the choice, on the same fold.
    pub chosen_history: Option<Curve>,
    /// What a reader should know before relying on this.
    pub notes: Vec<String>,
}

/// A choice and the model that was fitted with it on all development rows.
#[derive(Debug)]
pub struct Chosen {
    /// What was found.
    pub choice: Choice,
    /// The model.
    pub model: Model,
    /// The experiment that the model was fitted by: the choice's penalty in it, nothing left to choose.
    pub experiment: Experiment,
    /// The rows that trained it, for whatever else was learned from them (the preparation of a table).
    pub train: Vec<usize>,
}

/// Whether regularization helps.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// Whether the interval of the gain lies above 0.
    pub helps: bool,
    /// The answer in one sentence.
    pub sentence: String,
}

/// What the choice gains over no penalty: positive is better.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Gain {
    /// The paired difference in the score.
    pub estimate: f64,
    /// Its standard error.
    pub se: f64,
    /// Lower end of its 95% confidence interval.
    pub ci_low: f64,
    /// Upper end.
    pub ci_high: f64,
    /// Pairs that it is made of: rows (or groups of rows) of the test set, or outer folds.
    pub n: usize,
    /// Which truth it estimates.
    pub claim: Claim,
    /// The same in words.
    pub statement: String,
}

/// Which truth a gain estimates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Claim {
    /// The difference between the two fitted models on the population that the declared test rows come from.
    FittedModels,
    /// The expected difference over training sets of the size that an outer fold leaves, choice of the strength included.
    TrainingSets,
}

/// One strength of one penalty.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GridPoint {
    /// The penalty.
    pub penalty: String,
    /// Its strength.
    pub value: f64,
    /// The score over folds.
    pub score: Score,
    /// The paired gain over no penalty, on the same folds; positive is better.
    pub gain: Score,
    /// The mean score on the training rows of the folds.
    pub train_score: Option<f64>,
    /// Means of the data loss and of all metrics on the scored rows.
    pub metrics: BTreeMap<String, f64>,
    /// Mean L2 norm of the penalized parameters.
    pub norm: Option<f64>,
    /// Mean share of exact zeros among them.
    pub zeros: Option<f64>,
    /// Folds on which the training diverged.
    pub diverged: usize,
    /// Whether it stopped receiving folds because it was clearly beaten.
    pub beaten: bool,
    /// The score of each fold that it received: the folds of the first repeat, then those of the second; nothing where the
    /// training diverged.
    pub splits: Vec<Option<f64>>,
}

/// The best strengths of one penalty.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Family {
    /// The penalty.
    pub penalty: String,
    /// Its strength of the best mean score, of those that ran on all folds.
    pub lambda_min: f64,
    /// Its strongest whose mean score is within one standard error of that.
    pub lambda_1se: f64,
    /// The score at `lambda_min`.
    pub score: Score,
}

/// A mean over folds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// The mean; nothing if no fold has a score.
    pub mean: Option<f64>,
    /// The standard error of one repeat's mean: the standard deviation over the folds of a repeat, divided by √folds, in
    /// quadratic mean over repeats. It does not shrink with more repeats, because these bring no new rows.
    pub se: Option<f64>,
    /// Folds.
    pub n: usize,
}

/// How many trainings there were.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunCount {
    /// Trainings that the result is made of, whether they ran now or before.
    pub done: usize,
    /// Trainings that racing made unnecessary.
    pub saved_by_racing: usize,
}

/// How many rows there were, and how they were divided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowCount {
    /// Rows that choices were made on.
    pub development: usize,
    /// Rows of the declared test set.
    pub test: usize,
    /// How many train and test in the final comparison, and how they and the folds were picked, in words.
    #[serde(default)]
    pub picked: String,
}

/// The choice and no penalty on one fold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FoldDifference {
    /// The repeat, from 0.
    pub repeat: usize,
    /// The fold, from 0.
    pub fold: usize,
    /// What was chosen without this fold's rows (for outer folds), else the choice.
    pub chosen: Candidate,
    /// The score without a penalty.
    pub baseline_score: f64,
    /// The score of the choice.
    pub chosen_score: f64,
    /// How much better the choice is.
    pub gain: f64,
}
