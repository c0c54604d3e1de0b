//! Every layer alone: serialization, shapes, gradients.

use super::gradient::check_gradients;
use super::sequence::sequences;
use crate::layer::Mode;
use crate::*;

/// A layer, an input shape, and what must come of it.
pub(super) struct Row {
    pub(super) layer: LayerSpec,
    pub(super) input: Vec<usize>,
    pub(super) output: Vec<usize>,
    pub(super) parameters: usize,
    /// Whether the inputs are token ids, so that nothing can be trained below.
    pub(super) tokens: bool,
}

pub(super) fn row(layer: impl Into<LayerSpec>, input: &[usize], output: &[usize], parameters: usize) -> Row {
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
        row(LayerNormalization::new().axis([1, 2]), &[3, 4, 2], &[3, 4, 2], 24),
        row(LayerNormalization::new().axis([-1, 1]), &[3, 2, 4], &[3, 2, 4], 24),
        row(LayerNormalization::new().axis([1, 2, 3]), &[3, 2, 4], &[3, 2, 4], 48),
        row(LeakyReLu::new(), &[8], &[8], 0),
        row(Permute::new([3, 1, 2]), &[2, 3, 4], &[4, 2, 3], 0),
        row(ReLu::new(), &[8], &[8], 0),
        row(ReLu { max_value: Some(1.0), negative_slope: 0.2, threshold: 0.4 }, &[8], &[8], 0),
        row(RepeatVector::new(3), &[4], &[3, 4], 0),
        row(Rescaling::new(0.5).offset(-1.0), &[3], &[3], 0),
        row(Reshape::new([-1, 3]), &[2, 6], &[4, 3], 0),
        row(Softmax::new(), &[2, 4], &[2, 4], 0),
        row(Softmax::new().axis([1]), &[3, 4], &[3, 4], 0),
        row(Softmax::new().axis([1, -1]), &[2, 3, 2], &[2, 3, 2], 0),
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

fn convolution_layers() -> Vec<Row> {
    use Padding::{Causal, Same, Valid};
    let conv1d = Conv1d::new(3, 3);
    let conv2d = Conv2d::new(3, (3, 2));
    let transpose = Conv2dTranspose::new(3, (3, 2));
    let transpose1d = Conv1dTranspose::new(3, 3);
    let depthwise1d = DepthwiseConv1d::new(3);
    let separable1d = SeparableConv1d::new(3, 3);
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
        row(
            Conv2dTranspose { output_padding: Some((1, 0).into()), ..transpose.clone().strides(2) },
            &[3, 4, 2],
            &[8, 8, 3],
            39,
        ),
        row(
            Conv2dTranspose { output_padding: Some((0, 2).into()), ..transpose.clone().strides((2, 3)).padding(Same) },
            &[3, 4, 2],
            &[5, 11, 3],
            39,
        ),
        row(Conv2dTranspose { dilation_rate: 2.into(), use_bias: false, ..transpose }, &[3, 4, 2], &[7, 6, 3], 36),
        row(transpose1d.clone(), &[5, 2], &[7, 3], 21),
        row(transpose1d.clone().strides(2).padding(Same).activation(Activation::Swish), &[5, 2], &[10, 3], 21),
        row(
            Conv1dTranspose { output_padding: Some(0), ..transpose1d.clone().strides(3).padding(Same) },
            &[5, 2],
            &[13, 3],
            21,
        ),
        row(Conv1dTranspose { dilation_rate: 2, use_bias: false, ..transpose1d }, &[5, 2], &[9, 3], 18),
        row(depthwise1d.clone(), &[7, 3], &[5, 3], 12),
        row(depthwise1d.clone().padding(Same).strides(2).activation(Activation::Gelu), &[7, 3], &[4, 3], 12),
        row(
            DepthwiseConv1d { dilation_rate: 2, use_bias: false, ..depthwise1d.depth_multiplier(2) },
            &[7, 3],
            &[3, 6],
            18,
        ),
        row(separable1d.clone(), &[7, 2], &[5, 3], 15),
        row(separable1d.clone().padding(Same).strides(2).activation(Activation::Swish), &[7, 2], &[4, 3], 15),
        row(
            SeparableConv1d { dilation_rate: 2, use_bias: false, ..separable1d.depth_multiplier(2) },
            &[7, 2],
            &[3, 3],
            24,
        ),
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
        row(Cropping1d { cropping: [1, 2] }, &[5, 2], &[2, 2], 0),
        row(Cropping2d::new(margins), &[3, 7, 2], &[2, 2, 2], 0),
        row(UpSampling1d { size: 3 }, &[3, 2], &[9, 2], 0),
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
        "celu",
        "hard_shrink",
        "hard_silu",
        "hard_tanh",
        "log_sigmoid",
        "mish",
        "soft_shrink",
        "sparse_plus",
        "sparse_sigmoid",
        "squareplus",
        "tanh_shrink",
    ];
    named.iter().map(|name| serde_json::from_value((*name).into()).unwrap()).collect()
}

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
