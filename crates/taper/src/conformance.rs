//! One test that every layer, loss, optimizer and penalty passes. A new one adds its row to the table.

mod penalty;

use crate::layer::Mode;
use crate::model::Workspace;
use crate::*;

/// A layer, an input shape, and what must come of it.
struct Row {
    layer: LayerSpec,
    input: Vec<usize>,
    output: Vec<usize>,
    parameters: usize,
    /// Whether the inputs are token ids, so that nothing can be trained below.
    tokens: bool,
}

fn row(layer: impl Into<LayerSpec>, input: &[usize], output: &[usize], parameters: usize) -> Row {
    Row { layer: layer.into(), input: input.to_vec(), output: output.to_vec(), parameters, tokens: false }
}

/// Every layer, with every setting that changes its arithmetic.
fn layers() -> Vec<Row> {
    let mut rows = vec![
        row(Dropout::new(0.4), &[7], &[7], 0),
        row(Flatten::new(), &[3, 4], &[12], 0),
        row(ActivationLayer::new(Activation::Softmax), &[2, 5], &[2, 5], 0),
        row(Dense { use_bias: false, ..Dense::new(3) }, &[5], &[3], 15),
        row(Dense::new(3).activation(Activation::Tanh), &[4, 6], &[4, 3], 21),
        row(Dense::new(1).activation(Activation::Swish), &[6], &[1], 7),
        row(Dense::new(2).kernel_constraint(Constraint::max_norm(3.0)), &[3], &[2], 8),
        row(ActivityRegularization::new(0.0, 0.0), &[3], &[3], 0),
        row(BatchNormalization::new(), &[3], &[3], 12),
        row(BatchNormalization::new(), &[2, 4, 3], &[2, 4, 3], 12),
        row(BatchNormalization { scale: false, ..BatchNormalization::new() }, &[4, 3], &[4, 3], 9),
        row(BatchNormalization { center: false, epsilon: 0.1, ..BatchNormalization::new() }, &[3], &[3], 9),
        row(LayerSpec::from(BatchNormalization::new()).trainable(false), &[3], &[3], 12),
        row(Elu { alpha: 0.7 }, &[8], &[8], 0),
        row(GaussianDropout::new(0.3), &[5], &[5], 0),
        row(GaussianNoise::new(0.3), &[5], &[5], 0),
        row(LayerNormalization::new(), &[5], &[5], 10),
        row(LayerNormalization::new().axis([-1, 2]), &[2, 3, 4], &[2, 3, 4], 24),
        row(LayerNormalization { scale: false, ..LayerNormalization::new() }, &[3, 19], &[3, 19], 19),
        row(LayerNormalization { center: false, epsilon: 0.1, ..LayerNormalization::new() }, &[3, 5], &[3, 5], 5),
        row(LayerNormalization::new().axis([1]), &[4, 3], &[4, 3], 8),
        row(LeakyReLu::new(), &[8], &[8], 0),
        row(Permute::new([3, 1, 2]), &[2, 3, 4], &[4, 2, 3], 0),
        row(ReLu::new(), &[8], &[8], 0),
        row(ReLu { max_value: Some(1.0), negative_slope: 0.2, threshold: 0.4 }, &[8], &[8], 0),
        row(RepeatVector::new(3), &[4], &[3, 4], 0),
        row(Rescaling::new(0.5).offset(-1.0), &[3], &[3], 0),
        row(Reshape::new([-1, 3]), &[2, 6], &[4, 3], 0),
        row(Softmax::new(), &[2, 4], &[2, 4], 0),
        row(SpatialDropout1d::new(0.4), &[3, 5], &[3, 5], 0),
        row(SpatialDropout2d::new(0.4), &[2, 3, 5], &[2, 3, 5], 0),
    ];
    rows.extend(convolution_layers());
    rows.extend(pooling_layers());
    for activation in activations() {
        rows.push(row(Dense::new(9).activation(activation), &[6], &[9], 63));
        rows.push(row(Dense::new(9).activation(activation), &[2], &[9], 27));
        rows.push(row(ActivationLayer::new(activation), &[8], &[8], 0));
    }
    rows.extend(sequences());
    rows
}

