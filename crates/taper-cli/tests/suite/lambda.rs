//! `taper lambda`.

use serde_json::{Value, json};

use crate::bench::Bench;

fn convert(words: &str) -> Value {
    Bench::new(&[]).taper(&format!("lambda {words} --json")).quiet().json()
}

#[test]
fn identities() {
    for (words, result) in [
        ("0.001 --from keras --to pytorch", 0.002),
        ("0.01 --from pytorch --to keras", 0.005),
        ("0.001 --from keras --to sklearn-mlp --rows 32", 0.064),
        ("0.0001 --from sklearn-mlp --to keras --rows 200", 2.5e-7),
        ("0.5 --from glmnet --to keras", 0.25),
        ("0.5 --from glmnet --to pytorch", 0.5),
        ("0.004 --from adamw --to adamw", 0.004),
    ] {
        let document = convert(words);
        assert!((document["result"].as_f64().unwrap() / result - 1.0).abs() < 1e-12, "{words}: {document}");
        assert_eq!(document["exact"], json!(true), "{words}");
        assert!(document["identity"].as_str().unwrap().contains(" = "), "{words}");
        assert!(document["value"].is_number() && document["from"].is_string() && document["to"].is_string());
    }
    let text = Bench::new(&[]).taper("lambda 1e-3 --from keras --to pytorch --learning-rate 0.1").quiet().stdout;
    assert!(text.starts_with("0.001 in keras is 0.002 in pytorch\n"), "{text}");
    assert!(text.contains("pytorch weight_decay = 2 · keras l2"), "{text}");
    assert!(text.contains("One step at learning rate 0.1 takes 2e-4 of a weight"), "{text}");
    let text = Bench::new(&[]).taper("lambda 1 --from glmnet --to keras").quiet().stdout;
    assert!(text.contains("1/(2n)"), "what the identity takes for granted: {text}");
}

#[test]
fn between_coupled_and_decoupled_there_is_none_under_adam() {
    let document = convert("0.001 --from keras --to adamw --learning-rate 0.001");
    assert_eq!((&document["result"], &document["exact"]), (&Value::Null, &json!(false)));
    assert!(document["identity"].as_str().unwrap().starts_with("none: "), "{document}");
    assert_eq!(document["shrinkage_per_step"], json!(2e-6));
    let text = Bench::new(&[]).taper("lambda 0.001 --from adamw --to keras").quiet().stdout;
    assert!(text.starts_with("0.001 in adamw has no equal in keras\n") && text.contains("--experiment"), "{text}");
}

#[test]
fn an_experiment_finds_a_strength_where_there_is_no_identity() {
    let bench = Bench::new(&[("{ name = \"adam\" }", "{ name = \"adam\", learning_rate = 0.01 }")]);
    let line = "lambda 0.05 --from keras --to adamw --experiment e.toml";
    let document = bench.taper(&format!("{line} --json")).quiet().json();
    assert_eq!(document["exact"], json!(false));
    assert!(document["result"].as_f64().unwrap() > 0.0, "{document}");
    assert!(document["residual"].as_f64().unwrap().abs() < 1e-3, "{document}");
    assert_eq!(document["calibration"]["paths"], json!(["dense/kernel"]));
    let text = bench.taper(line).quiet().stdout;
    assert!(text.contains("is about") && text.contains("residual"), "{text}");
    assert_eq!(bench.contents(), ["e.toml"]);

    let bench = Bench::new(&[("{ name = \"adam\" }", "\"sgd\"")]);
    let document = bench.taper(&format!("{line} --json")).quiet().json();
    assert_eq!((&document["result"], &document["exact"]), (&json!(0.1), &json!(true)), "gradient descent has one");
}

/// Every pair without an identity: one side is coupled, the other decoupled.
#[test]
fn an_experiment_finds_a_strength_for_every_pair() {
    let bench = Bench::new(&[("{ name = \"adam\" }", "{ name = \"adam\", learning_rate = 0.01 }")]);
    let keras = bench.taper("lambda 0.05 --from keras --to adamw --experiment e.toml --json").quiet().json();
    for (coupled, value) in [("keras", 0.05), ("pytorch", 0.1), ("sklearn-mlp", 3.0), ("glmnet", 0.1)] {
        let find = |value: f64, from: &str, to: &str| {
            let line = format!("lambda {value} --from {from} --to {to} --experiment e.toml --json");
            let document = bench.taper(&line).quiet().json();
            assert_eq!(document["exact"], json!(false), "{line}");
            assert!(document["residual"].as_f64().unwrap().abs() < 1e-3, "{line}: {document}");
            document["result"].as_f64().unwrap()
        };
        // The same strength, said in another dialect: the same decay.
        let there = find(value, coupled, "adamw");
        assert!((there / keras["result"].as_f64().unwrap() - 1.0).abs() < 1e-6, "{coupled}: {there}");
        let back = find(there, "adamw", coupled);
        assert!((back / value - 1.0).abs() < 0.02, "{coupled}: {back}");
    }
}
