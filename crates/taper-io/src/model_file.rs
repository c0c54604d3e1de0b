//! Model files: weights as safetensors, with the specification as text in the metadata, and beside it what it takes to use the
//! model: the preparation of its rows, the experiment that it comes from, and what its penalties remember.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;
use taper::table::{Meaning, Prepared};
use taper::{Complaint, Experiment, FitConfig, Model, ModelSpec, ParamSlot, PenaltyState, Term};

use crate::tensor_file::{Tensor, TensorData, Tensors, parse_tensors, read_header, read_tensors, write_tensors};
use crate::training_rows::{TRAINING_ROWS, TrainingRows};
use crate::{Error, Result, json};

const TERMS: usize = Term::ALL.len();

/// The most memory of what stands as text in the metadata, by estimate.
const MOST_TEXT: usize = 128 << 20;

/// The version that this program writes, and the newest it reads.
const VERSION: u32 = 1;

/// A model and what it takes to use it on raw rows.
#[derive(Debug)]
pub struct SavedModel {
    /// The model.
    pub model: Model,
    /// How rows of a table become its inputs and targets, as measured on its training rows.
    pub prepared: Option<Prepared>,
    /// What it was trained by.
    pub experiment: Option<Experiment>,
    /// What else its file says, by the names of the metadata: where it comes from, say. It goes along with the model.
    pub beside: BTreeMap<String, String>,
}

impl SavedModel {
    /// Writes the model with all that stands beside it.
    ///
    /// # Errors
    ///
    /// [`Error::Io`].
    pub fn write(&self, path: &Path) -> Result<()> {
        let mut tensors = saved_tensors(path, &self.model, self.prepared.as_ref(), self.experiment.as_ref())?;
        tensors.metadata.extend(self.beside.clone());
        write_tensors(path, &tensors)
    }

    /// The smaller model of [`taper::compact`] with what stands beside this one: of its preparation what makes the inputs that
    /// are left, if not all are.
    #[must_use]
    pub fn compacted(&self, model: Model, kept_inputs: Option<&[usize]>) -> Self {
        let prepared = match (&self.prepared, kept_inputs) {
            (Some(prepared), Some(kept)) => Some(prepared.keeping(kept)),
            (prepared, _) => prepared.clone(),
        };
        let mut beside = self.beside.clone();
        if let Some(kept) = kept_inputs {
            beside.insert(KEPT.into(), format!("{kept:?}"));
            // Rows without the columns that are cut have other digests.
            beside.remove(TRAINING_ROWS);
        }
        Self { model, prepared, experiment: self.experiment.clone(), beside }
    }

    /// How it was trained or compiled, if that is known.
    #[must_use]
    pub fn fit_config(&self) -> Option<FitConfig> {
        let compiled = || serde_json::from_str(self.beside.get(COMPILED)?).ok();
        self.experiment.as_ref().map(|experiment| experiment.fit.clone()).or_else(compiled)
    }

    /// The same model, compiled so: for one that no experiment trained.
    #[must_use]
    pub fn compiled(mut self, fit: &FitConfig) -> Self {
        if let Ok(text) = serde_json::to_string(fit) {
            self.beside.insert(COMPILED.into(), text);
        }
        self
    }

    /// Whether the model's rows come from a table with named columns.
    #[must_use]
    pub fn is_of_table(&self) -> bool {
        self.prepared.is_some() && self.experiment.as_ref().is_none_or(|experiment| experiment.data.is_table())
    }

    /// What the model's outputs mean.
    #[must_use]
    pub fn meaning(&self) -> Meaning {
        let loss = self.experiment.as_ref().map(|experiment| experiment.fit.loss);
        Meaning::of(self.prepared.as_ref().map(|prepared| &prepared.target), self.model.output_shape().len(), loss)
    }
}

/// A model alone.
impl From<Model> for SavedModel {
    fn from(model: Model) -> Self {
        Self { model, prepared: None, experiment: None, beside: BTreeMap::new() }
    }
}

/// The columns of the larger model's input that a compacted model's consists of.
const KEPT: &str = "taper_kept_inputs";
const PREPARATION: &str = "taper_preparation";
/// How a model was compiled that no experiment trained.
const COMPILED: &str = "taper_fit";
const EXPERIMENT: &str = "taper_experiment";
/// Where a training stands.
pub(crate) const TRAINING: &str = "taper_training";

