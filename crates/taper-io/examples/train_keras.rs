//! Goes on with the training of a Keras model and writes it back:
//! `cargo run --example train_keras -- MODEL.keras DATA.safetensors OUT.keras EPOCHS BATCH_SIZE`

use std::path::PathBuf;

use taper::{Quiet, Seed};
use taper_io::keras::{KerasData, ReadOptions, RunOptions, read_keras, train_keras, write_keras};
use taper_io::read_tensors;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [model, data, out, epochs, batch_size] = arguments.as_slice() else {
        return Err("MODEL.keras DATA.safetensors OUT.keras EPOCHS BATCH_SIZE".into());
    };
    let mut file = read_keras(&PathBuf::from(model), &ReadOptions::default())?;
    let data = KerasData::from_tensors(&read_tensors(&PathBuf::from(data))?)?;
    let batch_size = batch_size.parse()?;
    let options = RunOptions {
        epochs: epochs.parse()?,
        batch_size,
        validation_batch_size: batch_size,
        shuffle: false,
        seed: Seed::new(0),
    };
    train_keras(&mut file, &data, &options, &mut Quiet)?;
    write_keras(&PathBuf::from(out), &file.model, file.fit.as_ref(), file.optimizer.as_ref())?;
    Ok(())
}
