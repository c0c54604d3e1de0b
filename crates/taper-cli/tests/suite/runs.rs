//! `taper runs` and `taper trial`.

use serde_json::Value;

use crate::bench::Bench;

fn chosen() -> Bench {
    let bench = Bench::new(&[]);
    let choose = "\n[choose]\ngrid = [0.01]\nfolds = 2\nrepeats = 1\nouter_folds = 2\nevidence = false\n";
    let text = bench.text("e.toml").split("\n[study]").next().unwrap().to_owned() + choose;
    bench.write("e.toml", text);
    bench.taper("choose e.toml --out out").quiet();
    bench
}

#[test]
fn runs_are_listed_shown_and_exported() {
    let bench = chosen();
    let text = bench.taper("runs list out").quiet().stdout;
    assert!(text.starts_with("Study 1: ") && text.contains("finished") && text.contains("l2"), "{text}");
    assert!(text.contains("fold 1 of 2, division 1") && !text.contains("seed"), "{text}");
    assert_eq!(bench.taper("runs list out/runs.sqlite").quiet().stdout, text);
    let last = bench.taper("runs list out --limit 2").quiet().stdout;
    let rows = |text: &str| {
        text.lines().skip_while(|line| !line.starts_with('─')).skip(1).take_while(|line| !line.is_empty()).count()
    };
    assert_eq!(rows(&last), 2, "{last}");
    let more = format!("\n{} more before these; `--limit 0` lists all.\n", rows(&text) - 2);
    assert!(last.ends_with(&more), "{last}");
    let swapped = bench.taper("runs show out out");
    assert!(swapped.status == Some(2) && swapped.stderr.contains("`taper runs show 1 out`"), "{swapped:?}");
    let list = bench.taper("runs list out --json").quiet().json();
    let runs = list["runs"].as_array().unwrap();
    let key = runs[0]["key"].as_str().unwrap();
    let shown = bench.taper(&format!("runs show {} out", &key[..12])).quiet().json();
    assert_eq!(shown["key"], key);
    assert_eq!(shown["outcome"]["scores"]["data_loss"], runs[0]["test_data_loss"]);
    assert_eq!(bench.taper("runs show 1 out").quiet().json()["run"], 1);
    let none = bench.taper("runs show nothing out");
    assert!(none.status == Some(2) && none.stderr.contains("taper runs list"), "{none:?}");

    assert_eq!(bench.taper("runs export runs.csv out").status, Some(0));
    let csv = bench.text("runs.csv");
    assert!(csv.starts_with("run,study,key,penalty,value,"), "{csv}");
    assert_eq!(csv.lines().count(), runs.len() + 1);
    assert_eq!(bench.taper("runs export runs.parquet out").status, Some(0));
    assert_eq!(bench.taper("runs export runs.txt out").status, Some(2));
    let missing = bench.taper("runs list nowhere");
    assert!(missing.status == Some(2) && missing.stderr.contains("nowhere/runs.sqlite"), "{missing:?}");
    assert_eq!(bench.taper("runs repair out").quiet().stdout, "Nothing is damaged.\n");
}

#[test]
fn a_trial_run_elsewhere_has_the_outcome_of_one_run_here() {
    let bench = chosen();
    let shown = bench.taper("runs show 1 out").quiet().json();
    bench.write("spec.json", shown["spec"].to_string());
    bench.taper("trial run --spec spec.json --out outcome.json").quiet();
    let mut outcome: Value = serde_json::from_slice(&bench.read("outcome.json")).unwrap();
    let origin = outcome.as_object_mut().unwrap().remove("origin").unwrap();
    assert_eq!(outcome, shown["outcome"]);
    assert_eq!(origin["key"], shown["key"]);

    let mut spec = shown["spec"].clone();
    spec["candidate"]["penalty"] = "l22".into();
    bench.write("spec.json", spec.to_string());
    let wrong = bench.taper("trial run --spec spec.json --out none.json");
    assert!(wrong.status == Some(2) && wrong.stderr.contains("l2"), "{wrong:?}");
    assert!(!bench.path("none.json").exists());
}

#[test]
fn a_choice_whose_trials_run_elsewhere_is_the_one_made_here() {
    let bench = chosen();
    let command = "choose e.toml --out far --elsewhere todo";
    let mut rounds = 0;
    while !bench.path("far/result.json").exists() {
        let text = bench.taper(command).quiet().stdout;
        let mut waiting = 0;
        for entry in std::fs::read_dir(bench.path("todo")).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            let key = name.strip_suffix(".json").unwrap();
            let spec = format!("trial run --folder . --spec todo/{name} --out todo/{key}.outcome");
            bench.taper(&spec).quiet();
            waiting += 1;
        }
        assert_eq!(text.starts_with(&format!("{waiting} trials wait in todo.")), waiting > 0, "{text}");
        rounds += 1;
    }
    assert!(rounds > 2, "{rounds}");
    assert_eq!(bench.read("far/result.json"), bench.read("out/result.json"));
    assert_eq!(bench.read("far/model.safetensors"), bench.read("out/model.safetensors"));

    let again = bench.taper("choose e.toml --out new --elsewhere todo --json").quiet().json();
    assert!(again["waiting"].as_u64() > Some(0), "{again}");
    let name = std::fs::read_dir(bench.path("todo")).unwrap().next().unwrap().unwrap().file_name();
    let key = name.to_str().unwrap().strip_suffix(".json").unwrap().to_owned();
    bench.write(&format!("todo/{key}.outcome"), "{}");
    let wrong = bench.taper("choose e.toml --out new --elsewhere todo");
    assert!(wrong.status == Some(2) && wrong.stderr.contains("the outcome of a trial"), "{wrong:?}");
}

#[test]
fn runs_that_all_diverged_are_listed_and_exported() {
    let bench = Bench::new(&[("{ name = \"adam\" }", "{ name = \"sgd\", learning_rate = 1e30 }")]);
    let choose = "\n[choose]\ngrid = [0.01]\nfolds = 2\nrepeats = 1\nouter_folds = 2\nevidence = false\n";
    let text = bench.text("e.toml").split("\n[study]").next().unwrap().to_owned() + choose;
    bench.write("e.toml", text);
    let chosen = bench.taper("choose e.toml --out out");
    assert_ne!(chosen.status, Some(101), "{chosen:?}");
    let text = bench.taper("runs list out").done().stdout;
    assert!(text.contains("diverged"), "{text}");
    assert_eq!(bench.taper("runs export runs.csv out").status, Some(0));
    assert!(bench.text("runs.csv").contains("diverged"));
}
