//! What the choice gains, on rows that took part in no choice.

use taper::Choice;

use super::{label_of, score_name};
use crate::{Cell, Difference, PairedDifference, Section, Table};

pub(super) fn section(choice: &Choice) -> Section {
    let gain = &choice.gain;
    let mut rows = vec![Difference {
        label: match choice.rows.test {
            0 => "all outer folds".to_owned(),
            _ => label_of(&choice.chosen),
        },
        mean: gain.estimate,
        lower: gain.ci_low,
        upper: gain.ci_high,
    }];
    rows.extend(choice.outer.iter().map(|outer| Difference {
        label: format!("outer fold {}: {}", outer.fold + 1, label_of(&outer.chosen)),
        mean: outer.gain,
        lower: f64::NAN,
        upper: f64::NAN,
    }));
    let figure = PairedDifference {
        metric: score_name(choice),
        baseline: "no penalty, counted so that more is better".to_owned(),
        interval: "Bar: 95 % confidence interval.".to_owned(),
        higher_is_better: Some(true),
        rows,
    };
    let mut section = Section::new("What it gains, and how sure that is")
        .paragraph(format!("The gain is {}.", gain.statement))
        .figure(
            "gain",
            figure.figure(),
            "The choice against no penalty, pair by pair, on rows that took part in no choice.",
        );
    if !choice.outer.is_empty() {
        let mut table = Table::new(["outer fold", "chosen without it", "no penalty", "choice", "gain"])
            .caption(format!("The {} of each outer fold.", score_name(choice)));
        for outer in &choice.outer {
            table = table.row([
                Cell::count(outer.fold + 1),
                Cell::text(label_of(&outer.chosen)),
                Cell::number(outer.baseline_score, 4),
                Cell::number(outer.chosen_score, 4),
                Cell::signed(outer.gain, 4),
            ]);
        }
        section = section.table(table);
    }
    section
}
