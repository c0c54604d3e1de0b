//! Which strength? A study over λ, each repeated over weight seeds; all λ see the same rows and seeds.
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
            "axes": [{ "path": "model.layers.0.kernel_regularizer.l2", "values": [1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6] }],
            "repeats": 5,
            "seed": 1,
        },
    }))?;
    let rows = Dataset::from_sample(&experiment.data.generate()?)?;
    let result = run_study(&experiment, &PlainRows::of(&rows, &experiment), &Quiet)?;
    for trial in &result.trials {
        let show = |score: &str| trial.mean(score).unwrap_or(f64::NAN);
        println!(
            "{:?}: train accuracy {:.3}, test accuracy {:.3}, test data loss {:.3}",
            trial.point.values().collect::<Vec<_>>(),
            show("train_accuracy"),
            show("test_accuracy"),
            show("test_data_loss")
        );
    }
    Ok(())
}
