//! Numbers, dates and truth values keep what they say, from whatever file they come.

use crate::bench::{Bench, Outcome};

/// A bench with these files of cases and an experiment on one of them.
fn bench(files: &[&str], experiment: &str) -> Bench {
    let bench = Bench::new(&[]);
    for name in files {
        let path = format!("{}/tests/fixture/case/{name}", env!("CARGO_MANIFEST_DIR"));
        bench.write(name, std::fs::read(path).unwrap());
    }
    bench.write("e.toml", experiment);
    bench
}

/// An experiment: rows, what ends the model, and how it is trained.
fn experiment(data: &str, layer: &str, loss: &str, rate: &str, epochs: usize) -> String {
    format!(
        "[data]\n{data}\n[model]\nlayers = [{layer}]\n[fit]\nloss = \"{loss}\"\nmetrics = [\"{}\"]\nepochs = {epochs}\n\
         optimizer = {{ name = \"adam\", learning_rate = {rate} }}\n",
        if loss == "mse" { "mae" } else { "accuracy" }
    )
}

const LINEAR: &str = "{ layer = \"dense\", units = 1 }";
const SPARSE: &str = "sparse_categorical_crossentropy";

fn softmax(classes: usize) -> String {
    format!("{{ layer = \"dense\", units = {classes}, activation = \"softmax\" }}")
}

/// The first cell of each line of a CSV file, without its header.
fn first_cells(text: &str) -> Vec<String> {
    text.lines().skip(1).map(|line| line.split(',').next().unwrap_or_default().to_owned()).collect()
}

fn warns(outcome: &Outcome, words: &str) {
    assert!(outcome.stderr.contains(words), "{words}: {outcome:?}");
}

#[test]
fn classes_keep_their_codes_however_long_they_are() {
    for codes in [
        ["43211503", "43211508", "43211509"],
        ["1000000001", "1000000002", "1000000003"],
        ["-9007199254740993", "9007199254740992", "9007199254740993"],
    ] {
        let rows: String = (0..60).map(|i| format!("{},{}\n", i % 3 * 5, codes[i % 3])).collect();
        let data = "source = \"rows.csv\"\ntarget = \"code\"\nstandardize = true";
        let bench = bench(&[], &experiment(data, &softmax(3), SPARSE, "0.2", 150));
        bench.write("rows.csv", format!("x,code\n{rows}"));
        let fitted = bench.taper("fit e.toml --out out").done();
        let named = codes.map(|code| format!("`{code}`")).join(", ");
        warns(&fitted, &format!("the classes {named} are counted from 0"));
        bench.taper("predict out rows.csv --out p.csv").done();
        assert_eq!(first_cells(&bench.text("p.csv"))[..3], codes);
        let scores = bench.taper("evaluate out rows.csv --json").done().json();
        assert_eq!((&scores["rows"], &scores["metrics"]["accuracy"]), (&60.into(), &1.0.into()));
    }
}

#[test]
fn a_time_in_seconds_is_a_feature_and_a_target_to_the_second() {
    let rows: String = (0..100).map(|i| i * 37 % 100).map(|i| format!("{},{i}\n", 1_700_000_000 + i)).collect();
    let data = "source = \"rows.csv\"\ntarget = \"y\"\nstandardize = true";
    let first = bench(&[], &experiment(data, LINEAR, "mse", "0.5", 1500));
    first.write("rows.csv", format!("ts,y\n{rows}"));
    first.taper("fit e.toml --out out").done();
    let scores = first.taper("evaluate out rows.csv --json").done().json();
    assert!(scores["metrics"]["mae"].as_f64().unwrap() < 0.01, "{scores}");

    // The other way round, predictions are not rounded to 128 seconds.
    let data = "source = \"rows.csv\"\ntarget = \"ts\"\nstandardize = true\nstandardize_target = true";
    let second = bench(&[], &experiment(data, LINEAR, "mse", "0.05", 500));
    second.write("rows.csv", format!("ts,y\n{rows}"));
    second.taper("fit e.toml --out out").done();
    second.write("new.csv", "y\n0\n1\n99\n");
    second.taper("predict out new.csv --out p.csv").done();
    let times: Vec<f64> = first_cells(&second.text("p.csv")).iter().map(|cell| cell.parse().unwrap()).collect();
    for (time, expected) in times.iter().zip([0.0, 1.0, 99.0]) {
        assert!((time - 1_700_000_000.0 - expected).abs() < 0.01, "{times:?}");
    }
}

#[test]
fn rows_are_ordered_by_time_however_it_is_written() {
    for (file, column) in
        [("time_iso.csv", "day"), ("time_dmy.csv", "day"), ("time_unpadded.csv", "day"), ("time_month_name.csv", "t")]
    {
        let data = format!("source = \"{file}\"\ntarget = \"y\"\ntime = \"{column}\"\ntest = 0.25");
        let zeros = LINEAR.replace(" }", ", kernel_initializer = \"zeros\" }");
        let bench = bench(&[file], &experiment(&data, &zeros, "mse", "1e-12", 1));
        let scores = bench.taper("fit e.toml --json --out out").done().json()["scores"].clone();
        let mae = scores["test_mae"].as_f64().unwrap();
        assert!((mae - 104.5).abs() < 1e-3, "{file}: {scores}");
    }
}

