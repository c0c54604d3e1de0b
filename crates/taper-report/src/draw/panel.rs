//! One pair of axes with its grid, and the places of values between them.

use super::canvas::{Anchor, Canvas, Stroke, WIDTH};
use super::scale::Scale;
use super::text::{fit, width};
use super::tick::{Tick, ticks};
use crate::number::shorten;
use crate::palette::{AXIS, GRID, INK, QUIET, WHITE};

const TICK_SIZE: u32 = 13;
const TITLE_SIZE: u32 = 14;
/// Left and right edge of everything in a figure.
pub(crate) const EDGE: f64 = 16.0;

/// A scale, its title with the unit, and its ticks.
#[derive(Debug, Clone)]
pub(crate) struct Axis {
    title: String,
    scale: Scale,
    ticks: Vec<Tick>,
}

impl Axis {
    /// An axis with about `count` ticks.
    pub(crate) fn new(title: impl Into<String>, scale: Scale, count: usize) -> Self {
        Self { title: title.into(), scale, ticks: ticks(scale, count) }
    }

    /// An axis for epochs, which are counted: no ticks between them.
    pub(crate) fn epochs(epochs: impl Iterator<Item = f64>) -> Self {
        let scale = match Scale::linear(epochs, 0.0) {
            // A single epoch, which the scale has widened by less than an epoch.
            Scale::Linear(low, high) if high - low < 1.0 => Scale::Linear(low.floor(), high.ceil()),
            other => other,
        };
        let mut axis = Self::new("epoch", scale, 8);
        axis.ticks.retain(|tick| tick.value.fract() == 0.0);
        for tick in axis.ticks.iter_mut().filter(|tick| !tick.label.contains('e')) {
            tick.label = shorten(&tick.label).to_owned();
        }
        axis
    }

    /// Room that the tick labels need to the left of a vertical axis.
    pub(crate) fn label_width(&self) -> f64 {
        self.ticks.iter().map(|tick| width(&tick.label, TICK_SIZE)).fold(20.0, f64::max)
    }
}

/// A pair of axes. Coordinates on the canvas grow downwards.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Panel {
    x: Scale,
    y: Scale,
    pub(crate) left: f64,
    pub(crate) top: f64,
    pub(crate) width: f64,
    pub(crate) height: f64,
}

