//! A metric being computed, batch by batch.

#![deny(clippy::wildcard_enum_match_arm)]

use super::Metric;
use crate::loss::{Head, Loss};

/// What is computed of a prediction and its target, which is a vector of as many numbers.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Formula {
    /// The mean of a loss, times this.
    Mean(Loss, f64),
    /// The root of the mean of (p - y)².
    Root,
    /// The share of numbers on the target's side of the threshold.
    Side(f32),
    /// The share of predictions whose largest number is the target's.
    Largest,
    /// The share of predictions whose `k` largest numbers have the target's among them.
    Among(usize),
    /// Of the numbers above the threshold, the share whose target is positive.
    Precision(f32),
    /// Of the positive targets, the share above the threshold.
    Recall(f32),
    /// The area under the ROC curve, by buckets.
    Area,
}

impl Formula {
    /// The formula of a [resolved](Metric::resolve) metric.
    fn of(metric: Metric) -> Self {
        let mean = |loss: Option<Loss>, sign: f64| loss.map_or(Self::Root, |loss| Self::Mean(loss, sign));
        match metric {
            // As a loss it has the sign that training makes small.
            Metric::CosineSimilarity => mean(metric.loss(), -1.0),
            Metric::SparseCategoricalCrossentropy { from_logits } => {
                Self::Mean(Loss::CategoricalCrossentropy { from_logits, label_smoothing: 0.0 }, 1.0)
            }
            Metric::Mse
            | Metric::Mae
            | Metric::Mape
            | Metric::Msle
            | Metric::LogCosh
            | Metric::Poisson
            | Metric::KlDivergence
            | Metric::Hinge
            | Metric::SquaredHinge
            | Metric::CategoricalHinge
            | Metric::BinaryCrossentropy { .. }
            | Metric::CategoricalCrossentropy { .. } => mean(metric.loss(), 1.0),
            Metric::RootMeanSquaredError => Self::Root,
            Metric::Accuracy => Self::Side(0.5),
            Metric::BinaryAccuracy { threshold } => Self::Side(threshold),
            Metric::CategoricalAccuracy | Metric::SparseCategoricalAccuracy => Self::Largest,
            Metric::TopKCategoricalAccuracy { k } | Metric::SparseTopKCategoricalAccuracy { k } => Self::Among(k),
            Metric::Precision { threshold } => Self::Precision(threshold),
            Metric::Recall { threshold } => Self::Recall(threshold),
            Metric::Auc { .. } => Self::Area,
        }
    }

    /// Whether it counts the numbers of a prediction, each by itself.
    fn counts_numbers(self) -> bool {
        match self {
            Self::Side(_) | Self::Precision(_) | Self::Recall(_) => true,
            Self::Mean(..) | Self::Root | Self::Largest | Self::Among(_) | Self::Area => false,
        }
    }
}

/// A metric being computed over batches.
#[derive(Debug, Clone)]
pub(crate) struct Meter {
    formula: Formula,
    heeds_masks: bool,
    /// Numbers per prediction.
    classes: usize,
    /// Whether rows count by their weights.
    weighted: bool,
    /// Whether predictions are the logits before the model's last function.
    logits: bool,
    /// Sum and weight of a mean; true positives and the rest for precision and recall.
    sums: [f64; 2],
    /// Positives and negatives by bucket, for the area under the curve.
    buckets: [Vec<f64>; 2],
    /// Where targets are class ids, room for the vector that one of them means: all 0 in between.
    one_hot: Option<Vec<f32>>,
}

impl Meter {
    /// A meter for predictions of `classes` numbers by a model with this head; `sparse` says that targets are class ids.
    pub(crate) fn new(metric: Metric, classes: usize, sparse: bool, weighted: bool, head: Head) -> Self {
        let metric = metric.resolve(classes, sparse);
        let buckets = if let Metric::Auc { thresholds } = metric { vec![0.0; thresholds] } else { vec![] };
        Self {
            formula: Formula::of(metric),
            heeds_masks: metric.heeds_masks(),
            classes,
            weighted,
            logits: metric.loss().is_some_and(|loss| loss.wants_logits(head)),
            sums: [0.0; 2],
            buckets: [buckets.clone(), buckets],
            one_hot: sparse.then(|| vec![0.0; classes]),
        }
    }

    pub(crate) fn reset(&mut self) {
        self.sums = [0.0; 2];
        self.buckets.iter_mut().for_each(|buckets| buckets.fill(0.0));
    }

    /// Whether it wants the logits before the model's last function for predictions.
    pub(crate) fn wants_logits(&self) -> bool {
        self.logits
    }

    /// Adds a batch: predictions with their targets, a weight for each row (of one prediction or of several), and a mask for each
    /// prediction. A target is as long as a prediction, or one class id.
    pub(crate) fn add(&mut self, p: &[f32], y: &[f32], weights: Option<&[f32]>, mask: Option<&[f32]>) {
        let predictions = p.len() / self.classes;
        let weights = weights.filter(|_| self.weighted);
        let mask = mask.filter(|mask| self.heeds_masks && mask.len() == predictions);
        if weights.is_none() && mask.is_none() && self.one_hot.is_none() && self.formula.counts_numbers() {
            // Whole numbers may be counted in any order.
            return self.add_prediction(1.0, p, y);
        }
        let per_row = weights.map_or(1, |weights| predictions / weights.len().max(1));
        let mut one_hot = self.one_hot.take();
        for (i, p) in p.chunks_exact(self.classes).enumerate() {
            let counts = mask.map_or(1.0, |mask| f64::from(mask[i]));
            let weight = counts * weights.map_or(1.0, |weights| f64::from(weights[i / per_row]));
            match &mut one_hot {
                Some(one_hot) => {
                    let class = y[i] as usize;
                    one_hot[class] = 1.0;
                    self.add_prediction(weight, p, one_hot);
                    one_hot[class] = 0.0;
                }
                None => self.add_prediction(weight, p, &y[i * self.classes..(i + 1) * self.classes]),
            }
        }
        self.one_hot = one_hot;
    }

