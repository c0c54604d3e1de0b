//! Would it hold on other data? Fresh data sets, paired differences, an interval.
#![allow(clippy::print_stdout)] // an example prints what it shows

use serde_json::json;
use taper::*;

fn main() -> Result<()> {
    let experiment = Experiment::from_value(json!({
        "data": { "source": "moons", "samples": 100, "noise": 0.2, "random_state": 1, "train": 30 },
        "model": { "input_shape": [2], "layers": [
            { "layer": "dense", "units": 500, "activation": "relu" },
            { "layer": "dense", "units": 1, "activation": "sigmoid" },
        ] },
        "fit": { "loss": "binary_crossentropy", "metrics": ["accuracy"], "epochs": 4000 },
        "study": {
            "axes": [{ "path": "model.layers.0.kernel_regularizer.l2", "values": [0.0, 1e-3, 1e-2] }],
            "repeats": 10,
            "seed": 1,
            "resample": "fresh",
        },
    }))?;
    let rows = Dataset::from_sample(&experiment.data.generate()?)?;
    let result = run_study(&experiment, &PlainRows::of(&rows, &experiment), &Quiet)?;
    for trial in 1..result.trials.len() {
        for score in ["test_accuracy", "test_data_loss"] {
            if let Some(gain) = result.difference(trial, 0, score) {
                let lambda = result.trials[trial].point.values().next().cloned().unwrap_or_default();
                println!("λ = {lambda}: {score} {:+.3} [{:+.3}, {:+.3}]", gain.mean, gain.ci_low, gain.ci_high);
            }
        }
    }
    Ok(())
}
