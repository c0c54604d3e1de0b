//! The plain data that figures are made of.

use serde::{Deserialize, Serialize};

use crate::palette::Role;

/// One line: `y[i]` at `x[i]`. Where the lengths differ, the longer tail is ignored; values that are not finite leave a
/// gap.
///
/// # Example
///
/// ```
/// use taper_report::Series;
///
/// let norm = Series { label: "λ = 1e-3".into(), x: vec![1.0, 2.0, 3.0], y: vec![4.1, 3.8, 3.6] };
/// assert_eq!(norm.points().collect::<Vec<_>>(), [(1.0, 4.1), (2.0, 3.8), (3.0, 3.6)]);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Series {
    /// What the legend calls it.
    pub label: String,
    /// Where, in the unit of the figure's horizontal axis.
    pub x: Vec<f64>,
    /// What was measured there, as many as `x`.
    pub y: Vec<f64>,
}

impl Series {
    /// The points in the order given.
    pub fn points(&self) -> impl Iterator<Item = (f64, f64)> + Clone + '_ {
        self.x.iter().copied().zip(self.y.iter().copied())
    }
}

/// A mean at one penalty strength, with an interval around it.
///
/// # Example
///
/// ```
/// use taper_report::LambdaPoint;
///
/// let point = LambdaPoint::new(1e-3, 0.5, 0.25);
/// assert_eq!((point.lower, point.upper), (0.25, 0.75));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LambdaPoint {
    /// Penalty strength, at least 0; 0 means no penalty and gets its own place on the axis.
    pub lambda: f64,
    /// The mean; not finite where the runs diverged, which the figure marks with a cross.
    pub mean: f64,
    /// Lower end of the interval, in the unit of `mean`; not finite: no interval is drawn.
    pub lower: f64,
    /// Upper end of the interval, in the unit of `mean`.
    pub upper: f64,
    /// How many runs it is the mean of; drawn above the plot where it is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub n: Option<usize>,
}

impl LambdaPoint {
    /// A mean with an interval of `half_width` to each side.
    pub fn new(lambda: f64, mean: f64, half_width: f64) -> Self {
        Self { lambda, mean, lower: mean - half_width, upper: mean + half_width, n: None }
    }

    /// The same point, which is the mean of `n` runs.
    #[must_use]
    pub fn of_runs(self, n: usize) -> Self {
        Self { n: Some(n), ..self }
    }
}

/// Means over penalty strengths: one line of a figure whose horizontal axis is λ.
///
/// # Example
///
/// ```
/// use taper_report::{LambdaCurve, LambdaPoint, Role};
///
/// let curve = LambdaCurve { role: Role::Test, label: "test".into(), points: vec![LambdaPoint::new(1e-3, 0.9, 0.1)] };
/// assert_eq!(curve.points.len(), 1);
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LambdaCurve {
    /// Which rows it was measured on: decides the colour.
    pub role: Role,
    /// What the legend calls it.
    pub label: String,
    /// The points, in any order.
    pub points: Vec<LambdaPoint>,
}

/// A penalty strength that deserves a label, such as the chosen one.
///
/// # Example
///
/// ```
/// use taper_report::LambdaMark;
///
/// assert_eq!(LambdaMark::new(1e-3, "best").label, "best");
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LambdaMark {
    /// Penalty strength, at least 0.
    pub lambda: f64,
    /// Why it is marked: `best`, `within one standard error`.
    pub label: String,
}

impl LambdaMark {
    /// A mark at `lambda`.
    pub fn new(lambda: f64, label: impl Into<String>) -> Self {
        Self { lambda, label: label.into() }
    }
}
