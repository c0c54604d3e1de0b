//! `taper fit`.

use serde_json::Value;

use crate::bench::Bench;

#[test]
fn a_training_leaves_model_log_report_and_one_document() {
    let bench = Bench::new(&[]);
    let document = bench.taper("fit e.toml --json --out out").quiet().json();
    assert_eq!((&document["stop"]["reason"], &document["epochs"]), (&Value::from("completed"), &Value::from(20)));
    for score in ["loss", "data_loss", "penalty", "accuracy"] {
        for rows in ["train", "test"] {
            assert!(document["scores"][format!("{rows}_{score}")].is_number(), "{rows}_{score}: {document}");
        }
    }
    assert_eq!(document["warnings"], serde_json::json!([]));
    bench.check_files(&document);
    bench.check_report("out");
    assert_eq!(bench.text("out/history.csv").lines().count(), 21);
}

#[test]
fn text_for_people_says_where_the_report_is() {
    let bench = Bench::new(&[]);
    let outcome = bench.taper("fit e.toml").quiet();
    assert!(outcome.stdout.contains("accuracy") && outcome.stdout.contains("Report: e-fit/report.html"));
}

#[test]
fn a_file_of_rows_trains_to_the_same_scores_as_its_generator() {
    let bench = Bench::new(&[]);
    let scores =
        |bench: &Bench, file: &str| bench.taper(&format!("fit {file} --json")).quiet().json()["scores"].clone();
    let generated = scores(&bench, "e.toml");
    for file in ["rows.csv", "rows.safetensors"] {
        bench.taper(&format!("data moons --noise 0.2 --random-state 1 --out {file}"));
        let from_file = crate::bench::EXPERIMENT
            .replace("\"moons\"", &format!("\"{file}\""))
            .replace("noise = 0.2\nrandom_state = 1\n", "");
        bench.write("file.toml", from_file);
        assert_eq!(scores(&bench, "file.toml"), generated, "{file}");
    }
}

#[test]
fn weighted_metrics_are_named_after_the_plain_ones() {
    let bench =
        Bench::new(&[("metrics = [\"accuracy\"]", "metrics = [\"accuracy\"]\nweighted_metrics = [\"accuracy\"]")]);
    let scores = bench.taper("fit e.toml --json").quiet().json()["scores"].clone();
    assert_eq!(scores["test_accuracy"], scores["test_weighted_accuracy"], "{scores}");
    let study = bench.taper("study e.toml --json").quiet().json();
    assert!(study["trials"][0]["test_weighted_accuracy"]["mean"].is_number());
}

#[test]
fn the_seed_decides_and_the_number_of_threads_does_not() {
    let bench = Bench::new(&[]);
    let model = |flags: &str| {
        bench.taper(&format!("fit e.toml {flags}")).quiet();
        bench.read("e-fit/model.safetensors")
    };
    let first = model("--seed 7 --threads 1");
    assert!(first == model("--seed 7 --threads 2"));
    assert!(first != model("--seed 8"));
}
