//! What a penalized step costs on the MLP 784-512-512-10 at batch 128 with Adam, against the same step without a penalty.
//!
//! `cargo bench --bench penalty`. Every setting takes an epoch of eight steps in turn, again and again, so that a busy machine slows all
//! alike; a round's ratio is to the plain epoch of that round, and the number is their median. What is measured once per epoch
//! (the ledger, the norms) is part of it. With names (`-- none "mcp, Proximal"`), those settings alone.

#![allow(clippy::print_stdout)] // a program that prints what it measured

use std::time::Instant;

use taper::*;

const ROWS: usize = 1024;
const BATCH: usize = 128;
const ROUNDS: usize = 25;

fn data() -> Dataset {
    let mut rng = Seed::new(1).rng();
    let x = (0..ROWS * 784).map(|_| rng.normal() as f32).collect();
    let y = (0..ROWS).map(|i| (i % 10) as f32).collect();
    Dataset::new(Shape::new([784]).unwrap(), x, 1, y).unwrap()
}

fn spec(penalty: Option<&Regularizer>) -> Sequential {
    let dense = |units: usize| Dense { kernel_regularizer: penalty.cloned(), ..Dense::new(units) };
    Sequential::new([784])
        .layer(dense(512).activation(Activation::Relu))
        .layer(dense(512).activation(Activation::Relu))
        .layer(dense(10).activation(Activation::Softmax))
}

fn main() {
    let data = data();
    let config = FitConfig::new(Loss::SPARSE_CATEGORICAL_CROSSENTROPY).batch_size(BATCH);
    let mut settings = vec![("none".to_owned(), None)];
    for mode in [PenaltyMode::Loss, PenaltyMode::Decoupled, PenaltyMode::Independent, PenaltyMode::Proximal] {
        for (name, penalty) in [
            ("l1", Regularizer::l1(1e-5)),
            ("l2", Regularizer::l2(1e-5)),
            ("l1_l2", Regularizer::l1_l2(1e-5, 1e-5)),
            ("mcp", Regularizer { mcp: 1e-5.into(), ..Regularizer::default() }),
            ("scad", Regularizer { scad: 1e-5.into(), ..Regularizer::default() }),
            ("l2, anchored", Regularizer::l2(1e-5).anchor(Anchor::Start)),
            ("group_lasso", Regularizer::group_lasso(1e-5, Grouping::Unit)),
        ] {
            if name != "l1_l2" || mode != PenaltyMode::Independent {
                settings.push((format!("{name}, {mode:?}"), Some(penalty.mode(mode))));
            }
        }
    }
    let cautious = Regularizer { cautious: true, ..Regularizer::l2(1e-5).mode(PenaltyMode::Decoupled) };
    settings.push(("l2, cautious, Decoupled".to_owned(), Some(cautious)));
    let asked: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    settings.retain(|(name, _)| asked.is_empty() || asked.contains(name));
    let mut models: Vec<_> =
        settings.iter().map(|(_, penalty)| Model::build(&spec(penalty.as_ref()), Seed::new(1)).unwrap()).collect();
    let mut states: Vec<_> = models.iter().map(|model| TrainState::new(model, &config)).collect();
    let mut fittings: Vec<_> =
        models.iter().map(|model| Fitting::new(model, &data, None, &config, Seed::new(1)).unwrap()).collect();
    let mut times = vec![Vec::new(); models.len()];
    for round in 0..ROUNDS {
        for i in 0..models.len() {
            let start = Instant::now();
            fittings[i].epoch(&mut models[i], &mut states[i]).unwrap();
            if round >= 3 {
                times[i].push(start.elapsed().as_secs_f64());
            }
            states[i].epoch += 1;
        }
    }
    let median = |mut numbers: Vec<f64>| {
        numbers.sort_by(f64::total_cmp);
        numbers[numbers.len() / 2]
    };
    for ((name, _), mine) in settings.iter().zip(&times) {
        let ratio = median(mine.iter().zip(&times[0]).map(|(mine, plain)| mine / plain).collect());
        let step = 1e3 * median(mine.clone()) / (ROWS / BATCH) as f64;
        println!("{name:24} {step:7.3} ms a step, {ratio:.3} of the plain one");
    }
}
