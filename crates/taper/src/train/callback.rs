//! What a training does of itself when the numbers say so. Plain settings; the running state is private to [`fit`](super::fit()).

use serde::{Deserialize, Serialize};

use crate::Complaints;
use crate::spelling::{is_yes, yes};

/// Stops when the monitored column has not improved for `patience` epochs, and goes back to the best weights.
///
/// Monitors the *data* loss by default: a total loss also falls while a penalty merely shrinks the weights.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct EarlyStopping {
    /// A column of the history. Default: `val_data_loss`.
    #[serde(default = "val_data_loss")]
    pub monitor: String,
    /// Less than this is no improvement. Default: 0.
    #[serde(default)]
    pub min_delta: f64,
    /// After so many epochs without improvement the training stops; 0 is as 1. Default: 0.
    #[serde(default)]
    pub patience: usize,
    /// Whether the weights of the best epoch come back at the end. Default: yes.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub restore_best_weights: bool,
    /// The first epoch that counts, from 0. Default: 0.
    #[serde(default)]
    pub start_from_epoch: usize,
}

/// Multiplies the learning rate by `factor` when the monitored column has not improved for `patience` epochs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ReduceLrOnPlateau {
    /// A column of the history. Default: `val_data_loss`.
    #[serde(default = "val_data_loss")]
    pub monitor: String,
    /// In (0, 1). Default: 0.1.
    #[serde(default = "tenth")]
    pub factor: f64,
    /// After so many epochs without improvement the rate falls; 0 is as 1. Default: 10.
    #[serde(default = "ten")]
    pub patience: usize,
    /// Less than this is no improvement. Default: 1e-4.
    #[serde(default = "small")]
    pub min_delta: f64,
    /// The epochs after a reduction of which all but the last do not count as waiting. Default: 0.
    #[serde(default)]
    pub cooldown: usize,
    /// The learning rate does not fall below this. Default: 0.
    #[serde(default)]
    pub min_lr: f64,
}

fn val_data_loss() -> String {
    "val_data_loss".to_owned()
}
fn tenth() -> f64 {
    0.1
}
fn ten() -> usize {
    10
}
fn small() -> f64 {
    1e-4
}

impl EarlyStopping {
    /// On the validation data loss, with this patience; the best weights come back.
    #[must_use]
    pub fn new(patience: usize) -> Self {
        Self { monitor: val_data_loss(), min_delta: 0.0, patience, restore_best_weights: true, start_from_epoch: 0 }
    }

    pub(crate) fn validate(&self, place: &str, complaints: &mut Complaints) {
        let good = self.min_delta.is_finite() && self.min_delta >= 0.0;
        complaints.check(good, format!("{place}.min_delta"), "a finite number of at least 0", self.min_delta);
    }
}

impl ReduceLrOnPlateau {
    pub(crate) fn validate(&self, place: &str, complaints: &mut Complaints) {
        let mut check = |key: &str, good: bool, expected: &str, got: f64| {
            complaints.check(good, format!("{place}.{key}"), expected, got);
        };
        check("factor", self.factor > 0.0 && self.factor < 1.0, "a number between 0 and 1", self.factor);
        check(
            "min_delta",
            self.min_delta.is_finite() && self.min_delta >= 0.0,
            "a finite number of at least 0",
            self.min_delta,
        );
        check("min_lr", self.min_lr.is_finite() && self.min_lr >= 0.0, "a finite number of at least 0", self.min_lr);
    }
}
