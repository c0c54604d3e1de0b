//! `taper study`: the grid as declared, repeated and paired.

use serde_json::{Map, Value, json};
use taper::{Division, Experiment, Picked, Resample, Rows, Seed, StudyResult, StudySpec, Trial, run, run_study};
use taper_report::{
    Cell, Difference, LambdaMark, LambdaScores, Overfitting, PairedDifference, Report, Reproduce, Role, ScoreVsLambda,
    Section, Table, at_work_over_runs, curves_of, lambda_curve, scatter_of,
};

use super::{folder_of, on_threads, text_of, unit};
use crate::args::Study;
use crate::failure::Failure;
use crate::holding::Holding;
use crate::output::{self, Folder};
use crate::progress::StudyProgress;

pub(crate) fn run_command(args: &Study) -> Result<(), Failure> {
    let mut experiment = taper_io::read_experiment(&args.experiment)?;
    let mut study = experiment.study.take().unwrap_or_default();
    study.repeats = args.repeats.map_or(study.repeats, |repeats| repeats as usize);
    study.seed = args.common.seed.unwrap_or(study.seed);
    experiment.study = Some(study.clone());
    experiment.trials()?;
    let rows = taper_io::read_source(&mut experiment, folder_of(&args.experiment))?;
    let trials = experiment.trials()?;
    let division = first_division(&rows, &experiment, &study)?;
    let split = division.split(&rows)?;
    for trial in &trials {
        crate::memory::check(&trial.model, &trial.fit, split.train.rows())?;
    }
    let total = trials.len() * study.repeats;
    taper::check_study(&experiment, &rows)?;
    let warnings = [rows.warnings(), &experiment.warnings(&split)?].concat();
    let (out, holding) = (args.common.folder(&args.experiment, "study"), Holding::of("study", &args.experiment));
    let mut folder = Folder::prepare(&out, &holding, args.common.replace)?;
    output::warn(&warnings);

    let progress = StudyProgress::new(total);
    let result = on_threads(args.common.threads, || run_study(&experiment, &rows, &progress))??;
    drop(progress);
    let finished: usize = result.trials.iter().map(|trial| trial.runs.len()).sum();

    // Who reads the report wants to see the best model, not only its scores.
    let best = result.best("test_data_loss", false);
    let picture = match best.and_then(|best| trials.get(best)) {
        Some(trial) if !crate::interrupt::asked() => {
            let seed = Seed::new(study.seed).derive("run", 0);
            let (_, model) = run(trial, &split, seed, 0, false)?;
            scatter_of(&split, Some(&model))?
        }
        _ => None,
    };
    let metrics = experiment.fit.metric_names();
    let metric = metrics.first().map(String::as_str);
    let lede = lede(&result, best, metric);
    let divided = divided(division, &study);
    let told = [divided.as_str()].into_iter().chain(unit(&experiment)).collect::<Vec<_>>().join(" ");
    let command =
        format!("taper study {} --repeats {} --seed {}", args.experiment.display(), study.repeats, study.seed);
    let text = text_of(&args.experiment, &experiment);
    let table = table(&result, metric, best);
    let scores = scores(&result, &study, metric, best, &told, table.clone());
    let mut report = Report::new("A study", &lede).section(scores);
    if let Some(section) = inside(&result, best, metric, picture) {
        report = report.section(section);
    }
    folder.write_report(&report.reproduce(Reproduce { command, experiment: text }))?;
    folder.write_json("study.json", &without_clock(result.clone()))?;

    if args.common.json {
        output::print_json(&json!({
            "trials": result.trials.iter().map(flat).collect::<Vec<_>>(),
            "best": best.map(|best| &result.trials[best].point),
            "rows": { "train": result.train_rows, "test": result.test_rows, "picked": divided },
            "warnings": warnings,
            "files": folder.written(),
        }))?;
    } else {
        let mut rows = vec![table.head.clone()];
        rows.extend(table.rows.iter().map(|row| row.iter().map(|cell| cell.text.clone()).collect()));
        output::print(&format!("{}\n{told}\n{lede}\n\nReport: {}\n", output::columns(&rows), folder.report()))?;
    }
    if finished < total {
        let text =
            format!("{finished} of {total} runs are done and reported; run the same command again for all of them");
        return Err(Failure::Interrupted(text));
    }
    if result.is_lost() {
        return Err(Failure::Run("every run diverged; a lower learning rate or a weaker penalty may help".to_owned()));
    }
    Ok(())
}

