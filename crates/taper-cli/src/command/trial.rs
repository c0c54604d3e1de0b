//! `taper trial`: one training and its scores, wherever a scheduler puts it.

use std::path::Path;

use taper::{Rows, TrialSpec, run_trial};

use super::{folder_of, on_threads, read_json};
use crate::args::Trial;
use crate::failure::Failure;
use crate::output;

pub(crate) fn run(trial: &Trial) -> Result<(), Failure> {
    let Trial::Run { spec: file, out, folder, threads } = trial;
    let mut spec = read(file)?;
    let folder = folder.as_deref().unwrap_or(folder_of(file));
    let rows = taper_io::read_source(&mut spec.experiment, folder)?.for_choice(&spec.experiment.data)?;
    crate::memory::check(&spec.experiment.model, &spec.experiment.fit, rows.rows())?;
    let outcome = on_threads(*threads, || run_trial(&spec, &rows))??;
    let text = serde_json::to_string_pretty(&outcome).map_err(|error| Failure::Run(error.to_string()))?;
    taper_io::write_atomic(out, format!("{text}\n").as_bytes())?;
    if outcome.stop.is_usable() {
        return Ok(());
    }
    output::note(&format!("{}: the training diverged, which is an outcome", out.display()));
    Ok(())
}

fn read(file: &Path) -> Result<TrialSpec, Failure> {
    taper::read(read_json(file, "JSON that can be parsed")?)
        .map_err(|error| Failure::Input(format!("{}: {error}", file.display())))
}
