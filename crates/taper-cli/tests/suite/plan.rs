//! `taper plan`.

use serde_json::{Value, json};
use taper::{Dense, FitConfig, Loss, Model, Optimizer, Seed, Sequential};

use crate::bench::Bench;

const ADAM: &str = "optimizer = { name = \"adam\" }";
const L2: &str = "kernel_regularizer = { l2 = 0.001 }";

fn planned(changes: &[(&str, &str)]) -> Value {
    Bench::new(changes).taper("plan e.toml --json").quiet().json()
}

/// Kinds and paths of all findings.
fn findings(changes: &[(&str, &str)]) -> Vec<String> {
    let document = planned(changes);
    let findings = document["findings"].as_array().unwrap().iter();
    findings
        .map(|finding| {
            assert!(!finding["message"].as_str().unwrap().is_empty());
            format!("{} {}", finding["kind"].as_str().unwrap(), finding["path"].as_str().unwrap())
        })
        .collect()
}

#[test]
fn a_tutorial_has_no_findings_and_adam_s_shrinkage_is_not_made_up() {
    let document = planned(&[]);
    assert_eq!(document["findings"], json!([]));
    let kernel = &document["tensors"][0];
    assert_eq!(
        (&kernel["path"], &kernel["role"], &kernel["shape"]),
        (&json!("dense/kernel"), &json!("kernel"), &json!([2, 5]))
    );
    assert_eq!((&kernel["mode"], &kernel["lambda"]), (&json!("loss"), &json!(0.001)));
    assert_eq!(kernel["penalty"][0], json!({ "term": "l2", "mode": "loss", "lambda": 0.001, "lambda_last": 0.001 }));
    assert_eq!((&kernel["memory_epochs"], &kernel["fraction_left"]), (&Value::Null, &Value::Null));
    assert!(kernel["effect"].as_str().unwrap().contains("divides"), "{kernel}");
    assert!(kernel["gradient_share"].as_f64().unwrap() > 0.0);
    assert_eq!(document["tensors"][1]["penalty"], json!([]));
}

#[test]
fn text() {
    let plain = Bench::new(&[]).taper("plan e.toml").quiet().stdout;
    insta::assert_snapshot!("plan", plain);
    let decayed = Bench::new(&[
        (ADAM, "optimizer = { name = \"adamw\", weight_decay = 0.001 }"),
        (L2, "kernel_regularizer = { l1 = 0.001, mode = \"decoupled\" }"),
        ("epochs = 20", "epochs = 4000"),
    ]);
    insta::assert_snapshot!("plan_decoupled", decayed.taper("plan e.toml").quiet().stdout);
}

#[test]
fn adamw_s_decay_has_no_visible_effect_on_the_moons_and_the_plan_says_so() {
    let changes = [
        (ADAM, "optimizer = { name = \"adamw\", weight_decay = 1e-3, learning_rate = 1e-3 }"),
        (", kernel_regularizer = { l2 = 0.001 }", ""),
        ("units = 5", "units = 500"),
        ("epochs = 20", "epochs = 4000"),
    ];
    let document = planned(&changes);
    let kernel = &document["tensors"][0];
    let left = kernel["fraction_left"].as_f64().unwrap();
    assert!((1.0 - left - 0.004).abs() < 1e-4, "0.4 % goes: {left}");
    assert!((kernel["memory_epochs"].as_f64().unwrap() / 1e6 - 1.0).abs() < 1e-9, "1 / (lr d steps)");
    assert!(findings(&changes).contains(&"too_weak dense/kernel".to_owned()), "{document}");
    let strict = Bench::new(&changes).taper("plan e.toml --strict");
    assert_eq!(strict.status, Some(1), "{strict:?}");
    assert!(strict.stdout.contains("too_weak") && strict.stdout.contains("0.4 %"), "{strict:?}");
    assert_eq!(Bench::new(&[]).taper("plan e.toml --strict").status, Some(0));
}

