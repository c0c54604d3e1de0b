//! The data: 100 points on two half circles, the same as scikit-learn's, the first 30 to train on.
#![allow(clippy::print_stdout)] // an example prints what it shows

use taper::{Dataset, Result, data::make_moons};

fn main() -> Result<()> {
    let moons = make_moons(100, 0.2, 1)?;
    let (train, test) = Dataset::from_sample(&moons)?.split_at(30)?;
    println!("{} rows to train on, {} to test on", train.rows(), test.rows());
    for (x, y) in moons.x.chunks(2).zip(&moons.y).take(5) {
        println!("({:+.3}, {:+.3}) is class {y}", x[0], x[1]);
    }
    Ok(())
}
