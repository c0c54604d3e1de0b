//! A panel whose horizontal axis is the penalty strength: means, intervals, marks, and crosses for what diverged.

use super::canvas::{Anchor, Canvas, Shape, Stroke, WIDTH};
use super::legend::{self, Entry, Key};
use super::panel::{Axis, EDGE, Panel};
use super::scale::Scale;
use super::text::{fit, width};
use crate::number;
use crate::palette::{INK, QUIET, Role, WHITE};
use crate::series::{LambdaCurve, LambdaMark, LambdaPoint};

const MARK_SIZE: u32 = 13;
const MARK_ROW: f64 = 19.0;
const CROSS_ROW: f64 = 20.0;
/// Distance between curves at the same λ, so that their intervals do not hide each other.
const DODGE: f64 = 5.0;

/// What to draw.
pub(crate) struct LambdaPanel<'a> {
    pub(crate) x_title: &'a str,
    pub(crate) y_title: &'a str,
    pub(crate) height: f64,
    pub(crate) curves: &'a [LambdaCurve],
    pub(crate) marks: &'a [LambdaMark],
    /// What the intervals are; empty: nothing is said.
    pub(crate) interval: &'a str,
}

impl LambdaPanel<'_> {
    /// Draws the panel from `top` down; returns where it ends.
    pub(crate) fn draw(&self, canvas: &mut Canvas, top: f64) -> f64 {
        let points = || self.curves.iter().flat_map(|curve| &curve.points);
        let lambdas = points().map(|point| point.lambda).chain(self.marks.iter().map(|mark| mark.lambda));
        // A logarithmic axis is chosen by the means alone: an interval may well reach below zero.
        let scale = match Scale::fitting(points().map(|point| point.mean)) {
            Scale::Log(..) => Scale::log(points().flat_map(LambdaPoint::seen)),
            _ => Scale::linear(points().flat_map(LambdaPoint::seen), 0.05),
        };
        let log = if scale.is_log() { ", logarithmic" } else { "" };
        let y = Axis::new(format!("{}{log}", self.y_title), scale, 5);
        let x = Axis::new(self.x_title, Scale::lambda(lambdas), 9);
        let left = Panel::left_edge([&y]);

        let mut top = legend::draw(canvas, EDGE, top, &self.entries());
        if !self.interval.is_empty() {
            top = legend::note(canvas, EDGE, top, self.interval);
        }
        top = Panel::title(canvas, top + 8.0, &y);
        let mut panel = Panel::at(left, top, self.height, &x, &y);
        let places: Vec<_> = self.marks.iter().map(|mark| panel.column(mark.lambda)).collect();
        let labels = Labels::arrange(self.marks, &places);
        // What diverged stands above the plot, where no value can be.
        let crosses = if points().any(|point| !point.mean.is_finite()) { CROSS_ROW } else { 0.0 };
        panel.top += labels.rows as f64 * MARK_ROW + if labels.rows > 0 { 4.0 } else { 0.0 } + crosses;

        panel.draw(canvas, &x, &y);
        labels.draw(canvas, &panel, crosses);
        let middle = (self.curves.len() as f64 - 1.0) / 2.0;
        for (i, curve) in self.curves.iter().enumerate() {
            self.draw_curve(canvas, &panel, curve, (i as f64 - middle) * DODGE);
        }
        if !points().any(|point| panel.point(point.lambda, point.mean).is_some()) {
            panel.say(canvas, "no finite values to draw");
        }
        panel.bottom()
    }

    fn entries(&self) -> Vec<Entry> {
        let line = |role: Role| Stroke::solid(role.color(), 2.0).dashed(role.dash());
        let curves = self.curves.iter();
        let mut entries: Vec<Entry> = curves
            .map(|curve| Entry::new(Key::LineMarker(line(curve.role), shape(curve.role)), &*curve.label))
            .collect();
        if self.curves.iter().flat_map(|curve| &curve.points).any(|point| !point.mean.is_finite()) {
            entries.push(Entry::new(Key::Cross(INK), "diverged: no finite value"));
        }
        entries
    }

    fn draw_curve(&self, canvas: &mut Canvas, panel: &Panel, curve: &LambdaCurve, shift: f64) {
        let color = curve.role.color();
        let mut points: Vec<&LambdaPoint> = curve.points.iter().collect();
        points.sort_by(|a, b| a.lambda.total_cmp(&b.lambda));
        let place = |point: &&LambdaPoint| panel.point(point.lambda, point.mean).map(|(x, y)| (x + shift, y));

        // No line leads to λ = 0: there is no distance between it and the powers of ten.
        let positive: Vec<_> = points.iter().filter(|point| point.lambda > 0.0).map(place).collect();
        for run in positive.split(Option::is_none) {
            let run = run.iter().copied().flatten().collect();
            canvas.polyline(run, Stroke::solid(color, 2.0).dashed(curve.role.dash()));
        }
        for point in &points {
            let Some(x) = panel.column(point.lambda).map(|x| x + shift) else { continue };
            let Some((_, y)) = place(point) else {
                canvas.cross((x, panel.top - CROSS_ROW / 2.0), 5.0, Stroke::solid(color, 2.4));
                continue;
            };
            draw_interval(canvas, panel, x, point, Stroke::solid(color, 1.6));
            let chosen = self.marks.iter().any(|mark| mark.lambda == point.lambda);
            let r = if chosen { 6.0 } else { 4.5 };
            canvas.marker(shape(curve.role), (x, y), r, color, Stroke::solid(WHITE, 1.0));
        }
    }
}

impl LambdaPoint {
    /// The values that the panel has to have room for.
    fn seen(&self) -> [f64; 3] {
        if self.mean.is_finite() { [self.mean, self.lower, self.upper] } else { [f64::NAN; 3] }
    }
}

fn draw_interval(canvas: &mut Canvas, panel: &Panel, x: f64, point: &LambdaPoint, stroke: Stroke) {
    if !(point.lower.is_finite() && point.upper.is_finite()) || point.lower >= point.upper {
        return;
    }
    let Some(high) = panel.row(point.upper) else { return };
    // What reaches below zero has no place on a logarithmic axis: the interval then ends at the floor, without a cap.
    let low = panel.row(point.lower);
    canvas.line((x, low.unwrap_or(panel.top + panel.height)), (x, high), stroke);
    for end in [Some(high), low].into_iter().flatten() {
        canvas.line((x - 3.5, end), (x + 3.5, end), stroke);
    }
}

/// Means on validation rows are told from those on test rows, which have the same colour, by their shape.
fn shape(role: Role) -> Shape {
    match role {
        Role::Validation => Shape::Diamond,
        Role::Penalty => Shape::Square,
        Role::Setting(place) => [Shape::Circle, Shape::Diamond, Shape::Triangle, Shape::Square][place % 4],
        Role::Train | Role::Test => Shape::Circle,
    }
}

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
struct Labels {
    rows: usize,
    placed: Vec<Label>,
}

impl Labels {
    fn arrange(marks: &[LambdaMark], places: &[Option<f64>]) -> Self {
        let mut placed = Vec::new();
        for (x, text) in merge(marks, places) {
            let label = Self::find_place(&placed, x, fit(&text, MARK_SIZE, 420.0));
            placed.push(label);
        }
        Self { rows: placed.iter().map(|label| label.row + 1).max().unwrap_or(0), placed }
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
    fn draw(&self, canvas: &mut Canvas, panel: &Panel, space: f64) {
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
    kept.into_iter().map(|(lambda, x, text)| (x, format!("{text}: {}", number::lambda(lambda)))).collect()
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
