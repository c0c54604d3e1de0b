//! `taper fit MODEL.keras`: goes on with a Keras training, to Keras's own numbers.

use std::path::Path;

use serde_json::json;
use taper::{Complaint, Quiet, Seed, StopReason};
use taper_io::keras::{KerasData, Penalties, ReadOptions, RunOptions, read_keras, train_keras, write_keras};
use taper_io::{read_tensors, write_tensors};

use crate::args::Fit;
use crate::failure::Failure;
use crate::output;
use crate::progress::FitProgress;

pub(crate) fn run(args: &Fit) -> Result<(), Failure> {
    let keras = &args.keras;
    let mut file = read_keras(&args.experiment, &ReadOptions { allow_nan: keras.allow_nan })?;
    if let Some(text) = &keras.regularization {
        let policy = taper_io::parse_policy("--regularization", text)?;
        file.model.regularize(&policy)?;
    }
    let Some(path) = &keras.data else {
        let complaint = Complaint::new("--data", "the rows to train on (.safetensors with x and y)", "nothing");
        return Err(taper::Error::from(complaint).into());
    };
    let tensors = read_tensors(path)?;
    let data =
        KerasData::from_tensors(&tensors).map_err(|error| Failure::Input(format!("{}: {error}", path.display())))?;
    let outputs = [&keras.history, &keras.save, &keras.weights, &keras.predictions, &keras.gradients];
    for output in outputs.into_iter().flatten() {
        // A folder that is missing or closed is told before the training, not after.
        let folder = output.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        taper_io::check_writable(folder)?;
    }
    let batch_size = keras.batch_size.unwrap_or(32);
    let options = RunOptions {
        epochs: keras.epochs.unwrap_or(1),
        batch_size,
        validation_batch_size: keras.validation_batch_size.unwrap_or(batch_size),
        shuffle: !keras.no_shuffle,
        seed: Seed::new(args.common.seed.unwrap_or(1)),
    };
    let mut progress = FitProgress::new(options.epochs, Quiet);
    let run = train_keras(&mut file, &data, &options, &mut progress)?;
    drop(progress);

    if let Some(path) = &keras.history {
        let text = serde_json::to_string_pretty(&run.history).map_err(|error| Failure::Run(error.to_string()))?;
        taper_io::write_atomic(path, text.as_bytes())?;
    }
    for (path, tensors) in
        [(&keras.weights, &run.weights), (&keras.predictions, &run.predictions), (&keras.gradients, &run.gradients)]
    {
        if let Some(path) = path {
            write_tensors(path, tensors)?;
        }
    }
    if let Some(path) = &keras.save {
        write_keras(path, &file.model, file.fit.as_ref(), file.optimizer.as_ref())?;
    }

    if args.common.json {
        let mut document = serde_json::to_value(&run).map_err(|error| Failure::Run(error.to_string()))?;
        document["stop"] = json!(run.record.stop);
        document["files"] = json!(outputs.into_iter().flatten().collect::<Vec<_>>());
        output::print_json(&document)?;
    } else {
        let mut rows = vec![vec!["rows".to_owned()]];
        rows[0].extend(run.evaluate_train.keys().cloned());
        for (name, scores) in [("train", Some(&run.evaluate_train)), ("validation", run.evaluate_val.as_ref())] {
            if let Some(scores) = scores {
                let cells = scores.values().map(|value| format!("{value:.6}"));
                rows.push(std::iter::once(name.to_owned()).chain(cells).collect());
            }
        }
        let penalty = |penalties: &Penalties| penalties.weights;
        output::print(&format!(
            "{}\npenalty on weights: {:.6} before, {:.6} after\n",
            output::columns(&rows),
            penalty(&run.penalty_start),
            penalty(&run.penalty_end),
        ))?;
    }
    match run.record.stop {
        StopReason::Diverged { epoch, step } => Err(Failure::Run(format!(
            "the training diverged: the loss was no finite number at step {step}, in epoch {}",
            epoch + 1
        ))),
        StopReason::Interrupted => Err(Failure::Interrupted(format!(
            "{} of {} epochs are done; what --save names goes on from there",
            run.record.epochs(),
            options.epochs
        ))),
        _ => Ok(()),
    }
}
