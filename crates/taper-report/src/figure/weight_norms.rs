//! What the penalty does to the weights.

use serde::{Deserialize, Serialize};

use super::Figure;
use crate::draw::canvas::{Canvas, Stroke};
use crate::draw::lambda_panel::LambdaPanel;
use crate::draw::legend::{self, Entry, Key};
use crate::draw::line;
use crate::draw::panel::{Axis, EDGE, Panel};
use crate::draw::scale::Scale;
use crate::palette::{Role, ordered};
use crate::series::{LambdaCurve, LambdaMark, Series};

/// Above, a norm of the weights over the epochs, a line per setting; below, the norm at the end against the penalty
/// strength. A panel without data is left out.
///
/// Up to 7 settings have colours that are easy to tell apart; more get a ramp from dark to light in the order given.
///
/// # Example
///
/// ```
/// use taper_report::{Series, WeightNorms};
///
/// let figure = WeightNorms {
///     norm: "L2 norm of all kernels".into(),
///     over_epochs: vec![Series { label: "λ = 1e-3".into(), x: vec![1.0, 2.0], y: vec![4.0, 3.5] }],
///     ..Default::default()
/// }
/// .figure();
/// assert!(figure.svg().contains("L2 norm of all kernels"));
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WeightNorms {
    /// Which norm, of which weights: title of the vertical axes.
    pub norm: String,
    /// Title of the horizontal axis of the lower panel.
    pub lambda: String,
    /// What the intervals are, as a sentence.
    pub interval: String,
    /// The norm over the epochs, one series per setting; where there are many, in the order of their strength.
    pub over_epochs: Vec<Series>,
    /// The norm at the end of training against λ, such as one curve per layer.
    pub against_lambda: Vec<LambdaCurve>,
    /// Strengths to label in the lower panel.
    pub marks: Vec<LambdaMark>,
}

impl Default for WeightNorms {
    fn default() -> Self {
        Self {
            norm: "norm of the weights".to_owned(),
            lambda: "penalty strength λ".to_owned(),
            interval: String::new(),
            over_epochs: Vec::new(),
            against_lambda: Vec::new(),
            marks: Vec::new(),
        }
    }
}

impl WeightNorms {
    /// Draws the figure.
    pub fn figure(&self) -> Figure {
        let mut canvas = Canvas::new();
        let mut bottom = EDGE;
        if !self.over_epochs.is_empty() || self.against_lambda.is_empty() {
            bottom = self.over_epochs(&mut canvas, bottom);
        }
        if !self.against_lambda.is_empty() {
            let panel = LambdaPanel {
                x_title: &self.lambda,
                y_title: &self.norm,
                height: 230.0,
                curves: &self.against_lambda,
                marks: &self.marks,
                interval: &self.interval,
            };
            let space = if self.over_epochs.is_empty() { 0.0 } else { 22.0 };
            bottom = panel.draw(&mut canvas, bottom + space);
        }
        Figure::new(canvas, bottom, self.alt())
    }

    fn over_epochs(&self, canvas: &mut Canvas, top: f64) -> f64 {
        let all = || self.over_epochs.iter().flat_map(Series::points);
        let scale = Scale::amount(all().map(|(_, y)| y));
        let log = if scale.is_log() { ", logarithmic" } else { "" };
        let y = Axis::new(format!("{}{log}", self.norm), scale, 5);
        let x = Axis::epochs(all().map(|(x, _)| x));

        let entries = self.over_epochs.iter().enumerate();
        let entries: Vec<Entry> =
            entries.map(|(i, series)| Entry::new(Key::Line(self.stroke(i)), describe(series))).collect();
        let top = legend::draw(canvas, EDGE, top, &entries);
        let top = Panel::title(canvas, top + 8.0, &y);
        let panel = Panel::at(Panel::left_edge([&y]), top, 250.0, &x, &y);
        panel.draw(canvas, &x, &y);
        for (i, series) in self.over_epochs.iter().enumerate() {
            let points: Vec<_> = series.points().collect();
            canvas.series(&series.label, |canvas| {
                line::draw(canvas, &panel, &points, self.stroke(i));
                line::tips(canvas, &panel, &points, &series.label, "epoch");
            });
        }
        if !all().any(|(x, y)| panel.point(x, y).is_some()) {
            panel.say(canvas, "no finite values to draw");
        }
        panel.bottom()
    }

    fn stroke(&self, place: usize) -> Stroke {
        let count = self.over_epochs.len();
        let color = if count <= 7 { Role::Setting(place).color() } else { ordered(place, count) };
        Stroke::solid(color, 2.0)
    }

    fn alt(&self) -> String {
        let mut parts = Vec::new();
        if !self.over_epochs.is_empty() {
            let labels: Vec<&str> = self.over_epochs.iter().map(|series| &*series.label).collect();
            parts.push(format!("over the epochs for {}", labels.join(", ")));
        }
        if !self.against_lambda.is_empty() {
            parts.push(format!("against {}", self.lambda));
        }
        format!("{} {}.", self.norm, parts.join(", and "))
    }
}

fn describe(series: &Series) -> String {
    match series.points().find(|(_, y)| !y.is_finite()) {
        Some((x, _)) => format!("{} (not finite from epoch {x})", series.label),
        None => series.label.clone(),
    }
}
