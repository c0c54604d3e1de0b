//! What a model predicts everywhere in the plane.

use serde::{Deserialize, Serialize};

use crate::draw::canvas::{Canvas, Stroke};
use crate::draw::contour::Grid;
use crate::draw::panel::Panel;
use crate::palette::{INK, Rgb, WHITE, class};

/// How much of a class's colour the background takes at the most.
const TINT: f64 = 0.38;

/// Predicted probabilities on a grid over the plane; 100 by 100 points give smooth lines.
///
/// # Example
///
/// ```
/// use taper_report::Surface;
///
/// // The probability of class 1, rising to the right.
/// let surface = Surface { x: vec![-1.0, 1.0], y: vec![0.0, 1.0], probability: vec![vec![0.1, 0.9, 0.1, 0.9]] };
/// assert_eq!(surface.probability[0].len(), surface.x.len() * surface.y.len());
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Surface {
    /// Columns of the grid, rising, at least 2.
    pub x: Vec<f64>,
    /// Rows of the grid, rising, at least 2.
    pub y: Vec<f64>,
    /// One grid per class, or for two classes a single one with the probability of class 1; each grid row by row:
    /// `probability[class][row * x.len() + column]`, 0 to 1.
    pub probability: Vec<Vec<f64>>,
}

impl Surface {
    /// Is it a grid of the size that it says, with places that can be drawn?
    pub(super) fn is_sound(&self) -> bool {
        let cells = self.x.len() * self.y.len();
        let axes = self.x.len() >= 2 && self.y.len() >= 2 && self.x.iter().chain(&self.y).all(|v| v.is_finite());
        axes && !self.probability.is_empty() && self.probability.iter().all(|grid| grid.len() == cells)
    }

    /// For two classes: the probability of class 1. A prediction that is not a number counts as undecided.
    pub(super) fn of_class_one(&self) -> Option<Vec<f64>> {
        let grid = match &self.probability[..] {
            [one] | [_, one] => one,
            _ => return None,
        };
        Some(grid.iter().map(|p| if p.is_finite() { *p } else { 0.5 }).collect())
    }

    /// For each class: how much likelier it is than the likeliest other.
    fn margins(&self) -> Vec<Vec<f64>> {
        let cells = self.x.len() * self.y.len();
        let margin = |class: usize, cell: usize| {
            let others = self.probability.iter().enumerate().filter(|(other, _)| *other != class);
            self.probability[class][cell] - others.map(|(_, grid)| grid[cell]).fold(f64::NEG_INFINITY, f64::max)
        };
        (0..self.probability.len()).map(|class| (0..cells).map(|cell| margin(class, cell)).collect()).collect()
    }

    /// Fills the plane with what the model predicts, and draws the line where its decision changes.
    pub(super) fn paint(&self, canvas: &mut Canvas, panel: &Panel) {
        let place = |lines: Vec<Vec<(f64, f64)>>| -> Vec<Vec<(f64, f64)>> {
            lines.into_iter().map(|line| apart(line.into_iter().filter_map(|(x, y)| panel.point(x, y)))).collect()
        };
        let edge = Stroke::solid(INK, 1.8);
        let all = vec![1.0; self.x.len() * self.y.len()];
        let binary = self.of_class_one();
        let grid = |value| Grid { x: &self.x, y: &self.y, value };
        if let Some(probability) = &binary {
            // From the bottom up, each band over the ones below it: no seams.
            canvas.fill(&place(grid(&all).region(0.5)), band_color(0.05));
            for band in 1..10 {
                let level = f64::from(band) / 10.0;
                canvas.fill(&place(grid(probability).region(level)), band_color(level + 0.05));
            }
            for line in place(grid(probability).lines(0.5)) {
                canvas.polyline(line, edge);
            }
            return;
        }
        let margins = self.margins();
        for (index, margin) in margins.iter().enumerate() {
            canvas.fill(&place(grid(margin).region(0.0)), WHITE.mix(class(index).0, TINT * 0.75));
        }
        for margin in &margins {
            for line in place(grid(margin).lines(0.0)) {
                canvas.polyline(line, edge);
            }
        }
    }
}

/// Background where class 1 has this probability: white where the model is undecided.
pub(super) fn band_color(probability: f64) -> Rgb {
    let (toward, certainty) =
        if probability < 0.5 { (0, 1.0 - 2.0 * probability) } else { (1, 2.0 * probability - 1.0) };
    WHITE.mix(class(toward).0, TINT * certainty)
}

/// The points without those less than a unit and a half from the last one kept: nobody could see them.
fn apart(points: impl Iterator<Item = (f64, f64)>) -> Vec<(f64, f64)> {
    let mut kept: Vec<(f64, f64)> = Vec::new();
    for point in points {
        if kept.last().is_none_or(|last| (last.0 - point.0).hypot(last.1 - point.1) >= 1.5) {
            kept.push(point);
        }
    }
    kept
}
