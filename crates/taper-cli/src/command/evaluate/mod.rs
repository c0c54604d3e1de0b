//! `taper evaluate`: how good a model is on the rows of a file, how sure that is, and whether the rows are new to it.

mod class;
mod rows;

use std::fmt::Write;

use serde_json::{Map, Value, json};
use taper::{Complaint, Dataset, FitConfig, Model, ScoreInterval, Scores, evaluate, evaluate_with_intervals};
use taper_io::TrainingRows;
use taper_report::number;

use crate::args::Evaluate;
use crate::failure::Failure;
use crate::{output, saved};
use class::Classes;
use rows::EvaluatedRows;

pub(crate) fn run(args: &Evaluate) -> Result<(), Failure> {
    let saved = saved::read(&args.model, None, args.unseen.map(Into::into))?;
    let Some(experiment) = &saved.experiment else {
        let expected = "a model of `taper fit` or `taper choose`, which says what it was trained to make small";
        let complaint = Complaint::new(args.model.display(), expected, "one that does not say it");
        return Err(taper::Error::from(complaint).into());
    };
    let rows = rows::read(args, &saved)?;
    let trained = evaluate(&saved.model, &rows.seen, &experiment.fit).map_err(|error| rows::about(args, error))?;
    let seen_in_training = Known::of(saved.training_rows()?.as_ref(), &rows.seen);
    let measured =
        Measured::of(&rows, &saved.model, &experiment.fit, None).map_err(|error| rows::about(args, error))?;
    let new = match seen_in_training.new_rows() {
        Some(new) => Some(Measured::of(&rows, &saved.model, &experiment.fit, Some(&new))?),
        None => None,
    };
    let classes = match seen_in_training.new_rows() {
        Some(new) => Classes::of(&saved, &rows.seen.select(&new)?)?,
        None => Classes::of(&saved, &rows.seen)?,
    };
    if args.json {
        return output::print_json(&document(
            &rows,
            &trained,
            &measured,
            new.as_ref(),
            &seen_in_training,
            classes.as_ref(),
        ));
    }
    let mut text = output::columns(&table(&rows, &measured, new.as_ref(), &trained));
    text.push_str("In brackets: 95 % interval, rows counting as independent.\n");
    if let Some(own) = &rows.own {
        let _ = writeln!(
            text,
            "In the unit of `{}`. The training saw it in standard deviations of {}: there the loss is {:.4}, of which the penalty \
             is {:.4}.",
            own.name, own.scale, trained.loss, trained.penalty
        );
    }
    if let Some(told) = seen_in_training.told() {
        let _ = writeln!(text, "\n{told}");
    }
    if let Some(classes) = classes {
        let of = if new.is_some() { "The rows that did not train, class by class:\n" } else { "" };
        let _ = write!(text, "\n{of}{}", classes.text());
    }
    output::print(&text)
}

/// Scores with their intervals, on all rows or some of them, the target in its own unit.
struct Measured {
    rows: usize,
    intervals: Vec<ScoreInterval>,
}

impl Measured {
    fn of(rows: &EvaluatedRows, model: &Model, config: &FitConfig, some: Option<&[usize]>) -> taper::Result<Self> {
        let (model, data) = match &rows.own {
            Some(own) => (&own.model, &own.data),
            None => (model, &rows.seen),
        };
        let (_, intervals) = match some {
            Some(some) => evaluate_with_intervals(model, &data.select(some)?, config)?,
            None => evaluate_with_intervals(model, data, config)?,
        };
        Ok(Self { rows: some.map_or(data.rows(), <[usize]>::len), intervals })
    }

    fn metrics(&self) -> Map<String, Value> {
        self.intervals[1..].iter().map(|one| (one.name.clone(), json!(one.value))).collect()
    }

    fn ends(&self) -> Map<String, Value> {
        let ends = |one: &ScoreInterval| json!({ "ci_low": one.ci_low, "ci_high": one.ci_high });
        self.intervals.iter().map(|one| (one.name.clone(), ends(one))).collect()
    }
}

/// What is known of each row: whether one like it trained the model.
struct Known {
    rows: Vec<Option<bool>>,
}

impl Known {
    fn of(trained: Option<&TrainingRows>, data: &Dataset) -> Self {
        Self { rows: trained.map(|trained| trained.known(data)).unwrap_or_default() }
    }

    fn count(&self, wanted: bool) -> usize {
        self.rows.iter().filter(|known| **known == Some(wanted)).count()
    }

