//! What the colours and shapes mean, in rows above the panel: there it can cover nothing.

use super::canvas::{Anchor, Canvas, Shape, Stroke, WIDTH};
use super::text::{fit, width, wrap};
use crate::palette::{INK, QUIET, Rgb};

const SIZE: u32 = 14;
const NOTE_SIZE: u32 = 13;
const ROW: f64 = 23.0;
const KEY: f64 = 26.0;
const BETWEEN: f64 = 22.0;

/// A sample of what is drawn.
#[derive(Debug, Clone)]
pub(crate) enum Key {
    /// A line.
    Line(Stroke),
    /// A point mark: shape, fill, edge.
    Marker(Shape, Rgb, Stroke),
    /// A line with a point mark on it.
    LineMarker(Stroke, Shape),
    /// A diagonal cross.
    Cross(Rgb),
    /// Neighbouring colours.
    Strip(Vec<Rgb>),
}

impl Key {
    /// A scale of colours needs room to be read; of the others only the kind matters.
    fn width(&self) -> f64 {
        if matches!(self, Key::Strip(_)) { 90.0 } else { KEY }
    }
}

/// A sample and its name.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) key: Key,
    pub(crate) label: String,
}

impl Entry {
    pub(crate) fn new(key: Key, label: impl Into<String>) -> Self {
        Self { key, label: label.into() }
    }
}

/// Draws `entries` in rows from `left` to the right edge, beginning at `top`; returns where they end.
pub(crate) fn draw(canvas: &mut Canvas, left: f64, top: f64, entries: &[Entry]) -> f64 {
    let right = WIDTH - 16.0;
    let (mut x, mut y) = (left, top);
    for entry in entries {
        let indent = entry.key.width() + 8.0;
        let label = fit(&entry.label, SIZE, right - left - indent);
        let wide = indent + width(&label, SIZE);
        if x > left && x + wide > right {
            (x, y) = (left, y + ROW);
        }
        key(canvas, &entry.key, x, y + ROW / 2.0);
        canvas.text((x + indent, y + ROW / 2.0 + 5.0), &label, SIZE, Anchor::Start, INK);
        x += wide + BETWEEN;
    }
    if entries.is_empty() { top } else { y + ROW }
}

/// Writes a note (what the bars are, what is missing) in up to three rows; returns where it ends.
pub(crate) fn note(canvas: &mut Canvas, left: f64, top: f64, text: &str) -> f64 {
    let rows = wrap(text, NOTE_SIZE, WIDTH - 16.0 - left, 3);
    for (i, row) in rows.iter().enumerate() {
        canvas.text((left, top + 15.0 + i as f64 * 19.0), row, NOTE_SIZE, Anchor::Start, QUIET);
    }
    top + rows.len() as f64 * 19.0
}

fn key(canvas: &mut Canvas, key: &Key, x: f64, middle: f64) {
    let center = (x + KEY / 2.0, middle);
    match key {
        Key::Line(stroke) => canvas.line((x, middle), (x + KEY, middle), *stroke),
        Key::Marker(shape, fill, edge) => canvas.marker(*shape, center, 5.0, *fill, *edge),
        Key::LineMarker(stroke, shape) => {
            canvas.line((x, middle), (x + KEY, middle), *stroke);
            canvas.marker(*shape, center, 4.5, stroke.color, Stroke::solid(stroke.color, 0.5));
        }
        Key::Cross(color) => canvas.cross(center, 4.5, Stroke::solid(*color, 2.2)),
        Key::Strip(colors) => {
            let wide = key.width() / colors.len().max(1) as f64;
            for (i, color) in colors.iter().enumerate() {
                canvas.rect(x + i as f64 * wide, middle - 6.0, wide, 12.0, *color);
            }
        }
    }
}
