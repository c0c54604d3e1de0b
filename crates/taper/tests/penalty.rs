//! Penalties at work: against scikit-learn, closed forms and Keras (`golden/penalty`, made by `golden/penalty/make_penalty.py`), and
//! what each mode promises.

use serde_json::Value;
use taper::*;

fn oracle() -> Value {
    serde_json::from_str(include_str!("golden/penalty/penalty.json")).unwrap()
}

fn numbers(value: &Value) -> Vec<f32> {
    value.as_array().unwrap().iter().map(|x| x.as_f64().unwrap() as f32).collect()
}

fn rows(oracle: &Value) -> Dataset {
    Dataset::new(Shape::new([8]).unwrap(), numbers(&oracle["x"]), 1, numbers(&oracle["y"])).unwrap()
}

fn read<T: serde::de::DeserializeOwned>(text: &str) -> T {
    taper::read(serde_json::from_str(text).unwrap()).unwrap()
}

/// A linear model trained on all rows at once.
fn linear(data: &Dataset, penalty: Regularizer, optimizer: &str, epochs: usize) -> (Model, History) {
    let spec = Sequential::new([8]).layer(Dense::new(1).kernel_regularizer(penalty));
    let mut model = Model::build(&spec, Seed::new(1)).unwrap();
    let start: Vec<f32> = (0..8).map(|i| -1.0 + 2.0 * i as f32 / 7.0).chain([0.0]).collect();
    model.params_mut().data_mut().copy_from_slice(&start);
    let config = FitConfig::new(Loss::Mse).optimizer(read(optimizer)).epochs(epochs).batch_size(data.rows());
    let history = fit(&mut model, data, None, &config, Seed::new(1), &mut Quiet).unwrap();
    (model, history)
}

fn close(got: &[f32], want: &Value, tolerance: f32, text: &str) {
    let mut wanted = numbers(&want["kernel"]);
    wanted.push(want["bias"].as_f64().unwrap() as f32);
    for (got_one, want) in got.iter().zip(&wanted) {
        assert!((got_one - want).abs() <= tolerance, "{text}: {got:?} {wanted:?}");
    }
}

/// Full-batch gradient descent, and two ways to get there with momentum and with a step for every weight.
const TO_THE_END: [(&str, usize); 3] = [
    (r#"{"name": "sgd", "learning_rate": 0.2}"#, 2000),
    (r#"{"name": "sgd", "learning_rate": 0.02, "momentum": 0.9}"#, 2000),
    (
        r#"{"name": "adam", "learning_rate": {"name": "exponential_decay", "initial_learning_rate": 0.05, "decay_steps": 300,
            "decay_rate": 0.5}}"#,
        6000,
    ),
];

/// Lasso minimizes 1/(2n) |y - Xw - b|² + α|w|₁: our l1 is 2α.
#[test]
fn proximal_l1_is_scikit_learns_lasso() {
    let oracle = oracle();
    let data = rows(&oracle);
    for lasso in oracle["lasso"].as_array().unwrap() {
        for (optimizer, epochs) in TO_THE_END {
            let penalty = Regularizer::l1(lasso["l1"].as_f64().unwrap()).mode(PenaltyMode::Proximal);
            let (model, _) = linear(&data, penalty, optimizer, epochs);
            let w = model.params().data();
            close(w, lasso, 1e-4, optimizer);
            for (w, want) in w.iter().zip(numbers(&lasso["kernel"])) {
                assert_eq!(*w == 0.0, want == 0.0, "{optimizer}: {w} {want}");
            }
        }
    }
}

/// (XᵀX + n l2 I) w = Xᵀy on centred columns.
#[test]
fn l2_is_ridge() {
    let oracle = oracle();
    let data = rows(&oracle);
    for ridge in oracle["ridge"].as_array().unwrap() {
        for mode in [PenaltyMode::Loss, PenaltyMode::Proximal] {
            let penalty = Regularizer::l2(ridge["l2"].as_f64().unwrap()).mode(mode);
            let (model, _) = linear(&data, penalty, TO_THE_END[0].0, 2000);
            close(model.params().data(), ridge, 1e-4, "ridge");
        }
    }
}

