//! Settings against a baseline, on the same splits.

use serde::{Deserialize, Serialize};
use taper::wording::Change;

use super::Figure;
use crate::draw::canvas::{Anchor, Canvas, Shape, Stroke, WIDTH};
use crate::draw::legend::{self, Entry, Key};
use crate::draw::panel::{Axis, EDGE, Panel};
use crate::draw::scale::Scale;
use crate::draw::text::{width, wrap};
use crate::number;
use crate::palette::{AXIS, GRID, INK, QUIET, Role, WHITE};

const LABEL_SIZE: u32 = 14;
const NUMBER_SIZE: u32 = 13;
const ROW: f64 = 40.0;

/// The mean difference of each setting to one baseline, measured on the same splits with the same seeds, with its
/// interval and a line at zero. A filled point: the interval does not contain zero.
///
/// # Example
///
/// ```
/// use taper_report::{Difference, PairedDifference};
///
/// let figure = PairedDifference {
///     metric: "test accuracy".into(),
///     baseline: "no penalty".into(),
///     interval: "Bars: 95 % confidence interval, corrected for overlapping training sets.".into(),
///     higher_is_better: Some(true),
///     rows: vec![Difference { label: "λ = 1e-3".into(), mean: 0.029, lower: 0.012, upper: 0.046 }],
/// }
/// .figure();
/// assert!(figure.svg().contains("+0.029 [+0.012, +0.046]"));
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PairedDifference {
    /// The score whose differences are shown, with its unit if it has one.
    pub metric: String,
    /// What everything is compared with.
    pub baseline: String,
    /// What the intervals are, as a sentence.
    pub interval: String,
    /// Which direction is good; `None`: the figure does not say.
    pub higher_is_better: Option<bool>,
    /// One row per setting, from top to bottom.
    pub rows: Vec<Difference>,
}

impl Default for PairedDifference {
    fn default() -> Self {
        Self {
            metric: "score".to_owned(),
            baseline: "the baseline".to_owned(),
            interval: String::new(),
            higher_is_better: None,
            rows: Vec::new(),
        }
    }
}

/// A mean difference to the baseline (setting minus baseline) with its interval, in the unit of the score.
///
/// # Example
///
/// ```
/// use taper_report::Difference;
///
/// let difference = Difference { label: "λ = 1e-3".into(), mean: 0.01, lower: -0.01, upper: 0.03 };
/// assert!(difference.lower < 0.0 && difference.upper > 0.0);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Difference {
    /// The setting.
    pub label: String,
    /// Mean of the differences; not finite where the runs diverged.
    pub mean: f64,
    /// Lower end of the interval.
    pub lower: f64,
    /// Upper end of the interval.
    pub upper: f64,
}

impl Difference {
    /// Does the interval leave zero out?
    fn is_clear(&self) -> bool {
        self.has_interval() && (self.lower > 0.0 || self.upper < 0.0)
    }

    fn has_interval(&self) -> bool {
        self.lower.is_finite() && self.upper.is_finite()
    }

    /// `lower by 0.012, interval from 0.027 lower to 0.0030 higher`.
    fn words(&self) -> String {
        let change = Change::new(self.mean).within(self.lower, self.upper);
        match change.span() {
            Some(span) if self.mean.is_finite() => format!("{}, interval {span}", change.amount()),
            _ => change.amount(),
        }
    }

    fn ends(&self) -> [f64; 3] {
        if self.mean.is_finite() { [self.mean, self.lower, self.upper] } else { [f64::NAN; 3] }
    }
}

