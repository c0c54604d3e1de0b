//! Metrics beside targets that are classes.

use serde_json::Value;

use crate::bench::Bench;

const THREE: &str = include_str!("../fixture/three.csv");

/// An experiment on 90 rows of three classes: the first 63 train.
fn bench(metrics: &str, rest: &str) -> Bench {
    let bench = Bench::new(&[]);
    bench.write("three.csv", THREE);
    let text = format!(
        "[data]\nsource = \"three.csv\"\ntarget = \"y\"\nstandardize = true\ntrain = 63\n[model]\n\
         layers = [ {{ layer = \"dense\", units = 3, activation = \"softmax\" }} ]\n[fit]\n\
         loss = \"sparse_categorical_crossentropy\"\noptimizer = {{ name = \"adam\", learning_rate = 0.05 }}\n\
         metrics = [{metrics}]\nepochs = 80\n{rest}"
    );
    bench.write("e.toml", text);
    bench
}

/// The metrics of a trained model on all 90 rows.
fn evaluated(bench: &Bench) -> Value {
    bench.taper("fit e.toml --out o").done();
    bench.taper("evaluate o/model.safetensors three.csv --json").done().json()["metrics"].clone()
}

/// Values of NumPy for the same probabilities against one-hot targets; the area by 200 thresholds is that of Keras.
#[test]
fn classes_mean_their_one_hot_vectors() {
    let names = r#""accuracy","precision","recall","auc","binary_accuracy","root_mean_squared_error""#;
    let metrics = evaluated(&bench(names, ""));
    for (name, want) in [
        ("precision", 0.7353),
        ("recall", 0.5556),
        ("auc", 0.843_549),
        ("binary_accuracy", 0.7852),
        ("root_mean_squared_error", 0.3883),
    ] {
        let got = metrics[name].as_f64().unwrap();
        assert!((got - want).abs() < 6e-5, "{name}: {got} {want}");
    }
}

#[test]
fn every_metric_has_a_value_there_plain_and_weighted() {
    let names = r#""mse","mae","mape","msle","log_cosh","poisson","kl_divergence","hinge","squared_hinge","binary_crossentropy","categorical_hinge","cosine_similarity","categorical_accuracy","categorical_crossentropy","sparse_categorical_crossentropy","accuracy",{ name = "top_k_categorical_accuracy", k = 2 },{ name = "sparse_top_k_categorical_accuracy", k = 2 }"#;
    let bench = bench(names, &format!("weighted_metrics = [{names}]\n"));
    bench.taper("fit e.toml --out o").done();
    let all = bench.taper("evaluate o/model.safetensors three.csv --json").done().json();
    let value = |name: &str| all["metrics"][name].as_f64().unwrap_or_else(|| panic!("{name}: {all}"));
    for name in ["categorical_crossentropy", "sparse_categorical_crossentropy", "kl_divergence"] {
        let loss = all["data_loss"].as_f64().unwrap();
        assert!((value(name) / loss - 1.0).abs() < 1e-4, "{name} of one-hot vectors is the loss: {all}");
    }
    assert_eq!(value("accuracy"), value("categorical_accuracy"));
    assert_eq!(value("top_k_categorical_accuracy"), value("sparse_top_k_categorical_accuracy"));
    for name in ["mse", "mape", "hinge", "accuracy"] {
        assert_eq!(value(name), value(&format!("weighted_{name}")), "{name}: all rows weigh the same");
    }
}

/// A constant model has an area of one half; today's best is near that of no penalty.
#[test]
fn a_choice_by_auc_is_no_choice_of_a_constant_model() {
    let choose =
        "[choose]\npenalties = [\"l2\"]\nfolds = 4\nrepeats = 1\nouter_folds = 2\nevidence = false\nscore = \"auc\"\n";
    let bench = bench("\"auc\",\"accuracy\"", choose);
    let result = bench.taper("choose e.toml --out o --json").done().json();
    assert_eq!(result["verdict"]["helps"], false, "{}", result["verdict"]);
    let metrics = bench.taper("evaluate o/model.safetensors three.csv --json").done().json()["metrics"].clone();
    assert!(metrics["auc"].as_f64().unwrap() > 0.75, "{metrics}");
}

/// One output has no classes to compare; a metric of labels is not one of measurements.
#[test]
fn what_has_no_meaning_is_refused_before_training() {
    let metric = |from: &str, to: &str| {
        let refused = Bench::new(&[(from, to)]).taper("fit e.toml --out o");
        assert_eq!(refused.status, Some(2), "{refused:?}");
        refused.stderr
    };
    let text = metric("metrics = [\"accuracy\"]", "metrics = [\"categorical_accuracy\"]");
    assert!(text.contains("`categorical_accuracy` compares classes"), "{text}");
    let text = metric("metrics = [\"accuracy\"]", "metrics = [{ name = \"top_k_categorical_accuracy\", k = 0 }]");
    assert!(text.contains("metrics[0].k: expected a whole number of at least 1"), "{text}");
}
