//! What is known of every metric. Nothing here has a default: a new metric answers every question.

#![deny(clippy::wildcard_enum_match_arm)]

use super::Metric;
use crate::Complaints;
use crate::loss::{Loss, Wants};

impl Metric {
    /// Whether more is better.
    #[must_use]
    pub fn maximize(self) -> bool {
        match self {
            Self::Accuracy
            | Self::BinaryAccuracy { .. }
            | Self::CategoricalAccuracy
            | Self::SparseCategoricalAccuracy
            | Self::TopKCategoricalAccuracy { .. }
            | Self::SparseTopKCategoricalAccuracy { .. }
            | Self::CosineSimilarity
            | Self::Precision { .. }
            | Self::Recall { .. }
            | Self::Auc { .. } => true,
            Self::RootMeanSquaredError
            | Self::Mse
            | Self::Mae
            | Self::Mape
            | Self::Msle
            | Self::LogCosh
            | Self::Poisson
            | Self::KlDivergence
            | Self::Hinge
            | Self::SquaredHinge
            | Self::CategoricalHinge
            | Self::BinaryCrossentropy { .. }
            | Self::CategoricalCrossentropy { .. }
            | Self::SparseCategoricalCrossentropy { .. } => false,
        }
    }

    /// The loss whose mean this is.
    pub(crate) fn loss(self) -> Option<Loss> {
        match self {
            Self::Mse => Some(Loss::Mse),
            Self::Mae => Some(Loss::Mae),
            Self::Mape => Some(Loss::Mape),
            Self::Msle => Some(Loss::Msle),
            Self::LogCosh => Some(Loss::LogCosh),
            Self::Poisson => Some(Loss::Poisson),
            Self::KlDivergence => Some(Loss::KlDivergence),
            Self::Hinge => Some(Loss::Hinge),
            Self::SquaredHinge => Some(Loss::SquaredHinge),
            Self::CategoricalHinge => Some(Loss::CategoricalHinge),
            Self::CosineSimilarity => Some(Loss::CosineSimilarity),
            Self::BinaryCrossentropy { from_logits, label_smoothing } => {
                Some(Loss::BinaryCrossentropy { from_logits, label_smoothing })
            }
            Self::CategoricalCrossentropy { from_logits, label_smoothing } => {
                Some(Loss::CategoricalCrossentropy { from_logits, label_smoothing })
            }
            Self::SparseCategoricalCrossentropy { from_logits } => {
                Some(Loss::SparseCategoricalCrossentropy { from_logits })
            }
            Self::Accuracy
            | Self::BinaryAccuracy { .. }
            | Self::CategoricalAccuracy
            | Self::SparseCategoricalAccuracy
            | Self::TopKCategoricalAccuracy { .. }
            | Self::SparseTopKCategoricalAccuracy { .. }
            | Self::RootMeanSquaredError
            | Self::Precision { .. }
            | Self::Recall { .. }
            | Self::Auc { .. } => None,
        }
    }

    /// Whether it compares classes, of which one output alone has none to choose from.
    pub(crate) fn compares_classes(self) -> bool {
        match self {
            Self::CategoricalAccuracy
            | Self::SparseCategoricalAccuracy
            | Self::TopKCategoricalAccuracy { .. }
            | Self::SparseTopKCategoricalAccuracy { .. }
            | Self::CategoricalCrossentropy { .. }
            | Self::SparseCategoricalCrossentropy { .. } => true,
            Self::Accuracy
            | Self::BinaryAccuracy { .. }
            | Self::RootMeanSquaredError
            | Self::Mse
            | Self::Mae
            | Self::Mape
            | Self::Msle
            | Self::LogCosh
            | Self::Poisson
            | Self::KlDivergence
            | Self::Hinge
            | Self::SquaredHinge
            | Self::CategoricalHinge
            | Self::CosineSimilarity
            | Self::BinaryCrossentropy { .. }
            | Self::Precision { .. }
            | Self::Recall { .. }
            | Self::Auc { .. } => false,
        }
    }

