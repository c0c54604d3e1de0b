//! Recurrent layers and those around them against Keras 3.15.1 (TensorFlow 2.21): outputs of small models whose weights and
//! inputs are written as formulas here and there.

use taper::*;

/// Weight i of the model, all parameters in Keras's order one after the other.
fn weight(i: usize) -> f32 {
    ((i * 37 % 101) as f64 / 101.0 - 0.5) as f32
}

/// Number i of the input, two rows one after the other.
fn input(i: usize) -> f32 {
    (((i * 53 % 97) as f64 / 97.0 - 0.5) * 2.0) as f32
}

/// Six tokens, 0 is padding.
fn tokens() -> Sequential {
    Sequential::new([4]).layer(Embedding::new(6, 2).mask_zero(true))
}

fn check(spec: &Sequential, expected: &[f32]) {
    let mut model = Model::build(spec, Seed::new(1)).unwrap();
    model.params_mut().data_mut().iter_mut().enumerate().for_each(|(i, w)| *w = weight(i));
    let x: Vec<f32> = if spec.input_shape == [4] {
        vec![1.0, 2.0, 0.0, 0.0, 0.0, 3.0, 0.0, 4.0]
    } else {
        (0..12).map(input).collect()
    };
    let y = model.predict(&x).unwrap();
    assert_eq!(y.len(), expected.len());
    for (got, want) in y.iter().zip(expected) {
        assert!((got - want).abs() < 2e-6, "{y:?} is not {expected:?}");
    }
}

#[test]
fn simple_rnn() {
    check(&Sequential::new([3, 2]).layer(SimpleRnn::new(2)), &[0.674025, -0.063685, 0.295844, 0.387497]);
}

#[test]
fn simple_rnn_backwards_sequences_no_bias() {
    check(
        &Sequential::new([3, 2])
            .layer(SimpleRnn { use_bias: false, ..SimpleRnn::new(2).go_backwards(true).return_sequences(true) }),
        &[
            0.398929, -0.101618, 0.453298, 0.122405, 0.437323, 0.249319, -0.189476, 0.381973, 0.211153, -0.326282,
            0.433323, -0.150983,
        ],
    );
}

#[test]
fn lstm_sequences() {
    check(
        &Sequential::new([3, 2]).layer(Lstm::new(2).return_sequences(true)),
        &[
            -0.125243, -0.045355, -0.168442, -0.059403, -0.187901, -0.046941, -0.133271, 0.013007, -0.190618, 0.033424,
            -0.164805, -0.029376,
        ],
    );
}

#[test]
fn lstm_other_activations_backwards() {
    check(
        &Sequential::new([3, 2]).layer(Lstm {
            recurrent_activation: Activation::HardSigmoid,
            ..Lstm::new(2).activation(Activation::Softsign).go_backwards(true).return_sequences(true)
        }),
        &[
            -0.077956, -0.006089, -0.106332, -0.029305, -0.114476, -0.056153, -0.047683, -0.036823, -0.091454,
            0.008337, -0.116101, 0.015155,
        ],
    );
}

#[test]
fn gru_reset_after() {
    check(&Sequential::new([3, 2]).layer(Gru::new(2)), &[-0.107046, -0.097118, -0.144752, 0.360973]);
}

#[test]
fn gru_reset_before() {
    check(
        &Sequential::new([3, 2]).layer(Gru { reset_after: false, ..Gru::new(2) }),
        &[-0.095011, -0.245020, -0.150340, 0.230905],
    );
}

#[test]
fn gru_no_bias() {
    check(
        &Sequential::new([3, 2]).layer(Gru { use_bias: false, ..Gru::new(2) }),
        &[0.109743, -0.334854, 0.043926, 0.071096],
    );
}

#[test]
fn bidirectional_lstm_sequences() {
    check(
        &Sequential::new([3, 2]).layer(Bidirectional::new(Lstm::new(2).return_sequences(true))),
        &[
            -0.125243, -0.045355, 0.156863, -0.196844, -0.168442, -0.059403, 0.126490, -0.180088, -0.187901, -0.046941,
            0.079622, -0.127531, -0.133271, 0.013007, 0.079730, -0.200116, -0.190618, 0.033424, 0.087571, -0.153587,
            -0.164805, -0.029376, 0.128610, -0.065042,
        ],
    );
}

#[test]
fn bidirectional_gru_average() {
    check(
        &Sequential::new([3, 2]).layer(Bidirectional::new(Gru::new(2)).merge_mode(MergeMode::Ave)),
        &[-0.075767, 0.159155, -0.025040, 0.254678],
    );
}

#[test]
fn bidirectional_product_with_another_layer() {
    check(
        &Sequential::new([3, 2]).layer(
            Bidirectional::new(SimpleRnn::new(2).return_sequences(true))
                .merge_mode(MergeMode::Mul)
                .backward_layer(Lstm::new(2).return_sequences(true).go_backwards(true)),
        ),
        &[
            0.117014, 0.020801, 0.092777, -0.005903, 0.055205, 0.007978, 0.057346, 0.075298, 0.064251, 0.044836,
            0.038012, -0.025252,
        ],
    );
}

