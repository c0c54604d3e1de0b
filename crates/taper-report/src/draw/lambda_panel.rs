//! A panel whose horizontal axis is the penalty strength: means, intervals, marks, and crosses for what diverged.

use super::canvas::{Anchor, Canvas, Shape, Stroke};
use super::legend::{self, Entry, Key};
use super::mark::Labels;
use super::panel::{Axis, EDGE, Panel};
use super::scale::Scale;
use super::text::width;
use crate::number;
use crate::palette::{INK, QUIET, Role, WHITE};
use crate::series::{LambdaCurve, LambdaMark, LambdaPoint};

const CROSS_ROW: f64 = 20.0;
const COUNT_SIZE: u32 = 11;
const COUNT_ROW: f64 = 18.0;
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
        let counts = if points().any(|point| point.n.is_some()) { COUNT_ROW } else { 0.0 };
        panel.top += labels.height() + crosses + counts;

        panel.draw(canvas, &x, &y);
        labels.draw(canvas, &panel, crosses + counts);
        self.draw_counts(canvas, &panel, crosses);
        let middle = (self.curves.len() as f64 - 1.0) / 2.0;
        for (i, curve) in self.curves.iter().enumerate() {
            let shift = (i as f64 - middle) * DODGE;
            canvas.series(&curve.label, |canvas| self.draw_curve(canvas, &panel, curve, shift));
        }
        if !points().any(|point| panel.point(point.lambda, point.mean).is_some()) {
            panel.say(canvas, "no finite values to draw");
        }
        panel.bottom()
    }

    /// `test, 1e-3: 0.513 [0.487, 0.540], n = 50`.
    fn tip(&self, curve: &LambdaCurve, point: &LambdaPoint) -> String {
        let half = (point.upper - point.lower) / 2.0;
        let decimals = number::decimals_for(half, 3).min(6);
        let mut text =
            format!("{}, {}: {}", curve.label, number::lambda(point.lambda), number::fixed(point.mean, decimals));
        if half > 0.0 {
            let (lower, upper) = (number::fixed(point.lower, decimals), number::fixed(point.upper, decimals));
            text.push_str(&format!(" [{lower}, {upper}]"));
        }
        if let Some(n) = point.n {
            text.push_str(&format!(", n = {n}"));
        }
        text
    }

    /// How many runs each point is made of, `space` above the plot, for the last curve that says so.
    fn draw_counts(&self, canvas: &mut Canvas, panel: &Panel, space: f64) {
        let Some(curve) = self.curves.iter().rev().find(|curve| curve.points.iter().any(|point| point.n.is_some()))
        else {
            return;
        };
        let mut free = f64::NEG_INFINITY;
        let mut points: Vec<&LambdaPoint> = curve.points.iter().collect();
        points.sort_by(|a, b| a.lambda.total_cmp(&b.lambda));
        for point in points {
            let (Some(x), Some(n)) = (panel.column(point.lambda), point.n) else { continue };
            let text = n.to_string();
            let wide = width(&text, COUNT_SIZE);
            if x - wide / 2.0 > free {
                let baseline = panel.top - space - 6.0;
                // A mark's line may pass here.
                canvas.rect(x - wide / 2.0 - 2.0, baseline - 10.0, wide + 4.0, 12.0, WHITE);
                canvas.text((x, baseline), &text, COUNT_SIZE, Anchor::Middle, QUIET);
                free = x + wide / 2.0 + 4.0;
            }
        }
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
            canvas.tip((x, y), &self.tip(curve, point));
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
