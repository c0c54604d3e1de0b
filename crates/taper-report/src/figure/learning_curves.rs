//! Loss and metric over the epochs of one run.

use serde::{Deserialize, Serialize};

use super::Figure;
use crate::draw::canvas::{Canvas, Stroke};
use crate::draw::legend::{self, Entry, Key};
use crate::draw::line;
use crate::draw::panel::{Axis, EDGE, Panel};
use crate::draw::scale::Scale;
use crate::number::fixed;
use crate::palette::{QUIET, Role};

/// One run, epoch by epoch: above, the loss in its two parts (data loss and penalty) on the training rows and the data
/// loss on the validation rows; below, a metric on both.
///
/// All columns are as long as `epoch`; an empty column is left out, as is the lower panel without `metric`. The loss
/// axis is logarithmic where the losses span a factor of 50. Values that are not finite leave a gap, and the legend says
/// from which epoch on.
///
/// # Example
///
/// ```
/// use taper_report::{LearningCurves, MetricCurves};
///
/// let curves = LearningCurves {
///     epoch: vec![1.0, 2.0, 3.0],
///     data_loss: vec![0.69, 0.5, 0.4],
///     penalty: vec![0.01, 0.02, 0.02],
///     validation_loss: vec![0.7, 0.55, 0.52],
///     metric: Some(MetricCurves { name: "accuracy".into(), train: vec![0.5, 0.8, 0.9], validation: vec![0.5, 0.7, 0.8] }),
///     ..Default::default()
/// };
/// assert!(curves.figure().alt().contains("3 epochs"));
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LearningCurves {
    /// Number of each epoch, rising.
    pub epoch: Vec<f64>,
    /// Training loss without the penalty, in the unit of the loss.
    pub data_loss: Vec<f64>,
    /// The penalty on the weights, in the unit of the loss.
    pub penalty: Vec<f64>,
    /// Loss without the penalty on the rows held out.
    pub validation_loss: Vec<f64>,
    /// A second quantity.
    pub metric: Option<MetricCurves>,
    /// What the rows held out are called: `validation`, or `test`.
    pub held_out: String,
    /// The epoch whose weights were kept, if they are not the last ones.
    pub kept_epoch: Option<f64>,
}

impl Default for LearningCurves {
    fn default() -> Self {
        Self {
            epoch: Vec::new(),
            data_loss: Vec::new(),
            penalty: Vec::new(),
            validation_loss: Vec::new(),
            metric: None,
            held_out: "validation".to_owned(),
            kept_epoch: None,
        }
    }
}

/// A metric over the epochs of [`LearningCurves`].
///
/// # Example
///
/// ```
/// use taper_report::MetricCurves;
///
/// let metric = MetricCurves { name: "accuracy".into(), train: vec![0.9], validation: vec![] };
/// assert!(metric.validation.is_empty());
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MetricCurves {
    /// Its name, with the unit if it has one.
    pub name: String,
    /// On the training rows.
    pub train: Vec<f64>,
    /// On the rows held out.
    pub validation: Vec<f64>,
}

/// One line of a panel.
struct Curve<'a> {
    label: String,
    values: &'a [f64],
    stroke: Stroke,
}

impl<'a> Curve<'a> {
    fn new(label: String, role: Role, values: &'a [f64]) -> Self {
        let dash = if role == Role::Penalty { Some("7,4") } else { None };
        Self { label, values, stroke: Stroke::solid(role.color(), 2.0).dashed(dash) }
    }
}

