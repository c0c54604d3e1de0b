//! Compacted models say what the larger ones say.

mod random;

use taper::*;

/// Numbers from -1 to 1.
fn rows(seed: u64, count: usize) -> Vec<f32> {
    let mut rng = Seed::new(seed).derive("rows", 0).rng();
    (0..count).map(|_| rng.uniform() as f32 * 2.0 - 1.0).collect()
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
