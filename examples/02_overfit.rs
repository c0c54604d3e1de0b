//! 500 hidden units for 30 rows: every training row is learned by heart, and the test loss turns upwards.
#![allow(clippy::print_stdout)] // an example prints what it shows

use taper::*;

fn main() -> Result<()> {
    let (train, test) = Dataset::from_sample(&data::make_moons(100, 0.2, 1)?)?.split_at(30)?;
    let spec = Sequential::new([2])
        .layer(Dense::new(500).activation(Activation::Relu))
        .layer(Dense::new(1).activation(Activation::Sigmoid));
    let mut model = Model::build(&spec, Seed::new(1))?;
    let config = FitConfig::new(Loss::BINARY_CROSSENTROPY).metrics([Metric::Accuracy]).epochs(4000);
    let history = fit(&mut model, &train, Some(&test), &config, Seed::new(1), &mut Quiet)?;

    let test_loss = history.get("val_data_loss").unwrap_or_default();
    let turn = test_loss.iter().enumerate().min_by(|a, b| a.1.total_cmp(b.1));
    println!("train accuracy {:.3}", evaluate(&model, &train, &config)?.metrics[0]);
    println!("test accuracy  {:.3}", evaluate(&model, &test, &config)?.metrics[0]);
    if let Some((epoch, lowest)) = turn {
        println!("test loss: {lowest:.3} after epoch {}, {:.3} at the end", epoch + 1, test_loss[test_loss.len() - 1]);
    }
    Ok(())
}