#[test]
fn every_kind_of_finding() {
    let sgd = (ADAM, "optimizer = { name = \"sgd\", learning_rate = 0.1 }");
    let decay = "optimizer = { name = \"adamw\", weight_decay = 1.0, exclude_from_weight_decay = [\"bias\"] }";
    let long = ("epochs = 20", "epochs = 2000");
    assert_eq!(findings(&[(ADAM, decay), long]), ["penalized_twice dense/kernel"]);
    assert_eq!(
        findings(&[(L2, "kernel_regularizer = { l2 = 0.001 }, bias_regularizer = { l2 = 0.001 }")]),
        ["penalized_bias dense/bias"]
    );
    let normalized = (
        "  { layer = \"dense\", units = 1,",
        "  { layer = \"batch_normalization\", gamma_regularizer = { l2 = 0.001 } },\n  { layer = \"dense\", units = 1,",
    );
    assert_eq!(findings(&[normalized]), ["penalized_normalization batch_normalization/gamma"]);
    assert_eq!(findings(&[("units = 5,", "units = 5, trainable = false,")]), ["frozen_penalty dense/kernel"]);
    let late = "kernel_regularizer = { l2 = { name = \"piecewise\", starts = [0, 50], values = [0.0, 0.001] } }";
    assert_eq!(findings(&[(L2, late)]), ["schedule_never_fires dense/kernel"]);
    assert_eq!(findings(&[(L2, late), long]), [""; 0]);
    assert_eq!(findings(&[sgd]), ["too_weak dense/kernel"], "2 · 0.1 · 0.001 · 20 is 0.4 %");
    assert_eq!(findings(&[sgd, long]), [""; 0]);
    assert_eq!(
        findings(&[(L2, "kernel_regularizer = { l2 = 1e-13 }")]),
        ["too_weak dense/kernel"],
        "under any ε of Adam's"
    );
    assert_eq!(
        findings(&[sgd, (L2, "kernel_regularizer = { l2 = 10.0 }")]),
        ["too_strong dense/kernel"],
        "thrown beyond 0"
    );
    assert_eq!(
        findings(&[(L2, "kernel_regularizer = { l2 = 100.0 }")]),
        ["too_strong dense/kernel"],
        "against the data"
    );
    let heavy = "kernel_regularizer = { l2 = 50.0, mode = \"decoupled\" }";
    assert_eq!(findings(&[(L2, heavy), long]), ["too_strong dense/kernel"], "no weight can stay above 1/100");
}

#[test]
fn a_schedule_of_the_rate_and_a_policy_are_counted() {
    let document = planned(&[
        ("[model]\n", "[model]\nregularization = { l2 = 0.5, mode = \"independent\", roles = [\"kernel\"] }\n"),
        (
            ADAM,
            "optimizer = { name = \"sgd\", learning_rate = { name = \"piecewise_constant_decay\", boundaries = [9], values = [0.1, 0.01] } }",
        ),
    ]);
    // 10 steps that leave nothing of a weight: 2 · 0.5 · (lr / largest lr).
    assert_eq!(document["tensors"][2]["fraction_left"], json!(0.0), "{document}");
    assert!(document["findings"].to_string().contains("too_strong"));
}

#[test]
fn models_are_planned_too() {
    let bench = Bench::new(&[]);
    let spec = Sequential::new([2]).layer(Dense::new(3)).layer(Dense::new(1));
    let model = Model::build(&spec, Seed::new(1)).unwrap();
    let fit = FitConfig::new(Loss::Mse).optimizer(Optimizer::adam_w().weight_decay(0.5));
    taper_io::keras::write_keras(&bench.path("m.keras"), &model, Some(&fit), None).unwrap();
    let unknown = bench.taper("plan m.keras --json").quiet().json();
    assert_eq!((&unknown["steps_per_epoch"], &unknown["tensors"][0]["fraction_left"]), (&Value::Null, &Value::Null));
    assert_eq!(unknown["tensors"][0]["lambda"], json!(0.5));
    let known = bench.taper("plan m.keras --rows 320 --epochs 100 --json").quiet().json();
    assert_eq!(known["steps_per_epoch"], json!(10));
    let left = known["tensors"][0]["fraction_left"].as_f64().unwrap();
    assert!((left - (1.0f64 - 0.0005).powi(1000)).abs() < 1e-9, "{left}");
    assert!(known["findings"].to_string().contains("penalized_bias"));
}

