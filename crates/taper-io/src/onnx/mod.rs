//! Models as ONNX, for whatever runs ONNX.
//!
//! A model becomes a graph of standard operators (opset 17). One that was trained on a table takes the table's columns, one input
//! each (numbers as double, categories as strings, `[rows, 1]`), prepares them as its training rows were, and says what it says of
//! them in the table's words: `prediction`, and of classes `probabilities`. Any other goes from `input` to `output`, both float32
//! with rows first, as Taper has them: images have their channels last, tokens are floats. Weights lie in the file. What ONNX's
//! operators cannot say as Taper computes it is refused by name before anything is written. Masks travel as truth values beside the
//! tensors that they are about.

mod activation;
mod answer;
mod layer;
mod mask;
mod preparation;
mod proto;
mod recurrent;
mod window;
mod writer;

use std::path::Path;

use taper::{Complaint, Complaints, LayerSpec, Model, Result};

use crate::{Error, SavedModel, write_atomic};
use proto::Element;
use writer::{Value, Writer};

/// Writes a model for inference as ONNX, with the preparation of its rows.
///
/// # Errors
///
/// Layers and settings that ONNX has no operators for, by name; [`Error::Io`].
pub fn write_onnx(path: &Path, saved: &SavedModel) -> crate::Result<()> {
    write_atomic(path, &onnx_bytes(saved).map_err(|error| Error::within(path, error))?)
}

/// The contents of an ONNX file.
///
/// # Errors
///
/// As [`write_onnx`].
///
/// # Example
///
/// ```
/// use taper::{Activation, Dense, Model, Seed, Sequential};
///
/// # fn main() -> taper::Result<()> {
/// let spec = Sequential::new([4]).layer(Dense::new(8).activation(Activation::Relu)).layer(Dense::new(1));
/// let bytes = taper_io::onnx_bytes(&Model::build(&spec, Seed::new(1))?.into())?; // onnxruntime runs these
/// assert!(bytes.len() > 4 * (4 * 8 + 8 + 8 + 1));
/// # Ok(())
/// # }
/// ```
pub fn onnx_bytes(saved: &SavedModel) -> Result<Vec<u8>> {
    let mut writer = Writer::default();
    writer.say("taper_version", env!("CARGO_PKG_VERSION"));
    let sizes = saved.model.input_shape().sizes();
    match &saved.prepared {
        Some(prepared) if saved.is_of_table() => {
            let inputs = preparation::columns(&mut writer, prepared)?;
            let y = network(&mut writer, &saved.model, Value { name: inputs.x, sizes: sizes.to_vec() })?;
            answer::say(&mut writer, saved, &y, inputs.refused.as_deref());
        }
        prepared => {
            let mut x = writer.input("input", Element::Float, sizes);
            if let Some(prepared) = prepared {
                x = preparation::scale(&mut writer, prepared, &x, sizes)?;
            }
            let y = network(&mut writer, &saved.model, Value { name: x, sizes: sizes.to_vec() })?;
            writer.output("output", &y.name, Element::Float, &y.sizes);
        }
    }
    Ok(writer.finish())
}

/// The layers of a model, from its input to its output.
fn network(writer: &mut Writer, model: &Model, input: Value) -> Result<Value> {
    let (summary, specs) = (model.summary(), model.spec().owned());
    let mut values = vec![input.clone()];
    let mut masks: Vec<Option<Value>> = vec![None];
    let mut complaints = Complaints::new();
    for (i, usage) in model.uses().into_iter().enumerate() {
        let (layer, spec) = (&summary[usage.layer], specs[usage.layer]);
        let sources: Vec<Value> = usage.inputs.iter().map(|source| values[*source].clone()).collect();
        let their_masks: Vec<Option<Value>> = usage.inputs.iter().map(|source| masks[*source].clone()).collect();
        let prefix = format!("{}/", layer.name);
        let params: Vec<Param<'_>> = model
            .params()
            .iter()
            .filter(|(slot, _)| slot.path.starts_with(&prefix))
            .map(|(slot, data)| Param { sizes: slot.spec.shape.sizes(), data })
            .collect();
        let sizes = layer.output_shape.sizes();
        let mask = mask::of_output(writer, &spec.kind, &sources, &their_masks, usage.passes_mask, sizes);
        let own = their_masks.first().and_then(Option::as_ref);
        let value = layer::emit(writer, spec, &params, &sources, own, sizes).unwrap_or_else(|complaint| {
            complaints.push(complaint.within(format!("layer `{}`", layer.name)));
            Value { name: format!("refused_{i}"), sizes: sizes.to_vec() }
        });
        values.push(value);
        masks.push(mask);
    }
    complaints.finish()?;
    Ok(values.pop().unwrap_or(input))
}

/// A parameter of a layer.
#[derive(Debug, Clone, Copy)]
struct Param<'a> {
    sizes: &'a [usize],
    data: &'a [f32],
}

/// What cannot be written.
fn refuse(spec: &LayerSpec, what: &str) -> Complaint {
    Complaint::new(spec.kind.name(), "what ONNX has an operator for", what)
}

#[cfg(test)]
mod tests;
