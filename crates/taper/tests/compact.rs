//! Compacted models say what the larger ones say.

use proptest::prelude::*;
use taper::*;

/// Numbers from -1 to 1.
fn rows(seed: u64, count: usize) -> Vec<f32> {
    let mut rng = Seed::new(seed).derive("rows", 0).rng();
    (0..count).map(|_| rng.uniform() as f32 * 2.0 - 1.0).collect()
}

/// A model whose weights, biases and statistics are all something, and then some of which are nothing: whole columns (incoming
/// weights, sometimes with the bias) and whole rows (outgoing weights) of every kernel, and some scales of normalizations.
fn maimed(spec: &Sequential, seed: u64) -> Model {
    let mut model = Model::build(spec, Seed::new(seed)).unwrap();
    let mut rng = Seed::new(seed).derive("holes", 0).rng();
    let slots = model.params().slots().to_vec();
    for slot in &slots {
        let sums = slot.spec.shape.last();
        let w = &mut model.params_mut().data_mut()[slot.range.clone()];
        match slot.spec.role {
            Role::Bias | Role::Beta => w.iter_mut().for_each(|w| *w = rng.uniform() as f32 - 0.5),
            Role::MovingStatistic | Role::Gamma => w.iter_mut().for_each(|w| *w = rng.uniform() as f32 + 0.5),
            _ => {}
        }
        match slot.spec.role {
            Role::Kernel | Role::RecurrentKernel => {
                for row in w.chunks_exact_mut(sums) {
                    if rng.uniform() < 0.3 {
                        row.fill(0.0);
                    }
                }
                for column in 0..sums {
                    if rng.uniform() < 0.3 {
                        w.iter_mut().skip(column).step_by(sums).for_each(|w| *w = 0.0);
                    }
                }
            }
            Role::Gamma | Role::Bias => w.iter_mut().filter(|_| rng.uniform() < 0.3).for_each(|w| *w = 0.0),
            _ => {}
        }
    }
    model
}

fn check(spec: &Sequential, seed: u64) -> (usize, usize) {
    let model = maimed(spec, seed);
    let small = compact(&model, false).unwrap();
    let x = rows(seed, 9 * model.input_shape().len());
    let worst = difference(&model, &small.model, &x).unwrap();
    assert!(worst < 1e-6, "{worst} {:?}", small.record);
    let thin = compact(&model, true).unwrap();
    if let Some(kept) = &thin.record.kept_inputs {
        let worst = difference_on(&model, &thin.model, &x, kept).unwrap();
        assert!(worst < 1e-6, "{worst} {:?}", thin.record);
    }
    // What is compact already stays as it is.
    let again = compact(&small.model, false).unwrap();
    assert_eq!(again.model.params(), small.model.params());
    (small.record.parameters_before, small.record.parameters_after)
}

const ACTIVATIONS: [Activation; 4] = [Activation::Relu, Activation::Tanh, Activation::Sigmoid, Activation::Linear];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn dense(seed in any::<u64>(), first in 0usize..4, second in 0usize..4) {
        let spec = Sequential::new([5])
            .layer(Dense::new(9).activation(ACTIVATIONS[first]))
            .layer(Dropout::new(0.5))
            .layer(BatchNormalization::new())
            .layer(Dense::new(7).activation(ACTIVATIONS[second]))
            .layer(Dense::new(3).activation(Activation::Softmax));
        let (before, after) = check(&spec, seed);
        prop_assert!(after <= before);
    }

    #[test]
    fn convolutions(seed in any::<u64>(), first in 0usize..4, same in any::<bool>()) {
        let padding = if same { Padding::Same } else { Padding::Valid };
        let spec = Sequential::new([6, 6, 2])
            .layer(Conv2d::new(5, 3).padding(padding).activation(ACTIVATIONS[first]))
            .layer(BatchNormalization::new())
            .layer(ActivationLayer::new(Activation::Relu))
            .layer(MaxPooling2d::new(2))
            .layer(Conv2d::new(6, 2).padding(padding).activation(Activation::Relu))
            .layer(Flatten::new())
            .layer(BatchNormalization::new())
            .layer(Dense::new(4).activation(Activation::Tanh))
            .layer(Dense::new(2));
        let (before, after) = check(&spec, seed);
        prop_assert!(after <= before);
    }

    #[test]
    fn recurrent(seed in any::<u64>(), kind in 0usize..3) {
        let sequences = |spec: Sequential, units: usize, sequences: bool| match kind {
            0 => spec.layer(SimpleRnn::new(units).return_sequences(sequences)),
            1 => spec.layer(Lstm::new(units).return_sequences(sequences)),
            _ => spec.layer(Gru::new(units).return_sequences(sequences)),
        };
        let spec = sequences(sequences(Sequential::new([4, 3]), 5, true).layer(Dropout::new(0.1)), 6, false)
            .layer(Dense::new(3).activation(Activation::Relu))
            .layer(Dense::new(1).activation(Activation::Sigmoid));
        let (before, after) = check(&spec, seed);
        prop_assert!(after <= before);
    }
}