impl PairedDifference {
    /// Draws the figure.
    pub fn figure(&self) -> Figure {
        let mut canvas = Canvas::new();
        let color = Role::Test.color();
        let edge = Stroke::solid(color, 1.8);
        let mut entries = vec![
            Entry::new(Key::Marker(Shape::Circle, color, edge), "interval without zero"),
            Entry::new(Key::Marker(Shape::Circle, WHITE, edge), "interval contains zero"),
        ];
        if self.rows.iter().any(|row| row.mean.is_finite() && !row.has_interval()) {
            let edge = Stroke::solid(QUIET, 1.8);
            entries.push(Entry::new(Key::Marker(Shape::Circle, WHITE, edge), "no interval"));
        }
        let mut top = legend::draw(&mut canvas, EDGE, EDGE, &entries);
        if !self.interval.is_empty() {
            top = legend::note(&mut canvas, EDGE, top, &self.interval);
        }
        top += if self.higher_is_better.is_some() { 34.0 } else { 14.0 };

        let numbers: Vec<String> = self.rows.iter().map(|row| self.number(row)).collect();
        let right = numbers.iter().map(|text| width(text, NUMBER_SIZE)).fold(0.0, f64::max).min(WIDTH * 0.3);
        let labels = self.rows.iter().map(|row| wrap(&row.label, LABEL_SIZE, WIDTH * 0.3, 2));
        let labels: Vec<Vec<String>> = labels.collect();
        let left = labels.iter().flatten().map(|text| width(text, LABEL_SIZE)).fold(40.0, f64::max);
        let left = EDGE + left + 14.0;

        let values = self.rows.iter().flat_map(Difference::ends).chain([0.0]);
        let title = format!("difference in {} to {}", self.metric, self.baseline);
        let x = Axis::new(title, Scale::linear(values, 0.06), 5);
        let y = Axis::new("", Scale::Linear(0.0, 1.0), 1);
        let mut panel = Panel::at(left, top, ROW * self.rows.len().max(1) as f64, &x, &y);
        panel.width -= right + 14.0;
        panel.draw_columns(&mut canvas, &x);
        self.draw_zero(&mut canvas, &panel);

        for (i, row) in self.rows.iter().enumerate() {
            let middle = top + ROW * (i as f64 + 0.5);
            if i > 0 {
                let above = middle - ROW / 2.0;
                canvas.line((EDGE, above), (WIDTH - EDGE, above), Stroke::solid(GRID, 1.0));
            }
            let first = middle + 5.0 - 8.5 * (labels[i].len() as f64 - 1.0);
            for (k, line) in labels[i].iter().enumerate() {
                canvas.text((EDGE, first + 17.0 * k as f64), line, LABEL_SIZE, Anchor::Start, INK);
            }
            canvas.text((WIDTH - EDGE, middle + 4.5), &numbers[i], NUMBER_SIZE, Anchor::End, INK);
            draw_row(&mut canvas, &panel, row, middle);
            if let Some(x) = panel.column(row.mean) {
                canvas.tip((x, middle), &format!("{}: {}", row.label, numbers[i]));
            }
        }
        if self.rows.is_empty() {
            panel.say(&mut canvas, "nothing to compare");
        }
        Figure::new(canvas, panel.bottom(), self.alt())
    }

    /// The line at zero, and which side of it is the good one.
    fn draw_zero(&self, canvas: &mut Canvas, panel: &Panel) {
        let Some(zero) = panel.column(0.0) else { return };
        canvas.line((zero, panel.top - 6.0), (zero, panel.top + panel.height), Stroke::solid(AXIS, 1.6));
        if let Some(higher_is_better) = self.higher_is_better {
            let (left, right) =
                if higher_is_better { ("← worse", "better →") } else { ("← better", "worse →") };
            let baseline = panel.top - 14.0;
            canvas.text((zero - 10.0, baseline), left, NUMBER_SIZE, Anchor::End, QUIET);
            canvas.text((zero + 10.0, baseline), right, NUMBER_SIZE, Anchor::Start, QUIET);
        }
    }

    /// Three digits, or four where an interval is that narrow; the same in every row.
    fn number(&self, row: &Difference) -> String {
        let widths = self.rows.iter().map(|row| (row.upper - row.lower) / 2.0).filter(|w| w.is_finite() && *w > 0.0);
        let decimals = number::decimals_for(widths.fold(f64::INFINITY, f64::min), 3).min(4);
        number::difference(row.mean, row.lower, row.upper, decimals)
    }

    fn alt(&self) -> String {
        let rows: Vec<String> = self.rows.iter().map(|row| format!("{}: {}", row.label, row.words())).collect();
        format!("Mean paired differences in {} to {}. {}.", self.metric, self.baseline, rows.join("; "))
    }
}

fn draw_row(canvas: &mut Canvas, panel: &Panel, row: &Difference, middle: f64) {
    let color = if row.has_interval() { Role::Test.color() } else { QUIET };
    let Some(x) = panel.column(row.mean) else { return };
    if let (Some(low), Some(high)) = (panel.column(row.lower), panel.column(row.upper)) {
        canvas.line((low, middle), (high, middle), Stroke::solid(color, 2.0));
        for end in [low, high] {
            canvas.line((end, middle - 4.5), (end, middle + 4.5), Stroke::solid(color, 2.0));
        }
    }
    let fill = if row.is_clear() { color } else { WHITE };
    canvas.marker(Shape::Circle, (x, middle), 5.0, fill, Stroke::solid(color, 1.8));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_alternative_text_says_each_direction_in_words() {
        let row =
            |label: &str, mean: f64, lower: f64, upper: f64| Difference { label: label.into(), mean, lower, upper };
        let rows = vec![
            row("weak", -0.012, -0.027, 0.003),
            row("strong", 0.5, 0.4, 0.6),
            row("lone", -1.0, f64::NAN, f64::NAN),
            row("lost", f64::NAN, 0.0, 1.0),
        ];
        let alt = PairedDifference { metric: "data loss".into(), rows, ..PairedDifference::default() }
            .figure()
            .alt()
            .to_owned();
        assert_eq!(
            alt,
            "Mean paired differences in data loss to the baseline. weak: lower by 0.012, interval from 0.027 lower to 0.0030 \
             higher; strong: higher by 0.50, interval from 0.40 higher to 0.60 higher; lone: lower by 1.0; lost: not finite."
        );
    }
}
