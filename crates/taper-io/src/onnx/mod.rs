//! Models as ONNX, for whatever runs ONNX.
//!
//! A model becomes a graph of standard operators (opset 17) from `input` to `output`, both float32 with rows first, as Taper has
//! them: images have their channels last, tokens are floats. Weights lie in the file. What ONNX's operators cannot say as
//! Taper computes it (masks above all) is refused by name before anything is written.

mod activation;
mod layer;
mod proto;
mod recurrent;
mod window;
mod writer;

use std::path::Path;

use taper::{Complaint, Complaints, LayerSpec, Model, Result};

use crate::{Error, write_atomic};
use writer::{Value, Writer};

/// Writes a model for inference as ONNX.
///
/// # Errors
///
/// Layers and settings that ONNX has no operators for, by name; [`Error::Io`].
pub fn write_onnx(path: &Path, model: &Model) -> crate::Result<()> {
    write_atomic(path, &onnx_bytes(model).map_err(|error| Error::within(path, error))?)
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
/// let bytes = taper_io::onnx_bytes(&Model::build(&spec, Seed::new(1))?)?; // onnxruntime runs these
/// assert!(bytes.len() > 4 * (4 * 8 + 8 + 8 + 1));
/// # Ok(())
/// # }
/// ```
pub fn onnx_bytes(model: &Model) -> Result<Vec<u8>> {
    let (summary, specs) = (model.summary(), model.spec().owned());
    let input = Value { name: "input".to_owned(), sizes: model.input_shape().sizes().to_vec() };
    let mut writer = Writer::default();
    let mut values = vec![input.clone()];
    let mut complaints = Complaints::new();
    for (i, usage) in model.uses().into_iter().enumerate() {
        let (layer, spec) = (&summary[usage.layer], specs[usage.layer]);
        let sources: Vec<Value> = usage.inputs.iter().map(|source| values[*source].clone()).collect();
        let prefix = format!("{}/", layer.name);
        let params: Vec<Param<'_>> = model
            .params()
            .iter()
            .filter(|(slot, _)| slot.path.starts_with(&prefix))
            .map(|(slot, data)| Param { sizes: slot.spec.shape.sizes(), data })
            .collect();
        let sizes = layer.output_shape.sizes();
        let value = layer::emit(&mut writer, spec, &params, &sources, sizes).unwrap_or_else(|complaint| {
            complaints.push(complaint.within(format!("layer `{}`", layer.name)));
            Value { name: format!("refused_{i}"), sizes: sizes.to_vec() }
        });
        values.push(value);
    }
    complaints.finish()?;
    let last = values.last().unwrap_or(&input);
    Ok(writer.finish(&input, last))
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