#[test]
fn a_time_that_cannot_be_read_is_refused_with_two_cells() {
    let data = "source = \"rows.csv\"\ntarget = \"y\"\ntime = \"day\"";
    let bench = bench(&[], &experiment(data, LINEAR, "mse", "0.1", 1));
    for (cells, words) in [
        (["03/04/2026", "05/02/2026"], "got `03/04/2026` (row 1) and `05/02/2026` (row 2)"),
        (["first", "second"], "got `first` (row 1) and `second` (row 2)"),
        (["2026-02-30", "2026-02-28"], "got `2026-02-30` (row 1) and `2026-02-28` (row 2)"),
    ] {
        bench.write("rows.csv", format!("day,x,y\n{},1,2\n{},2,3\n", cells[0], cells[1]));
        let outcome = bench.taper("fit e.toml --out out");
        assert_eq!(outcome.status, Some(2), "{outcome:?}");
        warns(&outcome, "column `day`: expected");
        warns(&outcome, words);
    }
}

#[test]
fn an_index_of_a_data_frame_is_no_feature() {
    let data = "source = \"pandas_index.parquet\"\ntarget = \"y\"\nstandardize = true";
    let layers = format!("{{ layer = \"dense\", units = 16, activation = \"relu\" }}, {LINEAR}");
    let index = bench(&["pandas_index.parquet"], &experiment(data, &layers, "mse", "0.01", 40));
    let fitted = index.taper("fit e.toml --json --out out").done();
    warns(&fitted, "`__index_level_0__`");
    let without = experiment(&format!("{data}\nexclude = [\"__index_level_0__\"]"), &layers, "mse", "0.01", 40);
    index.write("w.toml", without);
    assert_eq!(index.taper("fit w.toml --json --out w").done().json()["scores"], fitted.json()["scores"]);
    // It is one if it is asked for.
    let asked = experiment(&format!("{data}\nfeatures = [\"__index_level_0__\"]"), &layers, "mse", "0.01", 1);
    index.write("a.toml", asked);
    index.taper("fit a.toml --out a").done();
}

#[test]
fn truth_values_are_the_same_in_every_format() {
    let data =
        "source = \"bool.csv\"\ntarget = \"y\"\none_hot = [\"kind\"]\nstandardize = true\nstandardize_target = true";
    let bench = bench(&["bool.csv", "bool_new.parquet"], &experiment(data, LINEAR, "mse", "0.05", 500));
    bench.taper("fit e.toml --out out").done();
    bench.taper("predict out bool_new.parquet --out p.csv").done();
    let predictions: Vec<f64> = first_cells(&bench.text("p.csv")).iter().map(|cell| cell.parse().unwrap()).collect();
    assert!((predictions[0] - 485.38).abs() < 0.05 && (predictions[1] - 313.08).abs() < 0.05, "{predictions:?}");
    // In other letters, and as the numbers that other programs write.
    let text = bench.text("bool.csv");
    bench.taper("predict out bool.csv --out q.csv").done();
    for (truth, lie) in [("TRUE", "FALSE"), ("true", "false"), ("1", "0")] {
        bench.write("other.csv", text.replace("True", truth).replace("False", lie));
        bench.taper("predict out other.csv --out r.csv").done();
        assert_eq!(bench.text("r.csv"), bench.text("q.csv"), "{truth}");
    }
}

#[test]
fn truth_values_can_be_what_is_predicted() {
    let rows: String = (0..40).map(|i| format!("{i},{}\n", if i < 20 { "false" } else { "true" })).collect();
    for (layer, loss) in [(LINEAR.to_owned(), "mse"), (softmax(2), SPARSE)] {
        let data = "source = \"rows.csv\"\ntarget = \"y\"\nstandardize = true";
        let bench = bench(&[], &experiment(data, &layer, loss, "0.1", 100));
        bench.write("rows.csv", format!("x,y\n{rows}"));
        bench.taper("fit e.toml --out out").done();
        let own = bench.taper("evaluate out rows.csv --json").done().json();
        bench.write("other.csv", format!("x,y\n{}", rows.replace("true", "True").replace("false", "False")));
        assert_eq!(bench.taper("evaluate out other.csv --json").done().json(), own);
    }
}

/// A safetensors file of these doubles.
fn safetensors(x: &[f64], y: &[f64]) -> Vec<u8> {
    let (first, all) = (x.len() * 8, (x.len() + y.len()) * 8);
    let header = format!(
        "{{\"x\":{{\"dtype\":\"F64\",\"shape\":[{},1],\"data_offsets\":[0,{first}]}},\
         \"y\":{{\"dtype\":\"F64\",\"shape\":[{}],\"data_offsets\":[{first},{all}]}}}}",
        x.len(),
        y.len()
    );
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header.as_bytes());
    bytes.extend(x.iter().chain(y).flat_map(|number| number.to_le_bytes()));
    bytes
}

#[test]
fn arrays_of_doubles_are_measured_before_they_are_rounded() {
    let y: Vec<f64> = (0..100).map(|i| f64::from(i * 37 % 100)).collect();
    let x: Vec<f64> = y.iter().map(|y| 1_700_000_000.0 + y).collect();
    let data = "source = \"rows.safetensors\"\nstandardize = true";
    let bench = bench(&[], &experiment(data, LINEAR, "mse", "0.5", 1500));
    bench.write("rows.safetensors", safetensors(&x, &y));
    bench.taper("fit e.toml --out out").done();
    let scores = bench.taper("evaluate out rows.safetensors --json").done().json();
    assert!(scores["metrics"]["mae"].as_f64().unwrap() < 0.01, "{scores}");
    bench.taper("predict out rows.safetensors --out p.csv").done();
    let first: f64 = first_cells(&bench.text("p.csv"))[1].parse().unwrap();
    assert!((first - 37.0).abs() < 0.01, "{first}");
}
