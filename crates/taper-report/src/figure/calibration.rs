//! Whether probabilities mean what they say.

use serde::{Deserialize, Serialize};

use super::Figure;
use crate::draw::canvas::{Canvas, Shape, Stroke};
use crate::draw::legend::{self, Entry, Key};
use crate::draw::panel::{Axis, EDGE, Panel};
use crate::draw::scale::Scale;
use crate::number::fixed;
use crate::palette::{AXIS, Role, WHITE};

/// How often what was predicted with some probability came true, a line per model. On the diagonal every probability means
/// what it says; below it predictions are too sure of themselves. Larger points stand for more predictions.
///
/// # Example
///
/// ```
/// use taper_report::{Calibration, CalibrationCurve, CalibrationPoint};
///
/// let points = vec![
///     CalibrationPoint { predicted: 0.1, observed: 0.2, count: 40 },
///     CalibrationPoint { predicted: 0.9, observed: 0.7, count: 60 },
/// ];
/// let figure = Calibration { curves: vec![CalibrationCurve { label: "no penalty".into(), points }] }.figure();
/// assert!(figure.alt().contains("0.90 came true in 0.70 of 60"));
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Calibration {
    /// One line per model.
    pub curves: Vec<CalibrationCurve>,
}

/// The calibration of one model.
///
/// # Example
///
/// ```
/// use taper_report::CalibrationCurve;
///
/// assert!(CalibrationCurve::default().points.is_empty());
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CalibrationCurve {
    /// What the legend calls it.
    pub label: String,
    /// Groups of predictions, by rising probability.
    pub points: Vec<CalibrationPoint>,
}

/// Predictions of about the same probability.
///
/// # Example
///
/// ```
/// use taper_report::CalibrationPoint;
///
/// let honest = CalibrationPoint { predicted: 0.5, observed: 0.5, count: 10 };
/// assert_eq!(honest.predicted, honest.observed);
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CalibrationPoint {
    /// Their mean probability, 0 to 1.
    pub predicted: f64,
    /// The share of them that came true, 0 to 1.
    pub observed: f64,
    /// How many they are.
    pub count: usize,
}

impl Calibration {
    /// Draws the figure.
    pub fn figure(&self) -> Figure {
        let mut canvas = Canvas::new();
        let curves = self.curves.iter().enumerate();
        let mut entries: Vec<Entry> =
            curves.map(|(i, curve)| Entry::new(Key::LineMarker(stroke(i), shape(i)), &*curve.label)).collect();
        let diagonal = Stroke::solid(AXIS, 1.4).dashed(Some("5,4"));
        entries.push(Entry::new(Key::Line(diagonal), "probabilities that mean what they say"));
        let top = legend::draw(&mut canvas, EDGE, EDGE, &entries);
        let x = Axis::new("predicted probability", Scale::Linear(0.0, 1.0), 5);
        let y = Axis::new("share that came true", Scale::Linear(0.0, 1.0), 5);
        let top = Panel::title(&mut canvas, top + 8.0, &y);
        let panel = Panel::at(Panel::left_edge([&y]), top, 320.0, &x, &y);
        panel.draw(&mut canvas, &x, &y);
        if let (Some(from), Some(to)) = (panel.point(0.0, 0.0), panel.point(1.0, 1.0)) {
            canvas.line(from, to, diagonal);
        }
        for (i, curve) in self.curves.iter().enumerate() {
            canvas.series(&curve.label, |canvas| draw_curve(canvas, &panel, curve, i));
        }
        Figure::new(canvas, panel.bottom(), self.alt())
    }

    fn alt(&self) -> String {
        let mut alt = "Calibration.".to_owned();
        for curve in &self.curves {
            let points: Vec<String> = curve.points.iter().map(said).collect();
            alt.push_str(&format!(" {}: {}.", curve.label, points.join("; ")));
        }
        alt
    }
}

fn said(point: &CalibrationPoint) -> String {
    format!("{} came true in {} of {}", fixed(point.predicted, 2), fixed(point.observed, 2), point.count)
}

fn stroke(place: usize) -> Stroke {
    Stroke::solid(Role::Setting(place).color(), 2.0)
}

fn shape(place: usize) -> Shape {
    [Shape::Circle, Shape::Diamond, Shape::Triangle, Shape::Square][place % 4]
}

fn draw_curve(canvas: &mut Canvas, panel: &Panel, curve: &CalibrationCurve, place: usize) {
    let most = curve.points.iter().map(|point| point.count).max().unwrap_or(1).max(1) as f64;
    let inside = |point: &CalibrationPoint| {
        let share = |value: f64| (0.0..=1.0).contains(&value);
        (share(point.predicted) && share(point.observed))
            .then(|| panel.point(point.predicted, point.observed))
            .flatten()
    };
    let places: Vec<_> = curve.points.iter().filter_map(|point| Some((inside(point)?, point))).collect();
    canvas.polyline(places.iter().map(|(place, _)| *place).collect(), stroke(place));
    for (at, point) in places {
        let r = 3.5 + 4.5 * (point.count as f64 / most).sqrt();
        canvas.marker(shape(place), at, r, Role::Setting(place).color(), Stroke::solid(WHITE, 1.0));
        canvas.tip(at, &format!("{}: {}", curve.label, said(point)));
    }
}
