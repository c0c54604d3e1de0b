//! A run that diverges is a result.

use crate::bench::Bench;

const SGD: (&str, &str) = ("{ name = \"adam\" }", "{ name = \"sgd\" }");

#[test]
fn adam_survives_an_absurd_strength() {
    let bench = Bench::new(&[("[0.1, 0.01]", "[1e6, 0.01]")]);
    let document = bench.taper("study e.toml --json").quiet().json();
    assert_eq!(document["trials"][0]["diverged"], 0);
    assert_eq!(document["best"]["model.layers.0.kernel_regularizer.l2"], 0.01);
}

#[test]
fn a_trial_that_diverges_is_marked_and_never_best() {
    let bench = Bench::new(&[SGD, ("[0.1, 0.01]", "[1e6, 0.01]"), ("epochs = 20", "epochs = 50")]);
    let outcome = bench.taper("study e.toml --json --out out");
    assert_eq!(outcome.status, Some(0), "{outcome:?}");
    assert!(outcome.stderr.starts_with("warning: model.layers[0].kernel_regularizer.l2: "), "{outcome:?}");
    let document = outcome.json();
    assert_eq!((&document["trials"][0]["diverged"], &document["trials"][1]["diverged"]), (&2.into(), &0.into()));
    assert!(document["trials"][0].get("test_data_loss").is_none(), "nothing is averaged over no runs");
    assert_eq!(document["best"]["model.layers.0.kernel_regularizer.l2"], 0.01);
    assert!(bench.text("out/report.md").contains("2 diverged"));
    bench.check_report("out");
}

#[test]
fn a_study_in_which_all_diverges_is_reported_and_fails() {
    let rate = ("{ name = \"adam\" }", "{ name = \"sgd\", learning_rate = 1e30 }");
    let bench = Bench::new(&[rate, ("binary_crossentropy", "mse"), ("\"sigmoid\"", "\"linear\"")]);
    let outcome = bench.taper("study e.toml --out out");
    assert_eq!(outcome.status, Some(1), "{outcome:?}");
    assert!(outcome.stderr.contains("every run diverged"), "{outcome:?}");
    assert!(bench.text("out/report.md").contains("No run came to a usable end"));
}

#[test]
fn a_training_that_explodes_keeps_the_last_good_weights() {
    for optimizer in ["sgd", "adam", "rmsprop"] {
        let name = format!("{{ name = \"{optimizer}\", learning_rate = 1e38 }}");
        let bench = Bench::new(&[
            ("{ name = \"adam\" }", &name),
            ("binary_crossentropy", "mse"),
            ("\"sigmoid\"", "\"linear\""),
        ]);
        let outcome = bench.taper("fit e.toml --json --out out");
        assert_eq!(outcome.status, Some(1), "{optimizer}: {outcome:?}");
        assert!(outcome.stderr.contains("diverged") && outcome.stderr.contains("step"), "{optimizer}: {outcome:?}");
        assert_eq!(outcome.json()["stop"]["reason"], "diverged", "{optimizer}");
        assert_eq!(
            bench.taper("inspect out/model.safetensors").quiet().status,
            Some(0),
            "{optimizer}: weights are finite"
        );
        bench.check_report("out");
    }
}

#[test]
fn a_choice_in_which_all_diverges_is_reported_and_fails() {
    let rate = ("{ name = \"adam\" }", "{ name = \"sgd\", learning_rate = 1e30 }");
    for choose in ["grid = [0.01, 0.1]", "", "mode = \"path\"", "grid = [0.1]\nrace = false"] {
        let bench = Bench::new(&[rate, ("binary_crossentropy", "mse"), ("\"sigmoid\"", "\"linear\"")]);
        let text = bench.text("e.toml");
        let text = text.split("\n[study]").next().unwrap();
        bench.write("e.toml", format!("{text}\n[choose]\n{choose}\nfolds = 2\nrepeats = 1\nouter_folds = 2\n"));
        let outcome = bench.taper("choose e.toml --out out");
        assert_eq!(outcome.status, Some(1), "{choose}: {outcome:?}");
        assert!(outcome.stderr.contains("diverged"), "{choose}: {outcome:?}");
        let report = bench.text("out/report.md");
        assert!(report.contains("There is no choice") && report.contains("no penalty"), "{report}");
        assert!(bench.text("out/report.html").contains("There is no choice"));
        assert!(!bench.path("out/result.json").exists() && !bench.path("out/model.safetensors").exists());
        let again = bench.taper("choose e.toml --out out --resume --json");
        assert_eq!(again.status, Some(1), "{again:?}");
        let document = again.json();
        assert!(document["diverged"].is_string(), "{document}");
        for row in document["tried"].as_array().unwrap() {
            assert_eq!(row[1], row[2], "as many diverged as were trained: {document}");
        }
    }
}