/// Recurrent layers, those that wrap others, and embeddings.
fn sequences() -> Vec<Row> {
    let relu = Activation::Relu;
    let hard = Activation::HardSigmoid;
    let tokens = |layer: Embedding, input: &[usize], output: &[usize]| Row {
        tokens: true,
        ..row(layer.clone(), input, output, layer.input_dim * layer.output_dim)
    };
    let mut rows = vec![
        tokens(Embedding::new(6, 3), &[4], &[4, 3]),
        tokens(Embedding::new(7, 2).mask_zero(true), &[2, 3], &[2, 3, 2]),
        row(SimpleRnn { use_bias: false, ..SimpleRnn::new(5) }, &[4, 3], &[5], 40),
        row(SimpleRnn { dropout: 0.4, ..SimpleRnn::new(3) }, &[4, 6], &[3], 30),
        row(Lstm { use_bias: false, ..Lstm::new(3) }, &[4, 2], &[3], 60),
        row(Lstm { dropout: 0.4, ..Lstm::new(2).return_sequences(true) }, &[3, 6], &[3, 2], 72),
        row(Lstm { recurrent_activation: hard, ..Lstm::new(3).activation(relu) }, &[4, 5], &[3], 108),
        row(Lstm::new(17), &[3, 1], &[17], 1292),
        row(Gru { use_bias: false, ..Gru::new(3) }, &[4, 2], &[3], 45),
        row(Gru { use_bias: false, reset_after: false, ..Gru::new(3) }, &[4, 2], &[3], 45),
        row(Gru { reset_after: false, ..Gru::new(3).activation(relu) }, &[4, 2], &[3], 54),
        row(SimpleRnn { recurrent_dropout: 0.3, ..SimpleRnn::new(5) }, &[4, 2], &[5], 40),
        row(SimpleRnn { recurrent_dropout: 0.3, dropout: 0.3, ..SimpleRnn::new(5) }, &[4, 2], &[5], 40),
        row(Lstm { recurrent_dropout: 0.3, ..Lstm::new(3).return_sequences(true) }, &[4, 2], &[4, 3], 72),
        row(Lstm { recurrent_dropout: 0.3, dropout: 0.4, ..Lstm::new(3).go_backwards(true) }, &[4, 5], &[3], 108),
        row(Gru { recurrent_dropout: 0.3, dropout: 0.4, ..Gru::new(3) }, &[4, 2], &[3], 63),
        row(Gru { recurrent_dropout: 0.3, dropout: 0.4, reset_after: false, ..Gru::new(3) }, &[4, 2], &[3], 54),
        row(Gru { recurrent_dropout: 0.3, dropout: 0.4, use_bias: false, ..Gru::new(2) }, &[1, 2], &[2], 24),
        row(Gru { dropout: 0.4, ..Gru::new(2).go_backwards(true) }, &[3, 6], &[2], 60),
        row(Gru { recurrent_activation: hard, ..Gru::new(3).activation(Activation::Swish) }, &[4, 5], &[3], 90),
        row(Gru { recurrent_activation: hard, reset_after: false, ..Gru::new(3) }, &[4, 5], &[3], 81),
        row(Gru::new(17), &[3, 1], &[17], 1020),
        row(TimeDistributed::new(Dense::new(2).activation(Activation::Softmax)), &[3, 4], &[3, 2], 10),
        row(TimeDistributed::new(Lstm::new(3)), &[2, 3, 2], &[2, 3], 72),
        row(TimeDistributed::new(TimeDistributed::new(Dropout::new(0.3))), &[2, 3, 2], &[2, 3, 2], 0),
        row(
            Bidirectional::new(Lstm::new(2))
                .backward_layer(LayerSpec::from(Lstm::new(2).activation(relu).go_backwards(true)).name("other")),
            &[3, 2],
            &[4],
            80,
        ),
        row(TimeDistributed::new(Bidirectional::new(Gru::new(2))), &[2, 3, 2], &[2, 4], 72),
        Row { tokens: true, ..row(TimeDistributed::new(Embedding::new(6, 2)), &[3, 2], &[3, 2, 2], 12) },
    ];
    for steps in [1, 4] {
        for sequences in [false, true] {
            for backwards in [false, true] {
                let output = |units: usize| if sequences { vec![steps, units] } else { vec![units] };
                let simple = SimpleRnn::new(5).return_sequences(sequences).go_backwards(backwards);
                let lstm = Lstm::new(3).return_sequences(sequences).go_backwards(backwards);
                let gru = Gru::new(3).return_sequences(sequences).go_backwards(backwards);
                let before = Gru { reset_after: false, ..gru.clone() };
                rows.push(row(simple, &[steps, 3], &output(5), 45));
                rows.push(row(lstm, &[steps, 2], &output(3), 72));
                rows.push(row(gru, &[steps, 2], &output(3), 63));
                rows.push(row(before, &[steps, 2], &output(3), 54));
            }
            for mode in [MergeMode::Concat, MergeMode::Sum, MergeMode::Mul, MergeMode::Ave] {
                let width = if mode == MergeMode::Concat { 4 } else { 2 };
                let output = if sequences { vec![steps, width] } else { vec![width] };
                let simple = SimpleRnn::new(2).return_sequences(sequences);
                rows.push(row(Bidirectional::new(simple).merge_mode(mode), &[steps, 3], &output, 24));
            }
        }
    }
    rows
}

