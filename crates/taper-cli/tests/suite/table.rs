//! Tables of one's own: what is read, prepared, saved with the model, and asked of it again.

use serde_json::Value;

use crate::bench::Bench;

const GENERATED: &str = "source = \"moons\"\nnoise = 0.2\nrandom_state = 1\ntrain = 30";
const SHAPE: &str = "input_shape = [2]\n";

/// Thirty people: number, empty cells, category, group, date, label.
fn people() -> String {
    let mut text = "name,age,city,clinic,day,buys\n".to_owned();
    for i in 0..30 {
        let age = if i % 7 == 3 { String::new() } else { (20 + (i * 37) % 50).to_string() };
        let city = ["Ulm", "Bonn", "Köln"][i % 3];
        let buys = if (i * 37) % 50 > 24 || i % 3 == 1 { "yes" } else { "no" };
        text += &format!("p{i},{age},{city},{},2026-01-{:02},{buys}\n", i % 5, 30 - i);
    }
    text
}

/// A bench whose experiment reads `rows.csv` with these keys.
fn bench(keys: &str, rows: &str) -> Bench {
    let bench = Bench::new(&[(GENERATED, &format!("source = \"rows.csv\"\n{keys}")), (SHAPE, "")]);
    bench.write("rows.csv", rows);
    bench
}

const KEYS: &str = "exclude = [\"name\", \"clinic\", \"day\"]\nmissing = \"mean\"\nmissing_indicator = true\n\
                    standardize = true\ntest = 0.2";

#[test]
fn a_table_of_any_kind_trains_and_its_model_takes_raw_rows() {
    let bench = bench(KEYS, &people());
    let outcome = bench.taper("fit e.toml --json --out out");
    assert_eq!(outcome.status, Some(0), "{outcome:?}");
    assert!(outcome.stderr.contains("classes `no`, `yes` are counted from 0"), "{outcome:?}");
    let document = outcome.json();
    assert!(document["warnings"][0]["message"].as_str().unwrap().contains("`no`, `yes`"), "{document}");

    // The model knows its columns by name: order and other columns mean nothing.
    bench.write("fresh.csv", "what,city,age\nx,Bonn,30\ny,Ulm,\n");
    let told = bench.taper("predict out fresh.csv --out p.csv");
    assert_eq!(told.status, Some(0), "{told:?}");
    let predictions = bench.text("p.csv");
    let lines: Vec<&str> = predictions.lines().collect();
    assert_eq!((lines.len(), lines[0]), (3, "prediction,p(yes)"));
    bench.write("again.csv", "age;city\n30;Bonn\nNA;Ulm\n");
    bench.taper("predict out/model.safetensors again.csv --out q.csv");
    assert_eq!(bench.text("q.csv"), predictions);

    let scores = bench.taper("evaluate out rows.csv --json").quiet().json();
    assert_eq!(scores["rows"], 30);
    let total = scores["data_loss"].as_f64().unwrap() + scores["penalty"].as_f64().unwrap();
    assert!((scores["loss"].as_f64().unwrap() - total).abs() < 1e-12, "{scores}");
    assert!(scores["metrics"]["accuracy"].is_number(), "{scores}");
    assert!(bench.taper("evaluate out rows.csv").quiet().stdout.contains("data loss"));
}

#[test]
fn the_scores_of_the_test_file_are_those_that_evaluate_tells() {
    let text = people();
    let (head, rows) = text.split_once('\n').unwrap();
    let rows: Vec<&str> = rows.lines().collect();
    let keys = KEYS.replace("test = 0.2", "test = \"fresh.csv\"");
    let bench = bench(&keys, &format!("{head}\n{}\n", rows[..20].join("\n")));
    bench.write("fresh.csv", format!("{head}\n{}\n", rows[20..].join("\n")));
    let fitted = bench.taper("fit e.toml --json --out out").json()["scores"].clone();
    let scores = bench.taper("evaluate out fresh.csv --json").quiet().json();
    assert_eq!((&scores["rows"], &scores["data_loss"]), (&Value::from(10), &fitted["test_data_loss"]));
    assert_eq!(scores["metrics"]["accuracy"], fitted["test_accuracy"]);
    bench.taper("fit e.toml --out again");
    assert!(bench.read("out/model.safetensors") == bench.read("again/model.safetensors"));
}

