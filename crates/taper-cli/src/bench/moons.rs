//! The tutorial's fit, and its grid.

use std::time::Instant;

use serde_json::{Value, json};
use taper::{
    Activation, Axis, Dataset, Dense, Experiment, FitConfig, Loss, Metric, Model, PlainRows, Quiet, Regularizer,
    Result, Seed, Sequential, StudySpec, evaluate, fit, run_study,
};

/// λ of the single fit, and the one whose scores the grid reports.
const LAMBDA: f64 = 1e-3;
const EPOCHS: usize = 4000;
/// Fits that are timed, after one to warm up.
const FITS: usize = 9;
const SEEDS: usize = 30;

/// The tutorial's fit: median over fits, each with its own seed. With `validated` the other rows are measured after every epoch.
pub(super) fn one(validated: bool) -> Result<Value> {
    let (train, test) = Dataset::from_sample(&taper::data::make_moons(100, 0.2, 1)?)?.split_at(30)?;
    let hidden = Dense::new(500).activation(Activation::Relu).kernel_regularizer(Regularizer::l2(LAMBDA));
    let spec = Sequential::new([2]).layer(hidden).layer(Dense::new(1).activation(Activation::Sigmoid));
    let config = FitConfig {
        validation_batch_size: Some(test.rows()),
        ..FitConfig::new(Loss::BINARY_CROSSENTROPY).metrics([Metric::Accuracy]).epochs(EPOCHS)
    };
    let validation = validated.then_some(&test);
    let (mut seconds, mut accuracy, mut loss, mut columns) = (Vec::new(), 0.0, 0.0, 0);
    for seed in 0..=FITS as u64 {
        let mut model = Model::build(&spec, Seed::new(seed))?;
        let start = Instant::now();
        let history = fit(&mut model, &train, validation, &config, Seed::new(seed), &mut Quiet)?;
        if seed > 0 {
            seconds.push(start.elapsed().as_secs_f64());
            let scores = evaluate(&model, &test, &config)?;
            accuracy += scores.metrics[0] / FITS as f64;
            loss += scores.data_loss / FITS as f64;
            columns = history.columns.len();
        }
    }
    seconds.sort_by(f64::total_cmp);
    let median = seconds[FITS / 2];
    Ok(json!({
        "workload": if validated { "moons-history" } else { "moons" }, "epochs": EPOCHS, "fits": FITS,
        "seconds": median, "seconds_min": seconds[0], "seconds_max": seconds[FITS - 1],
        "us_per_epoch": median / EPOCHS as f64 * 1e6, "columns": columns,
        "test_accuracy": accuracy, "test_data_loss": loss,
    }))
}

/// The tutorial's experiment, for so many epochs.
pub(super) fn experiment(epochs: usize) -> Result<Experiment> {
    Experiment::from_value(json!({
        "data": { "source": "moons", "samples": 100, "noise": 0.2, "random_state": 1, "train": 30 },
        "model": { "input_shape": [2], "layers": [
            { "layer": "dense", "units": 500, "activation": "relu" },
            { "layer": "dense", "units": 1, "activation": "sigmoid" },
        ] },
        "fit": { "loss": "binary_crossentropy", "metrics": ["accuracy"], "epochs": epochs },
    }))
}

/// The tutorial's grid, 30 seeds each: 180 fits, of which only the scores are kept.
pub(super) fn grid() -> Result<Value> {
    let lambdas = [1e-1, 1e-2, LAMBDA, 1e-4, 1e-5, 1e-6];
    let axis = Axis {
        path: "model.layers.0.kernel_regularizer.l2".to_owned(),
        values: lambdas.iter().map(|lambda| json!(lambda)).collect(),
    };
    let study =
        StudySpec { axes: vec![axis], repeats: SEEDS, seed: 1, without_histories: true, ..StudySpec::default() };
    let experiment = Experiment { study: Some(study), ..experiment(EPOCHS)? };
    let rows = Dataset::from_sample(&experiment.data.generate()?)?;
    let start = Instant::now();
    let result = run_study(&experiment, &PlainRows::of(&rows, &experiment), &Quiet)?;
    let seconds = start.elapsed().as_secs_f64();
    let fits = lambdas.len() * SEEDS;
    let trial = &result.trials[2];
    Ok(json!({
        "workload": "moons-grid", "epochs": EPOCHS, "fits": fits, "seconds": seconds,
        "us_per_epoch": seconds / (fits * EPOCHS) as f64 * 1e6,
        "test_accuracy": trial.mean("test_accuracy"), "test_data_loss": trial.mean("test_data_loss"),
    }))
}
