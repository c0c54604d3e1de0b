//! `taper convert`: a model from one format to another.

use std::ffi::OsStr;

use taper::Complaint;
use taper_io::keras::{KerasModel, ReadOptions, read_keras, write_keras, write_keras_weights};
use taper_io::{read_model, write_model, write_onnx};

use crate::args::Convert;
use crate::failure::Failure;

pub(crate) fn run(args: &Convert) -> Result<(), Failure> {
    let ending = |path: &std::path::Path| path.extension().and_then(OsStr::to_str).unwrap_or_default().to_owned();
    let wrong = |place: &str, expected: &str, path: &std::path::Path| {
        taper::Error::from(Complaint::new(place, expected, path.display()))
    };
    let to = ending(&args.out);
    if !["keras", "h5", "safetensors", "onnx"].contains(&&*to) {
        return Err(wrong("OUT", "a name that ends in .keras, .weights.h5, .safetensors or .onnx", &args.out).into());
    }
    let file = match &*ending(&args.model) {
        "keras" => read_keras(&args.model, &ReadOptions { allow_nan: args.allow_nan })?,
        "safetensors" => KerasModel { model: read_model(&args.model)?, fit: None, optimizer: None },
        _ => return Err(wrong("MODEL", "a model (.keras or .safetensors)", &args.model).into()),
    };
    match &*to {
        "keras" => write_keras(&args.out, &file.model, file.fit.as_ref(), file.optimizer.as_ref())?,
        "h5" => write_keras_weights(&args.out, &file.model)?,
        "safetensors" => write_model(&args.out, &file.model)?,
        _ => write_onnx(&args.out, &file.model)?,
    }
    Ok(())
}