/// Writes a model: one tensor per parameter by its path, and the specification.
///
/// # Errors
///
/// [`Error::Io`].
pub fn write_model(path: &Path, model: &Model) -> Result<()> {
    write_saved_model(path, model, None, None)
}

/// Writes a model with the preparation of its rows and the experiment that it comes from.
///
/// # Errors
///
/// [`Error::Io`].
pub fn write_saved_model(
    path: &Path,
    model: &Model,
    prepared: Option<&Prepared>,
    experiment: Option<&Experiment>,
) -> Result<()> {
    write_tensors(path, &saved_tensors(path, model, prepared, experiment)?)
}

/// Writes a model that was chosen, with the rows that trained it and where it comes from: data, choice and engine, as JSON in
/// the metadata `taper_provenance`.
///
/// # Errors
///
/// [`Error::Io`].
pub fn write_chosen_model(
    path: &Path,
    model: &Model,
    prepared: Option<&Prepared>,
    experiment: &Experiment,
    trained_on: &TrainingRows,
    provenance: &serde_json::Value,
) -> Result<()> {
    let mut tensors = saved_tensors(path, model, prepared, Some(experiment))?;
    tensors.metadata.insert(TRAINING_ROWS.into(), trained_on.to_text());
    tensors.metadata.insert("taper_provenance".into(), text(path, provenance)?);
    write_tensors(path, &tensors)
}

fn saved_tensors(
    path: &Path,
    model: &Model,
    prepared: Option<&Prepared>,
    experiment: Option<&Experiment>,
) -> Result<Tensors> {
    let mut tensors = tensors_of(path, model)?;
    if let Some(prepared) = prepared {
        tensors.metadata.insert(PREPARATION.into(), text(path, prepared)?);
    }
    if let Some(experiment) = experiment {
        tensors.metadata.insert(EXPERIMENT.into(), text(path, experiment)?);
    }
    Ok(tensors)
}

pub(crate) fn tensors_of(path: &Path, model: &Model) -> Result<Tensors> {
    let mut tensors = Tensors::default();
    for (slot, w) in model.params().iter() {
        tensors.tensors.insert(slot.path.clone(), Tensor::f32(slot.spec.shape.sizes(), w.to_vec()));
    }
    put_penalty_state(&mut tensors, model.params().penalty_state());
    tensors.metadata.insert("taper_version".into(), VERSION.to_string());
    tensors.metadata.insert("taper_model".into(), text(path, model.spec())?);
    Ok(tensors)
}

/// Names of tensors that are no parameters begin so, which no layer's can.
pub(crate) const STATE: &str = "taper:";
const STEER: &str = "taper:penalty_steer";
const START: &str = "taper:penalty_start";
const EPOCH: &str = "taper:penalty_epoch";

/// Strengths that are steered, the weights that a training began with, where a penalty remembers them, and the last epoch.
pub(crate) fn put_penalty_state(tensors: &mut Tensors, state: &PenaltyState) {
    if !state.steer.is_empty() {
        let data = TensorData::F64(state.steer.iter().flatten().copied().collect());
        tensors.tensors.insert(STEER.into(), Tensor { shape: vec![state.steer.len(), Term::ALL.len()], data });
    }
    if !state.start.is_empty() {
        tensors.tensors.insert(START.into(), Tensor::f32([state.start.len()], state.start.to_vec()));
    }
    if state.epoch > 0 {
        let data = TensorData::I64(vec![i64::try_from(state.epoch).unwrap_or(i64::MAX)]);
        tensors.tensors.insert(EPOCH.into(), Tensor { shape: vec![1], data });
    }
}