#[test]
fn time_distributed_dense() {
    check(
        &Sequential::new([3, 2]).layer(TimeDistributed::new(Dense::new(2).activation(Activation::Tanh))),
        &[
            0.451780, 0.403767, 0.411427, 0.317557, 0.369394, 0.225756, 0.325792, 0.129763, 0.280760, 0.031275,
            -0.222654, 0.625538,
        ],
    );
}

#[test]
fn masked_lstm_repeats_outputs() {
    check(
        &tokens().layer(Lstm::new(2).return_sequences(true)),
        &[
            0.009734, 0.123921, 0.037844, 0.137050, 0.037844, 0.137050, 0.037844, 0.137050, 0.000000, 0.000000,
            -0.001136, 0.114796, -0.001136, 0.114796, 0.034743, 0.152915,
        ],
    );
}

#[test]
fn masked_lstm_with_zero_output() {
    check(
        &tokens().layer(Lstm { zero_output_for_mask: true, ..Lstm::new(2) }),
        &[0.000000, 0.000000, 0.034743, 0.152915],
    );
}

#[test]
fn masked_simple_rnn_with_zero_outputs() {
    check(
        &tokens().layer(SimpleRnn { zero_output_for_mask: true, ..SimpleRnn::new(2).return_sequences(true) }),
        &[
            -0.048535, 0.250646, -0.279167, 0.301298, 0.000000, 0.000000, 0.000000, 0.000000, 0.000000, 0.000000,
            -0.164266, 0.113033, 0.000000, 0.000000, -0.189110, 0.383233,
        ],
    );
}

#[test]
fn masked_gru_backwards() {
    check(
        &tokens().layer(Gru::new(2).go_backwards(true).return_sequences(true)),
        &[
            0.000000, 0.000000, 0.000000, 0.000000, 0.100503, -0.215860, 0.369893, -0.383341, 0.318073, -0.254513,
            0.318073, -0.254513, 0.225009, -0.371670, 0.225009, -0.371670,
        ],
    );
}

#[test]
fn masked_bidirectional_sequences_are_zero() {
    check(
        &tokens().layer(Bidirectional::new(Lstm::new(2).return_sequences(true))),
        &[
            0.009734, 0.123921, -0.121590, 0.031849, 0.037844, 0.137050, -0.097958, 0.035287, 0.000000, 0.000000,
            0.000000, 0.000000, 0.000000, 0.000000, 0.000000, 0.000000, 0.000000, 0.000000, 0.000000, 0.000000,
            -0.001136, 0.114796, -0.134172, 0.022891, 0.000000, 0.000000, 0.000000, 0.000000, 0.034743, 0.152915,
            -0.071623, 0.038716,
        ],
    );
}

#[test]
fn masked_bidirectional() {
    check(
        &tokens().layer(Bidirectional::new(Lstm::new(2))),
        &[0.037844, 0.137050, -0.121590, 0.031849, 0.034743, 0.152915, -0.134172, 0.022891],
    );
}

#[test]
fn masks_pass_through_a_sequence() {
    check(
        &tokens().layer(Gru { reset_after: false, ..Gru::new(2).return_sequences(true) }).layer(Lstm::new(2)),
        &[0.014061, 0.157007, 0.016214, 0.158835],
    );
}

#[test]
fn weights_have_kerass_names_and_beginnings() {
    let spec = Sequential::new([3, 2])
        .layer(Bidirectional::new(Lstm::new(2).return_sequences(true)))
        .layer(Gru::new(2).return_sequences(true))
        .layer(TimeDistributed::new(Dense::new(2)))
        .layer(SimpleRnn::new(3));
    let model = Model::build(&spec, Seed::new(1)).unwrap();
    let paths: Vec<&str> = model.params().slots().iter().map(|slot| slot.path.as_str()).collect();
    assert_eq!(
        paths,
        [
            "bidirectional/forward_lstm/lstm_cell/kernel",
            "bidirectional/forward_lstm/lstm_cell/recurrent_kernel",
            "bidirectional/forward_lstm/lstm_cell/bias",
            "bidirectional/backward_lstm/lstm_cell/kernel",
            "bidirectional/backward_lstm/lstm_cell/recurrent_kernel",
            "bidirectional/backward_lstm/lstm_cell/bias",
            "gru/gru_cell/kernel",
            "gru/gru_cell/recurrent_kernel",
            "gru/gru_cell/bias",
            "time_distributed/dense/kernel",
            "time_distributed/dense/bias",
            "simple_rnn/simple_rnn_cell/kernel",
            "simple_rnn/simple_rnn_cell/recurrent_kernel",
            "simple_rnn/simple_rnn_cell/bias",
        ]
    );
    let (slot, bias) = model.params().get("bidirectional/backward_lstm/lstm_cell/bias").unwrap();
    assert_eq!((slot.spec.role, bias), (Role::Bias, &[0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0][..]));
    let (slot, bias) = model.params().get("gru/gru_cell/bias").unwrap();
    assert_eq!((slot.spec.shape.sizes(), bias), (&[2, 6][..], &[0.0; 12][..]));
    let (slot, kernel) = model.params().get("simple_rnn/simple_rnn_cell/recurrent_kernel").unwrap();
    assert_eq!(slot.spec.role, Role::RecurrentKernel);
    let length: f32 = kernel.chunks(3).map(|row| row[0] * row[0]).sum();
    assert!((length - 1.0).abs() < 1e-5, "orthogonal: columns have length 1");
}

