//! Trials that somebody else runs: their specifications as files, and what came of them.

use std::path::Path;

use taper::{Experiment, Rows, TrialOutcome, TrialSpec, TrialStore};
use taper_io::{Engine, Origin, StudyStore, data_digests};

use crate::command::folder_of;
use crate::failure::Failure;

/// Takes the outcomes in `folder` into the store and writes the specifications of the trials that the choice needs next, as
/// `KEY.json`; the outcome of each is looked for as `KEY.outcome`. Gives how many trials wait there: none, if the store has all.
///
/// An outcome of another trial, of other rows or of another engine is refused by the name of its file, as is one that cannot have
/// come of its trial. The others are taken in all the same, and no file that is refused is touched.
pub(super) fn exchange(
    folder: &Path,
    file: &Path,
    experiment: &Experiment,
    rows: &dyn Rows,
    store: &StudyStore,
) -> Result<usize, Failure> {
    std::fs::create_dir_all(folder)
        .map_err(|source| Failure::Input(format!("{}: creating failed: {source}", folder.display())))?;
    let files = data_digests(&experiment.data, folder_of(file))?;
    loop {
        let pending = taper::pending(experiment, rows, store)?;
        let (mut waiting, mut wrong) = (0, Vec::new());
        for trial in &pending {
            let key = trial.key();
            let spec = folder.join(format!("{key}.json"));
            let path = folder.join(format!("{key}.outcome"));
            let origin = Origin { key: key.clone(), files: files.clone(), engine: Engine::here() };
            if path.symlink_metadata().is_ok() {
                match outcome(&path, trial, rows, &origin) {
                    Ok(outcome) => {
                        store.put(&key, trial, &outcome)?;
                        // The store has it now; a file that cannot be removed is in nobody's way.
                        let _ = (std::fs::remove_file(&spec), std::fs::remove_file(&path));
                    }
                    Err(Failure::Input(text)) => wrong.push(text),
                    Err(other) => return Err(other),
                }
                continue;
            }
            waiting += 1;
            if !is_the_trial(&spec, &origin) {
                taper_io::write_trial(&spec, trial, &origin)?;
            }
        }
        if !wrong.is_empty() {
            wrong.push(
                "these outcomes are left where they are, the others are taken in; remove them, or run their trials again"
                    .to_owned(),
            );
            return Err(Failure::Input(wrong.join("\n")));
        }
        // Where all of a step was there, the next one may be too.
        if pending.is_empty() || waiting > 0 {
            return Ok(waiting);
        }
    }
}

/// Whether the trial lies there already, for these rows and this engine.
fn is_the_trial(path: &Path, origin: &Origin) -> bool {
    path.exists() && matches!(taper_io::read_trial(path), Ok((_, Some(found))) if found == *origin)
}

/// The outcome in a file, if it can have come of this trial.
fn outcome(path: &Path, trial: &TrialSpec, rows: &dyn Rows, origin: &Origin) -> Result<TrialOutcome, Failure> {
    let (outcome, found) = taper_io::read_outcome(path)?;
    let complaints = match found {
        Some(found) => origin.differences(&found),
        None => {
            let expected = "the trial, the files and the engine that it comes from";
            vec![taper::Complaint::new("origin", expected, "nothing")]
        }
    };
    if !complaints.is_empty() {
        return Err(taper_io::Error::Content { path: path.to_owned(), complaints }.into());
    }
    taper::check_outcome(trial, rows, &outcome).map_err(|error| taper_io::Error::about(path, error))?;
    Ok(outcome)
}
