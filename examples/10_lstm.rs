//! `LSTM(32)` with an L2 penalty on its kernel, its recurrent kernel and its bias, on the yearly sunspots.
#![allow(clippy::print_stdout)] // an example prints what it shows

use taper::*;

fn main() -> Result<()> {
    // The last 24 years tell the next; the first 200 windows train, the years after them test.
    let data = DataSpec { standardize: true, ..DataSpec::new("sunspots") };
    let (train, test) = data.rows()?.expect("a built-in source").split_at(200)?;
    let l2 = || Regularizer::l2(0.01);
    let spec = Sequential::new([24, 1])
        .layer(Lstm::new(32).kernel_regularizer(l2()).recurrent_regularizer(l2()).bias_regularizer(l2()))
        .layer(Dense::new(1));
    let mut model = Model::build(&spec, Seed::new(1))?;
    let config = FitConfig::new(Loss::Mse).epochs(30);
    fit(&mut model, &train, None, &config, Seed::new(1), &mut Quiet)?;
    let scores = evaluate(&model, &test, &config)?;
    println!("loss {:.4} = data loss {:.4} + penalty {:.4}", scores.loss, scores.data_loss, scores.penalty);
    Ok(())
}
