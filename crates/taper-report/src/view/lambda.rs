//! Trials along one penalty strength.

use std::collections::BTreeMap;

use taper::Summary;

use crate::{LambdaCurve, LambdaPoint, Role};

/// One strength with the summaries of its scores.
#[derive(Debug, Clone, PartialEq)]
pub struct LambdaScores {
    /// λ; 0 for no penalty.
    pub lambda: f64,
    /// Scores by name.
    pub scores: BTreeMap<String, Summary>,
}

/// One score against λ, bars one standard deviation long. A strength without the score counts as diverged.
#[must_use]
pub fn lambda_curve(points: &[LambdaScores], score: &str, role: Role, label: &str) -> LambdaCurve {
    let point = |point: &LambdaScores| match point.scores.get(score) {
        Some(summary) => LambdaPoint::new(point.lambda, summary.mean.unwrap_or(f64::NAN), summary.std.unwrap_or(0.0)),
        None => LambdaPoint::new(point.lambda, f64::NAN, f64::NAN),
    };
    LambdaCurve { role, label: label.to_owned(), points: points.iter().map(point).collect() }
}
