//! Whether `choose` keeps its promises, by simulation: seeded, on one core in minutes.
//!
//! ```text
//! cargo bench -p taper --bench choose -- regret 100
//! cargo bench -p taper --bench choose -- regret-even 100
//! cargo bench -p taper --bench choose -- informed 100
//! cargo bench -p taper --bench choose -- tested 200
//! cargo bench -p taper --bench choose -- outer 200
//! cargo bench -p taper --bench choose -- null 200
//! cargo bench -p taper --bench choose -- moons
//! ```
//!
//! Each prints one line per simulation to stderr and its summary to stdout; the number is that of simulations, and a second
//! one is where to begin (`regret 100 60`), so that what was cut short can be gone on with. What the numbers mean is said in
//! `bench/choose.md`.
#![allow(clippy::print_stdout, clippy::print_stderr, missing_docs)] // a program that prints what it measured

#[path = "choose/truth.rs"]
mod truth;

use std::sync::Mutex;

use serde_json::json;
use taper::data::make_moons;
use taper::*;
use truth::{TRUTHS, Truth};

/// A network of 32 units (or none) on this truth, trained for about `steps` steps.
fn experiment(truth: Truth, hidden: bool, n: usize, steps: usize, choose: &serde_json::Value) -> Experiment {
    let (units, activation, loss) = match truth {
        Truth::Friedman | Truth::Sparse => (1, "linear", "mse"),
        Truth::Blobs => (3, "softmax", "sparse_categorical_crossentropy"),
        _ => (1, "sigmoid", "binary_crossentropy"),
    };
    let mut layers = vec![json!({ "layer": "dense", "units": units, "activation": activation })];
    if hidden {
        layers.insert(0, json!({ "layer": "dense", "units": 32, "activation": "relu" }));
    }
    let epochs = (steps / n.div_ceil(32)).clamp(20, 400);
    Experiment::from_value(json!({
        "data": { "source": "simulated.csv" },
        "model": { "input_shape": [truth.features()], "layers": layers },
        "fit": { "loss": loss, "epochs": epochs, "optimizer": { "name": "adam", "learning_rate": 0.02 } },
        "choose": choose,
    }))
    .unwrap()
}

fn rows<'a>(truth: Truth, data: &'a Dataset, development: usize) -> PlainRows<'a> {
    PlainRows { data, development, standardize: true, classes: !truth.is_regression(), ordered: false }
}

/// Remembers the trials of the final comparison beside all outcomes.
#[derive(Default)]
struct Witness {
    inner: MemoryStore,
    finals: Mutex<Vec<TrialSpec>>,
}

impl TrialStore for Witness {
    fn get(&self, key: &str) -> Result<Option<TrialOutcome>> {
        self.inner.get(key)
    }

    fn put(&self, key: &str, spec: &TrialSpec, outcome: &TrialOutcome) -> Result<()> {
        if spec.rows == Selection::Test {
            self.finals.lock().unwrap().push(spec.clone());
        }
        self.inner.put(key, spec, outcome)
    }
}

/// How the sizes of data sets lie between 30 and 2,000 rows.
#[derive(Clone, Copy)]
enum Sizes {
    /// Evenly on a log scale: as many below 245 rows as above.
    Log,
    /// Evenly: as many below 1,015 rows as above.
    Even,
}

impl Sizes {
    fn rows(self, simulation: usize, simulations: usize) -> usize {
        let at = simulation as f64 / simulations.max(2) as f64;
        match self {
            Self::Log => (30.0 * (2000.0f64 / 30.0).powf(at)) as usize,
            Self::Even => (30.0 + 1970.0 * at) as usize,
        }
    }
}

fn quantile(values: &[f64], share: f64) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    values[((values.len() - 1) as f64 * share).round() as usize]
}

