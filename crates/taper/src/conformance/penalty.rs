//! One test that every penalty passes, and one that it passes in every mode. A new one adds its row to the table.

use crate::layer::Mode;
use crate::model::Workspace;
use crate::optimizer::Beside;
use crate::param::Buffers;
use crate::*;

/// 18 numbers, as the kernel of [`build`] has weights.
fn eighteen(f: impl Fn(usize) -> f64) -> String {
    format!("{:?}", (0..18).map(f).collect::<Vec<_>>())
}

/// Every penalty on the kernel of [`build`], with every setting that changes its arithmetic.
fn table() -> Vec<String> {
    let mut rows: Vec<String> = [
        r#"{"l1": 0.3}"#,
        r#"{"l2": 0.2}"#,
        r#"{"l1": 0.1, "l2": 0.2}"#,
        r#"{"group_lasso": 0.2}"#,
        r#"{"group_lasso": 0.2, "groups": "input"}"#,
        r#"{"group_lasso": 0.2, "l1": 0.1, "l2": 0.05}"#,
        r#"{"mcp": 0.3}"#,
        r#"{"mcp": 0.3, "gamma": 1.5}"#,
        r#"{"scad": 0.3}"#,
        r#"{"nuclear": 0.2}"#,
        r#"{"nuclear": 0.2, "l2": 0.1}"#,
        r#"{"orthogonal": 0.7}"#,
        r#"{"orthogonal": 0.7, "orthogonal_mode": "columns", "l2": 0.1}"#,
        r#"{"l2": 0.3, "anchor": "start"}"#,
    ]
    .map(str::to_owned)
    .into();
    let (factors, anchor) = (eighteen(|i| i as f64 * 0.1), eighteen(|i| (i as f64).sin()));
    rows.push(format!(r#"{{"l1": 0.3, "l2": 0.1, "factors": {factors}}}"#));
    rows.push(format!(r#"{{"scad": 0.3, "factors": {factors}}}"#));
    rows.push(format!(r#"{{"l2": 0.3, "anchor": {anchor}}}"#));
    rows.push(format!(r#"{{"l2": 0.3, "anchor": {anchor}, "factors": {factors}}}"#));
    rows.push(format!(r#"{{"l1": 0.3, "group_lasso": 0.1, "anchor": {anchor}, "factors": {factors}}}"#));
    rows
}

/// A model with a kernel of [3, 6] under this penalty, four rows for it, and weights that are not where it began.
fn build(penalty: &Regularizer, elementwise: Option<&Regularizer>) -> Result<(Model, Dataset)> {
    let mut hidden = Dense::new(6).activation(Activation::Tanh).kernel_regularizer(penalty.clone());
    hidden.bias_regularizer = elementwise.cloned();
    let (mut hidden, mut out) =
        (LayerSpec::from(hidden), LayerSpec::from(Dense::new(2).activation(Activation::Sigmoid)));
    (hidden.activity_regularizer, out.activity_regularizer) = (elementwise.cloned(), elementwise.cloned());
    let mut model = Model::build(&Sequential::new([3]).layer(hidden).layer(out), Seed::new(2))?;
    let mut rng = Seed::new(1).rng();
    let x: Vec<f32> = (0..12).map(|_| rng.normal() as f32).collect();
    let y = vec![0.0, 1.0, 1.0, 0.0, 1.0, 1.0, 0.0, 0.0];
    let data = Dataset::new(Shape::new([3])?, x, 2, y)?;
    model.params.penalty_state = PenaltyState::new(&model.params);
    model.params_mut().data_mut().iter_mut().for_each(|w| *w += (0.3 * rng.normal()) as f32);
    Ok((model, data))
}

/// Serialization, and that the total gradient is that of the total loss.
#[test]
fn every_penalty_conforms() {
    for text in table() {
        let penalty: Regularizer = serde_json::from_str(&text).unwrap();
        let again = serde_json::to_string(&penalty).unwrap();
        assert_eq!(serde_json::from_str::<Regularizer>(&again).unwrap(), penalty, "{text}");
        let elementwise = Regularizer::l1_l2(penalty.l1.clone(), penalty.l2.clone());
        let (mut model, data) = build(&penalty, Some(&elementwise)).unwrap();
        let config = FitConfig::new(Loss::BINARY_CROSSENTROPY);

        let mut workspace = Workspace::new(&model, 4, true);
        workspace.input_mut(12).copy_from_slice(data.x());
        workspace.forward(&model, 4, Mode::Training, Seed::new(1));
        workspace.loss(&model, config.loss, 4, data.y(), &[0.25; 4], true);
        workspace.backward(&model, 4, 0);
        let value =
            model.params.add_penalty_gradients(0, &mut workspace.dparams, &mut workspace.penalty_buffers, false);
        assert!((value - model.params.penalty_at(0)).abs() < 1e-6 * (1.0 + value), "{text}");
        for i in 0..model.params().data().len() {
            let w = model.params().data()[i];
            let mut at = |w: f32| {
                model.params_mut().data_mut()[i] = w;
                evaluate(&model, &data, &config).unwrap().loss
            };
            let quotient = (at(w + 2e-3) - at(w - 2e-3)) / 4e-3;
            at(w);
            let gradient = f64::from(workspace.dparams[i]);
            assert!((quotient - gradient).abs() < 2e-3, "{text}: {i}: {gradient} {quotient}");
        }
    }
}

/// The kernel's weights after one step of gradient descent at rate 0.1 with this penalty in this mode.
fn stepped(penalty: &Regularizer, mode: PenaltyMode, optimizer: &Optimizer) -> Result<Vec<f32>> {
    let (mut model, data) = build(&penalty.clone().mode(mode), None)?;
    let config = FitConfig::new(Loss::BINARY_CROSSENTROPY).optimizer(optimizer.clone());
    let mut state = TrainState::new(&model, &config);
    // The training began elsewhere: at the weights before they were moved.
    state.penalty = model.params.penalty_state.clone();
    fit_from(&mut model, &mut state, &data, None, &config, Seed::new(1), &mut Quiet)?;
    Ok(model.params().data()[..18].to_vec())
}

/// Gradient descent takes the same step whether ∇Ω is in the loss or beside it; independent of the rate it is that much longer; and
/// the proximal step ends where no neighbour costs less.
#[test]
fn every_penalty_conforms_in_every_mode() {
    let sgd = Optimizer::sgd().learning_rate(0.1);
    let close = |a: &[f32], b: &[f32]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 2e-6);
    for text in table() {
        let penalty: Regularizer = serde_json::from_str(&text).unwrap();
        let step = |mode: PenaltyMode| stepped(&penalty, mode, &sgd);
        let (loss, decoupled) = (step(PenaltyMode::Loss).unwrap(), step(PenaltyMode::Decoupled).unwrap());
        assert!(close(&loss, &decoupled), "{text}: {loss:?} {decoupled:?}");
        let free = stepped(&Regularizer::default(), PenaltyMode::Loss, &sgd).unwrap();
        let independent = step(PenaltyMode::Independent).unwrap();
        for i in 0..18 {
            let (one, ten) = (decoupled[i] - free[i], independent[i] - free[i]);
            assert!((10.0 * one - ten).abs() < 2e-5, "{text}: {i}: {one} {ten}");
        }
        assert_ne!(decoupled, free, "{text}");

        let proximal = step(PenaltyMode::Proximal);
        if !penalty.orthogonal.is_zero() {
            let error = proximal.unwrap_err().to_string();
            assert!(error.contains("kernel_regularizer.orthogonal"), "{text}: {error}");
            continue;
        }
        let proximal = proximal.unwrap();
        let (mut model, _) = build(&penalty, None).unwrap();
        let mut cost = |u: &[f32]| {
            model.params_mut().data_mut()[..18].copy_from_slice(u);
            let near: f64 = u.iter().zip(&free).map(|(u, w)| f64::from(u - w).powi(2) / 0.2).sum();
            near + model.params().penalty_at(0)
        };
        let least = cost(&proximal);
        let mut rng = Seed::new(4).rng();
        for size in [1e-3, 1e-2, 0.1, 1.0] {
            for _ in 0..20 {
                let other: Vec<f32> = proximal.iter().map(|w| w + (size * rng.normal()) as f32).collect();
                assert!(cost(&other) >= least - 1e-5 * (1.0 + least), "{text}: {} {least}", cost(&other));
            }
        }
    }
}

/// A penalty of single weights is left to the update, unless gradients are clipped first. Clipping that has no effect must
/// change nothing: neither what is trained nor what is told of it.
#[test]
fn a_penalty_left_to_the_update_is_the_same() {
    let modes = [PenaltyMode::Loss, PenaltyMode::Decoupled, PenaltyMode::Independent, PenaltyMode::Proximal];
    for text in table() {
        let penalty: Regularizer = serde_json::from_str(&text).unwrap();
        for (mode, cautious) in modes.map(|mode| (mode, false)).into_iter().chain([(PenaltyMode::Decoupled, true)]) {
            if mode == PenaltyMode::Proximal && !(penalty.orthogonal.is_zero() && penalty.nuclear.is_zero()) {
                continue;
            }
            for optimizer in [Optimizer::adam(), Optimizer::adam_w(), Optimizer::sgd()] {
                let optimizer = optimizer.learning_rate(0.02);
                let trained = |optimizer: Optimizer| {
                    let (mut model, data) =
                        build(&Regularizer { cautious, ..penalty.clone().mode(mode) }, None).unwrap();
                    let config =
                        FitConfig::new(Loss::BINARY_CROSSENTROPY).optimizer(optimizer).epochs(20).batch_size(3);
                    let mut state = TrainState::new(&model, &config);
                    state.penalty = model.params.penalty_state.clone();
                    let history = fit_from(&mut model, &mut state, &data, None, &config, Seed::new(1), &mut Quiet);
                    let history = history.unwrap();
                    let told = history.get("penalty").unwrap().to_vec();
                    (told, model.params().data().to_vec())
                };
                let (left, before) = (trained(optimizer.clone()), trained(optimizer.clip(Clip::Value(1e6))));
                for (left, before) in left.0.iter().zip(&before.0) {
                    assert!((left - before).abs() < 1e-5 * (1.0 + before), "{text} {mode:?}: {left} {before}");
                }
                for (left, before) in left.1.iter().zip(&before.1) {
                    assert!((left - before).abs() < 1e-4 * (1.0 + before.abs()), "{text} {mode:?}: {left} {before}");
                }
            }
        }
    }
}

/// With a step of its own for every weight: a map for all but the nuclear norm, whose refusal names the parameter.
#[test]
fn every_proximal_penalty_takes_every_optimizers_steps_or_refuses() {
    let optimizers = ["adam", "adam_w", "adamax", "nadam", "lion", "rmsprop", "adagrad"];
    for text in table() {
        let penalty: Regularizer = serde_json::from_str(&text).unwrap();
        if !penalty.orthogonal.is_zero() {
            continue;
        }
        for name in optimizers {
            let optimizer: Optimizer = serde_json::from_str(&format!("{name:?}")).unwrap();
            match stepped(&penalty, PenaltyMode::Proximal, &optimizer) {
                Ok(w) => assert!(penalty.nuclear.is_zero() && w.iter().all(|w| w.is_finite()), "{text} {name}"),
                Err(error) => {
                    let error = error.to_string();
                    assert!(!penalty.nuclear.is_zero() && error.starts_with("dense/kernel: "), "{text}: {error}");
                }
            }
        }
    }
}

/// What each optimizer calls its steps is what a steady gradient moves a weight by.
#[test]
fn steps_are_what_a_steady_gradient_moves() {
    for text in [
        r#"{"name": "sgd", "momentum": 0.9}"#,
        r#"{"name": "sgd", "momentum": 0.5, "nesterov": true}"#,
        r#""adam""#,
        r#"{"name": "adam", "amsgrad": true}"#,
        r#""adamax""#,
        r#""nadam""#,
        r#""lion""#,
        r#""rmsprop""#,
        r#"{"name": "rmsprop", "momentum": 0.9}"#,
        r#""adagrad""#,
    ] {
        let optimizer: Optimizer = serde_json::from_str(text).unwrap();
        let spec = Sequential::new([4]).layer(Dense { use_bias: false, ..Dense::new(1) });
        let mut model = Model::build(&spec, Seed::new(1)).unwrap();
        let mut state = OptimizerState::new(&optimizer, model.params().slots());
        let (gradients, mut steps) = ([1.0f32, -0.5, 0.1, 2.0], [0.0; 4]);
        let mut before = vec![];
        for i in 0..2000 {
            before = model.params().data().to_vec();
            let mut beside = Beside { decays: &[false], epoch: 0, buffers: &mut Buffers::default(), left: false };
            state.step(&optimizer, 0.01, model.params_mut(), &mut gradients.clone(), &mut beside);
            state.steps_after(&optimizer, 0.01, i + 1, &mut steps);
        }
        for i in 0..4 {
            let (moved, want) = (before[i] - model.params().data()[i], steps[i] * gradients[i]);
            assert!((moved - want).abs() < 2e-3 * want.abs() + 1e-6, "{text} {i}: {moved} {want}");
        }
    }
}