fn take_penalty_state(tensors: &mut BTreeMap<String, Tensor>) -> Result<PenaltyState, Complaint> {
    let mut state = PenaltyState::default();
    if let Some(tensor) = tensors.remove(STEER) {
        let expected = format!("finite f64 numbers, {} for each parameter", Term::ALL.len());
        let wrong = Complaint::new(format!("tensor `{STEER}`"), expected, format!("{:?}", tensor.shape));
        match tensor.data {
            TensorData::F64(data) if data.iter().all(|x| x.is_finite()) && data.as_chunks::<TERMS>().1.is_empty() => {
                state.steer = data.as_chunks::<TERMS>().0.to_vec();
            }
            _ => return Err(wrong),
        }
    }
    if let Some(tensor) = tensors.remove(START) {
        let start = tensor.into_f32();
        if let Some(x) = start.iter().find(|x| !x.is_finite()) {
            return Err(Complaint::new(format!("tensor `{START}`"), "finite numbers", x));
        }
        state.start = start.into();
    }
    if let Some(tensor) = tensors.remove(EPOCH) {
        let epoch = match tensor.data {
            TensorData::I64(data) if data.len() == 1 => usize::try_from(data[0]).ok(),
            _ => None,
        };
        let wrong = || Complaint::new(format!("tensor `{EPOCH}`"), "one whole number of at least 0", "another");
        state.epoch = epoch.ok_or_else(wrong)?;
    }
    Ok(state)
}

fn text<T: Serialize + ?Sized>(path: &Path, value: &T) -> Result<String> {
    serde_json::to_string(value).map_err(|error| Error::io(path, "writing", std::io::Error::other(error)))
}

/// Reads a model that [`write_model`] wrote.
///
/// # Errors
///
/// A file that is none, of a newer version, or whose tensors do not fit its own specification (all differences are listed);
/// weights that are not finite.
pub fn read_model(path: &Path) -> Result<Model> {
    read_saved_model(path).map(|saved| saved.model)
}

/// Reads the specification of a model that [`write_model`] wrote, and nothing else: however large its weights are, this takes
/// little time and memory.
///
/// # Errors
///
/// As [`read_model`], but for the weights, which are not looked at.
pub fn read_model_spec(path: &Path) -> Result<ModelSpec> {
    let (metadata, sizes) = read_header(path)?;
    let spec = spec_of(path, &metadata)?;
    let slots = Model::plan(&spec).map_err(|error| Error::within(path, error))?;
    check_shapes(path, &slots, |name| sizes.get(name).map(Vec::as_slice), sizes.keys())?;
    Ok(spec)
}

/// Reads a model that [`write_saved_model`] or [`write_model`] wrote, with what stands beside it.
///
/// # Errors
///
/// As [`read_model`], and a preparation that does not make the model's inputs.
pub fn read_saved_model(path: &Path) -> Result<SavedModel> {
    read_with_state(path).map(|(saved, _)| saved)
}

/// [`read_saved_model`], and the tensors that are neither parameters nor of penalties.
pub(crate) fn read_with_state(path: &Path) -> Result<(SavedModel, Tensors)> {
    with_state(path, read_tensors(path)?, false)
}

/// Reads a model from the contents of its file; `path` is only named. `allow_nan`: weights may be NaN or infinite.
///
/// # Errors
///
/// As [`read_saved_model`].
pub fn parse_saved_model(path: &Path, bytes: &[u8], allow_nan: bool) -> Result<SavedModel> {
    with_state(path, parse_tensors(path, bytes)?, allow_nan).map(|(saved, _)| saved)
}

/// [`read_saved_model`] of a model whose weights may be NaN or infinite.
///
/// # Errors
///
/// As [`read_saved_model`], but for such weights.
pub fn read_saved_model_with_nan(path: &Path) -> Result<SavedModel> {
    with_state(path, read_tensors(path)?, true).map(|(saved, _)| saved)
}

/// The specification in a file's metadata.
fn spec_of(path: &Path, metadata: &BTreeMap<String, String>) -> Result<ModelSpec> {
    let wrong = |place: &str, expected: &str, got: String| Error::content(path, Complaint::new(place, expected, got));
    let (Some(version), Some(spec)) = (metadata.get("taper_version"), metadata.get("taper_model")) else {
        return Err(wrong("metadata", "a model written by Taper", "tensors without a specification".into()));
    };
    if version.parse::<u32>().map_or(true, |version| version > VERSION) {
        return Err(wrong("metadata", &format!("version {VERSION} or older"), format!("version {version}")));
    }
    let spec = json::parse(spec.as_bytes()).map_err(|complaint| Error::content(path, complaint.within("metadata")))?;
    for key in ["layers", "nodes"] {
        json::check_layers(key, spec.get(key))
            .map_err(|complaint| Error::content(path, complaint.within("metadata")))?;
    }
    taper::read(spec).map_err(|error| Error::within(path, error.within("metadata")))
}

