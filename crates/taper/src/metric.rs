//! What is reported beside the loss.

use serde::{Deserialize, Serialize};

use crate::spelling::named;

/// A number that describes predictions. Metrics never steer the gradient. Names and formulas are Keras's.
///
/// | name | what |
/// |---|---|
/// | `accuracy` | the one of the next three that fits target and output |
/// | `binary_accuracy` | share of outputs on the target's side of `threshold` |
/// | `categorical_accuracy` | share of rows whose largest output is the target's largest entry |
/// | `sparse_categorical_accuracy` | the same, the target being a class id |
/// | `mse`, `mae` | mean of (p - y)², of \|p - y\| |
/// | `precision`, `recall` | tp / (tp + fp), tp / (tp + fn), outputs above `threshold` being positive; 0 where undefined |
/// | `auc` | area under the ROC curve by `thresholds` equal steps, trapezoidal |
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self", tag = "name", rename_all = "snake_case", deny_unknown_fields)]
#[allow(missing_docs)] // the table above
pub enum Metric {
    Accuracy,
    BinaryAccuracy {
        #[serde(default = "half")]
        threshold: f32,
    },
    CategoricalAccuracy,
    SparseCategoricalAccuracy,
    #[serde(alias = "mean_squared_error")]
    Mse,
    #[serde(alias = "mean_absolute_error")]
    Mae,
    Precision {
        #[serde(default = "half")]
        threshold: f32,
    },
    Recall {
        #[serde(default = "half")]
        threshold: f32,
    },
    Auc {
        #[serde(default = "thresholds")]
        thresholds: usize,
    },
}
named!(Metric);

fn half() -> f32 {
    0.5
}
fn thresholds() -> usize {
    200
}

impl Metric {
    /// Its name in histories and tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Accuracy => "accuracy",
            Self::BinaryAccuracy { .. } => "binary_accuracy",
            Self::CategoricalAccuracy => "categorical_accuracy",
            Self::SparseCategoricalAccuracy => "sparse_categorical_accuracy",
            Self::Mse => "mse",
            Self::Mae => "mae",
            Self::Precision { .. } => "precision",
            Self::Recall { .. } => "recall",
            Self::Auc { .. } => "auc",
        }
    }

    /// The metric itself where it is one, or the kind of accuracy that fits: `classes` outputs per prediction, class ids as
    /// targets if `sparse`.
    #[must_use]
    pub fn resolve(self, classes: usize, sparse: bool) -> Self {
        match self {
            Self::Accuracy if sparse && classes > 1 => Self::SparseCategoricalAccuracy,
            Self::Accuracy if classes > 1 => Self::CategoricalAccuracy,
            Self::Accuracy => Self::BinaryAccuracy { threshold: 0.5 },
            other => other,
        }
    }

    /// Whether more is better.
    #[must_use]
    pub fn maximize(self) -> bool {
        !matches!(self, Self::Mse | Self::Mae)
    }
}

/// A metric being computed over batches.
#[derive(Debug, Clone)]
pub(crate) struct Meter {
    metric: Metric,
    classes: usize,
    /// Sum and count of a mean; true positives and the rest for precision and recall.
    sums: [f64; 2],
    /// Positives and negatives by bucket, for the area under the curve.
    buckets: [Vec<f64>; 2],
}

impl Meter {
    /// A meter for predictions of `classes` numbers; `metric` must be resolved.
    pub(crate) fn new(metric: Metric, classes: usize) -> Self {
        let buckets = if let Metric::Auc { thresholds } = metric { vec![0.0; thresholds] } else { vec![] };
        Self { metric, classes, sums: [0.0; 2], buckets: [buckets.clone(), buckets] }
    }

    pub(crate) fn reset(&mut self) {
        self.sums = [0.0; 2];
        self.buckets.iter_mut().for_each(|buckets| buckets.fill(0.0));
    }

