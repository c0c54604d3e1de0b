//! `taper recipe`: the literature's examples, listed, shown, tried.

use serde_json::json;
use taper::{PlainRows, StudySpec, Trial, run_study};
use taper_report::{Cell, Table};

use super::on_threads;
use super::study::{flat, label};
use crate::args::{Recipe, RecipeDemo};
use crate::failure::Failure;
use crate::output;
use crate::progress::StudyProgress;
use crate::recipe::{RECIPES, find};

pub(crate) fn run(recipe: &Recipe) -> Result<(), Failure> {
    match recipe {
        Recipe::List { json: false } => list(),
        Recipe::List { json: true } => list_json(),
        Recipe::Show { name } => output::print_raw(find(name)?.text.as_bytes()),
        Recipe::Demo(args) => demo(args),
    }
}

/// The heads of the list and the lines of the header that fill it.
const COLUMNS: [&str; 3] = ["Paper", "λ there", "λ here"];

fn list() -> Result<(), Failure> {
    let head = ["Name"].into_iter().chain(COLUMNS).map(str::to_owned).collect();
    let row = |recipe: &crate::recipe::Recipe| {
        [recipe.name].into_iter().chain(COLUMNS.map(|column| recipe.field(column))).map(str::to_owned).collect()
    };
    let rows: Vec<Vec<String>> = std::iter::once(head).chain(RECIPES.iter().map(row)).collect();
    output::print(&format!("{}\nUnits differ: `taper recipe show NAME` says how.\n", output::columns(&rows)))
}

fn list_json() -> Result<(), Failure> {
    let entry = |recipe: &crate::recipe::Recipe| {
        json!({
            "name": recipe.name, "paper": recipe.field("Paper"), "title": recipe.field("Title"),
            "optimizer_there": recipe.field("Optimizer there"), "lambda_there": recipe.field("λ there"),
            "unit_there": recipe.field("Unit there"), "lambda_here": recipe.field("λ here"),
            "conversion": recipe.field("Conversion"), "stated": recipe.field("Stated"), "assumed": recipe.field("Assumed"),
        })
    };
    output::print_json(&RECIPES.iter().map(entry).collect::<Vec<_>>())
}

/// Trains a recipe for a moment: that it runs, and how large its penalty is beside its loss.
fn demo(args: &RecipeDemo) -> Result<(), Failure> {
    let recipe = find(&args.name)?;
    let mut experiment = taper_io::parse_experiment(format!("{}.toml", recipe.name), recipe.text)?;
    experiment.fit.epochs = args.epochs as usize;
    let study = experiment.study.take().unwrap_or_default();
    let study = StudySpec { repeats: 1, seed: args.seed, ..study };
    let total = study.points().len();
    experiment.study = Some(study);
    let rows = taper_io::read_rows(&experiment.data, std::path::Path::new(""))?;
    let progress = StudyProgress::new(total);
    let result = on_threads(args.threads, || run_study(&experiment, &PlainRows::of(&rows, &experiment), &progress))??;
    drop(progress);
    if crate::interrupt::asked() {
        return Err(Failure::Interrupted("nothing is kept of a recipe's demo".to_owned()));
    }
    if args.json {
        let trials: Vec<_> = result.trials.iter().map(flat).collect();
        output::print_json(&json!({ "name": recipe.name, "epochs": args.epochs, "trials": trials }))?;
    } else {
        let table = table(&result.trials, experiment.fit.metrics.first().map(taper::MetricSpec::name));
        let mut lines = vec![table.head.clone()];
        lines.extend(table.rows.iter().map(|row| row.iter().map(|cell| cell.text.clone()).collect()));
        let title = recipe.text.lines().next().unwrap_or_default().trim_start_matches("# ");
        let epochs = if args.epochs == 1 { "1 epoch".to_owned() } else { format!("{} epochs", args.epochs) };
        output::print(&format!("{title}\n{}\n\n{}", recipe.field("Paper"), output::columns(&lines)))?;
        output::note(&format!(
            "after {epochs} of {} training rows; `taper recipe show {}` prints the whole experiment",
            result.train_rows, recipe.name
        ));
    }
    if result.is_lost() {
        return Err(Failure::Run("every run diverged".to_owned()));
    }
    Ok(())
}

fn table(trials: &[Trial], metric: Option<&str>) -> Table {
    let names: Vec<String> = ["train_data_loss", "train_penalty", "test_data_loss"]
        .into_iter()
        .map(str::to_owned)
        .chain(metric.map(|metric| format!("test_{metric}")))
        .collect();
    let mut table =
        Table::new(std::iter::once("setting".to_owned()).chain(names.iter().map(|name| name.replace('_', " "))));
    for trial in trials {
        let score = |name: &String| Cell::number(trial.mean(name).unwrap_or(f64::NAN), 5);
        table = table.row(std::iter::once(Cell::text(label(trial))).chain(names.iter().map(score)));
    }
    table
}
