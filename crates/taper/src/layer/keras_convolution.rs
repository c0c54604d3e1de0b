//! Convolution and pooling against what Keras computes, values and gradients.

use super::{Backward, Forward, InputGradients, Inputs, Layer, LayerSpec, Mode};
use crate::Seed;
use crate::shape::Shape;

/// One case of `tests/golden/keras_convolution.json`; `make_convolution.py` beside it says what the numbers are.
#[derive(serde::Deserialize)]
struct Case {
    spec: LayerSpec,
    input: Vec<usize>,
    /// How coarsely the inputs are rounded; 0: not at all.
    levels: u8,
    output: Vec<usize>,
    y: f64,
    dx: f64,
    dparams: f64,
}

const BATCH: usize = 2;

/// The numbers that both sides make up.
fn f(n: usize, seed: usize) -> Vec<f32> {
    (0..n).map(|i| ((((i * 7919 + seed * 104_729) % 1009) as f64 - 504.0) / 504.0) as f32).collect()
}

fn dot(values: &[f32], seed: usize) -> f64 {
    values.iter().zip(f(values.len(), seed)).map(|(value, weight)| f64::from(*value) * f64::from(weight)).sum()
}

/// Output, gradient of the input, gradient of the parameters; each buffer begins as NaN.
fn run(layer: &dyn Layer, x: &[f32], mask: &[f32]) -> (Vec<f32>, Vec<f32>, Vec<f32>) {
    let len: usize = layer.params().iter().map(|param| param.shape.len()).sum();
    let params: Vec<f32> = f(len, 2).iter().map(|w| w * 0.5).collect();
    let nan = |len| vec![f32::NAN; len];
    let (mut y, mut dparams) = (nan(BATCH * layer.output_shape().len()), nan(params.len()));
    let (mut cache, mut scratch) = (nan(layer.cache_len(BATCH)), nan(layer.scratch_len(BATCH)));
    let inputs = Inputs::lend(BATCH, x, (!mask.is_empty()).then_some(mask));
    layer.forward(Forward {
        batch: BATCH,
        inputs,
        y: &mut y,
        params: &params,
        cache: &mut cache,
        scratch: &mut scratch,
        mode: Mode::Training,
        frozen: false,
        seed: Seed::new(1),
    });
    let (mut dy, mut dx) = (f(y.len(), 3), nan(x.len()));
    scratch.fill(f32::NAN);
    layer.backward(Backward {
        batch: BATCH,
        inputs,
        y: &y,
        dy: &mut dy,
        params: &params,
        dparams: &mut dparams,
        dx: &mut InputGradients::Lent(Some(&mut dx)),
        cache: &mut cache,
        frozen: false,
        epoch: 0,
        scratch: &mut scratch,
    });
    (y, dx, dparams)
}

#[test]
fn convolution_and_pooling_agree_with_keras() {
    let cases: Vec<Case> = serde_json::from_str(include_str!("../../tests/golden/keras_convolution.json")).unwrap();
    for case in cases {
        let text =
            format!("{} on {:?} ({} levels)", serde_json::to_string(&case.spec).unwrap(), case.input, case.levels);
        let shape = Shape::new(case.input).unwrap();
        let layer = case.spec.kind.build(std::slice::from_ref(&shape)).unwrap();
        assert_eq!(layer.output_shape().sizes(), case.output, "{text}");
        let mut x = f(BATCH * shape.len(), 1);
        if case.levels > 0 {
            let levels = f32::from(case.levels);
            x.iter_mut().for_each(|x| *x = (*x * levels).round_ties_even() / levels);
        }
        let (y, dx, dparams) = run(layer.as_ref(), &x, &[]);
        for (what, got, want) in
            [("y", dot(&y, 3), case.y), ("dx", dot(&dx, 4), case.dx), ("dparams", dot(&dparams, 5), case.dparams)]
        {
            assert!((got - want).abs() < 1e-5 * want.abs().max(1.0), "{text}: {what} is {got}, not {want}");
        }
    }
}

#[test]
fn a_masked_mean_leaves_steps_out() {
    let spec = LayerSpec::from(super::GlobalAveragePooling1d::new());
    let layer = spec.kind.build(&[Shape::new([3, 1]).unwrap()]).unwrap();
    let (y, dx, _) = run(layer.as_ref(), &[1.0, 3.0, 100.0, 7.0, 8.0, 9.0], &[1.0, 1.0, 0.0, 0.0, 0.0, 1.0]);
    assert_eq!(y, [2.0, 9.0]);
    let dy = f(2, 3);
    assert_eq!(dx, [dy[0] / 2.0, dy[0] / 2.0, 0.0, 0.0, 0.0, dy[1]]);
}

