//! Trainings that may be killed: where they stand is kept every so many epochs, and they go on from there to the same bytes.

use std::path::{Path, PathBuf};

use serde_json::json;
use taper::{Complaint, EpochRow, Experiment, FitConfig, Flow, History, Model, Observer, Seed, Split, TrainState};
use taper_io::{CsvLogger, Digest, read_run_checkpoint, write_run_checkpoint};

use crate::failure::Failure;

/// What the file in the output folder is called.
const CHECKPOINT: &str = "checkpoint.safetensors";

/// One training of an experiment, and where its checkpoint is.
pub(crate) struct Run {
    path: PathBuf,
    every: Option<usize>,
    epochs: usize,
    /// What tells this training from others: experiment, seed and rows.
    name: String,
}

impl Run {
    pub(crate) fn of(folder: &Path, experiment: &Experiment, split: &Split, seed: Seed) -> Self {
        let (every, epochs) = (experiment.fit.checkpoint, experiment.fit.epochs);
        let name = every.map(|_| {
            let rows = [&split.train, &split.test].map(|rows| [digest(rows.x()), digest(rows.y())]);
            json!({ "experiment": experiment.to_value(), "seed": seed.number(), "rows": rows }).to_string()
        });
        Self { path: folder.join(CHECKPOINT), every, epochs, name: name.unwrap_or_default() }
    }

    /// Reads the checkpoint into the model.
    pub(crate) fn resume(&self, model: &mut Model) -> Result<TrainState, Failure> {
        let wrong = |expected: &str, got: &str, help: &str| {
            let complaint = Complaint::new("--resume", expected, got).help(help);
            Failure::from(taper::Error::from(complaint))
        };
        if self.every.is_none() || !self.path.is_file() {
            let got = format!("no {}", self.path.display());
            let help = "`[fit] checkpoint = N` keeps one every N epochs, until the training is done";
            return Err(wrong("a checkpoint of this training", &got, help));
        }
        let (kept, state, name) = read_run_checkpoint(&self.path)?;
        if name.as_ref() != Some(&self.name) || state.epoch > self.epochs {
            let got = format!("one of another in {}", self.path.display());
            return Err(wrong("a checkpoint of this training", &got, "experiment, seed and rows must be the same"));
        }
        model.params_mut().data_mut().copy_from_slice(kept.params().data());
        Ok(state)
    }

    /// Where the training begins: state, what happened before, and the log.
    pub(crate) fn begin(
        &self,
        resumed: Option<TrainState>,
        model: &Model,
        config: &FitConfig,
        log: &Path,
    ) -> Result<(TrainState, Option<History>, CsvLogger), Failure> {
        match resumed {
            Some(state) if state.epoch > 0 => {
                let (log, earlier) = CsvLogger::resume(log, state.epoch)?;
                Ok((state, Some(earlier), log))
            }
            _ => Ok((TrainState::new(model, config), None, CsvLogger::create(log)?)),
        }
    }

    /// Logs every epoch, and keeps where the training stands.
    pub(crate) fn keeper(&self, log: CsvLogger) -> Keeper<'_> {
        Keeper { run: self, log }
    }

    /// How a training goes on that was interrupted.
    pub(crate) fn advice(&self) -> &'static str {
        match self.every {
            Some(_) => "The same command with --resume goes on from there",
            None => "The same command trains from the beginning; `[fit] checkpoint = N` would let it go on",
        }
    }

    /// A training that is done needs no checkpoint.
    pub(crate) fn done(&self) -> Result<(), Failure> {
        match std::fs::remove_file(&self.path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(Failure::Run(format!("{}: removing failed: {error}", self.path.display())))
            }
            _ => Ok(()),
        }
    }
}

fn digest(numbers: &[f32]) -> String {
    let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
    Digest::of(&bytes).blake3
}

/// The observer of a [`Run`].
pub(crate) struct Keeper<'a> {
    run: &'a Run,
    log: CsvLogger,
}

impl Observer for Keeper<'_> {
    fn epoch_end(
        &mut self,
        row: &EpochRow<'_>,
        model: &Model,
        state: &TrainState,
    ) -> Result<Flow, Box<dyn std::error::Error + Send + Sync>> {
        let flow = self.log.epoch_end(row, model, state)?;
        if let Some(every) = self.run.every
            && (state.epoch.is_multiple_of(every) || crate::interrupt::asked())
        {
            write_run_checkpoint(&self.run.path, model, state, &self.run.name)?;
        }
        Ok(flow)
    }
}
