//! What is reported beside the loss.

mod fact;
mod meter;
mod spec;

pub(crate) use meter::Meter;
pub use spec::MetricSpec;

use serde::{Deserialize, Serialize};

use crate::spelling::named;

/// A number that describes predictions. Metrics never steer the gradient. Names and formulas are Keras's.
///
/// | name | what |
/// |---|---|
/// | `accuracy` | the one of the next three that fits target and output |
/// | `binary_accuracy` | share of outputs on the target's side of `threshold` |
/// | `categorical_accuracy` | share of rows whose largest output is the target's largest entry |
/// | `sparse_categorical_accuracy` | the same by Keras's name for class ids |
/// | `top_k_categorical_accuracy`, `sparse_top_k_categorical_accuracy` | share of rows whose target is among the `k` largest outputs |
/// | `mse`, `mae`, `mape`, `msle`, `log_cosh`, `poisson`, `kl_divergence`, `hinge`, `squared_hinge`, `categorical_hinge`, `binary_crossentropy`, `categorical_crossentropy`, `sparse_categorical_crossentropy` | the [`Loss`](crate::Loss) of this name, without any penalty |
/// | `root_mean_squared_error` | √ of the mean of (p - y)² |
/// | `cosine_similarity` | the cosine of the angle between y and p (the loss has the opposite sign) |
/// | `precision`, `recall` | tp / (tp + fp), tp / (tp + fn), outputs above `threshold` being positive; 0 where undefined |
/// | `auc` | area under the ROC curve by `thresholds` equal steps, trapezoidal |
///
/// # Targets
///
/// A class id, the target of a sparse loss, means the one-hot vector of its class to every metric that compares numbers, and a
/// one-hot vector means its class to every metric that compares classes: the value is the same however classes are written. Of
/// other targets a metric wants what the loss of its name wants; `precision`, `recall` and `auc` want numbers from 0 to 1
/// (positive where above 0, as in Keras) or -1, which is negative. `binary_accuracy` is right where the target is *exactly* 1
/// (or, below the threshold, 0 or -1), as in Keras. What does not fit is refused before anything is computed.
///
/// Precision, recall and AUC of a prediction of several numbers are those of all numbers together.
///
/// Predictions for masked steps do not count, except in `root_mean_squared_error`, `precision`, `recall` and `auc`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(remote = "Self", tag = "name", rename_all = "snake_case", deny_unknown_fields)]
#[allow(missing_docs)] // the table above
pub enum Metric {
    Accuracy,
    BinaryAccuracy {
        /// From where on an output is positive.
        #[serde(default = "half")]
        threshold: f32,
    },
    CategoricalAccuracy,
    SparseCategoricalAccuracy,
    TopKCategoricalAccuracy {
        /// Among how many of the largest outputs the class may be, at least 1.
        #[serde(default = "five")]
        k: usize,
    },
    SparseTopKCategoricalAccuracy {
        /// Among how many of the largest outputs the class may be, at least 1.
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
        /// Whether the model's output is the logits, not probabilities.
        #[serde(default)]
        from_logits: bool,
        /// How far targets are moved towards all classes alike, from 0 to 1.
        #[serde(default)]
        label_smoothing: f64,
    },
    CategoricalCrossentropy {
        /// Whether the model's output is the logits, not probabilities.
        #[serde(default)]
        from_logits: bool,
        /// How far targets are moved towards all classes alike, from 0 to 1.
        #[serde(default)]
        label_smoothing: f64,
    },
    SparseCategoricalCrossentropy {
        /// Whether the model's output is the logits, not probabilities.
        #[serde(default)]
        from_logits: bool,
    },
    Precision {
        /// From where on an output is positive.
        #[serde(default = "half")]
        threshold: f32,
    },
    Recall {
        /// From where on an output is positive.
        #[serde(default = "half")]
        threshold: f32,
    },
    Auc {
        /// Steps of the curve, at least 2.
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
}
