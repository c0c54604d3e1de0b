//! `taper convert`: a model from one format to another.

use taper_io::keras::{KerasModel, ReadOptions, read_keras, write_keras, write_keras_weights};
use taper_io::{Format, read_model, write_model, write_onnx};

use crate::args::Convert;
use crate::failure::Failure;
use crate::{output, saved};

/// The formats that a model can be written in.
const TARGETS: &[Format] = &[Format::Keras, Format::Hdf5, Format::Safetensors, Format::Onnx];

pub(crate) fn run(args: &Convert) -> Result<(), Failure> {
    let from = saved::file(&args.model);
    let to = Format::one_of("OUT", &args.out, TARGETS)?;
    let file = match Format::one_of("MODEL", &from, Format::MODELS)? {
        Format::Keras => read_keras(&from, &ReadOptions { allow_nan: args.allow_nan })?,
        _ => KerasModel { model: read_model(&from)?, fit: None, optimizer: None },
    };
    match to {
        Format::Keras => write_keras(&args.out, &file.model, file.fit.as_ref(), file.optimizer.as_ref())?,
        Format::Hdf5 => write_keras_weights(&args.out, &file.model)?,
        Format::Onnx => write_onnx(&args.out, &file.model)?,
        _ => write_model(&args.out, &file.model)?,
    }
    output::note(&format!("{} parameters: {}", file.model.params().data().len(), args.out.display()));
    Ok(())
}
