//! `taper evaluate`: rows that trained the model are recognized, scores have intervals, classes have lines, numbers their unit.

use std::fmt::Write;

use serde_json::Value;

use crate::bench::Bench;

/// Rows of two numbers that tell the third column.
fn table(rows: std::ops::Range<usize>, target: impl Fn(f64, usize) -> String) -> String {
    let mut text = String::from("a,b,y\n");
    for i in rows {
        let (a, b) = ((i * 37 % 101) as f64 / 10.0, (i * 53 % 89) as f64 / 10.0);
        let _ = writeln!(text, "{a},{b},{}", target(a + b, i));
    }
    text
}

fn kind(sum: f64, i: usize) -> String {
    // Some are noise.
    let high = (sum > 9.0) != i.is_multiple_of(13);
    ["low", "high"][usize::from(high)].to_owned()
}

fn bench(text: &str, loss: &str, outputs: &str, metrics: &str, data: &str) -> Bench {
    let bench = Bench::new(&[]);
    bench.write("rows.csv", text);
    bench.write(
        "e.toml",
        format!(
            "[data]\nsource = \"rows.csv\"\nstandardize = true\n{data}\n[model]\nlayers = [{{ layer = \"dense\", units = 6, \
             activation = \"relu\" }}, {outputs}]\n[fit]\nloss = \"{loss}\"\nmetrics = [{metrics}]\nepochs = 40\n\
             optimizer = {{ name = \"adam\", learning_rate = 0.05 }}\n"
        ),
    );
    bench.taper("fit e.toml --out out").done();
    bench
}

fn classes() -> Bench {
    let output = "{ layer = \"dense\", units = 1, activation = \"sigmoid\" }";
    bench(&table(0..100, kind), "binary_crossentropy", output, "\"accuracy\", \"auc\"", "")
}

#[test]
fn rows_that_trained_the_model_are_told() {
    let bench = classes();
    let told = bench.taper("evaluate out rows.csv").quiet().stdout;
    assert!(told.contains("70 of the 100 rows trained this model"), "{told}");
    assert!(told.contains("all 100") && told.contains("30 that did not train"), "{told}");
    let document = bench.taper("evaluate out rows.csv --json").quiet().json();
    assert_eq!((&document["training_rows"]["known"], &document["training_rows"]["new"]), (&70.into(), &30.into()));
    // What is new is scored by itself: the test rows of the training.
    let fitted = bench.taper("fit e.toml --json --out again").done().json();
    let near = |a: &Value, b: &Value| (a.as_f64().unwrap() - b.as_f64().unwrap()).abs() < 1e-6;
    assert!(near(&document["new_rows"]["data_loss"], &fitted["scores"]["test_data_loss"]), "{document} {fitted}");
    assert!(near(&document["new_rows"]["metrics"]["accuracy"], &fitted["scores"]["test_accuracy"]), "{document}");

    bench.write("fresh.csv", table(200..260, kind));
    let fresh = bench.taper("evaluate out fresh.csv").quiet().stdout;
    assert!(!fresh.contains("trained this model"), "{fresh}");
    let document = bench.taper("evaluate out fresh.csv --json").quiet().json();
    assert_eq!((&document["training_rows"]["known"], &document["training_rows"]["new"]), (&0.into(), &60.into()));
    assert!(document.get("new_rows").is_none());

    // Another format of the same rows; a smaller model; a chosen one.
    bench.taper("compact out --out small.safetensors").quiet();
    assert!(bench.taper("evaluate small.safetensors rows.csv").quiet().stdout.contains("70 of the 100 rows trained"));
    let choose = "\n[choose]\ngrid = [0.01]\nfolds = 2\nrepeats = 1\nouter_folds = 2\nevidence = false\n";
    bench.write("e.toml", bench.text("e.toml") + choose);
    bench.taper("choose e.toml --out chosen").done();
    assert!(bench.taper("evaluate chosen rows.csv").quiet().stdout.contains("These 100 rows trained this model"));
}

#[test]
fn rows_of_numbers_are_recognized_too() {
    let bench = Bench::new(&[
        ("train = 30\n", ""),
        ("\"moons\"\nnoise = 0.2\nrandom_state = 1", "\"rows.safetensors\"\nstandardize = true"),
    ]);
    bench.taper("data moons --noise 0.2 --out rows.safetensors").done();
    bench.taper("fit e.toml --out out").done();
    let told = bench.taper("evaluate out rows.safetensors").quiet().stdout;
    assert!(told.contains("70 of the 100 rows trained this model"), "{told}");
}

