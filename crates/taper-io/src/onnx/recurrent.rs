//! Recurrent layers as ONNX's own: steps come first, gates stand in another order, and biases are two.

use taper::{Activation, Bidirectional, Complaint, LayerKind, LayerSpec, MergeMode};

use super::mask::Together;
use super::proto::Attribute;
use super::writer::{Value, Writer};
use super::{Param, refuse};

/// What the three kinds have in common.
struct Cell {
    operation: &'static str,
    units: usize,
    /// Where ONNX's gate `i` stands in Keras's order.
    gates: &'static [usize],
    functions: Vec<Activation>,
    sequences: bool,
    backwards: bool,
    /// For GRU: whether the reset gate acts after the product.
    reset_after: Option<bool>,
    /// Whether steps that do not count give 0, not what the last one gave.
    zeros: bool,
}

fn cell(spec: &LayerSpec) -> Result<Cell, Complaint> {
    Ok(match &spec.kind {
        LayerKind::SimpleRnn(layer) => Cell {
            operation: "RNN",
            units: layer.units,
            gates: &[0],
            functions: vec![layer.activation],
            sequences: layer.return_sequences,
            backwards: layer.go_backwards,
            reset_after: None,
            zeros: layer.zero_output_for_mask,
        },
        LayerKind::Lstm(layer) => Cell {
            operation: "LSTM",
            units: layer.units,
            gates: &[0, 3, 1, 2], // i, o, f, c of i, f, c, o
            functions: vec![layer.recurrent_activation, layer.activation, layer.activation],
            sequences: layer.return_sequences,
            backwards: layer.go_backwards,
            reset_after: None,
            zeros: layer.zero_output_for_mask,
        },
        LayerKind::Gru(layer) => Cell {
            operation: "GRU",
            units: layer.units,
            gates: &[0, 1, 2],
            functions: vec![layer.recurrent_activation, layer.activation],
            sequences: layer.return_sequences,
            backwards: layer.go_backwards,
            reset_after: Some(layer.reset_after),
            zeros: layer.zero_output_for_mask,
        },
        _ => return Err(refuse(spec, "another layer over steps")),
    })
}

/// The name of a function within a recurrent operator, with its two settings.
fn function(spec: &LayerSpec, function: Activation) -> Result<(&'static str, f32, f32), Complaint> {
    Ok(match function {
        Activation::Tanh => ("Tanh", 0.0, 0.0),
        Activation::Sigmoid => ("Sigmoid", 0.0, 0.0),
        Activation::Relu => ("Relu", 0.0, 0.0),
        Activation::HardSigmoid => ("HardSigmoid", 1.0 / 6.0, 0.5),
        Activation::HardSigmoidKeras2 => ("HardSigmoid", 0.2, 0.5),
        Activation::Softsign => ("Softsign", 0.0, 0.0),
        Activation::Softplus => ("Softplus", 0.0, 0.0),
        Activation::Linear => ("Affine", 1.0, 0.0),
        _ => return Err(refuse(spec, "an activation that its recurrent operators do not have")),
    })
}

