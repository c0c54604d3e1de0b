//! Models of Keras 2 in HDF5: each predicts what tf_keras 2.21.0 does after loading it.
//!
//! A case folder holds `model.h5` and `data.safetensors`: rows `x`, predictions `y`; for `adam_resume` also targets `t` and the
//! predictions after one more epoch (batches of 3 in order).

use std::path::{Path, PathBuf};

use taper::{Dataset, Model, Quiet, Seed, Shape};
use taper_io::keras::{KerasData, ReadOptions, RunOptions, read_keras, read_keras_weights, train_keras};
use taper_io::{Tensors, read_tensors};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/keras-legacy")
}

fn numbers(tensors: &Tensors, name: &str) -> Vec<f32> {
    tensors.tensors[name].to_f32()
}

fn worst(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

#[test]
fn every_model_predicts_what_keras_2_does() {
    let mut names: Vec<String> =
        std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    assert!(names.len() >= 8, "{names:?}");
    for name in names {
        let path = folder().join(&name);
        let file =
            read_keras(&path.join("model.h5"), &ReadOptions::default()).unwrap_or_else(|error| panic!("{error}"));
        let data = read_tensors(&path.join("data.safetensors")).unwrap();
        let off = worst(&file.model.predict(&numbers(&data, "x")).unwrap(), &numbers(&data, "y"));
        assert!(off < 1e-6, "{name}: {off:e}");
    }
}

#[test]
fn a_training_goes_on_with_the_optimizer_of_the_file() {
    let path = folder().join("adam_resume");
    let mut file = read_keras(&path.join("model.h5"), &ReadOptions::default()).unwrap();
    let data = read_tensors(&path.join("data.safetensors")).unwrap();
    let (x, t) = (numbers(&data, "x"), numbers(&data, "t"));
    let train = Dataset::new(Shape::new([4]).unwrap(), x.clone(), 3, t).unwrap();
    let options = RunOptions { epochs: 1, batch_size: 3, validation_batch_size: 3, shuffle: false, seed: Seed::new(1) };
    let before = file.optimizer.as_ref().unwrap().iterations;
    assert!(before > 0);
    let data_of = KerasData { train, validation: None, class_weight: None };
    train_keras(&mut file, &data_of, &options, &mut Quiet).unwrap();
    let off = worst(&file.model.predict(&x).unwrap(), &numbers(&data, "y_after_third_epoch"));
    assert!(off < 1e-6, "{off:e}");
    assert_eq!(file.settings.fit().unwrap().unwrap().metric_names(), ["acc"]);
}

#[test]
fn a_falling_rate_of_an_old_optimizer_is_kept() {
    let file = read_keras(&folder().join("keras208_bilstm/model.h5"), &ReadOptions::default()).unwrap();
    let rate = file.fit.unwrap().optimizer.learning_rate;
    assert!((rate.at(0) - 0.01).abs() < 1e-9 && (rate.at(1000) - 0.005).abs() < 1e-9, "{rate:?}");
}

#[test]
fn weights_alone_go_by_order_into_a_model_that_is_there() {
    let path = folder().join("nested_frozen_two_bn/model.h5");
    let model = read_keras(&path, &ReadOptions::default()).unwrap().model;
    let mut other = Model::build(model.spec().clone(), Seed::new(3)).unwrap();
    // A model that was taken apart has more layers than the file.
    let error = read_keras_weights(&path, &mut other, &ReadOptions::default()).unwrap_err().to_string();
    assert!(error.contains("layers with weights"), "{error}");
    let path = folder().join("lstm_hard_sigmoid/model.h5");
    let model = read_keras(&path, &ReadOptions::default()).unwrap().model;
    let mut other = Model::build(model.spec().clone(), Seed::new(3)).unwrap();
    read_keras_weights(&path, &mut other, &ReadOptions::default()).unwrap();
    assert_eq!(other.params(), model.params());
}

/// `Normalization` adapted to rows, then `Dense(2)`, as Keras 3.15.1 saves it: the numbers are its `predict`'s.
#[test]
fn a_normalization_stays_as_it_was_adapted() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/keras-layers/normalization.keras");
    let file = read_keras(&path, &ReadOptions::default()).unwrap();
    let x: Vec<f32> = (0..8u8).map(|i| f32::from(i) / 8.0).collect();
    let want = [0.649_286_8, -0.289_060_27, 0.502_000_15, -0.179_262_19];
    let off = worst(&file.model.predict(&x).unwrap(), &want);
    assert!(off < 1e-6, "{off:e}");
    assert!(file.model.params().slots().iter().take(2).all(|slot| !slot.spec.trainable));
}
