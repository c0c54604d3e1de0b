//! `taper inspect`.

use serde_json::json;

use crate::bench::Bench;

#[test]
fn an_experiment_and_a_written_model_show_the_same_layers() {
    let bench = Bench::new(&[]);
    bench.taper("fit e.toml").quiet();
    let experiment = bench.taper("inspect e.toml --json").quiet().json();
    let model = bench.taper("inspect taper-out/model.safetensors --json").quiet().json();
    assert_eq!(experiment["layers"], model["layers"]);
    let kernel = &model["parameters"][0];
    assert_eq!((&kernel["path"], &kernel["shape"]), (&json!("dense/kernel"), &json!([2, 5])));
    assert_eq!(kernel["regularizer"], json!({ "l2": 0.001 }));
    assert_ne!(kernel["norm"], experiment["parameters"][0]["norm"], "training moved the weights");

    let text = bench.taper("inspect taper-out/model.safetensors").quiet().stdout;
    assert!(text.contains("dense_1 (dense)") && text.contains("Total params: 21"), "{text}");
}
