//! What a model's outputs say of a row.

use super::{Labels, Target};
use crate::Loss;

/// What the outputs of a model mean, in the words of the table that it was trained on.
///
/// # Example
///
/// ```
/// use taper::Loss;
/// use taper::table::{Labels, Meaning, Target};
///
/// let labels = Labels::Names(vec!["no".into(), "yes".into()]);
/// let target = Target::Classes { name: "buys".into(), labels: labels.clone(), one_hot: false };
/// let loss = Loss::BINARY_CROSSENTROPY;
/// assert_eq!(Meaning::of(Some(&target), 1, Some(loss)), Meaning::Two { labels, logit: false });
/// ```
#[derive(Debug, Clone, PartialEq)]
pub enum Meaning {
    /// A number `y`, which in the unit of its column is `y * scale + mean`.
    Number {
        /// In the unit of the column.
        mean: f64,
        /// In the unit of the column, above 0.
        scale: f64,
    },
    /// The probability of the second of two classes.
    Two {
        /// The classes.
        labels: Labels,
        /// Whether the output is its logit.
        logit: bool,
    },
    /// The probability of each class.
    Classes {
        /// The classes.
        labels: Labels,
        /// Whether the outputs are logits.
        logits: bool,
    },
    /// Nothing is known of so many numbers.
    Outputs(usize),
}

impl Meaning {
    /// Of this many outputs that were trained to tell this target, by this loss.
    #[must_use]
    pub fn of(target: Option<&Target>, outputs: usize, loss: Option<Loss>) -> Self {
        let logits = matches!(
            loss,
            Some(
                Loss::BinaryCrossentropy { from_logits: true, .. }
                    | Loss::CategoricalCrossentropy { from_logits: true, .. }
                    | Loss::SparseCategoricalCrossentropy { from_logits: true }
            )
        );
        match target {
            Some(Target::Number { mean, scale, .. }) if outputs == 1 => Self::Number { mean: *mean, scale: *scale },
            Some(Target::Classes { labels, .. }) => match (labels.len(), outputs) {
                (2, 1) => Self::Two { labels: labels.clone(), logit: logits },
                (classes, _) if classes == outputs => Self::Classes { labels: labels.clone(), logits },
                _ => Self::Outputs(outputs),
            },
            _ => Self::Outputs(outputs),
        }
    }
}