impl Panel {
    /// Left edge of a panel whose vertical axes need the widest of `axes`.
    pub(crate) fn left_edge<'a>(axes: impl IntoIterator<Item = &'a Axis>) -> f64 {
        EDGE + axes.into_iter().map(Axis::label_width).fold(0.0, f64::max) + 8.0
    }

    /// Writes the title of the vertical axis, flat above where the panel will be: nobody should have to turn their
    /// head. Returns where it ends.
    pub(crate) fn title(canvas: &mut Canvas, top: f64, y: &Axis) -> f64 {
        let title = fit(&y.title, TITLE_SIZE, WIDTH - 2.0 * EDGE);
        canvas.text((EDGE, top + 15.0), &title, TITLE_SIZE, Anchor::Start, INK);
        top + 26.0
    }

    /// A panel with the upper left corner of its plot at (`left`, `top`), as wide as the figure lets it. Nothing is
    /// drawn yet.
    pub(crate) fn at(left: f64, top: f64, height: f64, x: &Axis, y: &Axis) -> Self {
        Panel { x: x.scale, y: y.scale, left, top, width: WIDTH - EDGE - 10.0 - left, height }
    }

    /// Draws grid, ticks and axis titles.
    pub(crate) fn draw(&self, canvas: &mut Canvas, x: &Axis, y: &Axis) {
        self.draw_rows(canvas, y);
        self.draw_columns(canvas, x);
    }

    /// Where the tick labels and the title of the horizontal axis end.
    pub(crate) fn bottom(&self) -> f64 {
        self.top + self.height + 54.0
    }

    /// Horizontal coordinate of a value of the horizontal axis.
    pub(crate) fn column(&self, x: f64) -> Option<f64> {
        self.x.place(x).map(|place| self.left + place * self.width)
    }

    /// Vertical coordinate of a value of the vertical axis.
    pub(crate) fn row(&self, y: f64) -> Option<f64> {
        self.y.place(y).map(|place| self.top + (1.0 - place) * self.height)
    }

    /// Coordinates of a pair of values.
    pub(crate) fn point(&self, x: f64, y: f64) -> Option<(f64, f64)> {
        Some((self.column(x)?, self.row(y)?))
    }

    /// Says in the middle of the panel that there is nothing to see.
    pub(crate) fn say(&self, canvas: &mut Canvas, message: &str) {
        let middle = (self.left + self.width / 2.0, self.top + self.height / 2.0);
        let half = width(message, TITLE_SIZE) / 2.0 + 8.0;
        canvas.rect(middle.0 - half, middle.1 - 17.0, 2.0 * half, 24.0, WHITE);
        canvas.text(middle, message, TITLE_SIZE, Anchor::Middle, QUIET);
    }

    /// Draws ticks and axis titles without the grid: for panels whose background is painted.
    pub(crate) fn draw_ticks(&self, canvas: &mut Canvas, x: &Axis, y: &Axis) {
        self.label_rows(canvas, y);
        self.label_columns(canvas, x);
    }

    fn draw_rows(&self, canvas: &mut Canvas, y: &Axis) {
        for row in y.ticks.iter().filter_map(|tick| self.row(tick.value)) {
            canvas.line((self.left, row), (self.left + self.width, row), Stroke::solid(GRID, 1.0));
        }
        self.label_rows(canvas, y);
    }

    fn label_rows(&self, canvas: &mut Canvas, y: &Axis) {
        for tick in &y.ticks {
            let Some(row) = self.row(tick.value) else { continue };
            canvas.text((self.left - 8.0, row + 4.5), &tick.label, TICK_SIZE, Anchor::End, QUIET);
        }
    }

    /// Draws what belongs to the horizontal axis alone.
    pub(crate) fn draw_columns(&self, canvas: &mut Canvas, x: &Axis) {
        for column in x.ticks.iter().filter_map(|tick| self.column(tick.value)) {
            canvas.line((column, self.top), (column, self.top + self.height), Stroke::solid(GRID, 1.0));
        }
        self.label_columns(canvas, x);
    }

    fn label_columns(&self, canvas: &mut Canvas, x: &Axis) {
        let floor = self.top + self.height;
        let mut free = f64::NEG_INFINITY;
        for tick in &x.ticks {
            let Some(column) = self.column(tick.value) else { continue };
            canvas.line((column, floor), (column, floor + 5.0), Stroke::solid(AXIS, 1.2));
            let half = width(&tick.label, TICK_SIZE) / 2.0;
            // A label that would run into its neighbour is left out; its tick stays.
            if column - half >= free {
                canvas.text((column, floor + 20.0), &tick.label, TICK_SIZE, Anchor::Middle, QUIET);
                free = column + half + 8.0;
            }
        }
        canvas.line((self.left, floor), (self.left + self.width, floor), Stroke::solid(AXIS, 1.2));
        if let Some(gap) = self.x.gap() {
            self.draw_break(canvas, self.left + gap * self.width, floor);
        }
        let title = fit(&x.title, TITLE_SIZE, WIDTH - 2.0 * EDGE);
        let half = width(&title, TITLE_SIZE) / 2.0;
        let center = (self.left + self.width / 2.0).clamp(EDGE + half, WIDTH - EDGE - half);
        canvas.text((center, floor + 43.0), &title, TITLE_SIZE, Anchor::Middle, INK);
    }

    /// Two slanted strokes: the axis does not go on to zero.
    fn draw_break(&self, canvas: &mut Canvas, x: f64, floor: f64) {
        canvas.rect(x - 4.0, floor - 2.0, 8.0, 4.0, WHITE);
        for dx in [-4.0, 4.0] {
            canvas.line((x + dx - 3.0, floor + 6.0), (x + dx + 3.0, floor - 6.0), Stroke::solid(AXIS, 1.2));
        }
    }
}
