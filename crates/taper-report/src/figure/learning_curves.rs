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
    role: Role,
    values: &'a [f64],
}

impl<'a> Curve<'a> {
    fn new(label: String, role: Role, values: &'a [f64]) -> Self {
        Self { label, role, values }
    }

    fn stroke(&self) -> Stroke {
        // Training losses are the noisy ones: a thinner line hides less.
        Stroke::solid(self.role.color(), if self.role == Role::Train { 1.6 } else { 2.0 })
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
        if let Some(epoch) = self.kept_epoch {
            let text = format!("Dotted line: the weights of epoch {epoch} were kept.");
            bottom = legend::note(&mut canvas, EDGE, bottom + 4.0, &text);
        }
        Figure::new(canvas, bottom, self.alt())
    }

    fn panel(&self, canvas: &mut Canvas, top: f64, left: f64, height: f64, y: &Axis, curves: &[Curve]) -> f64 {
        let entries: Vec<Entry> = curves
            .iter()
            .filter(|curve| !curve.values.is_empty())
            .map(|curve| Entry::new(Key::Line(curve.stroke()), self.describe(curve)))
            .collect();
        let top = legend::draw(canvas, EDGE, top, &entries);
        let top = Panel::title(canvas, top + 8.0, y);
        let x = Axis::epochs(self.epoch.iter().copied());
        let panel = Panel::at(left, top, height, &x, y);
        panel.draw(canvas, &x, y);
        if let Some(column) = self.kept_epoch.and_then(|epoch| panel.column(epoch)) {
            let stroke = Stroke::solid(QUIET, 1.2).dashed(Some("2,4"));
            canvas.line((column, top), (column, top + height), stroke);
        }
        // The penalty lies under the losses, and training under validation, which is what the figure is about.
        let mut order: Vec<&Curve> = curves.iter().collect();
        order.sort_by_key(|curve| match curve.role {
            Role::Penalty => 0,
            Role::Train => 1,
            _ => 2,
        });
        for curve in order {
            let points: Vec<(f64, f64)> = self.epoch.iter().copied().zip(curve.values.iter().copied()).collect();
            canvas.series(&curve.label, |canvas| {
                line::draw(canvas, &panel, &points, curve.stroke());
                line::tips(canvas, &panel, &points, &curve.label, "epoch");
            });
        }
        let seen = |curve: &Curve| self.epoch.iter().zip(curve.values).any(|(x, y)| panel.point(*x, *y).is_some());
        if !curves.iter().any(seen) {
            panel.say(canvas, "no finite values to draw");
        }
        panel.bottom()
    }

    /// The curve's name, and what of it cannot be drawn.
    fn describe(&self, curve: &Curve) -> String {
        let label = &curve.label;
        if curve.values.iter().all(|value| *value == 0.0) {
            return format!("{label} (zero)");
        }
        let mut points = self.epoch.iter().zip(curve.values).skip_while(|(_, value)| value.is_finite());
        match points.next() {
            None => label.clone(),
            Some((epoch, _)) if points.all(|(_, value)| !value.is_finite()) => {
                format!("{label} (not finite from epoch {epoch})")
            }
            Some(_) => {
                let missing = curve.values.iter().filter(|value| !value.is_finite()).count();
                format!("{label} (not finite in {missing} of {} epochs shown)", curve.values.len())
            }
        }
    }

    fn alt(&self) -> String {
        let mut columns = vec![
            ("train data loss".to_owned(), &self.data_loss),
            (format!("{} data loss", self.held_out), &self.validation_loss),
            ("penalty".to_owned(), &self.penalty),
        ];
        if let Some(metric) = &self.metric {
            columns.push((format!("train {}", metric.name), &metric.train));
            columns.push((format!("{} {}", self.held_out, metric.name), &metric.validation));
        }
        let ends = columns.iter().filter_map(|(name, values)| Some(format!("{name} {}", fixed(*values.last()?, 3))));
        let ends: Vec<String> = ends.collect();
        let ends = if ends.is_empty() { String::new() } else { format!(" At the end: {}.", ends.join(", ")) };
        // A long history is shown by some of its epochs.
        let epochs = self.epoch.iter().copied().filter(|epoch| epoch.is_finite()).fold(0.0, f64::max);
        format!("Learning curves over {epochs} epochs.{ends}")
    }
}

/// All values of `curves`.
fn values<'a>(curves: &'a [Curve<'a>]) -> impl Iterator<Item = f64> + Clone + 'a {
    curves.iter().flat_map(|curve| curve.values.iter().copied())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_alternative_text_counts_epochs_and_not_those_that_are_shown() {
        let epoch: Vec<f64> = (0..200).map(|i| f64::from(1 + i * 299 / 199)).collect();
        let curves = LearningCurves { data_loss: vec![0.5; 200], epoch, ..LearningCurves::default() };
        assert!(curves.figure().alt().starts_with("Learning curves over 300 epochs."), "{}", curves.figure().alt());
        assert!(LearningCurves::default().figure().alt().starts_with("Learning curves over 0 epochs."));
    }
}
