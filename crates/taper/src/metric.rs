//! What is reported beside the loss.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use crate::loss::{Head, Loss};
use crate::spelling::{self, named};

/// A number that describes predictions. Metrics never steer the gradient. Names and formulas are Keras's.
///
/// | name | what |
/// |---|---|
/// | `accuracy` | the one of the next three that fits target and output |
/// | `binary_accuracy` | share of outputs on the target's side of `threshold` |
/// | `categorical_accuracy` | share of rows whose largest output is the target's largest entry |
/// | `sparse_categorical_accuracy` | the same, the target being a class id |
/// | `top_k_categorical_accuracy`, `sparse_top_k_categorical_accuracy` | share of rows whose target is among the `k` largest outputs |
/// | `mse`, `mae`, `mape`, `msle`, `log_cosh`, `poisson`, `kl_divergence`, `hinge`, `squared_hinge`, `categorical_hinge`, `binary_crossentropy`, `categorical_crossentropy`, `sparse_categorical_crossentropy` | the [`Loss`] of this name, without any penalty |
/// | `root_mean_squared_error` | √ of the mean of (p - y)² |
/// | `cosine_similarity` | the cosine of the angle between y and p (the loss has the opposite sign) |
/// | `precision`, `recall` | tp / (tp + fp), tp / (tp + fn), outputs above `threshold` being positive; 0 where undefined |
/// | `auc` | area under the ROC curve by `thresholds` equal steps, trapezoidal |
///
/// Predictions for masked steps do not count, except in `root_mean_squared_error`, `precision`, `recall` and `auc`.
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
    TopKCategoricalAccuracy {
        #[serde(default = "five")]
        k: usize,
    },
    SparseTopKCategoricalAccuracy {
        #[serde(default = "five")]
        k: usize,
    },
    RootMeanSquaredError,
    #[serde(alias = "mean_squared_error")]
    Mse,
    #[serde(alias = "mean_absolute_error")]
    Mae,
    #[serde(alias = "mean_absolute_percentage_error")]
    Mape,
    #[serde(alias = "mean_squared_logarithmic_error")]
    Msle,
    #[serde(alias = "logcosh")]
    LogCosh,
    Poisson,
    KlDivergence,
    Hinge,
    SquaredHinge,
    CategoricalHinge,
    CosineSimilarity,
    BinaryCrossentropy {
        #[serde(default)]
        from_logits: bool,
        #[serde(default)]
        label_smoothing: f64,
    },
    CategoricalCrossentropy {
        #[serde(default)]
        from_logits: bool,
        #[serde(default)]
        label_smoothing: f64,
    },
    SparseCategoricalCrossentropy {
        #[serde(default)]
        from_logits: bool,
    },
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
fn five() -> usize {
    5
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
            Self::TopKCategoricalAccuracy { .. } => "top_k_categorical_accuracy",
            Self::SparseTopKCategoricalAccuracy { .. } => "sparse_top_k_categorical_accuracy",
            Self::RootMeanSquaredError => "root_mean_squared_error",
            Self::Mse => "mse",
            Self::Mae => "mae",
            Self::Mape => "mape",
            Self::Msle => "msle",
            Self::LogCosh => "log_cosh",
            Self::Poisson => "poisson",
            Self::KlDivergence => "kl_divergence",
            Self::Hinge => "hinge",
            Self::SquaredHinge => "squared_hinge",
            Self::CategoricalHinge => "categorical_hinge",
            Self::CosineSimilarity => "cosine_similarity",
            Self::BinaryCrossentropy { .. } => "binary_crossentropy",
            Self::CategoricalCrossentropy { .. } => "categorical_crossentropy",
            Self::SparseCategoricalCrossentropy { .. } => "sparse_categorical_crossentropy",
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

    /// Whether it is a share of the numbers of a prediction, each by itself.
    fn counts_numbers(self) -> bool {
        matches!(self, Self::BinaryAccuracy { .. } | Self::Precision { .. } | Self::Recall { .. })
    }

    /// Whether more is better.
    #[must_use]
    pub fn maximize(self) -> bool {
        self == Self::CosineSimilarity || self.loss().is_none() && self != Self::RootMeanSquaredError
    }

    /// The loss whose mean this is.
    pub(crate) fn loss(self) -> Option<Loss> {
        Some(match self {
            Self::Mse => Loss::Mse,
            Self::Mae => Loss::Mae,
            Self::Mape => Loss::Mape,
            Self::Msle => Loss::Msle,
            Self::LogCosh => Loss::LogCosh,
            Self::Poisson => Loss::Poisson,
            Self::KlDivergence => Loss::KlDivergence,
            Self::Hinge => Loss::Hinge,
            Self::SquaredHinge => Loss::SquaredHinge,
            Self::CategoricalHinge => Loss::CategoricalHinge,
            Self::CosineSimilarity => Loss::CosineSimilarity,
            Self::BinaryCrossentropy { from_logits, label_smoothing } => {
                Loss::BinaryCrossentropy { from_logits, label_smoothing }
            }
            Self::CategoricalCrossentropy { from_logits, label_smoothing } => {
                Loss::CategoricalCrossentropy { from_logits, label_smoothing }
            }
            Self::SparseCategoricalCrossentropy { from_logits } => Loss::SparseCategoricalCrossentropy { from_logits },
            _ => return None,
        })
    }

    /// Whether it can be computed from such targets: class ids if `sparse`, else one number for each output.
    pub(crate) fn fits(self, sparse: bool) -> bool {
        match self {
            Self::CategoricalAccuracy | Self::TopKCategoricalAccuracy { .. } => !sparse,
            Self::SparseCategoricalCrossentropy { .. } => sparse,
            Self::CategoricalCrossentropy { .. } | Self::CategoricalHinge | Self::CosineSimilarity => !sparse,
            _ => true,
        }
    }

    /// Whether predictions of masked steps do not count.
    fn heeds_masks(self) -> bool {
        !matches!(self, Self::RootMeanSquaredError | Self::Precision { .. } | Self::Recall { .. } | Self::Auc { .. })
    }
}

