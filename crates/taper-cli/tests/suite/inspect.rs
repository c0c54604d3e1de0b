//! `taper inspect`.

use serde_json::{Value, json};

use crate::bench::Bench;

#[test]
fn an_experiment_and_a_written_model_show_the_same_layers() {
    let bench = Bench::new(&[]);
    bench.taper("fit e.toml").quiet();
    let experiment = bench.taper("inspect e.toml --json").quiet().json();
    let model = bench.taper("inspect e-fit/model.safetensors --json").quiet().json();
    // Which numbers are 0 is a matter of training; everything else of a layer is not.
    let layers = |document: &Value| {
        let mut layers = document["layers"].clone();
        for layer in layers.as_array_mut().unwrap() {
            for key in ["zeros", "dead_units", "effective_parameters"] {
                let value = layer.as_object_mut().unwrap().remove(key).unwrap();
                assert!(value.is_u64(), "{key}: {value}");
            }
        }
        layers
    };
    assert_eq!(layers(&experiment), layers(&model));
    assert_eq!(experiment["layers"][0]["zeros"], json!(5), "the biases begin at 0");
    let kernel = &model["parameters"][0];
    assert_eq!((&kernel["path"], &kernel["shape"]), (&json!("dense/kernel"), &json!([2, 5])));
    assert_eq!(kernel["regularizer"], json!({ "l2": 0.001 }));
    assert_ne!(kernel["norm"], experiment["parameters"][0]["norm"], "training moved the weights");

    let text = bench.taper("inspect e-fit/model.safetensors").quiet().stdout;
    assert!(text.contains("dense_1 (dense)") && text.contains("Total params: 21"), "{text}");
}

#[test]
fn an_experiment_that_init_wrote_is_shown() {
    let bench = Bench::new(&[]);
    let rows: String = (0..60).map(|i| format!("{},{},{}\n", i % 7, i * i % 11, ["no", "yes"][i % 2])).collect();
    bench.write("t.csv", format!("a,b,buys\n{rows}"));
    bench.taper("init t.csv --target buys --out t.toml").done();
    let layers = bench.taper("inspect t.toml --json").quiet().json()["layers"].clone();
    let text = bench.taper("inspect t.toml").quiet().stdout;
    assert!(text.contains("Total params"), "{text}");
    bench.taper("fit t.toml --out out").done();
    let fitted = bench.taper("inspect out/model.safetensors --json").done().json();
    let shapes = |layers: &Value| -> Vec<Value> {
        layers.as_array().unwrap().iter().map(|layer| layer["parameters"].clone()).collect()
    };
    assert_eq!(shapes(&layers), shapes(&fitted["layers"]));
}
