//! A score against the penalty strength.

use serde::{Deserialize, Serialize};

use super::Figure;
use crate::draw::canvas::Canvas;
use crate::draw::lambda_panel::LambdaPanel;
use crate::draw::panel::EDGE;
use crate::number;
use crate::series::{LambdaCurve, LambdaMark};

/// The mean of any score (accuracy, data loss) over the penalty strength, with intervals, on a logarithmic axis with a
/// place of its own for λ = 0. Strengths that diverged get a cross at the top.
///
/// # Example
///
/// ```
/// use taper_report::{LambdaCurve, LambdaMark, LambdaPoint, Role, ScoreVsLambda};
///
/// let figure = ScoreVsLambda {
///     metric: "test accuracy".into(),
///     interval: "Bars: one standard deviation over 30 splits.".into(),
///     curves: vec![LambdaCurve {
///         role: Role::Test,
///         label: "test".into(),
///         points: vec![LambdaPoint::new(0.0, 0.91, 0.02), LambdaPoint::new(1e-3, 0.95, 0.01)],
///     }],
///     marks: vec![LambdaMark::new(1e-3, "best")],
///     ..Default::default()
/// }
/// .figure();
/// assert!(figure.svg().contains("best: 1e-3"));
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ScoreVsLambda {
    /// Title of the vertical axis: the score, with its unit if it has one.
    pub metric: String,
    /// Title of the horizontal axis.
    pub lambda: String,
    /// What the intervals are, as a sentence: `Bars: 95 % confidence interval of the mean, 30 splits.`
    pub interval: String,
    /// One line per kind of rows.
    pub curves: Vec<LambdaCurve>,
    /// Strengths to label: the best, the simplest within one standard error.
    pub marks: Vec<LambdaMark>,
}

impl Default for ScoreVsLambda {
    fn default() -> Self {
        Self {
            metric: "score".to_owned(),
            lambda: "penalty strength λ".to_owned(),
            interval: String::new(),
            curves: Vec::new(),
            marks: Vec::new(),
        }
    }
}

impl ScoreVsLambda {
    /// Draws the figure.
    pub fn figure(&self) -> Figure {
        let mut canvas = Canvas::new();
        let panel = LambdaPanel {
            x_title: &self.lambda,
            y_title: &self.metric,
            height: 300.0,
            curves: &self.curves,
            marks: &self.marks,
            interval: &self.interval,
        };
        let bottom = panel.draw(&mut canvas, EDGE);
        Figure::new(canvas, bottom, self.alt())
    }

    fn alt(&self) -> String {
        let mut alt = format!("Mean {} against {}.", self.metric, self.lambda);
        for curve in &self.curves {
            let mut points = curve.points.clone();
            points.sort_by(|a, b| a.lambda.total_cmp(&b.lambda));
            let list: Vec<String> = points
                .iter()
                .map(|p| format!("{} at {}", number::fixed(p.mean, 3), number::lambda(p.lambda)))
                .collect();
            alt.push_str(&format!(" {}: {}.", curve.label, list.join(", ")));
        }
        for mark in &self.marks {
            alt.push_str(&format!(" {}: {}.", mark.label, number::lambda(mark.lambda)));
        }
        alt
    }
}
