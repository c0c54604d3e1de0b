//! A fitted model goes on training with a rising penalty; and Neural Smithing's schedule, which rises by itself.
#![allow(clippy::print_stdout)] // an example prints what it shows

use taper::*;

fn main() -> Result<()> {
    let (train, test) = Dataset::from_sample(&data::make_moons(100, 0.2, 1)?)?.split_at(30)?;
    let spec = |hidden: Dense| Sequential::new([2]).layer(hidden).layer(Dense::new(1).activation(Activation::Sigmoid));
    let hidden = Dense::new(500).activation(Activation::Relu);
    let config = FitConfig::new(Loss::BINARY_CROSSENTROPY).metrics([Metric::Accuracy]);

    let mut model = Model::build(&spec(hidden.clone()), Seed::new(1))?;
    let mut state = TrainState::new(&model, &config);
    fit_from(&mut model, &mut state, &train, None, &config.clone().epochs(4000), Seed::new(1), &mut Quiet)?;
    for lambda in [1e-6, 1e-5, 1e-4, 1e-3, 1e-2] {
        // A penalty set on a built model is in force from the next step on.
        model.set_regularizer("dense/kernel", Some(Regularizer::l2(lambda)))?;
        fit_from(&mut model, &mut state, &train, None, &config.clone().epochs(600), Seed::new(1), &mut Quiet)?;
        let scores = evaluate(&model, &test, &config)?;
        println!("λ = {lambda:e}: test accuracy {:.3}, test data loss {:.3}", scores.metrics[0], scores.data_loss);
    }

    let staged = Strength::Piecewise { starts: vec![0, 1200, 2500, 4000], values: vec![0.0, 1e-5, 1e-4, 1e-3] };
    let mut model = Model::build(&spec(hidden.kernel_regularizer(Regularizer::l2(staged))), Seed::new(1))?;
    fit(&mut model, &train, None, &config.clone().epochs(5000), Seed::new(1), &mut Quiet)?;
    let scores = evaluate(&model, &test, &config)?;
    println!("in stages: test accuracy {:.3}, test data loss {:.3}", scores.metrics[0], scores.data_loss);
    Ok(())
}