impl LearningCurves {
    /// Draws the figure.
    pub fn figure(&self) -> Figure {
        let mut canvas = Canvas::new();
        let loss = [
            Curve::new("train data loss".into(), Role::Train, &self.data_loss),
            Curve::new(format!("{} data loss", self.held_out), Role::Validation, &self.validation_loss),
            Curve::new("penalty".into(), Role::Penalty, &self.penalty),
        ];
        let metric = self.metric.iter().flat_map(|metric| {
            [
                Curve::new(format!("train {}", metric.name), Role::Train, &metric.train),
                Curve::new(format!("{} {}", self.held_out, metric.name), Role::Validation, &metric.validation),
            ]
        });
        let metric: Vec<Curve> = metric.collect();

        let loss_scale = Scale::amount(values(&loss));
        let log = if loss_scale.is_log() { ", logarithmic" } else { "" };
        let loss_axis = Axis::new(format!("loss{log}"), loss_scale, 5);
        let metric_name = self.metric.as_ref().map_or("", |metric| &metric.name);
        let metric_axis = Axis::new(metric_name, Scale::linear(values(&metric), 0.05), 5);
        let left = Panel::left_edge([&loss_axis, &metric_axis]);

        let mut bottom = self.panel(&mut canvas, EDGE, left, 250.0, &loss_axis, &loss);
        if self.metric.is_some() {
            bottom = self.panel(&mut canvas, bottom + 22.0, left, 190.0, &metric_axis, &metric);
        }
        Figure::new(canvas, bottom, self.alt())
    }

    fn panel(&self, canvas: &mut Canvas, top: f64, left: f64, height: f64, y: &Axis, curves: &[Curve]) -> f64 {
        let entries: Vec<Entry> = curves
            .iter()
            .filter(|curve| !curve.values.is_empty())
            .map(|curve| Entry::new(Key::Line(curve.stroke), self.describe(curve)))
            .collect();
        let top = legend::draw(canvas, EDGE, top, &entries);
        let top = Panel::title(canvas, top + 8.0, y);
        let x = Axis::new("epoch", Scale::linear(self.epoch.iter().copied(), 0.0), 8);
        let panel = Panel::at(left, top, height, &x, y);
        panel.draw(canvas, &x, y);
        if let Some(column) = self.kept_epoch.and_then(|epoch| panel.column(epoch)) {
            let stroke = Stroke::solid(QUIET, 1.2).dashed(Some("3,3"));
            canvas.line((column, top), (column, top + height), stroke);
        }
        // The penalty lies under the losses, and training under validation, which is what the figure is about.
        for curve in
            curves.iter().filter(|c| c.stroke.dash.is_some()).chain(curves.iter().filter(|c| c.stroke.dash.is_none()))
        {
            let points: Vec<(f64, f64)> = self.epoch.iter().copied().zip(curve.values.iter().copied()).collect();
            line::draw(canvas, &panel, &points, curve.stroke);
        }
        let seen = |curve: &Curve| self.epoch.iter().zip(curve.values).any(|(x, y)| panel.point(*x, *y).is_some());
        if !curves.iter().any(seen) {
            panel.say(canvas, "no finite values to draw");
        }
        let mut bottom = panel.bottom();
        if let Some(epoch) = self.kept_epoch {
            bottom =
                legend::note(canvas, EDGE, bottom, &format!("Dotted line: the weights of epoch {epoch} were kept."));
        }
        bottom
    }

    /// The curve's name, and what of it cannot be drawn.
    fn describe(&self, curve: &Curve) -> String {
        let label = &curve.label;
        if curve.values.iter().all(|v| *v == 0.0) {
            return format!("{label} (zero)");
        }
        match self.epoch.iter().zip(curve.values).find(|(_, value)| !value.is_finite()) {
            Some((epoch, _)) => format!("{label} (not finite from epoch {epoch})"),
            None => label.clone(),
        }
    }

    fn alt(&self) -> String {
        let last = |values: &[f64]| values.last().map_or_else(|| "none".to_owned(), |value| fixed(*value, 3));
        let mut alt = format!(
            "Learning curves over {} epochs. At the end: train data loss {}, penalty {}, {} data loss {}.",
            self.epoch.len(),
            last(&self.data_loss),
            last(&self.penalty),
            self.held_out,
            last(&self.validation_loss)
        );
        if let Some(metric) = &self.metric {
            let (train, held_out) = (last(&metric.train), last(&metric.validation));
            alt.push_str(&format!(" Train {0} {train}, {1} {0} {held_out}.", metric.name, self.held_out));
        }
        alt
    }
}

/// All values of `curves`.
fn values<'a>(curves: &'a [Curve<'a>]) -> impl Iterator<Item = f64> + Clone + 'a {
    curves.iter().flat_map(|curve| curve.values.iter().copied())
}
