//! `taper choose --elsewhere`: what comes back from other machines is taken in only if it can have come of its trial.

use serde_json::{Value, json};

use crate::bench::Bench;

const TABLE: &str = "[data]\nsource = \"d.csv\"\ntarget = \"y\"\n[model]\nlayers = [{ layer = \"dense\", units = 1, \
    activation = \"sigmoid\" }]\n[fit]\nloss = \"binary_crossentropy\"\nmetrics = [\"accuracy\"]\nepochs = 3\n[choose]\n\
    penalties = [\"l2\"]\ngrid = [0.01]\nfolds = 2\nrepeats = 1\nouter_folds = 2\nevidence = false\n";

fn table(rows: usize) -> String {
    let line = |i: usize| format!("{}.5,0.{},{}\n", i % 7, i * 37 % 97, i % 2);
    "a,b,y\n".to_owned() + &(0..rows).map(line).collect::<String>()
}

/// A choice on a table of 60 rows whose first trials have been run elsewhere; their keys.
fn trained() -> (Bench, Vec<String>) {
    let bench = Bench::new(&[]);
    bench.write("e.toml", TABLE);
    bench.write("d.csv", table(60));
    bench.taper("choose e.toml --out far --elsewhere todo").quiet();
    let keys = keys(&bench);
    for key in &keys {
        bench.taper(&format!("trial run --folder . --spec todo/{key}.json --out todo/{key}.outcome")).quiet();
    }
    (bench, keys)
}

fn keys(bench: &Bench) -> Vec<String> {
    let names = std::fs::read_dir(bench.path("todo")).unwrap();
    let mut keys: Vec<String> = names
        .filter_map(|entry| entry.unwrap().file_name().to_str().unwrap().strip_suffix(".json").map(str::to_owned))
        .collect();
    keys.sort();
    keys
}

#[test]
fn a_specification_says_which_rows_and_which_engine_it_is_for() {
    let (bench, keys) = trained();
    let spec: Value = serde_json::from_slice(&bench.read(&format!("todo/{}.json", keys[0]))).unwrap();
    let outcome: Value = serde_json::from_slice(&bench.read(&format!("todo/{}.outcome", keys[0]))).unwrap();
    assert_eq!(spec["origin"], outcome["origin"]);
    assert_eq!(spec["origin"]["key"], keys[0]);
    assert_eq!(spec["origin"]["files"]["d.csv"]["bytes"], table(60).len());
    assert_eq!(spec["origin"]["engine"]["taper"], env!("CARGO_PKG_VERSION"));

    // Another machine has an older copy of the table.
    std::fs::create_dir(bench.path("other")).unwrap();
    bench.write("other/d.csv", table(40));
    let run = format!("trial run --folder other --spec todo/{}.json --out none.outcome", keys[0]);
    let wrong = bench.taper(&run);
    assert!(wrong.status == Some(2) && wrong.stderr.contains("origin.files `d.csv`: expected"), "{wrong:?}");
    assert!(!bench.path("none.outcome").exists());
    // A specification that was changed by hand is another trial.
    let mut changed = spec.clone();
    changed["seed"] = json!(99);
    bench.write("changed.json", changed.to_string());
    let wrong = bench.taper("trial run --folder . --spec changed.json --out none.outcome");
    assert!(wrong.status == Some(2) && wrong.stderr.contains("origin.key"), "{wrong:?}");
    let mut changed = spec;
    changed["origin"]["engine"]["taper"] = json!("0.0.7");
    bench.write("changed.json", changed.to_string());
    let wrong = bench.taper("trial run --folder . --spec changed.json --out none.outcome");
    assert!(wrong.status == Some(2) && wrong.stderr.contains("origin.engine: expected Taper 0.0.7"), "{wrong:?}");
}

#[test]
fn an_outcome_that_cannot_have_come_of_its_trial_is_refused_by_name_and_nothing_is_lost() {
    let (bench, keys) = trained();
    let place = format!("todo/{}.outcome", keys[0]);
    let good = bench.text(&place);
    let scored: Value = serde_json::from_str(&good).unwrap();
    let changed = |change: &dyn Fn(&mut Value)| {
        let mut outcome = scored.clone();
        change(&mut outcome);
        outcome.to_string()
    };
    let twice = good.replacen("\"epochs\"", "\"epochs\": 1, \"epochs\"", 1);
    for (text, said) in [
        (bench.text(&format!("todo/{}.outcome", keys[1])), "origin.key"),
        (changed(&|outcome| outcome["origin"] = Value::Null), "origin: expected"),
        (changed(&|outcome| outcome["origin"]["files"]["d.csv"]["blake3"] = json!("00")), "origin.files `d.csv`"),
        (changed(&|outcome| outcome["origin"]["engine"]["instructions"] = json!("Abacus")), "origin.engine"),
        (changed(&|outcome| outcome["train_rows"] = json!(0)), "train_rows: expected 30, got 0"),
        (changed(&|outcome| outcome["zeros"] = json!(1.8e19)), "zeros"),
        (changed(&|outcome| outcome["epochs"] = json!(u64::MAX)), "epochs: expected at most 3"),
        (changed(&|outcome| outcome["scores"]["data_loss"] = json!(1.7e308)), "scores.data_loss"),
        (changed(&|outcome| outcome["scores"] = json!({})), "train: expected none"),
        (changed(&|outcome| outcome["scores"]["auc"] = json!(1)), "scores: expected accuracy, data_loss"),
        (changed(&|outcome| outcome["norms"] = json!({})), "norms: expected dense/bias, dense/kernel"),
        (changed(&|outcome| outcome["norm"] = json!(-1)), "norm: expected"),
        (changed(&|outcome| outcome["rows"] = json!(vec![0.1; 5000])), "rows: expected"),
        (changed(&|outcome| outcome["stop"] = json!({ "reason": "interrupted" })), "stop: expected"),
        (changed(&|outcome| outcome["more"] = json!(1)), "more"),
        (twice, "`epochs` twice"),
        ("{}".to_owned(), "the outcome of a trial"),
        (String::new(), "JSON"),
    ] {
        bench.write(&place, &text);
        let wrong = bench.taper("choose e.toml --out far --elsewhere todo");
        assert!(
            wrong.status == Some(2) && wrong.stderr.contains(&place) && wrong.stderr.contains(said),
            "{said}: {wrong:?}"
        );
        assert_eq!(bench.text(&place), text, "what is refused stays");
        assert!(bench.path(&format!("todo/{}.json", keys[0])).exists());
    }
    // The others were taken in at the first attempt; the right one completes them.
    assert!(keys[1..].iter().all(|key| !bench.path(&format!("todo/{key}.outcome")).exists()));
    bench.write(&place, good);
    let mut rounds = 0;
    while !bench.path("far/result.json").exists() {
        bench.taper("choose e.toml --out far --elsewhere todo").done();
        for key in crate::elsewhere::keys(&bench) {
            bench.taper(&format!("trial run --folder . --spec todo/{key}.json --out todo/{key}.outcome")).quiet();
        }
        rounds += 1;
        assert!(rounds < 20);
    }
    bench.taper("choose e.toml --out near").done();
    assert_eq!(bench.read("far/result.json"), bench.read("near/result.json"));
}
