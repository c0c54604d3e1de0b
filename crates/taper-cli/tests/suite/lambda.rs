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

/// Beside mse scikit-learn and glmnet take half of it, and glmnet divides its ridge penalty by sd(y): 20 / 40 rows; and the strength
/// at which glmnet's minimum on 40 rows with sd(y) 2.126 is that of mse + 0.05 Σw².
#[test]
fn beside_mse_nothing_is_left_to_the_reader() {
    let bench = Bench::new(&[
        ("train = 30", "train = 80"),
        ("loss = \"binary_crossentropy\"", "loss = \"mse\""),
        ("epochs = 20", "epochs = 10\nbatch_size = 40"),
    ]);
    let document = bench.taper("lambda 20 --from sklearn-mlp --to keras --experiment e.toml --json").quiet().json();
    assert_eq!((&document["result"], &document["rows"]), (&json!(0.5), &json!(40.0)));
    assert_eq!(document["identity"], "keras l2 = sklearn-mlp alpha / n");
    let back = bench.taper("lambda 0.5 --from keras --to sklearn-mlp --experiment e.toml --json").quiet().json();
    assert_eq!(back["result"], json!(20.0));
    // Half of the moons are 1.
    let glmnet = bench.taper("lambda 0.05 --from keras --to glmnet --experiment e.toml --json").quiet().json();
    let sd = glmnet["target_sd"].as_f64().unwrap();
    assert!((sd - 0.5).abs() < 0.01 && (glmnet["result"].as_f64().unwrap() - 0.05 * sd).abs() < 1e-12, "{glmnet}");

    let document = convert("0.05 --from keras --to glmnet --loss mse --target-sd 2.126");
    assert!((document["result"].as_f64().unwrap() - 0.05 * 2.126).abs() < 1e-12, "{document}");
    let missing = Bench::new(&[]).taper("lambda 0.05 --from keras --to glmnet --loss mse");
    assert!(missing.status == Some(2) && missing.stderr.contains("--target-sd: expected"), "{missing:?}");
    let wrong = Bench::new(&[]).taper("lambda 0.05 --from keras --to glmnet --loss msee");
    assert!(wrong.status == Some(2) && wrong.stderr.contains("did you mean `mse`?"), "{wrong:?}");
    // A penalty found by training is said in glmnet's dialect beside the same loss.
    let found = bench.taper("lambda 0.05 --from adamw --to glmnet --experiment e.toml --json").quiet().json();
    let keras = bench.taper("lambda 0.05 --from adamw --to keras --experiment e.toml --json").quiet().json();
    let ratio = found["result"].as_f64().unwrap() / keras["result"].as_f64().unwrap();
    assert!((ratio / sd - 1.0).abs() < 1e-9, "{found} {keras}");
}
