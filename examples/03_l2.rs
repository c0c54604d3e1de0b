//! The same network with an L2 penalty on its hidden kernel. Loss = data loss + penalty, and both are reported.
#![allow(clippy::print_stdout)] // an example prints what it shows

use taper::*;

fn main() -> Result<()> {
    let (train, test) = Dataset::from_sample(&data::make_moons(100, 0.2, 1)?)?.split_at(30)?;
    let spec = Sequential::new([2])
        .layer(Dense::new(500).activation(Activation::Relu).kernel_regularizer(Regularizer::l2(0.001)))
        .layer(Dense::new(1).activation(Activation::Sigmoid));
    let mut model = Model::build(&spec, Seed::new(1))?;
    let config = FitConfig::new(Loss::BINARY_CROSSENTROPY).metrics([Metric::Accuracy]).epochs(4000);
    let history = fit(&mut model, &train, Some(&test), &config, Seed::new(1), &mut Quiet)?;

    println!("epoch  loss    = data loss + penalty   test data loss");
    for epoch in [0, 9, 99, 999, 3999] {
        let at = |name: &str| history.get(name).map_or(f64::NAN, |column| column[epoch]);
        println!(
            "{:5}  {:.4}  = {:.4}    + {:.4}    {:.4}",
            epoch + 1,
            at("loss"),
            at("data_loss"),
            at("penalty"),
            at("val_data_loss")
        );
    }
    println!("test accuracy {:.3}", evaluate(&model, &test, &config)?.metrics[0]);
    Ok(())
}
