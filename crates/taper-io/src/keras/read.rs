//! Reading a whole file.

use std::borrow::Cow;
use std::path::Path;

use taper::{Complaint, FitConfig, Model, ModelSpec, OptimizerState, ParamSlot, Result, Seed};

use super::class::Object;
use super::container::Contents;
use super::emit::{Branch, emit};
use super::generation::Generation;
use super::note::{self, Note};
use super::scope::scope;
use super::settings::CompileSettings;
use super::variable::{self, Layout};
use super::write::{flat, in_order, layers};
use super::{CONFIG, METADATA, WEIGHTS, legacy, named};
use crate::archive::Entries;
use crate::file::{MOST_MODEL, open_file, read_file};
use crate::hdf5::{Attributes, File, Group};
use crate::{Error, Format, archive, json};

/// A Keras model: weights, and how it was compiled and trained so far.
#[derive(Debug)]
pub struct KerasModel {
    /// The model with its weights.
    pub model: Model,
    /// Loss, optimizer and metrics, if it was compiled and all of it is understood. Epochs, batch size and the like are not in the
    /// file: defaults.
    pub fit: Option<FitConfig>,
    /// What the optimizer remembers, if it has begun.
    pub optimizer: Option<OptimizerState>,
    /// What the file says that nothing comes of.
    pub notes: Vec<Note>,
    /// How it was compiled, as far as that is understood.
    pub settings: CompileSettings,
    /// Its layers as they lie in files: in their models. Empty: none is in a model of its own.
    branches: Vec<Branch>,
}

impl KerasModel {
    /// A model that was not compiled.
    #[must_use]
    pub fn new(model: Model) -> Self {
        Self {
            model,
            fit: None,
            optimizer: None,
            notes: vec![],
            settings: CompileSettings::default(),
            branches: vec![],
        }
    }

    /// Reads the weights of an HDF5 file into the model, as [`read_keras_weights`] does; its layers may be in models of their own.
    ///
    /// # Errors
    ///
    /// As [`read_keras`]. The model is untouched then.
    pub fn read_weights(&mut self, path: &Path, options: &ReadOptions) -> crate::Result<()> {
        if self.branches.is_empty() {
            return read_keras_weights(path, &mut self.model, options);
        }
        let weights = weight_files(path)?;
        let slots = self.model.params().slots();
        let read = Files::open(&weights).and_then(|files| files.weights(&self.branches, slots, options));
        let weights = read.map_err(|error| Error::within(path, error))?;
        self.model.params_mut().data_mut().copy_from_slice(&weights);
        Ok(())
    }

    /// Puts a `loss`, an `optimizer` or `metrics` in the place of what the file says. A new optimizer remembers nothing.
    ///
    /// # Errors
    ///
    /// What is not understood.
    pub fn recompile(&mut self, key: &str, value: serde_json::Value) -> Result<()> {
        self.settings.replace(key, value)?;
        self.fit = self.settings.fit().unwrap_or_default();
        if key == "optimizer" {
            self.optimizer = None;
        }
        Ok(())
    }
}

/// How strict to be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ReadOptions {
    /// Whether weights may be NaN or infinite. Default: no.
    pub allow_nan: bool,
}

/// Reads a model of Keras 2 or 3: a `.keras` archive or folder, an HDF5 file of a whole model, or a description in JSON, whose
/// weights then begin as its initializers say.
///
/// # Errors
///
/// A file that cannot be read; anything in it that is damaged, not on the closed list of what is understood (named, all of it at
/// once), or does not fit together (weights and configuration: all differences). How the model was compiled is never an error here:
/// see [`KerasModel::settings`].
pub fn read_keras(path: &Path, options: &ReadOptions) -> crate::Result<KerasModel> {
    if path.is_dir() {
        let entries = folder_entries(path)?;
        let read = Contents::of_entries(entries).and_then(|contents| model(contents, options));
        return read.map_err(|error| Error::within(path, error));
    }
    let bytes = read_file(path, MOST_MODEL)?;
    read_keras_bytes(&bytes, options).map_err(|error| Error::within(path, error))
}

