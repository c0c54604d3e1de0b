//! What a penalized step costs on the MLP 784-512-512-10 at batch 128 with Adam, against the same step without a penalty.
//!
//! `cargo bench --bench penalty`. Every setting takes an epoch of 32 steps in turn, again and again, so that a busy machine slows all
//! alike; a round's ratio is to the plain epoch of that round, and the number is their median. What is measured once per epoch
//! (the ledger, the norms) is part of it. With names (`-- none "mcp, Proximal"`), those settings alone.

#![allow(clippy::print_stdout)] // a program that prints what it measured

use std::time::Instant;

use taper::*;

const ROWS: usize = 4096;
const BATCH: usize = 128;
const ROUNDS: usize = 25;

fn data() -> Dataset {
    let mut rng = Seed::new(1).rng();
    let x = (0..ROWS * 784).map(|_| rng.normal() as f32).collect();
    let y = (0..ROWS).map(|i| (i % 10) as f32).collect();
    Dataset::new(Shape::new([784]).unwrap(), x, 1, y).unwrap()
}

/// A penalty, and whether every weight has a factor of its own on it.
#[derive(Clone)]
struct Setting {
    name: String,
    penalty: Option<Regularizer>,
    weighted: bool,
}

impl Setting {
    fn spec(&self) -> Sequential {
        let dense = |inputs: usize, units: usize| {
            let factors = (0..inputs * units).map(|i| 0.5 + (i % 3) as f32 / 2.0);
            let with_factors = |penalty: Regularizer| penalty.factors(factors.collect::<Vec<f32>>());
            let penalty = self.penalty.clone();
            let penalty = if self.weighted { penalty.map(with_factors) } else { penalty };
            Dense { kernel_regularizer: penalty, ..Dense::new(units) }
        };
        Sequential::new([784])
            .layer(dense(784, 512).activation(Activation::Relu))
            .layer(dense(512, 512).activation(Activation::Relu))
            .layer(dense(512, 10).activation(Activation::Softmax))
    }
}

/// No penalty, and then every penalty in every mode.
fn settings() -> Vec<Setting> {
    let mcp = Regularizer { mcp: 1e-5.into(), ..Regularizer::default() };
    let scad = Regularizer { scad: 1e-5.into(), ..Regularizer::default() };
    let at_start = |penalty: Regularizer| penalty.anchor(Anchor::Start);
    let penalties = [
        ("l1", Regularizer::l1(1e-5), false),
        ("l2", Regularizer::l2(1e-5), false),
        ("l1_l2", Regularizer::l1_l2(1e-5, 1e-5), false),
        ("mcp", mcp.clone(), false),
        ("scad", scad.clone(), false),
        ("l1, anchored", at_start(Regularizer::l1(1e-5)), false),
        ("l2, anchored", at_start(Regularizer::l2(1e-5)), false),
        ("mcp, anchored", at_start(mcp.clone()), false),
        ("l1, weighted", Regularizer::l1(1e-5), true),
        ("l2, weighted", Regularizer::l2(1e-5), true),
        ("mcp, weighted", mcp, true),
        ("scad, weighted", scad, true),
        ("l2, anchored, weighted", at_start(Regularizer::l2(1e-5)), true),
        ("group_lasso", Regularizer::group_lasso(1e-5, Grouping::Unit), false),
    ];
    let mut settings = vec![Setting { name: "none".to_owned(), penalty: None, weighted: false }];
    for mode in [PenaltyMode::Loss, PenaltyMode::Decoupled, PenaltyMode::Independent, PenaltyMode::Proximal] {
        for (name, penalty, weighted) in penalties.clone() {
            let penalty = Some(penalty.mode(mode));
            settings.push(Setting { name: format!("{name}, {mode:?}"), penalty, weighted });
        }
    }
    for (name, penalty, weighted) in penalties {
        let penalty = Some(Regularizer { cautious: true, ..penalty.mode(PenaltyMode::Decoupled) });
        settings.push(Setting { name: format!("{name}, cautious"), penalty, weighted });
    }
    settings
}

fn main() {
    let data = data();
    let config = FitConfig::new(Loss::SPARSE_CATEGORICAL_CROSSENTROPY).batch_size(BATCH);
    let mut settings = settings();
    let asked: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    settings.retain(|setting| asked.is_empty() || asked.contains(&setting.name));
    let mut models: Vec<_> =
        settings.iter().map(|setting| Model::build(&setting.spec(), Seed::new(1)).unwrap()).collect();
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
    for (Setting { name, .. }, mine) in settings.iter().zip(&times) {
        let ratio = median(mine.iter().zip(&times[0]).map(|(mine, plain)| mine / plain).collect());
        let step = 1e3 * median(mine.clone()) / (ROWS / BATCH) as f64;
        let fastest = |times: &[f64]| times.iter().copied().fold(f64::INFINITY, f64::min);
        let best = fastest(mine) / fastest(&times[0]);
        println!("{name:34} {step:7.3} ms a step, {ratio:.3} of the plain one, the fastest {best:.3} of its fastest");
    }
}