    /// The rows that did not train, if it is known of each, and they are some but not all.
    fn new_rows(&self) -> Option<Vec<usize>> {
        let whole = self.rows.iter().all(Option::is_some) && self.count(true) > 0;
        let new: Vec<usize> = (0..self.rows.len()).filter(|row| self.rows[*row] == Some(false)).collect();
        (whole && !new.is_empty()).then_some(new)
    }

    /// What that means for the scores; nothing if all rows are new, or nothing is known.
    fn told(&self) -> Option<String> {
        let (old, new) = (self.count(true), self.count(false));
        let told = old + new;
        let flatter = "its scores on them say how well it remembers, not how good it is on rows that are new to it";
        match (old, new) {
            (0, _) => None,
            (_, 0) if told == self.rows.len() => Some(format!("These {old} rows trained this model: {flatter}.")),
            _ if told == self.rows.len() => Some(format!("{old} of the {told} rows trained this model: {flatter}.")),
            _ => Some(format!(
                "Of {told} of the {} rows that were looked up, {old} trained this model: {flatter}.",
                self.rows.len()
            )),
        }
    }
}

/// All rows, and below them those that are new to the model.
fn table(rows: &EvaluatedRows, all: &Measured, new: Option<&Measured>, trained: &Scores) -> Vec<Vec<String>> {
    let mut head = vec!["rows".to_owned()];
    let own = rows.own.is_some();
    if !own {
        head.extend(["loss", "penalty"].map(str::to_owned));
    }
    head.extend(all.intervals.iter().map(|one| taper::wording::score(&one.name)));
    let cell = |one: &ScoreInterval| match (one.ci_low, one.ci_high) {
        (Some(low), Some(high)) => {
            format!("{} [{}, {}]", number::fixed(one.value, 4), number::fixed(low, 4), number::fixed(high, 4))
        }
        _ => number::fixed(one.value, 4),
    };
    let line = |label: String, measured: &Measured| {
        let mut line = vec![label];
        if !own {
            line.extend(
                [measured.intervals[0].value + trained.penalty, trained.penalty].map(|value| number::fixed(value, 4)),
            );
        }
        line.extend(measured.intervals.iter().map(cell));
        line
    };
    let mut lines = vec![head, line(format!("all {}", all.rows), all)];
    lines.extend(new.map(|new| line(format!("{} that did not train", new.rows), new)));
    lines
}

fn document(
    rows: &EvaluatedRows,
    trained: &Scores,
    measured: &Measured,
    new: Option<&Measured>,
    known: &Known,
    classes: Option<&Classes>,
) -> Value {
    let mut document = json!({
        "rows": measured.rows,
        "data_loss": measured.intervals[0].value,
        "metrics": measured.metrics(),
        "intervals": measured.ends(),
        "training_rows": if known.rows.is_empty() { Value::Null } else {
            json!({ "known": known.count(true), "new": known.count(false), "said": known.told() })
        },
    });
    let in_training = json!({ "loss": trained.loss, "data_loss": trained.data_loss, "penalty": trained.penalty });
    match &rows.own {
        // Loss and penalty add up in the unit of the training only.
        Some(own) => document["standardized"] = json!({ "scale": own.scale, "mean": own.mean, "scores": in_training }),
        None => {
            document["loss"] = json!(trained.loss);
            document["penalty"] = json!(trained.penalty);
        }
    }
    if let Some(new) = new {
        document["new_rows"] = json!({
            "rows": new.rows, "data_loss": new.intervals[0].value, "metrics": new.metrics(), "intervals": new.ends(),
        });
    }
    if let Some(classes) = classes {
        document["classes"] = classes.document();
        document["confusion"] = json!(classes.confusion);
    }
    document
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_that_trained_are_counted_and_said() {
        let known = |rows: &[Option<bool>]| Known { rows: rows.to_vec() };
        let (old, new, unknown) = (Some(true), Some(false), None);
        assert_eq!(known(&[]).told(), None);
        assert_eq!((known(&[new, new]).told(), known(&[new, new]).new_rows()), (None, None));
        assert!(known(&[old, old]).told().unwrap().starts_with("These 2 rows trained this model"));
        assert_eq!(known(&[old, old]).new_rows(), None);
        assert!(known(&[old, new, new]).told().unwrap().starts_with("1 of the 3 rows trained this model"));
        assert_eq!(known(&[old, new, new]).new_rows(), Some(vec![1, 2]));
        let some = known(&[old, new, unknown, unknown]);
        assert!(some.told().unwrap().starts_with("Of 2 of the 4 rows that were looked up, 1 trained"));
        assert_eq!(some.new_rows(), None);
    }
}
