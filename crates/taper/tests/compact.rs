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
fn maimed(spec: impl Into<ModelSpec>, seed: u64) -> Model {
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
            Role::Kernel | Role::RecurrentKernel | Role::PointwiseKernel | Role::Embeddings => {
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
            Role::DepthwiseKernel => {
                let channels: usize = slot.spec.shape.sizes()[2..].iter().product();
                for channel in 0..channels {
                    if rng.uniform() < 0.3 {
                        w.iter_mut().skip(channel).step_by(channels).for_each(|w| *w = 0.0);
                    }
                }
            }
            Role::Gamma | Role::Bias => w.iter_mut().filter(|_| rng.uniform() < 0.3).for_each(|w| *w = 0.0),
            _ => {}
        }
    }
    model
}

/// Every layer with weights into units, the output apart, is either looked into or said to be left whole.
fn everything_is_told(model: &Model, record: &CompactRecord) {
    for slot in model.params().slots() {
        let into_units = [Role::Kernel, Role::PointwiseKernel, Role::Embeddings].contains(&slot.spec.role);
        let layer = slot.path.split('/').next().unwrap();
        let is_cut = record.layers.iter().any(|other| other.name == layer);
        let is_left = record.left_whole.iter().any(|other| other.name == layer);
        assert!(!into_units || is_cut || is_left, "nothing is said of {layer}: {record:?}");
    }
}

