//! Would more rows help more?

use serde::{Deserialize, Serialize};

use super::Figure;
use crate::draw::canvas::{Canvas, Shape, Stroke};
use crate::draw::legend::{self, Entry, Key};
use crate::draw::panel::{Axis, EDGE, Panel};
use crate::draw::scale::Scale;
use crate::number::{decimals_for, fixed};
use crate::palette::{Role, WHITE};

/// A score against the number of training rows, a line per setting: whether lines still fall says whether more rows would help,
/// and whether they meet says how many rows make the penalty needless.
///
/// # Example
///
/// ```
/// use taper_report::{SampleSize, SizeCurve, SizePoint};
///
/// let point = |rows, mean| SizePoint { rows, mean, lower: mean - 0.1, upper: mean + 0.1 };
/// let curve = SizeCurve { label: "no penalty".into(), points: vec![point(100.0, 0.5), point(200.0, 0.4)] };
/// let figure = SampleSize { metric: "data loss".into(), interval: String::new(), curves: vec![curve] }.figure();
/// assert!(figure.alt().contains("0.400 at 200 rows"));
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SampleSize {
    /// The score, with its unit if it has one.
    pub metric: String,
    /// What the intervals are, as a sentence.
    pub interval: String,
    /// One line per setting.
    pub curves: Vec<SizeCurve>,
}

/// The scores of one setting.
///
/// # Example
///
/// ```
/// use taper_report::SizeCurve;
///
/// assert!(SizeCurve::default().points.is_empty());
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SizeCurve {
    /// What the legend calls it.
    pub label: String,
    /// By rising number of rows.
    pub points: Vec<SizePoint>,
}

/// A mean at one number of training rows.
///
/// # Example
///
/// ```
/// use taper_report::SizePoint;
///
/// let point = SizePoint { rows: 100.0, mean: 0.5, lower: 0.4, upper: 0.6 };
/// assert!(point.lower < point.mean);
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SizePoint {
    /// Training rows.
    pub rows: f64,
    /// The mean.
    pub mean: f64,
    /// Lower end of the interval; not finite: no interval is drawn.
    pub lower: f64,
    /// Upper end.
    pub upper: f64,
}

impl SampleSize {
    /// Draws the figure.
    pub fn figure(&self) -> Figure {
        let mut canvas = Canvas::new();
        let points = || self.curves.iter().flat_map(|curve| &curve.points);
        let curves = self.curves.iter().enumerate();
        let entries: Vec<Entry> =
            curves.map(|(i, curve)| Entry::new(Key::LineMarker(stroke(i), shape(i)), &*curve.label)).collect();
        let mut top = legend::draw(&mut canvas, EDGE, EDGE, &entries);
        if !self.interval.is_empty() {
            top = legend::note(&mut canvas, EDGE, top, &self.interval);
        }
        let x = Axis::new("training rows", Scale::linear(points().map(|point| point.rows), 0.06), 6);
        let ends = points().flat_map(|point| [point.mean, point.lower, point.upper]);
        let y = Axis::new(&*self.metric, Scale::linear(ends, 0.06), 5);
        top = Panel::title(&mut canvas, top + 8.0, &y);
        let panel = Panel::at(Panel::left_edge([&y]), top, 260.0, &x, &y);
        panel.draw(&mut canvas, &x, &y);
        for (i, curve) in self.curves.iter().enumerate() {
            canvas.series(&curve.label, |canvas| draw_curve(canvas, &panel, curve, i));
        }
        if !points().any(|point| panel.point(point.rows, point.mean).is_some()) {
            panel.say(&mut canvas, "no finite values to draw");
        }
        Figure::new(canvas, panel.bottom(), self.alt())
    }

    fn alt(&self) -> String {
        let mut alt = format!("Mean {} against the number of training rows.", self.metric);
        for curve in &self.curves {
            let points: Vec<String> =
                curve.points.iter().map(|p| format!("{} at {:.0} rows", fixed(p.mean, 3), p.rows)).collect();
            alt.push_str(&format!(" {}: {}.", curve.label, points.join(", ")));
        }
        alt
    }
}

fn stroke(place: usize) -> Stroke {
    Stroke::solid(Role::Setting(place).color(), 2.0)
}

fn shape(place: usize) -> Shape {
    [Shape::Circle, Shape::Diamond, Shape::Triangle, Shape::Square][place % 4]
}

fn draw_curve(canvas: &mut Canvas, panel: &Panel, curve: &SizeCurve, place: usize) {
    let color = Role::Setting(place).color();
    // Beside each other where they have the same number of rows.
    let shift = 4.0 * place as f64;
    let at = |point: &SizePoint| panel.point(point.rows, point.mean).map(|(x, y)| (x + shift, y));
    let places: Vec<Option<(f64, f64)>> = curve.points.iter().map(at).collect();
    for run in places.split(Option::is_none) {
        canvas.polyline(run.iter().copied().flatten().collect(), stroke(place));
    }
    for (point, (x, y)) in curve.points.iter().filter_map(|point| Some((point, at(point)?))) {
        if let (Some(low), Some(high)) = (panel.row(point.lower), panel.row(point.upper)) {
            canvas.line((x, low), (x, high), Stroke::solid(color, 1.6));
            for end in [low, high] {
                canvas.line((x - 3.5, end), (x + 3.5, end), Stroke::solid(color, 1.6));
            }
        }
        canvas.marker(shape(place), (x, y), 5.0, color, Stroke::solid(WHITE, 1.0));
        let half = (point.upper - point.lower) / 2.0;
        let decimals = decimals_for(half, 3);
        let text = format!(
            "{}, {:.0} rows: {} ± {}",
            curve.label,
            point.rows,
            fixed(point.mean, decimals),
            fixed(half, decimals)
        );
        canvas.tip((x, y), &text);
    }
}
