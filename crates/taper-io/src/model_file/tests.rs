//! What is read, and what is refused.

use super::*;
use crate::memory::most;
use taper::{Activation, Dense, Regularizer, Seed, Sequential};

#[test]
fn a_model_comes_back_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    let hidden = Dense::new(5).activation(Activation::Relu).kernel_regularizer(Regularizer::l2(0.001));
    let spec = Sequential::new([3]).layer(hidden).layer(Dense::new(2).activation(Activation::Softmax));
    let model = Model::build(&spec, Seed::new(1)).unwrap();
    write_model(&path, &model).unwrap();
    let again = read_model(&path).unwrap();
    assert_eq!((again.spec(), again.params()), (model.spec(), model.params()));
    let x = [0.1, -0.5, 2.0];
    assert_eq!(again.predict(&x).unwrap(), model.predict(&x).unwrap());
}

#[test]
fn what_stands_beside_a_model_goes_along_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let (path, copy) = (folder.path().join("model.safetensors"), folder.path().join("copy.safetensors"));
    let mut model = Model::build(&Sequential::new([2]).layer(Dense::new(1)), Seed::new(1)).unwrap();
    model.params_mut().set_penalty_state(PenaltyState { epoch: 7, ..PenaltyState::default() }).unwrap();
    let mut saved = SavedModel::from(model);
    saved.beside.insert("taper_provenance".into(), "{}".into());
    saved.write(&path).unwrap();
    let again = read_saved_model(&path).unwrap();
    assert_eq!((&again.beside, again.model.params().penalty_state().epoch), (&saved.beside, 7));
    again.write(&copy).unwrap();
    assert!(std::fs::read(&path).unwrap() == std::fs::read(&copy).unwrap());
}

/// A file whose specification was written by somebody else, and how much memory it took beyond twice its size.
fn crafted(spec: &str, version: &str) -> (String, usize) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    let mut file = Tensors::default();
    file.tensors.insert("dense/bias".into(), Tensor::f32([2], vec![0.0; 2]));
    file.metadata.insert("taper_version".into(), version.into());
    file.metadata.insert("taper_model".into(), spec.into());
    write_tensors(&path, &file).unwrap();
    let len = std::fs::metadata(&path).unwrap().len() as usize;
    let (result, held) = most(|| read_model(&path));
    (result.unwrap_err().to_string(), held.saturating_sub(2 * len))
}

#[test]
fn a_specification_is_not_believed_before_the_weights_are_there() {
    let check = |spec: &str, version: &str, what: &str| {
        let (error, held) = crafted(spec, version);
        assert!(error.contains(what), "{error}");
        assert!(held < 64 << 20, "{} MiB for {what}", held >> 20);
    };
    let layers = |layers: &str| format!(r#"{{"input_shape": [1000], "layers": [{layers}]}}"#);
    let dense = |units: &str| layers(&format!(r#"{{"layer": "dense", "units": {units}}}"#));
    check(&dense("40000000"), "1", "tensor `dense/kernel`: expected a tensor of shape (1000, 40000000), got none");
    check(&dense("400000000"), "1", "at most 68719476736 parameters");
    check(&dense("4611686018427387904"), "1", "units");
    check(&dense("2"), "2", "version 1 or older");
    check(&layers(&r#"{"layer": "no"},"#.repeat(300_000)), "1", "JSON");
    check(&format!("[{}0]", r#"{"":0},"#.repeat(2_000_000)), "1", "more than a description can be");
    check(&("[".repeat(200_000) + &"]".repeat(200_000)), "1", "deeper");
    check(&layers(&format!("{}{{}}", r#"{"layer": "flatten"},"#.repeat(20_000))), "1", "layer");
    check(r#"{"input_shape": [1], "input_shape": [1]}"#, "1", "twice");
}

#[test]
fn differences_between_weights_and_specification_are_all_listed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    let model = Model::build(&Sequential::new([3]).layer(Dense::new(2)), Seed::new(1)).unwrap();
    write_model(&path, &model).unwrap();
    let mut file = read_tensors(&path).unwrap();
    file.tensors.insert("dense/kernel".into(), Tensor::f32([2, 3], vec![0.0; 6]));
    file.tensors.remove("dense/bias");
    file.tensors.insert("stranger".into(), Tensor::f32([1], vec![0.0]));
    write_tensors(&path, &file).unwrap();
    let error = read_model(&path).unwrap_err().to_string();
    assert_eq!(error.lines().count(), 3, "{error}");
}
