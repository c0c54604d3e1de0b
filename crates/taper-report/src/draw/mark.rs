//! Labels of marked penalty strengths, placed above a panel so that none covers another.

use super::canvas::{Anchor, Canvas, Stroke, WIDTH};
use super::panel::{EDGE, Panel};
use super::text::{fit, width};
use crate::number;
use crate::palette::{INK, QUIET};
use crate::series::LambdaMark;

const MARK_SIZE: u32 = 13;
const MARK_ROW: f64 = 19.0;

/// The label of a mark: above the end of its line, which runs from the floor of the panel up to it.
struct Label {
    /// Row, counted upwards from the panel.
    row: usize,
    /// Coordinate of the line.
    x: f64,
    /// From where to where the text reaches.
    from: f64,
    to: f64,
    text: String,
}

impl Label {
    /// Can both be read: no text over the other's text or line?
    fn stands_free_of(&self, other: &Label) -> bool {
        let (low, high) = if self.row <= other.row { (self, other) } else { (other, self) };
        if low.row == high.row {
            return low.to + 12.0 < high.from || high.to + 12.0 < low.from;
        }
        high.x < low.from - 4.0 || high.x > low.to + 4.0
    }
}

/// The labels of the marks, in as many rows as they need to stand free of each other.
pub(crate) struct Labels {
    rows: usize,
    placed: Vec<Label>,
}

impl Labels {
    /// Finds a place for the label of each mark; `places` are the coordinates of their lines, where they have one.
    pub(crate) fn arrange(marks: &[LambdaMark], places: &[Option<f64>]) -> Self {
        let mut placed = Vec::new();
        for (x, text) in merge(marks, places) {
            let label = Self::find_place(&placed, x, text);
            placed.push(label);
        }
        Self { rows: placed.iter().map(|label| label.row + 1).max().unwrap_or(0), placed }
    }

    /// Room that the rows need above the panel.
    pub(crate) fn height(&self) -> f64 {
        if self.rows == 0 { 0.0 } else { self.rows as f64 * MARK_ROW + 4.0 }
    }

    /// The lowest free row; in it centred on the line if that is free, else beginning or ending there.
    fn find_place(placed: &[Label], x: f64, text: String) -> Label {
        let wide = width(&text, MARK_SIZE);
        let mut label = Label { row: 0, x, from: x, to: x, text };
        for row in 0..=placed.len() {
            for share in [0.5, 0.02, 0.98] {
                label.row = row;
                label.from = (x - share * wide).clamp(EDGE, WIDTH - EDGE - wide);
                label.to = label.from + wide;
                if placed.iter().all(|other| label.stands_free_of(other)) {
                    return label;
                }
            }
        }
        label
    }

    /// Draws labels and lines; `space` lies between the panel and the lowest row.
    pub(crate) fn draw(&self, canvas: &mut Canvas, panel: &Panel, space: f64) {
        for label in &self.placed {
            let baseline = panel.top - space - 8.0 - label.row as f64 * MARK_ROW;
            let line = Stroke::solid(QUIET, 1.2).dashed(Some("2,4"));
            canvas.line((label.x, baseline + 4.0), (label.x, panel.top + panel.height), line);
            let middle = (label.from + label.to) / 2.0;
            canvas.text((middle, baseline), &label.text, MARK_SIZE, Anchor::Middle, INK);
        }
    }
}

/// Marks from left to right, those of one λ together: `best, simplest: 1e-3`.
fn merge(marks: &[LambdaMark], places: &[Option<f64>]) -> Vec<(f64, String)> {
    let mut kept: Vec<(f64, f64, String)> = Vec::new();
    for (mark, place) in marks.iter().zip(places) {
        let Some(x) = *place else { continue };
        match kept.iter_mut().find(|(lambda, ..)| *lambda == mark.lambda) {
            Some((_, _, text)) => *text = format!("{text}, {}", mark.label),
            None => kept.push((mark.lambda, x, mark.label.clone())),
        }
    }
    kept.sort_by(|a, b| a.1.total_cmp(&b.1));
    kept.into_iter()
        .map(|(lambda, x, text)| (x, format!("{}: {}", fit(&text, MARK_SIZE, 370.0), number::lambda(lambda))))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_of_one_strength_share_a_label_and_others_do_not_touch() {
        let marks = [LambdaMark::new(1e-3, "best"), LambdaMark::new(0.0, "now"), LambdaMark::new(1e-3, "simplest")];
        let merged = merge(&marks, &[Some(300.0), Some(100.0), Some(300.0)]);
        assert_eq!(merged, [(100.0, "now: none".into()), (300.0, "best, simplest: 1e-3".into())]);

        let near = [LambdaMark::new(1e-3, "the best of all"), LambdaMark::new(2e-3, "within one standard error")];
        assert_eq!(Labels::arrange(&near, &[Some(300.0), Some(320.0)]).rows, 2);
        assert_eq!(Labels::arrange(&near, &[Some(100.0), Some(520.0)]).rows, 1);
        assert_eq!(Labels::arrange(&near, &[None, None]).rows, 0);
    }
}
