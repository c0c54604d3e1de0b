//! `taper convert`: a model from one format to another, with all that it takes to use it.

use std::path::Path;

use taper::{Complaint, FitConfig, OptimizerState};
use taper_io::keras::{is_keras, write_keras_export, write_keras_weights};
use taper_io::{Format, SavedModel, write_onnx};

use crate::args::Convert;
use crate::failure::Failure;
use crate::{output, saved};

/// The formats that a model can be written in.
const TARGETS: &[Format] = &[Format::Keras, Format::Hdf5, Format::Safetensors, Format::Onnx];

pub(crate) fn run(args: &Convert) -> Result<(), Failure> {
    let from = saved::file(&args.model);
    let to = Format::one_of("OUT", &args.out, TARGETS)?;
    let (mut saved, fit, optimizer) = if is_keras(&from) {
        let file = saved::keras(&from, args.architecture.as_deref(), args.allow_nan)?;
        if to == Format::Keras {
            saved::note_not_compiled(&file);
        }
        let saved = file.fit.iter().fold(SavedModel::from(file.model), SavedModel::compiled);
        (saved, file.fit, file.optimizer)
    } else {
        check_readable(&from)?;
        let saved = saved::own(&from, args.allow_nan)?;
        let fit = saved.fit_config();
        (saved, fit, None)
    };
    if args.bare {
        saved.prepared = None;
    }
    match to {
        Format::Keras => to_keras(&args.out, &saved, fit.as_ref(), optimizer.as_ref())?,
        Format::Hdf5 if saved.prepared.is_some() => {
            let complaint = Complaint::new("OUT", "a format that holds how rows are prepared", "weights alone");
            return Err(taper::Error::from(complaint.help("`--bare` leaves the preparation out")).into());
        }
        Format::Hdf5 => write_keras_weights(&args.out, &saved.model)?,
        Format::Onnx => write_onnx(&args.out, &saved)?,
        _ => saved.write(&args.out)?,
    }
    output::detail(&format!("{} parameters: {}", saved.model.params().data().len(), args.out.display()));
    Ok(())
}

/// Complains about a file that is no model.
fn check_readable(path: &Path) -> Result<(), Failure> {
    let format = Format::of(path).filter(|format| Format::MODELS.contains(format));
    let wrong = || Complaint::new("MODEL", "a model (.keras, .h5 or .safetensors)", path.display());
    format.ok_or_else(|| taper::Error::from(wrong()))?;
    Ok(())
}

/// Writes a model for Keras, and says what is not as it was.
pub(crate) fn to_keras(
    out: &Path,
    saved: &SavedModel,
    fit: Option<&FitConfig>,
    optimizer: Option<&OptimizerState>,
) -> Result<(), Failure> {
    for note in write_keras_export(out, saved, fit, optimizer)? {
        output::note(&format!("note: {note}"));
    }
    Ok(())
}
