//! `taper study`.

use serde_json::{Value, json};

use crate::bench::Bench;

#[test]
fn every_trial_has_its_point_and_the_summary_of_every_score() {
    let bench = Bench::new(&[]);
    let outcome = bench.taper("study e.toml --json --out out --threads 1").quiet();
    let document = outcome.json();
    let trials = document["trials"].as_array().unwrap();
    assert_eq!(trials.len(), 2);
    for (trial, l2) in trials.iter().zip([0.1, 0.01]) {
        assert_eq!(trial["point"], json!({ "model.layers.0.kernel_regularizer.l2": l2 }));
        for score in ["train_accuracy", "test_accuracy", "train_data_loss", "test_data_loss", "kernel_norm"] {
            assert!(trial[score]["mean"].is_number() && trial[score]["std"].is_number(), "{score}: {trial}");
            assert_eq!(trial[score]["n"], 2);
        }
    }
    bench.check_files(&document);
    bench.check_report("out");

    let two = Bench::new(&[]);
    assert_eq!(two.taper("study e.toml --json --out out --threads 2").quiet().stdout, outcome.stdout);
}

#[test]
fn the_command_line_overrules_the_file() {
    let bench = Bench::new(&[]);
    let of = |flags: &str| bench.taper(&format!("study e.toml --json {flags}")).quiet().json()["trials"].clone();
    let three = of("--repeats 3");
    assert_eq!(three[0]["test_accuracy"]["n"], 3);
    assert_ne!(of("--seed 5")[0]["test_data_loss"], of("--seed 6")[0]["test_data_loss"]);
}

#[test]
fn an_experiment_without_a_study_is_one_trial() {
    let bench = Bench::new(&[]);
    let text = crate::bench::EXPERIMENT;
    bench.write("e.toml", text.split("[study]").next().unwrap());
    let document = bench.taper("study e.toml --json").quiet().json();
    assert_eq!(document["trials"].as_array().map(Vec::len), Some(1));
    assert_eq!(document["trials"][0]["point"], json!({}));
}

#[test]
fn rows_are_resampled_when_asked() {
    for resample in ["split", "fresh"] {
        let bench = Bench::new(&[("seed = 1\n", &format!("seed = 1\nresample = \"{resample}\"\n"))]);
        let document = bench.taper("study e.toml --json").quiet().json();
        assert_ne!(document["trials"][0]["test_data_loss"]["std"], Value::from(0.0), "{resample}");
    }
}
