//! Benchmarks of the tutorial's network: an epoch of it, with and without a penalty and validation, and whether it slows down
//! as the numbers get small.
#![allow(missing_docs)] // criterion makes the functions

use criterion::{Criterion, criterion_group, criterion_main};
use taper::*;

/// A training at the end of `epochs` epochs, ready for one more.
fn epoch(c: &mut Criterion, name: &str, penalty: Option<Regularizer>, validate: bool, epochs: usize) {
    let rows = Dataset::from_sample(&data::make_moons(100, 0.2, 1).unwrap()).unwrap();
    let (train, test) = rows.split_at(30).unwrap();
    let hidden = Dense { kernel_regularizer: penalty, ..Dense::new(500).activation(Activation::Relu) };
    let spec = Sequential::new([2]).layer(hidden).layer(Dense::new(1).activation(Activation::Sigmoid));
    let config = FitConfig::new(Loss::BINARY_CROSSENTROPY).metrics([Metric::Accuracy]);
    let mut model = Model::build(&spec, Seed::new(1)).unwrap();
    let mut state = TrainState::new(&model, &config);
    let mut fitting = Fitting::new(&model, &train, validate.then_some(&test), &config, Seed::new(1)).unwrap();
    for _ in 0..epochs {
        fitting.epoch(&mut model, &mut state).unwrap();
    }
    c.bench_function(name, |bencher| bencher.iter(|| fitting.epoch(&mut model, &mut state).unwrap()));
}

fn moons(c: &mut Criterion) {
    epoch(c, "epoch", None, false, 0);
    epoch(c, "epoch, l2 1e-3", Some(Regularizer::l2(1e-3)), false, 0);
    epoch(c, "epoch, l2 1e-3, validation", Some(Regularizer::l2(1e-3)), true, 0);
    // Weights and moments have sunk to where subnormal numbers begin: it must be as fast as at the start.
    epoch(c, "epoch 20000, l2 0.1", Some(Regularizer::l2(0.1)), false, 20_000);
}

criterion_group!(benches, moons);
criterion_main!(benches);
