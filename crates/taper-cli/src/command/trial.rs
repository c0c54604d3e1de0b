//! `taper trial`: one training and its scores, wherever a scheduler puts it.

use taper::{Rows, run_trial};
use taper_io::Origin;

use super::{folder_of, on_threads};
use crate::args::Trial;
use crate::failure::Failure;
use crate::output;

pub(crate) fn run(trial: &Trial) -> Result<(), Failure> {
    let Trial::Run { spec: file, out, folder, threads } = trial;
    let (mut spec, asked) = taper_io::read_trial(file)?;
    let folder = folder.as_deref().unwrap_or(folder_of(file));
    let origin = Origin::of(&spec, folder)?;
    let complaints = asked.map(|asked| asked.differences(&origin)).unwrap_or_default();
    if !complaints.is_empty() {
        return Err(taper_io::Error::Content { path: file.clone(), complaints }.into());
    }
    let rows = taper_io::read_source(&mut spec.experiment, folder)?.for_choice(&spec.experiment.data)?;
    crate::memory::check(&spec.experiment.model, &spec.experiment.fit, rows.rows())?;
    let outcome = on_threads(*threads, || run_trial(&spec, &rows))??;
    taper_io::write_outcome(out, &outcome, &origin)?;
    if outcome.stop.is_usable() {
        return Ok(());
    }
    output::note(&format!("{}: the training diverged, which is an outcome", out.display()));
    Ok(())
}
