//! A metric being computed, batch by batch.

use super::Metric;
use crate::loss::Head;

/// A metric being computed over batches.
#[derive(Debug, Clone)]
pub(crate) struct Meter {
    metric: Metric,
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
}

impl Meter {
    /// A meter for a [resolved](Metric::resolve) metric.
    pub(crate) fn new(metric: Metric, classes: usize, weighted: bool, head: Head) -> Self {
        let logits = metric.loss().is_some_and(|loss| loss.wants_logits(head));
        let buckets = if let Metric::Auc { thresholds } = metric { vec![0.0; thresholds] } else { vec![] };
        Self { metric, classes, weighted, logits, sums: [0.0; 2], buckets: [buckets.clone(), buckets] }
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
    /// prediction.
    pub(crate) fn add(&mut self, p: &[f32], y: &[f32], weights: Option<&[f32]>, mask: Option<&[f32]>) {
        let predictions = p.len() / self.classes;
        let targets = y.len() / predictions.max(1);
        let weights = weights.filter(|_| self.weighted);
        let mask = mask.filter(|mask| self.metric.heeds_masks() && mask.len() == predictions);
        if weights.is_none() && mask.is_none() && self.metric.counts_numbers() && y.len() == p.len() {
            // Whole numbers may be counted in any order.
            return self.add_prediction(1.0, p, y);
        }
        let per_row = weights.map_or(1, |weights| predictions / weights.len().max(1));
        for (i, p) in p.chunks_exact(self.classes).enumerate() {
            let counts = mask.map_or(1.0, |mask| f64::from(mask[i]));
            let weight = counts * weights.map_or(1.0, |weights| f64::from(weights[i / per_row]));
            self.add_prediction(weight, p, &y[i * targets..(i + 1) * targets]);
        }
    }

    fn add_prediction(&mut self, weight: f64, p: &[f32], y: &[f32]) {
        let mut mean = |sum: f64, count: usize| {
            self.sums[0] += weight * sum;
            self.sums[1] += weight * count as f64;
        };
        if let Some(loss) = self.metric.loss() {
            let value = loss.rows(self.logits, self.classes, p, y, &[1.0], &mut []);
            return mean(if self.metric == Metric::CosineSimilarity { -value } else { value }, 1);
        }
        let pairs = || p.iter().zip(y);
        match self.metric {
            Metric::BinaryAccuracy { threshold } => {
                mean(pairs().filter(|(p, y)| (**p > threshold) == (**y != 0.0)).count() as f64, p.len());
            }
            Metric::CategoricalAccuracy => mean(f64::from(u8::from(largest(p) == largest(y))), 1),
            Metric::SparseCategoricalAccuracy => mean(f64::from(u8::from(largest(p) == y[0] as usize)), 1),
            Metric::TopKCategoricalAccuracy { k } => mean(f64::from(u8::from(is_among(k, p, largest(y)))), 1),
            Metric::SparseTopKCategoricalAccuracy { k } => mean(f64::from(u8::from(is_among(k, p, y[0] as usize))), 1),
            Metric::RootMeanSquaredError => {
                mean(pairs().map(|(p, y)| f64::from((p - y) * (p - y))).sum(), p.len());
            }
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
                    self.buckets[usize::from(*y == 0.0)][bucket.saturating_sub(1)] += weight;
                }
            }
            _ => unreachable!("a loss, or resolved when training is set up"),
        }
    }

    /// The value over all batches since the last reset.
    pub(crate) fn value(&self) -> f64 {
        match self.metric {
            Metric::Auc { .. } => area_under_curve(&self.buckets[0], &self.buckets[1]),
            _ if self.sums[1] == 0.0 => 0.0,
            Metric::RootMeanSquaredError => (self.sums[0] / self.sums[1]).sqrt(),
            _ => self.sums[0] / self.sums[1],
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
        let mut meter = Meter::new(metric.resolve(classes, y.len() < p.len()), classes, true, Head::Plain);
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
