//! `taper init`: the file it writes suits the table, and goes through as it is.

use crate::bench::Bench;

/// A table with `rows` rows of a few columns, and this target.
fn table(rows: usize, target: impl Fn(usize) -> String) -> String {
    let mut text = "id,height,city,note,\"weird \"\"name\"\" = # [x]\",y\n".to_owned();
    for i in 0..rows {
        let height = if i % 11 == 5 { String::new() } else { format!("{}.5", (i * 31) % 97) };
        text += &format!("{i},{height},{},same,{},{}\n", ["a", "b", "c"][i % 3], (i * 17) % 13, target(i));
    }
    text
}

fn check(rows: usize, target: impl Fn(usize) -> String, words: &[&str]) -> Bench {
    let bench = Bench::new(&[]);
    bench.write("t.csv", table(rows, target));
    let outcome = bench.taper("init t.csv --target y --out t.toml");
    assert_eq!(outcome.status, Some(0), "{outcome:?}");
    let text = bench.text("t.toml");
    for word in words.iter().chain(&[
        "source = \"t.csv\"",
        "exclude = [\"id\", \"note\"]",
        "penalties = [\"l2\"]",
        "missing = \"median\"",
    ]) {
        assert!(text.contains(word), "`{word}` is not in\n{text}");
    }
    // A few epochs, so that the test is quick; everything else as it is.
    let quick: Vec<&str> =
        text.lines().map(|line| if line.starts_with("epochs = ") { "epochs = 2" } else { line }).collect();
    bench.write("quick.toml", quick.join("\n"));
    let fitted = bench.taper("fit quick.toml --json --out out");
    assert_eq!(fitted.status, Some(0), "{fitted:?}");
    let scores = bench.taper("evaluate out t.csv --json").json();
    assert_eq!(scores["rows"], rows);
    bench
}

#[test]
fn two_classes() {
    let words = ["sigmoid", "binary_crossentropy", "folds = 5"];
    let bench = check(120, |i| ["no", "yes"][i * 7 % 5 / 3].to_owned(), &words);
    let choice = bench.taper("choose quick.toml --out chosen --json").json();
    assert!(choice["verdict"]["helps"].is_boolean() && choice["chosen"]["penalty"] == "l2", "{choice}");
    assert_eq!(bench.taper("evaluate chosen t.csv --json").json()["rows"], 120);
}

#[test]
fn several_classes() {
    let bench = check(120, |i| (i % 4 + 1).to_string(), &["softmax", "units = 4", "sparse_categorical_crossentropy"]);
    bench.taper("predict out t.csv --out p.csv");
    assert!(bench.text("p.csv").starts_with("prediction,p(1),p(2),p(3),p(4)\n"));
}

#[test]
fn a_number_is_predicted_in_its_own_unit() {
    let bench = check(
        1200,
        |i| format!("{}", 1e6 + 1e4 * ((i * 31) % 97) as f64),
        &["\"mse\"", "standardize_target", "test = 0.2"],
    );
    bench.taper("predict out t.csv --out p.csv");
    let text = bench.text("p.csv");
    let predictions: Vec<f64> = text.lines().skip(1).map(|line| line.parse().unwrap()).collect();
    assert!(predictions.iter().all(|p| (5e5..4e6).contains(p)), "{:?}", &predictions[..5]);
}

#[test]
fn what_cannot_be_is_refused_and_nothing_is_overwritten() {
    let bench = Bench::new(&[]);
    bench.write("t.csv", table(50, |i| (i % 2).to_string()));
    bench.write("t.toml", "mine");
    for (line, words) in [
        ("init t.csv --target y --out t.toml", "--force overwrites it"),
        ("init t.csv --target z --out n.toml", "--target: expected one of id, height"),
        ("init t.csv --target note --out n.toml", "column `note`: expected a target that differs"),
        ("init t.csv --target y --exclude hight --out n.toml", "did you mean `height`?"),
        ("init no.csv --out n.toml", "no.csv: reading failed"),
        ("init e.toml --out n.toml", "a .csv or .parquet file"),
        ("init . --out n.toml", "a .csv or .parquet file"),
    ] {
        let outcome = bench.taper(line);
        assert_eq!(outcome.status, Some(2), "{outcome:?}");
        assert!(outcome.stderr.contains(words), "{words}: {outcome:?}");
    }
    assert_eq!(bench.text("t.toml"), "mine");
    assert!(!bench.path("n.toml").exists());
    assert_eq!(bench.taper("init t.csv --target y --out t.toml --force").status, Some(0));
}
