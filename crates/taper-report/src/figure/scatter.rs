//! Classes in the plane, and where a model divides it.

use serde::{Deserialize, Serialize};

use super::Figure;
use super::surface::{Surface, band_color};
use crate::draw::canvas::{Canvas, Shape, Stroke};
use crate::draw::legend::{self, Entry, Key};
use crate::draw::panel::{Axis, EDGE, Panel};
use crate::draw::scale::Scale;
use crate::palette::{INK, QUIET, WHITE, class};

/// Points of two or more classes in the plane, those trained on filled and those held out hollow; behind them, if
/// given, what a model predicts everywhere.
///
/// # Example
///
/// ```
/// use taper_report::{Scatter, ScatterPoint};
///
/// let figure = Scatter {
///     classes: vec!["inner".into(), "outer".into()],
///     points: vec![ScatterPoint { x: 0.1, y: 0.2, class: 1, held_out: true }],
///     ..Default::default()
/// }
/// .figure();
/// assert_eq!(figure.alt(), "Scatter plot of 0 points trained on and 1 held out, in 2 classes.");
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Scatter {
    /// Title of the horizontal axis, with its unit.
    pub x_label: String,
    /// Title of the vertical axis, with its unit.
    pub y_label: String,
    /// Names of the classes; a class without a name is called by its number.
    pub classes: Vec<String>,
    /// What the rows held out are called: `test`, or `validation`.
    pub held_out: String,
    /// The points, painted in this order, those held out last.
    pub points: Vec<ScatterPoint>,
    /// What the model predicts.
    pub surface: Option<Surface>,
}

impl Default for Scatter {
    fn default() -> Self {
        Self {
            x_label: "x₁".to_owned(),
            y_label: "x₂".to_owned(),
            classes: Vec::new(),
            held_out: "test".to_owned(),
            points: Vec::new(),
            surface: None,
        }
    }
}

/// One row of a data set with two features.
///
/// # Example
///
/// ```
/// use taper_report::ScatterPoint;
///
/// let point = ScatterPoint { x: 0.5, y: -0.25, class: 0, held_out: false };
/// assert_eq!(point.class, 0);
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScatterPoint {
    /// First feature.
    pub x: f64,
    /// Second feature.
    pub y: f64,
    /// Index of its true class.
    pub class: usize,
    /// Was it kept from training?
    pub held_out: bool,
}

impl Scatter {
    /// Draws the figure.
    pub fn figure(&self) -> Figure {
        let mut canvas = Canvas::new();
        let surface = self.surface.as_ref().filter(|surface| surface.is_sound());
        let margin = if surface.is_some() { 0.0 } else { 0.05 };
        let grid_x = surface.iter().flat_map(|surface| surface.x.iter().copied());
        let grid_y = surface.iter().flat_map(|surface| surface.y.iter().copied());
        let x_scale = Scale::linear(self.drawable().map(|p| p.x).chain(grid_x), margin);
        let x = Axis::new(&*self.x_label, x_scale, 8);
        let y = Axis::new(&*self.y_label, Scale::linear(self.drawable().map(|p| p.y).chain(grid_y), margin), 6);

        let mut top = legend::draw(&mut canvas, EDGE, EDGE, &self.class_entries());
        top = legend::draw(&mut canvas, EDGE, top, &self.row_entries(surface));
        for note in self.notes(surface.is_some()) {
            top = legend::note(&mut canvas, EDGE, top, &note);
        }
        let top = Panel::title(&mut canvas, top + 8.0, &y);
        let panel = Panel::at(Panel::left_edge([&y]), top, 430.0, &x, &y);
        match surface {
            Some(surface) => {
                surface.paint(&mut canvas, &panel);
                panel.draw_ticks(&mut canvas, &x, &y);
            }
            None => panel.draw(&mut canvas, &x, &y),
        }
        for point in self.drawable().filter(|p| !p.held_out).chain(self.drawable().filter(|p| p.held_out)) {
            if let Some(at) = panel.point(point.x, point.y) {
                let (fill, edge) = class(point.class);
                let (fill, edge) =
                    if point.held_out { (WHITE, Stroke::solid(edge, 1.8)) } else { (fill, Stroke::solid(edge, 1.2)) };
                canvas.marker(shape(point.class), at, 4.6, fill, edge);
            }
        }
        if self.drawable().next().is_none() && surface.is_none() {
            panel.say(&mut canvas, "no points to draw");
        }
        Figure::new(canvas, panel.bottom(), self.alt())
    }

    fn drawable(&self) -> impl Iterator<Item = &ScatterPoint> + '_ {
        self.points.iter().filter(|point| point.x.is_finite() && point.y.is_finite())
    }

    /// How many classes there are to name; not more than can be told apart by colour and shape together.
    fn class_count(&self) -> usize {
        let used = self.points.iter().map(|point| point.class.saturating_add(1)).max().unwrap_or(0);
        self.classes.len().max(used).min(12)
    }

    fn class_name(&self, index: usize) -> String {
        self.classes.get(index).cloned().unwrap_or_else(|| format!("class {index}"))
    }

    fn class_entries(&self) -> Vec<Entry> {
        let entry = |index: usize| {
            let (fill, edge) = class(index);
            Entry::new(Key::Marker(shape(index), fill, Stroke::solid(edge, 1.2)), self.class_name(index))
        };
        (0..self.class_count()).map(entry).collect()
    }

    fn row_entries(&self, surface: Option<&Surface>) -> Vec<Entry> {
        let mut entries = Vec::new();
        if self.points.iter().any(|point| !point.held_out) {
            entries.push(Entry::new(Key::Marker(Shape::Circle, QUIET, Stroke::solid(INK, 1.2)), "train (filled)"));
        }
        if self.points.iter().any(|point| point.held_out) {
            let key = Key::Marker(Shape::Circle, WHITE, Stroke::solid(INK, 1.8));
            entries.push(Entry::new(key, format!("{} (hollow)", self.held_out)));
        }
        if let Some(surface) = surface {
            if surface.of_class_one().is_some() {
                let colors = (0..10).map(|band| band_color(band as f64 / 10.0 + 0.05)).collect();
                entries.push(Entry::new(Key::Strip(colors), format!("probability of {}, 0 to 1", self.class_name(1))));
                entries.push(Entry::new(Key::Line(Stroke::solid(INK, 1.8)), "decision at 0.5"));
            } else {
                entries.push(Entry::new(Key::Line(Stroke::solid(INK, 1.8)), "predicted class changes"));
            }
        }
        entries
    }

    fn notes(&self, painted: bool) -> Vec<String> {
        let missing = self.points.len() - self.drawable().count();
        let mut notes = Vec::new();
        if missing > 0 {
            notes.push(format!("Not drawn, because not finite: {missing} of {} points.", self.points.len()));
        }
        if self.surface.is_some() && !painted {
            notes.push("The predictions are not drawn: their grid is not complete.".to_owned());
        }
        notes
    }

    fn alt(&self) -> String {
        let held_out = self.points.iter().filter(|point| point.held_out).count();
        let behind = match &self.surface {
            Some(surface) if surface.is_sound() => " Behind them, the predictions of the model.",
            _ => "",
        };
        format!(
            "Scatter plot of {} points trained on and {held_out} held out, in {} classes.{behind}",
            self.points.len() - held_out,
            self.class_count()
        )
    }
}

fn shape(class: usize) -> Shape {
    [Shape::Circle, Shape::Diamond, Shape::Triangle, Shape::Square][class % 4]
}
