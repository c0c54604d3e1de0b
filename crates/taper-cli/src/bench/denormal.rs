//! Whether training slows down as its numbers become small: subnormal numbers cost up to 50 times as much.

use std::time::Instant;

use serde_json::{Value, json};
use taper::{
    Activation, Dataset, Dense, FitConfig, Fitting, Loss, Model, Optimizer, Regularizer, Result, Seed, Sequential,
    Shape, TrainState,
};

/// Epochs of moons under a penalty that drives its weights towards 0.
const EPOCHS: usize = 20_000;
/// Epochs of the network that learns its rows by heart, at most.
const MOST: usize = 20_000;
/// Epochs that are timed together.
const WINDOW: usize = 500;

/// Both trainings: time per epoch at the beginning, at the end, and at its worst in between.
pub(super) fn measure() -> Result<Value> {
    let (moons, _) = Dataset::from_sample(&taper::data::make_moons(100, 0.2, 1)?)?.split_at(30)?;
    let hidden = Dense::new(500).activation(Activation::Relu).kernel_regularizer(Regularizer::l2(0.1));
    let sinking = Sequential::new([2]).layer(hidden).layer(Dense::new(1).activation(Activation::Sigmoid));
    let config = FitConfig::new(Loss::BINARY_CROSSENTROPY);
    let sinking = windows(&sinking, &moons, &config, EPOCHS, false)?;

    let mut rng = Seed::new(1).derive("bench", 1).rng();
    let x = (0..64 * 64).map(|_| 2.0 * rng.uniform_f32() - 1.0).collect();
    let y = (0..64).map(|_| rng.below(10) as f32).collect();
    let noise = Dataset::new(Shape::new([64])?, x, 1, y)?;
    let dense = |units| Dense::new(units).activation(Activation::Relu);
    let learned =
        Sequential::new([64]).layer(dense(256)).layer(dense(256)).layer(Dense::new(10).activation(Activation::Softmax));
    let config = FitConfig::new(Loss::SPARSE_CATEGORICAL_CROSSENTROPY)
        .optimizer(Optimizer::adam().learning_rate(0.01))
        .batch_size(64);
    let learned = windows(&learned, &noise, &config, MOST, true)?;
    Ok(json!({ "workload": "denormals", "moons_l2_0.1": sinking, "mlp_to_loss_0": learned }))
}

/// Trains and times every window of epochs; where `to_zero`, until three windows after the loss has become exactly 0.
fn windows(spec: &Sequential, data: &Dataset, config: &FitConfig, epochs: usize, to_zero: bool) -> Result<Value> {
    let mut model = Model::build(spec, Seed::new(1))?;
    let mut state = TrainState::new(&model, config);
    let mut fitting = Fitting::new(&model, data, None, config, Seed::new(1))?;
    let (mut micros, mut zeros) = (Vec::new(), 0);
    while micros.len() * WINDOW < epochs && zeros < 3 {
        let start = Instant::now();
        for _ in 0..WINDOW {
            fitting.epoch(&mut model, &mut state).expect("neither training diverges");
            state.epoch += 1;
        }
        micros.push(start.elapsed().as_secs_f64() / WINDOW as f64 * 1e6);
        zeros += usize::from(to_zero && fitting.row()[1] == 0.0);
    }
    let last = *micros.last().unwrap_or(&f64::NAN);
    let worst = micros.iter().copied().fold(0.0, f64::max);
    let best = micros.iter().copied().fold(f64::INFINITY, f64::min);
    Ok(json!({
        "epochs": state.epoch, "data_loss": fitting.row()[1],
        "us_first": micros[0], "us_last": last, "us_best": best, "us_worst": worst, "worst_to_best": worst / best,
    }))
}
