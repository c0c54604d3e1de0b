//! From what happened to what is shown: results of a training, a study or a choice as figures, tables and sentences.

mod at_work;
mod boundary;
mod choice;
mod curves;
mod lambda;
mod overfitting;

pub use at_work::{at_work, at_work_over_runs};
pub use boundary::scatter_of;
pub use choice::choice_report;
pub use curves::curves_of;
pub use lambda::{LambdaScores, lambda_curve};
pub use overfitting::Overfitting;
