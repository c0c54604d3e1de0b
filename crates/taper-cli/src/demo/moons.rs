//! `taper demo moons`: the tutorial's study, its seven extensions, and what it leaves open.

use std::path::Path;

use rayon::prelude::*;
use serde_json::{Map, Value, json};
use taper::{
    Axis, Dataset, Error, Experiment, Model, PathPoint, PlainRows, Regularizer, Resample, Run, Seed, Split,
    StudyResult, StudySpec, Summary, Trial, rising_path, run_study,
};

use super::moons_report;
use crate::args::Moons;
use crate::command::on_threads;
use crate::command::study::flat;
use crate::failure::Failure;
use crate::holding::Holding;
use crate::interrupt;
use crate::output::{self, Folder};
use crate::progress::StudyProgress;

/// The experiment, as a user would write it down.
pub(crate) const EXPERIMENT: &str = include_str!("moons.toml");

/// Where the hidden layer's penalty stands in the experiment.
const HIDDEN: &str = "model.layers.0.kernel_regularizer";
/// The tutorial's grid.
const GRID: [f64; 6] = [1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6];
/// The tutorial's λ.
pub(crate) const CHOSEN: f64 = 1e-3;
/// Points of the finer grid: one order of magnitude, logarithmically.
const FINE: usize = 9;
/// The rising penalties, each for so many further epochs.
const RISING: [f64; 6] = [1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1];
const RISING_EPOCHS: usize = 600;
/// Neural Smithing's staged schedule ends after this many epochs.
const STAGED_EPOCHS: usize = 5000;

/// Everything that came of the demo.
#[derive(Debug)]
pub(crate) struct Findings {
    pub(crate) repeats: usize,
    pub(crate) seed: u64,
    pub(crate) split: Split,
    /// Trials: none, the grid, l1, l1_l2.
    pub(crate) hidden: StudyResult,
    pub(crate) output_layer: StudyResult,
    pub(crate) bias: StudyResult,
    pub(crate) fine: StudyResult,
    pub(crate) staged: StudyResult,
    /// None and the grid, on fresh data sets.
    pub(crate) resampled: StudyResult,
    /// One path per repeat.
    pub(crate) paths: Vec<Vec<PathPoint>>,
    /// The first repeat's models: without penalty and with the tutorial's.
    pub(crate) models: [Model; 2],
}

impl Findings {
    pub(crate) fn baseline(&self) -> &Trial {
        &self.hidden.trials[0]
    }

    /// The trials of the tutorial's grid.
    pub(crate) fn grid(&self) -> &[Trial] {
        &self.hidden.trials[1..=GRID.len()]
    }

    /// The trial with the tutorial's λ.
    pub(crate) fn chosen(&self) -> &Trial {
        &self.hidden.trials[1 + GRID.iter().position(|lambda| *lambda == CHOSEN).unwrap_or(0)]
    }

    pub(crate) fn l1(&self) -> &Trial {
        &self.hidden.trials[GRID.len() + 1]
    }

    pub(crate) fn l1_l2(&self) -> &Trial {
        &self.hidden.trials[GRID.len() + 2]
    }

    /// The rising path's points over all repeats: λ and the summary of every score.
    pub(crate) fn path(&self) -> Vec<(f64, Trial)> {
        (0..=RISING.len())
            .map(|i| {
                let points: Vec<&PathPoint> = self.paths.iter().filter_map(|path| path.get(i)).collect();
                let runs = points.iter().enumerate().map(|(repeat, point)| Run {
                    repeat,
                    seed: Seed::new(self.seed),
                    stop: point.stop.clone(),
                    scores: point.scores.clone(),
                    history: None,
                });
                (points.first().map_or(0.0, |point| point.lambda), Trial::of(Map::new(), runs.collect()))
            })
            .collect()
    }
}

