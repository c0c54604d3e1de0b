//! What came of a study, and how sure it is.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use statrs::distribution::{ContinuousCDF, StudentsT};

use super::run::Run;
use super::spec::Resample;
use crate::wording::Change;

/// Mean and spread of a score over runs.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// The mean; `None` if there is nothing to average.
    pub mean: Option<f64>,
    /// The sample standard deviation (over n - 1); `None` below two runs.
    pub std: Option<f64>,
    /// How many runs.
    pub n: usize,
    /// Lower end of the 95% confidence interval of the mean (Student's t); `None` below two runs.
    pub ci_low: Option<f64>,
    /// Its upper end.
    pub ci_high: Option<f64>,
}

impl Summary {
    /// Of these values.
    ///
    /// # Example
    ///
    /// ```
    /// use taper::Summary;
    ///
    /// let summary = Summary::of(&[1.0, 2.0, 3.0]);
    /// assert_eq!((summary.mean, summary.std, summary.n), (Some(2.0), Some(1.0), 3));
    /// ```
    #[must_use]
    pub fn of(values: &[f64]) -> Self {
        let n = values.len();
        if n == 0 {
            return Self { mean: None, std: None, n, ci_low: None, ci_high: None };
        }
        let mean = values.iter().sum::<f64>() / n as f64;
        if n == 1 {
            return Self { mean: Some(mean), std: None, n, ci_low: None, ci_high: None };
        }
        let std = (values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (n - 1) as f64).sqrt();
        let half = t_quantile(n - 1) * std / (n as f64).sqrt();
        Self { mean: Some(mean), std: Some(std), n, ci_low: Some(mean - half), ci_high: Some(mean + half) }
    }
}

/// The 97.5% quantile of Student's t.
pub(crate) fn t_quantile(degrees: usize) -> f64 {
    StudentsT::new(0.0, 1.0, degrees as f64).map_or(f64::NAN, |t| t.inverse_cdf(0.975))
}

/// One setting with its runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Trial {
    /// Path and value of each axis.
    pub point: Map<String, Value>,
    /// Its runs, by repeat.
    pub runs: Vec<Run>,
    /// How many of them diverged; they are left out of the summaries.
    pub diverged: usize,
    /// Every score over the runs.
    pub scores: BTreeMap<String, Summary>,
}

impl Trial {
    /// Summarizes the runs of one setting.
    #[must_use]
    pub fn of(point: Map<String, Value>, runs: Vec<Run>) -> Self {
        let diverged = runs.iter().filter(|run| !run.stop.is_usable()).count();
        let mut values: BTreeMap<String, Vec<f64>> = BTreeMap::new();
        for (name, value) in runs.iter().flat_map(|run| &run.scores) {
            values.entry(name.clone()).or_default().push(*value);
        }
        let scores = values.into_iter().map(|(name, values)| (name, Summary::of(&values))).collect();
        Self { point, runs, diverged, scores }
    }

    /// The mean of a score, if any run has it.
    #[must_use]
    pub fn mean(&self, score: &str) -> Option<f64> {
        self.scores.get(score)?.mean
    }
}

/// A study's trials, in the order of its points.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StudyResult {
    /// The trials.
    pub trials: Vec<Trial>,
    /// What the repeats drew anew.
    pub resample: Resample,
    /// Rows that trained each run.
    pub train_rows: usize,
    /// Rows that tested it.
    pub test_rows: usize,
}

/// The paired difference of two trials in one score: same rows and seeds for both in each repeat.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// Mean of (trial - baseline).
    pub mean: f64,
    /// Its standard error.
    pub se: f64,
    /// Lower end of its 95% confidence interval.
    pub ci_low: f64,
    /// Upper end.
    pub ci_high: f64,
    /// Pairs.
    pub n: usize,
}

impl Difference {
    /// The same, to be said in words.
    #[must_use]
    pub fn change(&self) -> Change {
        Change::new(self.mean).within(self.ci_low, self.ci_high)
    }
}