#[test]
fn mistakes_of_fresh_rows_are_told_with_row_and_column() {
    let bench = bench(KEYS, &people());
    bench.taper("fit e.toml --out out");
    let before = bench.contents().len();
    for (rows, words) in [
        ("city\nUlm\n", "fresh.csv: header: expected a column `age`"),
        (
            "age,city\n30,Ulm\n31,Paris\n32,Paris\n",
            "fresh.csv: row 2, column `city`: expected one of Bonn, Köln, Ulm, got `Paris` (2",
        ),
        ("age,city\n30,Ulm\nold,Ulm\n", "fresh.csv: row 2, column `age`: expected a number, got `old`"),
        ("age,city\n1e39,Ulm\n", "row 1, column `age`: expected a finite number"),
        ("age,city\n-inf,Ulm\n", "row 1, column `age`: expected a finite number"),
        ("age,city\n1\n", "fresh.csv: row 1: expected 2 cells"),
        ("age,city\n", "fresh.csv: expected at least one row"),
        ("", "fresh.csv: header: expected names of columns, got an empty file"),
    ] {
        bench.write("fresh.csv", rows);
        let outcome = bench.taper("predict out fresh.csv --out p.csv");
        assert_eq!(outcome.status, Some(2), "{outcome:?}");
        assert!(outcome.stderr.contains(words), "{words}: {outcome:?}");
    }
    assert_eq!(bench.contents().len(), before + 1, "{:?}", bench.contents());
    bench.write("fresh.csv", "age,city,buys\n30,Ulm,yes\n31,Paris,maybe\n");
    let outcome = bench.taper("evaluate out fresh.csv");
    assert!(outcome.stderr.contains("row 2, column `city`"), "{outcome:?}");
    assert!(
        outcome.stderr.contains("row 2, column `buys`: expected one of the classes `no`, `yes`, got `maybe`"),
        "{outcome:?}"
    );
    bench.write("fresh.csv", "age,city,buys\n30,Ulm,yes\n31,Paris,no\n");
    let outcome = bench.taper("predict out fresh.csv --unseen zero --out p.csv");
    assert_eq!(outcome.status, Some(0), "{outcome:?}");
    assert!(outcome.stderr.contains("1 cells hold a category"), "{outcome:?}");
}

#[test]
fn labels_of_any_name_are_counted_and_the_map_is_told() {
    for (labels, map) in [(["1", "2"], "`1`, `2`"), (["-1", "1"], "`-1`, `1`"), (["a", "b"], "`a`, `b`")] {
        let rows: String = (0..10).map(|i| format!("{i},{}\n", labels[i % 2])).collect();
        let bench = bench("", &format!("x,y\n{rows}"));
        let outcome = bench.taper("fit e.toml --out out");
        assert_eq!(outcome.status, Some(0), "{outcome:?}");
        assert!(
            outcome.stderr.contains(&format!("data, column `y`: the classes {map} are counted from 0")),
            "{outcome:?}"
        );
        bench.taper("predict out rows.csv --out p.csv");
        let text = bench.text("p.csv");
        assert!(
            text.lines().skip(1).all(|line| labels.iter().any(|label| line.starts_with(&format!("{label},")))),
            "{text}"
        );
    }
}

#[test]
fn groups_stay_together_and_time_is_kept() {
    let keys = KEYS.replace("\"clinic\", \"day\"", "\"day\"") + "\ngroup = \"clinic\"";
    let grouped = bench(&keys, &people());
    assert_eq!(grouped.taper("fit e.toml --out out").status, Some(0));
    let keys = KEYS.replace("\"clinic\", \"day\"", "\"clinic\"") + "\ntime = \"day\"";
    let ordered = bench(&keys, &people());
    assert_eq!(ordered.taper("fit e.toml --out out").status, Some(0));
    let study = ordered.taper("study e.toml --out studied");
    assert_eq!(study.status, Some(0), "{study:?}");
}

