//! What the choice changes, on rows that took part in no choice.

use taper::Choice;
use taper::wording::{self, Change};

use super::{changed, label_of, score_name};
use crate::{Cell, Difference, PairedDifference, Section, Table};

pub(super) fn section(choice: &Choice) -> Section {
    let gain = &choice.gain;
    let total = Change::of_gain(gain.estimate, choice.maximize);
    let (low, high) = changed(choice, (gain.ci_low, gain.ci_high));
    let mut rows = vec![Difference {
        label: match choice.rows.test {
            0 => "all outer folds".to_owned(),
            _ => label_of(&choice.chosen),
        },
        mean: total.by(),
        lower: low,
        upper: high,
    }];
    rows.extend(choice.outer.iter().map(|outer| Difference {
        label: format!("outer fold {}: {}", outer.fold + 1, label_of(&outer.chosen)),
        mean: outer.chosen_score - outer.baseline_score,
        lower: f64::NAN,
        upper: f64::NAN,
    }));
    let figure = PairedDifference {
        metric: score_name(choice),
        baseline: "no penalty".to_owned(),
        interval: "Bar: 95 % confidence interval.".to_owned(),
        higher_is_better: Some(choice.maximize),
        rows,
    };
    let mut section = Section::new("What it changes, and how sure that is")
        .paragraph(format!("The gain is {}.", gain.statement))
        .table(comparisons(choice))
        .figure(
            "gain",
            figure.figure(),
            "The choice against no penalty, pair by pair, on rows that took part in no choice.",
        );
    if !choice.outer.is_empty() {
        let mut table = Table::new(["outer fold", "chosen without it", "no penalty", "choice", "the choice's is"])
            .caption(format!("The {} of each outer fold.", score_name(choice)));
        for outer in &choice.outer {
            table = table.row([
                Cell::count(outer.fold + 1),
                Cell::text(label_of(&outer.chosen)),
                Cell::number(outer.baseline_score, 4),
                Cell::number(outer.chosen_score, 4),
                Cell::text(Change::between(outer.baseline_score, outer.chosen_score).words()),
            ]);
        }
        section = section.table(table);
    }
    section
}

/// Every score of both, on rows that took part in no choice.
fn comparisons(choice: &Choice) -> Table {
    let mut table = Table::new(["score", "no penalty", "choice", "the choice's is"]).caption(match choice.rows.test {
        0 => "Means over the outer folds.",
        _ => "On the declared test rows.",
    });
    for comparison in &choice.comparisons {
        table = table.row([
            Cell::text(wording::score(&comparison.name)),
            Cell::number(comparison.baseline, 4),
            Cell::number(comparison.chosen, 4),
            Cell::text(comparison.change().words()),
        ]);
    }
    table
}
