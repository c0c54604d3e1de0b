//! Policies: one line for a whole model.

use serde_json::{Value, json};
use taper::{Dense, FitConfig, Loss, Model, Regularizer, Seed, Sequential};

use crate::bench::Bench;

/// What `inspect --json` says about penalties: path and regularizer.
fn penalties(bench: &Bench, file: &str) -> Vec<(String, Value)> {
    let document = bench.taper(&format!("inspect {file} --json")).quiet().json();
    let parameters = document["parameters"].as_array().unwrap().clone();
    let penalty = |parameter: Value| (parameter["path"].as_str().unwrap().to_owned(), parameter["regularizer"].clone());
    parameters.into_iter().map(penalty).filter(|(_, regularizer)| !regularizer.is_null()).collect()
}

#[test]
fn a_policy_stands_in_the_model_or_beside_it() {
    let own = ("dense/kernel".to_owned(), json!({ "l2": 0.001 }));
    for (from, to) in [
        ("[model]\n", "[model]\nregularization = { l2 = 0.5 }\n"),
        ("[data]\n", "regularization = { l2 = 0.5 }\n[data]\n"),
    ] {
        let bench = Bench::new(&[(from, to)]);
        let found = penalties(&bench, "e.toml");
        assert_eq!(found, [own.clone(), ("dense_1/kernel".to_owned(), json!({ "l2": 0.5 }))], "{to}");
    }
    // What is trained with it is written with it.
    let bench = Bench::new(&[("[model]\n", "[model]\nregularization = { l2 = 0.5, roles = [\"bias\"] }\n")]);
    bench.taper("fit e.toml").quiet();
    assert_eq!(penalties(&bench, "e-fit/model.safetensors"), penalties(&bench, "e.toml"));
}

#[test]
fn a_study_may_vary_a_policy() {
    let axis = "path = \"regularization.l2\", values";
    let bench = Bench::new(&[
        ("[data]\n", "regularization = { l2 = 0.5 }\n[data]\n"),
        (", kernel_regularizer = { l2 = 0.001 }", ""),
        ("path = \"model.layers.0.kernel_regularizer.l2\", values", axis),
    ]);
    let trials = bench.taper("study e.toml --json").quiet().json()["trials"].clone();
    let norm = |i: usize| trials[i]["kernel_norm"]["mean"].as_f64().unwrap();
    assert!(norm(0) < norm(1), "the stronger penalty leaves the smaller norm: {trials}");
}

#[test]
fn an_imported_model_is_penalized_by_one_word() {
    let bench = Bench::new(&[]);
    let spec = Sequential::new([2]).layer(Dense::new(3)).layer(Dense::new(1));
    let model = Model::build(&spec, Seed::new(1)).unwrap();
    let fit = FitConfig::new(Loss::Mse);
    taper_io::keras::write_keras(&bench.path("m.keras"), &model, Some(&fit), None).unwrap();
    assert_eq!(bench.taper("data moons --samples 20 --out rows.safetensors").status, Some(0));
    let line = "fit m.keras --data rows.safetensors --save out.keras --regularization";
    let document = bench.taper(&format!("{line} l2=0.5 --json")).quiet().json();
    assert!(document["penalty_start"]["weights"].as_f64().unwrap() > 0.0, "{document}");
    let l2 = serde_json::to_value(Regularizer::l2(0.5)).unwrap();
    let kernels = ["dense/kernel", "dense_1/kernel"].map(|path| (path.to_owned(), l2.clone()));
    assert_eq!(penalties(&bench, "out.keras"), kernels, "and Keras is told");
    let outcome = bench.taper(&format!("{line} paths={{\"conv*\"={{l1=1}}}}"));
    assert_eq!(outcome.status, Some(2));
    assert!(outcome.stderr.contains("`conv*`") && outcome.stderr.contains("dense_1/kernel"), "{outcome:?}");
}