#[test]
fn rows_that_are_left_out_are_counted() {
    let bench = bench("missing = \"drop\"\nragged = \"skip\"", "a,y\n1,0\n2,1\n,1\n3,0,9\n4,1\n5,0\n6,1\n");
    let outcome = bench.taper("fit e.toml --out out");
    assert_eq!(outcome.status, Some(0), "{outcome:?}");
    assert!(outcome.stderr.contains("1 of 6 rows have empty cells"), "{outcome:?}");
    assert!(outcome.stderr.contains("1 rows are longer or shorter"), "{outcome:?}");
}

#[test]
fn columns_that_teach_nothing_are_told_by_name() {
    let rows: String = (0..10).map(|i| format!("{i},5,{i},{}\n", i % 2)).collect();
    let bench = bench("", &format!("a,same,copy,y\n{rows}"));
    let outcome = bench.taper("fit e.toml --out out");
    assert_eq!(outcome.status, Some(0), "{outcome:?}");
    assert!(outcome.stderr.contains("column `same`: the same in all training rows"), "{outcome:?}");
    assert!(outcome.stderr.contains("column `copy`: the same as `a`"), "{outcome:?}");
}

#[test]
fn numbers_of_another_country_are_read_if_asked() {
    let rows: String = (0..10).map(|i| format!("{i},5;{}\n", i % 2)).collect();
    let bench = bench("decimal = \",\"", &format!("a;y\n{rows}"));
    assert_eq!(bench.taper("fit e.toml --out out").status, Some(0));
    bench.write("fresh.csv", "a\n0.5\n");
    let outcome = bench.taper("predict out fresh.csv --out p.csv");
    assert!(outcome.stderr.contains("row 1, column `a`: expected a number, got `0.5`"), "{outcome:?}");
}

#[test]
fn formulas_and_markup_in_names_are_inert() {
    let rows: String =
        (0..12).map(|i| format!("{i},{}\n", ["=cmd|'/c calc'!A1", "<img src=x onerror=alert(1)>"][i % 2])).collect();
    let bench = bench("", &format!("\"<script>alert(1)</script>\",\"=y\"\n{rows}"));
    let outcome = bench.taper("fit e.toml --out out");
    assert_eq!(outcome.status, Some(0), "{outcome:?}");
    let html = bench.text("out/report.html");
    assert!(
        !html.contains("<script>alert(1)") && !html.contains("<img src=x"),
        "markup of the data must not be the page's"
    );
    bench.taper("predict out rows.csv --spreadsheet --out p.csv");
    for line in bench.text("p.csv").lines().skip(1) {
        assert!(line.starts_with("'=cmd") || line.starts_with("<img"), "{line}");
    }
    bench.taper("predict out rows.csv --out q.csv");
    // In the header `p(=cmd…)` begins like no formula, for whomever it is written.
    let (programs, spreadsheets) = (bench.text("q.csv"), bench.text("p.csv"));
    assert!(programs.starts_with("prediction,p(=cmd|'/c calc'!A1)\n=cmd|'/c calc'!A1,"), "{programs}");
    assert_eq!(programs.replace("\n=cmd", "\n'=cmd"), spreadsheets, "programs get names as they are");
}

