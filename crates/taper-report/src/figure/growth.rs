//! How time grows with the size of the work.

use serde::{Deserialize, Serialize};

use super::Figure;
use crate::draw::canvas::{Canvas, Shape, Stroke};
use crate::draw::legend::{self, Entry, Key};
use crate::draw::line;
use crate::draw::panel::{Axis, EDGE, Panel};
use crate::draw::scale::Scale;
use crate::number::fixed;
use crate::palette::{QUIET, Role, WHITE};
use crate::series::Series;

/// Seconds against a size, both logarithmic, so that a power of the size is a straight line. If asked for, what time in
/// proportion to the size would be, dashed, through the last point: where the two run together, nothing but the work itself
/// costs time.
///
/// # Example
///
/// ```
/// use taper_report::{Growth, Series};
///
/// let measured = Series { label: "an epoch".into(), x: vec![1.0, 2.0, 4.0], y: vec![3e-6, 4e-6, 6e-6] };
/// let figure = Growth { size: "units".into(), measured, proportional: true }.figure();
/// assert!(figure.alt().contains("6.0 µs at 4"));
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Growth {
    /// What grows: title of the horizontal axis.
    pub size: String,
    /// Sizes, rising, and seconds.
    pub measured: Series,
    /// Whether the line of proportional growth is drawn.
    pub proportional: bool,
}

impl Growth {
    /// Draws the figure.
    pub fn figure(&self) -> Figure {
        let mut canvas = Canvas::new();
        let solid = Stroke::solid(Role::Setting(0).color(), 2.0);
        let dashed = Stroke::solid(QUIET, 1.4).dashed(Some("6,4"));
        let points: Vec<(f64, f64)> = self.measured.points().map(|(x, seconds)| (x, seconds * 1e6)).collect();
        let positive = |(x, y): &&(f64, f64)| *x > 0.0 && *y > 0.0 && x.is_finite() && y.is_finite();
        let proportional: Vec<(f64, f64)> = match points.iter().rev().find(positive) {
            Some((last, micros)) if self.proportional => {
                points.iter().filter(positive).map(|(x, _)| (*x, micros / last * x)).collect()
            }
            _ => vec![],
        };
        let mut entries = vec![Entry::new(Key::LineMarker(solid, Shape::Circle), &*self.measured.label)];
        entries.extend(self.proportional.then(|| Entry::new(Key::Line(dashed), "in proportion")));
        let top = legend::draw(&mut canvas, EDGE, EDGE, &entries);
        let x = Axis::new(&*self.size, Scale::log(points.iter().map(|(x, _)| *x)), 8);
        let y = Axis::new("µs, logarithmic", Scale::log(points.iter().map(|(_, y)| *y)), 5);
        let top = Panel::title(&mut canvas, top + 8.0, &y);
        let panel = Panel::at(Panel::left_edge([&y]), top, 260.0, &x, &y);
        panel.draw(&mut canvas, &x, &y);
        // Of the dashed line, what lies within the axes.
        let rows = panel.top..=panel.top + panel.height;
        let within = |(x, y): &(f64, f64)| panel.point(*x, *y).is_some_and(|(_, row)| rows.contains(&row));
        let within: Vec<(f64, f64)> = proportional.into_iter().filter(within).collect();
        if !within.is_empty() {
            canvas.series("in proportion", |canvas| line::draw(canvas, &panel, &within, dashed));
        }
        canvas.series(&self.measured.label, |canvas| {
            line::draw(canvas, &panel, &points, solid);
            for (x, y) in &points {
                if let Some(place) = panel.point(*x, *y) {
                    canvas.marker(Shape::Circle, place, 5.0, solid.color, Stroke::solid(WHITE, 1.0));
                    canvas.tip(place, &format!("{} {x}: {} µs", self.size, fixed(*y, 1)));
                }
            }
        });
        if !points.iter().any(|(x, y)| panel.point(*x, *y).is_some()) {
            panel.say(&mut canvas, "no positive values to draw");
        }
        let all: Vec<String> = points.iter().map(|(x, y)| format!("{} µs at {x}", fixed(*y, 1))).collect();
        let alt = format!("Time of {} against {}: {}.", self.measured.label, self.size, all.join(", "));
        Figure::new(canvas, panel.bottom(), alt)
    }
}
