//! `taper inspect`: what a model is made of.

use std::collections::HashMap;
use std::fmt::Write;
use std::path::Path;

use serde_json::{Value, json};
use taper::{LayerSparsity, LayerSummary, Model, ModelSpec, ParamSlot, Seed};
use taper_io::Format;
use taper_io::keras::{Note, read_keras_spec};

use super::{folder_of, is_keras, is_model};
use crate::args::Inspect;
use crate::failure::Failure;
use crate::{output, saved};

/// The weights of a larger file are read only if somebody asks for them.
const LARGE: u64 = 64 << 20;

/// Layers and parameters, and the model with its weights if they were read.
struct Shown {
    layers: Vec<LayerSummary>,
    slots: Vec<ParamSlot>,
    weights: Option<(Model, Vec<LayerSparsity>)>,
    notes: Vec<Note>,
}

impl Shown {
    fn of(model: Model) -> Result<Self, Failure> {
        let sparsity = model.sparsity()?;
        let (layers, slots) = (model.summary(), model.params().slots().to_vec());
        Ok(Self { layers, slots, weights: Some((model, sparsity)), notes: vec![] })
    }

    fn outline(spec: ModelSpec) -> Result<Self, Failure> {
        let (layers, slots) = Model::outline(spec)?;
        Ok(Self { layers, slots, weights: None, notes: vec![] })
    }

    fn read(args: &Inspect, file: &Path) -> Result<Self, Failure> {
        let keras = is_keras(file);
        if keras || is_model(file)? {
            let length = std::fs::metadata(file).map_or(0, |metadata| metadata.len());
            // Of an archive and of a file of ours the description can be read alone.
            let is_apart = args.architecture.is_none() && (!keras || Format::of(file) == Some(Format::Keras));
            return match (keras, is_apart && length > LARGE && !args.weights) {
                (true, true) => Self::outline(read_keras_spec(file)?),
                (true, false) => {
                    let read = saved::keras(file, args.architecture.as_deref(), args.allow_nan)?;
                    Ok(Self { notes: read.notes, ..Self::of(read.model)? })
                }
                (false, true) => Self::outline(taper_io::read_model_spec(file)?),
                (false, false) => Self::of(saved::own(file, args.allow_nan)?.model),
            };
        }
        let mut experiment = taper_io::read_experiment(file)?;
        if experiment.model.input_shape().is_empty() {
            // The rows say it, as they do before a training.
            taper_io::read_source(&mut experiment, folder_of(file))?;
        }
        experiment.validate()?;
        crate::memory::check(&experiment.model, &experiment.fit, 1)?;
        Self::of(Model::build(&experiment.model, Seed::new(0)).map_err(|error| error.within("model"))?)
    }

    fn sparsity(&self, layer: usize) -> Option<&LayerSparsity> {
        self.weights.as_ref().and_then(|(_, sparsity)| sparsity.get(layer))
    }

    /// The weights of a parameter.
    fn of_slot(&self, slot: &ParamSlot) -> Option<&[f32]> {
        self.weights.as_ref().map(|(model, _)| &model.params().data()[slot.range.clone()])
    }
}

pub(crate) fn run(args: &Inspect) -> Result<(), Failure> {
    let file = saved::file_or_experiment(&args.file);
    let shown = Shown::read(args, &file)?;
    if args.json { output::print_json(&document(&shown)?) } else { output::print(&summary(&shown)) }
}

fn document(shown: &Shown) -> Result<Value, Failure> {
    let parameter = |slot: &ParamSlot| {
        let mut parameter = json!({
            "path": slot.path, "role": slot.spec.role, "shape": slot.spec.shape,
            "trainable": slot.spec.trainable, "regularizer": slot.spec.regularizer,
        });
        if let Some(w) = shown.of_slot(slot) {
            parameter["norm"] = json!(norm(w));
            parameter["zeros"] = w.iter().filter(|w| **w == 0.0).count().into();
        }
        parameter
    };
    let params: Vec<Value> = shown.slots.iter().map(parameter).collect();
    let mut layers = serde_json::to_value(&shown.layers).map_err(|error| Failure::Run(error.to_string()))?;
    for (i, layer) in layers.as_array_mut().into_iter().flatten().enumerate() {
        if let Some(sparsity) = shown.sparsity(i) {
            layer["zeros"] = sparsity.zeros.into();
            layer["dead_units"] = sparsity.dead_units.into();
            layer["effective_parameters"] = sparsity.effective_parameters.into();
        }
    }
    let note = |note: &Note| json!({ "layer": note.layer, "message": note.message });
    let notes: Vec<Value> = shown.notes.iter().map(note).collect();
    Ok(json!({ "layers": layers, "parameters": params, "notes": notes, "weights_read": shown.weights.is_some() }))
}