/// Keras's `weight_decay = d` is decoupled `l2 = d / 2`, step by step.
#[test]
fn decoupled_l2_is_keras_weight_decay() {
    let oracle = oracle();
    let data = rows(&oracle);
    let decay = || Regularizer::l2(0.15).mode(PenaltyMode::Decoupled);
    let keras = |name: &str| &oracle["keras"][format!("{name}, learning_rate 0.02, weight_decay 0.3")];
    let (adam, _) = linear(&data, decay(), r#"{"name": "adam", "learning_rate": 0.02}"#, 25);
    close(adam.params().data(), keras("adam_w"), 2e-6, "adam");
    let (sgd, _) = linear(&data, decay(), r#"{"name": "sgd", "learning_rate": 0.02}"#, 25);
    close(sgd.params().data(), keras("sgd"), 2e-6, "sgd");
}

const OPTIMIZERS: [&str; 12] = [
    r#"{"name": "sgd", "learning_rate": 0.1}"#,
    r#"{"name": "sgd", "learning_rate": 0.02, "momentum": 0.9}"#,
    r#"{"name": "sgd", "learning_rate": 0.02, "momentum": 0.9, "nesterov": true}"#,
    r#"{"name": "adam", "learning_rate": 0.02}"#,
    r#"{"name": "adam", "learning_rate": 0.02, "amsgrad": true}"#,
    r#"{"name": "adam_w", "learning_rate": 0.02, "weight_decay": 0}"#,
    r#"{"name": "adamax", "learning_rate": 0.02}"#,
    r#"{"name": "nadam", "learning_rate": 0.02}"#,
    r#"{"name": "lion", "learning_rate": 0.005}"#,
    r#"{"name": "rmsprop", "learning_rate": 0.005}"#,
    r#"{"name": "rmsprop", "learning_rate": 0.0005, "momentum": 0.9, "centered": true, "epsilon": 0.01}"#,
    r#"{"name": "adagrad", "learning_rate": 0.3}"#,
];

/// With every optimizer: where scikit-learn's lasso has zeros there are exact zeros, and elsewhere none; in the loss there are never
/// any.
#[test]
fn proximal_l1_gives_exact_zeros_with_every_optimizer() {
    let oracle = oracle();
    let (data, lasso) = (rows(&oracle), &oracle["lasso"][1]);
    for optimizer in OPTIMIZERS {
        let penalty = |mode| Regularizer::l1(0.2).mode(mode);
        let (model, history) = linear(&data, penalty(PenaltyMode::Proximal), optimizer, 5000);
        let w = &model.params().data()[..8];
        for (w_one, want) in w.iter().zip(numbers(&lasso["kernel"])) {
            assert_eq!(*w_one == 0.0, want == 0.0, "{optimizer}: {w:?}");
            assert!((w_one - want).abs() < 0.05, "{optimizer}: {w:?}");
        }
        assert_eq!(history.last("zeros/dense/kernel"), Some(5.0 / 8.0), "{optimizer}");
        let (model, _) = linear(&data, penalty(PenaltyMode::Loss), optimizer, 2000);
        assert!(model.params().data().iter().all(|w| *w != 0.0), "{optimizer}: {:?}", model.params().data());
    }
}

/// L1 1e-3 on the 500 units of the moons study: mean sparsity and test data loss in the loss, and as a proximal map.
///
/// The experiment is that of `bench/moons_sparse.toml`.
#[allow(clippy::print_stdout)] // read by hand
fn moons(repeats: usize) -> [(f64, f64); 2] {
    let experiment = Experiment::from_value(serde_json::json!({
        "data": { "source": "moons", "samples": 100, "noise": 0.2, "random_state": 1, "train": 30 },
        "model": { "input_shape": [2], "layers": [
            { "layer": "dense", "units": 500, "activation": "relu", "kernel_regularizer": { "l1": 0.001 } },
            { "layer": "dense", "units": 1, "activation": "sigmoid" },
        ] },
        "fit": { "loss": "binary_crossentropy", "optimizer": "adam", "epochs": 4000, "batch_size": 32 },
        "study": {
            "repeats": repeats, "seed": 1,
            "axes": [{ "path": "model.layers.0.kernel_regularizer.mode", "values": ["loss", "proximal"] }],
        },
    }))
    .unwrap();
    let rows = Dataset::from_sample(&experiment.data.generate().unwrap()).unwrap();
    let result = run_study(&experiment, &PlainRows::of(&rows, &experiment), &Quiet).unwrap();
    let scores = |trial: &Trial| {
        println!("{:?}: {:?} {:?}", trial.point, trial.scores["sparsity"], trial.scores["test_data_loss"]);
        println!("  dead units {:?}", trial.scores["dead_units"]);
        (trial.mean("sparsity").unwrap(), trial.mean("test_data_loss").unwrap())
    };
    [scores(&result.trials[0]), scores(&result.trials[1])]
}

/// A subgradient never gives a zero; the proximal map empties nine weights of ten and predicts no worse.
#[test]
fn proximal_adam_empties_the_moons_network() {
    let [(subgradient, _), (sparsity, loss)] = moons(2);
    assert_eq!(subgradient, 0.0);
    assert!(sparsity >= 0.9 && loss <= 0.25, "{sparsity} {loss}");
}

#[test]
#[ignore = "30 seeds; run by hand"]
fn proximal_adam_empties_the_moons_network_over_thirty_seeds() {
    let [(subgradient, _), (sparsity, loss)] = moons(30);
    assert_eq!(subgradient, 0.0);
    assert!(sparsity >= 0.9 && loss <= 0.22, "{sparsity} {loss}");
}

/// Groups of zeros and groups without any: nothing in between.
#[test]
fn the_group_lasso_empties_whole_groups_and_nothing_else() {
    let (train, _) = Dataset::from_sample(&data::make_moons(100, 0.2, 1).unwrap()).unwrap().split_at(60).unwrap();
    for (groups, lambda) in [(Grouping::Unit, 0.01), (Grouping::Input, 0.02)] {
        for optimizer in [r#"{"name": "adam", "learning_rate": 0.01}"#, r#"{"name": "sgd", "learning_rate": 0.1}"#] {
            let penalty = Regularizer::group_lasso(lambda, groups).mode(PenaltyMode::Proximal);
            let spec = Sequential::new([2])
                .layer(Dense::new(12).activation(Activation::Tanh))
                .layer(Dense::new(10).activation(Activation::Tanh).kernel_regularizer(penalty))
                .layer(Dense::new(1).activation(Activation::Sigmoid));
            let mut model = Model::build(&spec, Seed::new(3)).unwrap();
            let config =
                FitConfig::new(Loss::BINARY_CROSSENTROPY).optimizer(read(optimizer)).epochs(600).batch_size(60);
            fit(&mut model, &train, None, &config, Seed::new(3), &mut Quiet).unwrap();
            let (_, w) = model.params().get("dense_1/kernel").unwrap();
            let zeros_of = |group: usize| match groups {
                Grouping::Unit => (0..12).filter(|row| w[row * 10 + group] == 0.0).count(),
                _ => (0..10).filter(|column| w[group * 10 + column] == 0.0).count(),
            };
            let (count, size) = if groups == Grouping::Unit { (10, 12) } else { (12, 10) };
            let zeros: Vec<usize> = (0..count).map(zeros_of).collect();
            assert!(zeros.iter().all(|zeros| *zeros == 0 || *zeros == size), "{groups:?} {optimizer}: {zeros:?}");
            let empty = zeros.iter().filter(|zeros| **zeros == size).count();
            assert!(empty > 0 && empty < count, "{groups:?} {optimizer}: {zeros:?}");
            assert!(Sparsity::of(&model).unwrap().dead_units >= if groups == Grouping::Unit { empty } else { 0 });
        }
    }
}

/// Where a cautious decay acts, it is the plain one; elsewhere it does nothing.
#[test]
fn cautious_decay_waits_for_the_optimizer() {
    let oracle = oracle();
    let data = rows(&oracle);
    let sgd = r#"{"name": "sgd", "learning_rate": 0.02}"#;
    let one = |penalty: Regularizer| linear(&data, penalty, sgd, 1).0.params().data()[..8].to_vec();
    let free = one(Regularizer::default());
    let plain = one(Regularizer::l2(0.5).mode(PenaltyMode::Decoupled));
    let cautious = one(Regularizer { cautious: true, ..Regularizer::l2(0.5).mode(PenaltyMode::Decoupled) });
    let mut acted = [0, 0];
    for i in 0..8 {
        let start = -1.0 + 2.0 * i as f32 / 7.0;
        let agrees = (start - free[i]) * start >= 0.0;
        let want = if agrees { plain[i] } else { free[i] };
        assert!((cautious[i] - want).abs() < 1e-6, "{i}: {} {want}", cautious[i]);
        acted[usize::from(agrees)] += 1;
    }
    assert!(acted[0] > 0 && acted[1] > 0);
}

/// λ finds the share of zeros, or the norm, that was asked for; and a training that goes on does so with the same bits.
#[test]
fn strengths_are_steered_to_their_goal() {
    let oracle = oracle();
    let data = rows(&oracle);
    let config = |epochs: usize| {
        FitConfig::new(Loss::Mse).optimizer(read(TO_THE_END[0].0)).epochs(epochs).batch_size(data.rows())
    };
    for (penalty, column, goal, slack) in [
        (
            r#"{"mode": "proximal", "l1": {"name": "target_sparsity", "target": 0.625}}"#,
            "zeros/dense/kernel",
            0.625,
            1e-9,
        ),
        (r#"{"l2": {"name": "target_norm", "target": 1.5}}"#, "norm/dense/kernel", 1.5, 0.01),
    ] {
        let (model, history) = linear(&data, read(penalty), TO_THE_END[0].0, 4000);
        assert!((history.last(column).unwrap() - goal).abs() < slack, "{penalty}: {:?}", history.last(column));
        let name = history.names.iter().find(|name| name.starts_with("lambda/dense/kernel/")).unwrap();
        let lambdas = history.get(name).unwrap();
        assert!(lambdas[0] == 1e-4 && lambdas[3999] > 0.01, "{:?}", lambdas[3999]);

        let (mut parts, _) = linear(&data, read(penalty), TO_THE_END[0].0, 0);
        let mut state = TrainState::new(&parts, &config(1900));
        for epochs in [1900, 2100] {
            fit_from(&mut parts, &mut state, &data, None, &config(epochs), Seed::new(1), &mut Quiet).unwrap();
        }
        assert_eq!(parts.params().data(), model.params().data(), "{penalty}");
        assert_eq!(parts.params().penalty_at(0), model.params().penalty_at(0));
    }
}

/// An anchor at the start keeps a fine-tuned model where it was; resuming keeps the anchor.
#[test]
fn an_anchor_holds_the_weights_that_a_training_began_with() {
    let oracle = oracle();
    let data = rows(&oracle);
    let sgd = TO_THE_END[0].0;
    let near = |lambda: f64| {
        let (model, _) = linear(&data, Regularizer::l2(lambda).anchor(Anchor::Start), sgd, 500);
        let w = model.params().data()[..8].to_vec();
        (w.iter().enumerate().map(|(i, w)| (w - (-1.0 + 2.0 * i as f32 / 7.0)).powi(2)).sum::<f32>(), model)
    };
    let ((free, _), (weak, _), (strong, model)) = (near(0.0), near(0.1), near(2.0));
    assert!(free > weak && weak > 2.0 * strong, "{free} {weak} {strong}");
    assert!((model.params().penalty_at(0) - 2.0 * f64::from(strong)).abs() < 1e-5);
}

/// With all rows in one step, the terms of the last step make up the epoch's penalty.
#[test]
fn the_ledger_says_what_each_term_weighs() {
    let oracle = oracle();
    let data = rows(&oracle);
    let (model, history) = linear(&data, read(r#"{"l1": 0.1, "l2": 0.2, "group_lasso": 0.1}"#), TO_THE_END[0].0, 50);
    let column = |name: &str| history.get(&format!("{name}/dense/kernel/{}", "l1")).is_some();
    assert!(column("penalty") && column("gradient_share") && !column("lambda"));
    for epoch in [0, 20, 49] {
        let of = |kind: &str, term: &str| history.get(&format!("{kind}/dense/kernel/{term}")).unwrap()[epoch];
        let sum = of("penalty", "l1") + of("penalty", "l2") + of("penalty", "group_lasso");
        assert!((sum - history.get("penalty").unwrap()[epoch]).abs() < 1e-6);
        for term in ["l1", "l2", "group_lasso"] {
            let share = of("gradient_share", term);
            assert!(share > 0.0 && share < 1.0, "{term}: {share}");
        }
    }
    assert_eq!(history.last("zeros/dense/kernel"), Some(0.0));
    assert!(model.params().data().iter().all(|w| *w != 0.0));
    // A gradient that the penalty alone makes has all of the share.
    let silent = Dataset::new(Shape::new([8]).unwrap(), vec![0.0; 8], 1, vec![0.0]).unwrap();
    let (_, history) = linear(&silent, Regularizer::l1_l2(0.1, 0.2), TO_THE_END[0].0, 1);
    assert_eq!(history.last("gradient_share/dense/kernel/l1"), Some(1.0));
    assert_eq!(history.last("gradient_share/dense/kernel/l2"), Some(1.0));
}

/// A penalty of the user's own goes through the same modes and the same ledger.
#[test]
fn a_penalty_of_ones_own() {
    #[derive(Debug)]
    struct Halves;
    impl Penalty for Halves {
        fn value(&self, _: &Shape, w: &[f32], _: &mut [f32]) -> f64 {
            w.iter().map(|w| f64::from((w - 0.5).powi(2))).sum()
        }
        fn add_gradient(&self, shape: &Shape, w: &[f32], dw: &mut [f32], scratch: &mut [f32]) -> f64 {
            w.iter().zip(dw).for_each(|(w, dw)| *dw += 2.0 * (w - 0.5));
            self.value(shape, w, scratch)
        }
    }
    let oracle = oracle();
    let data = rows(&oracle);
    let config = FitConfig::new(Loss::Mse).optimizer(read(TO_THE_END[0].0)).epochs(300).batch_size(40);
    let train = |mode: PenaltyMode, config: &FitConfig| {
        let mut model = Model::build(&Sequential::new([8]).layer(Dense::new(1)), Seed::new(1)).unwrap();
        model.set_penalty("dense/kernel", Some(CustomPenalty::new(Halves, mode))).unwrap();
        fit(&mut model, &data, None, config, Seed::new(1), &mut Quiet).map(|history| (model, history))
    };
    let (model, history) = train(PenaltyMode::Loss, &config).unwrap();
    let anchored = Regularizer::l2(1.0).anchor(Anchor::At(vec![0.5; 8]));
    let (same, _) = linear(&data, anchored, TO_THE_END[0].0, 300);
    for (a, b) in model.params().data().iter().zip(same.params().data()) {
        assert!((a - b).abs() < 1e-5);
    }
    assert!(history.last("penalty/dense/kernel/custom").unwrap() > 0.0);
    let error = train(PenaltyMode::Proximal, &config).unwrap_err().to_string();
    assert!(error.starts_with("dense/kernel: expected a penalty with a proximal map"), "{error}");
    let mut model = Model::build(&Sequential::new([8]).layer(Dense::new(1)), Seed::new(1)).unwrap();
    assert!(model.set_penalty("dense/kernle", None).unwrap_err().to_string().contains("dense/kernel"));
}

/// Mistakes name the parameter and the setting, before any work.
#[test]
fn mistakes_are_refused() {
    let dense = |penalty: &str| LayerSpec::from(Dense::new(2).kernel_regularizer(read(penalty)));
    let lstm = |penalty: &str| LayerSpec::from(Lstm::new(2).kernel_regularizer(read(penalty)));
    let error = |input: &[usize], layer: LayerSpec| {
        Model::build(&Sequential::new(input).layer(layer), Seed::new(1)).unwrap_err().to_string()
    };
    for (penalty, words) in [
        (r#"{"group_lasso": -1}"#, "kernel_regularizer.group_lasso: expected a finite number of at least 0, got -1"),
        (
            r#"{"group_lasso": 0.1, "groups": "gate"}"#,
            "kernel_regularizer.groups: expected a kernel or bias of an LSTM",
        ),
        (r#"{"group_lasso": 0.1, "groups": "filter"}"#, "kernel_regularizer.groups: expected a convolution's kernel"),
        (r#"{"l2": 0.1, "anchor": [1, 2]}"#, "kernel_regularizer.anchor: expected 6 numbers"),
        (r#"{"l1": 0.1, "factors": [1, 2]}"#, "kernel_regularizer.factors: expected 6 numbers"),
        (r#"{"l1": 0.1, "factors": [1, 2, 3, 4, 5, -6]}"#, "kernel_regularizer.factors: expected finite numbers"),
        (r#"{"mcp": 0.1, "gamma": 0.5}"#, "kernel_regularizer.gamma: expected a finite number above 1"),
        (r#"{"scad": 0.1, "gamma": 2}"#, "kernel_regularizer.gamma: expected a finite number above 2"),
        (
            r#"{"orthogonal": 0.1, "mode": "proximal"}"#,
            "kernel_regularizer.orthogonal: expected a term with a proximal",
        ),
        (r#"{"mcp": 0.1, "l1": 0.1, "mode": "proximal"}"#, "kernel_regularizer.mode: expected mcp or scad alone"),
        (r#"{"mcp": 0.1, "scad": 0.1, "mode": "proximal"}"#, "kernel_regularizer.mode: expected at most one"),
        (r#"{"l2": 0.1, "cautious": true}"#, "kernel_regularizer.cautious: expected mode"),
        (r#"{"l1": {"name": "target_sparsity", "target": 0.5}}"#, "kernel_regularizer.l1: expected with a target"),
        (
            r#"{"l2": {"name": "target_norm", "target": -1}}"#,
            "kernel_regularizer.l2.target: expected a finite number above 0",
        ),
    ] {
        let error = error(&[3], dense(penalty));
        assert!(error.contains(words), "{penalty}: {error}");
    }
    // What no training could begin with is no plan either.
    let spec = Sequential::new([3]).layer(dense(r#"{"nuclear": 0.1, "mode": "proximal"}"#));
    let model = Model::build(&spec, Seed::new(1)).unwrap();
    let config = FitConfig::new(Loss::Mse).optimizer(Optimizer::adam());
    let refused = plan(&model, &config, &Budget { rows: Some(3), data: None }).unwrap_err().to_string();
    assert!(refused.starts_with("dense/kernel: expected a penalty with a proximal map"), "{refused}");
    assert!(plan(&model, &config.optimizer(Optimizer::sgd()), &Budget { rows: Some(3), data: None }).is_ok());
    let gates = r#"{"group_lasso": 0.1, "groups": "gate"}"#;
    assert!(Model::build(&Sequential::new([3, 3]).layer(lstm(gates)), Seed::new(1)).is_ok());
    let activity = LayerSpec::from(Dense::new(2)).activity_regularizer(read(r#"{"l1": 0.1, "mode": "proximal"}"#));
    assert!(error(&[3], activity).contains("activity_regularizer.mode: expected a penalty on a parameter"));
    for word in [r#"{"l2": 0.1, "mode": "rows"}"#, r#"{"l2": 0.1, "anchor": "begin"}"#] {
        assert!(taper::read::<Regularizer>(serde_json::from_str(word).unwrap()).is_err(), "{word}");
    }
}
