//! Training: one model, one data set, one history.

mod callback;
mod config;
mod evaluate;
mod fit;
mod history;
mod observer;

pub use callback::{EarlyStopping, ReduceLrOnPlateau};
pub use config::FitConfig;
pub use evaluate::{Scores, evaluate};
pub use fit::{Fitting, TrainState, fit, fit_from};
pub use history::{EpochRow, History, StopReason};
pub use observer::{Flow, Observer, Quiet};