/// Reads what a `.keras` archive says of its model, and not its weights: however large these are, it takes little time and memory.
///
/// # Errors
///
/// As [`read_keras`], but for the weights, which are not looked at.
pub fn read_keras_spec(path: &Path) -> crate::Result<ModelSpec> {
    let (file, length) = open_file(path)?;
    let texts = archive::small_entries(file, length, &[METADATA, CONFIG])
        .map_err(|source| Error::io(path, "reading", source))?
        .map_err(|complaint| Error::content(path, complaint))?;
    let read = || -> Result<ModelSpec> {
        let mut entries: Entries<'_> =
            [METADATA, CONFIG].iter().zip(&texts).map(|(name, text)| ((*name).to_owned(), Cow::from(text))).collect();
        entries.push((WEIGHTS.to_owned(), Cow::from(&[])));
        let Contents { generation, config, .. } = Contents::of_entries(entries)?;
        let inside = |error: taper::Error| error.within(CONFIG);
        let object = Object::new(config, "a model").map_err(taper::Error::from).map_err(inside)?;
        let (spec, _) = scope(object, generation).and_then(whole).map_err(inside)?;
        let numbers = Model::plan(&spec).map_err(inside)?.last().map_or(0, |slot| slot.range.end);
        if numbers as u64 > length / 4 {
            let expected = format!("{numbers} numbers, as the configuration says");
            return Err(Complaint::new(WEIGHTS, expected, format!("a file of {length} bytes")).into());
        }
        Ok(spec)
    };
    read().map_err(|error| Error::within(path, error))
}

/// Reads the contents of such a file.
///
/// # Errors
///
/// As [`read_keras`].
pub fn read_keras_bytes(bytes: &[u8], options: &ReadOptions) -> Result<KerasModel> {
    model(Contents::of(bytes)?, options)
}

/// Whether a file is a model of Keras's: by its ending, a folder by what is in it, and JSON by what it says.
#[must_use]
pub fn is_keras(path: &Path) -> bool {
    const MOST_BYTES: u64 = 16 << 20;
    if path.is_dir() {
        return path.join(METADATA).is_file() && path.join(CONFIG).is_file();
    }
    match Format::of(path) {
        Some(Format::Keras | Format::Hdf5) => true,
        Some(Format::Json) => {
            let value = read_file(path, MOST_BYTES).ok().and_then(|text| json::parse(&text).ok());
            let has = |key: &str| value.as_ref().is_some_and(|value| value.get(key).is_some());
            has("class_name") && has("config") || has("weight_map")
        }
        _ => false,
    }
}

/// The files of a folder that holds what an archive would.
fn folder_entries(path: &Path) -> crate::Result<Entries<'static>> {
    const MOST_FILES: usize = 64;
    let fail = |source| Error::io(path, "reading", source);
    let mut entries = Entries::new();
    for entry in std::fs::read_dir(path).map_err(fail)? {
        let entry = entry.map_err(fail)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if entries.len() >= MOST_FILES {
            return Err(Error::content(path, Complaint::new("", format!("at most {MOST_FILES} files"), "more")));
        }
        let empty = entry.path().is_dir() && std::fs::read_dir(entry.path()).map_err(fail)?.next().is_none();
        if !empty {
            entries.push((name, Cow::Owned(read_file(&entry.path(), MOST_MODEL)?)));
        }
    }
    Ok(entries)
}

fn model(contents: Contents<'_>, options: &ReadOptions) -> Result<KerasModel> {
    let Contents { generation, config, compile, weights } = contents;
    let is_old = compile.get("optimizer").is_some_and(legacy::is_old);
    let mut settings = CompileSettings::read(compile, generation);
    let inside = |error: taper::Error| error.within(CONFIG);
    let notes = note::notes(&config);
    let read = Object::new(config, "a model").map_err(Into::into).and_then(|object| scope(object, generation));
    let (spec, branches) = read.and_then(whole).map_err(inside)?;
    let Some(weights) = weights.map(|weights| [weights]) else {
        let model = Model::build(spec, Seed::new(1)).map_err(inside)?;
        let fit = settings.fit().unwrap_or_default();
        return Ok(KerasModel { model, fit, optimizer: None, notes, settings, branches });
    };
    let slots = Model::plan(&spec).map_err(inside)?;
    let files = Files::open(&weights)?;
    let numbers = files.weights(&branches, &slots, options)?;
    let optimizer = match settings.optimizer() {
        Some(mut optimizer) => {
            let before = optimizer.clone();
            let read = files.optimizer(&mut optimizer, generation, is_old, &slots);
            if optimizer != before {
                settings.set_optimizer(&optimizer)?;
            }
            match read {
                Ok(state) => state,
                Err(error) => {
                    settings.object(&error);
                    None
                }
            }
        }
        None => None,
    };
    let fit = settings.fit().unwrap_or_default();
    Ok(KerasModel { model: Model::with_weights(spec, numbers)?, fit, optimizer, notes, settings, branches })
}

/// The model that a configuration says.
fn whole(scope: super::scope::Scope) -> Result<(ModelSpec, Vec<Branch>)> {
    let Some(shape) = scope.input_shape.iter().copied().collect::<Option<Vec<usize>>>() else {
        let sizes = |size: &Option<usize>| size.map_or("None".to_owned(), |size| size.to_string());
        let got = scope.input_shape.iter().map(sizes).collect::<Vec<_>>().join(", ");
        let expected = "sizes that are known (rows may be any number, all else is fixed)";
        return Err(Complaint::new("batch_shape", expected, format!("(None, {got})")).into());
    };
    emit(scope, shape)
}

