//! A choice for a terminal.

use std::fmt::Write;

use taper::{Choice, GridPoint, wording};

use super::progress::label;
use crate::output;

pub(super) fn told(choice: &Choice, unit: Option<&str>, report: &str) -> String {
    let mut text = format!("{}\n\nThe gain is {}.\n\n", choice.verdict.sentence, choice.gain.statement);
    text.push_str(&output::columns(&table(choice)));
    let runs = choice.runs;
    let _ = writeln!(text, "\n{}.", choice.rows.picked);
    let _ = writeln!(text, "{} models were trained; racing made {} more needless.", runs.done, runs.saved_by_racing);
    for note in unit.into_iter().chain(choice.notes.iter().map(String::as_str)) {
        let _ = writeln!(text, "Note: {note}");
    }
    let _ = write!(text, "\nReport: {report}\n");
    text
}

/// Every setting: its score, and the metrics of the training beside it.
fn table(choice: &Choice) -> Vec<Vec<String>> {
    let metrics: Vec<&String> = choice.baseline.metrics.keys().filter(|name| **name != choice.score).collect();
    let head = ["candidate".to_owned(), wording::score(&choice.score), "± se".to_owned()].into_iter();
    let head = head.chain(metrics.iter().map(|name| wording::score(name)));
    let mut rows = vec![head.chain(["folds".to_owned(), String::new()]).collect::<Vec<String>>()];
    let number = |value: Option<f64>| value.map_or("diverged".to_owned(), |value| format!("{value:.4}"));
    for point in std::iter::once(&choice.baseline).chain(&choice.grid) {
        let mut row = vec![label(&point.penalty, point.value), number(point.score.mean), number(point.score.se)];
        row.extend(metrics.iter().map(|name| number(point.metrics.get(*name).copied())));
        row.extend([point.score.n.to_string(), mark(choice, point).to_owned()]);
        rows.push(row);
    }
    rows
}

fn mark(choice: &Choice, point: &GridPoint) -> &'static str {
    if point.penalty == choice.chosen.penalty && point.value == choice.chosen.value {
        "chosen"
    } else if point.beaten {
        "beaten early"
    } else {
        ""
    }
}