/// Regret against the best in hindsight, and what racing changes. Other `draws` are other data sets of the same truths and sizes.
fn regret(simulations: usize, from: usize, draws: u64, sizes: Sizes) {
    let (mut regrets, mut same, mut shares) = (vec![], 0, vec![]);
    for i in from..simulations {
        // Neighbouring sizes meet different truths.
        let (truth, n) = (TRUTHS[i % 6], sizes.rows(i, simulations));
        let seed = Seed::new(draws).derive("regret", i as u64);
        // All else as it is by default: 13 strengths, 10 repeats of 5 folds.
        let spec = |race: bool| json!({ "race": race, "evidence": false });
        let data = truth.rows(n + 20, seed);
        let store = MemoryStore::new();
        let run = |race: bool| {
            choose(&experiment(truth, true, n, 600, &spec(race)), &rows(truth, &data, n), &store, &Quiet)
                .unwrap()
                .choice
        };
        // The race sees outcomes of the full run: the same trainings, fewer of them.
        let (full, raced) = (run(false), run(true));

        let mut tried = vec![Candidate::none()];
        tried.extend(full.grid.iter().map(|point| Candidate::new(point.penalty.as_str(), point.value)));
        let losses = hindsight(truth, &data, n, seed, &tried);
        let position = |chosen: &Candidate| tried.iter().position(|other| other == chosen);
        let best = losses.iter().copied().fold(f64::INFINITY, f64::min);
        let regret = position(&raced.chosen).map_or(f64::NAN, |at| losses[at] / best - 1.0);
        let steps = position(&raced.chosen).zip(position(&full.chosen)).map_or(99, |(a, b)| a.abs_diff(b));
        let share = raced.runs.done as f64 / full.runs.done as f64;
        eprintln!(
            "{i} {truth:?} n={n}: chose {:.1e} (full {:.1e}), regret {:.2}%, {steps} grid steps, {:.0}% of the compute",
            raced.chosen.value,
            full.chosen.value,
            100.0 * regret,
            100.0 * share
        );
        regrets.push(regret);
        shares.push(share);
        same += usize::from(steps <= 1);
    }
    let mean_share = shares.iter().sum::<f64>() / shares.len() as f64;
    println!(
        "| regret over {} data sets | median {:.2}% | 95th percentile {:.2}% |",
        regrets.len(),
        100.0 * quantile(&regrets, 0.5),
        100.0 * quantile(&regrets, 0.95)
    );
    println!(
        "| racing | same within one grid step in {:.1}% | {:.0}% of the compute (median {:.0}%) |",
        100.0 * same as f64 / regrets.len() as f64,
        100.0 * mean_share,
        100.0 * quantile(&shares, 0.5)
    );
}

/// How every candidate, fitted to the first `n` of `data`, does on 10,000 fresh rows: the mean of 10 refits.
fn hindsight(truth: Truth, data: &Dataset, n: usize, seed: Seed, tried: &[Candidate]) -> Vec<f64> {
    let fresh = truth.rows(10_000, seed.derive("fresh", 0));
    let both = together(data, n, &fresh);
    let bare = experiment(truth, true, n, 600, &json!(null));
    let loss = |candidate: &Candidate, refit: u64| {
        let spec = TrialSpec {
            experiment: bare.clone(),
            on: ChooseSpec::default().on,
            candidate: candidate.clone(),
            rows: Selection::Test,
            quarters: None,
            seed: seed.derive("refit", refit).number(),
            detail: Detail::default(),
        };
        run_trial(&spec, &rows(truth, &both, n)).unwrap().scores["data_loss"]
    };
    tried.iter().map(|candidate| (0..10).map(|refit| loss(candidate, refit)).sum::<f64>() / 10.0).collect()
}

/// The regret of the strength that is best on average, in log loss, for four other data sets of the same truth and size: of
/// somebody who knows where the rows come from, and does not look at them.
fn informed(simulations: usize, from: usize, sizes: Sizes) {
    let mut regrets = vec![];
    for i in from..simulations {
        let (truth, n) = (TRUTHS[i % 6], sizes.rows(i, simulations));
        let seed = Seed::new(100).derive("regret", i as u64);
        let data = truth.rows(n + 20, seed);
        let spec = experiment(truth, true, n, 600, &json!({ "evidence": false }));
        let choice = choose(&spec, &rows(truth, &data, n), &MemoryStore::new(), &Quiet).unwrap().choice;
        let mut tried = vec![Candidate::none()];
        tried.extend(choice.grid.iter().map(|point| Candidate::new(point.penalty.as_str(), point.value)));
        let mut elsewhere = vec![0.0; tried.len()];
        for other in 0..4 {
            let seed = seed.derive("elsewhere", other);
            let losses = hindsight(truth, &truth.rows(n + 20, seed), n, seed, &tried);
            elsewhere.iter_mut().zip(losses).for_each(|(sum, loss)| *sum += loss.ln());
        }
        let informed = (0..tried.len()).min_by(|a, b| elsewhere[*a].total_cmp(&elsewhere[*b])).unwrap();
        let losses = hindsight(truth, &data, n, seed, &tried);
        let best = losses.iter().copied().fold(f64::INFINITY, f64::min);
        regrets.push(losses[informed] / best - 1.0);
        eprintln!(
            "{i} {truth:?} n={n}: {:.1e}, regret {:.2}%",
            tried[informed].value,
            100.0 * regrets[regrets.len() - 1]
        );
    }
    println!(
        "| regret of the strength known from elsewhere, over {} data sets | median {:.2}% | 95th percentile {:.2}% |",
        regrets.len(),
        100.0 * quantile(&regrets, 0.5),
        100.0 * quantile(&regrets, 0.95)
    );
}

