//! Trials that somebody else runs: their specifications as files, and what came of them.

use std::path::Path;

use taper::{Experiment, Rows, TrialOutcome, TrialStore};
use taper_io::StudyStore;

use crate::command::read_json;
use crate::failure::Failure;

/// Takes the outcomes in `folder` into the store and writes the specifications of the trials that the choice needs next, as
/// `KEY.json`; the outcome of each is looked for as `KEY.outcome`. Gives how many trials wait there: none, if the store has all.
pub(super) fn exchange(
    folder: &Path,
    experiment: &Experiment,
    rows: &dyn Rows,
    store: &StudyStore,
) -> Result<usize, Failure> {
    std::fs::create_dir_all(folder)
        .map_err(|source| Failure::Input(format!("{}: creating failed: {source}", folder.display())))?;
    loop {
        let pending = taper::pending(experiment, rows, store)?;
        let mut waiting = 0;
        for trial in &pending {
            let key = trial.key();
            let spec = folder.join(format!("{key}.json"));
            let outcome = folder.join(format!("{key}.outcome"));
            if outcome.exists() {
                let expected = "the outcome of a trial, as `taper trial run` writes it";
                store.put(&key, trial, &read_json::<TrialOutcome>(&outcome, expected)?)?;
                // The store has it now; a file that cannot be removed is in nobody's way.
                let _ = (std::fs::remove_file(&spec), std::fs::remove_file(&outcome));
                continue;
            }
            waiting += 1;
            if !spec.exists() {
                let text = serde_json::to_string_pretty(trial).map_err(|error| Failure::Run(error.to_string()))?;
                taper_io::write_atomic(&spec, format!("{text}\n").as_bytes())?;
            }
        }
        // Where all of a step was there, the next one may be too.
        if pending.is_empty() || waiting > 0 {
            return Ok(waiting);
        }
    }
}
