//! `taper demo moons`.

use serde_json::Value;

use crate::bench::Bench;

/// One repeat of everything, on one thread and on two: the longest test, so it is run once for all claims.
#[test]
fn the_demo_says_everything_and_the_same_at_any_number_of_threads() {
    let run = |threads: usize| {
        let bench = Bench::new(&[]);
        let outcome = bench.taper(&format!("demo moons --repeats 1 --json --out out --threads {threads}")).quiet();
        (bench, outcome)
    };
    let (one, first) = run(1);
    let (two, second) = run(2);
    assert_eq!(first.stdout, second.stdout);
    assert_eq!(one.read("out/results.json"), two.read("out/results.json"));

    let document = first.json();
    for key in ["baseline", "l2", "l1", "l1_l2", "output_layer", "bias"] {
        check_entry(&document[key], key);
    }
    for (key, length) in [("grid", 6), ("fine_grid", 9), ("path", 7)] {
        let entries = document[key].as_array().unwrap();
        assert_eq!(entries.len(), length, "{key}");
        for entry in entries {
            assert!(entry["l2"].is_number(), "{key}");
            check_entry(entry, key);
        }
    }
    let norm = |key: &str| document[key]["kernel_norm"]["mean"].as_f64().unwrap();
    assert!(norm("l2") < norm("baseline"), "a penalty shrinks its weights");
    assert!(document["baseline"]["train_accuracy"]["mean"].as_f64() > Some(0.99), "500 units learn 30 rows by heart");

    one.check_files(&document);
    one.check_report("out");
    let results: Value = serde_json::from_str(&one.text("out/results.json")).unwrap();
    assert_eq!(results["grid"], document["grid"]);
    // The experiment that was written is one that can be run.
    assert_eq!(one.taper("inspect out/moons.toml").quiet().status, Some(0));
}

fn check_entry(entry: &Value, key: &str) {
    for score in ["train_accuracy", "test_accuracy", "train_data_loss", "test_data_loss", "kernel_norm"] {
        let summary = entry[score].as_object().unwrap_or_else(|| panic!("{key}.{score}: {entry}"));
        assert!(summary["mean"].is_number(), "{key}.{score}");
        assert!(summary["std"].is_null(), "one repeat has no spread: {key}.{score}");
        assert_eq!(summary["n"], 1, "{key}.{score}");
    }
}