pub(crate) fn run(args: &Moons) -> Result<(), Failure> {
    let seed = args.common.seed.unwrap_or(1);
    let out = args.common.folder(Path::new("moons"), "demo");
    let mut folder = Folder::prepare(&out, &Holding::alone("demo moons"), args.common.replace)?;
    let findings = on_threads(args.common.threads, || study(args.repeats as usize, seed))??;
    folder.write("moons.toml", EXPERIMENT.as_bytes())?;
    let report = moons_report::report(&findings)?;
    folder.write_report(&report)?;
    let results = results(&findings);
    folder.write_json("results.json", &results)?;
    if args.common.json {
        let mut document = results;
        document["files"] = json!(folder.written());
        output::print_json(&document)
    } else {
        let table = moons_report::table(&findings);
        let mut rows = vec![table.head.clone()];
        rows.extend(table.rows.iter().map(|row| row.iter().map(|cell| cell.text.clone()).collect()));
        output::print(&format!(
            "{}\n{}\n\nReport: {}\n",
            output::columns(&rows),
            moons_report::lede(&findings),
            folder.report()
        ))
    }
}

/// All trainings of the demo.
fn study(repeats: usize, seed: u64) -> Result<Findings, Failure> {
    let base: Experiment = toml_experiment()?;
    let rows = Dataset::from_sample(&base.data.generate()?)?;
    let split = Split::of(&PlainRows::of(&rows, &base), &base.data, Seed::new(seed))?;
    let hidden_values: Vec<Value> = std::iter::once(Value::Null)
        .chain(GRID.iter().map(|l2| json!({ "l2": l2 })))
        .chain([json!({ "l1": CHOSEN }), json!({ "l1": CHOSEN, "l2": CHOSEN })])
        .collect();
    let runs = repeats * (hidden_values.len() + 2 + FINE + 1 + (1 + GRID.len()) + 1);
    let progress = StudyProgress::new(runs);
    let spec = |path: &str, values: Vec<Value>| StudySpec {
        axes: vec![Axis { path: path.to_owned(), values }],
        repeats,
        seed,
        without_histories: true,
        ..StudySpec::default()
    };
    let go = |(base, spec): (&Experiment, StudySpec)| -> Result<StudyResult, Failure> {
        let experiment = Experiment { study: Some(spec), ..base.clone() };
        let result = run_study(&experiment, &PlainRows::of(&rows, &experiment), &progress)?;
        if interrupt::asked() {
            return Err(Failure::Interrupted("nothing is kept; a demo runs again in seconds".to_owned()));
        }
        Ok(result)
    };
    let hidden = StudySpec { without_histories: false, ..spec(HIDDEN, hidden_values) };
    let l2 = json!({ "l2": CHOSEN });
    let output_layer = spec("model.layers.1.kernel_regularizer", vec![l2.clone()]);
    let bias = spec("model.layers.0.bias_regularizer", vec![l2]);

    let stages = json!({ "name": "piecewise", "starts": [0, 1200, 2500, 4000], "values": [0.0, 1e-5, 1e-4, 1e-3] });
    let mut longer = base.clone();
    longer.fit.epochs = STAGED_EPOCHS;
    let staged = spec(&format!("{HIDDEN}.l2"), vec![stages]);

    let strengths = std::iter::once(0.0).chain(GRID).map(Value::from).collect();
    let fresh = StudySpec { resample: Resample::Fresh, ..spec(&format!("{HIDDEN}.l2"), strengths) };

    // What does not wait for the grid's result runs beside it.
    let run_seed = |repeat: usize| Seed::new(seed).derive("run", repeat as u64);
    let model = |experiment: Experiment| taper::run(&experiment, &split, run_seed(0), 0, false).map(|(_, model)| model);
    let path = |repeat: usize| {
        let seed = run_seed(repeat);
        let path = rising_path(&base, &split, seed, "dense/kernel", &RISING, RISING_EPOCHS, Regularizer::l2);
        progress.tick();
        path
    };
    let studies = [(&base, hidden), (&base, output_layer), (&base, bias), (&longer, staged), (&base, fresh)];
    let (results, (paths, models)) = rayon::join(
        || studies.into_par_iter().with_max_len(1).map(go).collect::<Result<Vec<StudyResult>, Failure>>(),
        || {
            let penalized = || base.with(&format!("{HIDDEN}.l2"), &json!(CHOSEN)).and_then(model);
            let paths = || (0..repeats).into_par_iter().with_max_len(1).map(path).collect::<Result<Vec<_>, Error>>();
            rayon::join(paths, || rayon::join(|| model(base.clone()), penalized))
        },
    );
    let (paths, models) = (paths?, [models.0?, models.1?]);
    let Ok([hidden, output_layer, bias, staged, resampled]) = <[StudyResult; 5]>::try_from(results?) else {
        unreachable!("as many results as studies");
    };

    let grid = StudyResult { trials: hidden.trials[1..=GRID.len()].to_vec(), ..hidden.clone() };
    let center = grid.best("test_accuracy", true).map_or(CHOSEN, |best| GRID[best]);
    let fine = go((&base, spec(&format!("{HIDDEN}.l2"), around(center).into_iter().map(Value::from).collect())))?;
    Ok(Findings { repeats, seed, split, hidden, output_layer, bias, fine, staged, resampled, paths, models })
}