/// A trial as JSON: its point, and every score beside it.
pub(crate) fn flat(trial: &Trial) -> Value {
    let mut map = Map::new();
    map.insert("point".to_owned(), json!(trial.point));
    map.insert("diverged".to_owned(), json!(trial.diverged));
    map.extend(trial.scores.iter().map(|(name, summary)| (name.clone(), json!(summary))));
    Value::Object(map)
}

/// `λ` where the study has one numeric axis, else all axes in one cell.
pub(crate) fn label(trial: &Trial) -> String {
    let last = |path: &str| path.rsplit('.').next().unwrap_or(path).to_owned();
    let cells: Vec<String> = trial.point.iter().map(|(path, value)| format!("{} = {value}", last(path))).collect();
    if cells.is_empty() { "as declared".to_owned() } else { cells.join(", ") }
}

/// The trials by strength, if the study varies one number.
/// Without the one column that differs between equal runs.
fn without_clock(mut result: StudyResult) -> StudyResult {
    for history in result.trials.iter_mut().flat_map(|trial| &mut trial.runs).filter_map(|run| run.history.as_mut()) {
        if let Some(position) = history.names.iter().position(|name| name == "seconds") {
            history.names.remove(position);
            history.columns.remove(position);
        }
    }
    result
}

fn strengths(result: &StudyResult) -> Option<Vec<LambdaScores>> {
    let mut points = Vec::new();
    for trial in &result.trials {
        let [lambda] = trial.point.values().map(Value::as_f64).collect::<Option<Vec<f64>>>()?.try_into().ok()?;
        points.push(LambdaScores { lambda, scores: trial.scores.clone() });
    }
    points.sort_by(|a, b| a.lambda.total_cmp(&b.lambda));
    (points.len() > 1).then_some(points)
}

fn mean_spread(trial: &Trial, score: &str) -> Cell {
    let summary = trial.scores.get(score);
    let mean = summary.and_then(|summary| summary.mean).unwrap_or(f64::NAN);
    Cell::mean_spread(mean, summary.and_then(|summary| summary.std).unwrap_or(f64::NAN), 4)
}

fn table(result: &StudyResult, metric: Option<&str>, best: Option<usize>) -> Table {
    let names: Vec<String> = ["data_loss"]
        .into_iter()
        .chain(metric)
        .flat_map(|score| [format!("train_{score}"), format!("test_{score}")])
        .chain(["kernel_norm".to_owned()])
        .collect();
    let heads = names.iter().map(|name| name.replace('_', " "));
    let head: Vec<String> = ["setting".to_owned(), "runs".to_owned()].into_iter().chain(heads).collect();
    let mut table = Table::new(head).caption("Mean ± standard deviation over the runs.");
    for (i, trial) in result.trials.iter().enumerate() {
        let runs = match trial.diverged {
            0 => trial.runs.len().to_string(),
            diverged => format!("{} ({diverged} diverged)", trial.runs.len()),
        };
        let mut cells = vec![Cell::text(label(trial)), Cell::text(runs)];
        cells.extend(names.iter().map(|name| mean_spread(trial, name)));
        table = if best == Some(i) { table.chosen(cells) } else { table.row(cells) };
    }
    table
}

fn lede(result: &StudyResult, best: Option<usize>, metric: Option<&str>) -> String {
    let Some(best) = best else { return "No run came to a usable end.".to_owned() };
    let trial = &result.trials[best];
    let score = |name: &str| trial.mean(name).map_or("unknown".to_owned(), |mean| format!("{mean:.4}"));
    let metric = metric.map_or(String::new(), |metric| format!(", {metric} {}", score(&format!("test_{metric}"))));
    format!(
        "The lowest mean data loss on the test rows is that of {}: {}{metric}. It was picked on the rows that it is reported \
         for, so the numbers flatter it; a choice that can be defended needs rows that took no part in it.",
        label(trial),
        score("test_data_loss"),
    )
}

