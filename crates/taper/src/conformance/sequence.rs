//! Recurrent layers, those that wrap others, and embeddings.

use super::gradient::check_gradients;
use super::layer::{Row, row};
use crate::layer::Mode;
use crate::*;

pub(super) fn sequences() -> Vec<Row> {
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
        row(TimeDistributed::new(BatchNormalization::new()), &[3, 4], &[3, 4], 16),
        row(
            TimeDistributed::new(BatchNormalization { axis: 1, ..BatchNormalization::new() }),
            &[2, 3, 2],
            &[2, 3, 2],
            12,
        ),
        row(TimeDistributed::new(LayerNormalization::new().axis([1])), &[2, 3, 2], &[2, 3, 2], 6),
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