fn toml_experiment() -> Result<Experiment, Failure> {
    Ok(taper_io::parse_experiment("moons.toml", EXPERIMENT)?)
}

/// λ from half an order of magnitude below to half above.
fn around(center: f64) -> Vec<f64> {
    (0..FINE).map(|i| center * 10f64.powf(i as f64 / (FINE - 1) as f64 - 0.5)).collect()
}

/// The document of `--json`.
fn results(findings: &Findings) -> Value {
    let l2 = |trial: &Trial| trial.point.values().next().and_then(|value| value.as_f64().or(value["l2"].as_f64()));
    let list =
        |trials: &[Trial]| -> Vec<Value> { trials.iter().map(|trial| entry(trial, Some(("l2", l2(trial))))).collect() };
    let path: Vec<Value> =
        findings.path().iter().map(|(lambda, trial)| entry(trial, Some(("l2", Some(*lambda))))).collect();
    let resampled: Vec<Value> = findings
        .resampled
        .trials
        .iter()
        .enumerate()
        .map(|(i, trial)| {
            let mut value = entry(trial, Some(("l2", l2(trial))));
            for score in ["test_accuracy", "test_data_loss"] {
                value[format!("{score}_difference")] = json!(findings.resampled.difference(i, 0, score));
            }
            value
        })
        .collect();
    json!({
        "repeats": findings.repeats,
        "seed": findings.seed,
        "baseline": entry(findings.baseline(), None),
        "l2": entry(findings.chosen(), None),
        "l1": entry(findings.l1(), None),
        "l1_l2": entry(findings.l1_l2(), None),
        "output_layer": entry(&findings.output_layer.trials[0], None),
        "bias": entry(&findings.bias.trials[0], None),
        "grid": list(findings.grid()),
        "fine_grid": list(&findings.fine.trials),
        "path": path,
        "staged": entry(&findings.staged.trials[0], None),
        "resampled": resampled,
        "overfitting": moons_report::overfitting(findings),
    })
}

/// A trial's scores, without its point.
fn entry(trial: &Trial, extra: Option<(&str, Option<f64>)>) -> Value {
    let mut value = flat(trial);
    if let Some(map) = value.as_object_mut() {
        map.remove("point");
        if let Some((key, number)) = extra {
            map.insert(key.to_owned(), json!(number));
        }
    }
    value
}

/// Mean of a score, as printed.
pub(crate) fn mean(trial: &Trial, score: &str) -> f64 {
    trial.mean(score).unwrap_or(f64::NAN)
}

/// Spread of a score over the runs.
pub(crate) fn std(trial: &Trial, score: &str) -> f64 {
    trial.scores.get(score).and_then(|summary: &Summary| summary.std).unwrap_or(f64::NAN)
}
