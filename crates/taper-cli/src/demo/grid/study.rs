//! The trainings.

use rayon::prelude::*;
use serde_json::{Map, Value, json};
use taper::{Dataset, Experiment, Resample, Run, Seed, Split, StudyResult, Trial, evaluate};

use super::{ALONE, Findings, GRID, Problem};
use crate::failure::Failure;
use crate::interrupt;
use crate::progress::StudyProgress;

/// Rows for each purpose.
struct Parts {
    /// The rows that train, and those that measure.
    split: Split,
    /// The rows that choose λ.
    validation: Dataset,
}

pub(super) fn study(problem: &'static Problem, repeats: usize, seed: u64) -> Result<Findings, Failure> {
    let base = taper_io::parse_experiment(format!("{}.toml", problem.name), problem.experiment)?;
    let rows = taper_io::read_rows(&base.data, std::path::Path::new(""))?;
    let points = points(problem);
    let trials: Vec<Experiment> = points
        .iter()
        .map(|point| point.iter().try_fold(base.clone(), |experiment, (path, value)| experiment.with(path, value)))
        .collect::<taper::Result<_>>()?;
    let resample = if base.data.is_series() { Resample::None } else { Resample::Split };
    let seed_of = |purpose: &str, repeat: usize| Seed::new(seed).derive(purpose, repeat as u64);
    let parts: Vec<Parts> = (0..repeats)
        .map(|repeat| {
            let mut order: Vec<usize> = (0..rows.rows()).collect();
            if resample == Resample::Split {
                seed_of("split", repeat).rng().shuffle(&mut order);
            }
            divide(&rows, &base, problem.validation, &order)
        })
        .collect::<taper::Result<_>>()?;

    let progress = StudyProgress::new(repeats * trials.len());
    let jobs: Vec<(usize, usize)> =
        (0..repeats).flat_map(|repeat| (0..trials.len()).map(move |trial| (repeat, trial))).collect();
    let runs: Vec<Run> = jobs
        .par_iter()
        .with_max_len(1)
        .map(|(repeat, trial)| {
            if interrupt::asked() {
                return Err(Failure::Interrupted("nothing is kept; a demo runs again in a minute".to_owned()));
            }
            let run = measured(&trials[*trial], &parts[*repeat], seed_of("run", *repeat), *repeat)?;
            progress.tick();
            Ok(run)
        })
        .collect::<Result<_, _>>()?;
    drop(progress);

    let mut trials: Vec<Trial> = points
        .into_iter()
        .enumerate()
        .map(|(trial, point)| {
            Trial::of(point, runs.iter().skip(trial).step_by(jobs.len() / repeats).cloned().collect())
        })
        .collect();
    let (choice, chosen) = choose(&trials[..=GRID.len()], repeats);
    trials.push(choice);
    let Parts { split, validation } = &parts[0];
    let rows = [split.train.rows(), validation.rows(), split.test.rows()];
    let result = StudyResult { trials, resample, train_rows: rows[0], test_rows: rows[2] };
    Ok(Findings { problem, repeats, seed, rows, result, chosen })
}

/// None, the grid at all places, each place alone.
fn points(problem: &Problem) -> Vec<Map<String, Value>> {
    let point = |paths: &mut dyn Iterator<Item = &'static str>, l2: f64| -> Map<String, Value> {
        paths.map(|path| (path.to_owned(), json!({ "l2": l2 }))).collect()
    };
    let everywhere = || problem.places.iter().flat_map(|place| place.paths).copied();
    std::iter::once(Map::new())
        .chain(GRID.iter().map(|l2| point(&mut everywhere(), *l2)))
        .chain(problem.places.iter().map(|place| point(&mut place.paths.iter().copied(), ALONE)))
        .collect()
}

fn divide(rows: &Dataset, base: &Experiment, validation: usize, order: &[usize]) -> taper::Result<Parts> {
    let train = base.data.train.unwrap_or(order.len() / 2);
    let (train, rest) = rows.select(order)?.split_at(train)?;
    let (validation, test) = rest.split_at(validation)?;
    Ok(Parts { split: Split { train, test }, validation })
}

/// One run, measured on the validation rows too. The first repeat keeps its epochs.
fn measured(experiment: &Experiment, parts: &Parts, seed: Seed, repeat: usize) -> taper::Result<Run> {
    let (mut run, model) = taper::run(experiment, &parts.split, seed, repeat, repeat == 0)?;
    if run.stop.is_usable() {
        let scores = evaluate(&model, &parts.validation, &experiment.fit)?;
        run.scores.insert("val_data_loss".to_owned(), scores.data_loss);
        let names = experiment.fit.metric_names().into_iter().map(|name| format!("val_{name}"));
        run.scores.extend(names.zip(scores.metrics));
    }
    Ok(run)
}

/// In each repeat the run with the lowest data loss on the validation rows, and its λ.
fn choose(trials: &[Trial], repeats: usize) -> (Trial, Vec<f64>) {
    let lambdas = || std::iter::once(0.0).chain(GRID);
    let best = |repeat: usize| -> Option<(f64, &Run)> {
        let runs = lambdas().zip(trials).filter_map(|(lambda, trial)| Some((lambda, trial.runs.get(repeat)?)));
        let scored = runs.filter_map(|(lambda, run)| Some((*run.scores.get("val_data_loss")?, lambda, run)));
        scored.min_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, lambda, run)| (lambda, run))
    };
    let (chosen, runs): (Vec<f64>, Vec<&Run>) = (0..repeats).filter_map(best).unzip();
    (Trial::of(Map::new(), runs.into_iter().cloned().collect()), chosen)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;
    use taper::StopReason;

    fn trial(losses: &[f64]) -> Trial {
        let run = |(repeat, loss): (usize, &f64)| Run {
            repeat,
            seed: Seed::new(0),
            stop: StopReason::Completed,
            scores: BTreeMap::from([("val_data_loss".to_owned(), *loss)]),
            history: None,
        };
        Trial::of(Map::new(), losses.iter().enumerate().map(run).collect())
    }

    #[test]
    fn each_repeat_chooses_for_itself_and_may_choose_no_penalty() {
        let mut trials = vec![trial(&[9.0, 1.0]); 7];
        trials[3] = trial(&[2.0, 3.0]);
        let (choice, chosen) = choose(&trials, 2);
        assert_eq!(chosen, [GRID[2], 0.0]);
        assert_eq!(choice.mean("val_data_loss"), Some(1.5));
    }
}