impl StudyResult {
    /// Whether every run of every trial diverged (or none ran).
    #[must_use]
    pub fn is_lost(&self) -> bool {
        self.trials.iter().all(|trial| trial.runs.len() == trial.diverged)
    }

    /// The trial with the best mean of a score. Trials without one are never best.
    #[must_use]
    pub fn best(&self, score: &str, maximize: bool) -> Option<usize> {
        let sign = if maximize { -1.0 } else { 1.0 };
        let means = self.trials.iter().enumerate().filter_map(|(i, trial)| Some((i, sign * trial.mean(score)?)));
        means.filter(|(_, mean)| mean.is_finite()).min_by(|a, b| a.1.total_cmp(&b.1)).map(|(i, _)| i)
    }

    /// The paired difference between two trials, over the repeats that both finished; `None` below two pairs.
    ///
    /// The standard error is that of the mean of independent pairs. Where repeats are splits of the same rows, training sets
    /// overlap, and the variance of the mean is σ² (1/n + test rows / training rows) instead of σ²/n (Nadeau and Bengio 2003).
    #[must_use]
    pub fn difference(&self, trial: usize, baseline: usize, score: &str) -> Option<Difference> {
        let (trial, baseline) = (self.trials.get(trial)?, self.trials.get(baseline)?);
        let pairs: Vec<f64> = trial
            .runs
            .iter()
            .filter_map(|run| {
                let other = baseline.runs.iter().find(|other| other.repeat == run.repeat)?;
                Some(run.scores.get(score)? - other.scores.get(score)?)
            })
            .collect();
        let n = pairs.len();
        let Summary { mean: Some(mean), std: Some(std), .. } = Summary::of(&pairs) else { return None };
        let overlap = match self.resample {
            Resample::Split => self.test_rows as f64 / self.train_rows as f64,
            Resample::None | Resample::Fresh => 0.0,
        };
        let se = std * (1.0 / n as f64 + overlap).sqrt();
        let half = t_quantile(n - 1) * se;
        Some(Difference { mean, se, ci_low: mean - half, ci_high: mean + half, n })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Seed, StopReason};

    fn trial(values: &[f64]) -> Trial {
        let run = |(repeat, value): (usize, &f64)| Run {
            repeat,
            seed: Seed::new(0),
            stop: StopReason::Completed,
            scores: BTreeMap::from([("score".to_owned(), *value)]),
            history: None,
        };
        Trial::of(Map::new(), values.iter().enumerate().map(run).collect())
    }

    fn result(resample: Resample) -> StudyResult {
        let trials = vec![trial(&[1.0, 2.0, 3.0]), trial(&[1.5, 2.4, 3.6]), trial(&[])];
        StudyResult { trials, resample, train_rows: 30, test_rows: 70 }
    }

    #[test]
    fn confidence_interval_is_students() {
        // scipy.stats.t.interval(0.95, 2, loc=2, scale=1/sqrt(3)) = (-0.48413771, 4.48413771)
        let summary = Summary::of(&[1.0, 2.0, 3.0]);
        assert!((summary.ci_low.unwrap() + 0.484_137_71).abs() < 1e-6);
        assert_eq!(Summary::of(&[]).mean, None);
        assert_eq!(Summary::of(&[7.0]).std, None);
    }

    #[test]
    fn differences_are_paired_and_corrected_for_overlap() {
        let plain = result(Resample::None).difference(1, 0, "score").unwrap();
        assert!((plain.mean - 0.5).abs() < 1e-12 && (plain.se - 0.1 / 3f64.sqrt()).abs() < 1e-9);
        let corrected = result(Resample::Split).difference(1, 0, "score").unwrap();
        assert!((corrected.se - 0.1 * (1.0 / 3.0 + 70.0 / 30.0f64).sqrt()).abs() < 1e-9);
        assert_eq!(result(Resample::None).difference(2, 0, "score"), None);
    }

    #[test]
    fn a_trial_without_results_is_never_best() {
        assert_eq!(result(Resample::None).best("score", false), Some(0));
        assert_eq!(result(Resample::None).best("score", true), Some(1));
        assert_eq!(result(Resample::None).best("no such score", true), None);
    }
}
