//! What is allowed and odd is told, and the work goes on.

use crate::bench::Bench;

#[test]
fn odd_settings_are_told_on_stderr_and_in_the_document() {
    let l2 = "model.layers[0].kernel_regularizer.l2: ";
    let rows: &[(&str, &str, &str, &str, &str)] = &[
        ("fit", "epochs = 20", "epochs = 0", "fit.epochs: ", "only evaluated"),
        ("fit", "epochs = 20", "batch_size = 64", "fit.batch_size: 64", "30 rows train"),
        ("fit", "\"adam\"", "\"adam\", learning_rate = 0.0", "fit.optimizer.learning_rate: 0", "stay as they are"),
        ("fit", "l2 = 0.001", "l2 = 1e-60", l2, "becomes 0"),
        ("fit", "train = 30", "train = 1", "data.train: ", "one row"),
        ("study", "[0.1, 0.01]", "[0.1, 0.01, 1e-1]", "study.axes[0].values[2]: 0.1", "tried once"),
        ("study", "[0.1, 0.01]", "[0.1, 1e-60]", l2, "becomes 0"),
    ];
    for (command, from, to, place, words) in rows {
        let bench = Bench::new(&[(from, to)]);
        let outcome = bench.taper(&format!("{command} e.toml --json"));
        assert_eq!(outcome.status, Some(0), "{to}: {outcome:?}");
        let line = outcome.stderr.lines().next().unwrap_or_default();
        assert!(line.starts_with(&format!("warning: {place}")) && line.contains(words), "{to}: {line}");
        assert_eq!(outcome.stderr.lines().count(), 1, "{to}: {}", outcome.stderr);
        let told = &outcome.json()["warnings"][0];
        assert_eq!(
            line,
            format!("warning: {}: {}", told["place"].as_str().unwrap(), told["message"].as_str().unwrap())
        );
    }
}

#[test]
fn a_grid_tries_each_value_once() {
    let bench = Bench::new(&[("[0.1, 0.01]", "[1, 1.0, 1e0]")]);
    let document = bench.taper("study e.toml --json").json();
    assert_eq!(document["trials"].as_array().map(Vec::len), Some(1));
    assert_eq!(document["warnings"].as_array().map(Vec::len), Some(2));
}

#[test]
fn a_constant_column_is_told_and_divides_nothing() {
    let source = (
        "source = \"moons\"\nnoise = 0.2\nrandom_state = 1\ntrain = 30",
        "source = \"t.csv\"\nstandardize = true\ntrain = 4",
    );
    let bench = Bench::new(&[source]);
    bench.write("t.csv", "a,b,y\n1,7,0\n2,7,1\n3,7,0\n4,7,1\n5,7,0\n6,8,1\n");
    let outcome = bench.taper("fit e.toml --json");
    assert_eq!(outcome.status, Some(0), "{outcome:?}");
    assert!(outcome.stderr.starts_with("warning: data, column `b`: the same"), "{outcome:?}");
    assert!(outcome.json()["scores"]["test_loss"].is_number());
}
