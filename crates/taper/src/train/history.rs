//! What happened, epoch by epoch.

use serde::{Deserialize, Serialize};

use crate::{Complaint, Result};

/// Why a training ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum StopReason {
    /// All epochs were done.
    Completed,
    /// Early stopping; `best_epoch` (from 0) had the best value.
    EarlyStopped {
        /// The epoch with the best monitored value, from 0.
        best_epoch: usize,
    },
    /// The loss became infinite or NaN. The weights are those after the last epoch that ended well.
    Diverged {
        /// The epoch it happened in, from 0.
        epoch: usize,
        /// The step since the beginning, from 0.
        step: u64,
    },
    /// An observer asked for it.
    Interrupted,
}

impl StopReason {
    /// Whether the model may be used: everything but divergence.
    #[must_use]
    pub fn is_usable(&self) -> bool {
        !matches!(self, Self::Diverged { .. })
    }
}

/// A training as columns of numbers, one per epoch.
///
/// Columns, in this order: `loss` = `data_loss` + `penalty` (means over the epoch's batches, in training mode, at the
/// weights of each moment, as in Keras), the metrics; with validation rows the same as `val_…` (after the epoch, in
/// evaluation mode); with `measure_train` the same for the training rows as `end_…`; `learning_rate` (of the last step);
/// `norm/PATH`, the L2 norm of each parameter after the epoch; for every term of every penalty `penalty/PATH/TERM`, its value,
/// `gradient_share/PATH/TERM`, the norm of its gradient over the sum of that and of the norm of the rest of the parameter's
/// gradient, both in the epoch's last step at the weights before it, whatever the penalty's mode; `lambda/PATH/TERM`, if that
/// changes with the epochs; `zeros/PATH`, the share of exact zeros in each penalized parameter after the epoch; `seconds` since the training began (wall clock: the only
/// column that differs between equal runs). What concerns single parameters is there with `measure_weights`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct History {
    /// The columns' names.
    pub names: Vec<String>,
    /// The columns, each with one number per epoch.
    pub columns: Vec<Vec<f64>>,
    /// Why it ended.
    pub stop: StopReason,
}

impl History {
    /// Empty columns with room for `epochs` rows, so that adding them does not allocate.
    pub(crate) fn new(names: Vec<String>, epochs: usize) -> Self {
        const ROOM: usize = 1 << 16; // a training of billions of epochs grows as it goes
        let columns = names.iter().map(|_| Vec::with_capacity(epochs.min(ROOM))).collect();
        Self { names, columns, stop: StopReason::Completed }
    }

    pub(crate) fn push(&mut self, row: &[f64]) {
        for (column, value) in self.columns.iter_mut().zip(row) {
            column.push(*value);
        }
    }

    /// The same training with the epochs before it, of which these are the columns' numbers.
    ///
    /// # Errors
    ///
    /// Columns of another training.
    pub fn after(mut self, mut earlier: Self) -> Result<Self> {
        if earlier.names != self.names {
            let expected = format!("the columns {}", self.names.join(", "));
            return Err(Complaint::new("history", expected, earlier.names.join(", ")).into());
        }
        earlier.columns.iter_mut().zip(&mut self.columns).for_each(|(before, after)| before.append(after));
        Ok(Self { columns: earlier.columns, ..self })
    }

    /// How many epochs there were.
    #[must_use]
    pub fn epochs(&self) -> usize {
        self.columns.first().map_or(0, Vec::len)
    }

    /// A column by name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&[f64]> {
        let position = self.names.iter().position(|known| known == name)?;
        Some(&self.columns[position])
    }

    /// The last value of a column.
    #[must_use]
    pub fn last(&self, name: &str) -> Option<f64> {
        self.get(name)?.last().copied()
    }
}

/// One epoch, as an [`Observer`](super::Observer) sees it.
#[derive(Debug, Clone, Copy)]
pub struct EpochRow<'a> {
    /// From 0.
    pub epoch: usize,
    /// Out of how many.
    pub epochs: usize,
    /// The columns' names; see [`History`].
    pub names: &'a [String],
    /// Their values.
    pub values: &'a [f64],
}

impl EpochRow<'_> {
    /// A value by name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<f64> {
        let position = self.names.iter().position(|known| known == name)?;
        Some(self.values[position])
    }
}