    fn add_prediction(&mut self, weight: f64, p: &[f32], y: &[f32]) {
        let mut mean = |sum: f64, count: usize| {
            self.sums[0] += weight * sum;
            self.sums[1] += weight * count as f64;
        };
        let pairs = || p.iter().zip(y);
        match self.formula {
            Formula::Mean(loss, sign) => mean(sign * loss.rows(self.logits, self.classes, p, y, &[1.0], &mut []), 1),
            Formula::Root => mean(pairs().map(|(p, y)| f64::from((p - y) * (p - y))).sum(), p.len()),
            Formula::Side(threshold) => {
                let right = |p: f32, y: f32| if p > threshold { y == 1.0 } else { y == 0.0 || y == -1.0 };
                mean(pairs().filter(|(p, y)| right(**p, **y)).count() as f64, p.len());
            }
            Formula::Largest => mean(f64::from(u8::from(largest(p) == largest(y))), 1),
            Formula::Among(k) => mean(f64::from(u8::from(is_among(k, p, largest(y)))), 1),
            Formula::Precision(threshold) => {
                let predicted = || pairs().filter(|(p, _)| **p > threshold);
                mean(predicted().filter(|(_, y)| **y > 0.0).count() as f64, predicted().count());
            }
            Formula::Recall(threshold) => {
                let actual = || pairs().filter(|(_, y)| **y > 0.0);
                mean(actual().filter(|(p, _)| **p > threshold).count() as f64, actual().count());
            }
            Formula::Area => {
                let last = self.buckets[0].len() - 1;
                for (p, y) in pairs() {
                    let bucket = (p.clamp(0.0, 1.0) * last as f32).ceil() as usize;
                    self.buckets[usize::from(*y <= 0.0)][bucket.saturating_sub(1)] += weight;
                }
            }
        }
    }

    /// The value over all batches since the last reset.
    pub(crate) fn value(&self) -> f64 {
        let [sum, count] = self.sums;
        let mean = if count == 0.0 { 0.0 } else { sum / count };
        match self.formula {
            Formula::Area => area_under_curve(&self.buckets[0], &self.buckets[1]),
            Formula::Root => mean.sqrt(),
            Formula::Mean(..)
            | Formula::Side(_)
            | Formula::Largest
            | Formula::Among(_)
            | Formula::Precision(_)
            | Formula::Recall(_) => mean,
        }
    }
}

/// Whether fewer than `k` outputs are larger than that of this class.
fn is_among(k: usize, p: &[f32], class: usize) -> bool {
    p[class].is_finite() && p.iter().filter(|p_| **p_ > p[class]).count() < k
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
        weighted(metric, classes, p, y, None)
    }

    fn weighted(metric: Metric, classes: usize, p: &[f32], y: &[f32], weights: Option<&[f32]>) -> f64 {
        let mut meter = Meter::new(metric, classes, y.len() < p.len(), true, Head::Plain);
        meter.add(p, y, weights, None);
        meter.value()
    }

    /// `m = keras.metrics.X(...); m.update_state(y, p, w); m.result()`.
    #[test]
    fn keras_weighted_values() {
        let (p, y, w) = ([0.9, 0.8, 0.3, 0.1, 0.6], [1.0, 0.0, 1.0, 0.0, 1.0], [0.5, 2.0, 1.0, 0.0, 3.0]);
        for (metric, want) in [
            (Metric::BinaryAccuracy { threshold: 0.5 }, 0.538_461_57),
            (Metric::Precision { threshold: 0.5 }, 0.636_363_63),
            (Metric::Recall { threshold: 0.5 }, 0.777_777_8),
            (Metric::Auc { thresholds: 200 }, 0.111_111_11),
            (Metric::Mse, 0.346_923_08),
            (Metric::Mae, 0.546_153_9),
            (Metric::RootMeanSquaredError, 0.589_001_77),
        ] {
            let got = weighted(metric, 1, &p, &y, Some(&w));
            assert!((got - want).abs() < 1e-6, "{metric:?} {got}");
        }
        let (p, y, w) = ([0.1, 0.7, 0.2, 0.5, 0.3, 0.2, 0.2, 0.3, 0.5], [1.0, 2.0, 0.0], [1.0, 2.0, 3.0]);
        assert!((weighted(Metric::Accuracy, 3, &p, &y, Some(&w)) - 1.0 / 6.0).abs() < 1e-12);
        assert!((value(Metric::SparseTopKCategoricalAccuracy { k: 2 }, 3, &p, &y) - 1.0 / 3.0).abs() < 1e-12);
        assert_eq!(value(Metric::TopKCategoricalAccuracy { k: 1 }, 3, &[0.4, 0.4, 0.2], &[0.0, 1.0, 0.0]), 1.0);
        // A row of two numbers, and a row of two predictions.
        let mse = weighted(Metric::Mse, 2, &[1.0, 2.0, 3.0, 5.0], &[0.0; 4], Some(&[1.0, 3.0]));
        assert!((mse - 13.375).abs() < 1e-12);
        let accuracy = Metric::BinaryAccuracy { threshold: 0.5 };
        assert_eq!(weighted(accuracy, 1, &[0.9, 0.2, 0.8, 0.7], &[1.0, 1.0, 1.0, 0.0], Some(&[1.0, 3.0])), 0.5);
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