fn check(spec: impl Into<ModelSpec>, seed: u64) -> (usize, usize) {
    let model = maimed(spec, seed);
    let small = compact(&model, false).unwrap();
    let reads_tokens = model.params().get("embedding/embeddings").is_some();
    let x = if reads_tokens { model.probe(9, Seed::new(seed)) } else { rows(seed, 9 * model.input_shape().len()) };
    let worst = difference(&model, &small.model, &x).unwrap();
    assert!(worst < 1e-6, "{worst} {:?}", small.record);
    everything_is_told(&model, &small.record);
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

proptest! {
    #![proptest_config(ProptestConfig::with_cases(25))]

    #[test]
    fn separable_and_depthwise_convolutions(seed in any::<u64>(), first in 0usize..4, multiplier in 1usize..3) {
        let spec = Sequential::new([8, 8, 2])
            .layer(Conv2d::new(5, 3).activation(ACTIVATIONS[first]))
            .layer(DepthwiseConv2d::new(3).padding(Padding::Same).activation(Activation::Relu))
            .layer(SeparableConv2d::new(6, 3).depth_multiplier(multiplier).activation(Activation::Relu))
            .layer(SeparableConv2d::new(5, 3).padding(Padding::Same))
            .layer(BatchNormalization::new())
            .layer(Flatten::new())
            .layer(Dense::new(2));
        let (before, after) = check(&spec, seed);
        prop_assert!(after <= before);
    }

    #[test]
    fn both_directions_and_layers_on_every_step(seed in any::<u64>(), kind in 0usize..3, sequences in any::<bool>()) {
        let both = |units: usize, sequences: bool| match kind {
            0 => Bidirectional::new(SimpleRnn::new(units).return_sequences(sequences)),
            1 => Bidirectional::new(Lstm::new(units).return_sequences(sequences)),
            _ => Bidirectional::new(Gru::new(units).return_sequences(sequences)),
        };
        let mut spec = Sequential::new([4, 3])
            .layer(TimeDistributed::new(Dense::new(6).activation(Activation::Relu)))
            .layer(both(5, true))
            .layer(TimeDistributed::new(Dense { use_bias: false, ..Dense::new(5).activation(Activation::Sigmoid) }))
            .layer(both(4, sequences));
        if sequences {
            spec = spec.layer(Flatten::new());
        }
        let (before, after) = check(&spec.layer(Dense::new(2)), seed);
        prop_assert!(after <= before);
    }
}

/// A layer that keeps the rank of its input, drawn at random.
fn any_layer(rank: usize, rng: &mut taper::Rng) -> LayerSpec {
    let activation = ACTIVATIONS[rng.below(4)];
    let (units, padding) = (3 + rng.below(4), if rng.below(2) == 0 { Padding::Same } else { Padding::Valid });
    match (rank, rng.below(6)) {
        (_, 0) => BatchNormalization::new().into(),
        (_, 1) => ActivationLayer::new(activation).into(),
        (1, _) => Dense::new(units).activation(activation).into(),
        (2, 2) => Lstm::new(units).return_sequences(true).into(),
        (2, 3) => Gru::new(units).return_sequences(true).into(),
        (2, 4) => Bidirectional::new(Lstm::new(units).return_sequences(true)).into(),
        (2, _) if rng.below(2) == 0 => Conv1dTranspose::new(units, 2).padding(padding).activation(activation).into(),
        (2, _) => TimeDistributed::new(Dense::new(units).activation(activation)).into(),
        (_, 2) => Conv2d::new(units, 2).padding(padding).activation(activation).into(),
        (_, 3) => SeparableConv2d::new(units, 2).padding(padding).activation(activation).into(),
        (_, 4) => DepthwiseConv2d::new(2).padding(Padding::Same).into(),
        _ => Conv2dTranspose::new(units, 2).padding(padding).activation(activation).strides(1 + rng.below(2)).into(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(120))]

    #[test]
    fn models_of_random_layers(seed in any::<u64>(), kind in 0usize..4, depth in 1usize..6) {
        let rng = &mut Seed::new(seed).derive("layers", 0).rng();
        let (mut spec, rank) = match kind {
            0 => (Sequential::new([4]), 1),
            1 => (Sequential::new([4, 3]), 2),
            2 => (Sequential::new([4]).layer(Embedding::new(7, 5).mask_zero(rng.below(2) == 0)), 2),
            _ => (Sequential::new([6, 6, 2]), 3),
        };
        for _ in 0..depth {
            spec = spec.layer(any_layer(rank, rng));
        }
        if rank > 1 {
            spec = if rng.below(2) == 0 && kind != 2 { spec.layer(Flatten::new()) } else { match rank {
                2 => spec.layer(Gru::new(4)),
                _ => spec.layer(GlobalAveragePooling2d::new()),
            } };
        }
        let (before, after) = check(&spec.layer(Dense::new(2)), seed);
        prop_assert!(after <= before);
    }

    #[test]
    fn residual_sums(seed in any::<u64>(), first in 0usize..4, second in 0usize..4) {
        let graph = Graph::new([4])
            .node("before", ["input"], Dense::new(6).activation(ACTIVATIONS[first]))
            .node("stem", ["before"], Dense::new(5).activation(ACTIVATIONS[first]))
            .node("inside", ["stem"], Dense::new(7).activation(ACTIVATIONS[second]))
            .node("normal", ["inside"], BatchNormalization::new())
            .node("branch", ["normal"], Dense::new(5))
            .node("sum", ["stem", "branch"], Add::new())
            .node("out", ["sum"], Dense::new(2));
        let model = maimed(&graph, seed);
        let record = compact(&model, false).unwrap().record;
        let left: Vec<&str> = record.left_whole.iter().map(|one| &*one.name).collect();
        prop_assert_eq!(left, ["stem", "branch"]);
        let (before, after) = check(&graph, seed);
        prop_assert!(after <= before);
    }
}

#[test]
fn filters_of_transposed_convolutions_and_columns_of_embeddings_go() {
    let spec = Sequential::new([3, 3, 2])
        .layer(Conv2dTranspose::new(4, 3).strides(2).activation(Activation::Relu))
        .layer(Conv2dTranspose::new(3, 2).padding(Padding::Same))
        .layer(Flatten::new())
        .layer(Dense::new(1));
    let mut model = Model::build(&spec, Seed::new(1)).unwrap();
    // (3, 3, filters, inputs): the second filter hears nothing; and nobody hears the third one of the other layer.
    set(&mut model, "conv2d_transpose/kernel", |i| (i / 2 % 4 == 1).then_some(0.0));
    set(&mut model, "dense/kernel", |i| (i % 3 == 2).then_some(0.0));
    assert_eq!(units(&model), [3, 2, 1]);
    let small = compact(&model, false).unwrap();
    assert_eq!(small.model.params().get("conv2d_transpose_1/kernel").unwrap().0.spec.shape.sizes(), [2, 2, 2, 3]);
    assert!(difference(&model, &small.model, &model.probe(9, Seed::new(1))).unwrap() < 1e-6);

    let spec = Sequential::new([5]).layer(Embedding::new(6, 4)).layer(Lstm::new(2)).layer(Dense::new(1));
    let mut model = Model::build(&spec, Seed::new(1)).unwrap();
    set(&mut model, "embedding/embeddings", |i| (i % 4 == 3).then_some(0.0));
    set(&mut model, "lstm/lstm_cell/kernel", |i| (i / 8 == 0).then_some(0.0));
    assert_eq!(units(&model), [2, 2, 1], "one column says nothing, another is not heard");
    let small = compact(&model, false).unwrap();
    assert!(difference(&model, &small.model, &model.probe(9, Seed::new(1))).unwrap() < 1e-6);
}

#[test]
fn what_is_said_of_every_kind_is_true() {
    let spec = Sequential::new([6, 6, 2])
        .layer(SeparableConv2d::new(4, 3))
        .layer(DepthwiseConv2d::new(3).padding(Padding::Same))
        .layer(Conv2d::new(4, 2))
        .layer(Conv2d { groups: 2, ..Conv2d::new(4, 2) })
        .layer(Flatten::new())
        .layer(Dense::new(1));
    let mut model = Model::build(&spec, Seed::new(1)).unwrap();
    set(&mut model, "conv2d/kernel", |i| (i / 4 % 4 == 1).then_some(0.0));
    let small = compact(&model, false).unwrap();
    let record = small.record;
    let units: Vec<(usize, usize)> =
        record.layers.iter().map(|layer| (layer.units_before, layer.units_after)).collect();
    assert_eq!(units, [(4, 3), (4, 4), (1, 1)], "the second filter of the first layer, and its depthwise taps");
    assert_eq!(small.model.params().get("depthwise_conv2d/kernel").unwrap().0.spec.shape.sizes(), [3, 3, 3, 1]);
    let told: Vec<(&str, &str)> = record.left_whole.iter().map(|one| (&*one.name, &*one.why)).collect();
    let why = "conv2d_1 (conv2d) reads it, which does not keep its units apart";
    assert_eq!(told, [("conv2d", why), ("conv2d_1", "its filters are tied to its groups")]);

    // Both directions lose as many cells as the poorer one can spare.
    let spec = Sequential::new([3, 2]).layer(Bidirectional::new(Lstm::new(4))).layer(Dense::new(1));
    let mut model = Model::build(&spec, Seed::new(1)).unwrap();
    let alone = |cells: &'static [usize]| move |i: usize| cells.contains(&(i / 16)).then_some(0.0);
    set(&mut model, "dense/kernel", |i| [0, 1, 6].contains(&i).then_some(0.0));
    set(&mut model, "bidirectional/forward_lstm/lstm_cell/recurrent_kernel", alone(&[0, 1]));
    set(&mut model, "bidirectional/backward_lstm/lstm_cell/recurrent_kernel", alone(&[2]));
    let small = compact(&model, false).unwrap();
    assert_eq!(small.record.layers[0].units_after, 6, "three of four in each direction");
    let x = rows(1, 9 * 6);
    assert!(difference(&model, &small.model, &x).unwrap() < 1e-6);
    let summed = Bidirectional::new(Lstm::new(4)).merge_mode(MergeMode::Sum);
    let model = Model::build(&Sequential::new([3, 2]).layer(summed).layer(Dense::new(1)), Seed::new(1)).unwrap();
    assert!(compact(&model, false).unwrap().record.left_whole[0].why.contains("two cells"));
}

#[test]
fn penalties_go_with_the_weights_they_are_written_for() {
    let factors: Vec<f32> = (0..6).map(|i| i as f32).collect();
    let mut first =
        Dense::new(3).activation(Activation::Relu).kernel_regularizer(Regularizer::l1(0.1).factors(factors));
    first.bias_regularizer = Some(Regularizer::l2(0.1).anchor(Anchor::Start));
    let anchor = Regularizer::l2(0.2).anchor(Anchor::At(vec![1.0, 2.0, 3.0]));
    let spec = Sequential::new([2]).layer(first).layer(Dense::new(1).kernel_regularizer(anchor));
    let mut model = Model::build(&spec, Seed::new(1)).unwrap();
    set(&mut model, "dense_1/kernel", |i| (i == 1).then_some(0.0));
    let small = compact(&model, false).unwrap();
    assert_eq!(small.record.dropped_penalties, []);
    let penalty = |path: &str| small.model.params().get(path).unwrap().0.penalty().unwrap().clone();
    assert_eq!(&penalty("dense/kernel").factors[..], [0.0, 2.0, 3.0, 5.0]);
    assert_eq!(penalty("dense/bias").anchor, Some(Anchor::Start));
    assert_eq!(penalty("dense_1/kernel").anchor, Some(Anchor::At(vec![1.0, 3.0])));
    assert!(small.model.params().penalty_at(0) < model.params().penalty_at(0));

    // What is written for single weights of one direction no longer fits both, and is told.
    let factors: Vec<f32> = (0..24).map(|i| i as f32).collect();
    let cells = Lstm { kernel_regularizer: Some(Regularizer::l1(0.1).factors(factors)), ..Lstm::new(3) };
    let spec = Sequential::new([4, 2]).layer(Bidirectional::new(cells)).layer(Dense::new(1));
    let mut model = Model::build(&spec, Seed::new(1)).unwrap();
    set(&mut model, "dense/kernel", |i| [0, 4].contains(&i).then_some(0.0));
    set(&mut model, "bidirectional/forward_lstm/lstm_cell/recurrent_kernel", |i| (i / 12 == 0).then_some(0.0));
    set(&mut model, "bidirectional/backward_lstm/lstm_cell/recurrent_kernel", |i| (i / 12 == 1).then_some(0.0));
    let small = compact(&model, false).unwrap();
    assert_eq!(small.record.layers[0].units_after, 4);
    assert_eq!(small.record.dropped_penalties.len(), 2, "{:?}", small.record.dropped_penalties);
    // A policy stays a policy.
    let spec = Sequential::new([2]).layer(Dense::new(3)).layer(Dense::new(1)).regularization(Regularizer::l2(0.1));
    let mut model = Model::build(&spec, Seed::new(1)).unwrap();
    set(&mut model, "dense_1/kernel", |i| (i == 1).then_some(0.0));
    let small = compact(&model, false).unwrap();
    assert!(small.model.spec().regularization().is_some() && small.record.dropped_penalties.is_empty());
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