    /// Adds a batch: rows of predictions with their targets.
    pub(crate) fn add(&mut self, p: &[f32], y: &[f32]) {
        let mut mean = |sum: f64, count: usize| {
            self.sums[0] += sum;
            self.sums[1] += count as f64;
        };
        let pairs = || p.iter().zip(y);
        match self.metric {
            Metric::Accuracy => unreachable!("resolved when training is set up"),
            Metric::BinaryAccuracy { threshold } => {
                mean(pairs().filter(|(p, y)| (**p > threshold) == (**y != 0.0)).count() as f64, p.len());
            }
            Metric::CategoricalAccuracy => {
                let rows = p.chunks_exact(self.classes).zip(y.chunks_exact(self.classes));
                let hits = rows.filter(|(p, y)| largest(p) == largest(y)).count();
                mean(hits as f64, p.len() / self.classes);
            }
            Metric::SparseCategoricalAccuracy => {
                let hits = p.chunks_exact(self.classes).zip(y).filter(|(p, y)| largest(p) == **y as usize).count();
                mean(hits as f64, p.len() / self.classes);
            }
            Metric::Mse => mean(pairs().map(|(p, y)| f64::from((p - y) * (p - y))).sum(), p.len()),
            Metric::Mae => mean(pairs().map(|(p, y)| f64::from((p - y).abs())).sum(), p.len()),
            Metric::Precision { threshold } => {
                let predicted = || pairs().filter(|(p, _)| **p > threshold);
                mean(predicted().filter(|(_, y)| **y != 0.0).count() as f64, predicted().count());
            }
            Metric::Recall { threshold } => {
                let actual = || pairs().filter(|(_, y)| **y != 0.0);
                mean(actual().filter(|(p, _)| **p > threshold).count() as f64, actual().count());
            }
            Metric::Auc { thresholds } => {
                for (p, y) in pairs() {
                    let bucket = (p.clamp(0.0, 1.0) * (thresholds - 1) as f32).ceil() as usize;
                    self.buckets[usize::from(*y == 0.0)][bucket.saturating_sub(1)] += 1.0;
                }
            }
        }
    }

    /// The value over all batches since the last reset.
    pub(crate) fn value(&self) -> f64 {
        match self.metric {
            Metric::Auc { .. } => area_under_curve(&self.buckets[0], &self.buckets[1]),
            _ if self.sums[1] == 0.0 => 0.0,
            _ => self.sums[0] / self.sums[1],
        }
    }
}

/// The position of the first largest number.
fn largest(row: &[f32]) -> usize {
    let mut best = 0;
    for (j, value) in row.iter().enumerate() {
        if *value > row[best] {
            best = j;
        }
    }
    best
}

/// ∫ recall d(false positive rate), trapezoidal; bucket i holds the rows whose score lies above threshold i and not above
/// threshold i + 1.
fn area_under_curve(positives: &[f64], negatives: &[f64]) -> f64 {
    let (all_positives, all_negatives): (f64, f64) = (positives.iter().sum(), negatives.iter().sum());
    let rate = |count: f64, all: f64| if all > 0.0 { count / all } else { 0.0 };
    let (mut above_p, mut above_n, mut area) = (0.0, 0.0, 0.0);
    for i in (0..positives.len()).rev() {
        let before = (rate(above_p, all_positives), rate(above_n, all_negatives));
        above_p += positives[i];
        above_n += negatives[i];
        let now = (rate(above_p, all_positives), rate(above_n, all_negatives));
        area += (now.1 - before.1) * (now.0 + before.0) / 2.0;
    }
    area
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(metric: Metric, classes: usize, p: &[f32], y: &[f32]) -> f64 {
        let mut meter = Meter::new(metric.resolve(classes, y.len() < p.len()), classes);
        meter.add(p, y);
        meter.value()
    }

    #[test]
    fn accuracy_resolves_to_the_kind_that_fits() {
        assert_eq!(value(Metric::Accuracy, 1, &[0.9, 0.2, 0.6, 0.4], &[1.0, 0.0, 0.0, 0.0]), 0.75);
        assert_eq!(value(Metric::Accuracy, 2, &[0.9, 0.1, 0.2, 0.8], &[1.0, 0.0, 1.0, 0.0]), 0.5);
        assert_eq!(value(Metric::Accuracy, 3, &[0.1, 0.7, 0.2, 0.5, 0.3, 0.2], &[1.0, 2.0]), 0.5);
    }

    #[test]
    fn precision_recall_and_errors_by_hand() {
        let (p, y) = ([0.9, 0.8, 0.3, 0.1], [1.0, 0.0, 1.0, 0.0]);
        assert_eq!(value(Metric::Precision { threshold: 0.5 }, 1, &p, &y), 0.5);
        assert_eq!(value(Metric::Recall { threshold: 0.5 }, 1, &p, &y), 0.5);
        assert_eq!(value(Metric::Precision { threshold: 0.5 }, 1, &[0.1], &[1.0]), 0.0);
        assert_eq!(value(Metric::Mse, 1, &[1.0, 3.0], &[0.0, 1.0]), 2.5);
        assert_eq!(value(Metric::Mae, 1, &[1.0, 3.0], &[0.0, 1.0]), 1.5);
    }

    #[test]
    fn area_under_the_curve_of_perfect_random_and_reversed_scores() {
        let auc = |p: &[f32], y: &[f32]| value(Metric::Auc { thresholds: 200 }, 1, p, y);
        assert_eq!(auc(&[0.9, 0.8, 0.2, 0.1], &[1.0, 1.0, 0.0, 0.0]), 1.0);
        assert_eq!(auc(&[0.9, 0.8, 0.2, 0.1], &[0.0, 0.0, 1.0, 1.0]), 0.0);
        assert_eq!(auc(&[0.5, 0.5], &[1.0, 0.0]), 0.5);
    }
}