/// Recurrent layers over masked steps: the gradients of the embeddings below say whether the way back skips what it must.
#[test]
fn masked_sequences_conform() {
    for sequences in [false, true] {
        for zero_output_for_mask in [false, true] {
            let gru = Gru { zero_output_for_mask, ..Gru::new(3).return_sequences(sequences) };
            let layers: Vec<LayerSpec> = vec![
                SimpleRnn { zero_output_for_mask, ..SimpleRnn::new(3).return_sequences(sequences) }.into(),
                Lstm { zero_output_for_mask, ..Lstm::new(3).return_sequences(sequences) }.into(),
                Lstm { zero_output_for_mask, ..Lstm::new(3).return_sequences(sequences).go_backwards(true) }.into(),
                Gru { reset_after: false, ..gru.clone() }.into(),
                Bidirectional::new(gru.clone()).into(),
                gru.into(),
            ];
            for layer in layers {
                let text = serde_json::to_string(&layer).unwrap();
                let spec = Sequential::new([5]).layer(Embedding::new(6, 3).mask_zero(true)).layer(layer);
                let spec = if sequences { spec.layer(Lstm::new(2)) } else { spec };
                check_gradients(&spec.into(), true, Mode::Training, &text);
            }
        }
    }
}

fn convolution_layers() -> Vec<Row> {
    use Padding::{Causal, Same, Valid};
    let conv1d = Conv1d::new(3, 3);
    let conv2d = Conv2d::new(3, (3, 2));
    let transpose = Conv2dTranspose::new(3, (3, 2));
    let depthwise = DepthwiseConv2d::new((3, 2));
    let separable = SeparableConv2d::new(3, (3, 2));
    vec![
        row(conv1d.clone(), &[7, 2], &[5, 3], 21),
        row(conv1d.clone().padding(Same).strides(2).activation(Activation::Relu), &[7, 2], &[4, 3], 21),
        row(Conv1d { dilation_rate: 2, use_bias: false, ..conv1d.clone().padding(Causal) }, &[7, 2], &[7, 3], 18),
        row(Conv1d { groups: 2, filters: 4, ..conv1d.activation(Activation::Swish) }, &[7, 4], &[5, 4], 28),
        row(conv2d.clone(), &[5, 6, 2], &[3, 5, 3], 39),
        row(conv2d.clone().padding(Same).activation(Activation::Softmax), &[5, 6, 2], &[5, 6, 3], 39),
        row(conv2d.clone().padding(Same).strides((2, 3)).activation(Activation::Gelu), &[5, 6, 2], &[3, 2, 3], 39),
        row(Conv2d { dilation_rate: (2, 3).into(), ..conv2d.clone().padding(Same) }, &[5, 6, 2], &[5, 6, 3], 39),
        row(Conv2d { groups: 2, filters: 4, ..conv2d.clone().padding(Valid) }, &[5, 6, 4], &[3, 5, 4], 52),
        row(Conv2d { use_bias: false, ..conv2d }, &[3, 2, 2], &[1, 1, 3], 36),
        row(Conv2d::new(3, 1).activation(Activation::Tanh), &[3, 2, 4], &[3, 2, 3], 15),
        row(Conv2d::new(20, 3).padding(Same).activation(Activation::Tanh), &[6, 5, 3], &[6, 5, 20], 560),
        row(transpose.clone(), &[3, 4, 2], &[5, 5, 3], 39),
        row(transpose.clone().strides((2, 3)).activation(Activation::Tanh), &[3, 4, 2], &[7, 12, 3], 39),
        row(transpose.clone().strides(2).padding(Same).activation(Activation::Swish), &[3, 4, 2], &[6, 8, 3], 39),
        row(Conv2dTranspose { dilation_rate: 2.into(), use_bias: false, ..transpose }, &[3, 4, 2], &[7, 6, 3], 36),
        row(depthwise.clone(), &[5, 6, 3], &[3, 5, 3], 21),
        row(depthwise.clone().padding(Same).strides(2).activation(Activation::Relu), &[5, 6, 3], &[3, 3, 3], 21),
        row(depthwise.clone().depth_multiplier(2).activation(Activation::Gelu), &[5, 6, 3], &[3, 5, 6], 42),
        row(
            DepthwiseConv2d { dilation_rate: 2.into(), use_bias: false, ..depthwise.padding(Same) },
            &[5, 6, 3],
            &[5, 6, 3],
            18,
        ),
        row(separable.clone(), &[5, 6, 2], &[3, 5, 3], 21),
        row(separable.clone().padding(Same).strides(2).activation(Activation::Swish), &[5, 6, 2], &[3, 3, 3], 21),
        row(
            SeparableConv2d { dilation_rate: (2, 1).into(), use_bias: false, ..separable.depth_multiplier(2) },
            &[5, 6, 2],
            &[1, 5, 3],
            36,
        ),
    ]
}

