//! What is known of every loss. Nothing here has a default: a new loss answers every question.

#![deny(clippy::wildcard_enum_match_arm)]

use super::{Head, Loss};
use crate::Complaints;

/// What a loss or a metric wants of targets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wants {
    /// One class id per prediction, in the place of a vector.
    ClassIds,
    /// Vectors with one 1, all else 0.
    OneHot,
    /// Numbers from 0 to 1.
    Probabilities,
    /// Numbers from 0 to 1, or -1 for a class that hinge losses call so.
    Labels,
    /// -1, 0 or 1.
    Sides,
    /// Numbers of at least 0.
    Counts,
    /// Any numbers.
    Numbers,
}

impl Loss {
    /// Whether the target is a class id per prediction vector, not a vector as long as the prediction.
    #[must_use]
    pub fn is_sparse(self) -> bool {
        self.wants() == Wants::ClassIds
    }

    /// Whether the target is a class.
    #[must_use]
    pub fn takes_classes(self) -> bool {
        match self {
            Self::BinaryCrossentropy { .. }
            | Self::CategoricalCrossentropy { .. }
            | Self::SparseCategoricalCrossentropy { .. }
            | Self::CategoricalHinge
            | Self::Hinge
            | Self::SquaredHinge => true,
            Self::Mse
            | Self::Mae
            | Self::Huber { .. }
            | Self::LogCosh
            | Self::KlDivergence
            | Self::Poisson
            | Self::Msle
            | Self::Mape
            | Self::CosineSimilarity => false,
        }
    }

    /// What it wants of its targets.
    pub(crate) fn wants(self) -> Wants {
        match self {
            Self::SparseCategoricalCrossentropy { .. } => Wants::ClassIds,
            Self::BinaryCrossentropy { .. } | Self::CategoricalCrossentropy { .. } | Self::KlDivergence => {
                Wants::Probabilities
            }
            Self::Poisson => Wants::Counts,
            Self::Hinge | Self::SquaredHinge => Wants::Sides,
            Self::Mse
            | Self::Mae
            | Self::Huber { .. }
            | Self::CategoricalHinge
            | Self::LogCosh
            | Self::Msle
            | Self::Mape
            | Self::CosineSimilarity => Wants::Numbers,
        }
    }

    /// Whether this loss, on a model with this head, works from the head's input.
    pub(crate) fn wants_logits(self, head: Head) -> bool {
        match self {
            Self::BinaryCrossentropy { .. } => head == Head::Sigmoid,
            Self::CategoricalCrossentropy { .. } | Self::SparseCategoricalCrossentropy { .. } => head == Head::Softmax,
            Self::Mse
            | Self::Mae
            | Self::Huber { .. }
            | Self::Hinge
            | Self::SquaredHinge
            | Self::CategoricalHinge
            | Self::LogCosh
            | Self::KlDivergence
            | Self::Poisson
            | Self::Msle
            | Self::Mape
            | Self::CosineSimilarity => false,
        }
    }

    /// Complains about settings outside their ranges; `place` is its key.
    pub(crate) fn validate(self, place: &str, complaints: &mut Complaints) {
        match self {
            Self::BinaryCrossentropy { label_smoothing, .. }
            | Self::CategoricalCrossentropy { label_smoothing, .. } => {
                complaints.check(
                    (0.0..=1.0).contains(&label_smoothing),
                    format!("{place}.label_smoothing"),
                    "a number from 0 to 1",
                    label_smoothing,
                );
            }
            Self::Huber { delta } => {
                let good = delta > 0.0 && delta.is_finite();
                complaints.check(good, format!("{place}.delta"), "a number above 0", delta);
            }
            Self::SparseCategoricalCrossentropy { .. }
            | Self::Mse
            | Self::Mae
            | Self::Hinge
            | Self::SquaredHinge
            | Self::CategoricalHinge
            | Self::LogCosh
            | Self::KlDivergence
            | Self::Poisson
            | Self::Msle
            | Self::Mape
            | Self::CosineSimilarity => {}
        }
    }
}
