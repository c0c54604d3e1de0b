//! `Dense(32)` with an L2 penalty on its kernel and on its bias, on the two moons.
#![allow(clippy::print_stdout)] // an example prints what it shows

use taper::*;

fn main() -> Result<()> {
    let (train, test) = Dataset::from_sample(&data::make_moons(100, 0.2, 1)?)?.split_at(30)?;
    let l2 = || Regularizer::l2(0.01);
    let spec = Sequential::new([2])
        .layer(Dense::new(32).activation(Activation::Relu).kernel_regularizer(l2()).bias_regularizer(l2()))
        .layer(Dense::new(1).activation(Activation::Sigmoid));
    let mut model = Model::build(&spec, Seed::new(1))?;
    let config = FitConfig::new(Loss::BINARY_CROSSENTROPY).metrics([Metric::Accuracy]).epochs(1000);
    fit(&mut model, &train, None, &config, Seed::new(1), &mut Quiet)?;
    let scores = evaluate(&model, &test, &config)?;
    println!("loss {:.4} = data loss {:.4} + penalty {:.4}", scores.loss, scores.data_loss, scores.penalty);
    println!("test accuracy {:.3}", scores.metrics[0]);
    Ok(())
}
