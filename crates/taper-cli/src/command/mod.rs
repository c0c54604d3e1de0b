//! One file per command.

pub(crate) mod choose;
pub(crate) mod compact;
pub(crate) mod convert;
pub(crate) mod data;
pub(crate) mod evaluate;
pub(crate) mod fit;
pub(crate) mod fit_model;
pub(crate) mod init;
pub(crate) mod inspect;
pub(crate) mod lambda;
pub(crate) mod plan;
pub(crate) mod predict;
pub(crate) mod recipe;
pub(crate) mod runs;
pub(crate) mod shell;
pub(crate) mod study;
pub(crate) mod trial;

use std::path::Path;

use taper::{Complaint, Experiment, Seed};
use taper_io::{Audience, Format};

use crate::failure::Failure;
use crate::output;

/// Who will read a table that is written.
pub(crate) fn audience(spreadsheet: bool) -> Audience {
    if spreadsheet { Audience::Spreadsheet } else { Audience::Program }
}

/// Whether a file or folder is a model of Keras's.
pub(crate) fn is_keras(file: &Path) -> bool {
    taper_io::keras::is_keras(file)
}

/// Whether a file is a model, by its ending; if not, it is an experiment.
///
/// # Errors
///
/// The ending of something else.
pub(crate) fn is_model(file: &Path) -> Result<bool, Failure> {
    if is_keras(file) {
        return Ok(true);
    }
    match Format::of(file) {
        Some(format) if Format::MODELS.contains(&format) => Ok(true),
        None | Some(Format::Toml | Format::Json) => Ok(false),
        // What is not there is told as such by who reads it.
        Some(_) if !file.exists() => Ok(false),
        Some(format) => {
            let expected = "an experiment (.toml or .json) or a model (.safetensors, .keras or .h5)";
            let complaint = Complaint::new("FILE", expected, format!("`{}`", file.display()));
            let table = "`taper init` writes an experiment for a table";
            let complaint = if format.is_table() { complaint.help(table) } else { complaint };
            Err(taper::Error::from(complaint).into())
        }
    }
}

/// Lets the steps of single trainings use this many threads.
pub(crate) fn share_steps(threads: Option<u16>) -> Result<(), Failure> {
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads.map_or(0, usize::from))
        .build_global()
        .map_err(|error| Failure::Run(format!("threads: {error}")))?;
    output::detail(&format!("threads: {}", rayon::current_num_threads()));
    Ok(())
}

/// Runs `work`, which trains many models, on this many threads.
pub(crate) fn on_threads<T: Send>(threads: Option<u16>, work: impl FnOnce() -> T + Send) -> Result<T, Failure> {
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads.map_or(0, usize::from))
        .build()
        .map_err(|error| Failure::Run(format!("threads: {error}")))?;
    output::detail(&format!("threads: {}", pool.current_num_threads()));
    Ok(pool.install(work))
}

/// The seed of a training where the command line has none: that of the experiment's study, or 1.
pub(crate) fn study_seed(experiment: &Experiment) -> Seed {
    Seed::new(experiment.study.as_ref().map_or(1, |study| study.seed))
}

/// In which unit losses and metrics are, where it is not the target's own.
pub(crate) fn unit(experiment: &Experiment) -> Option<&'static str> {
    experiment.data.standardize_target.then_some(
        "The target is measured in standard deviations of the training rows, so that a mean squared error of 1 is what their mean \
         would get; `taper evaluate` tells scores in the target's own unit.",
    )
}

/// The folder that relative paths in a file are meant from.
pub(crate) fn folder_of(file: &Path) -> &Path {
    file.parent().unwrap_or(Path::new(""))
}

/// The text of an experiment's file, for reports; of a stream, which was read before, what was understood.
pub(crate) fn text_of(file: &Path, experiment: &Experiment) -> String {
    if taper_io::is_stream(file) {
        return serde_json::to_string_pretty(&experiment.to_value()).unwrap_or_default();
    }
    std::fs::read_to_string(file).unwrap_or_default()
}