/// A metric as it is reported: what it is, and the name it goes by.
///
/// In a file: the metric's name or table, with a `label` beside its settings: `"accuracy"`,
/// `{ name = "binary_accuracy", threshold = 0.0, label = "positive" }`.
///
/// # Example
///
/// ```
/// use taper::{Metric, MetricSpec};
///
/// let metric = MetricSpec::from(Metric::BinaryAccuracy { threshold: 0.0 }).label("positive");
/// assert_eq!(metric.name(), "positive");
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct MetricSpec {
    /// What is computed.
    pub metric: Metric,
    /// Its name in histories. Default: the metric's own.
    pub label: Option<String>,
}

impl MetricSpec {
    /// The same metric under this name.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// Its name in histories, as long as no other has it.
    #[must_use]
    pub fn name(&self) -> &str {
        self.label.as_deref().unwrap_or(self.metric.name())
    }
}

impl From<Metric> for MetricSpec {
    fn from(metric: Metric) -> Self {
        Self { metric, label: None }
    }
}

impl Serialize for MetricSpec {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::Error;
        let Some(label) = &self.label else { return self.metric.serialize(serializer) };
        let mut table = spelling::unfold(serde_json::to_value(self.metric).map_err(S::Error::custom)?);
        if let Value::Object(map) = &mut table {
            map.insert("label".to_owned(), label.as_str().into());
        }
        table.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for MetricSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut table = spelling::unfold(Value::deserialize(deserializer)?);
        let label = match &mut table {
            Value::Object(map) => map.remove("label"),
            _ => None,
        };
        let label = label.map(spelling::read_inner).transpose()?;
        Ok(Self { metric: spelling::read_inner(table)?, label })
    }
}

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
    fn a_label_stands_beside_the_settings() {
        let text = r#"{"label":"wacc","name":"binary_accuracy","threshold":0.0}"#;
        let spec: MetricSpec = serde_json::from_str(text).unwrap();
        assert_eq!(spec, MetricSpec::from(Metric::BinaryAccuracy { threshold: 0.0 }).label("wacc"));
        assert_eq!(serde_json::to_string(&spec).unwrap(), text);
        assert_eq!(serde_json::from_str::<MetricSpec>(r#""mse""#).unwrap(), Metric::Mse.into());
        assert_eq!(serde_json::to_string(&MetricSpec::from(Metric::Mse)).unwrap(), r#""mse""#);
        assert!(serde_json::from_str::<MetricSpec>(r#"{"name": "mse", "labl": "x"}"#).is_err());
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