/// Sets a parameter's numbers.
fn set(model: &mut Model, path: &str, numbers: impl Fn(usize) -> Option<f32>) {
    let range = model.params().get(path).unwrap().0.range.clone();
    for (i, w) in model.params_mut().data_mut()[range].iter_mut().enumerate() {
        *w = numbers(i).unwrap_or(*w);
    }
}

fn units(model: &Model) -> Vec<usize> {
    compact(model, false).unwrap().record.layers.iter().map(|layer| layer.units_after).collect()
}

#[test]
fn constants_move_into_the_next_bias() {
    let spec = Sequential::new([2]).layer(Dense::new(3).activation(Activation::Sigmoid)).layer(Dense::new(1));
    let mut model = Model::build(&spec, Seed::new(1)).unwrap();
    set(&mut model, "dense/kernel", |i| (i % 3 == 1).then_some(0.0));
    assert_eq!(units(&model), [2, 1]);
    let small = compact(&model, false).unwrap().model;
    let outgoing = model.params().get("dense_1/kernel").unwrap().1[1];
    assert!((small.params().get("dense_1/bias").unwrap().1[0] - 0.5 * outgoing).abs() < 1e-7, "sigmoid(0) of it");
}

#[test]
fn a_constant_before_padding_stays_unless_it_is_zero() {
    let spec = |padding| {
        let first = Conv2d::new(2, 1).activation(Activation::Relu);
        Sequential::new([4, 4, 1]).layer(first).layer(Conv2d::new(1, 3).padding(padding))
    };
    for (padding, bias, left) in
        [(Padding::Same, 0.5, 2), (Padding::Same, -0.5, 1), (Padding::Valid, 0.5, 1), (Padding::Valid, -0.5, 1)]
    {
        let mut model = Model::build(&spec(padding), Seed::new(1)).unwrap();
        set(&mut model, "conv2d/kernel", |i| (i == 0).then_some(0.0));
        set(&mut model, "conv2d/bias", |i| (i == 0).then_some(bias));
        assert_eq!(units(&model)[0], left, "{padding:?} {bias}");
    }
}

#[test]
fn cells_that_only_hear_each_other_go() {
    let spec = Sequential::new([3, 2]).layer(SimpleRnn::new(3)).layer(Dense::new(1));
    let mut model = Model::build(&spec, Seed::new(1)).unwrap();
    // Cells 0 and 1 have no reader outside; 2 hears only itself.
    set(&mut model, "dense/kernel", |i| (i < 2).then_some(0.0));
    set(&mut model, "simple_rnn/simple_rnn_cell/recurrent_kernel", |i| (i == 2 || i == 5).then_some(0.0));
    assert_eq!(units(&model), [1, 1]);
    // As soon as 2 hears 1, and 1 hears 0, all are needed.
    set(&mut model, "simple_rnn/simple_rnn_cell/recurrent_kernel", |i| (i == 5).then_some(0.5));
    assert_eq!(units(&model), [3, 1]);
}

#[test]
fn one_unit_is_left_of_every_layer_and_what_is_shared_stays() {
    let spec = Sequential::new([2]).layer(Dense::new(3).activation(Activation::Relu)).layer(Dense::new(1));
    let mut model = Model::build(&spec, Seed::new(1)).unwrap();
    set(&mut model, "dense_1/kernel", |_| Some(0.0));
    assert_eq!(units(&model), [1, 1]);
    let graph = Graph::new([2])
        .node("first", ["input"], Dense::new(3))
        .node("left", ["first"], Dense::new(2))
        .node("right", ["first"], Dense::new(2))
        .node("out", ["left", "right"], Add::new());
    let mut model = Model::build(&graph, Seed::new(1)).unwrap();
    set(&mut model, "left/kernel", |i| (i < 2).then_some(0.0));
    set(&mut model, "right/kernel", |i| (i < 2).then_some(0.0));
    assert_eq!(units(&model)[0], 3, "two layers read it");
}

#[test]
fn inputs_that_nobody_reads_are_told_and_go_if_asked_for() {
    let mut model = Model::build(&Sequential::new([3]).layer(Dense::new(2)), Seed::new(1)).unwrap();
    set(&mut model, "dense/kernel", |i| (i / 2 == 1).then_some(0.0));
    assert_eq!(compact(&model, false).unwrap().record.unused_inputs, [1]);
    let thin = compact(&model, true).unwrap();
    assert_eq!(thin.record.kept_inputs.as_deref(), Some(&[0, 2][..]));
    assert_eq!(thin.model.input_shape().sizes(), [2]);
}
