//! What `choose` says about a change points in the direction of the change, wherever it says it.

use serde_json::Value;

use crate::bench::Bench;

/// A choice between no penalty and one strength, on 90 rows with so much noise.
fn choice(noise: &str, epochs: &str, score: &str, rest: &str) -> (Bench, String, Value) {
    let bench = Bench::new(&[
        ("noise = 0.2", noise),
        ("train = 30", "samples = 90"),
        ("units = 5", "units = 30"),
        (", kernel_regularizer = { l2 = 0.001 }", ""),
        ("{ name = \"adam\" }", "{ name = \"adam\", learning_rate = 0.05 }"),
        ("epochs = 20", epochs),
    ]);
    let text = bench.text("e.toml");
    let text = text.split("\n[study]").next().unwrap();
    let choose = "[choose]\nfolds = 3\nrepeats = 1\nouter_folds = 3\nevidence = false\n";
    bench.write("e.toml", format!("{text}\n{choose}score = \"{score}\"\n{rest}\n"));
    let told = bench.taper("choose e.toml --out out").done().stdout;
    let result = serde_json::from_slice(&bench.read("out/result.json")).unwrap();
    (bench, told, result)
}

/// The ways that the score of a choice and the other one go, after seeing that every place says so.
fn ways(noise: &str, epochs: &str, score: &str, rest: &str) -> Vec<String> {
    let (bench, told, result) = choice(noise, epochs, score, rest);
    let comparisons = result["comparisons"].as_array().unwrap();
    assert_eq!((comparisons.len(), &comparisons[0]["name"]), (2, &score.into()), "{comparisons:?}");
    let sentence = result["verdict"]["sentence"].as_str().unwrap();
    let report = bench.text("out/report.md");
    assert!(told.contains(sentence) && !sentence.contains("by -") && !sentence.contains("by −"), "{told}");
    let head = told.lines().find(|line| line.starts_with("candidate")).unwrap();
    assert!(head.contains("accuracy") && head.contains("data loss"), "{head}");
    let way = |comparison: &Value| {
        let number = |key: &str| comparison[key].as_f64().unwrap();
        let name = comparison["name"].as_str().unwrap();
        let change = number("chosen") - number("baseline");
        assert!((change - number("change")).abs() < 1e-9, "{comparison}");
        assert!(number("ci_low") <= change + 1e-9 && change <= number("ci_high") + 1e-9, "{comparison}");
        assert_eq!(comparison["maximize"], name == "accuracy");
        let way = match number("change") {
            change if change > 0.0 => "higher",
            change if change < 0.0 => "lower",
            _ => "unchanged",
        };
        let words = format!("the {} is {way}", name.replace('_', " "));
        assert!(sentence.contains(&words), "{words} in {sentence}");
        if name == score && way != "unchanged" {
            // A gain is counted so that more is better; the figure shows what the score itself does.
            let gain = result["gain"]["estimate"].as_f64().unwrap();
            assert_eq!(gain > 0.0, (way == "higher") == (name == "accuracy"), "{result}");
            let figure = bench.text("out/figure/gain.svg");
            assert!(figure.contains(if name == "accuracy" { "better →" } else { "← better" }), "{figure}");
            assert!(report.contains(&format!("{way} by")), "{report}");
        }
        way.to_owned()
    };
    comparisons.iter().map(way).collect()
}

#[test]
fn losses_and_accuracies_are_told_in_both_directions() {
    let strong = |lambda: &str| format!("grid = [{lambda}]\nrule = \"1se\"");
    let all = [
        ways("noise = 0.3", "epochs = 150", "data_loss", "grid = [0.01, 0.03]"),
        ways("noise = 0.3", "epochs = 60", "accuracy", &strong("0.02")),
        ways("noise = 0.45", "epochs = 60", "accuracy", &strong("0.05")),
        ways("noise = 0.45", "epochs = 150", "accuracy", &strong("0.05")),
    ];
    assert_eq!(all, [["lower", "unchanged"], ["lower", "lower"], ["higher", "lower"], ["unchanged", "higher"]]);
}

#[test]
fn where_no_penalty_is_best_its_scores_are_told() {
    let (_, told, result) = choice("noise = 0.3", "epochs = 60", "data_loss", "grid = [3.0]");
    assert_eq!(result["chosen"]["penalty"], "none");
    let baseline = |i: usize| result["comparisons"][i]["baseline"].as_f64().unwrap();
    let words =
        format!("(data loss {:.3}, accuracy {:.3} on rows that took part in no choice)", baseline(0), baseline(1));
    assert!(told.contains(&words), "{words} in {told}");
}

#[test]
fn the_bar_and_the_sentence_count_the_same_trainings() {
    let (_, told, result) = choice("noise = 0.3", "epochs = 5", "data_loss", "grid = [0.001, 0.01]\nrace = false");
    // Two strengths and none, 3 folds: one choice and 3 outer ones, and a pair for each outer fold.
    assert_eq!(result["runs"]["done"], 4 * 3 * 3 + 2 * 3 - shared(&result));
    assert!(told.contains(" models were trained; racing made 0 more needless."), "{told}");
}

/// Pairs of an outer fold that are one training: no penalty against itself.
fn shared(result: &Value) -> u64 {
    result["outer"].as_array().unwrap().iter().filter(|outer| outer["chosen"]["penalty"] == "none").count() as u64
}