/// One direction; `turned` reads the steps the other way round than the layer says. `within` a bidirectional layer, steps that do not
/// count give 0 whatever the layer says.
pub(super) fn emit(
    writer: &mut Writer,
    spec: &LayerSpec,
    params: &[Param<'_>],
    input: &Value,
    mask: Option<&Value>,
    turned: bool,
    within: bool,
) -> Result<String, Complaint> {
    let cell = cell(spec)?;
    let backwards = cell.backwards != turned;
    let [kernel, recurrent, ref bias @ ..] = *params else { return Err(refuse(spec, "a layer without weights")) };
    let (units, count) = (cell.units, cell.gates.len());
    let features = kernel.sizes[0];

    let mut functions = vec![];
    for activation in &cell.functions {
        functions.push(function(spec, *activation)?);
    }
    // (1, gates · units, inputs), from Keras's (inputs, gates · units).
    let turn = |weights: Param<'_>, rows: usize| -> Vec<f32> {
        let places = cell.gates.iter().flat_map(|gate| (0..units).map(move |unit| gate * units + unit));
        places.flat_map(|place| (0..rows).map(move |row| weights.data[row * count * units + place])).collect()
    };
    let reorder = |row: &[f32]| -> Vec<f32> {
        cell.gates.iter().flat_map(|gate| row[gate * units..(gate + 1) * units].to_vec()).collect()
    };
    let width = count * units;
    let w = writer.floats(&[1, width, features], &turn(kernel, features));
    let r = writer.floats(&[1, width, units], &turn(recurrent, units));
    let both = match bias {
        [bias] if bias.data.len() == 2 * width => [reorder(&bias.data[..width]), reorder(&bias.data[width..])].concat(),
        [bias] => [reorder(bias.data), vec![0.0; width]].concat(),
        _ => vec![0.0; 2 * width],
    };
    let b = writer.floats(&[1, 2 * width], &both);

    let mut attributes = vec![
        ("hidden_size", Attribute::Int(units as i64)),
        ("direction", Attribute::Text(if backwards { "reverse" } else { "forward" })),
        ("activations", Attribute::Texts(functions.iter().map(|(name, ..)| *name).collect())),
        ("activation_alpha", Attribute::Floats(functions.iter().map(|(_, alpha, _)| *alpha).collect())),
        ("activation_beta", Attribute::Floats(functions.iter().map(|(.., beta)| *beta).collect())),
    ];
    if let Some(reset_after) = cell.reset_after {
        attributes.push(("linear_before_reset", Attribute::Int(reset_after.into())));
    }
    // Steps that do not count are left out: the others are brought together, and what comes out is put back.
    let together = mask.map(|mask| Together::new(writer, input, &mask.name));
    let x = together.as_ref().map_or(&input.name, |together| &together.x);
    let steps = writer.transpose(x, &[1, 0, 2]);
    let mut inputs = vec![steps.as_str(), &w, &r, &b];
    inputs.extend(together.as_ref().map(|together| together.lengths.as_str()));
    let results = writer.node_of(cell.operation, &inputs, 2, &attributes);
    if !cell.sequences {
        // (1, rows, units)
        let axes = writer.ints(&[0]);
        return Ok(writer.node("Squeeze", &[&results[1], &axes], &[]));
    }
    // (steps, 1, rows, units), in the order of the input; Keras leaves what was read backwards in that order.
    let axes = writer.ints(&[1]);
    let all = writer.node("Squeeze", &[&results[0], &axes], &[]);
    let mut all = writer.transpose(&all, &[1, 0, 2]);
    if let Some(together) = together {
        all = together.back(writer, &all, backwards, cell.zeros || within);
    }
    Ok(if backwards { reversed(writer, &all) } else { all })
}

/// The steps the other way round.
fn reversed(writer: &mut Writer, x: &str) -> String {
    let [start, end, axis, step] = [&[-1], &[i64::MIN], &[1], &[-1]].map(|number| writer.ints(number));
    writer.node("Slice", &[x, &start, &end, &axis, &step], &[])
}

pub(super) fn bidirectional(
    writer: &mut Writer,
    layer: &Bidirectional,
    params: &[Param<'_>],
    input: &Value,
    mask: Option<&Value>,
) -> Result<String, Complaint> {
    let (ahead, back) = params.split_at(params.len() / 2);
    let forward = emit(writer, &layer.of, ahead, input, mask, false, true)?;
    let (spec, turned) = match &layer.backward_layer {
        Some(spec) => (spec, false),
        None => (&layer.of, true),
    };
    let sequences = cell(spec)?.sequences;
    let mut backward = emit(writer, spec, back, input, mask, turned, true)?;
    if sequences {
        backward = reversed(writer, &backward);
    }
    let pair = [forward.as_str(), backward.as_str()];
    Ok(match layer.merge_mode {
        MergeMode::Concat => writer.node("Concat", &pair, &[("axis", Attribute::Int(-1))]),
        MergeMode::Sum => writer.node("Add", &pair, &[]),
        MergeMode::Mul => writer.node("Mul", &pair, &[]),
        MergeMode::Ave => {
            let sum = writer.node("Add", &pair, &[]);
            let half = writer.number(0.5);
            writer.node("Mul", &[&sum, &half], &[])
        }
    })
}
