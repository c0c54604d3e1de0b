//! Models of many kinds with holes at random say the same before and after.

use proptest::prelude::*;
use taper::*;

use crate::rows;

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

fn separable(activation: Activation, multiplier: usize) -> Sequential {
    Sequential::new([8, 8, 2])
        .layer(Conv2d::new(5, 3).activation(activation))
        .layer(DepthwiseConv2d::new(3).padding(Padding::Same).activation(Activation::Relu))
        .layer(SeparableConv2d::new(6, 3).depth_multiplier(multiplier).activation(Activation::Relu))
        .layer(SeparableConv2d::new(5, 3).padding(Padding::Same))
        .layer(BatchNormalization::new())
        .layer(Flatten::new())
        .layer(Dense::new(2))
}

/// Drawn once, and the one of some 6,000 whose difference was above 1e-6 (with AVX2). Weights moved to the numbers beside them, up
/// or down at random, show what rounding does to such a model: half as much. Other instruction sets round otherwise; hence four times.
#[test]
fn a_model_that_rounding_moves_far_is_moved_no_further_than_that() {
    let (spec, seed) = (separable(ACTIVATIONS[2], 1), 14_261_254_471_717_581_815);
    let model = maimed(&spec, seed);
    let x = rows(seed, 9 * model.input_shape().len());
    let mut nudged = maimed(&spec, seed);
    let mut rng = Seed::new(seed).derive("nudges", 0).rng();
    for w in nudged.params_mut().data_mut().iter_mut().filter(|w| **w != 0.0) {
        *w = if rng.below(2) == 0 { w.next_up() } else { w.next_down() };
    }
    let rounding = difference(&model, &nudged, &x).unwrap();
    let worst = difference(&model, &compact(&model, false).unwrap().model, &x).unwrap();
    assert!(worst < 4.0 * rounding, "{worst} {rounding}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(25))]

    #[test]
    fn separable_and_depthwise_convolutions(seed in any::<u64>(), first in 0usize..4, multiplier in 1usize..3) {
        let (before, after) = check(&separable(ACTIVATIONS[first], multiplier), seed);
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