    /// What it wants of targets that are numbers. (Class ids mean one-hot vectors, which suit every metric.)
    pub(crate) fn wants(self) -> Wants {
        match self {
            Self::Accuracy | Self::BinaryAccuracy { .. } | Self::RootMeanSquaredError => Wants::Numbers,
            Self::CategoricalAccuracy | Self::TopKCategoricalAccuracy { .. } => Wants::Numbers,
            Self::SparseCategoricalAccuracy
            | Self::SparseTopKCategoricalAccuracy { .. }
            | Self::SparseCategoricalCrossentropy { .. } => Wants::OneHot,
            Self::Precision { .. } | Self::Recall { .. } | Self::Auc { .. } => Wants::Labels,
            Self::Mse
            | Self::Mae
            | Self::Mape
            | Self::Msle
            | Self::LogCosh
            | Self::Poisson
            | Self::KlDivergence
            | Self::Hinge
            | Self::SquaredHinge
            | Self::CategoricalHinge
            | Self::CosineSimilarity
            | Self::BinaryCrossentropy { .. }
            | Self::CategoricalCrossentropy { .. } => self.loss().map_or(Wants::Numbers, Loss::wants),
        }
    }

    /// Whether predictions of masked steps do not count.
    pub(super) fn heeds_masks(self) -> bool {
        match self {
            Self::RootMeanSquaredError | Self::Precision { .. } | Self::Recall { .. } | Self::Auc { .. } => false,
            Self::Accuracy
            | Self::BinaryAccuracy { .. }
            | Self::CategoricalAccuracy
            | Self::SparseCategoricalAccuracy
            | Self::TopKCategoricalAccuracy { .. }
            | Self::SparseTopKCategoricalAccuracy { .. }
            | Self::Mse
            | Self::Mae
            | Self::Mape
            | Self::Msle
            | Self::LogCosh
            | Self::Poisson
            | Self::KlDivergence
            | Self::Hinge
            | Self::SquaredHinge
            | Self::CategoricalHinge
            | Self::CosineSimilarity
            | Self::BinaryCrossentropy { .. }
            | Self::CategoricalCrossentropy { .. }
            | Self::SparseCategoricalCrossentropy { .. } => true,
        }
    }

    /// Complains about settings outside their ranges; `place` is its key.
    pub(crate) fn validate(self, place: &str, complaints: &mut Complaints) {
        match self {
            Self::Auc { thresholds } => {
                let good = (2..=100_000).contains(&thresholds);
                complaints.check(good, format!("{place}.thresholds"), "a number from 2 to 100000", thresholds);
            }
            Self::BinaryAccuracy { threshold } | Self::Precision { threshold } | Self::Recall { threshold } => {
                let good = threshold.is_finite();
                complaints.check(good, format!("{place}.threshold"), "a finite number", threshold);
            }
            Self::TopKCategoricalAccuracy { k } | Self::SparseTopKCategoricalAccuracy { k } => {
                complaints.check(k > 0, format!("{place}.k"), "a whole number of at least 1", k);
            }
            Self::Mse
            | Self::Mae
            | Self::Mape
            | Self::Msle
            | Self::LogCosh
            | Self::Poisson
            | Self::KlDivergence
            | Self::Hinge
            | Self::SquaredHinge
            | Self::CategoricalHinge
            | Self::CosineSimilarity
            | Self::BinaryCrossentropy { .. }
            | Self::CategoricalCrossentropy { .. }
            | Self::SparseCategoricalCrossentropy { .. } => {
                if let Some(loss) = self.loss() {
                    loss.validate(place, complaints);
                }
            }
            Self::Accuracy
            | Self::CategoricalAccuracy
            | Self::SparseCategoricalAccuracy
            | Self::RootMeanSquaredError => {}
        }
    }
}