#[test]
fn mistakes_are_named() {
    let error = |text: &str, input: &[usize]| {
        let spec = crate::spelling::read::<LayerSpec>(serde_json::from_str(text).unwrap());
        let built = spec.and_then(|spec| spec.kind.build(&[Shape::new(input).unwrap()]));
        built.unwrap_err().to_string()
    };
    let image = [5, 6, 4];
    for (text, input, want) in [
        (
            r#"{"layer": "conv2d", "filters": 3, "kernel_size": 9}"#,
            &image[..],
            "kernel_size: expected a window that fits an input of height 5 and width 6, got (9, 9)",
        ),
        (
            r#"{"layer": "conv2d", "filters": 3, "kernel_size": [3]}"#,
            &image,
            "kernel_size: expected a whole number, or two of them, got [3]",
        ),
        (
            r#"{"layer": "conv2d", "filters": 3, "kernel_size": 0}"#,
            &image,
            "kernel_size: expected whole numbers of at least 1, got (0, 0)",
        ),
        (
            r#"{"layer": "conv2d", "filters": 0, "kernel_size": 3}"#,
            &image,
            "filters: expected a whole number of at least 1, got 0",
        ),
        (
            r#"{"layer": "conv2d", "filters": 3, "kernel_size": 3, "groups": 2}"#,
            &image,
            "groups: expected a divisor of the 3 filters, got 2",
        ),
        (
            r#"{"layer": "conv2d", "filters": 3, "kernel_size": 3, "groups": 3}"#,
            &image,
            "groups: expected a divisor of the input's 4 channels, got 3",
        ),
        (
            r#"{"layer": "conv2d", "filters": 3, "kernel_size": 3, "groups": 0}"#,
            &image,
            "groups: expected a whole number of at least 1, got 0",
        ),
        (
            r#"{"layer": "conv2d", "filters": 3, "kernel_size": 3, "padding": "causal"}"#,
            &image,
            "padding: expected one of valid, same, got `causal`",
        ),
        (
            r#"{"layer": "conv2d", "filters": 3, "kernel_size": 2, "strides": 2, "dilation_rate": 2}"#,
            &image,
            "dilation_rate: expected 1 where strides are greater than 1 ((2, 2)), got (2, 2)",
        ),
        (
            r#"{"layer": "conv2d", "filters": 3, "kernel_size": 3, "dilation_rate": 18446744073709551615, "padding": "same"}"#,
            &image,
            "kernel_size: expected a window that fits",
        ),
        (r#"{"layer": "conv2d", "filters": 1099511627776, "kernel_size": 3}"#, &image, "filters: "),
        (
            r#"{"layer": "conv2d", "filters": 3, "kernel_size": 3}"#,
            &image[..2],
            "expected an input of shape (height, width, channels), got (5, 6)",
        ),
        (
            r#"{"layer": "conv1d", "filters": 3, "kernel_size": [3, 3]}"#,
            &image[..2],
            "kernel_size: expected a whole number, got [3,3]",
        ),
        (
            r#"{"layer": "conv1d", "filters": 3, "kernel_size": 3}"#,
            &image,
            "expected an input of shape (steps, channels), got (5, 6, 4)",
        ),
        (
            r#"{"layer": "conv2d_transpose", "filters": 3, "kernel_size": 3, "strides": 9007199254740993}"#,
            &image,
            "kernel_size: expected a window that fits",
        ),
        (
            r#"{"layer": "depthwise_conv2d", "kernel_size": 3, "depth_multiplier": 0}"#,
            &image,
            "depth_multiplier: expected a whole number of at least 1, got 0",
        ),
        (
            r#"{"layer": "depthwise_conv2d", "kernel_size": 3, "depthwise_regularizer": {"l2": -1}}"#,
            &image,
            "depthwise_regularizer.l2: ",
        ),
        (
            r#"{"layer": "separable_conv2d", "filters": 2, "kernel_size": 3, "pointwise_initializer": {"name": "random_normal", "stddev": -1}}"#,
            &image,
            "pointwise_initializer: ",
        ),
        (
            r#"{"layer": "conv2d", "filters": 3, "kernel_size": 3, "strides": 18446744073709551615}"#,
            &image,
            "strides: expected whole numbers of at most 2147483647",
        ),
        (r#"{"layer": "max_pooling2d", "pool_size": 6}"#, &image, "pool_size: expected a window that fits"),
        (r#"{"layer": "max_pooling2d", "padding": "causal"}"#, &image, "padding: expected one of valid, same"),
        (r#"{"layer": "max_pooling1d", "strides": 0}"#, &image[..2], "strides: expected whole numbers of at least 1"),
        (
            r#"{"layer": "zero_padding2d", "padding": 18446744073709551615}"#,
            &image,
            "padding: expected an output of at most 2^40 numbers",
        ),
        (
            r#"{"layer": "zero_padding2d", "padding": [1, 2, 3]}"#,
            &image,
            "padding: expected a whole number, two of them",
        ),
        (r#"{"layer": "up_sampling2d", "size": 0}"#, &image, "size: expected whole numbers of at least 1"),
    ] {
        let got = error(text, input);
        assert!(got.starts_with(want), "{text}: {got}");
    }
}
