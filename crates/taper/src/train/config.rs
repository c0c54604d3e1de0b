//! How to train.

use serde::{Deserialize, Serialize};

use super::callback::{EarlyStopping, ReduceLrOnPlateau};
use crate::loss::Loss;
use crate::metric::Metric;
use crate::model::Model;
use crate::optimizer::Optimizer;
use crate::spelling::{is_yes, yes};
use crate::{Complaint, Complaints, Dataset, Result};

/// Everything about a training that is not the model or the data.
///
/// # Example
///
/// ```
/// use taper::{FitConfig, Loss, Metric, Optimizer};
///
/// let config = FitConfig::new(Loss::BINARY_CROSSENTROPY)
///     .optimizer(Optimizer::adam())
///     .metrics([Metric::Accuracy])
///     .epochs(4000);
/// assert_eq!(config.batch_size, 32);
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FitConfig {
    /// What to make small.
    pub loss: Loss,
    /// How. Default: Adam.
    #[serde(default = "Optimizer::adam")]
    pub optimizer: Optimizer,
    /// What else to report. Default: nothing.
    #[serde(default)]
    pub metrics: Vec<Metric>,
    /// Passes over the training rows. Default: 1. With 0 the model is only evaluated.
    #[serde(default = "one")]
    pub epochs: usize,
    /// Rows per step, at least 1; more than there are means all of them. Default: 32.
    #[serde(default = "batch_size")]
    pub batch_size: usize,
    /// Whether rows change their order each epoch. Default: yes. (With one batch per epoch there is no order to change.)
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub shuffle: bool,
    /// Rows per batch in evaluation. Default: `batch_size`. Results do not depend on it, up to rounding.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validation_batch_size: Option<usize>,
    /// Whether the training rows are measured again after each epoch, in evaluation mode (`end_loss`, …): the columns that
    /// may be compared with `val_loss`, …, because they have the same weights and the same mode. Default: no.
    #[serde(default)]
    pub measure_train: bool,
    /// Stops when nothing improves any more. Default: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub early_stopping: Option<EarlyStopping>,
    /// Lowers the learning rate when nothing improves. Default: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reduce_lr_on_plateau: Option<ReduceLrOnPlateau>,
}

fn one() -> usize {
    1
}
fn batch_size() -> usize {
    32
}

impl FitConfig {
    /// This loss, everything else by default.
    #[must_use]
    pub fn new(loss: Loss) -> Self {
        Self {
            loss,
            optimizer: Optimizer::adam(),
            metrics: vec![],
            epochs: 1,
            batch_size: batch_size(),
            shuffle: true,
            validation_batch_size: None,
            measure_train: false,
            early_stopping: None,
            reduce_lr_on_plateau: None,
        }
    }

    /// With this optimizer.
    #[must_use]
    pub fn optimizer(mut self, optimizer: Optimizer) -> Self {
        self.optimizer = optimizer;
        self
    }

    /// With these metrics.
    #[must_use]
    pub fn metrics(mut self, metrics: impl Into<Vec<Metric>>) -> Self {
        self.metrics = metrics.into();
        self
    }

    /// With this many epochs.
    #[must_use]
    pub fn epochs(mut self, epochs: usize) -> Self {
        self.epochs = epochs;
        self
    }

    /// With this many rows per step.
    #[must_use]
    pub fn batch_size(mut self, batch_size: usize) -> Self {
        self.batch_size = batch_size;
        self
    }

    /// Complains about settings that cannot be used with any data; places are keys.
    ///
    /// # Errors
    ///
    /// All complaints at once.
    pub fn validate(&self) -> Result<()> {
        let mut complaints = Complaints::new();
        self.optimizer.validate("optimizer", &mut complaints);
        complaints.check(self.batch_size > 0, "batch_size", "a whole number of at least 1", self.batch_size);
        complaints.check(
            self.validation_batch_size != Some(0),
            "validation_batch_size",
            "a whole number of at least 1",
            0,
        );
        match self.loss {
            Loss::BinaryCrossentropy { label_smoothing, .. }
            | Loss::CategoricalCrossentropy { label_smoothing, .. } => {
                complaints.check(
                    (0.0..=1.0).contains(&label_smoothing),
                    "loss.label_smoothing",
                    "a number from 0 to 1",
                    label_smoothing,
                );
            }
            Loss::Huber { delta } => {
                complaints.check(delta > 0.0 && delta.is_finite(), "loss.delta", "a number above 0", delta);
            }
            _ => {}
        }
        for (i, metric) in self.metrics.iter().enumerate() {
            if let Metric::Auc { thresholds } = metric {
                let good = (2..=100_000).contains(thresholds);
                complaints.check(good, format!("metrics[{i}].thresholds"), "a number from 2 to 100000", thresholds);
            }
        }
        if let Some(early_stopping) = &self.early_stopping {
            early_stopping.validate("early_stopping", &mut complaints);
        }
        if let Some(plateau) = &self.reduce_lr_on_plateau {
            plateau.validate("reduce_lr_on_plateau", &mut complaints);
        }
        complaints.finish()
    }

    /// Complains about targets that this loss cannot be computed for, on this model. `place` names the rows.
    pub(crate) fn check_targets(&self, place: &str, model: &Model, data: &Dataset) -> Result<()> {
        model.check_input(place, data)?;
        let output = model.output_shape();
        let classes = output.last();
        let wanted = if self.loss.is_sparse() { output.rows() } else { output.len() };
        if data.target_len() != wanted {
            let expected = format!("{wanted} target numbers per row, for a model whose output is {output}");
            return Err(Complaint::new(place, expected, format!("{} target numbers", data.target_len())).into());
        }
        let named = |row: usize| format!("{place}.y, row {}", row / data.target_len() + 1);
        let bad = |good: &dyn Fn(f32) -> bool| data.y().iter().position(|y| !good(*y));
        match self.loss {
            Loss::SparseCategoricalCrossentropy { .. } => {
                if let Some(i) = bad(&|y| y >= 0.0 && y < classes as f32 && y.fract() == 0.0) {
                    let expected =
                        format!("a class id from 0 to {}, because the model has {classes} outputs", classes - 1);
                    return Err(Complaint::new(named(i), expected, data.y()[i]).into());
                }
            }
            Loss::BinaryCrossentropy { .. } | Loss::CategoricalCrossentropy { .. } => {
                if let Some(i) = bad(&|y| (0.0..=1.0).contains(&y)) {
                    let complaint = Complaint::new(named(i), "a target from 0 to 1", data.y()[i]);
                    return Err(complaint.help("cross-entropy compares probabilities; recode the classes").into());
                }
            }
            Loss::Hinge => {
                if let Some(i) = bad(&|y| y == 0.0 || y == 1.0 || y == -1.0) {
                    return Err(Complaint::new(named(i), "a target of -1, 0 or 1", data.y()[i]).into());
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Complains if all training targets are the same: there is nothing to learn.
    pub(crate) fn check_classes(&self, place: &str, data: &Dataset) -> Result<()> {
        let classifies = matches!(
            self.loss,
            Loss::BinaryCrossentropy { .. } | Loss::SparseCategoricalCrossentropy { .. } | Loss::Hinge
        );
        match data.classes(1) {
            Some(classes) if classifies && data.target_len() == 1 && data.rows() > 1 => {
                let got = format!("only class {} in {} rows", classes[0], data.rows());
                Err(Complaint::new(format!("{place}.y"), "at least two classes", got).into())
            }
            _ => Ok(()),
        }
    }
}