/// Complains about every parameter that is not there or has another shape, and about tensors that are none.
fn check_shapes<'a>(
    path: &Path,
    slots: &[ParamSlot],
    shape_of: impl Fn(&str) -> Option<&'a [usize]>,
    names: impl Iterator<Item = &'a String>,
) -> Result<()> {
    let mut complaints = Vec::new();
    for slot in slots {
        let place = format!("tensor `{}`", slot.path);
        let shape = || format!("shape {}", slot.spec.shape);
        match shape_of(&slot.path) {
            None => complaints.push(Complaint::new(place, format!("a tensor of {}", shape()), "none")),
            Some(found) if found != slot.spec.shape.sizes() => {
                complaints.push(Complaint::new(place, shape(), format!("{found:?}")));
            }
            Some(_) => {}
        }
    }
    let known: BTreeSet<&str> = slots.iter().map(|slot| slot.path.as_str()).collect();
    for name in names.filter(|name| !known.contains(name.as_str()) && !name.starts_with(STATE)) {
        complaints.push(Complaint::new(format!("tensor `{name}`"), "only parameters of the model", "another"));
    }
    if complaints.is_empty() { Ok(()) } else { Err(Error::Content { path: path.to_owned(), complaints }) }
}

fn with_state(path: &Path, file: Tensors, allow_nan: bool) -> Result<(SavedModel, Tensors)> {
    let spec = spec_of(path, &file.metadata)?;
    // What the specification asks for is compared with what is there before anything is allocated for it.
    let slots = Model::plan(&spec).map_err(|error| Error::within(path, error))?;
    let mut tensors = file.tensors;
    let shape_of = |name: &str| tensors.get(name).map(|tensor| tensor.shape.as_slice());
    check_shapes(path, &slots, shape_of, tensors.keys())?;

    let mut complaints = Vec::new();
    let mut weights = Vec::with_capacity(slots.last().map_or(0, |slot| slot.range.end));
    for slot in &slots {
        // Taken out, so that no weight is in memory more than twice.
        let w = tensors.remove(&slot.path).map_or(vec![], Tensor::into_f32);
        if let Some(position) = w.iter().position(|w| !w.is_finite()).filter(|_| !allow_nan) {
            let place = format!("tensor `{}`, entry {position}", slot.path);
            complaints.push(Complaint::new(place, "a finite number", w[position]));
        }
        weights.extend(w);
    }
    if !complaints.is_empty() {
        return Err(Error::Content { path: path.to_owned(), complaints });
    }
    let mut model = Model::with_weights(spec, weights).map_err(|error| Error::within(path, error))?;
    let penalties = take_penalty_state(&mut tensors).map_err(|complaint| Error::content(path, complaint))?;
    let set = model.params_mut().set_penalty_state(penalties);
    set.map_err(|error| Error::within(path, error.within("penalties")))?;
    let prepared = metadata::<Prepared>(path, &file.metadata, PREPARATION)?;
    if let Some(prepared) = &prepared {
        prepared.validate().map_err(|error| Error::within(path, error.within("preparation")))?;
        let (makes, takes) = (prepared.width(), model.input_shape().len());
        if makes != takes {
            let complaint = Complaint::new("preparation", format!("{takes} inputs, as the model takes"), makes);
            return Err(Error::content(path, complaint));
        }
    }
    let experiment = metadata::<Experiment>(path, &file.metadata, EXPERIMENT)?;
    let mut metadata = file.metadata;
    metadata.retain(|key, _| !["taper_version", "taper_model", PREPARATION, EXPERIMENT].contains(&key.as_str()));
    let mut beside = metadata.clone();
    beside.remove(TRAINING); // which belongs to the tensors that are no parameters
    Ok((SavedModel { model, prepared, experiment, beside }, Tensors { tensors, metadata }))
}

/// A value that stands as text in the metadata.
pub(crate) fn metadata<T: DeserializeOwned>(
    path: &Path,
    metadata: &BTreeMap<String, String>,
    key: &str,
) -> Result<Option<T>> {
    let Some(text) = metadata.get(key) else { return Ok(None) };
    let value = json::parse_within(text.as_bytes(), MOST_TEXT)
        .map_err(|complaint| Error::content(path, complaint.within(format!("metadata, {key}"))))?;
    taper::read(value).map(Some).map_err(|error| Error::within(path, error.within(key)))
}

#[cfg(test)]
mod tests;