/// The first `n` of some rows, then others.
fn together(first: &Dataset, n: usize, others: &Dataset) -> Dataset {
    let width = first.input_shape().len();
    let x = [&first.x()[..n * width], others.x()].concat();
    let y = [&first.y()[..n], others.y()].concat();
    Dataset::new(first.input_shape().clone(), x, 1, y).unwrap()
}

#[derive(Default)]
struct Coverage {
    covered: usize,
    above: usize,
    below: usize,
    helps: usize,
    /// "Helps", though the truth is that it does not.
    wrong: usize,
    widths: Vec<f64>,
}

impl Coverage {
    fn see(&mut self, choice: &Choice, truth: f64) {
        let Gain { ci_low, ci_high, .. } = choice.gain;
        self.covered += usize::from(ci_low <= truth && truth <= ci_high);
        self.above += usize::from(ci_low > truth);
        self.below += usize::from(ci_high < truth);
        self.helps += usize::from(choice.verdict.helps);
        self.wrong += usize::from(choice.verdict.helps && truth <= 0.0);
        self.widths.push(ci_high - ci_low);
    }

    fn report(&self, name: &str) {
        let n = self.widths.len() as f64;
        println!(
            "| {name}, {n} simulations | truth inside {:.1}% | too high {:.1}%, too low {:.1}% | \"helps\" {:.1}%, wrongly {:.1}% | median width {:.3} |",
            100.0 * self.covered as f64 / n,
            100.0 * self.above as f64 / n,
            100.0 * self.below as f64 / n,
            100.0 * self.helps as f64 / n,
            100.0 * self.wrong as f64 / n,
            quantile(&self.widths, 0.5)
        );
    }
}

/// Declared test rows: the interval against the difference of the two fitted models on 100,000 fresh rows.
fn tested(simulations: usize, from: usize, hidden: bool, name: &str) {
    let mut coverage = Coverage::default();
    for i in from..simulations {
        let seed = Seed::new(200).derive(name, i as u64);
        // Where a penalty cannot help: a linear truth, a linear model, ample rows.
        let (truth, n, test) = if hidden {
            (TRUTHS[i % 6], [40, 80, 160, 320][i / 6 % 4], [70, 150, 300][i / 24 % 3])
        } else {
            ([Truth::Logit, Truth::Sparse][i % 2], 600, 300)
        };
        let spec = json!({ "folds": 5, "repeats": 2, "points": 7, "evidence": false });
        let experiment = experiment(truth, hidden, n, 600, &spec);
        let data = truth.rows(n + test, seed);
        let store = Witness::default();
        let choice = choose(&experiment, &rows(truth, &data, n), &store, &Quiet).unwrap().choice;
        let both = together(&data, n, &truth.rows(100_000, seed.derive("fresh", 0)));
        let finals = store.finals.lock().unwrap();
        let population = |none: bool| {
            let spec = finals.iter().find(|spec| spec.candidate.is_none() == none)?;
            let spec = TrialSpec { detail: Detail::default(), ..spec.clone() };
            Some(run_trial(&spec, &rows(truth, &both, n)).unwrap().scores["data_loss"])
        };
        let difference = population(true).zip(population(false)).map_or(0.0, |(none, chosen)| none - chosen);
        let Gain { estimate, ci_low, ci_high, .. } = choice.gain;
        eprintln!("{i} {truth:?} n={n} test={test}: {estimate:.4} [{ci_low:.4}, {ci_high:.4}], truth {difference:.4}");
        coverage.see(&choice, difference);
    }
    coverage.report(name);
}