#[test]
fn every_point_of_a_study_and_every_candidate_of_a_choice_is_planned() {
    let sgd = (ADAM, "optimizer = { name = \"sgd\", learning_rate = 0.1 }");
    let axis = ("values = [0.1, 0.01]", "values = [100.0, 0.1, 1e-6]");
    let document = planned(&[sgd, axis, (L2, "kernel_regularizer = { l2 = 0.1 }")]);
    let told: Vec<(&str, f64)> = document["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| {
            let at = &one["point"]["model.layers.0.kernel_regularizer.l2"];
            (one["kind"].as_str().unwrap(), at.as_f64().unwrap())
        })
        .collect();
    assert_eq!(told, [("too_strong", 100.0), ("too_weak", 1e-6)]);
    assert_eq!(document["points"].as_array().unwrap().len(), 3);
    assert_eq!(document["points"][1]["tensors"][0]["lambda"], json!(0.1));

    // What is the case as written is told once, not for every point.
    let biased = (L2, "kernel_regularizer = { l2 = 0.1 }, bias_regularizer = { l2 = 0.1 }");
    assert_eq!(findings(&[biased]), ["penalized_bias dense/bias"]);

    let choose = "[choose]\npenalties = [\"l2\", \"l1\"]\ngrid = [0.1, 1e-8]\n";
    let study = "[study]\naxes = [{ path = \"model.layers.0.kernel_regularizer.l2\", values = [0.1, 0.01] }]\nrepeats = 2\nseed = 1\n";
    let bench = Bench::new(&[sgd, (study, choose), (L2, "kernel_regularizer = { l2 = 0.1 }")]);
    let strict = bench.taper("plan e.toml --strict");
    assert_eq!(strict.status, Some(1), "{strict:?}");
    for line in
        ["dense/kernel (too_weak)", "(at penalty = l2, value = 1e-8)", "dense_1/kernel (too_weak)", "at 4 points"]
    {
        assert!(strict.stdout.contains(line), "{line} in {strict:?}");
    }
    // Strengths that are found from the data begin and end where they matter: nothing is said of them.
    let open =
        Bench::new(&[sgd, (study, "[choose]\npenalties = [\"l2\"]\n"), (L2, "kernel_regularizer = { l2 = 0.1 }")]);
    assert!(open.taper("plan e.toml --strict").done().stdout.contains("No findings"));
    let decay = "optimizer = { name = \"adamw\", weight_decay = 1.0, exclude_from_weight_decay = [\"bias\"] }";
    let twice = Bench::new(&[
        (ADAM, decay),
        (study, "[choose]\npenalties = [\"l2\"]\n"),
        (", kernel_regularizer = { l2 = 0.001 }", ""),
        ("epochs = 20", "epochs = 2000"),
    ]);
    let said = twice.taper("plan e.toml --strict");
    assert!(said.status == Some(1) && said.stdout.contains("dense/kernel (penalized_twice)"), "{said:?}");
}

