//! `taper inspect`: what a model is made of.

use std::collections::HashMap;
use std::fmt::Write;

use serde_json::json;
use taper::{Model, ParamSlot, Seed};

use super::{folder_of, is_keras, is_model};
use crate::args::Inspect;
use crate::failure::Failure;
use crate::{output, saved};

pub(crate) fn run(args: &Inspect) -> Result<(), Failure> {
    let file = saved::file_or_experiment(&args.file);
    let mut notes = vec![];
    let model = if is_keras(&file) {
        let read = saved::keras(&file, args.architecture.as_deref(), true)?;
        notes = read.notes;
        read.model
    } else if is_model(&file)? {
        taper_io::read_model(&file)?
    } else {
        let mut experiment = taper_io::read_experiment(&file)?;
        if experiment.model.input_shape().is_empty() {
            // The rows say it, as they do before a training.
            taper_io::read_source(&mut experiment, folder_of(&file))?;
        }
        experiment.validate()?;
        crate::memory::check(&experiment.model, &experiment.fit, 1)?;
        Model::build(&experiment.model, Seed::new(0)).map_err(|error| error.within("model"))?
    };
    if args.json {
        let params: Vec<_> = model
            .params()
            .iter()
            .map(|(slot, w)| {
                json!({
                    "path": slot.path, "role": slot.spec.role, "shape": slot.spec.shape,
                    "trainable": slot.spec.trainable, "regularizer": slot.spec.regularizer,
                    "norm": norm(w), "zeros": w.iter().filter(|w| **w == 0.0).count(),
                })
            })
            .collect();
        let mut layers = serde_json::to_value(model.summary()).map_err(|error| Failure::Run(error.to_string()))?;
        for (layer, sparsity) in layers.as_array_mut().into_iter().flatten().zip(model.sparsity()?) {
            layer["zeros"] = sparsity.zeros.into();
            layer["dead_units"] = sparsity.dead_units.into();
            layer["effective_parameters"] = sparsity.effective_parameters.into();
        }
        let notes: Vec<_> = notes.iter().map(|note| json!({ "layer": note.layer, "message": note.message })).collect();
        return output::print_json(&json!({ "layers": layers, "parameters": params, "notes": notes }));
    }
    let notes = notes.iter().map(|note| format!("Note: {}: {}\n", note.layer, note.message));
    output::print(&(summary(&model)? + &notes.collect::<String>()))
}

fn norm(w: &[f32]) -> f64 {
    w.iter().map(|w| f64::from(*w).powi(2)).sum::<f64>().sqrt()
}

/// Keras's summary, with the penalties and norms of each parameter, and how much of each layer is at work.
fn summary(model: &Model) -> Result<String, Failure> {
    let heads =
        ["Layer (type)", "Output Shape", "Param #", "Zeros", "Dead units", "Effective", "Regularizer", "L2 norm"];
    let mut rows = vec![heads.map(str::to_owned).to_vec()];
    let (mut zeros, mut effective) = (0, 0);
    let mut of_layers: HashMap<&str, Vec<(&ParamSlot, &[f32])>> = HashMap::new();
    for (slot, w) in model.params().iter() {
        let layer = slot.path.split_once('/').map_or("", |(layer, _)| layer);
        of_layers.entry(layer).or_default().push((slot, w));
    }
    for (layer, sparsity) in model.summary().into_iter().zip(model.sparsity()?) {
        zeros += sparsity.zeros;
        effective += sparsity.effective_parameters;
        let sizes = layer.output_shape.sizes().iter().map(|size| format!(", {size}")).collect::<String>();
        let slots = of_layers.remove(layer.name.as_str()).unwrap_or_default();
        let name = |slot: &ParamSlot| slot.path[layer.name.len() + 1..].to_owned();
        let penalties = slots.iter().filter_map(|(slot, _)| {
            let text = serde_json::to_string(slot.penalty()?).ok()?;
            Some(format!("{}: {}", name(slot), text.replace(['{', '}', '"'], "").replace(':', "=")))
        });
        let norms = slots.iter().map(|(slot, w)| format!("{} {:.4}", name(slot), norm(w)));
        rows.push(vec![
            format!("{} ({})", layer.name, layer.kind),
            format!("(None{sizes})"),
            layer.parameters.to_string(),
            sparsity.zeros.to_string(),
            sparsity.dead_units.map_or("–".to_owned(), |dead| dead.to_string()),
            sparsity.effective_parameters.to_string(),
            or_dash(penalties.collect::<Vec<_>>().join("; ")),
            or_dash(norms.collect::<Vec<_>>().join(", ")),
        ]);
    }
    let mut text = output::columns(&rows);
    let total = model.params().data().len();
    let trainable: usize =
        model.params().slots().iter().filter(|slot| slot.spec.trainable).map(|slot| slot.range.len()).sum();
    let _ = writeln!(text, "Total params: {total} ({})", bytes(total));
    let _ = writeln!(text, "Trainable params: {trainable} ({})", bytes(trainable));
    let _ = writeln!(text, "Non-trainable params: {} ({})", total - trainable, bytes(total - trainable));
    let _ = writeln!(text, "Zeros: {zeros}; effective params: {effective} (not 0, and of no dead unit)");
    Ok(text)
}

fn or_dash(text: String) -> String {
    if text.is_empty() { "–".to_owned() } else { text }
}

fn bytes(parameters: usize) -> String {
    match parameters as f64 * 4.0 {
        bytes if bytes < 1024.0 => format!("{bytes:.2} B"),
        bytes if bytes < 1024.0 * 1024.0 => format!("{:.2} KB", bytes / 1024.0),
        bytes => format!("{:.2} MB", bytes / 1024.0 / 1024.0),
    }
}
