//! Training: one model, one data set, one history.

mod callback;
mod column;
mod config;
mod evaluate;
mod first_batch;
mod fit;
mod history;
mod monitor;
mod observer;
mod target;

pub use callback::{EarlyStopping, ReduceLrOnPlateau};
pub use config::FitConfig;
pub use evaluate::{Scores, evaluate, row_losses};
pub use first_batch::{FirstBatch, first_batch};
pub use fit::{Fitting, TrainState, fit, fit_from};
pub use history::{EpochRow, History, StopReason};
pub use monitor::{MonitorState, Watched};
pub use observer::{Flow, Observer, Quiet};