/// Files of weights, opened.
struct Files<'a> {
    bytes: Vec<&'a [u8]>,
    names: Vec<&'a str>,
    roots: Vec<Group<'a>>,
}

impl<'a> Files<'a> {
    fn open(weights: &'a [(String, Cow<'a, [u8]>)]) -> Result<Self> {
        let root =
            |(name, bytes): &'a (String, Cow<'a, [u8]>)| File::root(bytes).map_err(|complaint| complaint.within(name));
        Ok(Self {
            bytes: weights.iter().map(|(_, bytes)| bytes.as_ref()).collect(),
            names: weights.iter().map(|(name, _)| name.as_str()).collect(),
            roots: weights.iter().map(root).collect::<Result<_, _>>()?,
        })
    }

    fn len(&self) -> usize {
        self.bytes.iter().map(|bytes| bytes.len()).sum()
    }

    /// Where complaints are about.
    fn place(&self) -> &'a str {
        self.names.first().copied().unwrap_or_default()
    }

    fn weights(&self, branches: &[Branch], slots: &[ParamSlot], options: &ReadOptions) -> Result<Vec<f32>> {
        let layout = Layout::new(branches, slots);
        let read = || {
            let mut attributes = Attributes::new(self.bytes[0]);
            let weights = match named::group_of_layers(&self.roots[0], &mut attributes)? {
                Some(group) => named::weights(&group, &mut attributes, &layout, slots, self.len())?,
                None => variable::weights(&self.roots, &layout, slots, self.len())?,
            };
            if !options.allow_nan {
                variable::check_finite(&weights, slots)?;
            }
            Ok(weights)
        };
        read().map_err(|error: taper::Error| error.within(self.place()))
    }

    fn optimizer(
        &self,
        optimizer: &mut taper::Optimizer,
        generation: Generation,
        old: bool,
        slots: &[ParamSlot],
    ) -> Result<Option<OptimizerState>> {
        for (root, bytes) in self.roots.iter().zip(&self.bytes) {
            let mut attributes = Attributes::new(bytes);
            let state = match root.group("optimizer_weights").map_err(taper::Error::from)? {
                Some(_) => named::optimizer_state(root, &mut attributes, optimizer, old, slots, self.len())?,
                None => variable::optimizer_state(root, optimizer, generation, slots, self.len())
                    .map_err(|error| error.within(self.place()))?,
            };
            if state.is_some() {
                return Ok(state);
            }
        }
        Ok(None)
    }
}

/// A file of weights; or a list of files, `.weights.json`, and those beside it that each hold a part.
fn weight_files(path: &Path) -> crate::Result<Entries<'static>> {
    const MOST_FILES: usize = 4096;
    let bytes = read_file(path, MOST_MODEL)?;
    if Format::of(path) != Some(Format::Json) {
        return Ok(vec![(String::new(), Cow::Owned(bytes))]);
    }
    let list = json::parse(&bytes).map_err(|complaint| Error::content(path, complaint))?;
    let map = list.get("weight_map").and_then(serde_json::Value::as_object);
    let mut names: Vec<&str> = map
        .into_iter()
        .flatten()
        .flat_map(|(_, file)| match file {
            serde_json::Value::Array(files) => files.iter().filter_map(serde_json::Value::as_str).collect(),
            file => file.as_str().into_iter().collect::<Vec<_>>(),
        })
        .collect();
    names.sort_unstable();
    names.dedup();
    let plain = |name: &&str| !name.contains(['/', '\\', ':']) && name.ends_with(".weights.h5");
    if names.is_empty() || names.len() > MOST_FILES || !names.iter().all(plain) {
        let expected = "a list of files of weights (weight_map), plain names that end in .weights.h5";
        return Err(Error::content(path, Complaint::new("", expected, super::class::brief(&list))));
    }
    let folder = path.parent().unwrap_or(Path::new(""));
    names
        .into_iter()
        .map(|name| Ok((name.to_owned(), Cow::Owned(read_file(&folder.join(name), MOST_MODEL)?))))
        .collect()
}

/// Reads the weights of an HDF5 file into a model: a `.weights.h5` of Keras 3, the weights of Keras 2 by names of layers, or those
/// of a whole model.
///
/// # Errors
///
/// As [`read_keras`]. The model is untouched then.
pub fn read_keras_weights(path: &Path, model: &mut Model, options: &ReadOptions) -> crate::Result<()> {
    let weights = weight_files(path)?;
    let read = || -> Result<Vec<f32>> {
        let layers = layers(model);
        let (specs, slots) = in_order(&layers, model);
        Files::open(&weights)?.weights(&flat(&specs), &slots, options)
    };
    let weights = read().map_err(|error| Error::within(path, error))?;
    model.params_mut().data_mut().copy_from_slice(&weights);
    Ok(())
}
