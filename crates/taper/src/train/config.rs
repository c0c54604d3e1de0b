//! How to train.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::callback::{EarlyStopping, ReduceLrOnPlateau};
use crate::loss::Loss;
use crate::metric::MetricSpec;
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
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct FitConfig {
    /// What to make small.
    pub loss: Loss,
    /// How. Default: Adam.
    #[serde(default = "Optimizer::adam")]
    pub optimizer: Optimizer,
    /// What else to report. Default: nothing.
    #[serde(default)]
    pub metrics: Vec<MetricSpec>,
    /// What else to report, each row counting by its sample weight. Default: nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub weighted_metrics: Vec<MetricSpec>,
    /// The sample weight of each class's training rows, from class 0 on; only in training, never in validation. The class of
    /// a target of several numbers is its largest. Default: all rows weigh the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class_weight: Option<Vec<f32>>,
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
    /// Whether the history tells of every epoch what it says of single parameters: norms, exact zeros, what each penalty weighs.
    /// Default: yes. It costs a few passes over the weights per epoch; the training is the same, to the bit, without.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub measure_weights: bool,
    /// Every how many epochs `taper fit` keeps where the training stands, for `--resume`, at least 1. Default: never. Nothing else
    /// depends on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpoint: Option<usize>,
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
            weighted_metrics: vec![],
            class_weight: None,
            epochs: 1,
            batch_size: batch_size(),
            shuffle: true,
            validation_batch_size: None,
            measure_train: false,
            measure_weights: true,
            checkpoint: None,
            early_stopping: None,
            reduce_lr_on_plateau: None,
        }
    }

    /// What early stopping and the plateau watch.
    fn monitors(&self) -> impl Iterator<Item = &str> {
        let stopping = self.early_stopping.as_ref().map(|settings| settings.monitor.as_str());
        let plateau = self.reduce_lr_on_plateau.as_ref().map(|settings| settings.monitor.as_str());
        stopping.into_iter().chain(plateau)
    }

    /// Whether a training looks at rows that do not train it.
    pub(crate) fn watches_validation(&self) -> bool {
        self.monitors().any(|monitor| monitor.starts_with("val_"))
    }

    /// Whether it looks at what the history says of single parameters: those columns are named by their paths.
    pub(crate) fn watches_weights(&self) -> bool {
        self.monitors().any(|monitor| monitor.contains('/'))
    }

    /// With this optimizer.
    #[must_use]
    pub fn optimizer(mut self, optimizer: Optimizer) -> Self {
        self.optimizer = optimizer;
        self
    }

    /// With these metrics.
    #[must_use]
    pub fn metrics(mut self, metrics: impl IntoIterator<Item = impl Into<MetricSpec>>) -> Self {
        self.metrics = metrics.into_iter().map(Into::into).collect();
        self
    }

    /// With these metrics, in which rows count by their sample weights.
    #[must_use]
    pub fn weighted_metrics(mut self, metrics: impl IntoIterator<Item = impl Into<MetricSpec>>) -> Self {
        self.weighted_metrics = metrics.into_iter().map(Into::into).collect();
        self
    }

    /// With these weights of the classes.
    #[must_use]
    pub fn class_weight(mut self, weights: impl Into<Vec<f32>>) -> Self {
        self.class_weight = Some(weights.into());
        self
    }

    /// The names of the metrics in histories, the weighted ones last. A name that is taken gets a number (`accuracy_1`), or
    /// for a weighted metric the word before it (`weighted_accuracy`), as in Keras.
    #[must_use]
    pub fn metric_names(&self) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        let weighted = self.weighted_metrics.iter().map(|metric| (metric, true));
        for (metric, weighted) in self.metrics.iter().map(|metric| (metric, false)).chain(weighted) {
            let mut name = metric.name().to_owned();
            if weighted && names.contains(&name) {
                name = format!("weighted_{name}");
            }
            let free = (0..).map(|i| if i == 0 { name.clone() } else { format!("{name}_{i}") });
            names.extend(free.into_iter().find(|name| !names.contains(name)));
        }
        names
    }

    /// Whether more of a history's column is better: `accuracy`, `val_accuracy`.
    #[must_use]
    pub fn maximizes(&self, column: &str) -> bool {
        let column = ["val_", "end_"].iter().find_map(|prefix| column.strip_prefix(prefix)).unwrap_or(column);
        let metrics = self.metrics.iter().chain(&self.weighted_metrics);
        self.metric_names().iter().zip(metrics).any(|(name, metric)| name == column && metric.metric.maximize())
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
        complaints.check(self.checkpoint != Some(0), "checkpoint", "a whole number of at least 1", 0);
        self.loss.validate("loss", &mut complaints);
        for (key, metrics) in [("metrics", &self.metrics), ("weighted_metrics", &self.weighted_metrics)] {
            for (i, metric) in metrics.iter().enumerate() {
                let place = format!("{key}[{i}]");
                metric.metric.validate(&place, &mut complaints);
                complaints.check(!metric.name().is_empty(), format!("{place}.label"), "a name", "an empty text");
            }
        }
        for (class, weight) in self.class_weight.iter().flatten().enumerate() {
            let good = weight.is_finite() && *weight >= 0.0;
            complaints.check(good, format!("class_weight[{class}]"), "a finite number of at least 0", weight);
        }
        if let Some(early_stopping) = &self.early_stopping {
            early_stopping.validate("early_stopping", &mut complaints);
        }
        if let Some(plateau) = &self.reduce_lr_on_plateau {
            plateau.validate("reduce_lr_on_plateau", &mut complaints);
        }
        complaints.finish()
    }

    /// The weights of the training rows: their own, or their classes'.
    pub(crate) fn row_weights<'a>(
        &self,
        place: &str,
        model: &Model,
        data: &'a Dataset,
    ) -> Result<Option<Cow<'a, [f32]>>> {
        let Some(class_weight) = &self.class_weight else { return Ok(data.sample_weight().map(Cow::Borrowed)) };
        let complain = |expected: String, got: String| Err(Complaint::new("fit.class_weight", expected, got).into());
        let output = model.output_shape();
        if data.sample_weight().is_some() {
            return complain("weights of classes or of rows".to_owned(), "both".to_owned());
        }
        if output.rows() > 1 {
            return complain("one prediction per row".to_owned(), format!("an output of shape {output}"));
        }
        let classes = output.last().max(2);
        if class_weight.len() != classes {
            return complain(format!("{classes} weights, one for each class"), format!("{}", class_weight.len()));
        }
        let mut weights = Vec::with_capacity(data.rows());
        for (row, y) in data.y().chunks_exact(data.target_len()).enumerate() {
            let class = match *y {
                [class] => class.round(),
                _ => (0..y.len()).rev().max_by(|a, b| y[*a].total_cmp(&y[*b])).unwrap_or(0) as f32,
            };
            if !(0.0..classes as f32).contains(&class) {
                let expected = format!("a class from 0 to {}, because there are class weights", classes - 1);
                return Err(Complaint::new(format!("{place}.y, row {}", row + 1), expected, class).into());
            }
            weights.push(class_weight[class as usize]);
        }
        Ok(Some(Cow::Owned(weights)))
    }
}