fn pooling_layers() -> Vec<Row> {
    use Padding::Same;
    let margins = Margins { top: 0, bottom: 1, left: 2, right: 3 };
    vec![
        row(MaxPooling1d::new(2), &[7, 3], &[3, 3], 0),
        row(MaxPooling1d::new(3).strides(2).padding(Same), &[7, 3], &[4, 3], 0),
        row(AveragePooling1d::new(2), &[7, 3], &[3, 3], 0),
        row(AveragePooling1d::new(3).strides(1).padding(Same), &[7, 3], &[7, 3], 0),
        row(MaxPooling2d::default(), &[5, 6, 2], &[2, 3, 2], 0),
        // Small inputs where there are kinks: two of them in one step spoil every quotient.
        row(MaxPooling2d::new((3, 2)).strides((2, 1)).padding(Same), &[3, 2, 2], &[2, 2, 2], 0),
        row(AveragePooling2d::new((2, 3)), &[5, 6, 2], &[2, 2, 2], 0),
        row(AveragePooling2d::new(3).strides(2).padding(Same), &[5, 6, 2], &[3, 3, 2], 0),
        row(GlobalMaxPooling1d::new(), &[7, 3], &[3], 0),
        row(GlobalMaxPooling2d { keepdims: true }, &[5, 6, 2], &[1, 1, 2], 0),
        row(GlobalAveragePooling1d { keepdims: true }, &[7, 3], &[1, 3], 0),
        row(GlobalAveragePooling2d::new(), &[5, 6, 2], &[2], 0),
        row(BatchNormalization { axis: 1, ..BatchNormalization::new() }, &[3, 4], &[3, 4], 12),
        row(BatchNormalization { axis: -2, scale: false, ..BatchNormalization::new() }, &[2, 4, 3], &[2, 4, 3], 12),
        row(Mask::new(0.0), &[3, 4], &[3, 4], 0),
        row(PReLu::new(), &[8], &[8], 8),
        row(
            PReLu { shared_axes: Some(vec![1, 3]), alpha_initializer: Initializer::Ones, ..PReLu::new() },
            &[2, 4, 3],
            &[2, 4, 3],
            4,
        ),
        row(ZeroPadding1d { padding: [1, 2] }, &[3, 2], &[6, 2], 0),
        row(ZeroPadding2d::new((1, 2)), &[3, 4, 2], &[5, 8, 2], 0),
        row(ZeroPadding2d::new(margins), &[3, 4, 2], &[4, 9, 2], 0),
        row(UpSampling2d::new((2, 3)), &[3, 4, 2], &[6, 12, 2], 0),
    ]
}

fn activations() -> Vec<Activation> {
    let named = [
        "linear",
        "relu",
        "relu6",
        "leaky_relu",
        "elu",
        "selu",
        "sigmoid",
        "hard_sigmoid",
        "tanh",
        "softplus",
        "softsign",
        "swish",
        "gelu",
        "exponential",
        "softmax",
    ];
    named.iter().map(|name| serde_json::from_value((*name).into()).unwrap()).collect()
}

const BATCH: usize = 5;