#[test]
fn scores_have_intervals_and_classes_have_lines() {
    let bench = classes();
    bench.write("fresh.csv", table(200..260, kind));
    let document = bench.taper("evaluate out fresh.csv --json").quiet().json();
    for (name, value) in [
        ("data_loss", &document["data_loss"]),
        ("accuracy", &document["metrics"]["accuracy"]),
        ("auc", &document["metrics"]["auc"]),
    ] {
        let (low, high) = (&document["intervals"][name]["ci_low"], &document["intervals"][name]["ci_high"]);
        assert!(low.as_f64() < value.as_f64() && value.as_f64() < high.as_f64().or(Some(2.0)), "{name}: {document}");
    }
    let (classes, confusion) = (&document["classes"], document["confusion"].as_array().unwrap());
    assert_eq!((&classes[0]["class"], &classes[1]["class"]), (&"high".into(), &"low".into()));
    let rows: u64 = confusion.iter().flat_map(|row| row.as_array().unwrap()).map(|count| count.as_u64().unwrap()).sum();
    assert_eq!(rows, 60);
    let right = confusion[0][0].as_u64().unwrap() + confusion[1][1].as_u64().unwrap();
    let accuracy = document["metrics"]["accuracy"].as_f64().unwrap();
    assert!((right as f64 / 60.0 - accuracy).abs() < 1e-9, "{document}");
    // The same rows, predicted one by one.
    bench.taper("predict out fresh.csv --out p.csv").done();
    let predicted = bench.text("p.csv").lines().skip(1).filter(|line| line.starts_with("high")).count() as u64;
    assert_eq!(classes[0]["predicted"], predicted);
    let told = bench.taper("evaluate out fresh.csv").quiet().stdout;
    assert!(told.contains("recall") && told.contains("high") && told.contains(" [0."), "{told}");
}

#[test]
fn a_number_is_scored_in_its_own_unit() {
    let pay = |sum: f64, i: usize| format!("{}", 40_000.0 + 900.0 * sum + 1000.0 * (i % 7) as f64);
    let linear = "{ layer = \"dense\", units = 1 }";
    let bench =
        bench(&table(0..120, pay), "mse", linear, "\"mae\", \"root_mean_squared_error\"", "standardize_target = true");
    assert!(bench.text("out/report.md").contains("measured in standard deviations of the training rows"));
    bench.write("fresh.csv", table(300..340, pay));
    bench.taper("predict out fresh.csv --out p.csv").done();
    let column = |text: String, at: usize| -> Vec<f64> {
        text.lines().skip(1).map(|line| line.split(',').nth(at).unwrap().parse().unwrap()).collect()
    };
    let pairs: Vec<(f64, f64)> =
        column(bench.text("p.csv"), 0).into_iter().zip(column(bench.text("fresh.csv"), 2)).collect();
    let mean = |of: &dyn Fn(f64) -> f64| pairs.iter().map(|(p, y)| of(p - y)).sum::<f64>() / pairs.len() as f64;
    let (mae, mse) = (mean(&f64::abs), mean(&|e| e * e));
    let document = bench.taper("evaluate out fresh.csv --json").quiet().json();
    let near = |value: &Value, right: f64| (value.as_f64().unwrap() / right - 1.0).abs() < 1e-3;
    assert!(near(&document["metrics"]["mae"], mae), "{mae} {document}");
    assert!(near(&document["metrics"]["root_mean_squared_error"], mse.sqrt()), "{mse} {document}");
    assert!(near(&document["data_loss"], mse), "{mse} {document}");
    let standardized = &document["standardized"];
    let scale = standardized["scale"].as_f64().unwrap();
    assert!(near(&standardized["scores"]["data_loss"], mse / (scale * scale)), "{document}");
    assert!(document["intervals"]["mae"]["ci_low"].as_f64() < Some(mae));
    let told = bench.taper("evaluate out fresh.csv").quiet().stdout;
    assert!(told.contains("In the unit of `y`"), "{told}");
}
