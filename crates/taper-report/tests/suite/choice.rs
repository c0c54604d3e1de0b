//! The report of a choice: each number that changes is told in its own direction, for both kinds of score.

use serde_json::json;
use taper::Choice;
use taper_report::choice_report;

/// A choice whose score was 0.5 without a penalty and changes by so much, on three outer folds.
fn choice(score: &str, maximize: bool, change: f64) -> Choice {
    let gain = if maximize { change } else { -change };
    let (low, high) = (gain - 0.02, gain + 0.02);
    let point = |penalty: &str, value: f64, mean: f64, gain: f64| {
        json!({
            "penalty": penalty, "value": value, "score": { "mean": mean, "se": 0.01, "n": 6 },
            "gain": { "mean": gain, "se": 0.01, "n": 6 }, "train_score": 0.4, "metrics": { score: mean, "beside": 0.75 },
            "norm": 1.0, "zeros": 0.0, "diverged": 0, "beaten": false, "splits": [mean],
        })
    };
    let chosen = json!({ "penalty": "l2", "value": 0.01 });
    let outer: Vec<_> = (0..3)
        .map(|fold| {
            json!({
                "repeat": 0, "fold": fold, "chosen": chosen, "baseline_score": 0.5, "chosen_score": 0.5 + change,
                "gain": gain,
            })
        })
        .collect();
    let at = |mean: f64| json!({ "mean": mean, "se": 0.01, "n": 3 });
    let value = json!({
        "verdict": { "helps": gain > 0.02, "sentence": "The verdict." },
        "lambda_min": 0.01, "lambda_1se": 0.01, "chosen": chosen, "rule": "min",
        "gain": {
            "estimate": gain, "se": 0.01, "ci_low": low, "ci_high": high, "n": 3, "claim": "training_sets",
            "statement": "what it is",
        },
        "comparisons": [
            {
                "name": score, "maximize": maximize, "baseline": 0.5, "chosen": 0.5 + change, "change": change,
                "ci_low": change - 0.02, "ci_high": change + 0.02,
            },
            {
                "name": "beside", "maximize": !maximize, "baseline": 0.75, "chosen": 0.7, "change": -0.05, "ci_low": null,
                "ci_high": null,
            },
        ],
        "score": score, "maximize": maximize, "baseline": point("none", 0.0, 0.5, 0.0),
        "grid": [point("l2", 0.01, 0.5 + change, gain)],
        "runs": { "done": 20, "saved_by_racing": 0 },
        "rows": { "development": 90, "test": 0, "picked": "60 of 90 rows train" },
        "folds": 3, "repeats": 2, "differences": [], "outer": outer, "families": [], "overfitting": null,
        "learning_curve": [
            { "train_rows": 45.0, "baseline": at(0.6), "chosen": at(0.6 + change) },
            { "train_rows": 60.0, "baseline": at(0.5), "chosen": at(0.7 + change) },
        ],
        "calibration": null, "baseline_history": null, "chosen_history": null, "notes": [],
    });
    serde_json::from_value(value).unwrap()
}

#[test]
fn every_change_is_told_in_its_direction() {
    for (score, maximize) in [("data_loss", false), ("accuracy", true)] {
        for change in [0.1, -0.1] {
            let report = choice_report(&choice(score, maximize, change));
            let (text, name) = (report.markdown(), score.replace('_', " "));
            let way = if change > 0.0 { "higher" } else { "lower" };
            let (near, far) = if change > 0.0 { ("0.080", "0.12") } else { ("0.12", "0.080") };
            let words = format!("{way} by 0.10 (20 %; 95 % interval from {near} {way} to {far} {way})");
            let row = text.lines().find(|line| line.starts_with(&format!("| {name} "))).unwrap();
            assert!(row.contains(&words), "{words} in {row}");
            let beside = text.lines().find(|line| line.starts_with("| beside ")).unwrap();
            assert!(
                beside.contains("0.7500") && beside.contains("0.7000") && beside.contains("lower by 0.050 (6.7 %)"),
                "{beside}"
            );
            let fold = text.lines().find(|line| line.starts_with("| 2 ") && line.contains("l2 1e-2")).unwrap();
            assert!(fold.contains(&format!("{way} by 0.10 (20 %)")), "{fold}");
            for figure in ["gain", "gains"] {
                let (_, figure) = report.figures().into_iter().find(|(known, _)| known == figure).unwrap();
                assert!(figure.alt().contains(&format!("differences in {name} to no penalty")), "{}", figure.alt());
                assert!(figure.alt().contains(&format!("{way} by 0.10")), "{}", figure.alt());
                assert!(figure.svg().contains(if maximize { "better →" } else { "← better" }));
            }
            let words = "training rows, the {name} is lower by 0.10 (17 %) without a penalty, and higher by 0.10";
            assert!(text.contains(&words.replace("{name}", &name)), "{text}");
            assert!(text.contains("60 of 90 rows train."), "how rows were divided: {text}");
        }
    }
}
