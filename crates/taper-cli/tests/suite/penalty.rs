//! Penalties in an experiment file.

use crate::bench::Bench;

const L2: &str = "{ l2 = 0.001 }";

#[test]
fn a_study_says_how_sparse_each_trial_became() {
    let bench = Bench::new(&[
        (L2, "{ l1 = 0.05, mode = \"proximal\" }"),
        (
            "kernel_regularizer.l2\", values = [0.1, 0.01]",
            "kernel_regularizer.mode\", values = [\"loss\", \"proximal\"]",
        ),
        ("epochs = 20", "epochs = 400"),
    ]);
    let document = bench.taper("study e.toml --json").quiet().json();
    let trials = document["trials"].as_array().unwrap();
    for trial in trials {
        for score in ["sparsity", "dead_units"] {
            assert!(trial[score]["mean"].is_number() && trial[score]["std"].is_number(), "{score}: {trial}");
            assert_eq!(trial[score]["n"], 2);
        }
    }
    assert_eq!(trials[0]["sparsity"]["mean"], 0.0);
    assert!(trials[1]["sparsity"]["mean"].as_f64() > Some(0.1), "{}", trials[1]["sparsity"]);
}

#[test]
fn penalties_that_cannot_be_are_refused_by_name() {
    for (penalty, words) in [
        ("{ l1 = -1, mode = \"proximal\" }", &["model.layers[0].kernel_regularizer.l1", "-1"][..]),
        ("{ group_lasso = 0.1, groups = \"gate\" }", &["model.layers[0].kernel_regularizer.groups", "LSTM"]),
        ("{ l2 = 0.1, anchor = [1.0, 2.0] }", &["model.layers[0].kernel_regularizer.anchor", "10 numbers", "got 2"]),
        (
            "{ nuclear = 0.1, mode = \"proximal\" }",
            &["dense/kernel: expected a penalty with a proximal map", "nuclear"],
        ),
        ("{ l1 = 0.1, mode = \"proxmal\" }", &["kernel_regularizer.mode", "did you mean `proximal`?"]),
    ] {
        let bench = Bench::new(&[(L2, penalty)]);
        let outcome = bench.taper("fit e.toml");
        assert_eq!(outcome.status, Some(2), "{penalty}: {outcome:?}");
        for word in words {
            assert!(outcome.stderr.contains(word), "{penalty}: {word}: {outcome:?}");
        }
        assert!(!bench.path("e-fit").exists(), "{penalty}");
    }
}