/// Outer folds: the interval against the expected difference over training sets of the size that a fold leaves.
fn outer(simulations: usize, hidden: bool, name: &str) {
    let spec = json!({ "folds": 3, "repeats": 2, "points": 5, "outer_folds": 5, "evidence": false });
    let settings: &[(Truth, usize)] = if hidden {
        &[(Truth::Moons, 60), (Truth::Sparse, 100), (Truth::Logit, 150), (Truth::Friedman, 80)]
    } else {
        &[(Truth::Logit, 600), (Truth::Sparse, 600)]
    };
    let mut coverage = Coverage::default();
    for (s, (truth, n)) in settings.iter().copied().enumerate() {
        let seed = Seed::new(300).derive(name, s as u64);
        let inner = n * 4 / 5;
        // As many independent training sets as there are simulations of this setting.
        let count = simulations / settings.len();
        let gains: Vec<f64> = (0..count)
            .map(|i| {
                let data = truth.rows(inner + 4000, seed.derive("truth", i as u64));
                let experiment = experiment(truth, hidden, n, 600, &spec);
                choose(&experiment, &rows(truth, &data, inner), &MemoryStore::new(), &Quiet)
                    .unwrap()
                    .choice
                    .gain
                    .estimate
            })
            .collect();
        let difference = gains.iter().sum::<f64>() / count as f64;
        for i in 0..count {
            let data = truth.rows(n, seed.derive("simulation", i as u64));
            let experiment = experiment(truth, hidden, n, 600, &spec);
            let choice = choose(&experiment, &rows(truth, &data, n), &MemoryStore::new(), &Quiet).unwrap().choice;
            let Gain { estimate, ci_low, ci_high, .. } = choice.gain;
            let folds: Vec<String> = choice.outer.iter().map(|fold| format!("{:.4}", fold.gain)).collect();
            eprintln!(
                "{i} {truth:?} n={n}: {estimate:.4} [{ci_low:.4}, {ci_high:.4}], truth {difference:.4}, folds {}",
                folds.join(" ")
            );
            coverage.see(&choice, difference);
        }
    }
    coverage.report(name);
}

/// The tutorial's moons: 30 rows to choose on, 70 to judge by, 500 units, 4,000 epochs, 13 strengths on 10 x 5 folds.
fn moons() {
    let experiment = Experiment::from_value(json!({
        "data": { "source": "moons" },
        "model": { "input_shape": [2], "layers": [
            { "layer": "dense", "units": 500, "activation": "relu" },
            { "layer": "dense", "units": 1, "activation": "sigmoid" },
        ] },
        "fit": { "loss": "binary_crossentropy", "metrics": ["accuracy"], "epochs": 4000 },
        "choose": {},
    }))
    .unwrap();
    let data = Dataset::from_sample(&make_moons(100, 0.2, 1).unwrap()).unwrap();
    let rows = PlainRows { data: &data, development: 30, standardize: false, classes: true, ordered: false };
    let start = std::time::Instant::now();
    let choice = choose(&experiment, &rows, &MemoryStore::new(), &Quiet).unwrap().choice;
    let RunCount { done, saved_by_racing } = choice.runs;
    println!("{}", choice.verdict.sentence);
    println!("| moons | {:.1} s | {done} trainings, {saved_by_racing} saved |", start.elapsed().as_secs_f64());
}

fn main() {
    let mut arguments = std::env::args().skip(1).filter(|argument| argument != "--bench");
    let what = arguments.next().unwrap_or_default();
    let mut number = |otherwise| arguments.next().and_then(|number| number.parse().ok()).unwrap_or(otherwise);
    let (simulations, from, draws) = (number(24), number(0), number(100) as u64);
    match what.as_str() {
        "moons" => moons(),
        "regret" => regret(simulations, from, draws, Sizes::Log),
        "regret-even" => regret(simulations, from, draws, Sizes::Even),
        "informed" => informed(simulations, from, Sizes::Log),
        "tested" => tested(simulations, from, true, "declared test rows"),
        "outer" => outer(simulations, true, "outer folds"),
        "null" => {
            tested(simulations, from, false, "nothing to gain, declared test rows");
            outer(simulations / 2, false, "nothing to gain, outer folds");
        }
        _ => println!("moons; or regret, regret-even, informed, tested, outer or null, and how many simulations"),
    }
}
