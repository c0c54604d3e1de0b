//! Results as figures and pages: SVG and PNG figures, one self-contained `report.html`, and the same as Markdown.
//!
//! Nothing here trains, chooses or computes a statistic. Plain numbers come in, in structs that this crate owns (and
//! results of the library, which [`curves_of`] and its neighbours turn into them); pictures and text go out. What a figure is given is what it shows: intervals are drawn as given, and values that
//! are not finite (a run that diverged) are marked as such instead of being left out in silence.
//!
//! | figure | answers |
//! |---|---|
//! | [`Scatter`] | where does the model draw the line between the classes? |
//! | [`LearningCurves`] | does it overfit, and when? |
//! | [`ScoreVsLambda`] | which penalty strength is best, and how sure is that? |
//! | [`WeightNorms`] | what does the penalty do to the weights? |
//! | [`PairedDifference`] | is it better than the baseline, on the same splits? |
//! | [`Calibration`] | do probabilities mean what they say? |
//! | [`SampleSize`] | would more rows help more? |
//! | [`Growth`] | how does time grow with the work? |
//!
//! # Example
//!
//! ```
//! use taper_report::{LambdaPoint, LambdaCurve, Report, Role, ScoreVsLambda, Section};
//!
//! let curve = LambdaCurve {
//!     role: Role::Test,
//!     label: "test".into(),
//!     points: vec![
//!         LambdaPoint::new(0.0, 0.91, 0.02),
//!         LambdaPoint::new(1e-4, 0.93, 0.02),
//!         LambdaPoint::new(1e-3, 0.95, 0.01),
//!     ],
//! };
//! let figure = ScoreVsLambda { metric: "accuracy".into(), curves: vec![curve], ..Default::default() }.figure();
//! assert!(figure.svg().starts_with("<svg"));
//!
//! let report = Report::new("Two moons", "An L2 penalty of 1e-3 helps: 4 points of accuracy.")
//!     .section(Section::new("Which strength").figure("accuracy", figure, "Mean and standard deviation of 30 splits."));
//! assert!(report.html()?.contains("<svg"));
//! assert!(report.markdown().contains("figure/accuracy.svg"));
//! # Ok::<(), taper_report::Error>(())
//! ```
//!
//! Labels are drawn with the reader's own sans-serif font in SVG, and with DejaVu Sans (built in, so no font has to be
//! installed) in PNG. DejaVu has no Chinese, Japanese or Korean letters: those appear in SVG only.

mod draw;
mod error;
mod figure;
pub mod number;
mod palette;
mod report;
mod series;
mod view;

pub use error::{Error, Result};
pub use figure::Figure;
pub use figure::calibration::{Calibration, CalibrationCurve, CalibrationPoint};
pub use figure::growth::Growth;
pub use figure::learning_curves::{LearningCurves, MetricCurves};
pub use figure::paired_difference::{Difference, PairedDifference};
pub use figure::sample_size::{SampleSize, SizeCurve, SizePoint};
pub use figure::scatter::{Scatter, ScatterPoint};
pub use figure::score_vs_lambda::ScoreVsLambda;
pub use figure::surface::Surface;
pub use figure::weight_norms::WeightNorms;
pub use palette::Role;
pub use report::table::{Cell, Table};
pub use report::{Block, Illustration, Report, Reproduce, Section};
pub use series::{LambdaCurve, LambdaMark, LambdaPoint, Series};
pub use view::{
    LambdaScores, Overfitting, at_work, at_work_over_runs, choice_report, curves_of, lambda_curve, scatter_of,
};