fn norm(w: &[f32]) -> f64 {
    w.iter().map(|w| f64::from(*w).powi(2)).sum::<f64>().sqrt()
}

/// Keras's summary, with the penalties and norms of each parameter, and how much of each layer is at work.
fn summary(shown: &Shown) -> String {
    let mut heads =
        vec!["Layer (type)", "Output Shape", "Param #", "Zeros", "Dead units", "Effective", "Regularizer", "L2 norm"];
    if shown.weights.is_none() {
        heads = vec!["Layer (type)", "Output Shape", "Param #", "Regularizer"];
    }
    let mut rows: Vec<Vec<String>> = vec![heads.into_iter().map(str::to_owned).collect()];
    let mut of_layers: HashMap<&str, Vec<&ParamSlot>> = HashMap::new();
    for slot in &shown.slots {
        let layer = slot.path.split_once('/').map_or("", |(layer, _)| layer);
        of_layers.entry(layer).or_default().push(slot);
    }
    for (i, layer) in shown.layers.iter().enumerate() {
        let sizes = layer.output_shape.sizes().iter().map(|size| format!(", {size}")).collect::<String>();
        let slots = of_layers.remove(layer.name.as_str()).unwrap_or_default();
        let name = |slot: &ParamSlot| slot.path[layer.name.len() + 1..].to_owned();
        let penalties = slots.iter().filter_map(|slot| {
            let text = serde_json::to_string(slot.penalty()?).ok()?;
            Some(format!("{}: {}", name(slot), text.replace(['{', '}', '"'], "").replace(':', "=")))
        });
        let penalties = or_dash(penalties.collect::<Vec<_>>().join("; "));
        let mut row =
            vec![format!("{} ({})", layer.name, layer.kind), format!("(None{sizes})"), layer.parameters.to_string()];
        match shown.sparsity(i) {
            None => row.push(penalties),
            Some(sparsity) => {
                let norms =
                    slots.iter().filter_map(|slot| Some(format!("{} {:.4}", name(slot), norm(shown.of_slot(slot)?))));
                row.extend([
                    sparsity.zeros.to_string(),
                    sparsity.dead_units.map_or("–".to_owned(), |dead| dead.to_string()),
                    sparsity.effective_parameters.to_string(),
                    penalties,
                    or_dash(norms.collect::<Vec<_>>().join(", ")),
                ]);
            }
        }
        rows.push(row);
    }
    let mut text = output::columns(&rows);
    let total = shown.slots.iter().map(|slot| slot.range.len()).sum::<usize>();
    let trainable: usize = shown.slots.iter().filter(|slot| slot.spec.trainable).map(|slot| slot.range.len()).sum();
    let _ = writeln!(text, "Total params: {total} ({})", bytes(total));
    let _ = writeln!(text, "Trainable params: {trainable} ({})", bytes(trainable));
    let _ = writeln!(text, "Non-trainable params: {} ({})", total - trainable, bytes(total - trainable));
    let _ = match &shown.weights {
        Some((_, sparsity)) => {
            let zeros: usize = sparsity.iter().map(|layer| layer.zeros).sum();
            let effective: usize = sparsity.iter().map(|layer| layer.effective_parameters).sum();
            writeln!(text, "Zeros: {zeros}; effective params: {effective} (not 0, and of no dead unit)")
        }
        None => writeln!(text, "The file is larger than 64 MiB, and its weights were not read; --weights reads them."),
    };
    for note in &shown.notes {
        let _ = writeln!(text, "Note: {}: {}", note.layer, note.message);
    }
    text
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