#[test]
fn parquet_holds_what_csv_holds() {
    let fixture = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixture/");
    let read = |name: &str| std::fs::read(format!("{fixture}{name}")).unwrap();
    let bench = bench(KEYS, &people());
    let scores =
        |bench: &Bench, out: &str| bench.taper(&format!("fit e.toml --json --out {out}")).json()["scores"].clone();
    let from_csv = scores(&bench, "out");
    bench.write("rows.parquet", read("people.parquet"));
    let text = bench.text("e.toml").replace("rows.csv", "rows.parquet");
    bench.write("e.toml", text);
    assert_eq!(scores(&bench, "other"), from_csv);

    // And what is written is read again.
    bench.taper("predict out rows.parquet --out p.parquet").done();
    bench.taper("predict out rows.csv --out p.csv").done();
    let wrong = bench.taper("predict out p.parquet --out q.csv");
    assert!(
        wrong.stderr.contains("header: expected the columns `age`, `city`, got only prediction, p(yes)"),
        "{wrong:?}"
    );

    // A cut file and one with flipped bytes are refused, never a panic of the program.
    let whole = read("people.parquet");
    let mut refused = 0;
    for i in 0..60 {
        let mut bytes = whole.clone();
        if i % 2 == 0 {
            bytes.truncate(whole.len() * i / 60);
        } else {
            let at = (i * 7919) % whole.len();
            bytes[at] ^= 0xff;
        }
        bench.write("broken.parquet", &bytes);
        let outcome = bench.taper("predict out broken.parquet --out q.csv");
        assert!(matches!(outcome.status, Some(0 | 2)), "{i}: {outcome:?}");
        refused += usize::from(outcome.status == Some(2));
    }
    assert!(refused >= 30, "{refused}");
    bench.write("nested.parquet", read("nested.parquet"));
    let nested = bench.taper("predict out nested.parquet --out q.csv");
    assert!(nested.stderr.contains("nested.parquet: column `") && nested.stderr.contains("a nested one"), "{nested:?}");
    assert_eq!(nested.status, Some(2));
}

#[test]
fn arrays_of_numpy_are_rows() {
    let fixture = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixture/");
    let mut scores = Vec::new();
    for name in ["stored.npz", "packed.npz"] {
        let bench = Bench::new(&[(GENERATED, "source = \"rows.npz\""), (SHAPE, "")]);
        bench.write("rows.npz", std::fs::read(format!("{fixture}{name}")).unwrap());
        scores.push(bench.taper("fit e.toml --json --out out").json()["scores"].clone());
        let told = bench.taper("evaluate out rows.npz --json").quiet().json();
        assert_eq!(told["rows"], 20);
        let standardized = format!("{}\nstandardize = true", "source = \"rows.npz\"\ntest = \"rows.npz\"");
        bench.write("s.toml", bench.text("e.toml").replace("source = \"rows.npz\"", &standardized));
        let fitted = bench.taper("fit s.toml --json --out s").json();
        let told = bench.taper("evaluate s rows.npz --json").quiet().json();
        assert_eq!(
            told["data_loss"], fitted["scores"]["test_data_loss"],
            "raw rows are brought to the training rows' scale"
        );
        bench.taper("predict out rows.npz --out p.csv").done();
        assert_eq!(bench.text("p.csv").lines().count(), 21);
        let bytes = bench.read("rows.npz");
        for cut in [0, 10, bytes.len() / 2, bytes.len() - 1] {
            bench.write("rows.npz", &bytes[..cut]);
            let outcome = bench.taper("evaluate out rows.npz");
            assert_eq!(outcome.status, Some(2), "{outcome:?}");
        }
    }
    assert_eq!(scores[0], scores[1]);
}

#[test]
fn a_row_without_end_is_refused_within_bounds() {
    let mut rows = "a,y\n1,0\n2,".to_owned();
    rows.push_str(&"x".repeat(40 << 20));
    let bench = bench("", &rows);
    let outcome = bench.taper("fit e.toml --out out");
    assert_eq!(outcome.status, Some(2));
    assert!(outcome.stderr.contains("rows of at most 16 MiB"), "{}", &outcome.stderr[..200.min(outcome.stderr.len())]);
}

#[test]
fn text_far_down_a_column_of_numbers_is_found() {
    let mut rows: String = "a,y\n".to_owned();
    (0..100_000).for_each(|i| rows += &format!("{i},{}\n", i % 2));
    rows += "abc,1\n";
    let bench = bench("", &rows);
    let outcome = bench.taper("fit e.toml --out out");
    assert_eq!(outcome.status, Some(2));
    let words = "rows.csv: row 100001, column `a`: expected a number, as `0` in row 1, got `abc` (1 in all)";
    assert!(outcome.stderr.contains(words), "{outcome:?}");
}