#[test]
fn every_layer_conforms() {
    for Row { layer, input, output, parameters, tokens } in layers() {
        // Serialization: what is written is read back, and unknown settings are refused.
        let text = serde_json::to_string(&layer).unwrap();
        assert_eq!(serde_json::from_str::<LayerSpec>(&text).unwrap(), layer, "{text}");
        let unknown = text.replacen('{', r#"{"no_such_setting": 1,"#, 1);
        assert!(serde_json::from_str::<LayerSpec>(&unknown).is_err(), "{text} takes unknown settings");

        // Shapes and parameters.
        let alone = Sequential::new(input.clone()).layer(layer.clone());
        let model = Model::build(&alone, Seed::new(1)).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(model.output_shape().sizes(), output, "{text}");
        assert_eq!(model.params().data().len(), parameters, "{text}");

        // Gradients of the parameters and, through a trainable layer below, of the input.
        let mut spec = Sequential::new(input.clone());
        if !tokens {
            let width = *input.last().unwrap();
            spec = spec.layer(LayerSpec::from(Dense::new(width)).name("below"));
        }
        let spec = spec.layer(layer.clone());
        for mode in [Mode::Training, Mode::Inference] {
            check_gradients(&spec.clone().into(), tokens, mode, &text);
        }
    }
}

/// A layer of several inputs: for an input of this shape, branches of these widths, the output.
type MergeRow = (LayerSpec, &'static [usize], &'static [usize], &'static [usize]);

/// Every layer that merges.
fn merges() -> Vec<MergeRow> {
    vec![
        (Add::new().into(), &[5], &[5, 5, 5], &[5]),
        (Add::new().into(), &[2, 3], &[3, 1], &[2, 3]),
        (Subtract::new().into(), &[5], &[5, 5], &[5]),
        (Subtract::new().into(), &[2, 3], &[1, 3], &[2, 3]),
        (Multiply::new().into(), &[5], &[5, 5, 5], &[5]),
        (Multiply::new().into(), &[2, 3], &[3, 1], &[2, 3]),
        (Average::new().into(), &[5], &[5, 5, 5], &[5]),
        (Average::new().into(), &[2, 3], &[1, 3], &[2, 3]),
        (Maximum::new().into(), &[5], &[5, 5, 5], &[5]),
        (Maximum::new().into(), &[2, 3], &[3, 1], &[2, 3]),
        (Minimum::new().into(), &[5], &[5, 5, 5], &[5]),
        (Concatenate::new().into(), &[4], &[2, 3, 1], &[6]),
        (Concatenate::new().into(), &[2, 4], &[2, 3], &[2, 5]),
        (Concatenate::new().axis(1).into(), &[2, 4], &[3, 3], &[4, 3]),
        (Concatenate::new().axis(-2).into(), &[2, 2, 4], &[3, 3], &[2, 4, 3]),
    ]
}

#[test]
fn every_merge_conforms() {
    for (layer, input, widths, output) in merges() {
        let text = serde_json::to_string(&layer).unwrap();
        assert_eq!(serde_json::from_str::<LayerSpec>(&text).unwrap(), layer, "{text}");
        let unknown = text.replacen('{', r#"{"no_such_setting": 1,"#, 1);
        assert!(serde_json::from_str::<LayerSpec>(&unknown).is_err(), "{text} takes unknown settings");

        let names: Vec<String> = (0..widths.len()).map(|i| format!("branch_{i}")).collect();
        let mut graph = Graph::new(input);
        for (name, width) in names.iter().zip(widths) {
            graph = graph.node(name, ["input"], Dense::new(*width));
        }
        let layer = GraphLayer::Own(layer);
        graph.nodes.push(GraphNode { inputs: Some(names), layer });
        let model = Model::build(&graph, Seed::new(1)).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(model.output_shape().sizes(), output, "{text}");
        check_gradients(&graph.into(), false, Mode::Training, &text);
    }
}

/// Ways in which nodes can be wired: values read twice, layers used twice, penalties on their outputs.
fn graphs() -> Vec<(&'static str, Graph)> {
    let dense = || Dense::new(4).activation(Activation::Tanh);
    let l2 = Regularizer::l2(0.3);
    let penalized = || LayerSpec::from(dense().kernel_regularizer(l2.clone())).activity_regularizer(l2.clone());
    let out = || Dense::new(2).activation(Activation::Sigmoid);
    vec![
        (
            "residual",
            Graph::new([4])
                .node("a", ["input"], dense())
                .node("b", ["a"], dense())
                .node("sum", ["a", "b"], Add::new())
                .node("out", ["sum"], out()),
        ),
        (
            "diamond",
            Graph::new([4])
                .node("top", ["input"], penalized())
                .node("left", ["top"], dense())
                .node("right", ["top"], penalized())
                .node("bottom", ["left", "right"], Multiply::new())
                .node("out", ["bottom"], out()),
        ),
        (
            "a layer that reads one value twice",
            Graph::new([4])
                .node("a", ["input"], penalized())
                .node("twice", ["a", "a"], Add::new())
                .node("squares", ["twice", "a", "twice"], Multiply::new())
                .node("out", ["squares"], out()),
        ),
        (
            "a shared layer, in a row and side by side",
            Graph::new([4])
                .node("a", ["input"], penalized())
                .shared("again", ["a"], "a")
                .shared("aside", ["input"], "a")
                .node("joined", ["again", "aside"], Concatenate::new())
                .node("out", ["joined"], out()),
        ),
        (
            "a shared layer as the output",
            Graph::new([4])
                .node("a", ["input"], LayerSpec::from(Dense { activation: Activation::Sigmoid, ..dense() }))
                .shared("out", ["a"], "a"),
        ),
        (
            "a penalized shared layer as the output",
            Graph::new([4])
                .node(
                    "a",
                    ["input"],
                    LayerSpec::from(Dense { activation: Activation::Softmax, ..dense() })
                        .activity_regularizer(l2.clone()),
                )
                .shared("out", ["a"], "a"),
        ),
        (
            "penalties on the outputs of both directions",
            Graph::new([4])
                .node("steps", ["input"], Reshape::new([2, 2]))
                .node(
                    "both",
                    ["steps"],
                    Bidirectional::new(LayerSpec::from(Lstm::new(2)).activity_regularizer(l2.clone())),
                )
                .node("out", ["both"], out()),
        ),
        (
            "an activation of its own as the output",
            Graph::new([4]).node("a", ["input"], dense()).node("b", ["input", "a"], Add::new()).node(
                "out",
                ["b"],
                LayerSpec::from(ActivationLayer::new(Activation::Softmax)),
            ),
        ),
    ]
}

/// The gradient of the total loss of a graph, its penalties included, against difference quotients.
#[test]
fn every_graph_conforms() {
    for (text, graph) in graphs() {
        let spec = ModelSpec::from(&graph);
        let again = serde_json::to_string(&spec).unwrap();
        assert_eq!(serde_json::from_str::<ModelSpec>(&again).unwrap(), spec, "{text}");

        let mut model = Model::build(&graph, Seed::new(2)).unwrap();
        let mut rng = Seed::new(1).rng();
        model.params_mut().data_mut().iter_mut().for_each(|w| *w += (0.3 * rng.normal()) as f32);
        let outputs = model.output_shape().len();
        let x: Vec<f32> = (0..16).map(|_| rng.normal() as f32).collect();
        let y: Vec<f32> =
            (0..4 * outputs).map(|i| if i % outputs == i / outputs % outputs { 1.0 } else { 0.0 }).collect();
        let data = Dataset::new(Shape::new([4]).unwrap(), x, outputs, y).unwrap();
        for loss in [Loss::BINARY_CROSSENTROPY, Loss::CATEGORICAL_CROSSENTROPY, Loss::Mse] {
            let config = FitConfig::new(loss).batch_size(4);
            let first = first_batch(&model, &data, &config).unwrap();
            assert!((first.loss - evaluate(&model, &data, &config).unwrap().loss).abs() < 1e-6);
            for i in 0..model.params().data().len() {
                let w = model.params().data()[i];
                let mut at = |w: f32| {
                    model.params_mut().data_mut()[i] = w;
                    evaluate(&model, &data, &config).unwrap().loss
                };
                let quotient = (at(w + 4e-3) - at(w - 4e-3)) / 8e-3;
                at(w);
                let gradient = f64::from(first.gradients[i]);
                assert!((quotient - gradient).abs() < 2e-3, "{text}: {loss:?} {i}: {gradient} {quotient}");
            }
        }
    }
}

/// The penalty of a shared layer's weights counts once, that of its outputs once for each use.
#[test]
fn a_shared_layer_is_penalized_once() {
    let layer = Dense { use_bias: false, ..Dense::new(2) }.kernel_regularizer(Regularizer::l2(0.5));
    let layer = LayerSpec::from(layer).activity_regularizer(Regularizer::l1(1.0));
    let graph = Graph::new([2]).node("a", ["input"], layer).shared("b", ["a"], "a");
    let mut model = Model::build(&graph, Seed::new(1)).unwrap();
    assert_eq!(model.params().slots().len(), 1);
    model.params_mut().data_mut().copy_from_slice(&[2.0, 0.0, 0.0, 2.0]);
    assert_eq!(model.params().penalty_at(0), 0.5 * 8.0);
    let data = Dataset::new(Shape::new([2]).unwrap(), vec![1.0, 0.0, 0.0, -3.0], 2, vec![0.0; 4]).unwrap();
    let scores = evaluate(&model, &data, &FitConfig::new(Loss::Mse)).unwrap();
    assert_eq!(scores.penalty, 4.0 + (2.0 + 6.0) / 2.0 + (4.0 + 12.0) / 2.0);
}

/// Backward against central differences of Σ c·y, one parameter at a time (at most 40 of each), in f32: within 1% of the
/// largest gradient of that parameter.
fn check_gradients(spec: &ModelSpec, tokens: bool, mode: Mode, text: &str) {
    let mut model = Model::build(spec, Seed::new(2)).unwrap();
    let mut rng = Seed::new(3).rng();
    // Biases begin at 0, where many a mistake hides.
    model.params_mut().data_mut().iter_mut().for_each(|w| *w += (0.3 * rng.normal()) as f32);
    let mut workspace = Workspace::new(&model, BATCH, true);
    let x: Vec<f32> = (0..BATCH * model.input_shape().len())
        .map(|_| if tokens { rng.below(6) as f32 } else { rng.normal() as f32 })
        .collect();
    let c: Vec<f64> = (0..BATCH * model.output_shape().len()).map(|_| rng.normal()).collect();
    let value = |model: &Model, workspace: &mut Workspace| -> f64 {
        workspace.input_mut(x.len()).copy_from_slice(&x);
        workspace.forward(model, BATCH, mode, Seed::new(4));
        workspace.output(model, BATCH).iter().zip(&c).map(|(y, c)| f64::from(*y) * c).sum()
    };
    value(&model, &mut workspace);
    workspace.backward_from(&model, BATCH, &c.iter().map(|c| *c as f32).collect::<Vec<_>>());
    let gradient = workspace.dparams.clone();

    let slots = model.params().slots().to_vec();
    for slot in slots.iter().filter(|slot| slot.spec.trainable) {
        let scale = gradient[slot.range.clone()].iter().fold(0.0f32, |max, g| max.max(g.abs())).max(0.05);
        let stride = slot.range.len().div_ceil(40);
        for i in slot.range.clone().step_by(stride) {
            const STEP: f32 = 4e-3;
            let w = model.params().data()[i];
            let mut at = |w: f32| {
                model.params_mut().data_mut()[i] = w;
                value(&model, &mut workspace)
            };
            // A kink (relu, pooling) inside the step spoils a difference quotient: it must agree on either side.
            let (up, middle, down) = (at(w + STEP), at(w), at(w - STEP));
            let quotient = (up - down) / f64::from(2.0 * STEP);
            let sides = [(up - middle) / f64::from(STEP), (middle - down) / f64::from(STEP)];
            let error = [quotient, sides[0], sides[1]]
                .into_iter()
                .map(|quotient| (quotient - f64::from(gradient[i])).abs())
                .fold(f64::INFINITY, f64::min);
            assert!(
                error < 0.01 * f64::from(scale),
                "{text} {mode:?}: d/d {}[{}] is {} but the difference quotient {quotient} (largest {scale})",
                slot.path,
                i - slot.range.start,
                gradient[i],
            );
            at(w);
        }
    }
}

/// Every loss: serialization, and its gradient against central differences.
#[test]
fn every_loss_conforms() {
    let probabilities = [0.2f32, 0.5, 0.3, 0.7, 0.1, 0.2];
    let free = [0.4f32, -1.3, 2.0, -0.2, 0.9, 0.1];
    let one_hot = [0.0f32, 1.0, 0.0, 1.0, 0.0, 0.0];
    let ids = [1.0f32, 0.0];
    let real = [0.1f32, 0.2, 0.3, -1.0, 2.0, 0.5];
    let table: Vec<(&str, &[f32], &[f32])> = vec![
        (r#""binary_crossentropy""#, &probabilities, &one_hot),
        (r#"{"name": "binary_crossentropy", "from_logits": true, "label_smoothing": 0.1}"#, &free, &one_hot),
        (r#""categorical_crossentropy""#, &probabilities, &one_hot),
        (r#"{"name": "categorical_crossentropy", "from_logits": true, "label_smoothing": 0.1}"#, &free, &one_hot),
        (r#""sparse_categorical_crossentropy""#, &probabilities, &ids),
        (r#"{"name": "sparse_categorical_crossentropy", "from_logits": true}"#, &free, &ids),
        (r#""mse""#, &free, &real),
        (r#""mae""#, &free, &real),
        (r#"{"name": "huber", "delta": 0.7}"#, &free, &real),
        (r#""hinge""#, &free, &one_hot),
        (r#""squared_hinge""#, &free, &one_hot),
        (r#""categorical_hinge""#, &free, &one_hot),
        (r#""log_cosh""#, &free, &real),
        (r#""kl_divergence""#, &probabilities, &one_hot),
        (r#""poisson""#, &probabilities, &one_hot),
        (r#""msle""#, &probabilities, &real),
        (r#""mape""#, &[0.3, 0.3, 0.1, -0.8, 1.7, 0.1], &real),
        (r#""cosine_similarity""#, &free, &real),
    ];
    for (text, p, y) in table {
        let loss: Loss = serde_json::from_str(text).unwrap();
        let again = serde_json::to_string(&loss).unwrap();
        assert_eq!(serde_json::from_str::<Loss>(&again).unwrap(), loss, "{text}");
        let weights = [0.5f32, 0.25];
        let mut dp = vec![f32::NAN; p.len()];
        let value = loss.rows(false, 3, p, y, &weights, &mut dp);
        assert!((value - loss.rows(false, 3, p, y, &weights, &mut [])).abs() < 1e-12);
        for i in 0..p.len() {
            let at = |step: f32| {
                let mut p = p.to_vec();
                p[i] += step;
                loss.rows(false, 3, &p, y, &weights, &mut [])
            };
            let quotient = (at(1e-3) - at(-1e-3)) / 2e-3;
            assert!(
                (quotient - f64::from(dp[i])).abs() < 2e-3 * (1.0 + quotient.abs()),
                "{text}: {i}: {} {quotient}",
                dp[i]
            );
        }
    }
}

/// Every optimizer: serialization, and that it brings a convex problem to its end.
#[test]
fn every_optimizer_conforms() {
    let table = [
        r#"{"name": "sgd", "learning_rate": 0.1}"#,
        r#"{"name": "sgd", "learning_rate": 0.05, "momentum": 0.9}"#,
        r#"{"name": "sgd", "learning_rate": 0.05, "momentum": 0.9, "nesterov": true, "clipnorm": 10}"#,
        r#"{"name": "adam", "learning_rate": 0.02, "global_clipnorm": 10}"#,
        r#"{"name": "adam_w", "learning_rate": 0.02, "weight_decay": 0}"#,
        r#"{"name": "adam", "learning_rate": 0.05, "amsgrad": true}"#,
        r#"{"name": "adam", "learning_rate": 0.05, "gradient_accumulation_steps": 2}"#,
        r#"{"name": "adamax", "learning_rate": 0.05}"#,
        r#"{"name": "nadam", "learning_rate": 0.02}"#,
        r#"{"name": "lion", "learning_rate": 0.005, "use_ema": true, "ema_momentum": 0.9}"#,
        r#"{"name": "rmsprop", "learning_rate": 0.005, "clipvalue": 10}"#,
        r#"{"name": "rmsprop", "learning_rate": 0.001, "momentum": 0.9, "centered": true}"#,
        r#"{"name": "adagrad", "learning_rate": 0.5}"#,
    ];
    let mut rng = Seed::new(1).rng();
    let x: Vec<f32> = (0..80).map(|_| rng.normal() as f32).collect();
    let y: Vec<f32> = x.chunks(2).map(|x| 2.0 * x[0] - x[1] + 0.5).collect();
    let data = Dataset::new(Shape::new([2]).unwrap(), x, 1, y).unwrap();
    for text in table {
        let optimizer: Optimizer = serde_json::from_str(text).unwrap();
        let again = serde_json::to_string(&optimizer).unwrap();
        assert_eq!(serde_json::from_str::<Optimizer>(&again).unwrap(), optimizer, "{text}");
        let mut model = Model::build(&Sequential::new([2]).layer(Dense::new(1)), Seed::new(1)).unwrap();
        let config = FitConfig::new(Loss::Mse).optimizer(optimizer).epochs(600);
        let history = fit(&mut model, &data, None, &config, Seed::new(1), &mut Quiet).unwrap();
        assert!(history.last("loss").unwrap() < 1e-3, "{text}: {:?}", history.last("loss"));
    }
}
