//! `taper fit MODEL`: goes on with the training of a model, Keras's to Keras's own numbers.

use std::path::Path;

use serde_json::json;
use taper::{Complaint, Dataset, FitConfig, Quiet, Seed, StopReason};
use taper_io::keras::{KerasData, KerasModel, Penalties, RunOptions, export_keras, train_keras, write_keras};
use taper_io::{Format, SavedModel, is_table, read_tensors, write_tensors};

use super::{convert, is_keras};
use crate::args::{Fit, Keras};
use crate::failure::Failure;
use crate::holding::Holding;
use crate::output;
use crate::progress::FitProgress;
use crate::saved;

pub(crate) fn run(args: &Fit, path: &Path) -> Result<(), Failure> {
    let keras = &args.keras;
    if args.resume {
        let complaint = Complaint::new("--resume", "an experiment, whose training keeps checkpoints", "a model");
        return Err(taper::Error::from(complaint).into());
    }
    let (mut saved, optimizer) = read(path, keras)?;
    let Some(compiled) = saved.fit_config() else {
        let expected = "a model that says what it was trained or compiled for";
        return Err(taper::Error::from(Complaint::new(path.display(), expected, "one that does not say it")).into());
    };
    if let Some(text) = &keras.regularization {
        regularize(&mut saved, text, keras.r#override)?;
    }
    let Some(rows) = &keras.data else {
        let complaint = Complaint::new("--data", "the rows to train on", "nothing");
        return Err(taper::Error::from(complaint).into());
    };
    let mut data = data(&saved, path, rows)?;
    let own = !is_keras(path);
    let (out, holding) = (args.common.folder(&args.experiment, "fit"), Holding::of("fit", &args.experiment));
    let in_folder = own && keras.save.is_none();
    let save = if in_folder { Some(out.join(saved::MODEL_FILE)) } else { keras.save.clone() };
    if let Some(save) = &save {
        check_save(save, path, &saved, &compiled, keras)?;
    }
    // Last, because it may remove what lies there.
    if in_folder {
        holding.claim(&out, args.common.replace)?;
    }
    let outputs = [&keras.history, &save, &keras.weights, &keras.predictions, &keras.gradients];
    for output in outputs.into_iter().flatten() {
        // A folder that is missing or closed is told before the training, not after.
        let folder = output.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        taper_io::check_writable(folder)?;
    }
    if in_folder {
        holding.note(&out)?;
    }
    let batch_size = keras.batch_size.unwrap_or(compiled.batch_size);
    let options = RunOptions {
        epochs: keras.epochs.unwrap_or(compiled.epochs),
        batch_size,
        validation_batch_size: keras.validation_batch_size.or(compiled.validation_batch_size).unwrap_or(batch_size),
        shuffle: compiled.shuffle && !keras.no_shuffle,
        seed: Seed::new(args.common.seed.unwrap_or(1)),
    };
    data.class_weight = data.class_weight.or_else(|| compiled.class_weight.clone());
    if compiled.early_stopping.is_some() || compiled.reduce_lr_on_plateau.is_some() {
        output::note("note: early stopping and plateau of the first training are not part of this one");
    }
    let fit = FitConfig { early_stopping: None, reduce_lr_on_plateau: None, ..compiled };
    let SavedModel { model, prepared, experiment, beside } = saved;
    let mut file = KerasModel::new(model);
    (file.fit, file.optimizer) = (Some(fit), optimizer);
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
    let saved = SavedModel { model: file.model, prepared, experiment, beside }.trained_on(&data.train)?;
    match &save {
        Some(save) if is_keras(save) && own => convert::to_keras(save, &saved, file.fit.as_ref(), None)?,
        Some(save) if is_keras(save) && keras.drop_penalties => {
            convert::to_keras(save, &saved, file.fit.as_ref(), file.optimizer.as_ref())?;
        }
        Some(save) if is_keras(save) => {
            write_keras(save, &saved.model, file.fit.as_ref(), file.optimizer.as_ref())?;
        }
        Some(save) => saved.write(save)?,
        None => {}
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

/// The model with what stands beside it, and what its optimizer remembers.
fn read(path: &Path, keras: &Keras) -> Result<(SavedModel, Option<taper::OptimizerState>), Failure> {
    let said = [("loss", &keras.loss), ("optimizer", &keras.optimizer), ("metrics", &keras.metrics)];
    if !is_keras(path) {
        if let Some((key, _)) = said.iter().find(|(_, text)| text.is_some()) {
            let complaint = Complaint::new(format!("--{key}"), "a model of Keras's, whose file may lack it", "another");
            return Err(taper::Error::from(complaint.help("a model of ours goes on as it was trained")).into());
        }
        return Ok((saved::own(path, keras.allow_nan)?, None));
    }
    let mut file = saved::keras(path, keras.architecture.as_deref(), keras.allow_nan)?;
    for (key, text) in said {
        if let Some(text) = text {
            let value = taper_io::parse_setting(&format!("--{key}"), text)?;
            file.recompile(key, value).map_err(as_options)?;
        }
    }
    if file.fit.is_none() {
        return Err(taper_io::Error::about(path, missing(&file)).into());
    }
    let saved = file.fit.iter().fold(SavedModel::from(file.model), SavedModel::compiled);
    Ok((saved, file.optimizer))
}

/// The same complaints, about options.
fn as_options(error: taper::Error) -> taper::Error {
    match error {
        taper::Error::Invalid(mut complaints) => {
            complaints.iter_mut().for_each(|complaint| complaint.place.insert_str(0, "--"));
            taper::Error::Invalid(complaints)
        }
        other => other,
    }
}

/// All that is missing for a training, with the option that says it.
fn missing(file: &KerasModel) -> taper::Error {
    let mut complaints: Vec<Complaint> = file.settings.obstacles().cloned().collect();
    for complaint in &mut complaints {
        let option = match &complaint.place {
            place if place.starts_with("loss") => "--loss",
            place if place.starts_with("optimizer") => "--optimizer",
            _ => "--metrics",
        };
        let help = complaint.help.take().map_or(String::new(), |help| format!("{help}; "));
        complaint.help = Some(format!("{help}{option} says another"));
    }
    if complaints.is_empty() {
        let complaint = Complaint::new("loss", "a model that was compiled with a loss", "one that was not");
        complaints.push(complaint.help("--loss says one, and --optimizer and --metrics what else there is to say"));
    }
    taper::Error::Invalid(complaints)
}

fn regularize(saved: &mut SavedModel, text: &str, replaces: bool) -> Result<(), Failure> {
    let mut policy = taper_io::parse_policy("--regularization", text)?;
    policy.replaces |= replaces;
    let penalties = |saved: &SavedModel| -> Vec<_> {
        saved.model.params().slots().iter().map(|slot| slot.spec.regularizer.clone()).collect()
    };
    let before = penalties(saved);
    saved.model.regularize(&policy)?;
    if penalties(saved) == before {
        let complaint = Complaint::new("--regularization", "a policy that changes some penalty", format!("`{text}`"));
        let help = "a layer's own regularizer stays, unless --override replaces it";
        return Err(taper::Error::from(complaint.help(help)).into());
    }
    Ok(())
}

/// Complains about a file that could not hold what the training leaves.
fn check_save(save: &Path, path: &Path, saved: &SavedModel, fit: &FitConfig, keras: &Keras) -> Result<(), Failure> {
    Format::one_of("--save", save, Format::MODELS)?;
    if keras.save.is_none() && save.exists() && same(save, path) {
        let complaint = Complaint::new("--save", "a file for the trained model", "nothing");
        let help = "without it the trained model would replace the one that it began with";
        return Err(taper::Error::from(complaint.help(help)).into());
    }
    if !is_keras(save) {
        return Ok(());
    }
    let exported = export_keras(saved, Some(fit), None).map_err(|error| taper_io::Error::about(save, error))?;
    if exported.left_out.is_empty() || keras.drop_penalties {
        return Ok(());
    }
    let got = exported.left_out.join(", ");
    let complaint = Complaint::new("--save", "a format that holds every penalty", format!("{got}, in .keras"));
    let help = "a .safetensors file holds it; --drop-penalties leaves it out and names it in the metadata";
    Err(taper::Error::from(complaint.help(help)).into())
}

fn same(a: &Path, b: &Path) -> bool {
    matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b)
}

/// The rows to train on, as the model takes them.
fn data(saved: &SavedModel, model: &Path, rows: &Path) -> Result<KerasData, Failure> {
    if is_table(rows) {
        let train = saved::dataset(saved, model, rows)?;
        return Ok(KerasData { train, validation: None, class_weight: None });
    }
    let tensors = read_tensors(rows)?;
    let about = |error| Failure::from(taper_io::Error::about(rows, error));
    let mut data = KerasData::from_tensors(&tensors).map_err(about)?;
    if let Some(prepared) = &saved.prepared {
        let scaled = |data: &Dataset| {
            let x = prepared.scaled(data.exact_inputs())?;
            let scaled = Dataset::new(data.input_shape().clone(), x, data.target_len(), data.y().to_vec())?;
            match data.sample_weight() {
                Some(weights) => scaled.with_sample_weight(weights.to_vec()),
                None => Ok(scaled),
            }
        };
        data.train = scaled(&data.train).map_err(about)?;
        data.validation = data.validation.as_ref().map(scaled).transpose().map_err(about)?;
    }
    Ok(data)
}