/// Kernels of ones, (10, 10), where one step of l2(1) at rate 0.1 takes a fifth of a weight. Keras leaves 99 % when gradients are
/// clipped to a norm of 1, one by one or all together, or to values of 0.1.
#[test]
fn clipping_is_part_of_the_plan() {
    let left = |clip: &str, epochs: &str| {
        let bench = Bench::new(&[]);
        let rows: String = (0..8).map(|row| format!("{},{}\n", "0,".repeat(9) + "0", row)).collect();
        let header: String = (0..10).map(|i| format!("x{i},")).collect::<String>() + "y\n";
        bench.write("zero.csv", header + &rows);
        let text = format!(
            "[data]\nsource = \"zero.csv\"\ntarget = \"y\"\ntrain = 4\n[model]\nlayers = [ {{ layer = \"dense\", units = 10, \
             use_bias = false, kernel_initializer = \"ones\", kernel_regularizer = {{ l2 = 1.0 }} }}, {{ layer = \"dense\", \
             units = 1 }} ]\n[fit]\nloss = \"mse\"\nbatch_size = 4\nepochs = {epochs}\n\
             optimizer = {{ name = \"sgd\", learning_rate = 0.1{clip} }}\n"
        );
        bench.write("e.toml", text);
        let plan = bench.taper("plan e.toml --json").done().json();
        plan["tensors"][0]["fraction_left"].as_f64().unwrap()
    };
    assert!((left("", "1") - 0.8).abs() < 1e-9);
    for clip in [", clipnorm = 1.0", ", global_clipnorm = 1.0", ", clipvalue = 0.1"] {
        assert!((left(clip, "1") - 0.99).abs() < 1e-6, "{clip}");
    }
    // However long it is: at once.
    assert_eq!(left(", clipnorm = 1.0", "1000000000000"), 0.0);
    assert_eq!(left(", global_clipnorm = 1.0", "1000000000000"), 0.0);
}

#[test]
fn a_training_of_any_length_is_planned_at_once() {
    let long = ("epochs = 20", "epochs = 1000000000000");
    let ramp = "kernel_regularizer = { l2 = { name = \"cosine\", from = 0.0, to = 1e-16, epochs = 500000000000 } }";
    let sgd = "optimizer = { name = \"sgd\", learning_rate = { name = \"cosine_decay\", initial_learning_rate = 0.1, \
               decay_steps = 1e12 } }";
    let started = std::time::Instant::now();
    let document = planned(&[long, (L2, ramp), (ADAM, sgd)]);
    assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
    // 2 Σ lr λ over 1e12 updates: with t = the share of the way, ∫ of (1 + cos πt)/2 times (1 - cos 2πt)/2 up to a half, then 1.
    let gone = 1.0 - document["tensors"][0]["fraction_left"].as_f64().unwrap();
    let steps = 200_000;
    let mean = (0..steps).map(|i| (f64::from(i) + 0.5) / f64::from(steps)).map(|t| {
        let lambda = if t < 0.5 { 0.5 * (1.0 - (2.0 * std::f64::consts::PI * t).cos()) } else { 1.0 };
        0.5 * (1.0 + (std::f64::consts::PI * t).cos()) * lambda
    });
    let want = 1.0 - (-2.0 * 0.1 * 1e-16 * 1e12 * mean.sum::<f64>() / f64::from(steps)).exp();
    assert!((gone / want - 1.0).abs() < 1e-4, "{gone} {want}");
}

/// What is wrong about a model and its training as a whole.
#[test]
fn outputs_that_cannot_be_meant_are_found() {
    let sigmoid = "units = 1, activation = \"sigmoid\"";
    assert_eq!(findings(&[(sigmoid, "units = 1, activation = \"softmax\"")]), ["constant_output dense_1"]);
    let linear = (sigmoid, "units = 1");
    assert_eq!(findings(&[linear]), ["no_probabilities fit.loss"]);
    let from_logits =
        ("loss = \"binary_crossentropy\"", "loss = { name = \"binary_crossentropy\", from_logits = true }");
    assert_eq!(findings(&[linear, from_logits]), ["logits_measured fit.metrics, accuracy"]);
    let zero = ("metrics = [\"accuracy\"]", "metrics = [{ name = \"binary_accuracy\", threshold = 0.0 }]");
    assert_eq!(findings(&[linear, from_logits, zero]), [""; 0]);
    let average = [
        ("{ name = \"adam\" }", "{ name = \"adam\", use_ema = true }"),
        ("epochs = 20", "epochs = 20\nearly_stopping = { monitor = \"loss\", restore_best_weights = true }"),
    ];
    assert_eq!(findings(&average), ["average_discarded fit.early_stopping.restore_best_weights"]);
}
