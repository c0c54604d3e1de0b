//! Which rows train and which test: one rule for all commands, and every command says it.

use std::fmt::Write;

use serde_json::{Value, json};

use crate::bench::Bench;

/// 150 rows of three classes in the order of the file, as iris is.
fn sorted() -> String {
    let mut text = String::from("a,b,group,day,kind\n");
    for row in 0..150 {
        let (class, i) = (row / 50, row % 50);
        let (a, b) = (class as f64 + (i % 7) as f64 / 9.0, 2.0 - class as f64 + (i % 5) as f64 / 7.0);
        let _ = writeln!(text, "{a:.3},{b:.3},g{},{},{}", row / 3, 1000 - row, ["first", "second", "third"][class]);
    }
    text
}

fn bench(data: &str) -> Bench {
    let bench = Bench::new(&[]);
    bench.write("rows.csv", sorted());
    bench.write(
        "e.toml",
        format!(
            "[data]\nsource = \"rows.csv\"\nfeatures = [\"a\", \"b\"]\ntarget = \"kind\"\n{data}\n[model]\nlayers = [\n\
             {{ layer = \"dense\", units = 8, activation = \"relu\" }},\n\
             {{ layer = \"dense\", units = 3, activation = \"softmax\" }},\n]\n\n[fit]\n\
             loss = \"sparse_categorical_crossentropy\"\noptimizer = {{ name = \"adam\", learning_rate = 0.05 }}\n\
             metrics = [\"accuracy\"]\nepochs = 60\n"
        ),
    );
    bench
}

/// The rows of a document of `fit`, `study` or `choose`, without what is said beside them.
fn counts(document: &Value) -> (u64, u64, String) {
    let rows = &document["rows"];
    let number = |key: &str| rows[key].as_u64().unwrap_or_else(|| panic!("{key}: {rows}"));
    (number("train"), number("test"), rows["picked"].as_str().unwrap().to_owned())
}

#[test]
fn a_table_sorted_by_class_is_shuffled_and_stratified_and_says_so() {
    let bench = bench("");
    let told = bench.taper("fit e.toml --out fitted").done();
    let sentence = "105 rows train and 45 test, picked at random by seed 1, stratified.";
    assert!(told.stdout.contains(sentence), "{}", told.stdout);
    assert!(bench.text("fitted/report.md").contains(sentence) && bench.text("fitted/report.html").contains(sentence));
    let document = bench.taper("fit e.toml --json --out again").done().json();
    assert_eq!(counts(&document), (105, 45, "picked at random by seed 1, stratified".to_owned()));
    assert!(document["scores"]["test_accuracy"].as_f64() > Some(0.85), "{document}");

    let study = bench.taper("study e.toml --json --out studied").done().json();
    assert_eq!(counts(&study), (105, 45, sentence.to_owned()));
    assert!(bench.text("studied/report.md").contains(sentence));
    // Same seed: the same rows.
    assert_eq!(study["trials"][0]["train_data_loss"]["n"], 1);
    let other = bench.taper("fit e.toml --json --out other --seed 2").done().json();
    assert_eq!(other["rows"]["picked"], "picked at random by seed 2, stratified");
}

#[test]
fn what_the_experiment_says_about_the_rows_comes_first() {
    for (data, expected) in [
        ("train = 100", (100, 50, "the first train, as `train` says")),
        ("time = \"day\"", (105, 45, "the last in the order of time test")),
        ("test = 0.2", (120, 30, "the declared test rows")),
        ("group = \"group\"", (105, 45, "picked at random by seed 1, stratified, groups kept whole")),
    ] {
        let bench = bench(data);
        let document = bench.taper("fit e.toml --json").done().json();
        let (train, test, picked) = expected;
        assert_eq!(counts(&document), (train, test, picked.to_owned()), "{data}");
        let study = bench.taper("study e.toml --json --out studied").done().json();
        assert_eq!(
            study["rows"],
            json!({ "train": train, "test": test, "picked": format!("{train} rows train and {test} test, {picked}.") })
        );
    }
}

#[test]
fn numbers_without_names_are_divided_as_a_table_is() {
    let text = crate::bench::EXPERIMENT.replace("train = 30\n", "");
    let fit = |bench: &Bench, file: &str| bench.taper(&format!("fit {file} --json --out {file}-out")).done().json();
    let bench = Bench::new(&[]);
    bench.write("generated.toml", &text);
    let generated = fit(&bench, "generated.toml");
    assert_eq!(counts(&generated), (70, 30, "picked at random by seed 1, stratified".to_owned()));
    for file in ["rows.csv", "rows.safetensors"] {
        bench.taper(&format!("data moons --noise 0.2 --random-state 1 --out {file}"));
        let from_file =
            text.replace("\"moons\"", &format!("\"{file}\"")).replace("noise = 0.2\nrandom_state = 1\n", "");
        bench.write("file.toml", from_file);
        let document = fit(&bench, "file.toml");
        assert_eq!((&document["rows"], &document["scores"]), (&generated["rows"], &generated["scores"]), "{file}");
    }
}

#[test]
fn a_choice_says_how_its_rows_were_divided() {
    let choose = "\n[choose]\ngrid = [0.001, 0.1]\nfolds = 3\nrepeats = 1\nouter_folds = 3\nevidence = false\n";
    let told = |data: &str| {
        let bench = bench(data);
        let text = bench.text("e.toml").replace("epochs = 60", "epochs = 3");
        bench.write("e.toml", text + choose);
        let told = bench.taper("choose e.toml --out out").done().stdout;
        let result: Value = serde_json::from_slice(&bench.read("out/result.json")).unwrap();
        let picked = result["rows"]["picked"].as_str().unwrap().to_owned();
        assert!(told.contains(&picked) && bench.text("out/report.md").contains(&picked), "{picked} in {told}");
        picked
    };
    assert_eq!(
        told(""),
        "100 of 150 rows train and about 50 test in each of 3 outer folds; 3 folds, 1 times over, picked at random by seed 1, \
         stratified"
    );
    assert!(told("test = 0.2").starts_with("120 rows train and 30 test, the declared test rows; 3 folds"));
}

#[test]
fn a_resampled_study_draws_of_every_class_its_share() {
    let bench = bench("");
    let text = bench.text("e.toml");
    bench.write("e.toml", text + "\n[study]\nrepeats = 3\nresample = \"split\"\n");
    let document = bench.taper("study e.toml --json --out out").done().json();
    let picked = "105 rows train and 45 test, picked at random by seed 1, stratified, anew for each repeat.";
    assert_eq!(counts(&document), (105, 45, picked.to_owned()));
    assert!(document["trials"][0]["test_accuracy"]["mean"].as_f64() > Some(0.85), "{document}");
}
