//! A study that two demos share: no penalty against a grid of strengths, λ chosen on validation rows, the choice measured on
//! test rows that took no part in it.

mod report;
mod study;

use std::path::Path;

use serde_json::{Map, Value, json};
use taper::{Difference, StudyResult, Trial};

use crate::args::Grid;
use crate::command::on_threads;
use crate::command::study::flat;
use crate::failure::Failure;
use crate::holding::Holding;
use crate::output::{self, Folder};
use study::study;

/// What the study is about.
#[derive(Debug)]
pub(super) struct Problem {
    /// Name of the command and of the experiment file.
    pub(super) name: &'static str,
    /// Heading of the report.
    pub(super) title: &'static str,
    /// The experiment without a penalty, as a user would write it down.
    pub(super) experiment: &'static str,
    /// The problem, as a paragraph.
    pub(super) about: &'static str,
    /// How many rows behind the training rows choose λ.
    pub(super) validation: usize,
    /// Where penalties stand: all of them together in the grid, each alone beside it.
    pub(super) places: &'static [Place],
    /// The parameter whose norm is shown.
    pub(super) kernel: &'static str,
    /// What is reported beside the data loss.
    pub(super) metric: Metric,
    /// What the data loss is called on axes.
    pub(super) loss: &'static str,
    /// What the repeats draw anew.
    pub(super) repeats: &'static str,
    /// What the intervals mean, and what they do not.
    pub(super) caveat: &'static str,
}

/// A part of the model that can be penalized.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) label: &'static str,
    /// Where its regularizers stand in the experiment.
    pub(super) paths: &'static [&'static str],
}

/// A metric and its better direction.
#[derive(Debug)]
pub(super) struct Metric {
    pub(super) name: &'static str,
    pub(super) label: &'static str,
    pub(super) maximize: bool,
}

/// The strengths.
const GRID: [f64; 6] = [1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1];
/// The strength at which the places are compared.
const ALONE: f64 = 1e-3;

/// Everything that came of it.
#[derive(Debug)]
struct Findings {
    problem: &'static Problem,
    repeats: usize,
    seed: u64,
    /// Training, validation and test rows.
    rows: [usize; 3],
    /// Trials: none, the grid, each place alone, and in the end the choice: in each repeat the run with the lowest validation
    /// data loss of none and the grid.
    result: StudyResult,
    /// λ of the choice, repeat by repeat; 0 for no penalty.
    chosen: Vec<f64>,
}

impl Findings {
    fn baseline(&self) -> &Trial {
        &self.result.trials[0]
    }

    fn grid(&self) -> &[Trial] {
        &self.result.trials[1..=GRID.len()]
    }

    fn alone(&self) -> &[Trial] {
        &self.result.trials[1 + GRID.len()..1 + GRID.len() + self.problem.places.len()]
    }

    fn choice(&self) -> &Trial {
        &self.result.trials[self.result.trials.len() - 1]
    }

    /// A trial against no penalty, repeat by repeat; `None` below two repeats.
    fn difference(&self, trial: usize, score: &str) -> Option<Difference> {
        self.result.difference(trial, 0, score)
    }

    /// The choice against no penalty.
    fn gain(&self, score: &str) -> Option<Difference> {
        self.difference(self.result.trials.len() - 1, score)
    }

    /// Whether the choice has a lower data loss on the test rows; `None` where the interval leaves it open.
    fn helps(&self) -> Option<bool> {
        let gain = self.gain("test_data_loss")?;
        match gain {
            Difference { ci_high, .. } if ci_high < 0.0 => Some(true),
            Difference { ci_low, .. } if ci_low > 0.0 => Some(false),
            _ => None,
        }
    }

    /// The position in the grid of the strength with the lowest mean data loss on the validation rows.
    fn best(&self) -> Option<usize> {
        StudyResult { trials: self.grid().to_vec(), ..self.result.clone() }.best("val_data_loss", false)
    }
}

pub(super) fn run(problem: &'static Problem, args: &Grid) -> Result<(), Failure> {
    let seed = args.common.seed.unwrap_or(1);
    let out = args.common.folder(Path::new(problem.name), "demo");
    let mut folder = Folder::prepare(&out, &Holding::alone(&format!("demo {}", problem.name)), args.common.replace)?;
    let findings = on_threads(args.common.threads, || study(problem, args.repeats as usize, seed))??;
    folder.write(&format!("{}.toml", problem.name), problem.experiment.as_bytes())?;
    folder.write_report(&report::report(&findings))?;
    let results = results(&findings);
    folder.write_json("results.json", &results)?;
    if args.common.json {
        let mut document = results;
        document["files"] = json!(folder.written());
        return output::print_json(&document);
    }
    let table = report::table(&findings);
    let mut lines = vec![table.head.clone()];
    lines.extend(table.rows.iter().map(|row| row.iter().map(|cell| cell.text.clone()).collect()));
    output::print(&format!(
        "{}\n{}\n\nReport: {}\n",
        output::columns(&lines),
        report::verdict(&findings),
        folder.report()
    ))
}

/// The document of `--json`.
fn results(findings: &Findings) -> Value {
    let metric = format!("test_{}", findings.problem.metric.name);
    let scores = ["test_data_loss", metric.as_str()];
    let entry = |i: usize, extra: (&str, Value)| {
        let mut value = flat(&findings.result.trials[i]);
        if let Some(map) = value.as_object_mut() {
            map.remove("point");
            map.insert(extra.0.to_owned(), extra.1);
            if i > 0 {
                map.extend(scores.map(|score| (format!("{score}_difference"), json!(findings.difference(i, score)))));
            }
        }
        value
    };
    let places: Map<String, Value> = (0..findings.alone().len())
        .map(|i| (findings.problem.places[i].label.replace(' ', "_"), entry(1 + GRID.len() + i, ("l2", json!(ALONE)))))
        .collect();
    let last = findings.result.trials.len() - 1;
    json!({
        "repeats": findings.repeats,
        "seed": findings.seed,
        "rows": { "train": findings.rows[0], "validation": findings.rows[1], "test": findings.rows[2] },
        "baseline": entry(0, ("l2", json!(0.0))),
        "grid": (0..GRID.len()).map(|i| entry(1 + i, ("l2", json!(GRID[i])))).collect::<Vec<_>>(),
        "alone": places,
        "chosen": entry(last, ("l2", json!(findings.chosen))),
        "difference": scores.map(|score| (score.to_owned(), json!(findings.gain(score)))).into_iter().collect::<Map<_, _>>(),
        "helps": findings.helps(),
        "verdict": report::verdict(findings),
        "overfitting": report::overfitting(findings),
    })
}
