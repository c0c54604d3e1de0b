//! `taper runs list`: what was run, in columns.

use serde_json::{Map, Value, json};
use taper::Selection;
use taper_io::RunStore;

use super::{RunTable, contents};
use crate::command::choose::label;
use crate::failure::Failure;
use crate::output;

/// Runs that are listed unless somebody wants more.
const MOST_RUNS: usize = 50;

pub(super) fn list(store: &RunStore, limit: Option<usize>, json: bool) -> Result<(), Failure> {
    if json {
        return list_json(store, limit);
    }
    let mut text = String::new();
    let mut all = Vec::new();
    let mut divisions = Divisions::default();
    for study in store.studies()? {
        let runs = store.runs(study.id)?;
        let state = if store.finished(study.id)?.is_some() { "finished" } else { "not finished" };
        text.push_str(&format!("Study {}: {} runs, {state}.\n", study.id, runs.len()));
        for run in &runs {
            let (spec, outcome) = contents(run)?;
            let score = outcome["scores"]["data_loss"].as_f64();
            let penalty = spec["candidate"]["penalty"].as_str().unwrap_or("-");
            all.push(vec![
                run.id.to_string(),
                run.study.to_string(),
                run.key.chars().take(8).collect(),
                label(penalty, spec["candidate"]["value"].as_f64().unwrap_or(0.0)),
                divisions.said(&spec["rows"]),
                score.map_or("-".to_owned(), |score| format!("{score:.6}")),
                outcome["epochs"].to_string(),
                outcome["stop"]["reason"].as_str().unwrap_or("-").replace('_', " "),
            ]);
        }
    }
    let most = match limit.unwrap_or(MOST_RUNS) {
        0 => all.len(),
        most => most.min(all.len()),
    };
    let before = all.len() - most;
    let head = ["run", "study", "key", "penalty", "scored rows", "data loss", "epochs", "ended"].map(str::to_owned);
    let mut table: Vec<Vec<String>> = std::iter::once(head.to_vec()).chain(all.split_off(before)).collect();
    if store.studies()?.len() < 2 {
        table.iter_mut().for_each(|row| drop(row.remove(1)));
    }
    text.push_str(&format!("\n{}", output::columns(&table)));
    if before > 0 {
        text.push_str(&format!("\n{before} more before these; `--limit 0` lists all.\n"));
    }
    output::print(&text)
}

fn list_json(store: &RunStore, limit: Option<usize>) -> Result<(), Failure> {
    let mut studies = Vec::new();
    for study in store.studies()? {
        let identity: Value = serde_json::from_str(&study.identity).unwrap_or(Value::Null);
        let finished = store.finished(study.id)?.is_some();
        studies.push(
            json!({ "study": study.id, "runs": store.count(study.id)?, "finished": finished, "identity": identity }),
        );
    }
    let RunTable { mut rows, .. } = RunTable::read(store)?;
    let runs: Vec<Map<String, Value>> = match limit {
        Some(most) if most > 0 && most < rows.len() => rows.split_off(rows.len() - most),
        _ => rows,
    };
    output::print_json(&json!({ "studies": studies, "runs": runs }))
}

/// The divisions of rows that were met, by their seeds: people read small numbers.
#[derive(Default)]
struct Divisions(Vec<u64>);

impl Divisions {
    /// `fold 2 of 5, division 3`; the fold that it lies in is behind it.
    fn said(&mut self, rows: &Value) -> String {
        match taper::read::<Selection>(rows.clone()) {
            Ok(Selection::Test) => "test rows".to_owned(),
            Ok(Selection::Explicit { test, .. }) => format!("{} rows", test.len()),
            Ok(Selection::Folds(path)) => {
                let Some((last, outer)) = path.split_last() else { return "-".to_owned() };
                let outer = outer.iter().map(|at| format!(", in outer fold {} of {}", at.fold + 1, at.folds));
                let inner = format!("fold {} of {}, division {}", last.fold + 1, last.folds, self.number(last.seed));
                inner + &outer.collect::<String>()
            }
            Err(_) => "-".to_owned(),
        }
    }

    fn number(&mut self, seed: u64) -> usize {
        let known = self.0.iter().position(|other| *other == seed);
        1 + known.unwrap_or_else(|| {
            self.0.push(seed);
            self.0.len() - 1
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_said_in_small_numbers() {
        let mut divisions = Divisions::default();
        let fold = |seed: u64, fold: usize| json!({ "seed": seed, "folds": 5, "fold": fold });
        assert_eq!(divisions.said(&json!({ "folds": [fold(12_345_678_901_234, 1)] })), "fold 2 of 5, division 1");
        assert_eq!(divisions.said(&json!({ "folds": [fold(7, 0)] })), "fold 1 of 5, division 2");
        assert_eq!(
            divisions.said(&json!({ "folds": [fold(7, 0), fold(12_345_678_901_234, 4)] })),
            "fold 5 of 5, division 1, in outer fold 1 of 5"
        );
        assert_eq!(divisions.said(&json!("test")), "test rows");
        assert_eq!(divisions.said(&json!({ "explicit": { "train": [0], "test": [1, 2] } })), "2 rows");
    }
}
