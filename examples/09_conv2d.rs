//! `Conv2D(32, (3, 3))` with an L2 penalty on its kernel and on its bias, on handwritten digits.
#![allow(clippy::print_stdout)] // an example prints what it shows

use taper::*;

fn main() -> Result<()> {
    let rows = DataSpec { samples: Some(600), ..DataSpec::new("digits") }.rows()?.expect("a built-in source");
    let (train, test) = rows.split_at(400)?;
    let l2 = || Regularizer::l2(0.01);
    let spec = Sequential::new([8, 8, 1])
        .layer(Rescaling::new(1.0 / 16.0))
        .layer(Conv2d::new(32, (3, 3)).activation(Activation::Relu).kernel_regularizer(l2()).bias_regularizer(l2()))
        .layer(MaxPooling2d::new((2, 2)))
        .layer(Flatten::new())
        .layer(Dense::new(10).activation(Activation::Softmax));
    let mut model = Model::build(&spec, Seed::new(1))?;
    let config = FitConfig::new(Loss::SparseCategoricalCrossentropy { from_logits: false })
        .metrics([Metric::Accuracy])
        .epochs(20);
    fit(&mut model, &train, None, &config, Seed::new(1), &mut Quiet)?;
    let scores = evaluate(&model, &test, &config)?;
    println!("loss {:.4} = data loss {:.4} + penalty {:.4}", scores.loss, scores.data_loss, scores.penalty);
    println!("test accuracy {:.3}", scores.metrics[0]);
    Ok(())
}
