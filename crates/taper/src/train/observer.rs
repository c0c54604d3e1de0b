//! Those who watch a training.

use super::fit::TrainState;
use super::history::EpochRow;
use crate::model::Model;

/// Whether to go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    /// Go on.
    Continue,
    /// Stop here; what has been done is kept.
    Stop,
}

/// Sees a training epoch by epoch: progress bars, logs, checkpoints. It cannot change what it sees.
///
/// # Example
///
/// ```
/// use taper::{EpochRow, Flow, Model, Observer, TrainState};
///
/// struct Print;
/// impl Observer for Print {
///     fn epoch_end(
///         &mut self,
///         row: &EpochRow<'_>,
///         _model: &Model,
///         _state: &TrainState,
///     ) -> Result<Flow, Box<dyn std::error::Error + Send + Sync>> {
///         println!("epoch {}: loss {:?}", row.epoch, row.get("loss"));
///         Ok(Flow::Continue)
///     }
/// }
/// ```
pub trait Observer {
    /// Called after each epoch, with the weights as they are then.
    ///
    /// # Errors
    ///
    /// An error ends the training and is passed on as [`Error::Observer`](crate::Error::Observer).
    fn epoch_end(
        &mut self,
        row: &EpochRow<'_>,
        model: &Model,
        state: &TrainState,
    ) -> Result<Flow, Box<dyn std::error::Error + Send + Sync>>;
}

/// Watches nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Quiet;

impl Observer for Quiet {
    fn epoch_end(
        &mut self,
        _row: &EpochRow<'_>,
        _model: &Model,
        _state: &TrainState,
    ) -> Result<Flow, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Flow::Continue)
    }
}
