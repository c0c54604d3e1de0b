//! Models of Keras's, in every form; and training settings that are not known here.

use std::path::Path;

use taper_io::{Tensor, Tensors, write_tensors};

use crate::bench::Bench;

fn fixture(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixture/keras").join(name).display().to_string()
}

/// The predictions for the rows of `x.npz`.
fn predicted(bench: &Bench, model: &str) -> Vec<f32> {
    bench.taper(&format!("predict {model} {} --out p.csv", fixture("x.npz"))).done();
    let text = String::from_utf8(bench.read("p.csv")).unwrap();
    let cells = text.lines().skip(1).flat_map(|line| line.split(','));
    cells.map(|cell| cell.parse().unwrap()).collect()
}

fn near(got: &[f32], want: &[f32]) {
    assert_eq!(got.len(), want.len());
    assert!(got.iter().zip(want).all(|(got, want)| (got - want).abs() < 1e-6), "{got:?} {want:?}");
}

/// Made by `make.py`, which prints these numbers.
#[test]
fn every_form_of_a_nested_model_predicts_the_same() {
    let want = [0.413_451_6, 0.586_548_4, 0.401_794_9, 0.598_205_1];
    let bench = Bench::new(&[]);
    for form in ["nested.keras", "nested.h5", "nested_folder", "deflated.keras"] {
        near(&predicted(&bench, &fixture(form)), &want);
    }
    for weights in ["nested.weights.h5", "nested.h5", "sharded.weights.json"] {
        for architecture in ["nested.json", "nested.keras"] {
            let model = format!("{} --architecture {}", fixture(weights), fixture(architecture));
            near(&predicted(&bench, &model), &want);
        }
    }
    bench.taper(&format!("convert {} a.safetensors", fixture("nested.h5"))).done();
    near(&predicted(&bench, "a.safetensors"), &want);
    bench.taper(&format!("convert {} a.keras", fixture("nested.keras"))).done();
    near(&predicted(&bench, "a.keras"), &want);
    let text = bench.taper(&format!("inspect {}", fixture("nested.json"))).done().stdout;
    assert!(text.contains("inner_d (dense)") && text.contains("Total params: 59"), "{text}");
    let alone = bench.taper(&format!("inspect {}", fixture("nested.weights.h5")));
    assert_eq!(alone.status, Some(2));
    assert!(alone.stderr.contains("--architecture FILE says which model they are of"), "{alone:?}");
}

#[test]
fn only_a_training_needs_to_know_how_a_model_was_compiled() {
    let bench = Bench::new(&[]);
    for (name, place) in [
        ("muon", "optimizer: expected one of SGD"),
        ("r2_and_f1", "metrics"),
        ("no_optimizer", "optimizer: expected an optimizer, got none in the file"),
        ("loss_weights", "loss_weights: expected nothing (null), got [0.5]"),
    ] {
        let model = fixture(&format!("{name}.keras"));
        let shapes = bench.taper(&format!("inspect {model} --json")).done().json();
        let inputs = shapes["parameters"][0]["shape"][0].as_u64().unwrap() as usize;
        bench.taper(&format!("plan {model}")).done();
        bench.taper(&format!("convert {model} {name}.onnx")).done();
        let outputs =
            shapes["layers"].as_array().unwrap().last().unwrap()["output_shape"][0].as_u64().unwrap() as usize;
        let mut tensors = Tensors::default();
        tensors.tensors.insert("x".into(), Tensor::f32(&[4, inputs], vec![0.5; 4 * inputs]));
        tensors.tensors.insert("y".into(), Tensor::f32(&[4, outputs], vec![0.25; 4 * outputs]));
        write_tensors(&bench.path("d.safetensors"), &tensors).unwrap();
        bench.taper(&format!("predict {model} d.safetensors --out p.csv")).done();

        let fit = format!("fit {model} --data d.safetensors");
        let refused = bench.taper(&fit);
        assert_eq!(refused.status, Some(2), "{refused:?}");
        if name != "r2_and_f1" {
            assert!(refused.stderr.contains(place) && refused.stderr.contains(" says another"), "{refused:?}");
        }
        bench.taper(&format!("{fit} --loss mae --optimizer sgd --metrics mse,mae")).done();
    }
    let wrong = bench.taper(&format!("fit {} --data d.safetensors --optimizer sgdd", fixture("muon.keras")));
    assert!(wrong.status == Some(2) && wrong.stderr.contains("--optimizer"), "{wrong:?}");
}

#[test]
fn a_model_of_keras_3_in_hdf5_is_read() {
    let bench = Bench::new(&[]);
    let text = bench.taper(&format!("inspect {}", fixture("keras3.h5"))).done().stdout;
    assert!(text.contains("dense_1 (dense)") && text.contains("Total params: 3"), "{text}");
}
