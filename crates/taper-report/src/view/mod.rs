//! From what happened to what is shown: results of a training or a study as figures, tables and sentences.

mod boundary;
mod curves;
mod lambda;
mod overfitting;

pub use boundary::scatter_of;
pub use curves::curves_of;
pub use lambda::{LambdaScores, lambda_curve};
pub use overfitting::Overfitting;