#[test]
fn mistakes_are_complaints_with_their_place() {
    let error = |spec: &Sequential| Model::build(spec, Seed::new(1)).unwrap_err().to_string();
    let of = |layer: LayerSpec| Sequential::new([3, 2]).layer(layer);
    for (layer, expected) in [
        (Lstm::new(0).into(), "layers[0].units: expected a whole number of at least 1, got 0"),
        (Lstm::new(usize::MAX).into(), "layers[0].units.shape: expected at most 2^40 numbers"),
        (
            Gru { recurrent_dropout: -0.5, ..Gru::new(2) }.into(),
            "layers[0].recurrent_dropout: expected a number of at least 0 and below 1, got -0.5",
        ),
        (Gru { dropout: 1.0, ..Gru::new(2) }.into(), "layers[0].dropout: expected a number of at least 0 and below 1"),
        (
            Lstm::new(2).activation(Activation::Softmax).into(),
            "layers[0].activation: expected a function of one number",
        ),
        (Lstm::new(2).recurrent_regularizer(Regularizer::l2(-1.0)).into(), "layers[0].recurrent_regularizer.l2: "),
        (Bidirectional::new(Dense::new(2)).into(), "layers[0].of.layer: expected simple_rnn, lstm or gru, got dense"),
        (Bidirectional::new(Lstm::new(0)).into(), "layers[0].of.units: expected a whole number of at least 1, got 0"),
        (
            Bidirectional::new(Lstm::new(2).kernel_regularizer(Regularizer::l1(-1.0))).into(),
            "layers[0].of.kernel_regularizer.l1: ",
        ),
        (
            Bidirectional::new(Lstm::new(2)).backward_layer(Gru::new(2)).into(),
            "layers[0].backward_layer.go_backwards: expected true, unlike the other way, got false",
        ),
        (
            Bidirectional::new(Lstm::new(2)).backward_layer(Gru::new(3).go_backwards(true)).into(),
            "layers[0].backward_layer.units: expected 2, got 3",
        ),
        (
            TimeDistributed::new(LayerSpec::from(Dense::new(2)).activity_regularizer(Regularizer::l1(0.1))).into(),
            "layers[0].of.activity_regularizer: ",
        ),
        (
            TimeDistributed::new(Bidirectional::new(
                LayerSpec::from(Lstm::new(2)).activity_regularizer(Regularizer::l1(0.1)),
            ))
            .into(),
            "layers[0].of.of.activity_regularizer: ",
        ),
        (Embedding::new(0, 2).into(), "layers[0].input_dim: expected a whole number of at least 1, got 0"),
    ] {
        let message = error(&of(layer));
        assert!(message.starts_with(expected), "{message}");
        assert_eq!(message.lines().count(), 1, "{message}");
    }
    assert!(
        error(&Sequential::new([3]).layer(Lstm::new(2))).starts_with("layers[0]: expected an input of two dimensions")
    );
    assert!(error(&Sequential::new([3]).layer(TimeDistributed::new(Dense::new(2)))).contains("(steps, …)"));
}

#[test]
fn ids_that_are_no_tokens_are_refused_by_row_and_column() {
    let spec = tokens().layer(Lstm::new(2)).layer(Dense::new(1));
    let mut model = Model::build(&spec, Seed::new(1)).unwrap();
    for bad in [6.0, -1.0, 1.5, f32::NAN, 1e30] {
        let error = model.predict(&[0.0, 1.0, 2.0, 3.0, 4.0, 5.0, bad, 0.0]).unwrap_err().to_string();
        let expected = "x, row 2, column 3: expected an id from 0 to 5, because layer `embedding` knows 6 tokens, got ";
        assert!(error.starts_with(expected), "{error}");
    }
    let data = Dataset::new(Shape::new([4]).unwrap(), vec![0.0, 1.0, 9.0, 3.0], 1, vec![0.0]).unwrap();
    let config = FitConfig::new(Loss::Mse);
    let error = fit(&mut model, &data, None, &config, Seed::new(1), &mut Quiet).unwrap_err().to_string();
    assert!(error.starts_with("train.x, row 1, column 3: "), "{error}");

    // Ids that a layer computes cannot be checked beforehand: they give NaN, which a training notices.
    let spec = Sequential::new([4]).layer(Dense::new(4)).layer(Embedding::new(3, 2)).layer(Flatten::new());
    let mut model = Model::build(&spec, Seed::new(1)).unwrap();
    model.params_mut().data_mut()[..16].fill(100.0);
    assert!(model.predict(&[1.0; 4]).unwrap().iter().all(|y| y.is_nan()));
}