/// The rows of the first repeat.
fn first_division(rows: &dyn Rows, experiment: &Experiment, study: &StudySpec) -> taper::Result<Division> {
    let seed = Seed::new(study.seed);
    match study.resample {
        Resample::Split if !rows.is_ordered() => Division::drawn(rows, &experiment.data, seed.derive("split", 0)),
        _ => Division::of(rows, &experiment.data, seed),
    }
}

/// How many rows train and test, and how they are picked.
fn divided(division: Division, study: &StudySpec) -> String {
    let picked = match division.picked {
        // The repeats' own seeds are derived from the study's.
        Picked::Random { stratified, grouped, .. } => Picked::Random { seed: study.seed, stratified, grouped },
        other => other,
    };
    let again = match study.resample {
        Resample::None => "",
        Resample::Split => ", anew for each repeat",
        Resample::Fresh => ", of rows that are generated anew for each repeat",
    };
    format!("{}{again}.", Division { picked, ..division }.words())
}

/// What the repeats drew, as a sentence for captions.
fn repeats(result: &StudyResult, study: &StudySpec) -> String {
    let what = match result.resample {
        Resample::None => "weight seeds on one split of the rows",
        Resample::Split => "splits of the rows, each with its own weight seed",
        Resample::Fresh => "fresh data sets, each with its own weight seed",
    };
    format!("{} {what}", study.repeats)
}

fn scores(
    result: &StudyResult,
    study: &StudySpec,
    metric: Option<&str>,
    best: Option<usize>,
    divided: &str,
    table: Table,
) -> Section {
    let mut section = Section::new("Scores").paragraph(divided).table(table);
    if let Some(points) = strengths(result) {
        let marks = best
            .and_then(|best| result.trials[best].point.values().next()?.as_f64())
            .map(|lambda| LambdaMark::new(lambda, "lowest test data loss"));
        for score in ["data_loss"].into_iter().chain(metric) {
            let figure = ScoreVsLambda {
                metric: score.replace('_', " "),
                interval: format!("Bars: one standard deviation over {}.", repeats(result, study)),
                curves: vec![
                    lambda_curve(&points, &format!("train_{score}"), Role::Train, "train"),
                    lambda_curve(&points, &format!("test_{score}"), Role::Test, "test"),
                ],
                marks: marks.iter().cloned().collect(),
                ..ScoreVsLambda::default()
            };
            section = section.figure(score, figure.figure(), "Mean score against the strength.");
        }
    }
    let differences: Vec<Difference> = (1..result.trials.len())
        .filter_map(|trial| {
            let difference = result.difference(trial, 0, "test_data_loss")?;
            Some(Difference {
                label: label(&result.trials[trial]),
                mean: difference.mean,
                lower: difference.ci_low,
                upper: difference.ci_high,
            })
        })
        .collect();
    if differences.is_empty() {
        return section;
    }
    let figure = PairedDifference {
        metric: "test data loss".to_owned(),
        baseline: label(&result.trials[0]),
        interval: format!("Bars: 95 % confidence interval, paired over {}.", repeats(result, study)),
        higher_is_better: Some(false),
        rows: differences,
    };
    section.figure("difference", figure.figure(), "Differences to the first setting, run by run.")
}

/// The best setting from within.
fn inside(
    result: &StudyResult,
    best: Option<usize>,
    metric: Option<&str>,
    picture: Option<taper_report::Scatter>,
) -> Option<Section> {
    let trial = &result.trials[best?];
    let history = trial.runs.first()?.history.as_ref()?;
    let mut section = Section::new(format!("The best setting: {}", label(trial)));
    if let Some(verdict) = Overfitting::of(history, "test") {
        section = section.paragraph(verdict.sentence);
    }
    section = section.figure("curves", curves_of(history, "test", metric).figure(), "The first run, epoch by epoch.");
    if let Some(scatter) = picture {
        section = section.figure("boundary", scatter.figure(), "What its model predicts everywhere in the plane.");
    }
    Some(section.table(at_work_over_runs(trial)))
}
