//! L1 and both instead of L2; on the output layer, on the biases; and what each does to the weights.
#![allow(clippy::print_stdout)] // an example prints what it shows

use taper::*;

fn main() -> Result<()> {
    let (train, test) = Dataset::from_sample(&data::make_moons(100, 0.2, 1)?)?.split_at(30)?;
    let hidden = || Dense::new(500).activation(Activation::Relu);
    let output = || Dense::new(1).activation(Activation::Sigmoid);
    let l2 = || Regularizer::l2(0.001);
    let settings = [
        ("no penalty", hidden(), output()),
        ("L2 on the hidden kernel", hidden().kernel_regularizer(l2()), output()),
        ("L1 on the hidden kernel", hidden().kernel_regularizer(Regularizer::l1(0.001)), output()),
        ("L1 and L2 on the hidden kernel", hidden().kernel_regularizer(Regularizer::l1_l2(0.001, 0.001)), output()),
        ("L2 on the output kernel", hidden(), output().kernel_regularizer(l2())),
        ("L2 on the hidden biases", hidden().bias_regularizer(l2()), output()),
    ];
    let config = FitConfig::new(Loss::BINARY_CROSSENTROPY).metrics([Metric::Accuracy]).epochs(4000);
    for (name, hidden, output) in settings {
        let spec = Sequential::new([2]).layer(hidden).layer(output);
        let mut model = Model::build(&spec, Seed::new(1))?;
        let history = fit(&mut model, &train, None, &config, Seed::new(1), &mut Quiet)?;
        let scores = evaluate(&model, &test, &config)?;
        println!(
            "{name:32} test accuracy {:.3}, test data loss {:.3}, hidden kernel norm {:.2}",
            scores.metrics[0],
            scores.data_loss,
            history.last("norm/dense/kernel").unwrap_or(f64::NAN)
        );
    }
    Ok(())
}
